/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's log by itself: idempotence, transactions, epochs, truncation, retention. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "mock/log.h"
#include "peer.h"

typedef struct fixture {
    kci_mock_store store;
    kci_mock_log log;
    int64_t offset; /* of the last append */
} fixture;

static void set_up(fixture *f)
{
    kci_mock_store_init(&f->store, 1 << 30);
    kci_mock_log_init(&f->log, &f->store);
    cr_assert_eq(kci_mock_log_begin_epoch(&f->log, 0), KC_OK);
}

static void tear_down(fixture *f)
{
    kci_mock_log_free(&f->log);
    cr_assert_eq(f->store.bytes, 0);
}

static kc_err append_at(fixture *f, const batch_spec *spec, int32_t leader_epoch)
{
    kci_buf bytes = { 0 };
    batch_make(spec, &bytes);
    kci_mock_append a = { .data = bytes.data,
                          .size = bytes.size,
                          .leader_epoch = leader_epoch,
                          .max_bytes = 1 << 20,
                          .now_ms = 7 };
    kc_err err = kci_mock_log_append(&f->log, &a);
    f->offset = a.base_offset;
    kci_buf_free(&bytes);
    return err;
}

static kc_err append(fixture *f, const batch_spec *spec)
{
    kc_err err = append_at(f, spec, 0);
    kci_mock_log_advance(&f->log, INT64_MAX);
    return err;
}

static kc_err produce(fixture *f, int64_t pid, int16_t epoch, int32_t sequence, int32_t count)
{
    return append(
        f, &(batch_spec){ .pid = pid, .epoch = epoch, .sequence = sequence, .count = count });
}

static kc_err plain(fixture *f, int32_t count)
{
    return produce(f, -1, -1, -1, count);
}

static kc_err txn(fixture *f, int64_t pid, int32_t sequence, int32_t count)
{
    return append(f, &(batch_spec){
                         .pid = pid, .sequence = sequence, .count = count, .transactional = true });
}

static kc_err mark(fixture *f, int64_t pid, int16_t epoch, bool commit)
{
    kci_mock_append a;
    kc_err err = kci_mock_log_append_marker(&f->log, pid, epoch, commit, 0, 7, &a);
    f->offset = a.base_offset;
    kci_mock_log_advance(&f->log, INT64_MAX);
    return err;
}

Test(log, offsets_and_epochs_are_assigned)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(plain(&f, 3), KC_OK);
    cr_assert_eq(append_at(&f, &(batch_spec){ .count = 2, .pid = -1 }, 5), KC_OK);
    cr_assert_eq(f.offset, 3);
    cr_assert_eq(f.log.end, 5);
    kci_batch b;
    const kci_mock_batch *stored = kci_mock_log_at(&f.log, 1);
    cr_assert_eq(kci_batch_parse(stored->data, stored->size, &b), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    cr_assert_eq(b.base_offset, 3);
    cr_assert_eq(b.last_offset, 4);
    cr_assert_eq(b.leader_epoch, 5);
    tear_down(&f);
}

Test(log, a_duplicate_gets_the_offset_it_had)
{
    fixture f;
    set_up(&f);
    for (int i = 0; i < 6; i++)
        cr_assert_eq(produce(&f, 1, 0, 2 * i, 2), KC_OK);
    /* the last five are known */
    for (int i = 1; i < 6; i++) {
        cr_assert_eq(produce(&f, 1, 0, 2 * i, 2), KC_OK);
        cr_assert_eq(f.offset, 2 * i);
    }
    cr_assert_eq(f.log.end, 12);
    /* an older one is out of order */
    cr_assert_eq(produce(&f, 1, 0, 0, 2), KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
    cr_assert_eq(f.offset, -1);
    /* the same first sequence with another count is no duplicate */
    cr_assert_eq(produce(&f, 1, 0, 10, 3), KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
    cr_assert_eq(f.log.end, 12);
    tear_down(&f);
}

Test(log, gaps_in_sequences_are_refused)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(produce(&f, 1, 0, 0, 5), KC_OK);
    cr_assert_eq(produce(&f, 1, 0, 6, 1), KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
    cr_assert_eq(produce(&f, 1, 0, 5, 1), KC_OK);
    /* an unknown producer may begin anywhere: its past may have been dropped */
    cr_assert_eq(produce(&f, 2, 3, 77, 1), KC_OK);
    cr_assert_eq(produce(&f, 2, 3, 78, 1), KC_OK);
    tear_down(&f);
}

/* In a new epoch the numbers begin anew: equal ones of the last epoch are other batches. */
Test(log, an_epoch_has_numbers_of_its_own)
{
    fixture f;
    set_up(&f);
    for (int16_t epoch = 0; epoch < 3; epoch++)
        for (int32_t i = 0; i < 4; i++)
            cr_assert_eq(produce(&f, 1, epoch, i, 1), KC_OK);
    cr_assert_eq(f.log.end, 12);
    cr_assert_eq(produce(&f, 1, 2, 3, 1), KC_OK, "a duplicate");
    cr_assert_eq(f.log.end, 12);
    tear_down(&f);
}

Test(log, sequences_wrap)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(produce(&f, 1, 0, INT32_MAX - 1, 2), KC_OK); /* MAX-1, MAX */
    cr_assert_eq(produce(&f, 1, 0, 1, 1), KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
    cr_assert_eq(produce(&f, 1, 0, 0, 3), KC_OK);
    cr_assert_eq(produce(&f, 1, 0, 3, 1), KC_OK);
    cr_assert_eq(produce(&f, 2, 0, INT32_MAX, 3), KC_OK); /* MAX, 0, 1 */
    cr_assert_eq(produce(&f, 2, 0, 2, 1), KC_OK);
    cr_assert_eq(produce(&f, 2, 0, INT32_MAX, 3), KC_OK, "a duplicate across the wrap");
    cr_assert_eq(f.offset, 6);
    tear_down(&f);
}

Test(log, epochs_of_producers_fence)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(produce(&f, 1, 1, 0, 1), KC_OK);
    cr_assert_eq(produce(&f, 1, 0, 1, 1), KC_E_INVALID_PRODUCER_EPOCH);
    cr_assert_eq(produce(&f, 1, 2, 1, 1), KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER,
                 "a new epoch begins with 0");
    cr_assert_eq(produce(&f, 1, 2, 0, 1), KC_OK);
    cr_assert_eq(f.offset, 1);
    cr_assert_eq(produce(&f, 1, 2, 1, 1), KC_OK);
    tear_down(&f);
}

Test(log, open_transactions_hold_back_the_stable_offset)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(plain(&f, 2), KC_OK);
    cr_assert_eq(kci_mock_log_lso(&f.log), 2);
    cr_assert_eq(txn(&f, 1, 0, 2), KC_OK); /* 2, 3 */
    cr_assert_eq(txn(&f, 2, 0, 1), KC_OK); /* 4 */
    cr_assert_eq(txn(&f, 1, 2, 1), KC_OK); /* 5 */
    cr_assert_eq(kci_mock_log_lso(&f.log), 2);
    cr_assert_eq(mark(&f, 1, 0, false), KC_OK); /* 6 */
    cr_assert_eq(kci_mock_log_lso(&f.log), 4);
    cr_assert_eq(f.log.producers.aborted_count, 1);
    cr_assert_eq(f.log.producers.aborted[0].first, 2);
    cr_assert_eq(f.log.producers.aborted[0].marker, 6);
    cr_assert_eq(mark(&f, 2, 0, true), KC_OK); /* 7 */
    cr_assert_eq(kci_mock_log_lso(&f.log), 8);
    cr_assert_eq(f.log.producers.aborted_count, 1);
    /* the same producer again */
    cr_assert_eq(txn(&f, 1, 3, 1), KC_OK);
    cr_assert_eq(kci_mock_log_lso(&f.log), 8);
    cr_assert_eq(produce(&f, 1, 0, 4, 1), KC_E_INVALID_TXN_STATE);
    tear_down(&f);
}

Test(log, a_marker_counts_once_it_is_replicated)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(txn(&f, 1, 0, 1), KC_OK);
    kci_mock_append a;
    cr_assert_eq(kci_mock_log_append_marker(&f.log, 1, 0, true, 0, 7, &a), KC_OK);
    cr_assert_eq(kci_mock_log_lso(&f.log), 0);
    kci_mock_log_advance(&f.log, 1); /* up to it */
    cr_assert_eq(kci_mock_log_lso(&f.log), 0);
    kci_mock_log_advance(&f.log, 2);
    cr_assert_eq(kci_mock_log_lso(&f.log), 2);
    cr_assert_eq(kci_mock_log_append_marker(&f.log, 1, 0, true, 0, 7, &a), KC_OK);
    tear_down(&f);
}

Test(log, a_marker_of_an_old_epoch_is_refused)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(produce(&f, 1, 3, 0, 1), KC_OK);
    cr_assert_eq(mark(&f, 1, 2, true), KC_E_INVALID_PRODUCER_EPOCH);
    cr_assert_eq(mark(&f, 1, 4, false), KC_OK);
    cr_assert_eq(produce(&f, 1, 3, 1, 1), KC_E_INVALID_PRODUCER_EPOCH);
    cr_assert_eq(produce(&f, 1, 4, 0, 1), KC_OK);
    tear_down(&f);
}

Test(log, truncation_undoes_producers_and_transactions)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(produce(&f, 1, 0, 0, 2), KC_OK); /* 0, 1 */
    cr_assert_eq(txn(&f, 2, 0, 1), KC_OK);        /* 2 */
    cr_assert_eq(produce(&f, 1, 0, 2, 2), KC_OK); /* 3, 4 */
    cr_assert_eq(mark(&f, 2, 0, false), KC_OK);   /* 5 */
    cr_assert_eq(f.log.producers.aborted_count, 1);
    /* 4 lies inside a batch: all of it goes */
    cr_assert_eq(kci_mock_log_truncate(&f.log, 4), KC_OK);
    cr_assert_eq(f.log.end, 3);
    cr_assert_eq(f.log.hw, 3);
    cr_assert_eq(f.log.producers.aborted_count, 0);
    cr_assert_eq(kci_mock_log_lso(&f.log), 2);
    /* it was not seen: not a duplicate */
    cr_assert_eq(produce(&f, 1, 0, 2, 2), KC_OK);
    cr_assert_eq(f.offset, 3);
    cr_assert_eq(f.log.end, 5);
    cr_assert_eq(kci_mock_log_truncate(&f.log, 0), KC_OK);
    cr_assert_eq(f.log.end, 0);
    cr_assert_eq(f.log.count, 0);
    cr_assert_eq(kci_imap_count(&f.log.producers.by_id), 0);
    tear_down(&f);
}

static void check_end(const fixture *f, int32_t epoch, int32_t want_epoch, int64_t want_end)
{
    kci_mock_epoch e = kci_mock_log_epoch_end(&f->log, epoch);
    cr_assert_eq(e.epoch, want_epoch, "epoch %d: %d", epoch, e.epoch);
    cr_assert_eq(e.start, want_end, "epoch %d: %lld", epoch, (long long)e.start);
}

Test(log, ends_of_leader_epochs)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(kci_mock_log_begin_epoch(&f.log, 2), KC_OK); /* 0 wrote nothing */
    cr_assert_eq(append_at(&f, &(batch_spec){ .count = 3, .pid = -1 }, 2), KC_OK);
    cr_assert_eq(append_at(&f, &(batch_spec){ .count = 2, .pid = -1 }, 5), KC_OK);
    cr_assert_eq(kci_mock_log_begin_epoch(&f.log, 7), KC_OK);
    check_end(&f, 2, 2, 3);
    check_end(&f, 3, 2, 3);
    check_end(&f, 5, 5, 5);
    check_end(&f, 6, 5, 5);
    check_end(&f, 7, 7, 5);
    check_end(&f, 8, -1, -1);
    check_end(&f, -1, -1, -1);
    check_end(&f, 0, 0, 0); /* below all that are known */
    cr_assert_eq(kci_mock_log_epoch_at(&f.log, 2), 2);
    cr_assert_eq(kci_mock_log_epoch_at(&f.log, 3), 5);
    cr_assert_eq(kci_mock_log_truncate(&f.log, 3), KC_OK);
    check_end(&f, 2, 2, 3);
    check_end(&f, 5, -1, -1);
    tear_down(&f);
}

Test(log, deleting_records_moves_the_start)
{
    fixture f;
    set_up(&f);
    for (int i = 0; i < 10; i++)
        cr_assert_eq(plain(&f, 10), KC_OK);
    kci_mock_log_delete_before(&f.log, 25);
    cr_assert_eq(f.log.start, 25);
    cr_assert_eq(f.log.count, 8);
    cr_assert_eq(kci_mock_log_at(&f.log, 0)->base_offset, 20);
    cr_assert_eq(kci_mock_log_find(&f.log, 25), 0);
    cr_assert_eq(kci_mock_log_find(&f.log, 99), 7);
    cr_assert_eq(kci_mock_log_find(&f.log, 100), 8);
    kci_mock_log_delete_before(&f.log, 10);
    cr_assert_eq(f.log.start, 25, "it never moves down");
    kci_mock_log_delete_before(&f.log, 1000);
    cr_assert_eq(f.log.start, 100);
    cr_assert_eq(f.log.count, 0);
    check_end(&f, 0, 0, 100);
    cr_assert_eq(plain(&f, 1), KC_OK);
    cr_assert_eq(f.offset, 100);
    tear_down(&f);
}

Test(log, the_oldest_batches_go_when_memory_is_full)
{
    fixture f;
    set_up(&f);
    kci_mock_log other;
    kci_mock_log_init(&other, &f.store);
    kci_buf bytes = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1, .value_size = 1000 }, &bytes);
    f.store.limit = 10 * (bytes.size + 250); /* what holds a batch counts too */
    for (int i = 0; i < 100; i++) {
        kci_mock_append a = { .data = bytes.data, .size = bytes.size };
        kci_batch_assign(bytes.data, 0, -1);
        kci_mock_log *log = i % 2 ? &other : &f.log;
        cr_assert_eq(kci_mock_log_append(log, &a), KC_OK);
        kci_mock_log_advance(log, INT64_MAX);
        cr_assert_leq(f.store.bytes, f.store.limit);
    }
    cr_assert_eq(f.log.count + other.count, 10);
    cr_assert_eq(f.log.start, 45);
    cr_assert_eq(other.start, 45);
    cr_assert_eq(f.log.end, 50);
    kci_buf_free(&bytes);
    kci_mock_log_free(&other);
    tear_down(&f);
}

static kc_err append_bytes(fixture *f, const kci_buf *bytes)
{
    uint8_t copy[4096];
    memcpy(copy, bytes->data, bytes->size);
    kci_mock_append a = { .data = copy, .size = bytes->size, .max_bytes = 1 << 20 };
    return kci_mock_log_append(&f->log, &a);
}

/* One byte (or field) wrong at a time; the CRC is made right again where it says so. */
static kc_err append_changed(fixture *f, size_t at, uint8_t mask, bool fix_crc)
{
    kci_buf bytes = { 0 };
    batch_make(&(batch_spec){ .count = 3, .pid = 9, .sequence = 0 }, &bytes);
    bytes.data[at] ^= mask;
    if (fix_crc)
        kci_store32(bytes.data + KCI_BATCH_AT_CRC, kci_crc32c(0, bytes.data + KCI_BATCH_CRC_FROM,
                                                              bytes.size - KCI_BATCH_CRC_FROM));
    kc_err err = append_bytes(f, &bytes);
    kci_buf_free(&bytes);
    return err;
}

Test(log, malformed_batches_are_refused)
{
    fixture f;
    set_up(&f);
    cr_assert_eq(append_changed(&f, 70, 1, false), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_MAGIC, 3, false), KC_E_INVALID_RECORD);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_MAGIC, 6, false), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_BASE_OFFSET + 7, 1, false), KC_E_INVALID_RECORD);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_LENGTH + 3, 0x80, false), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_COUNT + 3, 1, true), KC_E_INVALID_RECORD);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_ATTRIBUTES + 1, 7, true),
                 KC_E_UNSUPPORTED_COMPRESSION_TYPE);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_ATTRIBUTES + 1, KCI_ATTR_CONTROL, true),
                 KC_E_INVALID_RECORD);
    cr_assert_eq(append_changed(&f, KCI_BATCH_AT_BASE_SEQUENCE, 0x80, true), KC_E_INVALID_RECORD);
    cr_assert_eq(f.log.end, 0);
    cr_assert_eq(append_changed(&f, 0, 0, true), KC_OK);
    tear_down(&f);
}

Test(log, two_batches_at_once_are_refused)
{
    fixture f;
    set_up(&f);
    kci_buf bytes = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &bytes);
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &bytes);
    cr_assert_eq(append_bytes(&f, &bytes), KC_E_INVALID_RECORD);
    kci_buf_free(&bytes);
    tear_down(&f);
}

Test(log, log_append_time)
{
    fixture f;
    set_up(&f);
    kci_buf bytes = { 0 };
    batch_make(&(batch_spec){ .count = 2, .pid = 1, .timestamp = 5 }, &bytes);
    for (int i = 0; i < 2; i++) {
        uint8_t copy[512];
        memcpy(copy, bytes.data, bytes.size);
        kci_mock_append a = {
            .data = copy, .size = bytes.size, .log_append_time = true, .now_ms = 1234567 + i
        };
        cr_assert_eq(kci_mock_log_append(&f.log, &a), KC_OK);
        cr_assert_eq(a.append_time_ms, 1234567, "also of a duplicate");
    }
    kci_batch b;
    const kci_mock_batch *stored = kci_mock_log_at(&f.log, 0);
    cr_assert_eq(kci_batch_parse(stored->data, stored->size, &b), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    cr_assert(kci_batch_is_append_time(&b));
    cr_assert_eq(b.max_timestamp, 1234567);
    cr_assert_eq(stored->max_timestamp, 1234567);
    kci_buf_free(&bytes);
    tear_down(&f);
}

Test(log, a_failed_allocation_leaves_the_log_as_it_was)
{
    for (int n = 1; n < 100; n++) {
        fixture f;
        set_up(&f);
        cr_assert_eq(produce(&f, 1, 0, 0, 1), KC_OK);
        kci_buf bytes = { 0 };
        batch_make(&(batch_spec){ .count = 2, .pid = 2, .transactional = true }, &bytes);
        kci_mock_append a = { .data = bytes.data, .size = bytes.size, .leader_epoch = 1 };
        kci_mem_fail_after(n, true);
        kc_err err = kci_mock_log_append(&f.log, &a);
        kci_mem_fail_after(0, false);
        if (err == KC_OK) {
            cr_assert_gt(n, 3);
            kci_buf_free(&bytes);
            tear_down(&f);
            return;
        }
        cr_assert_eq(err, KC_E_NO_MEMORY);
        cr_assert_eq(f.log.end, 1);
        cr_assert_eq(f.log.count, 1);
        cr_assert_eq(kci_mock_log_lso(&f.log), 1);
        /* and it can be done again */
        kci_batch_assign(bytes.data, 0, -1);
        cr_assert_eq(kci_mock_log_append(&f.log, &a), KC_OK);
        cr_assert_eq(a.base_offset, 1);
        kci_buf_free(&bytes);
        tear_down(&f);
    }
    cr_assert_fail("it never succeeded");
}
