/* SPDX-License-Identifier: Apache-2.0 */
/* A plan that fails, made as small as one that fails in the same way. */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/apart.h"

/* Fewer faults, settings, habits, records, handles and partitions. as: how the plan fails. Runs it
 * some hundred times. */
sim_plan sim_shrink(const sim_plan *plan, const sim_outcome *as);

#endif
