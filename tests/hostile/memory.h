/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that the library holds: its allocator is wrapped at link time (see meson.build), so the
 * library itself knows nothing of this. One thread. */
#ifndef HOSTILE_MEMORY_H
#define HOSTILE_MEMORY_H

#include <stdint.h>

/* Forgets the peaks. */
void host_memory_reset(void);

int64_t host_memory_most(void);    /* bytes held at the same time, at most */
int64_t host_memory_largest(void); /* bytes asked for at once, at most */

#endif
