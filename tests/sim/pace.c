/* SPDX-License-Identifier: Apache-2.0 */
/* A producer has to be given its id by any broker first, which may be the bad one; from then on:
 * one broker is bad, and nobody else's partitions notice: their records are delivered and read
 * within plan.pace_ms. Without a bad broker that holds for all. */
#include "sim/run.h"

static bool is_good(const sim_run *r, int partition)
{
    int32_t leader = -1;
    return r->plan->pace_ms && !r->healing && !r->closing && partition >= 0 &&
           kc_mock_leader(r->mock, SIM_TOPIC, partition, &leader, NULL) == KC_OK && leader >= 0 &&
           leader != r->plan->bad_broker;
}

static void check(sim_run *r, const char *what, uint64_t id, int partition)
{
    if (!is_good(r, partition) || !history_is_warm(r->history, id))
        return;
    int64_t took_ms = (sim_now(r->world) - history_sent_at(r->history, id)) / 1000;
    if (took_ms > r->plan->pace_ms)
        history_violation(r->history, H_SLOW, "record %llu of partition %d was %s after %lld ms",
                          (unsigned long long)id, partition, what, (long long)took_ms);
}

void sim_pace_acked(sim_run *r, uint64_t id, int partition)
{
    check(r, "delivered", id, partition);
}

void sim_pace_polled(sim_run *r, int c, uint64_t id, int partition)
{
    (void)c;
    check(r, "read", id, partition);
}
