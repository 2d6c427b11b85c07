/* SPDX-License-Identifier: Apache-2.0 */
/* What all connections of a client share, and all that they know of it: the loop, settings,
 * counters, memory that is used again, and the calls that have ended and wait for done(). A test
 * makes one without a client.
 *
 * network.c owns its life, flight.c the spare flights, call_end.c the ended calls. Thread: loop. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

#include "base/list.h"
#include "base/log.h"
#include "base/random.h"
#include "core/settings.h"
#include "core/stats.h"
#include "io/frame.h"
#include "io/loop.h"
#include "io/tls.h"
#include "wire/arena.h"

/* Log-ins and certificates that were refused. Written by refusal.c. */
typedef struct kci_refusals {
    bool accepted;    /* a broker has taken a log-in */
    uint32_t count;   /* log-ins refused in a row, before one was taken */
    int64_t until_us; /* no log-in at all before */
    kc_error last;    /* for people */
} kci_refusals;

typedef struct kci_network kci_network;
struct kci_network {
    /* Borrowed, and constant while there are connections. */
    kci_loop *loop;
    kci_sys *sys;
    kci_log *log;
    kci_stats *stats;
    kci_random *random;
    const kc_config *config; /* SASL's properties */
    const kci_settings *settings;
    kci_frame_pool *frames;
    kci_tls *tls; /* NULL: no TLS */
    /* Keep all of this alive while the resolver, on its own thread, may still post to the loop. */
    void (*hold)(kci_network *network);
    void (*release)(kci_network *network);
    /* Calls that had ended have had their done(). */
    void (*settled)(kci_network *network);

    kci_refusals refusals;
    bool ending;     /* no call is taken any more, and what fails is no news */
    kci_arena arena; /* of the response that is being handed over */
    kci_list spare_flights;
    int32_t spare_flight_count;
    kci_list finished; /* calls that wait for done() */
    kci_task finish;   /* deferred: calls it */
};

/* The rest is set by the caller. */
void kci_network_init(kci_network *network);

/* Its connections are freed. What is borrowed is left alone. */
void kci_network_free(kci_network *network);

static inline int64_t kci_network_now(const kci_network *network)
{
    return kci_loop_now(network->loop);
}

#endif
