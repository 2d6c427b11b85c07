/* SPDX-License-Identifier: Apache-2.0 */
/* kc_admin_create_partitions(): more partitions for topics that exist. */
#include "admin/topic_op.h"
#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"

typedef kci_create_partitions_request_create_partitions_topic wire_topic;

typedef struct grow_op {
    kci_topic_op base;
    kci_create_partitions_request body;
    wire_topic *all; /* as the results */
} grow_op;

static kc_err build(kci_admin_op *op, int32_t remaining_ms)
{
    grow_op *grow = (grow_op *)op;
    const kc_topic_results *results = grow->base.results;
    int32_t open = 0;
    for (size_t i = 0; i < results->count; i++)
        if (!results->entries[i].answered)
            grow->body.topics.data[open++] = grow->all[i];
    grow->body.topics.count = open;
    grow->body.timeout_ms = remaining_ms;
    op->ask.call.body = &grow->body;
    return KC_OK;
}

static kc_err read_answer(kci_admin_op *op, const kci_response *response)
{
    grow_op *grow = (grow_op *)op;
    const kci_create_partitions_response *body = response->body;
    size_t hint = 0;
    kc_err again = KC_OK;
    for (int32_t i = 0; i < body->results.count; i++) {
        const kci_create_partitions_response_create_partitions_topic_result *t =
            &body->results.data[i];
        kci_topic_entry *entry;
        kc_err err = kci_topic_op_answer(&grow->base, t->name, t->error_code, t->error_message,
                                         &hint, &again, &entry);
        if (err)
            return kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 });
        if (entry && t->error_code == KC_OK)
            entry->result.partitions = grow->all[entry - grow->base.results->entries].count;
    }
    return kci_topic_op_answered(&grow->base, again, body->throttle_time_ms);
}

static const kci_admin_op_type grow_type = {
    .api = KCI_API_CREATE_PARTITIONS,
    .build = build,
    .read = read_answer,
    .free = kci_topic_op_free,
};

static kc_err copy_topic(grow_op *op, size_t index, const kc_new_partitions *from)
{
    wire_topic *to = &op->all[index];
    size_t count = from->assignment_count;
    if (count > INT32_MAX)
        return KC_E_INVALID_ARGUMENT;
    kc_err err = kci_topic_results_name(op->base.results, index, from->name);
    if (err)
        return err;
    to->name = op->base.results->entries[index].result.name;
    to->count = from->total_count;
    to->assignments.data = NULL; /* null, not empty: the brokers choose */
    to->assignments.count = -1;
    if (count == 0)
        return KC_OK;
    to->assignments.data = kci_arena_array(&op->base.arena, count, sizeof *to->assignments.data);
    to->assignments.count = (int32_t)count;
    if (!to->assignments.data)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++)
        if (!kci_topic_op_nodes(&op->base, &from->assignments[i],
                                &to->assignments.data[i].broker_ids.data,
                                &to->assignments.data[i].broker_ids.count))
            return KC_E_NO_MEMORY;
    return KC_OK;
}

static kc_err fill(grow_op *op, const kc_new_partitions *topics, size_t count, uint32_t flags)
{
    kc_new_partitions topic;
    kci_msg_init(&kci_create_partitions_request_msg, &op->body);
    op->body.validate_only = (flags & KC_ADMIN_VALIDATE_ONLY) != 0;
    op->all = kci_arena_array(&op->base.arena, count, sizeof *op->all);
    op->body.topics.data = kci_arena_array(&op->base.arena, count, sizeof *op->all);
    if (!op->all || !op->body.topics.data)
        return KC_E_NO_MEMORY;
    kc_err err = KC_OK;
    for (size_t i = 0; i < count && !err; i++) {
        err = kci_abi_take_at(&kci_abi_new_partitions, topics, i, &topic, NULL);
        err = err ? err : copy_topic(op, i, &topic);
    }
    return err;
}

kc_err kc_admin_create_partitions(kc_admin *admin, const kc_new_partitions *topics, size_t count,
                                  uint32_t flags, int32_t timeout_ms, kc_topic_results **out,
                                  kc_error *detail)
{
    if (!admin || !out || (!topics && count > 0) || count > INT32_MAX)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_admin_create_partitions: NULL argument");
    *out = NULL;
    kc_err err = kci_topic_op_check(&kci_abi_new_partitions, topics, count, flags, detail);
    if (err)
        return err;
    grow_op *op = kci_topic_op_new(sizeof *op, count, KC_E_INVALID_PARTITIONS);
    err = op ? fill(op, topics, count, flags) : KC_E_NO_MEMORY;
    if (err)
        return kci_topic_op_refuse(
            (kci_topic_op *)op, err,
            err == KC_E_INVALID_ARGUMENT
                ? "kc_admin_create_partitions: set each topic's size and name"
                : NULL,
            detail);
    return kci_topic_op_run(admin, &op->base, &grow_type, timeout_ms, out, detail);
}
