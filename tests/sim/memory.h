/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that the client holds, as the allocator sees them: base/mem.h is wrapped at link time (see
 * meson.build), so that the library knows nothing of this. What the cluster and the simulator
 * allocate by it is counted apart. One thread. */
#ifndef SIM_MEMORY_H
#define SIM_MEMORY_H

#include <stdint.h>

typedef enum sim_memory_owner {
    SIM_MEMORY_CLIENT, /* everything that nobody else says is his */
    SIM_MEMORY_OTHER,
    SIM_MEMORY_OWNERS
} sim_memory_owner;

/* Between the two allocations belong to that owner; leave takes what enter returned. */
sim_memory_owner sim_memory_enter(sim_memory_owner owner);
void sim_memory_leave(sim_memory_owner before);

/* Bytes held now, as asked for (what malloc adds is not counted). */
int64_t sim_memory_held(sim_memory_owner owner);

/* The most that was held at a time since the last call of this function. */
int64_t sim_memory_peak(sim_memory_owner owner);

#endif
