/* SPDX-License-Identifier: Apache-2.0 */
/* What each partition needs next: a leader, a position, a check, to be fetched, or time. Whoever
 * changes something about a partition puts it on the todo list; one function looks at it and
 * decides. Nothing here is periodic. */
#include <assert.h>

#include "base/planted.h"
#include "consumer/consumer.h"

enum {
    /* How long brokers may say that a topic does not exist until it is reported: a new one may not
     * have reached every broker yet, and one that was seen may be missing at a broker that has just
     * started. */
    GRACE_NEW_US = 2 * 1000 * 1000,
    GRACE_SEEN_US = 30 * 1000 * 1000,
    LET_DOWNS_MAX = 3 /* by preferred replicas in a row: then the leader is read from */
};

static int64_t now_us(kc_consumer *c)
{
    return kci_loop_now(c->loop);
}

void kci_part_set_state(kci_read_part *p, kci_part_state state)
{
#define TO(s) (1u << KCI_PART_##s)
    static const uint8_t allowed[KCI_PART_STATE_COUNT] = {
        [KCI_PART_UNPLACED] = TO(UNPLACED) | TO(PLACING) | TO(FETCHING) | TO(STOPPED),
        [KCI_PART_PLACING] = TO(UNPLACED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PART_UNCHECKED] = TO(UNPLACED) | TO(CHECKING) | TO(FETCHING) | TO(STOPPED),
        [KCI_PART_CHECKING] = TO(UNPLACED) | TO(UNCHECKED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PART_FETCHING] = TO(UNPLACED) | TO(UNCHECKED) | TO(FETCHING) | TO(STOPPED),
        [KCI_PART_STOPPED] = TO(UNPLACED) | TO(FETCHING),
    };
#undef TO
    assert(allowed[p->state] & (1u << state));
    (void)allowed;
    p->state = state;
}

void kci_part_todo(kc_consumer *c, kci_read_part *p)
{
    kci_link_remove(&p->wait_link);
    if (!kci_link_is_on(&p->todo_link))
        kci_list_push_back(&c->todo, &p->todo_link);
}

static void wait_until(kc_consumer *c, kci_read_part *p, int64_t at_us)
{
    p->retry_us = at_us;
    kci_link_remove(&p->todo_link);
    kci_link_remove(&p->wait_link);
    kci_list_push_back(&c->waiting, &p->wait_link);
    kci_consumer_due_at(c, at_us);
}

void kci_part_pause(kc_consumer *c, kci_read_part *p, uint32_t times)
{
    wait_until(c, p, now_us(c) + kci_backoff_delay(&c->backoff, times, &c->random));
    kci_part_update_want(c, p);
}

void kci_part_retry(kc_consumer *c, kci_read_part *p)
{
    if (p->failures < 30)
        p->failures++;
    kci_part_pause(c, p, p->failures);
}

void kci_part_offer(kc_consumer *c, kci_read_part *p)
{
    bool has = (p->first && (!p->paused || KCI_BUG(PAUSE_IGNORED))) || p->error != KC_OK || p->eof;
    if (!has) {
        kci_link_remove(&p->ready_link);
        return;
    }
    if (!kci_link_is_on(&p->ready_link))
        kci_list_push_back(&c->ready, &p->ready_link);
    if (p->error != KC_OK || !KCI_BUG(NEWS_UNTOLD))
        kci_event_signal(c->readable);
}

void kci_part_drop_buffer(kc_consumer *c, kci_read_part *p)
{
    while (p->first) {
        kci_slice *s = p->first;
        p->first = s->next;
        kci_fetched_unref(s->owner);
    }
    p->last = NULL;
    p->queued_bytes = 0;
    p->full = false;
    p->fetch_offset = p->position;
    p->fetch_epoch = p->position_epoch;
    p->token = ++c->last_token;
    kci_part_offer(c, p);
}

void kci_part_set_position(kc_consumer *c, kci_read_part *p, int64_t offset, int32_t epoch)
{
    p->position = offset;
    p->position_epoch = epoch;
    p->epoch_unsure = p->told = p->eof = p->recreated = false;
    p->eof_offset = -1;
    kci_part_set_state(p, KCI_PART_FETCHING);
    kci_part_drop_buffer(c, p);
    kci_consumer_answered(c);
}

static void put_error(kc_consumer *c, kci_read_part *p, kc_err err, int64_t offset, int64_t next,
                      const char *text)
{
    p->error = err;
    p->error_offset = offset;
    p->error_next = next;
    p->error_text = text;
    kci_part_offer(c, p);
    kci_consumer_answered(c);
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER, "%.*s [%d] at offset %lld: %s: %s",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)offset,
            kc_error_name(err), text ? text : kc_error_text(err));
}

void kci_part_stop(kc_consumer *c, kci_read_part *p, kc_err err, int64_t offset, int64_t next,
                   const char *text)
{
    kci_part_set_state(p, KCI_PART_STOPPED);
    kci_part_drop_buffer(c, p);
    p->stop_error = err;
    p->eof = false;
    put_error(c, p, err, offset, next, text);
    kci_part_todo(c, p);
}

void kci_part_report(kc_consumer *c, kci_read_part *p, kc_err err, const char *text)
{
    if (p->told_error == err)
        return;
    p->told_error = err;
    put_error(c, p, err, p->position, p->position, text);
}

/* ---- leaders ------------------------------------------------------------------------------ */

/* The brokers do not know the topic or the partition: reported when that lasts. */
static void missing(kc_consumer *c, kci_read_part *p, kc_err err)
{
    if (p->missing_since_us == 0)
        p->missing_since_us = now_us(c);
    int64_t report_us = p->missing_since_us + (p->leader >= 0 ? GRACE_SEEN_US : GRACE_NEW_US);
    if (now_us(c) >= report_us)
        kci_part_report(c, p, err, NULL);
    kci_client_refresh(c->client);
    kci_part_retry(c, p);
    if (p->told_error != err && p->retry_us > report_us)
        wait_until(c, p, report_us);
}

/* Finds the part's leader in the snapshot; false: it has none now, and will be looked at again. */
static bool find_leader(kc_consumer *c, kci_read_part *p)
{
    kci_read_topic *t = p->topic;
    if (!t->meta) {
        kci_topic_take_metadata(c, t);
        kci_consumer_count_ids(c);
    }
    if (!t->meta) /* asked for: there will be a newer snapshot */
        return false;
    kc_err err = t->meta->err;
    const kci_partition_meta *m = kci_part_meta(p);
    if (!m && err == KC_OK)
        err = KC_E_UNKNOWN_PARTITION;
    if (!m && (err == KC_E_UNKNOWN_PARTITION || err == KC_E_UNKNOWN_TOPIC_OR_PARTITION)) {
        missing(c, p, err);
        return false;
    }
    if (!m || err == KC_E_TOPIC_AUTHORIZATION_FAILED) {
        if (!(kc_error_flags(err) & KC_ERROR_RETRIABLE))
            kci_part_report(c, p, err, NULL);
        return false;
    }
    if (m->leader < 0) {
        kci_client_refresh(c->client);
        kci_part_retry(c, p);
        return false;
    }
    p->leader = m->leader;
    p->leader_epoch = m->leader_epoch;
    p->missing_since_us = 0;
    return true;
}

bool kci_part_replica_is_usable(const kc_consumer *c, const kci_read_part *p, int32_t node)
{
    const kci_partition_meta *m = kci_part_meta(p);
    bool good = kci_metadata_node(c->metadata, node) != NULL;
    for (int32_t i = 0; good && m && i < m->offline_count; i++)
        good = m->offline[i] != node;
    return good;
}

/* What it was asked within the lease is of use, also when the answer comes later. */
static bool is_asked(const kci_read_part *p, int32_t node)
{
    const kci_source *s = p->source;
    return s && s->id == node && s->in_flight && s->sent_us < p->preferred_until &&
           kci_session_is_current(s, p) && !KCI_BUG(LEASE_TOO_SHORT);
}

/* The broker to fetch from: the leader, or the closer replica that it named, while that is good. */
static int32_t choose_node(kc_consumer *c, kci_read_part *p)
{
    if (p->preferred < 0)
        return p->leader;
    bool usable = kci_part_replica_is_usable(c, p, p->preferred);
    if (!usable) /* the leader knows it: what we know may be old */
        kci_client_refresh(c->client);
    if (usable && (now_us(c) < p->preferred_until || is_asked(p, p->preferred)))
        return p->preferred;
    p->preferred = -1;
    return p->leader;
}

void kci_part_leave_preferred(kc_consumer *c, kci_read_part *p)
{
    if (p->preferred < 0)
        return;
    p->preferred = -1;
    kci_source *leader = kci_consumer_source(c, p->leader);
    if (++p->let_downs < LET_DOWNS_MAX || !leader)
        return;
    p->let_downs = 0;
    leader->leads_until = now_us(c) + c->lease_us;
}

static void leave_source(kci_read_part *p)
{
    if (p->source)
        kci_source_remove(p->source, p);
}

static void join_source(kc_consumer *c, kci_read_part *p)
{
    int32_t node = choose_node(c, p);
    if (!p->source || p->source->id != node) {
        kci_source *s = kci_consumer_source(c, node);
        if (!s) {
            kci_part_retry(c, p);
            return;
        }
        leave_source(p);
        kci_source_add(s, p);
    }
    kci_part_update_want(c, p);
}

/* ---- the part ------------------------------------------------------------------------------ */

/* The topic is another one: once the old one's records have been read, begins as at first. */
static void begin_anew(kc_consumer *c, kci_read_part *p)
{
    if (p->first) {
        p->full = true;
        p->resume_bytes = 0;
        kci_part_update_want(c, p);
        return;
    }
    p->recreated = false;
    p->checked_epoch = p->preferred = -1;
    p->high_watermark = p->last_stable = p->log_start = -1;
    if (p->state != KCI_PART_UNPLACED) {
        kci_part_out_of_range(c, p, "the topic was deleted and created again: seek");
        return;
    }
    kci_part_todo(c, p);
}

static void route(kc_consumer *c, kci_read_part *p)
{
    if (p->state == KCI_PART_STOPPED) {
        leave_source(p);
        return;
    }
    if (p->retry_us > now_us(c)) {
        wait_until(c, p, p->retry_us);
        kci_part_update_want(c, p);
        return;
    }
    p->retry_us = 0;
    if (!find_leader(c, p)) {
        kci_source_want(p, false);
        return;
    }
    if (p->recreated) {
        begin_anew(c, p);
        return;
    }
    if (p->state == KCI_PART_UNPLACED)
        kci_part_place(c, p);
    else if (p->state == KCI_PART_UNCHECKED)
        kci_part_check(c, p);
    if (p->state == KCI_PART_FETCHING)
        join_source(c, p);
    else
        kci_source_want(p, false);
}

void kci_part_update_want(kc_consumer *c, kci_read_part *p)
{
    bool want = p->state == KCI_PART_FETCHING && !p->paused && !p->full && !p->recreated &&
                p->retry_us <= now_us(c);
    kci_source_want(p, want);
}

void kci_consumer_run(kc_consumer *c)
{
    if (c->detached || c->closed)
        return;
    for (kci_link *l; (l = kci_list_pop_front(&c->todo));)
        route(c, KCI_CONTAINER_OF(l, kci_read_part, todo_link));
    kci_consumer_run_queries(c);
    kci_probes_send(&c->probes);
    kci_consumer_fetch(c);
    if (!kci_list_is_empty(&c->todo)) /* parts whose leader's epoch is to be checked first */
        kci_consumer_post(c);
}

void kci_consumer_due_at(kc_consumer *c, int64_t at_us)
{
    if (at_us >= c->next_due_us)
        return;
    c->next_due_us = at_us;
    kci_timer_set(c->loop, &c->timer, at_us);
}

void kci_consumer_wake_due(kc_consumer *c)
{
    int64_t now = now_us(c);
    c->next_due_us = INT64_MAX;
    c->queries_due = true;
    kci_list *list = &c->waiting;
    for (kci_link *l = kci_list_first(list), *next; l; l = next) {
        next = kci_list_next(list, l);
        kci_read_part *p = KCI_CONTAINER_OF(l, kci_read_part, wait_link);
        if (p->retry_us <= now)
            kci_part_todo(c, p);
        else
            kci_consumer_due_at(c, p->retry_us);
    }
    for (kci_link *l = kci_list_first(&c->sources); l; l = kci_list_next(&c->sources, l)) {
        const kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->retry_us > now)
            kci_consumer_due_at(c, s->retry_us);
    }
}

void kci_part_unassign(kc_consumer *c, kci_read_part *p)
{
    p->assigned = false;
    p->error = KC_OK;
    p->eof = false;
    kci_part_drop_buffer(c, p);
    kci_link_remove(&p->todo_link);
    kci_link_remove(&p->wait_link);
    leave_source(p);
    if (p->topic->parts.count == 1)
        kci_topic_forget_id(c, p->topic);
    kci_assignment_remove(&c->assignment, p);
    kci_part_unref(p);
}
