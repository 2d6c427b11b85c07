/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pool.h"

#include <string.h>

#include "base/mem.h"

void kci_connection_pool_init(kci_connection_pool *pool, kci_network *network, kci_remote *remote,
                              const kci_connection_ops *ops, void *owner)
{
    *pool =
        (kci_connection_pool){ .network = network, .remote = remote, .ops = ops, .owner = owner };
}

void kci_connection_pool_free(kci_connection_pool *pool)
{
    for (int32_t i = 0; i < pool->count; i++)
        kci_connection_free(pool->list[i].connection);
    kci_free(pool->list);
    pool->list = NULL;
    pool->count = pool->cap = 0;
}

/* -- the table ----------------------------------------------------------------------------------
 */

/* Where it is, or belongs. */
static int32_t position(const kci_connection_pool *pool, kci_class cls, int32_t lane)
{
    int32_t low = 0, high = pool->count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        const kci_pooled *p = &pool->list[middle];
        if (p->lane < lane || (p->lane == lane && p->cls < cls))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_at(const kci_connection_pool *pool, int32_t at, kci_class cls, int32_t lane)
{
    return at < pool->count && pool->list[at].lane == lane && pool->list[at].cls == cls;
}

kci_connection *kci_connection_pool_find(const kci_connection_pool *pool, kci_class cls,
                                         int32_t lane)
{
    int32_t at = position(pool, cls, lane);
    return is_at(pool, at, cls, lane) ? pool->list[at].connection : NULL;
}

static bool reserve(kci_connection_pool *pool)
{
    if (pool->count < pool->cap)
        return true;
    int32_t cap = pool->cap ? pool->cap * 2 : KCI_CLASS_COUNT;
    kci_pooled *list = kci_realloc_array(pool->list, (size_t)cap, sizeof *list);
    if (!list)
        return false;
    pool->list = list;
    pool->cap = cap;
    return true;
}

/* There is room for it. */
static void insert(kci_connection_pool *pool, kci_pooled entry)
{
    int32_t at = position(pool, entry.cls, entry.lane);

    memmove(pool->list + at + 1, pool->list + at, (size_t)(pool->count - at) * sizeof *pool->list);
    pool->list[at] = entry;
    pool->count++;
}

static void remove_at(kci_connection_pool *pool, int32_t at)
{
    pool->count--;
    memmove(pool->list + at, pool->list + at + 1, (size_t)(pool->count - at) * sizeof *pool->list);
}

kci_connection *kci_connection_pool_get(kci_connection_pool *pool, kci_class cls, int32_t lane)
{
    kci_connection *connection = kci_connection_pool_find(pool, cls, lane);

    if (connection || !reserve(pool))
        return connection;
    connection = kci_connection_new(pool->network, pool->remote, cls, lane, pool->ops, pool->owner);
    if (connection)
        insert(pool, (kci_pooled){ .lane = lane, .cls = cls, .connection = connection });
    return connection;
}

/* -- all of them --------------------------------------------------------------------------------
 */

bool kci_connection_pool_any_up(const kci_connection_pool *pool)
{
    for (int32_t i = 0; i < pool->count; i++)
        if (kci_connection_is_up(pool->list[i].connection))
            return true;
    return false;
}

void kci_connection_pool_renew(kci_connection_pool *pool, const char *why)
{
    for (int32_t i = 0; i < pool->count; i++)
        kci_connection_renew(pool->list[i].connection, kci_network_now(pool->network), why);
}

void kci_connection_pool_take_over(kci_connection_pool *pool, kci_connection_pool *from)
{
    for (int32_t i = from->count - 1; i >= 0; i--) {
        kci_pooled entry = from->list[i];
        if (kci_connection_is_down(entry.connection) ||
            kci_connection_pool_find(pool, entry.cls, entry.lane) || !reserve(pool))
            continue;
        remove_at(from, i);
        insert(pool, entry);
        kci_connection_move(entry.connection, pool->remote, pool->owner);
        if (kci_connection_is_up(entry.connection))
            pool->ops->up(pool->owner, entry.connection);
    }
}

void kci_connection_pool_retire(kci_connection_pool *pool, int32_t lane)
{
    for (int32_t i = 0; i < pool->count; i++)
        pool->list[i].retired |= pool->list[i].lane == lane;
}

void kci_connection_pool_sweep(kci_connection_pool *pool)
{
    for (int32_t i = pool->count - 1; i >= 0; i--) {
        kci_pooled entry = pool->list[i];
        if (!entry.retired)
            continue;
        /* Answers to requests that were cancelled may be due; nobody waits for them. */
        kci_connection_close(entry.connection, KC_OK, "its user has gone");
        if (!kci_connection_is_down(entry.connection) || kci_connection_load(entry.connection) > 0)
            continue;
        /* Who heard that it is down may have asked for another one. */
        i = position(pool, entry.cls, entry.lane);
        remove_at(pool, i);
        kci_connection_free(entry.connection);
    }
}

bool kci_connection_pool_wind_down(kci_connection_pool *pool)
{
    for (int32_t i = 0; i < pool->count; i++) {
        kci_connection *connection = pool->list[i].connection;
        bool is_idle = kci_connection_load(connection) == 0;
        if (kci_connection_is_down(connection) && !is_idle)
            kci_connection_fail_calls(connection, KC_E_BROKER_NOT_AVAILABLE,
                                      "the cluster has no such broker any more");
        else if (kci_connection_is_up(connection) && is_idle)
            kci_connection_close(connection, KC_OK, "not needed any more");
    }
    return kci_connection_pool_is_down(pool);
}

void kci_connection_pool_finish(kci_connection_pool *pool, kc_err err, const char *why)
{
    for (int32_t i = 0; i < pool->count; i++)
        kci_connection_finish(pool->list[i].connection, err, why);
}

bool kci_connection_pool_is_down(const kci_connection_pool *pool)
{
    for (int32_t i = 0; i < pool->count; i++) {
        const kci_connection *c = pool->list[i].connection;
        if (!kci_connection_is_down(c) || kci_connection_load(c) > 0)
            return false;
    }
    return true;
}
