/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

enum { MAX_DOUBLINGS = 40 };

/* The pauses that no setting makes shorter: from the second failure on, up to 10 tries a second. */
static const int64_t least_first_us = 1000, least_most_us = 125000;

static double grown(double base, uint32_t doublings, double most)
{
    doublings = doublings < MAX_DOUBLINGS ? doublings : MAX_DOUBLINGS;
    double delay = base * (double)((uint64_t)1 << doublings);
    return delay < most ? delay : most;
}

int64_t kci_backoff_longest(const kci_backoff *b)
{
    int64_t set = b->max_us > b->base_us ? b->max_us : b->base_us;
    return set > least_most_us ? set : least_most_us;
}

int64_t kci_backoff_delay(const kci_backoff *b, uint32_t failures, kci_random *r)
{
    if (failures == 0)
        return 0;
    double base = b->base_us > 0 ? (double)b->base_us : 0;
    double max = (double)b->max_us > base ? (double)b->max_us : base;
    double delay = grown(base, failures - 1, max);
    double least =
        failures > 1 ? grown((double)least_first_us, failures - 2, (double)least_most_us) : 0;

    if (delay < least)
        delay = max = least;
    delay *= 0.8 + 0.4 * kci_random_unit(r);
    if (delay < max)
        return (int64_t)delay;
    return max < (double)INT64_MAX ? (int64_t)max : INT64_MAX;
}
