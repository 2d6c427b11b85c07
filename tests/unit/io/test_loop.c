/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: timers, tasks, deferred tasks, watches, sleeping and waking. */
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/loop.h"
#include "pair.h"

static kci_loop *new_loop(bool use_poll)
{
    kci_loop *loop = NULL;
    cr_assert_eq(kci_loop_new(kci_sys_posix(use_poll), &loop), KC_OK);
    return loop;
}

/* timers */

typedef struct alarm_clock {
    kci_timer timer;
    kci_loop *loop;
    int id;
    int64_t fired_us;
    int again;
    kci_timer *stop;
} alarm_clock;

static int fired[64], fired_count;

static void on_timer(kci_timer *timer)
{
    alarm_clock *a = KCI_CONTAINER_OF(timer, alarm_clock, timer);
    cr_assert_not(kci_timer_is_set(timer));
    a->fired_us = kci_loop_now(a->loop);
    fired[fired_count++] = a->id;
    if (a->stop)
        kci_timer_stop(a->loop, a->stop);
    if (a->again-- > 0)
        kci_timer_set(a->loop, timer, kci_loop_now(a->loop));
}

static alarm_clock *clocks(kci_loop *loop, int n)
{
    static alarm_clock all[16];
    fired_count = 0;
    cr_assert_eq(kci_loop_reserve_timers(loop, n), KC_OK);
    for (int i = 0; i < n; i++)
        all[i] = (alarm_clock){ .timer.fn = on_timer, .loop = loop, .id = i };
    return all;
}

static void run_for(kci_loop *loop, int64_t us)
{
    int64_t until = kci_loop_now(loop) + us;
    for (int64_t left; (left = until - kci_loop_now(loop)) > 0;)
        kci_loop_step(loop, left);
}

BOTH_POLLERS(loop, timers_fire_in_order_and_not_early)
{
    kci_loop *loop = new_loop(use_poll);
    alarm_clock *a = clocks(loop, 5);
    int64_t now = kci_loop_now(loop);
    static const int64_t after[] = { 9000, 3300, 3300, 500, 20000 };
    cr_assert_eq(kci_loop_timeout(loop), -1);
    for (int i = 0; i < 5; i++)
        kci_timer_set(loop, &a[i].timer, now + after[i]);
    cr_assert_eq(kci_timer_at(&a[4].timer), now + 20000);
    int64_t left = kci_loop_timeout(loop);
    cr_assert(left >= 0 && left <= 500);
    kci_timer_set(loop, &a[4].timer, now + 6000); /* moved */
    run_for(loop, 15000);
    cr_assert_eq(fired_count, 5);
    static const int order[] = { 3, 1, 2, 4, 0 };
    cr_assert_arr_eq(fired, order, sizeof order);
    for (int i = 0; i < 4; i++)
        cr_assert_geq(a[i].fired_us, now + after[i]);
    cr_assert_eq(kci_loop_timeout(loop), -1);
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, timers_set_and_stopped_by_timers)
{
    kci_loop *loop = new_loop(use_poll);
    alarm_clock *a = clocks(loop, 3);
    int64_t now = kci_loop_now(loop);
    a[0].stop = &a[1].timer;
    a[0].again = 3;
    for (int i = 0; i < 3; i++)
        kci_timer_set(loop, &a[i].timer, now - 5 + i);
    cr_assert_eq(kci_loop_timeout(loop), 0);
    cr_assert_eq(kci_loop_step(loop, -1),
                 2); /* 0 and 2; the one set again waits for the next turn */
    cr_assert_eq(kci_loop_step(loop, -1), 1);
    run_for(loop, 2000);
    cr_assert_eq(fired_count, 5);
    cr_assert_not(kci_timer_is_set(&a[1].timer));
    kci_timer_stop(loop, &a[1].timer);
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, timers_below_a_millisecond)
{
    kci_loop *loop = new_loop(use_poll);
    alarm_clock *a = clocks(loop, 1);
    int64_t best = INT64_MAX;
    for (int i = 0; i < 20; i++) {
        int64_t at = kci_loop_now(loop) + 200;
        kci_timer_set(loop, &a[0].timer, at);
        fired_count = 0;
        while (!fired_count)
            kci_loop_step(loop, -1);
        int64_t late = a[0].fired_us - at;
        best = late < best ? late : best;
    }
    cr_assert(best >= 0 && best < 600, "%lld", (long long)best);
    kci_loop_free(loop);
}

/* tasks */

typedef struct job {
    kci_task task;
    kci_loop *loop;
    int id;
    int again;
    kci_task *other;
    bool take_back;
} job;

static void on_task(kci_task *task)
{
    job *j = KCI_CONTAINER_OF(task, job, task);
    fired[fired_count++] = j->id;
    if (j->take_back)
        kci_loop_undefer(j->loop, j->other);
    if (j->again-- > 0)
        kci_loop_post(j->loop, task);
}

static void on_deferred(kci_task *task)
{
    job *j = KCI_CONTAINER_OF(task, job, task);
    fired[fired_count++] = j->id;
    if (j->take_back)
        kci_loop_undefer(j->loop, j->other);
    if (j->again-- > 0)
        kci_loop_defer(j->loop, task);
}

static void on_deferring_task(kci_task *task)
{
    job *j = KCI_CONTAINER_OF(task, job, task);
    fired[fired_count++] = j->id;
    kci_loop_defer(j->loop, j->other);
}

BOTH_POLLERS(loop, tasks_run_in_order_and_once)
{
    kci_loop *loop = new_loop(use_poll);
    job j[3];
    fired_count = 0;
    for (int i = 0; i < 3; i++) {
        j[i] = (job){ .task.fn = on_task, .loop = loop, .id = i };
        kci_loop_post(loop, &j[i].task);
        kci_loop_post(loop, &j[0].task);
    }
    j[1].again = 1;
    cr_assert_eq(kci_loop_timeout(loop), 0);
    cr_assert_eq(kci_loop_step(loop, -1), 3);
    static const int order[] = { 0, 1, 2, 1 };
    cr_assert_arr_eq(fired, order, 3 * sizeof order[0]);
    cr_assert_eq(kci_loop_step(loop, -1), 1);
    cr_assert_eq(fired[3], 1);
    cr_assert_eq(kci_loop_step(loop, 0), 0);
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, deferred_tasks_end_the_turn)
{
    kci_loop *loop = new_loop(use_poll);
    alarm_clock *a = clocks(loop, 1);
    a[0].id = 7;
    kci_timer_set(loop, &a[0].timer, kci_loop_now(loop));
    job late = { .task.fn = on_deferred, .loop = loop, .id = 1, .again = 1 };
    job early = { .task.fn = on_deferring_task, .loop = loop, .id = 0, .other = &late.task };
    kci_loop_post(loop, &early.task);
    cr_assert_eq(kci_loop_step(loop, -1), 3);
    static const int order[] = { 0, 7, 1, 1 };
    cr_assert_arr_eq(fired, order, 3 * sizeof order[0]);
    cr_assert_eq(kci_loop_timeout(loop), 0);
    cr_assert_eq(kci_loop_step(loop, -1), 1); /* deferred by itself: the next turn */
    cr_assert_eq(kci_loop_step(loop, 0), 0);
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, deferred_tasks_can_be_taken_back)
{
    kci_loop *loop = new_loop(use_poll);
    fired_count = 0;
    job j[3];
    for (int i = 0; i < 3; i++)
        j[i] = (job){ .task.fn = on_deferred, .loop = loop, .id = i };
    j[0].other = &j[1].task;
    j[0].take_back = true;
    for (int i = 0; i < 3; i++)
        kci_loop_defer(loop, &j[i].task);
    kci_loop_defer(loop, &j[2].task);
    cr_assert_eq(kci_loop_step(loop, -1), 2); /* 0 takes 1 back while they run */
    cr_assert_eq(fired[1], 2);
    kci_loop_defer(loop, &j[1].task);
    kci_loop_undefer(loop, &j[1].task);
    kci_loop_undefer(loop, &j[1].task);
    cr_assert_eq(kci_loop_step(loop, 0), 0);
    kci_loop_free(loop);
}

/* other threads */

typedef struct counted {
    kci_task task;
    atomic_int runs;
} counted;

static void on_counted(kci_task *task)
{
    atomic_fetch_add(&KCI_CONTAINER_OF(task, counted, task)->runs, 1);
}

typedef struct looper {
    kci_loop *loop;
    atomic_bool stop;
    pthread_t thread;
    int steps;
} looper;

static void *run_loop(void *arg)
{
    looper *l = arg;
    while (!atomic_load(&l->stop)) {
        kci_loop_step(l->loop, -1);
        l->steps++;
    }
    return NULL;
}

static void stop_loop(looper *l)
{
    atomic_store(&l->stop, true);
    kci_loop_wake(l->loop);
    pthread_join(l->thread, NULL);
    kci_loop_free(l->loop);
}

/* A wake-up that is lost between looking at the mailbox and sleeping would hang here for ever. */
BOTH_POLLERS(loop, no_wake_up_is_lost)
{
    looper l = { .loop = new_loop(use_poll) };
    pthread_create(&l.thread, NULL, run_loop, &l);
    counted c = { .task.fn = on_counted };
    for (int i = 1; i <= 20000; i++) {
        kci_loop_post(l.loop, &c.task);
        for (int spins = 0; atomic_load(&c.runs) < i; spins++)
            if (spins > i % 100)
                sched_yield();
    }
    stop_loop(&l);
    cr_assert_eq(c.runs, 20000);
}

typedef struct poster {
    kci_loop *loop;
    pthread_t thread;
    counted tasks[8];
    int posts;
    int64_t plain; /* written before each post, read by the task: under TSan a race if unordered */
    counted *shared;
} poster;

static void *post_many(void *arg)
{
    poster *p = arg;
    for (p->posts = 0; p->posts < 20000; p->posts++) {
        kci_loop_post(p->loop, &p->tasks[p->posts % 8].task);
        kci_loop_post(p->loop, &p->shared->task);
    }
    return NULL;
}

BOTH_POLLERS(loop, many_posters)
{
    looper l = { .loop = new_loop(use_poll) };
    pthread_create(&l.thread, NULL, run_loop, &l);
    static poster posters[3];
    counted shared = { .task.fn = on_counted };
    for (int i = 0; i < 3; i++) {
        posters[i] = (poster){ .loop = l.loop, .shared = &shared };
        for (int k = 0; k < 8; k++)
            posters[i].tasks[k].task.fn = on_counted;
        pthread_create(&posters[i].thread, NULL, post_many, &posters[i]);
    }
    for (int i = 0; i < 3; i++)
        pthread_join(posters[i].thread, NULL);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 8; k++)
            while (atomic_load(&posters[i].tasks[k].task.queued))
                sched_yield();
    while (atomic_load(&shared.task.queued))
        sched_yield();
    stop_loop(&l);
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 8; k++)
            cr_assert(posters[i].tasks[k].runs >= 1 && posters[i].tasks[k].runs <= 2500);
    cr_assert_geq(shared.runs, 1);
}

/* What was written before a post must be seen by a run after it, even if the post was coalesced. */
typedef struct relay {
    kci_task task;
    atomic_int written; /* relaxed on purpose: the post orders it */
    atomic_int seen;
} relay;

static void on_relay(kci_task *task)
{
    relay *r = KCI_CONTAINER_OF(task, relay, task);
    atomic_store_explicit(&r->seen, atomic_load_explicit(&r->written, memory_order_relaxed),
                          memory_order_relaxed);
}

BOTH_POLLERS(loop, the_last_write_is_seen)
{
    looper l = { .loop = new_loop(use_poll) };
    pthread_create(&l.thread, NULL, run_loop, &l);
    relay r = { .task.fn = on_relay };
    for (int round = 0; round < 200; round++) {
        for (int i = 0; i < 100; i++) {
            atomic_fetch_add_explicit(&r.written, 1, memory_order_relaxed);
            kci_loop_post(l.loop, &r.task);
        }
        usleep(100);
    }
    for (int i = 0; i < 30000 && atomic_load(&r.seen) != 20000; i++)
        usleep(1000);
    stop_loop(&l);
    cr_assert_eq(r.seen, 20000);
}

/* the descriptor for loops that an application drives */

static bool readable(int fd)
{
    struct pollfd p = { .fd = fd, .events = POLLIN };
    return poll(&p, 1, 0) == 1;
}

Test(loop, descriptor_tells_of_tasks)
{
    kci_loop *loop = new_loop(false);
    counted before = { .task.fn = on_counted }, c = { .task.fn = on_counted };
    kci_loop_post(loop, &before.task);
    int fd = kci_loop_fd(loop);
    cr_assert_geq(fd, 0);
    cr_assert(readable(fd), "posted before the descriptor was asked for");
    kci_loop_step(loop, 0);
    cr_assert_not(readable(fd));
    kci_loop_post(loop, &c.task);
    cr_assert(readable(fd));
    cr_assert_eq(kci_loop_step(loop, 0), 1);
    cr_assert_not(readable(fd));
    job again = { .task.fn = on_task, .loop = loop, .again = 1 };
    fired_count = 0;
    kci_loop_post(loop, &again.task);
    kci_loop_step(loop, 0);
    cr_assert(readable(fd), "a task is left");
    kci_loop_step(loop, 0);
    cr_assert_not(readable(fd));
    cr_assert_eq(c.runs, 1);
    kci_loop_free(loop);

    loop = new_loop(true);
    cr_assert_eq(kci_loop_fd(loop), -1);
    kci_loop_free(loop);
}

/* watches */

typedef struct end_watch {
    kci_watch watch;
    kci_loop *loop;
    struct end_watch *other;
    int calls;
    uint32_t events;
} end_watch;

static void remove_other(kci_watch *watch, uint32_t events)
{
    end_watch *e = KCI_CONTAINER_OF(watch, end_watch, watch);
    e->calls++;
    e->events = events;
    if (e->other && e->other->watch.events) {
        kci_watch_set(e->loop, &e->other->watch, 0);
        memset(&e->other->watch, 0xdb, sizeof e->other->watch); /* as if freed */
    }
}

BOTH_POLLERS(loop, a_watch_ended_by_another)
{
    kci_loop *loop = new_loop(use_poll);
    int fds[4];
    cr_assert_eq(pipe(fds), 0);
    cr_assert_eq(pipe(fds + 2), 0);
    cr_assert_eq(write(fds[1], "x", 1), 1);
    cr_assert_eq(write(fds[3], "x", 1), 1);
    end_watch a = { .watch = { remove_other, fds[0], 0 }, .loop = loop };
    end_watch b = { .watch = { remove_other, fds[2], 0 }, .loop = loop };
    a.other = &b;
    b.other = &a;
    cr_assert_eq(kci_watch_set(loop, &a.watch, KCI_READABLE), 0);
    cr_assert_eq(kci_watch_set(loop, &b.watch, KCI_READABLE), 0);
    cr_assert_eq(kci_loop_step(loop, -1), 1);
    cr_assert_eq(a.calls + b.calls, 1);
    end_watch *left = a.calls ? &a : &b;
    cr_assert_eq(left->events, KCI_READABLE);
    left->other = NULL;
    cr_assert_eq(kci_loop_step(loop, -1), 1); /* level-triggered */
    kci_watch_set(loop, &left->watch, 0);
    cr_assert_eq(kci_loop_step(loop, 0), 0);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, more_ready_watches_than_one_wait_returns)
{
    enum { N = 150 };
    kci_loop *loop = new_loop(use_poll);
    static end_watch w[N];
    int fds[N][2];
    for (int i = 0; i < N; i++) {
        cr_assert_eq(pipe(fds[i]), 0);
        cr_assert_eq(write(fds[i][1], "x", 1), 1);
        w[i] = (end_watch){ .watch = { remove_other, fds[i][0], 0 }, .loop = loop };
        cr_assert_eq(kci_watch_set(loop, &w[i].watch, KCI_READABLE), 0);
    }
    for (int i = 0; i < 10; i++)
        kci_loop_step(loop, 0);
    for (int i = 0; i < N; i++) {
        cr_assert_geq(w[i].calls, 1, "%d starves", i);
        kci_watch_set(loop, &w[i].watch, 0);
        close(fds[i][0]);
        close(fds[i][1]);
    }
    kci_loop_free(loop);
}

BOTH_POLLERS(loop, bad_watches)
{
    kci_loop *loop = new_loop(use_poll);
    end_watch w = { .watch = { remove_other, -1, 0 }, .loop = loop };
    cr_assert_lt(kci_watch_set(loop, &w.watch, KCI_READABLE), 0);
    cr_assert_eq(w.watch.events, 0);
    cr_assert_eq(kci_watch_set(loop, &w.watch, 0), 0);
    int fds[2];
    cr_assert_eq(pipe(fds), 0);
    w.watch.sock = fds[0];
    if (!use_poll) {
        kci_mem_fail_after(1, false);
        cr_assert_lt(kci_watch_set(loop, &w.watch, KCI_READABLE), 0);
        kci_mem_fail_after(0, false);
    }
    cr_assert_eq(kci_watch_set(loop, &w.watch, KCI_READABLE), 0);
    kci_watch_set(loop, &w.watch, 0);
    close(fds[0]);
    close(fds[1]);
    kci_loop_free(loop);
}

/* making and breaking */

BOTH_POLLERS(loop, out_of_memory_and_descriptors)
{
    int before = count_fds();
    kci_loop *loop = NULL;
    for (int n = 1;; n++) {
        kci_mem_fail_after(n, false);
        kc_err err = kci_loop_new(kci_sys_posix(use_poll), &loop);
        kci_mem_fail_after(0, false);
        if (err == KC_OK)
            break;
        cr_assert_eq(err, KC_E_NO_MEMORY);
        cr_assert_eq(count_fds(), before);
    }
    kci_loop_free(loop);
    struct rlimit old, none;
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    kc_err err = kci_loop_new(kci_sys_posix(use_poll), &loop);
    setrlimit(RLIMIT_NOFILE, &old);
    cr_assert_eq(err, KC_E_IO);
    cr_assert_eq(count_fds(), before);
    kci_loop_free(NULL);
}

BOTH_POLLERS(loop, sleeps_without_turning)
{
    looper l = { .loop = new_loop(use_poll) };
    pthread_create(&l.thread, NULL, run_loop, &l);
    usleep(300000);
    stop_loop(&l);
    cr_assert_leq(l.steps, 3);
}

/* A program that closes descriptors which are not its own breaks the client, but must not get a
 * spinning thread. */
Test(loop, descriptors_closed_by_a_stranger)
{
    kci_loop *loop = new_loop(false);
    close(kci_loop_fd(loop));
    int steps = 0;
    int64_t until = kci_loop_now(loop) + 100000;
    for (int64_t left; (left = until - kci_loop_now(loop)) > 0; steps++)
        kci_loop_step(loop, left);
    cr_assert_leq(steps, 12);
    kci_loop_free(loop);
}
