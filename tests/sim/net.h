/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a simulated world, shared by world.c and net.c only. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include <netinet/in.h>

#include "base/mem.h"
#include "sim/world.h"

enum { SIM_MAX_ACTORS = 16, SIM_MAX_LINKS = 64, SIM_MAX_NAMES = 128, SIM_MAX_GONE = 128 };
#define SIM_MAX_TURNS 2000000 /* instants without time moving: somebody spins */

typedef struct sim_event {
    int64_t at;
    uint64_t order;
    void (*fn)(void *arg);
    void *arg;
    void (*drop)(void *arg); /* frees arg when the world ends first */
} sim_event;

typedef struct sim_actor {
    kci_loop *loop;
    kci_poller *poller;
    const char *name;
    bool spared; /* its allocations do not fail */
} sim_actor;

typedef struct sim_sock sim_sock;

typedef struct sim_name {
    char host[64];
    struct in_addr ip;
} sim_name;

struct sim_world {
    kci_sys sys; /* first: sim_world_of */
    int64_t now;
    int64_t wall_base_ms;
    uint64_t turns;
    uint64_t digest;
    bool tracing;
    sim_rng rng, net_rng, client_rng;

    sim_event *events; /* heap by time, then order */
    size_t event_count, event_cap;
    uint64_t event_order;

    sim_actor actors[SIM_MAX_ACTORS];
    int actor_count;
    kci_poller *last_poller;

    sim_sock *socks[SIM_MAX_SOCKS]; /* by number; 0 unused */
    int sock_high;                  /* highest number used so far */
    uint32_t generation;
    int64_t connects;
    size_t window; /* bytes of a connection on the way or unread */
    struct {
        uint16_t port;
        sim_link link;
    } links[SIM_MAX_LINKS];
    int link_count;
    sim_name names[SIM_MAX_NAMES];
    int name_count;
    struct {
        in_addr_t ip;
        bool silently;
    } gone[SIM_MAX_GONE];
    int gone_count;
    struct {
        uint16_t port, to;
    } forwards[SIM_MAX_LINKS];
    int forward_count;
    int64_t dns_fail_until;
    const sim_wire *wire;
    void *wire_arg;
    uint16_t next_port;
};

static inline sim_world *sim_world_of(kci_sys *sys)
{
    return KCI_CONTAINER_OF(sys, sim_world, sys);
}

void sim_net_init(sim_world *w);
void sim_net_free(sim_world *w);
void sim_event_add(sim_world *w, int64_t at_us, void (*fn)(void *arg), void *arg,
                   void (*drop)(void *arg));
bool sim_advance(sim_world *w, const kci_poller *self, int64_t until);
bool sim_poller_ready(const kci_poller *p);
bool sim_poller_waiting(const kci_poller *p);
void sim_poller_set_waiting(kci_poller *p, bool on);

#endif
