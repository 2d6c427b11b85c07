/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"

typedef struct message {
    kci_out out;
    struct iovec iov[8];
    uint8_t prefix[4];
    end *from;
    uint8_t data[];
} message;

kci_addr loopback(uint16_t port)
{
    kci_addr a = { .len = sizeof(struct sockaddr_in) };
    struct sockaddr_in *in = (struct sockaddr_in *)&a.sa;
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    in->sin_port = htons(port);
    return a;
}

int count_fds(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(dir))
        n++;
    closedir(dir);
    return n;
}

static void on_up(void *arg, kci_conn *conn)
{
    end *e = arg;
    cr_assert(e->conn == conn || !e->conn);
    e->conn = conn;
    e->up++;
    e->late += e->closed;
    if (e->on_up)
        e->on_up(e);
}

static void on_frame(void *arg, kci_conn *conn, kci_frame *frame)
{
    end *e = arg;
    cr_assert(e->conn == conn);
    e->late += e->closed;
    e->frame_bytes += frame->size;
    if (e->on_frame)
        e->on_frame(e, frame);
    if (e->drop_frames) {
        kci_frame_unref(frame);
    } else {
        cr_assert(e->frame_count < PAIR_FRAMES);
        e->frames[e->frame_count] = frame;
    }
    e->frame_count++;
}

static void on_closed(void *arg, kci_conn *conn, kc_err err, const char *why)
{
    end *e = arg;
    cr_assert(e->conn == conn || !e->conn);
    e->closed++;
    e->err = err;
    snprintf(e->why, sizeof e->why, "%s", why);
    e->conn = NULL;
}

static const kci_conn_ops ops = { on_up, on_frame, on_closed };

static kci_conn_params params_of(const pair *p)
{
    return (kci_conn_params){
        .server_name = p->server_name,
        .setup_timeout_us = p->setup_timeout_us,
        .send_buffer = -1,
        .receive_buffer = -1,
        .max_frame = p->max_frame,
        .pool = p->pool,
    };
}

static void on_accept(void *arg, int sock)
{
    pair *p = arg;
    if (p->raw) {
        p->raw_server = sock;
        return;
    }
    kci_conn_params params = params_of(p);
    params.tls = p->server_tls;
    kci_conn *conn;
    p->serve_err = kci_conn_serve(p->loop, sock, &params, &ops, &p->server, &conn);
    if (p->serve_err == KC_OK)
        p->server.conn = conn;
}

void pair_init(pair *p, bool use_poll)
{
    pair_init_on(p, kci_sys_posix(use_poll));
}

void pair_init_on(pair *p, kci_sys *sys)
{
    *p = (pair){ .sys = sys,
                 .max_frame = 64 << 20,
                 .setup_timeout_us = 60000000,
                 .raw_server = -1,
                 .live = kci_mem_live(),
                 .addr = loopback(0) };
    p->client.pair = p->server.pair = p;
    cr_assert_eq(kci_loop_new(p->sys, &p->loop), KC_OK);
    cr_assert_eq(kci_listener_open(p->loop, &p->addr, on_accept, p, &p->listener), KC_OK);
}

kc_err pair_connect(pair *p)
{
    kci_conn_params params = params_of(p);
    params.addrs = &p->addr;
    params.addr_count = 1;
    params.tls = p->client_tls;
    return kci_conn_open(p->loop, &params, &ops, &p->client, &p->client.conn);
}

static void end_close(end *e)
{
    if (e->conn) {
        kci_conn_close(e->conn);
        cr_assert(pair_until(e->pair, &e->closed, 1, 1000));
    }
    cr_assert_leq(e->closed, 1);
    cr_assert_eq(e->late, 0);
    for (int i = 0; i < e->frame_count && !e->drop_frames; i++)
        kci_frame_unref(e->frames[i]);
}

void pair_free(pair *p)
{
    end_close(&p->client);
    end_close(&p->server);
    kci_listener_close(p->listener);
    if (p->raw_server >= 0)
        close(p->raw_server);
    kci_loop_free(p->loop);
    kci_tls_unref(p->client_tls);
    kci_tls_unref(p->server_tls);
    kci_frame_pool_unref(p->pool);
    cr_assert_eq(kci_mem_live(), p->live, "%lld allocations are left",
                 (long long)(kci_mem_live() - p->live));
}

bool pair_until(pair *p, const int *flag, int value, int ms)
{
    int64_t end_us = p->sys->mono_us(p->sys) + (int64_t)ms * 1000;
    while (*flag < value) {
        int64_t left = end_us - p->sys->mono_us(p->sys);
        if (left <= 0)
            return false;
        kci_loop_step(p->loop, left);
    }
    return true;
}

bool pair_calms_down(pair *p)
{
    enum { WINDOW_US = 200000, MOST_TURNS = 5 };
    for (int i = 0; i < 150; i++) {
        int turns = 0;
        int64_t until = p->sys->mono_us(p->sys) + WINDOW_US;
        for (int64_t left; (left = until - p->sys->mono_us(p->sys)) > 0; turns++)
            kci_loop_step(p->loop, left);
        if (turns <= MOST_TURNS)
            return true;
    }
    return false;
}

void pair_steps(pair *p, int ms)
{
    int never = 0;
    pair_until(p, &never, 1, ms);
}

static void on_done(kci_out *out, bool written)
{
    message *m = KCI_CONTAINER_OF(out, message, out);
    m->from->late += m->from->closed;
    if (written)
        m->from->written++;
    else
        m->from->unwritten++;
    free(m);
}

static message *new_message(end *e, size_t size)
{
    message *m = malloc(sizeof *m + size); /* not subject to injected failures */
    cr_assert(m);
    memset(m, 0, sizeof *m);
    m->from = e;
    m->out = (kci_out){ .iov = m->iov, .done = on_done };
    return m;
}

void end_send(end *e, uint32_t size, uint8_t seed, int pieces)
{
    message *m = new_message(e, size);
    kci_store32(m->prefix, size);
    for (uint32_t i = 0; i < size; i++)
        m->data[i] = (uint8_t)(seed + i);
    m->iov[m->out.count++] = (struct iovec){ m->prefix, 4 };
    size_t at = 0;
    for (int i = 0; i < pieces; i++) {
        size_t part = i == pieces - 1 ? size - at : size / (size_t)pieces;
        m->iov[m->out.count++] = (struct iovec){ m->data + at, part };
        at += part;
    }
    kci_conn_send(e->conn, &m->out);
}

void end_send_raw(end *e, const void *data, size_t size)
{
    message *m = new_message(e, size);
    memcpy(m->data, data, size);
    m->iov[0] = (struct iovec){ m->data, size };
    m->out.count = 1;
    kci_conn_send(e->conn, &m->out);
}

bool frame_is(const kci_frame *f, uint32_t size, uint8_t seed)
{
    if (f->size != size)
        return false;
    for (uint32_t i = 0; i < size; i++)
        if (f->data[i] != (uint8_t)(seed + i))
            return false;
    return true;
}

void raw_write(pair *p, int fd, const void *data, size_t size)
{
    const uint8_t *at = data;
    while (size) {
        ssize_t n = send(fd, at, size, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EAGAIN) {
            kci_loop_step(p->loop, 1000);
            continue;
        }
        if (n <= 0)
            return;
        at += n;
        size -= (size_t)n;
    }
}
