/* SPDX-License-Identifier: Apache-2.0 */
/* The gate under threads: what it guards is plain memory, so a broken gate shows as a wrong sum,
 * and under ThreadSanitizer as a race. */
#include <criterion/criterion.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/gate.h"

typedef struct guarded {
    kci_gate gate;
    uint64_t a, b; /* always equal outside */
    atomic_bool stop;
    atomic_int hooks;
    uint64_t owner_count, other_count[3];
    bool wrong;
} guarded;

static void work(guarded *g)
{
    uint64_t a = g->a;
    if (g->b != a)
        g->wrong = true;
    g->a = a + 1;
    for (volatile int i = 0; i < 3; i++) {
    }
    g->b = g->a;
}

static void on_leave(void *arg)
{
    guarded *g = arg;
    atomic_fetch_add(&g->hooks, 1);
}

static guarded *new_guarded(bool strong)
{
    guarded *g = calloc(1, sizeof *g);
    cr_assert_eq(kci_gate_init(&g->gate, on_leave, g), KC_OK);
    if (strong)
        g->gate.strong = true;
    return g;
}

static void free_guarded(guarded *g)
{
    cr_assert_not(g->wrong);
    cr_assert_eq(g->a, g->b);
    kci_gate_destroy(&g->gate);
    free(g);
}

static void *owner(void *arg)
{
    guarded *g = arg;
    do {
        kci_gate_enter(&g->gate);
        work(g);
        kci_gate_leave(&g->gate);
        g->owner_count++;
    } while (!atomic_load_explicit(&g->stop, memory_order_relaxed));
    return NULL;
}

typedef struct other_args {
    guarded *g;
    int index, pause_us;
} other_args;

static void *other(void *arg)
{
    other_args *o = arg;
    do { /* once at least, however late it begins */
        kci_gate_enter(&o->g->gate);
        work(o->g);
        kci_gate_leave(&o->g->gate);
        o->g->other_count[o->index]++;
        if (o->pause_us)
            usleep((useconds_t)o->pause_us);
    } while (!atomic_load_explicit(&o->g->stop, memory_order_relaxed));
    return NULL;
}

static void stress_on(guarded *g, int others, int pause_us, int ms)
{
    pthread_t threads[4];
    other_args args[3];
    pthread_create(&threads[0], NULL, owner, g);
    while (atomic_load(&g->gate.passes) < 4)
        sched_yield();
    for (int i = 0; i < others; i++) {
        args[i] = (other_args){ g, i, pause_us };
        pthread_create(&threads[1 + i], NULL, other, &args[i]);
    }
    usleep((useconds_t)ms * 1000);
    atomic_store(&g->stop, true);
    uint64_t sum = 0;
    for (int i = 0; i <= others; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < others; i++) {
        cr_assert_gt(g->other_count[i], 0);
        sum += g->other_count[i];
    }
    cr_assert_gt(g->owner_count, 0);
    cr_assert_eq(g->a, sum + g->owner_count);
}

static void stress(bool strong, int others, int pause_us, int ms)
{
    guarded *g = new_guarded(strong);
    stress_on(g, others, pause_us, ms);
    free_guarded(g);
}

Test(gate, one_thread)
{
    guarded *g = new_guarded(false);
    for (int i = 0; i < 1000; i++) {
        kci_gate_enter(&g->gate);
        work(g);
        kci_gate_leave(&g->gate);
    }
    cr_assert_eq(g->a, 1000);
    cr_assert_eq(atomic_load(&g->gate.passes), 2 * 999, "the first pass makes the owner");
    free_guarded(g);
}

Test(gate, a_visitor_now_and_then)
{
    stress(false, 1, 50, 400);
}

Test(gate, a_visitor_now_and_then_without_membarrier)
{
    stress(true, 1, 50, 400);
}

Test(gate, two_visitors)
{
    stress(false, 2, 20, 400);
    stress(true, 2, 20, 200);
}

Test(gate, crowd)
{
    stress(false, 3, 0, 400);
    stress(true, 3, 0, 200);
}

Test(gate, bias_is_dropped_when_others_keep_coming)
{
    guarded *g = new_guarded(false);
    kci_gate_enter(&g->gate);
    kci_gate_leave(&g->gate);
    cr_assert_eq(atomic_load(&g->gate.owner), kci_gate_self());
    other_args args = { g, 0, 0 };
    pthread_t thread;
    pthread_create(&thread, NULL, other, &args);
    for (;;) {
        pthread_mutex_lock(&g->gate.lock);
        bool biased = g->gate.biased;
        pthread_mutex_unlock(&g->gate.lock);
        if (!biased)
            break;
        usleep(1000);
    }
    for (int i = 0; i < 1000; i++) {
        kci_gate_enter(&g->gate);
        work(g);
        kci_gate_leave(&g->gate);
    }
    atomic_store(&g->stop, true);
    pthread_join(thread, NULL);
    cr_assert_eq(g->a, 1000 + g->other_count[0]);
    free_guarded(g);
}

static void pass(guarded *g, int times)
{
    for (int i = 0; i < times; i++) {
        kci_gate_enter(&g->gate);
        work(g);
        kci_gate_leave(&g->gate);
    }
}

/* What counts is how often the owner came since the last visitor, not since the beginning. */
Test(gate, the_bias_lasts_as_long_as_the_owner_comes_more_often)
{
    guarded *g = new_guarded(false);
    pthread_t thread;
    other_args args = { g, 0, 0 };
    atomic_store(&g->stop, true); /* each visitor comes once */
    for (int visit = 0; visit < 100; visit++) {
        pass(g, 100);
        pthread_create(&thread, NULL, other, &args);
        pthread_join(thread, NULL);
    }
    cr_assert(g->gate.biased);
    for (int visit = 0; visit < 40; visit++) {
        pthread_create(&thread, NULL, other, &args);
        pthread_join(thread, NULL);
    }
    cr_assert_not(g->gate.biased);
    free_guarded(g);
}

/* The loop's side: whenever it does not get in, the hook must come, or its work would lie for ever.
 */
static void try_side_on(guarded *g, int others)
{
    pthread_t threads[4];
    other_args args[3];
    pthread_create(&threads[0], NULL, owner, g);
    while (atomic_load(&g->gate.passes) < 4)
        sched_yield();
    for (int i = 0; i < others; i++) {
        args[i] = (other_args){ g, i, 20 };
        pthread_create(&threads[1 + i], NULL, other, &args[i]);
    }
    uint64_t got_in = 0;
    int refused = 0;
    for (int i = 0; i < 20000; i++) {
        int hooks = atomic_load(&g->hooks);
        if (kci_gate_try_enter(&g->gate)) {
            work(g);
            kci_gate_leave(&g->gate);
            got_in++;
            continue;
        }
        refused++;
        int spins = 0;
        while (atomic_load(&g->hooks) == hooks) {
            cr_assert_lt(++spins, 30000, "the hook was forgotten");
            if (spins > 50)
                usleep(1000);
            else
                sched_yield();
        }
    }
    atomic_store(&g->stop, true);
    uint64_t sum = got_in;
    for (int i = 0; i <= others; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < others; i++)
        sum += g->other_count[i];
    cr_assert_eq(g->a, sum + g->owner_count);
    cr_assert_gt(got_in, 0);
    cr_assert(refused == 0 || atomic_load(&g->hooks) > 0);
}

static void try_side(bool strong, int others)
{
    guarded *g = new_guarded(strong);
    try_side_on(g, others);
    free_guarded(g);
}

Test(gate, try_enter)
{
    try_side(false, 0);
    try_side(false, 2);
}

Test(gate, try_enter_without_membarrier)
{
    try_side(true, 0);
    try_side(true, 2);
}

/* What was refused once is owed its hook, even if the next attempt gets in: it may be made for
 * something else. */
static void try_twice(bool strong)
{
    guarded *g = new_guarded(strong);
    pthread_t thread;
    int refused = 0;
    pthread_create(&thread, NULL, owner, g);
    while (atomic_load(&g->gate.passes) < 4)
        sched_yield();
    /* At least one refusal, which takes until the owner has a processor of its own. */
    for (int i = 0; (i < 300000 && refused < 3000) || (i < 100000000 && refused == 0); i++) {
        if (i > 300000 && i % 1000 == 0)
            usleep(100);
        int hooks = atomic_load(&g->hooks);
        bool inside = kci_gate_try_enter(&g->gate);
        bool owed = !inside;
        while (!inside)
            inside = kci_gate_try_enter(&g->gate);
        kci_gate_leave(&g->gate);
        refused += owed;
        for (int spins = 0; owed && atomic_load(&g->hooks) == hooks; spins++) {
            cr_assert_lt(spins, 30000, "the hook was forgotten, after %d refusals", refused);
            if (spins > 50)
                usleep(1000);
        }
    }
    cr_assert_gt(refused, 0);
    atomic_store(&g->stop, true);
    pthread_join(thread, NULL);
    free_guarded(g);
}

Test(gate, a_refusal_is_not_forgotten_by_the_next_attempt)
{
    try_twice(false);
    try_twice(true);
}

Test(gate, try_enter_while_inside)
{
    guarded *g = new_guarded(false);
    for (int i = 0; i < 3; i++) { /* as newcomer, then as owner */
        kci_gate_enter(&g->gate);
        cr_assert_not(kci_gate_try_enter(&g->gate));
        cr_assert_eq(atomic_load(&g->hooks), i);
        kci_gate_leave(&g->gate);
        cr_assert_eq(atomic_load(&g->hooks), i + 1);
        cr_assert_eq(atomic_load(&g->gate.attention), 0, "the owner is let off the slow path");
    }
    cr_assert(kci_gate_try_enter(&g->gate));
    kci_gate_leave(&g->gate);
    cr_assert_eq(atomic_load(&g->hooks), 3, "no hook without need");
    kci_gate_enter(&g->gate);
    kci_gate_leave(&g->gate);
    cr_assert_eq(atomic_load(&g->gate.attention), 0);
    free_guarded(g);
}

#if __has_include(<linux/seccomp.h>)

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

/* From here on this thread, and those that it starts, are refused membarrier(2), as in a program
 * that has locked itself up. */
static void refuse_membarrier(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof code / sizeof code[0], code };

    cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
    cr_assert_eq(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
    cr_assert_eq(syscall(SYS_membarrier, 0, 0, 0), -1);
}

Test(gate, membarrier_refused_from_the_start)
{
    refuse_membarrier();
    guarded *g = new_guarded(false);
    cr_assert(g->gate.strong);
    stress_on(g, 2, 20, 200);
    free_guarded(g);
}

Test(gate, membarrier_refused_later)
{
    guarded *gates[] = { new_guarded(false), new_guarded(false) };
    bool had = !gates[0]->gate.strong;
    refuse_membarrier();
    stress_on(gates[0], 1, 50, 400);
    stress_on(gates[1], 3, 0, 400);
    for (int i = 0; i < 2; i++) {
        cr_assert(!had || !gates[i]->gate.biased, "no owner without what makes others see it");
        free_guarded(gates[i]);
    }
}

/* The loop's thread alone does not end the bias, but the owner must be kept from passing by. */
Test(gate, membarrier_refused_later_and_only_attempts)
{
    guarded *g = new_guarded(false);
    bool had = !g->gate.strong;
    refuse_membarrier();
    try_side_on(g, 0);
    cr_assert(!had || g->gate.refused);
    cr_assert(!had || atomic_load(&g->gate.attention) != 0, "the owner would pass the lock by");
    free_guarded(g);
}

#endif
