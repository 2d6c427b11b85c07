/* SPDX-License-Identifier: Apache-2.0 */
/* One partition's way to its broker: the batches that wait, those that are in requests, and the
 * numbering that keeps them in order and single. Pure state: no clock, no I/O; the sender asks and
 * tells. Thread: loop.
 *
 * How order is kept: batches are sent in the order of `first`, several in flight. When one comes
 * back to be sent again, nothing more is sent until all that are in flight have been answered; then
 * all go again in order, with the same numbers (KIP-98). A batch is never in flight to two brokers.
 *
 * No batch goes more than KCI_LANE_WINDOW - 1 batches ahead of the oldest one without outcome:
 * brokers recognise a repeated batch only among a producer's last five.
 *
 * The first batch of an epoch goes alone: a broker that knows nothing of a producer takes whatever
 * sequence comes first, so a second one could overtake a first one that failed.
 *
 * How numbers are kept honest: a number that was given out belongs to its batch until the batch is
 * acknowledged or given up. Giving up leaves a possible gap: then only numbered batches are sent,
 * until it is certain that the gap is none (a later batch was accepted) or that it is one
 * (rejected, or nothing is left that an earlier attempt may have written). In the latter case the
 * partition starts again in the next epoch, with all requests answered before (KIP-360). */
#ifndef PRODUCER_LANE_H
#define PRODUCER_LANE_H

#include "producer/batch.h"
#include "producer/sequence.h"

enum { KCI_LANE_WINDOW = 5 };

typedef struct kci_lane {
    kci_list queue; /* batches that wait, by `first`; the numbered ones are the front */
    kci_list wire;  /* batches in requests, in the order of sending */
    int32_t wire_node;
    bool idempotent;
    bool single;  /* at most one in flight (max.in.flight.requests.per.connection=1) */
    bool drain;   /* a batch came back: wait until the wire is empty */
    bool gap;     /* a numbered batch was given up */
    bool ghost;   /* one that may have been written, or may still be: see kci_lane_out_of_order */
    bool restart; /* a new epoch is due, once the wire is empty */
    kci_sequence sequence;
    int64_t ordinal;     /* of the last batch that got a number */
    int64_t retry_at_us; /* not before this time */
} kci_lane;

void kci_lane_init(kci_lane *lane, bool idempotent, bool single);

/* A new batch, with a higher `first` than all before. */
void kci_lane_add(kci_lane *lane, kci_send_batch *b);

/* The first batch that waits; NULL. */
kci_send_batch *kci_lane_head(const kci_lane *lane);

typedef enum kci_lane_state {
    KCI_LANE_WAITS,    /* for a batch, an answer, the producer id, the end of a pause */
    KCI_LANE_UNSEALED, /* for an application thread that has not sealed the batch yet */
    KCI_LANE_READY
} kci_lane_state;

/* Whether the next batch may go to that node now: the one that kci_lane_head() gives, or, without
 * one, a batch that would be added now. Another thread may seal the batch at any moment: of that
 * the answer is one look, and whoever seals after it tells the loop. */
kci_lane_state kci_lane_look(const kci_lane *lane, int32_t node, int64_t now_us);

/* True when only the producer id is missing. */
bool kci_lane_wants_id(const kci_lane *lane);
void kci_lane_set_id(kci_lane *lane, int64_t producer_id, int16_t epoch);

/* Takes the head for a request to that node; it is numbered now if it has to be. */
kci_send_batch *kci_lane_take(kci_lane *lane, int32_t node);

/* Outcomes of a batch on the wire, each of which takes it off. */
void kci_lane_acked(kci_lane *lane, kci_send_batch *b);
void kci_lane_retry(kci_lane *lane, kci_send_batch *b, int64_t not_before_us);
void kci_lane_gave_up(kci_lane *lane, kci_send_batch *b);

/* It is to be sent again as two. Consumes neither; they are where it was. */
void kci_lane_split(kci_lane *lane, kci_send_batch *b, kci_send_batch *left, kci_send_batch *right);

/* The broker did not expect the number of a batch on the wire (OUT_OF_ORDER_SEQUENCE_NUMBER), or
 * knows nothing of the producer (UNKNOWN_PRODUCER_ID). True: kci_lane_retry() it; if no earlier
 * batch explains the answer, the partition will start a new epoch. False: kci_lane_gave_up() it,
 * since it cannot be sent safely any more: a request of an earlier attempt, on a connection that is
 * gone, may still wait in the broker, behind one of a batch that was given up; when these two are
 * carried out before the new epoch begins, the batch would be there twice. */
bool kci_lane_out_of_order(kci_lane *lane, kci_send_batch *b);

/* The broker refuses the id or epoch as such: start again with a new id. */
void kci_lane_id_refused(kci_lane *lane);

/* Gives up a batch that waits. */
void kci_lane_drop(kci_lane *lane, kci_send_batch *b);

#endif
