/* SPDX-License-Identifier: Apache-2.0 */
/* Kafka messages <-> C structs, by one interpreter over constant tables. Structs and tables are
 * generated into "wire/messages.h" from src/wire/schema by src/wire/generate.py:
 *
 *   message FetchResponse           struct kci_fetch_response, table kci_fetch_response_msg
 *   its struct PartitionData        kci_fetch_response_partition_data, with a table as well
 *   field high_watermark, int64     int64_t high_watermark
 *   string, bytes, records          kc_bytes, borrowed; data NULL is null
 *   array of T                      struct { T *data; int32_t count; }, count -1 is null
 *   struct                          T by value; a nullable one is T *, NULL is null
 *   bool, uuid, float64, uint16     bool, kc_uuid, double, uint16_t
 *   API Fetch                       KCI_API_FETCH, its key
 *
 * A field that a version does not carry keeps its default when decoded and is left out when
 * encoded. Nothing here does I/O or keeps state; safe from any thread on distinct arguments. */
#ifndef WIRE_CODEC_H
#define WIRE_CODEC_H

#include <kclient/error.h>

#include "base/buf.h"
#include "wire/arena.h"
#include "wire/reader.h"

/* Type of a field, or of the elements if it is an array. */
typedef enum kci_kind {
    KCI_BOOL,
    KCI_INT8,
    KCI_INT16,
    KCI_UINT16,
    KCI_INT32,
    KCI_UINT32,
    KCI_INT64,
    KCI_FLOAT64,
    KCI_UUID,
    KCI_STRING,
    KCI_BYTES,
    KCI_RECORDS,
    KCI_STRUCT
} kci_kind;

enum {
    KCI_FIELD_ARRAY = 1,
    KCI_FIELD_CLASSIC = 2 /* never in compact form, also in flexible versions (RequestHeader) */
};

enum { KCI_VERSION_MAX = 255 }; /* as the last version of a range: no end */

/* Inclusive; empty when first > last. */
typedef struct kci_versions {
    uint8_t first, last;
} kci_versions;

/* One field of a struct or message. */
typedef struct kci_field {
    const struct kci_msg *msg; /* of KCI_STRUCT */
    uint16_t offset;           /* in the C struct */
    uint8_t kind;              /* kci_kind */
    uint8_t flags;             /* KCI_FIELD_... */
    kci_versions versions;     /* that carry it */
    kci_versions nullable;     /* in which it may be null */
    int16_t tag;               /* -1: not tagged */
} kci_field;

/* A message, or a struct inside one. */
typedef struct kci_msg {
    const char *name;         /* "FetchResponse"; structs "FetchResponse.PartitionData" */
    const kci_field *fields;  /* in wire order: the plain ones, then the tagged by ascending tag */
    const void *defaults;     /* the C struct with every field at its default */
    const uint16_t *min_size; /* least bytes on the wire, for versions.first to .last */
    uint16_t size;            /* of the C struct */
    uint8_t plain;            /* how many fields are not tagged */
    uint8_t tagged;           /* how many are */
    kci_versions versions;    /* that exist, unstable ones included */
    uint8_t flexible;         /* first flexible version; KCI_VERSION_MAX: none */
} kci_msg;

/* An API: both messages have the same versions. */
typedef struct kci_api {
    int16_t key;
    const char *name; /* "Fetch" */
    int16_t min_version;
    int16_t max_version; /* last stable one */
    int16_t
        max_unstable; /* last one known, >= max_version; a client asks for it only when told to */
    int16_t flexible_from; /* first flexible version; KCI_VERSION_MAX: none */
    const kci_msg *request;
    const kci_msg *response;
} kci_api;

/* A place in an encoded message where the bytes of a `records` field belong. */
typedef struct kci_gap {
    size_t offset;    /* in the buffer; its length prefix ends there */
    kc_bytes records; /* as in the struct; data may be NULL if the caller did not know it yet */
} kci_gap;

/* In the order of offsets. Zeroed memory is a valid empty list. */
typedef struct kci_gaps {
    kci_gap *list;
    size_t count;
    size_t cap;
} kci_gaps;

/* Empties the list, and keeps its memory. */
static inline void kci_gaps_clear(kci_gaps *gaps)
{
    gaps->count = 0;
}

/* Releases the memory; empty and usable again. */
void kci_gaps_free(kci_gaps *gaps);

enum { KCI_DECODE_FACTOR = 64, KCI_DECODE_EXTRA = 64 * 1024 };

/* Decodes one message. `out` is the generated struct of msg (every byte of it is written); strings,
 * bytes and records in it point into the input, arrays and nullable structs into the arena. So it
 * is valid as long as both are. Unknown tagged fields are passed over. What follows the message is
 * left in the reader for the caller to judge. The arena's limit is set so that this call adds at
 * most 64 bytes per input byte and 64 KiB.
 *
 * KC_E_PROTOCOL: the bytes are not such a message. KC_E_NO_MEMORY. KC_E_INVALID_ARGUMENT: no such
 * version. After an error `out` is at its defaults; the arena is to be freed or reset as always.
 * arena may be NULL for a message without arrays and nullable structs. */
kc_err kci_decode(const kci_msg *msg, int16_t version, kci_reader *in, kci_arena *arena, void *out);

/* Sets every field of the struct to its default in the schema: numbers 0 or as given there, strings
 * and bytes empty (not null) or null, arrays empty. Begin with this before filling a struct. */
static inline void kci_msg_init(const kci_msg *msg, void *out)
{
    memcpy(out, msg->defaults, msg->size);
}

/* Appends the message. With gaps NULL, `records` are copied as other bytes. Else only their length
 * prefix is written, and a gap is added to the list, for writev (data is not looked at; null is
 * data NULL with size 0). Tagged fields that are at their default are left out, as Java does.
 *
 * KC_E_INVALID_ARGUMENT: no such version, null where the version allows none, a string above 32767
 * or bytes above 2^31-1. KC_E_NO_MEMORY. After an error the buffer has its former size (unless it
 * `failed`), and the gaps their former count. */
kc_err kci_encode(const kci_msg *msg, int16_t version, const void *in, kci_buf *out,
                  kci_gaps *gaps);

/* The API of a key, or NULL. */
const kci_api *kci_api_get(int16_t key);

/* As kci_api_get(), and also APIs that only brokers and controllers call: those have no messages
 * here (request and response are NULL), only a name, versions and headers. */
const kci_api *kci_api_describe(int16_t key);

/* The name of an API that we have messages of; "?" for others. Static storage. */
const char *kci_api_name(int16_t key);

/* All APIs, ascending by key; NULL past the end. */
const kci_api *kci_api_at(size_t index);

/* A top-level message by Kafka's name ("FetchResponse"), or NULL. Slow; for tests and tools. */
const kci_msg *kci_msg_by_name(const char *name);

/* Version of the header that precedes a request, or a response, of this API (as kci_api_describe())
 * and version. -1 for an unknown key. ApiVersions responses have header 0 always, so that any
 * client can read them. */
int kci_api_request_header_version(int16_t key, int16_t version);
int kci_api_response_header_version(int16_t key, int16_t version);

/* Appends the header of a request. client_id may be null. Errors as kci_encode. */
kc_err kci_request_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                 kc_bytes client_id, kci_buf *out);

/* Where kci_request_header_decode puts what it read; client_id points into the input. */
typedef struct kci_request_head {
    int16_t key;
    int16_t version;
    int32_t correlation_id;
    kc_bytes client_id;
} kci_request_head;

/* Reads the header of a request, whose version follows from the key and version in it. Versions
 * above those known are read as flexible ones (ApiVersions needs that, KIP-511).
 * KC_E_NOT_SUPPORTED: unknown key; key, version and correlation_id are set. KC_E_PROTOCOL. */
kc_err kci_request_header_decode(kci_reader *in, kci_request_head *out);

/* Header of a response to a request of this key and version. Errors as kci_encode, kci_decode. */
kc_err kci_response_header_encode(int16_t key, int16_t version, int32_t correlation_id,
                                  kci_buf *out);
kc_err kci_response_header_decode(int16_t key, int16_t version, kci_reader *in,
                                  int32_t *correlation_id);

#endif
