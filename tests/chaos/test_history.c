/* SPDX-License-Identifier: Apache-2.0 */
/* The checker itself: made-up histories, one violation each, and one without. */
#include <criterion/criterion.h>
#include <string.h>

#include "sim/history.h"

enum { RECORDS = 6, DEADLINE = 1000 };

/* A history in which all is well, of one partition, up to what a test leaves out. */
typedef struct story {
    history *h;
    uint64_t ids[RECORDS];
} story;

static story begin(void)
{
    story s = { .h = history_new() };
    history_positioned(s.h, 0, 0, 0, true);
    for (int i = 0; i < RECORDS; i++)
        s.ids[i] = history_send(s.h, 0, 0, 0, DEADLINE);
    return s;
}

static void ack(const story *s, int from, int to)
{
    for (int i = from; i < to; i++)
        history_acked(s->h, s->ids[i], 0, i, 10);
}

static void poll(const story *s, int from, int to)
{
    for (int i = from; i < to; i++)
        history_polled(s->h, 0, 0, i, s->ids[i]);
}

static void logged(const story *s, int from, int to)
{
    for (int i = from; i < to; i++)
        history_logged(s->h, 0, i, s->ids[i]);
}

static void all(const story *s)
{
    ack(s, 0, RECORDS);
    poll(s, 0, RECORDS);
    logged(s, 0, RECORDS);
}

/* Checks, and expects violations of one class, `count` of them. */
static void expect(story *s, history_class want, int count)
{
    int n = history_check(
        s->h, &(history_rules){ .ordered = true, .exactly_once = true, .all_seen = true });
    cr_assert_eq(n, count, "%d violations", n);
    for (int i = 0; i < n; i++) {
        history_class got;
        const char *text = history_problem(s->h, i, &got);
        cr_assert_eq(got, want, "%s: %s", history_class_name(got), text);
    }
    history_free(s->h);
}

Test(history, all_is_well)
{
    story s = begin();
    all(&s);
    expect(&s, H_CLASS_COUNT, 0);
}

Test(history, failed_records_need_not_be_in_the_log)
{
    story s = begin();
    ack(&s, 0, RECORDS - 2);
    history_failed(s.h, s.ids[RECORDS - 2], 0, true, 10);
    history_failed(s.h, s.ids[RECORDS - 1], 0, false, 10);
    poll(&s, 0, RECORDS - 1);
    logged(&s, 0, RECORDS - 1);
    expect(&s, H_CLASS_COUNT, 0);
}

Test(history, lost_write)
{
    story s = begin();
    ack(&s, 0, RECORDS);
    poll(&s, 0, RECORDS - 1);
    logged(&s, 0, RECORDS - 1);
    expect(&s, H_LOST_WRITE, 1);
}

Test(history, duplicate)
{
    story s = begin();
    all(&s);
    history_polled(s.h, 0, 0, RECORDS, s.ids[RECORDS - 1]);
    history_logged(s.h, 0, RECORDS, s.ids[RECORDS - 1]);
    expect(&s, H_DUPLICATE, 1);
}

Test(history, reordered)
{
    story s = begin();
    uint64_t later = s.ids[3];
    s.ids[3] = s.ids[2];
    s.ids[2] = later;
    all(&s);
    expect(&s, H_REORDERED, 1);
}

Test(history, inconsistent_offset_of_a_poll)
{
    story s = begin();
    ack(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    poll(&s, 0, 3);
    history_polled(s.h, 0, 0, 3, s.ids[4]);
    poll(&s, 4, RECORDS);
    expect(&s, H_INCONSISTENT_OFFSET, 1);
}

Test(history, inconsistent_offset_of_an_acknowledgement)
{
    story s = begin();
    ack(&s, 0, RECORDS - 1);
    history_acked(s.h, s.ids[RECORDS - 1], 0, 0, 10);
    poll(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    expect(&s, H_INCONSISTENT_OFFSET, 1);
}

Test(history, wrong_partition)
{
    story s = begin();
    all(&s);
    uint64_t id = history_send(s.h, 0, 1, 0, DEADLINE);
    history_acked(s.h, id, 1, 7, 10);
    history_logged(s.h, 0, RECORDS, id);
    history_polled(s.h, 0, 0, RECORDS, id);
    expect(&s, H_WRONG_PARTITION, 1);
}

Test(history, phantom)
{
    story s = begin();
    all(&s);
    history_logged(s.h, 0, RECORDS, 0);
    history_polled(s.h, 0, 0, RECORDS, 0);
    expect(&s, H_PHANTOM, 2);
}

Test(history, failed_but_written)
{
    story s = begin();
    ack(&s, 0, RECORDS - 1);
    history_failed(s.h, s.ids[RECORDS - 1], 0, false, 10);
    poll(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    expect(&s, H_FAILED_BUT_WRITTEN, 1);
}

Test(history, reported_twice)
{
    story s = begin();
    all(&s);
    history_acked(s.h, s.ids[0], 0, 0, 10);
    expect(&s, H_REPORTED_TWICE, 1);
}

Test(history, unreported)
{
    story s = begin();
    ack(&s, 1, RECORDS);
    poll(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    expect(&s, H_UNREPORTED, 1);
}

Test(history, late_report)
{
    story s = begin();
    ack(&s, 1, RECORDS);
    history_acked(s.h, s.ids[0], 0, 0, DEADLINE + 1);
    poll(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    expect(&s, H_LATE_REPORT, 1);
}

Test(history, poll_skip)
{
    story s = begin();
    ack(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    poll(&s, 0, 2);
    poll(&s, 3, RECORDS);
    expect(&s, H_POLL_SKIP, 1);
}

Test(history, poll_skip_at_the_start)
{
    story s = begin();
    ack(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    poll(&s, 1, RECORDS);
    expect(&s, H_POLL_SKIP, 1);
}

Test(history, nonmonotonic_poll)
{
    story s = begin();
    all(&s);
    poll(&s, RECORDS - 1, RECORDS);
    expect(&s, H_NONMONOTONIC_POLL, 1);
}

Test(history, unseen)
{
    story s = begin();
    ack(&s, 0, RECORDS);
    logged(&s, 0, RECORDS);
    poll(&s, 0, RECORDS - 1);
    expect(&s, H_UNSEEN, 1);
}
