/* SPDX-License-Identifier: Apache-2.0 */
/* What a partition's leader knows of its producers: epoch, the last five batches (for duplicates
 * and order, KIP-98), and transactions, open and aborted. Belongs to a log. */
#ifndef MOCK_PRODUCERS_H
#define MOCK_PRODUCERS_H

#include <kclient/error.h>

#include "base/list.h"
#include "base/map.h"
#include "record/batch.h"

enum {
    KCI_MOCK_BATCHES_KEPT = 5,     /* as many as a producer may have in flight */
    KCI_MOCK_PRODUCERS_MAX = 65536 /* of a partition; then the one seen first is forgotten */
};

/* A batch that was appended, as far as duplicates go. */
typedef struct kci_mock_seen {
    int32_t first_sequence, last_sequence;
    int64_t base_offset;
    int64_t append_time_ms;
} kci_mock_seen;

typedef struct kci_mock_producer {
    int64_t id;
    int16_t epoch;
    int8_t seen_count;
    kci_mock_seen seen[KCI_MOCK_BATCHES_KEPT]; /* oldest first */
    struct kci_mock_txn *txn;                  /* open; NULL: none */
} kci_mock_producer;

/* A transaction in this partition that is open, or ended above the high watermark. */
typedef struct kci_mock_txn {
    kci_link link; /* in order of first offsets */
    int64_t producer_id;
    int64_t first;
    int64_t marker; /* -1: open */
} kci_mock_txn;

typedef struct kci_mock_aborted {
    int64_t producer_id;
    int64_t first, marker;
} kci_mock_aborted;

typedef struct kci_mock_producers {
    kci_imap by_id;
    kci_list txns;
    kci_mock_aborted *aborted; /* in order of markers */
    size_t aborted_count, aborted_cap;
    kci_mock_txn *spare; /* for the next transaction, so that noting one cannot fail */
} kci_mock_producers;

void kci_mock_producers_init(kci_mock_producers *ps);

/* Forgets everything; usable again. */
void kci_mock_producers_free(kci_mock_producers *ps);

/* The batch of this producer with these sequence numbers if it is one of the last five, or NULL. */
const kci_mock_seen *kci_mock_producers_find(const kci_mock_producers *ps, const kci_batch *b);

/* May a client append this batch? KC_E_INVALID_PRODUCER_EPOCH, KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER,
 * KC_E_INVALID_TXN_STATE. */
kc_err kci_mock_producers_check(const kci_mock_producers *ps, const kci_batch *b);

/* Makes room so that the next kci_mock_producers_note of this batch cannot fail. KC_E_NO_MEMORY. */
kc_err kci_mock_producers_reserve(kci_mock_producers *ps, const kci_batch *b);

/* The batch was appended at base_offset. type: of a control batch; COMMIT and ABORT end the
 * producer's transaction. After kci_mock_producers_reserve. */
void kci_mock_producers_note(kci_mock_producers *ps, const kci_batch *b, int64_t base_offset,
                             int64_t append_time_ms, kci_control_type type);

/* Transactions whose end is below hw do not hold back the last stable offset any more. */
void kci_mock_producers_advance(kci_mock_producers *ps, int64_t hw);

/* First offset of the oldest transaction that holds it back; INT64_MAX: none. */
int64_t kci_mock_producers_first_open(const kci_mock_producers *ps);

/* Forgets aborted transactions that ended below start. */
void kci_mock_producers_trim(kci_mock_producers *ps, int64_t start);

#endif
