/* SPDX-License-Identifier: Apache-2.0 */
/* Outs into a stream: all that wait go out together, by one system call for up to GATHER pieces. An
 * out leaves the queue before its done() is called, so done() may send or close. */
#include "io/conn_impl.h"

#include <errno.h>

enum {
    GATHER = 128,                /* below every system's IOV_MAX of today but the least, 16 */
    TURN_BYTES = 4 * 1024 * 1024 /* a connection's share of a turn */
};

static void pop_out(kci_conn *c, bool written)
{
    kci_out *o = c->first;
    c->first = o->next;
    if (!c->first)
        c->last = NULL;
    o->next = NULL;
    o->done(o, written);
}

void kci_conn_fail_outs(kci_conn *c)
{
    c->queued = 0;
    while (c->first)
        pop_out(c, false);
}

/* Takes what is done off the front of an out; true when nothing of it is left. */
static bool is_empty(kci_out *o)
{
    while (o->count > 0 && o->iov->iov_len == 0) {
        o->iov++;
        o->count--;
    }
    return o->count == 0;
}

/* The pieces that wait, in order, at most GATHER and about `most` bytes. */
static int gather(const kci_conn *c, struct iovec *iov, size_t most, size_t *bytes)
{
    int n = 0;
    *bytes = 0;
    for (const kci_out *o = c->first; o; o = o->next) {
        for (int i = 0; i < o->count; i++) {
            if (n == GATHER || *bytes >= most)
                return n;
            if (o->iov[i].iov_len == 0)
                continue;
            iov[n++] = o->iov[i];
            *bytes += o->iov[i].iov_len;
        }
    }
    return n;
}

/* n bytes of the front are written. Goes on also when a done() ends the connection meanwhile. */
static void consume(kci_conn *c, size_t n)
{
    c->queued -= n;
    while (c->first) {
        kci_out *o = c->first;
        if (is_empty(o)) {
            pop_out(c, true);
            continue;
        }
        if (n == 0)
            return;
        size_t part = o->iov->iov_len < n ? o->iov->iov_len : n;
        o->iov->iov_base = (uint8_t *)o->iov->iov_base + part;
        o->iov->iov_len -= part;
        n -= part;
    }
}

/* What the peer said before it stopped listening (a TLS alert) explains more than "broken pipe". */
static void write_failed(kci_conn *c, int err)
{
    if (c->reading)
        kci_conn_input(c);
    if (c->state != CONN_UP)
        return;
    if (err == -EPROTO && c->stream)
        kci_conn_end(c, KC_E_TLS, "%s", kci_tls_stream_why(c->stream));
    else
        kci_conn_end_errno(c, err, "while sending");
}

/* Sends the ciphertext that the stream has collected. */
static void flush_stream(kci_conn *c)
{
    int err = kci_tls_stream_flush(c->stream);
    if (err != 0 && err != -EAGAIN) {
        write_failed(c, err);
        return;
    }
    c->blocked = err == -EAGAIN;
    if (!c->blocked &&
        c->first) /* it was full before, and no socket event will tell of the change */
        kci_conn_schedule(c, TODO_FLUSH);
}

void kci_conn_flush(kci_conn *c)
{
    if (c->blocked)
        return;
    size_t share = TURN_BYTES;
    while (c->state == CONN_UP && !c->blocked && c->first) {
        struct iovec iov[GATHER];
        size_t bytes;
        int n = gather(c, iov, share, &bytes);
        ssize_t wrote = 0;
        if (n > 0)
            wrote = c->stream ? kci_tls_stream_writev(c->stream, iov, n)
                              : kci_csock_writev(&c->sock, iov, n);
        if (wrote < 0 && wrote != -EAGAIN) {
            write_failed(c, (int)wrote);
            return;
        }
        size_t took = wrote > 0 ? (size_t)wrote : 0;
        if (took)
            c->last_active = kci_loop_now(c->loop);
        c->blocked = took < bytes;
        consume(c, took);
        share -= took < share ? took : share;
        if (share == 0 && c->first) {
            kci_conn_schedule(c, TODO_FLUSH);
            break;
        }
    }
    if (c->state == CONN_UP && c->stream && kci_tls_stream_wants_write(c->stream))
        flush_stream(c);
}
