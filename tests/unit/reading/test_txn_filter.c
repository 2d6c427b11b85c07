/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "reading/txn_filter.h"

static kci_batch batch(int64_t base, int64_t last, int64_t producer, unsigned flags)
{
    return (kci_batch){ .base_offset = base,
                        .last_offset = last,
                        .producer_id = producer,
                        .attributes = (uint16_t)flags,
                        .magic = 2 };
}

static bool drops(kci_txn_filter *f, int64_t base, int64_t last, int64_t producer, unsigned flags)
{
    kci_batch b = batch(base, last, producer, flags);
    return kci_txn_filter_drops(f, &b);
}

Test(txn_filter, follows_transactions)
{
    kci_aborted_txn list[] = { { 7, 40 }, { 8, 10 }, { 7, 0 } }; /* in no order */
    int64_t active[3];
    kci_txn_filter f;
    kci_aborted_txns_sort(list, 3);
    cr_assert_eq(list[0].first_offset, 0);
    cr_assert_eq(list[2].first_offset, 40);
    kci_txn_filter_init(&f, list, 3, active);
    const unsigned txn = KCI_ATTR_TRANSACTIONAL, control = txn | KCI_ATTR_CONTROL;
    cr_assert(drops(&f, 0, 9, 7, txn));
    cr_assert(drops(&f, 10, 14, 8, txn));
    cr_assert_not(drops(&f, 15, 16, 9, txn)); /* another producer's, committed */
    cr_assert_not(drops(&f, 17, 18, 7, 0));   /* of that producer, but in no transaction */
    cr_assert_not(drops(&f, 19, 19, 7, control));
    kci_txn_filter_end(&f, 7);
    cr_assert_not(drops(&f, 20, 25, 7, txn)); /* its next one was committed */
    cr_assert(drops(&f, 26, 27, 8, txn));
    kci_txn_filter_end(&f, 8);
    cr_assert_not(drops(&f, 30, 31, 8, txn));
    cr_assert(drops(&f, 40, 41, 7, txn));
    kci_txn_filter_end(&f, 99); /* unknown: nothing */
    cr_assert(drops(&f, 42, 43, 7, txn));
}

/* An aborted transaction that left nothing in this partition but its marker. */
Test(txn_filter, an_empty_transaction_hides_nothing)
{
    kci_aborted_txn list[] = { { 7, 5 } };
    int64_t active[1];
    kci_txn_filter f;
    kci_txn_filter_init(&f, list, 1, active);
    cr_assert_not(drops(&f, 5, 5, 7, KCI_ATTR_TRANSACTIONAL | KCI_ATTR_CONTROL));
    kci_txn_filter_end(&f, 7);
    cr_assert_not(drops(&f, 6, 9, 7, KCI_ATTR_TRANSACTIONAL));
}

/* Two aborted transactions of one producer begin before the end of the first is read. */
Test(txn_filter, one_end_is_enough)
{
    kci_aborted_txn list[] = { { 7, 0 }, { 7, 5 } };
    int64_t active[2];
    kci_txn_filter f;
    kci_txn_filter_init(&f, list, 2, active);
    cr_assert(drops(&f, 0, 9, 7, KCI_ATTR_TRANSACTIONAL));
    kci_txn_filter_end(&f, 7);
    cr_assert_not(drops(&f, 10, 19, 7, KCI_ATTR_TRANSACTIONAL));
}
