/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/history.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_PARTITIONS = 256,
    MAX_CONSUMERS = 16,
    MAX_PROBLEMS = 200,
    MAX_PRODUCERS = 16,
    MAX_CUTS = 8
};

typedef enum send_state { PENDING, REFUSED, ACKED, FAILED, FOREIGN } send_state;
typedef enum txn_state { NO_TXN, OPEN, COMMITTED, ABORTED } txn_state;

typedef struct sent {
    int16_t producer, partition, reported_partition;
    uint8_t state;
    uint8_t txn; /* FOREIGN */
    bool possibly;
    bool gone;      /* its part of the log was cut off */
    int32_t in_log; /* times */
    int64_t sent_us, deadline, offset;
} sent;

typedef struct logged {
    int64_t offset;
    uint64_t id;
} logged;

typedef struct partition_log {
    int64_t start;
    int64_t *gaps; /* ascending */
    size_t gap_count, gap_cap;
    int cut_count; /* where it was ever cut */
    int64_t cuts[MAX_CUTS];
    int64_t readable; /* end of what consumers could read */
    logged *rows;
    size_t count, cap;
} partition_log;

typedef struct polled {
    int16_t consumer, partition;
    int64_t offset;
    uint64_t id;
} polled;

/* Where a consumer is in a partition. from..next: contiguous polls since it was positioned. */
typedef struct cursor {
    bool set, exact, moved;
    bool ended; /* told of the end, at `end`, after the last record */
    int64_t end;
    int cut_count; /* where it may go back to, once each */
    int64_t cuts[MAX_CUTS];
    bool strict[MAX_CUTS]; /* it has to */
    bool anew;             /* it may begin at the log's start: where the logs part is not known */
    int64_t next;
} cursor;

struct history {
    sent *sends;
    size_t send_count, send_cap;
    polled *polls;
    size_t poll_count, poll_cap;
    partition_log logs[MAX_PARTITIONS];
    cursor cursors[MAX_CONSUMERS][MAX_PARTITIONS];
    struct {
        history_class c;
        char text[200];
    } problems[MAX_PROBLEMS];
    int problem_count, count_of[H_CLASS_COUNT];
    bool committed;                     /* what consumers may see */
    bool no_reset;                      /* they decide where to go on */
    int64_t first_acked[MAX_PRODUCERS]; /* when */
    history_totals totals;
};

static void *grow(void *p, size_t *cap, size_t need, size_t size)
{
    if (need <= *cap)
        return p;
    *cap = *cap ? *cap * 2 : 1024;
    p = realloc(p, *cap * size);
    if (!p)
        abort();
    return p;
}

const char *history_class_name(history_class c)
{
    static const char *const names[H_CLASS_COUNT] = {
        "lost-write",
        "duplicate",
        "reordered",
        "inconsistent-offset",
        "wrong-partition",
        "phantom",
        "failed-but-written",
        "reported-twice",
        "unreported",
        "late-report",
        "poll-skip",
        "nonmonotonic-poll",
        "unwanted-poll",
        "unseen",
        "aborted-read",
        "memory-bound",
        "late-call",
        "request-storm",
        "bad-request",
        "metadata-back",
        "leak",
        "false-cut",
        "cut-unnoticed",
        "false-end",
        "unsettled",
        "slow",
        "unrecovered",
        "over-limit",
        "throttle",
        "miscounted",
        "unwritten",
        "retries",
        "unexpected-error",
    };
    return c < H_CLASS_COUNT ? names[c] : "?";
}

history *history_new(void)
{
    history *h = calloc(1, sizeof *h);
    if (!h)
        abort();
    for (int p = 0; p < MAX_PARTITIONS; p++)
        h->logs[p].readable = INT64_MAX;
    return h;
}

void history_free(history *h)
{
    if (!h)
        return;
    for (int i = 0; i < MAX_PARTITIONS; i++) {
        free(h->logs[i].rows);
        free(h->logs[i].gaps);
    }
    free(h->sends);
    free(h->polls);
    free(h);
}

void history_violation(history *h, history_class c, const char *fmt, ...)
{
    int i = h->problem_count++;
    h->count_of[c]++;
    if (i >= MAX_PROBLEMS)
        return;
    h->problems[i].c = c;
    va_list args;
    va_start(args, fmt);
    vsnprintf(h->problems[i].text, sizeof h->problems[i].text, fmt, args);
    va_end(args);
}

const char *history_problem(const history *h, int index, history_class *c)
{
    if (index < 0 || index >= h->problem_count || index >= MAX_PROBLEMS)
        return NULL;
    *c = h->problems[index].c;
    return h->problems[index].text;
}

int history_problem_count(const history *h)
{
    return h->problem_count;
}

int history_problem_count_of(const history *h, history_class c)
{
    return c < H_CLASS_COUNT ? h->count_of[c] : 0;
}

history_totals history_count(const history *h)
{
    return h->totals;
}

uint64_t history_send(history *h, int producer, int partition, int64_t now_us, int64_t deadline_us)
{
    h->sends = grow(h->sends, &h->send_cap, h->send_count + 1, sizeof *h->sends);
    h->sends[h->send_count++] = (sent){ .producer = (int16_t)producer,
                                        .partition = (int16_t)partition,
                                        .reported_partition = -1,
                                        .state = PENDING,
                                        .sent_us = now_us,
                                        .deadline = deadline_us,
                                        .offset = -1 };
    h->totals.sent++;
    return h->send_count;
}

uint64_t history_foreign(history *h, int partition)
{
    uint64_t id = history_send(h, MAX_PRODUCERS - 1, partition, 0, 0);
    h->totals.sent--;
    h->sends[id - 1].state = FOREIGN;
    h->sends[id - 1].txn = OPEN;
    return id;
}

bool history_is_foreign(const history *h, uint64_t id)
{
    return id >= 1 && id <= h->send_count && h->sends[id - 1].state == FOREIGN;
}

void history_read_committed(history *h)
{
    h->committed = true;
}

void history_no_reset(history *h)
{
    h->no_reset = true;
}

bool history_is_warm(const history *h, uint64_t id)
{
    if (id < 1 || id > h->send_count)
        return false;
    const sent *s = &h->sends[id - 1];
    return h->first_acked[s->producer] > 0 && s->sent_us >= h->first_acked[s->producer];
}

bool history_is_acked(const history *h, uint64_t id)
{
    return id >= 1 && id <= h->send_count && h->sends[id - 1].state == ACKED;
}

int64_t history_sent_at(const history *h, uint64_t id)
{
    return id >= 1 && id <= h->send_count ? h->sends[id - 1].sent_us : 0;
}

int history_pending(const history *h, int producer)
{
    int n = 0;
    for (size_t i = 0; i < h->send_count; i++)
        n += h->sends[i].producer == producer && h->sends[i].state == PENDING;
    return n;
}

static sent *find(history *h, uint64_t id)
{
    return id >= 1 && id <= h->send_count ? &h->sends[id - 1] : NULL;
}

void history_refused(history *h, uint64_t id)
{
    sent *s = find(h, id);
    if (!s)
        return;
    if (s->state != PENDING)
        history_violation(h, H_REPORTED_TWICE, "record %llu was refused after its outcome",
                          (unsigned long long)id);
    s->state = REFUSED;
    h->totals.refused++;
}

/* The common part of an outcome; NULL when it must not count. */
static sent *outcome(history *h, uint64_t id, int partition, int64_t now_us)
{
    sent *s = find(h, id);
    if (!s) {
        history_violation(h, H_PHANTOM, "an outcome for record %llu, which was never sent",
                          (unsigned long long)id);
        return NULL;
    }
    if (s->state != PENDING) {
        history_violation(h, H_REPORTED_TWICE, "record %llu has a second outcome",
                          (unsigned long long)id);
        return NULL;
    }
    if (s->deadline && now_us > s->deadline)
        history_violation(h, H_LATE_REPORT, "record %llu: outcome %lld ms after its deadline",
                          (unsigned long long)id, (long long)((now_us - s->deadline) / 1000));
    if (s->partition >= 0 && partition >= 0 && s->partition != partition)
        history_violation(h, H_WRONG_PARTITION, "record %llu: sent to %d, reported in %d",
                          (unsigned long long)id, s->partition, partition);
    s->reported_partition = (int16_t)partition;
    return s;
}

void history_acked(history *h, uint64_t id, int partition, int64_t offset, int64_t now_us)
{
    sent *s = outcome(h, id, partition, now_us);
    if (!s)
        return;
    s->state = ACKED;
    if (h->first_acked[s->producer] == 0)
        h->first_acked[s->producer] = now_us;
    s->offset = offset;
    h->totals.acked++;
}

void history_failed(history *h, uint64_t id, int partition, bool possibly_persisted, int64_t now_us)
{
    sent *s = outcome(h, id, partition, now_us);
    if (!s)
        return;
    s->state = FAILED;
    s->possibly = possibly_persisted;
    h->totals.failed++;
    h->totals.possibly += possibly_persisted;
}

void history_positioned(history *h, int consumer, int partition, int64_t offset, bool exact)
{
    h->cursors[consumer][partition] = (cursor){ .set = true, .exact = exact, .next = offset };
}

void history_positioned_by_epoch(history *h, int consumer, int partition, int64_t offset)
{
    const partition_log *log = &h->logs[partition];
    cursor *c = &h->cursors[consumer][partition];
    history_positioned(h, consumer, partition, offset, true);
    c->anew = log->cut_count > 0 && !h->no_reset;
    for (int i = 0; i < log->cut_count; i++)
        c->cuts[c->cut_count++] = log->cuts[i];
}

void history_cut(history *h, int partition, int64_t offset)
{
    for (size_t i = 0; i < h->send_count; i++) {
        sent *s = &h->sends[i];
        int where = s->partition >= 0 ? s->partition : s->reported_partition;
        if ((where < 0 || where == partition) && s->state != REFUSED &&
            (s->state != ACKED || s->offset < 0 || s->offset >= offset))
            s->gone = true;
    }
    for (int c = 0; c < MAX_CONSUMERS; c++) {
        cursor *at = &h->cursors[c][partition];
        at->anew = !h->no_reset;
        if (at->cut_count == MAX_CUTS)
            continue;
        at->strict[at->cut_count] = false;
        at->cuts[at->cut_count++] = offset;
    }
    partition_log *log = &h->logs[partition];
    if (log->cut_count < MAX_CUTS)
        log->cuts[log->cut_count++] = offset;
    history_forget_gaps(h, partition, offset);
}

void history_truncated(history *h, int partition, int64_t offset)
{
    history_cut(h, partition, offset);
    for (int c = 0; c < MAX_CONSUMERS; c++) {
        cursor *at = &h->cursors[c][partition];
        if (at->cut_count > 0 && at->moved && at->next > offset)
            at->strict[at->cut_count - 1] = true;
    }
}

static void drop_cut(cursor *c, int i)
{
    c->cut_count--;
    c->cuts[i] = c->cuts[c->cut_count];
    c->strict[i] = c->strict[c->cut_count];
}

int64_t history_cut_owed(const history *h, int consumer, int partition)
{
    const cursor *c = &h->cursors[consumer][partition];
    int64_t least = -1;
    for (int i = 0; i < c->cut_count; i++)
        if (least < 0 || c->cuts[i] < least)
            least = c->cuts[i];
    return least;
}

void history_cut_told(history *h, int consumer, int partition, int64_t offset)
{
    cursor *c = &h->cursors[consumer][partition];
    bool known = false;
    for (int i = c->cut_count - 1; i >= 0; i--) {
        known |= c->cuts[i] == offset;
        if (c->cuts[i] >= offset)
            drop_cut(c, i);
    }
    if (!known)
        history_violation(h, H_FALSE_CUT,
                          "consumer %d partition %d: told that the log was cut at %lld", consumer,
                          partition, (long long)offset);
}

/* What was sent after the cut cannot be from the old log. */
static void check_noticed(history *h, int consumer, int partition, const cursor *c, int64_t offset,
                          uint64_t id)
{
    if (id == 0 || id > h->send_count || h->sends[id - 1].gone)
        return;
    for (int i = 0; i < c->cut_count; i++)
        if (c->strict[i] && c->cuts[i] < c->next && offset >= c->next)
            history_violation(h, H_CUT_UNNOTICED,
                              "consumer %d partition %d: cut at %lld, and reading goes on at %lld",
                              consumer, partition, (long long)c->cuts[i], (long long)offset);
}

/* The first gap at or after an offset. */
static size_t gap_from(const partition_log *log, int64_t offset)
{
    size_t lo = 0, hi = log->gap_count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (log->gaps[mid] < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

void history_forget_gaps(history *h, int partition, int64_t from)
{
    h->logs[partition].gap_count = gap_from(&h->logs[partition], from);
}

void history_gap(history *h, int partition, int64_t offset)
{
    partition_log *log = &h->logs[partition];
    size_t at = gap_from(log, offset);
    if (at < log->gap_count && log->gaps[at] == offset)
        return;
    log->gaps = grow(log->gaps, &log->gap_cap, log->gap_count + 1, sizeof *log->gaps);
    memmove(&log->gaps[at + 1], &log->gaps[at], (log->gap_count - at) * sizeof *log->gaps);
    log->gaps[at] = offset;
    log->gap_count++;
}

void history_decided(history *h, uint64_t id, int partition, int64_t offset, bool committed)
{
    sent *s = find(h, id);
    s->txn = committed ? COMMITTED : ABORTED;
    if (!committed && h->committed)
        history_gap(h, partition, offset);
}

void history_readable(history *h, int partition, int64_t end)
{
    h->logs[partition].readable = end;
}

static bool all_gaps(const partition_log *log, int64_t from, int64_t to)
{
    for (size_t i = gap_from(log, from); from < to; from++, i++)
        if (i >= log->gap_count || log->gaps[i] != from)
            return false;
    return true;
}

/* Whether the log was cut and reading began again at the cut. */
static bool goes_back(const history *h, cursor *c, int partition, int64_t offset)
{
    for (int i = 0; i < c->cut_count; i++)
        if (offset >= c->cuts[i] && all_gaps(&h->logs[partition], c->cuts[i], offset)) {
            int64_t to = c->cuts[i];
            drop_cut(c, i);
            for (int k = 0; k < c->cut_count; k++) /* others there are answered with it, perhaps */
                c->strict[k] &= c->cuts[k] < to;
            return true;
        }
    if (c->anew && all_gaps(&h->logs[partition], 0, offset)) {
        c->anew = false;
        return true;
    }
    return false;
}

static bool is_uncommitted(const sent *s)
{
    return s->state == FOREIGN && s->txn != COMMITTED;
}

void history_polled(history *h, int consumer, int partition, int64_t offset, uint64_t id)
{
    h->totals.polled++;
    h->polls = grow(h->polls, &h->poll_cap, h->poll_count + 1, sizeof *h->polls);
    h->polls[h->poll_count++] = (polled){ (int16_t)consumer, (int16_t)partition, offset, id };
    cursor *c = &h->cursors[consumer][partition];
    bool strict = c->moved || c->exact;
    if (c->set && offset < c->next && goes_back(h, c, partition, offset))
        c->next = offset;
    if (c->set && offset < c->next)
        history_violation(h, H_NONMONOTONIC_POLL,
                          "consumer %d partition %d: offset %lld after %lld", consumer, partition,
                          (long long)offset, (long long)c->next - 1);
    else if (c->set && strict && !all_gaps(&h->logs[partition], c->next, offset) &&
             !goes_back(h, c, partition, offset))
        history_violation(h, H_POLL_SKIP, "consumer %d partition %d: %lld to %lld were skipped",
                          consumer, partition, (long long)c->next, (long long)offset - 1);
    check_noticed(h, consumer, partition, c, offset, id);
    c->set = true;
    c->moved = true;
    c->ended = false;
    c->next = offset + 1;
    if (id == 0 || id > h->send_count)
        history_violation(h, H_PHANTOM,
                          "consumer %d partition %d offset %lld: not a record we sent", consumer,
                          partition, (long long)offset);
    else if (h->committed && is_uncommitted(&h->sends[id - 1]))
        history_violation(h, H_ABORTED_READ, "consumer %d partition %d offset %lld: %s", consumer,
                          partition, (long long)offset,
                          h->sends[id - 1].txn == OPEN ? "its transaction is open"
                                                       : "its transaction was aborted");
}

void history_ended(history *h, int consumer, int partition, int64_t offset)
{
    cursor *c = &h->cursors[consumer][partition];
    if (c->set && offset < c->next && goes_back(h, c, partition, offset)) {
        c->next = offset;
        c->ended = false;
    }
    bool strict = c->moved || c->exact;
    bool here = offset >= c->next && (!strict || all_gaps(&h->logs[partition], c->next, offset));
    if (!c->set || !here)
        history_violation(h, H_FALSE_END,
                          "consumer %d partition %d: told of the end at %lld, and is at %lld",
                          consumer, partition, (long long)offset, (long long)c->next);
    if (c->ended && c->end == offset)
        history_violation(h, H_FALSE_END, "consumer %d partition %d: told twice of the end at %lld",
                          consumer, partition, (long long)offset);
    c->ended = true;
    c->end = offset;
}

bool history_has_ended(const history *h, int consumer, int partition, int64_t offset)
{
    const cursor *c = &h->cursors[consumer][partition];
    return c->ended && c->end == offset;
}

bool history_has_seen(const history *h, int consumer, int partition, int64_t end)
{
    const cursor *c = &h->cursors[consumer][partition];
    return !c->set || c->next >= end || all_gaps(&h->logs[partition], c->next, end);
}

void history_left(history *h, int consumer)
{
    memset(h->cursors[consumer], 0, sizeof h->cursors[consumer]);
}

void history_log_begin(history *h, int partition, int64_t log_start)
{
    h->logs[partition].start = log_start;
    h->logs[partition].count = 0;
}

void history_logged(history *h, int partition, int64_t offset, uint64_t id)
{
    partition_log *log = &h->logs[partition];
    log->rows = grow(log->rows, &log->cap, log->count + 1, sizeof *log->rows);
    log->rows[log->count++] = (logged){ offset, id };
    h->totals.logged++;
    sent *s = find(h, id);
    if (s)
        s->in_log++;
}

static const logged *log_at(const history *h, int partition, int64_t offset)
{
    const partition_log *log = &h->logs[partition];
    size_t lo = 0, hi = log->count;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (log->rows[mid].offset < offset)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < log->count && log->rows[lo].offset == offset ? &log->rows[lo] : NULL;
}

static void check_send(history *h, uint64_t id, const history_rules *rules)
{
    const sent *s = find(h, id);
    unsigned long long n = id;
    if (s->state == PENDING)
        history_violation(h, H_UNREPORTED, "record %llu of producer %d has no outcome", n,
                          s->producer);
    if (s->in_log > 1 && rules->exactly_once)
        history_violation(h, H_DUPLICATE, "record %llu is in the log %d times", n, s->in_log);
    if (s->state == REFUSED && s->in_log)
        history_violation(h, H_FAILED_BUT_WRITTEN, "record %llu was refused by send, yet written",
                          n);
    if (s->state == FAILED && !s->possibly && s->in_log)
        history_violation(h, H_FAILED_BUT_WRITTEN, "record %llu was reported not written", n);
    if (s->state != ACKED || s->gone)
        return;
    if (s->in_log == 0 && (rules->exactly_once || rules->at_least_once))
        history_violation(h, H_LOST_WRITE,
                          "record %llu (partition %d, offset %lld) is not in the log", n,
                          s->reported_partition, (long long)s->offset);
    if (s->offset >= 0 && s->reported_partition >= 0 && rules->exactly_once) {
        const logged *row = log_at(h, s->reported_partition, s->offset);
        if (row && row->id != id)
            history_violation(h, H_INCONSISTENT_OFFSET,
                              "record %llu was acknowledged at %d:%lld, which holds %llu", n,
                              s->reported_partition, (long long)s->offset,
                              (unsigned long long)row->id);
    }
}

static void check_log(history *h, int partition, const history_rules *rules)
{
    const partition_log *log = &h->logs[partition];
    uint64_t last[MAX_PRODUCERS] = { 0 };
    for (size_t i = 0; i < log->count; i++) {
        uint64_t id = log->rows[i].id;
        const sent *s = find(h, id);
        if (!s) {
            history_violation(h, H_PHANTOM, "partition %d offset %lld: nobody sent that", partition,
                              (long long)log->rows[i].offset);
            continue;
        }
        if (s->partition >= 0 && s->partition != partition)
            history_violation(h, H_WRONG_PARTITION, "record %llu was sent to %d and is in %d",
                              (unsigned long long)id, s->partition, partition);
        if (s->gone) /* sent again after the log was cut */
            continue;
        if (rules->ordered && id < last[s->producer])
            history_violation(h, H_REORDERED, "partition %d offset %lld: record %llu after %llu",
                              partition, (long long)log->rows[i].offset, (unsigned long long)id,
                              (unsigned long long)last[s->producer]);
        if (id > last[s->producer])
            last[s->producer] = id;
    }
}

static void check_polls(history *h)
{
    for (size_t i = 0; i < h->poll_count; i++) {
        const polled *p = &h->polls[i];
        const logged *row = log_at(h, p->partition, p->offset);
        const sent *s = find(h, p->id);
        if (s && s->gone)
            continue;
        if (row ? row->id != p->id : p->offset >= h->logs[p->partition].start)
            history_violation(h, H_INCONSISTENT_OFFSET,
                              "consumer %d was given record %llu at %d:%lld; the log holds %llu",
                              p->consumer, (unsigned long long)p->id, p->partition,
                              (long long)p->offset, (unsigned long long)(row ? row->id : 0));
    }
}

static void check_seen(history *h)
{
    for (int c = 0; c < MAX_CONSUMERS; c++)
        for (int p = 0; p < MAX_PARTITIONS; p++) {
            const partition_log *log = &h->logs[p];
            size_t n = log->count;
            while (n > 0 && log->rows[n - 1].offset >= log->readable)
                n--;
            if (!h->cursors[c][p].set || n == 0)
                continue;
            int64_t last = log->rows[n - 1].offset;
            if (h->cursors[c][p].next <= last && !all_gaps(log, h->cursors[c][p].next, last + 1))
                history_violation(h, H_UNSEEN, "consumer %d partition %d stopped at %lld of %lld",
                                  c, p, (long long)h->cursors[c][p].next, (long long)last + 1);
        }
}

int history_check(history *h, const history_rules *rules)
{
    for (uint64_t id = 1; id <= h->send_count; id++)
        check_send(h, id, rules);
    for (int p = 0; p < MAX_PARTITIONS; p++)
        check_log(h, p, rules);
    check_polls(h);
    if (rules->all_seen)
        check_seen(h);
    return h->problem_count;
}
