/* SPDX-License-Identifier: Apache-2.0 */
/* What creating, growing and deleting topics have in common: many topics in one request, each with
 * its own outcome, and only those without one are asked for again. */
#ifndef ADMIN_TOPIC_OP_H
#define ADMIN_TOPIC_OP_H

#include "admin/op.h"
#include "admin/topic_results.h"
#include "base/abi_structs.h"

typedef struct kci_topic_op {
    kci_admin_op op;
    kci_arena arena; /* the request's parts, copied from the application */
    kc_topic_results *results;
    kc_err already; /* the error that follows when an earlier attempt has done the work */
} kci_topic_op;

/* Application's thread. A zeroed operation of `size` bytes that begins with a kci_topic_op, for
 * count topics; NULL when out of memory. */
void *kci_topic_op_new(size_t size, size_t count, kc_err already);

/* Application's thread: checks what the calls with flags have in common: the size of each entry (up
 * to kc_new_topic, the largest), and flags. KC_E_INVALID_ARGUMENT with its sentence. */
kc_err kci_topic_op_check(const kci_abi *abi, const void *topics, size_t count, uint32_t flags,
                          kc_error *detail);

/* For kci_admin_op_type.free. */
void kci_topic_op_free(kci_admin_op *op);

/* Application's thread: runs it, gives the results out, and gives the operation back. */
kc_err kci_topic_op_run(kc_admin *admin, kci_topic_op *op, const kci_admin_op_type *type,
                        int32_t timeout_ms, kc_topic_results **out, kc_error *detail);

/* Application's thread: gives back one that was not run. Returns err, with a sentence. */
kc_err kci_topic_op_refuse(kci_topic_op *op, kc_err err, const char *why, kc_error *detail);

/* Loop: one topic's error code of an answer. Remembers transient ones in *again. KC_E_NO_MEMORY. */
kc_err kci_topic_op_answer(kci_topic_op *op, kc_bytes name, int16_t code, kc_bytes message,
                           size_t *hint, kc_err *again, kci_topic_entry **entry);

/* Loop: at the end of an answer, what read() returns. */
kc_err kci_topic_op_answered(kci_topic_op *op, kc_err again, int32_t throttle_ms);

/* Copies node ids. False: out of memory. */
bool kci_topic_op_nodes(kci_topic_op *op, const kc_replicas *from, int32_t **data, int32_t *count);

#endif
