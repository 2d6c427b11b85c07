/* SPDX-License-Identifier: Apache-2.0 */
/* Which broker a partition is fetched from: its leader, or a closer replica that the leader named
 * (KIP-392) while the lease of that lasts. The leader gives the same advice each time it is asked,
 * so a replica that is of no use some times in a row is not to be advised for a while.
 *
 * Under the consumer's lock, loop only. Only replica.c writes the struct. */
#ifndef CONSUMER_REPLICA_H
#define CONSUMER_REPLICA_H

#include <stdbool.h>
#include <stdint.h>

typedef struct kci_replica {
    int32_t leader, leader_epoch; /* -1: never known */
    int64_t missing_since_us;     /* brokers say there is no such partition; 0: they do not */
    int32_t preferred;            /* to fetch from; -1: the leader */
    int64_t preferred_until_us;   /* the end of the lease */
    int32_t let_downs;            /* by preferred ones, since one of them answered well */
} kci_replica;

void kci_replica_init(kci_replica *r);

void kci_replica_set_leader(kci_replica *r, int32_t leader, int32_t epoch);

/* The brokers do not know the partition. Returns when that is to be reported: a new topic may not
 * have reached every broker yet, and one that was seen may be missing at a broker that has just
 * started. */
int64_t kci_replica_missing(kci_replica *r, int64_t now_us);

/* The leader advises `node`, for a lease until then. False: nothing has changed. */
bool kci_replica_prefer(kci_replica *r, int32_t node, int64_t until_us);

/* The broker to fetch from. usable: metadata lets the preferred one be fetched from; asked: it has
 * been asked within the lease and has not answered. Ends the lease where it is over. */
int32_t kci_replica_choose(kci_replica *r, int64_t now_us, bool usable, bool asked);

/* `node` has answered: if it is the preferred one, it is of use; if the lease is over too, that
 * ends: true, the leader is to be asked again. */
void kci_replica_did_well(kci_replica *r, int32_t node);
bool kci_replica_end_lease(kci_replica *r, int32_t node, int64_t now_us);

/* Back to the leader; no blame. */
void kci_replica_leave(kci_replica *r);

/* The preferred one was of no use: back to the leader. True: that was too often, the leader is not
 * to be told where we are for a while (then kci_replica_forgive). */
bool kci_replica_let_down(kci_replica *r);
void kci_replica_forgive(kci_replica *r);

#endif
