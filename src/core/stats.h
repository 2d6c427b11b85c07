/* SPDX-License-Identifier: Apache-2.0 */
/* Counters behind kc_client_get_stats(): relaxed atomics, written per batch and never per record,
 * by the loop alone (kci_stat_add) but for those marked "any". */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

typedef struct kci_stats {
    /* connections */
    atomic_int_least64_t connects, connect_failures, disconnects, connections;
    atomic_int_least64_t requests, responses, request_timeouts, throttle_us;
    atomic_int_least64_t bytes_in, bytes_out, reads, writes;
    atomic_int_least64_t metadata_requests;
    /* producer */
    atomic_int_least64_t records_sent, records_acked, records_failed, batches_sent, batches_retried;
    atomic_int_least64_t produce_bytes, produce_bytes_uncompressed;
    atomic_int_least64_t buffer_waits; /* any */
    /* consumer */
    atomic_int_least64_t records_fetched; /* any */
    atomic_int_least64_t batches_fetched, fetch_bytes;
    atomic_int_least64_t fetch_bytes_same_rack, fetch_bytes_other_rack;
} kci_stats;

/* Adds on the single writer's side without a locked instruction. */
static inline void kci_stat_add(atomic_int_least64_t *counter, int64_t n)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + n,
                          memory_order_relaxed);
}

/* The same for counters that several threads write. */
static inline void kci_stat_add_shared(atomic_int_least64_t *counter, int64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

#endif
