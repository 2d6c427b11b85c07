/* SPDX-License-Identifier: Apache-2.0 */
/* A broker that partitions are fetched from: the fetch session with it (KIP-227), and the one Fetch
 * that is in flight. The session part knows nothing of connections: it builds requests from what
 * has changed and follows answers.
 *
 * Thread: loop and application, under the consumer's lock. */
#ifndef CONSUMER_SOURCE_H
#define CONSUMER_SOURCE_H

#include "consumer/assignment.h"
#include "core/call.h"

/* A partition that the session still has and that is not this source's any more. */
typedef struct kci_left {
    kci_read_topic *topic; /* a reference */
    kc_uuid id;
    int32_t partition;
} kci_left;

/* Growing arrays of the request's parts, used again for each request. */
typedef struct kci_fetch_arrays {
    kci_fetch_request_fetch_topic *topics;
    kci_fetch_request_fetch_partition *parts;
    kci_fetch_request_forgotten_topic *forgotten;
    int32_t *forgotten_parts;
    kci_read_topic **named; /* references, so that names stay while the request lives */
    int32_t topic_cap, part_cap, forgotten_cap, forgotten_part_cap, named_cap;
} kci_fetch_arrays;

typedef struct kci_source {
    struct kc_consumer *consumer;
    int32_t id;
    kci_link link;
    kci_list parts; /* that are fetched from here, wanted or not */
    kci_list dirty; /* of these, what the session may not know as it is */
    int32_t wanted;

    /* The session. session_epoch 0: the next request is a full one and opens a new session. */
    int32_t session_id, session_epoch;
    bool by_id; /* the session names topics by id (version 13) */
    kci_left *left;
    int32_t left_count, left_cap;

    /* The request. */
    kci_call call;
    bool in_flight;
    int64_t sent_us; /* loop time */
    bool full;       /* it names all partitions */
    int16_t version;
    size_t reserved; /* of the credit, for its answer */
    kci_fetch_request body;
    kci_fetch_arrays arrays;
    int32_t named_count;

    uint32_t failures;
    int64_t retry_us; /* loop time before which nothing is sent */
    bool brought;     /* the last answer had records that could be used */
    uint32_t idle;    /* answers in a row that came at once and brought nothing */
    /* Loop time: it is not told our rack before, lest it sends us away again. */
    int64_t leads_until;
} kci_source;

/* What is the same in all requests. */
typedef struct kci_fetch_options {
    int32_t max_wait_ms, min_bytes, max_bytes, max_partition_bytes;
    bool committed;
    kc_bytes rack;
} kci_fetch_options;

void kci_source_init(kci_source *s, struct kc_consumer *consumer, int32_t id);

/* Releases its memory; it must have no partitions and nothing in flight. */
void kci_source_clear(kci_source *s);

/* A partition comes or goes. Leaving, it is forgotten by the session with the next request. */
void kci_source_add(kci_source *s, kci_read_part *part);
void kci_source_remove(kci_source *s, kci_read_part *part);

/* Whether the partition is to be fetched now; its offset or epoch may have changed as well. */
void kci_source_want(kci_read_part *part, bool wanted);

/* Fills s->body for a request of that version: what has changed, or everything. mark: a number that
 * no build of this consumer had before. KC_E_NO_MEMORY: nothing has changed. */
kc_err kci_session_build(kci_source *s, const kci_fetch_options *o, int16_t version, uint64_t mark);

/* The request is over: releases what it named. */
void kci_session_release(kci_source *s);

/* The broker's answer to the request that was built last: its error and session id. Returns whether
 * its partitions can be used. */
bool kci_session_answer(kci_source *s, kc_err err, int32_t session_id);

/* No answer, or an unusable one: the next request is a full one, which also closes the session that
 * the broker may have. */
void kci_session_reset(kci_source *s);

/* Whether an answer about the partition belongs to what is wanted of it now. */
bool kci_session_is_current(const kci_source *s, const kci_read_part *part);

#endif
