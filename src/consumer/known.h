/* SPDX-License-Identifier: Apache-2.0 */
/* What the consumer knows of the cluster: the newest snapshot, its topics by id, and how many of
 * them have none, so that all are fetched by name. The work for a topic does not grow with their
 * number. Under the consumer's lock; only known.c writes it, and what a topic shows of it. */
#ifndef CONSUMER_KNOWN_H
#define CONSUMER_KNOWN_H

#include "base/map.h"
#include "consumer/topic.h"

typedef struct kci_known {
    kci_metadata *metadata; /* a reference */
    kci_map ids;            /* kci_read_topic by id */
    int32_t without_id;     /* topics that the brokers have and that must be fetched by name */
    uint64_t looks;         /* at topics, ever: what tests bound the work of a start by */
} kci_known;

/* Consumes the reference of `metadata`. */
void kci_known_init(kci_known *k, kci_metadata *metadata, uint64_t seed);
void kci_known_free(kci_known *k);

/* A newer snapshot; its reference is consumed. Returns the old one: a reference that is to be held
 * until every topic has been looked at again. */
kci_metadata *kci_known_replace(kci_known *k, kci_metadata *metadata);

/* The topic as the snapshot shows it: its `meta` and `id`. True: it is another one than before. */
bool kci_known_look(kci_known *k, kci_read_topic *t);

/* It is not read any more. */
void kci_known_forget(kci_known *k, kci_read_topic *t);

/* NULL: none. */
kci_read_topic *kci_known_by_id(const kci_known *k, const kc_uuid *id);

#endif
