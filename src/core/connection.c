/* SPDX-License-Identifier: Apache-2.0 */
/* States, the timer and the end of a connection. */
#include "core/connection_impl.h"
#include "core/refusal.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/connection_impl.h"

#define BIT(state) (1u << KCI_CONNECTION_##state)

static const uint32_t followers[KCI_CONNECTION_STATES] = {
    [KCI_CONNECTION_DOWN] = BIT(RESOLVING),
    [KCI_CONNECTION_RESOLVING] = BIT(CONNECTING) | BIT(DOWN),
    [KCI_CONNECTION_CONNECTING] = BIT(VERSIONS) | BIT(CLOSING) | BIT(DOWN),
    [KCI_CONNECTION_VERSIONS] = BIT(AUTH) | BIT(UP) | BIT(CLOSING) | BIT(DOWN),
    [KCI_CONNECTION_AUTH] = BIT(UP) | BIT(CLOSING) | BIT(DOWN),
    [KCI_CONNECTION_UP] = BIT(CLOSING) | BIT(DOWN),
    [KCI_CONNECTION_CLOSING] = BIT(DOWN),
};

static const char *const state_names[KCI_CONNECTION_STATES] = {
    "down", "resolving", "connecting", "versions", "auth", "up", "closing",
};

const char *const kci_class_names[KCI_CLASS_COUNT] = { "control", "produce", "fetch", "group" };

void kci_connection_set_state(kci_connection *connection, kci_connection_state to)
{
    kci_network *network = connection->network;

    bool allowed = (followers[connection->state] & (1u << to)) != 0;

    assert(allowed);
    if (!allowed)
        KCI_LOG(network->log, KC_LOG_ERROR, KCI_AREA_CONN, "%s: illegal change of state",
                connection->remote->text);
    KCI_LOG(network->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s (%s): %s -> %s",
            connection->remote->text, connection->name, state_names[connection->state],
            state_names[to]);
    connection->state = to;
}

void kci_connection_trace_out(const kci_connection *connection, int16_t api, int16_t version,
                              int32_t correlation, size_t size)
{
    KCI_LOG(connection->network->log, KC_LOG_TRACE, KCI_AREA_CONN,
            "%s (%s): %s version %d, number %d: request, %zu bytes", connection->remote->text,
            connection->name, kci_api_name(api), version, correlation, size);
}

void kci_connection_trace_in(const kci_connection *connection, int16_t api, int16_t version,
                             int32_t correlation, size_t size, int64_t rtt_us)
{
    KCI_LOG(connection->network->log, KC_LOG_TRACE, KCI_AREA_CONN,
            "%s (%s): %s version %d, number %d: answer, %zu bytes after %.3f ms",
            connection->remote->text, connection->name, kci_api_name(api), version, correlation,
            size, (double)rtt_us / 1000);
}

/* -- what others see ----------------------------------------------------------------------------
 */

kci_class kci_connection_class(const kci_connection *connection)
{
    return connection->cls;
}

int32_t kci_connection_lane(const kci_connection *connection)
{
    return connection->lane;
}

bool kci_connection_is_up(const kci_connection *connection)
{
    return connection->state == KCI_CONNECTION_UP;
}

bool kci_connection_is_down(const kci_connection *connection)
{
    return connection->state == KCI_CONNECTION_DOWN;
}

bool kci_connection_is_opening(const kci_connection *connection)
{
    return connection->state > KCI_CONNECTION_DOWN && connection->state < KCI_CONNECTION_UP;
}

bool kci_connection_is_wanted(const kci_connection *connection)
{
    return connection->wanted || kci_connection_is_opening(connection);
}

int64_t kci_connection_attempt_began(const kci_connection *connection)
{
    int64_t now = kci_network_now(connection->network);

    if (kci_connection_is_opening(connection))
        return connection->began_us;
    bool about_to = kci_connection_is_down(connection) && connection->wanted &&
                    kci_connection_retry_at(connection) <= now;
    return about_to ? now : -1;
}

int32_t kci_connection_load(const kci_connection *connection)
{
    return connection->queued + connection->flying;
}

int16_t kci_connection_version(const kci_connection *connection, int16_t api, int16_t min,
                               int16_t max)
{
    return kci_connection_is_up(connection)
               ? kci_versions_pick(&connection->versions, api, min, max)
               : -1;
}

bool kci_connection_is_throttled(const kci_connection *connection)
{
    return connection->throttled_until_us > kci_network_now(connection->network);
}

/* -- backoff ------------------------------------------------------------------------------------
 */

int64_t kci_connection_retry_at(const kci_connection *connection)
{
    int64_t own = connection->retry_us;
    int64_t shared = kci_refusal_retry_at(connection->remote, connection->network);
    return own > shared ? own : shared;
}

void kci_connection_works(kci_connection *connection)
{
    connection->proven = true;
    connection->failures = 0;
    connection->retry_us = 0;
    kci_remote_works(connection->remote);
}

/* It failed to come up, or broke. Both the connection, which alone may be the broken one, and,
 * unless it has worked, its broker get a pause. */
static void back_off(kci_connection *connection)
{
    kci_network *network = connection->network;
    const kci_settings *s = network->settings;

    if (!connection->proven)
        kci_remote_failed(connection->remote, network, connection->began_us);
    if (KCI_BUG(NO_BACKOFF))
        return;
    connection->failures++;
    int64_t pause = kci_backoff_delay(&s->reconnect, connection->failures, network->random);
    connection->retry_us = kci_network_now(network) + pause;
}

/* -- the timer ----------------------------------------------------------------------------------
 */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t idle_at(const kci_connection *connection)
{
    int64_t idle = connection->network->settings->idle_us;

    if (idle == INT64_MAX || !kci_connection_is_idle(connection))
        return INT64_MAX;
    return kci_conn_last_active(connection->stream) + idle;
}

/* While answers are due nothing can be done about it; the last of them comes back here. */
static int64_t renew_at(const kci_connection *connection)
{
    return kci_connection_is_idle(connection) ? connection->renewal.at_us : INT64_MAX;
}

static int64_t due_in_state(const kci_connection *connection)
{
    switch (connection->state) {
    case KCI_CONNECTION_DOWN:
        return connection->wanted || connection->queued ? kci_connection_retry_at(connection)
                                                        : INT64_MAX;
    case KCI_CONNECTION_VERSIONS:
    case KCI_CONNECTION_AUTH:
        return connection->setup.deadline_us;
    case KCI_CONNECTION_UP:
        if (connection->throttled_until_us > 0)
            return sooner(connection->throttled_until_us, idle_at(connection));
        return sooner(idle_at(connection), renew_at(connection));
    default:
        return INT64_MAX;
    }
}

void kci_connection_schedule(kci_connection *connection)
{
    kci_loop *loop = connection->network->loop;
    int64_t at = sooner(due_in_state(connection), connection->call_deadline_us);

    if (at == INT64_MAX)
        kci_timer_stop(loop, &connection->timer);
    else if (!kci_timer_is_set(&connection->timer) || kci_timer_at(&connection->timer) != at)
        kci_timer_set(loop, &connection->timer, at);
}

static void end_throttle(kci_connection *connection)
{
    connection->throttled_until_us = 0;
    kci_connection_pump(connection);
    connection->ops->unthrottled(connection->owner, connection);
}

static void on_due_up(kci_connection *connection, int64_t now)
{
    if (connection->throttled_until_us > 0 && connection->throttled_until_us <= now)
        end_throttle(connection);
    if (!kci_connection_is_up(connection))
        return;
    if (idle_at(connection) <= now)
        kci_connection_close(connection, KC_OK, "idle");
    else if (renew_at(connection) <= now)
        kci_connection_close(connection, KC_OK, connection->renewal.why);
}

static void on_timer(kci_timer *timer)
{
    kci_connection *connection = KCI_CONTAINER_OF(timer, kci_connection, timer);
    int64_t now = kci_network_now(connection->network);

    if (connection->call_deadline_us <= now)
        kci_connection_expire(connection);
    if (kci_connection_is_up(connection))
        on_due_up(connection, now);
    else if (due_in_state(connection) <= now) {
        if (connection->state == KCI_CONNECTION_DOWN)
            kci_connection_open(connection);
        else
            kci_connection_close(
                connection, KC_E_TIMED_OUT,
                connection->state == KCI_CONNECTION_AUTH
                    ? "it does not answer during SASL: see the broker's log, or raise "
                      "request.timeout.ms"
                    : "it took the connection but does not answer: check that the port "
                      "is a Kafka listener of the configured security.protocol");
    }
    kci_connection_schedule(connection);
}

void kci_connection_want(kci_connection *connection)
{
    bool over =
        connection->state == KCI_CONNECTION_DOWN || connection->state == KCI_CONNECTION_CLOSING;

    if (!over || connection->wanted)
        return;
    connection->wanted = true;
    kci_connection_schedule(connection);
}

void kci_connection_renew(kci_connection *connection, int64_t at_us, const char *why)
{
    bool over =
        connection->state == KCI_CONNECTION_DOWN || connection->state == KCI_CONNECTION_CLOSING;

    if (over || connection->renewal.at_us <= at_us)
        return;
    connection->renewal.at_us = at_us;
    connection->renewal.why = why;
    kci_connection_schedule(connection);
}

/* -- the end ------------------------------------------------------------------------------------
 */

void kci_connection_close(kci_connection *connection, kc_err err, const char *why)
{
    kci_network *network = connection->network;

    if (connection->state == KCI_CONNECTION_DOWN || connection->state == KCI_CONNECTION_CLOSING)
        return;
    kci_fail(&connection->fault, err, "%s", why);
    connection->fault.code = err;
    if (connection->state == KCI_CONNECTION_RESOLVING) {
        kci_lookup_abandon(connection->lookup);
        connection->lookup = NULL;
        kci_connection_ended(connection, err, connection->fault.text);
        return;
    }
    KCI_LOG(network->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s (%s): closing: %s",
            connection->remote->text, connection->name, why);
    kci_connection_set_state(connection, KCI_CONNECTION_CLOSING);
    kci_conn_close(connection->stream);
    kci_connection_schedule(connection);
}

/* An attempt failed, or a connection that was in use broke. */
static void complain(kci_connection *connection, const kci_connection_end *end)
{
    kci_network *network = connection->network;
    int64_t now = kci_network_now(network);
    int level = end->was_up && end->err == KC_E_TRANSPORT ? KC_LOG_INFO : KC_LOG_WARN;
    uint32_t withheld = 0;

    if (!kci_log_is_on(network->log, level, KCI_AREA_CONN) ||
        !kci_remote_may_complain(connection->remote, now, &withheld))
        return;
    if (withheld)
        KCI_LOG(network->log, level, KCI_AREA_CONN, "%s (and %u such failures before)",
                end->sentence, withheld);
    else
        KCI_LOG(network->log, level, KCI_AREA_CONN, "%s", end->sentence);
}

/* What went wrong counts against the broker, and the owner hears of it. */
static void account(kci_connection *connection, const kci_connection_end *end)
{
    kci_network *network = connection->network;

    if (!end->was_up)
        kci_stat_add(&network->stats->connect_failures, 1);
    if (network->ending)
        return;
    if (!connection->proven || !kci_connection_is_idle(connection))
        back_off(connection);
    if (end->was_up && kci_connection_is_idle(connection)) {
        KCI_LOG(network->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s", end->sentence);
        return;
    }
    complain(connection, end);
    connection->ops->failed(connection->owner, connection, end);
}

static bool is_refusal(const kci_connection *connection, kc_err err)
{
    bool untrusted =
        err == KC_E_TLS && connection->stream && kci_conn_is_untrusted(connection->stream);

    return err == KC_E_AUTHENTICATION || untrusted;
}

static void reset(kci_connection *connection)
{
    kci_connection_end_setup(connection);
    connection->stream = NULL;
    connection->lookup = NULL;
    connection->connected = connection->came_up = connection->proven = false;
    connection->throttled_until_us = 0;
    connection->renewal.at_us = INT64_MAX;
    connection->fault.code = KC_OK;
    connection->counted = (kci_conn_counters){ 0 };
}

void kci_connection_ended(kci_connection *connection, kc_err err, const char *why)
{
    char sentence[KCI_SENTENCE_SIZE];
    kci_connection_end end = { err, sentence, connection->came_up };

    kci_sentence(sentence, sizeof sentence, "%s: %s", connection->remote->text,
                 why && *why ? why : kc_error_text(err));
    if (end.was_up)
        kci_stat_add(&connection->network->stats->disconnects,
                     !KCI_BUG(ENDS_UNCOUNTED) || err != KC_OK);
    if (err != KC_OK) {
        end.refused = is_refusal(connection, err);
        kci_refusal_note(connection->remote, connection->network, end.refused ? err : KC_OK,
                         sentence);
        account(connection, &end);
    }
    kci_connection_set_state(connection, KCI_CONNECTION_DOWN);
    reset(connection);
    if (err != KC_OK)
        kci_connection_fail_calls(connection, err, sentence);
    else
        kci_connection_drop_flights(connection, KC_E_INTERRUPTED, sentence);
    kci_connection_schedule(connection);
    connection->ops->down(connection->owner, connection, &end);
}

void kci_connection_finish(kci_connection *connection, kc_err err, const char *why)
{
    connection->wanted = false;
    kci_connection_close(connection, err, why);
    if (kci_connection_is_down(connection))
        kci_connection_fail_calls(connection, err, why);
    kci_connection_schedule(connection);
}

/* -- life ---------------------------------------------------------------------------------------
 */

static void set_name(kci_connection *connection)
{
    const char *cls = kci_class_names[connection->cls];

    if (connection->lane == 0)
        snprintf(connection->name, sizeof connection->name, "%s", cls);
    else
        snprintf(connection->name, sizeof connection->name, "%s, lane %d", cls, connection->lane);
}

kci_connection *kci_connection_new(kci_network *network, kci_remote *remote, kci_class cls,
                                   int32_t lane, const kci_connection_ops *ops, void *owner)
{
    kci_connection *connection = kci_calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    if (kci_loop_reserve_timers(network->loop, 1) != KC_OK) {
        kci_free(connection);
        return NULL;
    }
    connection->network = network;
    connection->remote = remote;
    connection->ops = ops;
    connection->owner = owner;
    connection->cls = cls;
    connection->lane = lane;
    set_name(connection);
    connection->timer.fn = on_timer;
    connection->call_deadline_us = connection->renewal.at_us = INT64_MAX;
    kci_list_init(&connection->queue);
    kci_list_init(&connection->flights);
    return connection;
}

void kci_connection_move(kci_connection *connection, kci_remote *remote, void *owner)
{
    connection->remote = remote;
    connection->owner = owner;
}

void kci_connection_free(kci_connection *connection)
{
    if (!connection)
        return;
    kci_timer_stop(connection->network->loop, &connection->timer);
    kci_loop_reserve_timers(connection->network->loop, -1);
    kci_buf_free(&connection->setup.buf);
    kci_free(connection);
}
