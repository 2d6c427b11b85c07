/* SPDX-License-Identifier: Apache-2.0 */
/* The topics that a producer has sent to and their partitions. A topic and a partition live as long
 * as the producer: sequence numbers outlast gaps in the metadata, and outcomes may point to them.
 *
 * Each partition has two sides that share no cache line: what application threads fill (under the
 * gate) and what the loop sends. */
#ifndef PRODUCER_TOPICS_H
#define PRODUCER_TOPICS_H

#include <stdatomic.h>

#include "base/map.h"
#include "core/metadata.h"
#include "producer/lane.h"

struct kci_peer;
struct kci_send_topic;

typedef struct kci_part {
    struct kci_send_topic *topic;
    int32_t index;

    /* under the gate */
    kci_send_batch *open; /* NULL: none */
    int64_t next_first;   /* number of the next record */

    /* For the partitioner: load, as batches handed over and not sent yet, and who leads. */
    atomic_int backlog;
    _Atomic(struct kci_peer *) shown_peer;

    char apart[64];

    /* loop */
    kci_link link;         /* the sender's list of parts; a zeroed one is not known to it yet */
    kci_link ready_link;   /* its peer's list of parts that can be sent from */
    struct kci_peer *peer; /* of the leader; NULL: unknown */
    int32_t leader_epoch;
    bool due; /* the open batch has lingered: take it when there is a free place in flight */
    kci_link pause_link; /* the sender's list of parts that wait until retry_at_us */
    kci_link seal_link;  /* its list of parts whose next batch is not sealed yet */
    int64_t waiting_us;  /* since when something waits without an acknowledgement; 0: nothing */
    int64_t stuck_us;    /* and since when it did when that was said */
    bool stuck;          /* it was said; nothing was acknowledged since */
    kci_lane lane;
} kci_part;

/* Partitions that have a leader; immutable, counted, for programs' partitioners. */
typedef struct kci_available {
    atomic_int refs;
    int32_t count;
    int32_t ids[];
} kci_available;

#define KCI_NOT_USABLE UINT64_MAX

typedef struct kci_send_topic {
    kc_bytes name; /* lies behind the struct */

    /* under the gate */
    uint64_t generation; /* of the snapshot that the next ones are from; 0: none yet */
    uint64_t usable;     /* the same, if records can be sent to it at once; else KCI_NOT_USABLE */
    kc_err err;
    bool wanted;   /* the client has been told that it is in use */
    bool used;     /* since idle.c looked last */
    int32_t count; /* partitions; 0: not known */
    kci_part **parts;
    int32_t part_cap; /* how many exist, at least count */
    kci_available *available;
    int32_t sticky;       /* partition for records without key; -1: none */
    int64_t sticky_bytes; /* went there since it was chosen */
    uint32_t turn;        /* round-robin */
    int64_t idle_us;      /* since when it was not used, as far as idle.c knows */

    /* loop */
    kc_uuid id;
    int32_t slot; /* scratch, while a request is built */
} kci_send_topic;

typedef struct kci_send_topics {
    kci_map map;
    kci_send_topic *last; /* of the last record */
    bool idempotent;
    bool single;
} kci_send_topics;

void kci_send_topics_init(kci_send_topics *ts, uint64_t seed, bool idempotent, bool single);
void kci_send_topics_free(kci_send_topics *ts);

/* Found, or made. KC_E_NO_MEMORY. Under the gate. */
kc_err kci_send_topics_get(kci_send_topics *ts, kc_bytes name, kci_send_topic **out);

/* Brings a topic up to a snapshot. KC_E_NO_MEMORY: it stays as it was. Under the gate. */
kc_err kci_send_topic_update(kci_send_topics *ts, kci_send_topic *t, const kci_metadata *now);

kci_available *kci_available_ref(kci_available *available);
void kci_available_unref(kci_available *available); /* NULL is fine */

/* The topic of the record before is most often that of the next. */
static inline kci_send_topic *kci_send_topics_last(const kci_send_topics *ts, kc_bytes name)
{
    kci_send_topic *t = ts->last;
    if (!t || t->name.size != name.size || memcmp(t->name.data, name.data, name.size) != 0)
        return NULL;
    return t;
}

#endif
