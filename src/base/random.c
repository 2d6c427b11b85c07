/* SPDX-License-Identifier: Apache-2.0 */
#include "base/random.h"

/* splitmix64: spreads one word over the state, which must not be all zero. */
static uint64_t spread(uint64_t *x)
{
    uint64_t z = *x += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void kci_random_seed(kci_random *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++)
        r->s[i] = spread(&seed);
}

static uint64_t rotate(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t kci_random_next(kci_random *r)
{
    uint64_t *s = r->s;
    uint64_t result = rotate(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

uint64_t kci_random_below(kci_random *r, uint64_t below)
{
    if (below == 0)
        return 0;
    /* values under the threshold would make the small results likelier: draw again */
    uint64_t threshold = (0 - below) % below;
    uint64_t x;
    do
        x = kci_random_next(r);
    while (x < threshold);
    return x % below;
}

double kci_random_unit(kci_random *r)
{
    return (double)(kci_random_next(r) >> 11) * 0x1p-53;
}
