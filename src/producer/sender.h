/* SPDX-License-Identifier: Apache-2.0 */
/* The loop's side of a producer: takes closed batches over, keeps them per partition in order,
 * sends those whose turn it is, and fixes every outcome. Works per batch and per request, never per
 * record. Thread: loop, unless marked "any".
 *
 * A part (partition) that could be sent from is on its peer's `ready` list; kci_sender_consider()
 * puts it there or takes it away after everything that may change that. One turn of the loop sends
 * once, at its end (kci_loop_defer), for all that happened in it.
 *
 * Files: sender.c (this, and the turn), request.c and request_answer.c (Produce), outcome.c (how
 * batches end, time-outs), ids.c (InitProducerId), ending.c (close, purge, detach). */
#ifndef PRODUCER_SENDER_H
#define PRODUCER_SENDER_H

#include <kclient/producer.h>

#include "base/random.h"
#include "core/resident.h"
#include "producer/topics.h"
#include "wire/messages.h"

enum { KCI_SENDER_TIMERS = 6 }; /* that may be set at once */

/* A broker, as one producer sees it. Lives as long as the producer. */
typedef struct kci_peer {
    int32_t id;
    int32_t in_flight; /* requests */
    kci_list ready;    /* parts that have something to send now; first come first served */
    kci_link link;

    /* For partitioners, any thread: since when it neither took nor answered a request, although
     * there are some (0: there are none), and whether it would take another. */
    atomic_int_least64_t silent_us;
    atomic_bool refuses;
} kci_peer;

/* How the producer id is come by. */
typedef struct kci_producer_ids {
    kci_call call;
    kci_init_producer_id_request body;
    kci_timer timer; /* the next attempt */
    bool asking;     /* the call is under way */
    uint32_t failures;
    int64_t id; /* -1: none */
    int16_t epoch;
} kci_producer_ids;

/* Partitions that stand still: stuck.c's. */
typedef struct kci_stuck {
    kci_timer timer; /* when the next one has stood still for too long */
    int32_t count;
    kci_log_limit lines;
    atomic_uint oldest_asked, oldest_noted; /* by application threads; until which `oldest` is */
    char oldest[500];                       /* under outcomes.lock */
} kci_stuck;

#define KCI_PURGE_FLYING ((uint64_t)1 << 32)

typedef struct kci_sender {
    kci_task turn; /* deferred: send */
    bool turn_wanted;
    bool turn_missed;         /* for some peer the gate could not be had in the last one */
    kci_peer *turn_peer;      /* whose ready parts are being sent from */
    kci_timer open_timer;     /* to look at open batches */
    kci_timer retry_timer;    /* the next part whose pause ends */
    kci_timer delivery_timer; /* the next batch whose time is over */
    kci_random random;

    kci_list parts;   /* all that ever had a batch */
    kci_list live;    /* batches without outcome, in the order of id */
    kci_list pausing; /* parts whose lane waits until retry_at_us */
    kci_list sealing; /* parts whose next batch is not sealed yet */
    kci_list peers;
    kci_list requests; /* in flight */
    kci_list spare;    /* request objects for reuse */
    int64_t last_id;   /* of the newest batch taken over */
    bool short_of_memory;
    uint32_t gate_misses; /* in a row */

    kci_producer_ids ids;

    /* How many purges the application asked for, plus KCI_PURGE_FLYING for each that is for what is
     * in flight too; and what that was when the loop did the last one. */
    atomic_uint_least64_t purges;
    atomic_uint_least64_t purges_done;

    /* read by any thread */
    atomic_uint_least64_t dropped; /* records that the application's close did not wait for */
    atomic_int_least64_t settled;  /* batches up to this id have their outcome */
    atomic_uint_least64_t acked;   /* records */
    atomic_uint_least64_t failed;
    kci_log_limit complaints;
    bool lost; /* the records that are given up now were told of together */

    kci_stuck stuck;
    kci_timer idle_timer; /* idle.c: to look for topics that are not used any more */
} kci_sender;

void kci_sender_init(kci_sender *s, uint64_t seed);
void kci_sender_free(kci_sender *s); /* after it has gone */

/* What core/resident.h asks of a producer; ending.c has the last four. */
void kci_sender_attached(kci_resident *r);
void kci_sender_on_metadata(kci_resident *r, const kci_metadata *now);
void kci_sender_on_node(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                        kci_node_state state, kc_err err);
void kci_sender_on_post(kci_resident *r);
void kci_sender_close(kci_resident *r);
void kci_sender_detach(kci_resident *r);
bool kci_sender_is_busy(const kci_sender *s);
void kci_sender_gone(kci_resident *r);

/* Any: there are closed batches, or open ones to look at. */
void kci_sender_post(kc_producer *p);

/* Takes over what application threads have closed. */
void kci_sender_collect(kc_producer *p);

/* Looks again whether a part can be sent from now. */
void kci_sender_consider(kc_producer *p, kci_part *part);
void kci_sender_consider_all(kc_producer *p);

/* Asks for a turn. */
void kci_sender_want_turn(kc_producer *p);

/* Closes what is due on these peers' ready parts, so that it can be sent: false when the gate could
 * not be had; it is tried again soon. */
bool kci_sender_close_due(kc_producer *p, kci_peer *peer);

/* Enters the gate, in the end by waiting. false: not now. */
bool kci_sender_enter_gate(kc_producer *p);

/* request.c: sends from a peer's ready parts as long as there is room in flight. */
void kci_request_send(kc_producer *p, kci_peer *peer);
void kci_request_cancel(kc_producer *p, kci_link *at); /* of sender.requests */
void kci_request_free_spare(kci_sender *s);

/* outcome.c */

/* Why an attempt, or a batch for good, did not succeed. */
typedef struct kci_failure {
    kc_err err;
    kc_bytes text;              /* the broker's or the core's sentence; empty: the table's */
    const kci_refusal *refusal; /* what it said of single records, or NULL */
    bool undecided;             /* the broker may have written it all the same */
    bool again; /* the connection's fault, not the records': another attempt may succeed */
} kci_failure;

/* A batch on the wire was written. base_offset -1: not told. */
void kci_batch_acked(kc_producer *p, kci_send_batch *b, int64_t base_offset, int64_t timestamp);

/* A batch on the wire was not: it is sent again, or given up. */
void kci_batch_failed(kc_producer *p, kci_send_batch *b, const kci_failure *why);

/* Gives up a batch, wherever it is: reports it now; one on the wire stays there until its call
 * ends. */
void kci_batch_give_up(kc_producer *p, kci_send_batch *b, const kci_failure *why);

/* It does not count any more as load of its partition. */
static inline void kci_batch_left_backlog(kci_send_batch *b)
{
    if (b->in_backlog)
        atomic_fetch_sub_explicit(&b->part->backlog, 1, memory_order_relaxed);
    b->in_backlog = false;
}

/* Watches over a batch's deadline. */
void kci_batch_set_deadline(kc_producer *p, int64_t deadline_us);
void kci_batch_on_deadline(kc_producer *p);

/* The broker found it too large: true if it was split and will be sent again as two. */
bool kci_batch_split(kc_producer *p, kci_send_batch *b);

/* stuck.c */
void kci_stuck_init(kci_sender *s);

/* Something of the partition waits; a batch of it was acknowledged; one was given up. */
void kci_stuck_begins_to_wait(kc_producer *p, kci_part *part);
void kci_stuck_acked(kc_producer *p, kci_part *part);
void kci_stuck_gave_up(kci_part *part);

/* Why a batch (NULL: an open one) of the partition has no outcome yet. */
void kci_stuck_reason(kc_producer *p, const kci_part *part, const kci_send_batch *b, char *text,
                      size_t size);

/* Writes down what waits longest; if it was asked for. */
void kci_stuck_note_oldest(kc_producer *p);
void kci_stuck_answer(kc_producer *p);

/* Application's threads: which partition waits longest and why, "" if that is not known. Waits for
 * the loop, which answers at once. */
void kci_stuck_oldest(kc_producer *p, char *text, size_t size);

/* idle.c */
void kci_idle_init(kci_sender *s);
void kci_idle_watch(kc_producer *p); /* there may be topics to watch */

/* ids.c */
void kci_ids_init(kci_producer_ids *ids);
void kci_ids_want(kc_producer *p);
void kci_ids_discard(kc_producer *p, int64_t id); /* the broker refuses it */
void kci_ids_stop(kc_producer *p);

/* ending.c */

/* Takes all open batches over. */
void kci_sender_close_open(kc_producer *p);

/* Gives up everything that waits; in_flight: also what is on the wire. */
void kci_sender_purge(kc_producer *p, bool in_flight, kc_err err);

/* A fatal error: everything is given up, and no more records are taken, with that error. */
void kci_sender_fail(kc_producer *p, kc_err err);

/* After each call that came back, and each outcome: perhaps all is done that is waited for. The
 * producer may be freed by this. */
void kci_sender_check_end(kc_producer *p);

#endif
