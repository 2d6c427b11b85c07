/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle for what consumers are told of ends: an empty result that is at the end comes only to
 * those who asked for it (enable.partition.eof), at the position, once each time, and only while
 * the broker has told of nothing behind it. */
#include "sim/run.h"

int64_t sim_end_of(sim_run *r, int partition)
{
    return r->plan->read_committed ? kc_mock_last_stable_offset(r->mock, SIM_TOPIC, partition)
                                   : kc_mock_high_watermark(r->mock, SIM_TOPIC, partition);
}

static bool logs_shrink(const sim_run *r)
{
    return sim_plan_has(r->plan, F_RECREATE) || sim_plan_has(r->plan, F_TRUNCATE);
}

static void check_offsets(sim_run *r, int c, const kc_records *records)
{
    int p = kc_records_partition(records);
    int64_t next = kc_records_next_offset(records), high = kc_records_high_watermark(records);
    int64_t end = r->plan->read_committed ? kc_records_last_stable_offset(records) : high;
    if (end < 0 || end > next)
        history_violation(r->history, H_FALSE_END,
                          "consumer %d partition %d: at the end at %lld, and there is said to be "
                          "more up to %lld",
                          c, p, (long long)next, (long long)end);
    int64_t log_end = kc_mock_log_end_offset(r->mock, SIM_TOPIC, p);
    if (next > log_end && !logs_shrink(r))
        history_violation(r->history, H_FALSE_END,
                          "consumer %d partition %d: at the end at %lld, and the log ends at %lld",
                          c, p, (long long)next, (long long)log_end);
}

void sim_end_told(sim_run *r, int c, const kc_records *records)
{
    int p = kc_records_partition(records);
    bool event = kc_records_count(records) == 0;
    if (!kc_records_at_end(records)) {
        if (event)
            history_violation(r->history, H_FALSE_END,
                              "consumer %d partition %d: a result with nothing in it", c, p);
        return;
    }
    check_offsets(r, c, records);
    if (!event)
        return;
    sim_trace(r->world, "app: consumer %d is at the end of partition %d, %lld", c, p,
              (long long)kc_records_offset(records));
    if (!sim_plan_setting(r->plan, "enable.partition.eof", 0))
        history_violation(r->history, H_FALSE_END, "consumer %d was told of an end, unasked", c);
    if (r->removed[c][p])
        history_violation(r->history, H_UNWANTED_POLL,
                          "consumer %d was told of the end of partition %d, which is not assigned",
                          c, p);
    history_ended(r->history, c, p, kc_records_offset(records));
}
