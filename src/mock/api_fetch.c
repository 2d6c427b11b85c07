/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch: which partitions (fetch sessions, KIP-227), what each has to say (fetch_read.c), and
 * whether to answer now or to wait for more. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"
#include "mock/fetch_read.h"

typedef kci_fetch_response_fetchable_topic_response out_topic;
typedef kci_fetch_response_partition_data out_partition;

static kc_bytes topic_of(const kci_mock_request *r, kc_bytes name)
{
    return r->version >= 13 ? kc_mem(NULL, 0) : name;
}

static int32_t listed(const kci_fetch_request *in)
{
    int32_t n = 0;
    for (int32_t t = 0; t < in->topics.count; t++)
        n += in->topics.data[t].partitions.count;
    return n;
}

static kci_mock_want want_of(const kci_mock_request *r, const kci_fetch_request_fetch_topic *topic,
                             int32_t i)
{
    const kci_fetch_request_fetch_partition *p = &topic->partitions.data[i];
    return (kci_mock_want){ .topic = topic_of(r, topic->topic),
                            .topic_id = topic->topic_id,
                            .partition = p->partition,
                            .max_bytes = p->partition_max_bytes,
                            .fetch_offset = p->fetch_offset,
                            .current_leader_epoch = p->current_leader_epoch,
                            .last_fetched_epoch = p->last_fetched_epoch };
}

/* A request without a session, or one that may begin one. */
static kc_err collect_full(kci_mock_request *r, kci_mock_fetch *f)
{
    const kci_fetch_request *in = r->body;
    kci_mock_session *old = kci_mock_session_get(&r->broker->sessions, in->session_id);
    if (old)
        kci_mock_session_close(&r->broker->sessions, old);
    f->begin_session = in->session_epoch == 0 && r->cluster->fetch_sessions;
    f->items = kci_mock_take(r, (size_t)listed(in), sizeof *f->items);
    if (!f->items)
        return KC_E_NO_MEMORY;
    for (int32_t t = 0; t < in->topics.count; t++) {
        for (int32_t i = 0; i < in->topics.data[t].partitions.count; i++)
            f->items[f->count++].want = want_of(r, &in->topics.data[t], i);
    }
    return KC_OK;
}

/* What the request changes in its session. */
static kc_err update_session(const kci_mock_request *r, kci_mock_session *session)
{
    const kci_fetch_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        for (int32_t i = 0; i < in->topics.data[t].partitions.count; i++) {
            kci_mock_want want = want_of(r, &in->topics.data[t], i);
            if (!kci_mock_session_put(session, &want))
                return KC_E_NO_MEMORY;
        }
    }
    for (int32_t t = 0; t < in->forgotten_topics_data.count; t++) {
        const kci_fetch_request_forgotten_topic *topic = &in->forgotten_topics_data.data[t];
        for (int32_t i = 0; i < topic->partitions.count; i++) {
            kci_mock_want want = { .topic = topic_of(r, topic->topic),
                                   .topic_id = topic->topic_id,
                                   .partition = topic->partitions.data[i] };
            kci_mock_session_forget(session, &want);
        }
    }
    return KC_OK;
}

/* The session may be gone before this request is answered: what it says is copied. */
static kc_err copy_session(kci_mock_request *r, kci_mock_fetch *f, const kci_mock_session *session)
{
    f->items = kci_mock_take(r, kci_mock_session_size(session), sizeof *f->items);
    if (!f->items)
        return KC_E_NO_MEMORY;
    kci_link *link = kci_list_first(&session->partitions);
    for (; link; link = kci_list_next(&session->partitions, link)) {
        kci_mock_want *want = &f->items[f->count++].want;
        *want = KCI_CONTAINER_OF(link, kci_mock_cached, link)->want;
        kc_bytes name = want->topic;
        want->topic = kci_arena_copy(&r->arena, name);
        if (name.data && !want->topic.data)
            return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

/* A request of a session. Session errors go to f->error. */
static kc_err collect_incremental(kci_mock_request *r, kci_mock_fetch *f)
{
    const kci_fetch_request *in = r->body;
    kci_mock_sessions *sessions = &r->broker->sessions;
    kci_mock_session *session = kci_mock_session_get(sessions, in->session_id);
    if (!session)
        f->error = KC_E_FETCH_SESSION_ID_NOT_FOUND;
    else if (session->epoch != in->session_epoch)
        f->error = KC_E_INVALID_FETCH_SESSION_EPOCH;
    else if (session->uses_ids != (r->version >= 13))
        f->error = KC_E_FETCH_SESSION_TOPIC_ID_ERROR;
    if (f->error)
        return KC_OK;
    kc_err err = update_session(r, session);
    if (err != KC_OK)
        return err;
    if (kci_mock_session_size(session) == 0) {
        kci_mock_session_close(sessions, session);
        return KC_OK;
    }
    session->epoch = session->epoch == INT32_MAX ? 1 : session->epoch + 1;
    kci_mock_session_touch(sessions, session, r->cluster->now_us);
    f->session_id = session->id;
    return copy_session(r, f, session);
}

/* Begins a session with what this answer says; 0: none was granted. */
static int32_t begin_session(kci_mock_request *r, const kci_mock_fetch *f)
{
    kci_mock_sessions *sessions = &r->broker->sessions;
    int32_t id;
    do {
        id = (int32_t)(kci_random_below(&r->cluster->random, INT32_MAX) + 1);
    } while (kci_mock_session_get(sessions, id));
    kci_mock_session *session =
        kci_mock_session_new(sessions, id, r->version >= 13, r->cluster->now_us);
    if (!session)
        return 0;
    for (int32_t i = 0; i < f->count; i++) {
        const kci_mock_fetch_item *item = &f->items[i];
        kci_mock_cached *cached = kci_mock_session_put(session, &item->want);
        if (!cached) {
            kci_mock_session_close(sessions, session);
            return 0;
        }
        cached->told_hw = item->out.error_code ? -1 : item->out.high_watermark;
        cached->told_start = item->out.log_start_offset;
    }
    return id;
}

/* Whether a session's answer has to name the partition; notes what it is told. */
static bool is_news(kci_mock_session *session, const kci_mock_fetch_item *item)
{
    kci_mock_cached *cached = session ? kci_mock_session_find(session, &item->want) : NULL;
    if (!cached)
        return true;
    const out_partition *out = &item->out;
    bool news = item->bytes > 0 || out->error_code || out->preferred_read_replica >= 0 ||
                out->diverging_epoch.epoch >= 0 || out->high_watermark != cached->told_hw ||
                out->log_start_offset != cached->told_start;
    cached->told_hw = out->error_code ? -1 : out->high_watermark;
    cached->told_start = out->log_start_offset;
    if (item->bytes > 0)
        kci_mock_session_rotate(session, cached);
    return news;
}

static bool same_topic(const out_topic *topic, const kci_mock_want *want)
{
    return want->topic.data ? kci_bytes_equal(topic->topic, want->topic)
                            : kci_uuid_equal(&topic->topic_id, &want->topic_id);
}

/* Partitions in the order in which they were read, under their topics. */
static kc_err write_items(kci_mock_request *r, kci_mock_fetch *f, kci_fetch_response *out)
{
    kci_mock_session *session = kci_mock_session_get(&r->broker->sessions, f->session_id);
    bool incremental = f->session_id != 0;
    out_partition *list = kci_mock_take(r, (size_t)f->count, sizeof *list);
    out->responses.data = kci_mock_take(r, (size_t)f->count, sizeof *out->responses.data);
    if (!list || !out->responses.data)
        return KC_E_NO_MEMORY;
    out_topic *topic = NULL;
    for (int32_t i = 0; i < f->count; i++) {
        const kci_mock_fetch_item *item = &f->items[i];
        if (incremental && !is_news(session, item))
            continue;
        if (!topic || !same_topic(topic, &item->want)) {
            topic = &out->responses.data[out->responses.count++];
            topic->topic = item->want.topic;
            topic->topic_id = item->want.topic_id;
            topic->partitions.data = list;
        }
        topic->partitions.count++;
        *list++ = item->out;
    }
    return KC_OK;
}

static kc_err name_endpoints(kci_mock_request *r, const kci_mock_fetch *f, kci_fetch_response *out)
{
    int32_t n = f->endpoints.count;
    out->node_endpoints.data = kci_mock_take(r, (size_t)n, sizeof *out->node_endpoints.data);
    if (!out->node_endpoints.data)
        return KC_E_NO_MEMORY;
    out->node_endpoints.count = n;
    for (int32_t i = 0; i < n; i++) {
        const kci_mock_broker *b = kci_mock_broker_get(r->cluster, f->endpoints.ids[i]);
        out->node_endpoints.data[i] =
            (kci_fetch_response_node_endpoint){ b->id, kc_str(b->host), b->port, kc_str(b->rack) };
    }
    return KC_OK;
}

static kci_mock_outcome answer(kci_mock_request *r, kci_mock_fetch *f)
{
    kci_fetch_response *out = r->answer;
    out->session_id = f->session_id;
    if (write_items(r, f, out) != KC_OK || name_endpoints(r, f, out) != KC_OK)
        return KCI_MOCK_CLOSE;
    if (f->begin_session)
        out->session_id = begin_session(r, f);
    return KCI_MOCK_ANSWER;
}

/* Reads; then answers, if there is reason to, or waits. */
static kci_mock_outcome look(kci_mock_request *r, kci_mock_fetch *f)
{
    const kci_fetch_request *in = r->body;
    if (kci_mock_fetch_read(r, f) != KC_OK)
        return KCI_MOCK_CLOSE;
    if (f->urgent || f->count == 0 || f->bytes >= in->min_bytes || in->max_wait_ms <= 0 ||
        r->timed_out)
        return answer(r, f);
    kci_mock_slices_clear(r);
    if (kci_mock_request_watch_begin(r, f->count) != KC_OK)
        return KCI_MOCK_CLOSE;
    for (int32_t i = 0; i < f->count; i++) {
        kci_mock_partition *p = kci_mock_fetch_partition(r, &f->items[i].want);
        if (p)
            kci_mock_request_watch(r, &p->watches);
    }
    /* A marker is small but may make much readable. */
    r->wanted_bytes = in->isolation_level == 1 ? INT64_MIN : in->min_bytes - f->bytes;
    return KCI_MOCK_WAIT;
}

kci_mock_outcome kci_mock_serve_fetch(kci_mock_request *r)
{
    const kci_fetch_request *in = r->body;
    kci_fetch_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    kci_mock_fetch *f = r->state = kci_mock_take(r, 1, sizeof *f);
    if (!f)
        return KCI_MOCK_CLOSE;
    f->error = kci_mock_forced_top(r);
    bool full = in->session_epoch == 0 || in->session_epoch == -1;
    kc_err err = f->error ? KC_OK : full ? collect_full(r, f) : collect_incremental(r, f);
    if (err != KC_OK)
        return KCI_MOCK_CLOSE;
    if (f->error) {
        out->error_code = f->error;
        return KCI_MOCK_ANSWER;
    }
    r->deadline_us = r->cluster->now_us + 1000 * (int64_t)in->max_wait_ms;
    return look(r, f);
}

kci_mock_outcome kci_mock_resume_fetch(kci_mock_request *r)
{
    return look(r, r->state);
}
