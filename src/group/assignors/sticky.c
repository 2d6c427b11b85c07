/* SPDX-License-Identifier: Apache-2.0 */
/* sticky and cooperative-sticky: as even as subscriptions allow, and within that who had a
 * partition keeps it; of partitions that nobody keeps, members prefer those with a replica in their
 * rack.
 *
 * 1. Every valid claim is kept.
 * 2. What is free goes to the subscriber with the fewest; topics with few subscribers come first.
 * 3. Partitions are handed on until no member can reach one that has two fewer (balance.c).
 *
 * Each step of the third makes the sum of the squares of the members' numbers smaller, so it ends.
 * Java comes to the same evenness another way, and differs where ties are broken. */
#include <stdlib.h>

#include "base/mem.h"
#include "group/assignors/assignors.h"
#include "group/assignors/balance.h"

static void keep_claims(kci_balance *b)
{
    for (int32_t n = 0; n < b->plan->topic_count; n++) {
        const kci_plan_topic *t = b->plan->topics[n];
        for (int32_t i = 0; i < t->count; i++)
            if (t->partitions[i].claimant >= 0)
                kci_balance_give(b, (kci_plan_place){ n, i }, t->partitions[i].claimant);
    }
}

/* The subscriber that has the fewest; of those, one with a replica in its rack if there is one. */
static int32_t choose(const kci_balance *b, const kci_plan_topic *t, int32_t partition)
{
    int32_t best = -1;
    bool best_is_local = false;
    for (int32_t i = 0; i < t->subscriber_count; i++) {
        int32_t m = t->subscribers[i];
        if (best >= 0 && b->load[m] > b->load[best])
            continue;
        bool local = kci_plan_is_local(b->plan->members[m], &t->partitions[partition]);
        if (best < 0 || b->load[m] < b->load[best] || (local && !best_is_local)) {
            best = m;
            best_is_local = local;
        }
    }
    return best;
}

typedef struct choice {
    int32_t subscribers, topic;
} choice;

static int compare_choices(const void *a, const void *b)
{
    const choice *x = a, *y = b;
    if (x->subscribers != y->subscribers)
        return x->subscribers < y->subscribers ? -1 : 1;
    return (x->topic > y->topic) - (x->topic < y->topic);
}

/* Topics with few subscribers have the least choice: first. */
static void give_free(kci_balance *b, choice *order)
{
    size_t count = (size_t)b->plan->topic_count;
    for (int32_t n = 0; n < b->plan->topic_count; n++)
        order[n] = (choice){ b->plan->topics[n]->subscriber_count, n };
    qsort(order, count, sizeof *order, compare_choices);
    for (size_t n = 0; n < count; n++) {
        const kci_plan_topic *t = b->plan->topics[order[n].topic];
        for (int32_t i = 0; i < t->count && t->subscriber_count > 0; i++)
            if (t->partitions[i].owner < 0)
                kci_balance_give(b, (kci_plan_place){ order[n].topic, i }, choose(b, t, i));
    }
}

kc_err kci_assign_sticky(kc_plan *plan)
{
    kci_balance b;
    choice *order = kci_calloc((size_t)plan->topic_count, sizeof *order);
    kc_err err = kci_balance_init(&b, plan);
    if (!order)
        err = KC_E_NO_MEMORY;
    if (err == KC_OK) {
        keep_claims(&b);
        give_free(&b, order);
        kci_balance_even_out(&b);
    }
    kci_balance_free(&b);
    kci_free(order);
    return err;
}
