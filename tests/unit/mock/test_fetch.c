/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch over TCP: sessions, waiting, limits, replicas, epochs, transactions. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *mock;
static peer p;

static void open_with(kc_mock_options o)
{
    o.size = sizeof o;
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 3, 0), KC_OK);
    peer_open(&p, mock, 1);
}

static void open_default(void)
{
    open_with((kc_mock_options){ 0 });
}

static void close_all(void)
{
    peer_close(&p);
    kc_mock_free(mock);
}

static fetch_spec from(int64_t offset)
{
    fetch_spec spec = fetch_default;
    spec.topic = "t";
    spec.offset = offset;
    return spec;
}

TestSuite(fetch, .fini = close_all);

Test(fetch, offsets_outside_of_the_log)
{
    open_default();
    peer_produce_ok(&p, "t", 0, 10);
    fetch_spec spec = from(10);
    kci_fetch_response_partition_data got = fetch_one(&p, &spec);
    cr_assert_eq(got.error_code, 0);
    cr_assert_eq(got.records.size, 0);
    spec.offset = 11;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_OFFSET_OUT_OF_RANGE);
    cr_assert_eq(kc_mock_delete_records(mock, "t", 0, 4), KC_OK);
    spec.offset = 3;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_OFFSET_OUT_OF_RANGE);
    spec.offset = 4;
    got = fetch_one(&p, &spec);
    cr_assert_eq(got.error_code, 0);
    cr_assert_eq(got.log_start_offset, 4);
    cr_assert_eq(kci_load64(got.records.data), 0, "the batch that holds the offset");
}

Test(fetch, unknown_partitions_and_wrong_brokers)
{
    open_default();
    fetch_spec spec = from(0);
    spec.partition = 9;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    spec.topic = "none";
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    kc_mock_create_topic(mock, "one", 2, 1);
    spec.topic = "one";
    spec.partition = 1;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
}

Test(fetch, by_topic_id)
{
    open_default();
    peer_produce_ok(&p, "t", 0, 3);
    kci_fetch_request_fetch_partition part = { .current_leader_epoch = -1,
                                               .last_fetched_epoch = -1,
                                               .log_start_offset = -1,
                                               .partition_max_bytes = 1000,
                                               .high_watermark = INT64_MAX };
    kci_fetch_request_fetch_topic topic = { .partitions = { &part, 1 } };
    kci_fetch_request in;
    kci_fetch_response out;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p, KCI_API_FETCH, 18, &in, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_UNKNOWN_TOPIC_ID);
    cr_assert_eq(kc_mock_topic_id(mock, "t", &topic.topic_id), KC_OK);
    for (int16_t v = 13; v <= 18; v++) {
        peer_call(&p, KCI_API_FETCH, v, &in, &out);
        cr_assert_eq(fetch_only(&out)->error_code, 0);
        cr_assert_gt(fetch_only(&out)->records.size, 0);
        cr_assert(kci_uuid_equal(&out.responses.data[0].topic_id, &topic.topic_id));
    }
    /* made again, the topic has another id */
    kc_mock_delete_topic(mock, "t");
    kc_mock_create_topic(mock, "t", 1, 1);
    peer_call(&p, KCI_API_FETCH, 18, &in, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_UNKNOWN_TOPIC_ID);
}

Test(fetch, limits_on_bytes)
{
    open_default();
    for (int i = 0; i < 4; i++)
        peer_produce_ok(&p, "t", 0, 10);
    uint8_t batch[512];
    size_t size = (size_t)kc_mock_read_batch(mock, "t", 0, 0, batch, sizeof batch);
    fetch_spec spec = from(0);
    spec.partition_max_bytes = 1;
    cr_assert_eq(fetch_one(&p, &spec).records.size, size, "the first batch always comes whole");
    spec.partition_max_bytes = (int32_t)(2 * size + size / 2);
    cr_assert_eq(fetch_one(&p, &spec).records.size, 2 * size + size / 2, "the last one is cut off");
    spec.partition_max_bytes = 1 << 20;
    spec.max_bytes = (int32_t)size;
    cr_assert_eq(fetch_one(&p, &spec).records.size, size);
}

Test(fetch, only_the_first_partition_may_exceed_its_limit)
{
    open_default();
    kc_mock_create_topic(mock, "u", 2, 1);
    kc_mock_move_leader(mock, "u", 1, 1, 0, 0);
    kc_mock_create_topic(mock, "w", 1, 1);
    peer_produce_ok(&p, "t", 0, 10);
    peer_produce_ok(&p, "w", 0, 10);
    kci_fetch_request_fetch_partition part = { .current_leader_epoch = -1,
                                               .last_fetched_epoch = -1,
                                               .partition_max_bytes = 10,
                                               .high_watermark = INT64_MAX };
    kci_fetch_request_fetch_topic topics[] = {
        { .topic = kc_str("u"), .partitions = { &part, 1 } }, /* empty */
        { .topic = kc_str("t"), .partitions = { &part, 1 } },
        { .topic = kc_str("w"), .partitions = { &part, 1 } },
    };
    kci_fetch_request in;
    kci_fetch_response out;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.topics.data = topics;
    in.topics.count = 3;
    peer_call(&p, KCI_API_FETCH, 12, &in, &out);
    cr_assert_eq(out.responses.count, 3);
    cr_assert_eq(out.responses.data[0].partitions.data[0].records.size, 0);
    cr_assert_gt(out.responses.data[1].partitions.data[0].records.size, 10);
    cr_assert_eq(out.responses.data[2].partitions.data[0].records.size, 0);
}

Test(fetch, waits_for_data_and_no_longer)
{
    open_default();
    fetch_spec spec = from(0);
    spec.max_wait_ms = 3600000;
    fetch_send(&p, &spec);
    cr_assert_not(peer_readable(&p, 100));
    peer other;
    peer_open(&other, mock, 1);
    peer_produce_ok(&other, "t", 0, 1);
    kci_fetch_response out;
    fetch_receive(&p, &spec, &out);
    cr_assert_gt(fetch_only(&out)->records.size, 0);
    /* nothing comes: an empty answer at max_wait_ms */
    spec.offset = 1;
    spec.max_wait_ms = 50;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, 0);
    cr_assert_eq(fetch_only(&out)->records.size, 0);
    peer_close(&other);
}

Test(fetch, waits_for_min_bytes)
{
    open_default();
    fetch_spec spec = from(0);
    spec.max_wait_ms = 3600000;
    spec.min_bytes = 200;
    fetch_send(&p, &spec);
    peer other;
    peer_open(&other, mock, 1);
    peer_produce_ok(&other, "t", 0, 1);
    cr_assert_not(peer_readable(&p, 50));
    for (int i = 0; i < 2; i++)
        peer_produce_ok(&other, "t", 0, 1);
    kci_fetch_response out;
    fetch_receive(&p, &spec, &out);
    cr_assert_geq(fetch_only(&out)->records.size, 200);
    peer_close(&other);
}

Test(fetch, a_wait_blocks_what_is_behind_it)
{
    open_default();
    fetch_spec spec = from(0);
    spec.max_wait_ms = 3600000;
    fetch_send(&p, &spec);
    kci_metadata_request in;
    kci_metadata_response out;
    kci_fetch_response fetched;
    kci_msg_init(&kci_metadata_request_msg, &in);
    for (int i = 0; i < 5; i++)
        peer_send(&p, KCI_API_METADATA, 12, &in);
    cr_assert_not(peer_readable(&p, 50));
    peer other;
    peer_open(&other, mock, 1);
    peer_produce_ok(&other, "t", 0, 1);
    peer_close(&other);
    fetch_receive(&p, &spec, &fetched);
    for (int i = 0; i < 5; i++)
        cr_assert(peer_receive(&p, KCI_API_METADATA, 12, &out));
}

Test(fetch, a_wait_ends_when_the_leader_moves)
{
    open_default();
    fetch_spec spec = from(0);
    spec.max_wait_ms = 3600000;
    spec.current_epoch = 0;
    spec.version = 12;
    fetch_send(&p, &spec);
    cr_assert_not(peer_readable(&p, 50));
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 2, 0, 0), KC_OK);
    kci_fetch_response out;
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_FENCED_LEADER_EPOCH);
    spec.current_epoch = -1;
    spec.version = 10; /* too old for followers */
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
}

Test(fetch, a_wait_ends_when_the_topic_goes)
{
    open_default();
    fetch_spec spec = from(0);
    spec.max_wait_ms = 3600000;
    fetch_send(&p, &spec);
    cr_assert_not(peer_readable(&p, 50));
    kc_mock_delete_topic(mock, "t");
    kci_fetch_response out;
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
}

Test(fetch, leader_epochs_are_checked)
{
    open_default();
    kc_mock_move_leader(mock, "t", 0, 2, 0, 0);
    kc_mock_move_leader(mock, "t", 0, 1, 0, 0);
    fetch_spec spec = from(0);
    spec.current_epoch = 1;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_FENCED_LEADER_EPOCH);
    spec.current_epoch = 3;
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_UNKNOWN_LEADER_EPOCH);
    spec.current_epoch = 2;
    cr_assert_eq(fetch_one(&p, &spec).error_code, 0);
}

Test(fetch, new_leaders_are_named)
{
    open_with((kc_mock_options){ .racks = "a,b" });
    kc_mock_create_topic(mock, "one", 1, 1);
    kc_mock_create_topic(mock, "two", 1, 2);
    cr_assert_eq(kc_mock_move_leader(mock, "two", 0, 2, 0, 0), KC_OK);
    cr_assert_eq(kc_mock_set_in_sync(mock, "two", 0, 1, false), KC_OK);
    kci_fetch_request_fetch_partition part = { .current_leader_epoch = -1,
                                               .last_fetched_epoch = -1,
                                               .partition_max_bytes = 10,
                                               .high_watermark = INT64_MAX };
    kci_fetch_request_fetch_topic topic = { .partitions = { &part, 1 } };
    kc_mock_topic_id(mock, "two", &topic.topic_id);
    kci_fetch_request in;
    kci_fetch_response out;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p, KCI_API_FETCH, 16, &in, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(fetch_only(&out)->current_leader.leader_id, 2);
    cr_assert_eq(fetch_only(&out)->current_leader.leader_epoch, 1);
    cr_assert_eq(out.node_endpoints.count, 1);
    cr_assert_eq(out.node_endpoints.data[0].node_id, 2);
    cr_assert(kci_bytes_equal(out.node_endpoints.data[0].rack, kc_str("b")));
    peer_call(&p, KCI_API_FETCH, 15, &in, &out);
    cr_assert_eq(fetch_only(&out)->current_leader.leader_id, -1);
    /* and not when the test does not want it */
    kc_mock_move_leader(mock, "two", 0, 1, 0, 0);
    kc_mock_move_leader(mock, "two", 0, 2, 0, KC_MOCK_NO_HINTS);
    kc_mock_set_in_sync(mock, "two", 0, 1, false);
    peer_call(&p, KCI_API_FETCH, 16, &in, &out);
    cr_assert_eq(fetch_only(&out)->error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(out.node_endpoints.count, 0);
}

Test(fetch, divergence_after_truncation)
{
    open_default();
    peer_produce_ok(&p, "t", 0, 10);
    peer_produce_ok(&p, "t", 0, 10);
    cr_assert_eq(kc_mock_truncate(mock, "t", 0, 10, -1), KC_OK);
    peer_produce_ok(&p, "t", 0, 5);
    fetch_spec spec = from(20);
    spec.last_epoch = 0;
    kci_fetch_response_partition_data got = fetch_one(&p, &spec);
    cr_assert_eq(got.error_code, 0);
    cr_assert_eq(got.diverging_epoch.epoch, 0);
    cr_assert_eq(got.diverging_epoch.end_offset, 10);
    cr_assert_eq(got.records.size, 0);
    spec.offset = 10;
    got = fetch_one(&p, &spec);
    cr_assert_eq(got.diverging_epoch.epoch, -1);
    cr_assert_gt(got.records.size, 0);
    spec.last_epoch = 5; /* unknown */
    cr_assert_eq(fetch_one(&p, &spec).error_code, KC_E_OFFSET_OUT_OF_RANGE);
}

Test(fetch, consumers_are_sent_to_their_rack)
{
    open_with((kc_mock_options){ .racks = "a,b,c" });
    peer_produce_ok(&p, "t", 0, 1);
    fetch_spec spec = from(0);
    spec.rack = "b";
    kci_fetch_response_partition_data got = fetch_one(&p, &spec);
    cr_assert_eq(got.preferred_read_replica, 2);
    cr_assert_eq(got.records.size, 0);
    cr_assert_eq(got.high_watermark, 1);
    peer b;
    peer_open(&b, mock, 2);
    got = fetch_one(&b, &spec);
    cr_assert_eq(got.error_code, 0);
    cr_assert_eq(got.preferred_read_replica, -1);
    cr_assert_gt(got.records.size, 0);
    spec.rack = "a";
    cr_assert_gt(fetch_one(&p, &spec).records.size, 0);
    spec.rack = "nowhere";
    cr_assert_gt(fetch_one(&p, &spec).records.size, 0);
    /* a replica that is not in sync is no choice, and answers no more */
    cr_assert_eq(kc_mock_set_in_sync(mock, "t", 0, 2, false), KC_OK);
    spec.rack = "b";
    cr_assert_gt(fetch_one(&p, &spec).records.size, 0);
    cr_assert_eq(fetch_one(&b, &spec).error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(kc_mock_set_rack(mock, 3, "b"), KC_OK);
    cr_assert_eq(fetch_one(&p, &spec).preferred_read_replica, 3);
    peer_close(&b);
}

static void produce_txn(int64_t pid, int32_t sequence, int32_t count)
{
    kci_buf batch = { 0 };
    batch_make(
        &(batch_spec){ .count = count, .pid = pid, .sequence = sequence, .transactional = true },
        &batch);
    cr_assert_eq(peer_produce(&p, 11, -1, "t", 0, kc_mem(batch.data, batch.size)).error_code, 0);
    kci_buf_free(&batch);
}

Test(fetch, read_committed)
{
    open_default();
    peer_produce_ok(&p, "t", 0, 1); /* 0 */
    produce_txn(5, 0, 2);           /* 1, 2 */
    produce_txn(6, 0, 1);           /* 3 */
    fetch_spec spec = from(0);
    kci_fetch_response_partition_data got = fetch_one(&p, &spec);
    cr_assert_eq(got.last_stable_offset, 1);
    cr_assert_eq(got.high_watermark, 4);
    cr_assert_eq(got.aborted_transactions.count, -1);
    size_t all = got.records.size;
    spec.committed = true;
    got = fetch_one(&p, &spec);
    cr_assert_lt(got.records.size, all);
    cr_assert_eq(got.aborted_transactions.count, 0);
    cr_assert_eq(kc_mock_txn_marker(mock, "t", 0, 5, 0, false), 4);
    cr_assert_eq(kc_mock_last_stable_offset(mock, "t", 0), 3);
    got = fetch_one(&p, &spec);
    cr_assert_eq(got.last_stable_offset, 3);
    cr_assert_eq(got.aborted_transactions.count, 1);
    cr_assert_eq(got.aborted_transactions.data[0].producer_id, 5);
    cr_assert_eq(got.aborted_transactions.data[0].first_offset, 1);
    /* a wait ends when a marker makes data readable */
    spec.offset = 3;
    spec.max_wait_ms = 3600000;
    spec.min_bytes = 100;
    fetch_send(&p, &spec);
    cr_assert_not(peer_readable(&p, 50));
    cr_assert_eq(kc_mock_txn_marker(mock, "t", 0, 6, 0, true), 5);
    kci_fetch_response out;
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->last_stable_offset, 6);
    cr_assert_eq(fetch_only(&out)->aborted_transactions.count, 1, "its marker lies here");
}

/* sessions */

Test(fetch, a_session_tells_what_is_new)
{
    open_default();
    fetch_spec spec = from(0);
    spec.session_epoch = 0;
    kci_fetch_response out;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    int32_t id = out.session_id;
    cr_assert_gt(id, 0);
    fetch_only(&out);
    spec.session_id = id;
    spec.session_epoch = 1;
    spec.no_partition = true;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, 0);
    cr_assert_eq(out.session_id, id);
    cr_assert_eq(out.responses.count, 0, "nothing is new");
    peer_produce_ok(&p, "t", 0, 1);
    spec.session_epoch = 2;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_gt(fetch_only(&out)->records.size, 0);
    /* the position moves with the request */
    spec.session_epoch = 3;
    spec.no_partition = false;
    spec.offset = 1;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.responses.count, 0);
    cr_assert_eq(kc_mock_delete_records(mock, "t", 0, 1), KC_OK);
    spec.session_epoch = 4;
    spec.no_partition = true;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->log_start_offset, 1);
}

Test(fetch, session_errors)
{
    open_default();
    fetch_spec spec = from(0);
    kci_fetch_response out;
    spec.session_id = 12345;
    spec.session_epoch = 1;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, KC_E_FETCH_SESSION_ID_NOT_FOUND);
    cr_assert_eq(out.responses.count, 0);
    spec.session_id = 0;
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    int32_t id = spec.session_id = out.session_id;
    spec.session_epoch = 2;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, KC_E_INVALID_FETCH_SESSION_EPOCH);
    /* a full request closes the old one and begins another */
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, 0);
    cr_assert_neq(out.session_id, id);
    spec.session_id = id;
    spec.session_epoch = 1;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, KC_E_FETCH_SESSION_ID_NOT_FOUND);
}

Test(fetch, names_and_ids_do_not_mix_in_a_session)
{
    open_default();
    fetch_spec spec = from(0);
    kci_fetch_response out;
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    spec.session_id = out.session_id;
    spec.session_epoch = 1;
    spec.version = 13;
    spec.no_partition = true;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, KC_E_FETCH_SESSION_TOPIC_ID_ERROR);
}

Test(fetch, partitions_are_forgotten)
{
    open_default();
    fetch_spec spec = from(0);
    kci_fetch_response out;
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    peer_produce_ok(&p, "t", 0, 1);
    int32_t index = 0;
    kci_fetch_request_forgotten_topic gone = { .topic = kc_str("t"), .partitions = { &index, 1 } };
    kci_fetch_request in;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.session_id = out.session_id;
    in.session_epoch = 1;
    in.forgotten_topics_data.data = &gone;
    in.forgotten_topics_data.count = 1;
    int32_t id = out.session_id;
    peer_call(&p, KCI_API_FETCH, 12, &in, &out);
    cr_assert_eq(out.error_code, 0);
    cr_assert_eq(out.responses.count, 0);
    /* an empty session is closed */
    in.session_id = id;
    in.session_epoch = 2;
    peer_call(&p, KCI_API_FETCH, 12, &in, &out);
    cr_assert_eq(out.error_code, KC_E_FETCH_SESSION_ID_NOT_FOUND);
}

Test(fetch, errors_are_told_again_and_recovery_too)
{
    open_default();
    peer_produce_ok(&p, "t", 0, 1);
    fetch_spec spec = from(1);
    kci_fetch_response out;
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    spec.session_id = out.session_id;
    spec.no_partition = true;
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.action = KC_MOCK_FAULT_ERROR;
    fault.api = KC_MOCK_API_FETCH;
    fault.topic = "t";
    fault.code = KC_E_KAFKA_STORAGE_ERROR;
    fault.count = 2;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
    for (spec.session_epoch = 1; spec.session_epoch <= 2; spec.session_epoch++) {
        fetch_send(&p, &spec);
        fetch_receive(&p, &spec, &out);
        cr_assert_eq(fetch_only(&out)->error_code, KC_E_KAFKA_STORAGE_ERROR);
    }
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(fetch_only(&out)->error_code, 0, "told that it is well again");
}

Test(fetch, no_sessions_when_switched_off)
{
    open_with((kc_mock_options){ .no_fetch_sessions = true });
    fetch_spec spec = from(0);
    kci_fetch_response out;
    spec.session_epoch = 0;
    fetch_send(&p, &spec);
    fetch_receive(&p, &spec, &out);
    cr_assert_eq(out.error_code, 0);
    cr_assert_eq(out.session_id, 0);
}

Test(fetch, full_partitions_take_turns)
{
    open_default();
    kc_mock_create_topic(mock, "a", 1, 1);
    kc_mock_create_topic(mock, "b", 1, 1);
    for (int i = 0; i < 3; i++) {
        peer_produce_ok(&p, "a", 0, 10);
        peer_produce_ok(&p, "b", 0, 10);
    }
    kci_fetch_request_fetch_partition part = { .current_leader_epoch = -1,
                                               .last_fetched_epoch = -1,
                                               .partition_max_bytes = 1 << 20,
                                               .high_watermark = INT64_MAX };
    kci_fetch_request_fetch_topic topics[] = {
        { .topic = kc_str("a"), .partitions = { &part, 1 } },
        { .topic = kc_str("b"), .partitions = { &part, 1 } },
    };
    kci_fetch_request in;
    kci_fetch_response out;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.max_bytes = 100; /* one partition's worth */
    in.session_epoch = 0;
    in.topics.data = topics;
    in.topics.count = 2;
    peer_call(&p, KCI_API_FETCH, 12, &in, &out);
    cr_assert_gt(out.responses.data[0].partitions.data[0].records.size, 0);
    cr_assert_eq(out.responses.data[1].partitions.data[0].records.size, 0);
    /* the same wishes again: now the other one is first */
    in.session_id = out.session_id;
    in.topics.count = 0;
    kc_bytes served[2];
    for (in.session_epoch = 1; in.session_epoch <= 4; in.session_epoch++) {
        peer_call(&p, KCI_API_FETCH, 12, &in, &out);
        int32_t with_data = 0;
        for (int32_t i = 0; i < out.responses.count; i++) {
            if (out.responses.data[i].partitions.data[0].records.size == 0)
                continue;
            with_data++;
            served[in.session_epoch % 2] =
                kc_str(out.responses.data[i].topic.data[0] == 'a' ? "a" : "b");
        }
        cr_assert_eq(with_data, 1);
        if (in.session_epoch > 1)
            cr_assert_not(kci_bytes_equal(served[0], served[1]));
    }
}
