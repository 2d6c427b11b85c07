/* SPDX-License-Identifier: Apache-2.0 */
/* What every public call needs: one thread at a time, deadlines, waits, errors with a sentence. */
#include "base/err.h"
#include "consumer/consumer.h"

kc_err kci_consumer_enter(kc_consumer *c, kc_error *detail)
{
    if (!c)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the consumer is NULL");
    kc_err err = kci_client_check(c->client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    if (atomic_exchange_explicit(&c->inside, true, memory_order_acquire))
        return kci_fail(detail, KC_E_STATE,
                        "another thread is in a call on this consumer: use one thread at a time");
    if (!c->closed)
        return KC_OK;
    kci_consumer_leave(c);
    return kci_fail(detail, KC_E_CLOSED, NULL);
}

void kci_consumer_leave(kc_consumer *c)
{
    atomic_store_explicit(&c->inside, false, memory_order_release);
}

int64_t kci_consumer_deadline(kc_consumer *c, int32_t timeout_ms, int32_t default_ms)
{
    if (timeout_ms < 0)
        timeout_ms = default_ms;
    return timeout_ms < 0 ? INT64_MAX : c->sys->mono_us(c->sys) + (int64_t)timeout_ms * 1000;
}

kc_err kci_consumer_fail(kc_consumer *c, kc_error *detail, kc_err err)
{
    if (err == KC_OK)
        return KC_OK;
    kc_error problem;
    if (err == KC_E_TIMED_OUT && kci_client_last_problem(c->client, &problem) != KC_OK)
        return kci_fail(detail, err, "no answer in time; the last problem was: %s", problem.text);
    return kci_fail(detail, err, NULL);
}

void kci_consumer_wait_begin(kc_consumer *c)
{
    kci_waiter_begin(&c->life.waiters, c->life.own, KCI_WAIT_ANSWER);
}

void kci_consumer_wait_end(kc_consumer *c)
{
    kci_waiters_end(&c->life.waiters, c->life.own);
}

void kci_consumer_answered(kc_consumer *c)
{
    kci_waiters_wake(&c->life.waiters, KCI_WAIT_ANSWER);
}

bool kci_consumer_wait(kc_consumer *c, int64_t deadline_us, kc_err *err)
{
    *err = KC_OK;
    if (!c->closed && !atomic_load(&c->interrupted))
        *err = kci_waiter_wait(&c->life.waiters, c->life.own, deadline_us);
    if (c->closed || kci_client_check(c->client) != KC_OK)
        *err = KC_E_CLOSED;
    else if (atomic_exchange(&c->interrupted, false))
        *err = KC_E_INTERRUPTED;
    return *err == KC_OK;
}

void kci_consumer_post(kc_consumer *c)
{
    kci_resident_post(&c->life);
}

void kci_consumer_sync_readable(kc_consumer *c)
{
    if (!kci_list_is_empty(&c->ready.list) || c->closed) {
        kci_event_signal(c->ready.event);
        return;
    }
    kci_event_clear(c->ready.event);
    if (c->fetcher.starved) /* by what paused parts hold, perhaps: it may be dropped now */
        kci_consumer_post(c);
    if (atomic_load(&c->interrupted)) /* set before its signal, which may just have been cleared */
        kci_event_signal(c->ready.event);
}
