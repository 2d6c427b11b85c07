/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch session with a broker (KIP-227). It knows nothing of connections: it builds requests
 * from what has changed and follows answers.
 *
 * Under the consumer's lock. Only session.c writes the struct, and a partition's place in it. */
#ifndef CONSUMER_SESSION_H
#define CONSUMER_SESSION_H

#include "consumer/fetching.h"
#include "wire/messages.h"

/* A partition that the session still has and that is not this broker's any more. */
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

typedef struct kci_session {
    kci_list parts; /* that are fetched from here, wanted or not */
    kci_list dirty; /* of these, what the broker may not know as it is */
    int32_t wanted;
    int32_t id, epoch; /* epoch 0: the next request is a full one and opens a new session */
    bool by_id;        /* it names topics by id (version 13) */
    kci_left *left;
    int32_t left_count, left_cap;
    bool full; /* the request that was built last names all partitions */
    kci_fetch_request body;
    kci_fetch_arrays arrays;
    int32_t named_count;
} kci_session;

/* What is the same in all requests. */
typedef struct kci_fetch_options {
    int32_t max_wait_ms, min_bytes, max_bytes, max_partition_bytes;
    bool committed;
    kc_bytes rack;
} kci_fetch_options;

void kci_session_init(kci_session *s);

/* Releases its memory; it must have no partitions and no request under way. */
void kci_session_free(kci_session *s);

/* A partition comes or goes. Leaving, it is forgotten by the session with the next request. */
void kci_session_add(kci_session *s, kci_fetching *f);
void kci_session_remove(kci_fetching *f); /* in none is fine */

/* The partition is to be fetched now, and as what; NULL: it is not. In no session: nothing. */
void kci_fetching_want(kci_fetching *f, const kci_fetch_ask *ask);

/* It has got records; where there is no session, the order of the request decides who waits. */
void kci_fetching_served(kci_fetching *f);

/* It goes behind the others of its session. */
void kci_fetching_last(kci_fetching *f);

/* Fills s->body for a request of that version: what has changed, or everything. mark: a number that
 * no build of this consumer had before. KC_E_NO_MEMORY: nothing has changed. */
kc_err kci_session_build(kci_session *s, const kci_fetch_options *o, int16_t version,
                         uint64_t mark);

/* Fills s->body for a request without a session that names one partition, which is wanted. The next
 * request is a full one. KC_E_NO_MEMORY: nothing has changed. */
kc_err kci_session_build_alone(kci_session *s, const kci_fetch_options *o, int16_t version,
                               kci_fetching *f);

/* A partition that is wanted and was not asked for alone for the longest time; NULL: none is. */
kci_fetching *kci_session_next_alone(const kci_session *s);

/* Fills s->body for a request that ends the session at the broker; no answer is of use then. False:
 * there is none to end. */
bool kci_session_build_end(kci_session *s, const kci_fetch_options *o);

/* The request is over: releases what it named. */
void kci_session_release(kci_session *s);

/* The broker's answer to the request that was built last: its error and session id. Returns whether
 * its partitions can be used. */
bool kci_session_answer(kci_session *s, kc_err err, int32_t session_id);

/* No answer, or an unusable one: the next request is a full one, which also closes the session that
 * the broker may have. */
void kci_session_reset(kci_session *s);

#endif
