/* SPDX-License-Identifier: Apache-2.0 */
/* Outcomes on their way from the loop to the application: batches whose records are gone already.
 * What waits here holds up nothing and is not counted in buffer.memory; without a taker nothing is
 * kept. Any thread. */
#ifndef PRODUCER_OUTCOMES_H
#define PRODUCER_OUTCOMES_H

#include <pthread.h>

#include <kclient/producer.h>

#include "producer/batch.h"

typedef struct kci_outcomes {
    pthread_mutex_t lock;
    kci_list list;
    bool wanted; /* constant */
    /* since the last kci_outcomes_failure() */
    uint64_t failed;
    kc_error first; /* of the first failed one: its code and sentence */
} kci_outcomes;

kc_err kci_outcomes_init(kci_outcomes *o, bool wanted);
void kci_outcomes_free(kci_outcomes *o); /* drops what is left */

/* Takes over an outcome that is fixed in b, with a reference of its own if it is kept. Returns true
 * if it was. */
bool kci_outcomes_push(kci_outcomes *o, kci_send_batch *b);

/* Moves all that there are to `to`, with their references. */
void kci_outcomes_take(kci_outcomes *o, kci_list *to);

/* Puts outcomes that were taken back to the front. */
void kci_outcomes_put_back(kci_outcomes *o, kci_list *from);
bool kci_outcomes_is_empty(kci_outcomes *o);

/* KC_E_NOT_DELIVERED, with the first failure since the last call in *detail; KC_OK if there was
 * none. */
kc_err kci_outcomes_failure(kci_outcomes *o, kc_error *detail);

/* What the application sees of an outcome, borrowed from b: one or more ranges of records. */
int32_t kci_outcome_count(const kci_send_batch *b);
kc_delivery kci_outcome_view(const kci_send_batch *b, int32_t range);

#endif
