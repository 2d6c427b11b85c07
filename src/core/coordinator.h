/* SPDX-License-Identifier: Apache-2.0 */
/* Which broker coordinates a group or a transactional id (FindCoordinator). Remembered until
 * somebody says that it is wrong, or the broker leaves the cluster. What is asked for in one turn,
 * or while a request is under way, goes out in one request where the broker knows version 4
 * (KIP-699), one by one else. One try each: core/ask.h asks again. Thread: loop. */
#ifndef CORE_COORDINATOR_H
#define CORE_COORDINATOR_H

#include "base/map.h"
#include "core/call.h"
#include "wire/arena.h"
#include "wire/messages.h"

/* Kafka's numbers of kinds of keys. */
typedef enum kci_coordinated {
    KCI_COORDINATED_GROUP,
    KCI_COORDINATED_TRANSACTION,
    KCI_COORDINATED_KINDS
} kci_coordinated;

/* Somebody who waits for an answer. */
typedef struct kci_coordinator_waiter kci_coordinator_waiter;
struct kci_coordinator_waiter {
    kci_link link;
    /* Exactly once, unless it is dropped before; never from inside kci_coordinator_want(). node: a
     * broker that calls can be started to; -1 with an error. why: a sentence, borrowed. */
    void (*done)(kci_coordinator_waiter *waiter, kc_err err, int32_t node, const char *why);
};

typedef struct kci_coordinators {
    kc_client *client;
    kci_map known[KCI_COORDINATED_KINDS]; /* key -> struct coordinated of coordinator.c */
    kci_list unasked, asked, idle;        /* of those; idle: the one used last comes last */
    int32_t idle_count;
    kci_task send; /* deferred */
    kci_call call; /* the request under way, if busy */
    kci_find_coordinator_request body;
    kci_arena arena; /* of body */
    bool busy;
} kci_coordinators;

void kci_coordinators_init(kci_coordinators *coordinators, kc_client *client);

/* Ends whoever waits with KC_E_CLOSED, but for those whose request is under way: they end with it.
 * From a callback of the loop. */
void kci_coordinators_stop(kci_coordinators *coordinators);
void kci_coordinators_free(kci_coordinators *coordinators);

/* The coordinator, as far as it is known; -1: it is not. */
int32_t kci_coordinator_known(kc_client *client, kci_coordinated kind, kc_bytes key);

/* Asks for it, although it may be known. The key is copied. KC_E_NO_MEMORY, KC_E_INVALID_ARGUMENT
 * (an empty key, or one that is too long for Kafka): done() is not called then. */
kc_err kci_coordinator_want(kc_client *client, kci_coordinated kind, kc_bytes key,
                            kci_coordinator_waiter *waiter);

/* Waits no more: done() will not be called. */
void kci_coordinator_drop(kci_coordinator_waiter *waiter);

/* `node` said that it is not, or could not be reached: it is asked for anew. No effect when another
 * one is known meanwhile. */
void kci_coordinator_forget(kc_client *client, kci_coordinated kind, kc_bytes key, int32_t node);

#endif
