/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in partitioners as far as they look at keys; the choice without a key needs to know how
 * batches fill and is in choose.c. No state; thread-safe. */
#ifndef PRODUCER_PARTITIONER_H
#define PRODUCER_PARTITIONER_H

#include <kclient/partitioner.h>

#include "core/config.h"

/* The partition of a key among count (> 0), or KC_PARTITION_ANY when this kind leaves it open. */
int32_t kci_partition_by_key(kci_partitioner_kind kind, kc_bytes key, int32_t count);

#endif
