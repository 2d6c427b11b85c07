/* SPDX-License-Identifier: Apache-2.0 */
#include "base/heap.h"

#include "base/mem.h"

enum { ARITY = 4, FIRST_CAP = 16 };

void kci_heap_free(kci_heap *h)
{
    kci_free(h->nodes);
    *h = (kci_heap){ 0 };
}

static bool grow_to(kci_heap *h, uint32_t need)
{
    if (need <= h->cap)
        return true;
    uint32_t cap = h->cap ? h->cap : FIRST_CAP;
    while (cap < need)
        cap = cap > UINT32_MAX / 2 ? need : cap * 2;
    kci_heap_node **nodes = kci_realloc_array(h->nodes, cap, sizeof *nodes);
    if (!nodes)
        return false;
    h->nodes = nodes;
    h->cap = cap;
    return true;
}

kc_err kci_heap_reserve(kci_heap *h, int32_t delta)
{
    int64_t reserved = (int64_t)h->reserved + delta;
    if (reserved < 0 || reserved >= UINT32_MAX)
        return KC_E_INVALID_ARGUMENT;
    if (!grow_to(h, (uint32_t)reserved))
        return KC_E_NO_MEMORY;
    h->reserved = (uint32_t)reserved;
    return KC_OK;
}

static bool before(const kci_heap_node *a, const kci_heap_node *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void place(kci_heap *h, uint32_t at, kci_heap_node *node)
{
    h->nodes[at] = node;
    node->slot = at + 1;
}

static void sift_up(kci_heap *h, uint32_t at, kci_heap_node *node)
{
    while (at > 0) {
        uint32_t parent = (at - 1) / ARITY;
        if (!before(node, h->nodes[parent]))
            break;
        place(h, at, h->nodes[parent]);
        at = parent;
    }
    place(h, at, node);
}

static void sift_down(kci_heap *h, uint32_t at, kci_heap_node *node)
{
    for (;;) {
        uint64_t child = (uint64_t)at * ARITY + 1;
        if (child >= h->count)
            break;
        uint32_t best = (uint32_t)child;
        for (uint64_t i = child + 1; i < child + ARITY && i < h->count; i++)
            if (before(h->nodes[i], h->nodes[best]))
                best = (uint32_t)i;
        if (!before(h->nodes[best], node))
            break;
        place(h, at, h->nodes[best]);
        at = best;
    }
    place(h, at, node);
}

/* Puts the node where it belongs, starting from a free place. */
static void settle(kci_heap *h, uint32_t at, kci_heap_node *node)
{
    if (at > 0 && before(node, h->nodes[(at - 1) / ARITY]))
        sift_up(h, at, node);
    else
        sift_down(h, at, node);
}

bool kci_heap_put(kci_heap *h, kci_heap_node *node, int64_t key)
{
    if (node->slot == 0 && !grow_to(h, h->count + 1))
        return false;
    uint32_t at = node->slot ? node->slot - 1 : h->count++;
    node->key = key;
    node->order = h->next_order++;
    settle(h, at, node);
    return true;
}

void kci_heap_remove(kci_heap *h, kci_heap_node *node)
{
    if (node->slot == 0)
        return;
    uint32_t at = node->slot - 1;
    kci_heap_node *last = h->nodes[--h->count];
    node->slot = 0;
    if (last != node)
        settle(h, at, last);
}
