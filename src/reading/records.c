/* SPDX-License-Identifier: Apache-2.0 */
/* kc_records: its pool, its memory, and its public accessors. */
#include "reading/records.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"

enum { KEPT = 4 }; /* unused ones in a pool: an application has one or two in its hands */

struct kci_records_pool {
    atomic_int refs;
    kci_credit *credit;
    pthread_mutex_t lock;
    kc_records *unused; /* under lock */
    int unused_count;
    bool closed;
};

kci_records_pool *kci_records_pool_new(kci_credit *credit)
{
    kci_records_pool *pool = kci_calloc(1, sizeof *pool);
    if (!pool)
        return NULL;
    atomic_init(&pool->refs, 1);
    pool->credit = kci_credit_ref(credit);
    pthread_mutex_init(&pool->lock, NULL);
    return pool;
}

static void pool_unref(kci_records_pool *pool)
{
    if (atomic_fetch_sub_explicit(&pool->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_credit_unref(pool->credit);
    pthread_mutex_destroy(&pool->lock);
    kci_free(pool);
}

static void destroy(kc_records *r)
{
    kci_free(r->data);
    kci_free(r->blocks);
    kci_free(r);
}

void kci_records_pool_close(kci_records_pool *pool)
{
    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    kc_records *r = pool->unused;
    pool->unused = NULL;
    pool->closed = true;
    pthread_mutex_unlock(&pool->lock);
    while (r) {
        kc_records *next = r->next;
        destroy(r);
        r = next;
    }
    pool_unref(pool);
}

static kc_records *take_unused(kci_records_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    kc_records *r = pool->unused;
    if (r) {
        pool->unused = r->next;
        pool->unused_count--;
    }
    pthread_mutex_unlock(&pool->lock);
    return r;
}

/* Counts the arrays as they are now. */
static void count(kc_records *r)
{
    size_t now =
        sizeof *r + (size_t)r->cap * sizeof *r->data + (size_t)r->block_cap * sizeof(kci_block *);
    if (now > r->counted)
        kci_credit_take(r->pool->credit, now - r->counted);
    r->counted = now;
}

static void begin(kc_records *r, kci_records_pool *pool, kc_bytes topic, int32_t partition)
{
    atomic_fetch_add_explicit(&pool->refs, 1, memory_order_relaxed);
    r->pool = pool;
    r->next = NULL;
    r->counted = 0;
    r->partition = partition;
    r->leader_epoch = r->broker = -1;
    r->timestamp_type = KC_TIMESTAMP_NONE;
    r->offset = r->next_offset = -1;
    r->high_watermark = r->last_stable = r->log_start = -1;
    r->bytes = 0;
    r->at_end = false;
    r->error.code = KC_OK;
    r->topic_size = topic.size;
    memcpy(r->topic, topic.data, topic.size);
    count(r);
}

kc_records *kci_records_take(kci_records_pool *pool, kc_bytes topic, int32_t partition, int32_t cap)
{
    kc_records *r = take_unused(pool);
    if (!r)
        r = kci_calloc(1, sizeof *r);
    if (!r)
        return NULL;
    begin(r, pool, topic, partition);
    if (!kci_records_reserve(r, cap)) {
        kc_records_free(r);
        return NULL;
    }
    return r;
}

bool kci_records_reserve(kc_records *r, int32_t more)
{
    if (r->cap - r->count >= more)
        return true;
    if (more > INT32_MAX - r->count)
        return false;
    kc_record *grown = kci_realloc_array(r->data, (size_t)(r->count + more), sizeof *grown);
    if (!grown)
        return false;
    r->data = grown;
    r->cap = r->count + more;
    count(r);
    return true;
}

bool kci_records_reserve_block(kc_records *r)
{
    if (r->block_count < r->block_cap)
        return true;
    int32_t cap = r->block_cap ? r->block_cap * 2 : 8;
    kci_block **grown = kci_realloc_array(r->blocks, (size_t)cap, sizeof(kci_block *));
    if (!grown)
        return false;
    r->blocks = grown;
    r->block_cap = cap;
    count(r);
    return true;
}

void kci_records_hold_block(kc_records *r, kci_block *block)
{
    if (r->block_count > 0 && r->blocks[r->block_count - 1] == block)
        return;
    kci_block_ref(block);
    r->blocks[r->block_count++] = block;
}

void kci_records_hold_frame(kc_records *r, kci_fetched *fetched)
{
    if (!r->fetched)
        r->fetched = kci_fetched_ref(fetched);
}

void kc_records_free(kc_records *r)
{
    if (!r)
        return;
    kci_records_pool *pool = r->pool;
    for (int32_t i = 0; i < r->block_count; i++)
        kci_block_unref(r->blocks[i]);
    kci_fetched_unref(r->fetched);
    kci_credit_give(pool->credit, r->counted);
    r->fetched = NULL;
    r->block_count = r->count = 0;

    pthread_mutex_lock(&pool->lock);
    bool keep = !pool->closed && pool->unused_count < KEPT;
    if (keep) {
        r->next = pool->unused;
        pool->unused = r;
        pool->unused_count++;
    }
    pthread_mutex_unlock(&pool->lock);
    if (!keep)
        destroy(r);
    pool_unref(pool);
}

kc_bytes kc_records_topic(const kc_records *r)
{
    return r ? kc_mem(r->topic, r->topic_size) : kc_mem(NULL, 0);
}

int32_t kc_records_partition(const kc_records *r)
{
    return r ? r->partition : -1;
}

size_t kc_records_count(const kc_records *r)
{
    return r ? (size_t)r->count : 0;
}

const kc_record *kc_records_data(const kc_records *r)
{
    return r ? r->data : NULL;
}

kc_err kc_records_error(const kc_records *r, kc_error *detail)
{
    if (!r)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the records are NULL");
    if (detail && r->error.code != KC_OK)
        *detail = r->error;
    return r->error.code;
}

int64_t kc_records_offset(const kc_records *r)
{
    return r ? r->offset : -1;
}

int64_t kc_records_next_offset(const kc_records *r)
{
    return r ? r->next_offset : -1;
}

int32_t kc_records_leader_epoch(const kc_records *r)
{
    return r ? r->leader_epoch : -1;
}

int64_t kc_records_high_watermark(const kc_records *r)
{
    return r ? r->high_watermark : -1;
}

int64_t kc_records_last_stable_offset(const kc_records *r)
{
    return r ? r->last_stable : -1;
}

int64_t kc_records_log_start_offset(const kc_records *r)
{
    return r ? r->log_start : -1;
}

bool kc_records_at_end(const kc_records *r)
{
    return r && r->at_end;
}

int32_t kc_records_timestamp_type(const kc_records *r)
{
    return r ? r->timestamp_type : KC_TIMESTAMP_NONE;
}

int32_t kc_records_broker(const kc_records *r)
{
    return r ? r->broker : -1;
}

size_t kc_records_bytes(const kc_records *r)
{
    return r ? r->bytes : 0;
}

bool kc_records_end(const kc_records *r, kc_topic_partition_offset *out)
{
    if (!r)
        return false;
    kc_topic_partition_offset end = {
        .partition = r->partition,
        .topic = kc_records_topic(r),
        .offset = r->next_offset,
        .leader_epoch = r->leader_epoch,
        .err = r->error.code,
    };
    return kci_abi_give(&kci_abi_topic_partition_offset, &end, out);
}
