/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/consumer.h"

kci_source *kci_source_get(kc_consumer *c, int32_t node)
{
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->id == node)
            return s;
    }
    kci_source *s = kci_alloc(sizeof *s);
    if (!s)
        return NULL;
    *s = (kci_source){ .consumer = c, .id = node };
    kci_session_init(&s->session);
    kci_list_push_back(list, &s->link);
    return s;
}

void kci_sources_drop(kc_consumer *c)
{
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list), *next; l; l = next) {
        next = kci_list_next(list, l);
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        bool known = !c->detached && kci_metadata_node(c->known.metadata, s->id);
        if (known || s->in_flight || !kci_list_is_empty(&s->session.parts))
            continue;
        kci_link_remove(l);
        kci_session_free(&s->session);
        kci_free(s);
    }
}

void kci_source_lead_until(kci_source *s, int64_t until_us)
{
    s->leads_until = until_us;
}
