/* SPDX-License-Identifier: Apache-2.0 */
/* The end of an open batch: closed when it is full or has lingered, sealed, and handed to the loop.
 */
#include "base/mem.h"
#include "producer/producer.h"

enum {
    /* Bytes that are worth waking the loop for before linger.ms has passed: fewer wake-ups than
     * batches when batches are small and many. */
    TELL_BYTES = 128 * 1024,
    /* A batch that has been open for so long reads the clock for each record. */
    STALE_US = 10000
};

static kci_send_batch *batch_of(kci_link *link)
{
    return link ? KCI_CONTAINER_OF(link, kci_send_batch, link) : NULL;
}

static void hand_over(kci_accum *accum, kci_send_batch *b)
{
    kci_send_batch *head = atomic_load_explicit(&accum->handed, memory_order_relaxed);
    do {
        b->next = head;
    } while (!atomic_compare_exchange_weak_explicit(&accum->handed, &head, b, memory_order_release,
                                                    memory_order_relaxed));
}

void kci_accum_close(kc_producer *p, kci_part *part, kci_append *a)
{
    kci_accum *accum = &p->accum;
    kci_send_batch *b = part->open;
    if (!b)
        return;
    part->open = NULL;
    kci_link_remove(&b->link);
    b->count = b->writer.count;
    b->first = part->next_first;
    part->next_first += b->count;
    b->id = ++accum->last_id;
    b->deadline_us = b->opened_us + p->conf.delivery_timeout_us;
    atomic_fetch_add_explicit(&part->backlog, 1, memory_order_relaxed);
    b->in_backlog = true;
    kci_send_batch_use(b); /* the sealing's */
    accum->untold += b->writer.chunks.size;

    if (!a->seal_end)
        a->seal_end = &a->to_seal;
    *a->seal_end = b;
    a->seal_end = &b->seal_next;
    hand_over(accum, b);
    if (!b->listed || p->conf.linger_us == 0 || accum->untold >= TELL_BYTES) {
        accum->untold = 0;
        a->tell = true;
    }
}

void kci_accum_close_all(kc_producer *p, int64_t before_us, kci_append *a)
{
    kci_list *lists[2] = { &p->accum.due, &p->accum.open };
    for (int i = 0; i < 2; i++) {
        for (;;) {
            kci_send_batch *b = batch_of(kci_list_first(lists[i]));
            if (!b || b->opened_us >= before_us)
                break;
            kci_accum_close(p, b->part, a);
        }
    }
}

void kci_accum_seal(kc_producer *p, kci_send_batch *b)
{
    kci_sealer_seal(&p->sealer, b);
    atomic_store(&b->sealed, true);
    if (atomic_load(&b->collected))
        kci_sender_post(p);
    if (kci_send_batch_unuse(b) || p->conf.codec != KCI_CODEC_NONE)
        kci_producer_tell_room(p);
}

void kci_accum_leave(kc_producer *p, kci_append *a)
{
    kci_gate_leave(&p->accum.gate);
    while (a->to_seal) {
        kci_send_batch *b = a->to_seal;
        a->to_seal = b->seal_next;
        kci_accum_seal(p, b);
    }
    a->seal_end = NULL;
    if (a->tell)
        kci_sender_post(p);
    a->tell = false;
}

kci_send_batch *kci_accum_collect(kci_accum *a)
{
    kci_send_batch *newest = atomic_exchange_explicit(&a->handed, NULL, memory_order_acquire);
    kci_send_batch *oldest = NULL;
    while (newest) {
        kci_send_batch *next = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}

/* When a batch that is still open needs the loop's attention next. */
static int64_t next_look(const kc_producer *p, const kci_send_batch *b)
{
    int64_t lingers_until = b->opened_us + p->conf.linger_us;
    int64_t stale_from = b->opened_us + STALE_US;
    return !b->stale && stale_from < lingers_until ? stale_from : lingers_until;
}

int64_t kci_accum_watch(kc_producer *p, int64_t now_us, bool pressed,
                        void (*due)(kc_producer *p, kci_send_batch *b))
{
    kci_accum *accum = &p->accum;
    int64_t next = INT64_MAX;
    kci_link *at = kci_list_first(&accum->open);
    while (at) {
        kci_send_batch *b = batch_of(at);
        at = kci_list_next(&accum->open, at);
        if (b->opened_us + STALE_US <= now_us)
            b->stale = true;
        if (pressed || b->opened_us + p->conf.linger_us <= now_us) {
            kci_link_remove(&b->link);
            b->listed = false;
            b->stale = true;
            kci_list_push_back(&accum->due, &b->link);
            due(p, b);
            continue;
        }
        int64_t look = next_look(p, b);
        next = look < next ? look : next;
        if (!b->stale)
            break; /* what follows is younger, and due later in both respects */
    }
    accum->watched = !kci_list_is_empty(&accum->open);
    return next;
}

int64_t kci_accum_oldest_due(const kci_accum *a)
{
    const kci_send_batch *b = batch_of(kci_list_first(&a->due));
    return b ? b->opened_us : INT64_MAX;
}
