/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/topic_op.h"

#include <string.h>

#include "base/err.h"
#include "base/err_flags.h"
#include "base/mem.h"

void *kci_topic_op_new(size_t size, size_t count, kc_err already)
{
    kci_topic_op *op = kci_calloc(1, size);
    if (!op)
        return NULL;
    op->already = already;
    op->op.ask.call.node = KCI_NODE_CONTROLLER;
    op->results = kci_topic_results_new(count);
    if (!op->results) {
        kci_free(op);
        return NULL;
    }
    return op;
}

kc_err kci_topic_op_check(const kci_abi *abi, const void *topics, size_t count, uint32_t flags,
                          kc_error *detail)
{
    kc_new_topic largest;
    kc_err err = KC_OK;
    if ((flags & ~(uint32_t)KC_ADMIN_VALIDATE_ONLY) != 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "flags is 0x%x: this call knows only KC_ADMIN_VALIDATE_ONLY",
                        (unsigned)flags);
    for (size_t i = 0; i < count && err == KC_OK; i++)
        err = kci_abi_take_at(abi, topics, i, &largest, detail);
    return err;
}

void kci_topic_op_free(kci_admin_op *base)
{
    kci_topic_op *op = (kci_topic_op *)base;
    kci_arena_free(&op->arena);
    kc_topic_results_free(op->results);
}

kc_err kci_topic_op_refuse(kci_topic_op *op, kc_err err, const char *why, kc_error *detail)
{
    if (op) {
        kci_topic_op_free(&op->op);
        kci_free(op);
    }
    return why ? kci_fail(detail, err, "%s", why) : kci_fail(detail, err, NULL);
}

/* Topics that no broker has answered for share the operation's own error. */
static kc_err settle(kci_topic_op *op, kc_err err)
{
    kc_topic_results *results = op->results;
    for (size_t i = 0; i < results->count; i++)
        if (!results->entries[i].answered &&
            kci_topic_results_set(results, &results->entries[i], err, kc_str(op->op.ask.why),
                                  false))
            return KC_E_NO_MEMORY;
    return KC_OK;
}

kc_err kci_topic_op_run(kc_admin *admin, kci_topic_op *op, const kci_admin_op_type *type,
                        int32_t timeout_ms, kc_topic_results **out, kc_error *detail)
{
    bool left;
    kc_err err = kci_admin_op_run(admin, &op->op, type, kci_admin_deadline(admin, timeout_ms),
                                  &left, detail);
    bool some = !left && kci_topic_results_open(op->results) < op->results->count;
    if (!left && (err == KC_OK || (some && settle(op, err) == KC_OK))) {
        *out = op->results;
        op->results = NULL;
        kc_err first = kci_topic_results_first(*out, detail);
        err = err ? err : first;
    }
    kci_admin_op_unref(&op->op);
    return err;
}

/* Codes below -1 are this library's own: a broker cannot give them. */
static kc_err broker_err(int16_t code)
{
    return code < KC_E_UNKNOWN_SERVER_ERROR ? KC_E_UNKNOWN_SERVER_ERROR : code;
}

kc_err kci_topic_op_answer(kci_topic_op *op, kc_bytes name, int16_t code, kc_bytes message,
                           size_t *hint, kc_err *again, kci_topic_entry **entry)
{
    kc_err err = broker_err(code);
    *entry = kci_topic_results_find(op->results, name, hint);
    if (!*entry)
        return KC_OK;
    if (kci_error_flags(err) & KCI_ERROR_ASK_AGAIN) {
        *again = kci_admin_op_why(&op->op, err, message);
        return KC_OK;
    }
    bool doubtful = op->op.ask.maybe_done && err == op->already;
    return kci_topic_results_set(op->results, *entry, err, message, doubtful);
}

kc_err kci_topic_op_answered(kci_topic_op *op, kc_err again, int32_t throttle_ms)
{
    if (kci_topic_results_open(op->results) == 0)
        return KC_OK;
    if (again == KC_E_THROTTLING_QUOTA_EXCEEDED && throttle_ms > 0)
        op->op.ask.retry_after_us = (int64_t)throttle_ms * 1000;
    if (again)
        return again;
    return kci_admin_op_why(&op->op, KC_E_PROTOCOL,
                            kc_str("the broker's answer leaves out topics that it was asked for"));
}

bool kci_topic_op_nodes(kci_topic_op *op, const kc_replicas *from, int32_t **data, int32_t *count)
{
    *data = kci_arena_array(&op->arena, from->count, sizeof **data);
    if (!*data || from->count > INT32_MAX)
        return false;
    if (from->count > 0)
        memcpy(*data, from->nodes, from->count * sizeof **data);
    *count = (int32_t)from->count;
    return true;
}
