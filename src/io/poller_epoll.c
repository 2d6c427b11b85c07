/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting by epoll, level-triggered. `watched` remembers which sockets are in the set, so that a
 * change costs one system call. */
#include "io/poller.h"

#ifdef __linux__

#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/fd.h"
#include "io/wake_fd.h"

enum { WAIT_MAX = 64 };

struct kci_poller {
    int epoll_fd;
    kci_wake_fd wake;
    uint8_t *watched; /* by socket: 1 if it is in the set */
    size_t watched_size;
};

static kc_err open_poller(kci_poller *p)
{
    p->epoll_fd = kci_fd_clear_of_standard(epoll_create1(EPOLL_CLOEXEC));
    if (p->epoll_fd < 0)
        return KC_E_IO;
    if (kci_wake_fd_open(&p->wake) != 0)
        return KC_E_IO;
    /* data.ptr NULL marks the wake descriptor: watches are never NULL */
    struct epoll_event ev = { .events = EPOLLIN };
    return epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, p->wake.read_fd, &ev) == 0 ? KC_OK : KC_E_IO;
}

kc_err kci_epoll_new(kci_sys *sys, kci_poller **out)
{
    (void)sys;
    kci_poller *p = kci_calloc(1, sizeof *p);
    if (!p)
        return KC_E_NO_MEMORY;
    p->epoll_fd = p->wake.read_fd = p->wake.write_fd = -1;
    kc_err err = open_poller(p);
    if (err != KC_OK) {
        kci_epoll_free(p);
        return err;
    }
    *out = p;
    return KC_OK;
}

void kci_epoll_free(kci_poller *p)
{
    if (!p)
        return;
    kci_wake_fd_close(&p->wake);
    if (p->epoll_fd >= 0)
        close(p->epoll_fd);
    kci_free(p->watched);
    kci_free(p);
}

static bool cover(kci_poller *p, int sock)
{
    size_t need = (size_t)sock + 1;
    if (need <= p->watched_size)
        return true;
    size_t size = need < 64 ? 64 : need * 2;
    uint8_t *watched = kci_realloc(p->watched, size);
    if (!watched)
        return false;
    memset(watched + p->watched_size, 0, size - p->watched_size);
    p->watched = watched;
    p->watched_size = size;
    return true;
}

int kci_epoll_watch(kci_poller *p, int sock, uint32_t events, void *ptr)
{
    if (sock < 0)
        return -EBADF;
    if (!cover(p, sock))
        return -ENOMEM;
    if (events == 0 && !p->watched[sock])
        return 0;
    struct epoll_event ev = { .data.ptr = ptr };
    if (events & KCI_READABLE)
        ev.events |= EPOLLIN;
    if (events & KCI_WRITABLE)
        ev.events |= EPOLLOUT;
    int op = events == 0 ? EPOLL_CTL_DEL : p->watched[sock] ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (epoll_ctl(p->epoll_fd, op, sock, &ev) != 0)
        return -errno;
    p->watched[sock] = events != 0;
    return 0;
}

static int wait_in_ms(kci_poller *p, struct epoll_event *events, int cap, int64_t timeout_us)
{
    int64_t ms = timeout_us < 0 ? -1 : timeout_us / 1000 + (timeout_us % 1000 != 0);
    return epoll_wait(p->epoll_fd, events, cap, ms > INT_MAX ? INT_MAX : (int)ms);
}

/* epoll_wait rounds to milliseconds; epoll_pwait2 (Linux 5.11) does not. */
static int wait_precisely(kci_poller *p, struct epoll_event *events, int cap, int64_t timeout_us)
{
#if defined(SYS_epoll_pwait2) && defined(__LP64__)
    static atomic_bool missing;
    if (timeout_us > 0 && timeout_us % 1000 != 0 && !atomic_load(&missing)) {
        struct timespec ts = { .tv_sec = timeout_us / 1000000,
                               .tv_nsec = timeout_us % 1000000 * 1000 };
        int n = (int)syscall(SYS_epoll_pwait2, p->epoll_fd, events, cap, &ts, NULL, 0);
        if (n >= 0 || (errno != ENOSYS && errno != EPERM))
            return n;
        atomic_store(&missing, true);
    }
#endif
    return wait_in_ms(p, events, cap, timeout_us);
}

int kci_epoll_wait(kci_poller *p, kci_ready *ready, int cap, int64_t timeout_us)
{
    struct epoll_event events[WAIT_MAX];
    int n = wait_precisely(p, events, cap < WAIT_MAX ? cap : WAIT_MAX, timeout_us);
    if (n < 0)
        return kci_wait_failed(errno);
    int count = 0;
    for (int i = 0; i < n; i++) {
        if (!events[i].data.ptr) {
            kci_wake_fd_clear(&p->wake);
            continue;
        }
        uint32_t is = events[i].events;
        kci_ready *r = &ready[count++];
        r->ptr = events[i].data.ptr;
        r->events = (is & (EPOLLIN | EPOLLERR | EPOLLHUP) ? KCI_READABLE : 0u) |
                    (is & (EPOLLOUT | EPOLLERR | EPOLLHUP) ? KCI_WRITABLE : 0u);
    }
    return count;
}

void kci_epoll_wake(kci_poller *p)
{
    kci_wake_fd_set(&p->wake);
}

int kci_epoll_fd(kci_poller *p)
{
    return p->epoll_fd;
}

#endif
