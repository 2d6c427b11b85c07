/* SPDX-License-Identifier: Apache-2.0 */
/* An operation whose result is the broker's answer itself: the frame is kept and decoded by the
 * application's thread into the result object's own memory. */
#ifndef ADMIN_ANSWER_OP_H
#define ADMIN_ANSWER_OP_H

#include "admin/op.h"

/* A decoded answer with all that its pointers point into. Zeroed: none. */
typedef struct kci_answer {
    kci_frame *frame;
    kci_arena arena;
    void *body; /* the generated struct, in the arena */
} kci_answer;

void kci_answer_free(kci_answer *answer);

typedef struct kci_answer_op {
    kci_admin_op op;
    kci_arena arena; /* the request's parts, copied from the application */
    kci_frame *frame;
    int16_t version;
} kci_answer_op;

/* For kci_admin_op_type.free. */
void kci_answer_op_free(kci_admin_op *op);

/* Application's thread: gives back one that was not run. Returns err, with the table's sentence. */
kc_err kci_answer_op_refuse(kci_answer_op *op, kc_err err, kc_error *detail);

/* Loop, from read(): keeps the answer. */
void kci_answer_op_keep(kci_answer_op *op, const kci_response *response);

/* Application's thread: runs it, decodes the answer, and gives the operation back. */
kc_err kci_answer_op_run(kc_admin *admin, kci_answer_op *op, const kci_admin_op_type *type,
                         int64_t deadline_us, kci_answer *out, kc_error *detail);

#endif
