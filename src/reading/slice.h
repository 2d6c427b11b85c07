/* SPDX-License-Identifier: Apache-2.0 */
/* What a Fetch answer brought: its frame, held and counted once, and a slice for each partition
 * with records. One allocation per answer. Slices wait in their partition's queue until the
 * application's thread has taken their records; the frame is given back when nobody refers to it.
 */
#ifndef READING_SLICE_H
#define READING_SLICE_H

#include "io/frame.h"
#include "reading/credit.h"
#include "reading/txn_filter.h"
#include "wire/messages.h"

typedef struct kci_fetched kci_fetched;

/* The batches of one partition in one answer. Constant after kci_slice_scan. */
typedef struct kci_slice {
    struct kci_slice *next; /* in the partition's queue */
    kci_fetched *owner;     /* a reference while it is queued */
    const uint8_t *data;    /* whole batches only */
    size_t size;
    int32_t batches;      /* of which there are */
    int64_t next_offset;  /* after the last batch */
    int32_t leader_epoch; /* of the last batch; -1: none */
    int32_t node;         /* that sent it */
    int64_t high_watermark;
    int64_t last_stable;
    int64_t log_start;
    const kci_aborted_txn *aborted; /* ordered */
    int64_t *active;                /* room for kci_txn_filter */
    int32_t aborted_count;
    /* What follows the batches cannot be read: why, where, and where reading could go on. */
    kc_err tail_error;
    int64_t tail_offset;
    int64_t tail_next;
} kci_slice;

/* Holds the frame (a reference of its own) and counts it. Room for `slices` slices with
 * `aborted` aborted transactions in all. One reference, the caller's. NULL: no memory. */
kci_fetched *kci_fetched_new(kci_credit *credit, kci_frame *frame, size_t slices, size_t aborted);

/* The bytes it counts beside its frame's. */
size_t kci_fetched_size(size_t slices, size_t aborted);

kci_fetched *kci_fetched_ref(kci_fetched *fetched);
void kci_fetched_unref(kci_fetched *fetched); /* any thread; NULL is fine */

/* The next slice, filled from a partition's part of the answer; for its queue it needs a reference
 * to `fetched`. At most as often as there is room. */
kci_slice *kci_fetched_add(kci_fetched *fetched, const kci_fetch_response_partition_data *data,
                           int32_t node);

/* Finds the whole batches that are there, looking at their envelopes only (CRCs are checked when
 * they are read), and with them where to fetch next. Sets tail_error when an envelope is damaged,
 * when offsets do not grow (then nothing of the slice is used), or when the batches do not reach
 * beyond `offset`, which was asked for. So it is an error too when the first batch is cut off and
 * `whole` is set: brokers send the first batch of an answer whole (KIP-74). Otherwise that is no
 * error: size is 0. */
void kci_slice_scan(kci_slice *slice, int64_t offset, bool whole);

#endif
