/* SPDX-License-Identifier: Apache-2.0 */
/* The brokers a client knows: from metadata, by node id, and the bootstrap servers, which get ids
 * below KCI_BOOTSTRAP_ID until it is known who they are. Each has
 * a pool of connections.
 *
 * A broker that metadata does not name any more takes no new calls, finishes those it has, and is
 * freed when its connections are down. Thread: loop. */
#ifndef CORE_BROKER_H
#define CORE_BROKER_H

#include "core/pool.h"

enum { KCI_BOOTSTRAP_ID = -1000 };

typedef struct kci_broker {
    kc_client *client;
    kci_remote remote;
    kci_connection_pool pool;
    bool down;  /* of one not known: nothing is left of it */
    bool known; /* metadata names it; a bootstrap server: it is in use */
} kci_broker;

typedef struct kci_brokers {
    kci_broker **list; /* ascending by id, so bootstrap servers first */
    int32_t count, cap;
    int32_t next_bootstrap; /* id of the next bootstrap server */
} kci_brokers;

/* A broker by id, known or not; NULL. */
kci_broker *kci_broker_find(kc_client *client, int32_t id);

/* Makes it known, with this address; a new address counts from the next attempt on. NULL when out
 * of memory, or when the address makes no sense. */
kci_broker *kci_broker_learn(kc_client *client, int32_t id, kc_bytes host, int32_t port);

/* Adds a bootstrap server. */
kc_err kci_broker_add_bootstrap(kc_client *client, const char *host, uint16_t port);

static inline bool kci_broker_is_bootstrap(const kci_broker *broker)
{
    return broker->remote.id <= KCI_BOOTSTRAP_ID;
}

/* Metadata was taken over: hands the bootstrap servers' connections to the brokers with the same
 * address, and puts the bootstrap servers out of use if any broker is known. */
void kci_brokers_settle(kc_client *client);

/* Puts the bootstrap servers into use again, all of them to be tried at once. False: they were. */
bool kci_brokers_use_bootstrap(kc_client *client);

/* Some connection is up. */
bool kci_brokers_any_up(const kc_client *client);

/* True when every broker that metadata names has failed since it last worked, and none has a
 * shared connection of the class. Those of other classes are no sign of life: a host that is gone
 * without a word leaves them behind. */
bool kci_brokers_all_failed(const kc_client *client, kci_class cls);

/* Nobody uses the lane any more: its connections are closed by kci_brokers_prune(), which is
 * deferred. */
void kci_brokers_retire(kc_client *client, int32_t lane);

/* No broker that is known would do better than the one that just refused. */
bool kci_brokers_shut_out(const kc_client *client);

/* Why none may be asked now: KC_E_AUTHENTICATION, KC_E_TLS; KC_OK: some may. */
kc_err kci_brokers_refusal(const kc_client *client);

/* Closes connections that nobody needs and frees brokers that are not known and have none. Not from
 * inside a connection's callback: defer it. */
void kci_brokers_prune(kc_client *client);

/* Frees all; their connections are down. */
void kci_brokers_free(kc_client *client);

#endif
