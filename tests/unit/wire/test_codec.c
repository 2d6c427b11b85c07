/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter's rules by example: defaults, null, tags, gaps, versions. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "wire/messages.h"

static kc_err decode(const kci_msg *msg, int16_t version, const kci_buf *in, kci_arena *arena,
                     void *out)
{
    kci_reader r = kci_reader_of(in->data, in->size);
    kc_err err = kci_decode(msg, version, &r, arena, out);
    cr_assert(err != KC_OK || kci_rd_left(&r) == 0);
    return err;
}

Test(codec, init_sets_the_schemas_defaults)
{
    kci_fetch_request r;
    memset(&r, 0x55, sizeof r);
    kci_msg_init(&kci_fetch_request_msg, &r);
    cr_assert_eq(r.replica_id, -1);
    cr_assert_eq(r.replica_state.replica_epoch, -1, "also in a struct inside");
    cr_assert_eq(r.max_bytes, INT32_MAX);
    cr_assert_null(r.cluster_id.data);
    cr_assert_not_null(r.rack_id.data, "empty, since it cannot be null");
    cr_assert_eq(r.rack_id.size, 0);
    cr_assert(r.topics.count == 0 && !r.topics.data);

    kci_streams_group_heartbeat_request s;
    kci_msg_init(&kci_streams_group_heartbeat_request_msg, &s);
    cr_assert_eq(s.active_tasks.count, -1);
    cr_assert_null(s.topology);
}

Test(codec, absent_fields_decode_as_defaults)
{
    kci_metadata_request in, out;
    kci_arena arena = { 0 };
    kci_buf buf = { 0 };
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    in.allow_auto_topic_creation = false;
    cr_assert_eq(kci_encode(&kci_metadata_request_msg, 1, &in, &buf, NULL), KC_OK);
    cr_assert_eq(buf.size, 4, "version 1 does not carry it");
    cr_assert_eq(decode(&kci_metadata_request_msg, 1, &buf, &arena, &out), KC_OK);
    cr_assert(out.allow_auto_topic_creation);
    cr_assert_eq(out.topics.count, -1);
    kci_buf_free(&buf);
    kci_arena_free(&arena);
}

Test(codec, null_where_the_version_has_none)
{
    kci_metadata_request in;
    kci_buf buf = { 0 };
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    cr_assert_eq(kci_encode(&kci_metadata_request_msg, 0, &in, &buf, NULL), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(buf.size, 0);

    kci_buf_put32(&buf, UINT32_MAX);
    kci_arena arena = { 0 };
    cr_assert_eq(decode(&kci_metadata_request_msg, 0, &buf, &arena, &in), KC_E_PROTOCOL);
    cr_assert_eq(decode(&kci_metadata_request_msg, 1, &buf, &arena, &in), KC_OK);
    kci_buf_free(&buf);
}

Test(codec, null_strings_and_elements)
{
    kci_heartbeat_request in;
    kci_buf buf = { 0 };
    kci_msg_init(&kci_heartbeat_request_msg, &in);
    in.group_id = kc_str(NULL);
    cr_assert_eq(kci_encode(&kci_heartbeat_request_msg, 4, &in, &buf, NULL), KC_E_INVALID_ARGUMENT);

    kci_delete_groups_request groups;
    kc_bytes names[] = { kc_str("a"), kc_str(NULL) };
    kci_msg_init(&kci_delete_groups_request_msg, &groups);
    groups.groups_names.data = names;
    groups.groups_names.count = 2;
    cr_assert_eq(kci_encode(&kci_delete_groups_request_msg, 2, &groups, &buf, NULL),
                 KC_E_INVALID_ARGUMENT, "a null in an array of strings");

    const uint8_t bytes[] = { 3, 2, 'a', 0, 0 };
    kci_buf_put(&buf, bytes, sizeof bytes);
    kci_arena arena = { 0 };
    cr_assert_eq(decode(&kci_delete_groups_request_msg, 2, &buf, &arena, &groups), KC_E_PROTOCOL);
    cr_assert_eq(groups.groups_names.count, 0, "at its defaults after an error");
    kci_buf_free(&buf);
    kci_arena_free(&arena);
}

Test(codec, counts_and_pointers_that_disagree)
{
    kci_delete_groups_request groups;
    kci_buf buf = { 0 };
    kci_msg_init(&kci_delete_groups_request_msg, &groups);
    groups.groups_names.count = 1;
    cr_assert_eq(kci_encode(&kci_delete_groups_request_msg, 2, &groups, &buf, NULL),
                 KC_E_INVALID_ARGUMENT);
    groups.groups_names.count = -2;
    cr_assert_eq(kci_encode(&kci_delete_groups_request_msg, 2, &groups, &buf, NULL),
                 KC_E_INVALID_ARGUMENT);
    kci_buf_free(&buf);
}

Test(codec, strings_have_a_limit)
{
    static uint8_t text[32768];
    kci_sasl_handshake_request in;
    kci_buf buf = { 0 };
    kci_msg_init(&kci_sasl_handshake_request_msg, &in);
    in.mechanism = kc_mem(text, 32767);
    cr_assert_eq(kci_encode(&kci_sasl_handshake_request_msg, 1, &in, &buf, NULL), KC_OK);
    in.mechanism = kc_mem(text, 32768);
    cr_assert_eq(kci_encode(&kci_sasl_handshake_request_msg, 1, &in, &buf, NULL),
                 KC_E_INVALID_ARGUMENT);
    cr_assert_eq(buf.size, 32769, "what was there before stays");
    kci_buf_free(&buf);
}

Test(codec, nullable_structs)
{
    kci_describe_topic_partitions_request in, out;
    kci_describe_topic_partitions_request_cursor cursor = { kc_str("t"), 7 };
    kci_arena arena = { 0 };
    kci_buf buf = { 0 };
    const kci_msg *msg = &kci_describe_topic_partitions_request_msg;
    kci_msg_init(msg, &in);
    cr_assert_eq(kci_encode(msg, 0, &in, &buf, NULL), KC_OK);
    cr_assert_eq(decode(msg, 0, &buf, &arena, &out), KC_OK);
    cr_assert_null(out.cursor);
    in.cursor = &cursor;
    buf.size = 0;
    cr_assert_eq(kci_encode(msg, 0, &in, &buf, NULL), KC_OK);
    cr_assert_eq(decode(msg, 0, &buf, &arena, &out), KC_OK);
    cr_assert_not_null(out.cursor);
    cr_assert_eq(out.cursor->partition_index, 7);
    cr_assert(kci_bytes_equal(out.cursor->topic_name, kc_str("t")));
    kci_buf_free(&buf);
    kci_arena_free(&arena);
}

/* A fetch response of one partition. */
typedef struct one_partition {
    kci_fetch_response response;
    kci_fetch_response_fetchable_topic_response topic;
    kci_fetch_response_partition_data partition;
} one_partition;

static void init_fetch(one_partition *f)
{
    kci_msg_init(&kci_fetch_response_msg, &f->response);
    kci_msg_init(&kci_fetch_response_fetchable_topic_response_msg, &f->topic);
    kci_msg_init(&kci_fetch_response_partition_data_msg, &f->partition);
    f->topic.partitions.data = &f->partition;
    f->topic.partitions.count = 1;
    f->response.responses.data = &f->topic;
    f->response.responses.count = 1;
}

Test(codec, tagged_fields_at_their_default_are_left_out)
{
    one_partition f;
    kci_buf without = { 0 }, with = { 0 };
    init_fetch(&f);
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 13, &f.response, &without, NULL), KC_OK);
    f.partition.current_leader.leader_id = 0;
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 13, &f.response, &with, NULL), KC_OK);
    cr_assert_eq(with.size, without.size + 2 + 9, "tag, size, two int32 and the struct's own tags");

    kci_fetch_response out;
    kci_arena arena = { 0 };
    cr_assert_eq(decode(&kci_fetch_response_msg, 13, &with, &arena, &out), KC_OK);
    const kci_fetch_response_partition_data *p = out.responses.data[0].partitions.data;
    cr_assert_eq(p->current_leader.leader_id, 0);
    cr_assert_eq(p->current_leader.leader_epoch, -1);
    cr_assert_eq(p->diverging_epoch.epoch, -1, "absent, so at its default");
    kci_buf_free(&with);
    kci_buf_free(&without);
    kci_arena_free(&arena);
}

Test(codec, a_tagged_array_that_may_not_be_null_is_refused_if_it_is)
{
    one_partition f;
    kci_buf out = { 0 };
    init_fetch(&f);
    f.response.node_endpoints.count = -1;
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 16, &f.response, &out, NULL),
                 KC_E_INVALID_ARGUMENT);
    kci_buf_free(&out);
}

Test(codec, known_tags_fill_their_size)
{
    /* ApiVersions response 3: no error, no keys, no throttle, tags */
    uint8_t bytes[] = { 0, 0, 1, 0, 0, 0, 0, 1, 1, 8, 0, 0, 0, 0, 0, 0, 0, 9, 0xee };
    kci_api_versions_response out;
    kci_arena arena = { 0 };
    kci_reader in = kci_reader_of(bytes, 18);
    cr_assert_eq(kci_decode(&kci_api_versions_response_msg, 3, &in, &arena, &out), KC_OK);
    cr_assert_eq(out.finalized_features_epoch, 9);
    bytes[9] = 9;
    in = kci_reader_of(bytes, 19);
    cr_assert_eq(kci_decode(&kci_api_versions_response_msg, 3, &in, &arena, &out), KC_E_PROTOCOL);
    bytes[9] = 7;
    in = kci_reader_of(bytes, 19);
    cr_assert_eq(kci_decode(&kci_api_versions_response_msg, 3, &in, &arena, &out), KC_E_PROTOCOL);
}

Test(codec, what_follows_is_left)
{
    const uint8_t bytes[] = { 0, 0, 0, 5, 0xaa, 0xbb };
    kci_reader in = kci_reader_of(bytes, sizeof bytes);
    kci_response_header out;
    cr_assert_eq(kci_decode(&kci_response_header_msg, 0, &in, NULL, &out), KC_OK);
    cr_assert_eq(out.correlation_id, 5);
    cr_assert_eq(kci_rd_left(&in), 2);
}

Test(codec, gaps_stand_for_records)
{
    one_partition f;
    kci_buf plain = { 0 }, out = { 0 };
    kci_gaps gaps = { 0 };
    init_fetch(&f);
    f.partition.records = kc_str("records!");
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 11, &f.response, &plain, NULL), KC_OK);
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 11, &f.response, &out, &gaps), KC_OK);
    cr_assert_eq(gaps.count, 1);
    cr_assert_eq(gaps.list[0].records.data, f.partition.records.data);
    cr_assert_eq(gaps.list[0].records.size, 8);
    cr_assert_eq(out.size + 8, plain.size);
    cr_assert_eq(memcmp(out.data, plain.data, gaps.list[0].offset), 0);
    cr_assert_eq(memcmp(plain.data + gaps.list[0].offset, "records!", 8), 0);

    f.partition.records = kc_mem(NULL, 100); /* known by its size only */
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 12, &f.response, &out, &gaps), KC_OK);
    cr_assert_eq(gaps.count, 2, "appended");
    cr_assert_gt(gaps.list[1].offset, gaps.list[0].offset);
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 12, &f.response, &out, NULL),
                 KC_E_INVALID_ARGUMENT);

    f.partition.records = kc_mem(NULL, 0);
    kci_gaps_clear(&gaps);
    cr_assert_eq(kci_encode(&kci_fetch_response_msg, 12, &f.response, &out, &gaps), KC_OK);
    cr_assert_eq(gaps.count, 0, "null has no gap");
    kci_buf_free(&plain);
    kci_buf_free(&out);
    kci_gaps_free(&gaps);
}

Test(codec, gaps_are_taken_back_on_error)
{
    kci_produce_request in;
    kci_produce_request_partition_produce_data parts[] = { { 0, kc_str("abc") } };
    kci_produce_request_topic_produce_data topics[2] = { { .name = kc_str("a") } };
    kci_buf out = { 0 };
    kci_gaps gaps = { 0 };
    topics[0].partition_data.data = parts;
    topics[0].partition_data.count = 1;
    topics[1] = topics[0];
    topics[1].name = kc_str(NULL);
    kci_msg_init(&kci_produce_request_msg, &in);
    in.topic_data.data = topics;
    in.topic_data.count = 2;
    cr_assert_eq(kci_encode(&kci_produce_request_msg, 9, &in, &out, &gaps), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(gaps.count, 0);
    cr_assert_eq(out.size, 0);
    kci_buf_free(&out);
    kci_gaps_free(&gaps);
}

Test(codec, versions_that_do_not_exist)
{
    kci_produce_request r;
    kci_buf out = { 0 };
    kci_reader in = kci_reader_of("", 0);
    kci_msg_init(&kci_produce_request_msg, &r);
    static const int16_t bad[] = { -1, 2, 14, 255, 256 + 9, INT16_MAX };
    for (size_t i = 0; i < KCI_COUNT_OF(bad); i++) {
        cr_assert_eq(kci_encode(&kci_produce_request_msg, bad[i], &r, &out, NULL),
                     KC_E_INVALID_ARGUMENT);
        cr_assert_eq(kci_decode(&kci_produce_request_msg, bad[i], &in, NULL, &r),
                     KC_E_INVALID_ARGUMENT);
    }
}

Test(codec, an_arena_is_needed_for_arrays)
{
    const uint8_t bytes[] = { 0, 0, 0, 1, 0, 1, 'a' };
    kci_metadata_request out;
    kci_reader in = kci_reader_of(bytes, sizeof bytes);
    cr_assert_eq(kci_decode(&kci_metadata_request_msg, 0, &in, NULL, &out), KC_E_INVALID_ARGUMENT);
}

Test(codec, a_failed_buffer_is_out_of_memory)
{
    kci_heartbeat_request in;
    kci_buf out = { .failed = true };
    kci_msg_init(&kci_heartbeat_request_msg, &in);
    cr_assert_eq(kci_encode(&kci_heartbeat_request_msg, 4, &in, &out, NULL), KC_E_NO_MEMORY);
}
