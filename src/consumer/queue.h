/* SPDX-License-Identifier: Apache-2.0 */
/* What poll gets of a partition: slices of answers that wait to be read, an error, the end of the
 * partition. While there is something, the queue is on the list of those that are ready.
 *
 * Under the consumer's lock, any thread; but the first slice while a poll reads it belongs to that
 * poll. Only queue.c writes these structs. */
#ifndef CONSUMER_QUEUE_H
#define CONSUMER_QUEUE_H

#include "base/list.h"
#include "io/event.h"
#include "reading/slice.h"

/* The queues with something for poll, in the order of their turns. */
typedef struct kci_ready_list {
    kci_list list;
    kci_event *event; /* signalled when a queue comes on the list */
} kci_ready_list;

/* An error for poll. */
typedef struct kci_trouble {
    kc_err err;           /* KC_OK: none */
    int64_t offset, next; /* where it is, and where reading could go on */
    const char *text;     /* static; NULL: the error table's */
} kci_trouble;

typedef struct kci_queue {
    kci_ready_list *ready;
    kci_slice *first, *last;
    size_t bytes; /* of records in them */
    bool full;    /* nothing more is to be fetched until no more than resume_bytes are queued */
    size_t resume_bytes;
    bool paused; /* by the application: slices are kept from it, errors are not */
    kci_trouble trouble;
    kc_err told;        /* the last error that was reported and may go away by itself */
    bool at_end;        /* poll is to say that this is the end */
    int64_t end_offset; /* where it was said, or is to be said, last; -1: nowhere */
    kci_link link;      /* in ready->list */
} kci_queue;

void kci_ready_list_init(kci_ready_list *ready);
kci_queue *kci_ready_list_first(const kci_ready_list *ready); /* NULL: none is */

/* ready: lives longer. */
void kci_queue_init(kci_queue *q, kci_ready_list *ready);

/* Gives its slices up, for the end of its life; it is on no list then. */
void kci_queue_clear(kci_queue *q);

/* Appends a slice, with a reference of its own. An end that was to be told is not the end any more.
 * The queue is full beyond `limit` bytes; after a slice with a damaged tail until it is empty. */
void kci_queue_put(kci_queue *q, kci_slice *slice, size_t limit);

/* Gives up the first slice, which has been read, and lets other queues have their turn. */
void kci_queue_pop(kci_queue *q);

/* Gives up all that is queued: it is not full any more. Events stay. */
void kci_queue_drop(kci_queue *q);

/* Nothing more is to be fetched until what is queued has been read. False: nothing is queued. */
bool kci_queue_hold(kci_queue *q);

/* Whether it was full and is not any more. Clears that. */
bool kci_queue_resume(kci_queue *q);

void kci_queue_pause(kci_queue *q, bool paused);

/* Whether poll may have its first slice. */
bool kci_queue_may_read(const kci_queue *q);

/* `offset` was reached, which is the end: told once for each offset, and only if nothing is queued.
 */
void kci_queue_reach_end(kci_queue *q, int64_t offset);

/* The log ends at `end` by now: an end before that, not told yet, is none any more. */
void kci_queue_withdraw_end(kci_queue *q, int64_t end);

/* Another position: what is queued and an end not told yet are given up, and an end may be told
 * where it was told before. An error stays. */
void kci_queue_begin(kci_queue *q);

/* Errors and ends not told yet are given up: what was told may be told again. */
void kci_queue_forget_events(kci_queue *q);

/* An error that ends reading: what is queued and an end not told yet are given up. */
void kci_queue_stop(kci_queue *q, kci_trouble trouble);

/* An error that may go away by itself: false if it was told already and has not gone away. */
bool kci_queue_report(kci_queue *q, kci_trouble trouble);
void kci_queue_went_away(kci_queue *q);

/* What poll tells: taken out. Err KC_OK, false: there is none. */
kci_trouble kci_queue_take_trouble(kci_queue *q);
bool kci_queue_take_end(kci_queue *q);

#endif
