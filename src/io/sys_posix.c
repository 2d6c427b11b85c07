/* SPDX-License-Identifier: Apache-2.0 */
/* The real kci_sys: clocks, getrandom and TCP sockets of a POSIX system. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "io/fd.h"
#include "io/poller.h"
#include "io/resolver.h"
#include "io/sys.h"

#ifndef IOV_MAX
#define IOV_MAX 16
#endif

static int64_t mono_us(kci_sys *sys)
{
    (void)sys;
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int64_t wall_ms(kci_sys *sys)
{
    (void)sys;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void draw_random(kci_sys *sys, void *out, size_t size)
{
    (void)sys;
    uint8_t *p = out;
    while (size) {
        ssize_t n = getrandom(p, size, 0); /* fails only when a signal came */
        if (n <= 0)
            continue;
        p += n;
        size -= (size_t)n;
    }
}

static void set_nodelay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

static int new_socket(int family)
{
    int fd =
        kci_fd_clear_of_standard(socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return fd < 0 ? -errno : fd;
}

static int sock_connect(kci_sys *sys, const kci_addr *addr, int *sock)
{
    (void)sys;
    int fd = new_socket(addr->sa.ss_family);
    if (fd < 0)
        return fd;
    set_nodelay(fd);
    if (connect(fd, (const struct sockaddr *)&addr->sa, addr->len) == 0) {
        *sock = fd;
        return 0;
    }
    if (errno == EINPROGRESS || errno == EINTR) { /* interrupted: it goes on by itself */
        *sock = fd;
        return -EINPROGRESS;
    }
    int err = -errno;
    close(fd);
    return err;
}

static int sock_error(kci_sys *sys, int sock)
{
    (void)sys;
    int err = 0;
    socklen_t len = sizeof err;
    if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
        return -errno;
    return -err;
}

static int bind_to(int fd, kci_addr *addr)
{
    int one = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) != 0)
        return -errno;
    addr->len = sizeof addr->sa;
    if (getsockname(fd, (struct sockaddr *)&addr->sa, &addr->len) != 0)
        return -errno;
    return 0;
}

static int sock_hold(kci_sys *sys, kci_addr *addr, int *sock)
{
    (void)sys;
    int fd = new_socket(addr->sa.ss_family);
    if (fd < 0)
        return fd;
    int err = bind_to(fd, addr);
    if (err != 0) {
        close(fd);
        return err;
    }
    *sock = fd;
    return 0;
}

static int sock_listen(kci_sys *sys, kci_addr *addr, int backlog, int *sock)
{
    int fd;
    int err = sock_hold(sys, addr, &fd);
    if (err != 0)
        return err;
    if (listen(fd, backlog) != 0) {
        err = -errno;
        close(fd);
        return err;
    }
    *sock = fd;
    return 0;
}

static int sock_accept(kci_sys *sys, int listener, int *sock)
{
    (void)sys;
    int fd;
    do
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    fd = kci_fd_clear_of_standard(fd);
    if (fd < 0)
        return errno == EWOULDBLOCK ? -EAGAIN : -errno;
    set_nodelay(fd);
    *sock = fd;
    return 0;
}

static ssize_t result_of(ssize_t n)
{
    if (n >= 0)
        return n;
    return errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t sock_readv(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    (void)sys;
    ssize_t n;
    do
        n = readv(sock, iov, count < IOV_MAX ? count : IOV_MAX);
    while (n < 0 && errno == EINTR);
    return result_of(n);
}

/* sendmsg, since writev cannot refuse SIGPIPE. */
static ssize_t sock_writev(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    (void)sys;
    struct msghdr msg = { 0 };
    memcpy(&msg.msg_iov, &iov, sizeof msg.msg_iov); /* not const there, but not written either */
    msg.msg_iovlen = (size_t)(count < IOV_MAX ? count : IOV_MAX);
    ssize_t n;
    do
        n = sendmsg(sock, &msg, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return result_of(n);
}

static int sock_buffers(kci_sys *sys, int sock, int send_bytes, int receive_bytes)
{
    (void)sys;
    if (send_bytes > 0 &&
        setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes) != 0)
        return -errno;
    if (receive_bytes > 0 &&
        setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes) != 0)
        return -errno;
    return 0;
}

static void sock_close(kci_sys *sys, int sock)
{
    (void)sys;
    close(sock);
}

#define SYS_COMMON                                                                               \
    .mono_us = mono_us, .wall_ms = wall_ms, .random = draw_random, .sock_connect = sock_connect, \
    .sock_error = sock_error, .sock_listen = sock_listen, .sock_hold = sock_hold,                \
    .sock_accept = sock_accept, .sock_readv = sock_readv, .sock_writev = sock_writev,            \
    .sock_buffers = sock_buffers, .sock_close = sock_close, .resolve = kci_resolver_resolve

static kci_sys sys_poll = {
    SYS_COMMON,
    .poller_new = kci_poll_new,
    .poller_free = kci_poll_free,
    .poller_watch = kci_poll_watch,
    .poller_wait = kci_poll_wait,
    .poller_wake = kci_poll_wake,
    .poller_fd = kci_poll_fd,
};

#ifdef __linux__
static kci_sys sys_epoll = {
    SYS_COMMON,
    .poller_new = kci_epoll_new,
    .poller_free = kci_epoll_free,
    .poller_watch = kci_epoll_watch,
    .poller_wait = kci_epoll_wait,
    .poller_wake = kci_epoll_wake,
    .poller_fd = kci_epoll_fd,
};
#endif

kci_sys *kci_sys_posix(bool use_poll)
{
#ifdef __linux__
    if (!use_poll)
        return &sys_epoll;
#endif
    (void)use_poll;
    return &sys_poll;
}
