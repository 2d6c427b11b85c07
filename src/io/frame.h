/* SPDX-License-Identifier: Apache-2.0 */
/* A received frame: the bytes between two length prefixes, reference-counted so that records can
 * point into it after the loop has moved on. */
#ifndef IO_FRAME_H
#define IO_FRAME_H

#include <stdatomic.h>

#include <kclient/types.h>

typedef struct kci_frame {
    atomic_int refs;
    uint32_t size;
    uint32_t cap;
    uint8_t *data; /* the payload, without the length prefix */
    struct kci_frame_pool *pool;
} kci_frame;

/* Keeps a few large buffers for reuse, since fresh pages cost more than the copy into them. Shared,
 * thread-safe, outlives its frames (reference-counted). keep_bytes: what may be kept idle. */
typedef struct kci_frame_pool kci_frame_pool;
kci_frame_pool *kci_frame_pool_new(size_t keep_bytes);
void kci_frame_pool_unref(kci_frame_pool *pool);

/* A frame of size bytes, one reference; NULL when out of memory. pool may be NULL. Any thread. */
kci_frame *kci_frame_new(kci_frame_pool *pool, uint32_t size);

static inline kci_frame *kci_frame_ref(kci_frame *frame)
{
    atomic_fetch_add_explicit(&frame->refs, 1, memory_order_relaxed);
    return frame;
}

void kci_frame_unref(kci_frame *frame); /* any thread; NULL is fine */

/* The most memory (cap) that a frame of up to that size takes, a kept one as well as a new one: who
 * reserves memory before the frame comes can rely on it. */
size_t kci_frame_most(size_t size);

/* Bytes now held by frames of this pool, in use and kept. */
size_t kci_frame_pool_bytes(kci_frame_pool *pool);

#endif
