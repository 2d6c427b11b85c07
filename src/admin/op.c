/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/op.h"

#include <string.h>

#include "admin/admin_impl.h"
#include "base/err.h"
#include "base/mem.h"

/* The loop ends an operation at its deadline; the application's thread waits so much longer for
 * that. */
#define GRACE_US 2000000

kc_err kci_admin_op_why(kci_admin_op *op, kc_err err, kc_bytes message)
{
    if (message.data && message.size > 0)
        kci_sentence(op->ask.why, sizeof op->ask.why, "%.*s",
                     (int)(message.size < 4000 ? message.size : 4000), (const char *)message.data);
    else
        kci_sentence(op->ask.why, sizeof op->ask.why, "%s", kc_error_text(err));
    return err;
}

static void op_free(kci_admin_op *op)
{
    if (op->type->free)
        op->type->free(op);
    kci_free(op);
}

void kci_admin_op_unref(kci_admin_op *op)
{
    if (atomic_fetch_sub(&op->refs, 1) == 1)
        op_free(op);
}

/* The outcome is known; the loop lets go of the operation. Perhaps the admin only waited for it. */
static void finish(kci_admin_op *op, kc_err err)
{
    kc_admin *admin = op->admin;

    kci_link_remove(&op->link);
    op->err = err;
    atomic_store(&op->over, true);
    kci_waiters_wake(&admin->life.waiters, KCI_WAIT_ANSWER);
    kci_admin_op_unref(op);
    kci_resident_look(&admin->life);
}

/* Nobody refused anything, but the answer did not come. */
static void say_late(kci_admin_op *op)
{
    const kc_config *config = kci_client_config(op->admin->client);
    if (op->ask.maybe_done)
        kci_sentence(
            op->ask.why, sizeof op->ask.why,
            "the broker's answer did not come in time; what was asked for may have been done: "
            "look, or allow more time");
    else
        kci_sentence(op->ask.why, sizeof op->ask.why,
                     "no broker of bootstrap.servers=%s has answered in time: check that these are "
                     "Kafka listeners and speak security.protocol=%s",
                     kci_config_str(config, KCI_P_BOOTSTRAP_SERVERS),
                     kci_config_str(config, KCI_P_SECURITY_PROTOCOL));
}

/* The time is up without an answer. Says why there was none, if that is known: a name that cannot
 * be resolved is a better answer than "timed out". */
static void finish_late(kci_admin_op *op, kc_err last)
{
    kc_error problem;
    bool silent = last == KC_OK || (last == KC_E_TIMED_OUT && !op->ask.call.sent);
    if (silent && kci_client_last_problem(op->admin->client, &problem) != KC_OK) {
        last = problem.code;
        kci_sentence(op->ask.why, sizeof op->ask.why, "%s", problem.text);
    }
    switch (last) {
    case KC_E_TLS:
    case KC_E_AUTHENTICATION:
    case KC_E_PROTOCOL:
    case KC_E_RESPONSE_TOO_LARGE:
        finish(op, last);
        return;
    case KC_E_TRANSPORT:
    case KC_E_CONNECT:
    case KC_E_RESOLVE:
    case KC_E_NO_BROKER:
        finish(op, KC_E_NO_BROKER);
        return;
    default:
        if (last == KC_OK || last == KC_E_TIMED_OUT)
            say_late(op);
        finish(op, KC_E_TIMED_OUT);
    }
}

static void on_done(kci_ask *ask, kc_err err)
{
    kci_admin_op *op = KCI_CONTAINER_OF(ask, kci_admin_op, ask);

    if (op->stopped)
        (void)kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 });
    else if (err == KC_E_BROKER_NOT_AVAILABLE && !ask->call.sent)
        kci_sentence(ask->why, sizeof ask->why,
                     "broker %d is not among the cluster's brokers: it is down, or has another id",
                     (int)ask->call.node);
    if (ask->late)
        finish_late(op, ask->last);
    else
        finish(op, err);
}

static kc_err build(kci_ask *ask)
{
    kci_admin_op *op = KCI_CONTAINER_OF(ask, kci_admin_op, ask);
    return op->type->build(op, (int32_t)(ask->call.timeout_us / 1000));
}

static kc_err read_answer(kci_ask *ask, const kci_response *response)
{
    kci_admin_op *op = KCI_CONTAINER_OF(ask, kci_admin_op, ask);
    return op->type->read(op, response);
}

static void on_start(kci_task *task)
{
    kci_admin_op *op = KCI_CONTAINER_OF(task, kci_admin_op, start);
    kc_admin *admin = op->admin;
    kci_ask *ask = &op->ask;

    ask->call = (kci_call){ .api = op->type->api,
                            .cls = KCI_CLASS_CONTROL,
                            .node = ask->call.node,
                            .min_version = op->type->min_version,
                            .max_version = KCI_ANY_VERSION };
    ask->deadline_us = op->deadline_us;
    ask->build = build;
    ask->read = read_answer;
    ask->done = on_done;
    kc_err err =
        kci_resident_is_there(&admin->life) ? kci_ask_start(admin->client, ask) : KC_E_CLOSED;
    if (err == KC_OK)
        kci_list_push_back(&admin->ops, &op->link);
    else
        finish(op, kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 }));
}

void kci_admin_end_ops(kc_admin *admin, kc_err err)
{
    for (kci_link *at = kci_list_first(&admin->ops); at; at = kci_list_next(&admin->ops, at)) {
        kci_admin_op *op = KCI_CONTAINER_OF(at, kci_admin_op, link);
        op->stopped = true;
        kci_ask_cancel(&op->ask, err);
    }
}

int64_t kci_admin_deadline(kc_admin *admin, int32_t timeout_ms)
{
    kci_sys *sys = kci_client_sys(admin->client);
    const kc_config *config = kci_client_config(admin->client);
    int64_t ms =
        timeout_ms >= 0 ? timeout_ms : kci_config_int(config, KCI_P_DEFAULT_API_TIMEOUT_MS);
    return sys->mono_us(sys) + ms * 1000;
}

kc_err kci_admin_op_run(kc_admin *admin, kci_admin_op *op, const kci_admin_op_type *type,
                        int64_t deadline_us, bool *left, kc_error *detail)
{
    *left = false;
    op->type = type;
    op->admin = admin;
    op->deadline_us = deadline_us;
    op->start.fn = on_start;
    atomic_store(&op->refs, 1);
    kc_client *client = admin->client;
    kci_waiter *w = NULL;
    kc_err err = kci_client_check(client);
    if (!err)
        err = kci_waiters_begin(&admin->life.waiters, KCI_WAIT_ANSWER | KCI_WAIT_DEAF, &w);
    if (err)
        return kci_fail(detail, err, NULL);
    atomic_store(&op->refs, 2);
    kci_client_post(client, &op->start);
    while (!err && !atomic_load(&op->over))
        err = kci_waiter_wait(&admin->life.waiters, w, deadline_us + GRACE_US);
    kci_waiters_end(&admin->life.waiters, w);
    if (atomic_load(&op->over))
        return op->err ? kci_fail(detail, op->err, "%s", op->ask.why) : KC_OK;
    *left = true;
    return kci_fail(detail, err, NULL);
}
