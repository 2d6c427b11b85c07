/* SPDX-License-Identifier: Apache-2.0 */
/* One connected socket with its counters: the only place where connections and TLS streams read and
 * write. Thread: loop. */
#ifndef IO_COUNTED_SOCK_H
#define IO_COUNTED_SOCK_H

#include "io/conn.h"

typedef struct kci_csock {
    kci_sys *sys;
    int sock; /* -1: none */
    kci_conn_counters counters;
} kci_csock;

static inline ssize_t kci_csock_readv(kci_csock *w, const struct iovec *iov, int count)
{
    ssize_t n = w->sys->sock_readv(w->sys, w->sock, iov, count);
    w->counters.reads++;
    if (n > 0)
        w->counters.bytes_in += (uint64_t)n;
    return n;
}

static inline ssize_t kci_csock_writev(kci_csock *w, const struct iovec *iov, int count)
{
    ssize_t n = w->sys->sock_writev(w->sys, w->sock, iov, count);
    w->counters.writes++;
    if (n > 0)
        w->counters.bytes_out += (uint64_t)n;
    return n;
}

#endif
