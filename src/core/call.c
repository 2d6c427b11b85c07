/* SPDX-License-Identifier: Apache-2.0 */
/* The calls' way in. */
#include "core/call.h"

#include "base/mem.h"
#include "core/call_end.h"
#include "core/flight.h"
#include "core/state.h"

/* The broker of a call to a particular node; NULL: none is known by that id. */
static kci_broker *broker_of(kc_client *client, int32_t node)
{
    kci_broker *broker = kci_broker_find(client, node);
    return broker && broker->known ? broker : NULL;
}

static void start_on(kc_client *client, kci_call *call, kci_broker *broker)
{
    kci_connection *connection = kci_connection_pool_get(&broker->pool, call->cls, call->lane);

    if (connection)
        kci_connection_add(connection, call);
    else
        kci_call_finish_later(&client->network, call, KC_E_NO_MEMORY);
}

void kci_call_start(kc_client *client, kci_call *call)
{
    int64_t timeout = call->timeout_us > 0 ? call->timeout_us : client->settings.request_timeout_us;
    int32_t node = call->node;

    call->deadline_us = kci_client_now(client) + timeout;
    call->err = KC_OK;
    call->sent = false;
    call->connection = NULL;
    call->flight = NULL;
    call->link = (kci_link){ 0 };
    call->stage = KCI_CALL_WAITING;
    if (kci_client_is_ending(client)) {
        kci_call_finish_later(&client->network, call, KC_E_CLOSED);
        return;
    }
    if (node == KCI_NODE_CONTROLLER)
        node = client->cluster.current->controller;
    kci_broker *broker = node >= 0 ? broker_of(client, node) : NULL;
    if (broker)
        start_on(client, call, broker);
    else if (node < 0 || call->node == KCI_NODE_CONTROLLER)
        kci_route_add(&client->routes[call->cls], call);
    else
        kci_call_finish_later(&client->network, call, KC_E_BROKER_NOT_AVAILABLE);
}

void kci_call_cancel(kc_client *client, kci_call *call)
{
    kci_flight *flight = call->flight;

    if (call->stage != KCI_CALL_WAITING && call->stage != KCI_CALL_FLYING)
        return;
    if (!flight) {
        if (call->connection)
            kci_connection_take(call->connection, call);
        kci_call_finish_later(&client->network, call, KC_E_INTERRUPTED);
        return;
    }
    if (!flight->released) { /* the stream has the bytes: on_released() of the connection ends it */
        call->stage = KCI_CALL_ENDING;
        call->err = KC_E_INTERRUPTED;
        return;
    }
    flight->call = NULL;
    kci_call_finish_later(&client->network, call, KC_E_INTERRUPTED);
}

static kci_connection *find(kc_client *client, int32_t node, kci_class cls, int32_t lane)
{
    kci_broker *broker = kci_broker_find(client, node);
    return broker ? kci_connection_pool_find(&broker->pool, cls, lane) : NULL;
}

static kci_node_state state_of(const kci_connection *connection)
{
    if (kci_connection_is_up(connection))
        return kci_connection_is_throttled(connection) ? KCI_NODE_THROTTLED : KCI_NODE_UP;
    return kci_connection_is_opening(connection) ? KCI_NODE_CONNECTING : KCI_NODE_DOWN;
}

kci_node_state kci_node_poll(kc_client *client, int32_t node, kci_class cls, int32_t lane,
                             bool connect)
{
    kci_broker *broker = broker_of(client, node);

    if (!broker)
        return KCI_NODE_UNKNOWN;
    kci_connection *connection = kci_connection_pool_find(&broker->pool, cls, lane);
    if (connect && !kci_client_is_ending(client)) {
        connection = kci_connection_pool_get(&broker->pool, cls, lane);
        if (!connection)
            return KCI_NODE_NO_MEMORY;
        kci_connection_want(connection);
    }
    return connection ? state_of(connection) : KCI_NODE_DOWN;
}

int16_t kci_node_version(kc_client *client, int32_t node, kci_class cls, int32_t lane, int16_t api,
                         int16_t min, int16_t max)
{
    const kci_connection *connection = find(client, node, cls, lane);

    return connection ? kci_connection_version(connection, api, min, max) : -1;
}

int32_t kci_node_outstanding(kc_client *client, int32_t node, kci_class cls, int32_t lane)
{
    const kci_connection *connection = find(client, node, cls, lane);
    return connection ? kci_connection_load(connection) : 0;
}
