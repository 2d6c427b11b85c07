/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.memory: never more than the limit, in bytes that the heap gave; the reserve for compressed
 * copies; reuse; and the memory of batches with their opaque pointers. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "producer/batch.h"

enum { LIMIT = 64 * 1024, BATCH = 4096 };

static kci_pool pool;

static void start(bool compressed)
{
    cr_assert_eq(kci_pool_init(&pool, LIMIT, BATCH, compressed), KC_OK);
}

static int take_all(kci_chunk **chunks, int cap, bool copy)
{
    int n = 0;
    while (n < cap && kci_pool_get(&pool, 100, copy, &chunks[n]) == KC_OK)
        n++;
    return n;
}

Test(pool, never_holds_more_than_the_limit_and_reuses)
{
    kci_chunk *chunks[64];
    start(false);
    int n = take_all(chunks, 64, false);
    cr_expect_gt(n, 8);
    cr_expect_leq(pool.held, LIMIT);
    cr_expect_gt(pool.held + pool.chunk_size, LIMIT);
    kci_chunk *more = NULL;
    cr_expect_eq(kci_pool_get(&pool, 100, false, &more), KC_E_QUEUE_FULL);

    kci_chunk *last = chunks[n - 1];
    kci_pool_put(&pool, last);
    uint64_t before = kci_mem_count();
    cr_expect_eq(kci_pool_get(&pool, 100, false, &more), KC_OK);
    cr_expect_eq(more, last, "the newest one comes first");
    cr_expect_eq(kci_mem_count(), before, "without asking the heap");
    for (int i = 0; i < n; i++)
        kci_pool_put(&pool, chunks[i]);
    cr_expect_eq(kci_pool_used(&pool), 0);
    kci_pool_free(&pool);
}

Test(pool, free_chunks_make_room_for_a_large_one)
{
    kci_chunk *chunks[64], *large = NULL;
    start(false);
    int n = take_all(chunks, 64, false);
    for (int i = 0; i < n; i++)
        kci_pool_put(&pool, chunks[i]);
    cr_expect_gt(pool.held, LIMIT / 2);
    uint32_t cap = (uint32_t)kci_pool_largest(&pool);
    cr_expect_eq(kci_pool_get(&pool, cap, false, &large), KC_OK);
    cr_expect_geq(large->cap, cap);
    cr_expect_leq(pool.held, LIMIT);
    cr_expect_eq(kci_pool_get(&pool, 10, false, &chunks[0]), KC_E_QUEUE_FULL);
    kci_pool_put(&pool, large);
    cr_expect_eq(pool.held, 0, "a large one goes back to the heap");
    cr_expect_eq(kci_pool_get(&pool, cap + 1, false, &large), KC_E_QUEUE_FULL);
    kci_pool_free(&pool);
}

Test(pool, appends_leave_the_reserve_to_copies)
{
    kci_chunk *chunks[64], *copies[64];
    start(true);
    int n = take_all(chunks, 64, false);
    int m = take_all(copies, 64, true);
    cr_expect_gt(m, 0);
    cr_expect_leq(pool.held, LIMIT);
    for (int i = 0; i < n; i++)
        kci_pool_put(&pool, chunks[i]);
    for (int i = 0; i < m; i++)
        kci_pool_put(&pool, copies[i]);
    kci_pool_free(&pool);
}

Test(pool, a_failed_allocation_is_told_and_not_counted)
{
    kci_chunk *chunk = NULL;
    kci_send_batch *b = NULL;
    start(false);
    kci_mem_fail_after(1, false);
    cr_expect_eq(kci_pool_get(&pool, 100, false, &chunk), KC_E_NO_MEMORY);
    cr_expect_eq(pool.held, 0);
    kci_mem_fail_after(1, false);
    cr_expect_eq(kci_send_batch_new(&pool, NULL, false, &b), KC_E_NO_MEMORY);
    cr_expect_eq(pool.held, 0);
    kci_mem_fail_after(0, false);
    kci_pool_free(&pool);
}

Test(pool, absurdly_small_limits_hold_nothing_but_work)
{
    for (int64_t limit = 0; limit < 2000; limit += 37) {
        kci_chunk *chunk = NULL;
        cr_assert_eq(kci_pool_init(&pool, limit, BATCH, true), KC_OK);
        size_t largest = kci_pool_largest(&pool);
        kc_err err = kci_pool_get(&pool, 1, false, &chunk);
        cr_expect_eq(err == KC_OK, largest > 0, "limit %lld", (long long)limit);
        cr_expect_leq(pool.held, limit);
        if (err == KC_OK)
            kci_pool_put(&pool, chunk);
        kci_pool_free(&pool);
    }
}

Test(batch, opaques_are_charged_and_outlive_the_records)
{
    int things[200];
    kci_send_batch *b = NULL;
    start(false);
    cr_assert_eq(kci_send_batch_new(&pool, NULL, false, &b), KC_OK);
    int64_t alone = kci_pool_used(&pool);
    for (int i = 0; i < 200; i++) {
        cr_assert_eq(kci_send_batch_put_opaque(b, i < 3 ? NULL : &things[i]), KC_OK);
        b->writer.count++;
        if (i == 2)
            cr_expect_null(b->opaques, "nothing is kept for records without one");
    }
    cr_expect_geq(kci_pool_used(&pool), alone + 200 * (int64_t)sizeof(void *));
    cr_expect_null(b->opaques[0]);
    cr_expect_eq(b->opaques[3], &things[3]);
    cr_expect_eq(b->opaques[199], &things[199]);

    kci_send_batch_ref(b); /* as the outcome's queue does */
    cr_expect(kci_send_batch_unuse(b));
    cr_expect_eq(kci_pool_used(&pool), 0, "an outcome that waits is not counted");
    cr_expect_eq(b->opaques[199], &things[199]);
    kci_send_batch_unref(b);
    kci_pool_free(&pool);
}

Test(batch, records_stay_until_the_last_use)
{
    kci_chunk *chunk = NULL;
    kci_send_batch *b = NULL;
    start(false);
    cr_assert_eq(kci_send_batch_new(&pool, NULL, false, &b), KC_OK);
    cr_assert_eq(kci_pool_get(&pool, 100, false, &chunk), KC_OK);
    kci_batch_writer_add_chunk(&b->writer, chunk);
    kci_batch_writer_append(&b->writer, 1, kc_mem(NULL, 0), kc_str("v"), NULL, 0);
    kci_send_batch_use(b);
    cr_expect_not(kci_send_batch_unuse(b));
    cr_expect_eq(b->writer.chunks.first, chunk);
    cr_expect(kci_send_batch_unuse(b));
    cr_expect_eq(kci_pool_used(&pool), 0);
    kci_pool_free(&pool);
}
