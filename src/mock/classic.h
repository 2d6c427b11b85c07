/* SPDX-License-Identifier: Apache-2.0 */
/* The classic group protocol as a coordinator sees it: who is a member, which generation it is, and
 * what the leader has assigned. It knows no requests: those that wait are told by the group's
 * watches that something has changed, and ask again. Times are the cluster's.
 *
 *   EMPTY -> PREPARING (members come) -> COMPLETING (the leader's assignment is waited for) ->
 * STABLE
 *
 * Any change of members or of what they support leads back to PREPARING; a group without members is
 * EMPTY again. */
#ifndef MOCK_CLASSIC_H
#define MOCK_CLASSIC_H

#include "base/list.h"

#include <kclient/error.h>

struct kci_mock_cluster;

typedef enum kci_mock_classic_state {
    KCI_MOCK_GROUP_EMPTY,
    KCI_MOCK_GROUP_PREPARING,
    KCI_MOCK_GROUP_COMPLETING,
    KCI_MOCK_GROUP_STABLE
} kci_mock_classic_state;

/* What a member supports: an assignor's name and its subscription. */
typedef struct kci_mock_protocol {
    kc_bytes name, metadata;
} kci_mock_protocol;

typedef struct kci_mock_member {
    kci_link link;
    kc_bytes id;
    kc_bytes instance; /* null: not static */
    kci_mock_protocol *protocols;
    int32_t protocol_count;
    kc_bytes assignment; /* null: none yet */
    int64_t session_us, rebalance_us;
    int64_t ends_us; /* not heard of until then it is taken for dead */
    bool joined;     /* it has come to the present rebalance */
    bool synced;     /* COMPLETING: it has asked for its assignment */
} kci_mock_member;

typedef struct kci_mock_classic {
    kci_mock_classic_state state;
    int32_t generation;
    kc_bytes protocol_type; /* null while EMPTY */
    kc_bytes protocol;      /* that was chosen; null: none yet */
    kci_list members;       /* in the order of joining */
    kci_list promised;      /* ids that were given out and have not joined yet (KIP-394) */
    kci_mock_member *leader;
    int64_t ends_us; /* of PREPARING and COMPLETING; INT64_MAX else */
} kci_mock_classic;

void kci_mock_classic_init(kci_mock_classic *g);
void kci_mock_classic_free(kci_mock_classic *g);

static inline bool kci_mock_classic_has_members(const kci_mock_classic *g)
{
    return !kci_list_is_empty(&g->members);
}

/* What JoinGroup says. Borrowed. */
typedef struct kci_mock_joining {
    kc_bytes member_id; /* empty: it has none yet */
    kc_bytes instance;
    kc_bytes client_id; /* its ids begin with it */
    kc_bytes protocol_type;
    const kci_mock_protocol *protocols;
    int32_t protocol_count;
    int64_t session_us, rebalance_us;
    bool needs_id;      /* a new member gets an id first, and comes back with it */
    bool can_skip;      /* a leader may be told to skip the assignment (KIP-814) */
    const char *suffix; /* of a new id: unique */
} kci_mock_joining;

typedef struct kci_mock_joined {
    kci_mock_member *member; /* with KC_OK */
    kc_bytes promised;       /* with KC_E_MEMBER_ID_REQUIRED: the id to come back with */
    bool answer_now;         /* the present generation stands; else wait until it has joined */
    bool skip_assignment;
    bool is_follower; /* it is the leader, and must not know (before KIP-814) */
} kci_mock_joined;

/* KC_E_INCONSISTENT_GROUP_PROTOCOL, KC_E_UNKNOWN_MEMBER_ID, KC_E_FENCED_INSTANCE_ID,
 * KC_E_MEMBER_ID_REQUIRED, KC_E_COORDINATOR_NOT_AVAILABLE (no memory). */
kc_err kci_mock_classic_join(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                             kci_mock_joined *out);

/* A member that is who it says; also counts as a sign of life. KC_E_UNKNOWN_MEMBER_ID,
 * KC_E_FENCED_INSTANCE_ID, KC_E_ILLEGAL_GENERATION. */
kc_err kci_mock_classic_check(kci_mock_classic *g, int64_t now_us, kc_bytes id, kc_bytes instance,
                              int32_t generation, kci_mock_member **out);
kci_mock_member *kci_mock_classic_member(const kci_mock_classic *g, kc_bytes id);

/* Of the leader: who gets what. Others' parts are empty. KC_E_COORDINATOR_NOT_AVAILABLE. */
kc_err kci_mock_classic_assign(kci_mock_classic *g, kc_bytes id, kc_bytes assignment);

/* All parts are there: STABLE. */
void kci_mock_classic_complete(kci_mock_classic *g, int64_t now_us);

/* By id, or by instance when the id is empty. KC_E_UNKNOWN_MEMBER_ID, KC_E_FENCED_INSTANCE_ID. */
kc_err kci_mock_classic_leave(kci_mock_classic *g, int64_t now_us, kc_bytes id, kc_bytes instance);

/* The metadata of a member for the chosen protocol. */
kc_bytes kci_mock_classic_metadata(const kci_mock_classic *g, const kci_mock_member *m);

/* What time brings about; true: something changed. due: when to look again. */
bool kci_mock_classic_expire(kci_mock_classic *g, int64_t now_us);
int64_t kci_mock_classic_due(const kci_mock_classic *g);

#endif
