/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of partitions for the application: one block with the structs and, behind them, the names.
 * Made by who gives them out, constant afterwards. */
#ifndef CORE_PARTITIONS_H
#define CORE_PARTITIONS_H

#include <kclient/partition.h>

/* An empty list with room for `count` partitions whose names have `names` bytes together. NULL when
 * out of memory. */
kc_partitions *kci_partitions_new(size_t count, size_t names);

/* Appends one; the name is copied, once for entries of one topic in a row. */
void kci_partitions_add(kc_partitions *list, kc_bytes topic, int32_t partition);

#endif
