/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/sender.h"

#include "base/mem.h"
#include "base/planted.h"
#include "producer/producer.h"

enum { GATE_MISSES_MAX = 4 /* application threads were always inside: then wait for them */ };

static kc_producer *producer_of(kci_sender *s)
{
    return KCI_CONTAINER_OF(s, kc_producer, sender);
}

static kci_part *part_of(kci_link *link)
{
    return KCI_CONTAINER_OF(link, kci_part, link);
}

static bool has_work(const kci_part *part)
{
    return part->due || kci_lane_head(&part->lane) != NULL;
}

/* ---- who leads ---- */

static kci_peer *peer_get(kci_sender *s, int32_t id)
{
    for (kci_link *at = kci_list_first(&s->peers); at; at = kci_list_next(&s->peers, at)) {
        kci_peer *peer = KCI_CONTAINER_OF(at, kci_peer, link);
        if (peer->id == id)
            return peer;
    }
    kci_peer *peer = kci_calloc(1, sizeof *peer);
    if (!peer) {
        s->short_of_memory = true;
        return NULL;
    }
    peer->id = id;
    kci_list_init(&peer->ready);
    kci_list_push_back(&s->peers, &peer->link);
    return peer;
}

static void set_leader(kc_producer *p, kci_part *part, const kci_topic_meta *meta)
{
    const kci_partition_meta *m =
        meta && part->index < meta->partition_count ? &meta->partitions[part->index] : NULL;
    int32_t leader = m ? m->leader : -1;
    kci_peer *peer = leader >= 0 ? peer_get(&p->sender, leader) : NULL;
    if (meta)
        part->topic->id = meta->id;
    if (peer != part->peer) {
        kci_link_remove(&part->ready_link);
        part->peer = peer;
        atomic_store_explicit(&part->shown_peer, peer, memory_order_release);
        /* The pause was for the old leader's sake. */
        part->lane.retry_at_us = 0;
    }
    if (m)
        part->leader_epoch = m->leader_epoch;
}

/* A broker that was not known may be now: what waits for it is looked at again. */
static void try_peers(kc_producer *p)
{
    kci_list *peers = &p->sender.peers;
    for (kci_link *at = kci_list_first(peers); at; at = kci_list_next(peers, at))
        if (!kci_list_is_empty(&KCI_CONTAINER_OF(at, kci_peer, link)->ready))
            kci_sender_want_turn(p);
}

void kci_sender_on_metadata(kci_resident *r, const kci_metadata *now)
{
    kc_producer *p = kci_producer_of(r);
    kci_sender *s = &p->sender;
    const kci_send_topic *topic = NULL;
    const kci_topic_meta *meta = NULL;
    for (kci_link *at = kci_list_first(&s->parts); at; at = kci_list_next(&s->parts, at)) {
        kci_part *part = part_of(at);
        if (part->topic != topic) {
            topic = part->topic;
            meta = kci_metadata_topic(now, topic->name);
        }
        set_leader(p, part, meta);
        kci_sender_consider(p, part);
    }
    try_peers(p);
    atomic_store_explicit(&p->accum.metadata_us, now->fetched_us, memory_order_relaxed);
    atomic_store_explicit(&p->accum.metadata_generation, now->generation, memory_order_release);
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_METADATA);
    kci_producer_tell_room(p);
}

void kci_sender_on_node(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                        kci_node_state state, kc_err err)
{
    kc_producer *p = kci_producer_of(r);
    (void)lane;
    if (node < 0 && err != KC_OK) { /* no log-in, no trust: sends and flushes give up */
        kci_waiters_wake(&p->life.waiters, KCI_WAIT_METADATA | KCI_WAIT_OUTCOME);
        kci_producer_tell_room(p);
    }
    if (cls != KCI_CLASS_PRODUCE)
        return;
    for (kci_link *at = kci_list_first(&p->sender.peers); at;
         at = kci_list_next(&p->sender.peers, at)) {
        kci_peer *peer = KCI_CONTAINER_OF(at, kci_peer, link);
        if (peer->id != node || kci_list_is_empty(&peer->ready))
            continue;
        /* Perhaps its partitions are led by others now. */
        if (state == KCI_NODE_DOWN)
            kci_client_refresh(p->client);
        kci_sender_want_turn(p);
    }
}

/* ---- what can be sent ---- */

static void pause_until(kci_sender *s, kci_loop *loop, kci_part *part)
{
    if (!kci_link_is_on(&part->pause_link))
        kci_list_push_back(&s->pausing, &part->pause_link);
    int64_t at = part->lane.retry_at_us;
    if (!kci_timer_is_set(&s->retry_timer) || kci_timer_at(&s->retry_timer) > at)
        kci_timer_set(loop, &s->retry_timer, at);
}

void kci_sender_consider(kc_producer *p, kci_part *part)
{
    kci_sender *s = &p->sender;
    kci_lane *lane = &part->lane;
    if (!has_work(part) || kci_resident_is_detached(&p->life)) {
        kci_link_remove(&part->ready_link);
        return;
    }
    if (!part->peer) {
        kci_client_refresh(p->client);
        return;
    }
    if (kci_lane_wants_id(lane)) {
        if (s->ids.id >= 0)
            kci_lane_set_id(lane, s->ids.id, s->ids.epoch);
        else
            kci_ids_want(p);
    }
    int64_t now = kci_loop_now(p->loop);
    kci_lane_state state = kci_lane_look(lane, part->peer->id, now);
    if (state == KCI_LANE_READY) {
        if (kci_link_is_on(&part->ready_link))
            return;
        kci_list_push_back(&part->peer->ready, &part->ready_link);
        if (part->peer != s->turn_peer)
            kci_sender_want_turn(p);
        return;
    }
    kci_link_remove(&part->ready_link);
    if (lane->retry_at_us > now)
        pause_until(s, p->loop, part);
    if (state == KCI_LANE_UNSEALED && !kci_link_is_on(&part->seal_link))
        kci_list_push_back(&s->sealing, &part->seal_link);
}

void kci_sender_consider_all(kc_producer *p)
{
    kci_list *parts = &p->sender.parts;
    for (kci_link *at = kci_list_first(parts); at; at = kci_list_next(parts, at))
        kci_sender_consider(p, part_of(at));
}

static void on_retry_timer(kci_timer *timer)
{
    kci_sender *s = KCI_CONTAINER_OF(timer, kci_sender, retry_timer);
    kc_producer *p = producer_of(s);
    kci_list pausing;
    kci_list_init(&pausing);
    kci_list_splice_back(&pausing, &s->pausing);
    for (kci_link *at; (at = kci_list_pop_front(&pausing));)
        kci_sender_consider(p, KCI_CONTAINER_OF(at, kci_part, pause_link));
    if (!s->short_of_memory)
        return;
    s->short_of_memory = false;
    kci_metadata *now = kci_client_metadata(p->client);
    kci_sender_on_metadata(&p->life, now);
    kci_metadata_unref(now);
    kci_sender_want_turn(p);
}

/* ---- taking over from application threads ---- */

static void meet_part(kc_producer *p, kci_part *part)
{
    if (kci_link_is_on(&part->link))
        return;
    kci_list_push_back(&p->sender.parts, &part->link);
    kci_metadata *now = kci_client_metadata(p->client);
    set_leader(p, part, kci_metadata_topic(now, part->topic->name));
    kci_metadata_unref(now);
}

void kci_sender_collect(kc_producer *p)
{
    kci_sender *s = &p->sender;
    kci_stats *stats = kci_client_stats(p->client);
    for (kci_send_batch *b = kci_accum_collect(&p->accum); b;) {
        kci_send_batch *next = b->next;
        atomic_store(&b->collected, true);
        s->last_id = b->id;
        kci_list_push_back(&s->live, &b->live);
        kci_stat_add(&stats->records_sent, b->count);
        meet_part(p, b->part);
        kci_lane_add(&b->part->lane, b);
        kci_stuck_begins_to_wait(p, b->part);
        kci_batch_set_deadline(p, b->deadline_us);
        kci_sender_consider(p, b->part);
        b = next;
    }
}

bool kci_sender_enter_gate(kc_producer *p)
{
    kci_sender *s = &p->sender;
    if (kci_gate_try_enter(&p->accum.gate)) {
        s->gate_misses = 0;
        return true;
    }
    if (++s->gate_misses < GATE_MISSES_MAX)
        return false;
    s->gate_misses = 0;
    kci_gate_enter(&p->accum.gate);
    return true;
}

static void on_due(kc_producer *p, kci_send_batch *b)
{
    meet_part(p, b->part);
    b->part->due = true;
    kci_stuck_begins_to_wait(p, b->part);
    kci_batch_set_deadline(p, b->opened_us + p->conf.delivery_timeout_us);
}

static void look_at_open(kc_producer *p)
{
    kci_sender *s = &p->sender;
    int64_t now = kci_loop_now(p->loop);
    atomic_store_explicit(&p->accum.look, true, memory_order_relaxed);
    if (!kci_sender_enter_gate(p))
        return; /* who is inside posts the task */
    atomic_store_explicit(&p->accum.look, false, memory_order_relaxed);
    bool pressed = kci_waiters_any(&p->life.waiters, KCI_WAIT_ROOM) ||
                   atomic_load_explicit(&p->retry_wanted, memory_order_relaxed);
    int64_t next = kci_accum_watch(p, now, pressed, on_due);
    kci_gate_leave(&p->accum.gate);
    if (next == INT64_MAX || KCI_BUG(LINGER_FORGOTTEN))
        kci_timer_stop(p->loop, &s->open_timer);
    else
        kci_timer_set(p->loop, &s->open_timer, next);
}

/* Those that were not sealed when they were last looked at: whoever seals them has posted. */
static void consider_sealed(kc_producer *p)
{
    kci_list sealing;
    kci_list_init(&sealing);
    kci_list_splice_back(&sealing, &p->sender.sealing);
    for (kci_link *at; (at = kci_list_pop_front(&sealing));)
        kci_sender_consider(p, KCI_CONTAINER_OF(at, kci_part, seal_link));
}

static void run(kc_producer *p, bool look)
{
    if (kci_resident_is_detached(&p->life))
        return;
    if (p->sender.turn_missed)
        kci_sender_want_turn(p);
    if (look)
        look_at_open(p);
    consider_sealed(p);
    kci_sender_collect(p);
    kci_list *parts = &p->sender.parts;
    for (kci_link *at = look ? kci_list_first(parts) : NULL; at; at = kci_list_next(parts, at)) {
        if (part_of(at)->due)
            kci_sender_consider(p, part_of(at));
    }
    kci_sender_check_end(p);
}

static void purge(kc_producer *p)
{
    kci_sender *s = &p->sender;
    uint64_t asked = atomic_load(&s->purges);
    uint64_t done = atomic_load(&s->purges_done);
    if (asked == done)
        return;
    kci_sender_purge(p, asked / KCI_PURGE_FLYING != done / KCI_PURGE_FLYING, KC_E_PURGED);
    atomic_store(&s->purges_done, asked);
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_ANSWER);
}

void kci_sender_on_post(kci_resident *r)
{
    kc_producer *p = kci_producer_of(r);
    purge(p);
    kci_stuck_answer(p);
    kci_idle_watch(p);
    run(p, atomic_load_explicit(&p->accum.look, memory_order_acquire) ||
               kci_waiters_any(&p->life.waiters, KCI_WAIT_ROOM) ||
               atomic_load_explicit(&p->retry_wanted, memory_order_relaxed));
}

static void on_open_timer(kci_timer *timer)
{
    run(producer_of(KCI_CONTAINER_OF(timer, kci_sender, open_timer)), true);
}

void kci_sender_post(kc_producer *p)
{
    kci_resident_post(&p->life);
}

/* ---- the turn ---- */

void kci_sender_want_turn(kc_producer *p)
{
    if (p->sender.turn_wanted || kci_resident_is_detached(&p->life))
        return;
    p->sender.turn_wanted = true;
    kci_loop_defer(p->loop, &p->sender.turn);
}

bool kci_sender_close_due(kc_producer *p, kci_peer *peer)
{
    kci_append a = { 0 };
    bool any = false;
    for (kci_link *at = kci_list_first(&peer->ready); at && !any;
         at = kci_list_next(&peer->ready, at))
        any = !kci_lane_head(&KCI_CONTAINER_OF(at, kci_part, ready_link)->lane);
    if (!any)
        return true;
    if (!kci_sender_enter_gate(p)) {
        p->sender.turn_missed = true; /* who is inside posts the task */
        return false;
    }
    for (kci_link *at = kci_list_first(&peer->ready); at; at = kci_list_next(&peer->ready, at)) {
        kci_part *part = KCI_CONTAINER_OF(at, kci_part, ready_link);
        if (kci_lane_head(&part->lane))
            continue;
        part->due = false; /* kci_accum_append opens the next one as a listed one */
        if (part->open && !part->open->listed)
            kci_accum_close(p, part, &a);
    }
    a.tell = false;
    kci_accum_leave(p, &a);
    kci_sender_collect(p);
    return true;
}

static void on_turn(kci_task *task)
{
    kci_sender *s = KCI_CONTAINER_OF(task, kci_sender, turn);
    kc_producer *p = producer_of(s);
    s->turn_wanted = false;
    s->turn_missed = false; /* only now: one peer's success is not another's */
    if (kci_resident_is_detached(&p->life))
        return;
    kci_sender_collect(p);
    for (kci_link *at = kci_list_first(&s->peers); at; at = kci_list_next(&s->peers, at)) {
        kci_peer *peer = KCI_CONTAINER_OF(at, kci_peer, link);
        kci_request_send(p, peer);
        if (KCI_BUG(ONE_BLOCKS_ALL) && !kci_list_is_empty(&peer->ready))
            break;
    }
}

static void on_delivery_timer(kci_timer *timer)
{
    kci_batch_on_deadline(producer_of(KCI_CONTAINER_OF(timer, kci_sender, delivery_timer)));
}

void kci_sender_init(kci_sender *s, uint64_t seed)
{
    memset(s, 0, sizeof *s);
    s->turn.fn = on_turn;
    s->open_timer.fn = on_open_timer;
    s->retry_timer.fn = on_retry_timer;
    s->delivery_timer.fn = on_delivery_timer;
    kci_list *lists[] = { &s->parts, &s->live,     &s->pausing, &s->sealing,
                          &s->peers, &s->requests, &s->spare };
    for (size_t i = 0; i < KCI_COUNT_OF(lists); i++)
        kci_list_init(lists[i]);
    kci_random_seed(&s->random, seed);
    kci_ids_init(&s->ids);
    kci_stuck_init(s);
    kci_idle_init(s);
}

void kci_sender_free(kci_sender *s)
{
    for (kci_link *at; (at = kci_list_pop_front(&s->peers));)
        kci_free(KCI_CONTAINER_OF(at, kci_peer, link));
    kci_request_free_spare(s);
}

void kci_sender_attached(kci_resident *r)
{
    kci_metadata *now = kci_client_metadata(r->client);
    kci_sender_on_metadata(r, now);
    kci_metadata_unref(now);
}
