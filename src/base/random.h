/* SPDX-License-Identifier: Apache-2.0 */
/* A fast pseudo-random generator (xoshiro256**, Blackman and Vigna) for jitter and choices, never
 * for secrets. Its seed comes from kci_sys.random, so a simulated run follows from its seed. Not
 * thread-safe: one for each owner. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

typedef struct kci_random {
    uint64_t s[4];
} kci_random;

void kci_random_seed(kci_random *r, uint64_t seed);

uint64_t kci_random_next(kci_random *r);

/* Uniform in [0, below); 0 for below 0. */
uint64_t kci_random_below(kci_random *r, uint64_t below);

/* Uniform in [0, 1). */
double kci_random_unit(kci_random *r);

#endif
