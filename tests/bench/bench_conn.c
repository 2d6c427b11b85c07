/* SPDX-License-Identifier: Apache-2.0 */
/* Frames through a connection over loopback TCP, both ends on one loop and one thread, so the
 * figures are the cost of both sides together with the kernel's. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "io/conn.h"

enum { WINDOW = 64 };

typedef struct message {
    kci_out out;
    struct iovec iov[2];
    uint8_t prefix[4];
    struct bench *bench;
} message;

typedef struct bench {
    kci_loop *loop;
    kci_conn *client, *server;
    kci_frame_pool *pool;
    uint8_t *payload;
    uint32_t size;
    uint64_t to_send, received;
    message messages[WINDOW];
    bool closed;
} bench;

static void send_next(message *m)
{
    bench *b = m->bench;
    if (b->to_send == 0)
        return;
    b->to_send--;
    kci_store32(m->prefix, b->size);
    m->iov[0] = (struct iovec){ m->prefix, 4 };
    m->iov[1] = (struct iovec){ b->payload, b->size };
    m->out.iov = m->iov;
    m->out.count = 2;
    kci_conn_send(b->client, &m->out);
}

static void on_done(kci_out *out, bool written)
{
    if (written)
        send_next(KCI_CONTAINER_OF(out, message, out));
}

static void on_up(void *arg, kci_conn *conn)
{
    bench *b = arg;
    if (conn != b->client)
        return;
    for (int i = 0; i < WINDOW; i++) {
        b->messages[i].bench = b;
        b->messages[i].out.done = on_done;
        send_next(&b->messages[i]);
    }
}

static void on_frame(void *arg, kci_conn *conn, kci_frame *frame)
{
    (void)conn;
    ((bench *)arg)->received++;
    kci_frame_unref(frame);
}

static void on_closed(void *arg, kci_conn *conn, kc_err err, const char *why)
{
    (void)conn;
    if (err != KC_OK)
        fprintf(stderr, "%s\n", why);
    ((bench *)arg)->closed = true;
}

static const kci_conn_ops ops = { on_up, on_frame, on_closed };

static void on_accept(void *arg, int sock)
{
    bench *b = arg;
    kci_conn_params params = { .max_frame = INT32_MAX, .pool = b->pool };
    if (kci_conn_serve(b->loop, sock, &params, &ops, b, &b->server) != KC_OK)
        exit(1);
}

static double seconds(const struct timeval *t)
{
    return (double)t->tv_sec + (double)t->tv_usec / 1e6;
}

static void run(uint32_t size, uint64_t frames)
{
    kci_sys *sys = kci_sys_posix(false);
    bench b = { .size = size, .to_send = frames, .payload = calloc(1, size) };
    b.pool = kci_frame_pool_new(64 << 20);
    kci_addr addr = { .len = sizeof(struct sockaddr_in) };
    ((struct sockaddr_in *)&addr.sa)->sin_family = AF_INET;
    ((struct sockaddr_in *)&addr.sa)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    kci_listener *listener;
    if (kci_loop_new(sys, &b.loop) != KC_OK ||
        kci_listener_open(b.loop, &addr, on_accept, &b, &listener) != KC_OK)
        exit(1);
    kci_conn_params params = { .addrs = &addr, .addr_count = 1, .max_frame = INT32_MAX };
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    int64_t began = sys->mono_us(sys);
    if (kci_conn_open(b.loop, &params, &ops, &b, &b.client) != KC_OK)
        exit(1);
    while (b.received < frames && !b.closed)
        kci_loop_step(b.loop, -1);
    double took = (double)(sys->mono_us(sys) - began) / 1e6;
    getrusage(RUSAGE_SELF, &after);
    kci_conn_counters out = kci_conn_get_counters(b.client);
    kci_conn_counters in = kci_conn_get_counters(b.server);
    printf("%8u bytes: %9.0f frames/s %7.0f MB/s, user %.2f s sys %.2f s, %.2f writes and %.2f "
           "reads a frame\n",
           size, (double)frames / took, (double)frames * size / took / 1e6,
           seconds(&after.ru_utime) - seconds(&before.ru_utime),
           seconds(&after.ru_stime) - seconds(&before.ru_stime),
           (double)out.writes / (double)frames, (double)in.reads / (double)frames);
    kci_conn_close(b.client);
    kci_conn_close(b.server);
    kci_listener_close(listener);
    kci_loop_step(b.loop, 0);
    kci_loop_step(b.loop, 0);
    kci_frame_pool_unref(b.pool);
    kci_loop_free(b.loop);
    free(b.payload);
}

int main(void)
{
    run(100, 2000000);
    run(4096, 500000);
    run(65536, 50000);
    run(1 << 20, 4000);
    return 0;
}
