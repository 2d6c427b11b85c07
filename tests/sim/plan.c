/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/plan.h"

#include <string.h>

#include <kclient/mock.h>

#include "base/mem.h"
#include "record/compress.h"
#include "sim/lies.h"

static const char *const kind_names[F_KIND_COUNT] = {
    "reset-broker", "reset-one", "reset-after", "blackhole",   "refuse",    "chop",
    "slow",         "latency",   "broker-down", "move-leader", "api-error", "lose-answer",
    "delay",        "hang",      "cut",         "short",       "throttle",  "out-of-sync",
    "wall-jump",    "dns-fail",  "transaction", "new-address", "lie",       "recreate",
    "truncate",     "poison",    "age",         "marker",
};

typedef struct api_error {
    int api;
    int code;
    bool may_be_applied; /* the broker may have done the work before it said so */
} api_error;

/* Retriable errors that a broker may give to a client that does nothing wrong. */
static const api_error api_errors[] = {
    { KC_MOCK_API_PRODUCE, KC_E_NOT_LEADER_OR_FOLLOWER, true }, /* it led until after the write */
    { KC_MOCK_API_PRODUCE, KC_E_REQUEST_TIMED_OUT, true },
    { KC_MOCK_API_PRODUCE, KC_E_NOT_ENOUGH_REPLICAS, false },
    { KC_MOCK_API_PRODUCE, KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND, true },
    { KC_MOCK_API_PRODUCE, KC_E_UNKNOWN_TOPIC_OR_PARTITION, false },
    { KC_MOCK_API_PRODUCE, KC_E_LEADER_NOT_AVAILABLE, false },
    { KC_MOCK_API_PRODUCE, KC_E_NETWORK_EXCEPTION, true },
    { KC_MOCK_API_PRODUCE, KC_E_KAFKA_STORAGE_ERROR, false },
    { KC_MOCK_API_PRODUCE, KC_E_CORRUPT_MESSAGE, false },
    { KC_MOCK_API_FETCH, KC_E_NOT_LEADER_OR_FOLLOWER, false },
    { KC_MOCK_API_FETCH, KC_E_FENCED_LEADER_EPOCH, false },
    { KC_MOCK_API_FETCH, KC_E_UNKNOWN_LEADER_EPOCH, false },
    { KC_MOCK_API_FETCH, KC_E_UNKNOWN_TOPIC_OR_PARTITION, false },
    { KC_MOCK_API_FETCH, KC_E_KAFKA_STORAGE_ERROR, false },
    { KC_MOCK_API_FETCH, KC_E_OFFSET_NOT_AVAILABLE, false },
    { KC_MOCK_API_LIST_OFFSETS, KC_E_NOT_LEADER_OR_FOLLOWER, false },
    { KC_MOCK_API_LIST_OFFSETS, KC_E_OFFSET_NOT_AVAILABLE, false },
    { KC_MOCK_API_LIST_OFFSETS, KC_E_LEADER_NOT_AVAILABLE, false },
    { KC_MOCK_API_METADATA, KC_E_LEADER_NOT_AVAILABLE, false },
    { KC_MOCK_API_METADATA, KC_E_UNKNOWN_TOPIC_OR_PARTITION, false },
    { KC_MOCK_API_INIT_PRODUCER_ID, KC_E_COORDINATOR_LOAD_IN_PROGRESS, false },
    { KC_MOCK_API_INIT_PRODUCER_ID, KC_E_COORDINATOR_NOT_AVAILABLE, false },
    { KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, KC_E_NOT_LEADER_OR_FOLLOWER, false },
    { KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, KC_E_FENCED_LEADER_EPOCH, false },
};

static const int apis[] = { KC_MOCK_API_PRODUCE,          KC_MOCK_API_FETCH,
                            KC_MOCK_API_LIST_OFFSETS,     KC_MOCK_API_METADATA,
                            KC_MOCK_API_INIT_PRODUCER_ID, KC_MOCK_API_API_VERSIONS };

sim_fault *sim_plan_add(sim_plan *plan, sim_fault_kind kind, int64_t at_us, int64_t for_us)
{
    static sim_fault none;
    if (plan->fault_count == SIM_MAX_FAULTS)
        return &none;
    sim_fault *f = &plan->faults[plan->fault_count++];
    *f = (sim_fault){ .kind = kind, .at_us = at_us, .for_us = for_us, .n = 1 };
    return f;
}

void sim_plan_plain(sim_plan *plan, uint64_t seed)
{
    *plan = (sim_plan){ .seed = seed,
                        .brokers = 3,
                        .partitions = 3,
                        .replication = 3,
                        .min_in_sync = 1,
                        .version = "4.3",
                        .producers = 1,
                        .consumers = 1,
                        .records = 300,
                        .value_bytes = 100,
                        .work_us = 5000000,
                        .batch_size = 1000,
                        .linger_ms = 5,
                        .buffer_memory = 1 << 20,
                        .fetch_buffer = 1 << 20,
                        .delivery_timeout_ms = 30000,
                        .request_timeout_ms = 5000,
                        .max_poll_records = 50,
                        .max_block_ms = 2000,
                        .compression = "none" };
}

static void draw_api_fault(sim_plan *plan, sim_fault *f, sim_rng *r)
{
    (void)plan;
    f->a = apis[sim_rng_range(r, 0, KCI_COUNT_OF(apis) - 1)];
    f->n = sim_rng_range(r, 1, 4);
    switch (f->kind) {
    case F_API_ERROR: {
        const api_error *e = &api_errors[sim_rng_range(r, 0, KCI_COUNT_OF(api_errors) - 1)];
        f->a = e->api;
        f->b = e->code;
        f->c = e->may_be_applied && sim_rng_chance(r, 50) ? KC_MOCK_FAULT_APPLIED : 0;
        break;
    }
    case F_DELAY: /* often past the request timeout */
        f->b = sim_rng_range(r, 1, 9000);
        break;
    case F_THROTTLE:
        f->b = sim_rng_range(r, 1, 3000);
        break;
    case F_CUT:
    case F_SHORT:
        f->b = sim_rng_range(r, 0, 200);
        break;
    case F_HANG:
        f->c = sim_rng_chance(r, 50) ? KC_MOCK_FAULT_APPLIED : 0;
        break;
    default:
        break;
    }
}

/* Often several, one after the other, in one partition. */
static void draw_txns(sim_plan *plan, sim_fault *first, sim_rng *r)
{
    int64_t at = first->at_us, partition = sim_rng_range(r, 0, plan->partitions - 1);
    sim_fault *f = first;
    for (int64_t n = sim_rng_chance(r, 50) ? sim_rng_range(r, 2, 8) : 1; n > 0; n--) {
        f->a = partition;
        f->b = sim_rng_range(r, 0, 1);
        f->c = sim_rng_chance(r, 50);
        if (n == 1)
            return;
        at += sim_rng_range(r, 0, 50000);
        f = sim_plan_add(plan, F_TXN, at, sim_rng_range(r, 1, 100000));
    }
}

static void draw_fault(sim_plan *plan, sim_rng *r)
{
    sim_fault_kind kind = (sim_fault_kind)sim_rng_range(r, 0, F_DRAWN_COUNT - 1);
    sim_fault *f = sim_plan_add(plan, kind, sim_rng_range(r, 0, plan->work_us),
                                sim_rng_range(r, 10000, 6000000));
    f->a = sim_rng_range(r, 1, plan->brokers);
    switch (kind) {
    case F_RESET_AFTER:
        f->b = sim_rng_range(r, 0, 1);
        f->c = sim_rng_range(r, 0, 3000);
        break;
    case F_CHOP:
        f->b = sim_rng_range(r, 1, 20);
        break;
    case F_SLOW:
        f->b = sim_rng_range(r, 5, 100) << sim_rng_range(r, 6, 10); /* 320 B/s to 100 KiB/s */
        break;
    case F_LATENCY:
        f->b = sim_rng_range(r, 1, 2000);
        break;
    case F_BROKER_DOWN:
        f->b = sim_rng_chance(r, 50) ? KC_MOCK_LOSE_UNREPLICATED : 0;
        if (sim_rng_chance(r, 20))
            f->b |= KC_MOCK_NO_ELECTION;
        break;
    case F_MOVE_LEADER:
        f->a = sim_rng_range(r, 0, plan->partitions - 1);
        f->b = sim_rng_chance(r, 50) ? sim_rng_range(r, 0, 3000) : 0;
        f->c = sim_rng_chance(r, 50) ? KC_MOCK_NO_HINTS : 0;
        f->c |= sim_rng_chance(r, 10) ? KC_MOCK_SAME_EPOCH : 0;
        break;
    case F_OUT_OF_SYNC:
        f->a = sim_rng_range(r, 0, plan->partitions - 1);
        break;
    case F_WALL_JUMP:
        f->b = sim_rng_range(r, -100000, 100000);
        break;
    case F_TXN:
        draw_txns(plan, f, r);
        break;
    case F_NEW_ADDRESS:
        f->b = sim_rng_range(r, 0, ADDRESS_KINDS - 1);
        break;
    case F_LIE:
        f->a = sim_rng_range(r, 0, LIE_COUNT - 1);
        f->b = sim_rng_range(r, 10, 100);
        break;
    case F_API_ERROR:
    case F_LOSE_ANSWER:
    case F_DELAY:
    case F_HANG:
    case F_CUT:
    case F_SHORT:
    case F_THROTTLE:
        draw_api_fault(plan, f, r);
        break;
    default:
        break;
    }
}

/* No broker can be reached for longer than delivery.timeout.ms. */
static void draw_outage(sim_plan *plan, sim_rng *r)
{
    sim_fault_kind kind = sim_rng_chance(r, 50) ? F_BLACKHOLE : F_BROKER_DOWN;
    int64_t at = sim_rng_range(r, 0, plan->work_us);
    int64_t length = sim_rng_range(r, 7000000, 20000000);
    if (plan->delivery_timeout_ms > 9000)
        plan->delivery_timeout_ms = (int)sim_rng_range(r, 6000, 9000);
    for (int b = 1; b <= plan->brokers; b++)
        sim_plan_add(plan, kind, at + sim_rng_range(r, 0, 100000), length)->a = b;
}

/* More is sent than the network takes: batches expire of which a part is sent already. */
static void draw_congestion(sim_plan *plan, sim_rng *r)
{
    plan->records += 400;
    plan->window = (int)sim_rng_range(r, 200, 2000);
    plan->buffer_memory = (int)sim_rng_range(r, 32 << 10, 64 << 10);
    plan->delivery_timeout_ms =
        plan->request_timeout_ms + plan->linger_ms + (int)sim_rng_range(r, 1, 1000);
    for (int b = 1; b <= plan->brokers; b++) {
        sim_fault *f = sim_plan_add(plan, F_SLOW, 0, plan->work_us);
        f->a = b;
        f->b = sim_rng_range(r, 300, 3000);
    }
}

/* Properties that change how the client goes about its work, in reach of a short run. */
static const struct {
    const char *name;
    int percent, least, most;
} tunables[] = {
    { "max.in.flight.requests.per.connection", 40, 1, 5 },
    { "connections.max.idle.ms", 20, 500, 5000 },
    { "metadata.max.age.ms", 40, 100, 1000 },
    { "metadata.recovery.rebootstrap.trigger.ms", 30, 500, 5000 },
    { "fetch.min.bytes", 40, 1, 1000 }, /* less than the two below: else each batch takes a wait */
    { "fetch.max.wait.ms", 40, 20, 1500 },
    { "fetch.max.bytes", 20, 2000, 20000 },
    { "max.partition.fetch.bytes", 20, 2000, 10000 },
    { "partitioner.availability.timeout.ms", 20, 1, 2000 },
    { "retry.backoff.ms", 20, 50, 500 },
    { "enable.partition.eof", 20, 1, 1 },
    { "max.request.size", 10, 9000, 20000 },
};

static void draw_settings(sim_plan *plan, sim_rng *r)
{
    for (size_t i = 0; i < KCI_COUNT_OF(tunables); i++)
        if (sim_rng_chance(r, tunables[i].percent))
            plan->settings[plan->setting_count++] =
                (sim_setting){ tunables[i].name,
                               sim_rng_range(r, tunables[i].least, tunables[i].most) };
}

static int sometimes(sim_rng *r, int percent, int most)
{
    return sim_rng_chance(r, percent) ? (int)sim_rng_range(r, 1, most) : 0;
}

/* What of the library the application uses, beyond sends, polls and seeks. */
static void draw_habits(sim_plan *plan, sim_rng *r)
{
    static const char *const partitioners[] = { "uniform-sticky", "round-robin", "random" };
    plan->purge_percent = sometimes(r, 10, 3);
    plan->ask_percent = sometimes(r, 30, 20);
    plan->assign_percent = sometimes(r, 25, 10);
    plan->admin_percent = sometimes(r, 15, 5);
    plan->vague_percent = sometimes(r, 40, 100);
    plan->choice_percent = sometimes(r, 50, 100);
    plan->many_percent = sometimes(r, 30, 100);
    plan->headers = sim_rng_chance(r, 40);
    plan->intercepts = plan->headers && sim_rng_chance(r, 30);
    plan->own_partitioner = sim_rng_chance(r, 10);
    plan->takes = sim_rng_chance(r, 25);
    plan->wake_percent = sometimes(r, 15, 10);
    plan->client_first = sim_rng_chance(r, 20);
    plan->sasl = sim_rng_chance(r, 20);
    plan->same_address = !plan->named && sim_rng_chance(r, 50);
    if (sim_rng_chance(r, 20))
        plan->partitioner = partitioners[sim_rng_range(r, 0, 2)];
    if (plan->value_bytes <= 200 && sim_rng_chance(r, 25)) {
        plan->max_message = (int)sim_rng_range(r, 2000, 4000);
        plan->batch_size += plan->max_message;
    }
}

void sim_plan_draw(sim_plan *plan, uint64_t seed)
{
    static const char *const codecs[] = { "none", "gzip", "snappy", "lz4", "zstd" };
    sim_rng r = { seed };
    sim_plan_plain(plan, seed);
    plan->brokers = (int)sim_rng_range(&r, 1, 5);
    plan->partitions = (int)sim_rng_range(&r, 1, 8);
    plan->replication = (int)sim_rng_range(&r, 1, plan->brokers < 3 ? plan->brokers : 3);
    plan->min_in_sync = plan->replication > 1 ? (int)sim_rng_range(&r, 1, 2) : 1;
    plan->replication_delay_us = sim_rng_chance(&r, 50) ? sim_rng_range(&r, 100, 20000) : 0;
    plan->version = sim_rng_chance(&r, 20) ? "3.9" : "4.3";
    plan->no_hints = sim_rng_chance(&r, 30);
    plan->no_sessions = sim_rng_chance(&r, 30);
    plan->producers = (int)sim_rng_range(&r, 1, 2);
    plan->consumers = (int)sim_rng_range(&r, 1, 2);
    plan->records = (int)sim_rng_range(&r, 10, 400);
    plan->value_bytes =
        (int)(sim_rng_chance(&r, 10) ? sim_rng_range(&r, 100, 5000) : sim_rng_range(&r, 0, 200));
    plan->work_us = sim_rng_range(&r, 1000000, 20000000);
    plan->poll_pause_ms = sim_rng_chance(&r, 70) ? 0 : (int)sim_rng_range(&r, -1, 3000);
    plan->close_in_middle = sim_rng_chance(&r, 5);
    plan->seek_percent = sim_rng_chance(&r, 40) ? (int)sim_rng_range(&r, 1, 10) : 0;
    plan->batch_size = (int)sim_rng_range(&r, 1, 4000);
    plan->linger_ms = (int)sim_rng_range(&r, 0, 50);
    plan->buffer_memory = (int)sim_rng_range(&r, 32 << 10, 64 << 10) << sim_rng_range(&r, 0, 4);
    plan->fetch_buffer = (int)sim_rng_range(&r, 16 << 10, 32 << 10) << sim_rng_range(&r, 0, 5);
    if (sim_rng_chance(&r, 30))
        plan->request_timeout_ms = (int)sim_rng_range(&r, 500, 5000);
    int patience = sim_rng_chance(&r, 50) ? plan->request_timeout_ms : 54000;
    plan->delivery_timeout_ms =
        plan->request_timeout_ms + plan->linger_ms + (int)sim_rng_range(&r, 1, patience);
    plan->max_poll_records = (int)sim_rng_range(&r, 1, 200);
    plan->max_block_ms = (int)sim_rng_range(&r, 0, 3000);
    plan->compression = codecs[sim_rng_range(&r, 0, 4)];
    plan->read_committed = sim_rng_chance(&r, 50);
    plan->named = sim_rng_chance(&r, 50);
    if (sim_rng_chance(&r, 40))
        plan->window = (int)sim_rng_range(&r, 1, 16) << sim_rng_range(&r, 8, 11);
    if (sim_rng_chance(&r, 20))
        plan->age = (sim_age)sim_rng_range(&r, 0, AGE_KINDS - 1);
    if (plan->age == AGE_2_0 && strcmp(plan->compression, "zstd") == 0)
        plan->compression = "lz4"; /* they refuse it (KIP-110) */
    plan->ages_differ = sim_rng_chance(&r, 30);
    draw_habits(plan, &r);
    draw_settings(plan, &r);
    plan->flush_percent = sim_rng_chance(&r, 30) ? (int)sim_rng_range(&r, 1, 10) : 0;
    int faults = (int)sim_rng_range(&r, 0, 14);
    for (int i = 0; i < faults; i++)
        draw_fault(plan, &r);
    if (sim_rng_chance(&r, 10))
        draw_outage(plan, &r);
    else if (sim_rng_chance(&r, 7))
        draw_congestion(plan, &r);
    sim_plan_draw_loads(plan);
}

bool sim_plan_has(const sim_plan *plan, sim_fault_kind kind)
{
    for (int i = 0; i < plan->fault_count; i++)
        if (plan->faults[i].kind == kind)
            return true;
    return false;
}

void sim_plan_set(sim_plan *plan, const char *name, int64_t value)
{
    int i = 0;
    while (i < plan->setting_count && strcmp(plan->settings[i].name, name) != 0)
        i++;
    if (i == SIM_MAX_SETTINGS)
        return;
    plan->setting_count += i == plan->setting_count;
    plan->settings[i] = (sim_setting){ name, value };
}

int64_t sim_plan_setting(const sim_plan *plan, const char *name, int64_t otherwise)
{
    for (int i = 0; i < plan->setting_count; i++)
        if (strcmp(plan->settings[i].name, name) == 0)
            return plan->settings[i].value;
    return otherwise;
}

const char *sim_plan_codec(const sim_plan *plan)
{
    for (unsigned i = 0; i < KCI_CODEC_COUNT; i++) {
        const kci_codec_info *codec = kci_codec_get(i);
        if (codec->available && strcmp(codec->name, plan->compression) == 0)
            return codec->name;
    }
    return "gzip";
}

static void print_habits(const sim_plan *p, FILE *out)
{
    fprintf(out,
            "  client chooses %d%% (%s), many %d%%, asks %d%%, admin %d%%, assigns %d%%, vague "
            "%d%%, purges %d%%, "
            "wakes %d%%, max.message %d%s%s%s%s%s%s%s\n ",
            p->choice_percent, p->partitioner ? p->partitioner : "default", p->many_percent,
            p->ask_percent, p->admin_percent, p->assign_percent, p->vague_percent, p->purge_percent,
            p->wake_percent, p->max_message, p->headers ? ", headers" : "",
            p->intercepts ? ", intercepts" : "", p->own_partitioner ? ", own partitioner" : "",
            p->takes ? ", takes" : "", p->client_first ? ", client closes first" : "",
            p->sasl ? ", sasl" : "", p->same_address ? ", same address" : "");
    for (int i = 0; i < p->setting_count; i++)
        fprintf(out, " %s=%lld", p->settings[i].name, (long long)p->settings[i].value);
    fputc('\n', out);
}

void sim_plan_print(const sim_plan *p, FILE *out)
{
    fprintf(
        out,
        "  seed %llu%s%s: %d brokers (%s), %d partitions x%d min.insync %d, %d producers x %d "
        "records of <= %d bytes in %.1f s, %d consumers, batch %d linger %d %s, delivery.timeout "
        "%d ms, buffers %d/%d, poll pause %d, seeks %d%%%s%s\n",
        (unsigned long long)p->seed, p->scenario ? " scenario " : "",
        p->scenario ? p->scenario : "", p->brokers, p->version, p->partitions, p->replication,
        p->min_in_sync, p->producers, p->records, p->value_bytes, (double)p->work_us / 1e6,
        p->consumers, p->batch_size, p->linger_ms, p->compression, p->delivery_timeout_ms,
        p->buffer_memory, p->fetch_buffer, p->poll_pause_ms, p->seek_percent,
        p->close_in_middle ? ", closes in the middle" : "",
        p->acks == ACKS_IDEMPOTENT ? "" : ", not idempotent");
    fprintf(out, "  %s, brokers %s, age %d%s, window %d, flushes %d%%, reports send %d%%\n",
            p->read_committed ? "read_committed" : "read_uncommitted",
            p->named ? "with names" : "by address", (int)p->age,
            p->ages_differ ? " every second one" : "", p->window, p->flush_percent,
            p->callback_percent);
    fprintf(out,
            "  %s%s%sbad broker %d, pace %d ms, last words %d, one leaves at %d, back at %d ms\n",
            p->trickles ? "trickles, " : "", p->silent ? "silent, " : "",
            p->no_reset ? "no reset, " : "", p->bad_broker, p->pace_ms, p->last_words, p->leave_ms,
            p->back_ms);
    print_habits(p, out);
    for (int i = 0; i < p->fault_count; i++) {
        const sim_fault *f = &p->faults[i];
        fprintf(out, "  fault at %.3f s: %s a=%lld b=%lld c=%lld n=%lld for %.3f s\n",
                (double)f->at_us / 1e6, kind_names[f->kind], (long long)f->a, (long long)f->b,
                (long long)f->c, (long long)f->n, (double)f->for_us / 1e6);
    }
}
