/* SPDX-License-Identifier: Apache-2.0 */
/* Who runs a loop that has no thread of its own. There is one seat. Of the threads that wait, one
 * sits on it and runs the loop until its own event is set, the driver; the others sleep on their
 * events, and one of them takes over when the driver leaves. Whoever needs the loop for itself (to
 * take things apart when the client has been closed) asks the driver to stand up. */
#ifndef IO_DRIVE_H
#define IO_DRIVE_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/list.h"
#include "io/event.h"

/* One per loop: kci_loop_seat(). */
typedef struct kci_seat {
    pthread_mutex_t lock;
    pthread_cond_t freed; /* for those who wait for the seat without an event */
    bool taken;
    int queue;          /* threads that wait for `freed` */
    kci_list standing;  /* threads that sleep on their events */
    atomic_int claimed; /* threads that ask the driver to stand up */
} kci_seat;

kc_err kci_seat_init(kci_seat *seat);
void kci_seat_destroy(kci_seat *seat);

/* Application threads: true once the event is set, false when the deadline has passed. */
bool kci_drive_until(kci_event *event, int64_t deadline_us);

/* Application threads: one step of the loop that sleeps until max_wait_us (-1: no limit) have
 * passed, the time for which another thread runs it included. */
void kci_drive_step(kci_loop *loop, int64_t max_wait_us);

/* Application threads: nobody else runs the loop from here until kci_drive_end(). false: the driver
 * did not stand up in time, it hangs. */
bool kci_drive_alone(kci_loop *loop, int64_t deadline_us);

/* The same at once and without asking the driver. */
bool kci_drive_try(kci_loop *loop);
void kci_drive_end(kci_loop *loop);

#endif
