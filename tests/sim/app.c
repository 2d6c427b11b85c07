/* SPDX-License-Identifier: Apache-2.0 */
/* The application of a run: sends numbered records, polls, seeks, pauses, flushes and closes, and
 * notes in the history what it was told. Every call is timed against its deadline on the virtual
 * clock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/client.h"
#include "sim/run.h"

/* How much longer than its deadline a call may take, in virtual time. */
#define SLACK_US 20000
/* How long consumers may need to reach the end while faults go on. */
#define KEEP_UP_US 60000000

static void check_call(sim_run *r, const char *what, int64_t begun, int64_t timeout_ms)
{
    int64_t took = sim_now(r->world) - begun;
    if (took > timeout_ms * 1000 + SLACK_US)
        history_violation(r->history, H_LATE_CALL, "%s took %lld ms, allowed were %lld", what,
                          (long long)took / 1000, (long long)timeout_ms);
}

/* --- values: the id, then bytes that follow from it */

kc_bytes sim_value_make(sim_run *r, uint64_t id, int least, int most, uint8_t out[SIM_VALUE_MAX])
{
    size_t more = (size_t)sim_rng_range(&r->rng, least, most);
    if (more > SIM_VALUE_MAX - 8)
        more = SIM_VALUE_MAX - 8;
    kci_store64(out, id);
    for (size_t i = 0; i < more; i++)
        out[8 + i] = (uint8_t)(id * 31 + i % 7);
    return kc_mem(out, 8 + more);
}

uint64_t sim_value_id(kc_bytes value)
{
    if (value.size < 8)
        return 0;
    uint64_t id = kci_load64(value.data);
    for (size_t i = 0; i < value.size - 8; i++)
        if (value.data[8 + i] != (uint8_t)(id * 31 + i % 7))
            return 0;
    return id;
}

/* --- producing */

static bool send_one(sim_run *r, int p);

void sim_on_delivery(void *user, const kc_delivery *d)
{
    sim_run *r = user;
    int64_t now = sim_now(r->world);
    for (int32_t i = 0; i < d->count; i++) {
        uint64_t id = d->opaques ? (uint64_t)(uintptr_t)d->opaques[i] : 0;
        if (d->err == KC_OK)
            history_acked(r->history, id, d->partition, kc_delivery_offset(d, i), now);
        else
            history_failed(r->history, id, d->partition,
                           (d->flags & KC_DELIVERY_POSSIBLY_PERSISTED) != 0, now);
    }
    sim_trace(r->world, "app: %d records of partition %d: %s at %lld%s", d->count, d->partition,
              kc_error_name(d->err), (long long)d->base_offset,
              d->flags & KC_DELIVERY_POSSIBLY_PERSISTED ? " (possibly persisted)" : "");
    int p = (int)sim_rng_range(&r->rng, 0, r->plan->producers - 1);
    if (r->plan->callback_percent && r->unsent[p] > 0 &&
        sim_rng_chance(&r->rng, r->plan->callback_percent)) {
        r->unsent[p]--;
        send_one(r, p);
    }
}

/* Errors that brokers in trouble explain. */
static bool explained(kc_err err)
{
    return err == KC_E_NO_MEMORY || err == KC_E_UNKNOWN_TOPIC_OR_PARTITION ||
           err == KC_E_LEADER_NOT_AVAILABLE || err == KC_E_UNKNOWN_PARTITION;
}

/* false: refused, there is no use in sending more now */
static bool send_to(sim_run *r, int p, int partition, uint64_t *sent)
{
    int64_t now = sim_now(r->world);
    /* the report may wait for the application's next turn */
    int64_t allowed_ms = (int64_t)r->plan->delivery_timeout_ms + 2 * r->plan->max_block_ms + 4000;
    uint64_t id = history_send(r->history, p, partition, now, now + allowed_ms * 1000);
    *sent = id;
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(SIM_TOPIC);
    record.partition = partition;
    record.value = sim_value_make(r, id, 0, r->plan->value_bytes, r->value);
    record.opaque = (void *)(uintptr_t)id;
    kc_error why = { 0 };
    kc_err err = kc_producer_send(r->producers[p], &record, &why);
    check_call(r, "send", now, r->plan->max_block_ms);
    if (err == KC_OK)
        return true;
    history_refused(r->history, id);
    sim_trace(r->world, "app: send %llu refused: %s", (unsigned long long)id, why.text);
    if (!r->plan->errors_expected && !explained(err) && err != KC_E_QUEUE_FULL &&
        err != KC_E_TIMED_OUT && err != KC_E_INTERRUPTED)
        history_violation(r->history, H_UNEXPECTED_ERROR, "send: %s: %s", kc_error_name(err),
                          why.text);
    return false;
}

static bool send_one(sim_run *r, int p)
{
    uint64_t id;
    return send_to(r, p, (int)sim_rng_range(&r->rng, 0, r->plan->partitions - 1), &id);
}

/* When it says that all have an outcome, they have been reported. */
static kc_err flush_once(sim_run *r, int p, int32_t timeout_ms, kc_error *why)
{
    int64_t begun = sim_now(r->world);
    kc_err err = kc_producer_flush(r->producers[p], timeout_ms, why);
    check_call(r, "flush", begun, timeout_ms);
    int pending = r->plan->callback_percent ? 0 : history_pending(r->history, p);
    if ((err == KC_OK || err == KC_E_NOT_DELIVERED) && pending > 0)
        history_violation(r->history, H_UNREPORTED, "flush of producer %d ended with %d to come", p,
                          pending);
    return err;
}

/* Up to a record that was refused or had to wait: outcomes are not left unheard for many waits. */
static void produce_some(sim_run *r)
{
    int p = (int)sim_rng_range(&r->rng, 0, r->plan->producers - 1);
    int burst = (int)sim_rng_range(&r->rng, 1, 20);
    int64_t begun = sim_now(r->world);
    for (; burst > 0 && r->unsent[p] > 0 && sim_now(r->world) == begun; burst--) {
        if (!send_one(r, p))
            return;
        r->unsent[p]--;
    }
}

/* Now and then, with little patience. */
static void flush_in_turn(sim_run *r)
{
    if (r->plan->flush_percent == 0 || !sim_rng_chance(&r->rng, r->plan->flush_percent))
        return;
    int p = (int)sim_rng_range(&r->rng, 0, r->plan->producers - 1);
    int32_t timeout_ms = (int32_t)sim_rng_range(&r->rng, 0, 300);
    flush_once(r, p, timeout_ms, NULL);
}

static void poll_producers(sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p])
            kc_producer_poll(r->producers[p], 0, NULL);
}

/* --- consuming */

static kc_topic_partition_position position_of(int partition, kc_position at)
{
    return (kc_topic_partition_position){ kc_str(SIM_TOPIC), partition, at };
}

/* An allocation failed: the application does something else for a while. */
static void wait_for_memory(sim_run *r)
{
    sim_bounds_check(r);
    sim_run_until(r->world, sim_now(r->world) + 10000, NULL);
}

static void assign_all(sim_run *r, int c)
{
    kc_topic_partition_position list[64];
    int n = r->plan->partitions;
    for (int p = 0; p < n; p++) {
        list[p] = position_of(p, kc_position_beginning());
        history_positioned(r->history, c, p, 0, true);
    }
    kc_error why = { 0 };
    kc_err err;
    while ((err = kc_consumer_assign(r->consumers[c], list, (size_t)n, &why)) == KC_E_NO_MEMORY)
        wait_for_memory(r);
    if (err != KC_OK)
        history_violation(r->history, H_UNEXPECTED_ERROR, "assign: %s", why.text);
}

static void seek_somewhere(sim_run *r, int c)
{
    int p = (int)sim_rng_range(&r->rng, 0, r->plan->partitions - 1);
    if (sim_rng_chance(&r->rng, 30)) { /* pause or resume instead */
        kc_topic_partition tp = { kc_str(SIM_TOPIC), p };
        r->paused[c] = !r->paused[c];
        if (r->paused[c])
            kc_consumer_pause(r->consumers[c], &tp, 1, NULL);
        else
            for (tp.partition = 0; tp.partition < r->plan->partitions; tp.partition++)
                kc_consumer_resume(r->consumers[c], &tp, 1, NULL);
        return;
    }
    int64_t end = kc_mock_high_watermark(r->mock, SIM_TOPIC, p);
    int64_t to = sim_rng_range(&r->rng, 0, end > 0 ? end : 0);
    sim_trace(r->world, "app: consumer %d seeks partition %d to %lld", c, p, (long long)to);
    kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, kc_position_offset(to), NULL);
    history_positioned(r->history, c, p, to, true);
    sim_stops_sought(r, c, p);
}

static void note_records(sim_run *r, int c, const kc_records *records)
{
    const kc_record *rows = kc_records_data(records);
    size_t n = kc_records_count(records);
    for (size_t i = 0; i < n; i++)
        history_polled(r->history, c, kc_records_partition(records), rows[i].offset,
                       sim_value_id(rows[i].value));
    sim_stops_got(r, c, kc_records_partition(records));
    if (n)
        sim_trace(r->world, "app: consumer %d got %zu records of partition %d from %lld", c, n,
                  kc_records_partition(records), (long long)rows[0].offset);
}

/* true when records came */
static bool consume_some(sim_run *r, int c, int32_t timeout_ms)
{
    int64_t begun = sim_now(r->world);
    kc_records *records = NULL;
    kc_error why = { 0 };
    kc_err err = kc_consumer_poll(r->consumers[c], timeout_ms, &records, &why);
    check_call(r, "poll", begun, timeout_ms);
    if (err != KC_OK) {
        sim_trace(r->world, "app: poll: %s", why.text);
        bool stopped = records && sim_stopped(r, c, records);
        if (!stopped && !explained(err) && !r->plan->errors_expected)
            history_violation(r->history, H_UNEXPECTED_ERROR, "poll: %s: %s", kc_error_name(err),
                              why.text);
    }
    bool some = records && kc_records_count(records) > 0;
    if (some)
        note_records(r, c, records);
    kc_records_free(records);
    return some;
}

static void poll_in_turn(sim_run *r)
{
    int c = (int)sim_rng_range(&r->rng, 0, r->plan->consumers - 1);
    int64_t now = sim_now(r->world);
    sim_stops_resume(r, c);
    if (r->plan->poll_pause_ms < 0 || now < r->next_poll[c])
        return;
    r->next_poll[c] = now + r->plan->poll_pause_ms * 1000LL;
    consume_some(r, c, (int32_t)sim_rng_range(&r->rng, 0, 100));
    if (sim_rng_chance(&r->rng, r->plan->seek_percent))
        seek_somewhere(r, c);
}

/* --- the phases */

static bool work_left(const sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        if (r->unsent[p] > 0)
            return true;
    return false;
}

void sim_app_work(sim_run *r)
{
    const sim_plan *plan = r->plan;
    for (int c = 0; c < plan->consumers; c++)
        assign_all(r, c);
    int64_t total = (int64_t)plan->records * plan->producers, end = r->start + plan->work_us;
    while (sim_now(r->world) < end || (work_left(r) && !plan->errors_expected)) {
        int64_t unsent = 0;
        for (int p = 0; p < plan->producers; p++)
            unsent += r->unsent[p];
        int64_t passed = sim_now(r->world) - r->start;
        if (plan->close_in_middle && passed > plan->work_us / 2)
            return;
        if (passed >= plan->work_us || total - unsent <= total * passed / plan->work_us)
            produce_some(r);
        flush_in_turn(r);
        poll_producers(r);
        poll_in_turn(r);
        sim_bounds_check(r);
        sim_run_until(r->world, sim_now(r->world) + sim_rng_range(&r->rng, 100, 50000), NULL);
    }
}

/* In short steps, so that one producer's reports do not wait for another's flush. */
static void flush_one(sim_run *r, int p)
{
    int32_t step_ms = 500;
    int64_t limit = sim_now(r->world) + ((int64_t)r->plan->delivery_timeout_ms + 3000) * 1000;
    kc_err err = KC_E_TIMED_OUT;
    kc_error why = { 0 };
    while ((err == KC_E_TIMED_OUT || err == KC_E_NO_MEMORY) && sim_now(r->world) < limit) {
        err = flush_once(r, p, step_ms, &why);
        poll_producers(r);
        if (err == KC_E_NO_MEMORY)
            wait_for_memory(r);
    }
    if (err == KC_E_TIMED_OUT || err == KC_E_NO_MEMORY)
        history_violation(r->history, H_LATE_REPORT, "flush: %s", why.text);
}

static void flush_all(sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        flush_one(r, p);
}

/* Faults are over: each producer can write to each partition again, sooner or later. */
static void prove_recovery(sim_run *r, int p, int partition)
{
    uint64_t id = 0;
    for (int tries = 0; tries < 5; tries++) {
        send_to(r, p, partition, &id);
        flush_one(r, p);
        if (history_is_acked(r->history, id))
            return;
        sim_run_until(r->world, sim_now(r->world) + 1000000, NULL);
        sim_bounds_check(r);
    }
    history_violation(r->history, H_UNRECOVERED,
                      "producer %d cannot write to partition %d any more (record %llu)", p,
                      partition, (unsigned long long)id);
}

static void prove_recoveries(sim_run *r)
{
    if (r->plan->errors_expected)
        return;
    for (int p = 0; p < r->plan->producers; p++)
        for (int partition = 0; partition < r->plan->partitions; partition++)
            prove_recovery(r, p, partition);
}

static bool at_end(sim_run *r, int c)
{
    for (int p = 0; p < r->plan->partitions; p++) {
        int64_t position = -1;
        kc_consumer_position(r->consumers[c], kc_str(SIM_TOPIC), p, 0, &position, NULL, NULL);
        if (position < kc_mock_high_watermark(r->mock, SIM_TOPIC, p))
            return false;
    }
    return true;
}

void sim_app_keep_up(sim_run *r)
{
    int64_t limit = sim_now(r->world) + KEEP_UP_US;
    for (int c = 0; c < r->plan->consumers; c++) {
        while (!at_end(r, c) && sim_now(r->world) < limit) {
            consume_some(r, c, 100);
            poll_producers(r);
            sim_bounds_check(r);
        }
        if (!at_end(r, c))
            history_violation(r->history, H_UNSEEN, "consumer %d does not keep up", c);
    }
}

bool sim_app_finish(sim_run *r)
{
    flush_all(r);
    prove_recoveries(r);
    for (int p = 0; p < r->plan->partitions; p++)
        history_readable(r->history, p, kc_mock_high_watermark(r->mock, SIM_TOPIC, p));
    for (int c = 0; c < r->plan->consumers; c++) {
        for (int p = 0; p < r->plan->partitions; p++) {
            kc_topic_partition tp = { kc_str(SIM_TOPIC), p };
            kc_consumer_resume(r->consumers[c], &tp, 1, NULL);
        }
        int64_t limit = sim_now(r->world) + (r->plan->errors_expected ? 3000000 : 120000000);
        while (!at_end(r, c) && sim_now(r->world) < limit) {
            sim_stops_resume(r, c);
            if (!consume_some(r, c, 100))
                sim_run_until(r->world, sim_now(r->world) + 1000, NULL);
            poll_producers(r);
            sim_bounds_check(r);
        }
    }
    return true;
}

static void close_producer(sim_run *r, int p)
{
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 2000);
    int64_t begun = sim_now(r->world);
    kc_producer_close(r->producers[p], timeout, NULL);
    check_call(r, "producer close", begun, timeout);
    kc_producer_free(r->producers[p]);
    r->producers[p] = NULL;
}

static void close_consumer(sim_run *r, int c)
{
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 1000);
    int64_t begun = sim_now(r->world);
    kc_consumer_close(r->consumers[c], timeout, NULL);
    check_call(r, "consumer close", begun, timeout);
    kc_consumer_free(r->consumers[c]);
    r->consumers[c] = NULL;
}

void sim_app_close(sim_run *r)
{
    /* The client's handle may go first: it lives until the last of the others is freed. But not its
     * close, which would end the producers' time. */
    for (int p = 0; p < r->plan->producers; p++)
        close_producer(r, p);
    for (int c = 0; c < r->plan->consumers; c++)
        close_consumer(r, c);
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 1000);
    int64_t begun = sim_now(r->world);
    kc_client_close(r->client, timeout, NULL);
    check_call(r, "client close", begun, timeout);
    sim_actor_remove(r->world, kci_client_loop(r->client));
    kc_client_free(r->client);
    r->client = NULL;
}
