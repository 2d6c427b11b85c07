/* SPDX-License-Identifier: Apache-2.0 */
#include "core/lookup.h"

#include <stdio.h>

#include "base/mem.h"

struct kci_lookup {
    kci_task task;
    kci_network *network;
    kci_lookup_fn fn;
    void *arg;      /* loop only */
    bool abandoned; /* loop only */
    kc_err err;     /* from here on written by the resolver, before it posts the task */
    kci_addr *addrs;
    size_t count;
    char why[256];
};

/* Loop: the resolver has answered. */
static void deliver(kci_task *task)
{
    kci_lookup *lookup = KCI_CONTAINER_OF(task, kci_lookup, task);

    if (!lookup->abandoned)
        lookup->fn(lookup->arg, lookup->err, lookup->addrs, lookup->count, lookup->why);
    kci_free(lookup->addrs);
    kci_free(lookup);
}

static void keep(kci_lookup *lookup, kc_err err, const kci_addr *addrs, size_t count,
                 const char *why)
{
    if (err == KC_OK && count == 0)
        err = KC_E_RESOLVE;
    snprintf(lookup->why, sizeof lookup->why, "%s", why ? why : "");
    lookup->err = err;
    if (err != KC_OK)
        return;
    lookup->addrs = kci_calloc(count, sizeof *addrs);
    if (!lookup->addrs) {
        lookup->err = KC_E_NO_MEMORY;
        return;
    }
    memcpy(lookup->addrs, addrs, count * sizeof *addrs);
    lookup->count = count;
}

/* Any thread. The network is held until posting has returned; a task that the loop does not
 * run any more is run when the loop is taken apart. */
static void on_resolved(void *arg, kc_err err, const kci_addr *addrs, size_t count, const char *why)
{
    kci_lookup *lookup = arg;
    kci_network *network = lookup->network;

    keep(lookup, err, addrs, count, why);
    kci_loop_post(network->loop, &lookup->task);
    network->release(network);
}

kci_lookup *kci_lookup_start(kci_network *network, const char *host, uint16_t port,
                             kci_lookup_fn fn, void *arg)
{
    kci_sys *sys = network->sys;
    kci_lookup *lookup = kci_calloc(1, sizeof *lookup);

    if (!lookup)
        return NULL;
    lookup->task.fn = deliver;
    lookup->network = network;
    network->hold(network);
    lookup->fn = fn;
    lookup->arg = arg;
    sys->resolve(sys, host, port, on_resolved, lookup);
    return lookup;
}

void kci_lookup_abandon(kci_lookup *lookup)
{
    if (lookup)
        lookup->abandoned = true;
}
