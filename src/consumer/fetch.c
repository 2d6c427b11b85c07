/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask which broker. At most one Fetch per broker is in flight, and it goes out only when
 * there is room for its answer (room.c). */
#include "base/planted.h"
#include "consumer/consumer.h"

enum {
    FETCH_VERSION_MIN = 4,
    FETCH_VERSION_EPOCHS = 12, /* from here on brokers find truncation by themselves */
    FETCH_VERSION_NAMES = 12,  /* the last that names topics */
    FETCH_VERSION_MAX = 18,
    CROWDED_WAIT_MS = 50, /* of a request whose credit other brokers wait for */
    /* So many answers in a row may come at once and bring nothing, as when leaders move. */
    IDLE_MAX = 3
};

static kc_err on_version(kci_call *call, int16_t version);

/* ---- sending ------------------------------------------------------------------------------ */

/* At or below this, only answers under way can be in the way of another request. */
static size_t enough(const kc_consumer *c)
{
    return kci_credit_limit(c->credit) / 4;
}

/* Gives up what is queued of paused parts, for those that could go on: no more than is needed. */
static bool drop_paused(kc_consumer *c)
{
    bool dropped = false;
    int32_t topic = 0, at = 0;
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));) {
        if (kci_credit_held(c->credit) <= enough(c))
            break;
        if (!p->queue.paused || !p->queue.first || p == c->reading.part)
            continue;
        kci_part_drop_queue(p);
        dropped = true;
    }
    return dropped;
}

/* Brokers that cannot find truncation by themselves: it is looked for before records are fetched
 * from a new leader. Returns whether anything is left to fetch. */
static bool check_epochs(kc_consumer *c, kci_source *s)
{
    kci_list *list = &s->session.parts;
    for (kci_link *l = kci_list_first(list), *next; l; l = next) {
        next = kci_list_next(list, l);
        kci_read_part *p = KCI_CONTAINER_OF(l, kci_read_part, fetching.link);
        if (!p->fetching.wanted || !kci_place_is_doubtful(&p->place, p->replica.leader_epoch))
            continue;
        kci_place_doubt(&p->place);
        kci_part_todo(c, p);
        kci_part_update_want(c, p);
    }
    return s->session.wanted > 0;
}

static void pause_source(kc_consumer *c, kci_source *s, uint32_t times)
{
    s->retry_us = kci_loop_now(c->loop) + kci_agenda_delay(&c->agenda, times);
    kci_agenda_due_at(&c->agenda, s->retry_us);
}

static void source_retry(kc_consumer *c, kci_source *s)
{
    if (s->failures < 30)
        s->failures++;
    pause_source(c, s, s->failures);
}

/* The version for the next request; below 0: not now. */
static int16_t version_for(kc_consumer *c, kci_source *s)
{
    kci_node_state state = kci_node_poll(c->client, s->id, KCI_CLASS_FETCH, c->lane, true);
    if (state == KCI_NODE_NO_MEMORY)
        source_retry(c, s);
    if (state != KCI_NODE_UP)
        return -1;
    int16_t max = c->known.without_id > 0 ? FETCH_VERSION_NAMES : FETCH_VERSION_MAX;
    int16_t version = kci_node_version(c->client, s->id, KCI_CLASS_FETCH, c->lane, KCI_API_FETCH,
                                       FETCH_VERSION_MIN, max);
    if (version >= 0)
        return version;
    KCI_LOG(c->log, KC_LOG_ERROR, KCI_AREA_CONSUMER, "broker %d has no Fetch that we know", s->id);
    source_retry(c, s);
    return -1;
}

static void start(kc_consumer *c, kci_source *s, const kci_fetch_options *o, int16_t version)
{
    c->fetcher.flying++;
    s->in_flight = true;
    s->sent_us = kci_loop_now(c->loop);
    s->call = (kci_call){
        .api = KCI_API_FETCH,
        .cls = KCI_CLASS_FETCH,
        .lane = c->lane,
        .node = s->id,
        .min_version = version,
        .max_version = version,
        .body = &s->session.body,
        .timeout_us = (int64_t)o->max_wait_ms * 1000 + c->set.request_timeout_us,
        .prepare = on_version,
        .done = c->fetcher.on_end,
    };
    kci_call_start(c->client, &s->call);
}

/* What was built is for one version: another connection with another version gets another one. */
static kc_err on_version(kci_call *call, int16_t version)
{
    kci_source *s = KCI_CONTAINER_OF(call, kci_source, call);
    return version == s->version ? KC_OK : KC_E_TRANSPORT;
}

static kc_err build(kc_consumer *c, kci_source *s, kci_fetch_options *o, int16_t version)
{
    kci_fetching *alone = s->alone_left > 0 ? kci_session_next_alone(&s->session) : NULL;
    s->version = version;
    s->alone = alone != NULL;
    if (!alone)
        return kci_session_build(&s->session, o, version, ++c->fetcher.last_mark);
    o->max_wait_ms = 0;
    return kci_session_build_alone(&s->session, o, version, alone);
}

/* False: there is no credit. */
static bool try_source(kc_consumer *c, kci_source *s)
{
    if (s->in_flight || s->session.wanted == 0 || s->retry_us > kci_loop_now(c->loop))
        return true;
    int16_t version = version_for(c, s);
    if (version < 0 || (version < FETCH_VERSION_EPOCHS && !check_epochs(c, s)))
        return true;
    size_t ask = kci_room_reserve(c, s);
    if (ask == 0)
        return false;
    kci_fetch_options o = c->set.fetch;
    o.max_bytes = ask < INT32_MAX ? (int32_t)ask : INT32_MAX;
    if (c->fetcher.crowded && o.max_wait_ms > CROWDED_WAIT_MS)
        o.max_wait_ms = CROWDED_WAIT_MS;
    if (s->leads_until > kci_loop_now(c->loop))
        o.rack = kc_mem("", 0);
    if (build(c, s, &o, version) != KC_OK) {
        kci_room_release(c, s);
        source_retry(c, s);
        return true;
    }
    start(c, s, &o, version);
    return true;
}

static void count_active(kc_consumer *c)
{
    c->fetcher.active = 0;
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l))
        c->fetcher.active += KCI_CONTAINER_OF(l, kci_source, link)->session.wanted > 0;
}

/* Tries sources, the ones that waited longest first, up to one for which there is no credit
 * (false): those behind it would take for ever what it waits for. */
static bool try_all(kc_consumer *c)
{
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        if (!try_source(c, KCI_CONTAINER_OF(l, kci_source, link)))
            return false;
    }
    return true;
}

void kci_consumer_fetch(kc_consumer *c)
{
    count_active(c);
    c->fetcher.crowded = c->fetcher.starved;
    c->fetcher.starved = false;
    if (try_all(c))
        return;
    if (kci_list_is_empty(&c->ready.list) && !c->reading.part && drop_paused(c) && try_all(c))
        return;
    c->fetcher.starved = true;
    /* The end of answers under way brings us back here. */
    if (!kci_credit_await(c->credit, enough(c)) && c->room.reserved == 0)
        kci_consumer_post(c);
}

/* ---- the end of a request ------------------------------------------------------------------ */

/* What was preferred at this broker goes back to its leader. */
static void leave_followers(kc_consumer *c, kci_source *s)
{
    kci_list *list = &s->session.parts;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_read_part *p = KCI_CONTAINER_OF(l, kci_read_part, fetching.link);
        if (p->replica.preferred != s->id)
            continue;
        kci_part_leave_preferred(c, p);
        kci_part_todo(c, p);
    }
}

/* The partition that was asked for alone, if it still is what was asked for. */
static kci_read_part *part_alone(kc_consumer *c, kci_source *s)
{
    const kci_fetch_request_fetch_topic *t = s->session.body.topics.data;
    int32_t number = t->partitions.data[0].partition;
    kci_read_part *p = kci_assignment_find(&c->assignment, t->topic, number);
    return p && kci_part_is_current(p, s) ? p : NULL;
}

/* One of those to be asked for alone is done with; it goes behind the others. */
static void count_alone(kc_consumer *c, kci_source *s)
{
    kci_read_part *p = part_alone(c, s);
    s->alone_left--;
    if (p)
        kci_fetching_last(&p->fetching);
}

/* The answer was larger than may be received. Brokers keep to what they are asked for, but for the
 * first batch (KIP-74): so one partition has a batch that cannot be had. Which one, is found out by
 * asking for each alone, once; those that get their records go on. */
static void too_large(kc_consumer *c, kci_source *s)
{
    if (!s->alone) {
        s->alone_left = s->session.wanted;
        return;
    }
    kci_read_part *p = part_alone(c, s);
    count_alone(c, s);
    if (p && !kci_part_hold(c, p))
        kci_part_stop(c, p, KC_E_RESPONSE_TOO_LARGE, p->place.position, p->place.position + 1,
                      "the batch at this offset is larger than receive.message.max.bytes: raise "
                      "it, or seek beyond the batch");
}

static void fetch_failed(kc_consumer *c, kci_source *s, kc_err err, const char *why)
{
    if (err == KC_E_RESPONSE_TOO_LARGE)
        too_large(c, s);
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "fetch from broker %d: %s: %s", s->id,
            kc_error_name(err), why ? why : "");
    kci_session_reset(&s->session);
    leave_followers(c, s);
    source_retry(c, s);
    kci_client_refresh(c->client);
}

/* A broker that has nothing to say lets us wait. One that answers at once, and never with anything
 * that can be used, would be asked as fast as the network allows: the asking slows down. */
static void note_idle(kc_consumer *c, kci_source *s, const kci_response *r)
{
    bool at_once = r->rtt_us < (int64_t)s->session.body.max_wait_ms * 1000 / 2;
    s->idle = s->brought || !at_once ? 0 : s->idle + 1;
    if (s->idle <= IDLE_MAX)
        return;
    s->idle = s->idle > 30 ? 30 : s->idle;
    pause_source(c, s, s->idle - IDLE_MAX);
}

static void use_answer(kc_consumer *c, kci_source *s, const kci_response *r)
{
    const kci_fetch_response *body = r->body;
    bool alone = s->alone && body->error_code == KC_OK;
    bool new_session = body->error_code == KC_E_FETCH_SESSION_ID_NOT_FOUND ||
                       body->error_code == KC_E_INVALID_FETCH_SESSION_EPOCH;
    if (!alone && !kci_session_answer(&s->session, body->error_code, body->session_id)) {
        KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "fetch from broker %d: %s", s->id,
                kc_error_name(body->error_code));
        /* A lost session is normal, once: a new one is asked for at once. */
        if (!new_session || s->failures > 0)
            source_retry(c, s);
        else
            s->failures = 1;
        if (!new_session)
            kci_client_refresh(c->client);
        return;
    }
    if (kci_consumer_answer(c, s, r, ++c->fetcher.last_mark, &s->brought) != KC_OK) {
        source_retry(c, s);
        return;
    }
    if (alone)
        count_alone(c, s);
    s->failures = 0;
    note_idle(c, s, r);
}

/* Ends the session at the broker: an empty request with epoch -1 that nobody waits for. */
static void close_session(kc_consumer *c, kci_source *s)
{
    int16_t version = s->session.by_id ? FETCH_VERSION_MAX : FETCH_VERSION_NAMES;
    version =
        kci_node_version(c->client, s->id, KCI_CLASS_FETCH, c->lane, KCI_API_FETCH, 7, version);
    kci_fetch_options o = c->set.fetch;
    o.max_wait_ms = 0;
    if (version < 0 || !kci_session_build_end(&s->session, &o))
        return;
    s->version = version;
    s->alone = false;
    start(c, s, &o, version);
}

void kci_source_ended(kc_consumer *c, kci_source *s, kc_err err, const kci_response *response,
                      const char *why)
{
    s->in_flight = false;
    c->fetcher.flying--;
    if (c->detached) {
        kci_room_release(c, s);
        if (c->fetcher.tell_end)
            close_session(c, s);
        return;
    }
    if (err == KC_OK)
        use_answer(c, s, response);
    else
        fetch_failed(c, s, err, why);
    kci_room_release(c, s);
    kci_session_release(&s->session);
    /* Others come first next time. */
    kci_link_remove(&s->link);
    kci_list_push_back(&c->fetcher.sources, &s->link);
}

void kci_consumer_time_sources(kc_consumer *c)
{
    int64_t now = kci_loop_now(c->loop);
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        const kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->retry_us > now)
            kci_agenda_due_at(&c->agenda, s->retry_us);
    }
}

void kci_fetcher_refuse(kci_fetcher *f, kc_err err)
{
    f->refused = err;
}

void kci_consumer_node_changed(kc_consumer *c, int32_t node, kci_node_state state)
{
    if (state == KCI_NODE_UP)
        c->fetcher.refused = KC_OK;
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->id != node || s->in_flight)
            continue;
        if (state == KCI_NODE_UP) {
            s->retry_us = 0;
        } else if (state == KCI_NODE_DOWN && s->session.wanted > 0) {
            s->failures += s->failures == 0; /* see prefer() in answer.c */
            kci_session_reset(&s->session);
            leave_followers(c, s);
            kci_client_refresh(c->client);
        }
    }
}

void kci_consumer_stop_fetching(kc_consumer *c, bool tell)
{
    c->fetcher.tell_end = tell;
    kci_list *list = &c->fetcher.sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->in_flight)
            kci_call_cancel(c->client, &s->call);
        else if (tell)
            close_session(c, s);
    }
}
