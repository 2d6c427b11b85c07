/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker's answer changes in what is known. Brokers learn of changes at different times, so
 * an answer may be older than what is known already; per partition, the leader epoch tells
 * (KIP-320). But an epoch that no answer confirms for a while was never true (a broker lied, or the
 * cluster was restored from an older state): then the older ones are believed. */
#ifndef CORE_MERGE_H
#define CORE_MERGE_H

#include "core/snapshot.h"
#include "wire/arena.h"
#include "wire/messages.h"

typedef enum kci_topic_care {
    KCI_TOPIC_FORGOTTEN, /* kept no longer, unless the answer names it */
    KCI_TOPIC_REMEMBERED,
    KCI_TOPIC_IN_USE
} kci_topic_care;

typedef struct kci_merge {
    const kci_metadata *old;
    const kci_metadata_response *answer;
    int16_t version;          /* the answer's */
    int64_t asked_us, now_us; /* of the question, of the answer */
    kci_topic_care (*care)(void *arg, kc_bytes name);
    void *arg;
    /* Results. */
    bool changed;   /* it brought anything new */
    bool unsettled; /* a topic in use has a retriable error, a partition without a leader that the
                       answer describes, or older leader epochs than before */
    bool refused;   /* a topic in use has an error that is not retriable */
    bool absurd;    /* two topics have one id, or one topic two: the result is not to be used */
} kci_merge;

/* The next snapshot, generation old + 1; NULL when out of memory. Nodes and partitions that make no
 * sense are left out. */
kci_metadata *kci_merge_answer(kci_merge *merge);

/* A snapshot that is `old` but for the leader of one partition, and with `node` added (NULL: none).
 * The caller has checked that topic and partition exist. NULL when out of memory. */
kci_metadata *kci_merge_leader(const kci_metadata *old, int32_t topic, int32_t partition,
                               int32_t leader, int32_t leader_epoch, const kci_node *node);

#endif
