/* SPDX-License-Identifier: Apache-2.0 */
/* Connections over loopback TCP: frames both ways, hostile peers, ends of every kind. Each test
 * runs with both pollers. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "pair.h"

static void open_pair(pair *p, bool use_poll)
{
    pair_init(p, use_poll);
    cr_assert_eq(pair_connect(p), KC_OK);
    cr_assert_eq(p->client.up, 0, "no callback from inside a call");
    cr_assert(pair_until(p, &p->client.up, 1, PAIR_PATIENCE_MS));
    cr_assert(pair_until(p, &p->server.up, 1, PAIR_PATIENCE_MS));
}

static void open_raw(pair *p, bool use_poll)
{
    pair_init(p, use_poll);
    p->raw = true;
    cr_assert_eq(pair_connect(p), KC_OK);
    cr_assert(pair_until(p, &p->client.up, 1, PAIR_PATIENCE_MS));
    while (p->raw_server < 0)
        kci_loop_step(p->loop, 1000);
}

BOTH_POLLERS(conn, frames_both_ways)
{
    static pair p;
    open_pair(&p, use_poll);
    static const uint32_t sizes[] = { 1,     4,     100,     16380, 16384,   16388, 65535,
                                      65536, 70000, 1 << 20, 3,     5 << 20, 1 };
    int n = (int)KCI_COUNT_OF(sizes);
    for (int i = 0; i < n; i++) {
        end_send(&p.client, sizes[i], (uint8_t)i, 1 + i % 5);
        end_send(&p.server, sizes[i], (uint8_t)(i + 7), 1 + i % 3);
    }
    cr_assert(pair_until(&p, &p.server.frame_count, n, PAIR_PATIENCE_MS));
    cr_assert(pair_until(&p, &p.client.frame_count, n, PAIR_PATIENCE_MS));
    for (int i = 0; i < n; i++) {
        cr_assert(frame_is(p.server.frames[i], sizes[i], (uint8_t)i), "frame %d", i);
        cr_assert(frame_is(p.client.frames[i], sizes[i], (uint8_t)(i + 7)), "frame %d", i);
    }
    cr_assert(pair_until(&p, &p.client.written, n, PAIR_PATIENCE_MS));
    cr_assert_eq(kci_conn_queued(p.client.conn), 0);
    pair_free(&p);
    cr_assert_eq(p.client.err, KC_OK);
    cr_assert_eq(p.client.unwritten, 0);
}

BOTH_POLLERS(conn, small_frames_share_system_calls)
{
    static pair p;
    open_pair(&p, use_poll);
    for (int i = 0; i < 1000; i++)
        end_send(&p.client, 20, (uint8_t)i, 1);
    cr_assert(pair_until(&p, &p.server.frame_count, 1000, PAIR_PATIENCE_MS));
    for (int i = 0; i < 1000; i++)
        cr_assert(frame_is(p.server.frames[i], 20, (uint8_t)i));
    kci_conn_counters out = kci_conn_get_counters(p.client.conn);
    kci_conn_counters in = kci_conn_get_counters(p.server.conn);
    cr_assert_eq(out.bytes_out, 24000);
    cr_assert_eq(in.bytes_in, 24000);
    cr_assert_leq(out.writes, 20);
    cr_assert_leq(in.reads, 20);
    pair_free(&p);
}

BOTH_POLLERS(conn, large_frames_are_read_in_place)
{
    static pair p;
    open_pair(&p, use_poll);
    p.server.drop_frames = true;
    for (int i = 0; i < 20; i++)
        end_send(&p.client, 1 << 20, 0, 1);
    cr_assert(pair_until(&p, &p.server.frame_count, 20, PAIR_PATIENCE_MS));
    kci_conn_counters in = kci_conn_get_counters(p.server.conn);
    cr_assert_leq(in.reads, 20 * 80, "%llu reads", (unsigned long long)in.reads);
    pair_free(&p);
}

BOTH_POLLERS(conn, byte_at_a_time)
{
    static pair p;
    open_raw(&p, use_poll);
    static const uint8_t bytes[] = { 0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 1, 9, 0, 0, 0, 2, 5, 6 };
    for (size_t i = 0; i < sizeof bytes; i++) {
        raw_write(&p, p.raw_server, &bytes[i], 1);
        pair_steps(&p, 2);
    }
    cr_assert(pair_until(&p, &p.client.frame_count, 3, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.frames[0]->size, 3);
    cr_assert(frame_is(p.client.frames[1], 1, 9));
    cr_assert(frame_is(p.client.frames[2], 2, 5));
    pair_free(&p);
}

static void expect_refusal(bool use_poll, const void *bytes, size_t size, kc_err err,
                           const char *sentence)
{
    static pair p;
    open_raw(&p, use_poll);
    raw_write(&p, p.raw_server, bytes, size);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, err, "%d: %s", p.client.err, p.client.why);
    cr_assert(strstr(p.client.why, sentence), "%s", p.client.why);
    cr_assert(strstr(p.client.why, "127.0.0.1:"), "%s", p.client.why);
    cr_assert_eq(p.client.frame_count, 0);
    pair_free(&p);
}

BOTH_POLLERS(conn, not_kafka)
{
    expect_refusal(use_poll, "\x15\x03\x03\x00\x02\x02\x28", 7, KC_E_PROTOCOL, "TLS");
    expect_refusal(use_poll, "HTTP/1.1 400 Bad Request\r\n", 26, KC_E_PROTOCOL, "HTTP server");
    expect_refusal(use_poll, "SSH-2.0-OpenSSH", 15, KC_E_PROTOCOL, "SSH");
    expect_refusal(use_poll, "\0\0\0\0", 4, KC_E_PROTOCOL, "zero bytes");
    expect_refusal(use_poll, "\xff\xff\xff\xff", 4, KC_E_PROTOCOL, "-1 bytes");
    expect_refusal(use_poll, "\x7f\xff\xff\xff", 4, KC_E_PROTOCOL, "2147483647 bytes");
    expect_refusal(use_poll, "\x80\0\0\0", 4, KC_E_PROTOCOL, "-2147483648 bytes");
}

BOTH_POLLERS(conn, tls_alert_below_a_high_limit)
{
    static pair p;
    pair_init(&p, use_poll);
    p.raw = true;
    p.max_frame = INT32_MAX;
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.up, 1, PAIR_PATIENCE_MS));
    while (p.raw_server < 0)
        kci_loop_step(p.loop, 1000);
    raw_write(&p, p.raw_server, "\x15\x03\x01\x00\x02\x02\x28", 7);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_PROTOCOL);
    pair_free(&p);
}

BOTH_POLLERS(conn, frame_limit_can_be_raised)
{
    static pair p;
    open_raw(&p, use_poll);
    kci_conn_set_max_frame(p.client.conn, 10);
    static const uint8_t ten[14] = { 0, 0, 0, 10 };
    raw_write(&p, p.raw_server, ten, sizeof ten);
    cr_assert(pair_until(&p, &p.client.frame_count, 1, PAIR_PATIENCE_MS));
    kci_conn_set_max_frame(p.client.conn, 11);
    static const uint8_t eleven[15] = { 0, 0, 0, 11 };
    raw_write(&p, p.raw_server, eleven, sizeof eleven);
    cr_assert(pair_until(&p, &p.client.frame_count, 2, PAIR_PATIENCE_MS));
    static const uint8_t twelve[16] = { 0, 0, 0, 12 };
    raw_write(&p, p.raw_server, twelve, sizeof twelve);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_RESPONSE_TOO_LARGE);
    cr_assert(strstr(p.client.why, "limit is 11"), "%s", p.client.why);
    pair_free(&p);
}

/* A system whose sockets take everything at once, and whose clock can be put forward. */
static kci_sys strange;
static int64_t later_us;
static size_t swallowed;

static ssize_t swallow(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    (void)sys, (void)sock;
    ssize_t n = 0;
    for (int i = 0; i < count; i++)
        n += (ssize_t)iov[i].iov_len;
    swallowed += (size_t)n;
    return n;
}

static int64_t later(kci_sys *sys)
{
    return kci_sys_posix(false)->mono_us(sys) + later_us;
}

/* What is left when a turn's share is used up goes out in the next one, by itself. */
BOTH_POLLERS(conn, more_than_a_turn_writes)
{
    static pair p;
    strange = *kci_sys_posix(use_poll);
    strange.sock_writev = swallow;
    pair_init_on(&p, &strange);
    p.raw = true;
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.up, 1, PAIR_PATIENCE_MS));
    swallowed = 0;
    for (int i = 0; i < 5; i++)
        end_send(&p.client, 3 << 20, 0, 3);
    cr_assert(pair_until(&p, &p.client.written, 5, PAIR_PATIENCE_MS));
    cr_assert_eq(swallowed, 5 * ((3 << 20) + 4));
    cr_assert_eq(kci_conn_queued(p.client.conn), 0);
    pair_free(&p);
}

/* The time that it took to come up is no idle time. */
BOTH_POLLERS(conn, is_not_idle_when_it_comes_up)
{
    static pair p;
    strange = *kci_sys_posix(use_poll);
    strange.mono_us = later;
    later_us = 0;
    pair_init_on(&p, &strange);
    cr_assert_eq(pair_connect(&p), KC_OK);
    later_us = 20000000;
    int64_t before = strange.mono_us(&strange);
    cr_assert(pair_until(&p, &p.client.up, 1, PAIR_PATIENCE_MS));
    cr_assert_geq(kci_conn_last_active(p.client.conn), before);
    pair_free(&p);
}

BOTH_POLLERS(conn, peer_closes_in_mid_frame)
{
    static pair p;
    open_raw(&p, use_poll);
    static const uint8_t part[104] = { 0, 0, 1, 0 };
    raw_write(&p, p.raw_server, part, sizeof part);
    pair_steps(&p, 20);
    close(p.raw_server);
    p.raw_server = -1;
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_TRANSPORT);
    cr_assert(strstr(p.client.why, "100 of 256 bytes"), "%s", p.client.why);
    pair_free(&p);
}

BOTH_POLLERS(conn, peer_resets_in_mid_frame)
{
    static pair p;
    open_raw(&p, use_poll);
    for (int i = 0; i < 50; i++)
        end_send(&p.client, 1 << 20, 0, 2);
    static const uint8_t part[104] = { 0, 0, 1, 0 };
    raw_write(&p, p.raw_server, part, sizeof part);
    pair_steps(&p, 20);
    struct linger now = { 1, 0 };
    setsockopt(p.raw_server, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(p.raw_server);
    p.raw_server = -1;
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_TRANSPORT);
    cr_assert_eq(p.client.written + p.client.unwritten, 50);
    cr_assert_gt(p.client.unwritten, 0);
    pair_free(&p);
}

BOTH_POLLERS(conn, closes_without_a_word)
{
    static pair p;
    open_raw(&p, use_poll);
    end_send(&p.client, 10, 0, 1);
    pair_steps(&p, 10);
    close(p.raw_server);
    p.raw_server = -1;
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert(strstr(p.client.why, "security.protocol"), "%s", p.client.why);
    pair_free(&p);
}

BOTH_POLLERS(conn, refused)
{
    static pair p;
    pair_init(&p, use_poll);
    kci_addr spare = loopback(0);
    int sock;
    cr_assert_eq(p.sys->sock_listen(p.sys, &spare, 1, &sock), 0);
    p.sys->sock_close(p.sys, sock);
    p.addr = spare;
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_CONNECT);
    cr_assert_eq(p.client.up, 0);
    cr_assert(strstr(p.client.why, "refused"), "%s", p.client.why);
    pair_free(&p);
}

/* A listener whose queue is full answers no further connect: as good as a firewall that drops. */
typedef struct black_hole {
    int listener, fill[8];
    kci_addr addr;
} black_hole;

static void dig(black_hole *h, kci_sys *sys)
{
    h->addr = loopback(0);
    cr_assert_eq(sys->sock_listen(sys, &h->addr, 0, &h->listener), 0);
    for (size_t i = 0; i < KCI_COUNT_OF(h->fill); i++)
        sys->sock_connect(sys, &h->addr, &h->fill[i]);
    usleep(20000);
}

static void fill_up(black_hole *h, kci_sys *sys)
{
    for (size_t i = 0; i < KCI_COUNT_OF(h->fill); i++)
        sys->sock_close(sys, h->fill[i]);
    sys->sock_close(sys, h->listener);
}

BOTH_POLLERS(conn, black_hole)
{
    static pair p;
    pair_init(&p, use_poll);
    black_hole h;
    dig(&h, p.sys);
    p.addr = h.addr;
    p.setup_timeout_us = 200000;
    int64_t before = p.sys->mono_us(p.sys);
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    int64_t took = p.sys->mono_us(p.sys) - before;
    cr_assert_eq(p.client.err, KC_E_TIMED_OUT, "%s", p.client.why);
    cr_assert(took >= 200000, "%lld", (long long)took);
    cr_assert(strstr(p.client.why, "within 200 ms"), "%s", p.client.why);
    fill_up(&h, p.sys);
    pair_free(&p);
}

static void count_up(void *arg, kci_conn *conn)
{
    (void)conn;
    ++*(int *)arg;
}

static void take_frame(void *arg, kci_conn *conn, kci_frame *frame)
{
    (void)arg;
    (void)conn;
    kci_frame_unref(frame);
}

static void count_closed(void *arg, kci_conn *conn, kc_err err, const char *why)
{
    (void)conn;
    (void)err;
    (void)why;
    *(int *)arg += 100;
}

BOTH_POLLERS(conn, all_addresses_in_order)
{
    static pair p;
    pair_init(&p, use_poll);
    black_hole h;
    dig(&h, p.sys);
    kci_addr closed = loopback(1);
    kci_addr unreachable = { .len = sizeof(struct sockaddr_in6) };
    ((struct sockaddr_in6 *)&unreachable.sa)->sin6_family = AF_INET6;
    inet_pton(AF_INET6, "2001:db8::1", &((struct sockaddr_in6 *)&unreachable.sa)->sin6_addr);
    ((struct sockaddr_in6 *)&unreachable.sa)->sin6_port = htons(9092);
    kci_addr addrs[] = { closed, unreachable, h.addr, p.addr };
    kci_conn_params params = { .addrs = addrs,
                               .addr_count = 4,
                               .setup_timeout_us = 500000,
                               .send_buffer = 65536,
                               .receive_buffer = 65536,
                               .max_frame = 1000 };
    static const kci_conn_ops ops = { count_up, take_frame, count_closed };
    int state = 0;
    kci_conn *conn;
    cr_assert_eq(kci_conn_open(p.loop, &params, &ops, &state, &conn), KC_OK);
    cr_assert(pair_until(&p, &state, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(state, 1);
    kci_conn_close(conn);
    kci_conn_close(conn);
    cr_assert_eq(state, 1, "no callback from inside close");
    cr_assert(pair_until(&p, &state, 101, PAIR_PATIENCE_MS));
    cr_assert_eq(state, 101);
    fill_up(&h, p.sys);
    pair_free(&p);
}

BOTH_POLLERS(conn, unsent_outs_are_reported_before_the_end)
{
    static pair p;
    open_raw(&p, use_poll);
    for (int i = 0; i < 100; i++)
        end_send(&p.client, 1 << 20, 0, 1);
    pair_steps(&p, 20);
    cr_assert_gt(kci_conn_queued(p.client.conn), 0);
    kci_conn_close(p.client.conn);
    end_send(&p.client, 10, 0, 1); /* too late, but it gets its answer */
    cr_assert_eq(p.client.closed, 0);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.written + p.client.unwritten, 101);
    cr_assert_eq(p.client.err, KC_OK);
    cr_assert_str_eq(p.client.why, "");
    pair_free(&p);
}

BOTH_POLLERS(conn, close_while_connecting)
{
    static pair p;
    pair_init(&p, use_poll);
    cr_assert_eq(pair_connect(&p), KC_OK);
    end_send(&p.client, 10, 0, 1);
    kci_conn_close(p.client.conn);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.up, 0);
    cr_assert_eq(p.client.unwritten, 1);
    pair_steps(&p, 20);
    pair_free(&p);
}

BOTH_POLLERS(conn, sends_before_up_go_out)
{
    static pair p;
    pair_init(&p, use_poll);
    cr_assert_eq(pair_connect(&p), KC_OK);
    end_send(&p.client, 10, 3, 1);
    cr_assert(pair_until(&p, &p.server.frame_count, 1, PAIR_PATIENCE_MS));
    cr_assert(frame_is(p.server.frames[0], 10, 3));
    pair_free(&p);
}

BOTH_POLLERS(conn, reading_can_be_stopped)
{
    static pair p;
    open_pair(&p, use_poll);
    kci_conn_set_reading(p.server.conn, false);
    for (int i = 0; i < 5; i++)
        end_send(&p.client, 50, (uint8_t)i, 1);
    pair_steps(&p, 50);
    cr_assert_eq(p.server.frame_count, 0);
    kci_conn_set_reading(p.server.conn, true);
    cr_assert(pair_until(&p, &p.server.frame_count, 5, PAIR_PATIENCE_MS));
    pair_free(&p);
}

static void stop_reading(end *e, kci_frame *frame)
{
    (void)frame;
    kci_conn_set_reading(e->conn, false);
}

/* Frames that were read together with the last one wanted must wait, and must come later although
 * no socket announces them again. */
BOTH_POLLERS(conn, reading_can_be_stopped_from_a_frame)
{
    static pair p;
    open_pair(&p, use_poll);
    p.server.on_frame = stop_reading;
    for (int i = 0; i < 5; i++)
        end_send(&p.client, 50, (uint8_t)i, 1);
    for (int i = 1; i <= 5; i++) {
        cr_assert(pair_until(&p, &p.server.frame_count, i, PAIR_PATIENCE_MS));
        pair_steps(&p, 10);
        cr_assert_eq(p.server.frame_count, i);
        kci_conn_set_reading(p.server.conn, true);
    }
    pair_free(&p);
}

BOTH_POLLERS(conn, back_pressure_reaches_the_sender)
{
    static pair p;
    open_pair(&p, use_poll);
    kci_conn_set_reading(p.server.conn, false);
    for (int i = 0; i < 100; i++)
        end_send(&p.client, 1 << 20, 0, 1);
    cr_assert(pair_calms_down(&p), "a blocked connection must not spin");
    size_t stuck = kci_conn_queued(p.client.conn);
    cr_assert_gt(stuck, 50u << 20);
    pair_steps(&p, 100);
    cr_assert_eq(kci_conn_queued(p.client.conn), stuck);
    p.server.drop_frames = true;
    kci_conn_set_reading(p.server.conn, true);
    cr_assert(pair_until(&p, &p.server.frame_count, 100, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.written, 100);
    pair_free(&p);
}

static void close_it(end *e, kci_frame *frame)
{
    (void)frame;
    kci_conn_close(e->conn);
}

BOTH_POLLERS(conn, close_from_a_frame)
{
    static pair p;
    open_pair(&p, use_poll);
    p.server.on_frame = close_it;
    for (int i = 0; i < 5; i++)
        end_send(&p.client, 50, (uint8_t)i, 1);
    cr_assert(pair_until(&p, &p.server.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.server.frame_count, 1);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_E_TRANSPORT);
    pair_free(&p);
}

static void close_at_once(end *e)
{
    kci_conn_close(e->conn);
}

BOTH_POLLERS(conn, close_from_on_up)
{
    static pair p;
    pair_init(&p, use_poll);
    p.server.on_up = p.client.on_up = close_at_once;
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert(pair_until(&p, &p.server.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.err, KC_OK);
    pair_free(&p);
}

static void answer(end *e, kci_frame *frame)
{
    if (frame->data[0] < 200)
        end_send(e, 1, (uint8_t)(frame->data[0] + 1), 1);
}

BOTH_POLLERS(conn, ping_pong)
{
    static pair p;
    open_pair(&p, use_poll);
    p.client.on_frame = p.server.on_frame = answer;
    end_send(&p.client, 1, 0, 1);
    cr_assert(pair_until(&p, &p.server.frame_count, 101, PAIR_PATIENCE_MS));
    cr_assert_eq(p.client.frame_count, 100);
    pair_free(&p);
}

/* A peer that sends without end must leave turns to the others. */
BOTH_POLLERS(conn, a_flood_is_cut_into_turns)
{
    static pair p;
    open_pair(&p, use_poll);
    p.server.drop_frames = true;
    static uint8_t flood[5 * 20000];
    for (size_t i = 0; i < sizeof flood; i += 5)
        flood[i + 3] = 1;
    end_send_raw(&p.client, flood, sizeof flood);
    int most = 0;
    while (p.server.frame_count < 20000) {
        int before = p.server.frame_count;
        kci_loop_step(p.loop, 100000);
        int got = p.server.frame_count - before;
        most = got > most ? got : most;
    }
    cr_assert_leq(most, 256);
    pair_free(&p);
}

BOTH_POLLERS(conn, descriptors_are_given_back)
{
    int before = count_fds();
    for (int i = 0; i < 10; i++) {
        static pair p;
        open_pair(&p, use_poll);
        end_send(&p.client, 10, 0, 1);
        pair_free(&p);
    }
    cr_assert_eq(count_fds(), before);
}

BOTH_POLLERS(conn, descriptors_are_not_inherited)
{
    static pair p;
    open_pair(&p, use_poll);
    FILE *f = popen("ls -l /proc/self/fd | grep -c -e socket -e eventpoll -e eventfd", "r");
    int n = -1;
    cr_assert_eq(fscanf(f, "%d", &n), 1);
    pclose(f);
    int own = 0; /* what the test runner itself left open */
    FILE *g = popen("ls -l /proc/$PPID/fd | grep -c -e eventpoll", "r");
    cr_assert_eq(fscanf(g, "%d", &own), 1);
    pclose(g);
    cr_assert_leq(n, 1 + own, "%d", n);
    pair_free(&p);
}

static kc_err try_with_failure(bool use_poll, int64_t fail_at, bool *reached_end)
{
    static pair p;
    pair_init(&p, use_poll);
    p.client.drop_frames = p.server.drop_frames = true;
    p.pool = kci_frame_pool_new(1 << 20);
    uint64_t count = kci_mem_count();
    kci_mem_fail_after(fail_at, false);
    kc_err err = pair_connect(&p);
    if (err == KC_OK) {
        end_send(&p.client, 100, 0, 1);
        end_send(&p.client, 100000, 0, 1);
        int64_t until = p.sys->mono_us(p.sys) + 30000000;
        while (!p.client.closed && !p.server.closed && p.server.frame_count < 2 &&
               p.serve_err == KC_OK && p.sys->mono_us(p.sys) < until)
            kci_loop_step(p.loop, 100000);
        if (p.client.closed)
            err = p.client.err;
        else if (p.server.closed)
            err = p.server.err;
        else if (p.serve_err != KC_OK)
            err = p.serve_err;
        else
            cr_assert_eq(p.server.frame_count, 2);
    }
    kci_mem_fail_after(0, false);
    *reached_end = kci_mem_count() - count < (uint64_t)fail_at;
    pair_free(&p);
    cr_assert(p.client.closed == 1 || p.client.up == 0);
    return err;
}

BOTH_POLLERS(conn, every_allocation_may_fail)
{
    int fds = count_fds();
    bool reached_end = false;
    int64_t n = 1;
    for (; !reached_end && n < 200; n++) {
        kc_err err = try_with_failure(use_poll, n, &reached_end);
        if (reached_end)
            cr_assert_eq(err, KC_OK);
        else
            cr_assert(err == KC_E_NO_MEMORY || err == KC_E_TRANSPORT, "%lld: %d", (long long)n,
                      err);
    }
    cr_assert(reached_end);
    cr_assert_gt(n, 5);
    cr_assert_eq(count_fds(), fds);
}

BOTH_POLLERS(conn, no_cpu_when_idle)
{
    static pair p;
    open_pair(&p, use_poll);
    struct rusage before, after;
    getrusage(RUSAGE_THREAD, &before);
    int steps = 0;
    int64_t until = p.sys->mono_us(p.sys) + 500000;
    for (int64_t left; (left = until - p.sys->mono_us(p.sys)) > 0; steps++)
        kci_loop_step(p.loop, left);
    getrusage(RUSAGE_THREAD, &after);
    cr_assert_leq(steps, 3);
    cr_assert_leq(after.ru_nvcsw - before.ru_nvcsw, 5);
    pair_free(&p);
}

BOTH_POLLERS(conn, bad_params)
{
    static pair p;
    pair_init(&p, use_poll);
    kci_conn_params params = { .addr_count = 0 };
    static const kci_conn_ops ops = { count_up, take_frame, count_closed };
    kci_conn *conn;
    int state = 0;
    cr_assert_eq(kci_conn_open(p.loop, &params, &ops, &state, &conn), KC_E_INVALID_ARGUMENT);
    kci_addr odd = { .sa.ss_family = AF_UNIX, .len = sizeof(struct sockaddr_in) };
    params = (kci_conn_params){ .addrs = &odd, .addr_count = 1, .max_frame = 10 };
    cr_assert_eq(kci_conn_open(p.loop, &params, &ops, &state, &conn), KC_OK);
    cr_assert(pair_until(&p, &state, 100, PAIR_PATIENCE_MS));
    pair_free(&p);
}

static void stop_listening(void *arg, int sock)
{
    pair *p = arg;
    p->sys->sock_close(p->sys, sock);
    kci_listener_close(p->listener);
    p->listener = NULL;
    p->serve_err = 1;
}

BOTH_POLLERS(conn, listener_closed_while_accepting)
{
    static pair p;
    pair_init(&p, use_poll);
    kci_listener_close(p.listener);
    kci_addr addr = loopback(0);
    cr_assert_eq(kci_listener_open(p.loop, &addr, stop_listening, &p, &p.listener), KC_OK);
    p.addr = addr;
    cr_assert_eq(pair_connect(&p), KC_OK);
    cr_assert(pair_until(&p, &p.client.closed, 1, PAIR_PATIENCE_MS));
    cr_assert_eq(p.serve_err, 1);
    pair_free(&p);
}

/* Without descriptors the listener must neither spin nor forget the waiting connection. */
BOTH_POLLERS(conn, listener_out_of_descriptors)
{
    static pair p;
    pair_init(&p, use_poll);
    cr_assert_eq(pair_connect(&p), KC_OK);
    struct rlimit old, none;
    getrlimit(RLIMIT_NOFILE, &old);
    none = old;
    none.rlim_cur = 3;
    setrlimit(RLIMIT_NOFILE, &none);
    int steps = 0;
    int64_t until = p.sys->mono_us(p.sys) + 250000;
    for (int64_t left; (left = until - p.sys->mono_us(p.sys)) > 0; steps++)
        kci_loop_step(p.loop, left);
    cr_assert_eq(p.server.up, 0);
    cr_assert_leq(steps, 12);
    setrlimit(RLIMIT_NOFILE, &old);
    cr_assert(pair_until(&p, &p.server.up, 1, PAIR_PATIENCE_MS));
    pair_free(&p);
}
