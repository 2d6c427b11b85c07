/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch sessions. The cost of a request follows what changed, not how much is assigned: partitions
 * whose place in the session may be out of date are on the dirty list. */
#include "consumer/session.h"

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"

enum {
    VERSION_SESSIONS = 7,
    VERSION_IDS = 13,
    MOST_LEFT = 256 /* more than so many that left: a new session is simpler */
};

void kci_session_init(kci_session *s)
{
    *s = (kci_session){ 0 };
    kci_list_init(&s->parts);
    kci_list_init(&s->dirty);
}

static void clear_left(kci_session *s)
{
    for (int32_t i = 0; i < s->left_count; i++)
        kci_read_topic_unref(s->left[i].topic);
    s->left_count = 0;
}

void kci_session_free(kci_session *s)
{
    clear_left(s);
    kci_session_release(s);
    kci_free(s->left);
    kci_free(s->arrays.topics);
    kci_free(s->arrays.parts);
    kci_free(s->arrays.forgotten);
    kci_free(s->arrays.forgotten_parts);
    kci_free(s->arrays.named);
}

static void mark_dirty(kci_fetching *f)
{
    if (!kci_link_is_on(&f->dirty_link))
        kci_list_push_back(&f->session->dirty, &f->dirty_link);
}

/* A part that comes back before the session was told that it left has never left. */
static void cancel_leave(kci_session *s, kci_fetching *f)
{
    for (int32_t i = 0; i < s->left_count; i++) {
        kci_left *l = &s->left[i];
        if (l->partition == f->number && kci_bytes_equal(l->topic->name, f->topic->name) &&
            (!s->by_id || kci_uuid_equal(&l->id, &f->topic->id))) {
            kci_read_topic_unref(l->topic);
            *l = s->left[--s->left_count];
            return;
        }
    }
}

void kci_session_add(kci_session *s, kci_fetching *f)
{
    f->session = s;
    kci_fetching_forgotten(f);
    kci_list_push_back(&s->parts, &f->link);
    cancel_leave(s, f);
    mark_dirty(f);
}

/* Remembers to tell the session. Without memory, or when it is much, the session begins anew. */
static void leave(kci_session *s, kci_fetching *f)
{
    kci_fetching_forgotten(f);
    if (s->epoch == 0)
        return;
    if (s->left_count == s->left_cap && s->left_cap < MOST_LEFT) {
        int32_t cap = s->left_cap ? s->left_cap * 2 : 8;
        kci_left *grown = kci_realloc_array(s->left, (size_t)cap, sizeof *grown);
        if (grown) {
            s->left = grown;
            s->left_cap = cap;
        }
    }
    if (s->left_count == s->left_cap) {
        kci_session_reset(s);
        return;
    }
    s->left[s->left_count++] = (kci_left){ kci_read_topic_ref(f->topic), f->sent_id, f->number };
}

void kci_session_remove(kci_fetching *f)
{
    kci_session *s = f->session;
    if (!s)
        return;
    kci_fetching_want(f, NULL);
    kci_link_remove(&f->link);
    kci_link_remove(&f->dirty_link);
    f->session = NULL;
    if (f->in_session)
        leave(s, f);
}

void kci_fetching_want(kci_fetching *f, const kci_fetch_ask *ask)
{
    if (!f->session)
        return;
    f->session->wanted += kci_fetching_set(f, ask);
    mark_dirty(f);
}

void kci_fetching_last(kci_fetching *f)
{
    kci_link_remove(&f->link);
    kci_list_push_back(&f->session->parts, &f->link);
}

void kci_fetching_served(kci_fetching *f)
{
    if (f->session->id == 0)
        kci_fetching_last(f);
}

/* A full request tells it of all that are wanted. */
static bool is_news(const kci_session *s, const kci_fetching *f)
{
    return f->wanted && (s->full || kci_fetching_is_news(f, s->by_id));
}

static bool reserve(void *array, int32_t *cap, int32_t count, size_t size)
{
    if (count <= *cap)
        return true;
    int32_t more = count < INT32_MAX / 2 ? count * 2 : count;
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = kci_realloc_array(old, (size_t)more, size);
    if (!grown)
        return false;
    memcpy(array, &grown, sizeof grown);
    *cap = more;
    return true;
}

/* The list that a request is made from. */
static kci_list *candidates(kci_session *s)
{
    return s->full ? &s->parts : &s->dirty;
}

static kci_fetching *part_of(kci_session *s, kci_link *link)
{
    return s->full ? KCI_CONTAINER_OF(link, kci_fetching, link)
                   : KCI_CONTAINER_OF(link, kci_fetching, dirty_link);
}

/* Counts the parts of each topic that are to be named, into topics[].partitions.count. */
static kc_err count_parts(kci_session *s, uint64_t mark, int32_t *topics, int32_t *parts)
{
    kci_fetch_arrays *a = &s->arrays;
    kci_list *list = candidates(s);
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_fetching *f = part_of(s, l);
        kci_read_topic *t = f->topic;
        if (!is_news(s, f))
            continue;
        if (t->mark != mark) {
            if (!reserve(&a->topics, &a->topic_cap, *topics + 1, sizeof *a->topics))
                return KC_E_NO_MEMORY;
            t->mark = mark;
            t->slot = (*topics)++;
            a->topics[t->slot] = (kci_fetch_request_fetch_topic){ 0 };
        }
        a->topics[t->slot].partitions.count++;
        (*parts)++;
    }
    return KC_OK;
}

/* How many parts the session is to forget. */
static int32_t count_forgotten(kci_session *s)
{
    int32_t n = s->left_count;
    for (kci_link *l = kci_list_first(&s->dirty); l; l = kci_list_next(&s->dirty, l)) {
        kci_fetching *f = KCI_CONTAINER_OF(l, kci_fetching, dirty_link);
        if (f->in_session && (!f->wanted || kci_fetching_is_other_topic(f, s->by_id)))
            n++;
    }
    return n;
}

static void put_forgotten(kci_session *s, kci_read_topic *topic, const kc_uuid *id, int32_t part)
{
    kci_fetch_request *b = &s->body;
    kci_fetch_request_forgotten_topic *f = NULL;
    int32_t *parts = s->arrays.forgotten_parts;
    if (b->forgotten_topics_data.count > 0) {
        f = &b->forgotten_topics_data.data[b->forgotten_topics_data.count - 1];
        parts = f->partitions.data + f->partitions.count;
    }
    if (!f || f->topic.data != topic->name.data || !kci_uuid_equal(&f->topic_id, id)) {
        f = &b->forgotten_topics_data.data[b->forgotten_topics_data.count++];
        *f = (kci_fetch_request_forgotten_topic){ .topic = topic->name, .topic_id = *id };
        f->partitions.data = parts;
        s->arrays.named[s->named_count++] = kci_read_topic_ref(topic);
    }
    f->partitions.data[f->partitions.count++] = part;
}

static void fill_forgotten(kci_session *s)
{
    s->body.forgotten_topics_data.data = s->arrays.forgotten;
    s->body.forgotten_topics_data.count = 0;
    for (int32_t i = 0; i < s->left_count; i++)
        put_forgotten(s, s->left[i].topic, &s->left[i].id, s->left[i].partition);
    clear_left(s);
    for (kci_link *l = kci_list_first(&s->dirty); l; l = kci_list_next(&s->dirty, l)) {
        kci_fetching *f = KCI_CONTAINER_OF(l, kci_fetching, dirty_link);
        if (f->in_session && (!f->wanted || kci_fetching_is_other_topic(f, s->by_id))) {
            put_forgotten(s, f->topic, &f->sent_id, f->number);
            if (!KCI_BUG(SESSION_FORGETS))
                kci_fetching_forgotten(f);
        }
    }
}

static void put_part(kci_session *s, kci_fetching *f, int32_t max_bytes)
{
    kci_fetch_request_fetch_topic *t = &s->body.topics.data[f->topic->slot];
    t->partitions.data[t->partitions.count++] = (kci_fetch_request_fetch_partition){
        .partition = f->number,
        .current_leader_epoch = f->ask.leader_epoch,
        .fetch_offset = f->ask.offset,
        .last_fetched_epoch = KCI_BUG(CUT_NOT_ASKED) ? -1 : f->ask.last_epoch,
        .log_start_offset = -1,
        .partition_max_bytes = max_bytes,
        .high_watermark = INT64_MAX,
    };
    if (!f->ask.end_known)
        s->body.max_wait_ms = 0;
    kci_fetching_sent(f);
}

static void fill_parts(kci_session *s, int32_t topics, uint64_t mark, int32_t max_bytes)
{
    kci_fetch_arrays *a = &s->arrays;
    s->body.topics.data = a->topics;
    s->body.topics.count = topics;
    kci_fetch_request_fetch_partition *next = a->parts;
    for (int32_t i = 0; i < topics; i++) {
        a->topics[i].partitions.data = next;
        next += a->topics[i].partitions.count;
        a->topics[i].partitions.count = 0;
    }
    kci_list *list = candidates(s);
    for (kci_link *l = kci_list_first(list); l; l = kci_list_next(list, l)) {
        kci_fetching *f = part_of(s, l);
        if (f->topic->mark != mark || !is_news(s, f))
            continue;
        kci_fetch_request_fetch_topic *t = &a->topics[f->topic->slot];
        if (t->partitions.count == 0) {
            t->topic = f->topic->name;
            t->topic_id = f->topic->id;
            a->named[s->named_count++] = kci_read_topic_ref(f->topic);
        }
        put_part(s, f, max_bytes);
    }
}

/* A full request replaces what the broker has: nothing else is in the session afterwards. */
static void begin_full(kci_session *s)
{
    clear_left(s);
    for (kci_link *l = kci_list_first(&s->parts); l; l = kci_list_next(&s->parts, l))
        kci_fetching_forgotten(KCI_CONTAINER_OF(l, kci_fetching, link));
}

static void fill_head(kci_session *s, const kci_fetch_options *o)
{
    kci_fetch_request *b = &s->body;
    kci_msg_init(&kci_fetch_request_msg, b);
    b->max_wait_ms = o->max_wait_ms;
    b->min_bytes = o->min_bytes;
    b->max_bytes = o->max_bytes;
    b->isolation_level = o->committed;
    b->session_id = s->id;
    b->session_epoch = s->epoch;
    b->rack_id = o->rack;
}

kc_err kci_session_build(kci_session *s, const kci_fetch_options *o, int16_t version, uint64_t mark)
{
    kci_fetch_arrays *a = &s->arrays;
    bool by_id = version >= VERSION_IDS;
    if (by_id != s->by_id || version < VERSION_SESSIONS)
        kci_session_reset(s);
    s->by_id = by_id;
    s->full = s->epoch == 0;
    if (s->full)
        begin_full(s);
    int32_t topics = 0, parts = 0, forgotten = s->full ? 0 : count_forgotten(s);
    kc_err err = count_parts(s, mark, &topics, &parts);
    if (err != KC_OK)
        return err;
    if (!reserve(&a->parts, &a->part_cap, parts, sizeof *a->parts) ||
        !reserve(&a->forgotten, &a->forgotten_cap, forgotten, sizeof *a->forgotten) ||
        !reserve(&a->forgotten_parts, &a->forgotten_part_cap, forgotten,
                 sizeof *a->forgotten_parts) ||
        !reserve(&a->named, &a->named_cap, topics + forgotten, sizeof(kci_read_topic *)))
        return KC_E_NO_MEMORY;

    fill_head(s, o);
    if (!s->full)
        fill_forgotten(s);
    fill_parts(s, topics, mark, o->max_partition_bytes);
    while (kci_list_pop_front(&s->dirty)) {
    }
    return KC_OK;
}

kci_fetching *kci_session_next_alone(const kci_session *s)
{
    for (kci_link *l = kci_list_first(&s->parts); l; l = kci_list_next(&s->parts, l)) {
        kci_fetching *f = KCI_CONTAINER_OF(l, kci_fetching, link);
        if (f->wanted)
            return f;
    }
    return NULL;
}

kc_err kci_session_build_alone(kci_session *s, const kci_fetch_options *o, int16_t version,
                               kci_fetching *f)
{
    kci_fetch_arrays *a = &s->arrays;
    if (!reserve(&a->topics, &a->topic_cap, 1, sizeof *a->topics) ||
        !reserve(&a->parts, &a->part_cap, 1, sizeof *a->parts) ||
        !reserve(&a->named, &a->named_cap, 1, sizeof(kci_read_topic *)))
        return KC_E_NO_MEMORY;
    s->by_id = version >= VERSION_IDS;
    s->epoch = 0;
    s->full = true;
    begin_full(s);
    fill_head(s, o);
    s->body.session_id = 0;
    s->body.session_epoch = -1;
    a->topics[0] = (kci_fetch_request_fetch_topic){ .topic = f->topic->name,
                                                    .topic_id = f->topic->id,
                                                    .partitions = { a->parts, 0 } };
    s->body.topics.data = a->topics;
    s->body.topics.count = 1;
    a->named[s->named_count++] = kci_read_topic_ref(f->topic);
    f->topic->slot = 0;
    put_part(s, f, o->max_partition_bytes);
    return KC_OK;
}

bool kci_session_build_end(kci_session *s, const kci_fetch_options *o)
{
    if (s->id == 0 || s->epoch < 0)
        return false;
    s->epoch = -1;
    s->full = false;
    kci_msg_init(&kci_fetch_request_msg, &s->body);
    s->body.rack_id = o->rack;
    s->body.session_id = s->id;
    s->body.session_epoch = -1;
    return true;
}

void kci_session_release(kci_session *s)
{
    for (int32_t i = 0; i < s->named_count; i++)
        kci_read_topic_unref(s->arrays.named[i]);
    s->named_count = 0;
}

bool kci_session_answer(kci_session *s, kc_err err, int32_t session_id)
{
    if (err == KC_E_FETCH_SESSION_ID_NOT_FOUND)
        s->id = 0;
    if (err != KC_OK || (!s->full && session_id != s->id)) {
        kci_session_reset(s);
        return err == KC_OK;
    }
    if (s->full)
        s->id = session_id;
    if (s->id == 0)
        s->epoch = 0; /* the broker keeps no sessions (any more) */
    else if (s->full || s->epoch == INT32_MAX)
        s->epoch = 1;
    else
        s->epoch++;
    return true;
}

void kci_session_reset(kci_session *s)
{
    s->epoch = 0;
    clear_left(s);
}
