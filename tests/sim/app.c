/* SPDX-License-Identifier: Apache-2.0 */
/* The application of a run, phase by phase: it works while faults happen, finishes when they are
 * over, and closes. What it was told goes to the history; every call is timed against its deadline
 * on the virtual clock. */
#include "sim/app.h"
#include "core/client.h"

/* How much longer than its deadline a call may take, in virtual time. */
#define SLACK_US 20000
/* How long consumers may need to reach the end while faults go on. */
#define KEEP_UP_US 60000000
/* How long a producer may need to get through again: a connect to an address that is no more may
 * take socket.connection.setup.timeout.max.ms. */
#define RECOVERY_US 40000000

void sim_check_call(sim_run *r, const char *what, int64_t begun, int64_t timeout_ms)
{
    int64_t took = sim_now(r->world) - begun;
    if (took > timeout_ms * 1000 + SLACK_US)
        history_violation(r->history, H_LATE_CALL, "%s took %lld ms, allowed were %lld", what,
                          (long long)took / 1000, (long long)timeout_ms);
}

bool sim_explained(kc_err err)
{
    return err == KC_E_NO_MEMORY || err == KC_E_UNKNOWN_TOPIC_OR_PARTITION ||
           err == KC_E_LEADER_NOT_AVAILABLE || err == KC_E_UNKNOWN_PARTITION;
}

void sim_wait_for_memory(sim_run *r)
{
    sim_bounds_check(r);
    sim_run_until(r->world, sim_now(r->world) + 10000, NULL);
}

/* --- while faults happen */

static bool work_left(const sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        if (r->unsent[p] > 0)
            return true;
    return false;
}

static bool is_behind(const sim_run *r)
{
    const sim_plan *plan = r->plan;
    int64_t total = (int64_t)plan->records * plan->producers, unsent = 0;
    int64_t passed = sim_now(r->world) - r->start;
    for (int p = 0; p < plan->producers; p++)
        unsent += r->unsent[p];
    return passed >= plan->work_us || total - unsent <= total * passed / plan->work_us;
}

static void wake_in_turn(sim_run *r)
{
    if (!sim_rng_chance(&r->rng, r->plan->wake_percent))
        return;
    if (sim_rng_chance(&r->rng, 50))
        kc_producer_wakeup(r->producers[sim_any_producer(r)]);
    else
        kc_consumer_wakeup(r->consumers[sim_any_consumer(r)]);
}

void sim_app_work(sim_run *r)
{
    const sim_plan *plan = r->plan;
    for (int c = 0; c < plan->consumers; c++)
        sim_assign_all(r, c);
    int64_t end = r->start + plan->work_us;
    while (sim_now(r->world) < end || (work_left(r) && !plan->errors_expected)) {
        if (plan->close_in_middle && sim_now(r->world) - r->start > plan->work_us / 2)
            return;
        if (is_behind(r))
            sim_produce_some(r);
        sim_flush_in_turn(r);
        sim_purge_in_turn(r);
        sim_hear_producers(r);
        sim_poll_in_turn(r);
        sim_ask_in_turn(r);
        sim_admin_in_turn(r);
        sim_leave_in_turn(r);
        wake_in_turn(r);
        sim_bounds_check(r);
        sim_run_until(r->world, sim_now(r->world) + sim_rng_range(&r->rng, 100, 50000), NULL);
    }
}

void sim_app_keep_up(sim_run *r)
{
    int64_t limit = sim_now(r->world) + KEEP_UP_US;
    for (int c = 0; c < r->plan->consumers; c++) {
        while (r->consumers[c] && !sim_at_end(r, c) && sim_now(r->world) < limit) {
            sim_consume_some(r, c, 100);
            sim_hear_producers(r);
            sim_bounds_check(r);
        }
        if (r->consumers[c] && !sim_at_end(r, c))
            history_violation(r->history, H_UNSEEN, "consumer %d does not keep up", c);
    }
}

/* --- when faults are over */

/* Each producer can write to each partition again, sooner or later. */
static void prove_recovery(sim_run *r, int p, int partition)
{
    uint64_t id = 0;
    int64_t limit = sim_now(r->world) + RECOVERY_US;
    while (sim_now(r->world) < limit) {
        sim_send_to(r, p, partition, &id);
        sim_flush_one(r, p);
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
        for (int partition = 0; r->producers[p] && partition < r->plan->partitions; partition++)
            prove_recovery(r, p, partition);
}

static void read_to_end(sim_run *r, int c)
{
    int64_t limit = sim_now(r->world) + (r->plan->errors_expected ? 3000000 : 120000000);
    sim_read_on(r, c);
    while (!sim_at_end(r, c) && sim_now(r->world) < limit) {
        sim_stops_resume(r, c);
        if (!sim_consume_some(r, c, 100))
            sim_run_until(r->world, sim_now(r->world) + 1000, NULL);
        sim_hear_producers(r);
        sim_bounds_check(r);
    }
}

void sim_app_finish(sim_run *r)
{
    if (r->plan->silent)
        sim_settle_after_faults(r);
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p])
            sim_flush_one(r, p);
    prove_recoveries(r);
    if (r->plan->last_words)
        sim_last_words(r);
    if (r->plan->intercepts && r->intercepted != r->reported)
        history_violation(r->history, H_UNREPORTED,
                          "interceptors were told of %lld outcomes, the application of %lld",
                          (long long)r->intercepted, (long long)r->reported);
    for (int p = 0; p < r->plan->partitions; p++)
        history_readable(r->history, p, kc_mock_high_watermark(r->mock, SIM_TOPIC, p));
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c])
            read_to_end(r, c);
}

/* --- the end */

void sim_close_producer(sim_run *r, int p)
{
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 2000);
    int64_t begun = sim_now(r->world);
    kc_producer_close(r->producers[p], timeout, NULL);
    sim_check_call(r, "producer close", begun, timeout);
    if (r->plan->takes) /* otherwise close has called back */
        sim_hear_producers(r);
    kc_producer_free(r->producers[p]);
    r->producers[p] = NULL;
}

void sim_close_consumer(sim_run *r, int c)
{
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 1000);
    int64_t begun = sim_now(r->world);
    kc_consumer_close(r->consumers[c], timeout, NULL);
    sim_check_call(r, "consumer close", begun, timeout);
    kc_consumer_free(r->consumers[c]);
    r->consumers[c] = NULL;
}

static void close_client(sim_run *r)
{
    int32_t timeout = (int32_t)sim_rng_range(&r->rng, 0, 1000);
    int64_t begun = sim_now(r->world);
    kc_client_close(r->client, timeout, NULL);
    sim_check_call(r, "client close", begun, timeout);
}

/* Whoever is closed first, every record has an outcome, and nothing is left. */
void sim_app_close(sim_run *r)
{
    r->closing = true;
    if (r->plan->client_first)
        close_client(r);
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p])
            sim_close_producer(r, p);
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c])
            sim_close_consumer(r, c);
    kc_admin_free(r->admin);
    if (!r->plan->client_first)
        close_client(r);
    sim_counts_check(r);
    sim_actor_remove(r->world, kci_client_loop(r->client));
    kc_client_free(r->client);
    r->client = NULL;
}
