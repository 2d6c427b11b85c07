/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's inside: what its files share. One lock guards what the loop and the application's
 * thread both touch; it is taken once or twice per poll and once per answer, never per record, and
 * never held while a record is decoded or a callback of the core may come back.
 *
 *   consumer.c   life                           both
 *   calls.c      what every public call needs   application
 *   assign.c     assignments, seek, pause       application
 *   poll.c       poll: slices -> kc_records     application
 *   query.c      questions about offsets        application and loop
 *   position.c   position, lag, end             application
 *   entries.c    what the loop calls            loop
 *   metadata.c   new snapshots                  loop
 *   route.c      what each partition needs      loop
 *   placing.c    positions, truncation          loop
 *   fetch.c      when to ask whom for what      loop
 *   answer.c     what was answered              loop
 *   room.c       memory for answers             loop
 *   partition.c  what concerns all of one partition
 *
 * Below them lie structs that know nothing of the consumer, each written by the file of its name:
 * settings, known, assignment, session, agenda, and a partition's queue, place and replica.
 *
 * Names that begin with kci_consumer_ expect the lock to be held, unless they say otherwise. */
#ifndef CONSUMER_CONSUMER_H
#define CONSUMER_CONSUMER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/mem.h"
#include "consumer/assignment.h"
#include "consumer/known.h"
#include "consumer/settings.h"
#include "consumer/source.h"
#include "core/resident.h"
#include "reading/cursor.h"
#include "reading/probe.h"

/* What polls read. The application's thread alone writes it (poll.c). */
typedef struct kci_reading {
    kci_read_options options; /* constant but for the decompressor's inside */
    kci_cursor cursor;
    kci_read_part *part; /* a poll reads its first slice now; under the lock */
} kci_reading;

/* Questions of applications: query.c. */
typedef struct kci_questions {
    kci_list list;
    bool due; /* one of them can go on */
} kci_questions;

/* Memory for answers that are under way: room.c. */
typedef struct kci_room {
    size_t reserved;
    size_t largest_answer; /* beyond what was reserved for it */
} kci_room;

/* Fetching from all brokers: fetch.c. */
typedef struct kci_fetcher {
    kci_list sources;
    int32_t active; /* sources with wanted partitions */
    int32_t flying; /* requests in flight */
    bool starved;   /* it waits for credit */
    bool crowded;   /* it did at its turn before: requests do not wait long for records */
    bool tell_end;  /* detached: end the sessions at the brokers */
    kc_err refused; /* credentials or certificates are not accepted; KC_OK */
    uint64_t last_mark;
    /* A request has ended: entries.c. */
    void (*on_end)(kci_call *call, kc_err err, const kci_response *response, const char *why);
} kci_fetcher;

struct kc_consumer {
    kci_resident life;
    kc_client *client; /* life's */
    kci_loop *loop;
    kci_sys *sys;
    kci_log *log;
    kci_stats *stats;
    kci_read_settings set;
    int32_t lane; /* of its connections for fetching */

    atomic_bool inside; /* an application thread is in a call */
    atomic_bool interrupted;
    kci_credit *credit;
    kci_gauge gauge; /* of the credit */
    kci_records_pool *pool;

    pthread_mutex_t lock;
    /* Under the lock from here on. */
    atomic_bool closed; /* no calls any more; may be read without the lock */
    bool detached;      /* the loop has let go: nothing may be posted */
    kci_assignment assignment;
    kci_ready_list ready; /* its event: poll would return something */
    kci_known known;
    kci_agenda agenda; /* turns of partitions */
    kci_questions questions;
    kci_fetcher fetcher;
    kci_room room;
    kci_reading reading;

    kci_probes probes; /* loop only */
};

/* ---- calls.c ------------------------------------------------------------------------------ */

/* Begins and ends a public call of the application's: KC_E_STATE when another thread is inside,
 * KC_E_CLOSED, KC_E_FORKED. Lock not held. leave only after an enter that was KC_OK. */
kc_err kci_consumer_enter(kc_consumer *c, kc_error *detail);
void kci_consumer_leave(kc_consumer *c);

/* Any thread. Has the loop look at what is on the agenda. */
void kci_consumer_post(kc_consumer *c);

/* Application. Sets or clears what poll waits for, by what there is. */
void kci_consumer_sync_readable(kc_consumer *c);

/* Application, lock not held. Waiting for an answer: a position, a query, the end. Between begin
 * and end the condition is looked at, then waited for, until wait returns false: then *err is
 * KC_E_TIMED_OUT, KC_E_INTERRUPTED or KC_E_CLOSED. */
void kci_consumer_wait_begin(kc_consumer *c);
bool kci_consumer_wait(kc_consumer *c, int64_t deadline_us, kc_err *err);
void kci_consumer_wait_end(kc_consumer *c);

/* Any thread. Whoever waits for an answer looks again. */
void kci_consumer_answered(kc_consumer *c);

/* Application, lock not held. Sets detail and returns err. */
kc_err kci_consumer_fail(kc_consumer *c, kc_error *detail, kc_err err);

/* Application, lock not held. The time by which a call with this timeout ends. */
int64_t kci_consumer_deadline(kc_consumer *c, int32_t timeout_ms, int32_t default_ms);

/* ---- entries.c ---------------------------------------------------------------------------- */

/* The loop's side of core/resident.h. */
void kci_consumer_set_entries(kc_consumer *c);
void kci_consumer_attached(kci_resident *r);
void kci_consumer_on_metadata(kci_resident *r, const kci_metadata *now);
void kci_consumer_on_node(kci_resident *r, int32_t node, kci_class cls, int32_t lane,
                          kci_node_state state, kc_err err);
void kci_consumer_on_post(kci_resident *r);
void kci_consumer_detach(kci_resident *r);
bool kci_consumer_is_busy(kci_resident *r);
void kci_consumer_gone(kci_resident *r);

/* ---- metadata.c --------------------------------------------------------------------------- */

/* Loop. Takes over a newer snapshot. */
void kci_consumer_take_metadata(kc_consumer *c);

/* Loop. The topic as the present snapshot shows it. */
void kci_topic_look(kc_consumer *c, kci_read_topic *t);

/* Any thread. Its last partition leaves. */
void kci_topic_forget(kc_consumer *c, kci_read_topic *t);

/* The partition in the present snapshot; NULL: there is none. */
const kci_partition_meta *kci_part_meta(const kci_read_part *p);

/* Whether the metadata lets that replica of the partition be fetched from. */
bool kci_part_replica_is_usable(const kc_consumer *c, const kci_read_part *p, int32_t node);

/* ---- assign.c ----------------------------------------------------------------------------- */

/* Application. Nothing is assigned any more. */
void kci_consumer_unassign_all(kc_consumer *c);

/* ---- poll.c ------------------------------------------------------------------------------- */

/* Application. Leaves the slice that polls were reading, if it is of that part; NULL: of any. It
 * can be begun anew, from the position. */
void kci_reading_leave(kci_reading *r, const kci_read_part *p);

/* ---- route.c ------------------------------------------------------------------------------ */

/* Loop. Does what the part needs next. */
void kci_part_route(kc_consumer *c, kci_read_part *p);

/* ---- placing.c ---------------------------------------------------------------------------- */

/* Loop. Works on a part without a position, or with one that is to be checked; its leader is
 * known. */
void kci_part_place(kc_consumer *c, kci_read_part *p);

/* Loop. The position is outside the log. */
void kci_part_out_of_range(kc_consumer *c, kci_read_part *p, const char *text);

/* Loop. The log was truncated: `end` is where epoch `epoch` ends; end -1: not known. */
void kci_part_truncated(kc_consumer *c, kci_read_part *p, int64_t end, int32_t epoch);

/* ---- room.c ------------------------------------------------------------------------------- */

/* Loop. Reserves memory for an answer; returns how many bytes to ask for, 0: none now. It is given
 * back when the answer has been used. */
size_t kci_room_reserve(kc_consumer *c, kci_source *s);
void kci_room_release(kc_consumer *c, kci_source *s);

/* Loop. An answer took so many bytes. */
void kci_room_note(kc_consumer *c, const kci_source *s, size_t bytes);

/* ---- fetch.c ------------------------------------------------------------------------------ */

/* Loop. Sends fetches wherever there is something to ask, a connection and credit. */
void kci_consumer_fetch(kc_consumer *c);

/* Loop. A request has ended. */
void kci_source_ended(kc_consumer *c, kci_source *s, kc_err err, const kci_response *response,
                      const char *why);

/* Loop. Sources that wait for their time have the timer set. */
void kci_consumer_time_sources(kc_consumer *c);

/* Loop. A connection of class FETCH changed. */
void kci_consumer_node_changed(kc_consumer *c, int32_t node, kci_node_state state);

/* Loop. Credentials or certificates are not accepted. */
void kci_fetcher_refuse(kci_fetcher *f, kc_err err);

/* Loop. Cancels what is in flight and, if `tell`, ends the sessions at the brokers. */
void kci_consumer_stop_fetching(kc_consumer *c, bool tell);

/* ---- answer.c ----------------------------------------------------------------------------- */

/* Loop. Uses the partitions of an answer, which has that mark. *brought: some of its records.
 * KC_E_NO_MEMORY: its records were not used, and can be asked for again. */
kc_err kci_consumer_answer(kc_consumer *c, kci_source *s, const kci_response *response,
                           uint64_t mark, bool *brought);

/* ---- query.c ------------------------------------------------------------------------------ */

/* Questions can go on: the next turn looks at them. */
void kci_questions_wake(kci_questions *q);

/* Loop. Goes on with the questions of applications: all, or those that are due. */
void kci_consumer_run_queries(kc_consumer *c);

#endif
