/* SPDX-License-Identifier: Apache-2.0 */
/* The agenda: what is looked at when, by a clock that the test turns. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "consumer/agenda.h"

static kci_sys fake; /* the real one, but for its clock */
static int64_t clock_us;
static kci_loop *loop;
static kci_agenda a;
static kci_agenda_item items[6];
static int fired;

static int64_t mono_us(kci_sys *sys)
{
    (void)sys;
    return clock_us;
}

static void on_timer(kci_timer *timer)
{
    (void)timer;
    fired++;
    kci_agenda_wake(&a);
}

static void setup(void)
{
    fake = *kci_sys_posix(true);
    fake.mono_us = mono_us;
    clock_us = 1000000;
    cr_assert_eq(kci_loop_new(&fake, &loop), KC_OK);
    cr_assert_eq(kci_loop_reserve_timers(loop, 1), KC_OK);
    kci_agenda_init(&a, loop, 7);
    a.timer.fn = on_timer;
    kci_agenda_set_backoff(&a, 100000, 1000000);
}

static void teardown(void)
{
    kci_agenda_stop(&a);
    kci_loop_free(loop);
}

TestSuite(agenda, .init = setup, .fini = teardown);

/* Turns the clock on and lets the timer fire if it is due. */
static void pass(int64_t us)
{
    clock_us += us;
    kci_loop_step(loop, 0);
}

static int next(void)
{
    kci_agenda_item *item = kci_agenda_next(&a);
    return item ? (int)(item - items) : -1;
}

Test(agenda, each_item_once_in_the_order_it_came)
{
    kci_agenda_todo(&a, &items[2]);
    kci_agenda_todo(&a, &items[0]);
    kci_agenda_todo(&a, &items[2]);
    cr_assert_eq(next(), 2);
    cr_assert_eq(next(), 0);
    cr_assert_eq(next(), -1);
    kci_agenda_todo(&a, &items[2]); /* again from then on */
    kci_agenda_todo(&a, &items[1]);
    kci_agenda_remove(&items[2]);
    cr_assert_eq(next(), 1);
    cr_assert_eq(next(), -1);
}

Test(agenda, who_waits_comes_at_its_time_and_not_before)
{
    kci_agenda_wait(&a, &items[0], clock_us + 5000);
    kci_agenda_wait(&a, &items[1], clock_us + 2000);
    kci_agenda_wait(&a, &items[2], clock_us + 9000);
    cr_assert_not(kci_agenda_is_due(&a, &items[1]));
    pass(1999);
    cr_assert_eq(fired, 0);
    cr_assert_eq(next(), -1);
    pass(1);
    cr_assert(kci_agenda_is_due(&a, &items[1]));
    cr_assert_eq(next(), 1);
    cr_assert_eq(next(), -1);
    pass(3000); /* the timer was set anew for the next one */
    cr_assert_eq(next(), 0);
    pass(4000);
    cr_assert_eq(next(), 2);
    cr_assert_eq(fired, 3);
    pass(60000000); /* nothing waits any more */
    cr_assert_eq(fired, 3);
}

Test(agenda, an_earlier_wish_is_looked_at_but_keeps_its_pause)
{
    kci_agenda_wait(&a, &items[0], clock_us + 5000);
    kci_agenda_todo(&a, &items[0]);
    cr_assert_eq(next(), 0);
    cr_assert_not(kci_agenda_is_due(&a, &items[0]));
    kci_agenda_no_pause(&items[0]);
    cr_assert(kci_agenda_is_due(&a, &items[0]));
    pass(5000);
    cr_assert_eq(next(), -1); /* it was taken off what waits */
    kci_agenda_todo(&a, &items[1]);
    kci_agenda_wait(&a, &items[1], clock_us + 100);
    cr_assert_eq(next(), -1); /* and the other way round */
    pass(100);
    cr_assert_eq(next(), 1);
    kci_agenda_wait(&a, &items[2], clock_us + 100);
    kci_agenda_remove(&items[2]);
    pass(100);
    cr_assert_eq(next(), -1);
    kci_agenda_todo(&a, &items[2]);
    kci_agenda_wait(&a, &items[3], clock_us + 100);
    pass(100);
    cr_assert_eq(next(), 2); /* one that was taken off and came back is not moved */
    cr_assert_eq(next(), 3);
}

static int64_t pause_of(kci_agenda_item *item)
{
    return item->not_before - clock_us;
}

/* base, 2 base, 4 base ..., by a factor of 0.8 to 1.2, up to the longest. */
Test(agenda, pauses_grow_with_the_failures_in_a_row)
{
    int64_t wanted = 100000;
    for (int i = 0; i < 40; i++) {
        kci_agenda_retry(&a, &items[0]);
        int64_t pause = pause_of(&items[0]);
        int64_t least = wanted < 1000000 ? wanted : 1000000;
        cr_assert_geq(pause, least * 8 / 10 - 1);
        cr_assert_leq(pause, least * 12 / 10 + 1);
        cr_assert_leq(pause, 1000000);
        wanted = least * 2;
    }
    kci_agenda_succeeded(&items[0]);
    kci_agenda_retry(&a, &items[0]);
    cr_assert_leq(pause_of(&items[0]), 120001);
    kci_agenda_retry(&a, &items[1]); /* others have failures of their own */
    cr_assert_leq(pause_of(&items[1]), 120001);
    kci_agenda_pause(&a, &items[2], 3);
    cr_assert_geq(pause_of(&items[2]), 319999);
    cr_assert_eq(items[2].failures, 0);
}

Test(agenda, the_timer_is_for_those_without_an_item_too)
{
    kci_agenda_wait(&a, &items[0], clock_us + 5000);
    kci_agenda_due_at(&a, clock_us + 3000);
    kci_agenda_due_at(&a, clock_us + 4000); /* later than what is set: nothing changes */
    pass(3000);
    cr_assert_eq(fired, 1);
    cr_assert_eq(next(), -1);
    pass(2000);
    cr_assert_eq(fired, 2);
    cr_assert_eq(next(), 0);
    kci_agenda_due_at(&a, clock_us + 10);
    pass(10);
    cr_assert_eq(fired, 3);
}
