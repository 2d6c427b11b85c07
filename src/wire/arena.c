/* SPDX-License-Identifier: Apache-2.0 */
/* Chunks grow with what is held, so that a message takes few of them, and never beyond the limit.
 */
#include "wire/arena.h"

#include <stdalign.h>

#include "base/mem.h"

typedef struct kci_arena_chunk {
    struct kci_arena_chunk *next;
    size_t size; /* of what follows */
    alignas(8) unsigned char data[];
} kci_arena_chunk;

enum { ALIGN = 8, FIRST_CHUNK = 1024, LARGEST_CHUNK = 256 * 1024 };

/* What to ask of the heap for a piece of `size` bytes, header included; 0: over the limit. */
static size_t chunk_bytes(const kci_arena *a, size_t size)
{
    size_t need = sizeof(kci_arena_chunk) + size;
    size_t room = a->limit == 0 ? SIZE_MAX : a->limit > a->total ? a->limit - a->total : 0;
    if (size > SIZE_MAX - sizeof(kci_arena_chunk) || need > room)
        return 0;

    size_t want = a->total < FIRST_CHUNK ? FIRST_CHUNK : a->total;
    if (want > LARGEST_CHUNK)
        want = LARGEST_CHUNK;
    if (want > room)
        want = room;
    return want > need ? want : need;
}

static bool add_chunk(kci_arena *a, size_t size)
{
    size_t bytes = chunk_bytes(a, size);
    a->over_limit = bytes == 0;
    kci_arena_chunk *chunk = bytes ? kci_alloc(bytes) : NULL;
    if (!chunk)
        return false;

    chunk->size = bytes - sizeof *chunk;
    chunk->next = a->head;
    a->head = chunk;
    a->used = 0;
    a->total += bytes;
    return true;
}

void *kci_arena_alloc(kci_arena *a, size_t size)
{
    if (size > SIZE_MAX - ALIGN) {
        a->over_limit = true;
        return NULL;
    }
    size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
    if ((!a->head || size > a->head->size - a->used) && !add_chunk(a, size))
        return NULL;
    void *p = a->head->data + a->used;
    a->used += size;
    return p;
}

void *kci_arena_array(kci_arena *a, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes)) {
        a->over_limit = true;
        return NULL;
    }
    return kci_arena_alloc(a, bytes);
}

kc_bytes kci_arena_copy(kci_arena *a, kc_bytes b)
{
    if (!b.data)
        return b;
    void *p = kci_arena_alloc(a, b.size);
    if (!p)
        return (kc_bytes){ NULL, 0 };
    memcpy(p, b.data, b.size);
    return kc_mem(p, b.size);
}

static void free_chunks(kci_arena_chunk *chunk)
{
    while (chunk) {
        kci_arena_chunk *next = chunk->next;
        kci_free(chunk);
        chunk = next;
    }
}

void kci_arena_reset(kci_arena *a)
{
    kci_arena_chunk *keep = a->head;
    *a = (kci_arena){ 0 };
    if (!keep)
        return;
    free_chunks(keep->next);
    keep->next = NULL;
    a->head = keep;
    a->total = sizeof *keep + keep->size;
}

void kci_arena_free(kci_arena *a)
{
    free_chunks(a->head);
    *a = (kci_arena){ 0 };
}
