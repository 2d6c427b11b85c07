/* SPDX-License-Identifier: Apache-2.0 */
#include "core/broker.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/address.h"
#include "core/state.h"

/* Where a broker of this id is, or belongs. */
static int32_t position(const kci_brokers *brokers, int32_t id)
{
    int32_t low = 0, high = brokers->count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (brokers->list[middle]->id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

kci_broker *kci_broker_find(kc_client *client, int32_t id)
{
    const kci_brokers *brokers = &client->brokers;
    int32_t at = position(brokers, id);

    return at < brokers->count && brokers->list[at]->id == id ? brokers->list[at] : NULL;
}

const char *kci_broker_text(const kci_broker *broker)
{
    return broker->text;
}

/* -- addresses ----------------------------------------------------------------------------------
 */

static char *describe(int32_t id, const char *host, uint16_t port)
{
    char text[KCI_HOST_MAX + 64];
    const char *open = strchr(host, ':') ? "[" : "";
    const char *close = *open ? "]" : "";

    int size =
        id <= KCI_BOOTSTRAP_ID
            ? snprintf(text, sizeof text, "bootstrap server %s%s%s:%u", open, host, close, port)
            : snprintf(text, sizeof text, "broker %d (%s%s%s:%u)", id, open, host, close, port);
    return kci_strndup(text, (size_t)size);
}

static bool has_address(const kci_broker *broker, kc_bytes host, int32_t port)
{
    return broker->host && broker->port == port && kci_bytes_equal(kc_str(broker->host), host);
}

static bool set_address(kci_broker *broker, kc_bytes host, uint16_t port)
{
    char *copy = kci_strndup(host.data, host.size);
    char *text = copy ? describe(broker->id, copy, port) : NULL;

    if (!text) {
        kci_free(copy);
        return false;
    }
    kci_free(broker->host);
    kci_free(broker->text);
    broker->host = copy;
    broker->text = text;
    broker->port = port;
    broker->failures = 0; /* of the old address */
    broker->retry_us = 0;
    return true;
}

/* Who answers at the old address may be another broker now. */
static bool move(kci_broker *broker, kc_bytes host, uint16_t port)
{
    if (!set_address(broker, host, port))
        return false;
    for (int i = 0; i < KCI_CLASS_COUNT; i++)
        if (broker->connections[i])
            kci_connection_renew(broker->connections[i], kci_client_now(broker->client),
                                 "its address has changed");
    return true;
}

/* -- the table ----------------------------------------------------------------------------------
 */

static void broker_free(kci_broker *broker)
{
    for (int i = 0; i < KCI_CLASS_COUNT; i++)
        kci_connection_free(broker->connections[i]);
    kci_free(broker->host);
    kci_free(broker->text);
    kci_free(broker);
}

static bool reserve(kci_brokers *brokers)
{
    if (brokers->count < brokers->cap)
        return true;
    int32_t cap = brokers->cap ? brokers->cap * 2 : 8;
    kci_broker **list = kci_realloc_array(brokers->list, (size_t)cap, sizeof(kci_broker *));
    if (!list)
        return false;
    brokers->list = list;
    brokers->cap = cap;
    return true;
}

static kci_broker *add(kc_client *client, int32_t id, kc_bytes host, uint16_t port)
{
    kci_brokers *brokers = &client->brokers;
    kci_broker *broker = reserve(brokers) ? kci_calloc(1, sizeof *broker) : NULL;

    if (!broker)
        return NULL;
    broker->client = client;
    broker->id = id;
    if (!set_address(broker, host, port)) {
        broker_free(broker);
        return NULL;
    }
    int32_t at = position(brokers, id);
    memmove(brokers->list + at + 1, brokers->list + at,
            (size_t)(brokers->count - at) * sizeof(kci_broker *));
    brokers->list[at] = broker;
    brokers->count++;
    return broker;
}

kci_broker *kci_broker_learn(kc_client *client, int32_t id, kc_bytes host, int32_t port)
{
    kci_broker *broker = kci_broker_find(client, id);

    if (id < 0 || !host.data || host.size == 0 || host.size > KCI_HOST_MAX || port <= 0 ||
        port > UINT16_MAX)
        return NULL;
    if (!broker)
        broker = add(client, id, host, (uint16_t)port);
    else if (!KCI_BUG(ADDRESS_KEPT) && !has_address(broker, host, port) &&
             !move(broker, host, (uint16_t)port))
        return NULL;
    if (broker)
        broker->known = true;
    return broker;
}

kc_err kci_broker_add_bootstrap(kc_client *client, const char *host, uint16_t port)
{
    int32_t id = KCI_BOOTSTRAP_ID - client->brokers.next_bootstrap;
    kci_broker *broker = add(client, id, kc_str(host), port);

    if (!broker)
        return KC_E_NO_MEMORY;
    client->brokers.next_bootstrap++;
    broker->known = true;
    return KC_OK;
}

kci_connection *kci_broker_connection(kci_broker *broker, kci_class cls)
{
    if (!broker->connections[cls])
        broker->connections[cls] = kci_connection_new(broker, cls);
    return broker->connections[cls];
}

/* -- backoff ------------------------------------------------------------------------------------
 */

void kci_broker_failed(kci_broker *broker, int64_t began_us)
{
    kc_client *client = broker->client;
    int64_t now = kci_client_now(client);

    if (broker->failures > 0 && began_us < broker->retry_us)
        return; /* it went wrong beside an attempt that counts already */
    broker->failures++;
    if (KCI_BUG(NO_BACKOFF))
        return;
    broker->retry_us =
        now + kci_backoff_delay(&client->settings.reconnect, broker->failures, &client->random);
}

void kci_broker_works(kci_broker *broker)
{
    if (broker->failures == 0)
        return;
    broker->failures = 0;
    broker->retry_us = 0;
    kci_log_limit_reset(&broker->complaints);
}

/* -- bootstrap servers --------------------------------------------------------------------------
 */

/* The broker behind a bootstrap server, if the addresses are written alike. */
static kci_broker *twin_of(kc_client *client, const kci_broker *bootstrap)
{
    for (int32_t i = 0; i < client->brokers.count; i++) {
        kci_broker *broker = client->brokers.list[i];
        if (!kci_broker_is_bootstrap(broker) && broker->known &&
            has_address(broker, kc_str(bootstrap->host), bootstrap->port))
            return broker;
    }
    return NULL;
}

/* Moves connections, with the calls on them, so that none has to be opened twice. */
static void hand_over(kci_broker *from, kci_broker *to)
{
    for (int i = 0; i < KCI_CLASS_COUNT; i++) {
        kci_connection *connection = from->connections[i];
        if (!connection || to->connections[i] || connection->state == KCI_CONNECTION_DOWN)
            continue;
        from->connections[i] = NULL;
        to->connections[i] = connection;
        connection->broker = to;
        if (kci_connection_is_up(connection))
            kci_client_tell_node(to->client, to->id, connection->cls, KCI_NODE_UP, KC_OK);
    }
}

void kci_brokers_settle(kc_client *client)
{
    const kci_brokers *brokers = &client->brokers;
    bool any = false;

    for (int32_t i = 0; i < brokers->count; i++)
        any |= brokers->list[i]->known && !kci_broker_is_bootstrap(brokers->list[i]);
    for (int32_t i = 0; i < brokers->count && any; i++) {
        kci_broker *broker = brokers->list[i];
        if (!kci_broker_is_bootstrap(broker))
            continue;
        kci_broker *twin = twin_of(client, broker);
        if (twin)
            hand_over(broker, twin);
        broker->known = false;
    }
}

void kci_brokers_use_bootstrap(kc_client *client)
{
    bool any = false;

    for (int32_t i = 0; i < client->brokers.count; i++) {
        kci_broker *broker = client->brokers.list[i];
        if (!kci_broker_is_bootstrap(broker) || broker->known)
            continue;
        broker->known = any = true;
        broker->failures = 0;
        broker->retry_us = 0;
    }
    for (int i = 0; i < KCI_CLASS_COUNT && any; i++)
        kci_route_wake(&client->routes[i]);
}

bool kci_brokers_all_failed(const kc_client *client, kci_class cls)
{
    for (int32_t i = 0; i < client->brokers.count; i++) {
        const kci_broker *broker = client->brokers.list[i];
        const kci_connection *c = broker->connections[cls];
        if (broker->known && (broker->failures == 0 || (c && kci_connection_is_up(c))))
            return false;
    }
    return true;
}

/* -- the end ------------------------------------------------------------------------------------
 */

/* Closes what is idle; true when nothing is left of it. */
static bool wind_down(kci_broker *broker)
{
    bool all_down = true;

    for (int i = 0; i < KCI_CLASS_COUNT; i++) {
        kci_connection *connection = broker->connections[i];
        if (!connection)
            continue;
        if (connection->state == KCI_CONNECTION_DOWN && connection->queued > 0)
            kci_connection_fail_calls(connection, KC_E_BROKER_NOT_AVAILABLE,
                                      "the cluster has no such broker any more");
        if (kci_connection_is_up(connection) && kci_connection_is_idle(connection))
            kci_connection_close(connection, KC_OK, "not needed any more");
        all_down &= connection->state == KCI_CONNECTION_DOWN && connection->queued == 0;
    }
    return all_down;
}

void kci_brokers_prune(kc_client *client)
{
    kci_brokers *brokers = &client->brokers;
    int32_t kept = 0;

    for (int32_t i = 0; i < brokers->count; i++)
        if (!brokers->list[i]->known)
            brokers->list[i]->down = wind_down(brokers->list[i]);
    for (int32_t i = 0; i < brokers->count; i++) {
        kci_broker *broker = brokers->list[i];
        if (!broker->known && broker->down && !kci_broker_is_bootstrap(broker))
            broker_free(broker);
        else
            brokers->list[kept++] = broker;
    }
    brokers->count = kept;
}

void kci_brokers_free(kc_client *client)
{
    for (int32_t i = 0; i < client->brokers.count; i++)
        broker_free(client->brokers.list[i]);
    kci_free(client->brokers.list);
    client->brokers = (kci_brokers){ 0 };
}
