/* SPDX-License-Identifier: Apache-2.0 */
/* The in-memory network: stream sockets with latency, bandwidth, windows, resets, black holes and
 * byte limits, and pollers over them. Bytes are stored at the receiver when written and become
 * readable when their arrival event fires; so order holds whatever the latency. */
#include "sim/net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum sock_kind { SOCK_LISTENER, SOCK_CONNECTING, SOCK_OPEN } sock_kind;

struct sim_sock {
    sim_world *w;
    int no;
    uint32_t generation; /* tells events of an earlier socket with this number */
    sock_kind kind;
    bool client;   /* the side that connected */
    bool mute;     /* its peer is gone and it does not know */
    in_addr_t ip;  /* client: where to */
    uint16_t port; /* of the listener: names the link */
    int error;     /* -errno, given once connect or read asks */
    int peer;      /* number, 0: gone */

    uint8_t *in; /* bytes written by the peer */
    size_t in_start, in_size, in_cap;
    size_t in_avail; /* of them arrived */
    int64_t last_arrival;
    bool fin;            /* the peer's close has arrived */
    int64_t reset_after; /* bytes that may still arrive; -1: no limit */
    int accepted[256];   /* listener: waiting connections */
    int accepted_count;

    kci_poller *poller;
    uint32_t events;
    void *ptr;
};

struct kci_poller {
    sim_world *w;
    bool woken;
    bool waiting;
};

/* --- links */

sim_link *sim_link_of(sim_world *w, uint16_t port)
{
    for (int i = 0; i < w->link_count; i++)
        if (w->links[i].port == port)
            return &w->links[i].link;
    if (w->link_count == SIM_MAX_LINKS)
        abort();
    w->links[w->link_count].port = port;
    w->links[w->link_count].link = (sim_link){ .latency_min_us = 100, .latency_max_us = 500 };
    return &w->links[w->link_count++].link;
}

static int64_t latency(sim_world *w, const sim_link *link)
{
    return sim_rng_range(&w->net_rng, link->latency_min_us, link->latency_max_us);
}

static size_t chunk(sim_world *w, const sim_link *link, size_t n)
{
    if (link->max_chunk <= 0 || n <= 1)
        return n;
    size_t most = (size_t)sim_rng_range(&w->net_rng, 1, link->max_chunk);
    return n < most ? n : most;
}

/* --- sockets */

static sim_sock *sock_get(sim_world *w, int no)
{
    return no > 0 && no < SIM_MAX_SOCKS ? w->socks[no] : NULL;
}

static sim_sock *sock_new(sim_world *w, sock_kind kind, uint16_t port)
{
    for (int no = 1; no < SIM_MAX_SOCKS; no++) {
        if (w->socks[no])
            continue;
        sim_sock *s = calloc(1, sizeof *s);
        if (!s)
            abort();
        s->w = w;
        s->no = no;
        s->generation = ++w->generation;
        s->kind = kind;
        s->port = port;
        s->reset_after = -1;
        w->socks[no] = s;
        if (no > w->sock_high)
            w->sock_high = no;
        return s;
    }
    return NULL;
}

static void sock_free(sim_sock *s)
{
    s->w->socks[s->no] = NULL;
    free(s->in);
    free(s);
}

static void sock_reset(sim_sock *s, int error)
{
    s->error = error;
    s->in_start = s->in_size = s->in_avail = 0;
    s->fin = false;
    if (s->kind == SOCK_CONNECTING)
        s->kind = SOCK_OPEN; /* decided; sock_error tells how */
}

static void pair_reset(sim_sock *s)
{
    sim_sock *peer = sock_get(s->w, s->peer);
    sim_trace(s->w, "net: connection %d-%d of port %u is reset", s->no, s->peer, s->port);
    sock_reset(s, -ECONNRESET);
    s->peer = 0;
    if (peer) {
        sock_reset(peer, -ECONNRESET);
        peer->peer = 0;
    }
}

/* --- events on their way */

typedef struct packet {
    sim_world *w;
    int to;
    uint32_t generation;
    size_t bytes;
    bool fin;
    uint16_t port; /* SYN: where to */
    bool syn;
} packet;

static void packet_arrive(void *arg);

static void packet_send(packet p, int64_t at)
{
    packet *copy = malloc(sizeof *copy);
    if (!copy)
        abort();
    *copy = p;
    sim_event_add(p.w, at, packet_arrive, copy, free);
}

/* NULL: nobody listens there, or the host is gone. */
static sim_sock *listener_at(sim_world *w, in_addr_t ip, uint16_t port)
{
    for (int i = 0; i < w->gone_count; i++)
        if (w->gone[i].ip == ip)
            return NULL;
    for (int i = 1; i <= w->sock_high; i++)
        if (w->socks[i] && w->socks[i]->kind == SOCK_LISTENER && w->socks[i]->port == port)
            return w->socks[i];
    return NULL;
}

static bool is_silent(const sim_world *w, in_addr_t ip)
{
    for (int i = 0; i < w->gone_count; i++)
        if (w->gone[i].ip == ip)
            return w->gone[i].silently;
    return false;
}

static void syn_arrive(sim_sock *s, const packet *p)
{
    sim_world *w = p->w;
    sim_link *link = sim_link_of(w, p->port);
    if (is_silent(w, s->ip))
        return;
    if (link->blackhole) {
        packet_send(*p, w->now + 1000000);
        return;
    }
    sim_sock *listener = listener_at(w, s->ip, p->port);
    sim_sock *server = NULL;
    if (listener && !link->refuse &&
        listener->accepted_count < (int)KCI_COUNT_OF(listener->accepted))
        server = sock_new(w, SOCK_OPEN, p->port);
    if (!server) {
        sim_trace(w, "net: connection %d to port %u is refused", s->no, p->port);
        sock_reset(s, -ECONNREFUSED);
        return;
    }
    server->peer = s->no;
    s->peer = server->no;
    s->kind = SOCK_OPEN;
    listener->accepted[listener->accepted_count++] = server->no;
    sim_trace(w, "net: connection %d-%d to port %u", s->no, server->no, p->port);
}

static void data_arrive(sim_sock *s, const packet *p)
{
    sim_world *w = p->w;
    sim_link *link = sim_link_of(w, s->port);
    if (link->blackhole) { /* sent again until the road is free */
        packet_send(*p, w->now + 200000);
        return;
    }
    if (p->fin && s->in_avail < s->in_size) {
        packet_send(*p, w->now + 1000);
        return;
    }
    if (p->fin) {
        s->fin = true;
        return;
    }
    s->in_avail += p->bytes;
    if (s->in_avail > s->in_size)
        s->in_avail = s->in_size;
    if (s->reset_after >= 0) {
        s->reset_after -= (int64_t)p->bytes;
        if (s->reset_after < 0)
            pair_reset(s);
    }
}

static void packet_arrive(void *arg)
{
    packet p = *(packet *)arg;
    free(arg);
    sim_sock *s = sock_get(p.w, p.to);
    if (!s || s->generation != p.generation || s->error)
        return;
    if (p.syn)
        syn_arrive(s, &p);
    else
        data_arrive(s, &p);
}

/* --- the kci_sys calls */

static uint16_t addr_port(const kci_addr *addr)
{
    return ntohs(((const struct sockaddr_in *)(const void *)&addr->sa)->sin_port);
}

static uint16_t forwarded(const sim_world *w, uint16_t port)
{
    for (int i = 0; i < w->forward_count; i++)
        if (w->forwards[i].port == port)
            return w->forwards[i].to;
    return port;
}

static int sys_connect(kci_sys *sys, const kci_addr *addr, int *sock)
{
    sim_world *w = sim_world_of(sys);
    uint16_t port = forwarded(w, addr_port(addr));
    sim_sock *s = sock_new(w, SOCK_CONNECTING, port);
    if (!s)
        return -EMFILE;
    s->client = true;
    s->ip = ((const struct sockaddr_in *)(const void *)&addr->sa)->sin_addr.s_addr;
    w->connects++;
    packet_send(
        (packet){ .w = w, .to = s->no, .generation = s->generation, .port = port, .syn = true },
        w->now + latency(w, sim_link_of(w, port)));
    *sock = s->no;
    if (w->wire)
        w->wire->opened(w->wire_arg, s->no);
    return -EINPROGRESS;
}

static int sys_error(kci_sys *sys, int sock)
{
    sim_sock *s = sock_get(sim_world_of(sys), sock);
    return s ? s->error : -EBADF;
}

static int sys_listen(kci_sys *sys, kci_addr *addr, int backlog, int *sock)
{
    sim_world *w = sim_world_of(sys);
    (void)backlog;
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&addr->sa;
    uint16_t port = ntohs(in->sin_port);
    for (int i = 1; port && i <= w->sock_high; i++)
        if (w->socks[i] && w->socks[i]->kind == SOCK_LISTENER && w->socks[i]->port == port)
            return -EADDRINUSE;
    if (port == 0)
        port = w->next_port++;
    sim_sock *s = sock_new(w, SOCK_LISTENER, port);
    if (!s)
        return -EMFILE;
    in->sin_family = AF_INET;
    in->sin_port = htons(port);
    in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr->len = sizeof *in;
    *sock = s->no;
    return 0;
}

/* It only picks a port: nobody else takes ports here. Its number is no socket's. */
static int sys_hold(kci_sys *sys, kci_addr *addr, int *sock)
{
    sim_world *w = sim_world_of(sys);
    struct sockaddr_in *in = (struct sockaddr_in *)(void *)&addr->sa;
    if (in->sin_port == 0)
        in->sin_port = htons(w->next_port++);
    *sock = SIM_MAX_SOCKS + ntohs(in->sin_port);
    return 0;
}

static int sys_accept(kci_sys *sys, int listener, int *sock)
{
    sim_world *w = sim_world_of(sys);
    sim_sock *l = sock_get(w, listener);
    if (!l || l->accepted_count == 0)
        return -EAGAIN;
    *sock = l->accepted[0];
    memmove(l->accepted, l->accepted + 1, (size_t)--l->accepted_count * sizeof l->accepted[0]);
    return 0;
}

static ssize_t read_some(sim_world *w, int sock, const struct iovec *iov, int count)
{
    sim_sock *s = sock_get(w, sock);
    if (!s)
        return -EBADF;
    if (s->error)
        return s->error;
    if (s->in_avail == 0 || s->mute)
        return s->fin && !s->mute ? 0 : -EAGAIN;
    size_t left = chunk(w, sim_link_of(w, s->port), s->in_avail), done = 0;
    for (int i = 0; i < count && left; i++) {
        size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
        if (n)
            memcpy(iov[i].iov_base, s->in + s->in_start, n);
        s->in_start += n;
        done += n;
        left -= n;
    }
    s->in_avail -= done;
    s->in_size -= done;
    sim_digest_add(w, (uint64_t)w->now ^ ((uint64_t)sock << 40) ^ done);
    return (ssize_t)done;
}

static ssize_t sys_readv(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    sim_world *w = sim_world_of(sys);
    ssize_t got = read_some(w, sock, iov, count);
    const sim_sock *s = sock_get(w, sock);
    if (w->wire && s && s->client)
        w->wire->read(w->wire_arg, sock, iov, got);
    return got;
}

static void in_append(sim_sock *s, const void *data, size_t n)
{
    if (s->in_start + s->in_size + n > s->in_cap) {
        if (s->in_size)
            memmove(s->in, s->in + s->in_start, s->in_size);
        s->in_start = 0;
    }
    if (s->in_size + n > s->in_cap) {
        s->in_cap = (s->in_size + n) * 2;
        s->in = realloc(s->in, s->in_cap);
        if (!s->in)
            abort();
    }
    if (n)
        memcpy(s->in + s->in_start + s->in_size, data, n);
    s->in_size += n;
}

void sim_set_window(sim_world *w, int bytes)
{
    w->window = (size_t)bytes;
}

static size_t window_left(const sim_sock *peer)
{
    return peer->in_size < peer->w->window ? peer->w->window - peer->in_size : 0;
}

static ssize_t write_some(sim_world *w, int sock, const struct iovec *iov, int count)
{
    sim_sock *s = sock_get(w, sock);
    if (!s)
        return -EBADF;
    if (s->error)
        return s->error;
    if (s->mute)
        return -EAGAIN;
    sim_sock *peer = sock_get(w, s->peer);
    if (!peer)
        return -EPIPE;
    sim_link *link = sim_link_of(w, s->port);
    size_t total = 0;
    for (int i = 0; i < count; i++)
        total += iov[i].iov_len;
    size_t left = window_left(peer), done = 0;
    if (left == 0)
        return -EAGAIN;
    left = chunk(w, link, left < total ? left : total);
    for (int i = 0; i < count && left; i++) {
        size_t n = iov[i].iov_len < left ? iov[i].iov_len : left;
        in_append(peer, iov[i].iov_base, n);
        done += n;
        left -= n;
    }
    int64_t at = w->now + latency(w, link);
    if (at < peer->last_arrival)
        at = peer->last_arrival;
    if (link->bytes_per_s > 0)
        at += (int64_t)done * 1000000 / link->bytes_per_s;
    peer->last_arrival = at;
    packet_send((packet){ .w = w, .to = peer->no, .generation = peer->generation, .bytes = done },
                at);
    sim_digest_add(w, (uint64_t)w->now ^ ((uint64_t)sock << 40) ^ (done << 20));
    return (ssize_t)done;
}

static ssize_t sys_writev(kci_sys *sys, int sock, const struct iovec *iov, int count)
{
    sim_world *w = sim_world_of(sys);
    ssize_t took = write_some(w, sock, iov, count);
    const sim_sock *s = sock_get(w, sock);
    size_t asked = 0;
    for (int i = 0; i < count; i++)
        asked += iov[i].iov_len;
    if (w->wire && s && s->client)
        w->wire->wrote(w->wire_arg, sock, iov, asked, took);
    return took;
}

static int sys_buffers(kci_sys *sys, int sock, int send_bytes, int receive_bytes)
{
    (void)sys, (void)sock, (void)send_bytes, (void)receive_bytes;
    return 0;
}

static void sys_close(kci_sys *sys, int sock)
{
    sim_world *w = sim_world_of(sys);
    if (sock >= SIM_MAX_SOCKS)
        return; /* held a port */
    sim_sock *s = sock_get(w, sock);
    if (!s)
        abort(); /* closed twice */
    if (w->wire && s->client)
        w->wire->closed(w->wire_arg, sock);
    for (int i = 0; i < s->accepted_count; i++) {
        sim_sock *waiting = sock_get(w, s->accepted[i]);
        if (waiting) {
            pair_reset(waiting);
            sock_free(waiting);
        }
    }
    sim_sock *peer = sock_get(w, s->peer);
    if (peer && !s->error) {
        peer->peer = 0;
        int64_t at = w->now + latency(w, sim_link_of(w, s->port));
        if (at < peer->last_arrival)
            at = peer->last_arrival;
        packet_send((packet){ .w = w, .to = peer->no, .generation = peer->generation, .fin = true },
                    at);
    }
    sock_free(s);
}

/* --- pollers */

static uint32_t sock_ready(const sim_sock *s)
{
    uint32_t ready = 0;
    if (s->kind == SOCK_LISTENER)
        ready = s->accepted_count ? KCI_READABLE : 0;
    else if (s->error)
        ready = KCI_READABLE | KCI_WRITABLE;
    else if (s->kind == SOCK_OPEN && !s->mute) {
        sim_sock *peer = sock_get(s->w, s->peer);
        if (s->in_avail || s->fin)
            ready |= KCI_READABLE;
        if (!peer || window_left(peer))
            ready |= KCI_WRITABLE;
    }
    return ready & s->events;
}

static kc_err poller_new(kci_sys *sys, kci_poller **out)
{
    kci_poller *p = calloc(1, sizeof *p);
    if (!p)
        abort();
    p->w = sim_world_of(sys);
    p->w->last_poller = p;
    *out = p;
    return KC_OK;
}

static void poller_free(kci_poller *p)
{
    free(p);
}

static int poller_watch(kci_poller *p, int sock, uint32_t events, void *ptr)
{
    sim_sock *s = sock_get(p->w, sock);
    if (!s)
        return -EBADF;
    s->poller = events ? p : NULL;
    s->events = events;
    s->ptr = ptr;
    return 0;
}

static int collect(kci_poller *p, kci_ready *ready, int cap)
{
    int n = 0;
    for (int i = 1; i <= p->w->sock_high && n < cap; i++) {
        sim_sock *s = p->w->socks[i];
        if (!s || s->poller != p)
            continue;
        uint32_t events = sock_ready(s);
        if (events)
            ready[n++] = (kci_ready){ s->ptr, events };
    }
    for (int i = n - 1; i > 0; i--) { /* no order is promised */
        int j = (int)sim_rng_range(&p->w->net_rng, 0, i);
        kci_ready t = ready[i];
        ready[i] = ready[j];
        ready[j] = t;
    }
    return n;
}

static int poller_wait(kci_poller *p, kci_ready *ready, int cap, int64_t timeout_us)
{
    sim_world *w = p->w;
    int64_t deadline = timeout_us < 0 ? INT64_MAX : w->now + timeout_us;
    bool was_waiting = p->waiting;
    p->waiting = true;
    int n;
    for (;;) {
        n = collect(p, ready, cap);
        if (n || p->woken || timeout_us == 0)
            break;
        if (!sim_advance(w, p, deadline) && (w->now >= deadline || deadline == INT64_MAX))
            break;
    }
    if (n == 0 && !p->woken && deadline == INT64_MAX) {
        fprintf(stderr, "sim: everything waits for ever at %.6f s\n", (double)w->now / 1e6);
        abort();
    }
    p->woken = false;
    p->waiting = was_waiting;
    return n;
}

static void poller_wake(kci_poller *p)
{
    p->woken = true;
}

static int poller_fd(kci_poller *p)
{
    (void)p;
    return -1;
}

bool sim_poller_ready(const kci_poller *p)
{
    if (p->woken)
        return true;
    for (int i = 1; i <= p->w->sock_high; i++) {
        const sim_sock *s = p->w->socks[i];
        if (s && s->poller == p && sock_ready(s))
            return true;
    }
    return false;
}

bool sim_poller_waiting(const kci_poller *p)
{
    return p->waiting;
}

void sim_poller_set_waiting(kci_poller *p, bool on)
{
    p->waiting = on;
}

/* --- names */

void sim_dns_set(sim_world *w, const char *host, const char *ip)
{
    sim_name *name = NULL;
    for (int i = 0; i < w->name_count; i++)
        if (strcmp(w->names[i].host, host) == 0)
            name = &w->names[i];
    if (!name && w->name_count < SIM_MAX_NAMES)
        name = &w->names[w->name_count++];
    if (!name)
        abort();
    snprintf(name->host, sizeof name->host, "%s", host);
    inet_pton(AF_INET, ip, &name->ip);
}

void sim_dns_fail_until(sim_world *w, int64_t until_us)
{
    w->dns_fail_until = until_us;
}

typedef struct lookup {
    sim_world *w;
    char host[64];
    uint16_t port;
    kci_resolve_fn done;
    void *arg;
} lookup;

static bool find_name(sim_world *w, const char *host, struct in_addr *ip)
{
    if (inet_pton(AF_INET, host, ip) == 1)
        return true;
    if (w->now < w->dns_fail_until)
        return false;
    for (int i = 0; i < w->name_count; i++)
        if (strcmp(w->names[i].host, host) == 0) {
            *ip = w->names[i].ip;
            return true;
        }
    return false;
}

static void lookup_end(void *arg)
{
    lookup l = *(lookup *)arg;
    free(arg);
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(l.port) };
    if (!find_name(l.w, l.host, &in.sin_addr)) {
        l.done(l.arg, KC_E_RESOLVE, NULL, 0, "the name does not resolve");
        return;
    }
    kci_addr addr = { .len = sizeof in };
    memcpy(&addr.sa, &in, sizeof in);
    l.done(l.arg, KC_OK, &addr, 1, "");
}

/* The world ends before the answer came. */
static void lookup_drop(void *arg)
{
    lookup l = *(lookup *)arg;
    free(arg);
    l.done(l.arg, KC_E_RESOLVE, NULL, 0, "the world has ended");
}

static void sys_resolve(kci_sys *sys, const char *host, uint16_t port, kci_resolve_fn done,
                        void *arg)
{
    sim_world *w = sim_world_of(sys);
    lookup *l = malloc(sizeof *l);
    if (!l)
        abort();
    *l = (lookup){ .w = w, .port = port, .done = done, .arg = arg };
    snprintf(l->host, sizeof l->host, "%s", host);
    sim_event_add(w, w->now + sim_rng_range(&w->net_rng, 10, 2000), lookup_end, l, lookup_drop);
}

/* --- faults */

static void mute(sim_sock *s)
{
    sim_sock *peer = sock_get(s->w, s->peer);
    sim_trace(s->w, "net: connection %d-%d of port %u falls silent", s->no, s->peer, s->port);
    s->mute = true;
    s->peer = 0;
    if (peer) {
        sock_reset(peer, -ECONNRESET);
        peer->peer = 0;
    }
}

void sim_host_gone(sim_world *w, const char *ip, bool silently)
{
    struct in_addr in;
    if (inet_pton(AF_INET, ip, &in) != 1 || w->gone_count == SIM_MAX_GONE)
        abort();
    w->gone[w->gone_count].ip = in.s_addr;
    w->gone[w->gone_count++].silently = silently;
    sim_trace(w, "net: host %s is gone%s", ip, silently ? ", silently" : "");
    for (int i = 1; i <= w->sock_high; i++) {
        sim_sock *s = w->socks[i];
        if (!s || !s->client || s->ip != in.s_addr || s->error || !s->peer)
            continue;
        if (silently)
            mute(s);
        else
            pair_reset(s);
    }
}

void sim_forward(sim_world *w, uint16_t port, uint16_t to)
{
    int i = 0;
    while (i < w->forward_count && w->forwards[i].port != port)
        i++;
    if (i == SIM_MAX_LINKS)
        abort();
    w->forward_count += i == w->forward_count;
    w->forwards[i].port = port;
    w->forwards[i].to = to;
}

void sim_reset_port(sim_world *w, uint16_t port)
{
    for (int i = 1; i <= w->sock_high; i++) {
        sim_sock *s = w->socks[i];
        if (s && s->kind != SOCK_LISTENER && s->port == port && s->client && !s->error)
            pair_reset(s);
    }
}

bool sim_reset_one(sim_world *w, sim_rng *rng)
{
    int open[SIM_MAX_SOCKS], n = 0;
    for (int i = 1; i <= w->sock_high; i++)
        if (w->socks[i] && w->socks[i]->client && w->socks[i]->peer)
            open[n++] = i;
    if (n == 0)
        return false;
    pair_reset(w->socks[open[sim_rng_range(rng, 0, n - 1)]]);
    return true;
}

void sim_reset_after(sim_world *w, uint16_t port, bool down, int64_t bytes)
{
    for (int i = 1; i <= w->sock_high; i++) {
        sim_sock *s = w->socks[i];
        if (s && s->kind == SOCK_OPEN && s->port == port && s->client == down &&
            s->reset_after < 0 && s->peer) {
            s->reset_after = bytes;
            return;
        }
    }
}

void sim_listen_in(sim_world *w, const sim_wire *wire, void *arg)
{
    w->wire = wire;
    w->wire_arg = arg;
}

int sim_open_sockets(const sim_world *w)
{
    int n = 0;
    for (int i = 1; i <= w->sock_high; i++)
        if (w->socks[i] && w->socks[i]->client)
            n++;
    return n;
}

int64_t sim_connects(const sim_world *w)
{
    return w->connects;
}

void sim_net_init(sim_world *w)
{
    w->window = 256 << 10;
    w->next_port = 20000;
    w->sys.sock_connect = sys_connect;
    w->sys.sock_error = sys_error;
    w->sys.sock_listen = sys_listen;
    w->sys.sock_hold = sys_hold;
    w->sys.sock_accept = sys_accept;
    w->sys.sock_readv = sys_readv;
    w->sys.sock_writev = sys_writev;
    w->sys.sock_buffers = sys_buffers;
    w->sys.sock_close = sys_close;
    w->sys.poller_new = poller_new;
    w->sys.poller_free = poller_free;
    w->sys.poller_watch = poller_watch;
    w->sys.poller_wait = poller_wait;
    w->sys.poller_wake = poller_wake;
    w->sys.poller_fd = poller_fd;
    w->sys.resolve = sys_resolve;
}

void sim_net_free(sim_world *w)
{
    for (int i = 1; i <= w->sock_high; i++)
        if (w->socks[i])
            sock_free(w->socks[i]);
}
