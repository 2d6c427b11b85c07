/* SPDX-License-Identifier: Apache-2.0 */
/* The outside world, as one table of functions: clocks, randomness, sockets, waiting, names. The
 * library reads no clock, draws no random number and touches no socket except through a kci_sys, so
 * the simulator replaces all of it (tests/sim) and a run follows from its seed alone.
 *
 * Sockets are small ints, valid only within their kci_sys. Calls on sockets and on a poller belong
 * to one loop; clocks and random may be called from any thread. Functions that return int or
 * ssize_t return -errno on failure. */
#ifndef IO_SYS_H
#define IO_SYS_H

#include <sys/socket.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <kclient/error.h>

typedef struct kci_sys kci_sys;
typedef struct kci_poller kci_poller;

/* A resolved address with its port. */
typedef struct kci_addr {
    struct sockaddr_storage sa;
    socklen_t len;
} kci_addr;

enum { KCI_READABLE = 1, KCI_WRITABLE = 2 };

/* One ready socket: `ptr` is what watch() was given. Errors and hang-ups show as readable and
 * writable; the next call on the socket says what happened. */
typedef struct kci_ready {
    void *ptr;
    uint32_t events;
} kci_ready;

/* Ends a name's resolution: count addresses in addrs (borrowed during the call), or an error.
 * Called exactly once, on any thread. */
typedef void (*kci_resolve_fn)(void *arg, kc_err err, const kci_addr *addrs, size_t count,
                               const char *why);

struct kci_sys {
    int64_t (*mono_us)(kci_sys *sys); /* monotonic, microseconds, never goes back */
    int64_t (*wall_ms)(kci_sys *sys); /* since 1970 UTC, milliseconds, may jump */
    void (*random)(kci_sys *sys, void *out,
                   size_t size); /* cryptographic, except in the simulator */

    /* All non-blocking and close-on-exec. connect: 0 or -EINPROGRESS, then writable when decided,
     * then sock_error says how. listen: port 0 picks one, `addr` is updated to what was bound.
     * hold: takes an address as listen does, but connections to it are refused: it keeps a port for
     * who listens on it later, or from time to time (on Linux while it is held; elsewhere the
     * holding socket has to be closed before). */
    int (*sock_connect)(kci_sys *sys, const kci_addr *addr, int *sock);
    int (*sock_error)(kci_sys *sys, int sock); /* 0 or -errno (SO_ERROR) */
    int (*sock_listen)(kci_sys *sys, kci_addr *addr, int backlog, int *sock);
    int (*sock_hold)(kci_sys *sys, kci_addr *addr, int *sock);
    int (*sock_accept)(kci_sys *sys, int listener, int *sock); /* -EAGAIN: none now */
    ssize_t (*sock_readv)(kci_sys *sys, int sock, const struct iovec *iov, int count);
    ssize_t (*sock_writev)(kci_sys *sys, int sock, const struct iovec *iov, int count);
    int (*sock_buffers)(kci_sys *sys, int sock, int send_bytes,
                        int receive_bytes); /* -1: default */
    void (*sock_close)(kci_sys *sys, int sock);

    /* A poller waits for many sockets. wait: at most timeout_us (-1: without limit, 0: not at all),
     * returns how many `ready` entries it filled; 0 on timeout or wake. wake: from any thread,
     * makes the present or the next wait return. fd: readable when wait would return at once, -1 if
     * none. */
    kc_err (*poller_new)(kci_sys *sys, kci_poller **out);
    void (*poller_free)(kci_poller *poller);
    int (*poller_watch)(kci_poller *poller, int sock, uint32_t events,
                        void *ptr); /* 0 events: stop */
    int (*poller_wait)(kci_poller *poller, kci_ready *ready, int cap, int64_t timeout_us);
    void (*poller_wake)(kci_poller *poller);
    int (*poller_fd)(kci_poller *poller);

    /* All addresses of a name, numeric ones without delay. May call done before it returns. */
    void (*resolve)(kci_sys *sys, const char *host, uint16_t port, kci_resolve_fn done, void *arg);

    /* True when threads must not be started: the owner drives everything (the simulator). */
    bool single_threaded;
};

/* The real one: CLOCK_MONOTONIC, getrandom, sockets, and epoll, or poll(2) if use_poll (the
 * portable backend). Both are process-wide, constant and never freed. Its resolver answers numeric
 * addresses at once and starts a helper thread for the others, which ends by itself when idle. */
kci_sys *kci_sys_posix(bool use_poll);

#endif
