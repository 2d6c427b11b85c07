/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/heap.h"
#include "base/mem.h"
#include "base/random.h"

enum { N = 500 };

Test(heap, agrees_with_a_model)
{
    static kci_heap_node nodes[N];
    kci_heap h = { 0 };
    cr_assert_eq(kci_heap_reserve(&h, N), KC_OK);
    kci_random r;
    kci_random_seed(&r, 5);
    for (int i = 0; i < 100000; i++) {
        kci_heap_node *n = &nodes[kci_random_below(&r, N)];
        switch (kci_random_below(&r, 4)) {
        case 0:
            kci_heap_remove(&h, n);
            cr_assert_eq(n->slot, 0);
            break;
        case 1: {
            kci_heap_node *first = kci_heap_first(&h);
            for (int k = 0; k < N && first; k++)
                if (nodes[k].slot)
                    cr_assert(nodes[k].key > first->key ||
                              (nodes[k].key == first->key && nodes[k].order >= first->order));
            if (first)
                kci_heap_remove(&h, first);
            break;
        }
        default:
            cr_assert(kci_heap_put(&h, n, (int64_t)kci_random_below(&r, 50)));
        }
    }
    kci_heap_free(&h);
}

Test(heap, equal_keys_keep_their_order)
{
    static kci_heap_node nodes[100];
    kci_heap h = { 0 };
    cr_assert_eq(kci_heap_reserve(&h, 100), KC_OK);
    for (int i = 0; i < 100; i++)
        cr_assert(kci_heap_put(&h, &nodes[i], 7));
    cr_assert(kci_heap_put(&h, &nodes[0], 7)); /* set again: behind the others */
    for (int i = 1; i <= 100; i++) {
        cr_assert_eq(kci_heap_first(&h), &nodes[i % 100]);
        kci_heap_remove(&h, kci_heap_first(&h));
    }
    kci_heap_free(&h);
}

Test(heap, what_is_reserved_needs_no_memory)
{
    static kci_heap_node nodes[100];
    kci_heap h = { 0 };
    kci_mem_fail_after(1, true);
    cr_assert_eq(kci_heap_reserve(&h, 100), KC_E_NO_MEMORY);
    cr_assert_not(kci_heap_put(&h, &nodes[0], 1));
    cr_assert_null(kci_heap_first(&h));
    kci_mem_fail_after(0, false);
    cr_assert_eq(kci_heap_reserve(&h, 100), KC_OK);
    kci_mem_fail_after(1, true);
    for (int i = 0; i < 100; i++)
        cr_assert(kci_heap_put(&h, &nodes[i], -i));
    cr_assert_eq(kci_heap_reserve(&h, -101), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_heap_reserve(&h, -100), KC_OK);
    kci_mem_fail_after(0, false);
    kci_heap_free(&h);
}
