/* SPDX-License-Identifier: Apache-2.0 */
/* Counting is lock-free; the lock is only for the wish to be told about room, which exists while
 * the fetcher is starved. `wish` is written before `held` is read by the fetcher, and `held` before
 * `wish` by those who give back, so one of the two sees the other. */
#include "reading/credit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "base/mem.h"

struct kci_credit {
    atomic_int refs;
    size_t limit;
    atomic_size_t held;
    atomic_size_t peak;
    atomic_size_t largest_block;
    atomic_bool wish;
    pthread_mutex_t lock;
    size_t wish_held;           /* under lock */
    void (*on_room)(void *arg); /* under lock; NULL: detached */
    void *arg;
};

kci_credit *kci_credit_new(size_t limit, void (*on_room)(void *arg), void *arg)
{
    kci_credit *c = kci_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    atomic_init(&c->refs, 1);
    c->limit = limit;
    c->on_room = on_room;
    c->arg = arg;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

kci_credit *kci_credit_ref(kci_credit *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void kci_credit_unref(kci_credit *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&c->lock);
    kci_free(c);
}

void kci_credit_detach(kci_credit *c)
{
    pthread_mutex_lock(&c->lock);
    c->on_room = NULL;
    pthread_mutex_unlock(&c->lock);
}

static void raise_to(atomic_size_t *top, size_t value)
{
    size_t now = atomic_load_explicit(top, memory_order_relaxed);
    while (value > now && !atomic_compare_exchange_weak_explicit(
                              top, &now, value, memory_order_relaxed, memory_order_relaxed)) {
    }
}

void kci_credit_take(kci_credit *c, size_t bytes)
{
    raise_to(&c->peak, atomic_fetch_add(&c->held, bytes) + bytes);
}

static void tell_room(kci_credit *c)
{
    pthread_mutex_lock(&c->lock);
    if (atomic_load(&c->wish) && atomic_load(&c->held) <= c->wish_held) {
        atomic_store(&c->wish, false);
        if (c->on_room)
            c->on_room(c->arg);
    }
    pthread_mutex_unlock(&c->lock);
}

void kci_credit_give(kci_credit *c, size_t bytes)
{
    atomic_fetch_sub(&c->held, bytes);
    if (atomic_load(&c->wish))
        tell_room(c);
}

size_t kci_credit_limit(const kci_credit *c)
{
    return c->limit;
}

size_t kci_credit_held(const kci_credit *c)
{
    return atomic_load(&c->held);
}

size_t kci_credit_peak(const kci_credit *c)
{
    return atomic_load_explicit(&c->peak, memory_order_relaxed);
}

bool kci_credit_await(kci_credit *c, size_t held)
{
    pthread_mutex_lock(&c->lock);
    c->wish_held = held;
    atomic_store(&c->wish, true);
    bool waits = atomic_load(&c->held) > held;
    if (!waits)
        atomic_store(&c->wish, false);
    pthread_mutex_unlock(&c->lock);
    return waits;
}

static void *resize_block(void *arg, void *p, size_t old_size, size_t new_size)
{
    kci_credit *c = arg;
    if (new_size == 0) {
        kci_free(p);
        kci_credit_give(c, old_size);
        return NULL;
    }
    void *grown = kci_realloc(p, new_size);
    if (!grown)
        return NULL;
    if (new_size > old_size)
        kci_credit_take(c, new_size - old_size);
    else
        kci_credit_give(c, old_size - new_size);
    raise_to(&c->largest_block, new_size);
    return grown;
}

kci_block_source kci_credit_blocks(kci_credit *c)
{
    return (kci_block_source){ resize_block, c };
}

size_t kci_credit_largest_block(const kci_credit *c)
{
    return atomic_load_explicit(&c->largest_block, memory_order_relaxed);
}
