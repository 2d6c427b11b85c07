/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks: the memory of batches that are being written. They belong to the pool of whoever writes
 * (the producer's buffer.memory); this layer takes and gives them back through a source. */
#ifndef RECORD_CHUNK_H
#define RECORD_CHUNK_H

#include <stddef.h>
#include <stdint.h>

/* data[0..used-1] is filled, data[used..cap-1] is free. `next` links the chunks of one batch. */
typedef struct kci_chunk {
    struct kci_chunk *next;
    uint32_t cap;
    uint32_t used;
    uint8_t data[];
} kci_chunk;

/* Where chunks come from. get: a chunk with cap >= min_cap, used 0, next NULL, or NULL when there
 * is no memory; it must not block. put: gives one back (its `next` means nothing). Both are called
 * on the thread that called into this layer. */
typedef struct kci_chunk_source {
    kci_chunk *(*get)(void *arg, uint32_t min_cap);
    void (*put)(void *arg, kci_chunk *chunk);
    void *arg;
} kci_chunk_source;

#endif
