/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding records into views. decode_records() is the inner loop of every consumer: no call, no
 * allocation, every length checked against the record it lies in. */
#include "record/reader.h"

#include "base/bytes.h"
#include "base/varint.h"
#include "record/headers.h"

enum {
    RECORD_MIN_SIZE = 7, /* of magic 2: seven varints or bytes */
    /* attributes, timestamp, offset and the key's length at their longest */
    PREFIX_MAX = 1 + KCI_VARLONG_MAX + 2 * KCI_VARINT_MAX
};

/* A varint of which KCI_VARINT_MAX bytes may be read, whatever its length. NULL: it is longer. */
static inline const uint8_t *get_varint_unchecked(const uint8_t *p, int32_t *out)
{
    uint32_t first = p[0];
    if (__builtin_expect(first < 0x80, 1)) {
        *out = kci_unzigzag32(first);
        return p + 1;
    }
    uint32_t second = p[1];
    if (__builtin_expect(second < 0x80, 1)) {
        *out = kci_unzigzag32((first & 0x7f) | second << 7);
        return p + 2;
    }
    return kci_get_varint(p, p + KCI_VARINT_MAX, out);
}

static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, int32_t *out)
{
    if (__builtin_expect(end - p >= KCI_VARINT_MAX, 1))
        return get_varint_unchecked(p, out);
    return kci_get_varint(p, end, out);
}

/* `size` bytes at p, null when it is negative, as in Java. NULL when they do not fit; p may lie
 * behind the end, then nothing fits. */
static inline const uint8_t *take_bytes(const uint8_t *p, const uint8_t *end, int32_t size,
                                        kc_bytes *out)
{
    bool is_null = size < 0;
    size = is_null ? 0 : size;
    if (__builtin_expect(size > end - p, 0))
        return NULL;
    out->data = is_null ? NULL : p;
    out->size = (size_t)size;
    return p + size;
}

/* The fields between size and key. Timestamp and offset are what the record says. */
static inline const uint8_t *get_prefix(const uint8_t *p, const uint8_t *end, kc_record *r,
                                        int32_t *offset_delta, int32_t *key_size)
{
    p++; /* attributes: none are defined */
    if (__builtin_expect(end - p >= PREFIX_MAX - 1, 1)) {
        p = kci_get_varlong(p, p + KCI_VARLONG_MAX, &r->timestamp);
        p = p ? get_varint_unchecked(p, offset_delta) : NULL;
        return p ? get_varint_unchecked(p, key_size) : NULL;
    }
    p = kci_get_varlong(p, end, &r->timestamp);
    p = p ? get_varint(p, end, offset_delta) : NULL;
    return p ? get_varint(p, end, key_size) : NULL;
}

/* What follows the value: the headers' count and bytes. */
static inline bool get_headers(const uint8_t *p, const uint8_t *end, kc_record *r)
{
    r->headers_data = end;
    r->headers_size = 0;
    r->header_count = 0;
    if (__builtin_expect(end - p == 1 && *p == 0, 1))
        return true;
    p = get_varint(p, end, &r->header_count);
    if (!p || r->header_count == 0)
        return false;
    r->headers_data = p;
    r->headers_size = (uint32_t)(end - p);
    return kci_headers_valid(p, end, r->header_count);
}

/* One record whose size was read; p is after that, end its end. */
static inline bool get_record(const uint8_t *p, const uint8_t *end, kc_record *r,
                              int32_t *offset_delta)
{
    int32_t size;
    p = get_prefix(p, end, r, offset_delta, &size);
    p = p ? take_bytes(p, end, size, &r->key) : NULL;
    p = p ? get_varint(p, end, &size) : NULL;
    p = p ? take_bytes(p, end, size, &r->value) : NULL;
    return p && get_headers(p, end, r);
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
        int32_t size, offset_delta;

        p = get_varint(p, in.end, &size);
        ok = p && size >= RECORD_MIN_SIZE - 1 && size <= in.end - p &&
             get_record(p, p + size, r, &offset_delta) && (uint32_t)offset_delta <= in.last_delta;
        if (!ok)
            break;
        p += size;
        left--;
        r->timestamp = (int64_t)(time + ((uint64_t)r->timestamp & delta_mask));
        r->offset = in.offset_base + offset_delta;
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
