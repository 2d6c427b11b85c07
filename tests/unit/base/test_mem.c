/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/mem.h"

Test(mem, fails_on_demand)
{
    kci_mem_fail_after(2, false);
    void *a = kci_alloc(1), *b = kci_alloc(1), *c = kci_alloc(1);
    cr_assert_not_null(a);
    cr_assert_null(b);
    cr_assert_not_null(c);
    kci_mem_fail_after(1, true);
    for (int i = 0; i < 5; i++) {
        cr_assert_null(kci_alloc(1));
        cr_assert_null(kci_calloc(1, 1));
        cr_assert_null(kci_realloc(a, 10));
        cr_assert_null(kci_strndup("x", 1));
    }
    kci_mem_fail_after(0, false);
    kci_free(a);
    kci_free(c);
    kci_free(NULL);
}

Test(mem, sizes_that_overflow)
{
    cr_assert_null(kci_calloc(SIZE_MAX / 2, 3));
    cr_assert_null(kci_realloc_array(NULL, SIZE_MAX / 2, 3));
    cr_assert_null(kci_realloc_array(NULL, SIZE_MAX / 16 + 2, 16), "which wraps to 16");
    cr_assert_null(kci_strndup("x", SIZE_MAX));
    void *none = kci_alloc(0);
    cr_assert_not_null(none);
    kci_free(none);
    none = kci_calloc(0, 8);
    cr_assert_not_null(none);
    kci_free(none);
}

Test(mem, counts)
{
    int64_t live = kci_mem_live();
    uint64_t asked = kci_mem_count();
    void *a = kci_alloc(1);
    a = kci_realloc(a, 100);
    char *s = kci_strndup("hello", 3);
    cr_assert_str_eq(s, "hel");
    cr_assert_eq(kci_mem_live(), live + 2);
    cr_assert_eq(kci_mem_count(), asked + 3);
    kci_free(a);
    kci_free(s);
    cr_assert_eq(kci_mem_live(), live);
}
