/* SPDX-License-Identifier: Apache-2.0 */
/* A run in a process of its own, so that a crash or a hang is a finding like any other. */
#ifndef SIM_APART_H
#define SIM_APART_H

#include "sim/run.h"

typedef struct sim_outcome {
    bool crashed; /* result.text says how; the rest of result is not set */
    sim_result result;
} sim_outcome;

static inline bool sim_outcome_failed(const sim_outcome *o)
{
    return o->crashed || o->result.violations > 0;
}

/* quiet: without its stderr. limit_s: seconds of real time; a run that takes longer has hung. */
sim_outcome sim_run_apart(const sim_plan *plan, bool quiet, unsigned limit_s);

#endif
