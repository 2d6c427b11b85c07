/* SPDX-License-Identifier: Apache-2.0 */
/* Named scenarios: a plan for one kind of trouble, often one that has broken a client before. The
 * seed varies times and sizes. */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include "sim/plan.h"

/* Names by index; NULL past the last. */
const char *sim_scenario_name(int index);

/* Ends the process when there is none of that name. */
void sim_scenario_plan(sim_plan *plan, const char *name, uint64_t seed);

/* A line each: name, what happens, reference. */
void sim_scenario_list(FILE *out);

#endif
