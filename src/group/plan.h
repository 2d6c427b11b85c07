/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of kc_plan, for assignors of this library. plan.c builds it, plan_seal.c seals it
 * (sorts, numbers, links), plan_run.c has an assignor fill in the owners, plan_read.c is what others'
 * assignors see. Everything but the two arrays of pointers that grow lies in one arena.
 *
 * Sealed: members, topics and racks are in order and do not move any more; member->topics holds
 * topics' numbers ascending, topic->subscribers members' numbers ascending. */
#ifndef GROUP_PLAN_H
#define GROUP_PLAN_H

#include "base/map.h"
#include "wire/arena.h"

#include <kclient/assignor.h>

enum { KCI_PLAN_PARTITIONS_MAX = 100 * 1000 * 1000 };

/* A set of racks, by number, ascending. */
typedef struct kci_racks {
    int32_t *items;
    int32_t count;
} kci_racks;

typedef struct kci_plan_partition {
    int32_t owner;       /* a member's number; -1: nobody */
    int32_t claimant;    /* sealed: the member that owned it last; -1: nobody, or two at one time */
    int32_t former;      /* sealed: of the others who claim it, the one that had it last; -1 */
    int32_t leader_rack; /* -1: not known */
    bool claimed;        /* sealed: some member says that it owns it */
    kci_racks racks;     /* of its replicas, as far as known, the leader's too */
} kci_plan_partition;

typedef struct kci_plan_topic {
    kc_bytes name;
    int32_t count;
    kci_plan_partition *partitions;
    int32_t *subscribers; /* sealed */
    int32_t subscriber_count;
} kci_plan_topic;

/* A partition by its place in the plan. */
typedef struct kci_plan_place {
    int32_t topic, partition;
} kci_plan_place;

typedef struct kci_plan_member {
    kc_bytes id, instance, user_data;
    kc_bytes assigned_user_data; /* from kc_plan_set_user_data() */
    int32_t rack;                /* -1: not known */
    int32_t generation;
    const kc_bytes *names; /* as it subscribed */
    size_t name_count;
    const kc_topic_partition *claims; /* as it said */
    size_t claim_count;
    int32_t *topics; /* sealed: those that exist */
    int32_t topic_count;
    kci_plan_place *owned; /* sealed: those that exist and that it subscribes to */
    int32_t owned_count;
} kci_plan_member;

struct kc_plan {
    kci_arena arena;
    kci_map topic_names; /* name -> kci_plan_topic * */
    kci_map member_ids;
    kci_map rack_names;      /* name -> kci_plan_rack * of plan.c */
    kci_plan_topic **topics; /* until sealed in the order of adding */
    int32_t topic_count, topic_cap;
    kci_plan_member **members;
    int32_t member_count, member_cap;
    kc_bytes *racks; /* names by number */
    int32_t rack_count, rack_cap;
    int64_t partition_count;
    bool sealed;
};

/* Java's order of strings: by UTF-16 code units. Both are UTF-8. */
int kci_java_compare(kc_bytes a, kc_bytes b);

static inline bool kci_racks_have(kci_racks racks, int32_t rack)
{
    for (int32_t i = 0; i < racks.count; i++)
        if (racks.items[i] == rack)
            return true;
    return false;
}

/* The member has a rack, and the partition a replica there. */
static inline bool kci_plan_is_local(const kci_plan_member *member, const kci_plan_partition *p)
{
    return member->rack >= 0 && kci_racks_have(p->racks, member->rack);
}

/* -- plan_seal.c -- */

/* Whether a member of a sealed plan subscribes to a topic, by number. */
bool kci_plan_subscribes(const kci_plan_member *member, int32_t topic);

/* Sorts and links; once. KC_E_NO_MEMORY leaves it as it was, to be tried again. */
kc_err kci_plan_seal(kc_plan *plan);

/* -- plan_run.c -- */

/* Takes partitions away from new owners while others have them: what changes hands is given out
 * once it has been given back (KIP-429). */
void kci_plan_withhold(kc_plan *plan);

#endif
