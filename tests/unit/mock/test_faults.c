/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of fault, and how rules select requests. */
#include <criterion/criterion.h>
#include <time.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *mock;
static peer p;

static void open_all(void)
{
    cr_assert_eq(kc_mock_new(NULL, &mock, NULL), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 2, 3), KC_OK);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 1, 1, 0, 0), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "u", 1, 1), KC_OK);
    peer_open(&p, mock, 1);
}

static void close_all(void)
{
    peer_close(&p);
    kc_mock_free(mock);
}

TestSuite(faults, .init = open_all, .fini = close_all);

static kc_mock_fault rule(int32_t action, int32_t api)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = action;
    f.api = api;
    return f;
}

static int64_t add(const kc_mock_fault *f)
{
    int64_t id = kc_mock_add_fault(mock, f);
    cr_assert_gt(id, 0, "%lld", (long long)id);
    return id;
}

static int16_t produce(const char *topic, int32_t partition)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
    int16_t code =
        peer_produce(&p, 12, -1, topic, partition, kc_mem(batch.data, batch.size)).error_code;
    kci_buf_free(&batch);
    return code;
}

static kci_metadata_request metadata(void)
{
    kci_metadata_request in;
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    return in;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static bool is_alive(void)
{
    kci_metadata_request in = metadata();
    kci_metadata_response out;
    peer_send(&p, KCI_API_METADATA, 12, &in);
    return peer_receive(&p, KCI_API_METADATA, 12, &out);
}

static void reconnect(void)
{
    peer_close(&p);
    peer_open(&p, mock, 1);
}

Test(faults, bad_rules_are_refused)
{
    kc_mock_fault f = rule(0, -1);
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    f = rule(KC_MOCK_FAULT_ERROR, -1);
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT, "an error needs a code");
    f = rule(KC_MOCK_FAULT_DELAY, -1);
    f.ms = -1;
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    f = rule(KC_MOCK_FAULT_DELAY, -1);
    f.count = 0;
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    f = rule(KC_MOCK_FAULT_DELAY, -1);
    f.probability = 1.5;
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_fault_hits(mock, 77), KC_E_INVALID_ARGUMENT);
    f = rule(KC_MOCK_FAULT_DELAY, -1);
    f.size = 0;
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    f.size = sizeof f + 100000; /* no version will be so large */
    cr_assert_eq(kc_mock_add_fault(mock, &f), KC_E_INVALID_ARGUMENT);
    f.size = offsetof(kc_mock_fault, skip); /* from an older header: the rest is as by init */
    cr_assert_gt(kc_mock_add_fault(mock, &f), 0);
}

Test(faults, an_error_once)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_NOT_LEADER_OR_FOLLOWER;
    int64_t id = add(&f);
    cr_assert_eq(kc_mock_fault_hits(mock, id), 0);
    cr_assert_eq(produce("t", 0), KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 0);
    cr_assert_eq(kc_mock_fault_hits(mock, id), 1);
    cr_assert_eq(produce("t", 0), 0);
    cr_assert_eq(kc_mock_fault_hits(mock, id), 1);
}

Test(faults, an_error_of_one_partition)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_KAFKA_STORAGE_ERROR;
    f.topic = "t";
    f.partition = 1;
    f.count = -1;
    int64_t id = add(&f);
    cr_assert_eq(produce("t", 0), 0);
    cr_assert_eq(produce("u", 0), 0);
    cr_assert_eq(produce("t", 1), KC_E_KAFKA_STORAGE_ERROR);
    cr_assert_eq(produce("t", 1), KC_E_KAFKA_STORAGE_ERROR);
    cr_assert_eq(kc_mock_fault_hits(mock, id), 2);
    kc_mock_remove_fault(mock, id);
    cr_assert_eq(produce("t", 1), 0);
}

Test(faults, an_error_after_the_request_was_applied)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND;
    f.flags = KC_MOCK_FAULT_APPLIED;
    add(&f);
    cr_assert_eq(produce("t", 0), KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
}

Test(faults, an_error_at_the_top)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_FETCH);
    f.code = KC_E_FETCH_SESSION_ID_NOT_FOUND;
    f.flags = KC_MOCK_FAULT_TOP;
    add(&f);
    fetch_spec spec = fetch_default;
    spec.topic = "t";
    kci_fetch_response out;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, KC_E_FETCH_SESSION_ID_NOT_FOUND);
    cr_assert_eq(out.responses.count, 0);
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, 0);
}

Test(faults, errors_of_metadata_and_single_answers)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_METADATA);
    f.code = KC_E_LEADER_NOT_AVAILABLE;
    f.topic = "t";
    add(&f);
    kci_metadata_request in = metadata();
    kci_metadata_response out;
    peer_call(&p, KCI_API_METADATA, 12, &in, &out);
    cr_assert_eq(out.topics.count, 2);
    cr_assert_eq(out.topics.data[0].error_code, KC_E_LEADER_NOT_AVAILABLE);
    cr_assert_eq(out.topics.data[1].error_code, 0);
    f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_INIT_PRODUCER_ID);
    f.code = KC_E_COORDINATOR_LOAD_IN_PROGRESS;
    add(&f);
    kci_init_producer_id_request init;
    kci_init_producer_id_response init_out;
    kci_msg_init(&kci_init_producer_id_request_msg, &init);
    init.transactional_id = kc_mem(NULL, 0);
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &init, &init_out);
    cr_assert_eq(init_out.error_code, KC_E_COORDINATOR_LOAD_IN_PROGRESS);
    cr_assert_eq(init_out.producer_id, -1);
}

Test(faults, delay)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_DELAY, KC_MOCK_API_METADATA);
    f.ms = 150;
    add(&f);
    int64_t start = now_ms();
    cr_assert(is_alive());
    cr_assert_geq(now_ms() - start, 140);
    cr_assert_eq(kc_mock_fault_hits(mock, 1), 1);
    cr_assert(is_alive());
    cr_assert_eq(kc_mock_fault_hits(mock, 1), 1);
}

Test(faults, disconnect_before)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_DISCONNECT, KC_MOCK_API_PRODUCE);
    add(&f);
    kci_produce_request in;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = 1;
    peer_call_lost(&p, KCI_API_PRODUCE, 12, &in);
    reconnect();
    cr_assert_eq(produce("t", 0), 0);
}

static void produce_lost(void)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
    kci_produce_request_partition_produce_data data = { 0, kc_mem(batch.data, batch.size) };
    kci_produce_request_topic_produce_data t = { .name = kc_str("t"),
                                                 .partition_data = { &data, 1 } };
    kci_produce_request in;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = 1;
    in.topic_data.data = &t;
    in.topic_data.count = 1;
    peer_call_lost(&p, KCI_API_PRODUCE, 12, &in);
    kci_buf_free(&batch);
}

Test(faults, applied_but_the_answer_is_lost)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_LOSE_ANSWER, KC_MOCK_API_PRODUCE);
    add(&f);
    produce_lost();
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
}

Test(faults, an_answer_is_cut)
{
    static const int64_t sizes[] = { 0, 1, 4, 20, 1000000 };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        kc_mock_fault f = rule(KC_MOCK_FAULT_CUT, KC_MOCK_API_METADATA);
        f.bytes = sizes[i];
        add(&f);
        kci_metadata_request in = metadata();
        peer_send(&p, KCI_API_METADATA, 12, &in);
        bool whole = peer_receive_frame(&p);
        cr_assert_eq(whole, sizes[i] == 1000000);
        if (whole)
            cr_assert_not(peer_receive_frame(&p), "then the connection ends");
        reconnect();
    }
}

Test(faults, an_answer_is_too_short)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_SHORT, KC_MOCK_API_METADATA);
    f.bytes = 9;
    add(&f);
    kci_metadata_request in = metadata();
    peer_send(&p, KCI_API_METADATA, 12, &in);
    cr_assert(peer_receive_frame(&p));
    cr_assert_eq(p.in_size, 9);
    cr_assert(is_alive(), "the connection goes on");
}

Test(faults, an_answer_is_changed)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_MUTATE, KC_MOCK_API_METADATA);
    f.bytes = 4; /* the correlation id */
    f.mask = 0x80;
    add(&f);
    kci_metadata_request in = metadata();
    peer_send(&p, KCI_API_METADATA, 12, &in);
    cr_assert(peer_receive_frame(&p));
    cr_assert_eq(kci_load32(p.in), 0x80000000u + (uint32_t)p.correlation);
}

Test(faults, records_in_changed_answers_are_all_there)
{
    peer_produce_ok(&p, "t", 0, 10);
    peer_produce_ok(&p, "t", 0, 10);
    fetch_spec spec = fetch_default;
    spec.topic = "t";
    kci_fetch_response_partition_data got = fetch_one(&p, &spec);
    uint8_t copy[1024];
    size_t size = got.records.size;
    cr_assert_lt(size, sizeof copy);
    memcpy(copy, got.records.data, size);
    kc_mock_fault f = rule(KC_MOCK_FAULT_MUTATE, KC_MOCK_API_FETCH);
    f.mask = 0;
    add(&f);
    got = fetch_one(&p, &spec);
    cr_assert_eq(got.records.size, size);
    cr_assert_eq(memcmp(got.records.data, copy, size), 0);
}

/* Until so many have been read by the broker; what is done with them is done in the same turn. */
static void await_requests(int32_t api, int64_t count)
{
    for (int i = 0; i < 3000 && kc_mock_requests(mock, 1, api) < count; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    cr_assert_geq(kc_mock_requests(mock, 1, api), count);
}

Test(faults, hang)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_HANG, KC_MOCK_API_METADATA);
    add(&f);
    kci_metadata_request in = metadata();
    for (int i = 0; i < 10; i++)
        peer_send(&p, KCI_API_METADATA, 12, &in);
    await_requests(KC_MOCK_API_METADATA, 1);
    cr_assert_not(peer_readable(&p, 100));
    cr_assert_eq(kc_mock_requests(mock, 1, KC_MOCK_API_METADATA), 1);
    reconnect();
    cr_assert(is_alive());
    for (int i = 0; i < 3000 && kc_mock_connections(mock, 1) > 1; i++)
        nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
    cr_assert_eq(kc_mock_connections(mock, 1), 1, "the end of the hung one is noticed");
}

Test(faults, hang_after_the_request_was_applied)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_HANG, KC_MOCK_API_CREATE_TOPICS);
    f.flags = KC_MOCK_FAULT_APPLIED;
    add(&f);
    kci_create_topics_request_creatable_topic topic = { .name = kc_str("new"),
                                                        .num_partitions = 1,
                                                        .replication_factor = 1 };
    kci_create_topics_request in;
    kci_msg_init(&kci_create_topics_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_send(&p, KCI_API_CREATE_TOPICS, 7, &in);
    await_requests(KC_MOCK_API_CREATE_TOPICS, 1);
    cr_assert_not(peer_readable(&p, 50));
    cr_assert_eq(kc_mock_log_end_offset(mock, "new", 0), 0);
}

/* The answer itself is not late: it would not be waited for so long. What follows is. */
Test(faults, throttle)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_THROTTLE, KC_MOCK_API_METADATA);
    f.ms = 3600000;
    add(&f);
    kci_metadata_request in = metadata();
    kci_metadata_response out;
    peer_call(&p, KCI_API_METADATA, 12, &in, &out);
    cr_assert_eq(out.throttle_time_ms, 3600000);
    peer_send(&p, KCI_API_METADATA, 12, &in);
    cr_assert_not(peer_readable(&p, 100));
}

Test(faults, a_throttled_connection_goes_on)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_THROTTLE, KC_MOCK_API_METADATA);
    f.ms = 200;
    add(&f);
    kci_metadata_request in = metadata();
    kci_metadata_response out;
    int64_t start = now_ms();
    peer_call(&p, KCI_API_METADATA, 12, &in, &out);
    cr_assert_eq(out.throttle_time_ms, 200);
    peer_call(&p, KCI_API_METADATA, 12, &in, &out);
    cr_assert_eq(out.throttle_time_ms, 0);
    cr_assert_geq(now_ms() - start, 199);
}

Test(faults, skip_then_count)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_REQUEST_TIMED_OUT;
    f.skip = 2;
    f.count = 3;
    add(&f);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(produce("t", 0), i >= 2 && i < 5 ? KC_E_REQUEST_TIMED_OUT : 0);
}

Test(faults, of_one_broker)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_REQUEST_TIMED_OUT;
    f.broker = 2;
    f.count = -1;
    add(&f);
    cr_assert_eq(produce("t", 0), 0);
    kc_mock_move_leader(mock, "t", 0, 2, 0, 0);
    peer_close(&p);
    peer_open(&p, mock, 2);
    cr_assert_eq(produce("t", 0), KC_E_REQUEST_TIMED_OUT);
}

static int64_t choices(uint64_t seed)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_REQUEST_TIMED_OUT;
    f.probability = 0.5;
    f.seed = seed;
    f.count = -1;
    int64_t id = add(&f), bits = 0;
    for (int i = 0; i < 40; i++)
        bits = bits << 1 | (produce("t", 0) != 0);
    kc_mock_remove_fault(mock, id);
    return bits;
}

Test(faults, chance_follows_the_seed)
{
    int64_t a = choices(1), b = choices(1), c = choices(2);
    cr_assert_eq(a, b);
    cr_assert_neq(a, c);
    int ones = __builtin_popcountll((unsigned long long)a);
    cr_assert(ones > 5 && ones < 35, "%d of 40", ones);
}

Test(faults, clear)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, -1);
    f.code = KC_E_REQUEST_TIMED_OUT;
    f.count = -1;
    int64_t id = add(&f);
    cr_assert_eq(produce("t", 0), KC_E_REQUEST_TIMED_OUT);
    kc_mock_clear_faults(mock);
    cr_assert_eq(produce("t", 0), 0);
    cr_assert_eq(kc_mock_fault_hits(mock, id), 1);
}

Test(faults, several_rules_hit_one_request)
{
    kc_mock_fault f = rule(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE);
    f.code = KC_E_REQUEST_TIMED_OUT;
    f.topic = "t";
    f.partition = 0;
    add(&f);
    f = rule(KC_MOCK_FAULT_DELAY, KC_MOCK_API_PRODUCE);
    f.ms = 100;
    add(&f);
    int64_t start = now_ms();
    cr_assert_eq(produce("t", 0), KC_E_REQUEST_TIMED_OUT);
    cr_assert_geq(now_ms() - start, 90);
}
