/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting by poll(2), the portable way. The first entry is the wake descriptor; entries of sockets
 * that are no longer watched are filled by the last one. It has no descriptor to wait on from
 * outside. */
#include "io/poller.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#include "base/mem.h"
#include "io/wake_fd.h"

struct kci_poller {
    kci_wake_fd wake;
    struct pollfd *fds; /* fds[0]: wake */
    void **ptrs;
    int count, cap;
    int from; /* where the next wait begins to collect, so that all entries get their turn */
};

int kci_wait_failed(int err)
{
    if (err == EINTR)
        return 0;
    nanosleep(&(struct timespec){ .tv_nsec = 10 * 1000 * 1000 }, NULL);
    return -err;
}

static bool grow(kci_poller *p)
{
    if (p->count < p->cap)
        return true;
    int cap = p->cap ? p->cap * 2 : 16;
    struct pollfd *fds = kci_realloc_array(p->fds, (size_t)cap, sizeof *fds);
    if (!fds)
        return false;
    p->fds = fds;
    void **ptrs = kci_realloc_array(p->ptrs, (size_t)cap, sizeof *ptrs);
    if (!ptrs)
        return false;
    p->ptrs = ptrs;
    p->cap = cap;
    return true;
}

kc_err kci_poll_new(kci_sys *sys, kci_poller **out)
{
    (void)sys;
    kci_poller *p = kci_calloc(1, sizeof *p);
    if (!p)
        return KC_E_NO_MEMORY;
    p->wake.read_fd = p->wake.write_fd = -1;
    kc_err err = grow(p) ? KC_OK : KC_E_NO_MEMORY;
    if (err == KC_OK && kci_wake_fd_open(&p->wake) != 0)
        err = KC_E_IO;
    if (err != KC_OK) {
        kci_poll_free(p);
        return err;
    }
    p->fds[0] = (struct pollfd){ .fd = p->wake.read_fd, .events = POLLIN };
    p->ptrs[0] = NULL;
    p->count = p->from = 1;
    *out = p;
    return KC_OK;
}

void kci_poll_free(kci_poller *p)
{
    if (!p)
        return;
    kci_wake_fd_close(&p->wake);
    kci_free(p->fds);
    kci_free(p->ptrs);
    kci_free(p);
}

static int find(const kci_poller *p, int sock)
{
    for (int i = 1; i < p->count; i++)
        if (p->fds[i].fd == sock)
            return i;
    return 0;
}

int kci_poll_watch(kci_poller *p, int sock, uint32_t events, void *ptr)
{
    if (sock < 0)
        return -EBADF;
    int at = find(p, sock);
    if (events == 0) {
        if (at) {
            p->count--;
            p->fds[at] = p->fds[p->count];
            p->ptrs[at] = p->ptrs[p->count];
        }
        return 0;
    }
    if (!at) {
        if (!grow(p))
            return -ENOMEM;
        at = p->count++;
    }
    short want = 0;
    if (events & KCI_READABLE)
        want |= POLLIN;
    if (events & KCI_WRITABLE)
        want |= POLLOUT;
    p->fds[at] = (struct pollfd){ .fd = sock, .events = want };
    p->ptrs[at] = ptr;
    return 0;
}

static int wait_once(kci_poller *p, int64_t timeout_us)
{
#if defined(__linux__) || defined(__FreeBSD__)
    struct timespec ts = { .tv_sec = timeout_us / 1000000, .tv_nsec = timeout_us % 1000000 * 1000 };
    return ppoll(p->fds, (nfds_t)p->count, timeout_us < 0 ? NULL : &ts, NULL);
#else
    int64_t ms = timeout_us < 0 ? -1 : timeout_us / 1000 + (timeout_us % 1000 != 0);
    return poll(p->fds, (nfds_t)p->count, ms > INT_MAX ? INT_MAX : (int)ms);
#endif
}

static bool collect(kci_poller *p, int at, kci_ready *r)
{
    int is = p->fds[at].revents;
    if (is == 0)
        return false;
    int bad = POLLERR | POLLHUP | POLLNVAL;
    r->ptr = p->ptrs[at];
    r->events =
        (is & (POLLIN | bad) ? KCI_READABLE : 0u) | (is & (POLLOUT | bad) ? KCI_WRITABLE : 0u);
    return true;
}

int kci_poll_wait(kci_poller *p, kci_ready *ready, int cap, int64_t timeout_us)
{
    int n = wait_once(p, timeout_us);
    if (n < 0)
        return kci_wait_failed(errno);
    if (n == 0)
        return 0;
    if (p->fds[0].revents)
        kci_wake_fd_clear(&p->wake);
    int found = 0, sockets = p->count - 1;
    if (p->from >= p->count)
        p->from = 1;
    int begin = p->from;
    for (int i = 0; i < sockets && found < cap; i++) {
        int at = 1 + (begin - 1 + i) % sockets;
        if (collect(p, at, &ready[found])) {
            found++;
            p->from = at + 1;
        }
    }
    return found;
}

void kci_poll_wake(kci_poller *p)
{
    kci_wake_fd_set(&p->wake);
}

int kci_poll_fd(kci_poller *p)
{
    (void)p;
    return -1;
}
