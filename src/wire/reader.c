/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/reader.h"

static uint64_t uvarint(kci_reader *r, unsigned bits)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < bits; shift += 7) {
        uint64_t b = kci_rd_uint8(r);
        uint64_t low = b & 0x7f;
        if (r->bad || (shift + 7 > bits && low >> (bits - shift) != 0))
            break;
        v |= low << shift;
        if (b < 0x80)
            return v;
    }
    r->bad = true;
    return 0;
}

uint32_t kci_rd_uvarint_long(kci_reader *r)
{
    return (uint32_t)uvarint(r, 32);
}

uint64_t kci_rd_uvarlong(kci_reader *r)
{
    return uvarint(r, 64);
}

/* size -1: null; below: malformed. */
static kc_bytes take(kci_reader *r, int64_t size)
{
    if (size < -1)
        r->bad = true;
    if (r->bad || size < 0)
        return (kc_bytes){ NULL, 0 };
    const uint8_t *p = kci_rd_take(r, (size_t)size);
    return (kc_bytes){ p, p ? (size_t)size : 0 };
}

kc_bytes kci_rd_string(kci_reader *r)
{
    return take(r, kci_rd_int16(r));
}

kc_bytes kci_rd_bytes(kci_reader *r)
{
    return take(r, kci_rd_int32(r));
}

kc_bytes kci_rd_compact_string(kci_reader *r)
{
    int64_t size = (int64_t)kci_rd_uvarint(r) - 1;
    return take(r, size > INT16_MAX ? -2 : size);
}

kc_bytes kci_rd_compact_bytes(kci_reader *r)
{
    return take(r, (int64_t)kci_rd_uvarint(r) - 1);
}

void kci_rd_skip_tags(kci_reader *r)
{
    uint32_t count = kci_rd_uvarint(r);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        kci_rd_uvarint(r);
        kci_rd_take(r, kci_rd_uvarint(r));
    }
}
