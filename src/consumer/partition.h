/* SPDX-License-Identifier: Apache-2.0 */
/* An assigned partition. What is known of it lies in four structs, each of which one file alone
 * writes, and its turn in the agenda. partition.c is the file that sees them all: what concerns
 * more than one of them goes through its verbs.
 *
 * Under the consumer's lock, but for the slice that a poll is reading (kci_reading.part): that, and
 * taking slices off the queue, belongs to the application's thread (the loop may drop the queue of
 * a paused partition, which no poll reads). */
#ifndef CONSUMER_PARTITION_H
#define CONSUMER_PARTITION_H

#include "consumer/agenda.h"
#include "consumer/place.h"
#include "consumer/queue.h"
#include "consumer/replica.h"
#include "consumer/session.h"
#include "consumer/topic.h"

struct kci_source;

typedef struct kci_read_part {
    struct kc_consumer *consumer;
    kci_read_topic *topic; /* a reference */
    int32_t number;
    int32_t refs; /* the assignment's, and one while the probe is busy */
    bool assigned;
    kci_queue queue;
    kci_place place;
    kci_replica replica;
    kci_fetching fetching;
    kci_agenda_item turn; /* to be looked at by kci_part_route */
} kci_read_part;

/* Any thread. The loop is to look at the part; it is posted by the caller. */
void kci_part_todo(struct kc_consumer *c, kci_read_part *p);

/* Loop. It is looked at again after a pause that grows with its failures; or with `times`. Not
 * fetched until then. */
void kci_part_retry(struct kc_consumer *c, kci_read_part *p);
void kci_part_pause(struct kc_consumer *c, kci_read_part *p, uint32_t times);

/* Loop. Whether the part can be fetched now; tells its session. */
void kci_part_update_want(struct kc_consumer *c, kci_read_part *p);

/* Any thread. It has been assigned: reading begins there. */
void kci_part_begin(struct kc_consumer *c, kci_read_part *p, const kc_position *at);

/* Loop. Whether what was asked of that source is what is wanted of the part now. */
bool kci_part_is_current(const kci_read_part *p, const struct kci_source *s);

/* Any thread. Sends it to a position. Nothing of it is being read. */
void kci_part_seek(struct kc_consumer *c, kci_read_part *p, const kc_position *to);

/* Any thread. It has been given a position: what was queued is of the one before. */
void kci_part_positioned(struct kc_consumer *c, kci_read_part *p);

/* Loop. What is queued and under way is given up, to be fetched again. Not what is being read. */
void kci_part_drop_queue(kci_read_part *p);

/* Loop. Keeps the part from being fetched until its queue is empty. False: it is empty. */
bool kci_part_hold(struct kc_consumer *c, kci_read_part *p);

/* Any thread. Reports an error that stops the part until a seek. text: static, or NULL. */
void kci_part_stop(struct kc_consumer *c, kci_read_part *p, kc_err err, int64_t offset,
                   int64_t next, const char *text);

/* Loop. Reports an error that may go away, once until it has gone away. */
void kci_part_report(struct kc_consumer *c, kci_read_part *p, kc_err err, const char *text);

/* Loop. Broker `node` has answered about it as it should; -1: no broker that it is fetched from. */
void kci_part_succeeded(kci_read_part *p, int32_t node);

/* Loop. The preferred replica is of no use: back to the leader, who would name it again and again;
 * after some times it is not told where we are, for as long as a preference lasts. */
void kci_part_leave_preferred(struct kc_consumer *c, kci_read_part *p);

/* Any thread. Pauses or resumes it. Nothing of it is being read. */
void kci_part_set_paused(struct kc_consumer *c, kci_read_part *p, bool paused);

/* Any thread. Takes it out of everything; the assignment's reference is gone. */
void kci_part_unassign(struct kc_consumer *c, kci_read_part *p);

#endif
