/* SPDX-License-Identifier: Apache-2.0 */
/* CreateTopics, DeleteTopics, CreatePartitions, DeleteRecords. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

typedef kci_create_topics_request_creatable_topic new_topic;
typedef kci_create_topics_response_creatable_topic_result new_result;

/* Manual assignments as the cluster takes them: partitions 0 to n-1, all of one size. */
static kc_err take_assignments(kci_mock_request *r, const new_topic *in, kci_mock_new_topic *t)
{
    int32_t n = in->assignments.count;
    const int32_t **list = kci_mock_take(r, (size_t)n, sizeof(int32_t *));
    if (!list)
        return KC_E_NO_MEMORY;
    t->partitions = n;
    t->replication = in->assignments.data[0].broker_ids.count;
    for (int32_t i = 0; i < n; i++) {
        const kci_create_topics_request_creatable_replica_assignment *a = &in->assignments.data[i];
        if (a->partition_index < 0 || a->partition_index >= n || list[a->partition_index] ||
            a->broker_ids.count != t->replication || t->replication < 1) {
            t->why = "Partitions must be 0, 1, 2 ... with equally many replicas each.";
            return KC_E_INVALID_REPLICA_ASSIGNMENT;
        }
        list[a->partition_index] = a->broker_ids.data;
    }
    t->assigned = list;
    return KC_OK;
}

static kc_err check_numbers(const new_topic *in, kci_mock_new_topic *t)
{
    if (in->assignments.count > 0) {
        if (in->num_partitions == -1 && in->replication_factor == -1)
            return KC_OK;
        t->why = "With assignments, partitions and replication factor must be -1.";
        return KC_E_INVALID_REQUEST;
    }
    if (in->num_partitions == 0 || in->num_partitions < -1) {
        t->why = "The number of partitions must be above 0, or -1 for the default.";
        return KC_E_INVALID_PARTITIONS;
    }
    if (in->replication_factor == 0 || in->replication_factor < -1) {
        t->why = "The replication factor must be above 0, or -1 for the default.";
        return KC_E_INVALID_REPLICATION_FACTOR;
    }
    return KC_OK;
}

static kc_err check_configs(const new_topic *in, kci_mock_new_topic *t)
{
    for (int32_t i = 0; i < in->configs.count; i++) {
        kc_err err = kci_mock_config_check(in->configs.data[i].name, in->configs.data[i].value);
        if (err != KC_OK) {
            t->why = "A configuration has no name, or its value is not allowed.";
            return err;
        }
    }
    return KC_OK;
}

static bool named_twice(const kci_create_topics_request *in, int32_t i)
{
    for (int32_t k = 0; k < in->topics.count; k++) {
        if (k != i && kci_bytes_equal(in->topics.data[k].name, in->topics.data[i].name))
            return true;
    }
    return false;
}

static kc_err create_one(kci_mock_request *r, int32_t i, kci_mock_new_topic *t,
                         kci_mock_topic **made)
{
    const kci_create_topics_request *in = r->body;
    const new_topic *topic = &in->topics.data[i];
    if (named_twice(in, i)) {
        t->why = "The request names this topic twice.";
        return KC_E_INVALID_REQUEST;
    }
    kc_err err = check_numbers(topic, t);
    if (err == KC_OK && topic->assignments.count > 0)
        err = take_assignments(r, topic, t);
    if (err == KC_OK)
        err = check_configs(topic, t);
    if (err == KC_OK)
        err = kci_mock_topic_create(r->cluster, t, made);
    for (int32_t k = 0; err == KC_OK && *made && k < topic->configs.count; k++)
        err = kci_mock_topic_configure(*made, topic->configs.data[k].name,
                                       topic->configs.data[k].value);
    if (err != KC_OK && *made)
        kci_mock_topic_delete(*made);
    return err;
}

kci_mock_outcome kci_mock_serve_create_topics(kci_mock_request *r)
{
    const kci_create_topics_request *in = r->body;
    kci_create_topics_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KCI_MOCK_CLOSE;
    out->topics.count = in->topics.count;
    for (int32_t i = 0; i < in->topics.count; i++) {
        const new_topic *topic = &in->topics.data[i];
        new_result *o = &out->topics.data[i];
        kci_mock_new_topic t = { .name = topic->name,
                                 .partitions = topic->num_partitions,
                                 .replication = topic->replication_factor,
                                 .validate_only = in->validate_only };
        kci_mock_topic *made = NULL;
        bool applied = false;
        kc_err forced = kci_mock_forced_error(r, topic->name, -1, &applied);
        kc_err err = forced && !applied ? forced : create_one(r, i, &t, &made);
        if (err == KC_E_NO_MEMORY)
            return KCI_MOCK_CLOSE;
        if (err == KC_OK && forced)
            err = forced;
        o->name = topic->name;
        o->error_code = (int16_t)err;
        o->error_message = kc_str(err == KC_OK ? NULL : t.why);
        o->num_partitions = o->replication_factor = -1;
        o->configs.count = err == KC_OK ? 0 : -1;
        if (err != KC_OK)
            continue;
        o->num_partitions = t.partitions;
        o->replication_factor = (int16_t)t.replication;
        if (made)
            o->topic_id = made->id;
    }
    return KCI_MOCK_ANSWER;
}

static kc_err delete_one(kci_mock_request *r, kci_mock_topic *topic, kc_err unknown)
{
    if (!topic)
        return unknown;
    bool applied = false;
    kc_err forced = kci_mock_forced_error(r, topic->name, -1, &applied);
    if (!forced || applied)
        kci_mock_topic_delete(topic);
    return forced;
}

kci_mock_outcome kci_mock_serve_delete_topics(kci_mock_request *r)
{
    const kci_delete_topics_request *in = r->body;
    kci_delete_topics_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    int32_t n = r->version >= 6 ? in->topics.count : in->topic_names.count;
    out->responses.data = kci_mock_take(r, (size_t)n, sizeof *out->responses.data);
    if (!out->responses.data)
        return KCI_MOCK_CLOSE;
    out->responses.count = n;
    for (int32_t i = 0; i < n; i++) {
        kci_delete_topics_response_deletable_topic_result *o = &out->responses.data[i];
        o->name = r->version >= 6 ? in->topics.data[i].name : in->topic_names.data[i];
        bool by_id = !o->name.data;
        if (by_id)
            o->topic_id = in->topics.data[i].topic_id;
        kci_mock_topic *topic = by_id ? kci_mock_topic_by_id(r->cluster, &o->topic_id)
                                      : kci_mock_topic_get(r->cluster, o->name);
        if (topic) {
            o->topic_id = topic->id;
            o->name = kci_arena_copy(&r->arena, topic->name);
        }
        o->error_message = kc_mem(NULL, 0);
        o->error_code = (int16_t)delete_one(
            r, topic, by_id ? KC_E_UNKNOWN_TOPIC_ID : KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    }
    return KCI_MOCK_ANSWER;
}

static kc_err grow(kci_mock_request *r,
                   const kci_create_partitions_request_create_partitions_topic *t,
                   bool validate_only)
{
    kci_mock_topic *topic = kci_mock_topic_get(r->cluster, t->name);
    kc_err forced = kci_mock_forced_error(r, t->name, -1, NULL);
    if (forced)
        return forced;
    if (!topic)
        return KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    if (t->count <= topic->partition_count)
        return KC_E_INVALID_PARTITIONS;
    const int32_t **assigned = NULL;
    if (t->assignments.count >= 0) {
        if (t->assignments.count != t->count - topic->partition_count)
            return KC_E_INVALID_REPLICA_ASSIGNMENT;
        assigned = kci_mock_take(r, (size_t)t->assignments.count, sizeof(int32_t *));
        if (!assigned)
            return KC_E_NO_MEMORY;
        for (int32_t i = 0; i < t->assignments.count; i++) {
            assigned[i] = t->assignments.data[i].broker_ids.data;
            if (t->assignments.data[i].broker_ids.count != topic->partitions[0]->replica_count)
                return KC_E_INVALID_REPLICA_ASSIGNMENT;
        }
    }
    return validate_only ? KC_OK : kci_mock_topic_grow(topic, t->count, assigned);
}

kci_mock_outcome kci_mock_serve_create_partitions(kci_mock_request *r)
{
    const kci_create_partitions_request *in = r->body;
    kci_create_partitions_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->results.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->results.data);
    if (!out->results.data)
        return KCI_MOCK_CLOSE;
    out->results.count = in->topics.count;
    for (int32_t i = 0; i < in->topics.count; i++) {
        kc_err err = grow(r, &in->topics.data[i], in->validate_only);
        if (err == KC_E_NO_MEMORY)
            return KCI_MOCK_CLOSE;
        out->results.data[i] = (kci_create_partitions_response_create_partitions_topic_result){
            .name = in->topics.data[i].name, .error_code = (int16_t)err
        };
    }
    return KCI_MOCK_ANSWER;
}

static void delete_records(kci_mock_request *r, const kci_mock_topic *topic,
                           const kci_delete_records_request_delete_records_partition *in,
                           kci_delete_records_response_delete_records_partition_result *out)
{
    out->partition_index = in->partition_index;
    out->low_watermark = -1;
    kci_mock_partition *p = kci_mock_partition_of(topic, in->partition_index);
    kc_err err = p ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    if (err == KC_OK)
        err = kci_mock_forced_error(r, topic->name, in->partition_index, NULL);
    if (err == KC_OK && p->leader != r->broker->id)
        err = KC_E_NOT_LEADER_OR_FOLLOWER;
    if (err == KC_OK) {
        int64_t offset = in->offset == -1 ? p->log.hw : in->offset;
        if (offset < 0 || offset > p->log.hw)
            err = KC_E_OFFSET_OUT_OF_RANGE;
        else
            kci_mock_log_delete_before(&p->log, offset);
    }
    out->error_code = (int16_t)err;
    if (err == KC_OK)
        out->low_watermark = p->log.start;
}

kci_mock_outcome kci_mock_serve_delete_records(kci_mock_request *r)
{
    const kci_delete_records_request *in = r->body;
    kci_delete_records_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KCI_MOCK_CLOSE;
    out->topics.count = in->topics.count;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_delete_records_request_delete_records_topic *it = &in->topics.data[t];
        kci_delete_records_response_delete_records_topic_result *ot = &out->topics.data[t];
        const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, it->name);
        ot->name = it->name;
        ot->partitions.data =
            kci_mock_take(r, (size_t)it->partitions.count, sizeof *ot->partitions.data);
        if (!ot->partitions.data)
            return KCI_MOCK_CLOSE;
        ot->partitions.count = it->partitions.count;
        for (int32_t i = 0; i < it->partitions.count; i++)
            delete_records(r, topic, &it->partitions.data[i], &ot->partitions.data[i]);
    }
    return KCI_MOCK_ANSWER;
}
