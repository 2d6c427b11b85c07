/* SPDX-License-Identifier: Apache-2.0 */
#include "core/news.h"

#include "base/err.h"
#include "base/mem.h"
#include "core/state.h"

static void tell(const kci_broker *broker, const kci_connection *connection, kci_node_state state,
                 kc_err err)
{
    if (!kci_broker_is_bootstrap(broker))
        kci_client_tell_node(broker->client, broker->remote.id, kci_connection_class(connection),
                             kci_connection_lane(connection), state, err);
}

static kci_route *route_of(const kci_broker *broker, const kci_connection *connection)
{
    return &broker->client->routes[kci_connection_class(connection)];
}

static void on_up(void *owner, kci_connection *connection)
{
    kci_broker *broker = owner;

    kci_cluster_accept(&broker->client->cluster);
    kci_route_wake(route_of(broker, connection));
    if (!broker->known)
        kci_loop_defer(broker->client->loop, &broker->client->prune);
    tell(broker, connection, KCI_NODE_UP, KC_OK);
}

/* Of a failed attempt, for those who time out later. */
static void note_problem(kci_broker *broker, const kci_connection *connection,
                         const kci_connection_end *end)
{
    kc_client *client = broker->client;
    char text[sizeof((kc_error *)0)->text];

    if (kci_brokers_any_up(client))
        kci_sentence(text, sizeof text, "%s", end->sentence);
    else
        kci_sentence(text, sizeof text,
                     "no broker of bootstrap.servers=%s can be reached: last error: %s",
                     client->settings.bootstrap, end->sentence);
    kci_route_note(route_of(broker, connection), text);
    if (kci_cluster_is_missing(&client->cluster))
        kci_cluster_set_problem(&client->cluster, end->err, text);
}

static void on_failed(void *owner, kci_connection *connection, const kci_connection_end *end)
{
    kci_broker *broker = owner;

    if (!kci_broker_is_bootstrap(broker)) /* its partitions may have other leaders by now */
        kci_client_refresh(broker->client);
    if (!end->was_up)
        note_problem(broker, connection, end);
}

/* Nothing that calls to any broker could wait for. */
static void give_up(kc_client *client, const kci_connection_end *end)
{
    for (int i = 0; i < KCI_CLASS_COUNT; i++)
        kci_route_fail(&client->routes[i], end->err, end->sentence);
    kci_cluster_refuse(&client->cluster, end->err, end->sentence);
}

static void on_down(void *owner, kci_connection *connection, const kci_connection_end *end)
{
    kci_broker *broker = owner;
    kc_client *client = broker->client;

    if (end->refused && kci_brokers_shut_out(client))
        give_up(client, end);
    tell(broker, connection, KCI_NODE_DOWN, end->err);
    kci_route_wake(route_of(broker, connection));
    kci_loop_defer(client->loop, &client->prune);
    kci_closing_look(client);
}

static void on_unthrottled(void *owner, kci_connection *connection)
{
    tell(owner, connection, KCI_NODE_UP, KC_OK);
}

static void on_quiet(void *owner, kci_connection *connection)
{
    kci_broker *broker = owner;

    (void)connection;
    if (!broker->known)
        kci_loop_defer(broker->client->loop, &broker->client->prune);
}

/* A call that may go to another broker does, unless none would do better. */
static bool on_orphan(void *owner, kci_call *call, kc_err err)
{
    kc_client *client = ((kci_broker *)owner)->client;

    bool in_vain = err == KC_E_AUTHENTICATION && kci_brokers_shut_out(client);

    if (call->node >= 0 || in_vain || kci_client_is_ending(client))
        return false;
    kci_route_add(&client->routes[call->cls], call);
    return true;
}

const kci_connection_ops kci_news_ops = {
    .up = on_up,
    .failed = on_failed,
    .down = on_down,
    .unthrottled = on_unthrottled,
    .quiet = on_quiet,
    .orphan = on_orphan,
};
