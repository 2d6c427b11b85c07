/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker answered to a Fetch: records go to their partitions' queues, as slices of the one
 * frame; errors to where they are dealt with. An answer about a partition is used only if it
 * belongs to what is wanted of it now (kci_session_is_current). Errors that speak about the log at
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

static kci_read_topic *find_topic(kc_consumer *c, const kci_source *s, const topic_data *t)
{
    if (s->by_id)
        return kci_map_get(&c->ids, kc_mem(t->topic_id.bytes, sizeof t->topic_id.bytes));
    return t->topic.data ? kci_assignment_topic(&c->assignment, t->topic) : NULL;
}

/* ---- the end of the log ------------------------------------------------------------------- */

static int64_t end_of(kc_consumer *c, const kci_read_part *p)
{
    return c->read.committed ? p->last_stable : p->high_watermark;
}

/* Nothing came: the position is the end, if the broker's offsets say so. */
static void note_end(kc_consumer *c, kci_read_part *p)
{
    p->told = true;
    int64_t end = end_of(c, p);
    if (!c->report_eof || p->first || end < 0 || p->fetch_offset < end ||
        (p->eof_offset == p->fetch_offset && !KCI_BUG(END_TOLD_AGAIN)) || KCI_BUG(END_NOT_TOLD))
        return;
    p->eof = true;
    p->eof_offset = p->fetch_offset;
    kci_part_offer(c, p);
}

/* ---- errors ------------------------------------------------------------------------------- */

/* Keeps the part from being fetched until its buffer is empty; then the same will be found. False:
 * it is empty. */
static bool hold_back(kc_consumer *c, kci_read_part *p)
{
    if (!p->first)
        return false;
    p->full = true;
    p->resume_bytes = 0;
    kci_part_update_want(c, p);
    return true;
}

static void back_to_leader(kc_consumer *c, kci_read_part *p)
{
    p->preferred = -1;
    kci_part_todo(c, p);
}

static void out_of_range(kc_consumer *c, kci_read_part *p)
{
    if (p->preferred >= 0) { /* a follower may lag: the leader decides */
        p->epoch_unsure = p->sent_fetch_epoch >= 0;
        back_to_leader(c, p);
    } else if (hold_back(c, p)) {
        return;
    } else if (p->sent_fetch_epoch >= 0) { /* a broker that forgot that epoch says the same */
        p->epoch_unsure = true;
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

/* Another broker is the right one, or this one is not ready: soon again. */
static void try_again(kc_consumer *c, kci_read_part *p, bool refresh)
{
    kci_part_leave_preferred(c, p);
    if (refresh)
        kci_client_refresh(c->client);
    if (KCI_BUG(POSITION_SKIPS) && !p->first && p->high_watermark > p->position)
        kci_part_set_position(c, p, p->high_watermark, -1);
    kci_part_retry(c, p);
}

static void part_failed(kc_consumer *c, kci_read_part *p, const part_data *d,
                        const kci_fetch_response *body)
{
    kc_err err = d->error_code;
    switch (err) {
    case KC_E_OFFSET_OUT_OF_RANGE:
        out_of_range(c, p);
        return;
    case KC_E_NOT_LEADER_OR_FOLLOWER:
    case KC_E_FENCED_LEADER_EPOCH:
        take_hint(c, p, d, body);
        try_again(c, p, true);
        return;
    case KC_E_UNKNOWN_LEADER_EPOCH: /* the broker has older metadata than we have, or ours is wrong
                                     */
        try_again(c, p, true);
        return;
    case KC_E_OFFSET_NOT_AVAILABLE:
    case KC_E_UNKNOWN_SERVER_ERROR:
        try_again(c, p, false);
        return;
    case KC_E_CORRUPT_MESSAGE: /* the log itself, at the broker */
        if (!hold_back(c, p))
            kci_part_stop(c, p, err, p->position, p->position + 1,
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

static void enqueue(kc_consumer *c, kci_read_part *p, kci_slice *s)
{
    kci_fetched_ref(s->owner);
    s->next = NULL;
    if (p->last)
        p->last->next = s;
    else
        p->first = s;
    p->last = s;
    p->source->brought = true;
    kci_stat_add(&c->stats->batches_fetched, s->batches);
    p->queued_bytes += s->size;
    p->fetch_offset = s->next_offset;
    if (s->size > 0) /* records of a leader that is still to come are a lie */
        p->fetch_epoch = s->leader_epoch <= p->sent_epoch ? s->leader_epoch : -1;
    p->eof = p->eof && KCI_BUG(END_NOT_WITHDRAWN);
    p->epoch_unsure = false;
    if (s->tail_error != KC_OK) {
        p->full = true;
        p->resume_bytes = 0;
    } else if (p->queued_bytes > (size_t)c->fetch.max_partition_bytes) {
        p->full = true;
        p->resume_bytes = (size_t)c->fetch.max_partition_bytes;
    }
    kci_part_offer(c, p);
}

static void take_records(kc_consumer *c, kci_read_part *p, const part_data *d, kci_fetched *fetched,
                         bool first)
{
    kci_slice *s = kci_fetched_add(fetched, d, p->source->id);
    kci_slice_scan(s, p->fetch_offset, first);
    if (s->size > 0 || s->tail_error != KC_OK)
        enqueue(c, p, s);
}

static void take_offsets(kci_read_part *p, const part_data *d)
{
    p->high_watermark = d->high_watermark;
    p->last_stable = d->last_stable_offset;
    p->log_start = d->log_start_offset;
    p->told = true;
}

/* The end that the application has not been told of yet is none any more. */
static void withdraw_end(kc_consumer *c, kci_read_part *p)
{
    if (!p->eof || end_of(c, p) <= p->eof_offset || KCI_BUG(END_NOT_WITHDRAWN))
        return;
    p->eof = false;
    p->eof_offset = -1;
    kci_part_offer(c, p);
}

static void prefer(kc_consumer *c, kci_read_part *p, int32_t node)
{
    if (node == p->preferred || node == p->leader)
        return;
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "%.*s [%d]: from broker %d, near us",
            (int)p->topic->name.size, p->topic->text, p->number, node);
    p->preferred = node;
    p->preferred_until = kci_loop_now(c->loop) + c->lease_us;
    kci_source *s = kci_consumer_source(c, node);
    bool usable = kci_part_replica_is_usable(c, p, node);
    if (!usable)
        kci_client_refresh(c->client);
    /* The leader sends us there as often as we ask: a broker that does not work is given time. */
    if (!s || !usable || s->failures > 0)
        kci_part_retry(c, p);
    else
        kci_part_todo(c, p);
}

/* After an answer from there the leader is asked again, when it is time. */
static void end_lease(kc_consumer *c, kci_read_part *p)
{
    if (p->preferred < 0 || p->source->id != p->preferred ||
        kci_loop_now(c->loop) < p->preferred_until)
        return;
    p->preferred = -1;
    kci_part_todo(c, p);
}

/* One partition of the answer. */
static void take_part(kc_consumer *c, kci_source *s, kci_read_part *p, const part_data *d,
                      kci_fetched *fetched, bool first)
{
    p->failures = 0;
    if (p->source->id == p->preferred)
        p->let_downs = 0;
    p->told_error = KC_OK;
    p->checked_epoch = p->sent_epoch;
    if (d->diverging_epoch.epoch >= 0 || d->diverging_epoch.end_offset >= 0) {
        kci_part_truncated(c, p, d->diverging_epoch.end_offset, d->diverging_epoch.epoch);
        kci_part_update_want(c, p);
        return;
    }
    take_offsets(p, d);
    withdraw_end(c, p);
    if (d->preferred_read_replica >= 0)
        prefer(c, p, d->preferred_read_replica);
    if (has_records(d) && fetched)
        take_records(c, p, d, fetched, first);
    else if (!has_records(d))
        note_end(c, p);
    end_lease(c, p);
    kci_part_update_want(c, p);
    if (s->session_id == 0) { /* without a session the order of the request decides who waits */
        kci_link_remove(&p->source_link);
        kci_list_push_back(&s->parts, &p->source_link);
    }
}

static void note_size(kc_consumer *c, const kci_source *s, size_t bytes)
{
    if (bytes > s->reserved && bytes > c->largest_answer)
        c->largest_answer = bytes;
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
    note_size(c, s, r->frame->cap + (slices > 0 ? kci_fetched_size(slices, aborted) : 0));
    if (slices == 0)
        return KC_OK;
    *out = kci_fetched_new(c->credit, r->frame, slices, aborted);
    return *out ? KC_OK : KC_E_NO_MEMORY;
}

/* Parts that were newly asked for, and about which the answer says nothing, have nothing new. What
 * is not new to the broker may be to us, if the part was in the session before it was taken away
 * and assigned again: then only a new session tells its offsets. */
static void note_ends(kc_consumer *c, kci_source *s, uint64_t mark)
{
    const kci_fetch_request *b = &s->body;
    bool untold = false;
    for (int32_t i = 0; i < b->topics.count; i++) {
        const kci_fetch_request_fetch_topic *t = &b->topics.data[i];
        kci_read_topic *topic = kci_assignment_topic(&c->assignment, t->topic);
        for (int32_t k = 0; topic && k < t->partitions.count; k++) {
            kci_read_part *p = kci_read_topic_part(topic, t->partitions.data[k].partition);
            if (!p || p->answer_mark == mark || !kci_session_is_current(s, p))
                continue;
            untold |= p->high_watermark < 0 && !s->full;
            note_end(c, p);
        }
    }
    if (untold)
        kci_session_reset(s);
}

static void count_bytes(kc_consumer *c, const kci_source *s, const kci_response *r)
{
    kci_stat_add(&c->stats->fetch_bytes, r->frame->size);
    const kci_node *node = kci_metadata_node(c->metadata, s->id);
    bool same = node && node->rack.size > 0 && kci_bytes_equal(node->rack, kc_str(c->rack));
    kci_stat_add(same ? &c->stats->fetch_bytes_same_rack : &c->stats->fetch_bytes_other_rack,
                 r->frame->size);
}

/* All partitions of one topic in the answer. */
static void take_topic(kc_consumer *c, kci_source *s, const topic_data *t,
                       const kci_fetch_response *body, kci_fetched *fetched, bool *first)
{
    kci_read_topic *topic = find_topic(c, s, t);
    for (int32_t k = 0; k < t->partitions.count; k++) {
        const part_data *d = &t->partitions.data[k];
        kci_read_part *p = topic ? kci_read_topic_part(topic, d->partition_index) : NULL;
        if (p && kci_session_is_current(s, p)) {
            p->answer_mark = c->last_mark;
            if (d->error_code == KC_OK)
                take_part(c, s, p, d, fetched, *first);
            else
                part_failed(c, p, d, body);
        }
        *first = *first && !has_records(d);
    }
}

kc_err kci_consumer_answer(kc_consumer *c, kci_source *s, const kci_response *r)
{
    const kci_fetch_response *body = r->body;
    kci_fetched *fetched;
    bool first = true;
    kc_err err = hold_frame(c, s, r, &fetched);
    c->last_mark++;
    s->brought = false;
    for (int32_t i = 0; i < body->responses.count; i++)
        take_topic(c, s, &body->responses.data[i], body, fetched, &first);
    note_ends(c, s, c->last_mark);
    kci_fetched_unref(fetched);
    count_bytes(c, s, r);
    return err;
}
