/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection comes up: the addresses in turn, then TLS. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "io/conn_impl.h"
#include "io/errno_text.h"

/* Adds this address and its trouble to the sentence that on_closed gets if no other address works.
 */
static void note_failure(kci_conn *c, kc_err err, const char *text)
{
    char peer[KCI_ADDR_TEXT_SIZE];
    size_t used = strlen(c->why);
    c->err = err;
    snprintf(c->why + used, sizeof c->why - used, "%s%s: %s", used ? "; " : "no connection to ",
             kci_conn_peer(c, peer), text);
}

/* This address did not work: on to the next one, or the end. */
static void setup_failed(kci_conn *c, kc_err err, const char *text, bool last)
{
    kci_timer_stop(c->loop, &c->timer);
    note_failure(c, err, text);
    kci_conn_drop_socket(c);
    c->blocked = false;
    if (last || c->addr_at + 1 >= c->addr_count) {
        kci_conn_become_ended(c, c->err);
        return;
    }
    c->addr_at++;
    kci_conn_try_addresses(c);
}

static void setup_failed_errno(kci_conn *c, kc_err err, int code)
{
    char text[KCI_ERRNO_TEXT_SIZE];
    setup_failed(c, code == -ENOMEM ? KC_E_NO_MEMORY : err, kci_errno_text(code, text), false);
}

void kci_conn_setup_timeout(kci_timer *timer)
{
    kci_conn *c = KCI_CONTAINER_OF(timer, kci_conn, timer);
    char text[160];
    snprintf(text, sizeof text, "%s within %lld ms: %s",
             c->state == CONN_CONNECTING ? "no answer" : "the TLS handshake was not done",
             (long long)(c->setup_timeout_us / 1000),
             c->state == CONN_CONNECTING ? "a firewall may drop packets to it, or the host is down"
                                         : "the peer may not speak TLS: check security.protocol");
    setup_failed(c, KC_E_TIMED_OUT, text, false);
}

void kci_conn_handshake(kci_conn *c)
{
    int err = kci_tls_stream_handshake(c->stream);
    if (err == 0)
        kci_conn_go_up(c);
    else if (err == -EAGAIN)
        kci_conn_update_watch(c);
    else if (err == -EPROTO)
        setup_failed(c, KC_E_TLS, kci_tls_stream_why(c->stream),
                     kci_tls_stream_untrusted(c->stream));
    else if (err == -ECONNRESET || err == -EPIPE)
        setup_failed(
            c, KC_E_TLS,
            "the peer closed the connection during the TLS handshake: it may not speak TLS "
            "(check security.protocol), or it wants a client certificate (ssl.keystore)",
            false);
    else
        setup_failed_errno(c, KC_E_TLS, err);
}

kc_err kci_conn_begin_handshake(kci_conn *c, kc_error *detail)
{
    kc_err err =
        kci_tls_stream_new(c->tls, &c->sock, c->addrs ? c->server_name : NULL, &c->stream, detail);
    if (err == KC_OK)
        c->state = CONN_HANDSHAKE;
    return err;
}

void kci_conn_connected(kci_conn *c)
{
    int err = c->sock.sys->sock_error(c->sock.sys, c->sock.sock);
    if (err != 0) {
        setup_failed_errno(c, KC_E_CONNECT, err);
        return;
    }
    if (!c->tls) {
        kci_conn_go_up(c);
        return;
    }
    kc_error detail;
    kc_err failed = kci_conn_begin_handshake(c, &detail);
    if (failed != KC_OK)
        setup_failed(c, failed, detail.text, true);
    else
        kci_conn_handshake(c);
}

/* Starts to connect to the present address. 0 or -errno. */
static int start_connect(kci_conn *c)
{
    kci_sys *sys = c->sock.sys;
    int sock = -1;
    int err = sys->sock_connect(sys, &c->addrs[c->addr_at], &sock);
    if (err != 0 && err != -EINPROGRESS)
        return err;
    c->sock.sock = c->watch.sock = sock;
    sys->sock_buffers(sys, sock, c->send_buffer,
                      c->receive_buffer); /* a wish: the system decides */
    c->state = CONN_CONNECTING;
    err = kci_watch_set(c->loop, &c->watch, KCI_WRITABLE);
    if (err != 0)
        kci_conn_drop_socket(c);
    return err;
}

void kci_conn_try_addresses(kci_conn *c)
{
    for (;; c->addr_at++) {
        int err = start_connect(c);
        if (err == 0)
            break;
        char text[KCI_ERRNO_TEXT_SIZE];
        note_failure(c, err == -ENOMEM ? KC_E_NO_MEMORY : KC_E_CONNECT, kci_errno_text(err, text));
        if (c->addr_at + 1 >= c->addr_count) {
            kci_conn_become_ended(c, c->err);
            return;
        }
    }
    kci_timer_set(c->loop, &c->timer, kci_loop_now(c->loop) + c->setup_timeout_us);
}
