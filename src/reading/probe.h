/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to partition leaders about offsets: ListOffsets and OffsetForLeaderEpoch. Questions
 * that are asked in one turn of the loop go out together, one request per leader and kind. One try
 * each: who asks decides what is worth asking again. Questions are embedded in their owners.
 *
 * Thread: loop, with the lock of who reads held, throughout. */
#ifndef READING_PROBE_H
#define READING_PROBE_H

#include <pthread.h>

#include "base/list.h"
#include "core/client.h"

typedef enum kci_probe_kind {
    KCI_PROBE_OFFSET, /* ListOffsets: the offset of a timestamp, or one of the two below */
    KCI_PROBE_EPOCH   /* OffsetForLeaderEpoch: the end of a leader epoch */
} kci_probe_kind;

enum { KCI_TIMESTAMP_LATEST = -1, KCI_TIMESTAMP_EARLIEST = -2 };

typedef struct kci_probe kci_probe;
struct kci_probe {
    /* Set by the owner; topic's bytes live until done(). */
    kci_probe_kind kind;
    kc_bytes topic;
    int32_t partition;
    int32_t node;          /* its leader */
    int32_t current_epoch; /* the leader's, as known; -1: not known */
    bool committed;        /* latest: the last stable offset (read_committed) */
    int64_t timestamp;     /* OFFSET */
    int32_t epoch;         /* EPOCH: the epoch that is asked for */
    /* Exactly once per kci_probe_ask, lock held. The answer is in the fields below. */
    void (*done)(kci_probe *probe, kc_err err);

    /* The answer. offset -1: there is no such record, or no such epoch. */
    int64_t offset;
    int64_t found_timestamp;
    int32_t found_epoch;

    bool busy;     /* between ask and done */
    bool answered; /* the probes' */
    kc_err err;    /* the probes' */
    kci_link link; /* the probes' */
};

typedef struct kci_probes {
    kc_client *client;
    pthread_mutex_t *lock; /* of who reads */
    kci_list waiting;      /* asked, not sent */
    kci_list calls;        /* under way */
    int32_t call_count;
    /* After the answers of a call were given, lock held, to be released by it: now is the time to
     * refresh metadata (`stale`: an answer said that the leader is another one), and to send what
     * comes next. */
    void (*on_answers)(struct kci_probes *probes, bool stale);
} kci_probes;

void kci_probes_init(kci_probes *probes, kc_client *client, pthread_mutex_t *lock);

/* Asks. The probe must not be busy. */
void kci_probe_ask(kci_probes *probes, kci_probe *probe);

/* Sends what was asked. Without memory the questions end KC_E_NO_MEMORY. */
void kci_probes_send(kci_probes *probes);

/* Ends all: done(KC_E_CLOSED) for each question, later. Nothing may be asked any more. */
void kci_probes_close(kci_probes *probes);

/* Whether the same question may be asked again (of the leader that is known then). */
bool kci_probe_is_retriable(kc_err err);

#endif
