/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding records into views. decode_records() is the inner loop of every consumer: no call, no
 * allocation, every length checked against the record it lies in. */
#include "record/reader.h"

#include "base/bytes.h"
#include "base/varint.h"
#include "record/headers.h"

enum {
    RECORD_MIN_SIZE = 7, /* of magic 2: seven varints or bytes */
    /* attributes, then timestamp, offset, key's and value's length at their longest */
    VARINTS_MAX = 1 + KCI_VARLONG_MAX + 3 * KCI_VARINT_MAX
};

/* An unsigned varint of which KCI_VARINT_MAX bytes may be read, whatever its length. NULL: it is
 * longer. */
static inline const uint8_t *get_unchecked(const uint8_t *p, uint32_t *out)
{
    uint32_t first = p[0];
    if (__builtin_expect(first < 0x80, 1)) {
        *out = first;
        return p + 1;
    }
    uint32_t second = p[1];
    if (__builtin_expect(second < 0x80, 1)) {
        *out = (first & 0x7f) | second << 7;
        return p + 2;
    }
    uint64_t v;
    p = kci_get_uvarint(p, p + KCI_VARINT_MAX, KCI_VARINT_MAX, &v);
    if (p)
        *out = (uint32_t)v;
    return p;
}

/* `size` bytes at p, of which `reserve` must remain behind them. size is still zigzag: odd ones
 * are negative, which is null (-1, or in Java any). NULL when they do not fit. */
static inline const uint8_t *take_bytes(const uint8_t *p, const uint8_t *end, uint32_t size,
                                        size_t reserve, kc_bytes *out)
{
    if (size & 1) {
        *out = (kc_bytes){ NULL, 0 };
        return p;
    }
    size >>= 1;
    if (__builtin_expect(size + reserve > (size_t)(end - p), 0))
        return NULL;
    *out = (kc_bytes){ p, size };
    return p + size;
}

/* What follows the value: the headers' count and bytes. */
static inline bool get_headers(const uint8_t *p, const uint8_t *end, kc_record *r)
{
    r->headers_data = end;
    r->headers_size = 0;
    r->header_count = 0;
    if (__builtin_expect(end - p == 1 && *p == 0, 1))
        return true;
    p = kci_get_varint(p, end, &r->header_count);
    if (!p || r->header_count == 0)
        return false;
    r->headers_data = p;
    r->headers_size = (uint32_t)(end - p);
    return kci_headers_valid(p, end, r->header_count);
}

/* One record of which the size was read; p is after that, end its end. Timestamp and offset (still
 * zigzag) are what the record says. Every step is checked. */
static __attribute__((noinline)) bool get_short_record(const uint8_t *p, const uint8_t *end,
                                                       kc_record *r, uint32_t *offset)
{
    uint64_t offset_delta, size;
    p = kci_get_varlong(p + 1, end, &r->timestamp); /* +1: attributes, of which none are defined */
    p = p ? kci_get_uvarint(p, end, KCI_VARINT_MAX, &offset_delta) : NULL;
    p = p ? kci_get_uvarint(p, end, KCI_VARINT_MAX, &size) : NULL;
    p = p ? take_bytes(p, end, (uint32_t)size, 0, &r->key) : NULL;
    p = p ? kci_get_uvarint(p, end, KCI_VARINT_MAX, &size) : NULL;
    p = p ? take_bytes(p, end, (uint32_t)size, 0, &r->value) : NULL;
    if (!p)
        return false;
    *offset = (uint32_t)offset_delta;
    return get_headers(p, end, r);
}

/* The same, where there is room for all varints at their longest: the usual case. A key that leaves
 * less than a varint behind it is left to the careful way. */
static inline bool get_record(const uint8_t *p, const uint8_t *end, kc_record *r, uint32_t *offset)
{
    const uint8_t *start = p;
    uint32_t size;
    if (end - p < VARINTS_MAX)
        return get_short_record(start, end, r, offset);
    p = kci_get_varlong(p + 1, p + 1 + KCI_VARLONG_MAX, &r->timestamp);
    p = p ? get_unchecked(p, offset) : NULL;
    p = p ? get_unchecked(p, &size) : NULL;
    if (!p)
        return false;
    p = take_bytes(p, end, size, KCI_VARINT_MAX, &r->key);
    if (__builtin_expect(!p, 0))
        return get_short_record(start, end, r, offset);
    p = get_unchecked(p, &size);
    p = p ? take_bytes(p, end, size, 0, &r->value) : NULL;
    return p && get_headers(p, end, r);
}

/* A record's size, and p behind it; NULL when it does not lie in [p, end). */
static inline const uint8_t *get_size(const uint8_t *p, const uint8_t *end, uint32_t *size)
{
    uint64_t v;
    if (__builtin_expect(end - p >= KCI_VARINT_MAX, 1)) {
        p = get_unchecked(p, size);
    } else {
        p = kci_get_uvarint(p, end, KCI_VARINT_MAX, &v);
        *size = p ? (uint32_t)v : 0;
    }
    if (!p || (*size & 1)) /* negative */
        return NULL;
    *size >>= 1;
    return *size >= RECORD_MIN_SIZE - 1 && *size <= (size_t)(end - p) ? p : NULL;
}

/* Magic 2: up to cap records. it->error is set when one is malformed. */
static int32_t decode_records(kci_records_iter *it, kc_record *out, int32_t cap)
{
    const kci_records_iter in = *it;
    const uint64_t delta_mask = in.is_append_time ? 0 : UINT64_MAX;
    const uint64_t time = (uint64_t)(in.is_append_time ? in.append_time : in.base_timestamp);
    const uint8_t *p = in.pos;
    int32_t left = in.remaining;
    int32_t n = 0;
    bool ok = true;

    while (n < cap && left > 0) {
        kc_record *r = &out[n];
        uint32_t size, offset;

        p = get_size(p, in.end, &size);
        ok = p && get_record(p, p + size, r, &offset) && !(offset & 1) &&
             offset >> 1 <= in.last_delta;
        if (!ok)
            break;
        p += size;
        left--;
        r->timestamp = (int64_t)(time + ((uint64_t)r->timestamp & delta_mask));
        r->offset = in.offset_base + (int64_t)(offset >> 1);
        n += r->offset >= in.start_offset;
    }
    if (left == 0 && p != in.end)
        ok = false;
    it->pos = p;
    it->remaining = left;
    it->error = ok ? KC_OK : KC_E_CORRUPT_MESSAGE;
    return n;
}

/* A nullable field with an int32 length. NULL when it does not fit. */
static const uint8_t *get_bytes32(const uint8_t *p, const uint8_t *end, kc_bytes *out)
{
    if (end - p < 4)
        return NULL;
    int32_t size = (int32_t)kci_load32(p);
    p += 4;
    if (size < 0) {
        *out = kc_mem(NULL, 0);
        return p;
    }
    if (size > end - p)
        return NULL;
    *out = kc_mem(p, (size_t)size);
    return p + size;
}

/* One uncompressed message of it->magic at it->pos; false when it is not one. */
static bool get_message(kci_records_iter *it, kci_batch *message)
{
    kc_err err = kci_batch_parse(it->pos, (size_t)(it->end - it->pos), message);
    return err == KC_OK && message->complete && message->magic == it->magic &&
           kci_batch_codec(message) == KCI_CODEC_NONE;
}

static bool decode_message(kci_records_iter *it, kc_record *r)
{
    kci_batch m;
    if (!get_message(it, &m))
        return false;
    const uint8_t *end = m.data + m.size;
    const uint8_t *p = m.data + 18 + (m.magic == 1 ? 8 : 0); /* the key's length */
    p = get_bytes32(p, end, &r->key);
    if (p)
        p = get_bytes32(p, end, &r->value);
    if (p != end || __builtin_add_overflow(it->offset_base, m.base_offset, &r->offset))
        return false;
    r->timestamp = it->is_append_time ? it->append_time : m.max_timestamp;
    r->headers_data = end;
    r->headers_size = 0;
    r->header_count = 0;
    it->pos = end;
    return true;
}

/* Magic 0 and 1. */
static int32_t decode_messages(kci_records_iter *it, kc_record *out, int32_t cap)
{
    int32_t n = 0;
    while (n < cap && it->pos < it->end) {
        if (!decode_message(it, &out[n])) {
            it->error = KC_E_CORRUPT_MESSAGE;
            break;
        }
        n += out[n].offset >= it->start_offset;
    }
    return n;
}

int32_t kci_records_decode(kci_records_iter *it, kc_record *out, int32_t cap)
{
    if (it->error != KC_OK)
        return 0;
    return it->magic == 2 ? decode_records(it, out, cap) : decode_messages(it, out, cap);
}

/* Offsets inside a compressed message: absolute in magic 0; in magic 1 relative to what makes the
 * last one the outer message's, except that old producers left the outer one at 0. */
static kc_err resolve_offsets(kci_records_iter *it, const kci_batch *batch)
{
    const uint8_t *start = it->pos;
    int64_t first = -1;
    int64_t last = -1;
    kci_batch m;

    for (; it->pos < it->end; it->pos += m.size) {
        if (!get_message(it, &m))
            return KC_E_CORRUPT_MESSAGE;
        last = m.base_offset;
        first = first < 0 ? last : first;
    }
    it->pos = start;
    if (first < 0)
        return KC_E_CORRUPT_MESSAGE;
    if (batch->magic == 1 && batch->last_offset != 0) {
        if (batch->last_offset < last)
            return KC_E_CORRUPT_MESSAGE;
        it->offset_base = batch->last_offset - last;
    }
    it->base_offset = it->offset_base + first;
    return KC_OK;
}

static void init_iter(kci_records_iter *it, const kci_batch *batch, int64_t start_offset)
{
    bool is_legacy = batch->magic < 2;
    *it = (kci_records_iter){
        .remaining = batch->count,
        .base_offset = batch->base_offset,
        .next_offset = kci_batch_next_offset(batch),
        .pos = batch->records,
        .end = batch->records + batch->records_size,
        .start_offset = start_offset,
        .offset_base = is_legacy ? 0 : batch->base_offset,
        .base_timestamp = batch->base_timestamp,
        .append_time = batch->max_timestamp,
        .last_delta = (uint32_t)(batch->last_offset - batch->base_offset),
        .is_append_time = kci_batch_is_append_time(batch),
        .magic = batch->magic,
    };
}

static kc_err open_compressed(kci_records_iter *it, const kci_batch *batch, kci_decompressor *d,
                              const kci_block_source *source, size_t max_bytes, kci_block **block)
{
    unsigned codec = kci_batch_codec(batch);
    if (batch->magic < 2 && codec > KCI_CODEC_LZ4)
        return KC_E_CORRUPT_MESSAGE;
    kc_err err =
        kci_decompress(d, codec, it->pos, (size_t)(it->end - it->pos), max_bytes, source, block);
    if (err != KC_OK)
        return err;
    it->pos = (*block)->data;
    it->end = it->pos + (*block)->size;
    return batch->magic < 2 ? resolve_offsets(it, batch) : KC_OK;
}

kc_err kci_records_open(kci_records_iter *it, const kci_batch *batch, int64_t start_offset,
                        kci_decompressor *d, const kci_block_source *source, size_t max_bytes,
                        kci_block **block)
{
    kc_err err = KC_OK;
    *block = NULL;
    init_iter(it, batch, start_offset);
    if (batch->count == 0) /* all compacted away: nothing to decompress, whatever the codec */
        it->end = it->pos;
    else if (kci_batch_codec(batch) != KCI_CODEC_NONE)
        err = open_compressed(it, batch, d, source, max_bytes, block);
    if (err == KC_OK && batch->count > (it->end - it->pos) / RECORD_MIN_SIZE)
        err = KC_E_CORRUPT_MESSAGE;
    if (err != KC_OK) {
        kci_block_unref(*block);
        *block = NULL;
        it->error = err;
    }
    return err;
}
