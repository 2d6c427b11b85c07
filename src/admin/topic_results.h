/* SPDX-License-Identifier: Apache-2.0 */
/* What became of each topic of a request: filled on the loop while answers come, read by the
 * application afterwards. */
#ifndef ADMIN_TOPIC_RESULTS_H
#define ADMIN_TOPIC_RESULTS_H

#include <kclient/admin.h>

#include "wire/arena.h"

typedef struct kci_topic_entry {
    kc_topic_result result;
    bool answered; /* by a broker, finally */
} kci_topic_entry;

struct kc_topic_results {
    kci_arena arena; /* names and texts */
    size_t count;
    kci_topic_entry *entries;
};

/* NULL when out of memory. Entries are zeroed, but for partitions and replication factor -1. */
kc_topic_results *kci_topic_results_new(size_t count);

/* Sets an entry's name, copied. KC_E_NO_MEMORY, KC_E_INVALID_ARGUMENT (empty or longer than a name
 * can be). */
kc_err kci_topic_results_name(kc_topic_results *results, size_t index, kc_bytes name);

/* The first unanswered entry of that name, looked for from *hint on (and round), which is moved
 * behind it; NULL: there is none. */
kci_topic_entry *kci_topic_results_find(kc_topic_results *results, kc_bytes name, size_t *hint);

/* Final outcome of an entry, with the broker's message if it gave one. maybe_done: an earlier
 * request may have done it, which an error could be the consequence of. KC_E_NO_MEMORY. */
kc_err kci_topic_results_set(kc_topic_results *results, kci_topic_entry *entry, kc_err err,
                             kc_bytes message, bool maybe_done);

/* Entries without an answer. */
size_t kci_topic_results_open(const kc_topic_results *results);

/* The error of the first failed one, with its sentence; KC_OK: none failed. */
kc_err kci_topic_results_first(const kc_topic_results *results, kc_error *detail);

#endif
