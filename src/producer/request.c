/* SPDX-License-Identifier: Apache-2.0 */
/* Produce requests: one batch each of as many partitions as fit into max.request.size, their bytes
 * where they lie. Thread: loop. */
#include "producer/request.h"
#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"

enum {
    ENTRIES_FIRST = 16,
    /* about what a topic and a partition take in the request beside their names and batches */
    TOPIC_OVERHEAD = 24,
    PARTITION_OVERHEAD = 12
};

typedef kci_produce_request_topic_produce_data topic_data;
typedef kci_produce_request_partition_produce_data partition_data;
typedef kci_send_request request;

static void request_free(request *r)
{
    kci_free(r->batches);
    kci_free(r->taken);
    kci_free(r->topics);
    kci_free(r->partitions);
    kci_free(r);
}

void kci_request_free_spare(kci_sender *s)
{
    for (kci_link *at; (at = kci_list_pop_front(&s->spare));)
        request_free(KCI_CONTAINER_OF(at, request, link));
}

static bool grow_array(void **array, int32_t cap, size_t size)
{
    void *grown = kci_realloc_array(*array, (size_t)cap, size);
    if (grown)
        *array = grown;
    return grown != NULL;
}

/* Room for one more entry, so that taking a batch cannot fail. */
static bool reserve_entry(request *r)
{
    if (r->count < r->cap)
        return true;
    int32_t cap = r->cap ? r->cap * 2 : ENTRIES_FIRST;
    if (!grow_array((void **)&r->batches, cap, sizeof(kci_send_batch *)) ||
        !grow_array((void **)&r->taken, cap, sizeof(kci_send_batch *)) ||
        !grow_array((void **)&r->topics, cap, sizeof *r->topics) ||
        !grow_array((void **)&r->partitions, cap, sizeof *r->partitions))
        return false;
    r->cap = cap;
    return true;
}

static request *request_get(kc_producer *p, kci_peer *peer)
{
    kci_link *at = kci_list_pop_front(&p->sender.spare);
    request *r = at ? KCI_CONTAINER_OF(at, request, link) : kci_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    r->p = p;
    r->peer = peer;
    r->count = 0;
    return r;
}

void kci_request_cancel(kc_producer *p, kci_link *at)
{
    kci_call_cancel(p->client, &KCI_CONTAINER_OF(at, request, link)->call);
}

/* ---- building ---- */

static size_t entry_size(const kci_send_batch *b, const kci_send_batch *before)
{
    size_t size = kci_send_batch_size(b) + PARTITION_OVERHEAD;
    bool same_topic = before && before->part->topic == b->part->topic;
    return same_topic ? size : size + TOPIC_OVERHEAD + b->part->topic->name.size;
}

/* Takes the first batch of each ready part until one does not fit. */
static void take_batches(request *r)
{
    kc_producer *p = r->p;
    size_t size = 0;
    for (kci_link *at; (at = kci_list_pop_front(&r->peer->ready));) {
        kci_part *part = KCI_CONTAINER_OF(at, kci_part, ready_link);
        kci_send_batch *head = kci_lane_head(&part->lane);
        int64_t now = kci_loop_now(p->loop);
        if (!head || kci_lane_look(&part->lane, r->peer->id, now) != KCI_LANE_READY)
            continue;
        size_t more = entry_size(head, r->count ? r->taken[r->count - 1] : NULL);
        bool fits = r->count == 0 || size + more <= (size_t)p->conf.max_request_size ||
                    KCI_BUG(REQUEST_UNBOUNDED);
        if (fits && !reserve_entry(r))
            p->sender.short_of_memory = true;
        if (!fits || p->sender.short_of_memory) {
            if (fits || !KCI_BUG(READY_LIST_LOSES))
                kci_list_push_front(&r->peer->ready, at);
            return;
        }
        size += more;
        r->taken[r->count++] = kci_lane_take(&part->lane, r->peer->id);
    }
}

/* Parts that have more to send go to the end of the list, so that all have their turn. */
static void consider_taken(request *r)
{
    for (int32_t i = 0; i < r->count; i++)
        kci_sender_consider(r->p, r->taken[i]->part);
}

/* Sorts the entries by topic, in the order in which the topics come up. */
static void group_by_topic(request *r)
{
    int32_t topics = 0;
    for (int32_t i = 0; i < r->count; i++)
        r->taken[i]->part->topic->slot = -1;
    for (int32_t i = 0; i < r->count; i++) {
        kci_send_topic *t = r->taken[i]->part->topic;
        if (t->slot < 0) {
            t->slot = topics;
            r->topics[topics].name = t->name;
            r->topics[topics].topic_id = t->id;
            r->topics[topics++].partition_data.count = 0;
        }
        r->topics[t->slot].partition_data.count++;
    }
    partition_data *next = r->partitions;
    for (int32_t i = 0; i < topics; i++) {
        r->topics[i].partition_data.data = next;
        next += r->topics[i].partition_data.count;
        r->topics[i].partition_data.count = 0;
    }
    for (int32_t i = 0; i < r->count; i++) {
        kci_send_batch *b = r->taken[i];
        topic_data *t = &r->topics[b->part->topic->slot];
        partition_data *d = &t->partition_data.data[t->partition_data.count++];
        d->index = b->part->index;
        d->records = (kc_bytes){ b->header, kci_send_batch_size(b) };
        r->batches[d - r->partitions] = b;
    }
    r->body.topic_data.data = r->topics;
    r->body.topic_data.count = topics;
}

static void stamp(request *r)
{
    kci_stats *stats = kci_client_stats(r->p->client);
    for (int32_t i = 0; i < r->count; i++) {
        kci_send_batch *b = r->batches[i];
        bool numbered = b->numbered && !KCI_BUG(SEQUENCE_MISSING);
        kci_batch_writer_header(&b->writer, numbered ? b->producer_id : -1,
                                numbered ? b->epoch : -1, numbered ? b->sequence : -1, 0,
                                b->header);
        kci_batch_left_backlog(b);
        kci_stat_add(&stats->batches_sent, 1);
        kci_stat_add(&stats->batches_retried, b->attempts > 0 && !KCI_BUG(REPEATED_UNCOUNTED));
        kci_stat_add(&stats->produce_bytes, (int64_t)kci_send_batch_size(b));
        kci_stat_add(&stats->produce_bytes_uncompressed,
                     KCI_BATCH_HEADER_SIZE + (int64_t)b->writer.bytes);
    }
}

static int records(kci_call *call, size_t index, struct iovec *iov, int cap)
{
    request *r = KCI_CONTAINER_OF(call, request, call);
    kci_send_batch *b = r->batches[index];
    int n = 0;
    if (n < cap)
        iov[n] = (struct iovec){ b->header, KCI_BATCH_HEADER_SIZE };
    n++;
    for (kci_chunk *chunk = b->writer.chunks.first; chunk; chunk = chunk->next) {
        if (chunk->used == 0)
            continue;
        if (n < cap)
            iov[n] = (struct iovec){ chunk->data, chunk->used };
        n++;
    }
    return n;
}

static bool ids_are_known(const request *r)
{
    for (int32_t i = 0; i < r->body.topic_data.count; i++) {
        if (kci_uuid_is_zero(&r->topics[i].topic_id))
            return false;
    }
    return true;
}

static void start(request *r)
{
    kc_producer *p = r->p;
    kci_msg_init(&kci_produce_request_msg, &r->body);
    group_by_topic(r);
    stamp(r);
    r->body.acks = p->conf.acks;
    r->body.timeout_ms = (int32_t)(p->conf.request_timeout_us / 1000);
    memset(&r->call, 0, sizeof r->call);
    r->call.api = KCI_API_PRODUCE;
    r->call.cls = KCI_CLASS_PRODUCE;
    r->call.node = r->peer->id;
    r->call.max_version = ids_are_known(r) ? KCI_ANY_VERSION : KCI_PRODUCE_LAST_WITH_NAMES;
    r->call.body = &r->body;
    r->call.timeout_us = p->conf.request_timeout_us;
    r->call.no_response = p->conf.acks == 0;
    r->call.records = records;
    r->call.done = kci_request_done;
    kci_list_push_back(&p->sender.requests, &r->link);
    r->peer->in_flight++;
    kci_call_start(p->client, &r->call);
}

static void no_memory(kc_producer *p)
{
    p->sender.short_of_memory = true;
    int64_t at = kci_loop_now(p->loop) + p->conf.backoff.base_us;
    kci_timer *timer = &p->sender.retry_timer;
    if (!kci_timer_is_set(timer) || kci_timer_at(timer) > at)
        kci_timer_set(p->loop, timer, at);
}

static bool send_one(kc_producer *p, kci_peer *peer)
{
    request *r = request_get(p, peer);
    if (!r) {
        no_memory(p);
        return false;
    }
    take_batches(r);
    if (r->count == 0) {
        kci_list_push_front(&p->sender.spare, &r->link);
        if (p->sender.short_of_memory)
            no_memory(p);
        return false;
    }
    start(r);
    consider_taken(r);
    return true;
}

void kci_peer_note_progress(kc_producer *p, kci_peer *peer, bool any)
{
    bool waits = !kci_list_is_empty(&peer->ready);
    bool refuses = waits || peer->in_flight >= p->conf.max_in_flight;
    int64_t since = atomic_load_explicit(&peer->silent_us, memory_order_relaxed);
    if (!waits && peer->in_flight == 0)
        since = 0;
    else if (any || since == 0)
        since = kci_loop_now(p->loop);
    atomic_store_explicit(&peer->silent_us, since, memory_order_relaxed);
    atomic_store_explicit(&peer->refuses, refuses, memory_order_relaxed);
}

void kci_request_send(kc_producer *p, kci_peer *peer)
{
    bool sent = false;
    p->sender.turn_peer = peer;
    while (peer->in_flight < p->conf.max_in_flight + KCI_BUG(IN_FLIGHT_MORE) &&
           !kci_list_is_empty(&peer->ready)) {
        kci_node_state state = kci_node_poll(p->client, peer->id, KCI_CLASS_PRODUCE, 0, true);
        if (state == KCI_NODE_UNKNOWN)
            kci_client_refresh(p->client);
        else if (state == KCI_NODE_NO_MEMORY)
            no_memory(p);
        if (state != KCI_NODE_UP || !kci_sender_close_due(p, peer) || !send_one(p, peer))
            break;
        sent = true;
    }
    kci_peer_note_progress(p, peer, sent);
    p->sender.turn_peer = NULL;
}
