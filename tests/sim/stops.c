/* SPDX-License-Identifier: Apache-2.0 */
/* Errors that stop a partition. The application waits a little and seeks: to the same place, where
 * only an answer was damaged, and beyond it, where the log holds what cannot be read. */
#include "base/bytes.h"
#include "sim/run.h"

enum { PAUSE_US = 300000 };

static bool stops(kc_err err)
{
    return err == KC_E_CORRUPT_MESSAGE || err == KC_E_DECOMPRESS ||
           err == KC_E_DECOMPRESSED_TOO_LARGE || err == KC_E_PROTOCOL;
}

bool sim_stopped(sim_run *r, int c, const kc_records *records)
{
    int p = kc_records_partition(records);
    int64_t offset = kc_records_offset(records), next = kc_records_next_offset(records);
    const sim_poison *poison = sim_poison_at(r, p, offset);
    if (!stops(kc_records_error(records, NULL)) || p < 0 || p >= r->plan->partitions)
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
