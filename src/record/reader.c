/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding records into views. decode_records() is the inner loop of every consumer: no call, no
 * allocation, every length checked against the record it lies in. */
#include "record/reader.h"

#include "base/bytes.h"
#include "base/varint.h"
#include "record/headers.h"

enum { RECORD_MIN_SIZE = 7 /* of magic 2: seven varints or bytes */ };

/* A varint of one or two bytes inline, of more by the general way. NULL as kci_get_varint. */
static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, int32_t *out)
{
    if (end - p >= 2) {
        uint32_t first = p[0];
        if (first < 0x80) {
            *out = kci_unzigzag32(first);
            return p + 1;
        }
        uint32_t second = p[1];
        if (second < 0x80) {
            *out = kci_unzigzag32((first & 0x7f) | second << 7);
            return p + 2;
        }
    }
    return kci_get_varint(p, end, out);
}

/* Length and bytes; any negative length is null, as in Java. NULL when it does not fit. */
static inline const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, kc_bytes *out)
{
    int32_t size;
    p = get_varint(p, end, &size);
    if (__builtin_expect(!p || size > end - p, 0))
        return NULL;
    bool null = size < 0;
    out->data = null ? NULL : p;
    out->size = null ? 0 : (size_t)size;
    return p + out->size;
}

/* The rest of a record after its offset. */
static inline bool get_body(const uint8_t *p, const uint8_t *end, kc_record *r)
{
    p = get_bytes(p, end, &r->key);
    if (!p)
        return false;
    p = get_bytes(p, end, &r->value);
    if (!p)
        return false;
    p = get_varint(p, end, &r->header_count);
    if (!p)
        return false;
    r->headers_data = p;
    r->headers_size = (uint32_t)(end - p);
    if (r->header_count == 0)
        return p == end;
    return kci_headers_valid(p, end, r->header_count);
}

/* Magic 2: up to cap records. it->error is set when one is malformed. */
static int32_t decode_records(kci_records_iter *it, kc_record *out, int32_t cap)
{
    const uint8_t *p = it->pos;
    const uint8_t *const end = it->end;
    const uint32_t last_delta = it->last_delta;
    int32_t left = it->remaining;
    int32_t n = 0;
    kc_err err = KC_OK;

    while (n < cap && left > 0) {
        kc_record *r = &out[n];
        int32_t size, offset_delta;
        int64_t time_delta;

        err = KC_E_CORRUPT_MESSAGE;
        p = get_varint(p, end, &size);
        if (!p || size < RECORD_MIN_SIZE - 1 || size > end - p)
            break;
        const uint8_t *record_end = p + size;
        p = kci_get_varlong(p + 1, record_end, &time_delta); /* +1: the attributes */
        if (!p)
            break;
        p = get_varint(p, record_end, &offset_delta);
        if (!p || (uint32_t)offset_delta > last_delta)
            break;
        r->offset = it->offset_base + offset_delta;
        r->timestamp = (int64_t)((uint64_t)it->base_timestamp + (uint64_t)time_delta);
        if (it->is_append_time)
            r->timestamp = it->append_time;
        if (!get_body(p, record_end, r))
            break;
        err = KC_OK;
        left--;
        p = record_end;
        n += r->offset >= it->start_offset;
    }
    if (err == KC_OK && left == 0 && p != end)
        err = KC_E_CORRUPT_MESSAGE;
    it->pos = p;
    it->remaining = left;
    it->error = err;
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
