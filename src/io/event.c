/* SPDX-License-Identifier: Apache-2.0 */
/* A flag, a condition variable for those who wait, and a descriptor for those who asked for one.
 * Signalling touches the latter two only when somebody is there: the flag and `waiters` (and
 * `has_fd`) are each written before the other is read, on both sides, in sequentially consistent
 * order, so at least one side sees the other. The same holds for the flag and `driver`. */
#include "io/event.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "base/mem.h"
#include "io/wake_fd.h"

struct kci_event {
    kci_loop *loop;
    bool driven;
    atomic_bool set;
    atomic_int waiters;
    atomic_bool has_fd;
    _Atomic(uintptr_t) driver; /* the thread that runs the loop in kci_event_wait; 0: none */
    pthread_mutex_t lock;
    pthread_cond_t cond; /* CLOCK_MONOTONIC */
    kci_wake_fd fd;      /* under lock */
    bool fd_readable;    /* under lock */
};

static uintptr_t self(void)
{
    return (uintptr_t)pthread_self();
}

static bool init_cond(pthread_cond_t *cond)
{
    pthread_condattr_t attr;
    if (pthread_condattr_init(&attr) != 0)
        return false;
    bool ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_cond_init(cond, &attr) == 0;
    pthread_condattr_destroy(&attr);
    return ok;
}

kc_err kci_event_new(kci_loop *loop, bool driven, kci_event **out)
{
    kci_event *e = kci_calloc(1, sizeof *e);
    if (!e)
        return KC_E_NO_MEMORY;
    e->loop = loop;
    e->driven = driven;
    e->fd.read_fd = e->fd.write_fd = -1;
    if (!init_cond(&e->cond)) {
        kci_free(e);
        return KC_E_NO_MEMORY;
    }
    pthread_mutex_init(&e->lock, NULL);
    *out = e;
    return KC_OK;
}

void kci_event_free(kci_event *e)
{
    if (!e)
        return;
    kci_wake_fd_close(&e->fd);
    pthread_cond_destroy(&e->cond);
    pthread_mutex_destroy(&e->lock);
    kci_free(e);
}

/* Makes the descriptor follow the flag. Whoever changed the flag calls it afterwards, so the last
 * one to get the lock sees the last change. */
static void sync_fd(kci_event *e)
{
    bool set = atomic_load(&e->set);
    if (set == e->fd_readable)
        return;
    e->fd_readable = set;
    if (set)
        kci_wake_fd_set(&e->fd);
    else
        kci_wake_fd_clear(&e->fd);
}

/* The driving thread sleeps in the loop, not on the condition. It needs no waking by itself. */
static void wake_driver(kci_event *e)
{
    uintptr_t driver = atomic_load(&e->driver);
    if (driver && driver != self())
        kci_loop_wake(e->loop);
}

void kci_event_signal(kci_event *e)
{
    if (atomic_exchange(&e->set, true))
        return;
    if (e->driven)
        wake_driver(e);
    bool waiters = atomic_load(&e->waiters) > 0;
    bool has_fd = atomic_load(&e->has_fd);
    if (!waiters && !has_fd)
        return;
    pthread_mutex_lock(&e->lock);
    if (has_fd)
        sync_fd(e);
    pthread_cond_broadcast(&e->cond);
    pthread_mutex_unlock(&e->lock);
}

void kci_event_clear(kci_event *e)
{
    if (!atomic_exchange(&e->set, false) || !atomic_load(&e->has_fd))
        return;
    pthread_mutex_lock(&e->lock);
    sync_fd(e);
    pthread_mutex_unlock(&e->lock);
}

bool kci_event_is_set(kci_event *e)
{
    return atomic_load_explicit(&e->set, memory_order_acquire);
}

static bool drive_until(kci_event *e, int64_t deadline_us)
{
    kci_sys *sys = kci_loop_sys(e->loop);
    while (!atomic_load(&e->set)) {
        int64_t left = -1;
        if (deadline_us != INT64_MAX) {
            left = deadline_us - sys->mono_us(sys);
            if (left <= 0)
                return false;
        }
        kci_loop_step(e->loop, left); /* sleeps, or does something */
    }
    return true;
}

/* The loop has no thread: run it until the flag is set. */
static bool drive(kci_event *e, int64_t deadline_us)
{
    atomic_store(&e->driver, self());
    bool set = drive_until(e, deadline_us);
    atomic_store(&e->driver, 0);
    return set;
}

static bool wait_once(kci_event *e, int64_t deadline_us)
{
    if (deadline_us == INT64_MAX)
        return pthread_cond_wait(&e->cond, &e->lock) == 0;
    struct timespec until = { .tv_sec = deadline_us / 1000000,
                              .tv_nsec = deadline_us % 1000000 * 1000 };
    return pthread_cond_timedwait(&e->cond, &e->lock, &until) == 0;
}

bool kci_event_wait(kci_event *e, int64_t deadline_us)
{
    if (kci_event_is_set(e))
        return true;
    if (e->driven)
        return drive(e, deadline_us);
    kci_sys *sys = kci_loop_sys(e->loop);
    if (deadline_us != INT64_MAX && deadline_us <= sys->mono_us(sys))
        return kci_event_is_set(e);

    pthread_mutex_lock(&e->lock);
    atomic_fetch_add(&e->waiters, 1);
    while (!atomic_load(&e->set) && wait_once(e, deadline_us)) {
    }
    atomic_fetch_sub(&e->waiters, 1);
    pthread_mutex_unlock(&e->lock);
    return kci_event_is_set(e);
}

int kci_event_fd(kci_event *e)
{
    pthread_mutex_lock(&e->lock);
    if (e->fd.read_fd < 0 && kci_wake_fd_open(&e->fd) == 0) {
        atomic_store(&e->has_fd, true);
        sync_fd(e);
    }
    int fd = e->fd.read_fd;
    pthread_mutex_unlock(&e->lock);
    return fd;
}
