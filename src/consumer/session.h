/* SPDX-License-Identifier: Apache-2.0 */
/* The fetch session with a broker (KIP-227), and a partition's part in it (kci_fetching): what is
 * wanted of it, and what the session was told. It knows nothing of connections: it builds requests
 * from what has changed and follows answers.
 *
 * Under the consumer's lock. Only session.c writes these structs. */
#ifndef CONSUMER_SESSION_H
#define CONSUMER_SESSION_H

#include "base/list.h"
#include "consumer/topic.h"
#include "wire/messages.h"

struct kci_session;

/* What is asked of a partition. */
typedef struct kci_fetch_ask {
    int64_t offset;
    uint64_t token;       /* an answer is of use while the place's token is this one */
    int32_t leader_epoch; /* -1: not known */
    int32_t last_epoch;   /* of the record before offset; -1: not known */
    bool end_known;       /* false: where the log ends is to be known soon, also without records */
} kci_fetch_ask;

typedef struct kci_fetching {
    kci_read_topic *topic; /* borrowed */
    int32_t number;
    struct kci_session *session; /* NULL: it is fetched from nowhere */
    bool wanted;                 /* to be in the session */
    kci_fetch_ask ask;           /* as which */
    kci_link link;               /* in session->parts */
    kci_link dirty_link;         /* in session->dirty */
    bool in_session;             /* the session has it, as this: */
    kci_fetch_ask sent;
    kc_uuid sent_id;
    uint64_t answer_mark; /* of the last answer that named it */
} kci_fetching;

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

void kci_fetching_init(kci_fetching *f, kci_read_topic *topic, int32_t number);

/* A partition comes or goes. Leaving, it is forgotten by the session with the next request. */
void kci_session_add(kci_session *s, kci_fetching *f);
void kci_session_remove(kci_fetching *f); /* in none is fine */

/* The partition is to be fetched now, and as what; NULL: it is not. In no session: nothing. */
void kci_fetching_want(kci_fetching *f, const kci_fetch_ask *ask);

/* Whether an answer of `s` about the partition belongs to what is wanted of it now. */
bool kci_fetching_is_current(const kci_fetching *f, const kci_session *s, uint64_t token,
                             int64_t offset);

/* An answer with that mark named it. */
void kci_fetching_named(kci_fetching *f, uint64_t mark);

/* It has got records; where there is no session, the order of the request decides who waits. */
void kci_fetching_served(kci_fetching *f);

/* Fills s->body for a request of that version: what has changed, or everything. mark: a number that
 * no build of this consumer had before. KC_E_NO_MEMORY: nothing has changed. */
kc_err kci_session_build(kci_session *s, const kci_fetch_options *o, int16_t version,
                         uint64_t mark);

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
