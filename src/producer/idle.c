/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that are not sent to any more: after metadata.max.idle.ms the client is told that this
 * producer does not want them, so that they are not asked for again, and a deleted one is not
 * created anew. The topic itself stays (sequence numbers), and is wanted again by the next record.
 *
 * There is no clock read per record for this: a topic is marked as used when it is looked up or
 * gets a new batch, and the marks are looked at a few times in that period, as long as there are
 * topics that are wanted. Thread: loop. */
#include "producer/producer.h"

enum { LOOKS = 4 /* in metadata.max.idle.ms */, AGAIN_US = 1000 /* somebody was inside */ };

static bool has_records(const kci_send_topic *t)
{
    for (int32_t i = 0; i < t->part_cap; i++) {
        const kci_part *part = t->parts[i];
        if (part && (part->open || atomic_load(&part->backlog) > 0 ||
                     !kci_list_is_empty(&part->lane.queue) || !kci_list_is_empty(&part->lane.wire)))
            return true;
    }
    return false;
}

/* The next record waits for metadata again. Inside the gate. */
static void forget(kc_producer *p, kci_send_topic *t, int64_t now)
{
    kci_client_drop_topic_created(p->client, t->name, now - t->idle_us);
    t->wanted = false;
    t->usable = KCI_NOT_USABLE;
    t->generation = 0;
    t->count = 0;
}

/* Inside the gate. Whether there are topics to look at again. */
static bool look(kc_producer *p, int64_t now)
{
    bool any = false, waits = kci_waiters_any(&p->life.waiters, KCI_WAIT_METADATA);
    void *value;
    for (uint32_t at = 0; kci_map_next(&p->accum.topics.map, &at, NULL, &value);) {
        kci_send_topic *t = value;
        if (!t->wanted)
            continue;
        if (t->used || (waits && t->count == 0) || has_records(t))
            t->idle_us = now;
        t->used = false;
        if (now - t->idle_us >= p->conf.metadata_idle_us)
            forget(p, t, now);
        any |= t->wanted;
    }
    return any;
}

static void on_timer(kci_timer *timer)
{
    kc_producer *p = KCI_CONTAINER_OF(timer, kc_producer, sender.idle_timer);
    int64_t now = kci_loop_now(p->loop);
    if (!kci_sender_enter_gate(p)) {
        kci_timer_set(p->loop, timer, now + AGAIN_US);
        return;
    }
    bool any = look(p, now);
    kci_gate_leave(&p->accum.gate);
    if (any)
        kci_idle_watch(p);
}

void kci_idle_watch(kc_producer *p)
{
    kci_timer *timer = &p->sender.idle_timer;
    if (!kci_timer_is_set(timer))
        kci_timer_set(p->loop, timer, kci_loop_now(p->loop) + p->conf.metadata_idle_us / LOOKS);
}

void kci_idle_init(kci_sender *s)
{
    s->idle_timer.fn = on_timer;
}
