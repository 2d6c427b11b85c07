/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop calls: tasks, timers, news of brokers and metadata, answers to probes, the end. */
#include "consumer/consumer.h"

static kc_consumer *consumer_of(kci_resident *r)
{
    return KCI_CONTAINER_OF(r, kc_consumer, life);
}

/* The loop lets go. What the application may be reading stays until it frees the handle. */
void kci_consumer_detach(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    int32_t topic = 0, at = 0;
    pthread_mutex_lock(&c->lock);
    c->closed = c->detached = true;
    kci_credit_detach(c->credit);
    kci_timer_stop(c->loop, &c->timer);
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));) {
        if (p->source)
            kci_source_remove(p->source, p);
    }
    kci_consumer_stop_fetching(c, !r->client_closes);
    kci_probes_close(&c->probes);
    pthread_mutex_unlock(&c->lock);
    kci_event_signal(c->readable);
}

void kci_consumer_on_post(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    kci_consumer_run(c);
    pthread_mutex_unlock(&c->lock);
}

static void on_timer(kci_timer *timer)
{
    kc_consumer *c = KCI_CONTAINER_OF(timer, kc_consumer, timer);
    pthread_mutex_lock(&c->lock);
    kci_consumer_wake_due(c);
    kci_consumer_run(c);
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
    kci_consumer_run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_on_node(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                          kci_node_state state, kc_err err)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    if (cls == KCI_CLASS_FETCH && lane == c->lane) {
        kci_consumer_node_changed(c, node, state, err);
        kci_consumer_run(c);
    } else if (err == KC_E_AUTHENTICATION || err == KC_E_TLS) {
        c->refused = err;
    }
    pthread_mutex_unlock(&c->lock);
}

static void on_probe_answers(kci_probes *probes, bool stale)
{
    kc_consumer *c = KCI_CONTAINER_OF(probes, kc_consumer, probes);
    if (c->detached) {
        kci_consumer_maybe_gone(c);
        return;
    }
    if (stale)
        kci_client_refresh(c->client);
    kci_consumer_run(c);
    pthread_mutex_unlock(&c->lock);
}

void kci_consumer_maybe_gone(kc_consumer *c)
{
    pthread_mutex_unlock(&c->lock);
    kci_resident_look(&c->life);
}

bool kci_consumer_is_busy(kci_resident *r)
{
    const kc_consumer *c = consumer_of(r);
    return c->flying > 0 || c->probes.call_count > 0;
}

void kci_consumer_gone(kci_resident *r)
{
    kc_consumer *c = consumer_of(r);
    pthread_mutex_lock(&c->lock);
    kci_consumer_drop_sources(c);
    pthread_mutex_unlock(&c->lock);
    kci_client_give_lane(c->client, c->lane);
}

void kci_consumer_set_entries(kc_consumer *c)
{
    c->probes.on_answers = on_probe_answers;
    c->timer.fn = on_timer;
}
