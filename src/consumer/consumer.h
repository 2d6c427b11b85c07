/* SPDX-License-Identifier: Apache-2.0 */
/* The consumer's inside: what its files share. One lock guards what the loop and the application's
 * thread both touch; it is taken once or twice per poll and once per answer, never per record, and
 * never held while a record is decoded or a callback of the core may come back.
 *
 *   assign.c    assignments, seek, pause      application
 *   poll.c      poll: slices -> kc_records    application
 *   query.c     questions about offsets       application and loop
 *   position.c  position, lag, end            application
 *   metadata.c  new snapshots                 loop
 *   settings.c  properties                    application
 *   route.c     what each partition needs     loop
 *   place.c     positions, truncation         loop
 *   fetch.c     when to ask whom for what     loop
 *   answer.c    what was answered             loop
 *   consumer.c  life                          both
 *
 * Names that begin with kci_consumer_ expect the lock to be held, unless they say otherwise. */
#ifndef CONSUMER_CONSUMER_H
#define CONSUMER_CONSUMER_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/backoff.h"
#include "base/map.h"
#include "base/mem.h"
#include "consumer/assignment.h"
#include "consumer/source.h"
#include "core/resident.h"
#include "reading/cursor.h"
#include "reading/probe.h"

struct kc_consumer {
    kci_resident life;
    kc_client *client; /* life's */
    kci_loop *loop;
    kci_sys *sys;
    kci_log *log;
    kci_stats *stats;

    /* Constant. */
    int32_t lane; /* of its connections for fetching */
    kci_fetch_options fetch;
    kci_read_options read; /* the decompressor's inside: application */
    int reset;             /* KCI_RESET_... (core/config.h) */
    int64_t reset_duration_ms;
    bool report_eof;
    int32_t api_timeout_ms;
    int64_t request_timeout_us;
    int64_t lease_us; /* of a preferred replica */
    kci_backoff backoff;
    char *rack;

    atomic_bool inside; /* an application thread is in a call */
    atomic_bool interrupted;
    kci_event *readable; /* poll would return something */
    kci_credit *credit;
    kci_gauge gauge; /* of the credit */
    kci_records_pool *pool;

    pthread_mutex_t lock;
    /* Under the lock from here on. */
    atomic_bool closed; /* no calls any more; may be read without the lock */
    bool detached;      /* the loop has let go: nothing may be posted */
    kci_assignment assignment;
    kci_map ids;            /* kci_read_topic by id */
    kci_metadata *metadata; /* reference */
    int32_t topics_without_id;
    kci_list ready;   /* parts with something for poll, none of them paused with records only */
    kci_list todo;    /* parts for kci_consumer_route */
    kci_list waiting; /* parts for their retry_us */
    kci_list queries;
    bool queries_due;       /* one of them can go on */
    kci_read_part *reading; /* poll reads its first slice */
    uint64_t last_token, last_mark;
    bool starved;   /* the fetcher waits for credit */
    bool crowded;   /* it did at its turn before: requests do not wait long for records */
    kc_err refused; /* credentials or certificates are not accepted; KC_OK */

    /* Loop only. */
    kci_timer timer;
    int64_t next_due_us; /* when the timer is to fire; INT64_MAX: never */
    kci_list sources;
    int32_t active_sources; /* with wanted partitions */
    int32_t flying;         /* fetches in flight */
    size_t reserved;        /* for their answers */
    size_t largest_answer;  /* beyond what was reserved for it */
    kci_probes probes;
    kci_random random;
    bool tell_end; /* detached: end the sessions at the brokers */

    /* Application only. */
    kci_cursor cursor;
};

/* ---- consumer.c --------------------------------------------------------------------------- */

/* Begins and ends a public call of the application's: KC_E_STATE when another thread is inside,
 * KC_E_CLOSED, KC_E_FORKED. Lock not held. leave only after an enter that was KC_OK. */
kc_err kci_consumer_enter(kc_consumer *c, kc_error *detail);
void kci_consumer_leave(kc_consumer *c);

/* Any thread. Has the loop look at what is on the todo list. */
void kci_consumer_post(kc_consumer *c);

/* Application. Sets or clears `readable` by what there is for poll. */
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

/* ---- entries.c ----------------------------------------------------------------------------- */

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

/* Loop, lock held, released inside. Something of a detached consumer has ended; perhaps it is
 * freed. */
void kci_consumer_maybe_gone(kc_consumer *c);

/* ---- settings.c ---------------------------------------------------------------------------- */

/* KC_E_NO_MEMORY. */
kc_err kci_consumer_read_settings(kc_consumer *c, const kc_config *s);

/* ---- parts: route.c ------------------------------------------------------------------------ */

/* Any thread. The loop is to look at the part; it is posted by the caller. */
void kci_part_todo(kc_consumer *c, kci_read_part *p);

/* Loop. It is looked at again after a backoff that grows with its failures. */
void kci_part_retry(kc_consumer *c, kci_read_part *p);

/* Loop. The preferred replica is of no use: back to the leader, who would name it again and again;
 * after some times it is not told where we are, for as long as a preference lasts. */
void kci_part_leave_preferred(kc_consumer *c, kci_read_part *p);

/* Whether the metadata lets that replica of the partition be fetched from. */
bool kci_part_replica_is_usable(const kc_consumer *c, const kci_read_part *p, int32_t node);

/* Looks at it again after a pause that grows with `times`; not fetched until then. */
void kci_part_pause(kc_consumer *c, kci_read_part *p, uint32_t times);

/* Any thread. Changes the state; illegal changes are bugs. */
void kci_part_set_state(kci_read_part *p, kci_part_state state);

/* Any thread. Puts it on the ready list if poll can return something of it. */
void kci_part_offer(kc_consumer *c, kci_read_part *p);

/* Drops what is buffered, from the first slice on, and what is under way. fetch_offset becomes the
 * position. The cursor must not be on it. */
void kci_part_drop_buffer(kc_consumer *c, kci_read_part *p);

/* Any thread. Gives it a position. */
void kci_part_set_position(kc_consumer *c, kci_read_part *p, int64_t offset, int32_t epoch);

/* Any thread. Reports an error that stops the part until a seek. text: static, or NULL. */
void kci_part_stop(kc_consumer *c, kci_read_part *p, kc_err err, int64_t offset, int64_t next,
                   const char *text);

/* Loop. Reports an error that may go away, once until it has gone away. */
void kci_part_report(kc_consumer *c, kci_read_part *p, kc_err err, const char *text);

/* Loop. Runs the todo list, then sends what can be sent. */
void kci_consumer_run(kc_consumer *c);

/* Loop. Parts and queries whose time has come go to the todo list. */
void kci_consumer_wake_due(kc_consumer *c);
void kci_consumer_due_at(kc_consumer *c, int64_t at_us);

/* Any thread. Takes it out of everything; the assignment's reference is gone. */
void kci_part_unassign(kc_consumer *c, kci_read_part *p);

/* ---- metadata.c ---------------------------------------------------------------------------- */

/* Loop. Takes over a newer snapshot. */
void kci_consumer_take_metadata(kc_consumer *c);

/* The topic as the present snapshot shows it; then the topics without an id are to be counted. */
void kci_topic_take_metadata(kc_consumer *c, kci_read_topic *t);
void kci_consumer_count_ids(kc_consumer *c);

/* Any thread. Its last partition leaves. */
void kci_topic_forget_id(kc_consumer *c, kci_read_topic *t);

/* The partition in the present snapshot; NULL: there is none. */
const kci_partition_meta *kci_part_meta(const kci_read_part *p);

/* ---- assign.c ------------------------------------------------------------------------------ */

/* Application. Nothing is assigned any more. */
void kci_consumer_unassign_all(kc_consumer *c);

/* ---- place.c -------------------------------------------------------------------------------- */

/* Loop. Works on an UNPLACED or UNCHECKED part whose leader is known. */
void kci_part_place(kc_consumer *c, kci_read_part *p);
void kci_part_check(kc_consumer *c, kci_read_part *p);

/* Loop. The position is outside the log. */
void kci_part_out_of_range(kc_consumer *c, kci_read_part *p, const char *text);

/* Loop. The log was truncated: `end` is where epoch `epoch` ends; end -1: not known. */
void kci_part_truncated(kc_consumer *c, kci_read_part *p, int64_t end, int32_t epoch);

/* ---- fetch.c ----------------------------------------------------------------------------------
 */

/* Loop. The source of that broker; NULL: no memory. */
kci_source *kci_consumer_source(kc_consumer *c, int32_t node);

/* Loop. Sends fetches wherever there is something to ask, a connection and credit. */
void kci_consumer_fetch(kc_consumer *c);

/* Loop. Whether the part can be fetched now; tells its source. */
void kci_part_update_want(kc_consumer *c, kci_read_part *p);

/* Loop. A connection of class FETCH changed. */
void kci_consumer_node_changed(kc_consumer *c, int32_t node, kci_node_state state, kc_err err);

/* Loop. Frees sources that have nothing any more. */
void kci_consumer_drop_sources(kc_consumer *c);

/* Loop. Cancels what is in flight and, if `tell`, ends the sessions at the brokers. */
void kci_consumer_stop_fetching(kc_consumer *c, bool tell);

/* ---- answer.c ---------------------------------------------------------------------------------
 */

/* Loop. Uses the partitions of an answer. KC_E_NO_MEMORY: its records were not used, and can be
 * asked for again. */
kc_err kci_consumer_answer(kc_consumer *c, kci_source *s, const kci_response *response);

/* ---- query.c ----------------------------------------------------------------------------------
 */

/* Loop. Goes on with the questions of applications: all, or those that are due. */
void kci_consumer_run_queries(kc_consumer *c);

#endif
