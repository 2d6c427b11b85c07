/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/accum.h"

#include "base/mem.h"
#include "base/planted.h"
#include "producer/choose.h"
#include "producer/producer.h"

enum { TOPIC_NAME_MAX = 249 };

static kci_send_batch *batch_of(kci_link *link)
{
    return link ? KCI_CONTAINER_OF(link, kci_send_batch, link) : NULL;
}

kc_err kci_accum_init(kci_accum *a, uint64_t seed, bool idempotent, bool single,
                      void (*on_leave)(void *arg), void *arg)
{
    memset(a, 0, sizeof *a);
    kc_err err = kci_gate_init(&a->gate, on_leave, arg);
    if (err != KC_OK)
        return err;
    kci_send_topics_init(&a->topics, seed, idempotent, single);
    kci_list_init(&a->open);
    kci_list_init(&a->due);
    kci_random_seed(&a->random, seed);
    return KC_OK;
}

static void drop_open(kci_list *list)
{
    for (kci_link *at; (at = kci_list_pop_front(list));)
        kci_send_batch_unuse(batch_of(at));
}

void kci_accum_free(kci_accum *a)
{
    drop_open(&a->open);
    drop_open(&a->due);
    for (kci_send_batch *b = kci_accum_collect(a); b;) {
        kci_send_batch *next = b->next;
        kci_send_batch_unuse(b);
        b = next;
    }
    kci_send_topics_free(&a->topics);
    kci_gate_destroy(&a->gate);
}

static kci_append_result refuse(kci_append *a, kc_err err)
{
    a->err = err;
    return KCI_APPEND_REFUSED;
}

static kci_append_result no_chunk(kci_append *a, kc_err err)
{
    return err == KC_E_QUEUE_FULL ? KCI_APPEND_NO_ROOM : refuse(a, err);
}

static kc_err want(kc_producer *p, kci_send_topic *t)
{
    t->used = true;
    if (t->wanted)
        return KC_OK;
    kc_err err = kci_client_want_topic_created(p->client, t->name);
    t->wanted = err == KC_OK;
    if (t->wanted)
        kci_sender_post(p); /* it is watched for being idle from now on */
    return err;
}

static kc_err accum_topic(kc_producer *p, kc_bytes name, kci_send_topic **out)
{
    kci_accum *accum = &p->accum;
    if (name.size == 0 || name.size > TOPIC_NAME_MAX)
        return KC_E_INVALID_TOPIC_EXCEPTION;
    kc_err err = kci_send_topics_get(&accum->topics, name, out);
    if (err == KC_OK)
        err = want(p, *out);
    if (err != KC_OK)
        return err;
    accum->topics.last = *out;
    if ((*out)->generation ==
        atomic_load_explicit(&accum->metadata_generation, memory_order_acquire))
        return KC_OK;
    kci_metadata *now = kci_client_metadata(p->client);
    err = kci_send_topic_update(&accum->topics, *out, now);
    kci_metadata_unref(now);
    return err;
}

/* What the caller may know of the topic after it has left the gate. */
static void tell_state(kci_append *a)
{
    a->err = a->topic->err;
    a->partition_count = a->topic->count;
}

kci_append_result kci_accum_find_topic(kc_producer *p, kci_append *a)
{
    kc_err err = accum_topic(p, a->record->topic, &a->topic);
    if (err != KC_OK)
        return refuse(a, err);
    tell_state(a);
    if (a->err != KC_OK && !(kc_error_flags(a->err) & KC_ERROR_RETRIABLE))
        return refuse(a, a->err);
    return a->partition_count > 0 ? KCI_APPEND_DONE : KCI_APPEND_NO_TOPIC;
}

static inline bool fits(const kc_producer *p, const kci_send_batch *b, size_t bound)
{
    size_t size = KCI_BATCH_HEADER_SIZE + b->writer.chunks.size + (KCI_BUG(BATCH_MORE) ? 0 : bound);
    return size <= (size_t)p->conf.batch_limit;
}

static kci_append_result add_chunk(kc_producer *p, kci_send_batch *b, kci_append *a)
{
    kci_chunk *chunk = NULL;
    kc_err err = kci_pool_get(&p->pool, (uint32_t)a->bound, false, &chunk);
    if (err != KC_OK)
        return no_chunk(a, err);
    kci_batch_writer_add_chunk(&b->writer, chunk);
    return KCI_APPEND_DONE;
}

static kci_append_result open_batch(kc_producer *p, kci_part *part, kci_append *a)
{
    kci_accum *accum = &p->accum;
    kci_send_batch *b = NULL;
    kc_err err = kci_send_batch_new(&p->pool, part, false, &b);
    if (err != KC_OK)
        return no_chunk(a, err);
    kci_append_result result = add_chunk(p, b, a);
    if (result != KCI_APPEND_DONE) {
        kci_send_batch_unuse(b);
        return result;
    }
    b->opened_us = p->sys->mono_us(p->sys);
    b->wall_ms = p->sys->wall_ms(p->sys);
    /* Without a thread nobody would notice that the time has become old. */
    b->stale = p->driven;
    b->listed = true;
    part->open = b;
    part->topic->used = true;
    kci_list_push_back(&accum->open, &b->link);
    if (!accum->watched) {
        accum->watched = true;
        atomic_store_explicit(&accum->look, true, memory_order_release);
        a->tell = true;
    }
    return KCI_APPEND_DONE;
}

/* The sticky partition's batch is full: the record may go to another one instead. */
static kci_part *after_full(kc_producer *p, kci_append *a, kci_part *part)
{
    if (!a->sticky)
        return part;
    kci_choose_next(p, a->topic);
    if (a->topic->sticky == a->partition)
        return part;
    a->partition = a->topic->sticky;
    part = a->topic->parts[a->partition];
    if (part->open && !fits(p, part->open, a->bound))
        kci_accum_close(p, part, a);
    return part;
}

/* Makes sure that the partition has an open batch with room for the record. */
static kci_append_result make_room(kc_producer *p, kci_append *a, kci_part **part)
{
    if ((*part)->open && !fits(p, (*part)->open, a->bound)) {
        kci_accum_close(p, *part, a);
        *part = after_full(p, a, *part);
    }
    kci_send_batch *b = (*part)->open;
    if (!b)
        return open_batch(p, *part, a);
    return kci_batch_writer_room(&b->writer) < a->bound ? add_chunk(p, b, a) : KCI_APPEND_DONE;
}

static kci_append_result put_opaque(kci_append *a, kci_part *part)
{
    kci_send_batch *b = part->open;
    kc_err err = kci_send_batch_put_opaque(b, a->record->opaque);
    if (err == KC_OK)
        return KCI_APPEND_DONE;
    if (b->writer.count == 0) {
        part->open = NULL;
        kci_link_remove(&b->link);
        kci_send_batch_unuse(b);
    }
    return no_chunk(a, err);
}

static kci_append_result choose(kc_producer *p, kci_append *a)
{
    if (p->partitioner.partition) {
        a->partition_count = a->topic->count;
        a->available = kci_available_ref(a->topic->available);
        return KCI_APPEND_CHOOSE;
    }
    a->partition = kci_choose_partition(p, a);
    return KCI_APPEND_DONE;
}

/* The commonest case of kci_choose_partition: no key, and the sticky partition stays. */
static inline bool stays(const kc_producer *p, const kci_append *a)
{
    const kci_send_topic *t = a->topic;
    return p->sticks && !a->record->key.data && t->sticky >= 0 &&
           t->sticky_bytes < 2 * p->conf.batch_size;
}

static inline void count_record(kci_accum *accum)
{
    uint64_t n = atomic_load_explicit(&accum->accepted, memory_order_relaxed);
    atomic_store_explicit(&accum->accepted, n + 1, memory_order_relaxed);
}

static void close_full(kc_producer *p, kci_append *a, kci_part *part)
{
    kci_accum_close(p, part, a);
    if (a->sticky)
        kci_choose_next(p, a->topic);
}

static inline void write_record(kc_producer *p, kci_append *a, kci_part *part)
{
    const kc_producer_record *r = a->record;
    kci_send_batch *b = part->open;
    int64_t timestamp = r->timestamp;
    if (timestamp == KC_NO_TIMESTAMP)
        timestamp = b->stale ? p->sys->wall_ms(p->sys) : b->wall_ms;
    size_t before = b->writer.chunks.size;
    size_t headers = KCI_BUG_EVERY(HEADERS_LOST, 50) ? 0 : r->header_count;
    kci_batch_writer_append(&b->writer, timestamp, r->key, r->value, r->headers, headers);
    size_t size = b->writer.chunks.size;
    count_record(&p->accum);
    if (a->sticky)
        a->topic->sticky_bytes += (int64_t)(size - before);
    if (KCI_BATCH_HEADER_SIZE + size >= (size_t)p->conf.batch_limit)
        close_full(p, a, part);
}

static kci_append_result find_place(kc_producer *p, kci_append *a)
{
    kci_append_result result = KCI_APPEND_DONE;
    if (!a->topic || a->topic->usable !=
                         atomic_load_explicit(&p->accum.metadata_generation, memory_order_relaxed))
        result = kci_accum_find_topic(p, a);
    if (result == KCI_APPEND_DONE && a->partition == KC_PARTITION_ANY)
        result = choose(p, a);
    if (result == KCI_APPEND_DONE && a->partition >= a->topic->count)
        result = KCI_APPEND_NO_TOPIC;
    if (result == KCI_APPEND_NO_TOPIC)
        tell_state(a);
    return result;
}

kci_append_result kci_accum_append(kc_producer *p, kci_append *a)
{
    kci_accum *accum = &p->accum;
    if (accum->refusal != KC_OK)
        return refuse(a, accum->refusal);
    kci_append_result result;
    a->topic = kci_send_topics_last(&accum->topics, a->record->topic);
    if (a->topic && a->partition == KC_PARTITION_ANY && stays(p, a) &&
        a->topic->usable ==
            atomic_load_explicit(&accum->metadata_generation, memory_order_relaxed)) {
        a->partition = a->topic->sticky;
        a->sticky = true;
    } else {
        result = find_place(p, a);
        if (result != KCI_APPEND_DONE)
            return result;
    }
    kci_part *part = a->topic->parts[a->partition];
    if (!part->open || !fits(p, part->open, a->bound) ||
        kci_batch_writer_room(&part->open->writer) < a->bound) {
        result = make_room(p, a, &part);
        if (result != KCI_APPEND_DONE)
            return result;
    }
    if (a->record->opaque || part->open->opaques) {
        result = put_opaque(a, part);
        if (result != KCI_APPEND_DONE)
            return result;
    }
    write_record(p, a, part);
    return KCI_APPEND_DONE;
}
