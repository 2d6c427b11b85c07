/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's own test: each bug of base/planted.h has to be found. Only in builds with
 * -Dplanted_bugs=true. */
#ifndef SIM_BUGS_H
#define SIM_BUGS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* From now on runs have that bug; false: there is none of that name, or not in this build. */
bool sim_bug_plant(const char *name);

/* Looks for each bug with mixed faults, seeds 1 to most, and prints a table of what found it.
 * Returns how many were not found; -1 in builds without. */
int sim_bugs_find(uint64_t most, int workers, FILE *out);

#endif
