/* SPDX-License-Identifier: Apache-2.0 */
/* roundrobin: all partitions in order, each to the next member in turn that subscribes to it, as
 * Java's RoundRobinAssignor. */
#include "group/assignors/assignors.h"

/* The first subscriber at or after `from`, going round. */
static int32_t next_subscriber(const kci_plan_topic *t, int32_t from)
{
    int32_t low = 0, high = t->subscriber_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (t->subscribers[middle] < from)
            low = middle + 1;
        else
            high = middle;
    }
    return t->subscribers[low < t->subscriber_count ? low : 0];
}

kc_err kci_assign_round_robin(kc_plan *plan)
{
    int32_t turn = 0;
    for (int32_t n = 0; n < plan->topic_count; n++) {
        kci_plan_topic *t = plan->topics[n];
        for (int32_t i = 0; i < t->count && t->subscriber_count > 0; i++) {
            int32_t member = next_subscriber(t, turn);
            t->partitions[i].owner = member;
            turn = member + 1; /* past the last one: next_subscriber() goes round */
        }
    }
    return KC_OK;
}
