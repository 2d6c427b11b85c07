/* SPDX-License-Identifier: Apache-2.0 */
/* What was sent, acknowledged and polled, and the check of it against the promises of the library.
 * The error classes are Jepsen's for Kafka. Used by the simulator and by the chaos run on real
 * Kafka; knows neither. Not thread-safe.
 *
 * Every record carries a number of its own (its id), given out by history_send in the order of send
 * per producer and partition. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct history history;

typedef enum history_class {
    H_LOST_WRITE,          /* acknowledged, not in the log */
    H_DUPLICATE,           /* in the log twice */
    H_REORDERED,           /* a partition's log has one producer's records in another order */
    H_INCONSISTENT_OFFSET, /* acknowledged or polled at an offset that holds another record */
    H_WRONG_PARTITION,     /* polled or stored in a partition it was not sent to */
    H_PHANTOM,             /* in the log or polled, but never sent */
    H_FAILED_BUT_WRITTEN,  /* reported failed without "possibly persisted", yet in the log */
    H_REPORTED_TWICE,      /* two outcomes of one send */
    H_UNREPORTED,          /* a send without outcome at the end */
    H_LATE_REPORT,         /* outcome after delivery.timeout.ms */
    H_POLL_SKIP,           /* a poll jumped over committed records */
    H_NONMONOTONIC_POLL,   /* a poll went back */
    H_UNWANTED_POLL,       /* of a partition that is paused or not assigned */
    H_UNSEEN,              /* in the log, never polled by the end */
    H_ABORTED_READ,     /* read_committed, and polled before or without a commit (Jepsen's G1a) */
    H_MEMORY,           /* more bytes held than the bound */
    H_LATE_CALL,        /* a call returned after its deadline */
    H_REQUEST_STORM,    /* more requests or connects than the bound */
    H_BAD_REQUEST,      /* a broker was sent what no client may send: nonsense, damaged batches */
    H_METADATA_BACK,    /* the client believed metadata older than what it had */
    H_LEAK,             /* something is still held after everything was freed */
    H_FALSE_CUT,        /* told that a log was cut where it was not */
    H_CUT_UNNOTICED,    /* a log was cut, and reading went on as if it had not been */
    H_FALSE_END,        /* told of an end where there is none, or twice of the same */
    H_UNSETTLED,        /* nothing was done any more, and something did not come to its end */
    H_SLOW,             /* held up by a broker that has nothing to do with it */
    H_UNRECOVERED,      /* faults are over, and a record is still not delivered */
    H_LIMIT,            /* a property that bounds something was not kept */
    H_THROTTLE,         /* a request within a pause that a broker asked for */
    H_MISCOUNTED,       /* a statistic that is not so */
    H_UNWRITTEN,        /* success without the record having been written to a socket */
    H_RETRIES,          /* tried more or less often than retries says */
    H_UNEXPECTED_ERROR, /* an error that the scenario does not explain */
    H_CLASS_COUNT
} history_class;

const char *history_class_name(history_class c);

history *history_new(void);
void history_free(history *h);

/* A record is about to be sent; partition -1: the client chooses. Returns its id, 1 and up. */
uint64_t history_send(history *h, int producer, int partition, int64_t now_us, int64_t deadline_us);
/* send() refused it: it has no outcome and must not be in the log. */
void history_refused(history *h, uint64_t id);
/* Its outcome. offset -1: not told. */
void history_acked(history *h, uint64_t id, int partition, int64_t offset, int64_t now_us);
void history_failed(history *h, uint64_t id, int partition, bool possibly_persisted,
                    int64_t now_us);

/* The consumer was positioned (assign, seek, reset): its next poll may begin anywhere from `offset`
 * on, exactly there when exact. */
void history_positioned(history *h, int consumer, int partition, int64_t offset, bool exact);
/* The same, and the leader epoch before that offset is known: the log may have been cut since then,
 * and be noticed. */
void history_positioned_by_epoch(history *h, int consumer, int partition, int64_t offset);
/* It was given a record. id 0: the record carries none (not ours). */
void history_polled(history *h, int consumer, int partition, int64_t offset, uint64_t id);

/* It was told that the partition ends at `offset`: its position, and told once. */
void history_ended(history *h, int consumer, int partition, int64_t offset);
/* Whether that was the last it heard of the partition. */
bool history_has_ended(const history *h, int consumer, int partition, int64_t offset);
/* Whether it was given all there is to be given before `end`; true where it has no position. */
bool history_has_seen(const history *h, int consumer, int partition, int64_t end);
/* The consumer is no more. */
void history_left(history *h, int consumer);

bool history_is_foreign(const history *h, uint64_t id);

/* Consumers read with isolation.level=read_committed. */
void history_read_committed(history *h);
/* With auto.offset.reset=none: they do not begin anew by themselves. */
void history_no_reset(history *h);
/* Somebody else, not our client, writes a record in a transaction: it has no outcome. Its id; those
 * of one partition grow with its offsets. */
uint64_t history_foreign(history *h, int partition);
/* Its transaction has ended; consumers are not told before this call. */
void history_decided(history *h, uint64_t id, int partition, int64_t offset, bool committed);

/* Whether a record was acknowledged. */
bool history_is_acked(const history *h, uint64_t id);

/* When it was sent, by history_send's clock. */
int64_t history_sent_at(const history *h, uint64_t id);

/* Whether its producer had been acknowledged one before it was sent. */
bool history_is_warm(const history *h, uint64_t id);

/* Sends of a producer that have no outcome yet. */
int history_pending(const history *h, int producer);

/* Offsets from there on hold nothing any more, though nothing that counted was lost: gaps noted
 * there are forgotten. */
void history_forget_gaps(history *h, int partition, int64_t from);

/* The log of a partition was cut at `offset` (0: it began anew, as with a topic that was deleted
 * and created again): records from there on, and those without outcome, need not be in the log any
 * more, and each consumer may go back once, to `offset` exactly. */
void history_cut(history *h, int partition, int64_t offset);

/* The same, and consumers that were beyond have to notice: when they have read from the new log
 * without having gone back, that is a violation. */
void history_truncated(history *h, int partition, int64_t offset);
/* A consumer was told that its log was cut, and that what is left ends at `offset`. */
void history_cut_told(history *h, int consumer, int partition, int64_t offset);
/* The least offset to which it has to go back; -1: none. */
int64_t history_cut_owed(const history *h, int consumer, int partition);

/* An offset that holds no record of ours (an end marker of a transaction): polls pass over it. */
void history_gap(history *h, int partition, int64_t offset);

/* Consumers have been let read up to this offset; what comes into the log later (a request that a
 * broker still held) they need not have seen. Without this call: to the end
 * of the log. */
void history_readable(history *h, int partition, int64_t end);

/* A record of the final log, in the order of offsets per partition; base: the log's start. */
void history_log_begin(history *h, int partition, int64_t log_start);
void history_logged(history *h, int partition, int64_t offset, uint64_t id);

/* A violation found elsewhere (memory, deadlines, storms). */
void history_violation(history *h, history_class c, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

typedef struct history_rules {
    bool ordered;       /* idempotent or one in flight: order is promised */
    bool exactly_once;  /* acks=all and idempotent: no duplicates, no loss */
    bool at_least_once; /* acks=all: no loss */
    bool all_seen;      /* every consumer has read to the end */
} history_rules;

/* The end: compares everything with the log. Returns the number of violations. */
int history_check(history *h, const history_rules *rules);

/* Violations so far, oldest first; NULL past the last. Text borrowed. */
const char *history_problem(const history *h, int index, history_class *c);
int history_problem_count(const history *h);
int history_problem_count_of(const history *h, history_class c);

typedef struct history_totals {
    uint64_t sent, refused, acked, failed, possibly, polled, logged;
} history_totals;
history_totals history_count(const history *h);

#endif
