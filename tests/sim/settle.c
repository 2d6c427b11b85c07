/* SPDX-License-Identifier: Apache-2.0 */
/* Silence. A program that goes on sending repairs what the client has forgotten: a batch left
 * behind goes out with the next one. So for a while nobody sends, flushes, asks or seeks: the
 * application waits for its descriptors and takes what they announce. Everything has to come to its
 * end by itself: outcomes, records up to the ends of logs, ends that are told of, and descriptors
 * that fall silent. */
#include "consumer/consumer.h"
#include "sim/app.h"

enum {
    STEP_US = 5000,
    /* After the last fault: a request that hangs, a connection to where nobody is, pauses. */
    AFTER_FAULTS_US = 40000000,
    /* After last words: everything is known to work. */
    PROMPT_US = 5000000,
    HELD_US = 10000000, /* brokers hold answers back for so long at most */
    QUIET_US = 1000000,
    FRUITLESS_MOST = 400, /* polls for which a descriptor was readable, and nothing was there */
    BURST_MOST = 30
};

/* --- what is left to do */

/* Where a consumer is known to read on without help. */
static bool reads(const sim_run *r, int c, int p)
{
    return r->consumers[c] && !r->hidden[c][p] && !r->vague[c][p] && !r->stops[c][p].stopped;
}

static bool has_read(sim_run *r, int c, int p, bool ends)
{
    int64_t end = sim_end_of(r, p);
    if (!reads(r, c, p))
        return true;
    return history_has_seen(r->history, c, p, end) &&
           (!ends || history_has_ended(r->history, c, p, end));
}

/* The first thing that is not settled, in words; false: there is none. */
static bool find_unsettled(sim_run *r, bool ends, char text[160])
{
    for (int p = 0; p < r->plan->producers; p++) {
        int pending = r->producers[p] ? history_pending(r->history, sim_sender(r, p)) : 0;
        if (pending > 0) {
            snprintf(text, 160, "%d records of producer %d have no outcome", pending, p);
            return true;
        }
    }
    for (int c = 0; c < r->plan->consumers; c++)
        for (int p = 0; p < r->plan->partitions; p++)
            if (!has_read(r, c, p, ends)) {
                snprintf(text, 160, "consumer %d has not %s the end of partition %d at %lld", c,
                         ends ? "been told of" : "read to", p, (long long)sim_end_of(r, p));
                return true;
            }
    return false;
}

/* --- listening */

static bool has_news(const sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p] && !r->wants_room[p] && sim_producer_has_news(r->producers[p]))
            return true;
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c] && kci_event_is_set(r->consumers[c]->ready.event))
            return true;
    return false;
}

/* Takes what descriptors announce; returns how many announced nothing. */
static int hear_news(sim_run *r)
{
    int fruitless = 0;
    for (int p = 0; p < r->plan->producers; p++) {
        if (!r->producers[p] || !sim_producer_has_news(r->producers[p]))
            continue;
        int64_t before = r->reported;
        sim_hear_producer(r, p);
        fruitless += r->reported == before && !r->wants_room[p];
    }
    for (int c = 0; c < r->plan->consumers; c++) {
        if (!r->consumers[c] || !kci_event_is_set(r->consumers[c]->ready.event))
            continue;
        uint64_t before = history_count(r->history).polled;
        int ends = r->ends_told;
        sim_consume_some(r, c, 0);
        fruitless += history_count(r->history).polled == before && r->ends_told == ends;
    }
    sim_bounds_check(r);
    sim_run_until(r->world, sim_now(r->world) + STEP_US, NULL);
    return fruitless;
}

static void await_settled(sim_run *r, int64_t most_us, bool ends, const char *when)
{
    int64_t limit = sim_now(r->world) + most_us;
    int fruitless = 0;
    char text[160];
    while (find_unsettled(r, ends, text) && sim_now(r->world) < limit)
        fruitless += hear_news(r);
    if (find_unsettled(r, ends, text))
        history_violation(r->history, H_UNSETTLED, "%.1f s after %s: %s", (double)most_us / 1e6,
                          when, text);
    else if (fruitless > FRUITLESS_MOST)
        history_violation(r->history, H_UNSETTLED, "%d polls for nothing after %s", fruitless,
                          when);
}

/* Nothing is to come any more: no descriptor says so either. */
static void check_quiet(sim_run *r)
{
    int64_t limit = sim_now(r->world) + QUIET_US;
    while (has_news(r) && sim_now(r->world) < limit)
        hear_news(r);
    if (has_news(r))
        history_violation(r->history, H_UNSETTLED, "a descriptor stays readable");
}

void sim_settle_after_faults(sim_run *r)
{
    if (r->plan->errors_expected)
        return;
    int64_t most_us = AFTER_FAULTS_US + r->plan->request_timeout_ms * 1000LL;
    await_settled(r, most_us, false, "the last fault");
}

/* --- last words */

static void say(sim_run *r)
{
    int p = sim_any_producer(r);
    uint64_t id;
    int count = r->plan->last_words == 1   ? 1
                : r->plan->last_words == 2 ? r->plan->partitions
                                           : (int)sim_rng_range(&r->rng, 2, BURST_MOST);
    for (int i = 0; i < count; i++)
        sim_send_to(r, p, r->plan->last_words == 2 ? i : sim_any_partition(r), &id);
}

/* Answers that a broker holds back were asked for before faults ended. */
static int64_t prompt_us(const sim_run *r)
{
    bool held = sim_plan_has(r->plan, F_DELAY) || sim_plan_has(r->plan, F_HANG);
    return PROMPT_US + r->plan->linger_ms * 1000LL + (held ? HELD_US : 0);
}

void sim_last_words(sim_run *r)
{
    uint64_t failed = history_count(r->history).failed;
    if (r->plan->errors_expected)
        return;
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c])
            sim_read_on(r, c);
    bool ends = sim_plan_setting(r->plan, "enable.partition.eof", 0) != 0;
    await_settled(r, AFTER_FAULTS_US, ends, "recovery");
    say(r);
    await_settled(r, prompt_us(r), ends, "last words");
    check_quiet(r);
    if (history_count(r->history).failed > failed)
        history_violation(r->history, H_UNSETTLED, "last words were not delivered");
}
