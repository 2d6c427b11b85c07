/* SPDX-License-Identifier: Apache-2.0 */
/* How many partitions each member has, and moving them until it is as even as subscriptions allow.
 * For the sticky assignors. */
#ifndef GROUP_ASSIGNORS_BALANCE_H
#define GROUP_ASSIGNORS_BALANCE_H

#include "group/plan.h"

typedef struct kci_balance {
    kc_plan *plan;
    int32_t *load;  /* by member: how many partitions it has */
    int32_t **held; /* by topic, by place among its subscribers: how many of the topic */
    /* The search's, by member. */
    int32_t *queue, *from, *via; /* from: whom it would get a partition of, of topic via */
    int32_t *distance;           /* -1: not reached */
    bool *settled;               /* nobody it can hand to has two fewer, for good */
    bool *spread;                /* by topic: its subscribers have been reached */
} kci_balance;

/* All members have nothing. KC_E_NO_MEMORY: to be freed all the same. */
kc_err kci_balance_init(kci_balance *b, kc_plan *plan);
void kci_balance_free(kci_balance *b);

/* A partition that nobody has goes to a subscriber of its topic. */
void kci_balance_give(kci_balance *b, kci_plan_place at, int32_t member);

/* Hands partitions on, along shortest ways, until no member can reach one with two fewer. Prefers
 * to move what goes back to one who claims it, then what its holder does not claim, then what is
 * local to who gets it. */
void kci_balance_even_out(kci_balance *b);

#endif
