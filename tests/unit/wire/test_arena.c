/* SPDX-License-Identifier: Apache-2.0 */
/* The arena: alignment, limit, reuse, failure. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "wire/arena.h"

Test(arena, pieces_are_aligned_and_apart)
{
    kci_arena a = { 0 };
    char *last = NULL;
    for (size_t n = 0; n < 3000; n++) {
        char *p = kci_arena_alloc(&a, n % 40);
        cr_assert_not_null(p);
        cr_assert_eq((uintptr_t)p % 8, 0);
        memset(p, (int)n, n % 40);
        if (last && n % 40 > 0)
            cr_assert_eq(last[0], (char)(n - 1));
        last = n % 40 ? p : NULL;
    }
    kci_arena_free(&a);
    cr_assert_eq(a.total, 0);
    cr_assert_null(a.head);
}

Test(arena, few_allocations)
{
    kci_arena a = { 0 };
    uint64_t before = kci_mem_count();
    for (size_t n = 0; n < 100000; n++)
        cr_assert_not_null(kci_arena_alloc(&a, 16));
    cr_assert_leq(kci_mem_count() - before, 20);
    cr_assert_leq(a.total, 2 * 1600000 + 256 * 1024);
    kci_arena_free(&a);
}

Test(arena, limit_holds)
{
    kci_arena a = { .limit = 5000 };
    size_t got = 0;
    while (kci_arena_alloc(&a, 100))
        got += 100;
    cr_assert(a.over_limit);
    cr_assert_leq(a.total, 5000);
    cr_assert_geq(got, 4000, "most of the limit is usable");
    a.limit = 0;
    cr_assert_not_null(kci_arena_alloc(&a, 100));
    cr_assert_not(a.over_limit);
    kci_arena_free(&a);
}

Test(arena, limit_below_what_is_held)
{
    kci_arena a = { 0 };
    cr_assert_not_null(kci_arena_alloc(&a, 3000));
    a.limit = 10;
    cr_assert_null(kci_arena_alloc(&a, 3000));
    cr_assert(a.over_limit);
    kci_arena_free(&a);
}

Test(arena, sizes_that_overflow)
{
    kci_arena a = { 0 };
    cr_assert_null(kci_arena_alloc(&a, SIZE_MAX));
    cr_assert_null(kci_arena_alloc(&a, SIZE_MAX - 16));
    cr_assert_null(kci_arena_array(&a, SIZE_MAX / 2, 3));
    cr_assert_eq(a.total, 0);
    cr_assert_not_null(kci_arena_alloc(&a, 1));
    kci_arena_free(&a);
}

Test(arena, out_of_memory_is_not_over_limit)
{
    kci_arena a = { 0 };
    kci_mem_fail_after(1, false);
    cr_assert_null(kci_arena_alloc(&a, 1));
    cr_assert_not(a.over_limit);
    cr_assert_eq(a.total, 0);
    cr_assert_not_null(kci_arena_alloc(&a, 1));
    kci_arena_free(&a);
}

Test(arena, reset_keeps_a_chunk)
{
    kci_arena a = { 0 };
    for (int i = 0; i < 100; i++)
        kci_arena_alloc(&a, 1000);
    kci_arena_reset(&a);
    cr_assert_gt(a.total, 0);
    uint64_t before = kci_mem_count();
    cr_assert_not_null(kci_arena_alloc(&a, 1000));
    cr_assert_eq(kci_mem_count(), before);
    kci_arena_free(&a);
    kci_arena_reset(&a);
    cr_assert_eq(a.total, 0);
}

Test(arena, copies)
{
    kci_arena a = { 0 };
    char text[] = "abc";
    kc_bytes b = kci_arena_copy(&a, kc_str(text));
    text[0] = 'x';
    cr_assert(b.size == 3 && memcmp(b.data, "abc", 3) == 0);
    cr_assert_null(kci_arena_copy(&a, kc_str(NULL)).data);
    cr_assert_not_null(kci_arena_copy(&a, kc_str("")).data);
    kci_arena_free(&a);
}
