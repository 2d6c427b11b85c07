/* SPDX-License-Identifier: Apache-2.0 */
/* The simulator's random numbers (splitmix64): a run follows from its seed alone. */
#ifndef SIM_RNG_H
#define SIM_RNG_H

#include <stdbool.h>
#include <stdint.h>

typedef struct sim_rng {
    uint64_t state;
} sim_rng;

static inline uint64_t sim_rng_next(sim_rng *r)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in lo..hi, both included. */
static inline int64_t sim_rng_range(sim_rng *r, int64_t lo, int64_t hi)
{
    return hi <= lo ? lo : lo + (int64_t)(sim_rng_next(r) % (uint64_t)(hi - lo + 1));
}

/* True in `percent` of 100 draws. */
static inline bool sim_rng_chance(sim_rng *r, int percent)
{
    return (int)(sim_rng_next(r) % 100) < percent;
}

/* A generator of its own for one purpose, so that a draw more in one place does not move all
 * others. */
static inline sim_rng sim_rng_fork(sim_rng *r, uint64_t purpose)
{
    sim_rng child = { sim_rng_next(r) ^ (purpose * 0xd1342543de82ef95u) };
    return child;
}

#endif
