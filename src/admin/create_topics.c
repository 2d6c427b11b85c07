/* SPDX-License-Identifier: Apache-2.0 */
/* kc_admin_create_topics(). */
#include <string.h>

#include "admin/topic_op.h"
#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"

typedef kci_create_topics_request_creatable_topic wire_topic;

typedef struct create_op {
    kci_topic_op base;
    kci_create_topics_request body;
    wire_topic *all; /* as the results */
} create_op;

static kc_err build(kci_admin_op *op, int32_t remaining_ms)
{
    create_op *create = (create_op *)op;
    const kc_topic_results *results = create->base.results;
    int32_t open = 0;
    for (size_t i = 0; i < results->count; i++)
        if (!results->entries[i].answered)
            create->body.topics.data[open++] = create->all[i];
    create->body.topics.count = open;
    create->body.timeout_ms = remaining_ms;
    op->ask.call.body = &create->body;
    return KC_OK;
}

static kc_err read_answer(kci_admin_op *op, const kci_response *response)
{
    kci_topic_op *topics = (kci_topic_op *)op;
    const kci_create_topics_response *body = response->body;
    size_t hint = 0;
    kc_err again = KC_OK;
    for (int32_t i = 0; i < body->topics.count; i++) {
        const kci_create_topics_response_creatable_topic_result *t = &body->topics.data[i];
        kci_topic_entry *entry;
        kc_err err = kci_topic_op_answer(topics, t->name, t->error_code, t->error_message, &hint,
                                         &again, &entry);
        if (err)
            return kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 });
        if (!entry || t->error_code != KC_OK)
            continue;
        entry->result.id = t->topic_id;
        entry->result.partitions = t->num_partitions;
        entry->result.replication_factor = t->replication_factor;
    }
    return kci_topic_op_answered(topics, again, body->throttle_time_ms);
}

static const kci_admin_op_type create_type = {
    .api = KCI_API_CREATE_TOPICS,
    .build = build,
    .read = read_answer,
    .free = kci_topic_op_free,
};

static kc_err copy_configs(create_op *op, const kc_new_topic *from, wire_topic *to)
{
    kci_arena *arena = &op->base.arena;
    to->configs.data = kci_arena_array(arena, from->config_count, sizeof *to->configs.data);
    to->configs.count = (int32_t)from->config_count;
    if (!to->configs.data || from->config_count > INT32_MAX)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < from->config_count; i++) {
        const kc_name_value *pair = &from->configs[i];
        if (!pair->name.data || !pair->value.data)
            return KC_E_INVALID_ARGUMENT;
        to->configs.data[i].name = kci_arena_copy(arena, pair->name);
        to->configs.data[i].value = kci_arena_copy(arena, pair->value);
        if (!to->configs.data[i].name.data || !to->configs.data[i].value.data)
            return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

static kc_err copy_assignments(create_op *op, const kc_new_topic *from, wire_topic *to)
{
    size_t count = from->assignment_count;
    to->assignments.data = kci_arena_array(&op->base.arena, count, sizeof *to->assignments.data);
    to->assignments.count = (int32_t)count;
    if (!to->assignments.data || count > INT32_MAX)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        kci_create_topics_request_creatable_replica_assignment *a = &to->assignments.data[i];
        a->partition_index = (int32_t)i;
        if (!kci_topic_op_nodes(&op->base, &from->assignments[i], &a->broker_ids.data,
                                &a->broker_ids.count))
            return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

static kc_err copy_topic(create_op *op, size_t index, const kc_new_topic *from)
{
    wire_topic *to = &op->all[index];
    if (from->replication_factor < -1 || from->replication_factor > INT16_MAX)
        return KC_E_INVALID_ARGUMENT;
    kc_err err = kci_topic_results_name(op->base.results, index, from->name);
    if (err)
        return err;
    bool assigned = from->assignment_count > 0;
    to->name = op->base.results->entries[index].result.name;
    to->num_partitions = assigned ? -1 : from->partitions;
    to->replication_factor = assigned ? -1 : (int16_t)from->replication_factor;
    err = copy_configs(op, from, to);
    return err ? err : copy_assignments(op, from, to);
}

static kc_err fill(create_op *op, const kc_new_topic *topics, size_t count, uint32_t flags)
{
    kc_new_topic topic;
    kci_msg_init(&kci_create_topics_request_msg, &op->body);
    op->body.validate_only = (flags & KC_ADMIN_VALIDATE_ONLY) != 0;
    op->all = kci_arena_array(&op->base.arena, count, sizeof *op->all);
    op->body.topics.data = kci_arena_array(&op->base.arena, count, sizeof *op->all);
    if (!op->all || !op->body.topics.data)
        return KC_E_NO_MEMORY;
    kc_err err = KC_OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = kci_abi_take_at(&kci_abi_new_topic, topics, i, &topic, NULL);
        err = err ? err : copy_topic(op, i, &topic);
    }
    return err;
}

kc_err kc_admin_create_topics(kc_admin *admin, const kc_new_topic *topics, size_t count,
                              uint32_t flags, int32_t timeout_ms, kc_topic_results **out,
                              kc_error *detail)
{
    if (!admin || !out || (!topics && count > 0) || count > INT32_MAX)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_admin_create_topics: NULL argument");
    *out = NULL;
    kc_err err = kci_topic_op_check(&kci_abi_new_topic, topics, count, flags, detail);
    if (err)
        return err;
    create_op *op = kci_topic_op_new(sizeof *op, count, KC_E_TOPIC_ALREADY_EXISTS);
    err = op ? fill(op, topics, count, flags) : KC_E_NO_MEMORY;
    if (err)
        return kci_topic_op_refuse((kci_topic_op *)op, err,
                                   err == KC_E_INVALID_ARGUMENT
                                       ? "kc_admin_create_topics: begin each topic with "
                                         "KC_NEW_TOPIC_INIT, set its name, and each config's name "
                                         "and value"
                                       : NULL,
                                   detail);
    return kci_topic_op_run(admin, &op->base, &create_type, timeout_ms, out, detail);
}
