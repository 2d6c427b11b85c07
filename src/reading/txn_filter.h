/* SPDX-License-Identifier: Apache-2.0 */
/* Which batches of a fetched slice belong to aborted transactions (read_committed, KIP-98): the
 * broker lists producers and the first offset of each transaction that it knows to be aborted; it
 * ends with the producer's abort marker. Batches are shown in order of offsets, skipped ones too.
 * Owns nothing; allocates nothing. Not thread-safe. */
#ifndef READING_TXN_FILTER_H
#define READING_TXN_FILTER_H

#include "record/batch.h"

typedef struct kci_aborted_txn {
    int64_t producer_id;
    int64_t first_offset;
} kci_aborted_txn;

typedef struct kci_txn_filter {
    const kci_aborted_txn *list; /* by first_offset */
    int32_t count;
    int32_t next;    /* list[next..] are not reached yet */
    int64_t *active; /* room for `count` producers */
    int32_t active_count;
} kci_txn_filter;

/* Orders a list by first offset (brokers do not promise an order). */
void kci_aborted_txns_sort(kci_aborted_txn *list, int32_t count);

/* list must be ordered; active has room for count numbers. Both are borrowed. */
void kci_txn_filter_init(kci_txn_filter *f, const kci_aborted_txn *list, int32_t count,
                         int64_t *active);

/* Shows the next batch; true: its records are of an aborted transaction. Control batches: false. */
bool kci_txn_filter_drops(kci_txn_filter *f, const kci_batch *batch);

/* A producer's end marker has been passed, after kci_txn_filter_drops of its batch. */
void kci_txn_filter_end(kci_txn_filter *f, int64_t producer_id);

#endif
