/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sharer.h"

#include "base/mem.h"
#include "core/state.h"

void kci_sharer_add(kc_client *client, kci_sharer *sharer)
{
    kci_list_push_back(&client->sharers, &sharer->link);
}

void kci_sharer_remove(kci_sharer *sharer)
{
    kci_link_remove(&sharer->link);
}

kci_shared kci_sharer_look(kc_client *client, const kci_sharer *self, int64_t since_us)
{
    kci_shared shared = { 0, false };
    const kci_list *list = &client->sharers;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        const kci_sharer *s = KCI_CONTAINER_OF(l, kci_sharer, link);
        if (s == self || s->node != self->node ||
            !atomic_load_explicit(&s->active, memory_order_relaxed))
            continue;
        shared.others++;
        shared.busy |= s->brought_us > 0 && s->brought_us >= since_us;
    }
    return shared;
}
