/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/agenda.h"

#include "base/mem.h"

enum { FAILURES_MAX = 30 }; /* the pauses have reached their longest long before */

void kci_agenda_init(kci_agenda *a, kci_loop *loop, uint64_t seed)
{
    a->loop = loop;
    kci_list_init(&a->todo);
    kci_list_init(&a->waiting);
    a->due_us = INT64_MAX;
    kci_random_seed(&a->random, seed);
}

void kci_agenda_set_backoff(kci_agenda *a, int64_t base_us, int64_t max_us)
{
    a->backoff = (kci_backoff){ base_us, max_us };
}

void kci_agenda_stop(kci_agenda *a)
{
    kci_timer_stop(a->loop, &a->timer);
}

void kci_agenda_remove(kci_agenda_item *item)
{
    kci_link_remove(&item->link);
    item->waiting = false;
}

void kci_agenda_todo(kci_agenda *a, kci_agenda_item *item)
{
    if (item->waiting)
        kci_agenda_remove(item);
    if (!kci_link_is_on(&item->link))
        kci_list_push_back(&a->todo, &item->link);
}

kci_agenda_item *kci_agenda_next(kci_agenda *a)
{
    kci_link *l = kci_list_pop_front(&a->todo);
    return l ? KCI_CONTAINER_OF(l, kci_agenda_item, link) : NULL;
}

void kci_agenda_wait(kci_agenda *a, kci_agenda_item *item, int64_t at_us)
{
    item->not_before = at_us;
    kci_link_remove(&item->link);
    kci_list_push_back(&a->waiting, &item->link);
    item->waiting = true;
    kci_agenda_due_at(a, at_us);
}

int64_t kci_agenda_delay(kci_agenda *a, uint32_t times)
{
    return kci_backoff_delay(&a->backoff, times, &a->random);
}

void kci_agenda_pause(kci_agenda *a, kci_agenda_item *item, uint32_t times)
{
    kci_agenda_wait(a, item, kci_agenda_now(a) + kci_agenda_delay(a, times));
}

void kci_agenda_retry(kci_agenda *a, kci_agenda_item *item)
{
    item->failures += item->failures < FAILURES_MAX;
    kci_agenda_pause(a, item, item->failures);
}

void kci_agenda_succeeded(kci_agenda_item *item)
{
    item->failures = 0;
}

void kci_agenda_no_pause(kci_agenda_item *item)
{
    item->not_before = 0;
}

bool kci_agenda_is_due(const kci_agenda *a, const kci_agenda_item *item)
{
    return item->not_before <= kci_agenda_now(a);
}

void kci_agenda_due_at(kci_agenda *a, int64_t at_us)
{
    if (at_us >= a->due_us)
        return;
    a->due_us = at_us;
    kci_timer_set(a->loop, &a->timer, at_us);
}

void kci_agenda_wake(kci_agenda *a)
{
    a->due_us = INT64_MAX;
    for (kci_link *l = kci_list_first(&a->waiting), *next; l; l = next) {
        next = kci_list_next(&a->waiting, l);
        kci_agenda_item *item = KCI_CONTAINER_OF(l, kci_agenda_item, link);
        if (kci_agenda_is_due(a, item))
            kci_agenda_todo(a, item);
        else
            kci_agenda_due_at(a, item->not_before);
    }
}
