/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of the application about offsets, positions and partitions, amid the work. Answers must
 * come in time, and nothing may be told that is not so. */
#include "sim/app.h"

static void check_answer(sim_run *r, const char *what, int p, int64_t offset, int64_t least)
{
    int64_t end = kc_mock_log_end_offset(r->mock, SIM_TOPIC, p);
    bool logs_shrink = r->plan->errors_expected || sim_plan_has(r->plan, F_LIE) ||
                       sim_plan_has(r->plan, F_TRUNCATE);
    if (logs_shrink || (offset >= least && offset <= end))
        return;
    history_violation(r->history, H_INCONSISTENT_OFFSET,
                      "%s of partition %d is said to be %lld; the log ends at %lld", what, p,
                      (long long)offset, (long long)end);
}

static void check_error(sim_run *r, const char *what, kc_err err, const kc_error *why)
{
    if (err == KC_OK || err == KC_E_TIMED_OUT || sim_explained(err) || r->plan->errors_expected ||
        (err == KC_E_INTERRUPTED && r->plan->wake_percent))
        return;
    history_violation(r->history, H_UNEXPECTED_ERROR, "%s: %s: %s", what, kc_error_name(err),
                      why->text);
}

static void ask_offsets(sim_run *r, int c, int p, int32_t timeout_ms)
{
    kc_partition_offsets out = KC_PARTITION_OFFSETS_INIT;
    kc_error why = { 0 };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_consumer_offsets(r->consumers[c], kc_str(SIM_TOPIC), p, timeout_ms, &out, &why);
    sim_check_call(r, "offsets", begun, timeout_ms);
    sim_trace(r->world, "app: offsets of %d: %s %lld to %lld", p, kc_error_name(err),
              (long long)out.beginning, (long long)out.end);
    if (timeout_ms > 0 || err != KC_E_STATE)
        check_error(r, "offsets", err, &why);
    if (err != KC_OK)
        return;
    int64_t least = timeout_ms > 0 ? 0 : -1; /* -1: the last fetch did not tell */
    check_answer(r, "the beginning", p, out.beginning, least);
    check_answer(r, "the end", p, out.end, least);
    check_answer(r, "the last stable offset", p, out.last_stable, -1);
}

static void ask_times(sim_run *r, int c, int32_t timeout_ms)
{
    kc_offset_for_time list[SIM_MAX_PARTITIONS];
    kc_error why = { 0 };
    int n = (int)sim_rng_range(&r->rng, 1, r->plan->partitions);
    for (int p = 0; p < n; p++)
        list[p] = (kc_offset_for_time){ .topic = kc_str(SIM_TOPIC),
                                        .partition = p,
                                        .timestamp = sim_rng_range(&r->rng, 0, 2) * 1700000000000 };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_consumer_offsets_for_times(r->consumers[c], list, (size_t)n, timeout_ms, &why);
    sim_check_call(r, "offsets_for_times", begun, timeout_ms);
    sim_trace(r->world, "app: offsets for times of %d partitions: %s", n, kc_error_name(err));
    check_error(r, "offsets_for_times", err, &why);
    for (int p = 0; p < n; p++)
        if (list[p].err == KC_OK && err != KC_E_NO_MEMORY)
            check_answer(r, "the offset for a time", p, list[p].offset, -1);
}

static void ask_position(sim_run *r, int c, int p, int32_t timeout_ms)
{
    int64_t lag = -1;
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    kc_error why = { 0 };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_consumer_position(r->consumers[c], kc_str(SIM_TOPIC), p, timeout_ms, &at, &why);
    sim_check_call(r, "position", begun, timeout_ms);
    if (!r->removed[c][p])
        check_error(r, "position", err, &why);
    if (err == KC_OK && at.offset >= 0)
        check_answer(r, "the position", p, at.offset, 0);
    if (kc_consumer_lag(r->consumers[c], kc_str(SIM_TOPIC), p, &lag) == KC_OK && lag >= 0)
        check_answer(r, "the lag", p, lag, 0);
    kc_consumer_at_end(r->consumers[c], kc_str(SIM_TOPIC), p);
}

static void ask_assignment(sim_run *r, int c)
{
    kc_partitions *list;
    size_t expected = 0;
    if (kc_consumer_assignment(r->consumers[c], &list, NULL) != KC_OK)
        return;
    size_t count = kc_partitions_count(list);
    kc_partitions_free(list);
    for (int p = 0; p < r->plan->partitions; p++)
        expected += !r->removed[c][p];
    if (count != expected)
        history_violation(r->history, H_UNEXPECTED_ERROR, "%zu partitions are assigned, not %zu",
                          count, expected);
}

static void ask_count(sim_run *r)
{
    int p = sim_any_producer(r);
    int32_t count = -1;
    kc_error why = { 0 };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_producer_partition_count(r->producers[p], kc_str(SIM_TOPIC), &count, &why);
    sim_check_call(r, "partition_count", begun, r->plan->max_block_ms);
    check_error(r, "partition_count", err, &why);
    if (err == KC_OK && count != r->plan->partitions && !sim_plan_has(r->plan, F_LIE) &&
        !r->plan->errors_expected)
        history_violation(r->history, H_UNEXPECTED_ERROR, "there are said to be %d partitions",
                          count);
}

void sim_ask_in_turn(sim_run *r)
{
    if (!sim_rng_chance(&r->rng, r->plan->ask_percent))
        return;
    int c = sim_any_consumer(r);
    int p = sim_any_partition(r);
    int32_t timeout_ms = sim_rng_chance(&r->rng, 30) ? 0 : (int32_t)sim_rng_range(&r->rng, 1, 800);
    switch (sim_rng_range(&r->rng, 0, 4)) {
    case 0:
        ask_offsets(r, c, p, timeout_ms);
        break;
    case 1:
        ask_times(r, c, timeout_ms);
        break;
    case 2:
        ask_position(r, c, p, timeout_ms);
        break;
    case 3:
        ask_assignment(r, c);
        break;
    default:
        ask_count(r);
    }
}
