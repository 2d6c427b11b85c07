/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/drive.h"
#include "io/event.h"
#include "io/wake_fd.h"
#include "pair.h"

typedef struct fixture {
    kci_sys *sys;
    kci_loop *loop;
    kci_event *event;
} fixture;

static fixture make(bool driven)
{
    fixture f = { .sys = kci_sys_posix(false) };
    cr_assert_eq(kci_loop_new(f.sys, &f.loop), KC_OK);
    cr_assert_eq(kci_event_new(f.loop, driven, &f.event), KC_OK);
    return f;
}

static void unmake(fixture *f)
{
    kci_event_free(f->event);
    kci_loop_free(f->loop);
}

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

Test(event, flag_and_deadline)
{
    fixture f = make(false);
    cr_assert_not(kci_event_is_set(f.event));
    int64_t now = f.sys->mono_us(f.sys);
    cr_assert_not(kci_event_wait(f.event, 0));
    cr_assert_not(kci_event_wait(f.event, now + 30000));
    int64_t took = f.sys->mono_us(f.sys) - now;
    cr_assert(took >= 30000, "%lld", (long long)took);
    kci_event_signal(f.event);
    kci_event_signal(f.event);
    cr_assert(kci_event_wait(f.event, 0));
    cr_assert(kci_event_wait(f.event, INT64_MAX));
    cr_assert(kci_event_is_set(f.event));
    kci_event_clear(f.event);
    cr_assert_not(kci_event_is_set(f.event));
    unmake(&f);
}

Test(event, descriptor_follows_the_flag)
{
    int before = count_fds();
    fixture f = make(false);
    int loop_fds = count_fds();
    kci_event_signal(f.event);
    kci_event_clear(f.event);
    cr_assert_eq(count_fds(), loop_fds, "no descriptor before it is asked for");
    kci_event_signal(f.event);
    int fd = kci_event_fd(f.event);
    cr_assert_geq(fd, 0);
    cr_assert_eq(kci_event_fd(f.event), fd);
    cr_assert(readable(fd));
    kci_event_clear(f.event);
    cr_assert_not(readable(fd));
    kci_event_signal(f.event);
    kci_event_signal(f.event);
    cr_assert(readable(fd));
    kci_event_clear(f.event);
    kci_event_clear(f.event);
    cr_assert_not(readable(fd));
    unmake(&f);
    cr_assert_eq(count_fds(), before);
}

/* A producer makes things and signals; a consumer clears, takes all, and waits when there is
 * nothing. A lost signal leaves both waiting. */
typedef struct exchange {
    fixture f;
    atomic_int made, taken;
    int total;
    bool by_fd;
} exchange;

static void *produce(void *arg)
{
    exchange *x = arg;
    for (int i = 1; i <= x->total; i++) {
        atomic_store_explicit(&x->made, i, memory_order_release);
        kci_event_signal(x->f.event);
        if (i % 16 == 0)
            while (atomic_load(&x->taken) < i)
                sched_yield();
    }
    return NULL;
}

static void wait_for_it(exchange *x)
{
    if (!x->by_fd) {
        cr_assert(kci_event_wait(x->f.event, x->f.sys->mono_us(x->f.sys) + 30000000), "lost");
        return;
    }
    struct pollfd p = { .fd = kci_event_fd(x->f.event), .events = POLLIN };
    cr_assert_eq(poll(&p, 1, 20000), 1, "lost");
}

static void run_exchange(bool by_fd)
{
    exchange x = { .f = make(false), .total = 50000, .by_fd = by_fd };
    pthread_t thread;
    pthread_create(&thread, NULL, produce, &x);
    while (atomic_load(&x.taken) < x.total) {
        wait_for_it(&x);
        kci_event_clear(x.f.event);
        atomic_store(&x.taken, atomic_load_explicit(&x.made, memory_order_acquire));
    }
    pthread_join(thread, NULL);
    unmake(&x.f);
}

Test(event, no_signal_is_lost)
{
    run_exchange(false);
}

Test(event, no_signal_is_lost_on_the_descriptor)
{
    run_exchange(true);
}

/* Where kci_event_clear drains the descriptor: another thread's signal, before or after it. */
void __real_kci_wake_fd_clear(const kci_wake_fd *w);
void __wrap_kci_wake_fd_clear(const kci_wake_fd *w);
static kci_event *signal_before, *signal_after;

void __wrap_kci_wake_fd_clear(const kci_wake_fd *w)
{
    if (signal_before)
        kci_event_signal(signal_before);
    __real_kci_wake_fd_clear(w);
    if (signal_after)
        kci_event_signal(signal_after);
}

Test(event, a_signal_in_the_middle_of_a_clear)
{
    for (int when = 0; when < 2; when++) {
        fixture f = make(false);
        int fd = kci_event_fd(f.event);
        kci_event_signal(f.event);
        signal_before = when == 0 ? f.event : NULL;
        signal_after = when == 1 ? f.event : NULL;
        kci_event_clear(f.event);
        signal_before = signal_after = NULL;
        cr_assert(!kci_event_is_set(f.event) || readable(fd), "set, and nobody is told");
        kci_event_signal(f.event);
        cr_assert(readable(fd));
        unmake(&f);
    }
}

static void *wait_long(void *arg)
{
    return kci_event_wait(arg, INT64_MAX) ? arg : NULL;
}

Test(event, wakes_all_who_wait)
{
    fixture f = make(false);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, wait_long, f.event);
    usleep(20000);
    kci_event_signal(f.event);
    for (int i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        cr_assert_not_null(result);
    }
    unmake(&f);
}

Test(event, out_of_memory)
{
    fixture f = make(false);
    kci_event *e;
    kci_mem_fail_after(1, false);
    cr_assert_eq(kci_event_new(f.loop, false, &e), KC_E_NO_MEMORY);
    kci_mem_fail_after(0, false);
    kci_event_free(NULL);
    unmake(&f);
}

/* driven: waiting runs the loop */

typedef struct ringer {
    kci_timer timer;
    kci_event *event;
} ringer;

static void ring(kci_timer *timer)
{
    kci_event_signal(KCI_CONTAINER_OF(timer, ringer, timer)->event);
}

Test(event, driven_wait_runs_the_loop)
{
    fixture f = make(true);
    cr_assert_eq(kci_loop_reserve_timers(f.loop, 1), KC_OK);
    ringer r = { .timer.fn = ring, .event = f.event };
    kci_timer_set(f.loop, &r.timer, kci_loop_now(f.loop) + 3600000000);
    cr_assert_not(kci_event_wait(f.event, kci_loop_now(f.loop) + 5000));
    kci_timer_set(f.loop, &r.timer, kci_loop_now(f.loop) + 20000);
    cr_assert(kci_event_wait(f.event, kci_loop_now(f.loop) + 30000000));
    kci_event_clear(f.event);
    kci_timer_set(f.loop, &r.timer, kci_loop_now(f.loop) + 20000);
    cr_assert(kci_event_wait(f.event, INT64_MAX));
    unmake(&f);
}

static void *signal_soon(void *arg)
{
    usleep(20000);
    kci_event_signal(arg);
    return NULL;
}

Test(event, driven_wait_is_woken_by_another_thread)
{
    fixture f = make(true);
    pthread_t thread;
    pthread_create(&thread, NULL, signal_soon, f.event);
    cr_assert(kci_event_wait(f.event, f.sys->mono_us(f.sys) + 30000000));
    pthread_join(thread, NULL);
    unmake(&f);
}

/* from a signal handler */

static kci_event *to_signal;

static void on_signal(int number)
{
    (void)number;
    int before = errno;
    kci_event_signal(to_signal);
    if (errno != before)
        abort();
}

/* The handler interrupts the waiting thread itself, at every point of its way to sleep. */
static void interrupted(bool driven)
{
    fixture f = make(driven);
    to_signal = f.event;
    struct sigaction action = { .sa_handler = on_signal };
    sigaction(SIGALRM, &action, NULL);
    for (int i = 1; i < 300; i++) {
        struct itimerval soon = { .it_value.tv_usec = 1 + i % 60 };
        setitimer(ITIMER_REAL, &soon, NULL);
        cr_assert(kci_event_wait(f.event, f.sys->mono_us(f.sys) + 30000000), "round %d", i);
        kci_event_clear(f.event);
    }
    signal(SIGALRM, SIG_DFL);
    unmake(&f);
}

Test(event, signal_handler_ends_a_wait)
{
    interrupted(false);
}

Test(event, signal_handler_ends_a_driven_wait)
{
    interrupted(true);
}

/* A world with a virtual clock, as the simulator has one: waiting costs no time at all, and exactly
 * as many waits as there are things that happen. */
typedef struct world {
    kci_sys sys;
    int64_t now_us;
    int waits;
} world;

static world the_world;

static int64_t world_mono(kci_sys *sys)
{
    return KCI_CONTAINER_OF(sys, world, sys)->now_us;
}

static kc_err world_poller_new(kci_sys *sys, kci_poller **out)
{
    (void)sys;
    static char poller;
    *out = (kci_poller *)(void *)&poller;
    return KC_OK;
}

static void world_poller_free(kci_poller *poller)
{
    (void)poller;
}

static int world_poller_wait(kci_poller *poller, kci_ready *ready, int cap, int64_t timeout_us)
{
    (void)poller;
    (void)ready;
    (void)cap;
    the_world.waits++;
    cr_assert_neq(timeout_us, -1, "nothing will ever happen");
    the_world.now_us += timeout_us;
    return 0;
}

static void world_poller_wake(kci_poller *poller)
{
    (void)poller;
}

Test(event, driven_wait_on_a_virtual_clock)
{
    the_world = (world){ .sys = { .mono_us = world_mono,
                                  .poller_new = world_poller_new,
                                  .poller_free = world_poller_free,
                                  .poller_wait = world_poller_wait,
                                  .poller_wake = world_poller_wake,
                                  .single_threaded = true } };
    kci_loop *loop;
    kci_event *event;
    cr_assert_eq(kci_loop_new(&the_world.sys, &loop), KC_OK);
    cr_assert_eq(kci_event_new(loop, true, &event), KC_OK);
    cr_assert_eq(kci_loop_reserve_timers(loop, 1), KC_OK);
    int64_t hour = (int64_t)3600 * 1000000;
    cr_assert_not(kci_event_wait(event, hour));
    cr_assert_eq(the_world.now_us, hour);
    cr_assert_eq(the_world.waits, 1);
    ringer r = { .timer.fn = ring, .event = event };
    kci_timer_set(loop, &r.timer, 3 * hour);
    cr_assert(kci_event_wait(event, 4 * hour));
    cr_assert_eq(the_world.now_us, 3 * hour);
    cr_assert_eq(the_world.waits, 2);
    kci_event_free(event);
    kci_loop_free(loop);
}

/* -- a loop without a thread, and several that wait ----------------------------------------------
 */

typedef struct standing {
    fixture *f;
    kci_event *event;
    int64_t deadline_us;
    bool set;
} standing;

static void *stand(void *arg)
{
    standing *s = arg;
    s->set = kci_event_wait(s->event, s->deadline_us);
    return NULL;
}

typedef struct bell {
    kci_timer timer;
    kci_event *event;
} bell;

static void ring_bell(kci_timer *timer)
{
    kci_event_signal(KCI_CONTAINER_OF(timer, bell, timer)->event);
}

Test(event, the_next_one_runs_the_loop_when_the_driver_leaves)
{
    enum { OTHERS = 3 };
    fixture f = make(true);
    bell bells[OTHERS];
    standing others[OTHERS];
    pthread_t threads[OTHERS];
    int64_t now = f.sys->mono_us(f.sys);
    cr_assert_eq(kci_loop_reserve_timers(f.loop, OTHERS), KC_OK);
    for (int i = 0; i < OTHERS; i++) {
        bells[i] = (bell){ .timer = { .fn = ring_bell } };
        cr_assert_eq(kci_event_new(f.loop, true, &bells[i].event), KC_OK);
        kci_timer_set(f.loop, &bells[i].timer, now + 40000 + i * 20000);
        others[i] = (standing){ &f, bells[i].event, INT64_MAX, false };
    }
    for (int i = 0; i < OTHERS; i++)
        pthread_create(&threads[i], NULL, stand, &others[i]);
    cr_expect_not(kci_event_wait(f.event, now + 20000));
    for (int i = 0; i < OTHERS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(others[i].set);
    }
    /* Whoever rang a bell may have been in kci_event_signal() still when its waiter was through. */
    for (int i = 0; i < OTHERS; i++)
        kci_event_free(bells[i].event);
    unmake(&f);
}

typedef struct post_by_other {
    kci_task task;
    kci_event *event;
} post_by_other;

static void on_post(kci_task *task)
{
    kci_event_signal(KCI_CONTAINER_OF(task, post_by_other, task)->event);
}

static void *post_and_wait(void *arg)
{
    fixture *f = arg;
    post_by_other p = { .task = { .fn = on_post } };
    cr_assert_eq(kci_event_new(f->loop, true, &p.event), KC_OK);
    for (int i = 0; i < 2000; i++) {
        kci_event_clear(p.event);
        kci_loop_post(f->loop, &p.task);
        cr_assert(kci_event_wait(p.event, INT64_MAX));
    }
    kci_event_free(p.event);
    return NULL;
}

/* Whoever claims the loop for itself gets it, however many wait, and they go on afterwards. */
Test(event, many_post_and_wait_while_the_loop_is_claimed)
{
    fixture f = make(true);
    pthread_t threads[3];
    for (int i = 0; i < 3; i++)
        pthread_create(&threads[i], NULL, post_and_wait, &f);
    for (int i = 0; i < 200; i++) {
        cr_assert(kci_drive_alone(f.loop, f.sys->mono_us(f.sys) + 30000000));
        cr_assert_not(kci_drive_try(f.loop));
        kci_loop_step(f.loop, 0);
        kci_drive_end(f.loop);
        kci_drive_step(f.loop, 100);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(threads[i], NULL);
    cr_expect(kci_drive_try(f.loop), "nobody is left on the seat");
    kci_drive_end(f.loop);
    unmake(&f);
}

Test(event, who_claims_a_loop_that_hangs_gives_up)
{
    fixture f = make(true);
    standing s = { &f, f.event, INT64_MAX, false };
    pthread_t thread;
    cr_assert(kci_drive_try(f.loop)); /* as if a callback hung */
    cr_expect_not(kci_drive_alone(f.loop, f.sys->mono_us(f.sys) + 20000));
    cr_expect_not(kci_event_wait(f.event, f.sys->mono_us(f.sys) + 20000));
    kci_drive_step(f.loop, 1000);
    pthread_create(&thread, NULL, stand, &s);
    usleep(20000);
    kci_drive_end(f.loop);
    kci_event_signal(f.event);
    pthread_join(thread, NULL);
    cr_expect(s.set);
    unmake(&f);
}
