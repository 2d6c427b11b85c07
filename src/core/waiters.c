/* SPDX-License-Identifier: Apache-2.0 */
#include "core/waiters.h"

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
    for (kci_waiter *w; (w = waiter_of(kci_list_pop_front(&ws->idle)));) {
        kci_event_free(w->event);
        kci_free(w);
    }
    pthread_mutex_destroy(&ws->lock);
}

static kc_err make(kci_waiters *ws, kci_waiter **out)
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

kc_err kci_waiter_new(kci_waiters *ws, kci_waiter **out)
{
    kc_err err = make(ws, out);
    if (err == KC_OK)
        (*out)->owned = true;
    return err;
}

void kci_waiter_free(kci_waiter *w)
{
    if (!w)
        return;
    kci_event_free(w->event);
    kci_free(w);
}

/* Under the lock, after any change of what is active. */
static void count(kci_waiters *ws)
{
    unsigned what = 0;
    for (kci_link *at = kci_list_first(&ws->active); at; at = kci_list_next(&ws->active, at))
        what |= waiter_of(at)->what;
    atomic_store(&ws->what, what);
}

void kci_waiter_begin(kci_waiters *ws, kci_waiter *w, unsigned what)
{
    kci_event_clear(w->event);
    w->what = what | KCI_WAIT_LIFE;
    pthread_mutex_lock(&ws->lock);
    w->interrupted = ws->interrupt && !(what & KCI_WAIT_DEAF);
    if (w->interrupted)
        ws->interrupt = false;
    kci_list_push_back(&ws->active, &w->link);
    count(ws);
    pthread_mutex_unlock(&ws->lock);
    /* Pairs with the fence of wake: either the waker sees us, or we see what it changed. */
    atomic_thread_fence(memory_order_seq_cst);
}

kc_err kci_waiters_begin(kci_waiters *ws, unsigned what, kci_waiter **out)
{
    pthread_mutex_lock(&ws->lock);
    kci_waiter *w = waiter_of(kci_list_pop_front(&ws->idle));
    pthread_mutex_unlock(&ws->lock);
    if (!w) {
        kc_err err = make(ws, &w);
        if (err != KC_OK)
            return err;
    }
    kci_waiter_begin(ws, w, what);
    *out = w;
    return KC_OK;
}

void kci_waiter_change(kci_waiters *ws, kci_waiter *w, unsigned what)
{
    pthread_mutex_lock(&ws->lock);
    w->what = what | KCI_WAIT_LIFE;
    count(ws);
    pthread_mutex_unlock(&ws->lock);
    atomic_thread_fence(memory_order_seq_cst); /* as in begin */
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
    if (!w->owned)
        kci_list_push_front(&ws->idle, &w->link);
    count(ws);
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
    bool any = false;
    pthread_mutex_lock(&ws->lock);
    for (kci_link *at = kci_list_first(&ws->active); at; at = kci_list_next(&ws->active, at)) {
        kci_waiter *w = waiter_of(at);
        if (w->what & KCI_WAIT_DEAF)
            continue;
        any = w->interrupted = true;
        kci_event_signal(w->event);
    }
    ws->interrupt |= !any;
    pthread_mutex_unlock(&ws->lock);
}
