/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes of single records of a refused batch, from whatever a broker may name. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "base/random.h"
#include "producer/ranges.h"

static kci_record_error named(int32_t index, const char *message)
{
    return (kci_record_error){ .batch_index = index, .batch_index_error_message = kc_str(message) };
}

static kci_outcome_ranges *split(kci_record_error *errors, int32_t count, int32_t records)
{
    kci_refusal refusal = { KC_E_INVALID_TIMESTAMP, kc_str("of the batch"), errors, count };
    return kci_outcome_ranges_new(&refusal, records);
}

static void expect(const kci_outcome_ranges *r, int32_t i, int32_t from, int32_t count, kc_err err,
                   const char *text)
{
    cr_assert_lt(i, r->count);
    cr_expect_eq(r->list[i].from, from);
    cr_expect_eq(r->list[i].count, count);
    cr_expect_eq(r->list[i].err, err);
    if (text)
        cr_expect_str_eq(r->list[i].text, text);
    else
        cr_expect_null(r->list[i].text);
}

Test(ranges, one_has_the_partitions_error)
{
    kci_record_error one[] = { named(2, "too old") };
    kci_outcome_ranges *r = split(one, 1, 5);
    cr_assert_eq(r->count, 3);
    expect(r, 0, 0, 2, KC_E_BATCH_REFUSED, NULL);
    expect(r, 1, 2, 1, KC_E_INVALID_TIMESTAMP, "too old");
    expect(r, 2, 3, 2, KC_E_BATCH_REFUSED, NULL);
    kci_free(r);
    one[0] = named(0, NULL);
    r = split(one, 1, 1);
    cr_assert_eq(r->count, 1);
    expect(r, 0, 0, 1, KC_E_INVALID_TIMESTAMP, "of the batch");
    kci_free(r);
}

Test(ranges, several_are_invalid_records)
{
    kci_record_error some[] = { named(4, "e"), named(0, "a"), named(1, ""), named(4, "again") };
    kci_outcome_ranges *r = split(some, 4, 6);
    cr_assert_eq(r->count, 5);
    expect(r, 0, 0, 1, KC_E_INVALID_RECORD, "a");
    expect(r, 1, 1, 1, KC_E_INVALID_RECORD, "of the batch");
    expect(r, 2, 2, 2, KC_E_BATCH_REFUSED, NULL);
    cr_expect_not_null(r->list[3].text);
    expect(r, 3, 4, 1, KC_E_INVALID_RECORD, r->list[3].text); /* either of the two */
    expect(r, 4, 5, 1, KC_E_BATCH_REFUSED, NULL);
    kci_free(r);
}

Test(ranges, who_names_nobody_names_all)
{
    kci_record_error nobody[] = { named(-1, "x"), named(3, "y"), named(INT32_MAX, "z") };
    cr_expect_null(split(nobody, 0, 3));
    cr_expect_null(split(NULL, -1, 3));
    cr_expect_null(split(nobody, 3, 3));
    kci_record_error one[] = { named(1, "x") };
    kci_mem_fail_after(1, true);
    cr_expect_null(split(one, 1, 3));
    kci_mem_fail_after(0, false);
}

/* Whatever is named: the ranges are all records, in order, and the named ones stand alone. */
Test(ranges, every_record_has_one_outcome)
{
    kci_random random;
    kci_random_seed(&random, 7);
    for (int run = 0; run < 2000; run++) {
        bool bad[20] = { false };
        int32_t records = 1 + (int32_t)kci_random_below(&random, 20);
        int32_t count = (int32_t)kci_random_below(&random, 24);
        kci_record_error errors[24];
        for (int32_t i = 0; i < count; i++) {
            int32_t index = (int32_t)kci_random_below(&random, 24) - 2;
            errors[i] = named(index, "bad");
            if (index >= 0 && index < records)
                bad[index] = true;
        }
        kci_outcome_ranges *r = split(errors, count, records);
        int32_t next = 0;
        for (int32_t i = 0; r && i < r->count; next += r->list[i].count, i++) {
            cr_assert_eq(r->list[i].from, next);
            cr_assert_gt(r->list[i].count, 0);
            for (int32_t n = 0; n < r->list[i].count; n++)
                cr_assert_eq(bad[next + n], r->list[i].err != KC_E_BATCH_REFUSED);
            cr_assert(r->list[i].err == KC_E_BATCH_REFUSED || r->list[i].count == 1);
        }
        cr_assert_eq(next, r ? records : 0);
        for (int32_t i = 0; !r && i < records; i++)
            cr_assert_not(bad[i]);
        kci_free(r);
    }
}
