/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/queue.h"

#include "base/mem.h"
#include "base/planted.h"

void kci_ready_list_init(kci_ready_list *ready)
{
    kci_list_init(&ready->list);
}

kci_queue *kci_ready_list_first(const kci_ready_list *ready)
{
    kci_link *l = kci_list_first(&ready->list);
    return l ? KCI_CONTAINER_OF(l, kci_queue, link) : NULL;
}

void kci_queue_init(kci_queue *q, kci_ready_list *ready)
{
    *q = (kci_queue){ .ready = ready, .end_offset = -1 };
}

bool kci_queue_may_read(const kci_queue *q)
{
    return q->first && (!q->paused || KCI_BUG(PAUSE_IGNORED));
}

/* On the ready list, or off it, by what there is. */
static void offer(kci_queue *q)
{
    if (!kci_queue_may_read(q) && q->trouble.err == KC_OK && !q->at_end) {
        kci_link_remove(&q->link);
        return;
    }
    if (!kci_link_is_on(&q->link))
        kci_list_push_back(&q->ready->list, &q->link);
    if (q->trouble.err != KC_OK || !KCI_BUG(NEWS_UNTOLD))
        kci_event_signal(q->ready->event);
}

static void remove_first(kci_queue *q)
{
    kci_slice *s = q->first;
    q->first = s->next;
    if (!q->first)
        q->last = NULL;
    q->bytes -= s->size;
    kci_fetched_unref(s->owner);
}

void kci_queue_clear(kci_queue *q)
{
    while (q->first)
        remove_first(q);
    kci_link_remove(&q->link);
}

void kci_queue_put(kci_queue *q, kci_slice *s, size_t limit)
{
    kci_fetched_ref(s->owner);
    s->next = NULL;
    if (q->last)
        q->last->next = s;
    else
        q->first = s;
    q->last = s;
    q->bytes += s->size;
    q->at_end = q->at_end && KCI_BUG(END_NOT_WITHDRAWN);
    if (s->tail_error != KC_OK) {
        kci_queue_hold(q);
    } else if (q->bytes > limit) {
        q->full = true;
        q->resume_bytes = limit;
    }
    offer(q);
}

void kci_queue_pop(kci_queue *q)
{
    remove_first(q);
    kci_link_remove(&q->link);
    offer(q);
}

void kci_queue_drop(kci_queue *q)
{
    while (q->first)
        remove_first(q);
    q->full = false;
    offer(q);
}

bool kci_queue_hold(kci_queue *q)
{
    if (!q->first)
        return false;
    q->full = true;
    q->resume_bytes = 0;
    return true;
}

bool kci_queue_resume(kci_queue *q)
{
    if (!q->full || q->bytes > q->resume_bytes || KCI_BUG(ROOM_UNTOLD))
        return false;
    q->full = false;
    return true;
}

void kci_queue_pause(kci_queue *q, bool paused)
{
    q->paused = paused;
    offer(q);
}

void kci_queue_reach_end(kci_queue *q, int64_t offset)
{
    bool again = q->end_offset == offset && !KCI_BUG(END_TOLD_AGAIN);
    if (q->first || again || KCI_BUG(END_NOT_TOLD))
        return;
    q->at_end = true;
    q->end_offset = offset;
    offer(q);
}

void kci_queue_withdraw_end(kci_queue *q, int64_t end)
{
    if (!q->at_end || end <= q->end_offset || KCI_BUG(END_NOT_WITHDRAWN))
        return;
    q->at_end = false;
    q->end_offset = -1;
    offer(q);
}

void kci_queue_begin(kci_queue *q)
{
    q->at_end = false;
    q->end_offset = -1;
    kci_queue_drop(q);
}

void kci_queue_forget_events(kci_queue *q)
{
    q->trouble = (kci_trouble){ 0 };
    q->told = KC_OK;
    q->at_end = false;
    offer(q);
}

void kci_queue_stop(kci_queue *q, kci_trouble trouble)
{
    q->at_end = false;
    kci_queue_drop(q);
    q->trouble = trouble;
    offer(q);
}

bool kci_queue_report(kci_queue *q, kci_trouble trouble)
{
    if (q->told == trouble.err)
        return false;
    q->told = trouble.err;
    q->trouble = trouble;
    offer(q);
    return true;
}

void kci_queue_went_away(kci_queue *q)
{
    q->told = KC_OK;
}

kci_trouble kci_queue_take_trouble(kci_queue *q)
{
    kci_trouble trouble = q->trouble;
    q->trouble = (kci_trouble){ 0 };
    offer(q);
    return trouble;
}

bool kci_queue_take_end(kci_queue *q)
{
    bool at_end = q->at_end;
    q->at_end = false;
    offer(q);
    return at_end;
}
