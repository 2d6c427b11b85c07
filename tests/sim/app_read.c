/* SPDX-License-Identifier: Apache-2.0 */
/* The application's consumers: assignments that change, seeks of all kinds, pauses, polls. */
#include "core/client.h"
#include "sim/app.h"

static kc_topic_partition_position position_of(int partition, kc_position at)
{
    return (kc_topic_partition_position){ kc_str(SIM_TOPIC), partition, at };
}

static int64_t any_offset(sim_run *r, int p)
{
    int64_t end = kc_mock_high_watermark(r->mock, SIM_TOPIC, p);
    return sim_rng_range(&r->rng, 0, end > 0 ? end : 0);
}

/* --- assignment */

void sim_assign_all(sim_run *r, int c)
{
    kc_topic_partition_position list[SIM_MAX_PARTITIONS];
    int n = r->plan->partitions;
    for (int p = 0; p < n; p++) {
        list[p] = position_of(p, kc_position_beginning());
        history_positioned(r->history, c, p, 0, true);
        r->hidden[c][p] = false;
    }
    kc_error why = { 0 };
    kc_err err;
    while ((err = kc_consumer_assign(r->consumers[c], list, (size_t)n, &why)) == KC_E_NO_MEMORY)
        sim_wait_for_memory(r);
    if (err != KC_OK)
        history_violation(r->history, H_UNEXPECTED_ERROR, "assign: %s", why.text);
}

static void take_away(sim_run *r, int c, int p)
{
    kc_topic_partition tp = { kc_str(SIM_TOPIC), p };
    kc_error why = { 0 };
    sim_trace(r->world, "app: consumer %d gives partition %d up", c, p);
    kc_err err = kc_consumer_assign_remove(r->consumers[c], &tp, 1, &why);
    if (err == KC_E_NO_MEMORY)
        return;
    if (err != KC_OK)
        history_violation(r->history, H_UNEXPECTED_ERROR, "assign_remove: %s", why.text);
    r->removed[c][p] = r->hidden[c][p] = true;
    sim_stops_sought(r, c, p);
}

static void give_back(sim_run *r, int c, int p)
{
    int64_t at = any_offset(r, p);
    kc_topic_partition_position one = position_of(p, kc_position_offset(at));
    kc_error why = { 0 };
    kc_err err;
    while ((err = kc_consumer_assign_add(r->consumers[c], &one, 1, &why)) == KC_E_NO_MEMORY)
        sim_wait_for_memory(r);
    sim_trace(r->world, "app: consumer %d gets partition %d at %lld", c, p, (long long)at);
    if (err != KC_OK)
        history_violation(r->history, H_UNEXPECTED_ERROR, "assign_add: %s", why.text);
    r->removed[c][p] = r->hidden[c][p] = r->vague[c][p] = false;
    history_positioned(r->history, c, p, at, true);
}

static void change_assignment(sim_run *r, int c)
{
    int p = sim_any_partition(r);
    if (r->removed[c][p])
        give_back(r, c, p);
    else
        take_away(r, c, p);
}

/* --- positions */

/* The next record may be any from there on; before the end it is sought exactly. */
static void seek_vaguely(sim_run *r, int c, int p)
{
    int64_t from = 0;
    kc_position to = kc_position_end();
    if (sim_rng_chance(&r->rng, 30))
        to = kc_position_tail(sim_rng_range(&r->rng, 0, 20));
    else if (sim_rng_chance(&r->rng, 50))
        to = kc_position_timestamp(sim_rng_range(&r->rng, 0, 2) * 1700000000000);
    sim_trace(r->world, "app: consumer %d seeks partition %d to kind %d, %lld", c, p, (int)to.kind,
              (long long)to.value);
    if (kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, to, NULL) != KC_OK)
        return;
    r->vague[c][p] = true;
    history_positioned(r->history, c, p, from, false);
    sim_stops_sought(r, c, p);
}

static void seek_to(sim_run *r, int c, int p, int64_t to)
{
    sim_trace(r->world, "app: consumer %d seeks partition %d to %lld", c, p, (long long)to);
    kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, kc_position_offset(to), NULL);
    history_positioned(r->history, c, p, to, true);
    r->vague[c][p] = false;
    sim_stops_sought(r, c, p);
}

/* Back to a position that was kept with its leader epoch (KIP-320). */
static void seek_to_kept(sim_run *r, int c, int p)
{
    int64_t to = r->kept[c][p].offset;
    kc_position position = { KC_POSITION_OFFSET_EPOCH, r->kept[c][p].epoch, to };
    sim_trace(r->world, "app: consumer %d seeks partition %d to %lld of epoch %d", c, p,
              (long long)to, r->kept[c][p].epoch);
    if (kc_consumer_seek(r->consumers[c], kc_str(SIM_TOPIC), p, position, NULL) != KC_OK)
        return;
    history_positioned_by_epoch(r->history, c, p, to);
    r->vague[c][p] = false;
    sim_stops_sought(r, c, p);
}

static void pause_or_resume(sim_run *r, int c, int p)
{
    kc_topic_partition tp = { kc_str(SIM_TOPIC), p };
    r->paused[c] = !r->paused[c];
    if (r->paused[c]) {
        if (kc_consumer_pause(r->consumers[c], &tp, 1, NULL) == KC_OK)
            r->hidden[c][p] = true;
        return;
    }
    for (tp.partition = 0; tp.partition < r->plan->partitions; tp.partition++) {
        kc_consumer_resume(r->consumers[c], &tp, 1, NULL);
        r->hidden[c][tp.partition] = r->removed[c][tp.partition];
    }
}

static void seek_somewhere(sim_run *r, int c)
{
    int p = sim_any_partition(r);
    if (sim_rng_chance(&r->rng, 30))
        pause_or_resume(r, c, p);
    else if (r->removed[c][p])
        return;
    else if (sim_rng_chance(&r->rng, r->plan->vague_percent))
        seek_vaguely(r, c, p);
    else if (r->kept[c][p].offset > 0 && sim_rng_chance(&r->rng, 30))
        seek_to_kept(r, c, p);
    else
        seek_to(r, c, p, any_offset(r, p));
}

/* --- polls */

static void note_records(sim_run *r, int c, const kc_records *records)
{
    const kc_record *rows = kc_records_data(records);
    size_t n = kc_records_count(records);
    int p = kc_records_partition(records);
    if (n > (size_t)r->plan->max_poll_records)
        history_violation(r->history, H_LIMIT, "a poll returned %zu records, allowed are %d", n,
                          r->plan->max_poll_records);
    for (size_t i = 0; i < n; i++) {
        uint64_t id = sim_record_id(r, &rows[i]);
        history_polled(r->history, c, p, rows[i].offset, id);
        sim_pace_polled(r, c, id, p);
    }
    if (n && r->hidden[c][p])
        history_violation(r->history, H_UNWANTED_POLL,
                          "consumer %d was given offset %lld of partition %d, which is %s", c,
                          (long long)rows[0].offset, p,
                          r->removed[c][p] ? "not assigned" : "paused");
    sim_stops_got(r, c, p);
    if (n && sim_rng_chance(&r->rng, 20)) {
        r->kept[c][p].offset = kc_records_next_offset(records);
        r->kept[c][p].epoch = kc_records_leader_epoch(records);
    }
    if (n)
        sim_trace(r->world, "app: consumer %d got %zu records of partition %d from %lld", c, n, p,
                  (long long)rows[0].offset);
}

bool sim_consume_some(sim_run *r, int c, int32_t timeout_ms)
{
    int64_t begun = sim_now(r->world);
    kc_records *records = NULL;
    kc_error why = { 0 };
    kc_err err = kc_consumer_poll(r->consumers[c], timeout_ms, &records, &why);
    sim_check_call(r, "poll", begun, timeout_ms);
    if (err != KC_OK) {
        sim_trace(r->world, "app: poll: %s", why.text);
        bool stopped = records && sim_stopped(r, c, records);
        bool woken = err == KC_E_INTERRUPTED && r->plan->wake_percent;
        if (!stopped && !woken && !sim_explained(err) && !r->plan->errors_expected)
            history_violation(r->history, H_UNEXPECTED_ERROR, "poll: %s: %s", kc_error_name(err),
                              why.text);
    }
    r->ends_told += records && kc_records_count(records) == 0;
    bool some = records && kc_records_count(records) > 0;
    if (some)
        note_records(r, c, records);
    if (records && err == KC_OK)
        sim_end_told(r, c, records);
    kc_records_free(records);
    return some;
}

/* Whoever measures how long things take is not what they wait for. */
static void poll_all(sim_run *r)
{
    for (int c = 0; c < r->plan->consumers; c++)
        while (r->consumers[c] && sim_consume_some(r, c, 0)) {
        }
}

void sim_poll_in_turn(sim_run *r)
{
    if (r->plan->pace_ms) {
        poll_all(r);
        return;
    }
    int c = sim_any_consumer(r);
    int64_t now = sim_now(r->world);
    sim_stops_resume(r, c);
    if (r->plan->poll_pause_ms < 0 || now < r->next_poll[c])
        return;
    r->next_poll[c] = now + r->plan->poll_pause_ms * 1000LL;
    sim_consume_some(r, c, (int32_t)sim_rng_range(&r->rng, 0, 100));
    if (sim_rng_chance(&r->rng, r->plan->seek_percent))
        seek_somewhere(r, c);
    if (sim_rng_chance(&r->rng, r->plan->assign_percent))
        change_assignment(r, c);
}

/* --- the end */

void sim_read_on(sim_run *r, int c)
{
    for (int p = 0; p < r->plan->partitions; p++) {
        kc_topic_partition tp = { kc_str(SIM_TOPIC), p };
        if (r->removed[c][p])
            give_back(r, c, p);
        kc_consumer_resume(r->consumers[c], &tp, 1, NULL);
        r->hidden[c][p] = false;
        if (r->vague[c][p])
            seek_to(r, c, p, any_offset(r, p));
    }
}

bool sim_at_end(sim_run *r, int c)
{
    for (int p = 0; p < r->plan->partitions; p++) {
        kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
        kc_consumer_position(r->consumers[c], kc_str(SIM_TOPIC), p, 0, &at, NULL);
        if (at.offset < kc_mock_high_watermark(r->mock, SIM_TOPIC, p))
            return false;
    }
    return true;
}
