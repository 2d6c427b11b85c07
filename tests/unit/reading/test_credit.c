/* SPDX-License-Identifier: Apache-2.0 */
#include <pthread.h>

#include <criterion/criterion.h>

#include "base/mem.h"
#include "reading/credit.h"

static int rooms;

static void on_room(void *arg)
{
    (void)arg;
    rooms++;
}

Test(credit, counts_and_tells)
{
    kci_credit *c = kci_credit_new(1000, on_room, NULL);
    kci_credit_take(c, 600);
    kci_credit_take(c, 700);
    cr_assert_eq(kci_credit_held(c), 1300);
    cr_assert(kci_credit_await(c, 500));
    kci_credit_give(c, 700);
    cr_assert_eq(rooms, 0);
    kci_credit_give(c, 200);
    cr_assert_eq(rooms, 1);
    kci_credit_give(c, 100);
    cr_assert_eq(rooms, 1); /* once per wish */
    cr_assert_not(kci_credit_await(c, 500));
    kci_credit_take(c, 500);
    cr_assert(kci_credit_await(c, 0));
    kci_credit_detach(c);
    kci_credit_give(c, 800);
    cr_assert_eq(rooms, 1);
    cr_assert_eq(kci_credit_peak(c), 1300);
    kci_credit_unref(c);
}

Test(credit, blocks_are_counted)
{
    kci_credit *c = kci_credit_new(1000, on_room, NULL);
    kci_block_source source = kci_credit_blocks(c);
    void *p = source.resize(source.arg, NULL, 0, 100);
    p = source.resize(source.arg, p, 100, 700);
    cr_assert_eq(kci_credit_held(c), 700);
    kci_mem_fail_after(1, false);
    cr_assert_null(source.resize(source.arg, p, 700, 9000));
    kci_mem_fail_after(0, false);
    cr_assert_eq(kci_credit_held(c), 700);
    p = source.resize(source.arg, p, 700, 300);
    cr_assert_eq(kci_credit_held(c), 300);
    cr_assert_null(source.resize(source.arg, p, 300, 0));
    cr_assert_eq(kci_credit_held(c), 0);
    cr_assert_eq(kci_credit_largest_block(c), 700);
    kci_credit_unref(c);
}

static void *give_much(void *arg)
{
    for (int i = 0; i < 20000; i++)
        kci_credit_give(arg, 1);
    return NULL;
}

Test(credit, a_wish_is_not_lost)
{
    for (int round = 0; round < 20; round++) {
        rooms = 0;
        kci_credit *c = kci_credit_new(1000, on_room, NULL);
        kci_credit_take(c, 40000);
        pthread_t threads[2];
        for (int i = 0; i < 2; i++)
            pthread_create(&threads[i], NULL, give_much, c);
        bool waits = kci_credit_await(c, 10);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], NULL);
        cr_assert_eq(rooms, waits);
        kci_credit_unref(c);
    }
}

/* Exactly the room that was wished for is enough. */
Test(credit, tells_at_the_limit)
{
    kci_credit *c = kci_credit_new(1000, on_room, NULL);
    for (size_t held = 0; held <= 3; held++) {
        rooms = 0;
        kci_credit_take(c, 10);
        cr_assert(kci_credit_await(c, held));
        kci_credit_give(c, 10 - held - 1);
        cr_assert_eq(rooms, 0);
        kci_credit_give(c, 1);
        cr_assert_eq(rooms, 1);
        cr_assert_not(kci_credit_await(c, held));
        kci_credit_give(c, held);
    }
    kci_credit_unref(c);
}
