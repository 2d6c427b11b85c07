/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing, stamping and splitting batches; appending is inline in the header. */
#include "record/writer.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "record/reader.h"

enum {
    HEADER_CRC_SIZE = KCI_BATCH_HEADER_SIZE - KCI_BATCH_CRC_FROM, /* header bytes under the CRC */
    SPLIT_VIEWS = 32
};

void kci_batch_writer_clear(kci_batch_writer *w, const kci_chunk_source *source)
{
    kci_chunk_list_put(&w->chunks, source);
    kci_batch_writer_init(w);
}

kc_err kci_batch_writer_seal(kci_batch_writer *w, kci_codec codec, int level, kci_compressor *c,
                             const kci_chunk_source *source)
{
    const kci_codec_info *info = kci_codec_get(codec);
    if (!info || !info->available)
        return KC_E_NOT_SUPPORTED;

    w->codec = KCI_CODEC_NONE;
    if (codec != KCI_CODEC_NONE) {
        kci_chunk_list packed;
        kc_err err =
            kci_compress(c, codec, level, w->chunks.first, w->chunks.size, source, &packed);
        if (err == KC_OK) {
            kci_chunk_list_put(&w->chunks, source);
            w->chunks = packed;
            w->codec = (uint8_t)codec;
        }
    }

    w->crc = 0;
    for (const kci_chunk *chunk = w->chunks.first; chunk; chunk = chunk->next)
        w->crc = kci_crc32c(w->crc, chunk->data, chunk->used);
    w->crc_shift = kci_crc32c_shift(w->chunks.size);
    w->sealed = true;
    return KC_OK;
}

void kci_batch_writer_header(const kci_batch_writer *w, int64_t producer_id, int16_t producer_epoch,
                             int32_t base_sequence, unsigned flags,
                             uint8_t out[KCI_BATCH_HEADER_SIZE])
{
    size_t length = kci_batch_writer_wire_size(w) - KCI_BATCH_PREFIX_SIZE;
    kci_store64(out + KCI_BATCH_AT_BASE_OFFSET, 0);
    kci_store32(out + KCI_BATCH_AT_LENGTH, (uint32_t)length);
    kci_store32(out + KCI_BATCH_AT_LEADER_EPOCH, UINT32_MAX);
    out[KCI_BATCH_AT_MAGIC] = 2;
    kci_store16(out + KCI_BATCH_AT_ATTRIBUTES, (uint16_t)(w->codec | flags));
    kci_store32(out + KCI_BATCH_AT_LAST_DELTA, (uint32_t)(w->count - 1));
    kci_store64(out + KCI_BATCH_AT_BASE_TIMESTAMP, (uint64_t)w->base_timestamp);
    kci_store64(out + KCI_BATCH_AT_MAX_TIMESTAMP, (uint64_t)w->max_timestamp);
    kci_store64(out + KCI_BATCH_AT_PRODUCER_ID, (uint64_t)producer_id);
    kci_store16(out + KCI_BATCH_AT_PRODUCER_EPOCH, (uint16_t)producer_epoch);
    kci_store32(out + KCI_BATCH_AT_BASE_SEQUENCE, (uint32_t)base_sequence);
    kci_store32(out + KCI_BATCH_AT_COUNT, (uint32_t)w->count);

    uint32_t crc = kci_crc32c(0, out + KCI_BATCH_CRC_FROM, HEADER_CRC_SIZE);
    crc = kci_crc32c_apply(w->crc_shift, crc) ^ w->crc;
    kci_store32(out + KCI_BATCH_AT_CRC, crc);
}

/* All chunks' bytes in one piece, the caller's; NULL: no memory. */
static uint8_t *gather(const kci_batch_writer *w)
{
    uint8_t *bytes = kci_alloc(w->chunks.size);
    if (!bytes)
        return NULL;
    uint8_t *p = bytes;
    for (const kci_chunk *c = w->chunks.first; c; c = c->next) {
        memcpy(p, c->data, c->used);
        p += c->used;
    }
    return bytes;
}

/* Appends a record that was read, getting chunks as needed; its headers stay encoded. */
static kc_err append_view(kci_batch_writer *w, const kc_record *r, const kci_chunk_source *source)
{
    size_t bound = kci_record_bound(r->key, r->value, NULL, 0) + r->headers_size;
    if (kci_batch_writer_room(w) < bound) {
        kci_chunk *chunk = source->get(source->arg, (uint32_t)bound);
        if (!chunk)
            return KC_E_NO_MEMORY;
        kci_batch_writer_add_chunk(w, chunk);
    }
    uint8_t *p =
        kci_batch_writer_put(w, r->timestamp, r->key, r->value, r->headers_size, r->header_count);
    memcpy(p, r->headers_data, r->headers_size);
    return KC_OK;
}

static kc_err copy_records(kci_records_iter *it, int32_t left_count, const kci_chunk_source *source,
                           kci_batch_writer *left, kci_batch_writer *right)
{
    kc_record views[SPLIT_VIEWS];
    int32_t got;
    while ((got = kci_records_decode(it, views, SPLIT_VIEWS)) > 0) {
        for (int32_t i = 0; i < got; i++) {
            kci_batch_writer *to = left->count < left_count ? left : right;
            kc_err err = append_view(to, &views[i], source);
            if (err != KC_OK)
                return err;
        }
    }
    return it->error == KC_OK ? KC_OK : KC_E_INTERNAL;
}

kc_err kci_batch_writer_split(kci_batch_writer *w, int32_t left_count, kci_decompressor *d,
                              const kci_chunk_source *source, kci_batch_writer *left,
                              kci_batch_writer *right)
{
    uint8_t *bytes = gather(w);
    if (!bytes)
        return KC_E_NO_MEMORY;

    kci_batch batch = {
        .magic = 2,
        .attributes = w->codec,
        .last_offset = w->count - 1,
        .base_timestamp = w->base_timestamp,
        .count = w->count,
        .records = bytes,
        .records_size = w->chunks.size,
    };
    kci_records_iter it;
    kci_block *block;
    kc_err err = kci_records_open(&it, &batch, 0, d, &kci_block_heap, w->bytes, &block);
    if (err == KC_OK)
        err = copy_records(&it, left_count, source, left, right);
    else if (err != KC_E_NO_MEMORY)
        err = KC_E_INTERNAL; /* this layer wrote it: it cannot be damaged */
    kci_block_unref(block);
    kci_free(bytes);

    kci_batch_writer_clear(err == KC_OK ? w : left, source);
    if (err != KC_OK)
        kci_batch_writer_clear(right, source);
    return err;
}
