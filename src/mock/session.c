/* SPDX-License-Identifier: Apache-2.0 */
/* The cache of fetch sessions. */
#include "mock/session.h"

#include "base/bytes.h"
#include "base/mem.h"

enum { KEY_MAX = 1024 }; /* topics have at most 249 bytes */

void kci_mock_sessions_init(kci_mock_sessions *s)
{
    kci_imap_init(&s->by_id, 1); /* ids are chosen here: a fixed seed keeps runs alike */
    kci_list_init(&s->ages);
}

void kci_mock_sessions_free(kci_mock_sessions *s)
{
    kci_link *link;
    while ((link = kci_list_first(&s->ages)))
        kci_mock_session_close(s, KCI_CONTAINER_OF(link, kci_mock_session, age));
    kci_imap_free(&s->by_id);
}

kci_mock_session *kci_mock_session_get(const kci_mock_sessions *s, int32_t id)
{
    return kci_imap_get(&s->by_id, id);
}

/* Throws out the one not used for longest, if it is idle. */
static bool make_room(kci_mock_sessions *s, int64_t now_us)
{
    if (kci_imap_count(&s->by_id) < KCI_MOCK_SESSIONS_MAX)
        return true;
    kci_mock_session *oldest = KCI_CONTAINER_OF(kci_list_first(&s->ages), kci_mock_session, age);
    if (now_us - oldest->used_us < KCI_MOCK_SESSION_IDLE_US)
        return false;
    kci_mock_session_close(s, oldest);
    return true;
}

kci_mock_session *kci_mock_session_new(kci_mock_sessions *s, int32_t id, bool uses_ids,
                                       int64_t now_us)
{
    if (!make_room(s, now_us))
        return NULL;
    kci_mock_session *session = kci_calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->id = id;
    session->epoch = 1;
    session->uses_ids = uses_ids;
    session->used_us = now_us;
    kci_list_init(&session->partitions);
    kci_map_init(&session->index, (uint64_t)id);
    if (kci_imap_put(&s->by_id, id, session, NULL) != KC_OK) {
        kci_free(session);
        return NULL;
    }
    kci_list_push_back(&s->ages, &session->age);
    return session;
}

void kci_mock_session_close(kci_mock_sessions *s, kci_mock_session *session)
{
    kci_imap_remove(&s->by_id, session->id);
    kci_link_remove(&session->age);
    kci_link *link;
    while ((link = kci_list_pop_front(&session->partitions)))
        kci_free(KCI_CONTAINER_OF(link, kci_mock_cached, link));
    kci_map_free(&session->index);
    kci_free(session);
}

void kci_mock_session_touch(kci_mock_sessions *s, kci_mock_session *session, int64_t now_us)
{
    session->used_us = now_us;
    kci_link_remove(&session->age);
    kci_list_push_back(&s->ages, &session->age);
}

/* Name or id, then the number; 0: the name cannot be a topic's. */
static size_t make_key(const kci_mock_want *want, uint8_t key[KEY_MAX])
{
    const void *topic = want->topic.data ? want->topic.data : want->topic_id.bytes;
    size_t size = want->topic.data ? want->topic.size : sizeof want->topic_id.bytes;
    if (size + 4 > KEY_MAX)
        return 0;
    memcpy(key, topic, size);
    kci_store32(key + size, (uint32_t)want->partition);
    return size + 4;
}

static kci_mock_cached *find(const kci_mock_session *session, const uint8_t *key, size_t size)
{
    return kci_map_get(&session->index, kc_mem(key, size));
}

static kci_mock_cached *add(kci_mock_session *session, const uint8_t *key, size_t size)
{
    kci_mock_cached *cached = kci_calloc(1, sizeof *cached + size);
    if (!cached)
        return NULL;
    memcpy(cached->key, key, size);
    cached->key_size = size;
    cached->told_hw = cached->told_start = -1;
    if (kci_map_put(&session->index, kc_mem(cached->key, size), cached, NULL) != KC_OK) {
        kci_free(cached);
        return NULL;
    }
    kci_list_push_back(&session->partitions, &cached->link);
    return cached;
}

kci_mock_cached *kci_mock_session_put(kci_mock_session *session, const kci_mock_want *want)
{
    uint8_t key[KEY_MAX];
    size_t size = make_key(want, key);
    if (size == 0)
        return NULL;
    kci_mock_cached *cached = find(session, key, size);
    if (!cached)
        cached = add(session, key, size);
    if (!cached)
        return NULL;
    cached->want = *want;
    if (want->topic.data)
        cached->want.topic = kc_mem(cached->key, size - 4);
    return cached;
}

kci_mock_cached *kci_mock_session_find(const kci_mock_session *session, const kci_mock_want *want)
{
    uint8_t key[KEY_MAX];
    size_t size = make_key(want, key);
    return size ? find(session, key, size) : NULL;
}

void kci_mock_session_forget(kci_mock_session *session, const kci_mock_want *want)
{
    uint8_t key[KEY_MAX];
    size_t size = make_key(want, key);
    kci_mock_cached *cached = size ? find(session, key, size) : NULL;
    if (!cached)
        return;
    kci_map_remove(&session->index, kc_mem(key, size));
    kci_link_remove(&cached->link);
    kci_free(cached);
}

void kci_mock_session_rotate(kci_mock_session *session, kci_mock_cached *cached)
{
    kci_link_remove(&cached->link);
    kci_list_push_back(&session->partitions, &cached->link);
}
