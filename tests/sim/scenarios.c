/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/scenarios.h"

#include <stdlib.h>
#include <string.h>

#include <kclient/mock.h>

#include "base/mem.h"

#define S(n) ((int64_t)(n)*1000000)

typedef struct scenario {
    const char *name;
    const char *what;
    void (*make)(sim_plan *plan, sim_rng *r);
} scenario;

static void no_faults(sim_plan *p, sim_rng *r)
{
    (void)p, (void)r;
}

static void leader_moves(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 20; i++) {
        sim_fault *f = sim_plan_add(p, F_MOVE_LEADER, S(5) * i / 20, 0);
        f->a = sim_rng_range(r, 0, p->partitions - 1);
        f->b = sim_rng_range(r, 0, 1500);
        f->c = i % 2 ? KC_MOCK_NO_HINTS : 0;
    }
}

static void two_quick_moves(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 2; j++) {
            sim_fault *f =
                sim_plan_add(p, F_MOVE_LEADER, S(5) * i / 10 + j * sim_rng_range(r, 0, 3000), 0);
            f->a = i % p->partitions;
        }
}

static void answers_lost(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 15; i++) {
        sim_fault *f = sim_plan_add(p, F_LOSE_ANSWER, sim_rng_range(r, 0, S(5)), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->n = sim_rng_range(r, 1, 5);
    }
}

static void late_answers(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 8; i++) {
        sim_fault *f = sim_plan_add(p, F_DELAY, sim_rng_range(r, 0, S(5)), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->b = p->request_timeout_ms + sim_rng_range(r, -500, 3000);
    }
}

static void rolling_restart(sim_plan *p, sim_rng *r)
{
    p->min_in_sync = 2;
    p->replication_delay_us = sim_rng_range(r, 0, 5000);
    p->work_us = S(12);
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_BROKER_DOWN, S(4) * (b - 1) + S(1) / 2, S(2));
        f->a = b;
        f->b = KC_MOCK_LOSE_UNREPLICATED;
    }
}

static void all_down(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 6000;
    p->work_us = S(20);
    int64_t at = sim_rng_range(r, 0, S(3));
    for (int b = 1; b <= p->brokers; b++)
        sim_plan_add(p, F_BROKER_DOWN, at, S(15))->a = b;
}

static void cable_unplugged(sim_plan *p, sim_rng *r)
{
    p->delivery_timeout_ms = 6000;
    p->work_us = S(20);
    int64_t at = sim_rng_range(r, 0, S(3));
    for (int b = 1; b <= p->brokers; b++)
        sim_plan_add(p, F_BLACKHOLE, at, S(15))->a = b;
}

static void byte_at_a_time(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->records = 60;
    for (int b = 1; b <= p->brokers; b++) {
        sim_fault *f = sim_plan_add(p, F_CHOP, 0, S(60));
        f->a = b;
        f->b = 1;
    }
}

static void resets(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 60; i++) {
        sim_fault *f =
            sim_plan_add(p, i % 2 ? F_RESET_AFTER : F_RESET_ONE, sim_rng_range(r, 0, S(5)), 0);
        f->a = sim_rng_range(r, 1, p->brokers);
        f->b = sim_rng_range(r, 0, 1);
        f->c = sim_rng_range(r, 0, 2000);
    }
}

static void not_enough_replicas(sim_plan *p, sim_rng *r)
{
    p->min_in_sync = 2;
    for (int i = 0; i < p->partitions; i++)
        sim_plan_add(p, F_OUT_OF_SYNC, sim_rng_range(r, 0, S(3)), S(2))->a = i;
}

static void throttled(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++) {
        sim_fault *f = sim_plan_add(p, F_THROTTLE, sim_rng_range(r, 0, S(5)), 0);
        f->a = i % 2;
        f->b = sim_rng_range(r, 100, 2000);
        f->n = 3;
    }
}

static void clock_jumps(sim_plan *p, sim_rng *r)
{
    for (int i = 0; i < 10; i++)
        sim_plan_add(p, F_WALL_JUMP, sim_rng_range(r, 0, S(5)), 0)->b =
            sim_rng_range(r, -400000000, 400000000);
}

static void application_never_polls(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->poll_pause_ms = -1;
    p->records = 2000;
    p->value_bytes = 500;
    p->fetch_buffer = 32 << 10;
}

static void names_do_not_resolve(sim_plan *p, sim_rng *r)
{
    sim_plan_add(p, F_DNS_FAIL, 0, sim_rng_range(r, S(1), S(4)));
    sim_plan_add(p, F_RESET_ONE, S(2), 0);
}

static void tiny_buffers(sim_plan *p, sim_rng *r)
{
    (void)r;
    p->buffer_memory = 16 << 10;
    p->fetch_buffer = 4 << 10;
    p->batch_size = 300;
    p->max_block_ms = 100;
    p->records = 1500;
}

static void close_in_the_middle(sim_plan *p, sim_rng *r)
{
    resets(p, r);
    p->close_in_middle = true;
}

static const scenario scenarios[] = {
    { "no-faults", "nothing goes wrong", no_faults },
    { "leader-moves", "leaders move 20 times, with and without hints and stale metadata",
      leader_moves },
    { "two-quick-moves", "a leader moves twice within 3 ms (librdkafka #3575, #4616)",
      two_quick_moves },
    { "answers-lost", "Produce is carried out, its answer lost", answers_lost },
    { "late-answers", "Produce answers around and after request.timeout.ms", late_answers },
    { "rolling-restart", "each broker crashes once, unreplicated records are lost",
      rolling_restart },
    { "all-down", "all brokers are down for longer than delivery.timeout.ms", all_down },
    { "cable-unplugged", "nothing arrives, no error (librdkafka #4603)", cable_unplugged },
    { "byte-at-a-time", "each read and write moves one byte", byte_at_a_time },
    { "resets", "connections are reset at any byte", resets },
    { "not-enough-replicas", "only leaders are in sync, min.insync.replicas 2",
      not_enough_replicas },
    { "throttled", "brokers ask for pauses (KIP-219)", throttled },
    { "clock-jumps", "the wall clock jumps by years (librdkafka #2145)", clock_jumps },
    { "application-never-polls", "buffers stay within fetch.buffer.bytes (librdkafka #1384)",
      application_never_polls },
    { "names-do-not-resolve", "the DNS fails at the start", names_do_not_resolve },
    { "tiny-buffers", "buffer.memory and fetch.buffer.bytes are nearly nothing", tiny_buffers },
    { "close-in-the-middle", "producers and consumers close amid resets", close_in_the_middle },
};

const char *sim_scenario_name(int index)
{
    return index < (int)KCI_COUNT_OF(scenarios) ? scenarios[index].name : NULL;
}

void sim_scenario_plan(sim_plan *plan, const char *name, uint64_t seed)
{
    for (size_t i = 0; i < KCI_COUNT_OF(scenarios); i++)
        if (strcmp(scenarios[i].name, name) == 0) {
            sim_rng r = { seed * 7919 + i };
            sim_plan_plain(plan, seed);
            plan->scenario = scenarios[i].name;
            scenarios[i].make(plan, &r);
            return;
        }
    fprintf(stderr, "no scenario '%s'; see --list\n", name);
    exit(2);
}

void sim_scenario_list(FILE *out)
{
    for (size_t i = 0; i < KCI_COUNT_OF(scenarios); i++)
        fprintf(out, "%-24s %s\n", scenarios[i].name, scenarios[i].what);
}
