/* SPDX-License-Identifier: Apache-2.0 */
/* The memory of records on their way: buffer.memory, cut into chunks of one size, which are reused
 * newest first. Larger ones are made for records that need them. Everything is counted in bytes
 * that the heap really gave; what the producer keeps beside the chunks (opaque pointers) is charged
 * here too. Any thread; one short lock a chunk, never a record.
 *
 * Invariant: held <= limit, always; appends leave `reserve` bytes of it to compressed copies, so
 * that a full buffer does not make batches go out uncompressed. */
#ifndef PRODUCER_POOL_H
#define PRODUCER_POOL_H

#include <pthread.h>

#include <kclient/error.h>

#include "record/chunk.h"

typedef struct kci_pool {
    pthread_mutex_t lock;
    int64_t limit;
    int64_t reserve;
    uint32_t chunk_size; /* bytes of a standard chunk, its header included */
    kci_chunk *free;     /* standard chunks not in use */
    int64_t free_bytes;
    int64_t held;             /* from the heap: chunks in use, free ones, charges */
    kci_chunk_source appends; /* for records: leaves the reserve */
    kci_chunk_source copies;  /* for compression and splitting: may use it */
} kci_pool;

/* limit: buffer.memory. batch_size: batch.size. compressed: copies will be needed. */
kc_err kci_pool_init(kci_pool *pool, int64_t limit, int64_t batch_size, bool compressed);

/* Every chunk must be back. */
void kci_pool_free(kci_pool *pool);

/* An empty chunk with cap >= min_cap. KC_E_QUEUE_FULL: over the limit; KC_E_NO_MEMORY: the heap. */
kc_err kci_pool_get(kci_pool *pool, uint32_t min_cap, bool copy, kci_chunk **out);

/* NULL is fine. */
void kci_pool_put(kci_pool *pool, kci_chunk *chunk);

/* Counts bytes that somebody else allocates. KC_E_QUEUE_FULL as above. */
kc_err kci_pool_charge(kci_pool *pool, int64_t bytes, bool copy);
void kci_pool_discharge(kci_pool *pool, int64_t bytes);

/* Bytes in use: held, without the free chunks. */
int64_t kci_pool_used(kci_pool *pool);

/* The largest min_cap that could ever be had. */
size_t kci_pool_largest(const kci_pool *pool);

#endif
