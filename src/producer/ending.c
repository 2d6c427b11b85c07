/* SPDX-License-Identifier: Apache-2.0 */
/* Purge, close and departure of the loop's side. Whatever happens, every batch gets its outcome
 * first, and the loop's reference to the producer goes only when none of its calls is under way.
 * Thread: loop. */
#include "base/mem.h"
#include "producer/producer.h"

void kci_sender_close_open(kc_producer *p)
{
    kci_append a = { 0 };
    kci_gate_enter(&p->accum.gate);
    kci_accum_close_all(p, INT64_MAX, &a);
    a.tell = false;
    kci_accum_leave(p, &a);
    kci_sender_collect(p);
}

void kci_sender_purge(kc_producer *p, bool in_flight, kc_err err)
{
    kci_sender_close_open(p);
    kci_link *at = kci_list_first(&p->sender.live);
    while (at) {
        kci_send_batch *b = KCI_CONTAINER_OF(at, kci_send_batch, live);
        at = kci_list_next(&p->sender.live, at);
        if (b->on_wire && !in_flight)
            continue;
        kci_failure why = { .err = err, .undecided = b->on_wire };
        kci_batch_give_up(p, b, &why);
    }
}

static void stop_timers(kc_producer *p)
{
    kci_sender *s = &p->sender;
    kci_timer *timers[] = { &s->open_timer, &s->retry_timer, &s->delivery_timer, &s->close_timer };
    for (size_t i = 0; i < KCI_COUNT_OF(timers); i++)
        kci_timer_stop(p->loop, timers[i]);
}

/* Parts point to each other through these lists, which are not looked at any more. */
static void forget_parts(kci_sender *s)
{
    for (kci_link *at; (at = kci_list_pop_front(&s->parts));) {
        kci_part *part = KCI_CONTAINER_OF(at, kci_part, link);
        kci_link_remove(&part->ready_link);
        kci_link_remove(&part->pause_link);
        kci_link_remove(&part->seal_link);
        part->peer = NULL;
    }
}

static void drop_topics(kc_producer *p)
{
    kc_bytes name;
    void *topic;
    kci_gate_enter(&p->accum.gate);
    for (uint32_t at = 0; kci_map_next(&p->accum.topics.map, &at, &name, &topic);) {
        if (((kci_send_topic *)topic)->wanted)
            kci_client_drop_topic(p->client, name);
        ((kci_send_topic *)topic)->wanted = false;
    }
    kci_gate_leave(&p->accum.gate);
}

static void detach(kc_producer *p)
{
    kci_sender *s = &p->sender;
    s->phase = KCI_SENDER_GONE;
    atomic_store_explicit(&s->attached, false, memory_order_release);
    stop_timers(p);
    kci_loop_undefer(p->loop, &s->turn);
    kci_loop_reserve_timers(p->loop, -KCI_SENDER_TIMERS);
    forget_parts(s);
    drop_topics(p);
    kci_user_remove(p->client, &s->user);
    kci_producer_unref(p);
}

void kci_sender_check_end(kc_producer *p)
{
    kci_sender *s = &p->sender;
    if (s->phase == KCI_SENDER_ENDING && kci_list_is_empty(&s->live))
        kci_sender_leave(p);
    else if (s->phase == KCI_SENDER_LEAVING && kci_list_is_empty(&s->requests) && !s->ids.asking)
        detach(p);
}

void kci_sender_leave(kc_producer *p)
{
    kci_sender *s = &p->sender;
    if (s->phase >= KCI_SENDER_LEAVING)
        return;
    s->phase = KCI_SENDER_LEAVING;
    stop_timers(p);
    kci_ids_stop(p);
    kci_link *at = kci_list_first(&s->requests);
    while (at) {
        kci_link *next = kci_list_next(&s->requests, at);
        kci_request_cancel(p, at);
        at = next;
    }
    kci_sender_check_end(p);
}

void kci_sender_on_client_close(kc_producer *p, int64_t deadline_us)
{
    kci_sender *s = &p->sender;
    kci_append a = { 0 };
    if (s->phase != KCI_SENDER_OPEN)
        return;
    s->phase = KCI_SENDER_ENDING;
    kci_gate_enter(&p->accum.gate);
    p->accum.closing = true;
    kci_accum_close_all(p, INT64_MAX, &a);
    a.tell = false;
    kci_accum_leave(p, &a);
    kci_waiters_wake(&p->waiters, KCI_WAIT_ROOM | KCI_WAIT_METADATA);
    kci_sender_collect(p);
    kci_timer_set(p->loop, &s->close_timer, deadline_us);
    kci_sender_check_end(p);
}
