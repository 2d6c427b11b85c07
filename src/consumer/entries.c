/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop calls: tasks, timers, news of brokers and metadata, answers to probes, the end. */
#include "consumer/consumer.h"

static kc_consumer *consumer_of(kci_resident *r)
{
    return KCI_CONTAINER_OF(r, kc_consumer, life);
}

/* Does what is on the agenda, then asks what can be asked. */
static void run(kc_consumer *c)
{
    if (c->detached || c->closed)
        return;
    for (kci_agenda_item *item; (item = kci_agenda_next(&c->agenda));)
        kci_part_route(c, KCI_CONTAINER_OF(item, kci_read_part, turn));
    kci_consumer_run_queries(c);
    kci_probes_send(&c->probes);
    kci_consumer_fetch(c);
    if (!kci_list_is_empty(&c->agenda.todo)) /* parts whose leader's epoch is to be checked first */
        kci_consumer_post(c);
}

/* Something of a detached consumer has ended; perhaps it is freed. Lock held, released inside. */
static void maybe_gone(kc_consumer *c)
{
    pthread_mutex_unlock(&c->lock);
    kci_resident_look(&c->life);
}

/* The loop lets go. What the application may be reading stays until it frees the handle. */
void kci_consumer_detach(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    int32_t topic = 0, at = 0;
    pthread_mutex_lock(&c->lock);
    c->closed = c->detached = true;
    kci_credit_detach(c->credit);
    kci_agenda_stop(&c->agenda);
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));)
        kci_session_remove(&p->fetching);
    kci_consumer_stop_fetching(c, !r->client_closes);
    kci_probes_close(&c->probes);
    pthread_mutex_unlock(&c->lock);
    kci_event_signal(c->ready.event);
}

void kci_consumer_on_post(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    run(c);
    pthread_mutex_unlock(&c->lock);
}

static void on_timer(kci_timer *timer)
{
    kc_consumer *c = KCI_CONTAINER_OF(timer, kc_consumer, agenda.timer);
    pthread_mutex_lock(&c->lock);
    kci_agenda_wake(&c->agenda);
    kci_questions_wake(&c->questions);
    kci_consumer_time_sources(c);
    run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_attached(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    kci_consumer_take_metadata(c); /* there may be a newer one by now */
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_on_metadata(kci_resident *r, const kci_metadata *now)
{
    (void)now;
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    kci_consumer_take_metadata(c);
    run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_on_node(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                          kci_node_state state, kc_err err)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    if (err == KC_E_AUTHENTICATION || err == KC_E_TLS)
        kci_fetcher_refuse(&c->fetcher, err);
    if (cls == KCI_CLASS_FETCH && lane == c->lane) {
        kci_consumer_node_changed(c, node, state);
        run(c);
    }
    pthread_mutex_unlock(&c->lock);
}

static void on_probe_answers(kci_probes *probes, bool stale)
{
    kc_consumer *c = KCI_CONTAINER_OF(probes, kc_consumer, probes);
    if (c->detached) {
        maybe_gone(c);
        return;
    }
    if (stale)
        kci_client_refresh(c->client);
    run(c);
    pthread_mutex_unlock(&c->lock);
}

bool kci_consumer_is_busy(kci_resident *r)
{
    const kc_consumer *c = consumer_of(r);
    return c->fetcher.flying > 0 || c->probes.call_count > 0;
}

void kci_consumer_gone(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    kci_sources_drop(c);
    pthread_mutex_unlock(&c->lock);
    kci_client_give_lane(c->client, c->lane);
}

static void on_fetch_end(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_source *s = KCI_CONTAINER_OF(call, kci_source, call);
    kc_consumer *c = s->consumer;
    pthread_mutex_lock(&c->lock);
    kci_source_ended(c, s, err, response, why);
    if (c->detached) {
        maybe_gone(c);
        return;
    }
    run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_set_entries(kc_consumer *c)
{
    c->fetcher.on_end = on_fetch_end;
    c->probes.on_answers = on_probe_answers;
    c->agenda.timer.fn = on_timer;
}
