/* SPDX-License-Identifier: Apache-2.0 */
/* Application threads that wait for the producer: for room, for metadata, for outcomes. Each waits
 * on an event of its own, so that none can take another's signal; the events are kept for reuse.
 *
 * Use: begin, then look at the condition, wait, look again ..., end. Whoever changes a condition
 * calls kci_waiters_wake() afterwards, which costs a fence and a load when nobody waits. */
#ifndef PRODUCER_WAITERS_H
#define PRODUCER_WAITERS_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "io/event.h"

/* What is waited for; bits. */
enum { KCI_WAIT_ROOM = 1, KCI_WAIT_METADATA = 2, KCI_WAIT_OUTCOME = 4 };

typedef struct kci_waiter {
    kci_link link;
    kci_event *event;
    unsigned what;
    bool interrupted;
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

/* KC_E_NO_MEMORY, KC_E_IO (no descriptor left). */
kc_err kci_waiters_begin(kci_waiters *ws, unsigned what, kci_waiter **out);

/* KC_OK: woken since begin or the last wait; KC_E_TIMED_OUT; KC_E_INTERRUPTED. */
kc_err kci_waiter_wait(kci_waiters *ws, kci_waiter *w, int64_t deadline_us);

void kci_waiters_end(kci_waiters *ws, kci_waiter *w);

/* Any thread. Wakes those who wait for one of these. */
void kci_waiters_wake(kci_waiters *ws, unsigned what);

/* Any thread. Interrupts all that wait; if there are none, the next one. */
void kci_waiters_interrupt(kci_waiters *ws);

/* True when somebody waits for one of these. */
static inline bool kci_waiters_any(kci_waiters *ws, unsigned what)
{
    return (atomic_load_explicit(&ws->what, memory_order_relaxed) & what) != 0;
}

#endif
