/* SPDX-License-Identifier: Apache-2.0 */
/* Plans drawn at random, for tests of assignors. What is drawn is kept as a description, so that
 * the same plan can be built in another order or with other claims. */
#ifndef GROUP_PLANS_H
#define GROUP_PLANS_H

#include "base/random.h"

#include <kclient/assignor.h>

enum { PLANS_TOPICS = 4, PLANS_PARTITIONS = 24, PLANS_MEMBERS = 9, PLANS_REPLICAS = 3 };

typedef struct drawn_topic {
    char name[16];
    int32_t partitions;
    int32_t replicas;
    int racks[PLANS_PARTITIONS][PLANS_REPLICAS]; /* the leader's first; -1: not known */
} drawn_topic;

typedef struct drawn_member {
    char id[16];
    int rack; /* -1: not known */
    bool is_static;
    bool subscribes[PLANS_TOPICS];
} drawn_member;

typedef struct drawn_plan {
    int topics, members, racks;
    drawn_topic topic[PLANS_TOPICS];
    drawn_member member[PLANS_MEMBERS];
} drawn_plan;

/* same: all members subscribe to all topics. */
void plans_draw(drawn_plan *d, kci_random *random, bool same);

/* Builds it, backwards if so asked. owned: a plan that was answered; what it gave each member it
 * claims; NULL: nobody claims anything. */
kc_plan *plans_build(const drawn_plan *d, bool backwards, const kc_plan *owned);

/* Fails the test unless the assignor runs. */
void plans_run(kc_plan *plan, const char *assignor, uint32_t protocol);

/* Who has a partition, by id; "" if nobody. */
const char *plans_owner(const kc_plan *plan, size_t topic, int32_t partition);

/* Fails the test, with what, when the plans have different answers. */
void plans_expect_same(const kc_plan *a, const kc_plan *b, const char *what);

#endif
