/* SPDX-License-Identifier: Apache-2.0 */
#include "core/ask.h"

#include "base/err_flags.h"
#include "base/mem.h"
#include "core/state.h"

static bool has_coordinator(const kci_ask *ask)
{
    return ask->target.kind == KCI_TARGET_GROUP || ask->target.kind == KCI_TARGET_TRANSACTION;
}

static kci_coordinated coordinated_of(const kci_ask *ask)
{
    return ask->target.kind == KCI_TARGET_GROUP ? KCI_COORDINATED_GROUP
                                                : KCI_COORDINATED_TRANSACTION;
}

static void say(kci_ask *ask, const char *why)
{
    kci_sentence(ask->why, sizeof ask->why, "%s", why);
}

/* -- the end ------------------------------------------------------------------------------------
 */

static void end(kci_ask *ask, kc_err err)
{
    kci_timer_stop(ask->client->loop, &ask->timer);
    kci_loop_undefer(ask->client->loop, &ask->task);
    kci_loop_reserve_timers(ask->client->loop, -1);
    ask->phase = KCI_ASK_IDLE;
    ask->done(ask, err);
}

static void end_late(kci_ask *ask)
{
    ask->late = true;
    end(ask, KC_E_TIMED_OUT);
}

/* -- what errors mean ---------------------------------------------------------------------------
 */

/* A broker of which metadata from before the question knows nothing: it may be there by now. */
static bool may_be_there(const kci_ask *ask)
{
    const kci_metadata *now = ask->client->cluster.current;
    return now->generation == 0 || now->fetched_us < ask->begun_us;
}

bool kci_ask_goes_on(const kci_ask *ask, kc_err err)
{
    uint32_t flags = kci_error_flags(err);

    if (flags & KCI_ERROR_ASK_AGAIN)
        return true;
    switch (ask->target.kind) {
    case KCI_TARGET_LEADER: /* which is looked up anew */
        return kci_error_passes(err);
    case KCI_TARGET_GROUP:
    case KCI_TARGET_TRANSACTION:
        return (flags & KCI_ERROR_NODE_GONE) != 0;
    default:
        return (flags & KCI_ERROR_NODE_GONE) && may_be_there(ask);
    }
}

/* What was believed about whom to ask, and is wrong. */
static void unlearn(kci_ask *ask, kc_err err)
{
    uint32_t flags = kci_error_flags(err);
    uint32_t stale = KCI_ERROR_REFRESH_COORDINATOR | KCI_ERROR_NODE_GONE;

    if (flags & (KC_ERROR_REFRESH_METADATA | KCI_ERROR_REFRESH_CONTROLLER | KCI_ERROR_NODE_GONE))
        kci_client_refresh(ask->client);
    if (has_coordinator(ask) && (flags & stale))
        kci_coordinator_forget(ask->client, coordinated_of(ask), ask->target.key, ask->call.node);
}

/* -- attempts -----------------------------------------------------------------------------------
 */

static void attempt(kci_ask *ask);

static void pause_for(kci_ask *ask)
{
    kc_client *client = ask->client;
    int64_t pause = kci_backoff_delay(&client->settings.retry, ask->attempts, &client->random);
    int64_t now = kci_client_now(client);

    if (pause < ask->retry_after_us)
        pause = ask->retry_after_us;
    ask->retry_after_us = 0;
    if (ask->deadline_us - now <= pause) {
        end_late(ask);
        return;
    }
    ask->phase = KCI_ASK_PAUSING;
    kci_timer_set(client->loop, &ask->timer, now + pause);
}

static void failed(kci_ask *ask, kc_err err)
{
    ask->last = err;
    if (ask->stop) {
        end(ask, ask->stop);
        return;
    }
    unlearn(ask, err);
    if (kci_ask_goes_on(ask, err))
        pause_for(ask);
    else
        end(ask, err);
}

static void on_timer(kci_timer *timer)
{
    kci_ask *ask = KCI_CONTAINER_OF(timer, kci_ask, timer);

    if (ask->phase == KCI_ASK_LOOKING) {
        kci_coordinator_drop(&ask->waiter);
        end_late(ask);
        return;
    }
    attempt(ask);
}

static void on_task(kci_task *task)
{
    kci_ask *ask = KCI_CONTAINER_OF(task, kci_ask, task);

    if (ask->stop)
        end(ask, ask->stop);
    else
        attempt(ask);
}

static void on_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_ask *ask = KCI_CONTAINER_OF(call, kci_ask, call);

    if (err != KC_OK) {
        ask->maybe_done |= call->sent;
        say(ask, why);
        failed(ask, err);
        return;
    }
    ask->why[0] = '\0';
    err = ask->read(ask, response);
    if (err == KC_OK && !ask->stop) {
        end(ask, KC_OK);
        return;
    }
    if (!ask->why[0])
        say(ask, kc_error_text(err));
    failed(ask, err);
}

static void start_call(kci_ask *ask)
{
    kc_client *client = ask->client;
    int64_t left = ask->deadline_us - kci_client_now(client);
    int64_t most = client->settings.request_timeout_us;

    ask->call.timeout_us = left < most ? left : most;
    ask->call.done = on_done;
    kc_err err = ask->build ? ask->build(ask) : KC_OK;
    if (err != KC_OK) {
        if (!ask->why[0])
            say(ask, kc_error_text(err));
        ask->last = err;
        end(ask, err);
        return;
    }
    ask->phase = KCI_ASK_FLYING;
    kci_call_start(client, &ask->call);
}

/* -- whom to ask --------------------------------------------------------------------------------
 */

static kc_err find_leader(kci_ask *ask)
{
    const kci_topic_meta *t = kci_metadata_topic(ask->client->cluster.current, ask->target.key);
    int32_t partition = ask->target.partition;

    if (!t)
        return KC_E_LEADER_UNKNOWN; /* not known yet */
    if (t->err != KC_OK)
        return t->err;
    if (partition < 0 || partition >= t->partition_count)
        return KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    ask->call.node = t->partitions[partition].leader;
    return ask->call.node >= 0 ? KC_OK : KC_E_LEADER_UNKNOWN;
}

static void on_coordinator(kci_coordinator_waiter *waiter, kc_err err, int32_t node,
                           const char *why)
{
    kci_ask *ask = KCI_CONTAINER_OF(waiter, kci_ask, waiter);

    kci_timer_stop(ask->client->loop, &ask->timer);
    ask->call.node = node;
    if (err == KC_OK) {
        start_call(ask);
        return;
    }
    say(ask, why);
    failed(ask, err);
}

static kc_err look_for_coordinator(kci_ask *ask)
{
    ask->phase = KCI_ASK_LOOKING;
    ask->waiter.done = on_coordinator;
    if (ask->deadline_us != INT64_MAX)
        kci_timer_set(ask->client->loop, &ask->timer, ask->deadline_us);
    return kci_coordinator_want(ask->client, coordinated_of(ask), ask->target.key, &ask->waiter);
}

static void attempt(kci_ask *ask)
{
    kc_err err = KC_OK;

    if (kci_client_now(ask->client) >= ask->deadline_us) {
        end_late(ask);
        return;
    }
    ask->attempts++;
    if (ask->target.kind == KCI_TARGET_LEADER)
        err = find_leader(ask);
    if (has_coordinator(ask)) {
        ask->call.node = kci_coordinator_known(ask->client, coordinated_of(ask), ask->target.key);
        if (ask->call.node < 0)
            err = look_for_coordinator(ask);
    }
    if (err != KC_OK) {
        kci_timer_stop(ask->client->loop, &ask->timer);
        say(ask, kc_error_text(err));
        failed(ask, err);
    } else if (ask->phase != KCI_ASK_LOOKING) {
        start_call(ask);
    }
}

/* -- from the owner -----------------------------------------------------------------------------
 */

kc_err kci_ask_start(kc_client *client, kci_ask *ask)
{
    kc_err err = kci_loop_reserve_timers(client->loop, 1);

    if (err != KC_OK)
        return err;
    ask->client = client;
    ask->stop = ask->last = KC_OK;
    ask->why[0] = '\0';
    ask->late = ask->maybe_done = false;
    ask->attempts = 0;
    ask->retry_after_us = 0;
    ask->begun_us = kci_client_now(client);
    ask->timer = (kci_timer){ .fn = on_timer };
    ask->task = (kci_task){ .fn = on_task };
    ask->phase = KCI_ASK_ABOUT;
    kci_loop_defer(client->loop, &ask->task);
    return KC_OK;
}

void kci_ask_cancel(kci_ask *ask, kc_err err)
{
    if (!kci_ask_is_busy(ask) || ask->stop)
        return;
    ask->stop = err;
    if (ask->phase == KCI_ASK_FLYING) {
        kci_call_cancel(ask->client, &ask->call);
        return;
    }
    if (ask->phase == KCI_ASK_LOOKING)
        kci_coordinator_drop(&ask->waiter);
    kci_timer_stop(ask->client->loop, &ask->timer);
    ask->phase = KCI_ASK_ABOUT;
    kci_loop_defer(ask->client->loop, &ask->task);
}
