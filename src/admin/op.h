/* SPDX-License-Identifier: Apache-2.0 */
/* One administrative request with its repetitions, until an outcome or the deadline. The
 * application's thread makes it, waits and reads the outcome; in between it belongs to the loop. If
 * the loop does not answer in time, the thread leaves it to the loop, which frees it in the end. */
#ifndef ADMIN_OP_H
#define ADMIN_OP_H

#include <kclient/admin.h>

#include "base/err.h"
#include "core/ask.h"
#include "core/client.h"
#include "wire/arena.h"
#include "wire/messages.h"

typedef struct kci_admin_op kci_admin_op;

typedef struct kci_admin_op_type {
    int16_t api;
    int16_t min_version;
    /* Loop, before each attempt: sets op->ask.call.body; remaining time in ms is for the request's
     * own time-out field. */
    kc_err (*build)(kci_admin_op *op, int32_t remaining_ms);
    /* Loop: reads an answer. KC_OK: done. Errors with KCI_ERROR_ASK_AGAIN (base/err_flags.h): once
     * more, not before op->ask.retry_after_us. Others end the operation with op->ask.why as text.
     */
    kc_err (*read)(kci_admin_op *op, const kci_response *response);
    /* Any thread: frees what the operation owns beyond kci_admin_op. */
    void (*free)(kci_admin_op *op);
} kci_admin_op_type;

/* Embedded as the first member in each operation's own struct, which comes from kci_calloc. */
struct kci_admin_op {
    const kci_admin_op_type *type;
    kci_ask ask; /* call.node is set by whoever makes it */

    /* op.c's; loop, from the start to the outcome */
    kci_task start;
    kc_admin *admin; /* stays as long as it is the loop's */
    kci_link link;
    int64_t deadline_us;
    bool stopped; /* by the end of the admin */
    /* both threads' */
    atomic_bool over; /* the outcome is known */
    kc_err err;       /* it */
    atomic_int refs;
};

/* Any thread: the end of a time-out that begins now; -1 is default.api.timeout.ms. */
int64_t kci_admin_deadline(kc_admin *admin, int32_t timeout_ms);

/* Application's thread: sets up, runs until the outcome, and returns it with its sentence. After it
 * the caller reads what it wants from its struct and calls kci_admin_op_unref(). When *left is set
 * the operation is still the loop's and must not be read, only given back. */
kc_err kci_admin_op_run(kc_admin *admin, kci_admin_op *op, const kci_admin_op_type *type,
                        int64_t deadline_us, bool *left, kc_error *detail);
void kci_admin_op_unref(kci_admin_op *op);

/* Keeps a sentence in op->ask.why: the broker's message, else the table's text. Returns err. */
kc_err kci_admin_op_why(kci_admin_op *op, kc_err err, kc_bytes message);

#endif
