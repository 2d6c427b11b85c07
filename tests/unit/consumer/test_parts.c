/* SPDX-License-Identifier: Apache-2.0 */
/* The pieces below the fetcher: credit, aborted transactions, assignments, slices, pooled records.
 */
#include <pthread.h>

#include <criterion/criterion.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "consumer/assignment.h"
#include "consumer/records.h"

/* ---- credit ------------------------------------------------------------------------------- */

static int rooms;

static void on_room(void *arg)
{
    (void)arg;
    rooms++;
}

Test(credit, counts_and_tells)
{
    kci_credit *c = kci_credit_new(1000, on_room, NULL);
    kci_credit_take(c, 600);
    kci_credit_take(c, 700);
    cr_assert_eq(kci_credit_held(c), 1300);
    cr_assert(kci_credit_await(c, 500));
    kci_credit_give(c, 700);
    cr_assert_eq(rooms, 0);
    kci_credit_give(c, 200);
    cr_assert_eq(rooms, 1);
    kci_credit_give(c, 100);
    cr_assert_eq(rooms, 1); /* once per wish */
    cr_assert_not(kci_credit_await(c, 500));
    kci_credit_take(c, 500);
    cr_assert(kci_credit_await(c, 0));
    kci_credit_detach(c);
    kci_credit_give(c, 800);
    cr_assert_eq(rooms, 1);
    cr_assert_eq(kci_credit_peak(c), 1300);
    kci_credit_unref(c);
}

Test(credit, blocks_are_counted)
{
    kci_credit *c = kci_credit_new(1000, on_room, NULL);
    kci_block_source source = kci_credit_blocks(c);
    void *p = source.resize(source.arg, NULL, 0, 100);
    p = source.resize(source.arg, p, 100, 700);
    cr_assert_eq(kci_credit_held(c), 700);
    kci_mem_fail_after(1, false);
    cr_assert_null(source.resize(source.arg, p, 700, 9000));
    kci_mem_fail_after(0, false);
    cr_assert_eq(kci_credit_held(c), 700);
    p = source.resize(source.arg, p, 700, 300);
    cr_assert_eq(kci_credit_held(c), 300);
    cr_assert_null(source.resize(source.arg, p, 300, 0));
    cr_assert_eq(kci_credit_held(c), 0);
    cr_assert_eq(kci_credit_largest_block(c), 700);
    kci_credit_unref(c);
}

static void *give_much(void *arg)
{
    for (int i = 0; i < 20000; i++)
        kci_credit_give(arg, 1);
    return NULL;
}

Test(credit, a_wish_is_not_lost)
{
    for (int round = 0; round < 20; round++) {
        rooms = 0;
        kci_credit *c = kci_credit_new(1000, on_room, NULL);
        kci_credit_take(c, 40000);
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, give_much, c);
        bool waits = kci_credit_await(c, 10);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(rooms, waits);
        kci_credit_unref(c);
    }
}

/* ---- aborted transactions ----------------------------------------------------------------- */

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

/* ---- assignments -------------------------------------------------------------------------- */

Test(assignment, finds_what_was_added)
{
    kci_assignment a = { 0 };
    kci_read_part *p;
    static const char *const names[] = { "m", "a", "zz", "z", "b" };
    for (int t = 0; t < 5; t++) {
        for (int32_t i = 40; i > 0; i -= 3)
            cr_assert_eq(kci_assignment_add(&a, kc_str(names[t]), i, &p), KC_OK);
    }
    cr_assert_eq(kci_assignment_add(&a, kc_str("m"), 7, &p), KC_E_STATE);
    cr_assert_eq(a.part_count, 70);
    cr_assert_null(kci_assignment_find(&a, kc_str("m"), 8));
    cr_assert_null(kci_assignment_find(&a, kc_str("mm"), 7));
    p = kci_assignment_find(&a, kc_str("zz"), 7);
    cr_assert_eq(p->number, 7);
    cr_assert_eq(p->topic->name.size, 2);
    int32_t topic = 0, at = 0, last = -1;
    int count = 0;
    const kci_read_topic *t = NULL;
    while ((p = kci_assignment_next(&a, &topic, &at))) {
        if (p->topic != t) {
            if (t)
                cr_assert_lt(kci_topic_name_compare(t->name, p->topic->name), 0);
            t = p->topic;
            last = -1;
        }
        cr_assert_gt(p->number, last);
        last = p->number;
        count++;
    }
    cr_assert_eq(count, 70);
    while ((p = kci_assignment_last(&a))) {
        kci_assignment_remove(&a, p);
        kci_part_unref(p);
    }
    cr_assert_eq(a.topics.count, 0);
    kci_assignment_free(&a);
}

Test(assignment, without_memory_nothing_is_added)
{
    kci_assignment a = { 0 };
    kci_read_part *p;
    for (int n = 1; n < 20; n++) {
        kci_mem_fail_after(n, true);
        kc_err err = kci_assignment_add(&a, kc_str("t"), 0, &p);
        kci_mem_fail_after(0, false);
        if (err == KC_OK)
            break;
        cr_assert_eq(err, KC_E_NO_MEMORY);
        cr_assert_eq(a.part_count, 0);
        cr_assert_eq(a.topics.count, 0);
    }
    cr_assert_eq(a.part_count, 1);
    kci_assignment_remove(&a, p);
    kci_part_unref(p);
    kci_assignment_free(&a);
}

Test(assignment, names)
{
    char longest[251];
    memset(longest, 'x', sizeof longest);
    cr_assert(kci_topic_partition_ok(kc_str("A-b_c.9"), 0));
    cr_assert(kci_topic_partition_ok(kc_mem(longest, 249), INT32_MAX));
    cr_assert_not(kci_topic_partition_ok(kc_mem(longest, 250), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str(""), 0));
    cr_assert_not(kci_topic_partition_ok(kc_mem(NULL, 0), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str("a/b"), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str("a"), -1));
}

/* ---- slices ------------------------------------------------------------------------------- */

enum { SIZE = KCI_BATCH_HEADER_SIZE };

/* Batches without records: only envelopes are looked at. */
static size_t put(uint8_t *p, int64_t base, int32_t delta, int32_t epoch)
{
    memset(p, 0, SIZE);
    kci_store64(p + KCI_BATCH_AT_BASE_OFFSET, (uint64_t)base);
    kci_store32(p + KCI_BATCH_AT_LENGTH, SIZE - KCI_BATCH_PREFIX_SIZE);
    kci_store32(p + KCI_BATCH_AT_LEADER_EPOCH, (uint32_t)epoch);
    p[KCI_BATCH_AT_MAGIC] = 2;
    kci_store32(p + KCI_BATCH_AT_LAST_DELTA, (uint32_t)delta);
    return SIZE;
}

static kci_slice scan(const uint8_t *p, size_t size, int64_t offset, bool whole)
{
    kci_slice s = { .data = p, .size = size, .high_watermark = 1000, .leader_epoch = -1 };
    kci_slice_scan(&s, offset, whole);
    return s;
}

Test(slice, whole_batches)
{
    uint8_t p[5 * SIZE];
    size_t n = put(p, 10, 9, 3);
    n += put(p + n, 20, 0, 3);
    n += put(p + n, 30, 4, 4); /* what was between was compacted away */
    kci_slice s = scan(p, n, 15, true);
    cr_assert_eq(s.tail_error, KC_OK);
    cr_assert_eq(s.size, n);
    cr_assert_eq(s.next_offset, 35);
    cr_assert_eq(s.leader_epoch, 4);
    s = scan(p, n - 1, 15, true); /* the last one is cut off */
    cr_assert_eq(s.size, 2 * SIZE);
    cr_assert_eq(s.next_offset, 21);
    cr_assert_eq(s.tail_error, KC_OK);
}

Test(slice, only_a_part_of_a_batch)
{
    uint8_t p[SIZE];
    put(p, 10, 9, 3);
    kci_slice s = scan(p, SIZE - 1, 10, true);
    cr_assert_eq(s.tail_error, KC_E_PROTOCOL);
    s = scan(p, SIZE - 1, 10, false); /* not the first of its answer: no error, no progress */
    cr_assert_eq(s.tail_error, KC_OK);
    cr_assert_eq(s.size, 0);
    cr_assert_eq(s.next_offset, 10);
}

Test(slice, no_progress_is_an_error)
{
    uint8_t p[SIZE];
    put(p, 10, 9, 3);
    kci_slice s = scan(p, SIZE, 20, false);
    cr_assert_eq(s.tail_error, KC_E_PROTOCOL);
    cr_assert_eq(s.tail_offset, 20);
    cr_assert_eq(s.tail_next, 21);
}

Test(slice, offsets_that_do_not_grow)
{
    uint8_t p[2 * SIZE];
    size_t n = put(p, 10, 9, 3);
    n += put(p + n, 19, 0, 3);
    kci_slice s = scan(p, n, 10, true);
    cr_assert_eq(s.tail_error, KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(s.size, 0);
    cr_assert_eq(s.next_offset, 10);
    put(p, INT64_C(1) << 44, 9, 3); /* far beyond the high watermark */
    s = scan(p, SIZE, 10, true);
    cr_assert_eq(s.tail_error, KC_E_CORRUPT_MESSAGE);
}

Test(slice, a_damaged_envelope)
{
    uint8_t p[3 * SIZE];
    size_t n = put(p, 10, 9, 3);
    n += put(p + n, 20, 9, 3);
    n += put(p + n, 30, 9, 3);
    p[SIZE + KCI_BATCH_AT_MAGIC] = 9;
    kci_slice s = scan(p, n, 10, true);
    cr_assert_eq(s.tail_error, KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(s.size, SIZE);
    cr_assert_eq(s.next_offset, 20);
    cr_assert_eq(s.tail_offset, 20);
    cr_assert_eq(s.tail_next, 30);
    kci_store32(p + SIZE + KCI_BATCH_AT_LENGTH, (uint32_t)-5);
    s = scan(p, n, 10, true);
    cr_assert_eq(s.tail_error, KC_E_PROTOCOL);
    cr_assert_eq(s.tail_next, 21);
}

/* ---- records ------------------------------------------------------------------------------ */

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
