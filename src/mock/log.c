/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's log: appending with a broker's checks, truncation, retention, leader epochs. */
#include "mock/log.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "record/reader.h"

void kci_mock_store_init(kci_mock_store *store, size_t limit)
{
    kci_list_init(&store->ages);
    store->bytes = 0;
    store->limit = limit;
}

void kci_mock_log_init(kci_mock_log *log, kci_mock_store *store)
{
    memset(log, 0, sizeof *log);
    log->store = store;
    kci_mock_producers_init(&log->producers);
}

static void batch_free(kci_mock_batch *b)
{
    kci_link_remove(&b->age);
    kci_link_remove(&b->pending);
    b->log->store->bytes -= b->held;
    kci_frame_unref(b->frame);
    kci_free(b);
}

void kci_mock_log_free(kci_mock_log *log)
{
    for (size_t i = 0; i < log->count; i++)
        batch_free(kci_mock_log_at(log, i));
    kci_free(log->batches);
    kci_free(log->epochs);
    kci_mock_producers_free(&log->producers);
}

/* Drops the first n batches; the start follows. */
static void drop_front(kci_mock_log *log, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        kci_mock_batch *b = kci_mock_log_at(log, i);
        if (b->last_offset >= log->start)
            log->start = b->last_offset + 1;
        batch_free(b);
    }
    log->first += n;
    log->count -= n;
    if (log->first > log->count) {
        memmove(log->batches, log->batches + log->first, log->count * sizeof *log->batches);
        log->first = 0;
    }
}

/* Epochs that ended below the start are forgotten; the first begins at the start. */
static void trim_epochs(kci_mock_log *log)
{
    size_t gone = 0;
    while (gone + 1 < log->epoch_count && log->epochs[gone + 1].start <= log->start)
        gone++;
    log->epoch_count -= gone;
    memmove(log->epochs, log->epochs + gone, log->epoch_count * sizeof *log->epochs);
    if (log->epoch_count && log->epochs[0].start < log->start)
        log->epochs[0].start = log->start;
}

static void after_start_moved(kci_mock_log *log)
{
    if (log->hw < log->start)
        kci_mock_log_advance(log, log->start);
    trim_epochs(log);
    kci_mock_producers_trim(&log->producers, log->start);
}

void kci_mock_store_trim(kci_mock_store *store)
{
    while (store->bytes > store->limit) {
        kci_link *link = kci_list_first(&store->ages);
        if (!link || !kci_list_next(&store->ages, link))
            return;
        kci_mock_log *log = KCI_CONTAINER_OF(link, kci_mock_batch, age)->log;
        drop_front(log, 1);
        after_start_moved(log);
    }
}

void kci_mock_log_delete_before(kci_mock_log *log, int64_t offset)
{
    if (offset > log->hw)
        offset = log->hw;
    if (offset <= log->start)
        return;
    drop_front(log, kci_mock_log_find(log, offset));
    log->start = offset;
    after_start_moved(log);
}

size_t kci_mock_log_find(const kci_mock_log *log, int64_t offset)
{
    size_t low = 0, high = log->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (kci_mock_log_at(log, mid)->last_offset < offset)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static kc_err reserve_batch(kci_mock_log *log)
{
    if (log->first + log->count < log->cap)
        return KC_OK;
    size_t cap = log->cap ? 2 * log->cap : 16;
    kci_mock_batch **list = kci_realloc_array(log->batches, cap, sizeof(kci_mock_batch *));
    if (!list)
        return KC_E_NO_MEMORY;
    log->batches = list;
    log->cap = cap;
    return KC_OK;
}

static kc_err refuse(kci_mock_append *a, kc_err err, const char *why)
{
    a->why = why;
    return err;
}

/* What the broker's LogValidator checks of a batch of magic 2, its header only. */
static kc_err check_batch(kci_mock_append *a, kci_batch *b)
{
    if (kci_batch_parse(a->data, a->size, b) != KC_OK || !b->complete)
        return refuse(a, KC_E_CORRUPT_MESSAGE, "The record batch is cut off or its header is bad.");
    if (b->magic != 2)
        return refuse(a, KC_E_INVALID_RECORD, "Record batches must have magic 2.");
    if (b->size != a->size)
        return refuse(a, KC_E_INVALID_RECORD, "Exactly one record batch per partition is allowed.");
    if (a->max_bytes > 0 && b->size > (size_t)a->max_bytes)
        return refuse(a, KC_E_MESSAGE_TOO_LARGE, "The record batch exceeds max.message.bytes.");
    if (kci_batch_check_crc(b) != KC_OK)
        return refuse(a, KC_E_CORRUPT_MESSAGE, "The record batch's CRC is wrong.");
    if (b->count <= 0 || b->last_offset - b->base_offset != (int64_t)b->count - 1)
        return refuse(a, KC_E_INVALID_RECORD, "The record count does not fit the offsets.");
    if (kci_batch_codec(b) >= KCI_CODEC_COUNT)
        return refuse(a, KC_E_UNSUPPORTED_COMPRESSION_TYPE, "There is no such compression type.");
    if (a->internal)
        return KC_OK;
    if (b->base_offset != 0)
        return refuse(a, KC_E_INVALID_RECORD, "The base offset of a produced batch must be 0.");
    if (kci_batch_is_control(b))
        return refuse(a, KC_E_INVALID_RECORD, "Clients may not write control batches.");
    if (b->producer_id >= 0 && (b->base_sequence < 0 || b->producer_epoch < 0))
        return refuse(a, KC_E_INVALID_RECORD, "A producer id needs an epoch and a sequence.");
    return KC_OK;
}

/* COMMIT and ABORT for the markers of transactions. */
static kci_control_type control_type(const kci_batch *b)
{
    if (!kci_batch_is_control(b) || kci_batch_codec(b) != KCI_CODEC_NONE)
        return KCI_CONTROL_UNKNOWN;
    kci_records_iter it;
    kci_block *block = NULL;
    kc_record record;
    if (kci_records_open(&it, b, b->base_offset, NULL, &kci_block_heap, 0, &block) != KC_OK)
        return KCI_CONTROL_UNKNOWN;
    kci_control_type type = KCI_CONTROL_UNKNOWN;
    if (kci_records_decode(&it, &record, 1) == 1)
        type = kci_control_parse(&record);
    kci_block_unref(block);
    return type;
}

/* Takes over or copies the bytes; the new batch is on no list yet. NULL when out of memory. */
static kci_mock_batch *hold(kci_mock_append *a)
{
    kci_mock_batch *batch = kci_calloc(1, sizeof *batch);
    if (!batch)
        return NULL;
    batch->size = (uint32_t)a->size;
    batch->held = (uint32_t)sizeof *batch;
    if (a->frame && a->held) {
        batch->frame = kci_frame_ref(a->frame);
        batch->data = a->data;
        batch->held += a->held;
        return batch;
    }
    batch->frame = kci_frame_new(NULL, batch->size);
    if (!batch->frame) {
        kci_free(batch);
        return NULL;
    }
    memcpy(batch->frame->data, a->data, a->size);
    batch->data = batch->frame->data;
    batch->held += (uint32_t)sizeof *batch->frame + batch->frame->cap;
    return batch;
}

static kc_err note_epoch(kci_mock_log *log, int32_t epoch, int64_t start)
{
    while (log->epoch_count > 0) {
        const kci_mock_epoch *last = &log->epochs[log->epoch_count - 1];
        if (last->epoch == epoch)
            return KC_OK;
        if (last->epoch < epoch && last->start < start)
            break;
        log->epoch_count--; /* nothing was written in it, or it is not in order */
    }
    if (log->epoch_count == log->epoch_cap) {
        size_t cap = log->epoch_cap ? 2 * log->epoch_cap : 4;
        kci_mock_epoch *list = kci_realloc_array(log->epochs, cap, sizeof *list);
        if (!list)
            return KC_E_NO_MEMORY;
        log->epochs = list;
        log->epoch_cap = cap;
    }
    log->epochs[log->epoch_count++] = (kci_mock_epoch){ epoch, start };
    return KC_OK;
}

/* Everything that may fail has been done: numbers the batch and links it in. */
static void link_batch(kci_mock_log *log, kci_mock_append *a, const kci_batch *b,
                       kci_mock_batch *batch)
{
    batch->log = log;
    batch->attributes = b->attributes;
    batch->producer_id = b->producer_id;
    batch->producer_epoch = b->producer_epoch;
    batch->base_sequence = b->base_sequence;
    batch->leader_epoch = a->leader_epoch;
    batch->base_offset = log->end;
    batch->last_offset = log->end + b->count - 1;
    batch->max_timestamp = b->max_timestamp;
    log->batches[log->first + log->count++] = batch;
    log->end = batch->last_offset + 1;
    kci_list_push_back(&log->store->ages, &batch->age);
    log->store->bytes += batch->held;
    a->batch = batch;
    a->base_offset = batch->base_offset;
}

static kc_err append_checked(kci_mock_log *log, kci_mock_append *a, kci_batch *b)
{
    if (log->end > INT64_MAX - b->count)
        return refuse(a, KC_E_INVALID_RECORD, "The log has no offsets left.");
    kc_err err = kci_mock_producers_reserve(&log->producers, b);
    if (err == KC_OK)
        err = reserve_batch(log);
    if (err == KC_OK)
        err = note_epoch(log, a->leader_epoch, log->end);
    if (err != KC_OK)
        return err;

    kci_control_type type = control_type(b);
    if (a->log_append_time) {
        kci_batch_set_append_time(a->data, a->size, a->now_ms);
        b->attributes |= KCI_ATTR_APPEND_TIME;
        b->max_timestamp = a->now_ms;
        a->append_time_ms = a->now_ms;
    }
    kci_batch_assign(a->data, log->end, a->leader_epoch);
    kci_mock_batch *batch = hold(a);
    if (!batch)
        return KC_E_NO_MEMORY;
    link_batch(log, a, b, batch);
    kci_mock_producers_note(&log->producers, b, batch->base_offset, a->append_time_ms, type);
    return KC_OK;
}

kc_err kci_mock_log_append(kci_mock_log *log, kci_mock_append *a)
{
    a->batch = NULL;
    a->base_offset = -1;
    a->append_time_ms = -1;
    a->why = NULL;
    kci_batch b;
    kc_err err = check_batch(a, &b);
    if (err != KC_OK)
        return err;
    if (!a->internal && b.producer_id >= 0) {
        const kci_mock_seen *seen = kci_mock_producers_find(&log->producers, &b);
        if (seen) {
            a->base_offset = seen->base_offset;
            a->append_time_ms = seen->append_time_ms;
            return KC_OK;
        }
        err = kci_mock_producers_check(&log->producers, &b);
        if (err != KC_OK)
            return err;
    }
    err = append_checked(log, a, &b);
    if (err == KC_OK)
        kci_mock_store_trim(log->store);
    return err;
}

kc_err kci_mock_log_append_marker(kci_mock_log *log, int64_t producer_id, int16_t producer_epoch,
                                  bool commit, int32_t leader_epoch, int64_t now_ms,
                                  kci_mock_append *out)
{
    uint8_t bytes[KCI_CONTROL_BATCH_SIZE];
    kci_control_write(bytes, commit ? KCI_CONTROL_COMMIT : KCI_CONTROL_ABORT, producer_id,
                      producer_epoch, 0, now_ms);
    *out = (kci_mock_append){ .data = bytes,
                              .size = sizeof bytes,
                              .leader_epoch = leader_epoch,
                              .internal = true,
                              .now_ms = now_ms,
                              .base_offset = -1,
                              .append_time_ms = -1 };
    const kci_mock_producer *p = kci_imap_get(&log->producers.by_id, producer_id);
    if (p && producer_epoch < p->epoch)
        return KC_E_INVALID_PRODUCER_EPOCH;
    return kci_mock_log_append(log, out);
}

void kci_mock_log_advance(kci_mock_log *log, int64_t offset)
{
    if (offset > log->end)
        offset = log->end;
    if (offset <= log->hw)
        return;
    log->hw = offset;
    kci_mock_producers_advance(&log->producers, offset);
}

int64_t kci_mock_log_lso(const kci_mock_log *log)
{
    int64_t open = kci_mock_producers_first_open(&log->producers);
    return open < log->hw ? open : log->hw;
}

/* Producers and transactions as they follow from the batches that are left. */
static kc_err rebuild_producers(kci_mock_log *log)
{
    kci_mock_producers_free(&log->producers);
    for (size_t i = 0; i < log->count; i++) {
        const kci_mock_batch *batch = kci_mock_log_at(log, i);
        kci_batch b;
        if (kci_batch_parse(batch->data, batch->size, &b) != KC_OK)
            continue;
        kc_err err = kci_mock_producers_reserve(&log->producers, &b);
        if (err != KC_OK) {
            kci_mock_producers_free(&log->producers);
            return err;
        }
        int64_t append_time = kci_batch_is_append_time(&b) ? b.max_timestamp : -1;
        kci_mock_producers_note(&log->producers, &b, batch->base_offset, append_time,
                                control_type(&b));
    }
    kci_mock_producers_advance(&log->producers, log->hw);
    return KC_OK;
}

kc_err kci_mock_log_truncate(kci_mock_log *log, int64_t offset)
{
    if (offset >= log->end)
        return KC_OK;
    size_t keep = kci_mock_log_find(log, offset);
    while (log->count > keep) {
        kci_mock_batch *b = kci_mock_log_at(log, --log->count);
        log->end = b->base_offset;
        batch_free(b);
    }
    if (log->end > offset) /* there was no batch below it: the log is empty now */
        log->end = offset;
    if (log->start > log->end)
        log->start = log->end;
    if (log->hw > log->end)
        log->hw = log->end;
    while (log->epoch_count > 0 && log->epochs[log->epoch_count - 1].start >= log->end)
        log->epoch_count--;
    return rebuild_producers(log);
}

kc_err kci_mock_log_begin_epoch(kci_mock_log *log, int32_t epoch)
{
    return note_epoch(log, epoch, log->end);
}

kci_mock_epoch kci_mock_log_epoch_end(const kci_mock_log *log, int32_t epoch)
{
    const kci_mock_epoch unknown = { -1, -1 };
    size_t n = log->epoch_count;
    if (epoch < 0 || n == 0 || epoch > log->epochs[n - 1].epoch)
        return unknown;
    if (epoch == log->epochs[n - 1].epoch)
        return (kci_mock_epoch){ epoch, log->end };
    size_t higher = 0;
    while (log->epochs[higher].epoch <= epoch)
        higher++;
    /* Below all that are known: it ended where the first known one begins. */
    int32_t floor = higher ? log->epochs[higher - 1].epoch : epoch;
    return (kci_mock_epoch){ floor, log->epochs[higher].start };
}

int32_t kci_mock_log_epoch_at(const kci_mock_log *log, int64_t offset)
{
    for (size_t i = log->epoch_count; i > 0; i--) {
        if (log->epochs[i - 1].start <= offset)
            return log->epochs[i - 1].epoch;
    }
    return -1;
}
