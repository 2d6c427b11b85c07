/* SPDX-License-Identifier: Apache-2.0 */
/* Purge, close and departure of the loop's side (core/resident.h). Whatever happens, every batch
 * gets its outcome first, and the loop lets go of the producer only when none of its calls is under
 * way. Thread: loop. */
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
    kci_timer *timers[] = { &s->open_timer, &s->retry_timer, &s->delivery_timer, &s->stuck.timer,
                            &s->idle_timer };
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
            kci_client_drop_topic_created(p->client, name, 0);
        ((kci_send_topic *)topic)->wanted = false;
    }
    kci_gate_leave(&p->accum.gate);
}

/* No more records, for that reason; all that there are go to the loop. Whoever waits to send is told.
 */
static void take_the_last(kc_producer *p, kc_err refusal)
{
    kci_gate_enter(&p->accum.gate);
    p->accum.refusal = refusal;
    kci_gate_leave(&p->accum.gate);
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_ROOM | KCI_WAIT_METADATA);
    kci_sender_close_open(p);
}

void kci_sender_fail(kc_producer *p, kc_err err)
{
    take_the_last(p, err);
    kci_sender_purge(p, true, err);
}

void kci_sender_close(kci_resident *r)
{
    kc_producer *p = kci_producer_of(r);
    take_the_last(p, KC_E_CLOSED);
    kci_sender_check_end(p);
}

static void cancel_calls(kc_producer *p)
{
    kci_list *requests = &p->sender.requests;
    kci_ids_stop(p);
    for (kci_link *at = kci_list_first(requests); at;) {
        kci_link *next = kci_list_next(requests, at);
        kci_request_cancel(p, at);
        at = next;
    }
}

/* Records are given up. Of a close the application is told by its result; the other ways to the end
 * have none. */
static void tell_of_loss(kc_producer *p, kci_resident *r)
{
    int64_t left = kci_producer_undecided(p);
    bool closed = kci_resident_phase_of(r) == KCI_RESIDENT_CLOSING;
    if (left == 0)
        return;
    kci_stuck_note_oldest(p);
    p->sender.lost = true;
    if (closed && !r->client_closes)
        atomic_store_explicit(&p->sender.dropped, (uint64_t)left, memory_order_relaxed);
    else if (closed)
        KCI_LOG(kci_client_log(p->client), KC_LOG_WARN, KCI_AREA_PRODUCER,
                "%lld records had no outcome when kc_client_close() came to its time-out, and are "
                "given up; the oldest is for %s",
                (long long)left, p->sender.stuck.oldest);
    else
        KCI_LOG(kci_client_log(p->client), KC_LOG_WARN, KCI_AREA_PRODUCER,
                "%lld records are lost: kc_producer_free() does not wait for them; call "
                "kc_producer_close() before it (the oldest is for %s)",
                (long long)left, p->sender.stuck.oldest);
}

void kci_sender_detach(kci_resident *r)
{
    kc_producer *p = kci_producer_of(r);
    kci_sender *s = &p->sender;
    take_the_last(p, KC_E_CLOSED);
    tell_of_loss(p, r);
    kci_sender_purge(p, true, KC_E_PURGED);
    stop_timers(p);
    kci_loop_undefer(p->loop, &s->turn);
    cancel_calls(p);
}

bool kci_sender_is_busy(const kci_sender *s)
{
    return !kci_list_is_empty(&s->requests) || s->ids.asking;
}

void kci_sender_gone(kci_resident *r)
{
    kc_producer *p = kci_producer_of(r);
    stop_timers(p);
    kci_loop_undefer(p->loop, &p->sender.turn);
    forget_parts(&p->sender);
    drop_topics(p);
}

void kci_sender_check_end(kc_producer *p)
{
    if (kci_resident_is_detached(&p->life))
        kci_resident_look(&p->life);
    else if (kci_list_is_empty(&p->sender.live))
        kci_resident_finished(&p->life);
}
