/* SPDX-License-Identifier: Apache-2.0 */
/* Those who share a client's topics, connections and memory leave at different times: the last
 * producer or consumer closes while the others go on, and may come back. */
#include "sim/app.h"

/* The seed says which of the two kinds, where there are two of it. */
static bool is_producer(const sim_plan *plan)
{
    return plan->consumers < 2 || (plan->producers > 1 && plan->seed % 2);
}

static void leave(sim_run *r, bool producer)
{
    int p = r->plan->producers - 1, c = r->plan->consumers - 1;
    sim_trace(r->world, "app: %s %d leaves", producer ? "producer" : "consumer", producer ? p : c);
    r->left = true;
    if (r->admin) { /* another takes its place at once */
        kc_admin_free(r->admin);
        r->admin = NULL;
        sim_admin_open(r);
    }
    if (producer) {
        r->unsent[0] += r->unsent[p];
        r->unsent[p] = 0;
        sim_close_producer(r, p);
        return;
    }
    sim_close_consumer(r, c);
    history_left(r->history, c);
    for (int i = 0; i < r->plan->partitions; i++) {
        r->removed[c][i] = r->hidden[c][i] = r->vague[c][i] = false;
        sim_stops_sought(r, c, i);
    }
}

static void come_back(sim_run *r, bool producer)
{
    int p = r->plan->producers - 1, c = r->plan->consumers - 1;
    sim_trace(r->world, "app: %s comes back", producer ? "the producer" : "the consumer");
    r->came_back = true;
    if (producer) { /* as somebody else: what the first one has sent may still be on its way */
        r->sender[p] = r->plan->producers;
        sim_producer_open(r, p);
        r->unsent[p] = r->unsent[0] / 2;
        r->unsent[0] -= r->unsent[p];
        return;
    }
    sim_consumer_open(r, c);
    sim_assign_all(r, c);
}

void sim_leave_in_turn(sim_run *r)
{
    const sim_plan *plan = r->plan;
    int64_t passed_ms = (sim_now(r->world) - r->start) / 1000;
    if (!plan->leave_ms || (plan->producers < 2 && plan->consumers < 2))
        return;
    if (!r->left && passed_ms >= plan->leave_ms)
        leave(r, is_producer(plan));
    else if (r->left && !r->came_back && plan->back_ms && passed_ms >= plan->back_ms)
        come_back(r, is_producer(plan));
}
