/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/waiters.h"

#include <string.h>

#include "base/mem.h"

kc_err kci_waiters_init(kci_waiters *ws, kci_loop *loop, bool driven)
{
    memset(ws, 0, sizeof *ws);
    if (pthread_mutex_init(&ws->lock, NULL) != 0)
        return KC_E_NO_MEMORY;
    kci_list_init(&ws->active);
    kci_list_init(&ws->idle);
    ws->loop = loop;
    ws->driven = driven;
    return KC_OK;
}

static kci_waiter *waiter_of(kci_link *link)
{
    return link ? KCI_CONTAINER_OF(link, kci_waiter, link) : NULL;
}

void kci_waiters_free(kci_waiters *ws)
{
    for (;;) {
        kci_waiter *w = waiter_of(kci_list_pop_front(&ws->idle));
        if (!w)
            break;
        kci_event_free(w->event);
        kci_free(w);
    }
    pthread_mutex_destroy(&ws->lock);
}

static kc_err waiter_new(kci_waiters *ws, kci_waiter **out)
{
    kci_waiter *w = kci_calloc(1, sizeof *w);
    if (!w)
        return KC_E_NO_MEMORY;
    kc_err err = kci_event_new(ws->loop, ws->driven, &w->event);
    if (err != KC_OK) {
        kci_free(w);
        return err;
    }
    *out = w;
    return KC_OK;
}

static unsigned what_is_waited_for(const kci_waiters *ws)
{
    unsigned what = 0;
    for (kci_link *at = kci_list_first(&ws->active); at; at = kci_list_next(&ws->active, at))
        what |= waiter_of(at)->what;
    return what;
}

kc_err kci_waiters_begin(kci_waiters *ws, unsigned what, kci_waiter **out)
{
    pthread_mutex_lock(&ws->lock);
    kci_waiter *w = waiter_of(kci_list_pop_front(&ws->idle));
    pthread_mutex_unlock(&ws->lock);
    if (!w) {
        kc_err err = waiter_new(ws, &w);
        if (err != KC_OK)
            return err;
    }
    kci_event_clear(w->event);
    w->what = what;
    pthread_mutex_lock(&ws->lock);
    w->interrupted = ws->interrupt;
    ws->interrupt = false;
    kci_list_push_back(&ws->active, &w->link);
    atomic_store(&ws->what, what_is_waited_for(ws));
    pthread_mutex_unlock(&ws->lock);
    /* Pairs with the fence of wake: either the waker sees us, or we see what it changed. */
    atomic_thread_fence(memory_order_seq_cst);
    *out = w;
    return KC_OK;
}

static bool take_interruption(kci_waiters *ws, kci_waiter *w)
{
    pthread_mutex_lock(&ws->lock);
    bool interrupted = w->interrupted;
    w->interrupted = false;
    pthread_mutex_unlock(&ws->lock);
    return interrupted;
}

kc_err kci_waiter_wait(kci_waiters *ws, kci_waiter *w, int64_t deadline_us)
{
    if (take_interruption(ws, w))
        return KC_E_INTERRUPTED;
    if (!kci_event_wait(w->event, deadline_us))
        return KC_E_TIMED_OUT;
    kci_event_clear(w->event);
    return take_interruption(ws, w) ? KC_E_INTERRUPTED : KC_OK;
}

void kci_waiters_end(kci_waiters *ws, kci_waiter *w)
{
    pthread_mutex_lock(&ws->lock);
    /* A wakeup that came too late to be noticed is for the next wait. */
    if (w->interrupted)
        ws->interrupt = true;
    kci_link_remove(&w->link);
    kci_list_push_front(&ws->idle, &w->link);
    atomic_store(&ws->what, what_is_waited_for(ws));
    pthread_mutex_unlock(&ws->lock);
}

void kci_waiters_wake(kci_waiters *ws, unsigned what)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!kci_waiters_any(ws, what))
        return;
    pthread_mutex_lock(&ws->lock);
    for (kci_link *at = kci_list_first(&ws->active); at; at = kci_list_next(&ws->active, at)) {
        if (waiter_of(at)->what & what)
            kci_event_signal(waiter_of(at)->event);
    }
    pthread_mutex_unlock(&ws->lock);
}

void kci_waiters_interrupt(kci_waiters *ws)
{
    pthread_mutex_lock(&ws->lock);
    ws->interrupt = kci_list_is_empty(&ws->active);
    for (kci_link *at = kci_list_first(&ws->active); at; at = kci_list_next(&ws->active, at)) {
        waiter_of(at)->interrupted = true;
        kci_event_signal(waiter_of(at)->event);
    }
    pthread_mutex_unlock(&ws->lock);
}
