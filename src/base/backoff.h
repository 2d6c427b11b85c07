/* SPDX-License-Identifier: Apache-2.0 */
/* Exponential backoff with jitter (KIP-580): base * 2^(failures - 1), at most max, times a factor
 * between 0.8 and 1.2, and cut to max again. However small these are, failures in a row make the
 * pause grow to 0.1 s (1 ms for the second, then doubling), so that nothing that fails for ever is
 * tried more than 10 times a second. A value without state: the owner counts the failures. */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include "base/random.h"

typedef struct kci_backoff {
    int64_t base_us; /* retry.backoff.ms, reconnect.backoff.ms */
    int64_t max_us;  /* retry.backoff.max.ms, reconnect.backoff.max.ms; at least base_us */
} kci_backoff;

/* How long to wait, in microseconds, before the try that follows `failures` failed ones in a row;
 * 1 gives about base_us. 0 for failures 0. */
int64_t kci_backoff_delay(const kci_backoff *b, uint32_t failures, kci_random *r);

/* What the pauses grow to. */
int64_t kci_backoff_longest(const kci_backoff *b);

#endif
