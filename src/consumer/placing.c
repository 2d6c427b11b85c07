/* SPDX-License-Identifier: Apache-2.0 */
/* Positions: from what was asked for to an offset (ListOffsets), and whether the log still is the
 * one that the position came from (KIP-320). Each step is one probe; its answer puts the partition
 * on the agenda, and the next step follows from its place's state. */
#include "base/planted.h"
#include "consumer/consumer.h"

static void on_probe(kci_probe *probe, kc_err err);

static void ask(kc_consumer *c, kci_read_part *p)
{
    kci_probe *probe = &p->place.probe;
    probe->topic = p->topic->name;
    probe->partition = p->number;
    probe->node = p->replica.leader;
    probe->current_epoch = p->replica.leader_epoch;
    probe->committed = c->set.committed;
    probe->done = on_probe;
    p->refs++;
    kci_probe_ask(&c->probes, probe);
}

static void log_position(kc_consumer *c, const kci_read_part *p)
{
    KCI_LOG(c->log, KC_LOG_DEBUG, KCI_AREA_CONSUMER, "%.*s [%d]: begins at offset %lld",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)p->place.position);
}

void kci_part_place(kc_consumer *c, kci_read_part *p)
{
    kci_place *pl = &p->place;
    kc_position reset;
    const kc_position *to = NULL;
    if (kci_place_needs_reset(pl) &&
        kci_read_settings_reset_to(&c->set, c->sys->wall_ms(c->sys), &reset))
        to = &reset;
    switch (kci_place_next(pl, to)) {
    case KCI_STEP_ASK:
        ask(c, p);
        return;
    case KCI_STEP_PLACED:
        kci_part_positioned(c, p);
        return;
    case KCI_STEP_NO_OFFSET:
        kci_part_stop(c, p, KC_E_NO_OFFSET, pl->position, pl->position, NULL);
        return;
    case KCI_STEP_NONE:
        return;
    }
}

static void answered(kc_consumer *c, kci_read_part *p)
{
    const kci_probe *probe = &p->place.probe;
    kci_part_succeeded(p, -1);
    switch (kci_place_answered(&p->place, p->replica.leader_epoch)) {
    case KCI_NEWS_PLACED:
        kci_part_positioned(c, p);
        log_position(c, p);
        return;
    case KCI_NEWS_TRUNCATED:
        kci_part_truncated(c, p, probe->offset, probe->found_epoch);
        return;
    case KCI_NEWS_AGAIN:
    case KCI_NEWS_INTACT:
        return;
    }
}

static void failed(kc_consumer *c, kci_read_part *p, kc_err err)
{
    if (kci_place_unanswered(&p->place, err, p->replica.leader_epoch))
        return;
    if (!kci_probe_is_retriable(err))
        kci_part_report(c, p, err, NULL);
    kci_part_retry(c, p);
}

static void on_probe(kci_probe *probe, kc_err err)
{
    kci_read_part *p = KCI_CONTAINER_OF(probe, kci_read_part, place.probe);
    kc_consumer *c = p->consumer;
    bool alive = p->assigned && !c->detached;
    bool current = alive && kci_place_is_current(&p->place);
    if (current && err != KC_OK)
        failed(c, p, err);
    else if (current)
        answered(c, p);
    if (alive && kci_agenda_is_due(&c->agenda, &p->turn))
        kci_part_todo(c, p);
    kci_part_unref(p);
}

/* Brokers have refused a position: the next one may have to wait. */
static void upset(kc_consumer *c, kci_read_part *p)
{
    uint32_t pauses = kci_place_upset(&p->place, kci_agenda_now(&c->agenda));
    if (pauses > 0)
        kci_part_pause(c, p, pauses);
}

/* Begins at auto.offset.reset; the queue is empty. */
static void reset(kc_consumer *c, kci_read_part *p)
{
    kci_place_reset(&p->place);
    kci_fetching_want(&p->fetching, NULL);
    kci_part_todo(c, p);
    upset(c, p);
}

void kci_part_out_of_range(kc_consumer *c, kci_read_part *p, const char *text)
{
    int64_t position = p->place.position;
    if (c->set.reset == KCI_RESET_NONE) {
        kci_part_stop(c, p, KC_E_NO_OFFSET, position, position, text);
        return;
    }
    reset(c, p);
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER,
            "%.*s [%d]: offset %lld is not in the log: reset by auto.offset.reset",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)position);
}

void kci_part_truncated(kc_consumer *c, kci_read_part *p, int64_t end, int32_t epoch)
{
    int64_t position = p->place.position;
    if (kci_part_hold(c, p)) /* first what was read before; then this is found out again */
        return;
    if (c->set.reset == KCI_RESET_NONE) {
        int64_t next = end >= 0 && end < position ? end + KCI_BUG(CUT_TOLD_WRONG) : position;
        kci_part_stop(c, p, KC_E_LOG_TRUNCATED, position, next, NULL);
        return;
    }
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER,
            "%.*s [%d]: the log was truncated below offset %lld; going on at %lld",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)position,
            (long long)end);
    if (end < 0) {
        reset(c, p);
        return;
    }
    kci_place_set(&p->place, end < position ? end : position, epoch);
    kci_place_confirmed(&p->place, p->replica.leader_epoch);
    kci_part_positioned(c, p);
    kci_part_todo(c, p);
    upset(c, p);
}
