/* SPDX-License-Identifier: Apache-2.0 */
/* What poll returns when something fails: brokers, leaders, logs, damaged batches, permissions. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "rig.h"

enum { QUIET_MS = 40 /* more than fetch.max.wait.ms of mutated_answers */ };

static rig r;

static kc_mock_options cluster_of(int32_t brokers)
{
    return (
        kc_mock_options){ .size = sizeof(kc_mock_options), .brokers = brokers, .racks = "a,b,c" };
}

static void start_on(int32_t brokers, const char *const *properties)
{
    kc_mock_options options = cluster_of(brokers);
    rig_start(&r, &options, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 2, brokers), KC_OK);
}

/* For what is about time. */
static void start_virtual_on(int32_t brokers, const char *const *properties)
{
    kc_mock_options options = cluster_of(brokers);
    rig_start_virtual(&r, &options, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 2, brokers), KC_OK);
}

static int64_t fault(int32_t action, int32_t api, int32_t code, int64_t count)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = action;
    f.api = api;
    f.code = code;
    f.count = count;
    int64_t id = kc_mock_add_fault(r.mock, &f);
    cr_assert_gt(id, 0);
    return id;
}

Test(failures, leader_moves)
{
    start_on(3, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = 0;
    for (int i = 0; i < 9; i++) {
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
        uint32_t flags = i % 2 ? KC_MOCK_NO_HINTS : 0;
        cr_assert_eq(kc_mock_move_leader(r.mock, "t", 0, i % 3 + 1, i % 3 == 2 ? 300 : 0, flags),
                     KC_OK);
    }
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, next, 10);
    rig_stop(&r);
}

Test(failures, a_hint_is_used_at_once)
{
    const char *properties[] = { "retry.backoff.ms=3000", "retry.backoff.max.ms=3000",
                                 "fetch.max.wait.ms=100", NULL };
    start_virtual_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    int32_t leader;
    kc_mock_leader(r.mock, "t", 0, &leader, NULL);
    int64_t begun = rig_now_ms(&r);
    kc_mock_move_leader(r.mock, "t", 0, leader % 3 + 1, 5000, 0);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 10, 10);
    cr_assert_lt(rig_now_ms(&r) - begun, 200, "%lld ms", (long long)(rig_now_ms(&r) - begun));
    rig_stop(&r);
}

Test(failures, broker_down_and_up)
{
    start_on(3, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = rig_expect(&r, "t", 0, 0, 10);
    for (int i = 0; i < 4; i++) {
        int32_t leader;
        kc_mock_leader(r.mock, "t", 0, &leader, NULL);
        kc_mock_broker_down(r.mock, leader, 0);
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
        kc_mock_broker_up(r.mock, leader);
    }
    rig_stop(&r);
}

Test(failures, all_brokers_down_and_up)
{
    start_on(1, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    kc_mock_broker_down(r.mock, 1, KC_MOCK_NO_ELECTION);
    rig_expect_nothing(&r, 300);
    kc_mock_broker_up(r.mock, 1);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 10, 10);
    rig_stop(&r);
}

Test(failures, connections_break)
{
    start_on(1, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = 0;
    for (int i = 0; i < 10; i++) {
        kc_mock_disconnect(r.mock, -1);
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
    }
    rig_stop(&r);
}

/* Errors that go away: nothing is lost, nothing comes twice, no storm. */
Test(failures, errors_that_pass)
{
    static const int32_t codes[] = {
        KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_FENCED_LEADER_EPOCH,        KC_E_UNKNOWN_LEADER_EPOCH,
        KC_E_LEADER_NOT_AVAILABLE,   KC_E_REPLICA_NOT_AVAILABLE,      KC_E_KAFKA_STORAGE_ERROR,
        KC_E_OFFSET_NOT_AVAILABLE,   KC_E_UNKNOWN_TOPIC_ID,           KC_E_INCONSISTENT_TOPIC_ID,
        KC_E_UNKNOWN_SERVER_ERROR,   KC_E_UNKNOWN_TOPIC_OR_PARTITION,
    };
    start_virtual_on(1, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        int64_t requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY);
        fault(KC_MOCK_FAULT_ERROR, KC_MOCK_API_FETCH, codes[i], 2);
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
        cr_assert_lt(kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY) - requests, 20, "code %d",
                     codes[i]);
    }
    rig_stop(&r);
}

Test(failures, errors_of_the_whole_answer)
{
    static const int32_t codes[] = { KC_E_FETCH_SESSION_ID_NOT_FOUND,
                                     KC_E_INVALID_FETCH_SESSION_EPOCH,
                                     KC_E_FETCH_SESSION_TOPIC_ID_ERROR, KC_E_UNKNOWN_SERVER_ERROR };
    start_virtual_on(1, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = 0;
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        kc_mock_fault f;
        kc_mock_fault_init(&f, sizeof f);
        f.action = KC_MOCK_FAULT_ERROR;
        f.api = KC_MOCK_API_FETCH;
        f.code = codes[i];
        f.flags = KC_MOCK_FAULT_TOP;
        f.count = 3;
        int64_t requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY);
        cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
        cr_assert_lt(kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY) - requests, 20);
    }
    rig_stop(&r);
}

Test(failures, errors_that_last_make_no_storm)
{
    start_virtual_on(1, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    static const int32_t codes[] = { KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_UNKNOWN_SERVER_ERROR,
                                     KC_E_TOPIC_AUTHORIZATION_FAILED };
    for (size_t i = 0; i < 3; i++) {
        int64_t id = fault(KC_MOCK_FAULT_ERROR, KC_MOCK_API_FETCH, codes[i], -1);
        rig_append(&r, "t", 0, NULL);
        int64_t requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY);
        rig_sleep_ms(&r, 2000);
        requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_ANY) - requests;
        cr_assert_leq(requests, 40, "%lld requests, code %d", (long long)requests, codes[i]);
        kc_mock_remove_fault(r.mock, id);
        int64_t before = 0; /* a fetch that waited when the fault came brought them */
        if (codes[i] == KC_E_TOPIC_AUTHORIZATION_FAILED) {
            kc_records *records;
            cr_assert_eq(rig_expect_error(&r, &records, &before), codes[i]);
            cr_assert_not_null(records);
            kc_records_free(records);
        }
        rig_expect(&r, "t", 0, 10 + (int64_t)i * 10 + before, 10 - before);
    }
    rig_stop(&r);
}

Test(failures, unknown_topic_is_reported_and_comes_to_life)
{
    kc_mock_options options = { .size = sizeof options, .brokers = 1, .no_auto_create = true };
    rig_start_virtual(&r, &options, NULL);
    rig_assign(&r, "later", 0, kc_position_beginning());
    kc_records *records;
    int64_t begun = rig_now_ms(&r);
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_lt(rig_now_ms(&r) - begun, 4000);
    cr_assert_eq(kc_records_topic(records).size, 5);
    kc_records_free(records);
    cr_assert_eq(kc_mock_create_topic(r.mock, "later", 1, 1), KC_OK);
    rig_append(&r, "later", 0, NULL);
    rig_expect(&r, "later", 0, 0, 10);
    rig_assign(&r, "later", 3, kc_position_beginning());
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_UNKNOWN_PARTITION);
    kc_records_free(records);
    cr_assert_eq(kc_mock_add_partitions(r.mock, "later", 4), KC_OK);
    rig_append(&r, "later", 3, NULL);
    rig_expect(&r, "later", 3, 0, 10);
    rig_stop(&r);
}

Test(failures, topic_created_again)
{
    const char *properties[] = { "auto.offset.reset=earliest", "metadata.max.age.ms=200", NULL };
    start_virtual_on(1, properties);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 20);
    cr_assert_eq(kc_mock_delete_topic(r.mock, "t"), KC_OK);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 1, 1), KC_OK);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 0, 10);
    rig_stop(&r);
}

Test(failures, topic_created_again_without_policy)
{
    const char *properties[] = { "auto.offset.reset=none", "metadata.max.age.ms=200", NULL };
    start_virtual_on(1, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    kc_mock_delete_topic(r.mock, "t");
    kc_mock_create_topic(r.mock, "t", 1, 1);
    rig_append(&r, "t", 0, NULL);
    kc_records *records;
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_NO_OFFSET);
    kc_records_free(records);
    rig_seek(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    rig_stop(&r);
}

Test(failures, truncation_with_policy_goes_back)
{
    const char *properties[] = { "auto.offset.reset=latest", NULL };
    start_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 30);
    cr_assert_eq(kc_mock_truncate(r.mock, "t", 0, 20, 2), KC_OK);
    rig_append(&r, "t", 0, &(rig_batch){ .count = 30 }); /* 20-49: beyond the position again */
    rig_expect(&r, "t", 0, 20, 30);
    rig_stop(&r);
}

Test(failures, truncation_without_policy_is_an_error)
{
    const char *properties[] = { "auto.offset.reset=none", NULL };
    start_on(3, properties);
    for (int i = 0; i < 3; i++)
        rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 30);
    cr_assert_eq(kc_mock_truncate(r.mock, "t", 0, 10, 2), KC_OK);
    rig_append(&r, "t", 0, &(rig_batch){ .count = 40 });
    kc_records *records;
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_LOG_TRUNCATED);
    cr_assert_eq(kc_records_offset(records), 30);
    cr_assert_eq(kc_records_next_offset(records), 10);
    rig_seek(&r, "t", 0, kc_position_offset(kc_records_next_offset(records)));
    kc_records_free(records);
    rig_expect(&r, "t", 0, 10, 40);
    rig_stop(&r);
}

Test(failures, a_stored_position_with_its_epoch)
{
    const char *properties[] = { "auto.offset.reset=none", NULL };
    start_on(3, properties);
    for (int i = 0; i < 3; i++)
        rig_append(&r, "t", 0, NULL);
    int32_t epoch;
    kc_mock_leader(r.mock, "t", 0, NULL, &epoch);
    kc_position stored = { KC_POSITION_OFFSET_EPOCH, epoch, 30 };
    rig_assign(&r, "t", 0, stored);
    rig_expect_nothing(&r, 100);
    rig_assign(&r, "t", 1, kc_position_beginning());
    cr_assert_eq(kc_mock_truncate(r.mock, "t", 0, 15, 2), KC_OK);
    rig_append(&r, "t", 0, &(rig_batch){ .count = 40 });
    rig_assign(&r, "t", 0, stored);
    kc_records *records;
    cr_assert_eq(rig_expect_error(&r, &records, NULL), KC_E_LOG_TRUNCATED);
    kc_records_free(records);
    rig_stop(&r);
}

Test(failures, closest_replica)
{
    const char *properties[] = { "client.rack=c", NULL };
    start_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = rig_expect(&r, "t", 0, 0, 10);
    int64_t before = kc_mock_requests(r.mock, 3, KC_MOCK_API_FETCH);
    for (int i = 0; i < 5; i++) {
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
    }
    cr_assert_gt(kc_mock_requests(r.mock, 3, KC_MOCK_API_FETCH), before);
    /* the way back: it dies */
    kc_mock_broker_down(r.mock, 3, 0);
    for (int i = 0; i < 3; i++) {
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
    }
    kc_mock_broker_up(r.mock, 3);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, next, 10);
    rig_stop(&r);
}

Test(failures, a_closest_replica_that_takes_longer_than_metadata_live)
{
    const char *properties[] = { "client.rack=c", "metadata.max.age.ms=100",
                                 "fetch.min.bytes=100000", "fetch.max.wait.ms=400", NULL };
    start_virtual_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    int64_t next = rig_expect(&r, "t", 0, 0, 10);
    for (int i = 0; i < 3; i++) {
        rig_append(&r, "t", 0, NULL);
        next = rig_expect(&r, "t", 0, next, 10);
    }
    rig_stop(&r);
}

/* A replica that has nothing may lag: the leader is asked whether it still is the one. */
Test(failures, a_closest_replica_that_has_nothing)
{
    const char *properties[] = { "client.rack=c", "metadata.max.age.ms=200",
                                 "retry.backoff.max.ms=100", "fetch.max.wait.ms=100", NULL };
    start_virtual_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    rig_expect_nothing(&r, 500);
    int64_t at_leader = kc_mock_requests(r.mock, 1, KC_MOCK_API_FETCH);
    for (int i = 0; i < 50 && kc_mock_requests(r.mock, 1, KC_MOCK_API_FETCH) == at_leader; i++)
        rig_expect_nothing(&r, 100);
    cr_expect_gt(kc_mock_requests(r.mock, 1, KC_MOCK_API_FETCH), at_leader);
    rig_stop(&r);
}

/* A follower that lags says "out of range": the leader decides. */
Test(failures, out_of_range_at_a_follower_is_no_reset)
{
    const char *properties[] = { "client.rack=c", "auto.offset.reset=none", NULL };
    start_on(3, properties);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_ERROR;
    f.api = KC_MOCK_API_FETCH;
    f.broker = 3;
    f.code = KC_E_OFFSET_OUT_OF_RANGE;
    f.count = 1;
    int64_t id = kc_mock_add_fault(r.mock, &f);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 10, 10);
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 20, 10);
    cr_assert_eq(kc_mock_fault_hits(r.mock, id), 1);
    rig_stop(&r);
}

static void expect_damage_once(kc_err expected)
{
    kc_records *records;
    int64_t before = 0;
    cr_assert_eq(rig_expect_error(&r, &records, &before), expected);
    cr_assert_eq(before, 10);
    cr_assert_eq(kc_records_offset(records), 10);
    int64_t next = kc_records_next_offset(records);
    kc_records_free(records);
    cr_assert_eq(next, 20);
    rig_expect_nothing(&r, 200); /* it is stopped, and it is not asked for again and again */
    cr_assert_eq(rig_position(&r, "t", 0), 10);
}

/* Of the next request; its id. */
static int64_t damage_answer(int64_t at)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_MUTATE;
    f.api = KC_MOCK_API_FETCH;
    f.bytes = at;
    f.mask = 0x10;
    f.count = 1;
    int64_t id = kc_mock_add_fault(r.mock, &f);
    cr_assert_gt(id, 0);
    return id;
}

/* No Fetch is under way any more: an empty answer would be damaged instead of the records, and then
 * `at` means another byte of it, perhaps its throttle time, which is obeyed. */
static void be_quiet(void)
{
    cr_assert_eq(kc_consumer_assign(r.consumer, NULL, 0, NULL), KC_OK);
    rig_expect_nothing(&r, QUIET_MS);
}

/* The number that a record was given when it was written, which its key and value tell. */
static int64_t number_of(const kc_record *record)
{
    char key[32] = "";
    cr_assert_lt(record->key.size, sizeof key);
    memcpy(key, record->key.data, record->key.size);
    cr_assert_eq(key[0], 'k');
    cr_assert_arr_eq(record->value.data + 1, key + 1, record->key.size - 1);
    return atoll(key + 1);
}

/* Reads records 0 to 19, some of them perhaps again after an error; never one that was not there.
 * (The base offset of a batch is not under its CRC: a record may claim another offset.) */
static void read_twenty(int64_t at)
{
    int64_t next = 0, until = rig_now_ms(&r) + 30000;
    while (next < 20) {
        cr_assert_lt(rig_now_ms(&r), until, "byte %lld", (long long)at);
        kc_records *records;
        kc_err err = kc_consumer_poll(r.consumer, 100, &records, NULL);
        if (err != KC_OK && records)
            rig_seek(&r, "t", 0, kc_position_offset(next));
        for (size_t i = 0; records && i < kc_records_count(records); i++) {
            int64_t number = number_of(&kc_records_data(records)[i]);
            cr_assert_leq(number, next, "byte %lld", (long long)at);
            next = number + 1;
        }
        kc_records_free(records);
    }
}

/* Every byte of an answer damaged in turn: an error or a new connection, never a wrong record. */
Test(failures, mutated_answers)
{
    const char *properties[] = { "reconnect.backoff.ms=1",     "retry.backoff.ms=1",
                                 "request.timeout.ms=300",     "fetch.max.wait.ms=20",
                                 "auto.offset.reset=earliest", NULL };
    start_virtual_on(1, properties);
    kc_client_set_log(r.client, NULL, NULL, 0);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, NULL);
    for (int64_t at = 4; at < 520; at += 3) {
        if (at >= 9 && at <= 12)
            continue; /* the throttle time: it is obeyed */
        be_quiet();
        int64_t id = damage_answer(at);
        rig_assign(&r, "t", 0, kc_position_offset(0));
        read_twenty(at);
        cr_assert_eq(kc_mock_fault_hits(r.mock, id), 1);
        kc_mock_clear_faults(r.mock);
    }
    rig_stop(&r);
}

Test(failures, a_bomb_is_reported_once_and_can_be_passed)
{
    const char *properties[] = { "fetch.decompressed.max.bytes=100000", NULL };
    start_on(1, properties);
    rig_append(&r, "t", 0, NULL);
    rig_append(&r, "t", 0, &(rig_batch){ .codec = KCI_CODEC_GZIP, .value_size = 1000000 });
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    expect_damage_once(KC_E_DECOMPRESSED_TOO_LARGE);
    rig_seek(&r, "t", 0, kc_position_offset(20));
    rig_expect(&r, "t", 0, 20, 10);
    rig_stop(&r);
}

Test(failures, a_damaged_batch_is_reported_once_and_can_be_passed)
{
    start_virtual_on(1, NULL);
    for (int i = 0; i < 3; i++)
        rig_append(&r, "t", 0, NULL);
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_MUTATE;
    f.api = KC_MOCK_API_FETCH;
    f.mask = 1;
    f.bytes = 400; /* inside one of the batches */
    cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_records *records;
    int64_t before = 0;
    cr_assert_eq(rig_expect_error(&r, &records, &before), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(kc_records_offset(records), before);
    int64_t next = kc_records_next_offset(records);
    kc_records_free(records);
    cr_assert_eq(next, before + 10);
    int64_t fetches = kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH);
    rig_expect_nothing(&r, 700);
    cr_assert_leq(kc_mock_requests(r.mock, -1, KC_MOCK_API_FETCH), fetches + 1);
    kc_mock_clear_faults(r.mock);
    rig_seek(&r, "t", 0, kc_position_offset(next));
    rig_expect(&r, "t", 0, next, 30 - next);
    rig_stop(&r);
}

/* Once with the check, once without: the same byte of a value is changed. */
static kc_err read_damaged_value(const char *check, int64_t *good, int64_t *odd)
{
    enum { AT = 215 /* in the answer, inside a value of the first batch */ };
    const char *properties[] = { check, NULL };
    start_virtual_on(1, properties);
    for (int i = 0; i < 3; i++)
        rig_append(&r, "t", 0, &(rig_batch){ .value_size = 100 });
    damage_answer(AT);
    rig_assign(&r, "t", 0, kc_position_beginning());
    kc_err err = KC_OK;
    *good = *odd = 0;
    while (err == KC_OK && *good + *odd < 30) {
        kc_records *records;
        err = kc_consumer_poll(r.consumer, 30000, &records, NULL);
        cr_assert(err != KC_OK || records, "nothing comes");
        for (size_t i = 0; records && i < kc_records_count(records); i++) {
            const kc_record *record = &kc_records_data(records)[i];
            const uint8_t *tail = (const uint8_t *)record->value.data + 16;
            static const uint8_t zeros[84];
            int64_t *n = memcmp(tail, zeros, sizeof zeros) == 0 ? good : odd;
            ++*n;
        }
        kc_records_free(records);
    }
    rig_stop(&r);
    return err;
}

Test(failures, without_the_crc_check_damage_is_not_seen)
{
    int64_t good, odd;
    cr_assert_eq(read_damaged_value("check.crcs=true", &good, &odd), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(odd, 0);
    cr_assert_eq(read_damaged_value("check.crcs=false", &good, &odd), KC_OK);
    cr_assert_eq(good, 29);
    cr_assert_eq(odd, 1);
}

Test(failures, lost_answers_of_lookups)
{
    start_on(1, NULL);
    rig_append(&r, "t", 0, NULL);
    fault(KC_MOCK_FAULT_LOSE_ANSWER, KC_MOCK_API_LIST_OFFSETS, 0, 2);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    static const int32_t codes[] = { KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_OFFSET_NOT_AVAILABLE,
                                     KC_E_UNKNOWN_TOPIC_OR_PARTITION };
    for (int i = 0; i < 3; i++) {
        fault(KC_MOCK_FAULT_ERROR, KC_MOCK_API_LIST_OFFSETS, codes[i], 2);
        rig_seek(&r, "t", 0, kc_position_beginning());
        rig_expect(&r, "t", 0, 0, 10);
    }
    rig_stop(&r);
}

Test(failures, without_sessions)
{
    kc_mock_options options = { .size = sizeof options, .brokers = 1, .no_fetch_sessions = true };
    rig_start(&r, &options, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 2, 1), KC_OK);
    rig_assign(&r, "t", 0, kc_position_beginning());
    for (int i = 0; i < 5; i++) {
        rig_append(&r, "t", 0, NULL);
        rig_expect(&r, "t", 0, i * 10, 10);
    }
    rig_stop(&r);
}

Test(failures, an_older_broker)
{
    kc_mock_options options = { .size = sizeof options, .brokers = 3, .version = "3.9" };
    rig_start(&r, &options, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 2, 3), KC_OK);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    rig_stop(&r);
}

static kc_stats stats(void)
{
    kc_stats all = { .size = sizeof all };
    kc_client_get_stats(r.client, &all);
    return all;
}

/* The broker would not read a request that comes too soon: only the client's own count of requests
 * shows whether it waits. */
Test(failures, throttling_is_obeyed)
{
    enum { PAUSE_MS = 400 };
    start_virtual_on(1, NULL);
    rig_append(&r, "t", 0, NULL);
    rig_assign(&r, "t", 0, kc_position_beginning());
    rig_expect(&r, "t", 0, 0, 10);
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_THROTTLE;
    f.api = KC_MOCK_API_FETCH;
    f.ms = PAUSE_MS;
    kc_mock_add_fault(r.mock, &f);
    int64_t requests = stats().requests; /* with the one that waits in the broker */
    rig_append(&r, "t", 0, NULL);
    rig_expect(&r, "t", 0, 10, 10); /* its answer: the pause begins */
    int64_t begun = rig_now_ms(&r);
    cr_assert_eq(stats().throttle_us, PAUSE_MS * 1000);
    rig_append(&r, "t", 0, NULL);
    rig_sleep_ms(&r, PAUSE_MS - 10);
    cr_assert_eq(stats().requests, requests, "it asked before the pause was over");
    rig_expect(&r, "t", 0, 20, 10);
    cr_assert_lt(rig_now_ms(&r) - begun, PAUSE_MS + 20, "it goes on right after");
    rig_stop(&r);
}

/* ---- answers that are larger than may be received ------------------------------------------ */

enum { OVERSIZED = 300000 }; /* bytes of a record; 100,000 may be received */

/* One broker with `partitions` partitions; partition 0 has `before` records and then a batch that
 * is too large. */
static void start_oversized(int32_t partitions, int32_t before)
{
    const char *properties[] = { "receive.message.max.bytes=100000", "fetch.max.bytes=80000",
                                 "max.partition.fetch.bytes=50000", "enable.partition.eof=true",
                                 NULL };
    rig_start_virtual(&r, NULL, properties);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", partitions, 1), KC_OK);
    if (before > 0)
        rig_append(&r, "t", 0, &(rig_batch){ .count = before });
    rig_append(&r, "t", 0, &(rig_batch){ .count = 1, .value_size = OVERSIZED });
}

static void assign_partitions(int32_t partitions)
{
    kc_topic_partition_position list[40];
    for (int32_t i = 0; i < partitions; i++)
        list[i] = (kc_topic_partition_position){ kc_str("t"), i, kc_position_beginning() };
    cr_assert_eq(kc_consumer_assign(r.consumer, list, (size_t)partitions, NULL), KC_OK);
}

/* Polls until every other partition has given `count` records and its end, and partition 0 its
 * error. Returns how many records of partition 0 came, all of them before the error. */
static int64_t read_around(int32_t partitions, int64_t count, int64_t error_offset)
{
    int64_t got[40] = { 0 };
    int32_t ends = 0, errors = 0;
    while (ends < partitions - 1 || errors == 0) {
        kc_records *records;
        kc_error why;
        kc_err err = kc_consumer_poll(r.consumer, 30000, &records, &why);
        cr_assert_not_null(records, "%d ends, %d errors", ends, errors);
        int32_t part = kc_records_partition(records);
        if (err != KC_OK) {
            cr_assert_eq(err, KC_E_RESPONSE_TOO_LARGE);
            cr_assert_eq(part, 0);
            cr_assert_eq(kc_records_offset(records), error_offset);
            cr_assert_eq(kc_records_next_offset(records), error_offset + 1);
            cr_assert_not_null(strstr(why.text, "receive.message.max.bytes"));
            errors++;
        } else if (kc_records_count(records) == 0) {
            cr_assert_neq(part, 0);
            cr_assert_eq(got[part], count);
            ends++;
        } else {
            cr_assert_eq(errors == 0 || part > 0, true);
            rig_check(records);
            got[part] += (int64_t)kc_records_count(records);
        }
        kc_records_free(records);
    }
    cr_assert_eq(errors, 1);
    return got[0];
}

Test(failures, an_answer_too_large_is_an_error_of_its_partition)
{
    start_oversized(1, 0);
    assign_partitions(1);
    cr_assert_eq(read_around(1, 0, 0), 0);
    rig_append(&r, "t", 0, NULL); /* reading goes on behind it */
    rig_seek(&r, "t", 0, kc_position_offset(1));
    rig_expect(&r, "t", 0, 1, 10);
    rig_stop(&r);
}

Test(failures, other_partitions_go_on_beside_an_answer_too_large)
{
    start_oversized(20, 0);
    for (int32_t i = 1; i < 20; i++)
        rig_append(&r, "t", i, NULL);
    assign_partitions(20);
    read_around(20, 10, 0);
    for (int i = 0; i < 5; i++) { /* and stay undisturbed */
        int64_t accepted = kc_mock_accepted(r.mock, 1);
        rig_append(&r, "t", 7, NULL);
        rig_expect(&r, "t", 7, 10 + i * 10, 10);
        cr_assert_eq(kc_mock_accepted(r.mock, 1), accepted);
    }
    rig_stop(&r);
}

/* What comes before the batch is read first. */
Test(failures, records_before_an_answer_too_large_are_not_lost)
{
    start_oversized(3, 25);
    rig_append(&r, "t", 1, NULL);
    rig_append(&r, "t", 2, NULL);
    assign_partitions(3);
    cr_assert_eq(read_around(3, 10, 25), 25);
    rig_stop(&r);
}
