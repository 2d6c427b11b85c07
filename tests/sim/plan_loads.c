/* SPDX-License-Identifier: Apache-2.0 */
/* Draws that came later than those of plan.c, each kind with a generator of its own, so that one
 * more does not move all others. */
#include <kclient/mock.h>

#include "sim/plan.h"

/* Weaker promises than exactly once. */
static void draw_acks(sim_plan *plan, sim_rng *r)
{
    static const sim_acks weaker[] = { ACKS_ALL, ACKS_ALL, ACKS_LEADER, ACKS_NONE, ACKS_NONE };
    if (sim_rng_chance(r, 25))
        plan->acks = weaker[sim_rng_range(r, 0, 4)];
}

/* Few retries, and as many errors as these take, or one more. */
static void draw_retries(sim_plan *plan, sim_rng *r)
{
    static const int codes[] = { KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_REQUEST_TIMED_OUT,
                                 KC_E_NOT_ENOUGH_REPLICAS, KC_E_LEADER_NOT_AVAILABLE };
    if (!sim_rng_chance(r, 15))
        return;
    int64_t retries = sim_rng_range(r, plan->acks == ACKS_IDEMPOTENT, 3);
    sim_plan_set(plan, "retries", retries);
    if (sim_rng_chance(r, 50)) /* nothing else goes wrong */
        plan->fault_count = 0;
    for (int n = (int)sim_rng_range(r, 1, 3); n > 0; n--) {
        sim_fault *f = sim_plan_add(plan, F_API_ERROR, sim_rng_range(r, 0, plan->work_us), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->b = codes[sim_rng_range(r, 0, 3)];
        f->n = sim_rng_range(r, 1, 2) + retries;
        bool may_be = f->b == KC_E_NOT_LEADER_OR_FOLLOWER || f->b == KC_E_REQUEST_TIMED_OUT;
        f->c = may_be && sim_rng_chance(r, 50) ? KC_MOCK_FAULT_APPLIED : 0;
    }
}

/* More partitions than go into one request. */
static void draw_crowd(sim_plan *plan, sim_rng *r)
{
    if (plan->value_bytes > 200 || plan->max_message || !sim_rng_chance(r, 6))
        return;
    plan->partitions = (int)sim_rng_range(r, 20, 60);
    plan->linger_ms = (int)sim_rng_range(r, 0, 30);
    plan->many_percent = (int)sim_rng_range(r, 0, 100);
    plan->work_us = sim_rng_range(r, 1000000, 5000000);
    plan->buffer_memory = 1 << 20;
    sim_plan_set(plan, "max.request.size", sim_rng_range(r, 500, 3000));
}

void sim_plan_draw_loads(sim_plan *plan)
{
    sim_rng from = { plan->seed ^ 0x10ad5u };
    sim_rng acks = sim_rng_fork(&from, 1), retries = sim_rng_fork(&from, 2);
    sim_rng crowd = sim_rng_fork(&from, 3);
    draw_acks(plan, &acks);
    draw_retries(plan, &retries);
    draw_crowd(plan, &crowd);
}
