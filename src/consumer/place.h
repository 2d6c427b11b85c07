/* SPDX-License-Identifier: Apache-2.0 */
/* Where a partition is read: the application's position, what is to be fetched next, and how both
 * are found: which question to ask the leader (ListOffsets, OffsetForLeaderEpoch), and what its
 * answer means. A place asks nothing itself: it fills in `probe`, and is told what came of it.
 *
 * Under the consumer's lock. Only place.c writes the struct, the probe's answer excepted. */
#ifndef CONSUMER_PLACE_H
#define CONSUMER_PLACE_H

#include "reading/probe.h"

#include <kclient/consumer.h>

typedef enum kci_place_state {
    KCI_PLACE_UNPLACED,  /* `target` has to be turned into an offset */
    KCI_PLACE_PLACING,   /* a probe for that is under way */
    KCI_PLACE_UNCHECKED, /* the log may have been truncated: to be found out */
    KCI_PLACE_CHECKING,  /* a probe for that is under way */
    KCI_PLACE_FETCHING,  /* has a position */
    KCI_PLACE_STOPPED,   /* an error was found; until a seek */
    KCI_PLACE_STATE_COUNT
} kci_place_state;

typedef struct kci_place {
    kci_place_state state;
    /* The application's; valid in CHECKING, UNCHECKED, FETCHING and STOPPED after those. */
    int64_t position;
    int32_t position_epoch; /* of the record before it; -1: not known */
    kc_position target;     /* UNPLACED, PLACING */
    int64_t tail_end;       /* PLACING a KC_POSITION_TAIL: the end, found first; -1: not yet */

    /* What is asked for next: behind what is queued. */
    int64_t fetch_offset;
    int32_t fetch_epoch;
    bool epoch_unsure; /* do not send fetch_epoch: the answer was "out of range" with it */
    /* Changes when answers to what was asked before must not be used any more. */
    uint64_t token;
    int32_t checked_epoch; /* leader epoch for which truncation was ruled out */

    /* What fetches told; -1: nothing yet. told: by one from the present position or behind it. */
    int64_t high_watermark, last_stable, log_start;
    bool told;

    bool recreated;    /* what is queued is of a topic that was deleted; then begin anew */
    kc_err stop_error; /* STOPPED: why */
    uint32_t upsets;   /* positions in a row that brokers did not accept, */
    int64_t upset_us;  /* and when the last one was */

    kci_probe probe;
    uint64_t probe_token; /* when it was asked */
} kci_place;

void kci_place_init(kci_place *pl, const kc_position *target);

/* ---- positions ---------------------------------------------------------------------------- */

/* The application's wish. True: it is an offset, reading can begin there. */
bool kci_place_seek(kci_place *pl, const kc_position *to);

/* FETCHING from there; epoch: of the record before it, -1: not known. */
void kci_place_set(kci_place *pl, int64_t offset, int32_t epoch);

/* The application has read so far. */
void kci_place_read(kci_place *pl, int64_t position, int32_t epoch);

/* What was queued or is under way is given up: it is fetched again from the position. */
void kci_place_rewind(kci_place *pl);

/* Until a seek. */
void kci_place_stop(kci_place *pl, kc_err err);

/* To auto.offset.reset: as a STORED target. */
void kci_place_reset(kci_place *pl);

/* The position was refused. Returns for how many pauses in a row it should rest; 0: none. When
 * brokers refuse what they have offered themselves, again and again, trying slows down. */
uint32_t kci_place_upset(kci_place *pl, int64_t now_us);

/* ---- questions ---------------------------------------------------------------------------- */

typedef enum kci_place_step {
    KCI_STEP_NONE,     /* has a position, is stopped, or an older question is under way */
    KCI_STEP_ASK,      /* probe's kind, timestamp and epoch are filled in: ask */
    KCI_STEP_PLACED,   /* it has a position now: nothing needs to be asked */
    KCI_STEP_NO_OFFSET /* there is no position, and no reset policy */
} kci_place_step;

/* Whether auto.offset.reset has to say where to begin. */
bool kci_place_needs_reset(const kci_place *pl);

/* What an UNPLACED or UNCHECKED place needs. reset: auto.offset.reset, if it is needed; NULL: none.
 */
kci_place_step kci_place_next(kci_place *pl, const kc_position *reset);

/* Whether the probe's answer still is about what is wanted. */
bool kci_place_is_current(const kci_place *pl);

typedef enum kci_place_news {
    KCI_NEWS_AGAIN,    /* one more question is needed */
    KCI_NEWS_PLACED,   /* it has a position now */
    KCI_NEWS_INTACT,   /* the log is the one the position came from */
    KCI_NEWS_TRUNCATED /* it is not: it ends at probe.offset; -1: nobody knows where */
} kci_place_news;

/* The probe was answered. leader_epoch: of the leader that was asked. */
kci_place_news kci_place_answered(kci_place *pl, int32_t leader_epoch);

/* It was not. True: the broker is so old that it cannot tell; goes on as if the log were intact. */
bool kci_place_unanswered(kci_place *pl, kc_err err, int32_t leader_epoch);

/* The log may have been truncated: from FETCHING to UNCHECKED. */
void kci_place_doubt(kci_place *pl);

/* Whether that is to be found out before records of a leader of that epoch are used. */
bool kci_place_is_doubtful(const kci_place *pl, int32_t leader_epoch);

/* A leader of that epoch has confirmed the position. */
void kci_place_confirmed(kci_place *pl, int32_t leader_epoch);

/* ---- fetches ------------------------------------------------------------------------------ */

/* Records up to `next` are queued, the last of epoch `epoch`; asked_epoch: the leader's that was
 * asked. records: there are any at all. */
void kci_place_fetched(kci_place *pl, int64_t next, bool records, int32_t epoch,
                       int32_t asked_epoch);

/* The position was called out of range, with an epoch: the next time it is asked without. */
void kci_place_drop_epoch(kci_place *pl);

/* The epoch of the last record before fetch_offset, as it is to be sent; -1: none. */
int32_t kci_place_epoch_to_send(const kci_place *pl);

/* An answer told these; or it said nothing about the partition, so nothing has changed. */
void kci_place_told(kci_place *pl, int64_t high_watermark, int64_t last_stable, int64_t log_start);
void kci_place_told_nothing(kci_place *pl);

/* The end of what may be read, as told last; -1: never. */
int64_t kci_place_end(const kci_place *pl, bool committed);

/* ---- the topic ---------------------------------------------------------------------------- */

/* It was deleted, and there is another one of its name. */
void kci_place_recreated(kci_place *pl);

/* What was queued of the old one has been read: nothing of it is true any more. */
void kci_place_forget_log(kci_place *pl);

#endif
