/* SPDX-License-Identifier: Apache-2.0 */
/* Which partition records without key go to (KIP-794): even while all keep up, away from those with
 * a backlog, and not to brokers that take nothing. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "producer/choose.h"
#include "producer/producer.h"

enum { COUNT = 4, TURNS = 4000, BATCH = 100, SECOND = 1000000 };

static kc_producer p;
static kci_send_topic topic;
static kci_part parts[COUNT], *list[COUNT];
static kci_peer peers[COUNT];
static int64_t now_us;
static int chosen[COUNT];

static int64_t mono_us(kci_sys *sys)
{
    (void)sys;
    return now_us;
}

static void begin(bool adaptive, int64_t availability_us)
{
    static kci_sys sys = { .mono_us = mono_us };
    p.sys = &sys;
    p.conf.adaptive = adaptive;
    p.conf.availability_us = availability_us;
    p.conf.batch_size = BATCH;
    kci_random_seed(&p.accum.random, 1);
    topic.parts = list;
    topic.count = COUNT;
    topic.sticky = -1;
    now_us = 1000 * SECOND;
    for (int i = 0; i < COUNT; i++) {
        list[i] = &parts[i];
        atomic_store(&parts[i].shown_peer, &peers[i]);
    }
}

static void make_silent(int i, int64_t since_us, bool refuses)
{
    atomic_store(&peers[i].silent_us, since_us);
    atomic_store(&peers[i].refuses, refuses);
}

/* Fills a batch after the other; each is sent before the next one but for those with a backlog. */
static void choose_many(void)
{
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    memset(chosen, 0, sizeof chosen);
    for (int i = 0; i < TURNS; i++) {
        kci_append a = { .record = &record, .topic = &topic, .partition = KC_PARTITION_ANY };
        chosen[kci_choose_partition(&p, &a)]++;
        cr_assert(a.sticky);
        topic.sticky_bytes = BATCH;
        kci_choose_next(&p, &topic);
    }
}

static void expect_even(void)
{
    for (int i = 0; i < COUNT; i++)
        cr_assert(chosen[i] > TURNS / COUNT * 8 / 10 && chosen[i] < TURNS / COUNT * 12 / 10, "%d",
                  chosen[i]);
}

Test(choose, stays_until_a_batch_is_full)
{
    begin(true, 0);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    kci_append a = { .record = &record, .topic = &topic };
    int32_t first = kci_choose_partition(&p, &a);
    for (int i = 0; i < 100; i++) {
        topic.sticky_bytes = BATCH - 1;
        kci_choose_next(&p, &topic);
        cr_assert_eq(kci_choose_partition(&p, &a), first);
    }
}

Test(choose, is_even_while_all_keep_up)
{
    begin(true, 0);
    choose_many();
    expect_even();
}

Test(choose, avoids_a_backlog)
{
    begin(true, 0);
    atomic_store(&parts[2].backlog, 3);
    choose_many();
    cr_assert(chosen[2] > 0 && chosen[2] < TURNS / COUNT / 2, "%d", chosen[2]);
}

Test(choose, does_not_look_at_load_when_not_adaptive)
{
    begin(false, SECOND);
    atomic_store(&parts[2].backlog, 3);
    make_silent(1, now_us - 10 * SECOND, true);
    choose_many();
    expect_even();
}

Test(choose, leaves_out_brokers_that_take_nothing)
{
    begin(true, SECOND);
    make_silent(1, now_us - SECOND - 1, true);
    make_silent(3, now_us - SECOND, true); /* not yet */
    choose_many();
    cr_assert_eq(chosen[1], 0);
    cr_assert_gt(chosen[3], 0);
    make_silent(1, 0, true);
    make_silent(3, 0, true);
    choose_many();
    expect_even();
}

Test(choose, a_silent_broker_that_would_take_more_counts_where_batches_wait)
{
    begin(true, SECOND);
    make_silent(1, now_us - 2 * SECOND, false);
    make_silent(2, now_us - 2 * SECOND, false);
    atomic_store(&parts[2].backlog, 1);
    choose_many();
    cr_assert_gt(chosen[1], 0);
    cr_assert_eq(chosen[2], 0);
}

Test(choose, all_when_none_takes_anything)
{
    begin(true, SECOND);
    for (int i = 0; i < COUNT; i++)
        make_silent(i, now_us - 2 * SECOND, true);
    choose_many();
    expect_even();
}

Test(choose, timeout_zero_leaves_nobody_out)
{
    begin(true, 0);
    make_silent(1, 1, true);
    atomic_store(&parts[0].shown_peer, NULL); /* nobody leads it */
    choose_many();
    expect_even();
}
