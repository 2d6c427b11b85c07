/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: from what was asked for to an offset (ListOffsets), and whether the log still is the
 * one that the position came from (KIP-320). Each step is one probe; its answer puts the partition
 * on the todo list, and the next step follows from its state. */
#include "base/planted.h"
#include "consumer/consumer.h"

enum {
    UPSETS_MAX = 3,            /* in a row without a pause */
    CALM_US = 10 * 1000 * 1000 /* after so long they are not in a row */
};

static void on_probe(kci_probe *probe, kc_err err);

static void ask(kc_consumer *c, kci_read_part *p, kci_part_state state)
{
    p->probe.topic = p->topic->name;
    p->probe.partition = p->number;
    p->probe.node = p->leader;
    p->probe.current_epoch = p->leader_epoch;
    p->probe.committed = c->read.committed;
    p->probe.done = on_probe;
    p->probe_token = p->token;
    p->refs++;
    kci_part_set_state(p, state);
    kci_probe_ask(&c->probes, &p->probe);
}

/* auto.offset.reset as a position; false: there is none. */
static bool reset_target(kc_consumer *c, kc_position *out)
{
    switch (c->reset) {
    case KCI_RESET_EARLIEST:
        *out = kc_position_beginning();
        return true;
    case KCI_RESET_LATEST:
        *out = kc_position_end();
        return true;
    case KCI_RESET_BY_DURATION: {
        int64_t now = c->sys->wall_ms(c->sys);
        *out = kc_position_timestamp(now > c->reset_duration_ms ? now - c->reset_duration_ms : 0);
        return true;
    }
    case KCI_RESET_NONE:
        break;
    }
    return false;
}

/* The timestamp to ask for; the target is none of the kinds that need no question. */
static int64_t timestamp_of(const kci_read_part *p)
{
    switch (p->target.kind) {
    case KC_POSITION_BEGINNING:
        return KCI_TIMESTAMP_EARLIEST;
    case KC_POSITION_TIMESTAMP:
        return p->target.value;
    case KC_POSITION_TAIL:
        return p->tail_end < 0 ? KCI_TIMESTAMP_LATEST : KCI_TIMESTAMP_EARLIEST;
    default:
        return KCI_TIMESTAMP_LATEST;
    }
}

void kci_part_place(kc_consumer *c, kci_read_part *p)
{
    if (p->probe.busy) /* an older question: its end brings the part back here */
        return;
    if (p->target.kind == KC_POSITION_STORED && !reset_target(c, &p->target)) {
        kci_part_stop(c, p, KC_E_NO_OFFSET, p->position, p->position, NULL);
        return;
    }
    if (p->target.kind == KC_POSITION_OFFSET || p->target.kind == KC_POSITION_OFFSET_EPOCH) {
        bool epoch = p->target.kind == KC_POSITION_OFFSET_EPOCH;
        kci_part_set_position(c, p, p->target.value, epoch ? p->target.leader_epoch : -1);
        return;
    }
    p->probe.kind = KCI_PROBE_OFFSET;
    p->probe.timestamp = timestamp_of(p);
    ask(c, p, KCI_PART_PLACING);
}

void kci_part_check(kc_consumer *c, kci_read_part *p)
{
    if (p->probe.busy)
        return;
    p->probe.kind = KCI_PROBE_EPOCH;
    p->probe.epoch = p->fetch_epoch;
    ask(c, p, KCI_PART_CHECKING);
}

/* The answer to a question of kci_part_place. */
static void placed(kc_consumer *c, kci_read_part *p, int64_t offset, int32_t epoch)
{
    kci_part_set_state(p, KCI_PART_UNPLACED);
    if (p->target.kind == KC_POSITION_TIMESTAMP && offset < 0) {
        p->target = kc_position_end();
        return;
    }
    if (p->target.kind == KC_POSITION_TAIL && p->tail_end < 0) {
        p->tail_end = offset < 0 ? 0 : offset;
        return;
    }
    if (p->target.kind == KC_POSITION_TAIL) {
        int64_t from = p->target.value < p->tail_end ? p->tail_end - p->target.value : 0;
        epoch = from > offset ? -1 : epoch;
        offset = from > offset ? from : offset;
        p->tail_end = -1;
    }
    kci_part_set_position(c, p, offset < 0 ? 0 : offset, epoch);
    p->checked_epoch = p->leader_epoch;
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "%.*s [%d]: begins at offset %lld",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)p->position);
}

/* The answer to a question of kci_part_check. */
static void checked(kc_consumer *c, kci_read_part *p, int64_t end, int32_t epoch)
{
    kci_part_set_state(p, KCI_PART_FETCHING);
    if (end < 0 || epoch < 0) {
        kci_part_truncated(c, p, -1, -1);
    } else if (end < p->fetch_offset) {
        kci_part_truncated(c, p, end, epoch);
    } else {
        p->checked_epoch = p->leader_epoch;
    }
}

static void failed(kc_consumer *c, kci_read_part *p, kc_err err)
{
    if (p->state == KCI_PART_CHECKING && err == KC_E_UNSUPPORTED_VERSION) {
        kci_part_set_state(p, KCI_PART_FETCHING); /* a broker that old cannot tell */
        p->checked_epoch = p->leader_epoch;
        return;
    }
    kci_part_set_state(p, p->state == KCI_PART_PLACING ? KCI_PART_UNPLACED : KCI_PART_UNCHECKED);
    if (!kci_probe_is_retriable(err))
        kci_part_report(c, p, err, NULL);
    kci_part_retry(c, p);
}

static void on_probe(kci_probe *probe, kc_err err)
{
    kci_read_part *p = KCI_CONTAINER_OF(probe, kci_read_part, probe);
    kc_consumer *c = p->consumer;
    bool alive = p->assigned && !c->detached;
    bool current = alive && p->probe_token == p->token;
    if (current && err != KC_OK) {
        failed(c, p, err);
    } else if (current) {
        p->failures = 0;
        p->told_error = KC_OK;
        if (probe->kind == KCI_PROBE_OFFSET)
            placed(c, p, probe->offset, probe->found_epoch);
        else
            checked(c, p, probe->offset, probe->found_epoch);
    }
    if (alive && p->retry_us <= kci_loop_now(c->loop))
        kci_part_todo(c, p);
    kci_part_unref(p);
}

/* Brokers have refused a position. When they refuse what they have offered themselves, again and
 * again, trying goes on ever more slowly. */
static void upset(kc_consumer *c, kci_read_part *p)
{
    int64_t now = kci_loop_now(c->loop);
    if (now - p->upset_us > CALM_US)
        p->upsets = 0;
    p->upset_us = now;
    p->upsets += p->upsets < 30;
    if (p->upsets > UPSETS_MAX)
        kci_part_pause(c, p, p->upsets - UPSETS_MAX);
}

/* Begins at auto.offset.reset; false: there is none. The buffer is empty. */
static bool reset(kc_consumer *c, kci_read_part *p)
{
    if (c->reset == KCI_RESET_NONE)
        return false;
    p->target = (kc_position){ KC_POSITION_STORED, -1, 0 };
    p->tail_end = -1;
    p->token = ++c->last_token;
    kci_part_set_state(p, KCI_PART_UNPLACED);
    kci_source_want(p, false);
    kci_part_todo(c, p);
    upset(c, p);
    return true;
}

void kci_part_out_of_range(kc_consumer *c, kci_read_part *p, const char *text)
{
    if (!reset(c, p)) {
        kci_part_stop(c, p, KC_E_NO_OFFSET, p->position, p->position, text);
        return;
    }
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER,
            "%.*s [%d]: offset %lld is not in the log: reset by auto.offset.reset",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)p->position);
}

void kci_part_truncated(kc_consumer *c, kci_read_part *p, int64_t end, int32_t epoch)
{
    if (p->first) { /* first what was read before; then this is found out again */
        p->full = true;
        p->resume_bytes = 0;
        return;
    }
    if (c->reset == KCI_RESET_NONE) {
        int64_t next = end >= 0 && end < p->position ? end + KCI_BUG(CUT_TOLD_WRONG) : p->position;
        kci_part_stop(c, p, KC_E_LOG_TRUNCATED, p->position, next, NULL);
        return;
    }
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER,
            "%.*s [%d]: the log was truncated below offset %lld; going on at %lld",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)p->position,
            (long long)end);
    if (end < 0) {
        reset(c, p);
        return;
    }
    kci_part_set_position(c, p, end < p->position ? end : p->position, epoch);
    p->checked_epoch = p->leader_epoch;
    kci_part_todo(c, p);
    upset(c, p);
}
