/* SPDX-License-Identifier: Apache-2.0 */
/* Who is woken by what, and what a wait that ends says. Without threads: a wake-up that came before
 * the wait is found by it. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "core/waiters.h"

TestSuite(waiters, .timeout = 60);

typedef struct fixture {
    kci_sys *sys;
    kci_loop *loop;
    kci_waiters ws;
} fixture;

static void make(fixture *f)
{
    f->sys = kci_sys_posix(false);
    cr_assert_eq(kci_loop_new(f->sys, &f->loop), KC_OK);
    cr_assert_eq(kci_waiters_init(&f->ws, f->loop, false), KC_OK);
}

static void unmake(fixture *f)
{
    kci_waiters_free(&f->ws);
    kci_loop_free(f->loop);
}

static kci_waiter *begin(fixture *f, unsigned what)
{
    kci_waiter *w = NULL;
    cr_assert_eq(kci_waiters_begin(&f->ws, what, &w), KC_OK);
    return w;
}

/* What a wait says whose time is over. */
static kc_err look(fixture *f, kci_waiter *w)
{
    return kci_waiter_wait(&f->ws, w, 0);
}

Test(waiters, each_is_woken_by_what_it_waits_for)
{
    fixture f;
    make(&f);
    kci_waiter *room = begin(&f, KCI_WAIT_ROOM), *outcome = begin(&f, KCI_WAIT_OUTCOME),
               *both = begin(&f, KCI_WAIT_ROOM | KCI_WAIT_OUTCOME);
    kci_waiters_wake(&f.ws, KCI_WAIT_OUTCOME);
    cr_expect_eq(look(&f, room), KC_E_TIMED_OUT);
    cr_expect_eq(look(&f, outcome), KC_OK);
    cr_expect_eq(look(&f, both), KC_OK);
    cr_expect_eq(look(&f, outcome), KC_E_TIMED_OUT, "one wake-up is for one wait");
    kci_waiters_wake(&f.ws, KCI_WAIT_LIFE);
    cr_expect_eq(look(&f, room), KC_OK, "everybody waits for the end");
    cr_expect_eq(look(&f, outcome), KC_OK);
    cr_expect_eq(look(&f, both), KC_OK);
    kci_waiters_end(&f.ws, room);
    kci_waiters_end(&f.ws, outcome);
    kci_waiters_end(&f.ws, both);
    unmake(&f);
}

Test(waiters, one_knows_whether_somebody_waits)
{
    fixture f;
    make(&f);
    cr_expect_not(kci_waiters_any(&f.ws, ~0u));
    kci_waiter *w = begin(&f, KCI_WAIT_METADATA), *other = begin(&f, KCI_WAIT_ANSWER);
    cr_expect(kci_waiters_any(&f.ws, KCI_WAIT_METADATA));
    cr_expect_not(kci_waiters_any(&f.ws, KCI_WAIT_ROOM));
    kci_waiter_change(&f.ws, w, KCI_WAIT_ROOM);
    cr_expect(kci_waiters_any(&f.ws, KCI_WAIT_ROOM));
    cr_expect_not(kci_waiters_any(&f.ws, KCI_WAIT_METADATA));
    kci_waiters_wake(&f.ws, KCI_WAIT_METADATA);
    cr_expect_eq(look(&f, w), KC_E_TIMED_OUT);
    kci_waiters_wake(&f.ws, KCI_WAIT_ROOM);
    cr_expect_eq(look(&f, w), KC_OK);
    kci_waiters_end(&f.ws, w);
    cr_expect_not(kci_waiters_any(&f.ws, KCI_WAIT_ROOM));
    cr_expect(kci_waiters_any(&f.ws, KCI_WAIT_ANSWER));
    kci_waiters_end(&f.ws, other);
    cr_expect_not(kci_waiters_any(&f.ws, ~0u));
    unmake(&f);
}

Test(waiters, a_wake_up_of_the_last_wait_is_not_for_the_next_one)
{
    fixture f;
    make(&f);
    kci_waiter *first = begin(&f, KCI_WAIT_ROOM);
    kci_waiters_wake(&f.ws, KCI_WAIT_ROOM);
    kci_waiters_end(&f.ws, first);
    uint64_t before = kci_mem_count();
    kci_waiter *second = begin(&f, KCI_WAIT_ROOM);
    cr_expect_eq(second, first);
    cr_expect_eq(kci_mem_count(), before, "waiters are used again");
    cr_expect_eq(look(&f, second), KC_E_TIMED_OUT);
    kci_waiters_end(&f.ws, second);
    unmake(&f);
}

Test(waiters, interruptions_go_to_all_who_wait_or_to_the_next)
{
    fixture f;
    make(&f);
    kci_waiter *a = begin(&f, KCI_WAIT_ROOM), *b = begin(&f, KCI_WAIT_OUTCOME);
    kci_waiters_interrupt(&f.ws);
    cr_expect_eq(look(&f, a), KC_E_INTERRUPTED);
    cr_expect_eq(look(&f, b), KC_E_INTERRUPTED);
    cr_expect_neq(look(&f, b), KC_E_INTERRUPTED, "once");
    kci_waiters_end(&f.ws, a);
    kci_waiters_end(&f.ws, b);
    a = begin(&f, KCI_WAIT_ROOM);
    cr_expect_neq(look(&f, a), KC_E_INTERRUPTED, "nothing was left");
    kci_waiters_end(&f.ws, a);
    kci_waiters_interrupt(&f.ws);
    kci_waiters_interrupt(&f.ws);
    a = begin(&f, KCI_WAIT_ROOM);
    b = begin(&f, KCI_WAIT_ROOM);
    cr_expect_eq(look(&f, a), KC_E_INTERRUPTED, "nobody waited: the next one");
    cr_expect_eq(look(&f, b), KC_E_TIMED_OUT, "and only that");
    kci_waiters_interrupt(&f.ws);
    kci_waiters_end(&f.ws, a);
    kci_waiters_end(&f.ws, b);
    a = begin(&f, KCI_WAIT_ROOM);
    cr_expect_eq(look(&f, a), KC_E_INTERRUPTED, "what came too late is kept");
    kci_waiters_end(&f.ws, a);
    unmake(&f);
}

Test(waiters, the_deaf_are_not_interrupted_and_take_nobodys_interruption)
{
    fixture f;
    make(&f);
    kci_waiters_interrupt(&f.ws);
    kci_waiter *deaf = begin(&f, KCI_WAIT_OUTCOME | KCI_WAIT_DEAF);
    cr_expect_eq(look(&f, deaf), KC_E_TIMED_OUT);
    kci_waiters_wake(&f.ws, KCI_WAIT_OUTCOME);
    cr_expect_eq(look(&f, deaf), KC_OK);
    kci_waiter *other = begin(&f, KCI_WAIT_OUTCOME);
    cr_expect_eq(look(&f, other), KC_E_INTERRUPTED);
    kci_waiters_interrupt(&f.ws);
    cr_expect_eq(look(&f, deaf), KC_E_TIMED_OUT);
    cr_expect_eq(look(&f, other), KC_E_INTERRUPTED);
    kci_waiters_end(&f.ws, other);
    kci_waiters_end(&f.ws, deaf);
    unmake(&f);
}

Test(waiters, ones_own_waiter_needs_no_memory_and_stays_ones_own)
{
    fixture f;
    kci_waiter *own = NULL;
    make(&f);
    cr_assert_eq(kci_waiter_new(&f.ws, &own), KC_OK);
    kci_mem_fail_after(1, true);
    for (int i = 0; i < 3; i++) {
        kci_waiter *other = NULL;
        kci_waiter_begin(&f.ws, own, KCI_WAIT_LIFE);
        kci_waiters_wake(&f.ws, KCI_WAIT_LIFE);
        cr_expect_eq(look(&f, own), KC_OK);
        kci_waiters_end(&f.ws, own);
        cr_expect_eq(kci_waiters_begin(&f.ws, KCI_WAIT_ROOM, &other), KC_E_NO_MEMORY);
    }
    kci_mem_fail_after(0, false);
    kci_waiter_free(own);
    unmake(&f);
}

Test(waiters, without_memory_there_is_no_waiter_and_no_leak)
{
    fixture f;
    kci_waiter *w = NULL;
    make(&f);
    int64_t before = kci_mem_live();
    for (int n = 1; n <= 2; n++) {
        kci_mem_fail_after(n, false);
        cr_expect_eq(kci_waiters_begin(&f.ws, KCI_WAIT_ROOM, &w), KC_E_NO_MEMORY);
        cr_expect_eq(kci_waiter_new(&f.ws, &w), KC_OK);
        kci_mem_fail_after(0, false);
        kci_waiter_free(w);
        cr_expect_eq(kci_mem_live(), before);
        cr_expect_not(kci_waiters_any(&f.ws, ~0u));
    }
    unmake(&f);
}
