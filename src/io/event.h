/* SPDX-License-Identifier: Apache-2.0 */
/* A level-triggered flag on which application threads wait: "there are deliveries", "there is
 * room". Behind every kc_*_fd(). In a client that has no thread of its own, waiting drives the
 * loop. */
#ifndef IO_EVENT_H
#define IO_EVENT_H

#include "io/loop.h"

typedef struct kci_event kci_event;

/* driven: the loop has no thread; kci_event_wait() steps it itself. */
kc_err kci_event_new(kci_loop *loop, bool driven, kci_event **out);
void kci_event_free(kci_event *event);

/* Any thread, also in a signal handler. Sets the flag; no syscall when it is set already, or when
 * nobody waits and no descriptor was asked for. In a driven client it ends a sleeping step. */
void kci_event_signal(kci_event *event);

/* Any thread. Clears it; the caller then looks at the state the event stands for. */
void kci_event_clear(kci_event *event);

bool kci_event_is_set(kci_event *event);

/* Application threads. Waits until the flag is set or mono_us reaches deadline_us (INT64_MAX:
 * none). Returns true if it is set. Does not clear it. */
bool kci_event_wait(kci_event *event, int64_t deadline_us);

/* A descriptor readable while the flag is set; made on first use; -1 when that fails. Owned by the
 * event. In a driven client it does not become readable by itself: use the client's fd. */
int kci_event_fd(kci_event *event);

#endif
