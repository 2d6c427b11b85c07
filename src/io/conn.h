/* SPDX-License-Identifier: Apache-2.0 */
/* A stream (TCP, or TLS over it) that carries frames: a big-endian int32 length, then that many
 * bytes. It knows frames, not Kafka. Used by the client's brokers and by the mock cluster's.
 *
 * Thread: loop. Callbacks come from the loop, never from inside a call on the connection. */
#ifndef IO_CONN_H
#define IO_CONN_H

#include "io/frame.h"
#include "io/loop.h"
#include "io/tls.h"

typedef struct kci_conn kci_conn;

/* Bytes to be written: scattered, not copied, owned by whoever fills this in, until done() is
 * called: exactly once, when the socket has taken the last byte (written) or never will (not
 * written). The frame's length prefix is part of iov[0]. The iov array is changed while it is
 * written. */
typedef struct kci_out kci_out;
struct kci_out {
    struct iovec *iov;
    int count;
    void (*done)(kci_out *out, bool written);
    kci_out *next; /* the connection's */
};

typedef struct kci_conn_ops {
    /* Connected, TLS handshake done. */
    void (*on_up)(void *arg, kci_conn *conn);
    /* A whole frame; the callee owns one reference. */
    void (*on_frame)(void *arg, kci_conn *conn, kci_frame *frame);
    /* The end, exactly once and last (also after kci_conn_close); outs that were not written have
     * had their done(false) before. err: KC_OK only for kci_conn_close; KC_E_CONNECT, KC_E_TLS,
     * KC_E_TRANSPORT, KC_E_PROTOCOL (frame length), KC_E_RESPONSE_TOO_LARGE (the same, of a peer
     * that has sent frames before), KC_E_TIMED_OUT (set-up), KC_E_NO_MEMORY. why: a
     * sentence with cause and remedy, borrowed ("" possible). The connection is freed after it. */
    void (*on_closed)(void *arg, kci_conn *conn, kc_err err, const char *why);
} kci_conn_ops;

typedef struct kci_conn_params {
    const kci_addr *addrs; /* tried in this order until one connects; copied */
    size_t addr_count;
    kci_tls *tls;                    /* NULL: plain. Borrowed: must outlive the connection */
    const char *server_name;         /* for TLS verification and SNI; copied */
    int64_t setup_timeout_us;        /* per address: connect and TLS handshake */
    int send_buffer, receive_buffer; /* SO_SNDBUF, SO_RCVBUF; -1: the system's */
    uint32_t max_frame;   /* larger announced lengths close with KC_E_PROTOCOL; see set_max_frame */
    kci_frame_pool *pool; /* may be NULL; borrowed */
} kci_conn_params;

/* Begins to connect; the outcome comes as on_up or on_closed. */
kc_err kci_conn_open(kci_loop *loop, const kci_conn_params *params, const kci_conn_ops *ops,
                     void *arg, kci_conn **out);

/* Serves an accepted socket (owned from here on, in every case). on_up comes after the handshake.
 */
kc_err kci_conn_serve(kci_loop *loop, int sock, const kci_conn_params *params,
                      const kci_conn_ops *ops, void *arg, kci_conn **out);

/* Queues bytes; consumes `o` in every case (o->done comes later, never from inside this call).
 * Small outs that wait together go out in one writev at the end of the loop's turn. */
void kci_conn_send(kci_conn *conn, kci_out *o);

/* Stops (false) or goes on (true) reading: TCP pushes back on the peer. */
void kci_conn_set_reading(kci_conn *conn, bool on);

/* The cap on frames from now on (1 MiB before authentication). */
void kci_conn_set_max_frame(kci_conn *conn, uint32_t bytes);

/* Ends it: on_closed(KC_OK) comes from the loop's next turn. Second calls do nothing. */
void kci_conn_close(kci_conn *conn);

/* When bytes last came or went (kci_loop_now units): for idle close. */
int64_t kci_conn_last_active(const kci_conn *conn);

/* Bytes queued and not yet taken by the socket. */
size_t kci_conn_queued(const kci_conn *conn);

/* Counters since the start. */
typedef struct kci_conn_counters {
    uint64_t bytes_in, bytes_out, reads, writes; /* reads and writes are system calls */
} kci_conn_counters;
kci_conn_counters kci_conn_get_counters(const kci_conn *conn);

/* TLS failed for good: a certificate was refused by either side, or they have nothing in common. */
bool kci_conn_is_untrusted(const kci_conn *conn);

/* A listening socket that accepts until closed. */
typedef struct kci_listener kci_listener;
kc_err kci_listener_open(kci_loop *loop, kci_addr *addr, void (*on_accept)(void *arg, int sock),
                         void *arg, kci_listener **out);
void kci_listener_close(kci_listener *listener);

#endif
