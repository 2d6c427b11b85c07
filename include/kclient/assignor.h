/* SPDX-License-Identifier: Apache-2.0 */
/* Who of a consumer group reads which partitions. A kc_plan holds the question (members, topics,
 * the racks of both) and takes the answer; an assignor fills the answer in. Assignors are functions
 * of the plan alone: they know no broker and no client, so a plan can be made and run anywhere, in
 * a program's own tests too.
 *
 * Built in, by name or by the class name that Java has for them:
 *
 * - range: each topic by itself, members get neighbouring partitions; members and replicas with
 *   racks are matched as Java does (KIP-881).
 * - roundrobin: all partitions of all topics in turn.
 * - sticky: as even as can be, and who had a partition keeps it. Eager protocol.
 * - cooperative-sticky: the same for the cooperative protocol (KIP-429).
 * - rack-aware-range: each topic by itself with range's numbers; first partitions whose leader is
 * in the member's rack, then those with a replica there, then the rest. Eager and cooperative. */
#ifndef KCLIENT_ASSIGNOR_H
#define KCLIENT_ASSIGNOR_H

#include <kclient/error.h>
#include <kclient/partition.h>

KC_BEGIN

/* ---- the question ------------------------------------------------------------------------- */

/* Members, topics, racks; then who gets what. Not thread-safe. */
typedef struct kc_plan kc_plan;

/* An empty plan. KC_E_NO_MEMORY. */
KC_API kc_err kc_plan_new(kc_plan **out, kc_error *detail);

/* NULL is fine. Everything that the plan has given out is gone. */
KC_API void kc_plan_free(kc_plan *plan);

/* Adds a topic with partitions 0 to partition_count-1, whose racks are not known yet. All is
 * copied. KC_E_INVALID_ARGUMENT (no name, a topic that is there, a negative or too large count),
 * KC_E_STATE (the plan has been run), KC_E_NO_MEMORY. */
KC_API kc_err kc_plan_add_topic(kc_plan *plan, kc_bytes name, int32_t partition_count,
                                kc_error *detail);

/* Where a partition's replicas are, the leader's among them or not. Null and empty racks are not
 * known. All is copied. KC_E_INVALID_ARGUMENT (no such partition), KC_E_STATE, KC_E_NO_MEMORY. */
KC_API kc_err kc_plan_set_racks(kc_plan *plan, kc_bytes topic, int32_t partition,
                                kc_bytes leader_rack, const kc_bytes *replica_racks, size_t count,
                                kc_error *detail);

/* A member and what it has said when it joined. Begin with KC_PLAN_MEMBER_INIT. */
typedef struct kc_plan_member {
    uint32_t size;      /* sizeof(kc_plan_member) as the program was compiled */
    int32_t generation; /* of `owned`; -1: it never had any */
    kc_bytes member_id;
    kc_bytes group_instance_id; /* null: not a static member (KIP-345) */
    kc_bytes rack;              /* null: not known */
    kc_bytes user_data;         /* of its subscription; null: none */
    const kc_bytes *topics;     /* that it subscribes to, each once; they need not exist */
    size_t topic_count;
    const kc_topic_partition *owned; /* what it says it has; the partitions need not exist */
    size_t owned_count;
} kc_plan_member;

#define KC_PLAN_MEMBER_INIT                                                                       \
    {                                                                                             \
        (uint32_t)sizeof(kc_plan_member), -1, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, { NULL, 0 }, \
            NULL, 0, NULL, 0                                                                      \
    }
KC_API void kc_plan_member_init(kc_plan_member *out, size_t size);

/* Adds a member; all is copied. KC_E_INVALID_ARGUMENT (no id, an id that is there), KC_E_STATE,
 * KC_E_NO_MEMORY. */
KC_API kc_err kc_plan_add_member(kc_plan *plan, const kc_plan_member *member, kc_error *detail);

/* ---- what an assignor reads --------------------------------------------------------------- *
 *
 * From when an assignor runs, members and topics have numbers: members in Java's order (those with
 * a group.instance.id first, by that; then by member id), topics by name. So nothing depends on the
 * order in which they were added. Accessors give null, 0, -1 or false for numbers out of range. */

KC_API size_t kc_plan_member_count(const kc_plan *plan);
KC_API size_t kc_plan_topic_count(const kc_plan *plan);

/* A member; the pointers are the plan's. False past the end. */
KC_API bool kc_plan_member_at(const kc_plan *plan, size_t member, kc_plan_member *out);

KC_API kc_bytes kc_plan_topic_name(const kc_plan *plan, size_t topic);
KC_API int32_t kc_plan_partition_count(const kc_plan *plan, size_t topic);
KC_API bool kc_plan_is_subscribed(const kc_plan *plan, size_t member, size_t topic);

/* The rack of a partition's leader; null: not known. */
KC_API kc_bytes kc_plan_leader_rack(const kc_plan *plan, size_t topic, int32_t partition);

/* Each known rack that has a replica of it, the leader's among them, once; null past the last. */
KC_API kc_bytes kc_plan_replica_rack(const kc_plan *plan, size_t topic, int32_t partition,
                                     size_t index);

/* ---- the answer --------------------------------------------------------------------------- */

/* Gives a partition to a member (-1: to nobody), instead of who has it so far.
 * KC_E_INVALID_ARGUMENT: no such partition or member, or the member does not subscribe to it. */
KC_API kc_err kc_plan_assign(kc_plan *plan, size_t topic, int32_t partition, int32_t member);

/* Who has it; -1: nobody. */
KC_API int32_t kc_plan_assigned(const kc_plan *plan, size_t topic, int32_t partition);

/* Bytes that go to the member with its assignment; copied. KC_E_INVALID_ARGUMENT, KC_E_NO_MEMORY.
 */
KC_API kc_err kc_plan_set_user_data(kc_plan *plan, size_t member, kc_bytes data);
KC_API kc_bytes kc_plan_user_data(const kc_plan *plan, size_t member);

/* What an answer is worth. Begin with KC_PLAN_SCORE_INIT. */
typedef struct kc_plan_score {
    uint32_t size;           /* sizeof(kc_plan_score) as the program was compiled */
    uint32_t reserved;       /* 0 */
    uint64_t partitions;     /* of topics that somebody subscribes to */
    uint64_t assigned;       /* of these, those that somebody has */
    uint64_t withheld;       /* those that somebody has to give back first (cooperative) */
    uint64_t in_rack;        /* have a replica in their member's rack */
    uint64_t leader_in_rack; /* have their leader there */
    uint64_t kept;           /* went to a member that says it owns them */
} kc_plan_score;

#define KC_PLAN_SCORE_INIT                                   \
    {                                                        \
        (uint32_t)sizeof(kc_plan_score), 0, 0, 0, 0, 0, 0, 0 \
    }
KC_API void kc_plan_score_init(kc_plan_score *out, size_t size);

/* KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_plan_get_score(const kc_plan *plan, kc_plan_score *out);

/* ---- assignors ---------------------------------------------------------------------------- */

enum {
    KC_ASSIGNOR_EAGER = 1,      /* all give everything back before each rebalance */
    KC_ASSIGNOR_COOPERATIVE = 2 /* only what changes hands is given back (KIP-429) */
};

/* An assignor: a program's own (begin with KC_ASSIGNOR_INIT), or one of those built in. user is given to each function. Functions
 * but for name and assign may be NULL. */
typedef struct kc_assignor {
    uint32_t size;      /* sizeof(kc_assignor) as the program was compiled */
    uint32_t protocols; /* KC_ASSIGNOR_... */
    int32_t version;    /* of what it writes into user data; 0 when there is none */
    uint32_t reserved;  /* 0 */
    const char *name;   /* that all members of a group must have in common */
    void *user;
    /* Before each join: bytes for this member's subscription; the bytes are the assignor's and live
     * until its next call. topics: what the member subscribes to. */
    kc_err (*subscription_user_data)(void *user, const kc_bytes *topics, size_t count,
                                     kc_bytes *out, kc_error *detail);
    /* In the group's leader: gives each partition to a member by kc_plan_assign(). An error ends
     * this rebalance with *detail, which is never NULL here. In the cooperative protocol the
     * library withholds, afterwards, what its present owner has to give back first. */
    kc_err (*assign)(void *user, kc_plan *plan, kc_error *detail);
    /* The member's new assignment has come. */
    void (*on_assignment)(void *user, const kc_topic_partition *partitions, size_t count,
                          kc_bytes user_data, int32_t generation);
    /* Nobody uses it any more. */
    void (*close)(void *user);
} kc_assignor;

#define KC_ASSIGNOR_INIT                                                           \
    {                                                                              \
        (uint32_t)sizeof(kc_assignor), 0, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL \
    }
KC_API void kc_assignor_init(kc_assignor *out, size_t size);

/* A built-in assignor by its name or Java's class name, with or without the package; NULL: there is
 * none. Static, thread-safe. */
KC_API const kc_assignor *kc_assignor_find(const char *name);

/* The built-in ones by index; NULL past the end. Thread-safe. */
KC_API const kc_assignor *kc_assignor_at(size_t index);

/* Has an assignor answer the plan, from nothing. protocol: KC_ASSIGNOR_EAGER, or
 * KC_ASSIGNOR_COOPERATIVE: then partitions that a member owns and another is to get are withheld
 * until the next rebalance. KC_E_INVALID_ARGUMENT (not one of the assignor's protocols),
 * KC_E_NO_MEMORY, and whatever the assignor returns. */
KC_API kc_err kc_plan_run(kc_plan *plan, const kc_assignor *assignor, uint32_t protocol,
                          kc_error *detail);

KC_END

#endif
