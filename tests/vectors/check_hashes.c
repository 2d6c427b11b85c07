/* SPDX-License-Identifier: Apache-2.0 */
/* murmur2.txt and crc32c.txt. The CRC is checked in each implementation that the machine has, and
 * put together from two parts. */
#include <stdlib.h>

#include "base/crc32c.h"
#include "base/murmur2.h"
#include "check.h"

void check_murmur2(vec_file *v)
{
    static const int32_t counts[] = { 1, 2, 3, 7, 12, 100, 1000 };
    while (vec_next(v)) {
        kc_bytes key = vec_bytes(v);
        bool ok = (int32_t)kci_murmur2(key.data, key.size) == vec_number(v);
        for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
            ok = kci_murmur2_partition(key, counts[i]) == vec_number(v) && ok;
        vec_expect(v, ok, "another hash or partition");
    }
}

static bool crc_is(kc_bytes data, uint32_t expected)
{
    size_t half = data.size / 3;
    uint32_t first = kci_crc32c(0, data.data, half);
    uint32_t second = kci_crc32c(0, data.data + half, data.size - half);
    return kci_crc32c(0, data.data, data.size) == expected &&
           kci_crc32c(first, data.data + half, data.size - half) == expected &&
           kci_crc32c_combine(first, second, data.size - half) == expected;
}

void check_crc32c(vec_file *v)
{
    bool has_hardware = kci_crc32c_force(KCI_CRC32C_HARDWARE);
    while (vec_next(v)) {
        kc_bytes data = vec_bytes(v);
        uint32_t expected = (uint32_t)strtoul(vec_word(v), NULL, 16);
        bool ok = crc_is(data, expected);
        kci_crc32c_force(KCI_CRC32C_PORTABLE);
        ok = crc_is(data, expected) && ok;
        if (has_hardware)
            kci_crc32c_force(KCI_CRC32C_HARDWARE);
        vec_expect(v, ok, "another checksum");
    }
}
