/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/replica.h"

enum {
    GRACE_NEW_US = 2 * 1000 * 1000,
    GRACE_SEEN_US = 30 * 1000 * 1000,
    LET_DOWNS_MAX = 3 /* in a row */
};

void kci_replica_init(kci_replica *r)
{
    *r = (kci_replica){ .leader = -1, .leader_epoch = -1, .preferred = -1 };
}

void kci_replica_set_leader(kci_replica *r, int32_t leader, int32_t epoch)
{
    r->leader = leader;
    r->leader_epoch = epoch;
    r->missing_since_us = 0;
}

int64_t kci_replica_missing(kci_replica *r, int64_t now_us)
{
    if (r->missing_since_us == 0)
        r->missing_since_us = now_us;
    return r->missing_since_us + (r->leader >= 0 ? GRACE_SEEN_US : GRACE_NEW_US);
}

bool kci_replica_prefer(kci_replica *r, int32_t node, int64_t until_us)
{
    if (node == r->preferred || node == r->leader)
        return false;
    r->preferred = node;
    r->preferred_until_us = until_us;
    return true;
}

int32_t kci_replica_choose(kci_replica *r, int64_t now_us, bool usable, bool asked)
{
    if (!usable || (now_us >= r->preferred_until_us && !asked))
        r->preferred = -1;
    return r->preferred < 0 ? r->leader : r->preferred;
}

void kci_replica_did_well(kci_replica *r, int32_t node)
{
    if (node == r->preferred)
        r->let_downs = 0;
}

bool kci_replica_end_lease(kci_replica *r, int32_t node, int64_t now_us)
{
    if (r->preferred < 0 || node != r->preferred || now_us < r->preferred_until_us)
        return false;
    r->preferred = -1;
    return true;
}

void kci_replica_leave(kci_replica *r)
{
    r->preferred = -1;
}

bool kci_replica_let_down(kci_replica *r)
{
    if (r->preferred < 0)
        return false;
    r->preferred = -1;
    return ++r->let_downs >= LET_DOWNS_MAX;
}

void kci_replica_forgive(kci_replica *r)
{
    r->let_downs = 0;
}
