/* SPDX-License-Identifier: Apache-2.0 */
#include "base/backoff.h"

enum { MAX_DOUBLINGS = 40 };

int64_t kci_backoff_delay(const kci_backoff *b, uint32_t failures, kci_random *r)
{
    if (failures == 0 || b->base_us <= 0)
        return 0;
    int64_t max = b->max_us > b->base_us ? b->max_us : b->base_us;
    uint32_t doublings = failures - 1 < MAX_DOUBLINGS ? failures - 1 : MAX_DOUBLINGS;
    double delay = (double)b->base_us * (double)((uint64_t)1 << doublings);
    if (delay > (double)max)
        delay = (double)max;
    delay *= 0.8 + 0.4 * kci_random_unit(r);
    return delay >= (double)max ? max : (int64_t)delay;
}
