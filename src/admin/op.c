/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/op.h"

#include <string.h>

#include "admin/admin_impl.h"
#include "base/err.h"
#include "base/mem.h"

/* The loop ends an operation at its deadline; the application's thread waits so much longer for
 * that. */
#define GRACE_US 2000000

static void attempt(kci_admin_op *op);

bool kci_admin_is_transient(kc_err err)
{
    switch (err) {
    case KC_E_TRANSPORT:
    case KC_E_CONNECT:
    case KC_E_RESOLVE:
    case KC_E_NO_BROKER:
    case KC_E_TIMED_OUT:
    case KC_E_NETWORK_EXCEPTION:
    case KC_E_NOT_CONTROLLER:
    case KC_E_THROTTLING_QUOTA_EXCEEDED:
    case KC_E_REBOOTSTRAP_REQUIRED:
        return true;
    default:
        return false;
    }
}

kc_err kci_admin_op_why(kci_admin_op *op, kc_err err, kc_bytes message)
{
    if (message.data && message.size > 0)
        kci_sentence(op->why, sizeof op->why, "%.*s",
                     (int)(message.size < 4000 ? message.size : 4000), (const char *)message.data);
    else
        kci_sentence(op->why, sizeof op->why, "%s", kc_error_text(err));
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
    kci_loop *loop = kci_client_loop(admin->client);
    kci_timer_stop(loop, &op->timer);
    if (op->reserved)
        (void)kci_loop_reserve_timers(loop, -1);
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
    if (op->maybe_done || op->call.sent)
        kci_sentence(
            op->why, sizeof op->why,
            "the broker's answer did not come in time; what was asked for may have been done: "
            "look, or allow more time");
    else
        kci_sentence(op->why, sizeof op->why,
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
    bool silent = last == KC_OK || (last == KC_E_TIMED_OUT && !op->call.sent);
    if (silent && kci_client_last_problem(op->admin->client, &problem) != KC_OK) {
        last = problem.code;
        kci_sentence(op->why, sizeof op->why, "%s", problem.text);
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

/* Once more after a pause; not when that would be too late. */
static void retry_later(kci_admin_op *op, kc_err err)
{
    kc_admin *admin = op->admin;
    kci_loop *loop = kci_client_loop(admin->client);
    int64_t pause = kci_backoff_delay(&admin->backoff, op->attempts, &admin->random);
    if (pause < (int64_t)op->retry_after_ms * 1000)
        pause = (int64_t)op->retry_after_ms * 1000;
    op->retry_after_ms = 0;
    int64_t at = kci_loop_now(loop) + pause;
    if (at >= op->deadline_us) {
        finish_late(op, err);
        return;
    }
    if (err == KC_E_NOT_CONTROLLER || err == KC_E_BROKER_NOT_AVAILABLE)
        kci_client_refresh(admin->client);
    kci_timer_set(loop, &op->timer, at);
}

static void on_timer(kci_timer *timer)
{
    attempt(KCI_CONTAINER_OF(timer, kci_admin_op, timer));
}

/* A broker that nobody has asked about yet: there may be no metadata at all. */
static bool may_be_there(const kci_admin_op *op, kc_err err)
{
    if (err != KC_E_BROKER_NOT_AVAILABLE)
        return false;
    kci_metadata *now = kci_client_metadata(op->admin->client);
    bool old = now->generation == 0 || now->fetched_us < op->begun_us;
    kci_metadata_unref(now);
    return old;
}

static void on_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_admin_op *op = KCI_CONTAINER_OF(call, kci_admin_op, call);
    op->in_flight = false;
    if (op->stop_err) {
        finish(op, op->stop_err);
        return;
    }
    if (err == KC_E_BROKER_NOT_AVAILABLE && !call->sent) {
        kci_sentence(op->why, sizeof op->why,
                     "broker %d is not among the cluster's brokers: it is down, or has another id",
                     (int)call->node);
    } else if (err) {
        kci_sentence(op->why, sizeof op->why, "%s", why && *why ? why : kc_error_text(err));
        op->maybe_done = op->maybe_done || call->sent;
    } else {
        err = op->type->read(op, response);
    }
    if (err && (kci_admin_is_transient(err) || may_be_there(op, err)))
        retry_later(op, err);
    else
        finish(op, err);
}

static void attempt(kci_admin_op *op)
{
    kc_client *client = op->admin->client;
    int64_t left = op->deadline_us - kci_loop_now(kci_client_loop(client));
    int64_t request = kci_config_int(kci_client_config(client), KCI_P_REQUEST_TIMEOUT_MS) * 1000;
    if (left <= 0) {
        finish_late(op, KC_OK);
        return;
    }
    kci_call *call = &op->call;
    int32_t node = call->node;
    *call = (kci_call){
        .api = op->type->api,
        .cls = KCI_CLASS_CONTROL,
        .node = node,
        .min_version = op->type->min_version,
        .max_version = KCI_ANY_VERSION,
        .timeout_us = left < request ? left : request,
        .done = on_done,
    };
    kc_err err = op->type->build(op, (int32_t)(call->timeout_us / 1000));
    if (err) {
        finish(op, kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 }));
        return;
    }
    op->attempts++;
    op->in_flight = true;
    kci_call_start(client, call);
}

static void on_start(kci_task *task)
{
    kci_admin_op *op = KCI_CONTAINER_OF(task, kci_admin_op, start);
    kc_admin *admin = op->admin;
    kc_err err = kci_resident_is_there(&admin->life) ? KC_OK : KC_E_CLOSED;
    kci_loop *loop = kci_client_loop(admin->client);
    if (!err)
        err = kci_loop_reserve_timers(loop, 1);
    if (err) {
        finish(op, kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 }));
        return;
    }
    op->reserved = true;
    op->begun_us = kci_loop_now(loop);
    op->timer.fn = on_timer;
    kci_list_push_back(&admin->ops, &op->link);
    attempt(op);
}

void kci_admin_end_ops(kc_admin *admin, kc_err err)
{
    for (kci_link *at = kci_list_first(&admin->ops), *next; at; at = next) {
        kci_admin_op *op = KCI_CONTAINER_OF(at, kci_admin_op, link);
        next = kci_list_next(&admin->ops, at);
        (void)kci_admin_op_why(op, err, (kc_bytes){ NULL, 0 });
        if (!op->in_flight) {
            finish(op, err);
            continue;
        }
        op->stop_err = err;
        kci_call_cancel(admin->client, &op->call);
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
        return op->err ? kci_fail(detail, op->err, "%s", op->why) : KC_OK;
    *left = true;
    return kci_fail(detail, err, NULL);
}
