/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/shrink.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"

enum { WATCHDOG_S = 60, HALVINGS = 8 };

/* Habits of the application, each of which a failure may do without. */
static const size_t percents[] = {
    offsetof(sim_plan, choice_percent), offsetof(sim_plan, many_percent),
    offsetof(sim_plan, ask_percent),    offsetof(sim_plan, admin_percent),
    offsetof(sim_plan, assign_percent), offsetof(sim_plan, vague_percent),
    offsetof(sim_plan, purge_percent),  offsetof(sim_plan, wake_percent),
    offsetof(sim_plan, seek_percent),   offsetof(sim_plan, flush_percent),
    offsetof(sim_plan, max_message),    offsetof(sim_plan, callback_percent),
    offsetof(sim_plan, window),         offsetof(sim_plan, last_words),
    offsetof(sim_plan, pace_ms),        offsetof(sim_plan, back_ms),
    offsetof(sim_plan, leave_ms),
};
static const size_t flags[] = {
    offsetof(sim_plan, intercepts),   offsetof(sim_plan, headers),
    offsetof(sim_plan, takes),        offsetof(sim_plan, own_partitioner),
    offsetof(sim_plan, client_first), offsetof(sim_plan, sasl),
    offsetof(sim_plan, same_address), offsetof(sim_plan, named),
    offsetof(sim_plan, ages_differ),  offsetof(sim_plan, trickles),
    offsetof(sim_plan, silent),
};

static bool still_fails(const sim_plan *plan, const sim_outcome *as)
{
    sim_outcome o = sim_run_apart(plan, true, WATCHDOG_S);
    return as->crashed
               ? o.crashed
               : (!o.crashed && o.result.violations > 0 && o.result.first == as->result.first);
}

static bool try_smaller(sim_plan *plan, const sim_plan *smaller, const sim_outcome *as)
{
    if (!still_fails(smaller, as))
        return false;
    *plan = *smaller;
    return true;
}

static void fewer_faults(sim_plan *plan, const sim_outcome *as)
{
    for (int i = plan->fault_count - 1; i >= 0; i--) {
        sim_plan smaller = *plan;
        memmove(&smaller.faults[i], &smaller.faults[i + 1],
                (size_t)(smaller.fault_count - i - 1) * sizeof smaller.faults[0]);
        smaller.fault_count--;
        try_smaller(plan, &smaller, as);
    }
}

static void fewer_settings(sim_plan *plan, const sim_outcome *as)
{
    for (int i = plan->setting_count - 1; i >= 0; i--) {
        sim_plan smaller = *plan;
        memmove(&smaller.settings[i], &smaller.settings[i + 1],
                (size_t)(smaller.setting_count - i - 1) * sizeof smaller.settings[0]);
        smaller.setting_count--;
        try_smaller(plan, &smaller, as);
    }
}

static void fewer_habits(sim_plan *plan, const sim_outcome *as)
{
    for (size_t i = 0; i < KCI_COUNT_OF(percents); i++) {
        sim_plan smaller = *plan;
        int *field = (int *)(void *)((char *)&smaller + percents[i]);
        if (*field == 0)
            continue;
        *field = 0;
        try_smaller(plan, &smaller, as);
    }
    for (size_t i = 0; i < KCI_COUNT_OF(flags); i++) {
        sim_plan smaller = *plan;
        bool *field = (bool *)(void *)((char *)&smaller + flags[i]);
        if (!*field)
            continue;
        *field = false;
        try_smaller(plan, &smaller, as);
    }
}

static void halve(sim_plan *plan, size_t offset, const sim_outcome *as)
{
    for (int tries = 0; tries < HALVINGS; tries++) {
        sim_plan smaller = *plan;
        int *field = (int *)(void *)((char *)&smaller + offset);
        if (*field <= 1)
            return;
        *field = (*field + 1) / 2;
        if (!try_smaller(plan, &smaller, as))
            return;
    }
}

sim_plan sim_shrink(const sim_plan *plan, const sim_outcome *as)
{
    sim_plan p = *plan;
    fewer_faults(&p, as);
    fewer_settings(&p, as);
    fewer_habits(&p, as);
    halve(&p, offsetof(sim_plan, records), as);
    halve(&p, offsetof(sim_plan, producers), as);
    halve(&p, offsetof(sim_plan, consumers), as);
    halve(&p, offsetof(sim_plan, partitions), as);
    fewer_faults(&p, as);
    return p;
}
