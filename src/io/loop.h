/* SPDX-License-Identifier: Apache-2.0 */
/* The event loop: sockets, timers and a mailbox on one thread. It never runs user code except the
 * log callback, has no periodic tick, and sleeps until a socket, a timer or a task is due.
 *
 * Threads: everything here belongs to the loop's thread ("loop"), unless marked "any". The loop's
 * thread is whoever calls kci_loop_step(): one thread at a time. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include "base/heap.h"
#include "io/sys.h"

typedef struct kci_loop kci_loop;

/* A one-shot timer, embedded in its owner; no allocation. Zeroed = idle. */
typedef struct kci_timer kci_timer;
typedef void (*kci_timer_fn)(kci_timer *timer);
struct kci_timer {
    kci_timer_fn fn;
    kci_heap_node node; /* the loop's; timers of the same time fire in the order they were set */
};

/* A message to the loop, embedded in its owner; no allocation. A posted task is run once and may be
 * posted again from then on; posting one that is still queued does nothing (coalescing). */
typedef struct kci_task kci_task;
typedef void (*kci_task_fn)(kci_task *task);
struct kci_task {
    kci_task_fn fn;
    _Atomic(kci_task *) next;
    _Atomic(bool) queued;
};

/* A watched socket, embedded in its owner. */
typedef struct kci_watch kci_watch;
typedef void (*kci_watch_fn)(kci_watch *watch, uint32_t events); /* KCI_READABLE | KCI_WRITABLE */
struct kci_watch {
    kci_watch_fn fn;
    int sock;
    uint32_t events; /* what is asked for; 0: idle */
};

kc_err kci_loop_new(kci_sys *sys, kci_loop **out); /* any */

/* Frees the loop; timers, tasks and watches must be gone. Thread: any, when nobody steps it. */
void kci_loop_free(kci_loop *loop);

kci_sys *kci_loop_sys(kci_loop *loop); /* any */

/* Monotonic microseconds, read once per turn of the loop: the time for all decisions in a turn.
 * Between turns it is the present time. */
int64_t kci_loop_now(kci_loop *loop);

/* Runs what is due; before that sleeps until something is, at most max_wait_us (-1: no limit; 0:
 * does not sleep). Returns how many callbacks it ran. */
int kci_loop_step(kci_loop *loop, int64_t max_wait_us);

/* Microseconds until the next timer or queued task, 0 if due, -1 if there is none. */
int64_t kci_loop_timeout(kci_loop *loop);

/* Readable when kci_loop_step(loop, 0) would do something other than a timer; -1 in the simulator.
 */
int kci_loop_fd(kci_loop *loop); /* any */

/* Who runs it, when it has no thread (io/drive.h). */
struct kci_seat *kci_loop_seat(kci_loop *loop); /* any */

/* Makes the descriptor readable once, if somebody uses it: timers may have been set. */
void kci_loop_tell_fd(kci_loop *loop); /* any */

/* Sets (or moves) a timer; timer->fn must be set. Cannot fail for lack of memory once the loop has
 * reserved room: kci_loop_reserve_timers(). */
void kci_timer_set(kci_loop *loop, kci_timer *timer, int64_t at_us);
void kci_timer_stop(kci_loop *loop, kci_timer *timer); /* idle is fine */
static inline bool kci_timer_is_set(const kci_timer *timer)
{
    return timer->node.slot != 0;
}

/* When a set timer fires (kci_loop_now units). */
static inline int64_t kci_timer_at(const kci_timer *timer)
{
    return timer->node.key;
}

/* The timers that may be set at the same time are counted by their owners, at creation, so that
 * kci_timer_set never allocates. */
kc_err kci_loop_reserve_timers(kci_loop *loop, int32_t delta);

/* Queues a task and wakes the loop if it sleeps (one syscall per sleep, not per task). Never fails.
 */
void kci_loop_post(kci_loop *loop, kci_task *task); /* any */

/* Runs a task at the end of the present turn, after sockets, posted tasks and timers (outside a
 * turn: at the end of the next): for work that is done once for many events, such as one write for
 * all that was sent. One that is deferred by a deferred task runs in the next turn. Costs no
 * atomics. A task is either posted or deferred, by its owner's choice, never both ways. */
void kci_loop_defer(kci_loop *loop, kci_task *task);

/* Takes a deferred task back; one that is not deferred is fine. */
void kci_loop_undefer(kci_loop *loop, kci_task *task);

/* Makes a sleeping step return; the next one, if none sleeps. */
void kci_loop_wake(kci_loop *loop); /* any, also in a signal handler */

/* Starts, changes or (events 0) ends a watch. -errno on failure. */
int kci_watch_set(kci_loop *loop, kci_watch *watch, uint32_t events);

/* Thread that owns the loop now: asserts in debug builds that the caller is it. */
void kci_loop_assert_on(kci_loop *loop);

#endif
