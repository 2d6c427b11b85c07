/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's log: stored batches, offsets, leader epochs, and what a broker knows of producers
 * and transactions. Pure state: no clock, no I/O. Used by the cluster on its own thread.
 *
 * Invariants: start <= hw <= end; batches are whole and in order of offsets (a batch that holds the
 * start offset may begin below it); every batch is on its store's age list. */
#ifndef MOCK_LOG_H
#define MOCK_LOG_H

#include <kclient/error.h>

#include "base/list.h"
#include "io/frame.h"
#include "mock/producers.h"
#include "record/batch.h"

/* The memory of all logs of a cluster, bounded by dropping the oldest batches. */
typedef struct kci_mock_store {
    kci_list ages; /* of kci_mock_batch.age, oldest first */
    size_t bytes;  /* held by batches */
    size_t limit;
} kci_mock_store;

/* One stored batch. Its bytes never change once it is stored. */
typedef struct kci_mock_batch {
    kci_link age;
    kci_link pending; /* the cluster's: not replicated yet */
    int64_t replicated_at_us;
    struct kci_mock_log *log;
    kci_frame *frame; /* one reference; data points into it */
    const uint8_t *data;
    uint32_t size;
    uint32_t held; /* bytes counted in the store */
    uint16_t attributes;
    int16_t producer_epoch;
    int32_t base_sequence;
    int32_t leader_epoch;
    int64_t base_offset, last_offset;
    int64_t max_timestamp;
    int64_t producer_id;
} kci_mock_batch;

typedef struct kci_mock_epoch {
    int32_t epoch;
    int64_t start;
} kci_mock_epoch;

typedef struct kci_mock_log {
    kci_mock_store *store;
    kci_mock_batch **batches; /* [first .. first + count) */
    size_t first, count, cap;
    int64_t start, hw, end;
    kci_mock_epoch *epochs; /* ascending in both fields */
    size_t epoch_count, epoch_cap;
    kci_mock_producers producers;
} kci_mock_log;

void kci_mock_store_init(kci_mock_store *store, size_t limit);

/* Drops batches, oldest first, until the store is within its limit; never the newest one. */
void kci_mock_store_trim(kci_mock_store *store);

/* An empty log that begins at offset 0. */
void kci_mock_log_init(kci_mock_log *log, kci_mock_store *store);
void kci_mock_log_free(kci_mock_log *log);

/* An append: what is asked for, and what came of it. */
typedef struct kci_mock_append {
    kci_frame *frame; /* the bytes lie in it, or NULL: they are copied */
    uint32_t held;    /* of the memory of the frame, if it is held and not copied; 0: copy */
    uint8_t *data;    /* one whole batch; its header is changed in place */
    size_t size;
    int32_t leader_epoch;
    int32_t max_bytes; /* max.message.bytes; 0: no limit */
    bool log_append_time;
    bool internal; /* the cluster's own (markers, raw): no checks of sequences */
    int64_t now_ms;

    kci_mock_batch *batch;  /* out: what was stored; NULL for a duplicate */
    int64_t base_offset;    /* out: -1 when it failed */
    int64_t append_time_ms; /* out: -1 unless log-append time */
    const char *why;        /* out: a sentence when it failed; static; or NULL */
} kci_mock_append;

/* Checks one batch as a broker does and appends it; a duplicate of one of the producer's last five
 * gives the offset it has. The high watermark stays. KC_E_CORRUPT_MESSAGE, KC_E_INVALID_RECORD,
 * KC_E_MESSAGE_TOO_LARGE, KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER, KC_E_INVALID_PRODUCER_EPOCH,
 * KC_E_INVALID_TXN_STATE, KC_E_UNSUPPORTED_COMPRESSION_TYPE, KC_E_NO_MEMORY. */
kc_err kci_mock_log_append(kci_mock_log *log, kci_mock_append *a);

/* Appends a transaction's end marker. KC_E_INVALID_PRODUCER_EPOCH, KC_E_NO_MEMORY. */
kc_err kci_mock_log_append_marker(kci_mock_log *log, int64_t producer_id, int16_t producer_epoch,
                                  bool commit, int32_t leader_epoch, int64_t now_ms,
                                  kci_mock_append *out);

/* The high watermark goes up to offset, at most to the end; never down. */
void kci_mock_log_advance(kci_mock_log *log, int64_t offset);

/* Last stable offset: the high watermark, or the first offset of the oldest open transaction. */
int64_t kci_mock_log_lso(const kci_mock_log *log);

/* Drops what lies at and above offset; producers' state is rebuilt from what is left. A batch that
 * holds the offset goes too, so that the new end may be lower. KC_E_NO_MEMORY: truncated all the
 * same, producers unknown. */
kc_err kci_mock_log_truncate(kci_mock_log *log, int64_t offset);

/* Moves the start up to offset (at most the high watermark) and drops whole batches below it. */
void kci_mock_log_delete_before(kci_mock_log *log, int64_t offset);

/* Index of the first batch that ends at or after offset; count when there is none. */
size_t kci_mock_log_find(const kci_mock_log *log, int64_t offset);

static inline kci_mock_batch *kci_mock_log_at(const kci_mock_log *log, size_t index)
{
    return log->batches[log->first + index];
}

/* The leader epoch begins at the log's end, though nothing is written yet. KC_E_NO_MEMORY. */
kc_err kci_mock_log_begin_epoch(kci_mock_log *log, int32_t epoch);

/* Where the data of an epoch ends, as OffsetForLeaderEpoch answers it: the largest known epoch that
 * is not above it, and its end. Both -1: unknown. */
kci_mock_epoch kci_mock_log_epoch_end(const kci_mock_log *log, int32_t epoch);

/* The epoch that the data at offset was written in; -1: none known. */
int32_t kci_mock_log_epoch_at(const kci_mock_log *log, int64_t offset);

#endif
