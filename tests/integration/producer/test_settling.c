/* SPDX-License-Identifier: Apache-2.0 */
/* Loads that stop: a burst, then silence, in which everything must settle by itself; and what is
 * told when it does not. On a virtual clock, where "at once" is a number. Nothing that comes later
 * repairs here what was forgotten. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rig.h"

enum { PRODUCE = KC_MOCK_API_PRODUCE };

/* What arrived. */
typedef struct arrivals {
    rig *r;
    int32_t api;
    int count;
    int64_t at_ms[1000];
    int64_t largest;
} arrivals;

static void on_request(void *user, const kc_mock_request *request)
{
    arrivals *a = user;
    if (request->api != a->api || a->count == 1000)
        return;
    a->at_ms[a->count++] = virtual_now_ms(a->r->world);
    a->largest = request->bytes > a->largest ? request->bytes : a->largest;
}

static void watch(arrivals *a, rig *r, int32_t api)
{
    *a = (arrivals){ .r = r, .api = api };
    kc_mock_set_request_log(r->mock, on_request, a);
}

static kc_err send_to(rig *r, const char *topic, int32_t partition, long n, size_t size)
{
    char *value = malloc(size);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    memset(value, 'v', size);
    record.topic = kc_str(topic);
    record.partition = partition;
    record.value = kc_mem(value, size);
    record.opaque = (void *)(uintptr_t)(n + 1);
    kc_err err = kc_producer_send(r->producer, &record, NULL);
    free(value);
    return err;
}

static int64_t fault(rig *r, int32_t action, int32_t api, int32_t code, int32_t ms, int64_t count)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = action;
    f.api = api;
    f.code = code;
    f.ms = ms;
    f.count = count;
    int64_t id = kc_mock_add_fault(r->mock, &f);
    cr_assert_gt(id, 0);
    return id;
}

/* Flushes; returns the milliseconds that took. */
static int64_t settle(rig *r, kc_err expected)
{
    int64_t begun = rig_now_ms(r);
    kc_error why = { 0 };
    cr_assert_eq(kc_producer_flush(r->producer, 120000, &why), expected, "%s", why.text);
    return rig_now_ms(r) - begun;
}

/* Sixty partitions, of which few fit into a request: those that do not fit have their turn. */
Test(settling, more_partitions_than_a_request_holds)
{
    enum { PARTITIONS = 60, EACH = 3, LIMIT = 4000 };
    static const char *const properties[] = {
        "max.request.size=4000",     "batch.size=1000",          "linger.ms=5",
        "delivery.timeout.ms=60000", "request.timeout.ms=20000", NULL
    };
    rig r;
    arrivals a;
    rig_start_virtual(&r, NULL, properties, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "many", PARTITIONS, 0), KC_OK);
    cr_assert_eq(send_to(&r, "many", 0, 0, 10), KC_OK);
    settle(&r, KC_OK);
    watch(&a, &r, PRODUCE);
    long n = 1;
    for (int round = 0; round < EACH; round++)
        for (int32_t p = 0; p < PARTITIONS; p++)
            cr_assert_eq(send_to(&r, "many", p, n++, 700), KC_OK);
    int64_t took = settle(&r, KC_OK);
    cr_expect_leq(took, 1000, "%lld ms", (long long)took);
    cr_expect_leq(a.largest, LIMIT, "%lld bytes", (long long)a.largest);
    cr_expect_leq(a.count, PARTITIONS * EACH / 3, "%d requests", a.count);
    for (long i = 0; i < n; i++)
        cr_expect_eq(r.outcomes[i].reports, 1);
    rig_stop(&r);
}

static int32_t large_one;
static int before_the_large_one;

static void on_produce(void *user, const kc_mock_request *request)
{
    rig *r = user;
    if (request->api == PRODUCE && kc_mock_log_end_offset(r->mock, "many", large_one) == 0)
        before_the_large_one++;
}

/* A batch that did not fit is the first of the next request, however many others there are. */
Test(settling, a_large_batch_is_not_overtaken_again_and_again)
{
    enum { PARTITIONS = 5, EACH = 30 };
    static const char *const properties[] = { "max.request.size=4000", "batch.size=1000",
                                              "linger.ms=0",
                                              "max.in.flight.requests.per.connection=1", NULL };
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "many", PARTITIONS, 0), KC_OK);
    cr_assert_eq(send_to(&r, "many", 0, 0, 10), KC_OK);
    settle(&r, KC_OK);
    large_one = 2;
    before_the_large_one = 0;
    kc_mock_set_request_log(r.mock, on_produce, &r);
    long n = 1;
    for (int i = 0; i < EACH; i++) {
        for (int32_t p = 0; p < PARTITIONS; p++) {
            if (p != large_one || i == 0)
                cr_assert_eq(send_to(&r, "many", p, n++, p == large_one ? 3500 : 850), KC_OK);
        }
    }
    settle(&r, KC_OK);
    cr_expect_leq(before_the_large_one, 4, "%d requests", before_the_large_one);
    rig_stop(&r);
}

/* Records without key stay away from a broker that has never taken any. */
Test(settling, a_broker_that_never_came_up_is_left_out)
{
    static const kc_mock_options two = { .size = sizeof two, .brokers = 2 };
    static const char *const properties[] = { "batch.size=200", "linger.ms=0",
                                              "partitioner.availability.timeout.ms=200",
                                              "enable.idempotence=false", NULL };
    rig r;
    kc_mock_fault f;
    rig_start_virtual(&r, &two, properties, NULL);
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_HANG;
    f.api = KC_MOCK_API_API_VERSIONS;
    f.broker = 2;
    f.count = -1;
    cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
    for (long n = 0; n < 300; n++) {
        rig_send(&r, n, n + 1, KC_PARTITION_ANY);
        rig_sleep_ms(&r, 5);
    }
    for (long n = 300; n < 600; n++)
        rig_send(&r, n, n + 1, KC_PARTITION_ANY);
    rig_sleep_ms(&r, 1000);
    kc_producer_poll(r.producer, 0, NULL);
    for (long n = 300; n < 600; n++)
        cr_assert_eq(r.outcomes[n].reports, 1, "record %ld waits for it", n);
    kc_mock_clear_faults(r.mock);
    cr_assert_eq(kc_producer_purge(r.producer, true), KC_OK);
    rig_stop(&r);
}

/* A partition with more to send does not wait for an answer, but for a place in flight. */
Test(settling, five_in_flight)
{
    static const char *const properties[] = { "batch.size=1000", "linger.ms=0", NULL };
    rig r;
    arrivals a;
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK); /* the first of an epoch goes alone */
    for (int i = 1; i <= 20; i++)
        cr_assert_eq(send_to(&r, "t", 0, i, 900), KC_OK);
    int64_t at_once = settle(&r, KC_OK);
    rig_stop(&r);

    static const char *const one[] = { "batch.size=1000", "linger.ms=0",
                                       "max.in.flight.requests.per.connection=1", NULL };
    rig_start_virtual(&r, NULL, one, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    watch(&a, &r, PRODUCE);
    for (int i = 1; i <= 20; i++)
        cr_assert_eq(send_to(&r, "t", 0, i, 900), KC_OK);
    int64_t one_by_one = settle(&r, KC_OK);
    cr_expect_eq(a.count, 20);
    cr_expect_leq(2 * at_once, one_by_one, "%lld ms, one by one %lld", (long long)at_once,
                  (long long)one_by_one);
    rig_stop(&r);
}

/* retries=N: the first attempt and N more, then the error, and no more pause. */
Test(settling, as_many_attempts_as_asked_for)
{
    for (int retries = 0; retries <= 4; retries++) {
        char text[32];
        const char *const properties[] = { "enable.idempotence=false", "retry.backoff.ms=10", text,
                                           NULL };
        snprintf(text, sizeof text, "retries=%d", retries);
        rig r;
        arrivals a;
        rig_start_virtual(&r, NULL, properties, NULL);
        fault(&r, KC_MOCK_FAULT_ERROR, PRODUCE, KC_E_NOT_ENOUGH_REPLICAS, 0, -1);
        watch(&a, &r, PRODUCE);
        rig_send(&r, 0, 1, 0);
        settle(&r, KC_E_NOT_DELIVERED);
        cr_expect_eq(a.count, retries + 1, "%d attempts with retries=%d", a.count, retries);
        cr_expect_eq(r.outcomes[0].err, KC_E_NOT_ENOUGH_REPLICAS);
        cr_expect_eq(r.outcomes[0].flags, 0, "it is certainly not written");
        rig_stop(&r);
    }
}

/* What one record is told when its attempts end so, with as many attempts as there are faults. */
static uint32_t flags_after(const int32_t (*faults)[2], int count, bool idempotent)
{
    char text[32];
    const char *const properties[] = { text, "retry.backoff.ms=10",
                                       idempotent ? "enable.idempotence=true"
                                                  : "enable.idempotence=false",
                                       NULL };
    snprintf(text, sizeof text, "retries=%d", count - 1);
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    for (int i = 0; i < count; i++) {
        kc_mock_fault f;
        kc_mock_fault_init(&f, sizeof f);
        f.action = faults[i][0];
        f.api = PRODUCE;
        f.code = faults[i][1];
        f.skip = i;
        cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
    }
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_E_NOT_DELIVERED);
    cr_assert_eq(r.outcomes[0].reports, 1);
    uint32_t flags = r.outcomes[0].flags;
    rig_stop(&r);
    return flags;
}

/* An answer is a proof that nothing was written only if it comes before the broker writes. */
Test(settling, possibly_persisted)
{
    static const struct {
        int32_t faults[2][2];
        int count;
        bool idempotent;
        uint32_t flags;
    } cases[] = {
        { { { KC_MOCK_FAULT_ERROR, KC_E_INVALID_RECORD } }, 1, false, 0 },
        { { { KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS } }, 1, false, 0 },
        { { { KC_MOCK_FAULT_ERROR, KC_E_NOT_LEADER_OR_FOLLOWER } },
          1,
          false,
          KC_DELIVERY_POSSIBLY_PERSISTED },
        { { { KC_MOCK_FAULT_ERROR, KC_E_REQUEST_TIMED_OUT } },
          1,
          false,
          KC_DELIVERY_POSSIBLY_PERSISTED },
        { { { KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND } },
          1,
          false,
          KC_DELIVERY_POSSIBLY_PERSISTED },
        { { { KC_MOCK_FAULT_LOSE_ANSWER, 0 } }, 1, false, KC_DELIVERY_POSSIBLY_PERSISTED },
        { { { KC_MOCK_FAULT_LOSE_ANSWER, 0 }, { KC_MOCK_FAULT_ERROR, KC_E_INVALID_RECORD } },
          2,
          false,
          KC_DELIVERY_POSSIBLY_PERSISTED },
        { { { KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS },
            { KC_MOCK_FAULT_ERROR, KC_E_INVALID_RECORD } },
          2,
          true,
          0 },
        { { { KC_MOCK_FAULT_LOSE_ANSWER, 0 }, { KC_MOCK_FAULT_ERROR, KC_E_INVALID_RECORD } },
          2,
          true,
          KC_DELIVERY_POSSIBLY_PERSISTED },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t flags = flags_after(cases[i].faults, cases[i].count, cases[i].idempotent);
        cr_expect_eq(flags, cases[i].flags, "case %zu: %u", i, flags);
    }
}

/* Purged while it is on the wire: nobody knows. */
Test(settling, a_purge_of_what_is_on_the_wire)
{
    rig r;
    rig_start_virtual(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    fault(&r, KC_MOCK_FAULT_HANG, PRODUCE, 0, 0, -1);
    rig_send(&r, 1, 2, 0);
    rig_sleep_ms(&r, 100);
    rig_send(&r, 2, 3, 1);
    cr_assert_eq(kc_producer_purge(r.producer, true), KC_OK);
    rig_await_reports(&r, 3);
    cr_expect_eq(r.outcomes[1].err, KC_E_PURGED);
    cr_expect_eq(r.outcomes[1].flags, KC_DELIVERY_POSSIBLY_PERSISTED);
    cr_expect_eq(r.outcomes[2].err, KC_E_PURGED);
    cr_expect_eq(r.outcomes[2].flags, 0, "it was not sent");
    rig_stop(&r);
}

/* A send that waits for room goes on with the next answer. */
Test(settling, room_is_told)
{
    enum { RECORDS = 200 };
    static const char *const properties[] = { "buffer.memory=40000", "batch.size=4000",
                                              "linger.ms=0", "max.block.ms=60000", NULL };
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    fault(&r, KC_MOCK_FAULT_DELAY, PRODUCE, 0, 10, -1);
    int64_t begun = rig_now_ms(&r);
    for (long n = 0; n < RECORDS; n++)
        cr_assert_eq(send_to(&r, "t", (int32_t)(n % 3), n, 1000), KC_OK);
    settle(&r, KC_OK);
    int64_t took = rig_now_ms(&r) - begun;
    cr_expect_leq(took, 4000, "%lld ms", (long long)took);
    rig_stop(&r);
}

/* So many records are taken before there is no room. */
static long fill(rig *r)
{
    long n = 0;
    while (send_to(r, "t", (int32_t)(n % 3), n, 500) == KC_OK)
        n++;
    return n;
}

/* What is refused leaves nothing behind. */
Test(settling, refusals_cost_nothing)
{
    static const char *const properties[] = { "buffer.memory=40000", "batch.size=4000",
                                              "linger.ms=1000", "max.block.ms=0", NULL };
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    while (send_to(&r, "t", 0, 0, 10) != KC_OK) /* until the topic is known */
        rig_sleep_ms(&r, 10);
    settle(&r, KC_OK);
    long first = fill(&r);
    cr_assert_gt(first, 10);
    int refused = 0;
    for (int i = 0; i < 2000; i++)
        refused += send_to(&r, "t", i % 3, 0, 500) == KC_E_QUEUE_FULL;
    cr_expect_gt(refused, 1900);
    settle(&r, KC_OK);
    for (int i = 0; i < 2000; i++) { /* larger than all of it, when something is there */
        send_to(&r, "t", 1, 0, 500);
        if (send_to(&r, "t", i % 3, 0, 30000) == KC_OK)
            settle(&r, KC_OK);
    }
    settle(&r, KC_OK);
    long second = fill(&r);
    cr_expect_eq(second, first, "%ld, at first %ld", second, first);
    settle(&r, KC_OK);
    rig_stop(&r);
}

/* The time in which a record lingers is part of delivery.timeout.ms; so is that of its halves. */
Test(settling, a_deadline_counts_from_the_send)
{
    static const char *const properties[] = { "linger.ms=2000", "delivery.timeout.ms=5000",
                                              "request.timeout.ms=1000", NULL };
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    fault(&r, KC_MOCK_FAULT_HANG, PRODUCE, 0, 0, -1);
    int64_t begun = rig_now_ms(&r);
    rig_send(&r, 1, 2, 0);
    rig_await_reports(&r, 2);
    int64_t took = rig_now_ms(&r) - begun;
    cr_expect(took >= 5000 && took <= 5010, "%lld ms", (long long)took);
    cr_expect_eq(r.outcomes[1].err, KC_E_TIMED_OUT);
    rig_stop(&r);

    static const char *const split[] = { "delivery.timeout.ms=5000", "request.timeout.ms=1000",
                                         "linger.ms=10", NULL };
    rig_start_virtual(&r, NULL, split, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    fault(&r, KC_MOCK_FAULT_ERROR, PRODUCE, KC_E_MESSAGE_TOO_LARGE, 0, 1);
    f.action = KC_MOCK_FAULT_HANG;
    f.api = PRODUCE;
    f.skip = 1;
    f.count = -1;
    cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
    begun = rig_now_ms(&r);
    rig_send(&r, 1, 11, 0);
    rig_await_reports(&r, 11);
    took = rig_now_ms(&r) - begun;
    cr_expect(took >= 5000 && took <= 5010, "%lld ms", (long long)took);
    rig_stop(&r);
}

/* No batch is larger than batch.size says, whatever the records' sizes. */
Test(settling, batches_keep_to_their_size)
{
    enum { SIZE = 1000, RECORDS = 60 };
    static const char *const properties[] = { "batch.size=1000", "linger.ms=100", NULL };
    rig r;
    uint8_t batch[4 * SIZE];
    rig_start_virtual(&r, NULL, properties, NULL);
    int64_t largest = 0;
    long n = 0;
    for (size_t size = 1; size < 400; size += size < 40 ? 7 : 37) {
        for (int i = 0; i < RECORDS; i++)
            cr_assert_eq(send_to(&r, "t", 0, n++, size), KC_OK);
        settle(&r, KC_OK);
    }
    for (int64_t i = 0; i < kc_mock_batch_count(r.mock, "t", 0); i++) {
        int64_t bytes = kc_mock_read_batch(r.mock, "t", 0, i, batch, sizeof batch);
        cr_assert_gt(bytes, 0);
        cr_expect_leq(bytes, SIZE, "%lld bytes", (long long)bytes);
        largest = bytes > largest ? bytes : largest;
    }
    cr_expect_gt(largest, SIZE - 60);
    rig_stop(&r);
}

/* Around the limit: what is taken can be sent. */
Test(settling, what_is_taken_fits)
{
    static const char *const properties[] = { "max.request.size=2000", "linger.ms=0",
                                              "batch.size=2000", NULL };
    rig r;
    arrivals a;
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    watch(&a, &r, PRODUCE);
    size_t taken = 0;
    long n = 1;
    for (size_t size = 1700; size <= 2100; size++) {
        kc_err err = send_to(&r, "t", 0, n++, size);
        cr_assert(err == KC_OK || err == KC_E_RECORD_TOO_LARGE);
        cr_assert(err == KC_OK || size > 1800, "%zu", size);
        taken = err == KC_OK ? size : taken;
        settle(&r, KC_OK);
    }
    cr_expect_leq(a.largest, 2000 + 200, "%lld", (long long)a.largest);
    for (int64_t i = 0; i < kc_mock_batch_count(r.mock, "t", 0); i++)
        cr_expect_leq(kc_mock_read_batch(r.mock, "t", 0, i, NULL, 0), 2000);
    cr_expect_gt(taken, 1800);
    rig_stop(&r);
}

/* Partitions that pause do so by themselves: a long pause of one is not another's. */
Test(settling, each_pauses_for_itself)
{
    static const char *const properties[] = { "retry.backoff.ms=20", "retry.backoff.max.ms=20000",
                                              "linger.ms=0", "delivery.timeout.ms=300000", NULL };
    rig r;
    kc_mock_fault f;
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    rig_send(&r, 1, 2, 1);
    settle(&r, KC_OK);
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_ERROR;
    f.api = PRODUCE;
    f.code = KC_E_NOT_ENOUGH_REPLICAS;
    f.topic = "t";
    f.partition = 0;
    f.count = -1;
    int64_t first = kc_mock_add_fault(r.mock, &f);
    rig_send(&r, 2, 3, 0);
    while (kc_mock_fault_hits(r.mock, first) < 9) /* its pause is some 10 s now */
        rig_sleep_ms(&r, 10);
    f.partition = 1;
    f.count = 3;
    kc_mock_add_fault(r.mock, &f);
    int64_t begun = rig_now_ms(&r);
    rig_send(&r, 3, 4, 1);
    for (long n = 4; r.outcomes[3].reports == 0; n++) { /* the other one is looked at meanwhile */
        rig_send(&r, n, n + 1, 0);
        kc_producer_poll(r.producer, 3, NULL);
        cr_assert_lt(n, 1000);
    }
    int64_t took = rig_now_ms(&r) - begun;
    cr_expect_eq(r.outcomes[3].err, KC_OK);
    cr_expect_leq(took, 500, "%lld ms", (long long)took);
    kc_mock_clear_faults(r.mock);
    settle(&r, KC_OK);
    rig_stop(&r);
}

/* A pause is for the broker's sake that failed: the next leader is not made to wait. */
Test(settling, the_next_leader_is_asked_at_once)
{
    static const kc_mock_options two = { .size = sizeof two, .brokers = 2 };
    static const char *const properties[] = {
        "retry.backoff.ms=10000",     "retry.backoff.max.ms=20000", "linger.ms=0",
        "delivery.timeout.ms=300000", "metadata.max.age.ms=5000",   NULL
    };
    rig r;
    int32_t leader;
    rig_start_virtual(&r, &two, properties, NULL);
    rig_send(&r, 0, 1, 0);
    settle(&r, KC_OK);
    int64_t begun = rig_now_ms(&r);
    fault(&r, KC_MOCK_FAULT_ERROR, PRODUCE, KC_E_NOT_ENOUGH_REPLICAS, 0, 1);
    rig_send(&r, 1, 2, 0);
    rig_sleep_ms(&r, 100); /* the pause has begun, of 8 s at least; metadata are renewed in it */
    cr_assert_eq(kc_mock_leader(r.mock, "t", 0, &leader, NULL), KC_OK);
    cr_assert_eq(kc_mock_move_leader(r.mock, "t", 0, leader == 1 ? 2 : 1, 0, 0), KC_OK);
    rig_await_reports(&r, 2);
    int64_t took = rig_now_ms(&r) - begun;
    cr_expect_eq(r.outcomes[1].err, KC_OK);
    cr_expect_leq(took, 6000, "%lld ms", (long long)took);
    rig_stop(&r);
}

/* Failures of one series do not count for the next. */
Test(settling, pauses_for_an_id_begin_anew)
{
    static const char *const properties[] = { "retry.backoff.ms=10", "retry.backoff.max.ms=5000",
                                              "linger.ms=0", NULL };
    rig r;
    arrivals a;
    rig_start_virtual(&r, NULL, properties, NULL);
    fault(&r, KC_MOCK_FAULT_ERROR, KC_MOCK_API_INIT_PRODUCER_ID, KC_E_COORDINATOR_NOT_AVAILABLE, 0,
          9);
    rig_send(&r, 0, 1, 0);
    cr_expect_gt(settle(&r, KC_OK), 2000);
    fault(&r, KC_MOCK_FAULT_ERROR, PRODUCE, KC_E_INVALID_PRODUCER_EPOCH, 0, 1);
    rig_send(&r, 1, 2, 0);
    settle(&r, KC_E_NOT_DELIVERED);
    fault(&r, KC_MOCK_FAULT_ERROR, KC_MOCK_API_INIT_PRODUCER_ID, KC_E_COORDINATOR_NOT_AVAILABLE, 0,
          1);
    watch(&a, &r, KC_MOCK_API_INIT_PRODUCER_ID);
    rig_send(&r, 2, 3, 0);
    settle(&r, KC_OK);
    cr_assert_eq(a.count, 2);
    cr_expect_leq(a.at_ms[1] - a.at_ms[0], 50, "%lld ms", (long long)(a.at_ms[1] - a.at_ms[0]));
    rig_stop(&r);
}
