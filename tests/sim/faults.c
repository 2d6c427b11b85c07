/* SPDX-License-Identifier: Apache-2.0 */
/* Puts a plan's faults into effect at their times, and takes them back. */
#include <stdlib.h>

#include "sim/run.h"

typedef struct scheduled {
    sim_run *run;
    const sim_fault *fault;
    int number;
} scheduled;

static uint16_t port_of(int64_t broker)
{
    return (uint16_t)(SIM_BASE_PORT + broker - 1);
}

static sim_link *link_of(sim_run *r, const sim_fault *f)
{
    return sim_link_of(r->world, port_of(f->a));
}

static void add_api_fault(sim_run *r, const sim_fault *f, int32_t action)
{
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.action = action;
    fault.api = (int32_t)f->a;
    fault.count = f->n;
    fault.code = (int32_t)f->b;
    fault.ms = (int32_t)f->b;
    fault.bytes = f->b;
    fault.flags = (uint32_t)f->c;
    if (f->broker)
        fault.broker = f->broker;
    kc_mock_add_fault(r->mock, &fault);
}

/* The next broker, from a random one on, that holds a replica and is up. */
static void move_leader(sim_run *r, const sim_fault *f)
{
    int first = (int)sim_rng_range(&r->rng, 1, r->plan->brokers);
    for (int i = 0; i < r->plan->brokers; i++) {
        int broker = (first + i - 1) % r->plan->brokers + 1;
        if (kc_mock_move_leader(r->mock, SIM_TOPIC, (int32_t)f->a, broker, (int32_t)f->b,
                                (uint32_t)f->c) == KC_OK)
            return;
    }
}

static void out_of_sync(sim_run *r, int64_t partition, bool in_sync)
{
    for (int broker = 1; broker <= r->plan->brokers; broker++)
        kc_mock_set_in_sync(r->mock, SIM_TOPIC, (int32_t)partition, broker, in_sync);
}

static void delete_topic(sim_run *r)
{
    kc_mock_delete_topic(r->mock, SIM_TOPIC);
}

static void create_topic(sim_run *r)
{
    if (sim_topic_create(r) != KC_OK)
        return;
    for (int p = 0; p < r->plan->partitions; p++)
        history_cut(r->history, p, 0);
}

static void truncate_log(sim_run *r, const sim_fault *f)
{
    int p = (int)f->a;
    int64_t end = kc_mock_high_watermark(r->mock, SIM_TOPIC, p);
    int64_t to = end > f->b ? end - f->b : 0;
    int32_t leader = -1;
    kc_mock_leader(r->mock, SIM_TOPIC, p, &leader, NULL);
    if (leader >= 0 && kc_mock_truncate(r->mock, SIM_TOPIC, p, to, -1) == KC_OK)
        history_truncated(r->history, p,
                          kc_mock_log_end_offset(r->mock, SIM_TOPIC, p)); /* whole batches */
}

static void write_marker(sim_run *r, const sim_fault *f)
{
    int64_t at = kc_mock_txn_marker(r->mock, SIM_TOPIC, (int32_t)f->a, 4711, 0, f->b != 0);
    if (at >= 0)
        history_gap(r->history, (int)f->a, at);
}

static void begin_link(sim_run *r, const sim_fault *f)
{
    sim_link *link = link_of(r, f);
    switch (f->kind) {
    case F_BLACKHOLE:
        link->blackhole = true;
        break;
    case F_REFUSE:
        link->refuse = true;
        break;
    case F_CHOP:
        link->max_chunk = (int32_t)f->b;
        break;
    case F_SLOW:
        link->bytes_per_s = f->b;
        break;
    default:
        link->latency_max_us = f->b * 1000;
        break;
    }
}

static void begin(void *arg)
{
    scheduled *s = arg;
    sim_run *r = s->run;
    const sim_fault *f = s->fault;
    if (r->healing)
        return;
    sim_trace(r->world, "fault: kind %d a=%lld b=%lld c=%lld for %lld ms", (int)f->kind,
              (long long)f->a, (long long)f->b, (long long)f->c, (long long)f->for_us / 1000);
    switch (f->kind) {
    case F_RESET_BROKER:
        sim_reset_port(r->world, port_of(f->a));
        break;
    case F_RESET_ONE:
        sim_reset_one(r->world, &r->rng);
        break;
    case F_RESET_AFTER:
        sim_reset_after(r->world, port_of(f->a), f->b != 0, f->c);
        break;
    case F_BROKER_DOWN:
        kc_mock_broker_down(r->mock, (int32_t)f->a, (uint32_t)f->b);
        sim_txns_after_loss(r);
        break;
    case F_TXN:
        sim_txn_begin(r, f, s->number);
        break;
    case F_NEW_ADDRESS:
        sim_address_change(r, (int)f->a, (sim_address_change_kind)f->b);
        break;
    case F_LIE:
        sim_lie_set(r, (sim_lie)f->a, (int)f->b);
        break;
    case F_AGE:
        sim_cluster_age(r, (int)f->a, (sim_age)f->b);
        sim_reset_port(r->world, port_of(f->a));
        break;
    case F_POISON:
        sim_poison_write(r, f);
        break;
    case F_MOVE_LEADER:
        move_leader(r, f);
        break;
    case F_API_ERROR:
        add_api_fault(r, f, KC_MOCK_FAULT_ERROR);
        break;
    case F_LOSE_ANSWER:
        add_api_fault(r, f, KC_MOCK_FAULT_LOSE_ANSWER);
        break;
    case F_DELAY:
        add_api_fault(r, f, KC_MOCK_FAULT_DELAY);
        break;
    case F_HANG:
        add_api_fault(r, f, KC_MOCK_FAULT_HANG);
        break;
    case F_CUT:
        add_api_fault(r, f, KC_MOCK_FAULT_CUT);
        break;
    case F_SHORT:
        add_api_fault(r, f, KC_MOCK_FAULT_SHORT);
        break;
    case F_THROTTLE:
        add_api_fault(r, f, KC_MOCK_FAULT_THROTTLE);
        break;
    case F_OUT_OF_SYNC:
        out_of_sync(r, f->a, false);
        break;
    case F_WALL_JUMP:
        sim_wall_jump(r->world, f->b * 1000);
        break;
    case F_RECREATE:
        delete_topic(r);
        break;
    case F_TRUNCATE:
        truncate_log(r, f);
        break;
    case F_MARKER:
        write_marker(r, f);
        break;
    case F_DNS_FAIL:
        sim_dns_fail_until(r->world, sim_now(r->world) + f->for_us);
        break;
    default:
        begin_link(r, f);
        break;
    }
}

static void end_link(sim_run *r, const sim_fault *f)
{
    sim_link *link = link_of(r, f);
    if (f->kind == F_BLACKHOLE)
        link->blackhole = false;
    else if (f->kind == F_REFUSE)
        link->refuse = false;
    else if (f->kind == F_CHOP)
        link->max_chunk = 0;
    else if (f->kind == F_SLOW)
        link->bytes_per_s = 0;
    else
        link->latency_max_us = 500;
}

static void end(void *arg)
{
    scheduled *s = arg;
    sim_run *r = s->run;
    const sim_fault *f = s->fault;
    switch (f->kind) {
    case F_BLACKHOLE:
    case F_REFUSE:
    case F_CHOP:
    case F_SLOW:
    case F_LATENCY:
        end_link(r, f);
        break;
    case F_BROKER_DOWN:
        kc_mock_broker_up(r->mock, (int32_t)f->a);
        break;
    case F_OUT_OF_SYNC:
        out_of_sync(r, f->a, true);
        break;
    case F_RECREATE:
        create_topic(r);
        break;
    case F_TXN:
        sim_txn_end(r, s->number);
        break;
    case F_LIE:
        sim_lie_set(r, (sim_lie)f->a, 0);
        break;
    default:
        return;
    }
    sim_trace(r->world, "fault ends: kind %d a=%lld", (int)f->kind, (long long)f->a);
}

void sim_faults_schedule(sim_run *r)
{
    static scheduled all[SIM_MAX_FAULTS]; /* one run at a time in a process */
    for (int i = 0; i < r->plan->fault_count; i++) {
        const sim_fault *f = &r->plan->faults[i];
        all[i] = (scheduled){ r, f, i };
        sim_at(r->world, r->start + f->at_us, begin, &all[i]);
        if (f->for_us > 0)
            sim_at(r->world, r->start + f->at_us + f->for_us, end, &all[i]);
    }
}

void sim_faults_heal(sim_run *r)
{
    sim_trace(r->world, "all faults end");
    r->healing = true;
    kc_mock_clear_faults(r->mock);
    sim_lies_end(r);
    for (int broker = 1; broker <= r->plan->brokers; broker++) {
        sim_link *link = sim_link_of(r->world, port_of(broker));
        *link = (sim_link){ .latency_min_us = 100, .latency_max_us = 500 };
        kc_mock_broker_up(r->mock, broker);
    }
    for (int p = 0; p < r->plan->partitions; p++)
        out_of_sync(r, p, true);
    sim_txns_finish(r);
    sim_dns_fail_until(r->world, 0);
}
