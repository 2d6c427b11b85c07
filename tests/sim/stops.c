/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that stop a partition. The application waits a little and seeks: to the same place, where
 * only an answer was damaged, and beyond it, where the log holds what cannot be read. */
#include "base/bytes.h"
#include "sim/run.h"

enum { PAUSE_US = 300000 };

/* As the library tells; that a partition without this goes on by itself is what the end of a run
 * needs. */
static bool stops(const kc_records *records)
{
    kc_error why;
    return kc_records_error(records, &why) != KC_OK && !(why.flags & KC_ERROR_GOES_ON);
}

/* The log was cut, or the position lies outside of it, and the library is not to decide what then
 * (auto.offset.reset=none): the application goes back to where the logs part. */
static bool is_cut(sim_run *r, int c, const kc_records *records)
{
    int p = kc_records_partition(records);
    int64_t next = kc_records_next_offset(records);
    kc_err err = kc_records_error(records, NULL);
    int64_t owed = history_cut_owed(r->history, c, p);
    if (!r->plan->no_reset || (err != KC_E_LOG_TRUNCATED && err != KC_E_NO_OFFSET))
        return false;
    if (err == KC_E_LOG_TRUNCATED && !r->vague[c][p]) /* else the epoch is one that was asked for */
        history_cut_told(r->history, c, p, next);
    else if (err == KC_E_NO_OFFSET && owed < 0)
        history_violation(r->history, H_FALSE_CUT, "consumer %d partition %d: outside of the log",
                          c, p);
    int64_t to = err == KC_E_LOG_TRUNCATED ? next : owed < 0 ? 0 : owed;
    sim_trace(r->world, "app: consumer %d partition %d: %s, goes back to %lld", c, p,
              kc_error_name(err), (long long)to);
    history_positioned_by_epoch(r->history, c, p, to); /* it may have been cut again meanwhile */
    kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, kc_position_offset(to), NULL);
    return true;
}

bool sim_stopped(sim_run *r, int c, const kc_records *records)
{
    int p = kc_records_partition(records);
    int64_t offset = kc_records_offset(records), next = kc_records_next_offset(records);
    const sim_poison *poison = sim_poison_at(r, p, offset);
    if (is_cut(r, c, records))
        return true;
    if (!stops(records) || p < 0 || p >= r->plan->partitions)
        return false;
    if (!poison && r->damaged == 0)
        return false;
    sim_stop *s = &r->stops[c][p];
    if (s->stopped)
        history_violation(r->history, H_UNEXPECTED_ERROR,
                          "consumer %d partition %d: an error at %lld after one that stopped it", c,
                          p, (long long)offset);
    if (poison && r->damaged == 0 && next != poison->last + 1)
        history_violation(r->history, H_POLL_SKIP,
                          "consumer %d partition %d: the batch %lld to %lld cannot be read, and "
                          "reading is to go on at %lld",
                          c, p, (long long)poison->first, (long long)poison->last, (long long)next);
    if (s->offset != offset)
        s->tries = 0;
    s->stopped = true;
    s->at = sim_now(r->world);
    s->offset = offset;
    s->next = next;
    return true;
}

static void resume(sim_run *r, int c, int p)
{
    sim_stop *s = &r->stops[c][p];
    const sim_poison *poison = sim_poison_at(r, p, s->offset);
    int64_t to = s->offset;
    if (poison && s->tries++ > 0)
        to = r->damaged ? poison->last + 1 : s->next;
    sim_trace(r->world, "app: consumer %d goes on in partition %d at %lld", c, p, (long long)to);
    history_positioned(r->history, c, p, to, true);
    s->stopped = false;
    kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, kc_position_offset(to), NULL);
}

void sim_stops_resume(sim_run *r, int c)
{
    for (int p = 0; p < r->plan->partitions; p++)
        if (r->stops[c][p].stopped && sim_now(r->world) >= r->stops[c][p].at + PAUSE_US)
            resume(r, c, p);
}

void sim_stops_sought(sim_run *r, int c, int partition)
{
    r->stops[c][partition].stopped = false;
}

void sim_stops_got(sim_run *r, int c, int partition)
{
    if (partition >= 0 && partition < r->plan->partitions && r->stops[c][partition].stopped)
        history_violation(r->history, H_UNEXPECTED_ERROR,
                          "consumer %d partition %d: records of a partition that is stopped", c,
                          partition);
}
