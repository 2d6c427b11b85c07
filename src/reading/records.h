/* SPDX-License-Identifier: Apache-2.0 */
/* The object behind kc_records: an array of views and references to the memory they point into.
 * Used again and again, so that a poll allocates nothing in the long run.
 *
 * A kc_records belongs to whoever has it; its pool is shared (own lock), reference-counted, and
 * outlives its owner if need be. What a kc_records holds is counted by the pool's credit. */
#ifndef READING_RECORDS_H
#define READING_RECORDS_H

#include "reading/credit.h"
#include "reading/slice.h"
#include "reading/topic_name.h"

#include <kclient/consumer.h>

typedef struct kci_records_pool kci_records_pool;

struct kc_records {
    kci_records_pool *pool; /* a reference while it is in use */
    kc_records *next;       /* while it is in the pool */
    kc_record *data;
    int32_t count, cap;
    kci_fetched *fetched; /* reference; NULL: no view points into its frame */
    kci_block **blocks;   /* references */
    int32_t block_count, block_cap;
    size_t counted; /* in the credit: the arrays */
    int32_t partition;
    int32_t leader_epoch;
    int32_t broker;
    int32_t timestamp_type; /* of the records, once there are some */
    int64_t offset, next_offset;
    int64_t high_watermark, last_stable, log_start;
    size_t bytes;
    bool at_end;
    kc_error error; /* code KC_OK: none */
    size_t topic_size;
    uint8_t topic[KCI_TOPIC_NAME_MAX];
};

/* NULL: no memory. */
kci_records_pool *kci_records_pool_new(kci_credit *credit);

/* Gives up the owner's reference: frees what is pooled, and the pool with the last kc_records. */
void kci_records_pool_close(kci_records_pool *pool);

/* An empty one for that partition, with room for `cap` (> 0) views; NULL: no memory. */
kc_records *kci_records_take(kci_records_pool *pool, kc_bytes topic, int32_t partition,
                             int32_t cap);

/* Room for `more` views behind those there are; may move the array. */
bool kci_records_reserve(kc_records *r, int32_t more);

/* Room for one more block, so that kci_records_hold_block cannot fail. */
bool kci_records_reserve_block(kc_records *r);

/* Views point into it from now on. Takes a reference of its own; the same one again is fine. */
void kci_records_hold_block(kc_records *r, kci_block *block);
void kci_records_hold_frame(kc_records *r, kci_fetched *fetched);

#endif
