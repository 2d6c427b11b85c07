/* SPDX-License-Identifier: Apache-2.0 */
/* The connections of one broker, at most one of each class and lane: made when first needed, kept
 * when they are down, freed with their lane or the broker. Written by pool.c. Thread: loop. */
#ifndef CORE_POOL_H
#define CORE_POOL_H

#include "core/connection.h"

typedef struct kci_pooled {
    int32_t lane;
    kci_class cls;
    bool retired; /* its lane was given back */
    kci_connection *connection;
} kci_pooled;

typedef struct kci_connection_pool {
    kci_network *network;
    kci_remote *remote;
    const kci_connection_ops *ops;
    void *owner;
    kci_pooled *list; /* ascending by lane, then class: those that are shared come first */
    int32_t count, cap;
} kci_connection_pool;

/* All borrowed: what its connections are made with. */
void kci_connection_pool_init(kci_connection_pool *pool, kci_network *network, kci_remote *remote,
                              const kci_connection_ops *ops, void *owner);

/* Its connections must be down. */
void kci_connection_pool_free(kci_connection_pool *pool);

/* NULL: there was no need of it yet. */
kci_connection *kci_connection_pool_find(const kci_connection_pool *pool, kci_class cls,
                                         int32_t lane);

/* The same, made if there is none; NULL when out of memory. */
kci_connection *kci_connection_pool_get(kci_connection_pool *pool, kci_class cls, int32_t lane);

bool kci_connection_pool_any_up(const kci_connection_pool *pool);

/* Every stream is replaced once its answers have come. why: static. */
void kci_connection_pool_renew(kci_connection_pool *pool, const char *why);

/* Takes over the connections of another that are of use and that it has none of, with their calls,
 * so that none has to be opened twice; its owner hears of those that are up. */
void kci_connection_pool_take_over(kci_connection_pool *pool, kci_connection_pool *from);

/* Nobody uses that lane any more: the next sweep closes and frees its connections. */
void kci_connection_pool_retire(kci_connection_pool *pool, int32_t lane);

/* Closes and frees what is retired. Not from inside a connection's callback. */
void kci_connection_pool_sweep(kci_connection_pool *pool);

/* The cluster has no such broker any more: closes what is idle and ends calls that wait for a
 * connection. True: all are down and have no calls. */
bool kci_connection_pool_wind_down(kci_connection_pool *pool);

/* Ends all for good: kci_connection_finish(). Then waits for is_down. */
void kci_connection_pool_finish(kci_connection_pool *pool, kc_err err, const char *why);
bool kci_connection_pool_is_down(const kci_connection_pool *pool); /* and no connection has calls */

#endif
