/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "reading/records.h"

static void on_room(void *arg)
{
    (void)arg;
}

Test(records, are_used_again_and_outlive_their_pool)
{
    kci_credit *credit = kci_credit_new(1000, on_room, NULL);
    kci_records_pool *pool = kci_records_pool_new(credit);
    kc_records *r = kci_records_take(pool, kc_str("topic"), 3, 100);
    cr_assert_eq(kc_records_topic(r).size, 5);
    cr_assert_eq(kc_records_partition(r), 3);
    cr_assert_geq(kci_credit_held(credit), 6400);
    kc_records_free(r);
    cr_assert_eq(kci_credit_held(credit), 0);
    uint64_t allocations = kci_mem_count();
    cr_assert_eq(kci_records_take(pool, kc_str("t"), 0, 100), r);
    cr_assert_eq(kci_mem_count(), allocations);
    kci_records_pool_close(pool);
    kci_credit_unref(credit);
    cr_assert_eq(kc_records_count(r), 0);
    cr_assert_eq(kc_records_topic(r).size, 1);
    kc_records_free(r);
    kc_records_free(NULL);
}

Test(records, without_memory)
{
    kci_credit *credit = kci_credit_new(1000, on_room, NULL);
    kci_records_pool *pool = kci_records_pool_new(credit);
    for (int n = 1; n <= 2; n++) {
        kci_mem_fail_after(n, true);
        cr_assert_null(kci_records_take(pool, kc_str("t"), 0, 100));
        kci_mem_fail_after(0, false);
        cr_assert_eq(kci_credit_held(credit), 0);
    }
    kci_records_pool_close(pool);
    kci_credit_unref(credit);
}

/* Memory that is used again has nothing of what it was used for. */
Test(records, begin_empty)
{
    kci_credit *credit = kci_credit_new(100000, on_room, NULL);
    kci_records_pool *pool = kci_records_pool_new(credit);
    kc_records *r = kci_records_take(pool, kc_str("topic"), 3, 10);
    r->at_end = true;
    r->error.code = KC_E_CORRUPT_MESSAGE;
    r->offset = r->next_offset = r->high_watermark = 77;
    r->bytes = 5;
    kc_records_free(r);
    cr_assert_eq(kci_records_take(pool, kc_str("t"), 0, 10), r);
    cr_assert_not(kc_records_at_end(r));
    cr_assert_eq(kc_records_error(r, NULL), KC_OK);
    cr_assert_eq(kc_records_offset(r), -1);
    cr_assert_eq(kc_records_next_offset(r), -1);
    cr_assert_eq(kc_records_high_watermark(r), -1);
    cr_assert_eq(kc_records_bytes(r), 0);
    kc_records_free(r);
    kci_records_pool_close(pool);
    kci_credit_unref(credit);
}
