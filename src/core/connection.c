/* SPDX-License-Identifier: Apache-2.0 */
/* States, the timer and the end of a connection. How it comes up is in connection_setup.c, what it
 * carries in connection_calls.c. */
#include "core/connection.h"

#include <assert.h>
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/state.h"

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

/* How often a complaint about one broker is repeated. */
static const int64_t complaint_first_us = 10000000, complaint_most_us = 300000000;

void kci_connection_set_state(kci_connection *connection, kci_connection_state to)
{
    kc_client *client = connection->client;

    bool allowed = (followers[connection->state] & (1u << to)) != 0;

    assert(allowed);
    if (!allowed)
        KCI_LOG(&client->log, KC_LOG_ERROR, KCI_AREA_CONN, "%s: illegal change of state",
                kci_broker_text(connection->broker));
    KCI_LOG(&client->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s (%s): %s -> %s",
            kci_broker_text(connection->broker), kci_class_names[connection->cls],
            state_names[connection->state], state_names[to]);
    client->brokers.up += (to == KCI_CONNECTION_UP) - (connection->state == KCI_CONNECTION_UP);
    connection->state = to;
}

void kci_connection_trace_out(const kci_connection *connection, int16_t api, int16_t version,
                              int32_t correlation, size_t size)
{
    KCI_LOG(&connection->client->log, KC_LOG_TRACE, KCI_AREA_CONN,
            "%s (%s): %s version %d, number %d: request, %zu bytes",
            kci_broker_text(connection->broker), kci_class_names[connection->cls],
            kci_api_name(api), version, correlation, size);
}

void kci_connection_trace_in(const kci_connection *connection, int16_t api, int16_t version,
                             int32_t correlation, size_t size, int64_t rtt_us)
{
    KCI_LOG(&connection->client->log, KC_LOG_TRACE, KCI_AREA_CONN,
            "%s (%s): %s version %d, number %d: answer, %zu bytes after %.3f ms",
            kci_broker_text(connection->broker), kci_class_names[connection->cls],
            kci_api_name(api), version, correlation, size, (double)rtt_us / 1000);
}

bool kci_connection_is_throttled(const kci_connection *connection)
{
    return connection->throttled_until_us > kci_client_now(connection->client);
}

/* -- backoff ------------------------------------------------------------------------------------
 */

int64_t kci_connection_retry_at(const kci_connection *connection)
{
    int64_t own = connection->retry_us, shared = connection->broker->retry_us;
    return own > shared ? own : shared;
}

void kci_connection_works(kci_connection *connection)
{
    connection->proven = true;
    connection->failures = 0;
    connection->retry_us = 0;
    kci_broker_works(connection->broker);
}

/* It failed to come up, or broke. Both the connection, which alone may be the broken one, and,
 * unless it has worked, its broker get a pause. */
static void back_off(kci_connection *connection, kc_err err)
{
    kc_client *client = connection->client;
    const kci_settings *s = &client->settings;

    if (!connection->proven)
        kci_broker_failed(connection->broker, connection->began_us);
    if (KCI_BUG(NO_BACKOFF))
        return;
    connection->failures++;
    int64_t pause = err == KC_E_AUTHENTICATION
                        ? s->reconnect.max_us
                        : kci_backoff_delay(&s->reconnect, connection->failures, &client->random);
    connection->retry_us = kci_client_now(client) + pause;
}

/* -- the timer ----------------------------------------------------------------------------------
 */

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t idle_at(const kci_connection *connection)
{
    int64_t idle = connection->client->settings.idle_us;

    if (idle == INT64_MAX || !kci_connection_is_idle(connection))
        return INT64_MAX;
    return kci_conn_last_active(connection->stream) + idle;
}

/* While answers are due nothing can be done about it; the last of them comes back here. */
static int64_t renew_at(const kci_connection *connection)
{
    return kci_connection_is_idle(connection) ? connection->renew_us : INT64_MAX;
}

static int64_t due_in_state(const kci_connection *connection)
{
    switch (connection->state) {
    case KCI_CONNECTION_DOWN:
        return connection->wanted || connection->queued ? kci_connection_retry_at(connection)
                                                        : INT64_MAX;
    case KCI_CONNECTION_VERSIONS:
    case KCI_CONNECTION_AUTH:
        return connection->setup_deadline_us;
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
    kci_loop *loop = connection->client->loop;
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
    kci_client_tell_node(connection->client, connection->broker->id, connection->cls, KCI_NODE_UP,
                         KC_OK);
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
        kci_connection_close(connection, KC_OK, connection->renew_why);
}

static void on_timer(kci_timer *timer)
{
    kci_connection *connection = KCI_CONTAINER_OF(timer, kci_connection, timer);
    int64_t now = kci_client_now(connection->client);

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

    if (over || connection->renew_us <= at_us)
        return;
    connection->renew_us = at_us;
    connection->renew_why = why;
    kci_connection_schedule(connection);
}

/* -- the end ------------------------------------------------------------------------------------
 */

void kci_connection_close(kci_connection *connection, kc_err err, const char *why)
{
    kc_client *client = connection->client;

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
    KCI_LOG(&client->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s (%s): closing: %s",
            kci_broker_text(connection->broker), kci_class_names[connection->cls], why);
    kci_connection_set_state(connection, KCI_CONNECTION_CLOSING);
    kci_conn_close(connection->stream);
    kci_connection_schedule(connection);
}

/* An attempt failed, or a connection that was in use broke. */
static void complain(kci_connection *connection, kc_err err, const char *sentence, bool was_up)
{
    kc_client *client = connection->client;
    kci_broker *broker = connection->broker;
    int64_t now = kci_client_now(client);
    int level = was_up && err == KC_E_TRANSPORT ? KC_LOG_INFO : KC_LOG_WARN;
    uint32_t withheld = 0;

    if (!kci_log_is_on(&client->log, level, KCI_AREA_CONN) ||
        !kci_log_limit_pass(&broker->complaints, now, complaint_first_us, complaint_most_us,
                            &withheld))
        return;
    if (withheld)
        KCI_LOG(&client->log, level, KCI_AREA_CONN, "%s (and %u such failures before)", sentence,
                withheld);
    else
        KCI_LOG(&client->log, level, KCI_AREA_CONN, "%s", sentence);
}

/* Of a failed attempt, for those who time out later. */
static void set_problem(kci_connection *connection, kc_err err, const char *sentence)
{
    kc_client *client = connection->client;
    char text[sizeof((kc_error *)0)->text];

    if (client->brokers.up > 0)
        snprintf(text, sizeof text, "%.500s", sentence);
    else
        snprintf(text, sizeof text,
                 "no broker of bootstrap.servers=%.160s can be reached: last error: %.260s",
                 client->settings.bootstrap, sentence);
    kci_route_note(&client->routes[connection->cls], text);
    if (kci_cluster_is_missing(&client->cluster))
        kci_cluster_set_problem(&client->cluster, err, text);
}

/* What went wrong counts against the broker; *sentence gets the text for its calls. */
static void account(kci_connection *connection, kc_err err, const char *sentence, bool was_up)
{
    kc_client *client = connection->client;

    if (!was_up)
        kci_stat_add(&client->stats.connect_failures, 1);
    if (kci_client_is_ending(client))
        return;
    if (!connection->proven || !kci_connection_is_idle(connection))
        back_off(connection, err);
    if (was_up && kci_connection_is_idle(connection)) {
        KCI_LOG(&client->log, KC_LOG_DEBUG, KCI_AREA_CONN, "%s", sentence);
        return;
    }
    complain(connection, err, sentence, was_up);
    if (connection->broker->id >= 0) /* its partitions may have other leaders by now */
        kci_client_refresh(client);
    if (!was_up)
        set_problem(connection, err, sentence);
}

static void reset(kci_connection *connection)
{
    kci_connection_end_setup(connection);
    connection->stream = NULL;
    connection->lookup = NULL;
    connection->connected = connection->came_up = connection->proven = false;
    connection->throttled_until_us = 0;
    connection->renew_us = INT64_MAX;
    connection->fault.code = KC_OK;
    connection->counted = (kci_conn_counters){ 0 };
}

void kci_connection_ended(kci_connection *connection, kc_err err, const char *why)
{
    kc_client *client = connection->client;
    int32_t node = connection->broker->id;
    bool was_up = connection->came_up;
    char sentence[600];

    snprintf(sentence, sizeof sentence, "%s: %s", kci_broker_text(connection->broker),
             why && *why ? why : kc_error_text(err));
    if (was_up)
        kci_stat_add(&client->stats.disconnects, !KCI_BUG(ENDS_UNCOUNTED) || err != KC_OK);
    if (err != KC_OK)
        account(connection, err, sentence, was_up);
    kci_connection_set_state(connection, KCI_CONNECTION_DOWN);
    reset(connection);
    if (err != KC_OK)
        kci_connection_fail_calls(connection, err, sentence);
    if (err == KC_E_AUTHENTICATION) /* others would refuse as well */
        kci_route_fail(&client->routes[connection->cls], err, sentence);
    if (node >= 0)
        kci_client_tell_node(client, node, connection->cls, KCI_NODE_DOWN, err);
    kci_connection_schedule(connection);
    kci_route_wake(&client->routes[connection->cls]);
    kci_loop_defer(client->loop, &client->prune);
    kci_closing_look(client);
}

/* -- life ---------------------------------------------------------------------------------------
 */

kci_connection *kci_connection_new(kci_broker *broker, kci_class cls)
{
    kci_connection *connection = kci_calloc(1, sizeof *connection);

    if (!connection)
        return NULL;
    if (kci_loop_reserve_timers(broker->client->loop, 1) != KC_OK) {
        kci_free(connection);
        return NULL;
    }
    connection->client = broker->client;
    connection->broker = broker;
    connection->cls = cls;
    connection->timer.fn = on_timer;
    connection->call_deadline_us = connection->renew_us = INT64_MAX;
    kci_list_init(&connection->queue);
    kci_list_init(&connection->flights);
    return connection;
}

void kci_connection_free(kci_connection *connection)
{
    if (!connection)
        return;
    kci_timer_stop(connection->client->loop, &connection->timer);
    kci_loop_reserve_timers(connection->client->loop, -1);
    kci_buf_free(&connection->setup.buf);
    kci_free(connection);
}
