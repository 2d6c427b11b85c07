/* SPDX-License-Identifier: Apache-2.0 */
/* Records: what a producer is given to send, and what a consumer hands out. Plain structs with a
 * fixed layout, so that a binding can read arrays of them without a call per record. */
#ifndef KCLIENT_RECORD_H
#define KCLIENT_RECORD_H

#include <kclient/error.h>
#include <kclient/types.h>

KC_BEGIN

enum {
    KC_PARTITION_ANY = -1, /* the producer's partitioner chooses */
    KC_NO_TIMESTAMP = -1   /* given: the time of the send call; read: the record has none */
};

/* One header of a record (KIP-82). Names may repeat, their order is kept. The struct will not
 * change. */
typedef struct kc_header {
    kc_bytes name;  /* UTF-8; may be empty, not null */
    kc_bytes value; /* may be null */
} kc_header;

/* A record to send. Everything it points to is borrowed for the duration of the call only: the
 * bytes are copied once, into the batch. Fill it from KC_PRODUCER_RECORD_INIT; a struct of an
 * older, smaller version (see size) is accepted for ever. */
typedef struct kc_producer_record {
    uint32_t size;            /* sizeof(kc_producer_record) as the program was compiled */
    int32_t partition;        /* 0 and up, or KC_PARTITION_ANY */
    kc_bytes topic;           /* name; required */
    kc_bytes key;             /* null: no key */
    kc_bytes value;           /* null: a tombstone in compacted topics */
    int64_t timestamp;        /* ms since 1970 UTC, or KC_NO_TIMESTAMP */
    const kc_header *headers; /* header_count of them; may be NULL when that is 0 */
    size_t header_count;
    void *opaque; /* given back with the delivery report, never looked at */
} kc_producer_record;

/* Initialiser: kc_producer_record r = KC_PRODUCER_RECORD_INIT; then set topic, value ... */
#define KC_PRODUCER_RECORD_INIT                                                           \
    {                                                                                     \
        (uint32_t)sizeof(kc_producer_record), KC_PARTITION_ANY, { NULL, 0 }, { NULL, 0 }, \
            { NULL, 0 }, KC_NO_TIMESTAMP, NULL, 0, NULL                                   \
    }
KC_API void kc_producer_record_init(kc_producer_record *out, size_t size);

/* A record read from a partition: a view. key, value and headers_data point into memory that the
 * batch of records it came with owns, and are valid until that is freed.
 *
 * Layout with 8-byte pointers, 64 bytes, no padding: offset 0, timestamp 8, key 16 (pointer, size),
 * value 32 (pointer, size), headers_data 48, headers_size 56, header_count 60. It will not change.
 */
typedef struct kc_record {
    int64_t offset;
    int64_t timestamp; /* ms since 1970 UTC, or KC_NO_TIMESTAMP */
    kc_bytes key;      /* null: no key */
    kc_bytes value;    /* null: a tombstone */
    /* Encoded headers, as they lie in the batch: per header a zigzag varint length and the name's
     * bytes, a zigzag varint length (-1: null) and the value's bytes. Checked already: they are
     * header_count well-formed headers that fill headers_size bytes. */
    const uint8_t *headers_data;
    uint32_t headers_size;
    int32_t header_count;
} kc_record;

/* Decodes the headers of a record, in order, into out[0..cap-1]; *count is how many the record
 * has, which may be more than cap (out may be NULL when cap is 0). The results point into the
 * record's memory. Errors: KC_E_INVALID_ARGUMENT when the struct's header bytes do not hold
 * header_count headers (it was not filled by this library). Thread-safe. */
KC_API kc_err kc_record_headers(const kc_record *record, kc_header *out, size_t cap, size_t *count);

/* The value of the last header of that name, as Java's lastHeader: true when there is one (*value
 * may still be null), false when there is none. Thread-safe. */
KC_API bool kc_record_header_get(const kc_record *record, kc_bytes name, kc_bytes *value);

KC_END

#endif
