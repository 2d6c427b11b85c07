/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers that make a partition's batches idempotent (KIP-98, KIP-360): producer id, epoch and
 * the sequence of the next record. Pure arithmetic; what happens when is decided in lane.c.
 *
 * Epochs are counted per partition: brokers keep a producer's state per partition, and without
 * transactions nothing compares epochs across them. So a partition that has to start again does not
 * disturb the others, and needs no round trip. */
#ifndef PRODUCER_SEQUENCE_H
#define PRODUCER_SEQUENCE_H

#include "record/batch.h" /* kci_sequence_add */

typedef struct kci_sequence {
    int64_t producer_id; /* -1: none yet */
    int16_t epoch;
    int32_t next;  /* of the next batch that gets a number */
    int32_t acked; /* last acknowledged record; -1: none in this epoch */
} kci_sequence;

static inline kci_sequence kci_sequence_none(void)
{
    return (kci_sequence){ -1, -1, 0, -1 };
}

static inline void kci_sequence_start(kci_sequence *s, int64_t producer_id, int16_t epoch)
{
    *s = (kci_sequence){ producer_id, epoch, 0, -1 };
}

/* Begins again at 0 in the next epoch; false when there is none left: a new id is needed, and the
 * state is as kci_sequence_none(). */
static inline bool kci_sequence_bump(kci_sequence *s)
{
    if (s->epoch >= INT16_MAX || s->producer_id < 0) {
        *s = kci_sequence_none();
        return false;
    }
    kci_sequence_start(s, s->producer_id, (int16_t)(s->epoch + 1));
    return true;
}

/* Takes the numbers of n records and returns the first. */
static inline int32_t kci_sequence_take(kci_sequence *s, int32_t n)
{
    int32_t first = s->next;
    s->next = kci_sequence_add(first, n);
    return first;
}

/* Whether `sequence` is the one that the broker expects, as far as we know. */
static inline bool kci_sequence_is_next(const kci_sequence *s, int32_t sequence)
{
    return kci_sequence_add(s->acked, 1) == sequence;
}

/* Whether all numbers given out are acknowledged. */
static inline bool kci_sequence_is_settled(const kci_sequence *s)
{
    return kci_sequence_is_next(s, s->next);
}

#endif
