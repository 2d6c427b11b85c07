/* SPDX-License-Identifier: Apache-2.0 */
/* Two ends of a connection on one loop, over loopback TCP, for the tests of io/conn.h. Either end
 * may be a plain socket that the test drives by itself (raw). */
#ifndef TESTS_UNIT_IO_PAIR_H
#define TESTS_UNIT_IO_PAIR_H

#include "io/conn.h"

enum { PAIR_FRAMES = 4096 };

typedef struct end {
    struct pair *pair;
    kci_conn *conn; /* NULL after on_closed */
    int up, closed;
    kc_err err;
    char why[600];
    kci_frame *frames[PAIR_FRAMES];
    int frame_count;
    uint64_t frame_bytes;
    bool drop_frames; /* counts them only */
    int written, unwritten;
    int late; /* callbacks after on_closed: must stay 0 */
    void (*on_up)(struct end *e);
    void (*on_frame)(struct end *e, kci_frame *frame); /* borrows */
} end;

typedef struct pair {
    kci_sys *sys;
    kci_loop *loop;
    kci_listener *listener;
    kci_addr addr;
    kci_tls *client_tls, *server_tls;
    const char *server_name;
    uint32_t max_frame;
    int64_t setup_timeout_us;
    kci_frame_pool *pool;
    int raw_server; /* >= 0: the accepted socket, when `raw` */
    bool raw;
    kc_err serve_err;
    int64_t live; /* allocations when it was made: as many are left in the end */
    end client, server;
} pair;

/* Makes the loop and the listener; then set fields and call pair_connect. */
void pair_init(pair *p, bool use_poll);
void pair_init_on(pair *p, kci_sys *sys);
kc_err pair_connect(pair *p);
/* Closes what is open and checks that every promise was kept. */
void pair_free(pair *p);

enum { PAIR_PATIENCE_MS = 30000 }; /* for what has to come: passes only when it does not */

/* Steps the loop until *flag is at least `value` or the time is over (then false). */
bool pair_until(pair *p, const int *flag, int value, int ms);
void pair_steps(pair *p, int ms);

/* Whether the loop sleeps through most of 200 ms, within 30 s: what has to be done before may take
 * as long as it likes, who spins never comes to rest. */
bool pair_calms_down(pair *p);

/* Sends a frame of `size` bytes, byte i being (seed + i), in `pieces` iovecs. */
void end_send(end *e, uint32_t size, uint8_t seed, int pieces);
/* Sends bytes as they are. */
void end_send_raw(end *e, const void *data, size_t size);
/* The same pattern in a received frame. */
bool frame_is(const kci_frame *f, uint32_t size, uint8_t seed);

/* Writes all to a raw socket, stepping the loop while it is full. */
void raw_write(pair *p, int fd, const void *data, size_t size);

/* A test that runs twice: name_epoll and name_poll. */
#define BOTH_POLLERS(suite, name)           \
    static void name##_with(bool use_poll); \
    Test(suite, name##_epoll)               \
    {                                       \
        name##_with(false);                 \
    }                                       \
    Test(suite, name##_poll)                \
    {                                       \
        name##_with(true);                  \
    }                                       \
    static void name##_with(bool use_poll)

kci_addr loopback(uint16_t port);
int count_fds(void);

#endif
