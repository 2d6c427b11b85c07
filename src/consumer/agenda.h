/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be looked at: at once (todo), or when its time has come (waiting). Items are embedded
 * in what they stand for; the agenda knows nothing of it. It owns the one timer, which is set for
 * the earliest time that anybody asked for. Nothing here is periodic.
 *
 * Under the consumer's lock. Any thread may put items on the todo list or take them off; all else
 * is the loop's. Only agenda.c writes these structs. */
#ifndef CONSUMER_AGENDA_H
#define CONSUMER_AGENDA_H

#include "base/backoff.h"
#include "base/list.h"
#include "io/loop.h"

/* Zeroed: on no list, due. */
typedef struct kci_agenda_item {
    kci_link link;      /* on todo or waiting */
    bool waiting;       /* on which of the two */
    int64_t not_before; /* loop time; 0: at once */
    uint32_t failures;  /* in a row */
} kci_agenda_item;

typedef struct kci_agenda {
    kci_loop *loop;
    kci_list todo, waiting;
    kci_timer timer;
    int64_t due_us; /* when the timer is to fire; INT64_MAX: never */
    kci_backoff backoff;
    kci_random random;
} kci_agenda;

/* The timer's function, which calls kci_agenda_wake, and the loop's room for a timer are the
 * caller's to see to. */
void kci_agenda_init(kci_agenda *a, kci_loop *loop, uint64_t seed);
void kci_agenda_set_backoff(kci_agenda *a, int64_t base_us, int64_t max_us);
void kci_agenda_stop(kci_agenda *a);

/* To be looked at; whether that will be of use is decided then (kci_agenda_is_due). */
void kci_agenda_todo(kci_agenda *a, kci_agenda_item *item);

/* The first of the todo list, taken off; NULL: it is empty. */
kci_agenda_item *kci_agenda_next(kci_agenda *a);

/* Not before that time; then it goes to the todo list. */
void kci_agenda_wait(kci_agenda *a, kci_agenda_item *item, int64_t at_us);

/* Not before a pause that grows with `times`. */
void kci_agenda_pause(kci_agenda *a, kci_agenda_item *item, uint32_t times);

/* It has failed once more: a pause that grows with the failures since kci_agenda_succeeded. */
void kci_agenda_retry(kci_agenda *a, kci_agenda_item *item);
void kci_agenda_succeeded(kci_agenda_item *item);

/* What it waited for is there: it is due. */
void kci_agenda_no_pause(kci_agenda_item *item);
bool kci_agenda_is_due(const kci_agenda *a, const kci_agenda_item *item);

/* Off the lists. */
void kci_agenda_remove(kci_agenda_item *item);

/* The timer is to fire at that time, or before. For what has no item. */
void kci_agenda_due_at(kci_agenda *a, int64_t at_us);

/* A pause that grows with `times`, in microseconds. */
int64_t kci_agenda_delay(kci_agenda *a, uint32_t times);

/* The timer has fired: items whose time has come go to the todo list. What has no item asks again
 * by kci_agenda_due_at. */
void kci_agenda_wake(kci_agenda *a);

static inline int64_t kci_agenda_now(const kci_agenda *a)
{
    return kci_loop_now(a->loop);
}

#endif
