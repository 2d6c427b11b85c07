/* SPDX-License-Identifier: Apache-2.0 */
/* One turn: sleep in the poller, then sockets, then the tasks posted so far, then timers, then the
 * deferred tasks.
 *
 * The mailbox is a stack: a poster pushes by one compare-and-swap, the loop takes all by one
 * exchange and turns them round. The stack's head also says whether the loop sleeps: it is then
 * ASLEEP, which the first poster replaces and so knows that it, and only it, has to wake the loop.
 * There is no second flag and thus no race between looking and sleeping. */
#include "io/loop.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "base/planted.h"
#include "io/drive.h"

enum { READY_MAX = 64 };

typedef struct task_queue {
    kci_task *first, *last;
} task_queue;

struct kci_loop {
    kci_sys *sys;
    kci_poller *poller;
    int64_t now_us;
    kci_heap timers;
    task_queue posted;   /* taken from the inbox, not yet run */
    task_queue deferred; /* for the end of the turn */
    task_queue running;  /* the deferred ones of this turn that have not run yet */
    kci_ready ready[READY_MAX];
    int ready_at, ready_count;
    bool in_step;
    atomic_bool fd_used; /* someone waits on the loop's descriptor between steps */
    atomic_bool has_thread;
    pthread_t thread; /* of the present or last step */
    kci_seat seat;
    char apart[64]; /* posters do not disturb the cache line of what is above */
    _Atomic(kci_task *) inbox;
};

/* What the inbox holds while the loop sleeps. Never run, never changed. */
static kci_task asleep;
#define ASLEEP (&asleep)

kc_err kci_loop_new(kci_sys *sys, kci_loop **out)
{
    kci_loop *loop = kci_calloc(1, sizeof *loop);
    if (!loop)
        return KC_E_NO_MEMORY;
    loop->sys = sys;
    kc_err err = kci_seat_init(&loop->seat);
    if (err != KC_OK) {
        kci_free(loop);
        return err;
    }
    err = sys->poller_new(sys, &loop->poller);
    if (err != KC_OK) {
        kci_seat_destroy(&loop->seat);
        kci_free(loop);
        return err;
    }
    loop->now_us = sys->mono_us(sys);
    *out = loop;
    return KC_OK;
}

void kci_loop_free(kci_loop *loop)
{
    if (!loop)
        return;
    loop->sys->poller_free(loop->poller);
    kci_heap_free(&loop->timers);
    kci_seat_destroy(&loop->seat);
    kci_free(loop);
}

kci_sys *kci_loop_sys(kci_loop *loop)
{
    return loop->sys;
}

int64_t kci_loop_now(kci_loop *loop)
{
    if (!loop->in_step) /* an application that drives the loop may have been away for long */
        loop->now_us = loop->sys->mono_us(loop->sys);
    return loop->now_us;
}

void kci_loop_assert_on(kci_loop *loop)
{
    (void)loop;
    assert(!atomic_load_explicit(&loop->has_thread, memory_order_acquire) ||
           pthread_equal(loop->thread, pthread_self()));
}

/* queues of tasks; their links are the loop's own, so relaxed is enough */

static void queue_push(task_queue *q, kci_task *task)
{
    atomic_store_explicit(&task->next, NULL, memory_order_relaxed);
    if (q->last)
        atomic_store_explicit(&q->last->next, task, memory_order_relaxed);
    else
        q->first = task;
    q->last = task;
}

static kci_task *queue_pop(task_queue *q)
{
    kci_task *task = q->first;
    if (!task)
        return NULL;
    q->first = atomic_load_explicit(&task->next, memory_order_relaxed);
    if (!q->first)
        q->last = NULL;
    return task;
}

static void queue_remove(task_queue *q, kci_task *task)
{
    task_queue kept = { 0 };
    for (kci_task *t; (t = queue_pop(q));)
        if (t != task)
            queue_push(&kept, t);
    *q = kept;
}

/* the mailbox */

void kci_loop_post(kci_loop *loop, kci_task *task)
{
    /* An exchange, not a load: when the task is still queued, this makes what the caller wrote
     * before visible to the run that is to come. */
    if (atomic_exchange_explicit(&task->queued, true, memory_order_acq_rel))
        return;
    if (KCI_BUG_EVERY(LOST_WAKE_UP, 20)) {
        atomic_store(&task->queued, false);
        return;
    }
    kci_task *head = atomic_load_explicit(&loop->inbox, memory_order_relaxed);
    do
        atomic_store_explicit(&task->next, head == ASLEEP ? NULL : head, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&loop->inbox, &head, task, memory_order_acq_rel,
                                                  memory_order_relaxed));
    if (head == ASLEEP)
        loop->sys->poller_wake(loop->poller);
}

void kci_loop_wake(kci_loop *loop)
{
    loop->sys->poller_wake(loop->poller);
}

/* Moves the inbox to `posted`, oldest first. */
static void take_inbox(kci_loop *loop)
{
    if (!atomic_load_explicit(&loop->inbox, memory_order_relaxed))
        return;
    kci_task *task = atomic_exchange_explicit(&loop->inbox, NULL, memory_order_acq_rel);
    kci_task *oldest = NULL;
    while (task && task != ASLEEP) {
        kci_task *older = atomic_load_explicit(&task->next, memory_order_relaxed);
        atomic_store_explicit(&task->next, oldest, memory_order_relaxed);
        oldest = task;
        task = older;
    }
    while (oldest) {
        kci_task *newer = atomic_load_explicit(&oldest->next, memory_order_relaxed);
        queue_push(&loop->posted, oldest);
        oldest = newer;
    }
}

/* Marks the loop as sleeping; false if a task has come, and then it must not sleep. */
static bool fall_asleep(kci_loop *loop)
{
    kci_task *head = NULL;
    return atomic_compare_exchange_strong_explicit(&loop->inbox, &head, ASLEEP,
                                                   memory_order_acq_rel, memory_order_relaxed) ||
           head == ASLEEP;
}

static void run_task(kci_task *task)
{
    kci_task_fn fn = task->fn;
    atomic_exchange_explicit(&task->queued, false, memory_order_acq_rel);
    fn(task); /* may post, defer or free the task */
}

static int run_posted(kci_loop *loop)
{
    int n = 0;
    for (kci_task *task; (task = queue_pop(&loop->posted)); n++)
        run_task(task); /* what it posts goes to the inbox, for the next turn */
    return n;
}

static int run_deferred(kci_loop *loop)
{
    loop->running = loop->deferred; /* what these defer runs in the next turn */
    loop->deferred = (task_queue){ 0 };
    int n = 0;
    for (kci_task *task; (task = queue_pop(&loop->running)); n++)
        run_task(task);
    return n;
}

void kci_loop_defer(kci_loop *loop, kci_task *task)
{
    if (atomic_load_explicit(&task->queued, memory_order_relaxed))
        return;
    atomic_store_explicit(&task->queued, true, memory_order_relaxed);
    queue_push(&loop->deferred, task);
}

void kci_loop_undefer(kci_loop *loop, kci_task *task)
{
    if (!atomic_load_explicit(&task->queued, memory_order_relaxed))
        return;
    queue_remove(&loop->deferred, task);
    queue_remove(&loop->running, task);
    atomic_store_explicit(&task->queued, false, memory_order_relaxed);
}

/* timers */

kc_err kci_loop_reserve_timers(kci_loop *loop, int32_t delta)
{
    return kci_heap_reserve(&loop->timers, delta);
}

void kci_timer_set(kci_loop *loop, kci_timer *timer, int64_t at_us)
{
    bool put = kci_heap_put(&loop->timers, &timer->node, at_us);
    assert(put && "a timer without reservation");
    (void)put;
}

void kci_timer_stop(kci_loop *loop, kci_timer *timer)
{
    kci_heap_remove(&loop->timers, &timer->node);
}

static int run_timers(kci_loop *loop)
{
    uint64_t before = loop->timers.next_order; /* those set from here on wait for the next turn */
    int n = 0;
    for (kci_heap_node *node; (node = kci_heap_first(&loop->timers)); n++) {
        if (node->key > loop->now_us || node->order >= before)
            break;
        kci_timer *timer = KCI_CONTAINER_OF(node, kci_timer, node);
        kci_heap_remove(&loop->timers, node);
        timer->fn(timer);
    }
    return n;
}

int64_t kci_loop_timeout(kci_loop *loop)
{
    kci_task *head = atomic_load_explicit(&loop->inbox, memory_order_acquire);
    if ((head && head != ASLEEP) || loop->posted.first || loop->deferred.first)
        return 0;
    const kci_heap_node *node = kci_heap_first(&loop->timers);
    if (!node)
        return -1;
    int64_t left = node->key - loop->sys->mono_us(loop->sys);
    return left > 0 ? left : 0;
}

/* sockets */

int kci_watch_set(kci_loop *loop, kci_watch *watch, uint32_t events)
{
    if (events == watch->events)
        return 0;
    int err = loop->sys->poller_watch(loop->poller, watch->sock, events, watch);
    if (err != 0 && events != 0)
        return err;
    watch->events = events;
    if (events != 0)
        return 0;
    for (int i = loop->ready_at; i < loop->ready_count; i++) /* it may be freed now */
        if (loop->ready[i].ptr == watch)
            loop->ready[i].ptr = NULL;
    return err;
}

static int run_ready(kci_loop *loop)
{
    int n = 0;
    while (loop->ready_at < loop->ready_count) {
        kci_ready r = loop->ready[loop->ready_at++];
        kci_watch *watch = r.ptr;
        if (!watch || !(r.events & watch->events))
            continue;
        watch->fn(watch, r.events & watch->events);
        n++;
    }
    loop->ready_at = loop->ready_count = 0;
    return n;
}

/* the turn */

static int64_t sleep_time(kci_loop *loop, int64_t max_wait_us)
{
    if (max_wait_us == 0)
        return 0;
    int64_t next = kci_loop_timeout(loop);
    int64_t wait = next < 0 || (max_wait_us > 0 && max_wait_us < next) ? max_wait_us : next;
    return wait != 0 && fall_asleep(loop) ? wait : 0;
}

/* Whoever waits on the descriptor must be woken by the first task that is posted from now on. */
static void arm_fd(kci_loop *loop)
{
    if (!atomic_load_explicit(&loop->fd_used, memory_order_acquire))
        return;
    if (loop->posted.first || loop->deferred.first || !fall_asleep(loop))
        loop->sys->poller_wake(loop->poller);
}

int kci_loop_step(kci_loop *loop, int64_t max_wait_us)
{
    if (loop->in_step) {
        assert(!"kci_loop_step from inside the loop");
        return 0;
    }
    loop->in_step = true;
    if (!atomic_load_explicit(&loop->has_thread, memory_order_relaxed) ||
        !pthread_equal(loop->thread, pthread_self())) {
        loop->thread = pthread_self();
        atomic_store_explicit(&loop->has_thread, true, memory_order_release);
    }

    int64_t wait = sleep_time(loop, max_wait_us);
    int n = loop->sys->poller_wait(loop->poller, loop->ready, READY_MAX, wait);
    loop->now_us = loop->sys->mono_us(loop->sys);
    loop->ready_at = 0;
    loop->ready_count = n > 0 ? n : 0;

    int ran = run_ready(loop);
    take_inbox(loop);
    ran += run_posted(loop);
    ran += run_timers(loop);
    ran += run_deferred(loop);
    arm_fd(loop);
    loop->in_step = false;
    return ran;
}

int kci_loop_fd(kci_loop *loop)
{
    int fd = loop->sys->poller_fd(loop->poller);
    if (fd >= 0 && !atomic_exchange(&loop->fd_used, true))
        loop->sys->poller_wake(loop->poller); /* what was posted before shows */
    return fd;
}

void kci_loop_tell_fd(kci_loop *loop)
{
    if (atomic_load_explicit(&loop->fd_used, memory_order_acquire))
        loop->sys->poller_wake(loop->poller);
}

kci_seat *kci_loop_seat(kci_loop *loop)
{
    return &loop->seat;
}
