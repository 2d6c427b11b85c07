/* SPDX-License-Identifier: Apache-2.0 */
/* A world on one thread: a virtual clock, an in-memory network and names, behind a kci_sys. Clients
 * and the mock cluster run in it as actors; time moves only when every actor waits. Everything
 * random comes from the seed, so a run can be replayed to the byte. */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "io/loop.h"
#include "sim/rng.h"

typedef struct sim_world sim_world;

enum { SIM_MAX_SOCKS = 4096 }; /* numbers of sockets are below */

sim_world *sim_world_new(uint64_t seed);
void sim_world_free(sim_world *w);

kci_sys *sim_world_sys(sim_world *w);
int64_t sim_now(const sim_world *w); /* virtual microseconds */

/* Readable log of what happens, to stderr; off by default. */
void sim_trace_on(sim_world *w);
bool sim_tracing(const sim_world *w);
void sim_trace(sim_world *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* A digest of everything that happened on the network and the clock: equal for equal runs. */
uint64_t sim_digest(const sim_world *w);
void sim_digest_add(sim_world *w, uint64_t value);

/* The loop whose poller was made last becomes an actor: it runs whenever it has something to do,
 * also while another actor waits. Remove it before its loop is freed. */
void sim_actor_add(sim_world *w, kci_loop *loop, const char *name);
/* Its allocations are not among those that kci_mem_fail_after makes fail. */
void sim_actor_spare(sim_world *w, kci_loop *loop);
void sim_actor_remove(sim_world *w, kci_loop *loop);

/* Runs fn once at a time (not before now). */
void sim_at(sim_world *w, int64_t at_us, void (*fn)(void *arg), void *arg);

/* Lets the world run until a time, or until *stop (may be NULL) becomes true. */
void sim_run_until(sim_world *w, int64_t until_us, const bool *stop);

/* The wall clock jumps (the monotonic one never does). */
void sim_wall_jump(sim_world *w, int64_t delta_ms);

/* Names. Without an entry a name does not resolve; numeric addresses do. */
void sim_dns_set(sim_world *w, const char *host, const char *ip);
void sim_dns_fail_until(sim_world *w, int64_t until_us);

/* The host with this numeric address is gone: nobody can connect to it. Its connections are reset;
 * silently: only the brokers' ends are, the clients' hear nothing any more, nor do connects. */
void sim_host_gone(sim_world *w, const char *ip, bool silently);

/* Connects to one port reach the listener of another from now on (a load balancer, a broker that
 * came up elsewhere). */
void sim_forward(sim_world *w, uint16_t port, uint16_t to);

/* The network towards one listening port (a broker), both directions. */
typedef struct sim_link {
    int64_t latency_min_us, latency_max_us; /* per segment */
    int64_t bytes_per_s;                    /* 0: unlimited */
    int32_t max_chunk; /* a read or write moves at most this many bytes; 0: no limit */
    bool refuse;       /* connections are refused */
    bool blackhole;    /* nothing arrives any more, no error either */
} sim_link;
sim_link *sim_link_of(sim_world *w, uint16_t port);

/* So many bytes of a connection may be on the way or unread, from now on; else 256 KiB. */
void sim_set_window(sim_world *w, int bytes);

/* Resets every connection of a port; unread data is lost on both sides. */
void sim_reset_port(sim_world *w, uint16_t port);

/* Resets one random open connection; false if there is none. */
bool sim_reset_one(sim_world *w, sim_rng *rng);

/* The next open connection of a port is reset after so many more bytes towards the client (down) or
 * the broker. */
void sim_reset_after(sim_world *w, uint16_t port, bool down, int64_t bytes);

/* Who listens in on the client's sockets: what goes over them, byte by byte, at the time at which
 * the client writes or reads it. NULL: nobody. */
typedef struct sim_wire {
    void (*opened)(void *arg, int sock);
    /* took < asked, also below 0: not all, or an error */
    void (*wrote)(void *arg, int sock, const struct iovec *iov, size_t asked, ssize_t took);
    void (*read)(void *arg, int sock, const struct iovec *iov, ssize_t got);
    void (*closed)(void *arg, int sock);
} sim_wire;
void sim_listen_in(sim_world *w, const sim_wire *wire, void *arg);

/* Open client-side sockets: connects that were not closed. */
int sim_open_sockets(const sim_world *w);
/* Connections begun since the start. */
int64_t sim_connects(const sim_world *w);

#endif
