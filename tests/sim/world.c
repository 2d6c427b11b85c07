/* SPDX-License-Identifier: Apache-2.0 */
/* Time and actors of the simulated world; the network is in net.c. */
#include "sim/world.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "sim/net.h"

static bool event_before(const sim_event *a, const sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void event_push(sim_world *w, sim_event e)
{
    if (w->event_count == w->event_cap) {
        w->event_cap = w->event_cap ? w->event_cap * 2 : 256;
        w->events = realloc(w->events, w->event_cap * sizeof *w->events);
    }
    size_t i = w->event_count++;
    while (i > 0 && event_before(&e, &w->events[(i - 1) / 2])) {
        w->events[i] = w->events[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    w->events[i] = e;
}

static sim_event event_pop(sim_world *w)
{
    sim_event top = w->events[0], last = w->events[--w->event_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= w->event_count)
            break;
        if (child + 1 < w->event_count && event_before(&w->events[child + 1], &w->events[child]))
            child++;
        if (!event_before(&w->events[child], &last))
            break;
        w->events[i] = w->events[child];
        i = child;
    }
    w->events[i] = last;
    return top;
}

void sim_event_add(sim_world *w, int64_t at_us, void (*fn)(void *arg), void *arg,
                   void (*drop)(void *arg))
{
    event_push(w, (sim_event){ .at = at_us < w->now ? w->now : at_us,
                               .order = w->event_order++,
                               .fn = fn,
                               .arg = arg,
                               .drop = drop });
}

void sim_at(sim_world *w, int64_t at_us, void (*fn)(void *arg), void *arg)
{
    sim_event_add(w, at_us, fn, arg, NULL);
}

int64_t sim_now(const sim_world *w)
{
    return w->now;
}

void sim_trace_on(sim_world *w)
{
    w->tracing = true;
}

bool sim_tracing(const sim_world *w)
{
    return w->tracing;
}

void sim_trace(sim_world *w, const char *fmt, ...)
{
    if (!w->tracing)
        return;
    fprintf(stderr, "%12.6f  ", (double)w->now / 1e6);
    va_list args;
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputc('\n', stderr);
}

uint64_t sim_digest(const sim_world *w)
{
    return w->digest;
}

void sim_digest_add(sim_world *w, uint64_t value)
{
    w->digest = (w->digest ^ value) * 0x100000001b3u + (w->digest >> 47);
}

/* --- actors */

void sim_actor_add(sim_world *w, kci_loop *loop, const char *name)
{
    if (w->actor_count == SIM_MAX_ACTORS)
        abort();
    w->actors[w->actor_count++] = (sim_actor){ loop, w->last_poller, name, false };
}

void sim_actor_spare(sim_world *w, kci_loop *loop)
{
    for (int i = 0; i < w->actor_count; i++)
        w->actors[i].spared |= w->actors[i].loop == loop;
}

void sim_actor_remove(sim_world *w, kci_loop *loop)
{
    for (int i = 0; i < w->actor_count; i++)
        if (w->actors[i].loop == loop) {
            memmove(&w->actors[i], &w->actors[i + 1],
                    (size_t)(w->actor_count - i - 1) * sizeof w->actors[0]);
            w->actor_count--;
            return;
        }
}

static bool actor_due(const sim_actor *a)
{
    return sim_poller_ready(a->poller) || kci_loop_timeout(a->loop) == 0;
}

/* Runs each idle actor that has something to do, in a random order; false when none had. `self` is
 * the poller of who waits: it runs when its wait returns. */
static bool run_actors(sim_world *w, const kci_poller *self)
{
    bool ran = false;
    int start = w->actor_count ? (int)(sim_rng_next(&w->rng) % (uint64_t)w->actor_count) : 0;
    for (int n = 0; n < w->actor_count; n++) {
        sim_actor *a = &w->actors[(start + n) % w->actor_count];
        if (a->poller == self || sim_poller_waiting(a->poller) || !actor_due(a))
            continue;
        sim_poller_set_waiting(a->poller, true);
        if (a->spared)
            kci_mem_fail_spare(true);
        kci_loop_step(a->loop, 0);
        kci_mem_fail_spare(false);
        sim_poller_set_waiting(a->poller, false);
        ran = true;
    }
    return ran;
}

/* The earliest time at which anything but `self` has something to do; INT64_MAX: never. */
static int64_t next_time(sim_world *w, const kci_poller *self)
{
    int64_t next = w->event_count ? w->events[0].at : INT64_MAX;
    for (int i = 0; i < w->actor_count; i++) {
        sim_actor *a = &w->actors[i];
        if (a->poller == self || sim_poller_waiting(a->poller))
            continue;
        int64_t left = kci_loop_timeout(a->loop);
        if (left >= 0 && w->now + left < next)
            next = w->now + left;
    }
    return next;
}

static void run_events(sim_world *w)
{
    while (w->event_count && w->events[0].at <= w->now) {
        sim_event e = event_pop(w);
        e.fn(e.arg);
    }
}

/* Moves the world on by one instant, not past `until`; false when nothing is left to do before it.
 */
bool sim_advance(sim_world *w, const kci_poller *self, int64_t until)
{
    if (++w->turns > SIM_MAX_TURNS) {
        fprintf(stderr, "sim: busy loop: the clock stands still at %.6f s\n", (double)w->now / 1e6);
        abort();
    }
    run_events(w);
    if (run_actors(w, self))
        return true;
    int64_t next = next_time(w, self);
    if (next > until) {
        if (until != INT64_MAX && until > w->now) {
            w->now = until;
            w->turns = 0;
        }
        return false;
    }
    if (next > w->now) {
        w->now = next;
        w->turns = 0;
    }
    run_events(w);
    return true;
}

void sim_run_until(sim_world *w, int64_t until_us, const bool *stop)
{
    while (w->now < until_us && !(stop && *stop))
        sim_advance(w, NULL, until_us);
}

/* --- clocks and randomness */

static int64_t mono_us(kci_sys *sys)
{
    return sim_world_of(sys)->now;
}

static int64_t wall_ms(kci_sys *sys)
{
    sim_world *w = sim_world_of(sys);
    return w->wall_base_ms + w->now / 1000;
}

static void random_bytes(kci_sys *sys, void *out, size_t size)
{
    sim_world *w = sim_world_of(sys);
    uint8_t *p = out;
    for (size_t i = 0; i < size; i++)
        p[i] = (uint8_t)sim_rng_next(&w->client_rng);
}

void sim_wall_jump(sim_world *w, int64_t delta_ms)
{
    sim_trace(w, "wall clock jumps by %lld ms", (long long)delta_ms);
    w->wall_base_ms += delta_ms;
}

sim_world *sim_world_new(uint64_t seed)
{
    sim_world *w = calloc(1, sizeof *w);
    if (!w)
        abort();
    w->rng.state = seed;
    w->net_rng = sim_rng_fork(&w->rng, 1);
    w->client_rng = sim_rng_fork(&w->rng, 2);
    w->digest = 0xcbf29ce484222325u;
    w->now = 1000000;
    w->wall_base_ms = 1700000000000;
    w->sys = (kci_sys){
        .mono_us = mono_us, .wall_ms = wall_ms, .random = random_bytes, .single_threaded = true
    };
    sim_net_init(w);
    return w;
}

void sim_world_free(sim_world *w)
{
    for (size_t i = 0; i < w->event_count; i++)
        if (w->events[i].drop)
            w->events[i].drop(w->events[i].arg);
    free(w->events);
    sim_net_free(w);
    free(w);
}

kci_sys *sim_world_sys(sim_world *w)
{
    return &w->sys;
}
