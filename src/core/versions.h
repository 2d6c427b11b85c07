/* SPDX-License-Identifier: Apache-2.0 */
/* Which version of each API a connection can use: what the broker advertised, cut to what the
 * library knows. A value of about 250 bytes in each connection. */
#ifndef CORE_VERSIONS_H
#define CORE_VERSIONS_H

#include "wire/codec.h"
#include "wire/messages.h"

enum { KCI_API_KEYS = 128 };

typedef struct kci_version_range {
    int8_t first, last; /* first > last: none in common */
} kci_version_range;

typedef struct kci_versions_table {
    kci_version_range range[KCI_API_KEYS];
} kci_versions_table;

/* From the broker's answer. Later entries of the same key count. */
void kci_versions_set(kci_versions_table *table, const kci_api_versions_response *answer);

/* The highest version within min..max (both 0: no limit) that both sides know, or -2. */
int16_t kci_versions_pick(const kci_versions_table *table, int16_t api, int16_t min, int16_t max);

#endif
