/* SPDX-License-Identifier: Apache-2.0 */
/* Where reading begins: every kind of position, seeks, resets, and questions about offsets. */
#include <time.h>

#include <criterion/criterion.h>

#include "rig.h"

static rig r;

static void start(const char *property)
{
    const char *properties[] = { property, NULL };
    rig_start(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 3, 1), KC_OK);
}

/* For what is about time, or would take much of it. */
static void start_virtual(const char *property)
{
    const char *properties[] = { property, NULL };
    rig_start_virtual(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 3, 1), KC_OK);
}

static void fill(int32_t partition, int batches)
{
    for (int i = 0; i < batches; i++)
        rig_append(&r, "t", partition, NULL);
}

Test(positions, from_the_beginning)
{
    start(NULL);
    fill(0, 5);
    rig_assign(&r, "t", 0, kc_position_beginning());
    cr_assert_eq(rig_expect(&r, "t", 0, 0, 50), 50);
    cr_assert_eq(rig_position(&r, "t", 0), 50);
    cr_assert(kc_consumer_at_end(r.consumer, kc_str("t"), 0));
    rig_expect_nothing(&r, 50);
    fill(0, 1);
    rig_expect(&r, "t", 0, 50, 10);
    rig_stop(&r);
}

Test(positions, from_the_end_sees_only_what_comes_later)
{
    start(NULL);
    fill(0, 2);
    rig_assign(&r, "t", 0, kc_position_end());
    cr_assert_eq(rig_position(&r, "t", 0), 20);
    fill(0, 1);
    rig_expect(&r, "t", 0, 20, 10);
    rig_stop(&r);
}

Test(positions, at_an_offset_inside_a_batch)
{
    start(NULL);
    fill(0, 3);
    rig_assign(&r, "t", 0, kc_position_offset(17));
    rig_expect(&r, "t", 0, 17, 13);
    rig_stop(&r);
}

Test(positions, by_timestamp)
{
    start(NULL);
    fill(0, 3);
    rig_assign(&r, "t", 0, kc_position_timestamp(14500));
    rig_expect(&r, "t", 0, 15, 15);
    rig_seek(&r, "t", 0, kc_position_timestamp(99999999));
    cr_assert_eq(rig_position(&r, "t", 0), 30);
    rig_stop(&r);
}

Test(positions, the_last_n)
{
    start(NULL);
    fill(0, 3);
    rig_assign(&r, "t", 0, kc_position_tail(7));
    rig_expect(&r, "t", 0, 23, 7);
    rig_seek(&r, "t", 0, kc_position_tail(1000));
    rig_expect(&r, "t", 0, 0, 30);
    cr_assert_eq(kc_mock_delete_records(r.mock, "t", 0, 20), KC_OK);
    rig_seek(&r, "t", 0, kc_position_tail(1000));
    rig_expect(&r, "t", 0, 20, 10);
    rig_seek(&r, "t", 0, kc_position_tail(0));
    cr_assert_eq(rig_position(&r, "t", 0), 30);
    rig_stop(&r);
}

Test(positions, stored_follows_the_reset_policy)
{
    start("auto.offset.reset=earliest");
    fill(0, 1);
    rig_assign(&r, "t", 0, (kc_position){ 0 });
    rig_expect(&r, "t", 0, 0, 10);
    rig_stop(&r);

    start("auto.offset.reset=latest");
    fill(0, 1);
    rig_assign(&r, "t", 0, (kc_position){ 0 });
    cr_assert_eq(rig_position(&r, "t", 0), 10);
    rig_stop(&r);
}

Test(positions, without_a_policy_there_is_no_offset)
{
    start("auto.offset.reset=none");
    fill(0, 1);
    rig_assign(&r, "t", 0, (kc_position){ 0 });
    kc_records *records;
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_NO_OFFSET);
    cr_assert_not_null(records);
    cr_assert_eq(kc_records_count(records), 0);
    kc_records_free(records);
    rig_expect_nothing(&r, 100); /* once */
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    cr_assert_eq(kc_consumer_position(r.consumer, kc_str("t"), 0, 1000, &at, NULL), KC_E_NO_OFFSET);
    rig_seek(&r, "t", 0, kc_position_offset(3));
    rig_expect(&r, "t", 0, 3, 7);
    rig_stop(&r);
}

Test(positions, by_duration)
{
    start("auto.offset.reset=by_duration:PT1H");
    int64_t now = (int64_t)time(NULL) * 1000;
    rig_append(&r, "t", 0, &(rig_batch){ .timestamp = now - 2 * 3600 * 1000 });
    rig_append(&r, "t", 0, &(rig_batch){ .timestamp = now - 600 * 1000 });
    rig_assign(&r, "t", 0, (kc_position){ 0 });
    rig_expect(&r, "t", 0, 10, 10);
    rig_stop(&r);
}

Test(positions, out_of_range_is_reset)
{
    start("auto.offset.reset=earliest");
    fill(0, 2);
    rig_assign(&r, "t", 0, kc_position_offset(1000));
    rig_expect(&r, "t", 0, 0, 20);
    cr_assert_eq(kc_mock_delete_records(r.mock, "t", 0, 10), KC_OK);
    rig_seek(&r, "t", 0, kc_position_offset(5));
    rig_expect(&r, "t", 0, 10, 10);
    rig_stop(&r);
}

Test(positions, out_of_range_without_policy)
{
    start("auto.offset.reset=none");
    fill(0, 2);
    rig_assign(&r, "t", 0, kc_position_offset(1000));
    kc_records *records;
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_NO_OFFSET);
    cr_assert_eq(kc_records_offset(records), 1000);
    kc_records_free(records);
    rig_stop(&r);
}

Test(positions, a_seek_drops_what_is_buffered)
{
    start_virtual(NULL);
    for (int i = 0; i < 20; i++)
        fill(0, 5);
    rig_assign(&r, "t", 0, kc_position_beginning());
    for (int i = 0; i < 50; i++) {
        int64_t to = (i * 37) % 900;
        rig_seek(&r, "t", 0, kc_position_offset(to));
        kc_records *records = NULL;
        while (!records)
            cr_assert_eq(kc_consumer_poll(r.consumer, 1000, &records, NULL), KC_OK);
        cr_assert_eq(kc_records_offset(records), to);
        rig_check(records);
        kc_records_free(records);
    }
    rig_stop(&r);
}

Test(positions, offsets_for_times)
{
    start(NULL);
    fill(0, 3);
    fill(1, 1);
    kc_offset_for_time list[] = {
        { .topic = kc_str("t"), .partition = 0, .timestamp = 14500 },
        { .topic = kc_str("t"), .partition = 1, .timestamp = 0 },
        { .topic = kc_str("t"), .partition = 2, .timestamp = 5 },
        { .topic = kc_str("t"), .partition = 0, .timestamp = 99999999 },
    };
    kc_error why;
    cr_assert_eq(kc_consumer_offsets_for_times(r.consumer, list, 4, 30000, &why), KC_OK, "%s",
                 why.text);
    cr_assert_eq(list[0].offset, 15);
    cr_assert_eq(list[0].timestamp, 15000);
    cr_assert_eq(list[1].offset, 0);
    cr_assert_eq(list[2].offset, -1);
    cr_assert_eq(list[3].offset, -1);
    kc_offset_for_time bad = { .topic = kc_str("t"), .partition = 77, .timestamp = 5 };
    cr_assert_eq(kc_consumer_offsets_for_times(r.consumer, &bad, 1, 30000, &why),
                 KC_E_UNKNOWN_PARTITION);
    cr_assert_eq(bad.err, KC_E_UNKNOWN_PARTITION);
    rig_stop(&r);
}

Test(positions, offsets)
{
    start(NULL);
    fill(0, 3);
    kc_mock_delete_records(r.mock, "t", 0, 10);
    kc_partition_offsets o = KC_PARTITION_OFFSETS_INIT;
    kc_error why;
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("t"), 0, 30000, &o, &why), KC_OK, "%s",
                 why.text);
    cr_assert_eq(o.beginning, 10);
    cr_assert_eq(o.end, 30);
    cr_assert_eq(o.last_stable, 30);
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("t"), 0, 0, &o, &why), KC_OK);
    cr_assert_eq(o.end, -1); /* not assigned: nothing is known without asking */
    int64_t lag;
    cr_assert_eq(kc_consumer_lag(r.consumer, kc_str("t"), 0, &lag), KC_E_STATE);
    rig_assign(&r, "t", 0, kc_position_offset(12));
    rig_expect(&r, "t", 0, 12, 18);
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("t"), 0, 0, &o, &why), KC_OK);
    cr_assert_eq(o.end, 30);
    cr_assert_eq(o.beginning, 10);
    cr_assert_eq(kc_consumer_lag(r.consumer, kc_str("t"), 0, &lag), KC_OK);
    cr_assert_eq(lag, 0);
    rig_stop(&r);
}

Test(positions, questions_end_at_their_deadline)
{
    kc_mock_options nobody = { .size = sizeof nobody, .brokers = 1 };
    rig_start_virtual(&r, &nobody, NULL);
    kc_mock_broker_down(r.mock, 1, 0);
    kc_partition_offsets o = KC_PARTITION_OFFSETS_INIT;
    kc_error why;
    int64_t begun = rig_now_ms(&r);
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("t"), 0, 300, &o, &why), KC_E_TIMED_OUT);
    cr_assert_eq(rig_now_ms(&r) - begun, 300);
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    rig_assign(&r, "t", 0, kc_position_end());
    cr_assert_eq(kc_consumer_position(r.consumer, kc_str("t"), 0, 200, &at, &why), KC_E_TIMED_OUT);
    cr_assert_eq(rig_now_ms(&r) - begun, 500);
    rig_stop(&r);
}

/* Within the time in which a topic may still come to be: the deadline is sooner. */
Test(positions, brokers_that_answered_are_not_called_silent)
{
    const char *properties[] = { "allow.auto.create.topics=false", NULL };
    rig_start_virtual(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 1, 1), KC_OK);
    kc_partition_offsets o = { .size = sizeof o };
    kc_error why;
    int64_t begun = rig_now_ms(&r);
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("t"), 7, 300, &o, &why),
                 KC_E_UNKNOWN_PARTITION);
    cr_assert_eq(rig_now_ms(&r) - begun, 300);
    cr_assert_eq(kc_consumer_offsets(r.consumer, kc_str("other"), 0, 300, &o, &why),
                 KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    kc_offset_for_time times[2] = { { .topic = kc_str("t"), .partition = 0, .timestamp = 5 },
                                    { .topic = kc_str("t"), .partition = 7, .timestamp = 5 } };
    cr_assert_eq(kc_consumer_offsets_for_times(r.consumer, times, 2, 300, &why),
                 KC_E_UNKNOWN_PARTITION);
    cr_assert_eq(times[0].err, KC_OK);
    cr_assert_eq(times[1].err, KC_E_UNKNOWN_PARTITION);
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    rig_assign(&r, "t", 7, kc_position_end());
    cr_assert_eq(kc_consumer_position(r.consumer, kc_str("t"), 7, 300, &at, &why),
                 KC_E_UNKNOWN_PARTITION);
    rig_assign(&r, "other", 0, kc_position_end());
    cr_assert_eq(kc_consumer_position(r.consumer, kc_str("other"), 0, 300, &at, &why),
                 KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    rig_stop(&r);
}

Test(positions, bad_arguments)
{
    start(NULL);
    kc_error why;
    kc_topic_partition_position list[] = {
        { kc_str("t"), 0, kc_position_beginning() },
        { kc_str("t"), 0, kc_position_beginning() },
    };
    cr_assert_eq(kc_consumer_assign(r.consumer, list, 2, &why), KC_E_INVALID_ARGUMENT);
    list[1].partition = -1;
    cr_assert_eq(kc_consumer_assign(r.consumer, list, 2, &why), KC_E_INVALID_ARGUMENT);
    list[1] = (kc_topic_partition_position){ kc_str("a b"), 0, kc_position_end() };
    cr_assert_eq(kc_consumer_assign(r.consumer, list, 2, &why), KC_E_INVALID_ARGUMENT);
    list[1] = (kc_topic_partition_position){ kc_str("t"), 1, { 99, 0, 0 } };
    cr_assert_eq(kc_consumer_assign(r.consumer, list, 2, &why), KC_E_INVALID_ARGUMENT);
    kc_partitions *now = NULL;
    kc_topic_partition one;
    cr_assert_eq(kc_consumer_assignment(r.consumer, &now, &why), KC_OK);
    cr_assert_eq(kc_partitions_count(now), 0);
    cr_assert_not(kc_partitions_at(now, 0, &one));
    kc_partitions_free(now);
    cr_assert_eq(kc_consumer_assign(r.consumer, list, 1, &why), KC_OK);
    cr_assert_eq(kc_consumer_assign_add(r.consumer, list, 1, &why), KC_E_INVALID_ARGUMENT);
    list[0].partition = 2;
    cr_assert_eq(kc_consumer_assign_add(r.consumer, list, 1, &why), KC_OK);
    cr_assert_eq(kc_consumer_assignment(r.consumer, &now, &why), KC_OK);
    cr_assert_eq(kc_consumer_seek(r.consumer, kc_str("t"), 1, kc_position_end(), &why), KC_E_STATE);
    cr_assert_eq(kc_consumer_seek(r.consumer, kc_str("t"), 0, kc_position_offset(-1), &why),
                 KC_E_INVALID_ARGUMENT);
    rig_stop(&r);
    /* The list outlives the assignment and the consumer. */
    cr_assert_eq(kc_partitions_count(now), 2);
    cr_assert_eq(kc_partitions_data(now)[0].partition, 0);
    cr_assert(kc_partitions_at(now, 1, &one));
    cr_assert_eq(one.partition, 2);
    cr_assert_eq(one.topic.size, 1);
    cr_assert_eq(one.topic.data[0], 't');
    kc_partitions_free(now);
}
