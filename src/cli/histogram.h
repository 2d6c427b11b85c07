/* SPDX-License-Identifier: Apache-2.0 */
/* Latencies in buckets whose width grows with the value, so that percentiles are exact to 0.1 % at
 * any scale and recording costs a few instructions. */
#ifndef CLI_HISTOGRAM_H
#define CLI_HISTOGRAM_H

#include <stdint.h>

/* Values below 2^HISTOGRAM_BITS have a bucket each; above, each power of two is cut into half as
 * many. */
enum { HISTOGRAM_BITS = 11, HISTOGRAM_BUCKETS = (64 - HISTOGRAM_BITS + 2) << (HISTOGRAM_BITS - 1) };

/* Zeroed: empty. */
typedef struct histogram {
    uint64_t total;
    int64_t max;
    uint64_t counts[HISTOGRAM_BUCKETS];
} histogram;

/* Values below 0 count as 0. */
void histogram_add(histogram *h, int64_t value);

/* The least value that at least `percent` of the values do not exceed (rounded up to its bucket's
 * end, at most the maximum); 0 when empty. */
int64_t histogram_percentile(const histogram *h, double percent);

#endif
