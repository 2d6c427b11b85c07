/* SPDX-License-Identifier: Apache-2.0 */
/* TLS over one connected, non-blocking socket. Ciphertext goes through two buffers, so that a turn
 * of many records costs few system calls. Without TLS in the build, creating one fails. Thread:
 * loop; used by io/conn.c only. */
#ifndef IO_TLS_STREAM_H
#define IO_TLS_STREAM_H

#include "io/counted_sock.h"

typedef struct kci_tls_stream kci_tls_stream;

/* tls and sock are borrowed and must outlive the stream. server_name: the host that the client
 * means, a name or a numeric address; NULL for servers. KC_E_TLS, KC_E_NO_MEMORY,
 * KC_E_NOT_SUPPORTED. */
kc_err kci_tls_stream_new(kci_tls *tls, kci_csock *sock, const char *server_name,
                          kci_tls_stream **out, kc_error *detail);
void kci_tls_stream_free(kci_tls_stream *s); /* NULL is fine */

/* Goes on with the handshake: 0 done, -EAGAIN not yet, -EPROTO failed (kci_tls_stream_why),
 * other -errno: the socket failed, -ECONNRESET also when the peer closed. */
int kci_tls_stream_handshake(kci_tls_stream *s);

/* Like the socket functions of kci_sys on plain bytes: read returns 0 at the end, -EPROTO when the
 * TLS layer failed. What write took may still wait in the stream: see wants_write. */
ssize_t kci_tls_stream_readv(kci_tls_stream *s, const struct iovec *iov, int count);
ssize_t kci_tls_stream_writev(kci_tls_stream *s, const struct iovec *iov, int count);

/* Writes what waits: 0 all gone, -EAGAIN, -errno. */
int kci_tls_stream_flush(kci_tls_stream *s);

/* Ciphertext waits for the socket to take it. */
bool kci_tls_stream_wants_write(const kci_tls_stream *s);

/* Received bytes are here that the socket will not announce again. */
bool kci_tls_stream_has_input(const kci_tls_stream *s);

/* Tells the peer that this is the end (close_notify), as far as the socket takes it. */
void kci_tls_stream_shutdown(kci_tls_stream *s);

/* Why it failed, a sentence with remedy; "" if it has not. */
const char *kci_tls_stream_why(const kci_tls_stream *s);

/* True when the peer was reached but its certificate was refused. */
bool kci_tls_stream_untrusted(const kci_tls_stream *s);

#endif
