/* SPDX-License-Identifier: Apache-2.0 */
#include "core/broker.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/address.h"
#include "core/refusal.h"
#include "core/state.h"

/* Where a broker of this id is, or belongs. */
static int32_t position(const kci_brokers *brokers, int32_t id)
{
    int32_t low = 0, high = brokers->count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (brokers->list[middle]->remote.id < id)
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

    return at < brokers->count && brokers->list[at]->remote.id == id ? brokers->list[at] : NULL;
}

/* Who answers at the old address may be another broker now. */
static bool move(kci_broker *broker, kc_bytes host, uint16_t port)
{
    if (!kci_remote_set_address(&broker->remote, host, port))
        return false;
    kci_connection_pool_renew(&broker->pool, "its address has changed");
    return true;
}

/* -- the table ----------------------------------------------------------------------------------
 */

static void broker_free(kci_broker *broker)
{
    kci_connection_pool_free(&broker->pool);
    kci_remote_clear(&broker->remote);
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
    broker->remote.id = id;
    kci_connection_pool_init(&broker->pool, &client->network, &broker->remote, client->news,
                             broker);
    if (!kci_remote_set_address(&broker->remote, host, port)) {
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
    else if (!KCI_BUG(ADDRESS_KEPT) && !kci_remote_has_address(&broker->remote, host, port) &&
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

/* -- bootstrap servers --------------------------------------------------------------------------
 */

/* The broker behind a bootstrap server, if the addresses are written alike. */
static kci_broker *twin_of(kc_client *client, const kci_broker *bootstrap)
{
    for (int32_t i = 0; i < client->brokers.count; i++) {
        kci_broker *broker = client->brokers.list[i];
        if (!kci_broker_is_bootstrap(broker) && broker->known &&
            kci_remote_has_address(&broker->remote, kc_str(bootstrap->remote.host),
                                   bootstrap->remote.port))
            return broker;
    }
    return NULL;
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
            kci_connection_pool_take_over(&twin->pool, &broker->pool);
        broker->known = false;
    }
}

bool kci_brokers_use_bootstrap(kc_client *client)
{
    bool any = false;

    for (int32_t i = 0; i < client->brokers.count; i++) {
        kci_broker *broker = client->brokers.list[i];
        if (!kci_broker_is_bootstrap(broker) || broker->known)
            continue;
        broker->known = any = true;
        kci_remote_forgive(&broker->remote);
    }
    return any;
}

bool kci_brokers_any_up(const kc_client *client)
{
    for (int32_t i = 0; i < client->brokers.count; i++)
        if (kci_connection_pool_any_up(&client->brokers.list[i]->pool))
            return true;
    return false;
}

bool kci_brokers_all_failed(const kc_client *client, kci_class cls)
{
    for (int32_t i = 0; i < client->brokers.count; i++) {
        const kci_broker *broker = client->brokers.list[i];
        const kci_connection *c = kci_connection_pool_find(&broker->pool, cls, 0);
        if (broker->known && (broker->remote.failures == 0 || (c && kci_connection_is_up(c))))
            return false;
    }
    return true;
}

/* -- refusals -----------------------------------------------------------------------------------
 */

bool kci_brokers_shut_out(const kc_client *client)
{
    for (int32_t i = 0; i < client->brokers.count; i++) {
        const kci_broker *broker = client->brokers.list[i];
        if (broker->known && !kci_refusal_holds(&broker->remote, &client->network))
            return false;
    }
    return true;
}

kc_err kci_brokers_refusal(const kc_client *client)
{
    const kci_network *network = &client->network;
    kc_err err = KC_OK;

    for (int32_t i = 0; i < client->brokers.count; i++) {
        const kci_broker *broker = client->brokers.list[i];
        if (!broker->known)
            continue;
        if (!kci_refusal_holds(&broker->remote, network) ||
            kci_refusal_retry_at(&broker->remote, network) <= kci_network_now(network))
            return KC_OK;
        err = broker->remote.untrusted ? KC_E_TLS : KC_E_AUTHENTICATION;
    }
    return err;
}

/* -- the end ------------------------------------------------------------------------------------
 */

void kci_brokers_retire(kc_client *client, int32_t lane)
{
    for (int32_t i = 0; i < client->brokers.count; i++)
        kci_connection_pool_retire(&client->brokers.list[i]->pool, lane);
    kci_loop_defer(client->loop, &client->prune);
}

void kci_brokers_prune(kc_client *client)
{
    kci_brokers *brokers = &client->brokers;
    int32_t kept = 0;

    for (int32_t i = 0; i < brokers->count; i++) {
        kci_broker *broker = brokers->list[i];
        kci_connection_pool_sweep(&broker->pool);
        if (!broker->known)
            broker->down = kci_connection_pool_wind_down(&broker->pool);
    }
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
