/* SPDX-License-Identifier: Apache-2.0 */
/* What is told when: ends of partitions, and what happens while nobody looks. On a virtual clock;
 * nothing that comes later repairs here what was forgotten. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "rig.h"

static rig r;

static void begin(const char *const *properties, int32_t partitions)
{
    rig_start_virtual(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", partitions, 0), KC_OK);
}

/* The next thing there is, within ms; NULL: nothing. Records are checked. */
static kc_records *next(int32_t ms)
{
    kc_records *records = NULL;
    kc_error why = { 0 };
    cr_assert_eq(kc_consumer_poll(r.consumer, ms, &records, &why), KC_OK, "%s", why.text);
    if (records)
        rig_check(records);
    return records;
}

/* So many records come next, beginning there, in as many polls as it takes. */
static void expect_records(int64_t from, int64_t count)
{
    while (count > 0) {
        kc_records *records = next(10000);
        cr_assert_not_null(records);
        cr_assert_eq(kc_records_offset(records), from, "%lld",
                     (long long)kc_records_offset(records));
        cr_assert_gt(kc_records_count(records), 0, "an end at %lld before the records",
                     (long long)from);
        from = kc_records_next_offset(records);
        count -= (int64_t)kc_records_count(records);
        kc_records_free(records);
    }
    cr_assert_eq(count, 0);
}

/* The end of the partition is told, there. */
static void expect_end(int64_t offset)
{
    kc_records *records = next(10000);
    cr_assert_not_null(records);
    cr_assert_eq(kc_records_count(records), 0);
    cr_assert(kc_records_at_end(records));
    cr_assert_eq(kc_records_offset(records), offset, "%lld", (long long)kc_records_offset(records));
    kc_records_free(records);
}

/* An end that nobody has looked at is none any more when there are records behind it. */
Test(settling, an_end_that_is_over)
{
    const char *const properties[] = { "enable.partition.eof=true",
                                       "max.partition.fetch.bytes=1", /* a batch a fetch */
                                       NULL };
    begin(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_records(0, 10);
    kc_mock_fault slow;
    kc_mock_fault_init(&slow, sizeof slow);
    slow.action = KC_MOCK_FAULT_DELAY;
    slow.api = KC_MOCK_API_FETCH;
    slow.ms = 100;
    slow.count = -1;
    cr_assert_gt(kc_mock_add_fault(r.mock, &slow), 0);
    for (int round = 0; round < 3; round++) {
        rig_sleep_ms(&r, 2000); /* the end is known */
        for (int i = 0; i < 3; i++)
            rig_append(&r, "t", 0, NULL);
        rig_sleep_ms(&r, 150); /* and is over: the first of them is here */
        expect_records(10 + 30 * round, 30);
    }
    expect_end(100);
    cr_assert_null(next(3000), "it is told once");
    rig_append(&r, "t", 0, NULL);
    expect_records(100, 10);
    expect_end(110);
    rig_stop(&r);
}

/* In read_committed the end is the last stable offset: an open transaction is behind it. */
Test(settling, the_end_of_what_is_committed)
{
    const char *const properties[] = { "enable.partition.eof=true",
                                       "isolation.level=read_committed", NULL };
    begin(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, &(rig_batch){ .transactional = true, .producer_id = 7 });
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_records(0, 10);
    expect_end(10);
    cr_assert_null(next(3000));
    cr_assert_geq(kc_mock_txn_marker(r.mock, "t", 0, 7, 0, true), 0);
    expect_records(10, 10);
    expect_end(21); /* behind the marker */
    rig_stop(&r);
}

/* A search by time in read_committed does not find what may yet be aborted. */
Test(settling, times_of_what_is_committed)
{
    const char *const properties[] = { "isolation.level=read_committed", NULL };
    begin(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0,
               &(rig_batch){ .transactional = true, .producer_id = 7, .timestamp = 50000 });
    kc_offset_for_time at = { .topic = kc_str("t"), .partition = 0, .timestamp = 40000 };
    cr_assert_eq(kc_consumer_offsets_for_times(r.consumer, &at, 1, 30000, NULL), KC_OK);
    cr_assert_eq(at.offset, -1);
    cr_assert_geq(kc_mock_txn_marker(r.mock, "t", 0, 7, 0, true), 0);
    at.timestamp = 40000;
    cr_assert_eq(kc_consumer_offsets_for_times(r.consumer, &at, 1, 30000, NULL), KC_OK);
    cr_assert_eq(at.offset, 10);
    rig_stop(&r);
}

/* Ends are of partitions: one that goes on does not hide another's. */
Test(settling, ends_of_one_and_the_other)
{
    const char *const properties[] = { "enable.partition.eof=true", NULL };
    begin(properties, 3);
    int ends[3] = { 0 };
    int64_t got[3] = { 0 };
    for (int32_t p = 0; p < 3; p++)
        for (int32_t n = 0; n < p; n++)
            rig_append(&r, "t", p, NULL);
    kc_topic_partition_position all[3];
    for (int32_t p = 0; p < 3; p++) {
        all[p] = (kc_topic_partition_position){ 0 };
        all[p].topic = kc_str("t");
        all[p].partition = p;
        all[p].position = kc_position_beginning();
    }
    cr_assert_eq(kc_consumer_assign(r.consumer, all, 3, NULL), KC_OK);
    for (kc_records *records; (records = next(3000));) {
        int32_t p = kc_records_partition(records);
        got[p] += (int64_t)kc_records_count(records);
        if (kc_records_count(records) == 0) {
            ends[p]++;
            cr_assert_eq(kc_records_offset(records), 10 * p);
        }
        kc_records_free(records);
    }
    for (int32_t p = 0; p < 3; p++) {
        cr_assert_eq(got[p], 10 * p);
        cr_assert_eq(ends[p], 1, "%d ends of %d", ends[p], p);
    }
    rig_stop(&r);
}

/* A seek forgets the end that was known, and tells the one it finds. */
Test(settling, a_seek_forgets_the_end)
{
    const char *const properties[] = { "enable.partition.eof=true", NULL };
    begin(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_records(0, 10);
    rig_sleep_ms(&r, 2000); /* an end is waiting to be told */
    rig_seek(&r, "t", 0, kc_position_offset(5));
    expect_records(5, 5);
    expect_end(10);
    rig_seek(&r, "t", 0, kc_position_end());
    expect_end(10);
    cr_assert_null(next(3000));
    rig_stop(&r);
}

/* One poll of a part of a batch after the other: nothing is left out, nothing comes twice, however
 * the parts lie in it. */
Test(settling, parts_of_batches)
{
    for (int most = 1; most <= 23; most += most < 4 ? 1 : 6) {
        char text[40];
        const char *const properties[] = { text, NULL };
        snprintf(text, sizeof text, "max.poll.records=%d", most);
        begin(properties, 1);
        rig_append(&r, "t", 0, NULL);
        rig_append(&r, "t", 0, &(rig_batch){ .codec = KCI_CODEC_GZIP });
        rig_append(&r, "t", 0, &(rig_batch){ .count = 1 });
        rig_append(&r, "t", 0, NULL);
        rig_assign(&r, "t", 0, kc_position_offset(3));
        int64_t at = 3;
        while (at < 31) {
            kc_records *records = next(10000);
            cr_assert_not_null(records);
            cr_assert_leq((int)kc_records_count(records), most);
            cr_assert_eq(kc_records_data(records)[0].offset, at);
            at += (int64_t)kc_records_count(records);
            cr_assert_eq(kc_records_next_offset(records), at);
            cr_assert_eq(kc_records_at_end(records), at == 31);
            kc_records_free(records);
        }
        cr_assert_null(next(1000));
        cr_assert_eq(rig_position(&r, "t", 0), 31);
        rig_stop(&r);
    }
}

/* Buffers that are used again have nothing of their former content. */
Test(settling, records_begin_empty)
{
    const char *const properties[] = { "enable.partition.eof=true", "max.poll.records=10", NULL };
    begin(properties, 1);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_records(0, 10);
    expect_end(10); /* its object is kept for the next */
    for (int i = 0; i < 3; i++)
        rig_append(&r, "t", 0, NULL);
    for (int i = 1; i <= 2; i++) {
        kc_records *records = next(10000);
        cr_assert_not_null(records);
        cr_assert_eq(kc_records_offset(records), 10 * i);
        cr_assert_not(kc_records_at_end(records), "there are more");
        cr_assert_eq(kc_records_error(records, NULL), KC_OK);
        kc_records_free(records);
    }
    rig_stop(&r);
}

/* Two consumers of one client on the same topic; one leaves. */
Test(settling, the_other_one_goes_on)
{
    const char *const properties[] = { "metadata.max.age.ms=5000", "metadata.max.idle.ms=10000",
                                       NULL };
    begin(properties, 1);
    kc_consumer *other = NULL;
    kc_topic_partition_position at = { 0 };
    at.topic = kc_str("t");
    at.position = kc_position_beginning();
    cr_assert_eq(kc_consumer_new(r.client, NULL, &other, NULL), KC_OK);
    cr_assert_eq(kc_consumer_assign(other, &at, 1, NULL), KC_OK);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_append(&r, "t", 0, NULL);
    expect_records(0, 10);
    kc_consumer_free(other);
    rig_sleep_ms(&r, 60000); /* whoever is forgotten is so by now */
    int64_t before = kc_mock_requests(r.mock, -1, KC_MOCK_API_METADATA);
    rig_sleep_ms(&r, 60000);
    cr_expect_geq(kc_mock_requests(r.mock, -1, KC_MOCK_API_METADATA), before + 10,
                  "metadata age while somebody reads");
    rig_append(&r, "t", 0, NULL);
    expect_records(10, 10);
    rig_stop(&r);
}
