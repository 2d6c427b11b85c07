/* SPDX-License-Identifier: Apache-2.0 */
#include "core/fork.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint_least32_t forks;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void on_fork(void)
{
    atomic_fetch_add_explicit(&forks, 1, memory_order_relaxed);
}

static void begin(void)
{
    pthread_atfork(NULL, NULL, on_fork);
}

void kci_fork_watch(void)
{
    pthread_once(&once, begin);
}

uint32_t kci_fork_count(void)
{
    return atomic_load_explicit(&forks, memory_order_relaxed);
}
