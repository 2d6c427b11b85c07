/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/answer_op.h"

#include "base/err.h"
#include "base/mem.h"

void kci_answer_free(kci_answer *answer)
{
    kci_arena_free(&answer->arena);
    kci_frame_unref(answer->frame);
    *answer = (kci_answer){ 0 };
}

void kci_answer_op_free(kci_admin_op *base)
{
    kci_answer_op *op = (kci_answer_op *)base;
    kci_arena_free(&op->arena);
    kci_frame_unref(op->frame);
}

kc_err kci_answer_op_refuse(kci_answer_op *op, kc_err err, kc_error *detail)
{
    if (op) {
        kci_answer_op_free(&op->op);
        kci_free(op);
    }
    return kci_fail(detail, err, NULL);
}

void kci_answer_op_keep(kci_answer_op *op, const kci_response *response)
{
    kci_frame_unref(op->frame);
    op->frame = kci_frame_ref(response->frame);
    op->version = response->version;
}

/* The core has decoded these bytes once already, into memory of its own. */
static kc_err decode(const kci_answer_op *op, kci_answer *out)
{
    const kci_api *api = kci_api_get(op->op.type->api);
    kci_reader in = kci_reader_of(op->frame->data, op->frame->size);
    int32_t correlation_id;
    kc_err err = kci_response_header_decode(api->key, op->version, &in, &correlation_id);
    if (err)
        return err;
    kci_arena body = { 0 };
    void *decoded = kci_arena_alloc(&body, api->response->size);
    err = decoded ? kci_decode(api->response, op->version, &in, &body, decoded) : KC_E_NO_MEMORY;
    if (err) {
        kci_arena_free(&body);
        return err;
    }
    *out = (kci_answer){ .frame = kci_frame_ref(op->frame), .arena = body, .body = decoded };
    return KC_OK;
}

kc_err kci_answer_op_run(kc_admin *admin, kci_answer_op *op, const kci_admin_op_type *type,
                         int64_t deadline_us, kci_answer *out, kc_error *detail)
{
    bool left;
    kc_err err = kci_admin_op_run(admin, &op->op, type, deadline_us, &left, detail);
    if (!err) {
        err = decode(op, out);
        if (err)
            (void)kci_fail(detail, err, NULL);
    }
    kci_admin_op_unref(&op->op);
    return err;
}
