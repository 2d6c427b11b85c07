/* SPDX-License-Identifier: Apache-2.0 */
/* ListOffsets and OffsetForLeaderEpoch: questions to a partition's leader about its log. */
#include "base/mem.h"
#include "mock/apis.h"
#include "record/reader.h"

enum { /* timestamps with a meaning of their own */
       LATEST = -1,
       EARLIEST = -2,
       MAX_TIMESTAMP = -3,   /* KIP-734 */
       EARLIEST_LOCAL = -4,  /* KIP-405 */
       LATEST_TIERED = -5,   /* KIP-1005 */
       EARLIEST_PENDING = -6 /* KIP-1023 */
};

enum { INFLATED_MAX = 256 << 20, DECODED_AT_ONCE = 64 };

typedef kci_list_offsets_response_list_offsets_partition_response out_offset;

typedef struct found {
    int64_t offset, timestamp; /* -1: none */
} found;

/* Looks through a batch's records: the first at or after `from` ms, or, with from INT64_MAX, the
 * first with the greatest timestamp. Its base when it cannot be read. */
static found scan(const kci_mock_batch *batch, int64_t from)
{
    bool greatest = from == INT64_MAX;
    found best = { -1, -1 };
    found whole = { batch->base_offset, batch->max_timestamp };
    kci_batch b;
    kci_decompressor *d = NULL;
    kci_records_iter it;
    kci_block *block = NULL;
    if (kci_batch_parse(batch->data, batch->size, &b) != KC_OK || kci_decompressor_new(&d) != KC_OK)
        return whole;
    if (kci_records_open(&it, &b, b.base_offset, d, &kci_block_heap, INFLATED_MAX, &block) !=
        KC_OK) {
        kci_decompressor_free(d);
        return whole;
    }
    kc_record records[DECODED_AT_ONCE];
    int32_t n;
    bool done = false;
    while (!done && (n = kci_records_decode(&it, records, DECODED_AT_ONCE)) > 0) {
        for (int32_t i = 0; i < n && !done; i++) {
            bool better = greatest ? best.offset < 0 || records[i].timestamp > best.timestamp
                                   : records[i].timestamp >= from;
            if (better)
                best = (found){ records[i].offset, records[i].timestamp };
            done = better && !greatest;
        }
    }
    kci_block_unref(block);
    kci_decompressor_free(d);
    return best.offset < 0 ? whole : best;
}

static found by_timestamp(const kci_mock_log *log, int64_t timestamp)
{
    for (size_t i = 0; i < log->count; i++) {
        const kci_mock_batch *batch = kci_mock_log_at(log, i);
        if (batch->max_timestamp >= timestamp)
            return scan(batch, timestamp);
    }
    return (found){ -1, -1 };
}

static found by_greatest(const kci_mock_log *log)
{
    const kci_mock_batch *best = NULL;
    for (size_t i = 0; i < log->count; i++) {
        const kci_mock_batch *batch = kci_mock_log_at(log, i);
        if (!best || batch->max_timestamp > best->max_timestamp)
            best = batch;
    }
    return best ? scan(best, INT64_MAX) : (found){ -1, -1 };
}

static found look_up(const kci_mock_log *log, int64_t timestamp, bool committed)
{
    int64_t end = committed ? kci_mock_log_lso(log) : log->hw;
    switch (timestamp) {
    case LATEST:
        return (found){ end, -1 };
    case EARLIEST:
    case EARLIEST_LOCAL:
        return (found){ log->start, -1 };
    case LATEST_TIERED:
    case EARLIEST_PENDING:
        return (found){ -1, -1 };
    default: {
        found f = timestamp == MAX_TIMESTAMP ? by_greatest(log) : by_timestamp(log, timestamp);
        return f.offset < end ? f : (found){ -1, -1 };
    }
    }
}

static bool timestamp_is_known(int16_t version, int64_t timestamp)
{
    return timestamp >= EARLIEST || (timestamp == MAX_TIMESTAMP && version >= 7) ||
           (timestamp == EARLIEST_LOCAL && version >= 8) ||
           (timestamp == LATEST_TIERED && version >= 9) ||
           (timestamp == EARLIEST_PENDING && version >= 11);
}

/* The partition if this broker leads it at that epoch. */
static kc_err leading(const kci_mock_request *r, const kci_mock_topic *topic, int32_t index,
                      int32_t epoch, kci_mock_partition **out)
{
    *out = kci_mock_partition_of(topic, index);
    if (!*out)
        return KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    int16_t forced = kci_mock_forced_error(r, topic->name, index, NULL);
    if (forced)
        return forced;
    if (!kci_mock_is_replica(*out, r->broker->id))
        return KC_E_NOT_LEADER_OR_FOLLOWER;
    kc_err err = kci_mock_check_epoch(*out, epoch);
    if (err == KC_OK && (*out)->leader != r->broker->id)
        err = KC_E_NOT_LEADER_OR_FOLLOWER;
    return err;
}

static void list_offset(kci_mock_request *r, const kci_mock_topic *topic,
                        const kci_list_offsets_request_list_offsets_partition *in, out_offset *out)
{
    const kci_list_offsets_request *request = r->body;
    *out = (out_offset){
        .partition_index = in->partition_index, .timestamp = -1, .offset = -1, .leader_epoch = -1
    };
    kci_mock_partition *p;
    kc_err err = leading(r, topic, in->partition_index, in->current_leader_epoch, &p);
    if (err == KC_OK && !timestamp_is_known(r->version, in->timestamp))
        err = KC_E_UNSUPPORTED_VERSION;
    out->error_code = (int16_t)err;
    if (err != KC_OK)
        return;
    found f = look_up(&p->log, in->timestamp, request->isolation_level == 1);
    out->offset = f.offset;
    out->timestamp = f.timestamp;
    if (in->timestamp == LATEST)
        out->leader_epoch = p->leader_epoch;
    else if (f.offset >= 0)
        out->leader_epoch = kci_mock_log_epoch_at(&p->log, f.offset);
}

kci_mock_outcome kci_mock_serve_list_offsets(kci_mock_request *r)
{
    const kci_list_offsets_request *in = r->body;
    kci_list_offsets_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KCI_MOCK_CLOSE;
    out->topics.count = in->topics.count;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_list_offsets_request_list_offsets_topic *it = &in->topics.data[t];
        kci_list_offsets_response_list_offsets_topic_response *ot = &out->topics.data[t];
        const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, it->name);
        ot->name = it->name;
        ot->partitions.data =
            kci_mock_take(r, (size_t)it->partitions.count, sizeof *ot->partitions.data);
        if (!ot->partitions.data)
            return KCI_MOCK_CLOSE;
        ot->partitions.count = it->partitions.count;
        for (int32_t i = 0; i < it->partitions.count; i++)
            list_offset(r, topic, &it->partitions.data[i], &ot->partitions.data[i]);
    }
    return KCI_MOCK_ANSWER;
}

static void epoch_end(kci_mock_request *r, const kci_mock_topic *topic,
                      const kci_offset_for_leader_epoch_request_offset_for_leader_partition *in,
                      kci_offset_for_leader_epoch_response_epoch_end_offset *out)
{
    out->partition = in->partition;
    out->leader_epoch = -1;
    out->end_offset = -1;
    kci_mock_partition *p;
    kc_err err = leading(r, topic, in->partition, in->current_leader_epoch, &p);
    out->error_code = (int16_t)err;
    if (err != KC_OK)
        return;
    kci_mock_epoch end = kci_mock_log_epoch_end(&p->log, in->leader_epoch);
    out->leader_epoch = end.epoch;
    out->end_offset = end.start;
}

kci_mock_outcome kci_mock_serve_offset_for_leader_epoch(kci_mock_request *r)
{
    const kci_offset_for_leader_epoch_request *in = r->body;
    kci_offset_for_leader_epoch_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KCI_MOCK_CLOSE;
    out->topics.count = in->topics.count;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_offset_for_leader_epoch_request_offset_for_leader_topic *it = &in->topics.data[t];
        kci_offset_for_leader_epoch_response_offset_for_leader_topic_result *ot =
            &out->topics.data[t];
        const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, it->topic);
        ot->topic = it->topic;
        ot->partitions.data =
            kci_mock_take(r, (size_t)it->partitions.count, sizeof *ot->partitions.data);
        if (!ot->partitions.data)
            return KCI_MOCK_CLOSE;
        ot->partitions.count = it->partitions.count;
        for (int32_t i = 0; i < it->partitions.count; i++)
            epoch_end(r, topic, &it->partitions.data[i], &ot->partitions.data[i]);
    }
    return KCI_MOCK_ANSWER;
}
