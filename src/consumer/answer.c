/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker answered to a Fetch: records go to their partitions' queues, as slices of the one
 * frame; errors to where they are dealt with. An answer about a partition is used only if it
 * belongs to what is wanted of it now (kci_fetching_is_current). Errors that speak about the log at
 * the position are believed only when nothing is buffered any more: the position that was asked for
 * may come from a damaged batch that the application has not seen yet. */
#include "base/bytes.h"
#include "base/planted.h"
#include "consumer/consumer.h"

typedef kci_fetch_response_partition_data part_data;
typedef kci_fetch_response_fetchable_topic_response topic_data;

static bool has_records(const part_data *d)
{
    return d->error_code == KC_OK && d->records.size > 0;
}

/* What all partitions of an answer need. */
typedef struct answer {
    kc_consumer *c;
    kci_source *s;
    const kci_fetch_response *body;
    kci_fetched *fetched; /* NULL: no records, or no memory for them */
    uint64_t mark;
    bool first;   /* no records have been met yet */
    bool brought; /* some were of use */
} answer;

static kci_read_topic *find_topic(const answer *a, const topic_data *t)
{
    if (a->s->session.by_id)
        return kci_known_by_id(&a->c->known, &t->topic_id);
    return t->topic.data ? kci_assignment_topic(&a->c->assignment, t->topic) : NULL;
}

/* ---- the end of the log ------------------------------------------------------------------- */

/* Nothing came: the position is the end, if the broker's offsets say so. */
static void note_end(kc_consumer *c, kci_read_part *p)
{
    kci_place_told_nothing(&p->place);
    int64_t end = kci_place_end(&p->place, c->set.committed);
    if (c->set.report_eof && end >= 0 && p->place.fetch_offset >= end)
        kci_queue_reach_end(&p->queue, p->place.fetch_offset);
}

/* ---- errors ------------------------------------------------------------------------------- */

static void out_of_range(kc_consumer *c, kci_read_part *p)
{
    bool with_epoch = p->fetching.sent.last_epoch >= 0;
    if (p->replica.preferred >= 0) { /* a follower may lag: the leader decides */
        if (with_epoch)
            kci_place_drop_epoch(&p->place);
        kci_replica_leave(&p->replica);
        kci_part_todo(c, p);
    } else if (kci_part_hold(c, p)) {
        return;
    } else if (with_epoch) { /* a broker that forgot that epoch says the same */
        kci_place_drop_epoch(&p->place);
        kci_part_update_want(c, p);
    } else {
        kci_part_out_of_range(c, p, "the position is outside the log: seek");
    }
}

/* A leader that the answer names (KIP-951). The core takes it over at the end of the turn. */
static void take_hint(kc_consumer *c, const kci_read_part *p, const part_data *d,
                      const kci_fetch_response *body)
{
    int32_t leader = d->current_leader.leader_id;
    char host[256] = "";
    int32_t port = -1;
    kc_bytes rack = { NULL, 0 };
    if (leader < 0)
        return;
    for (int32_t i = 0; i < body->node_endpoints.count; i++) {
        const kci_fetch_response_node_endpoint *n = &body->node_endpoints.data[i];
        if (n->node_id != leader || !n->host.data || n->host.size >= sizeof host)
            continue;
        memcpy(host, n->host.data, n->host.size);
        host[n->host.size] = '\0';
        port = n->port;
        rack = n->rack;
    }
    kci_client_leader_hint(c->client, p->topic->name, p->number, leader,
                           d->current_leader.leader_epoch, port < 0 ? NULL : host, port, rack);
}

/* Planted: goes to the high watermark instead of trying again. */
static void skip(kc_consumer *c, kci_read_part *p)
{
    if (p->queue.first || p->place.high_watermark <= p->place.position)
        return;
    kci_place_set(&p->place, p->place.high_watermark, -1);
    kci_part_positioned(c, p);
}

/* Another broker is the right one, or this one is not ready: soon again. */
static void try_again(kc_consumer *c, kci_read_part *p, bool refresh)
{
    kci_part_leave_preferred(c, p);
    if (refresh)
        kci_client_refresh(c->client);
    if (KCI_BUG(POSITION_SKIPS))
        skip(c, p);
    kci_part_retry(c, p);
}

static void part_failed(const answer *a, kci_read_part *p, const part_data *d)
{
    kc_consumer *c = a->c;
    kc_err err = d->error_code;
    int64_t position = p->place.position;
    switch (err) {
    case KC_E_OFFSET_OUT_OF_RANGE:
        out_of_range(c, p);
        return;
    case KC_E_NOT_LEADER_OR_FOLLOWER:
    case KC_E_FENCED_LEADER_EPOCH:
        take_hint(c, p, d, a->body);
        try_again(c, p, true);
        return;
    case KC_E_UNKNOWN_LEADER_EPOCH: /* its metadata is older than ours, or ours is wrong */
        try_again(c, p, true);
        return;
    case KC_E_OFFSET_NOT_AVAILABLE:
    case KC_E_UNKNOWN_SERVER_ERROR:
        try_again(c, p, false);
        return;
    case KC_E_CORRUPT_MESSAGE: /* the log itself, at the broker */
        if (!kci_part_hold(c, p))
            kci_part_stop(c, p, err, position, position + 1,
                          "the broker cannot read its log at this offset: seek beyond it");
        return;
    default:
        if (!(kc_error_flags(err) & KC_ERROR_RETRIABLE))
            kci_part_report(c, p, err, NULL);
        try_again(c, p, true);
        return;
    }
}

/* ---- records ------------------------------------------------------------------------------ */

static void take_records(answer *a, kci_read_part *p, const part_data *d)
{
    kc_consumer *c = a->c;
    kci_slice *s = kci_fetched_add(a->fetched, d, a->s->id);
    kci_slice_scan(s, p->place.fetch_offset, a->first);
    if (s->size == 0 && s->tail_error == KC_OK)
        return;
    a->brought = true;
    kci_stat_add(&c->stats->batches_fetched, s->batches);
    kci_place_fetched(&p->place, s->next_offset, s->size > 0, s->leader_epoch,
                      p->fetching.sent.leader_epoch);
    kci_queue_put(&p->queue, s, (size_t)c->set.fetch.max_partition_bytes);
}

static void prefer(kc_consumer *c, kci_read_part *p, int32_t node)
{
    int64_t until = kci_agenda_now(&c->agenda) + c->set.lease_us;
    if (!kci_replica_prefer(&p->replica, node, until))
        return;
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "%.*s [%d]: from broker %d, near us",
            (int)p->topic->name.size, p->topic->text, p->number, node);
    const kci_source *s = kci_source_get(c, node);
    bool usable = kci_part_replica_is_usable(c, p, node);
    if (!usable)
        kci_client_refresh(c->client);
    /* The leader sends us there as often as we ask: a broker that does not work is given time. */
    if (!s || !usable || s->failures > 0)
        kci_part_retry(c, p);
    else
        kci_part_todo(c, p);
}

/* One partition of the answer. */
static void take_part(answer *a, kci_read_part *p, const part_data *d)
{
    kc_consumer *c = a->c;
    int32_t node = a->s->id;
    kci_part_succeeded(p, node);
    kci_place_confirmed(&p->place, p->fetching.sent.leader_epoch);
    if (d->diverging_epoch.epoch >= 0 || d->diverging_epoch.end_offset >= 0) {
        kci_part_truncated(c, p, d->diverging_epoch.end_offset, d->diverging_epoch.epoch);
        kci_part_update_want(c, p);
        return;
    }
    kci_place_told(&p->place, d->high_watermark, d->last_stable_offset, d->log_start_offset);
    kci_queue_withdraw_end(&p->queue, kci_place_end(&p->place, c->set.committed));
    if (d->preferred_read_replica >= 0)
        prefer(c, p, d->preferred_read_replica);
    if (has_records(d) && a->fetched)
        take_records(a, p, d);
    else if (!has_records(d))
        note_end(c, p);
    /* After an answer from there the leader is asked again, when it is time. */
    if (kci_replica_end_lease(&p->replica, node, kci_agenda_now(&c->agenda)))
        kci_part_todo(c, p);
    kci_part_update_want(c, p);
    kci_fetching_served(&p->fetching);
}

/* Holds the frame if records are to be used; NULL without error: there are none. */
static kc_err hold_frame(kc_consumer *c, const kci_source *s, const kci_response *r,
                         kci_fetched **out)
{
    const kci_fetch_response *body = r->body;
    size_t slices = 0, aborted = 0;
    for (int32_t i = 0; i < body->responses.count; i++) {
        const topic_data *t = &body->responses.data[i];
        for (int32_t k = 0; k < t->partitions.count; k++) {
            const part_data *d = &t->partitions.data[k];
            if (!has_records(d))
                continue;
            slices++;
            aborted +=
                d->aborted_transactions.count > 0 ? (size_t)d->aborted_transactions.count : 0;
        }
    }
    *out = NULL;
    kci_room_note(c, s, r->frame->cap + (slices > 0 ? kci_fetched_size(slices, aborted) : 0));
    if (slices == 0)
        return KC_OK;
    *out = kci_fetched_new(c->credit, r->frame, slices, aborted);
    return *out ? KC_OK : KC_E_NO_MEMORY;
}

/* Parts that were newly asked for, and about which the answer says nothing, have nothing new. What
 * is not new to the broker may be to us, if the part was in the session before it was taken away
 * and assigned again: then only a new session tells its offsets. */
static void note_ends(const answer *a)
{
    kci_session *session = &a->s->session;
    const kci_fetch_request *b = &session->body;
    bool untold = false;
    for (int32_t i = 0; i < b->topics.count; i++) {
        const kci_fetch_request_fetch_topic *t = &b->topics.data[i];
        kci_read_topic *topic = kci_assignment_topic(&a->c->assignment, t->topic);
        for (int32_t k = 0; topic && k < t->partitions.count; k++) {
            kci_read_part *p = kci_read_topic_part(topic, t->partitions.data[k].partition);
            if (!p || p->fetching.answer_mark == a->mark || !kci_part_is_current(p, a->s))
                continue;
            untold |= p->place.high_watermark < 0 && !session->full;
            note_end(a->c, p);
            kci_part_update_want(a->c, p); /* the next request may wait for records */
        }
    }
    if (untold)
        kci_session_reset(session);
}

static void count_bytes(kc_consumer *c, const kci_source *s, const kci_response *r)
{
    kci_stat_add(&c->stats->fetch_bytes, r->frame->size);
    const kci_node *node = kci_metadata_node(c->known.metadata, s->id);
    bool same = node && node->rack.size > 0 && kci_bytes_equal(node->rack, c->set.fetch.rack);
    kci_stat_add(same ? &c->stats->fetch_bytes_same_rack : &c->stats->fetch_bytes_other_rack,
                 r->frame->size);
}

/* All partitions of one topic in the answer. */
static void take_topic(answer *a, const topic_data *t)
{
    kci_read_topic *topic = find_topic(a, t);
    for (int32_t k = 0; k < t->partitions.count; k++) {
        const part_data *d = &t->partitions.data[k];
        kci_read_part *p = topic ? kci_read_topic_part(topic, d->partition_index) : NULL;
        if (p && kci_part_is_current(p, a->s)) {
            kci_fetching_named(&p->fetching, a->mark);
            if (d->error_code == KC_OK)
                take_part(a, p, d);
            else
                part_failed(a, p, d);
        }
        a->first = a->first && !has_records(d);
    }
}

kc_err kci_consumer_answer(kc_consumer *c, kci_source *s, const kci_response *r, uint64_t mark,
                           bool *brought)
{
    answer a = { .c = c, .s = s, .body = r->body, .mark = mark, .first = true };
    kc_err err = hold_frame(c, s, r, &a.fetched);
    for (int32_t i = 0; i < a.body->responses.count; i++)
        take_topic(&a, &a.body->responses.data[i]);
    note_ends(&a);
    kci_fetched_unref(a.fetched);
    count_bytes(c, s, r);
    *brought = a.brought;
    return err;
}
