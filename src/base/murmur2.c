/* SPDX-License-Identifier: Apache-2.0 */
/* Murmur2 (Austin Appleby, public domain) with Kafka's seed. The bytes are read as little-endian
 * words on every machine. */
#include "base/murmur2.h"

#include <endian.h>
#include <string.h>

uint32_t kci_murmur2(const void *data, size_t size)
{
    const uint32_t m = 0x5bd1e995;
    const uint8_t *p = data;
    uint32_t h = UINT32_C(0x9747b28c) ^ (uint32_t)size;

    for (; size >= 4; size -= 4, p += 4) {
        uint32_t k;
        memcpy(&k, p, sizeof k);
        k = le32toh(k) * m;
        k ^= k >> 24;
        h = (h * m) ^ (k * m);
    }
    if (size > 0) {
        uint32_t tail = 0;
        for (size_t i = size; i > 0; i--)
            tail = tail << 8 | p[i - 1];
        h = (h ^ tail) * m;
    }
    h ^= h >> 13;
    h *= m;
    return h ^ h >> 15;
}

int32_t kci_murmur2_partition(kc_bytes key, int32_t count)
{
    return (int32_t)(kci_murmur2(key.data, key.size) & INT32_MAX) % count;
}
