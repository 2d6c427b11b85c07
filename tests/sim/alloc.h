/* SPDX-License-Identifier: Apache-2.0 */
/* The client without memory: short plain runs (connect, produce, consume, close) in each of which
 * another allocation fails, alone, or with all that follow for two virtual seconds. Nothing may
 * crash, leak, hang or be lost silently. */
#ifndef SIM_ALLOC_H
#define SIM_ALLOC_H

#include <stdbool.h>
#include <stdio.h>

/* Every allocation of every plan. Returns the number of failed runs. */
int sim_alloc_run(int workers, FILE *out);

/* One run, "plain:17" or "lz4:17:sticky", on stderr. Returns its violations. */
int sim_alloc_replay(const char *which, bool trace);

#endif
