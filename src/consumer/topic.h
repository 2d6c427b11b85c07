/* SPDX-License-Identifier: Apache-2.0 */
/* A topic that is read. Under the consumer's lock. */
#ifndef CONSUMER_TOPIC_H
#define CONSUMER_TOPIC_H

#include "core/metadata.h"

#include <kclient/types.h>

/* A growing array of pointers. */
typedef struct kci_pointers {
    void **items;
    int32_t count, cap;
} kci_pointers;

typedef struct kci_read_topic {
    int32_t refs; /* of the assignment and of requests that name it */
    kc_bytes name;
    kc_uuid id;                 /* zero: not known */
    const kci_topic_meta *meta; /* in the consumer's present snapshot; NULL: not in it */
    bool lacks_id;              /* the brokers have it, and it must be fetched by name */
    kci_pointers parts;         /* struct kci_read_part, by number */
    /* Of a request that is being built: see session.c. */
    uint64_t mark;
    int32_t slot;
    char text[]; /* the name's bytes */
} kci_read_topic;

kci_read_topic *kci_read_topic_ref(kci_read_topic *topic);
void kci_read_topic_unref(kci_read_topic *topic);

#endif
