/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "reading/slice.h"
#include "record/batch.h"

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

/* What is counted is what is held: a frame may lie in more memory than it fills. */
Test(slice, a_frame_counts_with_all_its_memory)
{
    kci_credit *credit = kci_credit_new(1 << 20, NULL, NULL);
    kci_frame *frame = kci_frame_new(NULL, 70000);
    cr_assert_gt(frame->cap, frame->size);
    kci_fetched *f = kci_fetched_new(credit, frame, 2, 3);
    cr_assert_eq(kci_credit_held(credit), kci_fetched_size(2, 3) + frame->cap);
    kci_frame_unref(frame);
    kci_fetched_unref(f);
    cr_assert_eq(kci_credit_held(credit), 0);
    kci_credit_unref(credit);
}
