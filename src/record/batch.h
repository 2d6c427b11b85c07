/* SPDX-License-Identifier: Apache-2.0 */
/* The envelope of record batches: magic 2 (KIP-98), and the messages of magic 0 and 1 (KIP-32) that
 * old segments still hold, in one view. Nothing is copied or owned; the records inside are the
 * business of reader.h. Thread-safe: no state. */
#ifndef RECORD_BATCH_H
#define RECORD_BATCH_H

#include <kclient/error.h>
#include <kclient/record.h>

enum {
    KCI_BATCH_HEADER_SIZE = 61, /* of magic 2, up to the first record */
    KCI_BATCH_PREFIX_SIZE = 12, /* base offset and length: what precedes what `length` counts */
    KCI_BATCH_CRC_FROM = 21,    /* magic 2: the CRC covers everything from the attributes on */

    /* where the fields of magic 2 lie; offset, length and magic are the same in 0 and 1 */
    KCI_BATCH_AT_BASE_OFFSET = 0,
    KCI_BATCH_AT_LENGTH = 8,
    KCI_BATCH_AT_LEADER_EPOCH = 12,
    KCI_BATCH_AT_MAGIC = 16,
    KCI_BATCH_AT_CRC = 17,
    KCI_BATCH_AT_ATTRIBUTES = 21,
    KCI_BATCH_AT_LAST_DELTA = 23,
    KCI_BATCH_AT_BASE_TIMESTAMP = 27,
    KCI_BATCH_AT_MAX_TIMESTAMP = 35,
    KCI_BATCH_AT_PRODUCER_ID = 43,
    KCI_BATCH_AT_PRODUCER_EPOCH = 51,
    KCI_BATCH_AT_BASE_SEQUENCE = 53,
    KCI_BATCH_AT_COUNT = 57
};

/* Bits of the attributes. */
enum {
    KCI_ATTR_CODEC = 0x07,
    KCI_ATTR_APPEND_TIME = 0x08, /* timestamps are the broker's: all are max_timestamp */
    KCI_ATTR_TRANSACTIONAL = 0x10,
    KCI_ATTR_CONTROL = 0x20,       /* holds markers, no user's records */
    KCI_ATTR_DELETE_HORIZON = 0x40 /* base_timestamp is the time when markers may go (KIP-534) */
};

/* Compression codecs by their number on the wire. */
typedef enum kci_codec {
    KCI_CODEC_NONE = 0,
    KCI_CODEC_GZIP = 1,
    KCI_CODEC_SNAPPY = 2,
    KCI_CODEC_LZ4 = 3,
    KCI_CODEC_ZSTD = 4,
    KCI_CODEC_COUNT = 5
} kci_codec;

/* One batch of magic 2, or one outer message of magic 0 or 1. */
typedef struct kci_batch {
    const uint8_t *data; /* the first byte */
    size_t size;         /* all bytes; the next batch follows */
    bool complete;       /* false: cut off, see kci_batch_parse */
    int8_t magic;        /* 0, 1 or 2 */
    uint16_t attributes; /* KCI_ATTR_... */
    uint32_t crc;
    /* Of a compressed message of magic 0 or 1 only the last offset is known before it is
     * decompressed: there base_offset is the last offset too. */
    int64_t base_offset;
    int64_t last_offset;    /* of the batch, also when that record was compacted away */
    int64_t base_timestamp; /* magic 0 and 1: max_timestamp */
    int64_t max_timestamp;  /* magic 0: -1 */
    int64_t producer_id;    /* -1: none; magic 0 and 1: -1, as the next three */
    int32_t base_sequence;
    int32_t leader_epoch;
    int16_t producer_epoch;
    int32_t count; /* records, 0 and up, as announced; magic 0 and 1: -1, unknown */
    /* The records as they lie there, compressed or not. Of an uncompressed message of magic 0 or 1:
     * the whole message. */
    const uint8_t *records;
    size_t records_size;
} kci_batch;

/* Looks at the first batch in p[0..n-1], in constant time and without touching the CRC.
 * KC_OK: out->complete tells whether all of it is there; a last batch that is cut off is normal at
 *   the end of a Fetch response. When it is cut off, out->size is the size it would have, or 0 when
 *   fewer than 12 bytes are there; base_offset is set when size is; nothing else is.
 * KC_E_CORRUPT_MESSAGE: its header contradicts itself or its magic is unknown; out->size and
 *   base_offset are set, so it may be skipped.
 * KC_E_PROTOCOL: its length cannot be; nothing after it can be found. */
kc_err kci_batch_parse(const uint8_t *p, size_t n, kci_batch *out);

/* KC_E_CORRUPT_MESSAGE when the checksum is wrong: CRC-32C over a batch of magic 2, CRC-32 over a
 * message of magic 0 or 1. The batch must be complete. */
kc_err kci_batch_check_crc(const kci_batch *b);

/* The codec's number, which may be none of kci_codec (5 to 7). */
static inline unsigned kci_batch_codec(const kci_batch *b)
{
    return b->attributes & KCI_ATTR_CODEC;
}

static inline bool kci_batch_is_append_time(const kci_batch *b)
{
    return (b->attributes & KCI_ATTR_APPEND_TIME) != 0;
}

static inline bool kci_batch_is_transactional(const kci_batch *b)
{
    return (b->attributes & KCI_ATTR_TRANSACTIONAL) != 0;
}

static inline bool kci_batch_is_control(const kci_batch *b)
{
    return (b->attributes & KCI_ATTR_CONTROL) != 0;
}

/* The time in ms from which the batch's markers may be removed; -1: none is set. */
static inline int64_t kci_batch_delete_horizon(const kci_batch *b)
{
    return b->attributes & KCI_ATTR_DELETE_HORIZON ? b->base_timestamp : -1;
}

/* The offset after the batch: where a reader that is done with it goes on. */
static inline int64_t kci_batch_next_offset(const kci_batch *b)
{
    return b->last_offset + 1;
}

/* The sequence number n after `base`: they go from 0 to 2^31-1 and start over. */
static inline int32_t kci_sequence_add(int32_t base, int32_t n)
{
    return (int32_t)(((uint32_t)base + (uint32_t)n) & INT32_MAX);
}

/* The sequence number of the last record (of last_offset); -1: the batch has none. */
static inline int32_t kci_batch_last_sequence(const kci_batch *b)
{
    if (b->base_sequence < 0)
        return -1;
    return kci_sequence_add(b->base_sequence, (int32_t)(b->last_offset - b->base_offset));
}

/* What a broker changes in a complete batch of magic 2 that it appends (for the mock cluster);
 * the first leaves the CRC as it is, for it does not cover these fields. */
void kci_batch_assign(uint8_t *data, int64_t base_offset, int32_t leader_epoch);

/* Sets log-append time; recomputes the CRC over the size bytes. */
void kci_batch_set_append_time(uint8_t *data, size_t size, int64_t ms);

/* Types of control records. */
typedef enum kci_control_type {
    KCI_CONTROL_ABORT = 0,
    KCI_CONTROL_COMMIT = 1,
    KCI_CONTROL_LEADER_CHANGE = 2,
    KCI_CONTROL_UNKNOWN = -1 /* any other, or a key that cannot be read: to be ignored */
} kci_control_type;

/* The type of a record that came from a control batch. */
kci_control_type kci_control_parse(const kc_record *record);

enum { KCI_CONTROL_BATCH_SIZE = KCI_BATCH_HEADER_SIZE + 17 };

/* Writes the batch of a commit or abort marker, base offset 0 (see kci_batch_assign). */
void kci_control_write(uint8_t out[KCI_CONTROL_BATCH_SIZE], kci_control_type type,
                       int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                       int64_t timestamp);

#endif
