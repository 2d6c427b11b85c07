/* SPDX-License-Identifier: Apache-2.0 */
/* Preloaded into a program compiled with -finstrument-functions: pauses at random between any two
 * functions, on every thread, so that threads meet in orders that they hardly ever meet in.
 *
 *   LD_PRELOAD=.../libnoise.so [NOISE_EVERY=1000] PROGRAM
 *
 * NOISE_EVERY: how many functions are entered and left between two pauses, on average. What it
 * finds is not replayable; it is found again by running again. */
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#define QUIET __attribute__((no_instrument_function))

enum { PAUSE_MAX_NS = 100000 };

static uint64_t every = 1000;
static _Thread_local uint64_t state, left;

/* What -finstrument-functions calls. */
void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

__attribute__((constructor)) static QUIET void read_environment(void)
{
    const char *value = getenv("NOISE_EVERY");
    long n = value ? strtol(value, NULL, 10) : 0;
    if (n > 0)
        every = (uint64_t)n;
}

static QUIET uint64_t draw(void)
{
    if (state == 0) {
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        state = (uint64_t)(uintptr_t)&state ^ ((uint64_t)t.tv_nsec << 20) ^ 0x9e3779b97f4a7c15u;
    }
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static QUIET void step(void)
{
    if (left > 0) {
        left--;
        return;
    }
    uint64_t drawn = draw();
    left = drawn % (2 * every);
    if (drawn >> 62 == 0) {
        sched_yield();
        return;
    }
    struct timespec pause = { 0, (long)(drawn >> 20) % PAUSE_MAX_NS };
    nanosleep(&pause, NULL);
}

QUIET void __cyg_profile_func_enter(void *function, void *caller)
{
    (void)function;
    (void)caller;
    step();
}

QUIET void __cyg_profile_func_exit(void *function, void *caller)
{
    (void)function;
    (void)caller;
    step();
}
