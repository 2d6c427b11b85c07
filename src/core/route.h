/* SPDX-License-Identifier: Apache-2.0 */
/* Calls to KCI_NODE_ANY that have no connection yet. They go to the shared connection of their
 * class that is up and has least to do; while there is none, one broker after another is tried: the
 * next one when an attempt fails, or takes longer than a second. Thread: loop. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/connection.h"

typedef struct kci_route {
    kc_client *client;
    kci_class cls;
    kci_list waiting; /* calls */
    kci_timer timer;  /* their deadlines, and the next attempt */
    char last[504];   /* why the last attempt failed */
} kci_route;

void kci_route_init(kci_route *route, kc_client *client, kci_class cls);

/* Queues a call to any broker. */
void kci_route_add(kci_route *route, kci_call *call);

/* Something changed: an attempt failed, a connection came up, bootstrap servers came into use.
 * Looks again in a callback of its own. */
void kci_route_wake(kci_route *route);

/* Puts the bootstrap servers into use again, if they are not, for all routes. */
void kci_routes_use_bootstrap(kc_client *client);

/* An attempt failed: the reason, for those who time out. */
void kci_route_note(kci_route *route, const char *why);

/* Ends all calls. */
void kci_route_fail(kci_route *route, kc_err err, const char *why);

#endif
