/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <pthread.h>

#include "base/mem.h"
#include "base/random.h"
#include "io/frame.h"

Test(frame, without_pool)
{
    static const uint32_t sizes[] = { 0, 1, 65535, 65536, 1000000 };
    int64_t live = kci_mem_live();
    for (size_t i = 0; i < KCI_COUNT_OF(sizes); i++) {
        kci_frame *f = kci_frame_new(NULL, sizes[i]);
        cr_assert_eq(f->size, sizes[i]);
        cr_assert_geq(f->cap, sizes[i]);
        memset(f->data, 1, f->cap);
        cr_assert_eq(kci_frame_ref(f), f);
        kci_frame_unref(f);
        kci_frame_unref(f);
    }
    kci_frame_unref(NULL);
    cr_assert_eq(kci_mem_live(), live);
}

Test(frame, large_buffers_are_used_again)
{
    kci_frame_pool *pool = kci_frame_pool_new(4 << 20);
    kci_frame *f = kci_frame_new(pool, 1 << 20);
    uint8_t *data = f->data;
    size_t held = kci_frame_pool_bytes(pool);
    cr_assert_geq(held, 1u << 20);
    kci_frame_unref(f);
    cr_assert_eq(kci_frame_pool_bytes(pool), held, "kept");
    uint64_t asked = kci_mem_count();
    f = kci_frame_new(pool, 950000);
    cr_assert_eq(f->data, data);
    cr_assert_eq(f->size, 950000);
    for (int i = 0; i < 1000; i++) { /* as often as it may be */
        kci_frame_unref(f);
        f = kci_frame_new(pool, 950000);
        cr_assert_eq(f->data, data);
    }
    cr_assert_eq(kci_mem_count(), asked, "no allocation");
    kci_frame *g = kci_frame_new(pool, 950000);
    cr_assert_neq(g->data, data);
    kci_frame_unref(g);
    kci_frame_unref(f);
    f = kci_frame_new(pool, 100000); /* far too small to waste a megabyte on */
    cr_assert_leq(f->cap, 200000);
    kci_frame_unref(f);
    kci_frame_pool_unref(pool);
}

/* New ones and kept ones: what is reserved for a frame suffices. */
Test(frame, takes_no_more_memory_than_announced)
{
    kci_frame_pool *pool = kci_frame_pool_new(8 << 20);
    uint32_t sizes[200];
    for (int i = 0; i < 200; i++)
        sizes[i] = (uint32_t)(i * 9973 % 200) * 9973;
    for (int i = 0; i < 200; i++) {
        kci_frame *f = kci_frame_new(pool, sizes[i]);
        cr_assert_leq(f->cap, kci_frame_most(sizes[i]), "%u for %u", f->cap, f->size);
        cr_assert_leq(kci_frame_most(sizes[i]), kci_frame_most(sizes[i] + 1));
        kci_frame_unref(f);
    }
    cr_assert_eq(kci_frame_most(SIZE_MAX), SIZE_MAX);
    kci_frame_pool_unref(pool);
}

Test(frame, keeps_no_more_than_allowed)
{
    int64_t live = kci_mem_live();
    kci_frame_pool *pool = kci_frame_pool_new(3 << 20);
    kci_frame *f[200];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 200; i++)
            f[i] = kci_frame_new(pool, 70000u << (round + i % 3));
        for (int i = 0; i < 200; i++)
            kci_frame_unref(f[i]);
        cr_assert_leq(kci_frame_pool_bytes(pool), 3u << 20);
    }
    kci_frame *small = kci_frame_new(pool, 100);
    size_t with = kci_frame_pool_bytes(pool);
    kci_frame_unref(small);
    cr_assert_eq(kci_frame_pool_bytes(pool), with - 100);
    kci_frame *huge = kci_frame_new(pool, 10 << 20);
    kci_frame_unref(huge);
    cr_assert_leq(kci_frame_pool_bytes(pool), 3u << 20);
    kci_frame_pool_unref(pool);
    cr_assert_eq(kci_mem_live(), live);
}

Test(frame, the_pool_outlives_its_owner)
{
    int64_t live = kci_mem_live();
    kci_frame_pool *pool = kci_frame_pool_new(1 << 20);
    kci_frame *a = kci_frame_new(pool, 100), *b = kci_frame_new(pool, 100000);
    kci_frame_pool_unref(pool);
    memset(b->data, 1, b->size);
    kci_frame_unref(b);
    kci_frame_unref(a);
    cr_assert_eq(kci_mem_live(), live);
    kci_frame_pool_unref(NULL);
}

Test(frame, out_of_memory)
{
    int64_t live = kci_mem_live();
    kci_mem_fail_after(1, false);
    cr_assert_null(kci_frame_pool_new(1));
    kci_mem_fail_after(0, false);
    kci_frame_pool *pool = kci_frame_pool_new(1 << 20);
    for (int n = 1; n <= 2; n++) {
        kci_mem_fail_after(n, false);
        cr_assert_null(kci_frame_new(pool, 100000));
        kci_mem_fail_after(0, false);
    }
    kci_mem_fail_after(1, false);
    cr_assert_null(kci_frame_new(pool, 10));
    kci_mem_fail_after(0, false);
    cr_assert_eq(kci_frame_pool_bytes(pool), 0);
    kci_frame_pool_unref(pool);
    cr_assert_eq(kci_mem_live(), live);
}

typedef struct churner {
    kci_frame_pool *pool;
    uint64_t seed;
} churner;

static void *churn(void *arg)
{
    const churner *c = arg;
    kci_random r;
    kci_random_seed(&r, c->seed);
    kci_frame *held[8] = { 0 };
    for (int i = 0; i < 5000; i++) {
        kci_frame **slot = &held[kci_random_below(&r, 8)];
        kci_frame_unref(*slot);
        uint32_t size = (uint32_t)kci_random_below(&r, 300000);
        *slot = kci_frame_new(c->pool, size);
        if (size) {
            (*slot)->data[0] = 1;
            (*slot)->data[size - 1] = 1;
        }
    }
    for (int i = 0; i < 8; i++)
        kci_frame_unref(held[i]);
    return NULL;
}

Test(frame, many_threads)
{
    int64_t live = kci_mem_live();
    kci_frame_pool *pool = kci_frame_pool_new(1 << 20);
    pthread_t threads[3];
    churner churners[3];
    for (int i = 0; i < 3; i++) {
        churners[i] = (churner){ pool, (uint64_t)i + 1 };
        pthread_create(&threads[i], NULL, churn, &churners[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_assert_leq(kci_frame_pool_bytes(pool), 1u << 20);
    kci_frame_pool_unref(pool);
    cr_assert_eq(kci_mem_live(), live);
}
