/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/backoff.h"

Test(random, follows_from_the_seed)
{
    kci_random a, b, c;
    kci_random_seed(&a, 1);
    kci_random_seed(&b, 1);
    kci_random_seed(&c, 2);
    int differ = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = kci_random_next(&a);
        cr_assert_eq(x, kci_random_next(&b));
        differ += x != kci_random_next(&c);
    }
    cr_assert_eq(differ, 100);
}

Test(random, below_is_even)
{
    kci_random r;
    kci_random_seed(&r, 0);
    int hits[6] = { 0 };
    for (int i = 0; i < 60000; i++)
        hits[kci_random_below(&r, 6)]++;
    for (int i = 0; i < 6; i++)
        cr_assert(hits[i] > 9500 && hits[i] < 10500, "%d", hits[i]);
    cr_assert_eq(kci_random_below(&r, 0), 0);
    cr_assert_eq(kci_random_below(&r, 1), 0);
    for (int i = 0; i < 1000; i++) {
        double u = kci_random_unit(&r);
        cr_assert(u >= 0 && u < 1);
    }
}

Test(backoff, doubles_with_jitter_up_to_the_cap)
{
    kci_random r;
    kci_random_seed(&r, 3);
    kci_backoff b = { 100000, 1000000 };
    cr_assert_eq(kci_backoff_delay(&b, 0, &r), 0);
    for (int round = 0; round < 1000; round++) {
        for (uint32_t failures = 1; failures < 100; failures++) {
            double middle = failures > 4 ? 1000000 : 100000.0 * (1u << (failures - 1));
            int64_t d = kci_backoff_delay(&b, failures, &r);
            cr_assert(d >= 0.8 * middle - 1 && d <= 1.2 * middle + 1 && d <= 1000000, "%u: %lld",
                      failures, (long long)d);
        }
    }
}

Test(backoff, odd_values)
{
    kci_random r;
    kci_random_seed(&r, 3);
    kci_backoff none = { 0, 1000 }, negative = { -5, 1000 }, crossed = { 5000, 10 };
    cr_assert_eq(kci_backoff_delay(&none, 1, &r), 0);
    cr_assert_eq(kci_backoff_delay(&negative, 1, &r), 0);
    int64_t d = kci_backoff_delay(&crossed, 2, &r);
    cr_assert(d >= 4000 && d <= 5000);
    kci_backoff huge = { INT64_MAX / 2, INT64_MAX };
    for (uint32_t i = 1; i < UINT32_MAX / 2; i *= 3)
        cr_assert_gt(kci_backoff_delay(&huge, i, &r), 0);
    cr_assert_gt(kci_backoff_delay(&huge, UINT32_MAX, &r), 0);
}

/* Whatever is set, what fails for ever is tried 10 times a second at most. */
Test(backoff, no_setting_makes_a_storm)
{
    static const kci_backoff settings[] = { { 0, 0 },       { 0, 1000000 }, { -5, -1 },
                                            { 1000, 1000 }, { 1000, 5000 }, { 50000, 50000 } };
    kci_random r;
    kci_random_seed(&r, 3);
    for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
        int64_t at = 0;
        int tries = 0;
        for (uint32_t failures = 1; at < 60000000; failures++, tries++)
            at += kci_backoff_delay(&settings[i], failures, &r);
        cr_assert_leq(tries, 60 * 10 + 20, "setting %zu: %d tries in a minute", i, tries);
        at = 0;
        for (uint32_t failures = 1; failures < 5; failures++)
            at += kci_backoff_delay(&settings[i], failures, &r);
        cr_assert_leq(at, 250000, "setting %zu: the first tries come soon", i);
    }
}
