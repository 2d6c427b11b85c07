/* SPDX-License-Identifier: Apache-2.0 */
/* What the loop calls: tasks, timers, news of brokers and metadata, answers to probes, the end. */
#include "consumer/consumer.h"

static kc_consumer *consumer_of(kci_user *user)
{
    return KCI_CONTAINER_OF(user, kc_consumer, user);
}

/* The loop lets go: lock held, released inside. What the application may be reading stays until it
 * frees the handle. */
static void detach(kc_consumer *c, bool tell)
{
    c->closed = true;
    if (!c->detached) {
        int32_t topic = 0, at = 0;
        kci_loop_post(c->loop, &c->task); /* the last time: see on_task */
        c->detached = true;
        kci_credit_detach(c->credit);
        kci_timer_stop(c->loop, &c->timer);
        for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));) {
            if (p->source)
                kci_source_remove(p->source, p);
        }
        kci_consumer_stop_fetching(c, tell);
        kci_probes_close(&c->probes);
    }
    pthread_mutex_unlock(&c->lock);
    kci_event_signal(c->readable);
    kci_event_signal(c->answered);
}

static void on_task(kci_task *task)
{
    kc_consumer *c = KCI_CONTAINER_OF(task, kc_consumer, task);
    pthread_mutex_lock(&c->lock);
    if (c->detached) {
        c->task_is_over = true;
        kci_consumer_maybe_gone(c);
    } else if (c->end_asked) {
        detach(c, true);
    } else {
        kci_consumer_run(c);
        pthread_mutex_unlock(&c->lock);
    }
}

static void on_timer(kci_timer *timer)
{
    kc_consumer *c = KCI_CONTAINER_OF(timer, kc_consumer, timer);
    pthread_mutex_lock(&c->lock);
    kci_consumer_wake_due(c);
    kci_consumer_run(c);
    pthread_mutex_unlock(&c->lock);
}

static void on_metadata(kci_user *user, const kci_metadata *now)
{
    (void)now;
    kc_consumer *c = consumer_of(user);
    pthread_mutex_lock(&c->lock);
    if (!c->detached) {
        kci_consumer_take_metadata(c);
        kci_consumer_run(c);
    }
    pthread_mutex_unlock(&c->lock);
}

static void on_node(kci_user *user, int32_t node, kci_class cls, kci_node_state state, kc_err err)
{
    kc_consumer *c = consumer_of(user);
    pthread_mutex_lock(&c->lock);
    if (!c->detached && cls == KCI_CLASS_FETCH) {
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
    bool gone = c->task_is_over && c->flying == 0 && c->probes.call_count == 0;
    if (gone)
        kci_consumer_drop_sources(c);
    pthread_mutex_unlock(&c->lock);
    if (!gone)
        return;
    kci_loop_reserve_timers(c->loop, -1);
    kci_user_closed(c->client, &c->user);
    kci_user_remove(c->client, &c->user);
    kci_consumer_unref(c);
}

static void on_close(kci_user *user, int64_t deadline_us)
{
    (void)deadline_us;
    pthread_mutex_lock(&consumer_of(user)->lock);
    detach(consumer_of(user), false);
}

void kci_consumer_set_entries(kc_consumer *c)
{
    c->probes.on_answers = on_probe_answers;
    c->task.fn = on_task;
    c->timer.fn = on_timer;
    c->user.kind = "consumer";
    c->user.on_metadata = on_metadata;
    c->user.on_node = on_node;
    c->user.on_close = on_close;
}
