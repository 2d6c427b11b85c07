/* SPDX-License-Identifier: Apache-2.0 */
/* How often this process was forked since the library was first used: a handle remembers the count
 * of its birth and is unusable when it differs, since its thread exists in the parent only. */
#ifndef CORE_FORK_H
#define CORE_FORK_H

#include <stdint.h>

/* Any thread; a load. Counting begins with the first call of kci_fork_watch(). */
uint32_t kci_fork_count(void);

/* Begins to count; calls after the first do nothing. Any thread. */
void kci_fork_watch(void);

#endif
