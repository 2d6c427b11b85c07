/* SPDX-License-Identifier: Apache-2.0 */
/* kc_admin_delete_topics(). */
#include "admin/topic_op.h"
#include "base/err.h"
#include "base/mem.h"

typedef struct delete_op {
    kci_topic_op base;
    kci_delete_topics_request body;
} delete_op;

/* Names are in one field up to version 5, in another, with ids, from 6 on. */
static kc_err build(kci_admin_op *op, int32_t remaining_ms)
{
    delete_op *del = (delete_op *)op;
    const kc_topic_results *results = del->base.results;
    int32_t open = 0;
    for (size_t i = 0; i < results->count; i++) {
        if (results->entries[i].answered)
            continue;
        kci_delete_topics_request_delete_topic_state *state = &del->body.topics.data[open];
        kci_msg_init(&kci_delete_topics_request_delete_topic_state_msg, state);
        state->name = results->entries[i].result.name;
        del->body.topic_names.data[open++] = state->name;
    }
    del->body.topics.count = del->body.topic_names.count = open;
    del->body.timeout_ms = remaining_ms;
    op->ask.call.body = &del->body;
    return KC_OK;
}

static kc_err read_answer(kci_admin_op *op, const kci_response *response)
{
    kci_topic_op *topics = (kci_topic_op *)op;
    const kci_delete_topics_response *body = response->body;
    size_t hint = 0;
    kc_err again = KC_OK;
    for (int32_t i = 0; i < body->responses.count; i++) {
        const kci_delete_topics_response_deletable_topic_result *t = &body->responses.data[i];
        kci_topic_entry *entry;
        kc_err err = kci_topic_op_answer(topics, t->name, t->error_code, t->error_message, &hint,
                                         &again, &entry);
        if (err)
            return kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 });
        if (entry)
            entry->result.id = t->topic_id;
    }
    return kci_topic_op_answered(topics, again, body->throttle_time_ms);
}

static const kci_admin_op_type delete_type = {
    .api = KCI_API_DELETE_TOPICS,
    .build = build,
    .read = read_answer,
    .free = kci_topic_op_free,
};

static kc_err fill(delete_op *op, const kc_bytes *names, size_t count)
{
    kci_msg_init(&kci_delete_topics_request_msg, &op->body);
    kci_arena *arena = &op->base.arena;
    op->body.topics.data = kci_arena_array(arena, count, sizeof *op->body.topics.data);
    op->body.topic_names.data = kci_arena_array(arena, count, sizeof *op->body.topic_names.data);
    if (!op->body.topics.data || !op->body.topic_names.data)
        return KC_E_NO_MEMORY;
    kc_err err = KC_OK;
    for (size_t i = 0; i < count && !err; i++)
        err = kci_topic_results_name(op->base.results, i, names[i]);
    return err;
}

kc_err kc_admin_delete_topics(kc_admin *admin, const kc_bytes *names, size_t count,
                              int32_t timeout_ms, kc_topic_results **out, kc_error *detail)
{
    if (!admin || !out || (!names && count > 0) || count > INT32_MAX)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_admin_delete_topics: NULL argument");
    *out = NULL;
    delete_op *op = kci_topic_op_new(sizeof *op, count, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    kc_err err = op ? fill(op, names, count) : KC_E_NO_MEMORY;
    if (err)
        return kci_topic_op_refuse((kci_topic_op *)op, err,
                                   err == KC_E_INVALID_ARGUMENT
                                       ? "kc_admin_delete_topics: a name is empty or too long"
                                       : NULL,
                                   detail);
    return kci_topic_op_run(admin, &op->base, &delete_type, timeout_ms, out, detail);
}
