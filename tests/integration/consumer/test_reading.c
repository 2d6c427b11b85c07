/* SPDX-License-Identifier: Apache-2.0 */
/* What poll returns when nothing fails: codecs, transactions, pauses, ends, many partitions, limits
 * of memory, and the life of what was handed out. */
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>
#include <poll.h>

#include "consumer/consumer.h"
#include "rig.h"

static rig r;

static void start(const char *const *properties, int32_t partitions)
{
    rig_start(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", partitions, 1), KC_OK);
}

/* For what is about time. */
static void start_virtual(const char *const *properties, int32_t partitions)
{
    rig_start_virtual(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", partitions, 1), KC_OK);
}

static void assign_all(int32_t partitions, kc_position position)
{
    kc_topic_partition_position list[1000];
    for (int32_t i = 0; i < partitions; i++)
        list[i] = (kc_topic_partition_position){ kc_str("t"), i, position };
    cr_assert_eq(kc_consumer_assign(r.consumer, list, (size_t)partitions, NULL), KC_OK);
}

static kc_records *poll_records(int32_t timeout_ms)
{
    kc_records *records;
    kc_error why;
    kc_err err = kc_consumer_poll(r.consumer, timeout_ms, &records, &why);
    cr_assert_eq(err, KC_OK, "%s", why.text);
    return records;
}

Test(reading, every_codec)
{
    start(NULL, 1);
    int64_t next = 0;
    for (int codec = 0; codec < KCI_CODEC_COUNT; codec++) {
        if (!kci_codec_get((unsigned)codec)->available)
            continue;
        rig_append(&r, "t", 0, &(rig_batch){ .codec = (kci_codec)codec, .count = 100 });
        next += 100;
    }
    rig_assign(&r, "t", 0, kc_position_offset(33));
    rig_expect(&r, "t", 0, 33, next - 33);
    rig_stop(&r);
}

Test(reading, max_poll_records)
{
    const char *properties[] = { "max.poll.records=7", NULL };
    start(properties, 1);
    rig_append(&r, "t", 0, &(rig_batch){ .count = 20 });
    rig_append(&r, "t", 0, &(rig_batch){ .count = 20, .codec = KCI_CODEC_GZIP });
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = 0;
    while (next < 40) {
        kc_records *records = poll_records(30000);
        if (!records)
            continue;
        cr_assert_leq(kc_records_count(records), 7);
        cr_assert_eq(kc_records_offset(records), next);
        rig_check(records);
        next = kc_records_next_offset(records);
        cr_assert_eq(kc_records_at_end(records), next == 40);
        cr_assert_eq(kc_records_high_watermark(records), 40);
        kc_records_free(records);
    }
    rig_stop(&r);
}

static size_t stored_bytes(void)
{
    size_t sum = 0;
    for (int64_t i = 0; i < kc_mock_batch_count(r.mock, "t", 0); i++)
        sum += (size_t)kc_mock_read_batch(r.mock, "t", 0, i, NULL, 0);
    return sum;
}

Test(reading, what_is_told_beside_the_records)
{
    const char *properties[] = { "isolation.level=read_committed", "max.poll.records=7", NULL };
    start(properties, 1);
    rig_append(&r, "t", 0, NULL);
    cr_assert_eq(kc_mock_delete_records(r.mock, "t", 0, 10), KC_OK);
    rig_append(&r, "t", 0, &(rig_batch){ .count = 20 });
    rig_append(&r, "t", 0, &(rig_batch){ .count = 20, .codec = KCI_CODEC_GZIP });
    size_t stored = stored_bytes(), told = 0;
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 }); /* open */
    rig_assign(&r, "t", 0, kc_position_beginning());
    for (int64_t next = 10; next < 50;) {
        kc_records *records = poll_records(30000);
        cr_assert_not_null(records);
        cr_assert_eq(kc_records_offset(records), next);
        cr_assert_eq(kc_records_log_start_offset(records), 10);
        cr_assert_eq(kc_records_last_stable_offset(records), 50);
        cr_assert_eq(kc_records_high_watermark(records), 60);
        cr_assert_eq(kc_records_leader_epoch(records), 0);
        told += kc_records_bytes(records);
        next = kc_records_next_offset(records);
        kc_records_free(records);
    }
    cr_assert_eq(told, stored, "%zu bytes instead of %zu", told, stored);
    rig_stop(&r);
}

/* Reads records and checks that their offsets are those of the ranges, and no others. */
static void expect_offsets(const int64_t (*ranges)[2], int n)
{
    int at = 0;
    int64_t next = ranges[0][0];
    while (at < n) {
        kc_records *records = poll_records(30000);
        cr_assert_not_null(records, "offset %lld does not come", (long long)next);
        rig_check(records);
        for (size_t i = 0; i < kc_records_count(records); i++) {
            cr_assert_lt(at, n);
            cr_assert_eq(kc_records_data(records)[i].offset, next);
            if (++next > ranges[at][1] && ++at < n)
                next = ranges[at][0];
        }
        kc_records_free(records);
    }
}

Test(reading, read_committed)
{
    const char *properties[] = { "isolation.level=read_committed", NULL };
    start(properties, 1);
    rig_append(&r, "t", 0, NULL);                                                    /* 0-9 */
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 }); /* 10-19 */
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 8 }); /* 20-29 */
    cr_assert_eq(kc_mock_txn_marker(r.mock, "t", 0, 7, 0, false), 30);
    cr_assert_eq(kc_mock_txn_marker(r.mock, "t", 0, 8, 0, true), 31);
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 }); /* 32-41 */
    cr_assert_eq(kc_mock_txn_marker(r.mock, "t", 0, 7, 0, true), 42);
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 9 }); /* open */
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_offsets((const int64_t[][2]){ { 0, 9 }, { 20, 29 }, { 32, 41 } }, 3);
    rig_expect_nothing(&r, 100);
    cr_assert_eq(rig_position(&r, "t", 0), 43);
    cr_assert(kc_consumer_at_end(r.consumer, kc_str("t"), 0));
    cr_assert_eq(kc_mock_txn_marker(r.mock, "t", 0, 9, 0, false), 53);
    rig_append(&r, "t", 0, NULL); /* 54-63 */
    rig_expect(&r, "t", 0, 54, 10);
    /* from the middle of an aborted transaction */
    rig_seek(&r, "t", 0, kc_position_offset(15));
    expect_offsets((const int64_t[][2]){ { 20, 29 }, { 32, 41 }, { 54, 63 } }, 3);
    rig_seek(&r, "t", 0, kc_position_end());
    cr_assert_eq(rig_position(&r, "t", 0), 64);
    rig_stop(&r);
}

Test(reading, whose_clock_timestamps_are_from)
{
    start(NULL, 1);
    rig_append(&r, "t", 0, NULL);
    cr_assert_eq(kc_mock_set_topic_config(r.mock, "t", "message.timestamp.type", "LogAppendTime"),
                 KC_OK);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    for (int i = 0; i < 2; i++) {
        kc_records *records = poll_records(30000);
        cr_assert_eq(kc_records_count(records), 10);
        cr_assert_eq(kc_records_timestamp_type(records),
                     i ? KC_TIMESTAMP_LOG_APPEND : KC_TIMESTAMP_CREATE);
        cr_assert_eq(kc_records_data(records)[3].timestamp > 1000000000000, i);
        cr_assert_eq(kc_records_broker(records), 1);
        kc_records_free(records);
    }
    rig_stop(&r);
}

Test(reading, read_uncommitted_sees_all_but_markers)
{
    start(NULL, 1);
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 });
    kc_mock_txn_marker(r.mock, "t", 0, 7, 0, false);
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 });
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_offsets((const int64_t[][2]){ { 0, 9 }, { 11, 20 } }, 2);
    rig_stop(&r);
}

Test(reading, ends_of_partitions)
{
    const char *properties[] = { "enable.partition.eof=true", NULL };
    start_virtual(properties, 2);
    rig_append(&r, "t", 0, NULL);
    assign_all(2, kc_position_beginning());
    int ends[2] = { 0, 0 };
    int64_t count = 0;
    for (int i = 0; i < 10; i++) {
        kc_records *records = poll_records(100);
        if (!records)
            continue;
        count += (int64_t)kc_records_count(records);
        if (kc_records_count(records) == 0) {
            cr_assert(kc_records_at_end(records));
            ends[kc_records_partition(records)]++;
            cr_assert_eq(kc_records_offset(records), kc_records_partition(records) ? 0 : 10);
        }
        kc_records_free(records);
    }
    cr_assert_eq(count, 10);
    cr_assert_eq(ends[0], 1);
    cr_assert_eq(ends[1], 1);
    /* new records: another end; a seek to the end: one more */
    rig_append(&r, "t", 1, NULL);
    kc_records *records = poll_records(30000);
    cr_assert_eq(kc_records_count(records), 10);
    kc_records_free(records);
    records = poll_records(30000);
    cr_assert_not_null(records);
    cr_assert_eq(kc_records_count(records), 0);
    cr_assert_eq(kc_records_partition(records), 1);
    kc_records_free(records);
    rig_seek(&r, "t", 0, kc_position_end());
    records = poll_records(30000);
    cr_assert_eq(kc_records_count(records), 0);
    cr_assert_eq(kc_records_partition(records), 0);
    kc_records_free(records);
    rig_expect_nothing(&r, 100);
    rig_stop(&r);
}

Test(reading, paused_partitions_keep_what_was_fetched)
{
    start_virtual(NULL, 2);
    for (int i = 0; i < 20; i++)
        rig_append(&r, "t", 0, &(rig_batch){ .count = 100 });
    assign_all(2, kc_position_beginning());
    kc_records *records = poll_records(30000);
    int64_t next = kc_records_next_offset(records);
    kc_records_free(records);
    kc_topic_partition zero = { kc_str("t"), 0 };
    cr_assert_eq(kc_consumer_pause(r.consumer, &zero, 1, NULL), KC_OK);
    rig_expect_nothing(&r, 200);
    rig_append(&r, "t", 1, NULL);
    rig_expect(&r, "t", 1, 0, 10); /* others go on */
    cr_assert_eq(rig_position(&r, "t", 0), next);

    kc_mock_broker_down(r.mock, 1, 0); /* so that it cannot come from there */
    cr_assert_eq(kc_consumer_resume(r.consumer, &zero, 1, NULL), KC_OK);
    rig_expect(&r, "t", 0, next, 2000 - next);
    kc_topic_partition unknown = { kc_str("t"), 5 };
    cr_assert_eq(kc_consumer_pause(r.consumer, &unknown, 1, NULL), KC_E_STATE);
    rig_stop(&r);
}

Test(reading, paused_data_gives_way_to_others)
{
    const char *properties[] = { "fetch.buffer.bytes=400000", "max.partition.fetch.bytes=100000",
                                 NULL };
    start_virtual(properties, 4);
    for (int p = 0; p < 4; p++) {
        for (int i = 0; i < 10; i++)
            rig_append(&r, "t", p, &(rig_batch){ .count = 20, .value_size = 1000 });
    }
    assign_all(3, kc_position_beginning());
    rig_sleep_ms(&r, 300);
    kc_topic_partition paused[3];
    for (int p = 0; p < 3; p++)
        paused[p] = (kc_topic_partition){ kc_str("t"), p };
    cr_assert_eq(kc_consumer_pause(r.consumer, paused, 3, NULL), KC_OK);
    kc_topic_partition_position more = { kc_str("t"), 3, kc_position_beginning() };
    cr_assert_eq(kc_consumer_assign_add(r.consumer, &more, 1, NULL), KC_OK);
    rig_expect(&r, "t", 3, 0, 200);
    size_t kept = 0; /* no more is given up than the others need */
    for (int p = 0; p < 3; p++)
        kept += kci_assignment_find(&r.consumer->assignment, kc_str("t"), p)->queue.bytes;
    cr_assert_gt(kept, 0);
    cr_assert_eq(kc_consumer_resume(r.consumer, paused + 1, 1, NULL), KC_OK);
    rig_expect(&r, "t", 1, 0, 200);
    rig_stop(&r);
}

Test(reading, many_partitions)
{
    start_virtual(NULL, 300);
    for (int p = 0; p < 300; p++) {
        rig_append(&r, "t", p, NULL);
        rig_append(&r, "t", p, NULL);
    }
    assign_all(300, kc_position_beginning());
    int64_t next[300] = { 0 }, count = 0;
    while (count < 6000) {
        kc_records *records = poll_records(30000);
        cr_assert_not_null(records);
        int32_t p = kc_records_partition(records);
        cr_assert_eq(kc_records_offset(records), next[p]);
        rig_check(records);
        next[p] = kc_records_next_offset(records);
        count += (int64_t)kc_records_count(records);
        kc_records_free(records);
    }
    /* sessions: what is new costs, not what is assigned */
    int64_t fetches = kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH);
    rig_append(&r, "t", 177, NULL);
    rig_expect(&r, "t", 177, 20, 10);
    cr_assert_leq(kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH) - fetches, 3);
    rig_stop(&r);
}

/* 60 partitions on three brokers, 100 kB of records in each. */
static void start_60(const char *limit)
{
    char property[100];
    snprintf(property, sizeof property, "fetch.buffer.bytes=%s", limit);
    const char *properties[] = { property, "max.partition.fetch.bytes=50000", NULL };
    kc_mock_options three = { .size = sizeof three, .brokers = 3 };
    rig_start_virtual(&r, &three, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 60, 1), KC_OK);
    for (int p = 0; p < 60; p++) {
        for (int i = 0; i < 10; i++)
            rig_append(&r, "t", p, &(rig_batch){ .count = 10, .value_size = 1000 });
    }
}

static void expect_60(int64_t total)
{
    int64_t next[60] = { 0 }, count = 0;
    while (count < total) {
        kc_records *records = poll_records(30000);
        cr_assert_not_null(records, "%lld came", (long long)count);
        int32_t p = kc_records_partition(records);
        cr_assert_eq(kc_records_offset(records), next[p]);
        rig_check(records);
        next[p] = kc_records_next_offset(records);
        count += (int64_t)kc_records_count(records);
        kc_records_free(records);
    }
}

/* As much as it does while nobody polls. */
static void let_it_fetch(void)
{
    rig_sleep_ms(&r, 2000);
    cr_assert_gt(kci_credit_held(r.consumer->credit), 0);
}

static void expect_peak(size_t most)
{
    size_t peak = kci_credit_peak(r.consumer->credit);
    cr_assert_gt(peak, 0);
    cr_assert_leq(peak, most, "%zu bytes were held", peak);
}

/* An application that does not poll: the consumer holds its limit at most. */
static void check_bound(const char *limit_text, size_t limit, size_t slack)
{
    start_60(limit_text);
    assign_all(60, kc_position_beginning());
    let_it_fetch();
    expect_peak(limit + slack);
    expect_60(6000);
    expect_peak(limit + slack);
    rig_stop(&r);
}

enum { VIEWS = 500 * sizeof(kc_record) + sizeof(kc_records) }; /* of one poll: on top */

Test(reading, memory_is_bounded)
{
    check_bound("1000000", 1000000, VIEWS);
}

/* Frames that another consumer's larger answers left are kept by the client, and are not taken for
 * smaller ones, for which less is reserved. */
Test(reading, memory_is_bounded_with_frames_that_were_larger)
{
    start_60("1000000");
    kc_consumer *small = r.consumer;
    kc_config *own = kc_config_new();
    kc_consumer_options options = KC_CONSUMER_OPTIONS_INIT;
    options.config = own;
    cr_assert_eq(kc_config_set(own, "fetch.buffer.bytes", "8000000", NULL), KC_OK);
    cr_assert_eq(kc_config_set(own, "max.partition.fetch.bytes", "30000", NULL), KC_OK);
    cr_assert_eq(kc_consumer_new(r.client, &options, &r.consumer, NULL), KC_OK);
    kc_config_free(own);
    assign_all(60, kc_position_beginning());
    expect_60(6000);
    kc_consumer_free(r.consumer);
    r.consumer = small;
    assign_all(60, kc_position_beginning());
    let_it_fetch();
    expect_peak(1000000);
    expect_60(6000);
    expect_peak(1000000 + VIEWS);
    rig_stop(&r);
}

Test(reading, memory_is_bounded_when_it_is_little)
{
    check_bound("100000", 100000, 60000);
}

Test(reading, memory_smaller_than_a_batch)
{
    check_bound("2048", 0, 120000);
}

Test(reading, decompressed_blocks_count)
{
    const char *properties[] = { "fetch.buffer.bytes=2000000", "max.poll.records=10", NULL };
    start(properties, 4);
    for (int p = 0; p < 4; p++) {
        for (int i = 0; i < 10; i++)
            rig_append(&r, "t", p,
                       &(rig_batch){ .count = 20, .value_size = 10000, .codec = KCI_CODEC_GZIP });
    }
    assign_all(4, kc_position_beginning());
    int64_t count = 0;
    while (count < 800) {
        kc_records *records = poll_records(30000);
        cr_assert_not_null(records);
        count += (int64_t)kc_records_count(records);
        cr_assert_geq(kci_credit_held(r.consumer->credit), 200000);
        kc_records_free(records);
    }
    cr_assert_leq(kci_credit_peak(r.consumer->credit), 2400000);
    rig_expect_nothing(&r, 50);
    rig_stop(&r);
}

Test(reading, all_credit_comes_back)
{
    start(NULL, 1);
    for (int i = 0; i < 10; i++)
        rig_append(&r, "t", 0, &(rig_batch){ .count = 100, .codec = KCI_CODEC_GZIP });
    rig_append(&r, "t", 0, &(rig_batch){ .count = 100 });
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 1100);
    cr_assert_eq(kci_credit_held(r.consumer->credit), 0);
    rig_stop(&r);
}

Test(reading, records_outlive_the_consumer)
{
    start(NULL, 1);
    rig_append(&r, "t", 0, &(rig_batch){ .codec = KCI_CODEC_GZIP });
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_records *records = poll_records(30000);
    cr_assert_not_null(records);
    rig_stop(&r);
    rig_check(records);
    cr_assert_eq(kc_records_topic(records).size, 1);
    kc_records_free(records);
}

static void *wake(void *arg)
{
    usleep(200000); /* the poll has probably begun; if not, it ends at once */
    kc_consumer_wakeup(arg);
    return NULL;
}

Test(reading, wakeup_from_another_thread)
{
    start(NULL, 1);
    rig_assign(&r, "t", 0, kc_position_beginning());
    pthread_t thread;
    pthread_create(&thread, NULL, wake, r.consumer);
    kc_records *records;
    kc_error why;
    cr_assert_eq(kc_consumer_poll(r.consumer, -1, &records, &why), KC_E_INTERRUPTED);
    cr_assert_null(records);
    pthread_join(thread, NULL);
    rig_expect_nothing(&r, 50); /* once */
    kc_consumer_wakeup(r.consumer);
    kc_consumer_wakeup(r.consumer);
    cr_assert_eq(kc_consumer_poll(r.consumer, 30000, &records, &why), KC_E_INTERRUPTED);
    rig_expect_nothing(&r, 50);
    rig_stop(&r);
}

static void wake_up(void *consumer)
{
    kc_consumer_wakeup(consumer);
}

Test(reading, a_wakeup_ends_a_poll_at_once)
{
    start_virtual(NULL, 1);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_records *records;
    int64_t begun = rig_now_ms(&r);
    virtual_after_ms(r.world, 200, wake_up, r.consumer);
    cr_assert_eq(kc_consumer_poll(r.consumer, -1, &records, NULL), KC_E_INTERRUPTED);
    cr_assert_eq(rig_now_ms(&r) - begun, 200);
    rig_expect_nothing(&r, 1000); /* once */
    cr_assert_eq(rig_now_ms(&r) - begun, 1200);
    rig_stop(&r);
}

static bool readable(int timeout_ms)
{
    struct pollfd p = { .fd = kc_consumer_fd(r.consumer), .events = POLLIN };
    return poll(&p, 1, timeout_ms) == 1;
}

Test(reading, the_fd_follows_what_there_is)
{
    start(NULL, 1);
    cr_assert_geq(kc_consumer_fd(r.consumer), 0);
    rig_assign(&r, "t", 0, kc_position_beginning());
    cr_assert_not(readable(100));
    rig_append(&r, "t", 0, NULL);
    cr_assert(readable(30000));
    rig_expect(&r, "t", 0, 0, 10);
    cr_assert_not(readable(100));
    kc_consumer_wakeup(r.consumer);
    cr_assert(readable(0));
    rig_stop(&r);
}

/* Until it is not another thread's turn. */
static void *poll_long(void *arg)
{
    kc_records *records;
    kc_err *err = arg;
    do
        *err = kc_consumer_poll(r.consumer, 60000, &records, NULL);
    while (*err == KC_E_STATE);
    return NULL;
}

Test(reading, two_threads_are_told)
{
    start(NULL, 1);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_err other;
    pthread_t thread;
    pthread_create(&thread, NULL, poll_long, &other);
    kc_records *records;
    kc_error why;
    int64_t until = rig_now_ms(&r) + 30000;
    while (kc_consumer_poll(r.consumer, 0, &records, &why) != KC_E_STATE) { /* it has not begun */
        cr_assert_lt(rig_now_ms(&r), until);
        usleep(1000);
    }
    cr_assert_eq(kc_consumer_close(r.consumer, 0, &why), KC_E_STATE);
    kc_consumer_wakeup(r.consumer);
    pthread_join(thread, NULL);
    cr_assert_eq(other, KC_E_INTERRUPTED);
    rig_stop(&r);
}

Test(reading, closing)
{
    start_virtual(NULL, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    int64_t begun = rig_now_ms(&r);
    kc_error why;
    cr_assert_eq(kc_consumer_close(r.consumer, 1000, &why), KC_OK, "%s", why.text);
    cr_assert_lt(rig_now_ms(&r) - begun, 10, "it waits for nothing");
    cr_assert_eq(kc_consumer_close(r.consumer, 1000, &why), KC_OK);
    kc_records *records;
    cr_assert_eq(kc_consumer_poll(r.consumer, 1000, &records, &why), KC_E_CLOSED);
    cr_assert_null(records);
    cr_assert_eq(kc_consumer_assign(r.consumer, NULL, 0, &why), KC_E_CLOSED);
    rig_stop(&r);
}

Test(reading, closing_the_client_ends_a_poll)
{
    start(NULL, 1);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_err err;
    pthread_t thread;
    pthread_create(&thread, NULL, poll_long, &err);
    usleep(100000); /* it has probably begun */
    cr_assert_eq(kc_client_close(r.client, 30000, NULL), KC_OK);
    pthread_join(thread, NULL);
    cr_assert_eq(err, KC_E_CLOSED);
    rig_stop(&r);
}

Test(reading, free_in_any_order)
{
    start(NULL, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_records *records = poll_records(30000);
    kc_client_free(r.client);
    kc_records_free(records);
    cr_assert_eq(kc_consumer_poll(r.consumer, 1000, &records, NULL), KC_E_CLOSED);
    kc_consumer_free(r.consumer);
    kc_mock_free(r.mock);
}

Test(reading, own_properties)
{
    start(NULL, 1);
    rig_append(&r, "t", 0, NULL);
    kc_config *own = kc_config_new();
    kc_consumer *other;
    kc_consumer_options options = KC_CONSUMER_OPTIONS_INIT;
    options.config = own;
    cr_assert_eq(kc_config_set(own, "max.poll.records", "3", NULL), KC_OK);
    cr_assert_eq(kc_consumer_new(r.client, &options, &other, NULL), KC_OK);
    kc_config_free(own);
    kc_topic_partition_position one = { kc_str("t"), 0, kc_position_beginning() };
    cr_assert_eq(kc_consumer_assign(other, &one, 1, NULL), KC_OK);
    kc_records *records;
    cr_assert_eq(kc_consumer_poll(other, 5000, &records, NULL), KC_OK);
    cr_assert_eq(kc_records_count(records), 3);
    kc_records_free(records);
    kc_consumer_free(other);
    rig_stop(&r);
}

Test(reading, two_consumers_of_one_client_share_the_connection)
{
    start_virtual(NULL, 2);
    kc_consumer *other;
    cr_assert_eq(kc_consumer_new(r.client, NULL, &other, NULL), KC_OK);
    kc_topic_partition_position one = { kc_str("t"), 1, kc_position_beginning() };
    cr_assert_eq(kc_consumer_assign(other, &one, 1, NULL), KC_OK);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect_nothing(&r, 200);
    for (int i = 0; i < 20; i++) { /* the idle one does not hold the other up */
        int64_t begun = rig_now_ms(&r);
        rig_append(&r, "t", 0, NULL);
        rig_expect(&r, "t", 0, i * 10, 10);
        cr_assert_lt(rig_now_ms(&r) - begun, 300);
    }
    kc_consumer_free(other);
    rig_stop(&r);
}

/* The busy one gets many small answers; each would be delayed if the idle one waited at the broker.
 * And when both are idle, they do not ask all the time. */
Test(reading, an_idle_consumer_does_not_slow_down_another)
{
    const char *properties[] = { "fetch.buffer.bytes=200000", "max.partition.fetch.bytes=50000",
                                 NULL };
    start_virtual(properties, 2);
    for (int i = 0; i < 400; i++)
        rig_append(&r, "t", 0, &(rig_batch){ .count = 10, .value_size = 1000 });
    kc_consumer *idle;
    cr_assert_eq(kc_consumer_new(r.client, NULL, &idle, NULL), KC_OK);
    kc_topic_partition_position one = { kc_str("t"), 1, kc_position_beginning() };
    cr_assert_eq(kc_consumer_assign(idle, &one, 1, NULL), KC_OK);
    rig_sleep_ms(&r, 100); /* its first wait has begun */
    int64_t begun = rig_now_ms(&r);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 4000);
    cr_assert_lt(rig_now_ms(&r) - begun, 2000, "took %d ms", (int)(rig_now_ms(&r) - begun));
    cr_assert_leq(kc_mock_connections(r.mock, 1), 3, "control, and one for each one's fetches");
    rig_sleep_ms(&r, 400);
    int64_t fetches = kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH);
    rig_sleep_ms(&r, 1000);
    fetches = kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH) - fetches;
    cr_assert_leq(fetches, 30, "%d fetches in a second", (int)fetches);
    kc_consumer_free(idle);
    rig_stop(&r);
}

Test(reading, a_client_without_a_thread)
{
    const char *properties[] = { "client.threads=0", NULL };
    start(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    rig_append(&r, "t", 0, NULL);
    kc_records *records = NULL;
    int64_t until = rig_now_ms(&r) + 30000;
    while (!records && rig_now_ms(&r) < until)
        records = poll_records(0);
    cr_assert_not_null(records);
    kc_records_free(records);
    rig_stop(&r);
}
