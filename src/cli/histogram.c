/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/histogram.h"

#define HALF (1u << (HISTOGRAM_BITS - 1))

/* How far a value is shifted to fit HISTOGRAM_BITS. */
static unsigned shift_of(uint64_t v)
{
    unsigned bits = 64u - (unsigned)__builtin_clzll(v | 1);
    return bits > HISTOGRAM_BITS ? bits - HISTOGRAM_BITS : 0;
}

static unsigned bucket_of(uint64_t v)
{
    unsigned shift = shift_of(v);
    return shift * HALF + (unsigned)(v >> shift);
}

/* The greatest value in a bucket. */
static int64_t end_of(unsigned bucket)
{
    unsigned shift = bucket < 2 * HALF ? 0 : bucket / HALF - 1;
    uint64_t first = (uint64_t)(bucket - shift * HALF) << shift;
    return (int64_t)(first + (1ull << shift) - 1);
}

void histogram_add(histogram *h, int64_t value)
{
    if (value < 0)
        value = 0;
    h->counts[bucket_of((uint64_t)value)]++;
    h->total++;
    if (value > h->max)
        h->max = value;
}

int64_t histogram_percentile(const histogram *h, double percent)
{
    double wanted = percent / 100 * (double)h->total;
    uint64_t seen = 0;
    if (h->total == 0)
        return 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += h->counts[i];
        if (seen > 0 && (double)seen >= wanted)
            return end_of(i) < h->max ? end_of(i) : h->max;
    }
    return h->max;
}
