/* SPDX-License-Identifier: Apache-2.0 */
/* An assigned partition: where the application is, what is fetched and buffered of it, and where it
 * is fetched from. All of it is under the consumer's lock, but for the slice that a poll is reading
 * (kc_consumer.reading): that, and taking slices off the queue, belongs to the application's thread
 * (the loop may drop the buffer of a paused partition, which no poll reads). */
#ifndef CONSUMER_PARTITION_H
#define CONSUMER_PARTITION_H

#include "reading/probe.h"
#include "reading/slice.h"

#include <kclient/consumer.h>

struct kci_read_part;
struct kci_source;

/* A growing array of pointers. */
typedef struct kci_pointers {
    void **items;
    int32_t count, cap;
} kci_pointers;

/* A topic in an assignment. */
typedef struct kci_read_topic {
    int32_t refs; /* of the assignment and of requests that name it */
    kc_bytes name;
    kc_uuid id;                 /* zero: not known */
    const kci_topic_meta *meta; /* in the consumer's present snapshot; NULL: not in it */
    kci_pointers parts;         /* struct kci_read_part, by number */
    /* of a request that is being built: see session.c */
    uint64_t mark;
    int32_t slot;
    char text[]; /* the name's bytes */
} kci_read_topic;

typedef enum kci_part_state {
    KCI_PART_UNPLACED,  /* `target` has to be turned into an offset */
    KCI_PART_PLACING,   /* a probe for that is under way */
    KCI_PART_UNCHECKED, /* the log may have been truncated: to be found out */
    KCI_PART_CHECKING,  /* a probe for that is under way */
    KCI_PART_FETCHING,  /* has a position */
    KCI_PART_STOPPED,   /* an error was found; until a seek */
    KCI_PART_STATE_COUNT
} kci_part_state;

typedef struct kci_read_part {
    struct kc_consumer *consumer;
    kci_read_topic *topic; /* a reference */
    int32_t number;
    int32_t refs; /* the assignment's, and one while the probe is busy */
    bool assigned;
    bool paused;
    kci_part_state state;

    /* The application's position; valid in CHECKING, UNCHECKED, FETCHING and STOPPED after those.
     */
    int64_t position;
    int32_t position_epoch; /* of the record before it; -1: not known */
    kc_position target;     /* UNPLACED, PLACING */
    int64_t tail_end;       /* PLACING a KC_POSITION_TAIL: the end, found first; -1: not yet */

    /* What is asked for next: behind what is buffered. */
    int64_t fetch_offset;
    int32_t fetch_epoch;
    bool epoch_unsure; /* do not send fetch_epoch: the answer was "out of range" with it */
    /* Changes when answers to what was asked before must not be used any more. */
    uint64_t token;

    /* What fetches told; -1: nothing yet. told: by one from the present position or behind it. */
    int64_t high_watermark, last_stable, log_start;
    bool told;
    int64_t eof_offset; /* where the end was reported last; -1: nowhere */

    /* The buffer. */
    kci_slice *first, *last;
    size_t queued_bytes;
    /* Not asked for until no more than resume_bytes are queued. */
    bool full;
    size_t resume_bytes;
    bool recreated; /* what is buffered is of a topic that was deleted; then begin anew */

    /* What poll has to report; KC_OK: nothing. */
    kc_err error;
    int64_t error_offset, error_next;
    const char *error_text; /* static; NULL: the table's */
    bool eof;
    kc_err told_error; /* the last one that was reported and may go away by itself */
    kc_err stop_error; /* STOPPED: why */
    kci_link ready_link;

    /* Where it is fetched from. */
    int32_t leader, leader_epoch; /* -1: never known */
    int64_t missing_since_us;     /* brokers say there is no such partition; 0: they do not */
    int32_t checked_epoch;        /* leader epoch for which truncation was ruled out */
    int32_t preferred;            /* replica to fetch from (KIP-392); -1: the leader */
    int64_t preferred_until;      /* loop time */
    int32_t let_downs;            /* by preferred replicas, since one of them answered well */
    struct kci_source *source;
    bool wanted;          /* to be in the source's session */
    kci_link source_link; /* in source->parts */
    kci_link dirty_link;  /* in source->dirty: what the session knows of it may be out of date */
    /* What the source's session knows of it. */
    bool in_session;
    uint64_t sent_token;
    int64_t sent_offset;
    int32_t sent_epoch, sent_fetch_epoch;
    kc_uuid sent_id;
    uint64_t answer_mark; /* of the last answer that named it */

    /* To be looked at again: at once (todo), or at retry_us (waiting). */
    kci_link todo_link;
    kci_link wait_link;
    uint32_t failures;
    int64_t retry_us;
    uint32_t upsets;  /* positions in a row that brokers did not accept, */
    int64_t upset_us; /* and when the last one was */
    kci_probe probe;
    uint64_t probe_token;
} kci_read_part;

#endif
