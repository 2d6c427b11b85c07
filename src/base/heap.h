/* SPDX-License-Identifier: Apache-2.0 */
/* A 4-ary min-heap of nodes embedded in their owners, for deadlines. Equal keys come out in the
 * order they were put in. Room is reserved beforehand, so putting never allocates. Not thread-safe.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <kclient/error.h>

/* Zeroed = on no heap. */
typedef struct kci_heap_node {
    int64_t key;
    uint64_t order; /* the heap's: breaks ties */
    uint32_t slot;  /* the heap's: index + 1; 0: on no heap */
} kci_heap_node;

/* Zeroed = empty. */
typedef struct kci_heap {
    kci_heap_node **nodes;
    uint32_t count;
    uint32_t cap;
    uint32_t reserved;
    uint64_t next_order;
} kci_heap;

void kci_heap_free(kci_heap *h);

/* Promises room for `delta` more nodes (or gives it back, negative). */
kc_err kci_heap_reserve(kci_heap *h, int32_t delta);

/* Puts a node in, or moves it if it is on the heap. false: no room was reserved and none is left.
 */
bool kci_heap_put(kci_heap *h, kci_heap_node *node, int64_t key);

/* On no heap is fine. */
void kci_heap_remove(kci_heap *h, kci_heap_node *node);

/* The node with the smallest key; NULL when empty. */
static inline kci_heap_node *kci_heap_first(const kci_heap *h)
{
    return h->count ? h->nodes[0] : NULL;
}

#endif
