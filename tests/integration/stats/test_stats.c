/* SPDX-License-Identifier: Apache-2.0 */
/* Every field of kc_stats is fed: each is made to change, and what should be equal is. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

#include "virtual/virtual.h"

enum { RECORDS = 3000, VALUE = 1000 };

static virtual_world *world; /* NULL: threads, sockets and the machine's clock */
static kc_mock *mock;
static kc_client *client;

static const kc_mock_options two = { .size = sizeof two, .brokers = 2, .racks = "a,b" };

static void begin(const char *const *properties)
{
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_create_topic(mock, "t", 2, 1), KC_OK); /* one partition per broker */
    kc_config *config = kc_config_new();
    char bootstrap[200];
    snprintf(bootstrap, sizeof bootstrap, "%s", kc_mock_bootstrap(mock));
    kc_config_set(config, "bootstrap.servers", bootstrap, NULL);
    for (; *properties; properties += 2)
        cr_assert_eq(kc_config_set(config, properties[0], properties[1], &why), KC_OK, "%s",
                     why.text);
    kc_err err = world ? virtual_client_new(world, config, &client, &why)
                       : kc_client_new(config, &client, &why);
    cr_assert_eq(err, KC_OK, "%s", why.text);
    kc_config_free(config);
}

static void start(const char *const *properties)
{
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(&two, &mock, &why), KC_OK, "%s", why.text);
    begin(properties);
}

/* For what is about time. */
static void start_virtual(const char *const *properties)
{
    world = virtual_open(&two, &mock);
    begin(properties);
}

static void stop(void)
{
    if (world) {
        virtual_client_free(world, client);
        virtual_close(world);
        return;
    }
    kc_client_free(client);
    kc_mock_free(mock);
}

static void wait_ms(int ms)
{
    if (world)
        virtual_sleep_ms(world, ms);
    else
        usleep((useconds_t)ms * 1000);
}

static kc_stats stats(void)
{
    kc_stats s = KC_STATS_INIT;
    kc_client_get_stats(client, &s);
    return s;
}

static kc_producer *new_producer(void)
{
    kc_producer *p = NULL;
    kc_error why = { 0 };
    cr_assert_eq(kc_producer_new(client, NULL, &p, &why), KC_OK, "%s", why.text);
    return p;
}

static kc_err send(kc_producer *p, int n)
{
    static const char value[VALUE];
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("t");
    record.partition = n % 2;
    record.value = kc_mem(value, sizeof value);
    return kc_producer_send(p, &record, NULL);
}

static void send_all(kc_producer *p, int count)
{
    for (int i = 0; i < count; i++)
        cr_assert_eq(send(p, i), KC_OK);
    cr_assert_eq(kc_producer_flush(p, 60000, NULL), KC_OK);
}

static void fault(int32_t action, int32_t api, int32_t code, int32_t ms, int64_t count)
{
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = action;
    f.api = api;
    f.code = code;
    f.ms = ms;
    f.count = count;
    cr_assert_gt(kc_mock_add_fault(mock, &f), 0);
}

/* Up to 30 s for what the loop does on its own. */
#define AWAIT(condition)                                  \
    do {                                                  \
        for (int i_ = 0; !(condition) && i_ < 3000; i_++) \
            wait_ms(10);                                  \
        cr_assert(condition);                             \
    } while (0)

Test(stats, of_a_producer)
{
    start((const char *const[]){ "compression.type", "gzip", NULL });
    kc_producer *p = new_producer();
    send_all(p, RECORDS);
    kc_stats s = stats();
    cr_assert_eq(s.records_sent, RECORDS);
    cr_assert_eq(s.records_acked, RECORDS);
    cr_assert_eq(s.records_failed, 0);
    cr_assert_geq(s.batches_sent, 2);
    cr_assert_eq(s.batches_retried, 0);
    cr_assert_gt(s.produce_bytes_uncompressed, RECORDS * VALUE);
    cr_assert_lt(s.produce_bytes, s.produce_bytes_uncompressed / 10);
    cr_assert_eq(s.buffer_waits, 0);
    AWAIT(stats().buffer_bytes == 0);
    kc_producer_free(p);
    stop();
}

Test(stats, of_a_producer_in_trouble)
{
    start((const char *const[]){ "retry.backoff.ms", "1", NULL });
    kc_producer *p = new_producer();
    fault(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE, KC_E_NOT_ENOUGH_REPLICAS, 0, 1);
    cr_assert_eq(send(p, 0), KC_OK);
    cr_assert_eq(kc_producer_flush(p, 60000, NULL), KC_OK);
    kc_stats s = stats();
    cr_assert_eq(s.batches_sent, 2);
    cr_assert_eq(s.batches_retried, 1);
    cr_assert_eq(s.records_acked, 1);
    fault(KC_MOCK_FAULT_ERROR, KC_MOCK_API_PRODUCE, KC_E_TOPIC_AUTHORIZATION_FAILED, 0, 1);
    cr_assert_eq(send(p, 0), KC_OK);
    kc_producer_flush(p, 60000, NULL);
    AWAIT(stats().records_failed == 1);
    kc_producer_free(p);
    stop();
}

Test(stats, of_a_full_buffer)
{
    start_virtual((const char *const[]){ "buffer.memory", "100000", NULL });
    kc_producer *p = new_producer(), *other = new_producer();
    send_all(p, 2);
    AWAIT(stats().buffer_bytes == 0);
    fault(KC_MOCK_FAULT_DELAY, KC_MOCK_API_PRODUCE, 0, 300, 4);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(send(p, i), KC_OK);
    cr_assert_eq(stats().buffer_waits, 0);
    cr_assert_gt(stats().buffer_bytes, 40 * VALUE);
    cr_assert_leq(stats().buffer_bytes, 100000);
    for (int i = 0; i < 40; i++)
        cr_assert_eq(send(other, i), KC_OK);
    cr_assert_gt(stats().buffer_bytes, 80 * VALUE, "of both");
    for (int i = 0; i < 40; i++)
        cr_assert_eq(send(p, i), KC_OK);
    cr_assert_gt(stats().buffer_waits, 0);
    kc_producer_flush(p, 60000, NULL);
    kc_producer_flush(other, 60000, NULL);
    AWAIT(stats().buffer_bytes == 0);
    kc_producer_free(p);
    kc_producer_free(other);
    cr_assert_eq(stats().buffer_bytes, 0);
    stop();
}

/* Reads up to `count` records without giving them back: at most 100 polls. */
static int poll_and_keep(kc_consumer *c, int64_t count, kc_records **kept)
{
    int n = 0;
    for (int64_t seen = 0; seen < count && n < 100;) {
        cr_assert_eq(kc_consumer_poll(c, 30000, &kept[n], NULL), KC_OK);
        if (!kept[n])
            break;
        seen += (int64_t)kc_records_count(kept[n++]);
    }
    return n;
}

static void expect_fetched(const kc_stats *s, int64_t batches)
{
    cr_assert_eq(s->records_fetched, RECORDS);
    cr_assert_eq(s->batches_fetched, batches);
    cr_assert_gt(s->fetch_bytes, RECORDS * VALUE);
    cr_assert_gt(s->fetch_bytes_same_rack, RECORDS / 2 * VALUE);
    cr_assert_eq(s->fetch_bytes_same_rack + s->fetch_bytes_other_rack, s->fetch_bytes);
    cr_assert_gt(s->fetch_buffer_bytes, RECORDS * VALUE);
}

Test(stats, of_a_consumer)
{
    start((const char *const[]){ "client.rack", "b", NULL });
    kc_producer *p = new_producer();
    send_all(p, RECORDS);
    kc_consumer *c;
    cr_assert_eq(kc_consumer_new(client, NULL, &c, NULL), KC_OK);
    const kc_topic_partition_position all[] = { { kc_str("t"), 0, kc_position_beginning() },
                                                { kc_str("t"), 1, kc_position_beginning() } };
    cr_assert_eq(kc_consumer_assign(c, all, 2, NULL), KC_OK);
    kc_records *kept[100];
    int n = poll_and_keep(c, RECORDS, kept);
    kc_stats s = stats();
    expect_fetched(&s, kc_mock_batch_count(mock, "t", 0) + kc_mock_batch_count(mock, "t", 1));
    while (n > 0)
        kc_records_free(kept[--n]);
    cr_assert_eq(stats().fetch_buffer_bytes, 0);
    kc_consumer_free(c);
    kc_producer_free(p);
    stop();
}

Test(stats, of_connections)
{
    start_virtual((const char *const[]){ "request.timeout.ms", "300", "retry.backoff.ms", "10",
                                         "reconnect.backoff.ms", "10", NULL });
    kc_producer *p = new_producer();
    send_all(p, 10);
    kc_stats s = stats();
    cr_assert_geq(s.connects, 3); /* metadata, and two to produce */
    cr_assert_eq(s.connections, s.connects - s.disconnects);
    cr_assert_gt(s.requests, 5);
    cr_assert_leq(s.responses, s.requests);
    cr_assert_gt(s.responses, 5);
    cr_assert_gt(s.metadata_requests, 0);
    cr_assert_gt(s.bytes_out, 10 * VALUE);
    cr_assert_gt(s.bytes_in, 100);
    cr_assert_gt(s.reads, 0);
    cr_assert_gt(s.writes, 0);
    cr_assert_eq(s.request_timeouts + s.throttle_us, 0);
    fault(KC_MOCK_FAULT_THROTTLE, KC_MOCK_API_PRODUCE, 0, 20, 1);
    send_all(p, 2);
    AWAIT(stats().throttle_us == 20000);
    fault(KC_MOCK_FAULT_HANG, KC_MOCK_API_PRODUCE, 0, 0, 1);
    send_all(p, 2);
    AWAIT(stats().request_timeouts > 0 && stats().disconnects > s.disconnects);
    cr_assert_eq(kc_mock_broker_down(mock, 1, 0), KC_OK);
    cr_assert_eq(send(p, 0), KC_OK);
    AWAIT(stats().connect_failures > 0);
    cr_assert_eq(kc_mock_broker_up(mock, 1), KC_OK);
    kc_producer_free(p);
    stop();
}

/* Whatever the properties hold, the line is UTF-8. */
Test(stats, json_of_a_name_that_is_no_utf8)
{
    static const char wanted[] =
        "{\"client_id\":\"a\\ufffd\xc3\xbc\\ufffd\\ufffd\\ufffd\\u0001\\ufffd\",";
    start((const char *const[]){ "client.id", "a\xff\xc3\xbc\xed\xa0\x80\x01\xc3", NULL });
    char text[4000];
    size_t size = kc_client_stats_json(client, text, sizeof text);
    cr_assert_eq(size, strlen(text));
    cr_assert_eq(strncmp(text, wanted, strlen(wanted)), 0, "%s", text);
    stop();
}

Test(stats, as_json_and_in_an_older_struct)
{
    start((const char *const[]){ "client.id", "a\"b", NULL });
    char text[4000], small[20];
    size_t size = kc_client_stats_json(client, text, sizeof text);
    cr_assert_eq(size, strlen(text));
    cr_assert_eq(strncmp(text, "{\"client_id\":\"a\\u0022b\",\"connects\":", 35), 0, "%s", text);
    int fields = 0;
    for (const char *at = text; (at = strstr(at, "\":")); at++)
        fields++;
    cr_assert_eq(fields, 1 + (int)((sizeof(kc_stats) - 8) / sizeof(int64_t)));
    cr_assert_eq(kc_client_stats_json(client, small, sizeof small), size);
    cr_assert_eq(strlen(small), sizeof small - 1);
    kc_stats s = { .size = offsetof(kc_stats, connects), .connects = -5 };
    kc_client_get_stats(client, &s);
    cr_assert_eq(s.connects, -5);
    stop();
}
