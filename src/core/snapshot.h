/* SPDX-License-Identifier: Apache-2.0 */
/* How snapshots of metadata are made. A snapshot is one block of memory with its nodes; its topics
 * are blocks of their own, shared by the snapshots in which they are the same, so that a change of
 * one topic costs no copy of the others. Making is done on the loop; giving back on any thread. */
#ifndef CORE_SNAPSHOT_H
#define CORE_SNAPSHOT_H

#include "core/metadata.h"

/* A topic's immutable block: meta with everything it points to. */
typedef struct kci_topic_block {
    atomic_int refs;
    kci_topic_meta meta;
} kci_topic_block;

/* A deep copy with one reference; NULL when out of memory. Partition arrays with count 0 may be
 * NULL. */
kci_topic_block *kci_topic_block_new(const kci_topic_meta *meta);
void kci_topic_block_unref(kci_topic_block *block); /* NULL is fine */

/* What a snapshot is to hold; all borrowed, and copied except the topics, which get a reference. */
typedef struct kci_draft {
    int64_t fetched_us;
    uint64_t generation;
    kc_bytes cluster_id;
    int32_t controller;
    kci_node *nodes; /* sorted in place */
    int32_t node_count;
    kci_topic_block **topics; /* sorted in place; names differ */
    int32_t topic_count;
} kci_draft;

/* One reference; NULL when out of memory. */
kci_metadata *kci_snapshot_new(kci_draft *draft);

/* False when two topics have the same id: somebody has told nonsense. */
bool kci_snapshot_is_sound(const kci_metadata *snapshot);

/* The shared block of the index-th topic; borrowed. */
kci_topic_block *kci_snapshot_block(const kci_metadata *snapshot, int32_t index);

/* Order of names: bytes, then length. */
int kci_name_compare(kc_bytes a, kc_bytes b);

#endif
