/* SPDX-License-Identifier: Apache-2.0 */
/* A flag, a futex on it for those who wait, and a descriptor for those who asked for one. There is
 * no lock on the way of a signal: it may come from a signal handler.
 *
 * Signalling makes a system call only when somebody is there: the flag and `waiters` (and `has_fd`,
 * `driving`) are each written before the other is read, on both sides, in sequentially consistent
 * order, so at least one side sees the other.
 *
 * The descriptor is drained before the flag is cleared. A signal in between finds the flag set and
 * writes nothing, and whoever clears looks at the state afterwards. A signal whose write comes late
 * leaves the descriptor readable for one turn too many; so clearing always drains. */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include "base/mem.h"
#include "io/drive.h"
#include "io/event_impl.h"

#if defined(__linux__) && defined(__LP64__)
#define HAVE_FUTEX 1
#include <sys/syscall.h>
#include <unistd.h>

/* linux/futex.h, which systems without the kernel's headers do not have. */
enum { WAKE_PRIVATE = 1 | 128, WAIT_BITSET_PRIVATE = 9 | 128 };
static const uint32_t match_any = 0xffffffff;
#else
#define HAVE_FUTEX 0
#endif

kc_err kci_event_new(kci_loop *loop, bool driven, kci_event **out)
{
    kci_event *e = kci_calloc(1, sizeof *e);
    if (!e)
        return KC_E_NO_MEMORY;
    e->loop = loop;
    e->driven = driven;
    e->fd.read_fd = e->fd.write_fd = -1;
    pthread_mutex_init(&e->making_fd, NULL);
    *out = e;
    return KC_OK;
}

void kci_event_free(kci_event *e)
{
    if (!e)
        return;
    kci_wake_fd_close(&e->fd);
    pthread_mutex_destroy(&e->making_fd);
    kci_free(e);
}

/* sleeping until the flag is set; false when the deadline passed */

#if HAVE_FUTEX

bool kci_event_sleep(kci_event *e, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = deadline_us / 1000000,
                              .tv_nsec = deadline_us % 1000000 * 1000 };
    long result = syscall(SYS_futex, &e->state, WAIT_BITSET_PRIVATE, 0,
                          deadline_us == INT64_MAX ? NULL : &until, NULL, match_any);
    return result == 0 || errno != ETIMEDOUT;
}

static void wake_all(kci_event *e)
{
    syscall(SYS_futex, &e->state, WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#else

bool kci_event_sleep(kci_event *e, int64_t deadline_us)
{
    kci_sys *sys = kci_loop_sys(e->loop);
    struct pollfd p = { .fd = kci_event_fd(e), .events = POLLIN };
    int most = e->driven ? 10 : 1000; /* look again: nudges do not show in the descriptor */
    int ms = most;
    if (deadline_us != INT64_MAX) {
        int64_t left = deadline_us - sys->mono_us(sys);
        if (left <= 0)
            return false;
        if (left < most * 1000)
            ms = (int)((left + 999) / 1000);
    }
    poll(&p, p.fd >= 0 ? 1 : 0, p.fd >= 0 || ms < 10 ? ms : 10);
    return true;
}

static void wake_all(kci_event *e)
{
    (void)e; /* the descriptor does */
}

#endif

void kci_event_signal(kci_event *e)
{
    if (atomic_fetch_or(&e->state, KCI_EVENT_SET) & KCI_EVENT_SET)
        return;
    int saved = errno;
    if (atomic_load(&e->has_fd))
        kci_wake_fd_set(&e->fd);
    if (atomic_load(&e->waiters) > 0)
        wake_all(e);
    if (atomic_load(&e->driving) > 0)
        kci_loop_wake(e->loop); /* it sleeps there */
    errno = saved;
}

void kci_event_nudge(kci_event *e)
{
    atomic_fetch_or(&e->state, KCI_EVENT_NUDGED);
    wake_all(e);
}

void kci_event_clear(kci_event *e)
{
    if (atomic_load(&e->has_fd))
        kci_wake_fd_clear(&e->fd);
    atomic_fetch_and(&e->state, ~KCI_EVENT_SET);
}

bool kci_event_is_set(kci_event *e)
{
    return (atomic_load(&e->state) & KCI_EVENT_SET) != 0;
}

bool kci_event_wait(kci_event *e, int64_t deadline_us)
{
    if (kci_event_is_set(e))
        return true;
    if (e->driven)
        return kci_drive_until(e, deadline_us);
    kci_sys *sys = kci_loop_sys(e->loop);
    if (deadline_us != INT64_MAX && deadline_us <= sys->mono_us(sys))
        return kci_event_is_set(e);

    atomic_fetch_add(&e->waiters, 1);
    while (!kci_event_is_set(e) && kci_event_sleep(e, deadline_us)) {
    }
    atomic_fetch_sub(&e->waiters, 1);
    return kci_event_is_set(e);
}

int kci_event_fd(kci_event *e)
{
    pthread_mutex_lock(&e->making_fd);
    if (e->fd.read_fd < 0 && kci_wake_fd_open(&e->fd) == 0) {
        atomic_store(&e->has_fd, true);
        if (kci_event_is_set(e))
            kci_wake_fd_set(&e->fd);
    }
    int fd = e->fd.read_fd;
    pthread_mutex_unlock(&e->making_fd);
    return fd;
}
