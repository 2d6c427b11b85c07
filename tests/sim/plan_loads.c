/* SPDX-License-Identifier: Apache-2.0 */
/* Draws that came later than those of plan.c, each kind with a generator of its own, so that one
 * more does not move all others. */
#include <kclient/mock.h>

#include "sim/plan.h"

/* Weaker promises than exactly once. */
static void draw_acks(sim_plan *plan, sim_rng *r)
{
    static const sim_acks weaker[] = { ACKS_ALL, ACKS_ALL, ACKS_LEADER, ACKS_NONE, ACKS_NONE };
    if (sim_rng_chance(r, 25))
        plan->acks = weaker[sim_rng_range(r, 0, 4)];
}

/* Few retries, and as many errors as these take, or one more. */
static void draw_retries(sim_plan *plan, sim_rng *r)
{
    static const int codes[] = { KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_REQUEST_TIMED_OUT,
                                 KC_E_NOT_ENOUGH_REPLICAS, KC_E_LEADER_NOT_AVAILABLE };
    if (!sim_rng_chance(r, 15))
        return;
    int64_t retries = sim_rng_range(r, plan->acks == ACKS_IDEMPOTENT, 3);
    sim_plan_set(plan, "retries", retries);
    if (sim_rng_chance(r, 50)) /* nothing else goes wrong */
        plan->fault_count = 0;
    for (int n = (int)sim_rng_range(r, 1, 3); n > 0; n--) {
        sim_fault *f = sim_plan_add(plan, F_API_ERROR, sim_rng_range(r, 0, plan->work_us), 0);
        f->a = KC_MOCK_API_PRODUCE;
        f->b = codes[sim_rng_range(r, 0, 3)];
        f->n = sim_rng_range(r, 1, 2) + retries;
        bool may_be = f->b == KC_E_NOT_LEADER_OR_FOLLOWER || f->b == KC_E_REQUEST_TIMED_OUT;
        f->c = may_be && sim_rng_chance(r, 50) ? KC_MOCK_FAULT_APPLIED : 0;
    }
}

/* More partitions than go into one request. */
static void draw_crowd(sim_plan *plan, sim_rng *r)
{
    if (plan->value_bytes > 200 || plan->max_message || !sim_rng_chance(r, 6))
        return;
    plan->partitions = (int)sim_rng_range(r, 20, 60);
    plan->linger_ms = (int)sim_rng_range(r, 0, 30);
    plan->many_percent = (int)sim_rng_range(r, 0, 100);
    plan->work_us = sim_rng_range(r, 1000000, 5000000);
    plan->buffer_memory = 1 << 20;
    sim_plan_set(plan, "max.request.size", sim_rng_range(r, 500, 3000));
}

/* Loads that stop. */
static void draw_silence(sim_plan *plan, sim_rng *r)
{
    plan->silent = sim_rng_chance(r, 60);
    if (sim_rng_chance(r, 60))
        plan->last_words = (int)sim_rng_range(r, 1, 3);
    if (sim_rng_chance(r, 20))
        sim_plan_set(plan, "enable.partition.eof", 1);
}

/* A record now and then, to any partition. */
static void draw_trickle(sim_plan *plan, sim_rng *r)
{
    if (!sim_rng_chance(r, 12))
        return;
    plan->trickles = true;
    plan->records = (int)sim_rng_range(r, 2, 30);
    plan->work_us = sim_rng_range(r, 3000000, 20000000);
    plan->flush_percent = plan->callback_percent = plan->many_percent = 0;
    if (sim_rng_chance(r, 50))
        plan->partitions = (int)sim_rng_range(r, 8, 40);
}

/* Nothing that stops the application, or the cluster as a whole, and no other broker to turn to. */
static void calm_down(sim_plan *plan, sim_rng *r)
{
    plan->brokers = (int)sim_rng_range(r, 2, 5);
    plan->partitions = plan->brokers * (int)sim_rng_range(r, 1, 3);
    plan->replication = plan->min_in_sync = 1;
    plan->fault_count = plan->poll_pause_ms = plan->max_message = plan->window = 0;
    plan->seek_percent = plan->assign_percent = plan->flush_percent = plan->purge_percent = 0;
    plan->ask_percent = plan->admin_percent = plan->wake_percent = 0;
    plan->max_block_ms = 0;
    plan->work_us = sim_rng_range(r, 4000000, 12000000);
    plan->records = (int)sim_rng_range(r, 10, 200);
    plan->value_bytes = 100;
    plan->buffer_memory = plan->fetch_buffer = 1 << 20;
    plan->max_poll_records = 200;
    plan->request_timeout_ms = (int)sim_rng_range(r, 1000, 5000);
    plan->delivery_timeout_ms = plan->request_timeout_ms + (int)sim_rng_range(r, 3000, 30000);
    plan->setting_count = 0;
    plan->pace_ms = plan->linger_ms + 1500;
}

static const struct {
    sim_fault_kind kind;
    int api; /* of faults in answers */
    int64_t b, c, n;
} ways_to_be_bad[] = {
    { F_BROKER_DOWN, 0, KC_MOCK_NO_ELECTION, 0, 1 },
    { F_BLACKHOLE, 0, 0, 0, 1 },
    { F_REFUSE, 0, 0, 0, 1 },
    { F_CHOP, 0, 1, 0, 1 },
    { F_SLOW, 0, 300, 0, 1 },
    { F_LATENCY, 0, 2000, 0, 1 },
    { F_RESET_BROKER, 0, 0, 0, 1 },
    { F_HANG, KC_MOCK_API_PRODUCE, 0, 0, 3 },
    { F_HANG, KC_MOCK_API_FETCH, 0, 0, 3 },
    { F_HANG, KC_MOCK_API_METADATA, 0, 0, 10 },
    { F_API_ERROR, KC_MOCK_API_PRODUCE, KC_E_NOT_LEADER_OR_FOLLOWER, 0, 100 },
    { F_API_ERROR, KC_MOCK_API_PRODUCE, KC_E_REQUEST_TIMED_OUT, 0, 100 },
    { F_API_ERROR, KC_MOCK_API_FETCH, KC_E_NOT_LEADER_OR_FOLLOWER, 0, 100 },
    { F_API_ERROR, KC_MOCK_API_METADATA, KC_E_LEADER_NOT_AVAILABLE, 0, 100 },
    { F_LOSE_ANSWER, KC_MOCK_API_METADATA, 0, 0, 100 },
    { F_LOSE_ANSWER, KC_MOCK_API_PRODUCE, 0, 0, 100 },
    { F_CUT, KC_MOCK_API_FETCH, 20, 0, 100 },
    { F_SHORT, KC_MOCK_API_PRODUCE, 10, 0, 100 },
    { F_DELAY, KC_MOCK_API_FETCH, 3000, 0, 10 },
    { F_THROTTLE, KC_MOCK_API_PRODUCE, 3000, 0, 10 },
    { F_THROTTLE, KC_MOCK_API_METADATA, 3000, 0, 10 },
    { F_HANG, KC_MOCK_API_API_VERSIONS, 0, 0, 10 },
};

/* One broker of several is bad, after all have been met. */
static void draw_one_bad(sim_plan *plan, sim_rng *r)
{
    enum { WAYS = sizeof ways_to_be_bad / sizeof ways_to_be_bad[0], MET_US = 1500000 };
    if (!sim_rng_chance(r, 10))
        return;
    calm_down(plan, r);
    plan->bad_broker = (int)sim_rng_range(r, 1, plan->brokers);
    for (int n = (int)sim_rng_range(r, 1, 3); n > 0; n--) {
        int64_t i = sim_rng_range(r, 0, WAYS - 1);
        sim_fault *f = sim_plan_add(plan, ways_to_be_bad[i].kind,
                                    sim_rng_range(r, MET_US, plan->work_us), plan->work_us);
        bool in_answers = ways_to_be_bad[i].kind >= F_API_ERROR;
        f->a = in_answers ? ways_to_be_bad[i].api : plan->bad_broker;
        f->broker = plan->bad_broker;
        f->b = ways_to_be_bad[i].b;
        f->c = ways_to_be_bad[i].c;
        f->n = ways_to_be_bad[i].n;
    }
}

/* Two at least share the topic, and one of them leaves; what it asked for is soon forgotten. */
static void draw_leave(sim_plan *plan, sim_rng *r)
{
    if (plan->bad_broker || !sim_rng_chance(r, 20))
        return;
    if (plan->producers < 2 && plan->consumers < 2)
        plan->producers = plan->consumers = 2;
    plan->leave_ms = (int)sim_rng_range(r, 1, plan->work_us / 2000);
    if (sim_rng_chance(r, 50))
        plan->admin_percent = (int)sim_rng_range(r, 1, 5);
    if (sim_rng_chance(r, 50))
        plan->back_ms = plan->leave_ms + (int)sim_rng_range(r, 1, 3000);
    if (!sim_rng_chance(r, 60))
        return;
    plan->work_us = sim_rng_range(r, 8000000, 20000000);
    sim_plan_set(plan, "metadata.max.idle.ms", 5000);
    sim_plan_set(plan, "metadata.max.age.ms", sim_rng_range(r, 100, 1000));
    sim_fault *f = sim_plan_add(plan, F_MOVE_LEADER,
                                plan->leave_ms * 1000LL + sim_rng_range(r, 5000000, 7000000), 0);
    f->a = sim_rng_range(r, 0, plan->partitions - 1);
    f->c = KC_MOCK_NO_HINTS;
}

/* 1, 2, 3, or about as much as a record, a batch or a request of the run takes. */
static int64_t odd_size(const sim_plan *plan, sim_rng *r)
{
    int64_t record = plan->value_bytes + 8, batch = plan->batch_size;
    int64_t around[] = { record, record + 70, batch, batch + record, 2 * batch, 8 * batch };
    if (sim_rng_chance(r, 40))
        return sim_rng_range(r, 1, 3);
    return around[sim_rng_range(r, 0, 5)] + sim_rng_range(r, -1, 1);
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

/* What lets the producer get on must hold a record of the largest kind. */
static void draw_odd_producer(sim_plan *plan, sim_rng *r)
{
    int64_t record = plan->value_bytes + 250;
    switch (sim_rng_range(r, 0, 4)) {
    case 0:
        if (!plan->max_message) /* batches that are to be split must be large */
            plan->batch_size = (int)(sim_rng_chance(r, 20) ? 0 : at_least(odd_size(plan, r), 0));
        break;
    case 1:
        sim_plan_set(plan, "max.request.size", at_least(odd_size(plan, r), record));
        break;
    case 2:
        plan->buffer_memory = (int)at_least(odd_size(plan, r), 4 * record + 4096);
        break;
    case 3:
        plan->linger_ms = (int)sim_rng_range(r, 0, 3);
        break;
    default:
        sim_plan_set(plan, "max.in.flight.requests.per.connection", sim_rng_range(r, 1, 3));
    }
}

static void draw_odd_consumer(sim_plan *plan, sim_rng *r)
{
    switch (sim_rng_range(r, 0, 6)) {
    case 0:
        sim_plan_set(plan, "fetch.min.bytes", at_least(odd_size(plan, r), 0));
        break;
    case 1:
        sim_plan_set(plan, "fetch.max.bytes", at_least(odd_size(plan, r) - 1, 0));
        break;
    case 2:
        sim_plan_set(plan, "max.partition.fetch.bytes", at_least(odd_size(plan, r) - 1, 0));
        break;
    case 3:
        plan->fetch_buffer = (int)at_least(odd_size(plan, r), 1024);
        break;
    case 4:
        plan->max_poll_records = (int)sim_rng_range(r, 1, 3);
        break;
    case 5: /* what is refused must be larger than the largest batch */
        sim_plan_set(plan, "receive.message.max.bytes", 16384 + sim_rng_range(r, 0, 3));
        sim_plan_set(plan, "fetch.max.bytes", sim_rng_range(r, 1, 4096));
        break;
    default:
        sim_plan_set(plan, "metadata.max.age.ms", sim_rng_range(r, 20, 60));
    }
}

/* Limits where they just hold, or just do not: with little to do, since that takes many steps. */
static void draw_odd_limits(sim_plan *plan, sim_rng *r)
{
    if (plan->bad_broker || plan->value_bytes > 1000 || !sim_rng_chance(r, 15))
        return;
    plan->records = plan->records < 60 ? plan->records : (int)sim_rng_range(r, 10, 60);
    for (int n = (int)sim_rng_range(r, 1, 3); n > 0; n--) {
        if (sim_rng_chance(r, 50))
            draw_odd_producer(plan, r);
        else
            draw_odd_consumer(plan, r);
    }
    if (sim_plan_setting(plan, "receive.message.max.bytes", 0) &&
        sim_plan_setting(plan, "fetch.max.bytes", 0) > 4096)
        sim_plan_set(plan, "fetch.max.bytes", 4096);
    /* There may never be as much; and what is read by and by waits for those that have nothing. */
    if (sim_plan_setting(plan, "fetch.min.bytes", 1) > 1 ||
        sim_plan_setting(plan, "max.partition.fetch.bytes", INT32_MAX) <
            plan->batch_size + plan->value_bytes + 250)
        sim_plan_set(plan, "fetch.max.wait.ms", 20);
}

/* Unclean elections cut logs, and consumers have to notice (KIP-320). */
static void draw_cuts(sim_plan *plan, sim_rng *r)
{
    if (plan->age != AGE_NEW || plan->bad_broker || sim_plan_has(plan, F_TXN) ||
        sim_plan_has(plan, F_LIE) || !sim_rng_chance(r, 12))
        return;
    plan->no_reset = sim_rng_chance(r, 50);
    for (int n = (int)sim_rng_range(r, 1, 3); n > 0; n--) {
        sim_fault *f = sim_plan_add(plan, F_TRUNCATE, sim_rng_range(r, 0, plan->work_us), 0);
        f->a = sim_rng_range(r, 0, plan->partitions - 1);
        f->b = sim_rng_range(r, 1, 30);
    }
}

void sim_plan_draw_loads(sim_plan *plan)
{
    sim_rng from = { plan->seed ^ 0x10ad5u };
    sim_rng acks = sim_rng_fork(&from, 1), retries = sim_rng_fork(&from, 2);
    sim_rng crowd = sim_rng_fork(&from, 3), silence = sim_rng_fork(&from, 4);
    sim_rng trickle = sim_rng_fork(&from, 5), bad = sim_rng_fork(&from, 6);
    sim_rng leave = sim_rng_fork(&from, 7), odd = sim_rng_fork(&from, 8);
    sim_rng cuts = sim_rng_fork(&from, 9);
    draw_acks(plan, &acks);
    draw_retries(plan, &retries);
    draw_crowd(plan, &crowd);
    draw_trickle(plan, &trickle);
    draw_one_bad(plan, &bad);
    draw_leave(plan, &leave);
    draw_silence(plan, &silence);
    draw_odd_limits(plan, &odd);
    draw_cuts(plan, &cuts);
}
