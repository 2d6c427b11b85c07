/* SPDX-License-Identifier: Apache-2.0 */
/* Bad input, full buffers, deadlines, and the ends of things: each a clear error in time, and every
 * record that was taken reported once. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

/* On the virtual clock a deadline is met to the millisecond, but for the network's latency. */
static void expect_took(rig *r, int64_t begun, int64_t ms)
{
    int64_t took = rig_now_ms(r) - begun;
    cr_expect(took >= ms && took <= ms + 10, "%lld ms instead of %lld", (long long)took,
              (long long)ms);
}

static kc_err send_value(rig *r, const char *topic, size_t size, kc_error *why)
{
    void *value = calloc(1, size ? size : 1);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(topic);
    record.value = kc_mem(value, size);
    kc_err err = kc_producer_send(r->producer, &record, why);
    free(value);
    return err;
}

Test(limits, bad_records_are_refused)
{
    rig r;
    kc_error why = { 0 };
    kc_producer_record good = KC_PRODUCER_RECORD_INIT, bad;
    rig_start(&r, NULL, NULL, NULL);
    good.topic = kc_str("t");
    good.value = kc_str("v");

    bad = good;
    bad.size = 0;
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    bad = good;
    bad.topic = kc_mem(NULL, 0);
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    bad = good;
    bad.partition = -2;
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    bad = good;
    bad.timestamp = -5;
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    bad = good;
    bad.key = kc_mem(NULL, 3);
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    kc_header header = { { NULL, 0 }, { NULL, 0 } };
    bad = good;
    bad.headers = &header;
    bad.header_count = 1;
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);
    bad.headers = NULL;
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_ARGUMENT);

    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    bad = good;
    bad.topic = kc_mem(long_name, sizeof long_name);
    cr_expect_eq(kc_producer_send(r.producer, &bad, &why), KC_E_INVALID_TOPIC_EXCEPTION);

    kc_producer_counts counts = KC_PRODUCER_COUNTS_INIT;
    kc_producer_get_counts(r.producer, &counts);
    cr_expect_eq(counts.accepted, 0);
    cr_expect_eq(kc_producer_send(r.producer, &good, &why), KC_OK);
    rig_stop(&r);
}

Test(limits, too_large_a_record)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "max.request.size=10000", NULL };
    rig_start(&r, NULL, properties, NULL);
    cr_expect_eq(send_value(&r, "t", 10000, &why), KC_E_RECORD_TOO_LARGE);
    cr_expect_not_null(strstr(why.text, "max.request.size"));
    cr_expect_eq(send_value(&r, "t", 9900, &why), KC_OK);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, &why), KC_OK, "%s", why.text);
    rig_stop(&r);
}

Test(limits, an_unknown_topic_and_partition)
{
    rig r;
    kc_error why = { 0 };
    int32_t count = 0;
    kc_mock_options mock = { .size = sizeof mock, .brokers = 1, .no_auto_create = true };
    const char *const properties[] = { "max.block.ms=400", NULL };
    rig_start_virtual(&r, &mock, properties, NULL);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(send_value(&r, "missing", 10, &why), KC_E_UNKNOWN_TOPIC_OR_PARTITION, "%s",
                 why.text);
    cr_expect_not_null(strstr(why.text, "missing"));
    expect_took(&r, begun, 400);
    begun = rig_now_ms(&r);
    cr_expect_eq(rig_try(&r, 0, 3, &why), KC_E_UNKNOWN_PARTITION, "%s", why.text);
    cr_expect_not_null(strstr(why.text, "3 partitions"));
    expect_took(&r, begun, 0); /* the present metadata are certain */
    cr_expect_eq(kc_producer_partition_count(r.producer, kc_str("t"), &count, &why), KC_OK);
    cr_expect_eq(count, 3);
    rig_stop(&r);
}

Test(limits, a_partition_that_was_just_added_is_found)
{
    rig r;
    kc_error why = { 0 };
    rig_start(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_mock_add_partitions(r.mock, "t", 5), KC_OK);
    cr_expect_eq(rig_try(&r, 1, 4, &why), KC_OK, "%s", why.text);
    rig_expect_all(&r, 2);
    rig_stop(&r);
}

Test(limits, a_full_buffer_without_waiting)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "max.block.ms=0", "buffer.memory=100000", "linger.ms=100",
                                       NULL };
    rig_start(&r, NULL, properties, NULL);
    int fd = kc_producer_fd(r.producer);
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    long taken = 0;
    bool was_full = false;
    /* The first sends know no metadata yet; the descriptor tells when there are. */
    for (int turns = 0; taken < 100000 && turns < 1000000; turns++) {
        kc_err err = rig_try(&r, taken, 0, &why);
        if (err == KC_OK) {
            taken++;
            continue;
        }
        cr_assert(err == KC_E_QUEUE_FULL || err == KC_E_TIMED_OUT, "%s", why.text);
        was_full |= err == KC_E_QUEUE_FULL;
        cr_assert_eq(poll(&ready, 1, 60000), 1, "nobody tells that there is room");
        kc_producer_poll(r.producer, 0, NULL);
        kc_producer_counts counts = KC_PRODUCER_COUNTS_INIT;
        kc_producer_get_counts(r.producer, &counts);
        cr_assert_leq(counts.buffer_bytes, 100000);
    }
    cr_expect(was_full);
    cr_expect_eq(taken, 100000);
    rig_expect_all(&r, taken);
    rig_stop(&r);
}

Test(limits, a_full_buffer_is_waited_for)
{
    rig r;
    const char *const properties[] = { "max.block.ms=20000", "buffer.memory=40000",
                                       "linger.ms=10000", NULL };
    rig_start_virtual(&r, NULL, properties, NULL);
    int64_t begun = rig_now_ms(&r);
    for (long n = 0; n < 20000; n++)
        rig_send(&r, n, n + 1, (int32_t)(n % 3));
    rig_expect_all(&r, 20000);
    cr_expect_lt(rig_now_ms(&r) - begun, 9000, "open batches go when memory is short");
    rig_stop(&r);
}

Test(limits, a_full_buffer_with_the_broker_down)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "max.block.ms=300", "buffer.memory=40000", NULL };
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    long n = 1;
    int64_t begun = rig_now_ms(&r);
    kc_err err = KC_OK;
    while (err == KC_OK && n < 100000) {
        begun = rig_now_ms(&r);
        err = rig_try(&r, n++, 0, &why);
    }
    cr_expect_eq(err, KC_E_QUEUE_FULL, "%s", why.text);
    expect_took(&r, begun, 300);
    kc_mock_broker_up(r.mock, 1);
    rig_expect_all(&r, n - 1);
    rig_stop(&r);
}

Test(limits, delivery_timeout_while_the_broker_is_down)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "delivery.timeout.ms=1000", "request.timeout.ms=500",
                                       "linger.ms=0", NULL };
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    int64_t begun = rig_now_ms(&r);
    rig_send(&r, 1, 50, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, &why), KC_E_NOT_DELIVERED);
    expect_took(&r, begun, 1000);
    for (long n = 1; n < 50; n++) {
        cr_expect_eq(r.outcomes[n].reports, 1);
        cr_expect_eq(r.outcomes[n].err, KC_E_TIMED_OUT);
    }
    cr_expect_not_null(strstr(r.last_text, "delivery.timeout.ms"), "%s", r.last_text);
    kc_mock_broker_up(r.mock, 1);
    rig_send(&r, 50, 60, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, &why), KC_OK, "%s", why.text);
    rig_stop(&r);
}

Test(limits, an_answer_that_does_not_come_is_possibly_persisted)
{
    rig r;
    const char *const properties[] = { "delivery.timeout.ms=2500", "request.timeout.ms=2000",
                                       "linger.ms=0", NULL };
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_fault(&r, KC_MOCK_FAULT_HANG, 0, 0, -1, KC_MOCK_FAULT_APPLIED);
    rig_send(&r, 0, 1, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_E_NOT_DELIVERED);
    cr_expect_eq(r.outcomes[0].err, KC_E_TIMED_OUT);
    cr_expect(r.outcomes[0].flags & KC_DELIVERY_POSSIBLY_PERSISTED);
    kc_mock_clear_faults(r.mock);
    rig_send(&r, 1, 20, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    rig_stop(&r);
}

Test(limits, close_flushes_and_later_sends_are_refused)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "linger.ms=10000", NULL };
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 100, 0);
    cr_expect_eq(kc_producer_close(r.producer, 60000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(r.reported, 100);
    cr_expect_eq(rig_try(&r, 100, 0, &why), KC_E_CLOSED);
    cr_expect_eq(kc_producer_close(r.producer, 60000, &why), KC_OK);
    rig_stop(&r);
}

Test(limits, close_returns_in_time_and_reports_what_was_left)
{
    rig r;
    kc_error why = { 0 };
    rig_start_virtual(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 300, 0);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(kc_producer_close(r.producer, 300, &why), KC_E_TIMED_OUT);
    expect_took(&r, begun, 300);
    cr_expect_not_null(strstr(why.text, "299 records"), "%s", why.text);
    for (long n = 1; n < 300; n++) {
        cr_assert_eq(r.outcomes[n].reports, 1);
        cr_assert_eq(r.outcomes[n].err, KC_E_PURGED);
    }
    rig_stop(&r);
}

Test(limits, flush_has_a_deadline)
{
    rig r;
    rig_start_virtual(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 10, 0);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(kc_producer_flush(r.producer, 200, NULL), KC_E_TIMED_OUT);
    expect_took(&r, begun, 200);
    kc_mock_broker_up(r.mock, 1);
    rig_expect_all(&r, 10);
    rig_stop(&r);
}

Test(limits, purge)
{
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 10, 0);
    cr_expect_eq(kc_producer_purge(r.producer, true), KC_OK);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_E_NOT_DELIVERED);
    for (long n = 1; n < 10; n++)
        cr_expect_eq(r.outcomes[n].err, KC_E_PURGED);
    kc_mock_broker_up(r.mock, 1);
    rig_send(&r, 10, 20, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    rig_stop(&r);
}

static void wake(void *producer)
{
    kc_producer_wakeup(producer);
}

static void *wake_soon(void *producer)
{
    usleep(200000); /* the send has probably begun; if not, its next wait ends */
    kc_producer_wakeup(producer);
    return NULL;
}

Test(limits, wakeup_ends_a_blocked_send)
{
    rig r;
    kc_error why = { 0 };
    pthread_t thread;
    rig_start(&r, NULL, NULL, NULL);
    kc_mock_broker_down(r.mock, 1, 0);
    pthread_create(&thread, NULL, wake_soon, r.producer);
    cr_expect_eq(rig_try(&r, 0, 0, &why), KC_E_INTERRUPTED, "%s", why.text);
    pthread_join(thread, NULL);
    rig_stop(&r);
}

Test(limits, wakeup_ends_a_blocked_send_at_once)
{
    rig r;
    kc_error why = { 0 };
    rig_start_virtual(&r, NULL, NULL, NULL);
    kc_mock_broker_down(r.mock, 1, 0);
    int64_t begun = rig_now_ms(&r);
    virtual_after_ms(r.world, 200, wake, r.producer);
    cr_expect_eq(rig_try(&r, 0, 0, &why), KC_E_INTERRUPTED, "%s", why.text);
    expect_took(&r, begun, 200);
    rig_stop(&r);
}

Test(limits, no_metadata_names_the_reason)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "max.block.ms=500", NULL };
    rig_start_virtual(&r, NULL, properties, NULL);
    kc_mock_broker_down(r.mock, 1, 0);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(rig_try(&r, 0, 0, &why), KC_E_TIMED_OUT);
    expect_took(&r, begun, 500);
    cr_expect_not_null(strstr(why.text, "max.block.ms"), "%s", why.text);
    rig_stop(&r);
}

Test(limits, contradicting_properties)
{
    kc_error why = { 0 };
    kc_client *client = NULL;
    kc_producer *producer = NULL;
    kc_config *config = kc_config_new();
    kc_config_set(config, "bootstrap.servers", "127.0.0.1:1", NULL);
    kc_config_set(config, "enable.idempotence", "true", NULL);
    kc_config_set(config, "acks", "1", NULL);
    cr_assert_eq(kc_client_new(config, &client, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_producer_new(client, NULL, &producer, &why), KC_E_BAD_PROPERTY);
    cr_expect_null(producer);
    cr_expect_not_null(strstr(why.text, "acks"), "%s", why.text);
    kc_client_free(client);
    kc_config_free(config);
}

Test(limits, the_client_is_closed_first)
{
    rig r;
    kc_error why = { 0 };
    const char *const properties[] = { "linger.ms=10000", NULL };
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 100, 0);
    cr_expect_eq(kc_client_close(r.client, 60000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 100, "closing has flushed");
    cr_expect_eq(rig_try(&r, 100, 0, &why), KC_E_CLOSED);
    cr_expect_eq(kc_producer_poll(r.producer, 0, NULL), KC_OK);
    cr_expect_eq(r.reported, 100);
    rig_stop(&r);
}

Test(limits, the_client_is_closed_with_the_broker_down)
{
    rig r;
    rig_start_virtual(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 100, 0);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(kc_client_close(r.client, 300, NULL), KC_E_TIMED_OUT);
    expect_took(&r, begun, 300);
    kc_producer_poll(r.producer, 0, NULL);
    for (long n = 1; n < 100; n++)
        cr_assert_eq(r.outcomes[n].reports, 1, "record %ld: %d reports", n, r.outcomes[n].reports);
    rig_stop(&r);
}

/* What is in the log of a partition is the beginning of what was sent to it, once and in order;
 * what was reported as delivered is part of it. */
static void expect_beginnings(rig *r, long count)
{
    int *times = calloc((size_t)count, sizeof *times);
    cr_assert_not_null(times);
    for (int32_t p = 0; p < 3; p++)
        rig_stored(r, p, times, count, true);
    for (long n = 0; n < count; n++) {
        cr_assert_leq(times[n], 1, "record %ld is stored %d times", n, times[n]);
        cr_assert(n < 3 || times[n] <= times[n - 3], "record %ld is stored, %ld is not", n, n - 3);
        cr_assert_leq(r->outcomes[n].reports, 1);
        cr_assert(r->outcomes[n].reports == 0 || r->outcomes[n].err != KC_OK || times[n] == 1);
    }
    free(times);
}

static void free_after(int i)
{
    enum { COUNT = 3000 };
    rig r;
    const char *const properties[] = { "batch.size=500", NULL };
    rig_start(&r, NULL, properties, NULL);
    for (long n = 0; n < COUNT; n++)
        rig_send(&r, n, n + 1, (int32_t)(n % 3));
    if (i > 4) /* some are delivered by then */
        rig_await_reports(&r, 1 + (i - 5) * 600);
    long reported = r.reported;
    if (i % 2)
        kc_client_free(r.client);
    kc_producer_free(r.producer);
    if (i % 2 == 0)
        kc_client_free(r.client);
    cr_expect_eq(r.reported, reported, "kc_producer_free does not call back");
    for (int turns = 0; kc_mock_connections(r.mock, -1) > 0 && turns < 3000; turns++)
        rig_sleep_ms(&r, 10);
    cr_expect_eq(kc_mock_connections(r.mock, -1), 0);
    expect_beginnings(&r, COUNT);
    r.producer = NULL;
    r.client = NULL;
    rig_stop(&r);
}

Test(limits, freed_in_the_middle)
{
    for (int i = 0; i < 10; i++)
        free_after(i);
}
