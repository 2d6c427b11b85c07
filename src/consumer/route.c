/* SPDX-License-Identifier: Apache-2.0 */
/* What each partition needs next: a leader, a position, a check, to be fetched, or time. Whoever
 * changes something about a partition puts it on the agenda; one function looks at it and decides.
 * Nothing here is periodic. */
#include "base/planted.h"
#include "consumer/consumer.h"

/* ---- leaders ------------------------------------------------------------------------------ */

/* The brokers do not know the topic or the partition: reported when that lasts. */
static void missing(kc_consumer *c, kci_read_part *p, kc_err err)
{
    int64_t now = kci_agenda_now(&c->agenda);
    int64_t report_us = kci_replica_missing(&p->replica, now);
    if (now >= report_us)
        kci_part_report(c, p, err, NULL);
    kci_client_refresh(c->client);
    kci_part_retry(c, p);
    if (p->queue.told != err && p->turn.not_before > report_us)
        kci_agenda_wait(&c->agenda, &p->turn, report_us);
}

/* Finds the part's leader in the snapshot; false: it has none now, and will be looked at again. */
static bool find_leader(kc_consumer *c, kci_read_part *p)
{
    kci_read_topic *t = p->topic;
    if (!t->meta)
        kci_topic_look(c, t);
    if (!t->meta) /* asked for: there will be a newer snapshot */
        return false;
    kc_err err = t->meta->err;
    const kci_partition_meta *m = kci_part_meta(p);
    if (!m && err == KC_OK)
        err = KC_E_UNKNOWN_PARTITION;
    if (!m && (err == KC_E_UNKNOWN_PARTITION || err == KC_E_UNKNOWN_TOPIC_OR_PARTITION)) {
        missing(c, p, err);
        return false;
    }
    if (!m || err == KC_E_TOPIC_AUTHORIZATION_FAILED) {
        if (!(kc_error_flags(err) & KC_ERROR_RETRIABLE))
            kci_part_report(c, p, err, NULL);
        return false;
    }
    if (m->leader < 0) {
        kci_client_refresh(c->client);
        kci_part_retry(c, p);
        return false;
    }
    kci_replica_set_leader(&p->replica, m->leader, m->leader_epoch);
    return true;
}

/* ---- brokers ------------------------------------------------------------------------------ */

/* What the preferred replica was asked within its lease is of use, also when the answer comes
 * later. */
static bool is_asked(const kci_read_part *p)
{
    const kci_source *s = kci_source_of(&p->fetching);
    return s && s->id == p->replica.preferred && s->in_flight &&
           s->sent_us < p->replica.preferred_until_us && kci_part_is_current(p, s) &&
           !KCI_BUG(LEASE_TOO_SHORT);
}

/* The broker to fetch from: the leader, or the closer replica that it named, while that is good. */
static int32_t choose_node(kc_consumer *c, kci_read_part *p)
{
    kci_replica *r = &p->replica;
    if (r->preferred < 0)
        return r->leader;
    bool usable = kci_part_replica_is_usable(c, p, r->preferred);
    if (!usable) /* the leader knows it: what we know may be old */
        kci_client_refresh(c->client);
    return kci_replica_choose(r, kci_agenda_now(&c->agenda), usable, is_asked(p));
}

static void join_source(kc_consumer *c, kci_read_part *p)
{
    int32_t node = choose_node(c, p);
    const kci_source *at = kci_source_of(&p->fetching);
    if (!at || at->id != node) {
        kci_source *s = kci_source_get(c, node);
        if (!s) {
            kci_part_retry(c, p);
            return;
        }
        kci_session_remove(&p->fetching);
        kci_session_add(&s->session, &p->fetching);
    }
    kci_part_update_want(c, p);
}

/* ---- the part ----------------------------------------------------------------------------- */

/* The topic is another one: once the old one's records have been read, begins as at first. */
static void begin_anew(kc_consumer *c, kci_read_part *p)
{
    if (kci_part_hold(c, p))
        return;
    kci_place_forget_log(&p->place);
    kci_replica_leave(&p->replica);
    if (p->place.state == KCI_PLACE_UNPLACED)
        kci_part_todo(c, p);
    else
        kci_part_out_of_range(c, p, "the topic was deleted and created again: seek");
}

void kci_part_route(kc_consumer *c, kci_read_part *p)
{
    if (p->place.state == KCI_PLACE_STOPPED) {
        kci_session_remove(&p->fetching);
        return;
    }
    if (!kci_agenda_is_due(&c->agenda, &p->turn)) {
        kci_agenda_wait(&c->agenda, &p->turn, p->turn.not_before);
        kci_part_update_want(c, p);
        return;
    }
    kci_agenda_no_pause(&p->turn);
    if (!find_leader(c, p)) {
        kci_fetching_want(&p->fetching, NULL);
        return;
    }
    if (p->place.recreated) {
        begin_anew(c, p);
        return;
    }
    kci_part_place(c, p);
    if (p->place.state == KCI_PLACE_FETCHING)
        join_source(c, p);
    else
        kci_fetching_want(&p->fetching, NULL);
}
