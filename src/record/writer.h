/* SPDX-License-Identifier: Apache-2.0 */
/* Writing one record batch of magic 2: append records straight into chunks (the only copy a record
 * sees), seal once, stamp the header as often as it is sent. The writer is embedded in the owner's
 * batch, allocates nothing itself, and is not thread-safe: whoever holds the owner's lock uses it.
 *
 *   kci_batch_writer_init -> (add_chunk, append ...) -> seal -> header, send header + chunks ->
 * clear
 *
 * Invariant: a record lies in one chunk. After the seal, chunks and CRC never change, so that a
 * retry with the same producer id, epoch and sequence is the same bytes. */
#ifndef RECORD_WRITER_H
#define RECORD_WRITER_H

#include <string.h>

#include <kclient/record.h>

#include "base/copy.h"
#include "base/varint.h"
#include "record/batch.h"
#include "record/chunk.h"
#include "record/compress.h"

typedef struct kci_batch_writer {
    kci_chunk_list chunks;  /* .size: bytes of the records section as it stands */
    int64_t base_timestamp; /* the first record's */
    int64_t max_timestamp;
    int32_t count;
    bool sealed;
    uint8_t codec;      /* kci_codec in effect once sealed */
    size_t bytes;       /* of the records before compression */
    uint32_t crc;       /* sealed: of the records section */
    uint32_t crc_shift; /* sealed: see kci_crc32c_shift */
} kci_batch_writer;

/* An empty batch without chunks. Zeroed memory is one too. */
static inline void kci_batch_writer_init(kci_batch_writer *w)
{
    memset(w, 0, sizeof *w);
}

/* Gives all chunks back and makes the writer empty and usable again. */
void kci_batch_writer_clear(kci_batch_writer *w, const kci_chunk_source *source);

/* Takes an empty chunk; what is appended from now on goes there. */
static inline void kci_batch_writer_add_chunk(kci_batch_writer *w, kci_chunk *chunk)
{
    chunk->next = NULL;
    if (w->chunks.last)
        w->chunks.last->next = chunk;
    else
        w->chunks.first = chunk;
    w->chunks.last = chunk;
}

/* Bytes left in the chunk that is appended to. */
static inline size_t kci_batch_writer_room(const kci_batch_writer *w)
{
    const kci_chunk *c = w->chunks.last;
    return c ? c->cap - c->used : 0;
}

/* Internal, the slow part of the functions below: n headers as encoded, without their count. The
 * bound is SIZE_MAX when they exceed what a record can hold, or a name is null. */
size_t kci_headers_bound(const kc_header *headers, size_t n);
size_t kci_headers_size(const kc_header *headers, size_t n);
uint8_t *kci_headers_put(uint8_t *p, const kc_header *headers, size_t n);

enum {
    /* the varints of a record without headers, at their longest */
    KCI_RECORD_OVERHEAD_MAX = KCI_VARINT_MAX + 1 + KCI_VARLONG_MAX + 4 * KCI_VARINT_MAX
};

/* How much room one record may need, at most; some 20 to 30 bytes more than it takes. SIZE_MAX: it
 * does not fit into any record (2^29 bytes are the limit here), or a header's name is null. */
static inline size_t kci_record_bound(kc_bytes key, kc_bytes value, const kc_header *headers,
                                      size_t header_count)
{
    if (key.size > INT32_MAX / 4 || value.size > INT32_MAX / 4)
        return SIZE_MAX;
    size_t size = KCI_RECORD_OVERHEAD_MAX + key.size + value.size;
    if (header_count == 0)
        return size;
    size_t more = kci_headers_bound(headers, header_count);
    return more > INT32_MAX / 4 ? SIZE_MAX : size + more;
}

/* Null must have size 0. */
static inline uint8_t *kci_record_put_bytes(uint8_t *p, kc_bytes b)
{
    if (!b.data)
        return kci_put_varint(p, -1);
    p = kci_put_varint(p, (int32_t)b.size);
    kci_copy(p, b.data, b.size);
    return p + b.size;
}

/* Internal: appends one record, all but the bytes of its headers, which take headers_size and go
 * where the result points. */
static inline uint8_t *kci_batch_writer_put(kci_batch_writer *w, int64_t timestamp, kc_bytes key,
                                            kc_bytes value, size_t headers_size,
                                            int32_t header_count)
{
    if (w->count == 0)
        w->base_timestamp = w->max_timestamp = timestamp;
    if (timestamp > w->max_timestamp)
        w->max_timestamp = timestamp;
    int64_t delta = (int64_t)((uint64_t)timestamp - (uint64_t)w->base_timestamp);
    size_t size = 1 + kci_varlong_size(delta) + kci_varint_size(w->count) +
                  kci_varint_size(key.data ? (int32_t)key.size : -1) + key.size +
                  kci_varint_size(value.data ? (int32_t)value.size : -1) + value.size +
                  kci_varint_size(header_count) + headers_size;

    kci_chunk *chunk = w->chunks.last;
    uint8_t *start = chunk->data + chunk->used;
    uint8_t *p = kci_put_varint(start, (int32_t)size);
    *p++ = 0; /* attributes: none are defined */
    p = kci_put_varlong(p, delta);
    p = kci_put_varint(p, w->count++);
    p = kci_record_put_bytes(p, key);
    p = kci_record_put_bytes(p, value);
    p = kci_put_varint(p, header_count);

    size_t written = (size_t)(p - start) + headers_size;
    chunk->used += (uint32_t)written;
    w->chunks.size += written;
    w->bytes += written;
    return p;
}

/* Appends one record. The caller has checked that kci_batch_writer_room() is at least
 * kci_record_bound(), that the batch is not sealed, and that count is below INT32_MAX; nothing can
 * fail here. timestamp in ms, -1 for none. The record's index in the batch is `count` before the
 * call. */
static inline void kci_batch_writer_append(kci_batch_writer *w, int64_t timestamp, kc_bytes key,
                                           kc_bytes value, const kc_header *headers,
                                           size_t header_count)
{
    if (header_count == 0) {
        kci_batch_writer_put(w, timestamp, key, value, 0, 0);
        return;
    }
    size_t size = kci_headers_size(headers, header_count);
    uint8_t *p = kci_batch_writer_put(w, timestamp, key, value, size, (int32_t)header_count);
    kci_headers_put(p, headers, header_count);
}

/* Ends the batch: compresses the records (into chunks from `source`, giving the old ones back) and
 * computes their CRC. It cannot lose anything: when memory runs out, or the result would not be
 * smaller, the batch is sealed uncompressed and w->codec says so. The batch must not be empty nor
 * sealed. level: as kci_codec_level_ok. c and source are not looked at for KCI_CODEC_NONE.
 * Errors: KC_E_NOT_SUPPORTED when this build lacks the codec; the batch is then unchanged. */
kc_err kci_batch_writer_seal(kci_batch_writer *w, kci_codec codec, int level, kci_compressor *c,
                             const kci_chunk_source *source);

/* Bytes that a sealed batch takes on the wire, its header included. */
static inline size_t kci_batch_writer_wire_size(const kci_batch_writer *w)
{
    return KCI_BATCH_HEADER_SIZE + w->chunks.size;
}

/* Writes the header of a sealed batch; what is sent is these 61 bytes, then data[0..used-1] of each
 * chunk. producer_id, producer_epoch and base_sequence are -1 without idempotence; flags:
 * KCI_ATTR_TRANSACTIONAL or 0. Base offset 0, leader epoch -1, as a producer sends them. Cheap
 * (the CRC is combined, not recomputed), and equal arguments give equal bytes. */
void kci_batch_writer_header(const kci_batch_writer *w, int64_t producer_id, int16_t producer_epoch,
                             int32_t base_sequence, unsigned flags,
                             uint8_t out[KCI_BATCH_HEADER_SIZE]);

/* Splits a sealed batch that the broker found too large: its first `left_count` records (1 to
 * count-1) go to `left`, the rest to `right`, both empty before and unsealed after. w is cleared.
 * Errors, all of which leave w as it was and the others empty: KC_E_NO_MEMORY, KC_E_INTERNAL. */
kc_err kci_batch_writer_split(kci_batch_writer *w, int32_t left_count, kci_decompressor *d,
                              const kci_chunk_source *source, kci_batch_writer *left,
                              kci_batch_writer *right);

#endif
