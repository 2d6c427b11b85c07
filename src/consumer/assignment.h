/* SPDX-License-Identifier: Apache-2.0 */
/* The partitions of a consumer, by topic and number. Not thread-safe: the consumer's lock. */
#ifndef CONSUMER_ASSIGNMENT_H
#define CONSUMER_ASSIGNMENT_H

#include "consumer/partition.h"
#include "reading/topic_name.h"

typedef struct kci_assignment {
    kci_pointers topics; /* kci_read_topic, by name */
    size_t part_count;
} kci_assignment;

/* Adds a partition; what is known of it is for kci_part_begin to fill in. KC_E_STATE: there
 * already; KC_E_NO_MEMORY. Nothing changes then. */
kc_err kci_assignment_add(kci_assignment *a, kc_bytes topic, int32_t partition,
                          kci_read_part **out);

/* NULL when there is none. */
kci_read_part *kci_assignment_find(const kci_assignment *a, kc_bytes topic, int32_t partition);
kci_read_topic *kci_assignment_topic(const kci_assignment *a, kc_bytes name);
kci_read_part *kci_read_topic_part(const kci_read_topic *topic, int32_t partition);

/* Takes a partition out; the assignment's reference to it is the caller's now. Its topic goes with
 * its last partition. */
void kci_assignment_remove(kci_assignment *a, kci_read_part *part);

/* Walks: *topic and *at begin at 0. NULL at the end. Nothing may be added or removed meanwhile. */
kci_read_part *kci_assignment_next(const kci_assignment *a, int32_t *topic, int32_t *at);

/* The last one, which is the cheapest to remove; NULL when there is none. */
kci_read_part *kci_assignment_last(const kci_assignment *a);

/* Frees the arrays; no partition may be left. */
void kci_assignment_free(kci_assignment *a);

/* References to partitions. Freeing one releases its queue. */
void kci_part_unref(kci_read_part *part);

#endif
