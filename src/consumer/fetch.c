/* SPDX-License-Identifier: Apache-2.0 */
/* When to ask which broker for how much. At most one Fetch per broker is in flight. Before it goes
 * out, room for its answer is reserved: what is held, reserved and needed to decompress a block
 * stays below fetch.buffer.bytes. What is reserved is what the answer can take: its frame with the
 * rounding of frames, and its slices. Half of the limit is shared out among brokers, so that one
 * that waits for records does not keep others from being asked.
 *
 * A broker may send more than it was asked for: a first batch that is larger than the limits
 * (KIP-74), long lists of aborted transactions. That is remembered, and from then on reserved for;
 * if it can never fit, brokers are asked one at a time. So the limit can be exceeded by one such
 * answer per broker the first time, and by one later. What polls make comes on top: views, and
 * decompressed blocks beyond the one that room is kept for (a quarter of the limit at most). */
#include "base/planted.h"
#include "consumer/consumer.h"

enum {
    FETCH_VERSION_MIN = 4,
    FETCH_VERSION_EPOCHS = 12, /* from here on brokers find truncation by themselves */
    FETCH_VERSION_NAMES = 12,  /* the last that names topics */
    FETCH_VERSION_MAX = 18,
    FIELDS = 4 * 1024,    /* of an answer, beside its records */
    FIELDS_PART = 64,     /* of each partition in it */
    CROWDED_WAIT_MS = 50, /* of a request whose credit other brokers wait for */
    /* So many answers in a row may come at once and bring nothing, as when leaders move. */
    IDLE_MAX = 3
};

static void on_fetched(kci_call *call, kc_err err, const kci_response *response, const char *why);
static kc_err on_version(kci_call *call, int16_t version);

kci_source *kci_consumer_source(kc_consumer *c, int32_t node)
{
    kci_list *list = &c->sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->id == node)
            return s;
    }
    kci_source *s = kci_alloc(sizeof *s);
    if (!s)
        return NULL;
    kci_source_init(s, c, node);
    kci_list_push_back(list, &s->link);
    return s;
}

void kci_consumer_drop_sources(kc_consumer *c)
{
    kci_list *list = &c->sources;
    for (kci_link *l = kci_list_first(list), *next; l; l = next) {
        next = kci_list_next(list, l);
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        bool known = !c->detached && kci_metadata_node(c->metadata, s->id);
        if (known || s->in_flight || !kci_list_is_empty(&s->parts))
            continue;
        kci_link_remove(l);
        kci_source_clear(s);
        kci_free(s);
    }
}

/* ---- credit ------------------------------------------------------------------------------- */

/* Room kept for one decompressed block. */
static size_t block_room(kc_consumer *c)
{
    size_t block = kci_credit_largest_block(c->credit);
    size_t most = kci_credit_limit(c->credit) / 4;
    return block < most ? block : most;
}

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many bytes to ask the source for, if there were nothing else. */
static size_t fair_share(kc_consumer *c, const kci_source *s)
{
    size_t limit = kci_credit_limit(c->credit);
    size_t share = limit / 2 / (size_t)(c->active_sources > 0 ? c->active_sources : 1);
    size_t part = (size_t)c->fetch.max_partition_bytes;
    size_t want = (size_t)s->wanted > SIZE_MAX / (part + 1) ? SIZE_MAX : part * (size_t)s->wanted;
    size_t ask = min_size(min_size(want, share), (size_t)c->fetch.max_bytes);
    return ask > 0 ? ask : 1;
}

/* Bytes of memory for an answer with so many bytes of records. */
static size_t need_for(kc_consumer *c, const kci_source *s, size_t ask)
{
    size_t wanted = (size_t)s->wanted;
    size_t fields = FIELDS + min_size(wanted * FIELDS_PART, ask);
    size_t slices = min_size(wanted, ask / KCI_BATCH_PREFIX_SIZE + 1);
    size_t need = kci_frame_most(ask + fields) + kci_fetched_size(slices, 0);
    return need > c->largest_answer ? need : c->largest_answer;
}

/* Reserves memory for an answer; returns how many bytes to ask for, 0: none now. */
static size_t reserve(kc_consumer *c, kci_source *s)
{
    size_t limit = kci_credit_limit(c->credit);
    size_t used = kci_credit_held(c->credit) + c->reserved + block_room(c);
    size_t ask = fair_share(c, s);
    size_t need = need_for(c, s, ask);
    if ((used <= limit && need <= limit - used) || KCI_BUG(FETCH_UNBOUNDED)) {
        s->reserved = need;
        return ask;
    }
    /* Limits that are too small for anything: one at a time. */
    if (c->reserved == 0 && kci_credit_held(c->credit) <= limit / 4) {
        s->reserved = min_size(need, limit);
        return ask;
    }
    return 0;
}

static void unreserve(kc_consumer *c, kci_source *s)
{
    c->reserved -= s->reserved;
    s->reserved = 0;
}

/* Gives up what is buffered of paused parts, for those that could go on. */
static bool drop_paused(kc_consumer *c)
{
    bool dropped = false;
    int32_t topic = 0, at = 0;
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));) {
        if (!p->paused || !p->first || p == c->reading)
            continue;
        kci_part_drop_buffer(c, p);
        dropped = true;
    }
    return dropped;
}

/* ---- sending ------------------------------------------------------------------------------ */

/* Brokers that cannot find truncation by themselves: it is looked for before records are fetched
 * from a new leader. Returns whether anything is left to fetch. */
static bool check_epochs(kc_consumer *c, kci_source *s)
{
    for (kci_link *l = kci_list_first(&s->parts), *next; l; l = next) {
        next = kci_list_next(&s->parts, l);
        kci_read_part *p = KCI_CONTAINER_OF(l, kci_read_part, source_link);
        if (!p->wanted || p->fetch_epoch < 0 || p->leader_epoch < 0 ||
            p->checked_epoch >= p->leader_epoch)
            continue;
        kci_part_set_state(p, KCI_PART_UNCHECKED);
        kci_part_todo(c, p);
        kci_part_update_want(c, p);
    }
    return s->wanted > 0;
}

static void pause_source(kc_consumer *c, kci_source *s, uint32_t times)
{
    s->retry_us = kci_loop_now(c->loop) + kci_backoff_delay(&c->backoff, times, &c->random);
    kci_consumer_due_at(c, s->retry_us);
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
    int16_t max = c->topics_without_id > 0 ? FETCH_VERSION_NAMES : FETCH_VERSION_MAX;
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
    c->reserved += s->reserved;
    c->flying++;
    s->in_flight = true;
    s->sent_us = kci_loop_now(c->loop);
    s->call = (kci_call){
        .api = KCI_API_FETCH,
        .cls = KCI_CLASS_FETCH,
        .lane = c->lane,
        .node = s->id,
        .min_version = version,
        .max_version = version,
        .body = &s->body,
        .timeout_us = (int64_t)o->max_wait_ms * 1000 + c->request_timeout_us,
        .prepare = on_version,
        .done = on_fetched,
    };
    kci_call_start(c->client, &s->call);
}

/* What was built is for one version: another connection with another version gets another one. */
static kc_err on_version(kci_call *call, int16_t version)
{
    kci_source *s = KCI_CONTAINER_OF(call, kci_source, call);
    return version == s->version ? KC_OK : KC_E_TRANSPORT;
}

/* False: there is no credit. */
static bool try_source(kc_consumer *c, kci_source *s)
{
    if (s->in_flight || s->wanted == 0 || s->retry_us > kci_loop_now(c->loop))
        return true;
    int16_t version = version_for(c, s);
    if (version < 0 || (version < FETCH_VERSION_EPOCHS && !check_epochs(c, s)))
        return true;
    size_t ask = reserve(c, s);
    if (ask == 0)
        return false;
    kci_fetch_options o = c->fetch;
    o.max_bytes = (int32_t)min_size(ask, INT32_MAX);
    if (c->crowded && o.max_wait_ms > CROWDED_WAIT_MS)
        o.max_wait_ms = CROWDED_WAIT_MS;
    if (s->leads_until > kci_loop_now(c->loop))
        o.rack = kc_mem("", 0);
    if (kci_session_build(s, &o, version, ++c->last_mark) != KC_OK) {
        s->reserved = 0;
        source_retry(c, s);
        return true;
    }
    start(c, s, &o, version);
    return true;
}

static void count_active(kc_consumer *c)
{
    c->active_sources = 0;
    for (kci_link *l = kci_list_first(&c->sources); l; l = kci_list_next(&c->sources, l))
        c->active_sources += KCI_CONTAINER_OF(l, kci_source, link)->wanted > 0;
}

/* Tries sources, the ones that waited longest first, up to one for which there is no credit
 * (false): those behind it would take for ever what it waits for. */
static bool try_all(kc_consumer *c)
{
    kci_list *list = &c->sources;
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        if (!try_source(c, KCI_CONTAINER_OF(l, kci_source, link)))
            return false;
    }
    return true;
}

void kci_consumer_fetch(kc_consumer *c)
{
    count_active(c);
    c->crowded = c->starved;
    c->starved = false;
    if (try_all(c))
        return;
    if (kci_list_is_empty(&c->ready) && !c->reading && drop_paused(c) && try_all(c))
        return;
    c->starved = true;
    /* At or below this only answers under way can be in the way; their end brings us back here. */
    size_t enough = kci_credit_limit(c->credit) / 4;
    if (!kci_credit_await(c->credit, enough) && c->reserved == 0)
        kci_consumer_post(c);
}

/* ---- the end of a request ------------------------------------------------------------------ */

/* What was preferred at this broker goes back to its leader. */
static void leave_followers(kc_consumer *c, kci_source *s)
{
    for (kci_link *l = kci_list_first(&s->parts); l; l = kci_list_next(&s->parts, l)) {
        kci_read_part *p = KCI_CONTAINER_OF(l, kci_read_part, source_link);
        if (p->preferred != s->id)
            continue;
        kci_part_leave_preferred(c, p);
        kci_part_todo(c, p);
    }
}

static void fetch_failed(kc_consumer *c, kci_source *s, kc_err err, const char *why)
{
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "fetch from broker %d: %s: %s", s->id,
            kc_error_name(err), why ? why : "");
    kci_session_reset(s);
    leave_followers(c, s);
    source_retry(c, s);
    kci_client_refresh(c->client);
}

/* A broker that has nothing to say lets us wait. One that answers at once, and never with anything
 * that can be used, would be asked as fast as the network allows: the asking slows down. */
static void note_idle(kc_consumer *c, kci_source *s, const kci_response *r)
{
    bool at_once = r->rtt_us < (int64_t)s->body.max_wait_ms * 1000 / 2;
    s->idle = s->brought || !at_once ? 0 : s->idle + 1;
    if (s->idle <= IDLE_MAX)
        return;
    s->idle = s->idle > 30 ? 30 : s->idle;
    pause_source(c, s, s->idle - IDLE_MAX);
}

static void use_answer(kc_consumer *c, kci_source *s, const kci_response *r)
{
    const kci_fetch_response *body = r->body;
    bool new_session = body->error_code == KC_E_FETCH_SESSION_ID_NOT_FOUND ||
                       body->error_code == KC_E_INVALID_FETCH_SESSION_EPOCH;
    if (!kci_session_answer(s, body->error_code, body->session_id)) {
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
    if (kci_consumer_answer(c, s, r) != KC_OK) {
        source_retry(c, s);
        return;
    }
    s->failures = 0;
    note_idle(c, s, r);
}

/* Ends the session at the broker: an empty request with epoch -1 that nobody waits for. */
static void close_session(kc_consumer *c, kci_source *s)
{
    int16_t version = s->by_id ? FETCH_VERSION_MAX : FETCH_VERSION_NAMES;
    version =
        kci_node_version(c->client, s->id, KCI_CLASS_FETCH, c->lane, KCI_API_FETCH, 7, version);
    if (version < 0 || s->session_id == 0 || s->session_epoch < 0)
        return;
    kci_fetch_options o = c->fetch;
    o.max_wait_ms = 0;
    s->session_epoch = -1;
    s->full = false;
    kci_msg_init(&kci_fetch_request_msg, &s->body);
    s->body.rack_id = o.rack;
    s->body.session_id = s->session_id;
    s->body.session_epoch = -1;
    s->version = version;
    start(c, s, &o, version);
}

static void on_fetched(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_source *s = KCI_CONTAINER_OF(call, kci_source, call);
    kc_consumer *c = s->consumer;
    pthread_mutex_lock(&c->lock);
    s->in_flight = false;
    c->flying--;
    if (c->detached) {
        unreserve(c, s);
        if (c->tell_end)
            close_session(c, s);
        kci_consumer_maybe_gone(c);
        return;
    }
    if (err == KC_OK)
        use_answer(c, s, response);
    else
        fetch_failed(c, s, err, why);
    unreserve(c, s);
    kci_session_release(s);
    /* Others come first next time. */
    kci_link_remove(&s->link);
    kci_list_push_back(&c->sources, &s->link);
    kci_consumer_run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_node_changed(kc_consumer *c, int32_t node, kci_node_state state, kc_err err)
{
    if (state == KCI_NODE_UP)
        c->refused = KC_OK;
    else if (err == KC_E_AUTHENTICATION || err == KC_E_TLS)
        c->refused = err;
    for (kci_link *l = kci_list_first(&c->sources); l; l = kci_list_next(&c->sources, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->id != node || s->in_flight)
            continue;
        if (state == KCI_NODE_UP) {
            s->retry_us = 0;
        } else if (state == KCI_NODE_DOWN && s->wanted > 0) {
            s->failures += s->failures == 0; /* see prefer() in answer.c */
            kci_session_reset(s);
            leave_followers(c, s);
            kci_client_refresh(c->client);
        }
    }
}

void kci_consumer_stop_fetching(kc_consumer *c, bool tell)
{
    c->tell_end = tell;
    for (kci_link *l = kci_list_first(&c->sources); l; l = kci_list_next(&c->sources, l)) {
        kci_source *s = KCI_CONTAINER_OF(l, kci_source, link);
        if (s->in_flight)
            kci_call_cancel(c->client, &s->call);
        else if (tell)
            close_session(c, s);
    }
}
