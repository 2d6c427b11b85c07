/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of an event, for event.c and drive.c only. */
#ifndef IO_EVENT_IMPL_H
#define IO_EVENT_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "io/event.h"
#include "io/wake_fd.h"

/* kci_event.state; bits. A thread that sleeps on the event is woken by either. */
enum {
    KCI_EVENT_SET = 1,
    KCI_EVENT_NUDGED = 2 /* look whether the loop is free to be run (io/drive.h) */
};

struct kci_event {
    kci_loop *loop;
    bool driven;
    _Atomic(uint32_t) state;
    atomic_int waiters; /* threads that sleep on the state */
    atomic_int driving; /* threads that run the loop until it is set */
    atomic_bool has_fd;
    kci_wake_fd fd;
    pthread_mutex_t making_fd;
};

/* Sleeps once, while no bit of the state is set; counted in `waiters` by the caller. false: the
 * deadline has passed. */
bool kci_event_sleep(kci_event *event, int64_t deadline_us);

/* Any thread: wakes those who sleep without setting it. */
void kci_event_nudge(kci_event *event);

#endif
