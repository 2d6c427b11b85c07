/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: they come back, in order, once, whatever happens. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "fake.h"

TestSuite(calls, .timeout = 60);

static fake f;

static void settle(int brokers, const char *const *properties)
{
    fake_init(&f, brokers, properties);
    fake_add_topic(&f, "t", 3);
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1000);
}

static void start_many(probe *p, int count, int32_t node, kci_class cls)
{
    for (int i = 0; i < count; i++) {
        probe_init(&p[i], &f, node, cls);
        probe_start(&p[i]);
    }
}

Test(calls, to_any_broker)
{
    probe p;

    fake_init(&f, 3, NULL);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 5000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_eq(p.version, 4);
    cr_assert(p.call.sent);
    cr_assert_eq(fake_total(&f, KCI_API_API_VERSIONS), 1);
    fake_free(&f);
}

Test(calls, to_each_broker_by_id_and_class)
{
    probe p[3];

    settle(3, NULL);
    for (int i = 0; i < 3; i++) {
        probe_init(&p[i], &f, i + 1, KCI_CLASS_FETCH);
        probe_start(&p[i]);
    }
    fake_run(&f, 1000);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(p[i].err, KC_OK, "%s", p[i].why);
        cr_assert_eq(p[i].node, i + 1);
        cr_assert_eq(f.brokers[i].requests[KCI_API_HEARTBEAT], 1);
    }
    fake_free(&f);
}

Test(calls, to_the_controller)
{
    probe p;

    fake_init(&f, 3, NULL);
    f.controller = 3;
    kci_client_want_topic(f.client, kc_str("t"));
    fake_run(&f, 1000);
    probe_init(&p, &f, KCI_NODE_CONTROLLER, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 5000));
    cr_assert_eq(p.node, 3);
    fake_free(&f);
}

Test(calls, to_a_broker_that_nobody_knows)
{
    probe p;

    settle(3, NULL);
    probe_init(&p, &f, 77, KCI_CLASS_CONTROL);
    probe_start(&p);
    fake_run(&f, 1);
    cr_assert_eq(p.err, KC_E_BROKER_NOT_AVAILABLE);
    cr_assert_not(p.call.sent);
    fake_free(&f);
}

Test(calls, to_a_broker_that_an_answer_named)
{
    probe p;

    fake_init(&f, 3, NULL);
    cr_assert_eq(kci_client_node_hint(f.client, 2, kc_str("10.0.0.1"), FAKE_PORT + 2), KC_OK);
    cr_assert_eq(kci_client_node_hint(f.client, 2, kc_str(""), FAKE_PORT + 2),
                 KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_client_node_hint(f.client, -2, kc_str("h"), 1), KC_E_INVALID_ARGUMENT);
    probe_init(&p, &f, 2, KCI_CLASS_GROUP);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 5000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_eq(f.brokers[1].requests[KCI_API_HEARTBEAT], 1);
    fake_free(&f);
}

Test(calls, are_answered_in_the_order_of_start)
{
    probe p[100];

    settle(1, NULL);
    start_many(p, 100, 1, KCI_CLASS_CONTROL);
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_CONTROL, 0), 100);
    fake_run(&f, 5000);
    for (int i = 0; i < 100; i++) {
        cr_assert_eq(p[i].err, KC_OK, "%s", p[i].why);
        cr_assert_eq(p[i].order, p[0].order + i);
    }
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_CONTROL, 0), 0);
    fake_free(&f);
}

/* Keeps the first request back, so that what follows waits. */
static fake_request kept;
static int kept_count;

static bool keep(struct fake *of, const fake_request *r)
{
    (void)of;
    if (r->head.key != KCI_API_HEARTBEAT)
        return false;
    if (kept_count++ == 0)
        kept = *r;
    return true;
}

Test(calls, produce_requests_in_flight_are_limited)
{
    const char *const limit[] = { "max.in.flight.requests.per.connection=2", NULL };
    probe p[5];

    settle(1, limit);
    f.hook = keep;
    start_many(p, 5, 1, KCI_CLASS_PRODUCE);
    fake_run(&f, 2000);
    cr_assert_eq(kept_count, 2);
    fake_free(&f);
    for (int i = 0; i < 5; i++)
        cr_assert_eq(p[i].err, KC_E_CLOSED);
}

static bool wrong_number(struct fake *of, const fake_request *r)
{
    kci_heartbeat_response body = { 0 };

    (void)of;
    if (r->head.key != KCI_API_HEARTBEAT)
        return false;
    if (kept_count++ == 0)
        fake_answer_as(r, r->head.version, r->head.correlation_id + 1, &body);
    return true;
}

Test(calls, an_answer_to_another_request_poisons_the_connection)
{
    probe p[3];

    settle(1, NULL);
    f.hook = wrong_number;
    start_many(p, 3, 1, KCI_CLASS_CONTROL);
    fake_run(&f, 1000);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(p[i].err, KC_E_PROTOCOL);
        cr_assert_eq(p[i].order, p[0].order + i);
        cr_assert(strstr(p[i].why, "Heartbeat"), "%s", p[i].why);
    }
    fake_free(&f);
}

static bool garbage(struct fake *of, const fake_request *r)
{
    uint8_t bytes[64];

    (void)of;
    if (r->head.key != KCI_API_METADATA && r->head.key != KCI_API_HEARTBEAT)
        return false;
    memset(bytes, 0xff, sizeof bytes);
    kci_store32(bytes, (uint32_t)r->head.correlation_id);
    fake_send_frame(r->conn, bytes, r->head.key == KCI_API_METADATA ? sizeof bytes : 5);
    return true;
}

Test(calls, a_malformed_answer_poisons_the_connection)
{
    probe p;

    settle(1, NULL);
    f.hook = garbage;
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_E_PROTOCOL);
    cr_assert(strstr(p.why, "malformed"), "%s", p.why);
    cr_assert(p.call.sent);
    fake_free(&f);
}

static bool twice(struct fake *of, const fake_request *r)
{
    kci_heartbeat_response body = { 0 };

    (void)of;
    if (r->head.key == KCI_API_HEARTBEAT)
        fake_answer(r, &body);
    return false;
}

Test(calls, an_answer_that_nobody_waits_for_ends_the_connection)
{
    probe p;

    settle(1, NULL);
    f.hook = twice;
    probe_init(&p, &f, 1, KCI_CLASS_GROUP);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK);
    fake_run(&f, 100);
    cr_assert_neq(kci_node_poll(f.client, 1, KCI_CLASS_GROUP, 0, false), KCI_NODE_UP);
    fake_free(&f);
}

Test(calls, a_request_without_an_answer_closes_the_connection)
{
    probe p[2], q;

    settle(1, NULL);
    f.brokers[0].mute = true;
    probe_init(&p[0], &f, 1, KCI_CLASS_CONTROL);
    p[0].call.timeout_us = 2000000;
    probe_start(&p[0]);
    probe_init(&p[1], &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p[1]);
    int64_t begin = sim_now(f.world);
    cr_assert(fake_until(&f, &p[1].done, 10000));
    cr_assert_eq(p[0].err, KC_E_TIMED_OUT);
    cr_assert_eq(p[1].err, KC_E_TRANSPORT);
    cr_assert(strstr(p[0].why, "no answer to Heartbeat"), "%s", p[0].why);
    cr_assert_lt(p[0].done_us - begin, 2100000);
    f.brokers[0].mute = false;
    probe_init(&q, &f, 1, KCI_CLASS_CONTROL);
    probe_start(&q);
    cr_assert(fake_until(&f, &q.done, 5000));
    cr_assert_eq(q.err, KC_OK, "%s", q.why);
    fake_free(&f);
}

Test(calls, one_that_was_never_sent_times_out_and_the_connection_lives)
{
    const char *const limit[] = { "max.in.flight.requests.per.connection=1", NULL };
    probe p[2];
    kci_heartbeat_response body = { 0 };

    settle(1, limit);
    f.hook = keep;
    start_many(p, 1, 1, KCI_CLASS_PRODUCE);
    fake_run(&f, 200);
    probe_init(&p[1], &f, 1, KCI_CLASS_PRODUCE);
    p[1].call.timeout_us = 1000000;
    probe_start(&p[1]);
    cr_assert(fake_until(&f, &p[1].done, 3000));
    cr_assert_eq(p[1].err, KC_E_TIMED_OUT);
    cr_assert_not(p[1].call.sent);
    cr_assert_not(p[0].done);
    fake_answer(&kept, &body);
    cr_assert(fake_until(&f, &p[0].done, 1000));
    cr_assert_eq(p[0].err, KC_OK);
    fake_free(&f);
}

Test(calls, to_any_time_out_with_the_last_problem)
{
    probe p;

    fake_init(&f, 2, NULL);
    fake_broker_stop(&f.brokers[0]);
    fake_broker_stop(&f.brokers[1]);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 3000000;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 3100));
    cr_assert_eq(p.err, KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "bootstrap.servers=10.0.0.1:9001,10.0.0.1:9002"), "%s", p.why);
    cr_assert_not(p.call.sent);
    fake_free(&f);
}

static probe second;

static void start_second(probe *p)
{
    probe_init(&second, p->fake, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    second.call.timeout_us = 50000;
    probe_start(&second);
}

/* The end of one starts another, which has less time: it ends in its own. */
Test(calls, to_any_started_by_the_end_of_another_keep_their_time)
{
    probe p, patient;

    fake_init(&f, 2, NULL);
    fake_broker_stop(&f.brokers[0]);
    fake_broker_stop(&f.brokers[1]);
    probe_init(&patient, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    patient.call.timeout_us = 60000000;
    probe_start(&patient);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 10000000; /* pauses between attempts are long by then */
    p.on_done = start_second;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 11000));
    cr_assert(fake_until(&f, &second.done, 1000));
    cr_assert_eq(second.err, KC_E_TIMED_OUT);
    cr_assert_leq(second.done_us - p.done_us, 60000, "%lld us",
                  (long long)(second.done_us - p.done_us));
    fake_free(&f);
}

Test(calls, to_any_move_on_to_a_broker_that_works)
{
    probe p;

    fake_init(&f, 2, NULL);
    fake_broker_stop(&f.brokers[0]);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    fake_free(&f);
}

Test(calls, to_any_do_not_wait_for_a_black_hole)
{
    for (int hole = 1; hole <= 2; hole++) {
        probe p;
        fake_init(&f, 2, NULL);
        sim_link_of(f.world, (uint16_t)(FAKE_PORT + hole))->blackhole = true;
        probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
        probe_start(&p);
        cr_assert(fake_until(&f, &p.done, 2500));
        cr_assert_eq(p.err, KC_OK, "%s", p.why);
        fake_free(&f);
    }
}

Test(calls, to_a_broker_that_is_down_end_with_its_error)
{
    probe p;

    settle(2, NULL);
    fake_broker_stop(&f.brokers[1]);
    fake_run(&f, 100);
    probe_init(&p, &f, 2, KCI_CLASS_PRODUCE);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 2000));
    cr_assert_eq(p.err, KC_E_CONNECT, "%d %s", p.err, p.why);
    cr_assert(strstr(p.why, "broker 2 (10.0.0.1:9002)"), "%s", p.why);
    fake_free(&f);
}

Test(calls, all_end_in_order_when_the_broker_hangs_up)
{
    const char *const limit[] = { "max.in.flight.requests.per.connection=2", NULL };
    probe p[6];

    settle(1, limit);
    f.hook = keep;
    start_many(p, 6, 1, KCI_CLASS_PRODUCE);
    fake_run(&f, 500);
    fake_broker_hang_up(&f.brokers[0]);
    fake_run(&f, 20);
    for (int i = 0; i < 6; i++) {
        cr_assert_eq(p[i].err, KC_E_TRANSPORT, "%d: %d", i, p[i].err);
        cr_assert_eq(p[i].order, p[0].order + i);
        cr_assert_eq(p[i].call.sent, i < 2);
    }
    fake_free(&f);
}

/* -- cancel -------------------------------------------------------------------------------------
 */

Test(calls, cancelled_before_sending)
{
    probe p;

    settle(1, NULL);
    probe_init(&p, &f, 1, KCI_CLASS_GROUP);
    probe_start(&p);
    kci_call_cancel(f.client, &p.call);
    cr_assert_not(p.done);
    kci_call_cancel(f.client, &p.call);
    fake_run(&f, 1000);
    cr_assert_eq(p.err, KC_E_INTERRUPTED);
    cr_assert_eq(f.brokers[0].requests[KCI_API_HEARTBEAT], 0);
    fake_free(&f);
}

Test(calls, cancelled_while_waiting_for_any_broker)
{
    probe p;

    fake_init(&f, 1, NULL);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p);
    kci_call_cancel(f.client, &p.call);
    fake_run(&f, 1000);
    cr_assert_eq(p.err, KC_E_INTERRUPTED);
    fake_free(&f);
}

Test(calls, cancelled_while_the_broker_works_on_it)
{
    probe p[2];
    kci_heartbeat_response body = { 0 };

    settle(1, NULL);
    f.hook = keep;
    start_many(p, 1, 1, KCI_CLASS_FETCH);
    fake_run(&f, 500);
    kci_call_cancel(f.client, &p[0].call);
    cr_assert_not(p[0].done);
    fake_run(&f, 1);
    cr_assert_eq(p[0].err, KC_E_INTERRUPTED);
    f.hook = NULL;
    probe_init(&p[1], &f, 1, KCI_CLASS_FETCH);
    probe_start(&p[1]);
    fake_answer(&kept, &body);
    cr_assert(fake_until(&f, &p[1].done, 1000));
    cr_assert_eq(p[1].err, KC_OK, "%s", p[1].why);
    fake_free(&f);
}

Test(calls, cancelled_while_the_socket_has_its_bytes)
{
    probe p;

    settle(1, NULL);
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL); /* which is up, so it is handed to the stream */
    probe_start(&p);
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_CONTROL, 0), 1);
    kci_call_cancel(f.client, &p.call);
    cr_assert_not(p.done);
    fake_run(&f, 1000);
    cr_assert_eq(p.err, KC_E_INTERRUPTED);
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_CONTROL, 0), 0);
    fake_free(&f);
}

static probe others[3];

static void cancel_others(probe *p)
{
    (void)p;
    for (int i = 1; i < 3; i++)
        kci_call_cancel(f.client, &others[i].call);
}

Test(calls, cancelled_from_the_done_of_another_when_the_connection_breaks)
{
    settle(1, NULL);
    f.hook = keep;
    start_many(others, 3, 1, KCI_CLASS_FETCH);
    others[0].on_done = cancel_others;
    fake_run(&f, 500);
    fake_broker_hang_up(&f.brokers[0]);
    fake_run(&f, 500);
    cr_assert_eq(others[0].err, KC_E_TRANSPORT);
    cr_assert_eq(others[1].err, KC_E_INTERRUPTED);
    cr_assert_eq(others[2].err, KC_E_INTERRUPTED);
    fake_free(&f);
}

static int restarts;

static void start_again(probe *p)
{
    int count = p->done_count;
    if (restarts++ >= 5)
        return;
    p->done = false;
    p->done_count = 0;
    kci_call_start(f.client, &p->call);
    cr_assert_eq(count, 1);
}

Test(calls, may_be_started_again_from_done)
{
    probe p;

    settle(1, NULL);
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL);
    p.on_done = start_again;
    probe_start(&p);
    fake_run(&f, 1000);
    cr_assert_eq(f.brokers[0].requests[KCI_API_HEARTBEAT], 6);
    fake_free(&f);
}

Test(calls, started_again_when_the_connection_breaks_wait_for_the_next)
{
    probe p;

    settle(1, NULL);
    f.hook = keep;
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL);
    p.on_done = start_again;
    restarts = 4; /* one more */
    probe_start(&p);
    fake_run(&f, 100);
    f.hook = NULL;
    fake_broker_hang_up(&f.brokers[0]);
    fake_run(&f, 1000);
    cr_assert(p.done);
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    fake_free(&f);
}

/* -- versions and encoding ----------------------------------------------------------------------
 */

static int16_t prepared;

static kc_err prepare(kci_call *call, int16_t version)
{
    (void)call;
    prepared = version;
    return KC_OK;
}

static kc_err prepare_badly(kci_call *call, int16_t version)
{
    (void)call, (void)version;
    return KC_E_INVALID_ARGUMENT;
}

Test(calls, versions_are_limited_by_the_caller)
{
    probe p;

    settle(1, NULL);
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL);
    p.call.min_version = 1;
    p.call.max_version = 2;
    p.call.prepare = prepare;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.version, 2);
    cr_assert_eq(prepared, 2);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_HEARTBEAT, 0, 3), 3);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_HEARTBEAT, 90, 99),
                 -2);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_FETCH, 0, KCI_API_HEARTBEAT, 0, 3), -1);
    fake_free(&f);
}

Test(calls, that_the_broker_does_not_know)
{
    probe p[3];

    settle(1, NULL);
    probe_init(&p[0], &f, 1, KCI_CLASS_CONTROL);
    p[0].call.min_version = 90;
    probe_init(&p[1], &f, 1, KCI_CLASS_CONTROL);
    p[1].call.prepare = prepare_badly;
    probe_init(&p[2], &f, 1, KCI_CLASS_CONTROL);
    p[2].call.api = 125;
    for (int i = 0; i < 3; i++)
        probe_start(&p[i]);
    fake_run(&f, 1000);
    cr_assert_eq(p[0].err, KC_E_UNSUPPORTED_VERSION);
    cr_assert_eq(p[1].err, KC_E_INVALID_ARGUMENT);
    cr_assert_eq(p[2].err, KC_E_UNSUPPORTED_VERSION);
    fake_free(&f);
}

enum { PARTS = 40, PART = 100 };
static uint8_t part_bytes[PARTS][PART];
static int asked_again;

static int records(kci_call *call, size_t index, struct iovec *iov, int cap)
{
    (void)call;
    cr_assert_eq(index, 0);
    if (cap < PARTS) {
        asked_again++;
        return PARTS;
    }
    for (int i = 0; i < PARTS; i++)
        iov[i] = (struct iovec){ part_bytes[i], PART };
    return PARTS;
}

static bool got_records;

static bool take_produce(struct fake *of, const fake_request *r)
{
    kci_produce_request request;
    kci_arena arena = { 0 };
    kci_reader in = r->body;

    (void)of;
    if (r->head.key != KCI_API_PRODUCE)
        return false;
    cr_assert_eq(kci_decode(&kci_produce_request_msg, r->head.version, &in, &arena, &request),
                 KC_OK);
    kc_bytes got = request.topic_data.data[0].partition_data.data[0].records;
    cr_assert_eq(got.size, PARTS * PART);
    got_records = memcmp(got.data, part_bytes, got.size) == 0;
    kci_arena_free(&arena);
    return true;
}

static void fill_produce(probe *p, bool no_response)
{
    static kci_produce_request_partition_produce_data partition;
    static kci_produce_request_topic_produce_data topic;

    partition = (kci_produce_request_partition_produce_data){ .records = { NULL, PARTS * PART } };
    topic = (kci_produce_request_topic_produce_data){ .name = kc_str("t"),
                                                      .partition_data = { &partition, 1 } };
    kci_msg_init(&kci_produce_request_msg, &p->body.produce);
    p->body.produce.topic_data.data = &topic;
    p->body.produce.topic_data.count = 1;
    p->call.api = KCI_API_PRODUCE;
    p->call.max_version = 9; /* topics by name */
    p->call.records = records;
    p->call.no_response = no_response;
    for (int i = 0; i < PARTS; i++)
        memset(part_bytes[i], i, PART);
}

Test(calls, records_go_out_as_they_lie)
{
    probe p;

    settle(1, NULL);
    f.hook = take_produce;
    probe_init(&p, &f, 1, KCI_CLASS_PRODUCE);
    fill_produce(&p, true);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_not(p.had_response);
    fake_run(&f, 100);
    cr_assert(got_records);
    cr_assert_eq(asked_again, 1);
    fake_free(&f);
}

static int too_few(kci_call *call, size_t index, struct iovec *iov, int cap)
{
    (void)call, (void)index, (void)cap;
    iov[0] = (struct iovec){ part_bytes[0], PART };
    return 1;
}

Test(calls, records_must_have_the_size_that_was_said)
{
    probe p;

    settle(1, NULL);
    probe_init(&p, &f, 1, KCI_CLASS_PRODUCE);
    fill_produce(&p, true);
    p.call.records = too_few;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_E_INTERNAL);
    cr_assert_not(p.call.sent);
    fake_free(&f);
}

Test(calls, without_answer_keep_their_place_among_those_with)
{
    probe p[4];

    settle(1, NULL);
    f.hook = take_produce;
    for (int i = 0; i < 4; i++) {
        probe_init(&p[i], &f, 1, KCI_CLASS_CONTROL);
        if (i % 2)
            fill_produce(&p[i], true);
        probe_start(&p[i]);
    }
    fake_run(&f, 1000);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(p[i].err, KC_OK, "%d %s", i, p[i].why);
    fake_free(&f);
}

/* More than may be in flight: what is written makes room for the next, without an answer. */
Test(calls, without_answer_follow_each_other)
{
    enum { MANY = 30 };
    static probe p[MANY];

    settle(1, NULL);
    f.hook = take_produce;
    probe_init(&p[0], &f, 1, KCI_CLASS_PRODUCE);
    fill_produce(&p[0], true);
    probe_start(&p[0]);
    fake_run(&f, 1000);
    for (int i = 0; i < MANY; i++) {
        probe_init(&p[i], &f, 1, KCI_CLASS_PRODUCE);
        fill_produce(&p[i], true);
        probe_start(&p[i]);
    }
    fake_run(&f, 50);
    for (int i = 0; i < MANY; i++)
        cr_assert(p[i].done && p[i].err == KC_OK, "%d %s", i, p[i].why);
    fake_free(&f);
}

/* What was not written when the connection broke is no success, although no answer is wanted. */
Test(calls, without_answer_fail_when_they_were_not_written)
{
    enum { MANY = 30 };
    static probe p[MANY];
    int written = 0, failed = 0;

    settle(1, NULL);
    f.hook = take_produce;
    probe_init(&p[0], &f, 1, KCI_CLASS_PRODUCE);
    fill_produce(&p[0], true);
    probe_start(&p[0]);
    fake_run(&f, 1000);
    for (int i = 0; i < MANY; i++) {
        probe_init(&p[i], &f, 1, KCI_CLASS_PRODUCE);
        fill_produce(&p[i], true);
        probe_start(&p[i]);
    }
    fake_broker_stop(&f.brokers[0]); /* before the loop writes any of them */
    fake_run(&f, 2000);
    for (int i = 0; i < MANY; i++) {
        cr_assert(p[i].done);
        written += p[i].err == KC_OK;
        failed += p[i].err != KC_OK;
    }
    cr_assert_eq(written, 0);
    cr_assert_eq(failed, MANY);
    fake_free(&f);
}

/* -- throttle -----------------------------------------------------------------------------------
 */

Test(calls, wait_while_the_broker_asks_for_a_pause)
{
    probe p[2];

    settle(1, NULL);
    f.throttle_ms = 3000;
    probe_init(&p[0], &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p[0]);
    cr_assert(fake_until(&f, &p[0].done, 1000));
    cr_assert_eq(p[0].throttle_ms, 3000);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_CONTROL, 0, false), KCI_NODE_THROTTLED);
    f.throttle_ms = 0;
    probe_init(&p[1], &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p[1]);
    cr_assert(fake_until(&f, &p[1].done, 5000));
    cr_assert_geq(p[1].done_us - p[0].done_us, 3000000);
    cr_assert_lt(p[1].done_us - p[0].done_us, 3200000);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_CONTROL, 0, false), KCI_NODE_UP);
    fake_free(&f);
}

static bool throttle_the_first(struct fake *of, const fake_request *r)
{
    of->throttle_ms = r->broker->id == 1 ? 3000 : 0;
    return false;
}

/* Of two brokers, one asks for a pause: calls that may go to any go to the other one. */
Test(calls, to_any_go_to_a_broker_that_asked_for_no_pause)
{
    probe p[2], any[6];

    settle(2, NULL);
    for (int i = 0; i < 2; i++)
        start_many(&p[i], 1, 1 + i, KCI_CLASS_CONTROL);
    fake_run(&f, 1000);
    f.hook = throttle_the_first;
    start_many(p, 1, 1, KCI_CLASS_CONTROL);
    cr_assert(fake_until(&f, &p[0].done, 1000));
    int before = f.brokers[1].requests[KCI_API_HEARTBEAT];
    start_many(any, 6, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    fake_run(&f, 500);
    for (int i = 0; i < 6; i++)
        cr_assert(any[i].done && any[i].err == KC_OK);
    cr_assert_eq(f.brokers[1].requests[KCI_API_HEARTBEAT], before + 6);
    fake_free(&f);
}

Test(calls, an_absurd_pause_is_cut)
{
    probe p[2];

    settle(1, NULL);
    f.throttle_ms = INT32_MAX;
    probe_init(&p[0], &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p[0]);
    cr_assert(fake_until(&f, &p[0].done, 1000));
    f.throttle_ms = 0;
    probe_init(&p[1], &f, 1, KCI_CLASS_CONTROL);
    p[1].call.timeout_us = 100000000;
    probe_start(&p[1]);
    cr_assert(fake_until(&f, &p[1].done, 61000));
    cr_assert_eq(p[1].err, KC_OK);
    fake_free(&f);
}
