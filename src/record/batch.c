/* SPDX-License-Identifier: Apache-2.0 */
/* Batch envelopes: parsing, checksums, and what a broker changes in them. Layouts: the protocol
 * guide's "Record Batch" and "Message sets". */
#include "record/batch.h"

#include <zlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"

enum {
    LENGTH_MAGIC_2 = KCI_BATCH_HEADER_SIZE - KCI_BATCH_PREFIX_SIZE, /* smallest `length` */
    LENGTH_MAGIC_1 = 4 + 1 + 1 + 8 + 4 + 4, /* crc, magic, attributes, timestamp, two sizes */
    LENGTH_MAGIC_0 = LENGTH_MAGIC_1 - 8,

    /* where messages of magic 0 and 1 differ from magic 2 */
    AT_MESSAGE_CRC = 12,
    AT_MESSAGE_ATTRIBUTES = 17,
    AT_MESSAGE_TIMESTAMP = 18
};

static int64_t load_i64(const uint8_t *p)
{
    return (int64_t)kci_load64(p);
}

static int32_t load_i32(const uint8_t *p)
{
    return (int32_t)kci_load32(p);
}

static int16_t load_i16(const uint8_t *p)
{
    return (int16_t)kci_load16(p);
}

static kc_err parse_batch(kci_batch *b)
{
    const uint8_t *p = b->data;
    int32_t last_delta = load_i32(p + KCI_BATCH_AT_LAST_DELTA);

    b->leader_epoch = load_i32(p + KCI_BATCH_AT_LEADER_EPOCH);
    b->crc = kci_load32(p + KCI_BATCH_AT_CRC);
    b->attributes = kci_load16(p + KCI_BATCH_AT_ATTRIBUTES);
    b->base_timestamp = load_i64(p + KCI_BATCH_AT_BASE_TIMESTAMP);
    b->max_timestamp = load_i64(p + KCI_BATCH_AT_MAX_TIMESTAMP);
    b->producer_id = load_i64(p + KCI_BATCH_AT_PRODUCER_ID);
    b->producer_epoch = load_i16(p + KCI_BATCH_AT_PRODUCER_EPOCH);
    b->base_sequence = load_i32(p + KCI_BATCH_AT_BASE_SEQUENCE);
    b->count = load_i32(p + KCI_BATCH_AT_COUNT);
    b->records = p + KCI_BATCH_HEADER_SIZE;
    b->records_size = b->size - KCI_BATCH_HEADER_SIZE;
    /* The last offset has a successor, and a count has room: a record has 7 bytes at least. */
    if (last_delta < 0 || b->base_offset < 0 || b->base_offset > INT64_MAX - 1 - last_delta)
        return KC_E_CORRUPT_MESSAGE;
    b->last_offset = b->base_offset + last_delta;
    if (b->count < 0 || b->count - 1 > last_delta)
        return KC_E_CORRUPT_MESSAGE;
    return KC_OK;
}

/* The value of a compressed message: what follows the key, which Java writes as null. */
static bool find_wrapped(kci_batch *b, const uint8_t *sizes)
{
    const uint8_t *end = b->data + b->size;
    int32_t key_size = load_i32(sizes);
    const uint8_t *p = sizes + 4;

    if (key_size > 0) {
        if (key_size > end - p)
            return false;
        p += key_size;
    }
    if (end - p < 4)
        return false;
    int32_t value_size = load_i32(p);
    p += 4;
    if (value_size < 0 || value_size != end - p)
        return false;
    b->records = p;
    b->records_size = (size_t)value_size;
    return true;
}

static kc_err parse_message(kci_batch *b)
{
    const uint8_t *p = b->data;
    bool timestamped = b->magic == 1;

    b->leader_epoch = -1;
    b->crc = kci_load32(p + AT_MESSAGE_CRC);
    /* only these bits are defined here; the rest must not look like those of magic 2 */
    b->attributes = p[AT_MESSAGE_ATTRIBUTES] & (KCI_ATTR_CODEC | KCI_ATTR_APPEND_TIME);
    if (!timestamped)
        b->attributes &= KCI_ATTR_CODEC;
    b->last_offset = b->base_offset;
    b->max_timestamp = timestamped ? load_i64(p + AT_MESSAGE_TIMESTAMP) : KC_NO_TIMESTAMP;
    b->base_timestamp = b->max_timestamp;
    b->producer_id = b->base_sequence = b->producer_epoch = -1;
    b->count = -1;
    b->records = p;
    b->records_size = b->size;
    if (b->base_offset < 0 || b->base_offset == INT64_MAX)
        return KC_E_CORRUPT_MESSAGE;
    if (kci_batch_codec(b) == KCI_CODEC_NONE)
        return KC_OK;
    const uint8_t *sizes = p + AT_MESSAGE_TIMESTAMP + (timestamped ? 8 : 0);
    return find_wrapped(b, sizes) ? KC_OK : KC_E_CORRUPT_MESSAGE;
}

kc_err kci_batch_parse(const uint8_t *p, size_t n, kci_batch *out)
{
    memset(out, 0, sizeof *out);
    out->data = p;
    if (n < KCI_BATCH_PREFIX_SIZE)
        return KC_OK;

    int32_t length = load_i32(p + KCI_BATCH_AT_LENGTH);
    if (length < LENGTH_MAGIC_0)
        return KC_E_PROTOCOL;
    out->base_offset = load_i64(p);
    out->size = KCI_BATCH_PREFIX_SIZE + (size_t)length;
    if (n < out->size)
        return KC_OK;

    out->complete = true;
    out->magic = (int8_t)p[KCI_BATCH_AT_MAGIC];
    if (out->magic == 2 && length >= LENGTH_MAGIC_2)
        return parse_batch(out);
    if (out->magic == 0 || (out->magic == 1 && length >= LENGTH_MAGIC_1))
        return parse_message(out);
    return KC_E_CORRUPT_MESSAGE;
}

kc_err kci_batch_check_crc(const kci_batch *b)
{
    uint32_t crc;
    if (b->magic == 2) {
        crc = kci_crc32c(0, b->data + KCI_BATCH_CRC_FROM, b->size - KCI_BATCH_CRC_FROM);
    } else {
        size_t from = AT_MESSAGE_CRC + 4;
        crc = (uint32_t)crc32_z(0, b->data + from, b->size - from);
    }
    return crc == b->crc ? KC_OK : KC_E_CORRUPT_MESSAGE;
}

void kci_batch_assign(uint8_t *data, int64_t base_offset, int32_t leader_epoch)
{
    kci_store64(data + KCI_BATCH_AT_BASE_OFFSET, (uint64_t)base_offset);
    kci_store32(data + KCI_BATCH_AT_LEADER_EPOCH, (uint32_t)leader_epoch);
}

static void set_crc(uint8_t *data, size_t size)
{
    uint32_t crc = kci_crc32c(0, data + KCI_BATCH_CRC_FROM, size - KCI_BATCH_CRC_FROM);
    kci_store32(data + KCI_BATCH_AT_CRC, crc);
}

void kci_batch_set_append_time(uint8_t *data, size_t size, int64_t ms)
{
    uint16_t attributes = kci_load16(data + KCI_BATCH_AT_ATTRIBUTES);
    kci_store16(data + KCI_BATCH_AT_ATTRIBUTES, attributes | KCI_ATTR_APPEND_TIME);
    kci_store64(data + KCI_BATCH_AT_MAX_TIMESTAMP, (uint64_t)ms);
    set_crc(data, size);
}

kci_control_type kci_control_parse(const kc_record *record)
{
    if (!record->key.data || record->key.size < 4 || load_i16(record->key.data) < 0)
        return KCI_CONTROL_UNKNOWN;
    int16_t type = load_i16(record->key.data + 2);
    return type >= KCI_CONTROL_ABORT && type <= KCI_CONTROL_LEADER_CHANGE ? (kci_control_type)type
                                                                          : KCI_CONTROL_UNKNOWN;
}

void kci_control_write(uint8_t out[KCI_CONTROL_BATCH_SIZE], kci_control_type type,
                       int64_t producer_id, int16_t producer_epoch, int32_t coordinator_epoch,
                       int64_t timestamp)
{
    uint8_t *p = out;
    memset(p, 0, KCI_CONTROL_BATCH_SIZE);
    kci_store32(p + KCI_BATCH_AT_LENGTH, KCI_CONTROL_BATCH_SIZE - KCI_BATCH_PREFIX_SIZE);
    kci_store32(p + KCI_BATCH_AT_LEADER_EPOCH, UINT32_MAX);
    p[KCI_BATCH_AT_MAGIC] = 2;
    kci_store16(p + KCI_BATCH_AT_ATTRIBUTES, KCI_ATTR_TRANSACTIONAL | KCI_ATTR_CONTROL);
    kci_store64(p + KCI_BATCH_AT_BASE_TIMESTAMP, (uint64_t)timestamp);
    kci_store64(p + KCI_BATCH_AT_MAX_TIMESTAMP, (uint64_t)timestamp);
    kci_store64(p + KCI_BATCH_AT_PRODUCER_ID, (uint64_t)producer_id);
    kci_store16(p + KCI_BATCH_AT_PRODUCER_EPOCH, (uint16_t)producer_epoch);
    kci_store32(p + KCI_BATCH_AT_BASE_SEQUENCE, UINT32_MAX);
    kci_store32(p + KCI_BATCH_AT_COUNT, 1);

    /* the record: size, attributes, timestamp and offset deltas, then key and value; the sizes are
     * small enough for one byte each, zigzag doubled */
    p += KCI_BATCH_HEADER_SIZE;
    p[0] = 16 * 2;
    p[4] = 4 * 2; /* key: int16 version, int16 type */
    kci_store16(p + 7, (uint16_t)type);
    p[9] = 6 * 2; /* value: int16 version, int32 coordinator epoch */
    kci_store32(p + 12, (uint32_t)coordinator_epoch);
    set_crc(out, KCI_CONTROL_BATCH_SIZE);
}
