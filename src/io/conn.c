/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a connection: the addresses in turn, TLS, up, the end. Everything that may free it,
 * or that calls the owner because of a call of the owner, waits for the end of the turn. */
#include "io/conn.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mem.h"
#include "io/conn_impl.h"
#include "io/errno_text.h"

enum { DEFAULT_SETUP_US = 30 * 1000 * 1000 };

/* the end */

void kci_conn_drop_socket(kci_conn *c)
{
    if (c->sock.sock < 0)
        return;
    kci_watch_set(c->loop, &c->watch, 0);
    if (c->stream)
        c->untrusted = *kci_tls_stream_why(c->stream) != '\0';
    kci_tls_stream_free(c->stream);
    c->stream = NULL;
    c->sock.sys->sock_close(c->sock.sys, c->sock.sock);
    c->sock.sock = -1;
}

static void release(kci_conn *c)
{
    kci_loop_reserve_timers(c->loop, -1);
    kci_tls_unref(c->tls);
    kci_frame_unref(c->frame);
    kci_free(c->server_name);
    kci_free(c->addrs);
    kci_free(c->in);
    kci_free(c);
}

static void finish(kci_conn *c)
{
    kci_conn_drop_socket(c);
    kci_conn_fail_outs(c);
    c->ops.on_closed(c->arg, c, c->err, c->why);
    kci_conn_fail_outs(c); /* sent by on_closed: not allowed, but each out has its done() */
    kci_loop_undefer(c->loop, &c->turn);
    release(c);
}

void kci_conn_become_ended(kci_conn *c, kc_err err)
{
    c->state = CONN_ENDED;
    c->err = err;
    kci_timer_stop(c->loop, &c->timer);
    if (c->sock.sock >= 0)
        kci_watch_set(c->loop, &c->watch, 0);
    kci_conn_schedule(c, TODO_END);
}

void kci_conn_end(kci_conn *c, kc_err err, const char *fmt, ...)
{
    if (c->state == CONN_ENDED)
        return;
    va_list args;
    va_start(args, fmt);
    vsnprintf(c->why, sizeof c->why, fmt, args);
    va_end(args);
    kci_conn_become_ended(c, err);
}

bool kci_conn_is_unanswered(const kci_conn *c)
{
    return c->addrs && !c->stream && !c->any_frame;
}

void kci_conn_end_errno(kci_conn *c, int err, const char *doing)
{
    char peer[KCI_ADDR_TEXT_SIZE], text[KCI_ERRNO_TEXT_SIZE];
    bool hung_up = err == -ECONNRESET || err == -EPIPE;
    if (hung_up && kci_conn_is_unanswered(c))
        kci_conn_end(
            c, KC_E_TRANSPORT,
            "%s closed the connection without an answer: if this listener expects TLS, set "
            "security.protocol; else see the broker's log",
            kci_conn_peer(c, peer));
    else
        kci_conn_end(c, err == -ENOMEM ? KC_E_NO_MEMORY : KC_E_TRANSPORT,
                     "the connection to %s broke %s: %s", kci_conn_peer(c, peer), doing,
                     kci_errno_text(err, text));
}

void kci_conn_close(kci_conn *c)
{
    kci_loop_assert_on(c->loop);
    if (c->state == CONN_ENDED)
        return;
    if (c->state == CONN_UP && c->stream)
        kci_tls_stream_shutdown(c->stream);
    c->why[0] = '\0';
    kci_conn_become_ended(c, KC_OK);
}

const char *kci_conn_peer(const kci_conn *c, char *buf)
{
    if (!c->addrs)
        return "the client";
    return kci_addr_text(&c->addrs[c->addr_at], buf);
}

/* the socket's events */

static bool wants_write(const kci_conn *c)
{
    return c->blocked || (c->stream && kci_tls_stream_wants_write(c->stream));
}

void kci_conn_update_watch(kci_conn *c)
{
    uint32_t events = 0;
    switch (c->state) {
    case CONN_CONNECTING:
        events = KCI_WRITABLE;
        break;
    case CONN_HANDSHAKE:
        events = KCI_READABLE | (wants_write(c) ? KCI_WRITABLE : 0u);
        break;
    case CONN_UP:
        events = (c->reading ? KCI_READABLE : 0u) | (wants_write(c) ? KCI_WRITABLE : 0u);
        break;
    case CONN_OPENING:
        break;
    case CONN_ENDED:
        return;
    }
    int err = kci_watch_set(c->loop, &c->watch, events);
    if (err != 0)
        kci_conn_end_errno(c, err, "while watching its socket");
}

void kci_conn_go_up(kci_conn *c)
{
    kci_timer_stop(c->loop, &c->timer);
    c->state = CONN_UP;
    c->last_active = kci_loop_now(c->loop);
    c->ops.on_up(c->arg, c);
    if (c->state == CONN_UP && c->stream && c->reading)
        kci_conn_input(c); /* may have come with the handshake's last bytes */
    if (c->state == CONN_UP && c->first)
        kci_conn_schedule(c, TODO_FLUSH);
    kci_conn_update_watch(c);
}

static void on_ready(kci_watch *watch, uint32_t events)
{
    kci_conn *c = KCI_CONTAINER_OF(watch, kci_conn, watch);
    switch (c->state) {
    case CONN_CONNECTING:
        kci_conn_connected(c);
        return;
    case CONN_HANDSHAKE:
        kci_conn_handshake(c);
        return;
    case CONN_UP:
        break;
    case CONN_OPENING:
    case CONN_ENDED:
        return;
    }
    if (events & KCI_WRITABLE) {
        c->blocked = false;
        kci_conn_flush(c);
    }
    if ((events & KCI_READABLE) && c->state == CONN_UP && c->reading)
        kci_conn_input(c);
    kci_conn_update_watch(c);
}

/* the end of the turn */

void kci_conn_schedule(kci_conn *c, uint32_t todo)
{
    c->todo |= todo;
    if (!c->in_turn)
        kci_loop_defer(c->loop, &c->turn);
}

static uint32_t take_todo(kci_conn *c, uint32_t which)
{
    uint32_t due = c->todo & which;
    c->todo &= ~which;
    return due;
}

static void on_turn_end(kci_task *task)
{
    kci_conn *c = KCI_CONTAINER_OF(task, kci_conn, turn);
    c->in_turn = true;
    if (take_todo(c, TODO_UP) && c->state == CONN_OPENING)
        kci_conn_go_up(c);
    if (take_todo(c, TODO_READ) && c->state == CONN_UP && c->reading)
        kci_conn_input(c);
    if (take_todo(c, TODO_FLUSH) && c->state == CONN_UP)
        kci_conn_flush(c);
    if (c->state == CONN_ENDED) {
        finish(c);
        return;
    }
    kci_conn_update_watch(c);
    c->in_turn = false;
    if (c->todo)
        kci_loop_defer(c->loop, &c->turn);
}

/* creation */

static kc_err copy_params(kci_conn *c, const kci_conn_params *p)
{
    c->setup_timeout_us = p->setup_timeout_us > 0 ? p->setup_timeout_us : DEFAULT_SETUP_US;
    c->send_buffer = p->send_buffer;
    c->receive_buffer = p->receive_buffer;
    c->max_frame = p->max_frame;
    c->pool = p->pool;
    c->in = kci_alloc(CONN_IN_SIZE);
    if (!c->in)
        return KC_E_NO_MEMORY;
    if (p->server_name) {
        c->server_name = kci_strndup(p->server_name, strlen(p->server_name));
        if (!c->server_name)
            return KC_E_NO_MEMORY;
    }
    c->tls = p->tls ? kci_tls_ref(p->tls) : NULL;
    return KC_OK;
}

static kc_err copy_addrs(kci_conn *c, const kci_conn_params *p)
{
    c->addrs = kci_calloc(p->addr_count, sizeof *c->addrs);
    if (!c->addrs)
        return KC_E_NO_MEMORY;
    memcpy(c->addrs, p->addrs, p->addr_count * sizeof *c->addrs);
    c->addr_count = p->addr_count;
    return KC_OK;
}

static kci_conn *new_conn(kci_loop *loop, const kci_conn_ops *ops, void *arg)
{
    if (kci_loop_reserve_timers(loop, 1) != KC_OK)
        return NULL;
    kci_conn *c = kci_calloc(1, sizeof *c);
    if (!c) {
        kci_loop_reserve_timers(loop, -1);
        return NULL;
    }
    c->loop = loop;
    c->ops = *ops;
    c->arg = arg;
    c->sock.sys = kci_loop_sys(loop);
    c->sock.sock = c->watch.sock = -1;
    c->watch.fn = on_ready;
    c->turn.fn = on_turn_end;
    c->timer.fn = kci_conn_setup_timeout;
    c->reading = true;
    c->last_active = kci_loop_now(loop);
    return c;
}

kc_err kci_conn_open(kci_loop *loop, const kci_conn_params *params, const kci_conn_ops *ops,
                     void *arg, kci_conn **out)
{
    kci_loop_assert_on(loop);
    if (params->addr_count == 0)
        return KC_E_INVALID_ARGUMENT;
    kci_conn *c = new_conn(loop, ops, arg);
    if (!c)
        return KC_E_NO_MEMORY;
    kc_err err = copy_params(c, params);
    if (err == KC_OK)
        err = copy_addrs(c, params);
    if (err != KC_OK) {
        release(c);
        return err;
    }
    kci_conn_try_addresses(c);
    *out = c;
    return KC_OK;
}

static kc_err serve(kci_conn *c, const kci_conn_params *params)
{
    kc_err err = copy_params(c, params);
    if (err != KC_OK)
        return err;
    c->sock.sys->sock_buffers(c->sock.sys, c->sock.sock, c->send_buffer, c->receive_buffer);
    if (!c->tls) {
        c->state = CONN_OPENING;
        kci_conn_schedule(c, TODO_UP);
        return KC_OK;
    }
    err = kci_conn_begin_handshake(c, NULL);
    if (err != KC_OK)
        return err;
    if (kci_watch_set(c->loop, &c->watch, KCI_READABLE) != 0)
        return KC_E_NO_MEMORY;
    kci_timer_set(c->loop, &c->timer, kci_loop_now(c->loop) + c->setup_timeout_us);
    return KC_OK;
}

kc_err kci_conn_serve(kci_loop *loop, int sock, const kci_conn_params *params,
                      const kci_conn_ops *ops, void *arg, kci_conn **out)
{
    kci_loop_assert_on(loop);
    kci_conn *c = new_conn(loop, ops, arg);
    if (!c) {
        kci_sys *sys = kci_loop_sys(loop);
        sys->sock_close(sys, sock);
        return KC_E_NO_MEMORY;
    }
    c->sock.sock = c->watch.sock = sock;
    kc_err err = serve(c, params);
    if (err != KC_OK) {
        kci_conn_drop_socket(c);
        release(c);
        return err;
    }
    *out = c;
    return KC_OK;
}

/* small calls */

void kci_conn_send(kci_conn *c, kci_out *o)
{
    kci_loop_assert_on(c->loop);
    o->next = NULL;
    if (c->last)
        c->last->next = o;
    else
        c->first = o;
    c->last = o;
    for (int i = 0; i < o->count; i++)
        c->queued += o->iov[i].iov_len;
    if (c->state == CONN_UP && !c->blocked)
        kci_conn_schedule(c, TODO_FLUSH);
}

void kci_conn_set_reading(kci_conn *c, bool on)
{
    if (c->reading == on)
        return;
    c->reading = on;
    if (c->state != CONN_UP)
        return;
    if (on && kci_conn_has_input(c))
        kci_conn_schedule(c, TODO_READ);
    kci_conn_update_watch(c);
}

void kci_conn_set_max_frame(kci_conn *c, uint32_t bytes)
{
    c->max_frame = bytes;
}

int64_t kci_conn_last_active(const kci_conn *c)
{
    return c->last_active;
}

size_t kci_conn_queued(const kci_conn *c)
{
    return c->queued;
}

bool kci_conn_is_untrusted(const kci_conn *c)
{
    return c->untrusted;
}

kci_conn_counters kci_conn_get_counters(const kci_conn *c)
{
    return c->sock.counters;
}
