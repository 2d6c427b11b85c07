/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/planted.h"
#include "core/client.h"
#include "mock/mock.h"
#include "record/reader.h"
#include "sim/memory.h"

/* Far above what a right client needs, far below a storm: so many per virtual second and node. */
#define REQUESTS_PER_S 400
#define CONNECTS_PER_S 20

#define LOOKUP_US 10000000

static void log_line(void *user, int32_t level, const char *area, const char *text)
{
    (void)level;
    sim_trace(user, "log %s: %s", area, text);
}

static void request_line(void *user, const kc_mock_request *request)
{
    sim_trace(user, "broker %d: %s v%d #%d on connection %lld", request->broker, request->api_name,
              request->version, request->correlation_id, (long long)request->connection);
}

static void die(const char *what, const kc_error *why)
{
    fprintf(stderr, "sim: cannot set up: %s: %s\n", what, why->text);
    abort();
}

kc_err sim_topic_create(sim_run *r)
{
    const sim_plan *plan = r->plan;
    kc_err err = kc_mock_create_topic(r->mock, SIM_TOPIC, plan->partitions, plan->replication);
    char number[16];
    snprintf(number, sizeof number, "%d", plan->min_in_sync);
    if (err == KC_OK)
        err = kc_mock_set_topic_config(r->mock, SIM_TOPIC, "min.insync.replicas", number);
    snprintf(number, sizeof number, "%d", plan->max_message);
    if (err == KC_OK && plan->max_message)
        err = kc_mock_set_topic_config(r->mock, SIM_TOPIC, "max.message.bytes", number);
    return err;
}

/* What brokers of an age do not have: the last version of an API, -1: none. */
static const struct {
    sim_age age;
    int32_t api, max;
} limits[] = {
    { AGE_2_0, KC_MOCK_API_PRODUCE, 6 },
    { AGE_2_0, KC_MOCK_API_FETCH, 8 },
    { AGE_2_0, KC_MOCK_API_LIST_OFFSETS, 3 },
    { AGE_2_0, KC_MOCK_API_METADATA, 6 },
    { AGE_2_0, KC_MOCK_API_API_VERSIONS, 2 },
    { AGE_2_0, KC_MOCK_API_INIT_PRODUCER_ID, 1 },
    { AGE_2_0, KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, -1 },
    { AGE_2_3, KC_MOCK_API_PRODUCE, 7 },
    { AGE_2_3, KC_MOCK_API_FETCH, 11 },
    { AGE_2_3, KC_MOCK_API_LIST_OFFSETS, 5 },
    { AGE_2_3, KC_MOCK_API_METADATA, 8 },
    { AGE_2_3, KC_MOCK_API_API_VERSIONS, 2 },
    { AGE_2_3, KC_MOCK_API_INIT_PRODUCER_ID, 1 },
    { AGE_2_3, KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, 3 },
    { AGE_2_7, KC_MOCK_API_PRODUCE, 8 },
    { AGE_2_7, KC_MOCK_API_FETCH, 12 },
    { AGE_2_7, KC_MOCK_API_LIST_OFFSETS, 5 },
    { AGE_2_7, KC_MOCK_API_METADATA, 9 },
    { AGE_2_7, KC_MOCK_API_API_VERSIONS, 3 },
    { AGE_2_7, KC_MOCK_API_INIT_PRODUCER_ID, 4 },
    { AGE_2_7, KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH, 3 },
};

void sim_cluster_age(sim_run *r, int broker, sim_age age)
{
    for (size_t i = 0; i < KCI_COUNT_OF(limits); i++)
        kc_mock_set_max_version(r->mock, broker, limits[i].api, -2);
    for (size_t i = 0; i < KCI_COUNT_OF(limits); i++)
        if (limits[i].age == age)
            kc_mock_set_max_version(r->mock, broker, limits[i].api, limits[i].max);
}

static void make_old(sim_run *r)
{
    for (int b = 1; r->plan->age && b <= r->plan->brokers; b += r->plan->ages_differ ? 2 : 1)
        sim_cluster_age(r, b, r->plan->age);
}

static void open_cluster(sim_run *r)
{
    const sim_plan *plan = r->plan;
    sim_memory_owner before = sim_memory_enter(SIM_MEMORY_OTHER);
    kc_mock_options options = { .size = sizeof options,
                                .brokers = plan->brokers,
                                .racks = "a,b,c",
                                .port = SIM_BASE_PORT,
                                .version = plan->version,
                                .replication_delay_us = plan->replication_delay_us,
                                .no_auto_create = true,
                                .no_leader_hints = plan->no_hints,
                                .no_fetch_sessions = plan->no_sessions,
                                .sasl_plain = plan->sasl ? "alice:secret" : NULL };
    kc_error why = { 0 };
    if (kci_loop_new(sim_world_sys(r->world), &r->mock_loop) != KC_OK)
        die("loop", &why);
    sim_actor_add(r->world, r->mock_loop, "cluster");
    sim_actor_spare(r->world, r->mock_loop);
    if (kci_mock_new_on(r->mock_loop, &options, &r->mock, &why) != KC_OK)
        die("cluster", &why);
    if (sim_tracing(r->world))
        kc_mock_set_request_log(r->mock, request_line, r->world);
    if (sim_topic_create(r) != KC_OK)
        die("topic", &why);
    sim_memory_leave(before);
    make_old(r);
    sim_addresses_open(r);
}

static void set(kc_config *config, const char *name, const char *value)
{
    kc_error why = { 0 };
    if (kc_config_set(config, name, value, &why) != KC_OK)
        die(name, &why);
}

static void set_int(kc_config *config, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    set(config, name, text);
}

static kc_config *make_config(const sim_plan *plan)
{
    kc_config *config = kc_config_new();
    if (!config)
        abort();
    char servers[256] = "";
    for (int b = 0; b < plan->brokers && b < 3; b++) {
        size_t n = strlen(servers);
        snprintf(servers + n, sizeof servers - n, "%s%s:%d", n ? "," : "",
                 plan->same_address ? "127.0.0.1" : "kafka.test", SIM_BASE_PORT + b);
    }
    set(config, "bootstrap.servers", servers);
    set(config, "client.rack", plan->seed % 2 ? "a" : "c");
    set_int(config, "batch.size", plan->batch_size);
    set_int(config, "linger.ms", plan->linger_ms);
    set_int(config, "buffer.memory", plan->buffer_memory);
    set_int(config, "fetch.buffer.bytes", plan->fetch_buffer);
    set_int(config, "delivery.timeout.ms", plan->delivery_timeout_ms);
    set_int(config, "request.timeout.ms", plan->request_timeout_ms);
    set_int(config, "max.poll.records", plan->max_poll_records);
    set_int(config, "max.block.ms", plan->max_block_ms);
    set(config, "compression.type", sim_plan_codec(plan));
    set(config, "auto.offset.reset", plan->no_reset ? "none" : "earliest");
    if (plan->read_committed)
        set(config, "isolation.level", "read_committed");
    if (plan->sasl) {
        set(config, "security.protocol", "SASL_PLAINTEXT");
        set(config, "sasl.mechanism", "PLAIN");
        set(config, "sasl.username", "alice");
        set(config, "sasl.password", "secret");
    }
    for (int i = 0; i < plan->setting_count; i++)
        set_int(config, plan->settings[i].name, plan->settings[i].value);
    if (plan->partitioner)
        set(config, "partitioner.class", plan->partitioner);
    if (plan->decompressed_max)
        set_int(config, "fetch.decompressed.max.bytes", plan->decompressed_max);
    static const char *const acks[] = { "all", "all", "1", "0" };
    set(config, "acks", acks[plan->acks]);
    if (plan->acks != ACKS_IDEMPOTENT)
        set(config, "enable.idempotence", "false");
    return config;
}

/* What could not be made for want of memory is made again when there is some. */
static void memory_is_back(sim_run *r, kc_err err, const char *what, const kc_error *why)
{
    if (err != KC_E_NO_MEMORY || !kci_mem_has_failed() || r->alloc_failed)
        die(what, why);
    r->alloc_failed = true;
    kci_mem_fail_after(0, false);
}

void sim_producer_open(sim_run *r, int p)
{
    kc_error why = { 0 };
    kc_err err;
    kc_producer_options options;
    sim_producer_options(r, &options);
    while ((err = kc_producer_new(r->client, &options, &r->producers[p], &why)) != KC_OK)
        memory_is_back(r, err, "producer", &why);
}

void sim_consumer_open(sim_run *r, int c)
{
    kc_error why = { 0 };
    kc_err err;
    while ((err = kc_consumer_new(r->client, NULL, &r->consumers[c], &why)) != KC_OK)
        memory_is_back(r, err, "consumer", &why);
}

void sim_admin_open(sim_run *r)
{
    kc_error why = { 0 };
    kc_err err;
    while ((err = kc_admin_new(r->client, &r->admin, &why)) != KC_OK)
        memory_is_back(r, err, "admin", &why);
}

static void open_client(sim_run *r)
{
    kc_error why = { 0 };
    kc_config *config = make_config(r->plan);
    kc_err err;
    if (r->plan->fail_alloc_at)
        kci_mem_fail_after(r->plan->fail_alloc_at, r->plan->fail_alloc_us > 0);
    while ((err = kci_client_new_on(sim_world_sys(r->world), config, &r->client, &why)) != KC_OK)
        memory_is_back(r, err, "client", &why);
    kc_config_free(config);
    sim_actor_add(r->world, kci_client_loop(r->client), "client");
    kc_client_set_log(r->client, log_line, r->world,
                      sim_tracing(r->world) ? KC_LOG_DEBUG : KC_LOG_ERROR);
    for (int p = 0; p < r->plan->producers; p++) {
        sim_producer_open(r, p);
        r->unsent[p] = r->plan->records;
    }
    for (int c = 0; c < r->plan->consumers; c++)
        sim_consumer_open(r, c);
    if (r->plan->admin_percent)
        sim_admin_open(r);
}

/* --- the logs */

static void read_batch(sim_run *r, int partition, const uint8_t *data, size_t size,
                       kci_decompressor *d)
{
    kci_batch batch;
    if (kci_batch_parse(data, size, &batch) != KC_OK || kci_batch_check_crc(&batch) != KC_OK) {
        history_violation(r->history, H_PHANTOM, "partition %d holds a damaged batch", partition);
        return;
    }
    kci_records_iter it;
    kci_block *block = NULL;
    if (kci_batch_is_control(&batch) ||
        kci_records_open(&it, &batch, 0, d, &kci_block_heap, 1 << 26, &block) != KC_OK)
        return;
    kc_record rows[64];
    for (int32_t n; (n = kci_records_decode(&it, rows, 64)) > 0;)
        for (int32_t i = 0; i < n; i++)
            history_logged(r->history, partition, rows[i].offset, sim_record_id(r, &rows[i]));
    kci_block_unref(block);
}

void sim_logs_read(sim_run *r)
{
    static uint8_t buf[1 << 20];
    kci_decompressor *d = NULL;
    if (kci_decompressor_new(&d) != KC_OK)
        abort();
    for (int p = 0; p < r->plan->partitions; p++) {
        history_log_begin(r->history, p, kc_mock_log_start_offset(r->mock, SIM_TOPIC, p));
        int64_t n = kc_mock_batch_count(r->mock, SIM_TOPIC, p);
        for (int64_t i = 0; i < n; i++) {
            int64_t size = kc_mock_read_batch(r->mock, SIM_TOPIC, p, i, buf, sizeof buf);
            if (size > 0 && size <= (int64_t)sizeof buf)
                read_batch(r, p, buf, (size_t)size, d);
        }
    }
    kci_decompressor_free(d);
}

/* --- one run */

static void check_storm(sim_run *r)
{
    int64_t seconds = (sim_now(r->world) - r->start) / 1000000 + 1;
    int64_t requests = kc_mock_requests(r->mock, -1, -1);
    if (requests >
        seconds * REQUESTS_PER_S * r->plan->brokers + 4 * (int64_t)history_count(r->history).sent)
        history_violation(r->history, H_REQUEST_STORM, "%lld requests in %lld s",
                          (long long)requests, (long long)seconds);
    if (sim_connects(r->world) > seconds * CONNECTS_PER_S * r->plan->brokers + 50)
        history_violation(r->history, H_REQUEST_STORM, "%lld connects in %lld s",
                          (long long)sim_connects(r->world), (long long)seconds);
}

static void check_requests(sim_run *r)
{
    int64_t malformed = kc_mock_malformed(r->mock, -1);
    if (malformed)
        history_violation(r->history, H_BAD_REQUEST,
                          "brokers were sent %lld requests or batches that are malformed",
                          (long long)malformed);
}

/* What permanent errors may cost. Each record may need a request of its own. */
static void check_rate(sim_run *r)
{
    int64_t seconds = (sim_now(r->world) - r->start) / 1000000 + 1;
    for (int b = 1; b <= r->plan->brokers; b++) {
        int64_t requests = kc_mock_requests(r->mock, b, -1);
        if (requests > seconds * r->plan->requests_per_s + r->plan->records)
            history_violation(r->history, H_REQUEST_STORM, "broker %d: %lld requests in %lld s", b,
                              (long long)requests, (long long)seconds);
    }
}

static void close_all(sim_run *r)
{
    sim_app_close(r);
    /* names that are still being looked up hold the client */
    sim_run_until(r->world, sim_now(r->world) + LOOKUP_US, NULL);
    if (sim_open_sockets(r->world))
        history_violation(r->history, H_LEAK, "%d sockets are open after the end",
                          sim_open_sockets(r->world));
}

static void final_check(sim_run *r)
{
    const sim_plan *plan = r->plan;
    history_totals totals = history_count(r->history);
    if (plan->all_delivered && totals.failed + totals.refused > 0)
        history_violation(r->history, H_UNEXPECTED_ERROR, "%llu records failed, %llu were refused",
                          (unsigned long long)totals.failed, (unsigned long long)totals.refused);
    sim_logs_read(r);
    history_check(r->history,
                  &(history_rules){ .ordered = plan->acks == ACKS_IDEMPOTENT,
                                    .exactly_once = plan->acks == ACKS_IDEMPOTENT,
                                    .at_least_once = plan->acks == ACKS_ALL,
                                    .all_seen = !plan->close_in_middle && !plan->errors_expected });
}

static sim_result result_of(sim_run *r)
{
    sim_result result = { .violations = history_problem_count(r->history),
                          .digest = sim_digest(r->world),
                          .totals = history_count(r->history),
                          .virtual_us = sim_now(r->world) - r->start,
                          .alloc_failed = r->alloc_failed,
                          .memory_most = r->memory_most,
                          .memory_most_percent = r->memory_most_percent };
    const char *text = history_problem(r->history, 0, &result.first);
    if (text)
        snprintf(result.text, sizeof result.text, "%s: %s", history_class_name(result.first), text);
    if (sim_tracing(r->world)) {
        history_class c;
        for (int i = 0; (text = history_problem(r->history, i, &c)); i++)
            sim_trace(r->world, "VIOLATION %s: %s", history_class_name(c), text);
    }
    return result;
}

sim_result sim_run_plan(const sim_plan *plan, bool trace)
{
    int64_t live = kci_mem_live();
    sim_memory_peak(SIM_MEMORY_CLIENT); /* that of an earlier run is forgotten */
    sim_run run = { .plan = plan, .world = sim_world_new(plan->seed), .history = history_new() };
    sim_run *r = &run;
#ifdef KCI_PLANTED_BUGS
    kci_planted_times = 0;
#endif
    if (trace)
        sim_trace_on(r->world);
    r->rng = (sim_rng){ plan->seed ^ 0x5eed5eed5eedu };
    r->lie_rng = (sim_rng){ plan->seed ^ 0x11e5u };
    if (plan->read_committed)
        history_read_committed(r->history);
    if (plan->no_reset)
        history_no_reset(r->history);
    r->start = sim_now(r->world);
    sim_dns_set(r->world, "kafka.test", "127.0.0.1");
    if (plan->window)
        sim_set_window(r->world, plan->window);
    sim_tap_open(r);
    open_cluster(r);
    open_client(r);
    sim_faults_schedule(r);
    sim_app_work(r);
    if (plan->requests_per_s)
        check_rate(r);
    if (plan->keeps_up)
        sim_app_keep_up(r);
    if (!plan->close_in_middle) {
        sim_faults_heal(r);
        sim_app_finish(r);
    }
    check_storm(r);
    close_all(r);
    r->alloc_failed |= kci_mem_has_failed();
    kci_mem_fail_after(0, false);
    check_requests(r);
    final_check(r);
    kc_mock_close(r->mock);
    kc_mock_free(r->mock);
    sim_actor_remove(r->world, r->mock_loop);
    kci_loop_free(r->mock_loop);
    sim_lies_free(r);
    sim_tap_close(r);
    if (kci_mem_live() != live)
        history_violation(r->history, H_LEAK, "%lld allocations are not freed",
                          (long long)(kci_mem_live() - live));
    sim_result result = result_of(r);
    history_free(r->history);
    sim_world_free(r->world);
    return result;
}
