/* SPDX-License-Identifier: Apache-2.0 */
/* The brokers a client knows: from metadata, by node id, and the bootstrap servers, which get ids
 * below KCI_BOOTSTRAP_ID until it is known who they are. Each has at most one connection of a
 * class.
 *
 * A broker that metadata does not name any more takes no new calls, finishes those it has, and is
 * freed when its connections are down. Thread: loop. */
#ifndef CORE_BROKER_H
#define CORE_BROKER_H

#include "core/connection.h"

enum { KCI_BOOTSTRAP_ID = -1000 };

struct kci_broker {
    kc_client *client;
    int32_t id;
    uint16_t port;
    bool down;  /* of one not known: nothing is left of it */
    bool known; /* metadata names it; a bootstrap server: it is in use */
    char *host;
    char *text;                                   /* for people: kci_broker_text() */
    kci_connection *connections[KCI_CLASS_COUNT]; /* NULL: never needed */
    /* Backoff of all classes: whoever is refused by one need not knock at the others. Each
     * connection has its own beside it. */
    uint32_t failures; /* in a row */
    int64_t retry_us;  /* no attempt before */
    kci_log_limit complaints;
};

typedef struct kci_brokers {
    kci_broker **list; /* ascending by id, so bootstrap servers first */
    int32_t count, cap;
    int32_t next_bootstrap; /* id of the next bootstrap server */
    int32_t up;             /* connections that are up */
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
    return broker->id <= KCI_BOOTSTRAP_ID;
}

/* Its connection, made if there is none; NULL when out of memory. */
kci_connection *kci_broker_connection(kci_broker *broker, kci_class cls);

/* An attempt that began at began_us failed; an answer came. */
void kci_broker_failed(kci_broker *broker, int64_t began_us);
void kci_broker_works(kci_broker *broker);

/* Metadata was taken over: hands the bootstrap servers' connections to the brokers with the same
 * address, and puts the bootstrap servers out of use if any broker is known. */
void kci_brokers_settle(kc_client *client);

/* Puts the bootstrap servers into use again, all of them to be tried at once. */
void kci_brokers_use_bootstrap(kc_client *client);

/* True when every broker that metadata names has failed since it last worked, and none has a
 * connection of the class. Those of other classes are no sign of life: a host that is gone without
 * a word leaves them behind. */
bool kci_brokers_all_failed(const kc_client *client, kci_class cls);

/* Closes connections that nobody needs and frees brokers that are not known and have none. Not from
 * inside a connection's callback: defer it. */
void kci_brokers_prune(kc_client *client);

/* Frees all; their connections are down. */
void kci_brokers_free(kc_client *client);

#endif
