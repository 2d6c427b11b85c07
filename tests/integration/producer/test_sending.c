/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives, in which order, and what is reported of it. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/murmur2.h"
#include "rig.h"

Test(sending, records_arrive_once_in_order_with_their_offsets)
{
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    for (long n = 0; n < 30000; n++)
        rig_send(&r, n, n + 1, (int32_t)(n % 3));
    rig_expect_all(&r, 30000);
    rig_expect_stored_once(&r, 3, 30000);
    for (long n = 0; n < 30000; n++)
        cr_assert_eq(r.outcomes[n].offset, n / 3, "record %ld at %lld", n,
                     (long long)r.outcomes[n].offset);
    rig_stop(&r);
}

Test(sending, send_many_is_the_same)
{
    enum { COUNT = 5000 };
    static kc_producer_record records[COUNT];
    static char values[COUNT][16];
    rig r;
    size_t sent = 0;
    rig_start(&r, NULL, NULL, NULL);
    for (int n = 0; n < COUNT; n++) {
        records[n] = (kc_producer_record)KC_PRODUCER_RECORD_INIT;
        records[n].topic = kc_str("t");
        records[n].partition = n % 3;
        records[n].value =
            kc_mem(values[n], (size_t)snprintf(values[n], sizeof values[n], "v%d", n));
        records[n].opaque = (void *)(uintptr_t)(n + 1);
    }
    cr_expect_eq(kc_producer_send_many(r.producer, records, COUNT, &sent, NULL), KC_OK);
    cr_expect_eq(sent, COUNT);
    rig_expect_all(&r, COUNT);
    rig_expect_stored_once(&r, 3, COUNT);

    records[70].partition = -7;
    cr_expect_eq(kc_producer_send_many(r.producer, records, 100, &sent, NULL),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(sent, 70, "it stops before the bad one, not at %zu", sent);
    rig_stop(&r);
}

static void codec(const char *property)
{
    const char *const properties[] = { property, "batch.size=4096", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 20000, 1);
    rig_expect_all(&r, 20000);
    int times[20000] = { 0 };
    cr_expect_eq(rig_stored(&r, 1, times, 20000, true), 20000);
    kc_stats stats = KC_STATS_INIT;
    kc_client_get_stats(r.client, &stats);
    cr_expect_lt(stats.produce_bytes, stats.produce_bytes_uncompressed);
    rig_stop(&r);
}

Test(sending, gzip)
{
    codec("compression.type=gzip");
}

#if KCI_HAVE_SNAPPY
Test(sending, snappy)
{
    codec("compression.type=snappy");
}
#endif

#if KCI_HAVE_LZ4
Test(sending, lz4)
{
    codec("compression.type=lz4");
}
#endif

#if KCI_HAVE_ZSTD
Test(sending, zstd)
{
    codec("compression.type=zstd");
}
#endif

static void acks(const char *property, uint32_t flags)
{
    const char *const properties[] = { property, NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1000, 2);
    rig_expect_all(&r, 1000);
    cr_expect_eq(r.outcomes[999].flags, flags);
    cr_expect_eq(r.outcomes[999].offset, flags ? -1 : 999);
    for (int turns = 0; kc_mock_log_end_offset(r.mock, "t", 2) < 1000 && turns < 1500; turns++)
        rig_sleep_ms(&r, 20);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 2), 1000);
    rig_stop(&r);
}

Test(sending, acks_of_the_leader)
{
    acks("acks=1", 0);
}

Test(sending, without_acks)
{
    acks("acks=0", KC_DELIVERY_OFFSET_UNKNOWN);
}

Test(sending, every_record_alone)
{
    const char *const properties[] = { "batch.size=0", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 300, 0);
    rig_expect_all(&r, 300);
    cr_expect_eq(kc_mock_batch_count(r.mock, "t", 0), 300);
    rig_stop(&r);
}

Test(sending, keys_go_where_java_puts_them)
{
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    for (int n = 0; n < 500; n++) {
        char key[16], value[16];
        kc_producer_record record = KC_PRODUCER_RECORD_INIT;
        record.topic = kc_str("t");
        record.key = kc_mem(key, (size_t)snprintf(key, sizeof key, "key-%d", n));
        record.value = kc_mem(value, (size_t)snprintf(value, sizeof value, "v%d", n));
        record.opaque = (void *)(uintptr_t)(n + 1);
        cr_assert_eq(kc_producer_send(r.producer, &record, NULL), KC_OK);
        cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
        cr_expect_eq(r.outcomes[n].partition, kci_murmur2_partition(record.key, 3));
    }
    rig_stop(&r);
}

Test(sending, without_key_partitions_fill_evenly)
{
    const char *const properties[] = { "batch.size=1024", NULL }; /* some 2,000 choices */
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 150000, KC_PARTITION_ANY);
    rig_expect_all(&r, 150000);
    for (int32_t p = 0; p < 3; p++) {
        int64_t records = kc_mock_log_end_offset(r.mock, "t", p);
        cr_expect(records > 30000 && records < 70000, "%lld in partition %d", (long long)records,
                  p);
    }
    rig_stop(&r);
}

Test(sending, round_robin)
{
    const char *const properties[] = { "partitioner.class=round-robin", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 300, KC_PARTITION_ANY);
    rig_expect_all(&r, 300);
    for (long n = 3; n < 300; n++)
        cr_assert_eq(r.outcomes[n].partition, r.outcomes[n - 3].partition);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 100);
    rig_stop(&r);
}

static int32_t last_partition(void *user, const kc_partitioner_input *input)
{
    int *calls = user;
    ++*calls;
    cr_assert_eq(input->partition_count, 3);
    cr_assert_eq(input->available_count, 3);
    if (input->record->value.size == 2)
        return -1;
    return input->available[2];
}

static void closed(void *user)
{
    *(int *)user += 1000000;
}

Test(sending, a_programs_partitioner)
{
    int calls = 0;
    kc_partitioner own = {
        .size = sizeof own, .user = &calls, .partition = last_partition, .close = closed
    };
    kc_producer_options options = { .size = sizeof options, .partitioner = &own };
    kc_error why = { 0 };
    rig r;
    rig_start(&r, NULL, NULL, &options);
    cr_expect_eq(rig_try(&r, 1, KC_PARTITION_ANY, &why), KC_E_REJECTED);
    rig_send(&r, 10, 20, KC_PARTITION_ANY);
    rig_send(&r, 20, 21, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    cr_expect_eq(calls, 11, "an explicit partition is not asked for");
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 2), 10);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 1);
    rig_stop(&r);
    cr_expect_eq(calls, 1000011);
}

typedef struct seen {
    int sends, sent, refused, acknowledged, closes;
} seen;

static kc_err mark(void *user, kc_producer_record *record, kc_error *detail)
{
    static const kc_header header = { { (const uint8_t *)"by", 2 }, { (const uint8_t *)"me", 2 } };
    seen *s = user;
    s->sends++;
    if (record->value.size == 2) {
        snprintf(detail->text, sizeof detail->text, "too short for me");
        return KC_E_REJECTED;
    }
    record->headers = &header;
    record->header_count = 1;
    return KC_OK;
}

static void on_sent(void *user, const kc_producer_record *record, kc_err err)
{
    seen *s = user;
    cr_assert(record->header_count == 1 || err != KC_OK);
    s->sent += err == KC_OK;
    s->refused += err != KC_OK;
}

static void on_acknowledgement(void *user, const kc_delivery *delivery)
{
    ((seen *)user)->acknowledged += delivery->count;
}

static void on_close(void *user)
{
    ((seen *)user)->closes++;
}

Test(sending, interceptors)
{
    seen first = { 0 }, second = { 0 };
    kc_producer_interceptor chain[2] = {
        { .size = sizeof chain[0], .user = &first, .on_sent = on_sent, .on_close = on_close },
        { .size = sizeof chain[0],
          .user = &second,
          .on_send = mark,
          .on_sent = on_sent,
          .on_acknowledgement = on_acknowledgement,
          .on_close = on_close },
    };
    kc_producer_options options = { .size = sizeof options,
                                    .interceptors = chain,
                                    .interceptor_count = 2 };
    kc_error why = { 0 };
    rig r;
    rig_start(&r, NULL, NULL, &options);
    cr_expect_eq(rig_try(&r, 1, 0, &why), KC_E_REJECTED);
    cr_expect_str_eq(why.text, "too short for me");
    rig_send(&r, 10, 30, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    rig_stop(&r);
    cr_expect_eq(second.sends, 21);
    cr_expect_eq(second.sent, 20);
    cr_expect_eq(second.refused, 0, "it has refused the record itself");
    cr_expect_eq(first.refused, 1);
    cr_expect_eq(second.acknowledged, 20);
    cr_expect_eq(first.closes + second.closes, 2);
}

Test(sending, outcomes_can_be_taken_and_outlive_the_producer)
{
    kc_producer_options options = { .size = sizeof options, .flags = KC_PRODUCER_TAKE };
    rig r;
    rig_start(&r, NULL, NULL, &options);
    int fd = kc_producer_fd(r.producer);
    cr_assert_geq(fd, 0);
    struct pollfd ready = { .fd = fd, .events = POLLIN };
    cr_expect_eq(poll(&ready, 1, 0), 0);
    rig_send(&r, 0, 100, 1);
    cr_expect_eq(poll(&ready, 1, 60000), 1);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    kc_deliveries *d = NULL, *none = NULL;
    cr_assert_eq(kc_producer_take(r.producer, 60000, &d), KC_OK);
    cr_assert_not_null(d);
    cr_expect_eq(kc_producer_take(r.producer, 0, &none), KC_OK);
    cr_expect_null(none);
    cr_expect_eq(poll(&ready, 1, 0), 0);
    rig_stop(&r);

    int64_t next = 0;
    kc_delivery one = KC_DELIVERY_INIT;
    for (size_t i = 0; kc_deliveries_at(d, i, &one); i++) {
        cr_expect_eq(one.err, KC_OK);
        cr_expect_eq(one.base_offset, next);
        cr_expect_eq(one.topic.size, 1);
        cr_expect_eq(one.topic.data[0], 't');
        cr_expect_eq(one.opaques[0], (void *)(uintptr_t)(next + 1));
        next += one.count;
    }
    cr_expect_eq(next, 100);
    size_t ranges = kc_deliveries_count(d);
    cr_expect_gt(ranges, 0);
    cr_expect(kc_deliveries_at(d, ranges - 1, &one));
    cr_expect_not(kc_deliveries_at(d, ranges, &one));
    cr_expect_eq(kc_deliveries_count(NULL), 0);
    kc_deliveries_free(d);
}

Test(sending, log_append_time_is_told)
{
    kc_producer_options options = { .size = sizeof options, .flags = KC_PRODUCER_TAKE };
    rig r;
    rig_start(&r, NULL, NULL, &options);
    kc_mock_set_topic_config(r.mock, "t", "message.timestamp.type", "LogAppendTime");
    rig_send(&r, 0, 1, 1);
    kc_deliveries *d = NULL;
    kc_delivery one = KC_DELIVERY_INIT;
    cr_assert_eq(kc_producer_take(r.producer, 60000, &d), KC_OK);
    cr_assert(kc_deliveries_at(d, 0, &one));
    cr_expect_gt(one.timestamp, 1000000000000);
    kc_deliveries_free(d);
    rig_stop(&r);
}

/* Record 2 has no key, in a topic that wants one. */
static void send_one_keyless(rig *r)
{
    kc_error why;
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("t");
    record.partition = 0;
    for (intptr_t i = 0; i < 5; i++) {
        record.key = i == 2 ? kc_mem(NULL, 0) : kc_str("k");
        record.opaque = (void *)(i + 1);
        cr_assert_eq(kc_producer_send(r->producer, &record, &why), KC_OK, "%s", why.text);
    }
}

Test(sending, a_refused_record_is_told_from_its_batch)
{
    const char *const properties[] = { "linger.ms=10000", NULL };
    kc_error why;
    rig r;
    rig_start(&r, NULL, properties, NULL);
    kc_mock_set_topic_config(r.mock, "t", "cleanup.policy", "compact");
    send_one_keyless(&r);
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_E_NOT_DELIVERED);
    cr_expect(strstr(why.text, "INVALID_RECORD") && strstr(why.text, "without key"), "%s",
              why.text);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(r.outcomes[i].reports, 1);
        cr_expect_eq(r.outcomes[i].err, i == 2 ? KC_E_INVALID_RECORD : KC_E_BATCH_REFUSED);
        cr_expect_eq(r.outcomes[i].flags, 0);
    }
    rig_stop(&r);
}

Test(sending, a_refused_record_is_told_from_its_batch_when_taken)
{
    const char *const properties[] = { "linger.ms=10000", "compression.type=lz4", NULL };
    kc_producer_options options = { .size = sizeof options, .flags = KC_PRODUCER_TAKE };
    static const kc_err expected[] = { KC_E_BATCH_REFUSED, KC_E_INVALID_RECORD,
                                       KC_E_BATCH_REFUSED };
    kc_error why;
    kc_deliveries *d = NULL;
    kc_delivery one = KC_DELIVERY_INIT;
    rig r;
    rig_start(&r, NULL, properties, &options);
    kc_mock_set_topic_config(r.mock, "t", "cleanup.policy", "compact,delete");
    send_one_keyless(&r);
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_E_NOT_DELIVERED);
    cr_assert_eq(kc_producer_take(r.producer, 0, &d), KC_OK);
    cr_assert_eq(kc_deliveries_count(d), 3);
    intptr_t next = 0;
    for (size_t i = 0; kc_deliveries_at(d, i, &one); i++) {
        cr_expect_eq(one.err, expected[i]);
        cr_expect_eq(one.base_offset, -1);
        for (int32_t n = 0; n < one.count; n++)
            cr_expect_eq(one.opaques[n], (void *)++next);
    }
    cr_expect_eq(next, 5);
    rig_stop(&r);
    kc_deliveries_free(d);
}

Test(sending, a_batch_too_large_for_the_topic_is_split)
{
    static const char *const codecs[] = { "compression.type=none", "compression.type=gzip" };
    for (int i = 0; i < 2; i++) {
        const char *const properties[] = { codecs[i], "batch.size=100000", "linger.ms=1000", NULL };
        rig r;
        rig_start(&r, NULL, properties, NULL);
        kc_mock_set_topic_config(r.mock, "t", "max.message.bytes", i ? "1500" : "3000");
        rig_send(&r, 0, 5000, 0);
        rig_expect_all(&r, 5000);
        int times[5000] = { 0 };
        cr_expect_eq(rig_stored(&r, 0, times, 5000, true), 5000);
        for (long n = 0; n < 5000; n++)
            cr_assert_eq(r.outcomes[n].offset, n);
        rig_stop(&r);
    }
}

Test(sending, poll_waits_for_the_first_outcome)
{
    size_t served = 0;
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    cr_expect_eq(kc_producer_poll(r.producer, 0, &served), KC_OK);
    cr_expect_eq(served, 0);
    rig_send(&r, 0, 10, 0);
    cr_expect_eq(kc_producer_poll(r.producer, 60000, &served), KC_OK);
    cr_expect_gt(served, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL),
                 KC_OK); /* of ten, if they were split */
    kc_producer_wakeup(r.producer);
    cr_expect_eq(kc_producer_poll(r.producer, 60000, &served), KC_E_INTERRUPTED);
    rig_stop(&r);
}
