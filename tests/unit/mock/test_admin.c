/* SPDX-License-Identifier: Apache-2.0 */
/* Topics, configurations and offsets of groups over TCP, in all versions. */
#include <criterion/criterion.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *mock;
static peer p;

static void open_all(void)
{
    kc_mock_options o = { .size = sizeof o, .brokers = 3, .racks = "a,b,c" };
    cr_assert_eq(kc_mock_new(&o, &mock, NULL), KC_OK);
    peer_open(&p, mock, 1);
}

static void close_all(void)
{
    peer_close(&p);
    kc_mock_free(mock);
}

TestSuite(admin, .init = open_all, .fini = close_all);

static kci_create_topics_response_creatable_topic_result create(
    int16_t version, kci_create_topics_request_creatable_topic topic, bool validate_only)
{
    kci_create_topics_request in;
    kci_create_topics_response out;
    kci_msg_init(&kci_create_topics_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    in.validate_only = validate_only;
    peer_call(&p, KCI_API_CREATE_TOPICS, version, &in, &out);
    cr_assert_eq(out.topics.count, 1);
    return out.topics.data[0];
}

static kci_create_topics_request_creatable_topic named(const char *name, int32_t partitions,
                                                       int16_t replication)
{
    return (kci_create_topics_request_creatable_topic){ .name = kc_str(name),
                                                        .num_partitions = partitions,
                                                        .replication_factor = replication };
}

Test(admin, topics_are_created_in_all_versions)
{
    for (int16_t v = 2; v <= 7; v++) {
        char name[3] = { 't', (char)('0' + v), '\0' };
        kci_create_topics_response_creatable_topic_result out = create(v, named(name, 2, 2), false);
        cr_assert_eq(out.error_code, 0);
        kc_uuid id;
        cr_assert_eq(kc_mock_topic_id(mock, name, &id), KC_OK);
        if (v >= 5)
            cr_assert_eq(out.num_partitions, 2);
        if (v >= 7)
            cr_assert(kci_uuid_equal(&out.topic_id, &id));
        cr_assert_eq(create(v, named(name, 2, 2), false).error_code, KC_E_TOPIC_ALREADY_EXISTS);
    }
}

Test(admin, topics_are_checked)
{
    cr_assert_eq(create(7, named("t", 0, 1), false).error_code, KC_E_INVALID_PARTITIONS);
    cr_assert_eq(create(7, named("t", 1, 0), false).error_code, KC_E_INVALID_REPLICATION_FACTOR);
    cr_assert_eq(create(7, named("t", 1, 4), false).error_code, KC_E_INVALID_REPLICATION_FACTOR);
    cr_assert_eq(create(7, named("a b", 1, 1), false).error_code, KC_E_INVALID_TOPIC_EXCEPTION);
    cr_assert_eq(create(7, named("", 1, 1), false).error_code, KC_E_INVALID_TOPIC_EXCEPTION);
    cr_assert_eq(create(7, named("..", 1, 1), false).error_code, KC_E_INVALID_TOPIC_EXCEPTION);
    kci_create_topics_response_creatable_topic_result out = create(7, named("t", -1, -1), true);
    cr_assert_eq(out.error_code, 0);
    cr_assert_eq(out.num_partitions, 1);
    cr_assert_eq(out.replication_factor, 3);
    kc_uuid id;
    cr_assert_eq(kc_mock_topic_id(mock, "t", &id), KC_E_UNKNOWN_TOPIC_OR_PARTITION,
                 "it was validated only");
    cr_assert_not_null(create(7, named("a b", 1, 1), false).error_message.data);
}

Test(admin, manual_assignments)
{
    int32_t first[] = { 3, 1 }, second[] = { 2, 3 };
    kci_create_topics_request_creatable_replica_assignment list[] = {
        { .partition_index = 1, .broker_ids = { second, 2 } },
        { .partition_index = 0, .broker_ids = { first, 2 } },
    };
    kci_create_topics_request_creatable_topic topic = named("t", -1, -1);
    topic.assignments.data = list;
    topic.assignments.count = 2;
    cr_assert_eq(create(7, topic, false).error_code, 0);
    int32_t leader;
    kc_mock_leader(mock, "t", 0, &leader, NULL);
    cr_assert_eq(leader, 3);
    kc_mock_leader(mock, "t", 1, &leader, NULL);
    cr_assert_eq(leader, 2);
    topic.name = kc_str("u");
    first[1] = 3; /* twice the same */
    cr_assert_eq(create(7, topic, false).error_code, KC_E_INVALID_REPLICA_ASSIGNMENT);
    first[1] = 9;
    cr_assert_eq(create(7, topic, false).error_code, KC_E_INVALID_REPLICA_ASSIGNMENT);
    first[1] = 1;
    list[1].partition_index = 1; /* 0 is missing */
    cr_assert_eq(create(7, topic, false).error_code, KC_E_INVALID_REPLICA_ASSIGNMENT);
    list[1].partition_index = 0;
    list[1].broker_ids.count = 1;
    cr_assert_eq(create(7, topic, false).error_code, KC_E_INVALID_REPLICA_ASSIGNMENT);
    topic.num_partitions = 2;
    cr_assert_eq(create(7, topic, false).error_code, KC_E_INVALID_REQUEST);
}

Test(admin, configs_are_set_and_described)
{
    kci_create_topics_request_creatable_topic topic = named("t", 1, 1);
    kci_create_topics_request_creatable_topic_config configs[] = {
        { kc_str("max.message.bytes"), kc_str("200") },
        { kc_str("my.own"), kc_str("x") },
    };
    topic.configs.data = configs;
    topic.configs.count = 2;
    cr_assert_eq(create(7, topic, false).error_code, 0);
    kci_describe_configs_request_describe_configs_resource resources[] = {
        { .resource_type = 2, .resource_name = kc_str("t"), .configuration_keys = { NULL, -1 } },
        { .resource_type = 2, .resource_name = kc_str("x"), .configuration_keys = { NULL, -1 } },
        { .resource_type = 4, .resource_name = kc_str("2"), .configuration_keys = { NULL, -1 } },
        { .resource_type = 4, .resource_name = kc_str("9"), .configuration_keys = { NULL, -1 } },
    };
    kci_describe_configs_request in;
    kci_describe_configs_response out;
    kci_msg_init(&kci_describe_configs_request_msg, &in);
    in.resources.data = resources;
    in.resources.count = 4;
    for (int16_t v = 1; v <= 4; v++) {
        peer_call(&p, KCI_API_DESCRIBE_CONFIGS, v, &in, &out);
        int found = 0;
        for (int32_t i = 0; i < out.results.data[0].configs.count; i++) {
            kci_describe_configs_response_describe_configs_resource_result *c =
                &out.results.data[0].configs.data[i];
            if (kci_bytes_equal(c->name, kc_str("max.message.bytes"))) {
                cr_assert(kci_bytes_equal(c->value, kc_str("200")));
                cr_assert_eq(c->config_source, 1);
                found++;
            }
            found += kci_bytes_equal(c->name, kc_str("my.own"));
            found += kci_bytes_equal(c->name, kc_str("retention.ms"));
        }
        cr_assert_eq(found, 3);
        cr_assert_eq(out.results.data[1].error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
        cr_assert_eq(out.results.data[2].error_code, 0);
        cr_assert_eq(out.results.data[3].error_code, KC_E_INVALID_REQUEST);
    }
    kc_bytes key = kc_str("retention.ms");
    resources[0].configuration_keys.data = &key;
    resources[0].configuration_keys.count = 1;
    peer_call(&p, KCI_API_DESCRIBE_CONFIGS, 4, &in, &out);
    cr_assert_eq(out.results.data[0].configs.count, 1);
    /* and it has an effect */
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1, .value_size = 300 }, &batch);
    cr_assert_eq(peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size)).error_code,
                 KC_E_MESSAGE_TOO_LARGE);
    kci_buf_free(&batch);
}

Test(admin, configs_are_altered)
{
    kc_mock_create_topic(mock, "t", 1, 1);
    kci_incremental_alter_configs_request_alterable_config config = {
        kc_str("message.timestamp.type"), 0, kc_str("LogAppendTime")
    };
    kci_incremental_alter_configs_request_alter_configs_resource resource = { 2,
                                                                              kc_str("t"),
                                                                              { &config, 1 } };
    kci_incremental_alter_configs_request in;
    kci_incremental_alter_configs_response out;
    kci_msg_init(&kci_incremental_alter_configs_request_msg, &in);
    in.resources.data = &resource;
    in.resources.count = 1;
    in.validate_only = true;
    peer_call(&p, KCI_API_INCREMENTAL_ALTER_CONFIGS, 1, &in, &out);
    cr_assert_eq(out.responses.data[0].error_code, 0);
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = 1, .pid = -1 }, &batch);
    cr_assert_eq(peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size)).log_append_time_ms,
                 -1);
    in.validate_only = false;
    peer_call(&p, KCI_API_INCREMENTAL_ALTER_CONFIGS, 0, &in, &out);
    cr_assert_eq(out.responses.data[0].error_code, 0);
    cr_assert_gt(peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size)).log_append_time_ms,
                 1600000000000);
    config.config_operation = 1;
    config.value = kc_mem(NULL, 0);
    peer_call(&p, KCI_API_INCREMENTAL_ALTER_CONFIGS, 1, &in, &out);
    cr_assert_eq(peer_produce(&p, 9, 1, "t", 0, kc_mem(batch.data, batch.size)).log_append_time_ms,
                 -1);
    config.config_operation = 0;
    config.value = kc_str("Never");
    peer_call(&p, KCI_API_INCREMENTAL_ALTER_CONFIGS, 1, &in, &out);
    cr_assert_eq(out.responses.data[0].error_code, KC_E_INVALID_CONFIG);
    kci_buf_free(&batch);
}

Test(admin, topics_are_deleted_by_name_and_id)
{
    for (int16_t v = 1; v <= 6; v++) {
        kc_mock_create_topic(mock, "t", 1, 1);
        kci_delete_topics_request_delete_topic_state state = { .name = kc_str("t") };
        kc_bytes name = kc_str("t");
        kci_delete_topics_request in;
        kci_delete_topics_response out;
        kci_msg_init(&kci_delete_topics_request_msg, &in);
        in.topics.data = &state;
        in.topics.count = v >= 6;
        in.topic_names.data = &name;
        in.topic_names.count = v < 6;
        peer_call(&p, KCI_API_DELETE_TOPICS, v, &in, &out);
        cr_assert_eq(out.responses.data[0].error_code, 0);
        peer_call(&p, KCI_API_DELETE_TOPICS, v, &in, &out);
        cr_assert_eq(out.responses.data[0].error_code, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    }
    kc_mock_create_topic(mock, "t", 1, 1);
    kci_delete_topics_request_delete_topic_state state = { 0 };
    kc_mock_topic_id(mock, "t", &state.topic_id);
    kci_delete_topics_request in;
    kci_delete_topics_response out;
    kci_msg_init(&kci_delete_topics_request_msg, &in);
    in.topics.data = &state;
    in.topics.count = 1;
    peer_call(&p, KCI_API_DELETE_TOPICS, 6, &in, &out);
    cr_assert_eq(out.responses.data[0].error_code, 0);
    cr_assert(kci_bytes_equal(out.responses.data[0].name, kc_str("t")));
    peer_call(&p, KCI_API_DELETE_TOPICS, 6, &in, &out);
    cr_assert_eq(out.responses.data[0].error_code, KC_E_UNKNOWN_TOPIC_ID);
}

Test(admin, partitions_are_added)
{
    kc_mock_create_topic(mock, "t", 2, 2);
    kci_create_partitions_request_create_partitions_topic topic = { .name = kc_str("t"),
                                                                    .count = 4,
                                                                    .assignments = { NULL, -1 } };
    kci_create_partitions_request in;
    kci_create_partitions_response out;
    kci_msg_init(&kci_create_partitions_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p, KCI_API_CREATE_PARTITIONS, 0, &in, &out);
    cr_assert_eq(out.results.data[0].error_code, 0);
    cr_assert_eq(kc_mock_log_end_offset(mock, "t", 3), 0);
    peer_call(&p, KCI_API_CREATE_PARTITIONS, 3, &in, &out);
    cr_assert_eq(out.results.data[0].error_code, KC_E_INVALID_PARTITIONS);
    cr_assert_eq(kc_mock_add_partitions(mock, "t", 5), KC_OK);
    cr_assert_eq(kc_mock_add_partitions(mock, "t", 5), KC_E_INVALID_PARTITIONS);
    int32_t brokers[] = { 2, 3 };
    kci_create_partitions_request_create_partitions_assignment assignment = { { brokers, 2 } };
    topic.assignments.data = &assignment;
    topic.assignments.count = 1;
    topic.count = 6;
    peer_call(&p, KCI_API_CREATE_PARTITIONS, 3, &in, &out);
    cr_assert_eq(out.results.data[0].error_code, 0);
    int32_t leader;
    kc_mock_leader(mock, "t", 5, &leader, NULL);
    cr_assert_eq(leader, 2);
    assignment.broker_ids.count = 1;
    topic.count = 7;
    peer_call(&p, KCI_API_CREATE_PARTITIONS, 3, &in, &out);
    cr_assert_eq(out.results.data[0].error_code, KC_E_INVALID_REPLICA_ASSIGNMENT);
}

Test(admin, records_are_deleted)
{
    kc_mock_create_topic(mock, "t", 1, 1);
    for (int i = 0; i < 10; i++)
        peer_produce_ok(&p, "t", 0, 1);
    kci_delete_records_request_delete_records_partition part = { 0, 4 };
    kci_delete_records_request_delete_records_topic topic = { kc_str("t"), { &part, 1 } };
    kci_delete_records_request in;
    kci_delete_records_response out;
    kci_msg_init(&kci_delete_records_request_msg, &in);
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p, KCI_API_DELETE_RECORDS, 2, &in, &out);
    cr_assert_eq(out.topics.data[0].partitions.data[0].low_watermark, 4);
    cr_assert_eq(kc_mock_log_start_offset(mock, "t", 0), 4);
    part.offset = 11;
    peer_call(&p, KCI_API_DELETE_RECORDS, 0, &in, &out);
    cr_assert_eq(out.topics.data[0].partitions.data[0].error_code, KC_E_OFFSET_OUT_OF_RANGE);
    part.offset = -1;
    peer_call(&p, KCI_API_DELETE_RECORDS, 1, &in, &out);
    cr_assert_eq(out.topics.data[0].partitions.data[0].low_watermark, 10);
}

Test(admin, the_cluster_is_described)
{
    for (int16_t v = 0; v <= 2; v++) {
        kci_describe_cluster_request in;
        kci_describe_cluster_response out;
        kci_msg_init(&kci_describe_cluster_request_msg, &in);
        peer_call(&p, KCI_API_DESCRIBE_CLUSTER, v, &in, &out);
        cr_assert_eq(out.error_code, 0);
        cr_assert_eq(out.brokers.count, 3);
        cr_assert_eq(out.cluster_id.size, 22);
        cr_assert(kci_bytes_equal(out.brokers.data[1].rack, kc_str("b")));
    }
}

Test(admin, topics_are_described_page_by_page)
{
    kc_mock_create_topic(mock, "b", 3, 1);
    kc_mock_create_topic(mock, "a", 3, 1);
    kci_describe_topic_partitions_request in;
    kci_describe_topic_partitions_response out;
    kci_msg_init(&kci_describe_topic_partitions_request_msg, &in);
    in.response_partition_limit = 4;
    peer_call(&p, KCI_API_DESCRIBE_TOPIC_PARTITIONS, 0, &in, &out);
    cr_assert_eq(out.topics.count, 2);
    cr_assert(kci_bytes_equal(out.topics.data[0].name, kc_str("a")));
    cr_assert_eq(out.topics.data[0].partitions.count, 3);
    cr_assert_eq(out.topics.data[1].partitions.count, 1);
    cr_assert_not_null(out.next_cursor);
    cr_assert(kci_bytes_equal(out.next_cursor->topic_name, kc_str("b")));
    cr_assert_eq(out.next_cursor->partition_index, 1);
    kci_describe_topic_partitions_request_cursor cursor = { kc_str("b"), 1 };
    in.cursor = &cursor;
    peer_call(&p, KCI_API_DESCRIBE_TOPIC_PARTITIONS, 0, &in, &out);
    cr_assert_eq(out.topics.count, 1);
    cr_assert_eq(out.topics.data[0].partitions.count, 2);
    cr_assert_eq(out.topics.data[0].partitions.data[0].partition_index, 1);
    cr_assert_null(out.next_cursor);
}

/* groups */

static int32_t coordinator(const char *group)
{
    int32_t id = -1;
    for (int16_t v = 0; v <= 6; v++) {
        kci_find_coordinator_request in;
        kci_find_coordinator_response out;
        kc_bytes key = kc_str(group);
        kci_msg_init(&kci_find_coordinator_request_msg, &in);
        in.key = key;
        in.coordinator_keys.data = &key;
        in.coordinator_keys.count = v >= 4;
        peer_call(&p, KCI_API_FIND_COORDINATOR, v, &in, &out);
        int32_t node = v >= 4 ? out.coordinators.data[0].node_id : out.node_id;
        cr_assert_eq(v >= 4 ? out.coordinators.data[0].error_code : out.error_code, 0);
        cr_assert(id == -1 || node == id);
        id = node;
    }
    return id;
}

static int16_t commit(int16_t version, int64_t offset, const kc_uuid *id)
{
    kci_offset_commit_request_offset_commit_request_partition part = {
        .committed_offset = offset, .committed_leader_epoch = 3, .committed_metadata = kc_str("m")
    };
    kci_offset_commit_request_offset_commit_request_topic topic = { .name = kc_str("t"),
                                                                    .topic_id = *id,
                                                                    .partitions = { &part, 1 } };
    kci_offset_commit_request in;
    kci_offset_commit_response out;
    kci_msg_init(&kci_offset_commit_request_msg, &in);
    in.group_id = kc_str("g");
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p, KCI_API_OFFSET_COMMIT, version, &in, &out);
    return out.topics.data[0].partitions.data[0].error_code;
}

static int64_t fetched(int16_t version, bool all, const kc_uuid *id)
{
    int32_t index = 0;
    kci_offset_fetch_request_offset_fetch_request_topic topic = { kc_str("t"), { &index, 1 } };
    kci_offset_fetch_request_offset_fetch_request_topics topics = {
        .name = kc_str("t"), .topic_id = *id, .partition_indexes = { &index, 1 }
    };
    kci_offset_fetch_request_offset_fetch_request_group group = { .group_id = kc_str("g"),
                                                                  .member_epoch = -1 };
    group.topics.data = &topics;
    group.topics.count = all ? -1 : 1;
    kci_offset_fetch_request in;
    kci_offset_fetch_response out;
    kci_msg_init(&kci_offset_fetch_request_msg, &in);
    if (version < 8) {
        in.group_id = kc_str("g");
        in.topics.data = &topic;
        in.topics.count = all ? -1 : 1;
    } else {
        in.groups.data = &group;
        in.groups.count = 1;
    }
    peer_call(&p, KCI_API_OFFSET_FETCH, version, &in, &out);
    if (version < 8) {
        cr_assert_eq(out.error_code, 0);
        return out.topics.count ? out.topics.data[0].partitions.data[0].committed_offset : -2;
    }
    cr_assert_eq(out.groups.data[0].error_code, 0);
    return out.groups.data[0].topics.count
               ? out.groups.data[0].topics.data[0].partitions.data[0].committed_offset
               : -2;
}

Test(admin, offsets_of_groups)
{
    kc_mock_create_topic(mock, "t", 1, 1);
    kc_uuid id;
    kc_mock_topic_id(mock, "t", &id);
    int32_t node = coordinator("g");
    int32_t other = node % 3 + 1;
    peer_close(&p);
    peer_open(&p, mock, other);
    cr_assert_eq(commit(9, 1, &id), KC_E_NOT_COORDINATOR);
    peer_close(&p);
    peer_open(&p, mock, node);
    cr_assert_eq(fetched(9, false, &id), -1);
    cr_assert_eq(fetched(9, true, &id), -2);
    for (int16_t v = 2; v <= 10; v++) {
        cr_assert_eq(commit(v, 100 + v, &id), 0);
        cr_assert_eq(kc_mock_committed(mock, "g", "t", 0), 100 + v);
        for (int16_t f = 1; f <= 10; f++) {
            cr_assert_eq(fetched(f, false, &id), 100 + v);
            if (f >= 2)
                cr_assert_eq(fetched(f, true, &id), 100 + v);
        }
    }
    cr_assert_eq(kc_mock_committed(mock, "h", "t", 0), -1);
    kc_mock_delete_topic(mock, "t");
    cr_assert_eq(fetched(9, true, &id), -2, "a topic's offsets go with it");
    cr_assert_eq(commit(9, 1, &id), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(commit(10, 1, &id), KC_E_UNKNOWN_TOPIC_ID);
}

Test(admin, a_coordinator_that_dies_is_replaced)
{
    int32_t node = coordinator("g");
    kc_mock_broker_down(mock, node, 0);
    peer_close(&p);
    peer_open(&p, mock, node % 3 + 1);
    int32_t next = coordinator("g");
    cr_assert_neq(next, node);
    kc_mock_broker_up(mock, node);
    cr_assert_eq(coordinator("g"), node);
}

Test(admin, transactional_ids_are_fenced_by_epochs)
{
    kci_init_producer_id_request in;
    kci_init_producer_id_response out;
    kci_msg_init(&kci_init_producer_id_request_msg, &in);
    in.transactional_id = kc_str("tx");
    in.transaction_timeout_ms = 1000;
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &in, &out);
    cr_assert_eq(out.producer_epoch, 0);
    int64_t id = out.producer_id;
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &in, &out);
    cr_assert_eq(out.producer_id, id);
    cr_assert_eq(out.producer_epoch, 1);
    in.producer_id = id;
    in.producer_epoch = 0;
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &in, &out);
    cr_assert_eq(out.error_code, KC_E_PRODUCER_FENCED);
    in.producer_epoch = 1;
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &in, &out);
    cr_assert_eq(out.producer_epoch, 2);
    in.transaction_timeout_ms = 0;
    peer_call(&p, KCI_API_INIT_PRODUCER_ID, 5, &in, &out);
    cr_assert_eq(out.error_code, KC_E_INVALID_TRANSACTION_TIMEOUT);
}
