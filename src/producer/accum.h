/* SPDX-License-Identifier: Apache-2.0 */
/* Where records become batches: topics, partitions and their open batches, all under one gate that
 * application threads enter for each record and the loop some hundred times a second at most.
 *
 * An open batch is closed by the thread that fills it, or by the loop when it has lingered and its
 * broker can take it (until then it goes on growing), or by flush, purge and close. Closing hands
 * it to the loop in order, at once; it is sealed afterwards outside of the gate, and the loop waits
 * for that before it sends. */
#ifndef PRODUCER_ACCUM_H
#define PRODUCER_ACCUM_H

#include <kclient/producer.h>

#include "base/gate.h"
#include "base/random.h"
#include "producer/topics.h"

typedef struct kci_accum {
    kci_gate gate;

    /* under the gate */
    kc_err refusal; /* why there are no more records: closed, or fatal; KC_OK: there are */
    kci_send_topics topics;
    kci_list open; /* open batches that the loop has not looked at, oldest first */
    kci_list due;  /* open batches that have lingered and wait for a free place in flight */
    bool watched;  /* the loop will look at `open` by itself */
    int64_t last_id;
    size_t untold; /* bytes closed since the loop was last woken for them */
    kci_random random;

    /* any thread */
    _Atomic(kci_send_batch *) handed; /* closed batches for the loop, newest first */
    atomic_bool look;                 /* the loop is to look at `open` at its next turn */
    atomic_uint_least64_t accepted;   /* records; written under the gate */
    atomic_uint_least64_t metadata_generation;
    atomic_int_least64_t metadata_us; /* when the newest answer in it came */
} kci_accum;

/* One record on its way in; the caller keeps it from one attempt to the next. */
typedef struct kci_append {
    const kc_producer_record *record;
    size_t bound;      /* kci_record_bound() */
    int32_t partition; /* KC_PARTITION_ANY: not chosen yet */
    bool sticky;       /* chosen here without a key: counts for the next choice */

    /* what an attempt leaves behind */
    kc_err err;                /* KCI_APPEND_REFUSED, and of the topic: KCI_APPEND_NO_TOPIC */
    kci_send_batch *to_seal;   /* closed batches, oldest first */
    kci_send_batch **seal_end; /* where the next one goes; NULL: to_seal */
    bool tell;                 /* the loop must be woken */
    kci_send_topic *topic;     /* outside of the gate only its name may be read */
    int32_t partition_count;   /* KCI_APPEND_CHOOSE, KCI_APPEND_NO_TOPIC */
    kci_available *available;  /* KCI_APPEND_CHOOSE: counted */
} kci_append;

typedef enum kci_append_result {
    KCI_APPEND_DONE,
    KCI_APPEND_REFUSED,  /* for good, with `err` */
    KCI_APPEND_NO_ROOM,  /* buffer.memory is full */
    KCI_APPEND_NO_TOPIC, /* metadata of the topic, or of that partition, is missing */
    KCI_APPEND_CHOOSE    /* the program's partitioner must be asked: partition_count, available */
} kci_append_result;

/* on_leave: somebody was inside when the loop wanted in, and has left (any thread). */
kc_err kci_accum_init(kci_accum *a, uint64_t seed, bool idempotent, bool single,
                      void (*on_leave)(void *arg), void *arg);
void kci_accum_free(kci_accum *a); /* every batch must be gone, or open: those are dropped */

/* Takes a copy of a record. Inside the gate; afterwards, outside: kci_accum_leave(). */
kci_append_result kci_accum_append(kc_producer *p, kci_append *a);

/* What remains to be done after an attempt: leaves the gate, seals what was closed, tells the loop.
 */
void kci_accum_leave(kc_producer *p, kci_append *a);

/* Finds the record's topic, or makes and asks for it, and brings it up to the newest metadata: the
 * long way, of another topic than before or with newer metadata. DONE, REFUSED, NO_TOPIC; the first
 * and last with partition_count. Inside the gate. */
kci_append_result kci_accum_find_topic(kc_producer *p, kci_append *a);

/* Closes a partition's open batch, if there is one. Inside the gate. */
void kci_accum_close(kc_producer *p, kci_part *part, kci_append *a);

/* Closes all open batches, or (before_us < INT64_MAX) those opened before a time. Inside the gate.
 */
void kci_accum_close_all(kc_producer *p, int64_t before_us, kci_append *a);

/* Seals a batch that was closed, and lets go of it. Outside of the gate. */
void kci_accum_seal(kc_producer *p, kci_send_batch *b);

/* Loop: the closed batches in the order of closing, linked by `next`. */
kci_send_batch *kci_accum_collect(kci_accum *a);

/* Loop, inside the gate: the open batches that have lingered until now_us (all, if pressed) are put
 * on the due list, and `due` is called for each. Returns when to look again, INT64_MAX: not needed.
 */
int64_t kci_accum_watch(kc_producer *p, int64_t now_us, bool pressed,
                        void (*due)(kc_producer *p, kci_send_batch *b));

/* When the oldest due batch was opened; INT64_MAX: there is none. Inside the gate. */
int64_t kci_accum_oldest_due(const kci_accum *a);

#endif
