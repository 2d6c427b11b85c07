/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor's getters in any order. Input: a byte with a number of getters n, n bytes that choose
 * them, and what they read. None leaves the input; after a malformed read all give zero. */
#include "fuzz.h"
#include "wire/reader.h"

static kc_bytes read_slice(kci_reader *r, uint8_t choice)
{
    switch (choice % 4) {
    case 0:
        return kci_rd_string(r);
    case 1:
        return kci_rd_bytes(r);
    case 2:
        return kci_rd_compact_string(r);
    default:
        return kci_rd_compact_bytes(r);
    }
}

static int64_t read_number(kci_reader *r, uint8_t choice)
{
    switch (choice % 11) {
    case 0:
        return kci_rd_bool(r);
    case 1:
        return kci_rd_int8(r);
    case 2:
        return kci_rd_int16(r);
    case 3:
        return kci_rd_uint16(r);
    case 4:
        return kci_rd_int32(r);
    case 5:
        return kci_rd_uint32(r);
    case 6:
        return kci_rd_int64(r);
    case 7:
        return kci_rd_uvarint(r);
    case 8:
        return kci_rd_varint(r);
    case 9:
        return kci_rd_varlong(r);
    default:
        return kci_rd_float64(r) > 0;
    }
}

static void read_one(kci_reader *r, uint8_t choice)
{
    const uint8_t *start = r->pos;
    bool bad = r->bad;
    int64_t number = 0;
    kc_bytes slice = { NULL, 0 };
    if (choice < 64)
        slice = read_slice(r, choice);
    else if (choice < 72)
        kci_rd_skip_tags(r);
    else if (choice < 80)
        number = kci_rd_uuid(r).bytes[0];
    else
        number = read_number(r, choice);

    FUZZ_CHECK(r->pos >= start && r->pos <= r->end);
    FUZZ_CHECK(!bad || r->bad);
    if (r->bad)
        FUZZ_CHECK(number == 0 && !slice.data);
    if (slice.data)
        FUZZ_CHECK(slice.data >= start && slice.data + slice.size == r->pos);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size - 1 < data[0])
        return 0;
    size_t n = data[0];
    kci_reader r = kci_reader_of(data + 1 + n, size - 1 - n);
    for (size_t i = 0; i < n; i++)
        read_one(&r, data[1 + i]);
    return 0;
}
