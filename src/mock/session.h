/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch sessions of a broker (KIP-227): which partitions a consumer fetches and what it was told
 * last, so that requests and answers carry changes only. */
#ifndef MOCK_SESSION_H
#define MOCK_SESSION_H

#include "base/list.h"
#include "base/map.h"

enum {
    KCI_MOCK_SESSIONS_MAX = 1000,            /* max.incremental.fetch.session.cache.slots */
    KCI_MOCK_SESSION_IDLE_US = 120 * 1000000 /* after this, a session may make room for another */
};

/* What a consumer asks of a partition. */
typedef struct kci_mock_want {
    kc_bytes topic; /* null when it is known by id */
    kc_uuid topic_id;
    int32_t partition;
    int32_t max_bytes;
    int64_t fetch_offset;
    int32_t current_leader_epoch;
    int32_t last_fetched_epoch;
} kci_mock_want;

/* A partition of a session. */
typedef struct kci_mock_cached {
    kci_link link;               /* in the order in which they are read */
    kci_mock_want want;          /* topic points into key */
    int64_t told_hw, told_start; /* -1: nothing yet */
    size_t key_size;
    uint8_t key[]; /* topic (name or id), then the number */
} kci_mock_cached;

typedef struct kci_mock_session {
    kci_link age; /* least recently used first */
    int64_t used_us;
    int32_t id;
    int32_t epoch; /* of the next request */
    bool uses_ids;
    kci_list partitions;
    kci_map index; /* by key */
} kci_mock_session;

typedef struct kci_mock_sessions {
    kci_imap by_id;
    kci_list ages;
} kci_mock_sessions;

void kci_mock_sessions_init(kci_mock_sessions *s);

/* Forgets all; usable again. */
void kci_mock_sessions_free(kci_mock_sessions *s);

/* NULL: none of that id. */
kci_mock_session *kci_mock_session_get(const kci_mock_sessions *s, int32_t id);

/* An empty session with that id (not 0, not in use), whose next epoch is 1; NULL when there is no
 * room (all are in use) or no memory. */
kci_mock_session *kci_mock_session_new(kci_mock_sessions *s, int32_t id, bool uses_ids,
                                       int64_t now_us);

void kci_mock_session_close(kci_mock_sessions *s, kci_mock_session *session);

/* Used now: the last to be thrown out. */
void kci_mock_session_touch(kci_mock_sessions *s, kci_mock_session *session, int64_t now_us);

static inline uint32_t kci_mock_session_size(const kci_mock_session *session)
{
    return kci_map_count(&session->index);
}

/* Adds a partition or updates what is wanted of it. NULL when out of memory. */
kci_mock_cached *kci_mock_session_put(kci_mock_session *session, const kci_mock_want *want);

/* NULL: not in the session. */
kci_mock_cached *kci_mock_session_find(const kci_mock_session *session, const kci_mock_want *want);

void kci_mock_session_forget(kci_mock_session *session, const kci_mock_want *want);

/* Read last next time: it has had its share. */
void kci_mock_session_rotate(kci_mock_session *session, kci_mock_cached *cached);

#endif
