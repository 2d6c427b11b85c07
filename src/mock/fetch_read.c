/* SPDX-License-Identifier: Apache-2.0 */
/* Reading one partition for a fetch: leader or replica, epochs and divergence (KIP-320, KIP-595),
 * closest replica (KIP-392), isolation (KIP-98), and the limits on bytes (KIP-74). */
#include "mock/fetch_read.h"

#include "base/bytes.h"

typedef kci_fetch_response_partition_data out_partition;

enum { FETCH_MAX_BYTES = 55 * 1024 * 1024 }; /* a broker's fetch.max.bytes */

kci_mock_partition *kci_mock_fetch_partition(const kci_mock_request *r, const kci_mock_want *want)
{
    const kci_mock_topic *topic = want->topic.data
                                      ? kci_mock_topic_get(r->cluster, want->topic)
                                      : kci_mock_topic_by_id(r->cluster, &want->topic_id);
    return kci_mock_partition_of(topic, want->partition);
}

static void blank(out_partition *out, int32_t index)
{
    memset(out, 0, sizeof *out);
    out->partition_index = index;
    out->high_watermark = out->last_stable_offset = out->log_start_offset = -1;
    out->diverging_epoch.epoch = -1;
    out->diverging_epoch.end_offset = -1;
    out->current_leader.leader_id = out->current_leader.leader_epoch = -1;
    out->snapshot_id.end_offset = -1;
    out->snapshot_id.epoch = -1;
    out->aborted_transactions.count = -1;
    out->preferred_read_replica = -1;
    out->records = kc_mem("", 0);
}

static void fail(kci_mock_fetch *f, out_partition *out, kc_err err)
{
    out->error_code = (int16_t)err;
    f->urgent = true;
}

static void fail_with_leader(kci_mock_request *r, kci_mock_fetch *f, const kci_mock_partition *p,
                             out_partition *out, kc_err err)
{
    fail(f, out, err);
    if (r->version < 16 || !kci_mock_hint(r, p, &f->endpoints))
        return;
    out->current_leader.leader_id = p->leader;
    out->current_leader.leader_epoch = p->leader_epoch;
}

static void fill_offsets(const kci_mock_partition *p, out_partition *out)
{
    out->high_watermark = p->log.hw;
    out->last_stable_offset = kci_mock_log_lso(&p->log);
    out->log_start_offset = p->log.start;
}

/* The in-sync replica in the client's rack; -1: stay with the leader. */
static int32_t closest_replica(const kci_mock_request *r, const kci_mock_partition *p,
                               int64_t offset)
{
    const kci_fetch_request *in = r->body;
    kci_mock_cluster *c = r->cluster;
    if (!c->follower_fetch || r->version < 11 || in->rack_id.size == 0 ||
        p->leader != r->broker->id || offset > p->log.hw || offset < p->log.start)
        return -1;
    if (kci_bytes_equal(kc_str(r->broker->rack), in->rack_id))
        return -1;
    for (int32_t i = 0; i < p->replica_count; i++) {
        const kci_mock_broker *b = kci_mock_broker_get(c, p->replicas[i]);
        if (p->in_sync[i] && b->up && kci_bytes_equal(kc_str(b->rack), in->rack_id))
            return b->id;
    }
    return -1;
}

/* Aborted transactions that reach into [from, to). */
static kc_err list_aborted(kci_mock_request *r, const kci_mock_log *log, int64_t from, int64_t to,
                           out_partition *out)
{
    const kci_mock_producers *ps = &log->producers;
    size_t n = 0;
    for (size_t i = 0; i < ps->aborted_count; i++)
        n += ps->aborted[i].marker >= from && ps->aborted[i].first < to;
    out->aborted_transactions.count = 0;
    out->aborted_transactions.data = kci_mock_take(r, n, sizeof *out->aborted_transactions.data);
    if (!out->aborted_transactions.data)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < ps->aborted_count; i++) {
        const kci_mock_aborted *a = &ps->aborted[i];
        if (a->marker < from || a->first >= to)
            continue;
        out->aborted_transactions.data[out->aborted_transactions.count++] =
            (kci_fetch_response_aborted_transaction){ a->producer_id, a->first };
    }
    return KC_OK;
}

/* How many bytes of this partition the answer may have; the first batch of an answer always fits,
 * elsewhere one that does not fit is left out, and a later one is cut as a broker's file read does.
 */
static int64_t room_for(const kci_mock_request *r, const kci_mock_fetch *f, int32_t partition_max)
{
    const kci_fetch_request *in = r->body;
    int64_t left = in->max_bytes < FETCH_MAX_BYTES ? in->max_bytes : FETCH_MAX_BYTES;
    left -= f->bytes;
    if (left > partition_max)
        left = partition_max;
    return left < 0 ? 0 : left;
}

static kc_err read_records(kci_mock_request *r, kci_mock_fetch *f, const kci_mock_log *log,
                           kci_mock_fetch_item *item)
{
    const kci_fetch_request *in = r->body;
    bool committed = in->isolation_level == 1;
    int64_t bound = committed ? kci_mock_log_lso(log) : log->hw;
    int64_t room = room_for(r, f, item->want.max_bytes), next = item->want.fetch_offset;
    for (size_t i = kci_mock_log_find(log, item->want.fetch_offset); i < log->count; i++) {
        const kci_mock_batch *batch = kci_mock_log_at(log, i);
        if (batch->base_offset >= bound)
            break;
        bool first = item->bytes == 0;
        int64_t size = batch->size;
        if (first && f->bytes == 0 && size > room)
            room = size;
        if (size > room - item->bytes)
            size = first ? 0 : room - item->bytes;
        if (size == 0)
            break;
        if (kci_mock_slice_add(r, batch, (uint32_t)size) != KC_OK)
            return KC_E_NO_MEMORY;
        item->bytes += size;
        next = batch->last_offset + 1;
        if (size < batch->size)
            break;
    }
    item->out.records = kc_mem("", (size_t)item->bytes);
    f->bytes += item->bytes;
    return committed ? list_aborted(r, log, item->want.fetch_offset, next, &item->out) : KC_OK;
}

/* true: the reader's last epoch ended before its offset in this log. */
static bool diverges(kci_mock_fetch *f, const kci_mock_partition *p, kci_mock_fetch_item *item)
{
    const kci_mock_want *want = &item->want;
    if (want->last_fetched_epoch < 0)
        return false;
    kci_mock_epoch end = kci_mock_log_epoch_end(&p->log, want->last_fetched_epoch);
    if (end.epoch < 0 || end.start < 0 || want->fetch_offset < p->log.start) {
        fail(f, &item->out, KC_E_OFFSET_OUT_OF_RANGE);
        return true;
    }
    if (end.epoch >= want->last_fetched_epoch && end.start >= want->fetch_offset)
        return false;
    fill_offsets(p, &item->out);
    item->out.diverging_epoch.epoch = end.epoch;
    item->out.diverging_epoch.end_offset = end.start;
    f->urgent = true;
    return true;
}

static kc_err read_partition(kci_mock_request *r, kci_mock_fetch *f, const kci_mock_partition *p,
                             kci_mock_fetch_item *item)
{
    const kci_mock_want *want = &item->want;
    bool leader = p->leader == r->broker->id;
    int32_t closest = closest_replica(r, p, want->fetch_offset);
    if (closest >= 0) {
        fill_offsets(p, &item->out);
        item->out.preferred_read_replica = closest;
        f->urgent = true;
        return KC_OK;
    }
    if (diverges(f, p, item))
        return KC_OK;
    int64_t end = leader ? p->log.end : p->log.hw;
    if (want->fetch_offset < p->log.start || want->fetch_offset > end) {
        fail(f, &item->out, KC_E_OFFSET_OUT_OF_RANGE);
        return KC_OK;
    }
    fill_offsets(p, &item->out);
    return read_records(r, f, &p->log, item);
}

static kc_err read_item(kci_mock_request *r, kci_mock_fetch *f, kci_mock_fetch_item *item)
{
    const kci_mock_want *want = &item->want;
    blank(&item->out, want->partition);
    item->bytes = 0;
    kci_mock_partition *p = kci_mock_fetch_partition(r, want);
    if (!p) {
        bool unknown_id = !want->topic.data && !kci_mock_topic_by_id(r->cluster, &want->topic_id);
        fail(f, &item->out, unknown_id ? KC_E_UNKNOWN_TOPIC_ID : KC_E_UNKNOWN_TOPIC_OR_PARTITION);
        return KC_OK;
    }
    int16_t forced = kci_mock_forced_error(r, p->topic->name, p->index, NULL);
    if (forced) {
        fail(f, &item->out, forced);
        return KC_OK;
    }
    bool leader = p->leader == r->broker->id;
    bool replica = leader || kci_mock_is_in_sync(p, r->broker->id);
    kc_err err = replica ? kci_mock_check_epoch(p, want->current_leader_epoch) : KC_OK;
    if (err == KC_OK && !leader && (!replica || r->version < 11))
        err = KC_E_NOT_LEADER_OR_FOLLOWER;
    if (err == KC_E_UNKNOWN_LEADER_EPOCH) {
        fail(f, &item->out, err);
        return KC_OK;
    }
    if (err != KC_OK) {
        fail_with_leader(r, f, p, &item->out, err);
        return KC_OK;
    }
    return read_partition(r, f, p, item);
}

kc_err kci_mock_fetch_read(kci_mock_request *r, kci_mock_fetch *f)
{
    f->bytes = 0;
    f->urgent = false;
    kci_mock_slices_clear(r);
    for (int32_t i = 0; i < f->count; i++) {
        kc_err err = read_item(r, f, &f->items[i]);
        if (err != KC_OK)
            return err;
    }
    return KC_OK;
}
