/* SPDX-License-Identifier: Apache-2.0 */
/* Inside a connection: conn.c (life), conn_setup.c (coming up), conn_read.c (frames in),
 * conn_write.c (outs). Nobody else. */
#ifndef IO_CONN_IMPL_H
#define IO_CONN_IMPL_H

#include "io/addr.h"
#include "io/counted_sock.h"
#include "io/tls_stream.h"

typedef enum conn_state {
    CONN_CONNECTING, /* the socket decides whether the address answers */
    CONN_HANDSHAKE,  /* TLS */
    CONN_OPENING,    /* on_up is due at the end of the turn */
    CONN_UP,
    CONN_ENDED /* on_closed is due at the end of the turn */
} conn_state;

/* Work for the end of the turn. */
enum { TODO_UP = 1, TODO_READ = 2, TODO_FLUSH = 4, TODO_END = 8 };

struct kci_conn {
    kci_loop *loop;
    kci_conn_ops ops;
    void *arg;
    conn_state state;
    kci_csock sock;
    kci_watch watch;
    kci_task turn;
    uint32_t todo;
    bool in_turn;
    int64_t last_active;

    /* set-up */
    kci_addr *addrs; /* NULL on the server side */
    size_t addr_count, addr_at;
    kci_timer timer;
    int64_t setup_timeout_us;
    int send_buffer, receive_buffer;
    kci_tls *tls;
    kci_tls_stream *stream; /* NULL: plain */
    char *server_name;      /* may be NULL */

    /* reading */
    bool reading;
    bool any_frame; /* the peer has sent a frame before */
    uint32_t max_frame;
    kci_frame_pool *pool;
    uint8_t *in; /* bytes of frames not yet begun, or too small to read apart */
    uint32_t in_pos, in_end;
    kci_frame *frame;   /* being filled; NULL: none */
    uint32_t frame_got; /* bytes of it that are here */

    /* writing */
    kci_out *first, *last;
    size_t queued;
    bool untrusted; /* TLS said no, the last time */
    bool blocked;   /* the socket takes no more now */

    /* the end */
    kc_err err;
    char why[504];
};

enum { CONN_IN_SIZE = 16 * 1024 };

/* conn.c */

/* Asks for `todo` at the end of the turn. */
void kci_conn_schedule(kci_conn *c, uint32_t todo);

/* Ends it with an error and a sentence; the first call counts. */
void kci_conn_end(kci_conn *c, kc_err err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* The same for a failed read or write: err is -errno. `doing`: "while reading". */
void kci_conn_end_errno(kci_conn *c, int err, const char *doing);

/* A plain client that has not had a single frame: maybe the peer expects TLS. */
bool kci_conn_is_unanswered(const kci_conn *c);

/* "127.0.0.1:9092", or "the client" on the server side. buf: KCI_ADDR_TEXT_SIZE bytes. */
const char *kci_conn_peer(const kci_conn *c, char *buf);

/* Closes its socket, if there is one. */
void kci_conn_drop_socket(kci_conn *c);

/* It has ended; on_closed comes at the end of the turn, with c->why. */
void kci_conn_become_ended(kci_conn *c, kc_err err);

/* Watches the socket for what its state waits for. */
void kci_conn_update_watch(kci_conn *c);

/* TCP and TLS are done. */
void kci_conn_go_up(kci_conn *c);

/* conn_setup.c: the present address and those that follow; the last one's failure ends it. */
void kci_conn_try_addresses(kci_conn *c);
void kci_conn_connected(kci_conn *c);
void kci_conn_setup_timeout(kci_timer *timer);

/* TLS: begins, and goes on as the socket allows. */
kc_err kci_conn_begin_handshake(kci_conn *c, kc_error *detail);
void kci_conn_handshake(kci_conn *c);

/* conn_read.c: reads and hands out frames, up to a turn's share. State UP. */
void kci_conn_input(kci_conn *c);

/* Bytes are here that no socket event will announce. */
bool kci_conn_has_input(const kci_conn *c);

/* conn_write.c: writes what is queued, up to a turn's share. State UP. */
void kci_conn_flush(kci_conn *c);

/* Ends all outs that are queued as not written. */
void kci_conn_fail_outs(kci_conn *c);

#endif
