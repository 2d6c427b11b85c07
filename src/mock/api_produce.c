/* SPDX-License-Identifier: Apache-2.0 */
/* Produce: appends to the logs that this broker leads; with acks=all it waits for replication. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

typedef kci_produce_request_topic_produce_data in_topic;
typedef kci_produce_request_partition_produce_data in_partition;
typedef kci_produce_response_topic_produce_response out_topic;
typedef kci_produce_response_partition_produce_response out_partition;

enum { FRAME_KEPT = 1024 }; /* smaller ones are copied: a frame is more than its bytes */

/* A partition whose append waits for the high watermark. */
typedef struct waiting {
    out_partition *out;
    kc_uuid topic_id;
    int32_t leader_epoch;
    int64_t offset; /* the high watermark must reach it */
    bool done;
} waiting;

typedef struct produce {
    waiting *list;
    int32_t count;
    kci_mock_endpoints endpoints;
    size_t bytes; /* of records in the request */
} produce;

static void fail(out_partition *out, kc_err err, const char *why)
{
    out->error_code = (int16_t)err;
    out->base_offset = -1;
    out->log_append_time_ms = -1;
    out->log_start_offset = -1;
    out->error_message = kc_str(why);
}

static void not_leader(kci_mock_request *r, produce *state, const kci_mock_partition *p,
                       out_partition *out)
{
    fail(out, KC_E_NOT_LEADER_OR_FOLLOWER, NULL);
    if (r->version < 10 || !kci_mock_hint(r, p, &state->endpoints))
        return;
    out->current_leader.leader_id = p->leader;
    out->current_leader.leader_epoch = p->leader_epoch;
}

static kc_err check_zstd(const kci_mock_request *r, kc_bytes records)
{
    if (r->version >= 7 || records.size < KCI_BATCH_HEADER_SIZE)
        return KC_OK;
    unsigned codec = kci_load16(records.data + KCI_BATCH_AT_ATTRIBUTES) & KCI_ATTR_CODEC;
    return codec == KCI_CODEC_ZSTD ? KC_E_UNSUPPORTED_COMPRESSION_TYPE : KC_OK;
}

/* A batch's share of the frame, which is worth keeping as it is when it is mostly records; 0: the
 * batch is to be copied. */
static uint32_t held_by(const kci_mock_request *r, const produce *state, size_t size)
{
    if (state->bytes < FRAME_KEPT || state->bytes < r->frame->cap / 2)
        return 0;
    return (uint32_t)((uint64_t)r->frame->cap * size / state->bytes);
}

/* True when the topic is compacted and a record has no key: the batch is refused. */
static bool refuse_keyless(kci_mock_request *r, const kci_mock_partition *p, kc_bytes records,
                           out_partition *out)
{
    kci_produce_response_batch_index_and_error_message *list = NULL;
    int32_t count = p->topic->compact ? kci_mock_name_keyless(r, records, &list) : 0;
    if (count == 0)
        return false;
    fail(out, KC_E_INVALID_RECORD, "One or more records have been rejected.");
    out->record_errors.data = list;
    out->record_errors.count = list ? count : 0;
    return true;
}

static void append(kci_mock_request *r, produce *state, kci_mock_partition *p, kc_bytes records,
                   out_partition *out)
{
    const kci_produce_request *in = r->body;
    kci_mock_cluster *c = r->cluster;
    kci_mock_append a = {
        .frame = r->frame,
        .held = held_by(r, state, records.size),
        .data = r->frame->data + (records.data - r->frame->data),
        .size = records.size,
        .leader_epoch = p->leader_epoch,
        .max_bytes = p->topic->max_message_bytes,
        .log_append_time = p->topic->log_append_time,
        .now_ms = c->now_ms,
    };
    kc_err err = check_zstd(r, records);
    if (err == KC_OK)
        err = kci_mock_log_append(&p->log, &a);
    if (err == KC_E_CORRUPT_MESSAGE || err == KC_E_INVALID_RECORD)
        r->broker->malformed++;
    if (err != KC_OK) {
        fail(out, err == KC_E_NO_MEMORY ? KC_E_KAFKA_STORAGE_ERROR : err, a.why);
        return;
    }
    if (a.batch)
        kci_mock_partition_appended(p, a.batch);
    out->base_offset = a.base_offset;
    out->log_append_time_ms = a.append_time_ms;
    out->log_start_offset = p->log.start;
    /* A duplicate too waits until what it repeats is replicated; its end is at most the log's. */
    int64_t end = a.batch ? a.batch->last_offset + 1 : p->log.end;
    if (in->acks == -1 && p->log.hw < end)
        state->list[state->count++] = (waiting){ out, p->topic->id, p->leader_epoch, end, false };
}

static void serve_partition(kci_mock_request *r, produce *state, const kci_mock_topic *topic,
                            kc_err topic_error, const in_partition *in, out_partition *out)
{
    const kci_produce_request *request = r->body;
    kci_mock_partition *p = kci_mock_partition_of(topic, in->index);
    if (!p) {
        fail(out, topic_error != KC_OK ? topic_error : KC_E_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        return;
    }
    bool applied = false;
    int16_t forced = kci_mock_forced_error(r, topic->name, in->index, &applied);
    if (forced && !applied)
        fail(out, forced, NULL);
    else if (p->leader != r->broker->id)
        not_leader(r, state, p, out);
    else if (request->acks == -1 && kci_mock_in_sync_count(p) < topic->min_in_sync)
        fail(out, KC_E_NOT_ENOUGH_REPLICAS, NULL);
    else if (!refuse_keyless(r, p, in->records, out))
        append(r, state, p, in->records, out);
    if (forced && applied && out->error_code == 0)
        fail(out, forced, NULL);
}

/* Null or empty records are refused as a whole, as Java's broker does while it parses. */
static kc_err check_request(const kci_mock_request *r, size_t *bytes, int32_t *partitions)
{
    const kci_produce_request *in = r->body;
    kc_err err = KC_OK;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const in_topic *topic = &in->topic_data.data[t];
        for (int32_t i = 0; i < topic->partition_data.count; i++) {
            kc_bytes records = topic->partition_data.data[i].records;
            if (records.size == 0)
                err = KC_E_INVALID_RECORD;
            *bytes += records.size;
            *partitions += 1;
        }
    }
    if (in->acks < -1 || in->acks > 1)
        err = KC_E_INVALID_REQUIRED_ACKS;
    return err;
}

static kc_err serve_topic(kci_mock_request *r, produce *state, kc_err request_error,
                          const in_topic *in, out_topic *out)
{
    bool by_id = r->version >= 13;
    const kci_mock_topic *topic = by_id ? kci_mock_topic_by_id(r->cluster, &in->topic_id)
                                        : kci_mock_topic_get(r->cluster, in->name);
    kc_err topic_error = topic   ? KC_OK
                         : by_id ? KC_E_UNKNOWN_TOPIC_ID
                                 : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    out->name = in->name;
    out->topic_id = in->topic_id;
    size_t n = (size_t)in->partition_data.count;
    out->partition_responses.data = kci_mock_take(r, n, sizeof *out->partition_responses.data);
    if (!out->partition_responses.data)
        return KC_E_NO_MEMORY;
    out->partition_responses.count = in->partition_data.count;
    for (int32_t i = 0; i < in->partition_data.count; i++) {
        out_partition *o = &out->partition_responses.data[i];
        o->index = in->partition_data.data[i].index;
        o->current_leader.leader_id = o->current_leader.leader_epoch = -1;
        if (request_error != KC_OK)
            fail(o, request_error, NULL);
        else
            serve_partition(r, state, topic, topic_error, &in->partition_data.data[i], o);
    }
    return KC_OK;
}

static kc_err name_endpoints(kci_mock_request *r, const produce *state, kci_produce_response *out)
{
    int32_t n = state->endpoints.count;
    out->node_endpoints.data = kci_mock_take(r, (size_t)n, sizeof *out->node_endpoints.data);
    if (!out->node_endpoints.data)
        return KC_E_NO_MEMORY;
    out->node_endpoints.count = n;
    for (int32_t i = 0; i < n; i++) {
        const kci_mock_broker *b = kci_mock_broker_get(r->cluster, state->endpoints.ids[i]);
        out->node_endpoints.data[i] =
            (kci_produce_response_node_endpoint){ b->id, kc_str(b->host), b->port,
                                                  kc_str(b->rack) };
    }
    return KC_OK;
}

static kci_mock_outcome finish(kci_mock_request *r)
{
    const kci_produce_request *in = r->body;
    if (in->acks == 0)
        return KCI_MOCK_SILENT;
    return name_endpoints(r, r->state, r->answer) == KC_OK ? KCI_MOCK_ANSWER : KCI_MOCK_CLOSE;
}

static kci_mock_partition *partition_of(kci_mock_request *r, const waiting *w)
{
    return kci_mock_partition_of(kci_mock_topic_by_id(r->cluster, &w->topic_id), w->out->index);
}

/* Watches what is not replicated yet. */
static kci_mock_outcome wait_for_replicas(kci_mock_request *r)
{
    produce *state = r->state;
    if (kci_mock_request_watch_begin(r, state->count) != KC_OK)
        return KCI_MOCK_CLOSE;
    for (int32_t i = 0; i < state->count; i++) {
        if (!state->list[i].done)
            kci_mock_request_watch(r, &partition_of(r, &state->list[i])->watches);
    }
    r->wanted_bytes = INT64_MIN;
    return KCI_MOCK_WAIT;
}

/* With acks=0 nobody would read an error: the broker drops the connection to make it known. */
static bool any_error(const kci_produce_response *out)
{
    for (int32_t t = 0; t < out->responses.count; t++) {
        const out_topic *topic = &out->responses.data[t];
        for (int32_t i = 0; i < topic->partition_responses.count; i++) {
            if (topic->partition_responses.data[i].error_code)
                return true;
        }
    }
    return false;
}

kci_mock_outcome kci_mock_serve_produce(kci_mock_request *r)
{
    const kci_produce_request *in = r->body;
    kci_produce_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    size_t bytes = 0;
    int32_t partitions = 0;
    kc_err err = check_request(r, &bytes, &partitions);
    produce *state = r->state = kci_mock_take(r, 1, sizeof *state);
    if (!state)
        return KCI_MOCK_CLOSE;
    state->list = kci_mock_take(r, (size_t)partitions, sizeof *state->list);
    size_t topics = (size_t)in->topic_data.count;
    out->responses.data = kci_mock_take(r, topics, sizeof *out->responses.data);
    if (!state->list || !out->responses.data)
        return KCI_MOCK_CLOSE;
    state->bytes = bytes;
    out->responses.count = in->topic_data.count;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        if (serve_topic(r, state, err, &in->topic_data.data[t], &out->responses.data[t]) != KC_OK)
            return KCI_MOCK_CLOSE;
    }
    if (in->acks == 0 && any_error(out))
        return KCI_MOCK_CLOSE;
    if (state->count == 0)
        return finish(r);
    r->deadline_us = r->cluster->now_us + 1000 * (int64_t)(in->timeout_ms < 0 ? 0 : in->timeout_ms);
    return wait_for_replicas(r);
}

kci_mock_outcome kci_mock_resume_produce(kci_mock_request *r)
{
    produce *state = r->state;
    int32_t left = 0;
    for (int32_t i = 0; i < state->count; i++) {
        waiting *w = &state->list[i];
        if (w->done)
            continue;
        kci_mock_partition *p = partition_of(r, w);
        w->done = true;
        if (!p)
            fail(w->out, KC_E_UNKNOWN_TOPIC_OR_PARTITION, NULL);
        else if (p->leader_epoch != w->leader_epoch)
            not_leader(r, state, p, w->out);
        else if (p->log.hw < w->offset && r->timed_out)
            fail(w->out, KC_E_REQUEST_TIMED_OUT, NULL);
        else if (p->log.hw < w->offset)
            w->done = false;
        left += !w->done;
    }
    return left ? wait_for_replicas(r) : finish(r);
}
