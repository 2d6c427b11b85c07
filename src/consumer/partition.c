/* SPDX-License-Identifier: Apache-2.0 */
#include "base/list.h"
#include "consumer/consumer.h"

void kci_part_todo(kc_consumer *c, kci_read_part *p)
{
    kci_agenda_todo(&c->agenda, &p->turn);
}

void kci_part_retry(kc_consumer *c, kci_read_part *p)
{
    kci_agenda_retry(&c->agenda, &p->turn);
    kci_part_update_want(c, p);
}

void kci_part_pause(kc_consumer *c, kci_read_part *p, uint32_t times)
{
    kci_agenda_pause(&c->agenda, &p->turn, times);
    kci_part_update_want(c, p);
}

void kci_part_update_want(kc_consumer *c, kci_read_part *p)
{
    const kci_place *pl = &p->place;
    bool want = pl->state == KCI_PLACE_FETCHING && !p->queue.paused && !p->queue.full &&
                !pl->recreated && kci_agenda_is_due(&c->agenda, &p->turn);
    kci_fetch_ask ask = {
        .offset = pl->fetch_offset,
        .token = pl->token,
        .leader_epoch = p->replica.leader_epoch,
        .last_epoch = kci_place_epoch_to_send(pl),
        .end_known = pl->told,
    };
    kci_fetching_want(&p->fetching, want ? &ask : NULL);
}

bool kci_part_is_current(const kci_read_part *p, const kci_source *s)
{
    return kci_fetching_is_current(&p->fetching, &s->session, p->place.token,
                                   p->place.fetch_offset);
}

void kci_part_begin(kc_consumer *c, kci_read_part *p, const kc_position *at)
{
    p->consumer = c;
    p->assigned = true;
    kci_queue_init(&p->queue, &c->ready);
    kci_place_init(&p->place, at);
    kci_replica_init(&p->replica);
    kci_part_seek(c, p, at);
}

void kci_part_seek(kc_consumer *c, kci_read_part *p, const kc_position *to)
{
    kci_queue_forget_events(&p->queue);
    kci_agenda_succeeded(&p->turn);
    kci_agenda_no_pause(&p->turn);
    kci_replica_leave(&p->replica);
    if (kci_place_seek(&p->place, to))
        kci_part_positioned(c, p);
    else
        kci_queue_begin(&p->queue);
    kci_part_todo(c, p);
}

void kci_part_positioned(kc_consumer *c, kci_read_part *p)
{
    kci_queue_begin(&p->queue);
    kci_consumer_answered(c);
}

void kci_part_drop_queue(kci_read_part *p)
{
    kci_queue_drop(&p->queue);
    kci_place_rewind(&p->place);
}

bool kci_part_hold(kc_consumer *c, kci_read_part *p)
{
    if (!kci_queue_hold(&p->queue))
        return false;
    kci_part_update_want(c, p);
    return true;
}

/* ---- errors ------------------------------------------------------------------------------- */

static void tell(kc_consumer *c, const kci_read_part *p, const kci_trouble *t)
{
    kci_consumer_answered(c);
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER, "%.*s [%d] at offset %lld: %s: %s",
            (int)p->topic->name.size, p->topic->text, p->number, (long long)t->offset,
            kc_error_name(t->err), t->text ? t->text : kc_error_text(t->err));
}

void kci_part_stop(kc_consumer *c, kci_read_part *p, kc_err err, int64_t offset, int64_t next,
                   const char *text)
{
    kci_trouble trouble = { err, offset, next, text };
    kci_place_stop(&p->place, err);
    kci_queue_stop(&p->queue, trouble);
    tell(c, p, &trouble);
    kci_part_todo(c, p);
}

void kci_part_report(kc_consumer *c, kci_read_part *p, kc_err err, const char *text)
{
    kci_trouble trouble = { err, p->place.position, p->place.position, text };
    if (kci_queue_report(&p->queue, trouble))
        tell(c, p, &trouble);
}

void kci_part_succeeded(kci_read_part *p, int32_t node)
{
    kci_agenda_succeeded(&p->turn);
    kci_queue_went_away(&p->queue);
    if (node >= 0)
        kci_replica_did_well(&p->replica, node);
}

void kci_part_leave_preferred(kc_consumer *c, kci_read_part *p)
{
    if (!kci_replica_let_down(&p->replica))
        return;
    kci_source *leader = kci_source_get(c, p->replica.leader);
    if (!leader)
        return;
    kci_replica_forgive(&p->replica);
    kci_source_lead_until(leader, kci_agenda_now(&c->agenda) + c->set.lease_us);
}

/* ---- the application ---------------------------------------------------------------------- */

void kci_part_set_paused(kc_consumer *c, kci_read_part *p, bool paused)
{
    kci_queue_pause(&p->queue, paused);
    kci_part_todo(c, p);
}

void kci_part_unassign(kc_consumer *c, kci_read_part *p)
{
    p->assigned = false;
    kci_queue_forget_events(&p->queue);
    kci_part_drop_queue(p);
    kci_agenda_remove(&p->turn);
    kci_session_remove(&p->fetching);
    if (p->topic->parts.count == 1)
        kci_topic_forget(c, p->topic);
    kci_assignment_remove(&c->assignment, p);
    kci_part_unref(p);
}
