/* SPDX-License-Identifier: Apache-2.0 */
/* Application threads that wait for something of a producer, a consumer or an admin: room,
 * metadata, outcomes, answers, the end. Each waits on an event of its own, so that none can take
 * another's signal; the events are kept for reuse. There is one set per resident, and
 * core/resident.c wakes all of it when the resident's phase changes.
 *
 * Use: begin, then look at the condition, wait, look again ..., end. Whoever changes a condition
 * calls kci_waiters_wake() afterwards, which costs a fence and a load when nobody waits.
 *
 * A wait that ends says why: KC_E_TIMED_OUT is the deadline and nothing else. */
#ifndef CORE_WAITERS_H
#define CORE_WAITERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "io/event.h"

/* What is waited for; bits. */
enum {
    KCI_WAIT_ROOM = 1,
    KCI_WAIT_METADATA = 2,
    KCI_WAIT_OUTCOME = 4,
    KCI_WAIT_ANSWER = 8,
    KCI_WAIT_LIFE = 16, /* the resident's phase; everybody waits for it too */
    KCI_WAIT_DEAF = 32  /* not interrupted: the interruption stays for others */
};

typedef struct kci_waiter {
    kci_link link;
    kci_event *event;
    unsigned what;
    bool interrupted;
    bool owned; /* by whoever made it: not for reuse by others */
} kci_waiter;

typedef struct kci_waiters {
    pthread_mutex_t lock;
    kci_list active;
    kci_list idle;
    atomic_uint what; /* of all that are active */
    bool interrupt;   /* the next one to begin is interrupted */
    kci_loop *loop;
    bool driven;
} kci_waiters;

kc_err kci_waiters_init(kci_waiters *ws, kci_loop *loop, bool driven);
void kci_waiters_free(kci_waiters *ws); /* nobody may be waiting */

/* A waiter of the caller's own, for waits that must not fail: one thread at a time. */
kc_err kci_waiter_new(kci_waiters *ws, kci_waiter **out);
void kci_waiter_free(kci_waiter *w); /* it does not wait; NULL is fine */
void kci_waiter_begin(kci_waiters *ws, kci_waiter *w, unsigned what);

/* The same with a waiter that is kept for this. KC_E_NO_MEMORY. */
kc_err kci_waiters_begin(kci_waiters *ws, unsigned what, kci_waiter **out);

/* From now on it waits for something else. Then the caller looks at the condition again. */
void kci_waiter_change(kci_waiters *ws, kci_waiter *w, unsigned what);

/* KC_OK: woken since begin or the last wait; KC_E_TIMED_OUT; KC_E_INTERRUPTED. */
kc_err kci_waiter_wait(kci_waiters *ws, kci_waiter *w, int64_t deadline_us);

void kci_waiters_end(kci_waiters *ws, kci_waiter *w);

/* Any thread. Wakes those who wait for one of these. */
void kci_waiters_wake(kci_waiters *ws, unsigned what);

/* Any thread. Interrupts all that wait and are not deaf; if there are none, the next one. */
void kci_waiters_interrupt(kci_waiters *ws);

/* True when somebody waits for one of these. */
static inline bool kci_waiters_any(kci_waiters *ws, unsigned what)
{
    return (atomic_load_explicit(&ws->what, memory_order_relaxed) & what) != 0;
}

#endif
