/* SPDX-License-Identifier: Apache-2.0 */
/* XXH32, written from its specification: four lanes of 32 bits, then the tail, then mixing. */
#include "record/xxh32.h"

#include <endian.h>
#include <string.h>

static const uint32_t prime1 = 0x9e3779b1;
static const uint32_t prime2 = 0x85ebca77;
static const uint32_t prime3 = 0xc2b2ae3d;
static const uint32_t prime4 = 0x27d4eb2f;
static const uint32_t prime5 = 0x165667b1;

static uint32_t load(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return le32toh(v);
}

static uint32_t rotate(uint32_t v, unsigned bits)
{
    return v << bits | v >> (32 - bits);
}

static uint32_t mix(uint32_t h)
{
    h = (h ^ h >> 15) * prime2;
    h = (h ^ h >> 13) * prime3;
    return h ^ h >> 16;
}

uint32_t kci_xxh32(const void *data, size_t n)
{
    const uint8_t *p = data;
    const uint8_t *end = p + n;
    uint32_t h = prime5;

    if (n >= 16) {
        uint32_t lanes[4] = { prime1 + prime2, prime2, 0, 0 - prime1 };
        for (; end - p >= 16; p += 16) {
            for (int i = 0; i < 4; i++)
                lanes[i] = rotate(lanes[i] + load(p + 4 * i) * prime2, 13) * prime1;
        }
        h = rotate(lanes[0], 1) + rotate(lanes[1], 7) + rotate(lanes[2], 12) + rotate(lanes[3], 18);
    }
    h += (uint32_t)n;
    for (; end - p >= 4; p += 4)
        h = rotate(h + load(p) * prime3, 17) * prime4;
    for (; p < end; p++)
        h = rotate(h + *p * prime5, 11) * prime1;
    return mix(h);
}
