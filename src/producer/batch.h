/* SPDX-License-Identifier: Apache-2.0 */
/* A producer's batch, from the first record to its outcome. It is filled by application threads
 * (under the producer's gate), sealed by one thread, sent by the loop, and last, with its records
 * gone, it is the outcome that waits for the application.
 *
 * Two counts: `uses` holds the records' memory (the loop from the hand-over until the outcome is
 * known and no request refers to it; whoever seals it), `refs` holds the struct (its records'
 * memory; the queue of outcomes). So records that were given up while a request still points to
 * them stay intact until that request ends. */
#ifndef PRODUCER_BATCH_H
#define PRODUCER_BATCH_H

#include <stdatomic.h>

#include "base/list.h"
#include "producer/pool.h"
#include "producer/ranges.h"
#include "record/writer.h"

struct kci_part;

typedef struct kci_send_batch {
    kci_link link;               /* gate: list of open batches; loop: lane */
    kci_link outcome_link;       /* outcomes; then whoever took it */
    kci_link live;               /* loop: all whose outcome is not known, in order of id */
    struct kci_send_batch *next; /* hand-over to the loop; list of those to be sealed */
    struct kci_send_batch *seal_next;
    struct kci_part *part;
    kci_pool *pool;

    /* filling; under the gate */
    kci_batch_writer writer;
    int64_t opened_us;
    int64_t wall_ms; /* timestamp of records that have none */
    bool stale;      /* wall_ms is too old: read the clock for each record */
    bool listed;     /* on the list of open batches that the loop has not looked at */
    void **opaques;  /* NULL: none so far */
    int32_t opaque_cap;
    int64_t charged; /* bytes counted in the pool beside the chunks */

    /* fixed when it is closed */
    int64_t id;    /* order of hand-over to the loop */
    int64_t first; /* number of its first record within the partition: the order to be kept */
    int32_t count;

    atomic_bool sealed;    /* the loop may look at the writer */
    atomic_bool collected; /* the loop has it: tell it when the seal is done */
    atomic_int uses;
    atomic_int refs;

    /* sending; loop */
    int64_t deadline_us; /* delivery.timeout.ms */
    int64_t producer_id;
    int16_t epoch;
    int32_t sequence;
    int64_t ordinal;    /* of its number: the n-th batch of the partition that got one */
    bool numbered;      /* has the four above */
    bool maybe_written; /* an attempt ended without an answer that excludes it */
    bool on_wire;
    bool in_backlog;   /* counts in its part's backlog */
    bool reported;     /* the outcome is fixed */
    uint32_t attempts; /* failed ones */
    kc_err last_err;
    uint8_t header[KCI_BATCH_HEADER_SIZE];

    /* the outcome */
    kc_err err;
    uint32_t flags;
    int64_t base_offset;
    int64_t timestamp;
    char *text;                 /* NULL: the table's */
    kci_outcome_ranges *ranges; /* NULL: all records have the outcome above */
} kci_send_batch;

/* An empty batch for a partition, with one reference and one use, its struct charged to the pool.
 * KC_E_QUEUE_FULL, KC_E_NO_MEMORY. Any thread. */
kc_err kci_send_batch_new(kci_pool *pool, struct kci_part *part, bool copy, kci_send_batch **out);

/* Any thread. The last use gives the memory back to the pool and drops a reference. Returns true
 * for the last use: there is room. */
void kci_send_batch_use(kci_send_batch *b);
bool kci_send_batch_unuse(kci_send_batch *b);
void kci_send_batch_ref(kci_send_batch *b);
void kci_send_batch_unref(kci_send_batch *b);

/* Remembers the opaque pointer of the record that is appended next. KC_E_QUEUE_FULL,
 * KC_E_NO_MEMORY. `opaque` may be NULL. Under the gate. */
kc_err kci_send_batch_put_opaque(kci_send_batch *b, void *opaque);

/* Room for the opaque pointers of count records, all NULL, in a batch that is made from another
 * one. */
kc_err kci_send_batch_reserve_opaques(kci_send_batch *b, int32_t count);

/* Bytes on the wire of a sealed batch. */
static inline size_t kci_send_batch_size(const kci_send_batch *b)
{
    return kci_batch_writer_wire_size(&b->writer);
}

#endif
