/* SPDX-License-Identifier: Apache-2.0 */
/* Raw snappy, encoding (google/snappy's format_description.txt): the size as a varint, then
 * literals and copies of earlier bytes. Greedy: a hash of four bytes names the last place where
 * they occurred; the longer nothing is found, the bigger the steps. */
#include "base/bytes.h"
#include "base/copy.h"
#include "base/varint.h"
#include "record/compress_impl.h"

enum {
    TAG_LITERAL = 0,
    TAG_COPY_1 = 1, /* length 4 to 11, offset below 2048 */
    TAG_COPY_2 = 2, /* length 1 to 64, offset below 65536 */
    COPY_MAX = 64,
    MATCH_MIN = 4,
    MARGIN = 15, /* so close to the end nothing is searched, so that four bytes can be read */
    PATIENCE = 5 /* the step grows by one each 2^5 places without a match */
};

typedef struct encoder {
    const uint8_t *in;
    size_t n;
    uint16_t *table; /* hash -> last place */
    unsigned shift;  /* a hash is the product's upper 32 - shift bits */
} encoder;

static inline uint32_t four(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Remembers the place `at` and returns the last one with the same hash, 0 if none. */
static inline size_t exchange(const encoder *e, size_t at)
{
    uint16_t *slot = &e->table[four(e->in + at) * UINT32_C(0x9e3779b1) >> e->shift];
    size_t last = *slot;
    *slot = (uint16_t)at;
    return last;
}

/* The first place from `at` on, below limit, with an earlier match, which *match gets; limit if
 * there is none. */
static size_t find(const encoder *e, size_t at, size_t limit, size_t *match)
{
    for (size_t steps = 1 << PATIENCE; at < limit; at += steps++ >> PATIENCE) {
        *match = exchange(e, at);
        if (four(e->in + *match) == four(e->in + at))
            return at;
    }
    return limit;
}

/* How many bytes are equal at both places, to the end at most; the first four are. */
static size_t match_length(const encoder *e, size_t match, size_t at)
{
    size_t length = MATCH_MIN;
    while (at + length + 8 <= e->n) {
        uint64_t a, b;
        memcpy(&a, e->in + match + length, sizeof a);
        memcpy(&b, e->in + at + length, sizeof b);
        if (a != b)
            return length + (size_t)__builtin_ctzll(le64toh(a ^ b)) / 8;
        length += 8;
    }
    while (at + length < e->n && e->in[match + length] == e->in[at + length])
        length++;
    return length;
}

static uint8_t *put_literal(uint8_t *out, const uint8_t *from, size_t n)
{
    if (n == 0)
        return out;
    if (n <= 60) {
        *out++ = (uint8_t)((n - 1) << 2 | TAG_LITERAL);
    } else if (n <= 256) {
        *out++ = 60 << 2 | TAG_LITERAL;
        *out++ = (uint8_t)(n - 1);
    } else {
        *out++ = 61 << 2 | TAG_LITERAL;
        *out++ = (uint8_t)(n - 1);
        *out++ = (uint8_t)((n - 1) >> 8);
    }
    kci_copy(out, from, n);
    return out + n;
}

static uint8_t *put_copy_2(uint8_t *out, size_t offset, size_t n)
{
    out[0] = (uint8_t)((n - 1) << 2 | TAG_COPY_2);
    out[1] = (uint8_t)offset;
    out[2] = (uint8_t)(offset >> 8);
    return out + 3;
}

static uint8_t *put_copy(uint8_t *out, size_t offset, size_t n)
{
    /* leave at least MATCH_MIN for the last one, which may then be a short one */
    for (; n >= COPY_MAX + MATCH_MIN; n -= COPY_MAX)
        out = put_copy_2(out, offset, COPY_MAX);
    if (n > COPY_MAX) {
        out = put_copy_2(out, offset, COPY_MAX - MATCH_MIN);
        n -= COPY_MAX - MATCH_MIN;
    }
    if (n > 11 || offset >= 2048)
        return put_copy_2(out, offset, n);
    out[0] = (uint8_t)((offset >> 8) << 5 | (n - MATCH_MIN) << 2 | TAG_COPY_1);
    out[1] = (uint8_t)offset;
    return out + 2;
}

/* Copies from a match at `at` on, as long as one follows on the other; returns where they end. */
static size_t put_matches(const encoder *e, size_t at, size_t match, size_t limit, uint8_t **out)
{
    do {
        size_t length = match_length(e, match, at);
        *out = put_copy(*out, at - match, length);
        at += length;
        if (at >= limit)
            return at;
        exchange(e, at - 1);
        match = exchange(e, at);
    } while (four(e->in + match) == four(e->in + at));
    return at;
}

/* A table no bigger than the input deserves, cleared. */
static void clear_table(encoder *e)
{
    unsigned bits = 8;
    while (bits < 14 && (size_t)1 << bits < e->n)
        bits++;
    e->shift = 32 - bits;
    memset(e->table, 0, sizeof *e->table << bits);
}

size_t kci_snappy_encode(uint16_t table[KCI_SNAPPY_TABLE], const uint8_t *in, size_t n,
                         uint8_t *out)
{
    encoder e = { in, n, table, 0 };
    uint8_t *p = kci_put_uvarint(out, n);
    size_t start = 0; /* of what is not written yet */

    if (n > MARGIN) {
        size_t limit = n - MARGIN;
        size_t match;
        clear_table(&e);
        for (size_t at = find(&e, 1, limit, &match); at < limit;
             at = find(&e, start + 1, limit, &match)) {
            p = put_literal(p, in + start, at - start);
            start = put_matches(&e, at, match, limit, &p);
        }
    }
    p = put_literal(p, in + start, n - start);
    return (size_t)(p - out);
}
