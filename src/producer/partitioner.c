/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/partitioner.h"

#include <zlib.h>

#include "base/murmur2.h"

int32_t kc_partition_of_key(kc_bytes key, int32_t count)
{
    if (!key.data || count < 1 || key.size > INT32_MAX)
        return KC_PARTITION_ANY;
    return kci_murmur2_partition(key, count);
}

static int32_t by_murmur2(kc_bytes key, int32_t count)
{
    kc_bytes empty = { (const uint8_t *)"", 0 };
    return kci_murmur2_partition(key.data ? key : empty, count);
}

/* librdkafka's "consistent": CRC-32 (IEEE) of the key. */
static int32_t by_crc32(kc_bytes key, int32_t count)
{
    uint32_t crc = (uint32_t)crc32_z(0, Z_NULL, 0);
    if (key.size)
        crc = (uint32_t)crc32_z(crc, key.data, key.size);
    return (int32_t)(crc % (uint32_t)count);
}

/* FNV-1a of 32 bits, made positive the way Sarama and librdkafka do: the absolute value. */
static int32_t by_fnv1a(kc_bytes key, int32_t count)
{
    uint32_t hash = 0x811c9dc5u;
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * 0x01000193u;
    if (hash > INT32_MAX)
        hash = 0u - hash;
    return (int32_t)(hash % (uint32_t)count);
}

int32_t kci_partition_by_key(kci_partitioner_kind kind, kc_bytes key, int32_t count)
{
    switch (kind) {
    case KCI_PARTITIONER_DEFAULT:
        return key.data ? by_murmur2(key, count) : KC_PARTITION_ANY;
    case KCI_PARTITIONER_MURMUR2:
        return by_murmur2(key, count);
    case KCI_PARTITIONER_CONSISTENT:
        return by_crc32(key, count);
    case KCI_PARTITIONER_CONSISTENT_RANDOM:
        return key.size ? by_crc32(key, count) : KC_PARTITION_ANY;
    case KCI_PARTITIONER_FNV1A:
        return by_fnv1a(key, count);
    case KCI_PARTITIONER_FNV1A_RANDOM:
        return key.data ? by_fnv1a(key, count) : KC_PARTITION_ANY;
    case KCI_PARTITIONER_ROUND_ROBIN:
    case KCI_PARTITIONER_UNIFORM_STICKY:
    case KCI_PARTITIONER_RANDOM:
        break;
    }
    return KC_PARTITION_ANY;
}
