/* SPDX-License-Identifier: Apache-2.0 */
/* Murmur2 as Kafka's Java client computes it, and the partition that its default partitioner picks
 * for a key: a C and a Java producer put the same key on the same partition. Thread-safe. */
#ifndef BASE_MURMUR2_H
#define BASE_MURMUR2_H

#include <kclient/types.h>

/* The 32-bit hash; Java's int is the same bits, signed. size must be below 2^31. */
uint32_t kci_murmur2(const void *data, size_t size);

/* The partition of a key among `count` (> 0): toPositive(murmur2) % count. */
int32_t kci_murmur2_partition(kc_bytes key, int32_t count);

#endif
