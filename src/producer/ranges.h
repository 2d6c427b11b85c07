/* SPDX-License-Identifier: Apache-2.0 */
/* The outcome of a refused batch whose bad records the broker has named (KIP-467): ranges of records
 * that share one, in order and without gap. Made by the loop when the batch fails; constant
 * afterwards. */
#ifndef PRODUCER_RANGES_H
#define PRODUCER_RANGES_H

#include <kclient/error.h>

#include "wire/messages.h"

typedef kci_produce_response_batch_index_and_error_message kci_record_error;

typedef struct kci_outcome_range {
    int32_t from, count; /* records of the batch */
    kc_err err;
    const char *text; /* NULL: the table's; lies behind the list */
} kci_outcome_range;

typedef struct kci_outcome_ranges {
    int32_t count;
    kci_outcome_range list[];
} kci_outcome_ranges;

/* What the broker said of a batch. */
typedef struct kci_refusal {
    kc_err err;               /* of the partition */
    kc_bytes message;         /* likewise; may be empty */
    kci_record_error *errors; /* in any order; sorted by the call */
    int32_t count;
} kci_refusal;

/* As Java: a named record gets INVALID_RECORD, or the partition's own error when it is the only one;
 * those that are not named get KC_E_BATCH_REFUSED. NULL when the broker named none of the batch's
 * records, or memory is short: then all share the partition's error. */
kci_outcome_ranges *kci_outcome_ranges_new(const kci_refusal *refusal, int32_t record_count);

#endif
