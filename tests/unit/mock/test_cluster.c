/* SPDX-License-Identifier: Apache-2.0 */
/* What a test can do to the cluster: leaders that move, brokers that die, replication that lags,
 * logs that are cut, many threads that ask at once. */
#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "io/addr.h"
#include "peer.h"

static kc_mock *mock;
static peer p;

static void open_with(kc_mock_options o)
{
    o.size = sizeof o;
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 1, 3), KC_OK);
    peer_open(&p, mock, 1);
}

static void close_all(void)
{
    peer_close(&p);
    kc_mock_free(mock);
}

TestSuite(cluster, .fini = close_all);

static kci_produce_response_partition_produce_response produce(int16_t acks)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
    kci_produce_response_partition_produce_response out =
        peer_produce(&p, 12, acks, "t", 0, kc_mem(batch.data, batch.size));
    kci_buf_free(&batch);
    return out;
}

static void to_broker(int32_t broker)
{
    peer_close(&p);
    peer_open(&p, mock, broker);
}

/* The leader that Metadata shows; epoch may be NULL. */
static int32_t shown_leader(int32_t *epoch, int32_t *brokers)
{
    kci_metadata_request in;
    kci_metadata_response out;
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    peer_call(&p, KCI_API_METADATA, 12, &in, &out);
    cr_assert_eq(out.topics.count, 1);
    if (epoch)
        *epoch = out.topics.data[0].partitions.data[0].leader_epoch;
    if (brokers)
        *brokers = out.brokers.count;
    return out.topics.data[0].partitions.data[0].leader_id;
}

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

Test(cluster, a_moved_leader)
{
    open_with((kc_mock_options){ 0 });
    int32_t leader, epoch;
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 3, 0, 0), KC_OK);
    cr_assert_eq(kc_mock_leader(mock, "t", 0, &leader, &epoch), KC_OK);
    cr_assert_eq(leader, 3);
    cr_assert_eq(epoch, 1);
    kci_produce_response_partition_produce_response out = produce(-1);
    cr_assert_eq(out.error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(out.base_offset, -1);
    cr_assert_eq(out.current_leader.leader_id, 3);
    cr_assert_eq(out.current_leader.leader_epoch, 1);
    cr_assert_eq(shown_leader(&epoch, NULL), 3);
    cr_assert_eq(epoch, 1);
    to_broker(3);
    cr_assert_eq(produce(-1).error_code, 0);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 9, 0, 0), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 5, 1, 0, 0), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(kc_mock_move_leader(mock, NULL, 0, 1, 0, 0), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
}

Test(cluster, a_leader_moves_without_a_new_epoch)
{
    open_with((kc_mock_options){ 0 });
    int32_t leader, epoch;
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 3, 0, KC_MOCK_SAME_EPOCH), KC_OK);
    cr_assert_eq(kc_mock_leader(mock, "t", 0, &leader, &epoch), KC_OK);
    cr_assert_eq(leader, 3);
    cr_assert_eq(epoch, 0);
    cr_assert_eq(produce(-1).error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(shown_leader(&epoch, NULL), 3);
    cr_assert_eq(epoch, 0);
    to_broker(3);
    cr_assert_eq(produce(-1).error_code, 0);
}

Test(cluster, metadata_may_be_stale)
{
    open_with((kc_mock_options){ 0 });
    int32_t epoch;
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 2, 3600000, KC_MOCK_NO_HINTS), KC_OK);
    kci_produce_response_partition_produce_response out = produce(-1);
    cr_assert_eq(out.error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(out.current_leader.leader_id, -1);
    cr_assert_eq(shown_leader(&epoch, NULL), 1);
    cr_assert_eq(epoch, 0);
}

Test(cluster, stale_metadata_become_true)
{
    open_with((kc_mock_options){ 0 });
    int32_t epoch;
    cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 2, 100, KC_MOCK_NO_HINTS), KC_OK);
    for (int i = 0; i < 3000 && shown_leader(&epoch, NULL) != 2; i++)
        sleep_ms(10);
    cr_assert_eq(shown_leader(&epoch, NULL), 2);
    cr_assert_eq(epoch, 1);
}

Test(cluster, hints_can_be_switched_off)
{
    open_with((kc_mock_options){ .no_leader_hints = true });
    kc_mock_move_leader(mock, "t", 0, 2, 0, 0);
    cr_assert_eq(produce(-1).current_leader.leader_id, -1);
}

/* As a program does that listens on no particular port. */
static int bind_plainly(const kci_addr *addr)
{
    int sock = socket(addr->sa.ss_family, SOCK_STREAM, 0), err = 0;
    cr_assert_geq(sock, 0);
    if (bind(sock, (const struct sockaddr *)&addr->sa, addr->len) != 0)
        err = errno;
    close(sock);
    return err;
}

Test(cluster, a_port_is_kept_while_its_broker_is_down)
{
    open_with((kc_mock_options){ 0 });
    kci_addr addr;
    const char *second = strchr(kc_mock_bootstrap(mock), ',') + strlen(",127.0.0.1:");
    cr_assert(kci_addr_parse("127.0.0.1", (uint16_t)atoi(second), &addr));
    cr_assert_eq(bind_plainly(&addr), EADDRINUSE);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(kc_mock_broker_down(mock, 2, 0), KC_OK);
        cr_assert_eq(bind_plainly(&addr), EADDRINUSE, "somebody else could take the port");
        int sock = socket(AF_INET, SOCK_STREAM, 0);
        cr_assert_eq(connect(sock, (const struct sockaddr *)&addr.sa, addr.len), -1);
        cr_assert_eq(errno, ECONNREFUSED);
        close(sock);
        cr_assert_eq(kc_mock_broker_up(mock, 2), KC_OK);
    }
    kc_mock_close(mock);
    cr_assert_eq(bind_plainly(&addr), 0, "it is given back");
}

Test(cluster, a_broker_dies_and_returns)
{
    open_with((kc_mock_options){ 0 });
    cr_assert_eq(produce(-1).error_code, 0);
    cr_assert_eq(kc_mock_broker_down(mock, 1, 0), KC_OK);
    cr_assert_eq(kc_mock_broker_down(mock, 1, 0), KC_OK, "down already");
    cr_assert_not(peer_receive_frame(&p), "its connections are reset");
    to_broker(2);
    int32_t epoch, brokers;
    cr_assert_eq(shown_leader(&epoch, &brokers), 2);
    cr_assert_eq(epoch, 1);
    cr_assert_eq(brokers, 2);
    cr_assert_eq(produce(-1).base_offset, 1);
    cr_assert_eq(kc_mock_broker_up(mock, 1), KC_OK);
    cr_assert_eq(shown_leader(NULL, &brokers), 2, "it does not take back what it led");
    cr_assert_eq(brokers, 3);
    to_broker(1); /* on the same port */
    cr_assert_eq(produce(-1).error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(kc_mock_broker_down(mock, 4, 0), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_broker_up(mock, 0), KC_E_INVALID_ARGUMENT);
}

Test(cluster, the_last_in_sync_replica_comes_back_as_leader)
{
    open_with((kc_mock_options){ 0 });
    cr_assert_eq(kc_mock_set_in_sync(mock, "t", 0, 2, false), KC_OK);
    cr_assert_eq(kc_mock_set_in_sync(mock, "t", 0, 3, false), KC_OK);
    cr_assert_eq(kc_mock_set_in_sync(mock, "t", 0, 1, false), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kc_mock_broker_down(mock, 1, 0), KC_OK);
    to_broker(2);
    cr_assert_eq(shown_leader(NULL, NULL), -1);
    cr_assert_eq(produce(-1).error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(kc_mock_broker_up(mock, 1), KC_OK);
    cr_assert_eq(shown_leader(NULL, NULL), 1);
}

Test(cluster, no_election_when_it_is_not_wanted)
{
    open_with((kc_mock_options){ 0 });
    cr_assert_eq(kc_mock_broker_down(mock, 1, KC_MOCK_NO_ELECTION), KC_OK);
    to_broker(2);
    cr_assert_eq(shown_leader(NULL, NULL), -1);
    cr_assert_eq(kc_mock_broker_up(mock, 1), KC_OK);
    int32_t epoch;
    cr_assert_eq(shown_leader(&epoch, NULL), 1);
    cr_assert_eq(epoch, 2);
}

Test(cluster, too_few_in_sync_replicas)
{
    open_with((kc_mock_options){ 0 });
    cr_assert_eq(kc_mock_set_topic_config(mock, "t", "min.insync.replicas", "2"), KC_OK);
    kc_mock_set_in_sync(mock, "t", 0, 2, false);
    cr_assert_eq(produce(-1).error_code, 0);
    kc_mock_set_in_sync(mock, "t", 0, 3, false);
    cr_assert_eq(produce(-1).error_code, KC_E_NOT_ENOUGH_REPLICAS);
    cr_assert_eq(produce(1).error_code, 0);
    cr_assert_eq(kc_mock_set_topic_config(mock, "t", "min.insync.replicas", "0"),
                 KC_E_INVALID_CONFIG);
    cr_assert_eq(kc_mock_set_topic_config(mock, "t", "min.insync.replicas", NULL), KC_OK);
    cr_assert_eq(produce(-1).error_code, 0);
}

Test(cluster, acks_all_waits_for_replication)
{
    open_with((kc_mock_options){ .replication_delay_us = 150000 });
    cr_assert_eq(produce(1).error_code, 0);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 0), 0, "acks=1 did not wait");
    cr_assert_eq(produce(-1).error_code, 0);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 0), 2, "acks=all did");
}

static void send_produce(int32_t timeout_ms)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = 1 }, &batch);
    kci_produce_request_partition_produce_data data = { 0, kc_mem(batch.data, batch.size) };
    kci_produce_request_topic_produce_data t = { .name = kc_str("t"),
                                                 .partition_data = { &data, 1 } };
    kci_produce_request in;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = -1;
    in.timeout_ms = timeout_ms;
    in.topic_data.data = &t;
    in.topic_data.count = 1;
    peer_send(&p, KCI_API_PRODUCE, 12, &in);
    kci_buf_free(&batch);
}

static kci_produce_response_partition_produce_response receive_produce(void)
{
    kci_produce_response out;
    cr_assert(peer_receive(&p, KCI_API_PRODUCE, 12, &out));
    return out.responses.data[0].partition_responses.data[0];
}

Test(cluster, acks_all_times_out)
{
    open_with((kc_mock_options){ .replication_delay_us = 60000000 });
    send_produce(50);
    cr_assert_eq(receive_produce().error_code, KC_E_REQUEST_TIMED_OUT);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1, "it is written all the same");
    /* the repetition is a duplicate, and waits too */
    send_produce(50);
    cr_assert_eq(receive_produce().error_code, KC_E_REQUEST_TIMED_OUT);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
    /* nobody is left to wait for */
    send_produce(30000);
    cr_assert_not(peer_readable(&p, 50));
    kc_mock_set_in_sync(mock, "t", 0, 2, false);
    kc_mock_set_in_sync(mock, "t", 0, 3, false);
    kci_produce_response_partition_produce_response out = receive_produce();
    cr_assert_eq(out.error_code, 0);
    cr_assert_eq(out.base_offset, 0);
}

Test(cluster, what_was_not_replicated_is_lost_with_the_leader)
{
    open_with((kc_mock_options){ .replication_delay_us = 60000000 });
    cr_assert_eq(produce(1).error_code, 0);
    cr_assert_eq(kc_mock_broker_down(mock, 1, KC_MOCK_LOSE_UNREPLICATED), KC_OK);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 0);
    to_broker(2);
    cr_assert_eq(produce(1).base_offset, 0);
    /* without the flag the new leader has it all */
    cr_assert_eq(kc_mock_broker_down(mock, 2, 0), KC_OK);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 0), 1);
}

Test(cluster, a_produce_that_waits_hears_of_the_new_leader)
{
    open_with((kc_mock_options){ .replication_delay_us = 60000000 });
    send_produce(30000);
    cr_assert_not(peer_readable(&p, 50));
    kc_mock_move_leader(mock, "t", 0, 2, 0, 0);
    kci_produce_response_partition_produce_response out = receive_produce();
    cr_assert_eq(out.error_code, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(out.current_leader.leader_id, 2);
}

Test(cluster, a_produce_that_waits_survives_the_end_of_its_topic)
{
    open_with((kc_mock_options){ .replication_delay_us = 60000000 });
    send_produce(30000);
    cr_assert_not(peer_readable(&p, 30));
    kc_mock_delete_topic(mock, "t");
    cr_assert_eq(receive_produce().error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
}

Test(cluster, epoch_ends_after_truncation)
{
    open_with((kc_mock_options){ 0 });
    for (int i = 0; i < 5; i++)
        produce(-1);
    cr_assert_eq(kc_mock_truncate(mock, "t", 0, 6, -1), KC_E_OFFSET_OUT_OF_RANGE);
    cr_assert_eq(kc_mock_truncate(mock, "t", 0, 3, 2), KC_OK);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 3);
    to_broker(2);
    for (int16_t v = 2; v <= 4; v++) {
        kci_offset_for_leader_epoch_request_offset_for_leader_partition part = {
            .current_leader_epoch = 1, .leader_epoch = 0
        };
        kci_offset_for_leader_epoch_request_offset_for_leader_topic topic = { kc_str("t"),
                                                                              { &part, 1 } };
        kci_offset_for_leader_epoch_request in;
        kci_offset_for_leader_epoch_response out;
        kci_msg_init(&kci_offset_for_leader_epoch_request_msg, &in);
        in.topics.data = &topic;
        in.topics.count = 1;
        peer_call(&p, KCI_API_OFFSET_FOR_LEADER_EPOCH, v, &in, &out);
        cr_assert_eq(out.topics.data[0].partitions.data[0].error_code, 0);
        cr_assert_eq(out.topics.data[0].partitions.data[0].leader_epoch, 0);
        cr_assert_eq(out.topics.data[0].partitions.data[0].end_offset, 3);
        part.current_leader_epoch = 0;
        peer_call(&p, KCI_API_OFFSET_FOR_LEADER_EPOCH, v, &in, &out);
        cr_assert_eq(out.topics.data[0].partitions.data[0].error_code, KC_E_FENCED_LEADER_EPOCH);
    }
}

Test(cluster, duplicates_over_the_wire)
{
    open_with((kc_mock_options){ 0 });
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 3, .pid = 7 }, &batch);
    for (int i = 0; i < 3; i++) {
        kci_produce_response_partition_produce_response out =
            peer_produce(&p, 9, -1, "t", 0, kc_mem(batch.data, batch.size));
        cr_assert_eq(out.error_code, 0);
        cr_assert_eq(out.base_offset, 0);
    }
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 3);
    kci_buf_free(&batch);
    batch_make(&(batch_spec){ .count = 1, .pid = 7, .sequence = 5 }, &batch);
    cr_assert_eq(peer_produce(&p, 9, -1, "t", 0, kc_mem(batch.data, batch.size)).error_code,
                 KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER);
    kci_buf_free(&batch);
}

Test(cluster, produce_in_all_versions)
{
    open_with((kc_mock_options){ 0 });
    kci_produce_request_partition_produce_data data = { 0, { 0 } };
    kci_produce_request_topic_produce_data t = { .name = kc_str("t"),
                                                 .partition_data = { &data, 1 } };
    kc_mock_topic_id(mock, "t", &t.topic_id);
    for (int16_t v = 3; v <= 13; v++) {
        kci_buf batch = { 0 };
        batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
        data.records = kc_mem(batch.data, batch.size);
        kci_produce_request in;
        kci_produce_response out;
        kci_msg_init(&kci_produce_request_msg, &in);
        in.acks = -1;
        in.topic_data.data = &t;
        in.topic_data.count = 1;
        peer_call(&p, KCI_API_PRODUCE, v, &in, &out);
        cr_assert_eq(out.responses.data[0].partition_responses.data[0].error_code, 0);
        cr_assert_eq(out.responses.data[0].partition_responses.data[0].base_offset, v - 3);
        kci_buf_free(&batch);
    }
    t.topic_id.bytes[3] ^= 1;
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
    data.records = kc_mem(batch.data, batch.size);
    kci_produce_request in;
    kci_produce_response out;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = -1;
    in.topic_data.data = &t;
    in.topic_data.count = 1;
    peer_call(&p, KCI_API_PRODUCE, 13, &in, &out);
    cr_assert_eq(out.responses.data[0].partition_responses.data[0].error_code,
                 KC_E_UNKNOWN_TOPIC_ID);
    in.acks = 2;
    peer_call(&p, KCI_API_PRODUCE, 12, &in, &out);
    cr_assert_eq(out.responses.data[0].partition_responses.data[0].error_code,
                 KC_E_INVALID_REQUIRED_ACKS);
    in.acks = 1;
    data.records = kc_mem("", 0);
    peer_call(&p, KCI_API_PRODUCE, 12, &in, &out);
    cr_assert_eq(out.responses.data[0].partition_responses.data[0].error_code, KC_E_INVALID_RECORD);
    /* without acks there is no answer, and after an error no connection */
    data.records = kc_mem(batch.data, batch.size);
    in.acks = 0;
    peer_send(&p, KCI_API_PRODUCE, 12, &in);
    cr_assert_eq(shown_leader(NULL, NULL), 1);
    data.index = 77;
    peer_call_lost(&p, KCI_API_PRODUCE, 12, &in);
    kci_buf_free(&batch);
}

Test(cluster, raw_batches)
{
    open_with((kc_mock_options){ 0 });
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 3, .pid = 7, .sequence = 99 }, &batch);
    cr_assert_eq(kc_mock_append_raw(mock, "t", 0, batch.data, batch.size), 0);
    cr_assert_eq(kc_mock_append_raw(mock, "t", 0, batch.data, batch.size), 3);
    cr_assert_eq(kc_mock_batch_count(mock, "t", 0), 2);
    uint8_t out[512];
    cr_assert_eq(kc_mock_read_batch(mock, "t", 0, 1, out, sizeof out), (int64_t)batch.size);
    cr_assert_eq(kci_load64(out), 3);
    cr_assert_eq(kc_mock_read_batch(mock, "t", 0, 1, NULL, 0), (int64_t)batch.size);
    cr_assert_eq(kc_mock_read_batch(mock, "t", 0, 2, out, sizeof out), -KC_E_OFFSET_OUT_OF_RANGE);
    cr_assert_eq(kc_mock_read_batch(mock, "t", 0, -1, out, sizeof out), -KC_E_OFFSET_OUT_OF_RANGE);
    batch.data[70] ^= 1;
    cr_assert_eq(kc_mock_append_raw(mock, "t", 0, batch.data, batch.size), -KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(kc_mock_append_raw(mock, "t", 0, batch.data, 10), -KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(kc_mock_append_raw(mock, "x", 0, batch.data, 10), KC_E_UNKNOWN_PARTITION);
    cr_assert_eq(kc_mock_high_watermark(mock, "t", 1), KC_E_UNKNOWN_PARTITION);
    kci_buf_free(&batch);
}

Test(cluster, memory_is_bounded)
{
    open_with((kc_mock_options){ .memory_limit_bytes = 1 << 20 });
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1, .value_size = 100000 }, &batch);
    for (int i = 0; i < 50; i++) {
        cr_assert_eq(peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size)).error_code, 0);
        cr_assert_leq(kc_mock_batch_count(mock, "t", 0), 10);
    }
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 50);
    int64_t start = kc_mock_log_start_offset(mock, "t", 0);
    cr_assert(start >= 40 && start < 48, "%lld", (long long)start);
    kci_buf_free(&batch);
}

static void *ask_often(void *arg)
{
    (void)arg;
    for (int i = 0; i < 300; i++) {
        cr_assert_geq(kc_mock_log_end_offset(mock, "t", 0), 0);
        if (i % 10 == 0)
            kc_mock_move_leader(mock, "t", 0, i / 10 % 3 + 1, 0, 0);
    }
    return NULL;
}

Test(cluster, any_thread_may_ask)
{
    open_with((kc_mock_options){ 0 });
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, ask_often, NULL);
    for (int i = 0; i < 100; i++)
        produce(1);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
}

static void count_requests(void *user, const kc_mock_request *request)
{
    kc_mock_request *last = user;
    *last = *request;
    if (request->api == KC_MOCK_API_PRODUCE)
        kc_mock_broker_down(mock, 1, 0); /* a callback may change the cluster */
}

Test(cluster, requests_are_shown)
{
    open_with((kc_mock_options){ 0 });
    kc_mock_request last = { 0 };
    kc_mock_set_request_log(mock, count_requests, &last);
    shown_leader(NULL, NULL);
    cr_assert_eq(last.api, KC_MOCK_API_METADATA);
    cr_assert_eq(last.version, 12);
    cr_assert_eq(last.broker, 1);
    cr_assert_eq(last.connection, 1);
    cr_assert_str_eq(last.api_name, "Metadata");
    send_produce(1000);
    cr_assert_not(peer_receive_frame(&p), "the broker died before it looked at the request");
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 0);
    kc_mock_set_request_log(mock, NULL, NULL);
}

Test(cluster, connections_are_reset)
{
    open_with((kc_mock_options){ 0 });
    shown_leader(NULL, NULL);
    cr_assert_eq(kc_mock_disconnect(mock, 2), KC_OK);
    shown_leader(NULL, NULL);
    cr_assert_eq(kc_mock_disconnect(mock, -1), KC_OK);
    cr_assert_not(peer_receive_frame(&p));
    to_broker(1);
    shown_leader(NULL, NULL);
    cr_assert_eq(kc_mock_disconnect(mock, 99), KC_E_INVALID_ARGUMENT);
}

Test(cluster, a_closed_cluster_can_be_looked_at)
{
    open_with((kc_mock_options){ 0 });
    cr_assert_eq(produce(-1).error_code, 0);
    kc_mock_close(mock);
    kc_mock_close(mock);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 0), 1);
    cr_assert_eq(kc_mock_connections(mock, -1), 0);
    cr_assert_not(peer_receive_frame(&p));
}

Test(cluster, a_taken_port_is_told)
{
    open_with((kc_mock_options){ 0 });
    const char *colon = strchr(kc_mock_bootstrap(mock), ':');
    kc_mock_options o = { .size = sizeof o, .port = (uint16_t)atoi(colon + 1), .brokers = 1 };
    kc_mock *second = NULL;
    kc_error why = { 0 };
    cr_assert_lt(kc_mock_new(&o, &second, &why), 0);
    cr_assert_null(second);
    cr_assert_not_null(strstr(why.text, "port"), "%s", why.text);
}
