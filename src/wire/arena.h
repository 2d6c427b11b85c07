/* SPDX-License-Identifier: Apache-2.0 */
/* A chunked bump allocator: what one message needs is allocated piece by piece and freed in one go.
 * Zeroed memory is a valid empty arena. Not thread-safe. */
#ifndef WIRE_ARENA_H
#define WIRE_ARENA_H

#include <kclient/types.h>

typedef struct kci_arena {
    struct kci_arena_chunk *head; /* newest first */
    size_t used;                  /* bytes given out of the newest chunk */
    size_t total;                 /* bytes held from the heap, all chunks */
    size_t limit;                 /* what total may not exceed; 0: no limit */
    bool over_limit;              /* the last NULL was due to the limit, not to the heap */
} kci_arena;

/* Uninitialised memory, aligned to 8, valid until the arena is freed or reset. NULL when
 * out of memory or over the limit. size 0 gives a valid pointer to no bytes. */
void *kci_arena_alloc(kci_arena *a, size_t size);

/* Like that for n elements of `size` bytes; NULL also when n * size overflows. */
void *kci_arena_array(kci_arena *a, size_t n, size_t size);

/* A copy of the bytes in the arena; null stays null. {NULL, 0} when out of memory. */
kc_bytes kci_arena_copy(kci_arena *a, kc_bytes b);

/* Forgets everything but keeps the newest chunk for reuse; the limit is gone too. */
void kci_arena_reset(kci_arena *a);

/* Releases everything; the arena is empty and usable again. */
void kci_arena_free(kci_arena *a);

#endif
