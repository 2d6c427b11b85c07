/* SPDX-License-Identifier: Apache-2.0 */
/* Zigzag varints as records use them (the protocol guide's VARINT and VARLONG): 7 bits a byte,
 * lowest first. Inline: this is the inner loop of producing and consuming. */
#ifndef BASE_VARINT_H
#define BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

enum {
    KCI_VARINT_MAX = 5,  /* bytes of the longest 32-bit one */
    KCI_VARLONG_MAX = 10 /* bytes of the longest 64-bit one */
};

static inline uint32_t kci_zigzag32(int32_t v)
{
    return ((uint32_t)v << 1) ^ (v < 0 ? UINT32_MAX : 0);
}

static inline uint64_t kci_zigzag64(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}

static inline int32_t kci_unzigzag32(uint32_t v)
{
    return (int32_t)((v >> 1) ^ (0 - (v & 1)));
}

static inline int64_t kci_unzigzag64(uint64_t v)
{
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

/* Bytes of an unsigned varint. (9 * highest bit + 73) / 64 is 1 + highest bit / 7 for 0 to 63. */
static inline size_t kci_uvarint_size(uint64_t v)
{
    return ((uint32_t)(63 ^ __builtin_clzll(v | 1)) * 9 + 73) >> 6;
}

static inline size_t kci_varint_size(int32_t v)
{
    return kci_uvarint_size(kci_zigzag32(v));
}

static inline size_t kci_varlong_size(int64_t v)
{
    return kci_uvarint_size(kci_zigzag64(v));
}

/* Writes an unsigned varint and returns what follows it; there must be room. */
static inline uint8_t *kci_put_uvarint(uint8_t *p, uint64_t v)
{
    if (v < 0x80) {
        *p = (uint8_t)v;
        return p + 1;
    }
    if (v < 0x4000) {
        p[0] = (uint8_t)(v | 0x80);
        p[1] = (uint8_t)(v >> 7);
        return p + 2;
    }
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static inline uint8_t *kci_put_varint(uint8_t *p, int32_t v)
{
    return kci_put_uvarint(p, kci_zigzag32(v));
}

static inline uint8_t *kci_put_varlong(uint8_t *p, int64_t v)
{
    return kci_put_uvarint(p, kci_zigzag64(v));
}

/* Reads an unsigned varint of at most max_bytes (KCI_VARINT_MAX, KCI_VARLONG_MAX) from [p, end) and
 * returns what follows it, NULL when it is longer or cut off. Bits beyond the type are dropped. */
static inline const uint8_t *kci_get_uvarint(const uint8_t *p, const uint8_t *end, size_t max_bytes,
                                             uint64_t *out)
{
    if (p < end && *p < 0x80) {
        *out = *p;
        return p + 1;
    }
    if ((size_t)(end - p) > max_bytes)
        end = p + max_bytes;
    uint64_t v = 0;
    for (unsigned shift = 0; p < end; shift += 7) {
        uint8_t b = *p++;
        v |= (uint64_t)(b & 0x7f) << shift;
        if (b < 0x80) {
            *out = v;
            return p;
        }
    }
    return NULL;
}

static inline const uint8_t *kci_get_varint(const uint8_t *p, const uint8_t *end, int32_t *out)
{
    uint64_t v;
    p = kci_get_uvarint(p, end, KCI_VARINT_MAX, &v);
    if (p)
        *out = kci_unzigzag32((uint32_t)v);
    return p;
}

static inline const uint8_t *kci_get_varlong(const uint8_t *p, const uint8_t *end, int64_t *out)
{
    uint64_t v;
    p = kci_get_uvarint(p, end, KCI_VARLONG_MAX, &v);
    if (p)
        *out = kci_unzigzag64(v);
    return p;
}

#endif
