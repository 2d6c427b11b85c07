/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that send nonsense: their connections may end, the cluster goes on. And memory that runs
 * out at any point. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/random.h"
#include "peer.h"

static kc_mock *mock;

static void open_all(void)
{
    cr_assert_eq(kc_mock_new(NULL, &mock, NULL), KC_OK);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 2, 3), KC_OK);
}

static void close_all(void)
{
    kc_mock_free(mock);
}

TestSuite(hostile, .init = open_all, .fini = close_all);

static void check_alive(void)
{
    peer p;
    peer_open(&p, mock, 1);
    int64_t end = kc_mock_log_end_offset(mock, "t", 0);
    cr_assert_eq(peer_produce_ok(&p, "t", 0, 1), end);
    peer_close(&p);
}

/* A connection that sends this is dropped without an answer. */
static void check_dropped(const void *bytes, size_t size)
{
    peer p;
    peer_open(&p, mock, 1);
    peer_send_raw(&p, bytes, size);
    cr_assert_not(peer_receive_frame(&p));
    peer_close(&p);
    check_alive();
}

Test(hostile, nonsense_is_dropped)
{
    check_dropped("GET / HTTP/1.1\r\n\r\n", 18);
    check_dropped("\x16\x03\x01\x02\x00\x01\x00", 7);
    static const uint8_t huge[] = { 0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
    check_dropped(huge, sizeof huge);
    static const uint8_t negative[] = { 0xff, 0xff, 0xff, 0xff };
    check_dropped(negative, sizeof negative);
    static const uint8_t short_header[] = { 0, 0, 0, 3, 0, 18, 0 };
    check_dropped(short_header, sizeof short_header);
    static const uint8_t unknown_api[] = { 0, 0, 0, 10, 3, 0xe7, 0, 0, 0, 0, 0, 1, 0xff, 0xff };
    check_dropped(unknown_api, sizeof unknown_api);
    static const uint8_t not_offered[] = { 0, 0, 0, 10, 0, 29, 0, 1, 0, 0, 0, 1, 0xff, 0xff };
    check_dropped(not_offered, sizeof not_offered);
    static const uint8_t bad_version[] = { 0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff };
    check_dropped(bad_version, sizeof bad_version);
    static const uint8_t no_body[] = { 0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0xff, 0xff };
    check_dropped(no_body, sizeof no_body);
}

Test(hostile, bytes_after_a_request_are_an_error)
{
    static const uint8_t request[] = { 0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0 };
    check_dropped(request, sizeof request);
}

Test(hostile, what_is_malformed_is_counted)
{
    static const uint8_t too_long[] = { 0, 0, 0, 11, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0 };
    kci_buf batch = { 0 };
    peer p;
    check_dropped(too_long, sizeof too_long);
    cr_assert_eq(kc_mock_malformed(mock, 1), 1);

    batch_make(&(batch_spec){ .count = 3, .pid = -1 }, &batch);
    batch.data[batch.size - 1] ^= 1;
    kc_bytes damaged = kc_mem(batch.data, batch.size);
    peer_open(&p, mock, 1);
    cr_assert_eq(peer_produce(&p, 12, -1, "t", 0, damaged).error_code, KC_E_CORRUPT_MESSAGE);
    peer_close(&p);
    kci_buf_free(&batch);
    cr_assert_eq(kc_mock_malformed(mock, 1), 2);
    cr_assert_eq(kc_mock_malformed(mock, 2), 0);
    cr_assert_eq(kc_mock_malformed(mock, -1), 2);

    check_alive();
    cr_assert_eq(kc_mock_malformed(mock, -1), 2);
}

Test(hostile, a_count_larger_than_the_frame)
{
    /* Metadata v1 with 2^31 - 1 topics */
    static const uint8_t request[] = { 0, 0, 0, 14,   0,    3,    0,    1,    0,
                                       0, 0, 1, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff };
    check_dropped(request, sizeof request);
}

/* Well-formed requests, to be damaged. */
static void add_request(kci_buf *out, int16_t key, int16_t version, const void *body)
{
    size_t at = out->size;
    kci_buf_put32(out, 0);
    cr_assert_eq(kci_request_header_encode(key, version, 1, kc_str("h"), out), KC_OK);
    cr_assert_eq(kci_encode(kci_api_get(key)->request, version, body, out, NULL), KC_OK);
    kci_store32(out->data + at, (uint32_t)(out->size - at - 4));
}

static void some_produce(kci_buf *out, kci_random *random)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 3, .pid = 1 }, &batch);
    kci_produce_request_partition_produce_data data = { 0, kc_mem(batch.data, batch.size) };
    kci_produce_request_topic_produce_data t = { .name = kc_str("t"),
                                                 .partition_data = { &data, 1 } };
    kc_mock_topic_id(mock, "t", &t.topic_id);
    kci_produce_request in;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = -1;
    in.topic_data.data = &t;
    in.topic_data.count = 1;
    add_request(out, KCI_API_PRODUCE, (int16_t)(3 + kci_random_below(random, 11)), &in);
    kci_buf_free(&batch);
}

static void some_fetch(kci_buf *out, kci_random *random)
{
    kci_fetch_request_fetch_partition parts[2] = { { .partition_max_bytes = 1000 },
                                                   { .partition = 1, .partition_max_bytes = 9 } };
    kci_fetch_request_fetch_topic topic = { .topic = kc_str("t"), .partitions = { parts, 2 } };
    kc_mock_topic_id(mock, "t", &topic.topic_id);
    kci_fetch_request in;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.session_epoch = (int32_t)kci_random_below(random, 3) - 1;
    in.rack_id = kc_str("a");
    in.topics.data = &topic;
    in.topics.count = 1;
    add_request(out, KCI_API_FETCH, (int16_t)(12 + kci_random_below(random, 7)), &in);
}

static void some_other(kci_buf *out, kci_random *random)
{
    const kci_api *api;
    do {
        api = kci_api_at(kci_random_below(random, 60));
    } while (!api);
    long double body[512 / sizeof(long double)];
    cr_assert_leq(api->request->size, sizeof body);
    kci_msg_init(api->request, body);
    int16_t span = (int16_t)(api->max_version - api->min_version + 1);
    int16_t version = (int16_t)(api->min_version + kci_random_below(random, (uint64_t)span));
    size_t before = out->size;
    kci_buf_put32(out, 0);
    if (kci_request_header_encode(api->key, version, 1, kc_str("h"), out) != KC_OK ||
        kci_encode(api->request, version, body, out, NULL) != KC_OK) {
        out->size = before;
        return;
    }
    kci_store32(out->data + before, (uint32_t)(out->size - before - 4));
}

/* Flips some bytes behind the length; the frame stays whole so that more of it is read. */
static void damage(kci_buf *b, kci_random *random)
{
    uint64_t n = kci_random_below(random, 4);
    for (uint64_t i = 0; i < n && b->size > 12; i++)
        b->data[12 + kci_random_below(random, b->size - 12)] = (uint8_t)kci_random_next(random);
}

Test(hostile, damaged_requests)
{
    kci_random random;
    kci_random_seed(&random, 42);
    for (int i = 0; i < 3000; i++) {
        kci_buf out = { 0 };
        uint64_t kind = kci_random_below(&random, 3);
        if (kind == 0)
            some_produce(&out, &random);
        else if (kind == 1)
            some_fetch(&out, &random);
        else
            some_other(&out, &random);
        damage(&out, &random);
        peer p;
        peer_open(&p, mock, 1);
        peer_send_raw(&p, out.data, out.size);
        peer_readable(&p, 1);
        peer_close(&p);
        kci_buf_free(&out);
    }
    check_alive();
    for (int i = 0; i < 3000 && kc_mock_connections(mock, -1) > 0; i++)
        usleep(10000);
    cr_assert_eq(kc_mock_connections(mock, -1), 0);
}

Test(hostile, a_client_that_does_not_read)
{
    peer p;
    peer_open(&p, mock, 1);
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1, .value_size = 1000000 }, &batch);
    for (int i = 0; i < 3; i++)
        peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size));
    fetch_spec spec = fetch_default;
    spec.topic = "t";
    for (int i = 0; i < 50; i++)
        fetch_send(&p, &spec);
    usleep(50000);
    check_alive();
    cr_assert_lt(kc_mock_requests(mock, 1, KC_MOCK_API_FETCH), 30, "what is behind waits");
    kci_fetch_response out; /* when it reads at last, all are served */
    for (int i = 0; i < 50; i++)
        fetch_receive(&p, &spec, &out);
    peer_close(&p);
    kci_buf_free(&batch);
    check_alive();
}

Test(hostile, a_thousand_connections_come_and_go)
{
    for (int i = 0; i < 1000; i++) {
        peer p;
        peer_open(&p, mock, i % 3 + 1);
        peer_close(&p);
    }
    check_alive();
}

Test(hostile, memory_runs_out)
{
    /* The n-th allocation fails: the connection may end, then all is well again. */
    for (int n = 1; n < 120; n++) {
        peer p;
        peer_open(&p, mock, 1);
        kci_buf batch = { 0 }, request = { 0 };
        batch_make(&(batch_spec){ .count = 1, .pid = n }, &batch);
        kci_produce_request_partition_produce_data data = { 1, kc_mem(batch.data, batch.size) };
        kci_produce_request_topic_produce_data t = { .name = kc_str("t"),
                                                     .partition_data = { &data, 1 } };
        kci_produce_request in;
        kci_msg_init(&kci_produce_request_msg, &in);
        in.acks = -1;
        in.topic_data.data = &t;
        in.topic_data.count = 1;
        add_request(&request, KCI_API_PRODUCE, 12, &in);
        some_fetch(&request, &(kci_random){ { 1, 2, 3, 4 } });
        kci_metadata_request metadata;
        kci_msg_init(&kci_metadata_request_msg, &metadata);
        metadata.topics.count = -1;
        add_request(&request, KCI_API_METADATA, 12, &metadata);
        kci_mem_fail_after(n, n % 2);
        peer_send_raw(&p, request.data, request.size);
        usleep(2000);
        kci_mem_fail_after(0, false);
        kci_buf_free(&request);
        kci_buf_free(&batch);
        peer_close(&p);
    }
    check_alive();
}

Test(hostile, memory_runs_out_while_a_cluster_is_made)
{
    for (int n = 1; n < 300; n++) {
        kc_mock *other = NULL;
        kc_error why = { 0 };
        kci_mem_fail_after(n, true);
        kc_mock_options o = { .size = sizeof o, .brokers = 2, .racks = "a", .sasl_plain = "a:b" };
        kc_err err = kc_mock_new(&o, &other, &why);
        kci_mem_fail_after(0, false);
        if (err == KC_OK) {
            cr_assert_gt(n, 5);
            kc_mock_free(other);
            return;
        }
        cr_assert_eq(err, KC_E_NO_MEMORY, "%d", err);
        cr_assert_null(other);
    }
    cr_assert_fail("it never succeeded");
}
