/* SPDX-License-Identifier: Apache-2.0 */
/* A cursor over received bytes; it never owns them. After the first short or malformed read `bad`
 * is set and every getter returns zero, so a decoder tests it once, at its end. Integers are
 * big-endian; varints are as in KIP-482 (7 bits a byte, low bits first). Not thread-safe. */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include "base/bytes.h"

typedef struct kci_reader {
    const uint8_t *pos;
    const uint8_t *end;
    bool bad;
} kci_reader;

/* Borrows data, which must outlive everything that is decoded from it. */
static inline kci_reader kci_reader_of(const void *data, size_t size)
{
    const uint8_t *p = data;
    return (kci_reader){ p, p ? p + size : p, false };
}

/* Bytes not read yet; 0 for a bad reader. */
static inline size_t kci_rd_left(const kci_reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->pos);
}

/* The next n bytes, in place; NULL when fewer are left. */
static inline const uint8_t *kci_rd_take(kci_reader *r, size_t n)
{
    if (r->bad || n > (size_t)(r->end - r->pos)) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->pos;
    r->pos += n;
    return p;
}

static inline uint8_t kci_rd_uint8(kci_reader *r)
{
    const uint8_t *p = kci_rd_take(r, 1);
    return p ? *p : 0;
}

static inline int8_t kci_rd_int8(kci_reader *r)
{
    return (int8_t)kci_rd_uint8(r);
}

static inline bool kci_rd_bool(kci_reader *r)
{
    return kci_rd_uint8(r) != 0;
}

static inline uint16_t kci_rd_uint16(kci_reader *r)
{
    const uint8_t *p = kci_rd_take(r, 2);
    return p ? kci_load16(p) : 0;
}

static inline int16_t kci_rd_int16(kci_reader *r)
{
    return (int16_t)kci_rd_uint16(r);
}

static inline uint32_t kci_rd_uint32(kci_reader *r)
{
    const uint8_t *p = kci_rd_take(r, 4);
    return p ? kci_load32(p) : 0;
}

static inline int32_t kci_rd_int32(kci_reader *r)
{
    return (int32_t)kci_rd_uint32(r);
}

static inline int64_t kci_rd_int64(kci_reader *r)
{
    const uint8_t *p = kci_rd_take(r, 8);
    return p ? (int64_t)kci_load64(p) : 0;
}

static inline double kci_rd_float64(kci_reader *r)
{
    int64_t bits = kci_rd_int64(r);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline kc_uuid kci_rd_uuid(kci_reader *r)
{
    kc_uuid id = { { 0 } };
    const uint8_t *p = kci_rd_take(r, sizeof id.bytes);
    if (p)
        memcpy(id.bytes, p, sizeof id.bytes);
    return id;
}

/* The long forms of the two below; use those. */
uint32_t kci_rd_uvarint_long(kci_reader *r);

/* Unsigned, at most 5 bytes; more than 32 bits is malformed. */
static inline uint32_t kci_rd_uvarint(kci_reader *r)
{
    if (!r->bad && r->pos < r->end && *r->pos < 0x80)
        return *r->pos++;
    return kci_rd_uvarint_long(r);
}

/* Unsigned, at most 10 bytes; more than 64 bits is malformed. */
uint64_t kci_rd_uvarlong(kci_reader *r);

/* Zigzag, at most 5 bytes. */
static inline int32_t kci_rd_varint(kci_reader *r)
{
    uint32_t v = kci_rd_uvarint(r);
    return (int32_t)((v >> 1) ^ (0 - (v & 1)));
}

/* Zigzag, at most 10 bytes. */
static inline int64_t kci_rd_varlong(kci_reader *r)
{
    uint64_t v = kci_rd_uvarlong(r);
    return (int64_t)((v >> 1) ^ (0 - (v & 1)));
}

/* Length-prefixed bytes, in place. {NULL, 0} means null, or a bad reader: the caller looks at `bad`
 * and knows whether null is allowed. A length below -1 is malformed. */
kc_bytes kci_rd_string(kci_reader *r);         /* int16 length, -1: null */
kc_bytes kci_rd_bytes(kci_reader *r);          /* int32 length, -1: null */
kc_bytes kci_rd_compact_string(kci_reader *r); /* uvarint length + 1, at most 32767; 0: null */
kc_bytes kci_rd_compact_bytes(kci_reader *r);  /* uvarint length + 1; 0: null */

/* Passes over a tagged-fields section whose tags are all of no interest. */
void kci_rd_skip_tags(kci_reader *r);

#endif
