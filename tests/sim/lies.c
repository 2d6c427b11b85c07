/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/lies.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "mock/mock.h"
#include "record/batch.h"
#include "sim/run.h"
#include "wire/messages.h"

const char *const sim_lie_names[LIE_COUNT] = {
    "no-epoch",    "leader-unknown", "broker-twice", "broker-elsewhere", "no-brokers",
    "part-twice",  "part-far",       "no-replicas",  "topic-twice",      "error-too",
    "no-topic-id", "fewer-parts",    "no-parts",     "unsorted",         "damaged",
};

enum { PREFIX = 4, NOBODY = 77, FAR = 4711, NO_PORT = 7 };

typedef kci_metadata_response_metadata_response_broker meta_broker;
typedef kci_metadata_response_metadata_response_topic meta_topic;
typedef kci_metadata_response_metadata_response_partition meta_partition;
typedef kci_fetch_response_partition_data fetch_partition;

static int any_of(sim_run *r, int32_t count)
{
    return (int)sim_rng_range(&r->lie_rng, 0, count - 1);
}

/* A copy of an array with room for one more. */
static void *grown(sim_run *r, const void *data, int32_t count, size_t size)
{
    void *copy = kci_arena_array(&r->lie_arena, (size_t)count + 1, size);
    if (!copy)
        abort();
    if (count > 0)
        memcpy(copy, data, (size_t)count * size);
    return copy;
}

/* --- Metadata */

static void lie_about_brokers(sim_run *r, sim_lie lie, kci_metadata_response *m)
{
    if (m->brokers.count <= 0)
        return;
    meta_broker *list = grown(r, m->brokers.data, m->brokers.count, sizeof *list);
    int which = any_of(r, m->brokers.count);
    m->brokers.data = list;
    if (lie == LIE_NO_BROKERS) {
        m->brokers.count = 0;
    } else if (lie == LIE_BROKER_TWICE) {
        list[m->brokers.count] = list[which];
        list[m->brokers.count].port = list[any_of(r, m->brokers.count)].port;
        m->brokers.count++;
    } else {
        list[which].port = NO_PORT;
    }
}

static void add_partition(sim_run *r, meta_topic *t, int32_t number)
{
    meta_partition *list = grown(r, t->partitions.data, t->partitions.count, sizeof *list);
    meta_partition *more = &list[t->partitions.count];
    *more = list[any_of(r, t->partitions.count)];
    if (number >= 0)
        more->partition_index = number;
    more->leader_id = (int32_t)sim_rng_range(&r->lie_rng, 1, r->plan->brokers);
    t->partitions.data = list;
    t->partitions.count++;
}

static void lie_about_partition(sim_run *r, sim_lie lie, meta_partition *p)
{
    if (lie == LIE_NO_EPOCH)
        p->leader_epoch = -1;
    else if (lie == LIE_LEADER_UNKNOWN && sim_rng_chance(&r->lie_rng, 50))
        p->leader_id = NOBODY;
    else if (lie == LIE_NO_REPLICAS)
        p->replica_nodes.count = p->isr_nodes.count = 0;
    else if (lie == LIE_ERROR_TOO && sim_rng_chance(&r->lie_rng, 50))
        p->error_code = KC_E_REPLICA_NOT_AVAILABLE;
}

static void lie_about_topic(sim_run *r, sim_lie lie, meta_topic *t)
{
    if (lie == LIE_NO_ID)
        memset(&t->topic_id, 0, sizeof t->topic_id);
    if (t->partitions.count <= 0)
        return;
    if (lie == LIE_PARTITION_TWICE)
        add_partition(r, t, -1);
    else if (lie == LIE_PARTITION_FAR)
        add_partition(r, t, FAR);
    else if (lie == LIE_FEWER)
        t->partitions.count = any_of(r, t->partitions.count) + 1;
    else if (lie == LIE_NONE)
        t->partitions.count = 0;
    for (int32_t i = 0; i < t->partitions.count; i++)
        lie_about_partition(r, lie, &t->partitions.data[i]);
}

static void topic_twice(sim_run *r, kci_metadata_response *m)
{
    if (m->topics.count <= 0)
        return;
    meta_topic *list = grown(r, m->topics.data, m->topics.count, sizeof *list);
    list[m->topics.count] = list[0];
    list[sim_rng_chance(&r->lie_rng, 50) ? 0 : m->topics.count].partitions.count = 0;
    m->topics.data = list;
    m->topics.count++;
}

static void lie_in_metadata(sim_run *r, sim_lie lie, kci_metadata_response *m)
{
    switch (lie) {
    case LIE_NO_BROKERS:
    case LIE_BROKER_TWICE:
    case LIE_BROKER_ELSEWHERE:
        lie_about_brokers(r, lie, m);
        break;
    case LIE_TOPIC_TWICE:
        topic_twice(r, m);
        break;
    default:
        for (int32_t i = 0; i < m->topics.count; i++)
            lie_about_topic(r, lie, &m->topics.data[i]);
    }
}

/* --- Fetch */

/* In a random order; the first one may come again. */
static void unsort(sim_run *r, fetch_partition *p)
{
    int32_t n = p->aborted_transactions.count;
    if (n <= 0)
        return;
    kci_fetch_response_aborted_transaction *list =
        grown(r, p->aborted_transactions.data, n, sizeof *list);
    list[n] = list[0];
    n += sim_rng_chance(&r->lie_rng, 50);
    for (int32_t i = n - 1; i > 0; i--) {
        int k = any_of(r, i + 1);
        kci_fetch_response_aborted_transaction t = list[i];
        list[i] = list[k];
        list[k] = t;
    }
    p->aborted_transactions.data = list;
    p->aborted_transactions.count = n;
}

/* A byte that is under the CRC of the first batch. */
static void damage(sim_run *r, fetch_partition *p)
{
    if (p->records.size <= KCI_BATCH_HEADER_SIZE)
        return;
    kc_bytes copy = kci_arena_copy(&r->lie_arena, p->records);
    if (!copy.data)
        abort();
    size_t batch = KCI_BATCH_PREFIX_SIZE + kci_load32(copy.data + KCI_BATCH_AT_LENGTH);
    if (batch > copy.size)
        return;
    size_t at = (size_t)sim_rng_range(&r->lie_rng, KCI_BATCH_HEADER_SIZE, (int64_t)batch - 1);
    uint8_t *bytes = (uint8_t *)(uintptr_t)copy.data;
    bytes[at] ^= (uint8_t)sim_rng_range(&r->lie_rng, 1, 255);
    p->records = copy;
    r->damaged++;
}

static void lie_in_fetch(sim_run *r, sim_lie lie, kci_fetch_response *f)
{
    for (int32_t i = 0; i < f->responses.count; i++)
        for (int32_t k = 0; k < f->responses.data[i].partitions.count; k++) {
            fetch_partition *p = &f->responses.data[i].partitions.data[k];
            if (lie == LIE_UNSORTED)
                unsort(r, p);
            else if (lie == LIE_DAMAGED)
                damage(r, p);
            else if (lie == LIE_NO_EPOCH)
                p->current_leader.leader_epoch = -1;
        }
}

static void lie_in_produce(kci_produce_response *m)
{
    for (int32_t i = 0; i < m->responses.count; i++)
        for (int32_t k = 0; k < m->responses.data[i].partition_responses.count; k++)
            m->responses.data[i].partition_responses.data[k].current_leader.leader_epoch = -1;
}

/* --- answers */

/* Whether lies of this kind are told in answers of that API. */
static bool belongs(sim_lie lie, int16_t api)
{
    if (lie == LIE_NO_EPOCH && (api == KCI_API_FETCH || api == KCI_API_PRODUCE))
        return true;
    return lie < LIE_METADATA_COUNT ? api == KCI_API_METADATA : api == KCI_API_FETCH;
}

/* Those that are to be told now, one bit each. */
static unsigned choose(sim_run *r, int16_t api)
{
    unsigned chosen = 0;
    for (int lie = 0; lie < LIE_COUNT; lie++)
        if (r->lies[lie] > 0 && belongs((sim_lie)lie, api) &&
            sim_rng_chance(&r->lie_rng, r->lies[lie]))
            chosen |= 1u << lie;
    return chosen;
}

static void tell(sim_run *r, sim_lie lie, int16_t api, int32_t broker, void *body)
{
    sim_trace(r->world, "broker %d lies in API %d: %s", broker, api, sim_lie_names[lie]);
    if (api == KCI_API_METADATA)
        lie_in_metadata(r, lie, body);
    else if (api == KCI_API_FETCH)
        lie_in_fetch(r, lie, body);
    else
        lie_in_produce(body);
}

static void on_answer(void *arg, int32_t broker, int16_t api, int16_t version, kci_buf *frame)
{
    sim_run *r = arg;
    unsigned lies = choose(r, api);
    if (!lies)
        return;
    const kci_msg *msg = kci_api_get(api)->response;
    kci_reader in = kci_reader_of(frame->data + PREFIX, frame->size - PREFIX);
    int32_t id;
    kci_arena_reset(&r->lie_arena);
    void *body = kci_arena_alloc(&r->lie_arena, msg->size);
    if (!body || kci_response_header_decode(api, version, &in, &id) != KC_OK ||
        kci_decode(msg, version, &in, &r->lie_arena, body) != KC_OK)
        abort();
    r->lie_arena.limit = 0;
    for (int lie = 0; lie < LIE_COUNT; lie++)
        if (lies >> lie & 1)
            tell(r, (sim_lie)lie, api, broker, body);
    kci_buf fresh = { 0 };
    kci_buf_put32(&fresh, 0);
    if (kci_response_header_encode(api, version, id, &fresh) != KC_OK ||
        kci_encode(msg, version, body, &fresh, NULL) != KC_OK)
        abort();
    kci_store32(fresh.data, (uint32_t)(fresh.size - PREFIX));
    kci_buf_free(frame);
    *frame = fresh;
}

void sim_lie_set(sim_run *r, sim_lie lie, int percent)
{
    r->lies[lie] = percent;
    kci_mock_set_answer_hook(r->mock, on_answer, r);
}

void sim_lies_end(sim_run *r)
{
    memset(r->lies, 0, sizeof r->lies);
    kci_mock_set_answer_hook(r->mock, NULL, NULL);
}

void sim_lies_free(sim_run *r)
{
    kci_arena_free(&r->lie_arena);
}
