/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/pool.h"

#include <string.h>

#include "base/mem.h"
#include "base/planted.h"

enum {
    CHUNK_SIZE_MIN = 4096,
    CHUNK_SIZE_MAX = 65536,
    CHUNK_SIZE_LEAST = 128, /* in a buffer.memory that is absurdly small */
    BATCH_HEADER = 61       /* not stored in a chunk */
};

static kci_chunk *source_get(void *arg, uint32_t min_cap, bool copy)
{
    kci_chunk *chunk = NULL;
    return kci_pool_get(arg, min_cap, copy, &chunk) == KC_OK ? chunk : NULL;
}

static kci_chunk *get_for_append(void *arg, uint32_t min_cap)
{
    return source_get(arg, min_cap, false);
}

static kci_chunk *get_for_copy(void *arg, uint32_t min_cap)
{
    return source_get(arg, min_cap, true);
}

static void put(void *arg, kci_chunk *chunk)
{
    kci_pool_put(arg, chunk);
}

/* A whole batch in one chunk where that is not too large; and at least some eight chunks in all, so
 * that a few partitions can be written to with a small buffer.memory. */
static uint32_t choose_chunk_size(int64_t limit, int64_t batch_size)
{
    int64_t size = batch_size - BATCH_HEADER + (int64_t)sizeof(kci_chunk);
    if (size > limit / 8)
        size = limit / 8;
    if (size > CHUNK_SIZE_MAX)
        size = CHUNK_SIZE_MAX;
    if (size < CHUNK_SIZE_MIN)
        size = CHUNK_SIZE_MIN;
    if (size > limit / 2)
        size = limit / 2;
    return (uint32_t)(size < CHUNK_SIZE_LEAST ? CHUNK_SIZE_LEAST : size);
}

kc_err kci_pool_init(kci_pool *pool, int64_t limit, int64_t batch_size, bool compressed)
{
    memset(pool, 0, sizeof *pool);
    if (pthread_mutex_init(&pool->lock, NULL) != 0)
        return KC_E_NO_MEMORY;
    pool->limit = limit;
    pool->chunk_size = choose_chunk_size(limit, batch_size);
    if (compressed) {
        int64_t want = 2 * (batch_size + (int64_t)pool->chunk_size);
        pool->reserve = want < limit / 4 ? want : limit / 4;
    }
    pool->appends = (kci_chunk_source){ get_for_append, put, pool };
    pool->copies = (kci_chunk_source){ get_for_copy, put, pool };
    return KC_OK;
}

static void drop_free(kci_pool *pool, int64_t keep_bytes)
{
    while (pool->free && pool->free_bytes > keep_bytes) {
        kci_chunk *chunk = pool->free;
        pool->free = chunk->next;
        pool->free_bytes -= pool->chunk_size;
        pool->held -= pool->chunk_size;
        kci_free(chunk);
    }
}

void kci_pool_free(kci_pool *pool)
{
    drop_free(pool, 0);
    pthread_mutex_destroy(&pool->lock);
}

/* Counts `bytes` more, at the cost of free chunks if need be. Called with the lock. */
static bool take_bytes(kci_pool *pool, int64_t bytes, bool copy)
{
    int64_t limit = copy ? pool->limit : pool->limit - pool->reserve;
    int64_t used = pool->held - pool->free_bytes;
    if (bytes > limit - used && !KCI_BUG(BUFFER_UNBOUNDED))
        return false;
    if (bytes > pool->limit - pool->held)
        drop_free(pool, pool->limit - used - bytes);
    pool->held += bytes;
    return true;
}

/* A free standard chunk; NULL when there is none or the reserve begins. Called with the lock. */
static kci_chunk *take_free(kci_pool *pool, bool copy, bool *full)
{
    int64_t limit = copy ? pool->limit : pool->limit - pool->reserve;
    int64_t used = pool->held - pool->free_bytes;
    *full = used + (int64_t)pool->chunk_size > limit && !KCI_BUG(BUFFER_UNBOUNDED);
    if (*full || !pool->free)
        return NULL;
    kci_chunk *chunk = pool->free;
    pool->free = chunk->next;
    pool->free_bytes -= pool->chunk_size;
    return chunk;
}

static size_t chunk_bytes(uint32_t cap)
{
    return sizeof(kci_chunk) + cap;
}

kc_err kci_pool_get(kci_pool *pool, uint32_t min_cap, bool copy, kci_chunk **out)
{
    uint32_t standard = pool->chunk_size - (uint32_t)sizeof(kci_chunk);
    uint32_t cap = min_cap > standard ? min_cap : standard;
    kci_chunk *chunk = NULL;
    bool full = false;
    pthread_mutex_lock(&pool->lock);
    if (cap == standard)
        chunk = take_free(pool, copy, &full);
    if (!chunk && !full)
        full = !take_bytes(pool, (int64_t)chunk_bytes(cap), copy);
    pthread_mutex_unlock(&pool->lock);
    if (full)
        return KC_E_QUEUE_FULL;
    if (!chunk) {
        chunk = kci_alloc(chunk_bytes(cap));
        if (!chunk) {
            kci_pool_discharge(pool, (int64_t)chunk_bytes(cap));
            return KC_E_NO_MEMORY;
        }
        chunk->cap = cap;
    }
    chunk->next = NULL;
    chunk->used = 0;
    *out = chunk;
    return KC_OK;
}

void kci_pool_put(kci_pool *pool, kci_chunk *chunk)
{
    if (!chunk)
        return;
    size_t bytes = chunk_bytes(chunk->cap);
    if (bytes != pool->chunk_size) {
        kci_free(chunk);
        kci_pool_discharge(pool, (int64_t)bytes);
        return;
    }
    pthread_mutex_lock(&pool->lock);
    chunk->next = pool->free;
    pool->free = chunk;
    pool->free_bytes += pool->chunk_size;
    pthread_mutex_unlock(&pool->lock);
}

kc_err kci_pool_charge(kci_pool *pool, int64_t bytes, bool copy)
{
    pthread_mutex_lock(&pool->lock);
    bool ok = take_bytes(pool, bytes, copy);
    pthread_mutex_unlock(&pool->lock);
    return ok ? KC_OK : KC_E_QUEUE_FULL;
}

void kci_pool_discharge(kci_pool *pool, int64_t bytes)
{
    pthread_mutex_lock(&pool->lock);
    pool->held -= bytes;
    pthread_mutex_unlock(&pool->lock);
}

int64_t kci_pool_used(kci_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    int64_t used = pool->held - pool->free_bytes;
    pthread_mutex_unlock(&pool->lock);
    return used;
}

size_t kci_pool_largest(const kci_pool *pool)
{
    int64_t cap = pool->limit - pool->reserve - (int64_t)sizeof(kci_chunk);
    if (cap < pool->chunk_size - (int64_t)sizeof(kci_chunk))
        return 0;
    return cap < INT32_MAX / 2 ? (size_t)cap : INT32_MAX / 2;
}
