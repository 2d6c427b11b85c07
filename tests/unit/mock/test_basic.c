/* SPDX-License-Identifier: Apache-2.0 */
/* The first path over TCP: versions, metadata, topics, produce, fetch, offsets, producer ids. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *open_mock(const kc_mock_options *options)
{
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(options, &mock, &why), KC_OK, "%s", why.text);
    return mock;
}

Test(basic, bootstrap_names_every_broker)
{
    kc_mock *mock = open_mock(&(kc_mock_options){ .size = sizeof(kc_mock_options), .brokers = 2 });
    const char *comma = strchr(kc_mock_bootstrap(mock), ',');
    cr_assert_not_null(comma);
    cr_assert_null(strchr(comma + 1, ','));
    cr_assert_eq(strncmp(kc_mock_bootstrap(mock), "127.0.0.1:", 10), 0);
    kc_mock_free(mock);
}

Test(basic, options_are_checked)
{
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    kc_mock_options o = { .size = sizeof o, .version = "2.8" };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    cr_assert_null(mock);
    cr_assert_not_null(strstr(why.text, "2.8"));
    o = (kc_mock_options){ .size = sizeof o, .brokers = -1 };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    o = (kc_mock_options){ .size = sizeof o, .host = "localhost" };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    o = (kc_mock_options){ .size = 1 };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    o.size = sizeof o + 100000; /* no version will be so large */
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    o = (kc_mock_options){ .size = offsetof(kc_mock_options, version), .version = "2.8" };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s: what an older header lacks", why.text);
    kc_mock_free(mock);
}

static int16_t max_version(const kci_api_versions_response *out, int16_t key)
{
    for (int32_t i = 0; i < out->api_keys.count; i++) {
        if (out->api_keys.data[i].api_key == key)
            return out->api_keys.data[i].max_version;
    }
    return -1;
}

Test(basic, api_versions_follow_the_emulated_version)
{
    static const struct {
        const char *version;
        int16_t produce, metadata;
    } cases[] = { { "4.3", 13, 13 }, { "3.9", 11, 12 } };
    for (size_t i = 0; i < 2; i++) {
        kc_mock_options o = { .size = sizeof o, .version = cases[i].version };
        kc_mock *mock = open_mock(&o);
        peer p;
        peer_open(&p, mock, 1);
        kci_api_versions_request in;
        kci_api_versions_response out;
        kci_msg_init(&kci_api_versions_request_msg, &in);
        for (int16_t v = 0; v <= 4; v++) {
            peer_call(&p, KCI_API_API_VERSIONS, v, &in, &out);
            cr_assert_eq(out.error_code, 0);
            cr_assert_eq(max_version(&out, KCI_API_PRODUCE), cases[i].produce);
            cr_assert_eq(max_version(&out, KCI_API_METADATA), cases[i].metadata);
            cr_assert_eq(max_version(&out, KCI_API_SASL_HANDSHAKE), -1);
        }
        peer_close(&p);
        kc_mock_free(mock);
    }
}

Test(basic, a_broker_may_be_older_in_single_apis)
{
    kc_mock *mock = open_mock(NULL);
    cr_assert_eq(kc_mock_set_max_version(mock, -1, KC_MOCK_API_METADATA, 6), KC_OK);
    cr_assert_eq(kc_mock_set_max_version(mock, 2, KC_MOCK_API_METADATA, -2), KC_OK);
    cr_assert_eq(kc_mock_set_max_version(mock, 1, KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, -1), KC_OK);
    cr_assert_eq(kc_mock_set_max_version(mock, 9, KC_MOCK_API_METADATA, 6), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_set_max_version(mock, 1, 1000, 6), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_set_max_version(mock, 1, 3, -3), KC_E_INVALID_ARGUMENT);
    static const struct {
        int32_t broker;
        int16_t metadata, epoch;
    } cases[] = { { 1, 6, -1 }, { 2, 13, 4 }, { 3, 6, 4 } };
    for (size_t i = 0; i < 3; i++) {
        peer p;
        peer_open(&p, mock, cases[i].broker);
        kci_api_versions_request in;
        kci_api_versions_response out;
        kci_msg_init(&kci_api_versions_request_msg, &in);
        peer_call(&p, KCI_API_API_VERSIONS, 3, &in, &out);
        cr_assert_eq(max_version(&out, KCI_API_METADATA), cases[i].metadata);
        cr_assert_eq(max_version(&out, KCI_API_OFFSET_FOR_LEADER_EPOCH), cases[i].epoch);
        kci_metadata_request ask;
        kci_msg_init(&kci_metadata_request_msg, &ask);
        if (cases[i].metadata < 7)
            peer_call_lost(&p, KCI_API_METADATA, 7, &ask);
        peer_close(&p);
    }
    kc_mock_free(mock);
}

Test(basic, api_versions_of_an_unknown_version_are_refused_in_version_0)
{
    kc_mock *mock = open_mock(NULL);
    peer p;
    peer_open(&p, mock, 1);
    static const uint8_t request[] = { 0, 0, 0, 12, 0, 18, 0, 99, 0, 0, 0, 1, 0xff, 0xff, 0, 0 };
    peer_send_raw(&p, request, sizeof request);
    kci_api_versions_response out;
    cr_assert(peer_receive(&p, KCI_API_API_VERSIONS, 0, &out));
    cr_assert_eq(out.error_code, KC_E_UNSUPPORTED_VERSION);
    cr_assert_eq(out.api_keys.count, 1);
    cr_assert_eq(out.api_keys.data[0].api_key, KCI_API_API_VERSIONS);
    cr_assert_eq(out.api_keys.data[0].max_version, 4);
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, metadata_in_all_versions)
{
    kc_mock_options o = { .size = sizeof o, .racks = "a,b" };
    kc_mock *mock = open_mock(&o);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 2, 3), KC_OK);
    kc_uuid id;
    cr_assert_eq(kc_mock_topic_id(mock, "t", &id), KC_OK);
    peer p;
    peer_open(&p, mock, 2);
    for (int16_t v = 0; v <= 13; v++) {
        kci_metadata_request in;
        kci_metadata_response out;
        kci_msg_init(&kci_metadata_request_msg, &in);
        kci_metadata_request_metadata_request_topic topic = { .name = kc_str("t") };
        in.topics.data = &topic;
        in.topics.count = 1;
        peer_call(&p, KCI_API_METADATA, v, &in, &out);
        cr_assert_eq(out.brokers.count, 3);
        cr_assert_eq(out.topics.count, 1);
        cr_assert_eq(out.topics.data[0].partitions.count, 2);
        cr_assert_eq(out.topics.data[0].partitions.data[1].leader_id, 2);
        cr_assert_eq(out.topics.data[0].partitions.data[1].replica_nodes.count, 3);
        if (v >= 1) {
            cr_assert(kci_bytes_equal(out.brokers.data[2].rack, kc_str("a")));
        }
        if (v >= 10) {
            cr_assert(kci_uuid_equal(&out.topics.data[0].topic_id, &id));
        }
    }
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, unknown_topics_come_into_being)
{
    kc_mock *mock = open_mock(NULL);
    peer p;
    peer_open(&p, mock, 1);
    kci_metadata_request in;
    kci_metadata_response out;
    kci_msg_init(&kci_metadata_request_msg, &in);
    kci_metadata_request_metadata_request_topic topic = { .name = kc_str("new") };
    in.topics.data = &topic;
    in.topics.count = 1;
    in.allow_auto_topic_creation = false;
    peer_call(&p, KCI_API_METADATA, -1, &in, &out);
    cr_assert_eq(out.topics.data[0].error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    in.allow_auto_topic_creation = true;
    peer_call(&p, KCI_API_METADATA, -1, &in, &out);
    cr_assert_eq(out.topics.data[0].error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    peer_call(&p, KCI_API_METADATA, -1, &in, &out);
    cr_assert_eq(out.topics.data[0].error_code, 0);
    cr_assert_eq(out.topics.data[0].partitions.count, 1);
    topic.name = kc_str("bad name");
    peer_call(&p, KCI_API_METADATA, -1, &in, &out);
    cr_assert_eq(out.topics.data[0].error_code, KC_E_INVALID_TOPIC_EXCEPTION);
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, what_is_produced_can_be_fetched)
{
    kc_mock *mock = open_mock(NULL);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 1), KC_OK);
    peer p;
    peer_open(&p, mock, 1);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(peer_produce_ok(&p, "t", 0, 10), 10 * i);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 30);
    fetch_spec spec = fetch_default;
    spec.topic = "t";
    spec.offset = 10;
    for (int16_t v = 4; v <= 12; v++) {
        spec.version = v;
        kci_fetch_response_partition_data got = fetch_one(&p, &spec);
        cr_assert_eq(got.error_code, 0);
        cr_assert_eq(got.high_watermark, 30);
        /* two batches, the first with its offset assigned */
        uint8_t batch[512];
        int64_t size = kc_mock_read_batch(mock, "t", 0, 1, batch, sizeof batch);
        cr_assert_eq((int64_t)got.records.size, 2 * size);
        cr_assert_eq(memcmp(got.records.data, batch, (size_t)size), 0);
        cr_assert_eq(kci_load64(got.records.data), 10);
    }
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, list_offsets)
{
    kc_mock *mock = open_mock(NULL);
    kc_mock_create_topic(mock, "t", 1, 1);
    peer p;
    peer_open(&p, mock, 1);
    peer_produce_ok(&p, "t", 0, 10); /* timestamps 1000 to 1009 */
    static const struct {
        int64_t timestamp, offset, found;
        int16_t since;
    } cases[] = { { -1, 10, -1, 1 },   { -2, 0, -1, 1 },   { 0, 0, 1000, 1 }, { 1004, 4, 1004, 1 },
                  { 1010, -1, -1, 1 }, { -3, 9, 1009, 7 }, { -4, 0, -1, 8 },  { -5, -1, -1, 9 } };
    for (int16_t v = 1; v <= 11; v++) {
        for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
            if (v < cases[i].since)
                continue;
            kci_list_offsets_request_list_offsets_partition part = { .current_leader_epoch = -1,
                                                                     .timestamp =
                                                                         cases[i].timestamp };
            kci_list_offsets_request_list_offsets_topic topic = { kc_str("t"), { &part, 1 } };
            kci_list_offsets_request in;
            kci_list_offsets_response out;
            kci_msg_init(&kci_list_offsets_request_msg, &in);
            in.topics.data = &topic;
            in.topics.count = 1;
            peer_call(&p, KCI_API_LIST_OFFSETS, v, &in, &out);
            cr_assert_eq(out.topics.data[0].partitions.data[0].error_code, 0);
            cr_assert_eq(out.topics.data[0].partitions.data[0].offset, cases[i].offset);
            cr_assert_eq(out.topics.data[0].partitions.data[0].timestamp, cases[i].found);
        }
    }
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, producer_ids_differ)
{
    kc_mock *mock = open_mock(NULL);
    peer p;
    peer_open(&p, mock, 1);
    int64_t last = -1;
    for (int16_t v = 0; v <= 5; v++) {
        kci_init_producer_id_request in;
        kci_init_producer_id_response out;
        kci_msg_init(&kci_init_producer_id_request_msg, &in);
        in.transactional_id = kc_mem(NULL, 0);
        peer_call(&p, KCI_API_INIT_PRODUCER_ID, v, &in, &out);
        cr_assert_eq(out.error_code, 0);
        cr_assert_gt(out.producer_id, last);
        cr_assert_eq(out.producer_epoch, 0);
        last = out.producer_id;
    }
    peer_close(&p);
    kc_mock_free(mock);
}

Test(basic, requests_are_counted)
{
    kc_mock *mock = open_mock(NULL);
    kc_mock_create_topic(mock, "t", 1, 1);
    peer p;
    peer_open(&p, mock, 1);
    peer_produce_ok(&p, "t", 0, 1);
    peer_produce_ok(&p, "t", 0, 1);
    cr_assert_eq(kc_mock_requests(mock, -1, KC_MOCK_API_PRODUCE), 2);
    cr_assert_eq(kc_mock_requests(mock, 1, -1), 2);
    cr_assert_eq(kc_mock_requests(mock, 2, -1), 0);
    cr_assert_eq(kc_mock_connections(mock, 1), 1);
    cr_assert_eq(kc_mock_accepted(mock, -1), 1);
    peer_close(&p);
    kc_mock_free(mock);
}
