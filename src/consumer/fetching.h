/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's part in a fetch session: what is wanted of it, what the session was told, and so
 * what is news and which answers are of use. Under the consumer's lock. Only fetching.c writes the
 * struct, but for its place in the session (session.c). */
#ifndef CONSUMER_FETCHING_H
#define CONSUMER_FETCHING_H

#include "base/list.h"
#include "consumer/topic.h"

struct kci_session;

/* What is asked of a partition. */
typedef struct kci_fetch_ask {
    int64_t offset;
    uint64_t token;       /* an answer is of use while the place's token is this one */
    int32_t leader_epoch; /* -1: not known */
    int32_t last_epoch;   /* of the record before offset; -1: not known */
    bool end_known;       /* false: where the log ends is to be known soon, also without records */
} kci_fetch_ask;

/* session, link and dirty_link are the session's. */
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

void kci_fetching_init(kci_fetching *f, kci_read_topic *topic, int32_t number);

/* What is to be asked; NULL: it is not wanted now. Returns the change of how many are wanted. */
int32_t kci_fetching_set(kci_fetching *f, const kci_fetch_ask *ask);

/* A request tells the session what is asked; or that it is to forget the partition. */
void kci_fetching_sent(kci_fetching *f);
void kci_fetching_forgotten(kci_fetching *f);

/* Whether the session has it under the id of a topic that is not there any more. by_id: the session
 * names topics by id. */
bool kci_fetching_is_other_topic(const kci_fetching *f, bool by_id);

/* Whether the session has to be told about it. */
bool kci_fetching_is_news(const kci_fetching *f, bool by_id);

/* Whether an answer of `s` about the partition belongs to what is wanted of it now. */
bool kci_fetching_is_current(const kci_fetching *f, const struct kci_session *s, uint64_t token,
                             int64_t offset);

/* An answer with that mark named it. */
void kci_fetching_named(kci_fetching *f, uint64_t mark);

#endif
