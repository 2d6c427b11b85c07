/* SPDX-License-Identifier: Apache-2.0 */
/* Batch envelopes: cut off, contradictory, changed by a broker; control batches. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"
#include "util.h"

static kc_err parse(uint8_t *data, size_t n, kci_batch *b)
{
    return kci_batch_parse(data, n, b);
}

Test(batch, cut_off_at_every_byte)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 5, &size);
    kci_batch_assign(data, 1234567, 8);
    for (size_t n = 0; n < size; n++) {
        uint8_t *exact = malloc(n + 1);
        memcpy(exact, data, n);
        kci_batch b;
        cr_assert_eq(parse(exact, n, &b), KC_OK, "%zu bytes", n);
        cr_assert_not(b.complete);
        cr_assert_eq(b.size, n < 12 ? 0 : size);
        cr_assert_eq(b.base_offset, n < 12 ? 0 : 1234567);
        free(exact);
    }
    kci_batch b;
    cr_assert_eq(parse(data, size, &b), KC_OK);
    cr_assert(b.complete);
    cr_assert_eq(b.leader_epoch, 8);
    cr_assert_eq(b.count, 5);
    cr_assert_eq(kci_batch_next_offset(&b), 1234572);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    free(data);
}

Test(batch, every_bit_flip_is_noticed)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 3, &size);
    for (size_t bit = 0; bit < size * 8; bit++) {
        kci_batch b;
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        kc_err err = parse(data, size, &b);
        /* base offset and leader epoch are not under the checksum */
        bool is_covered = bit / 8 >= KCI_BATCH_CRC_FROM;
        if (err == KC_OK && b.complete && is_covered)
            cr_assert_eq(kci_batch_check_crc(&b), KC_E_CORRUPT_MESSAGE, "bit %zu", bit);
        data[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    free(data);
}

Test(batch, malformed)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 3, &size);
    static const struct {
        size_t at;
        uint32_t value;
        kc_err err;
    } changes[] = {
        { KCI_BATCH_AT_LENGTH, UINT32_MAX, KC_E_PROTOCOL },
        { KCI_BATCH_AT_LENGTH, 0x80000000, KC_E_PROTOCOL },
        { KCI_BATCH_AT_LENGTH, 0, KC_E_PROTOCOL },
        { KCI_BATCH_AT_LENGTH, 13, KC_E_PROTOCOL },
        { KCI_BATCH_AT_LENGTH, 14, KC_E_CORRUPT_MESSAGE }, /* less than a header of magic 2 */
        { KCI_BATCH_AT_LENGTH, 48, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_MAGIC, 0x03000000, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_MAGIC, 0xff000000, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_LAST_DELTA, UINT32_MAX, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_LAST_DELTA, 1, KC_E_CORRUPT_MESSAGE }, /* three records need 2 */
        { KCI_BATCH_AT_COUNT, UINT32_MAX, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_COUNT, INT32_MAX, KC_E_CORRUPT_MESSAGE },
        { KCI_BATCH_AT_BASE_OFFSET, UINT32_MAX, KC_E_CORRUPT_MESSAGE },
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        kci_batch b;
        uint8_t *copy = malloc(size);
        memcpy(copy, data, size);
        kci_store32(copy + changes[i].at, changes[i].value);
        cr_assert_eq(parse(copy, size, &b), changes[i].err, "change %zu", i);
        if (changes[i].err == KC_E_CORRUPT_MESSAGE)
            cr_assert_gt(b.size, 0, "can be skipped");
        free(copy);
    }
    free(data);
}

Test(batch, last_offset_does_not_overflow)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 3, &size);
    kci_batch b;
    kci_batch_assign(data, INT64_MAX - 2, 0);
    cr_assert_eq(parse(data, size, &b), KC_E_CORRUPT_MESSAGE);
    kci_batch_assign(data, INT64_MAX - 3, 0);
    cr_assert_eq(parse(data, size, &b), KC_OK);
    cr_assert_eq(kci_batch_next_offset(&b), INT64_MAX);
    free(data);
}

Test(batch, append_time)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 4, &size);
    kci_batch b;
    kci_records_iter it;
    kci_block *block;
    kc_record views[5];
    kci_batch_set_append_time(data, size, 42);
    cr_assert_eq(parse(data, size, &b), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    cr_assert(kci_batch_is_append_time(&b));
    cr_assert_eq(b.max_timestamp, 42);
    cr_assert_eq(kci_records_open(&it, &b, 0, NULL, NULL, 0, &block), KC_OK);
    cr_assert_eq(kci_records_decode(&it, views, 5), 4);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(views[i].timestamp, 42);
    free(data);
}

Test(batch, control)
{
    uint8_t data[KCI_CONTROL_BATCH_SIZE];
    static const kci_control_type types[] = { KCI_CONTROL_ABORT, KCI_CONTROL_COMMIT };
    for (size_t i = 0; i < 2; i++) {
        kci_batch b;
        kci_records_iter it;
        kci_block *block;
        kc_record view;
        kci_control_write(data, types[i], 77, 3, 5, 1000);
        kci_batch_assign(data, 10, 0);
        cr_assert_eq(parse(data, sizeof data, &b), KC_OK);
        cr_assert_eq(b.size, sizeof data);
        cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
        cr_assert(kci_batch_is_control(&b) && kci_batch_is_transactional(&b));
        cr_assert_eq(b.producer_id, 77);
        cr_assert_eq(b.producer_epoch, 3);
        cr_assert_eq(kci_batch_last_sequence(&b), -1);
        cr_assert_eq(kci_records_open(&it, &b, 0, NULL, NULL, 0, &block), KC_OK);
        cr_assert_eq(kci_records_decode(&it, &view, 1), 1);
        cr_assert_eq(it.error, KC_OK);
        cr_assert_eq(kci_control_parse(&view), types[i]);
        cr_assert_eq(view.offset, 10);
        cr_assert_eq(view.timestamp, 1000);
        cr_assert_eq(kci_load32(view.value.data + 2), 5);
    }
}

Test(batch, control_keys_that_are_none)
{
    kc_record r = { .key = kc_mem("\0\0\0", 3) };
    cr_assert_eq(kci_control_parse(&r), KCI_CONTROL_UNKNOWN);
    r.key = kc_mem(NULL, 0);
    cr_assert_eq(kci_control_parse(&r), KCI_CONTROL_UNKNOWN);
    r.key = kc_mem("\0\0\0\3", 4);
    cr_assert_eq(kci_control_parse(&r), KCI_CONTROL_UNKNOWN);
    r.key = kc_mem("\xff\xff\0\1", 4);
    cr_assert_eq(kci_control_parse(&r), KCI_CONTROL_UNKNOWN);
    r.key = kc_mem("\0\5\0\1 later", 10);
    cr_assert_eq(kci_control_parse(&r), KCI_CONTROL_COMMIT);
}

Test(batch, sequences_wrap)
{
    cr_assert_eq(kci_sequence_add(5, 3), 8);
    cr_assert_eq(kci_sequence_add(INT32_MAX, 0), INT32_MAX);
    cr_assert_eq(kci_sequence_add(INT32_MAX, 1), 0);
    cr_assert_eq(kci_sequence_add(INT32_MAX - 1, 5), 3);
}

enum { SENT_MS = 1000000, APPENDED_MS = 2000000 };

/* A message of magic 0 or 1: offset, attributes, key and value as given, its checksum right. */
static size_t put_message(uint8_t *p, int8_t magic, int64_t offset, uint8_t attributes,
                          kc_bytes value)
{
    uint8_t *at = p + 18;
    p[16] = (uint8_t)magic;
    p[17] = attributes;
    if (magic == 1) {
        kci_store64(at, attributes & KCI_ATTR_APPEND_TIME ? APPENDED_MS : SENT_MS);
        at += 8;
    }
    kci_store32(at, UINT32_MAX); /* no key */
    kci_store32(at + 4, (uint32_t)value.size);
    memcpy(at + 8, value.data, value.size);
    size_t size = (size_t)(at + 8 - p) + value.size;
    kci_store64(p, (uint64_t)offset);
    kci_store32(p + 8, (uint32_t)(size - 12));
    kci_store32(p + 12, (uint32_t)crc32_z(0, p + 16, size - 16));
    return size;
}

/* Of the wrapper; and what the messages in it show. */
static uint8_t outer_attributes = KCI_CODEC_GZIP;
static int64_t shown_ms;

/* Three inner messages in a gzip wrapper of magic 1; returns the decode's result. */
static kc_err read_wrapped(int64_t outer, const int64_t inner[3], int8_t inner_magic,
                           uint8_t inner_attributes, int64_t offsets[3])
{
    kci_chunk *in = calloc(1, sizeof *in + 400);
    uint8_t packed[600], data[700];
    test_pool pool;
    kci_compressor *c;
    kci_decompressor *d;
    test_pool_init(&pool);
    size_t n = 0;
    for (int i = 0; i < 3; i++)
        n += put_message(in->data + n, inner_magic, inner[i], inner_attributes,
                         kc_str("the same words, the same words"));
    in->cap = 400;
    in->used = (uint32_t)n;

    kci_chunk_list out;
    cr_assert_eq(kci_compressor_new(&c), KC_OK);
    cr_assert_eq(kci_decompressor_new(&d), KC_OK);
    cr_assert_eq(kci_compress(c, KCI_CODEC_GZIP, -1, in, n, &pool.source, &out), KC_OK);
    cr_assert_eq(out.first, out.last);
    memcpy(packed, out.first->data, out.size);
    n = put_message(data, 1, outer, outer_attributes, kc_mem(packed, out.size));
    kci_chunk_list_put(&out, &pool.source);
    free(in);

    kci_batch b;
    kci_records_iter it;
    kci_block *block;
    kc_record views[4];
    cr_assert_eq(parse(data, n, &b), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    kc_err err = kci_records_open(&it, &b, 0, d, &kci_block_heap, 1 << 20, &block);
    if (err == KC_OK) {
        int32_t got = kci_records_decode(&it, views, 4);
        err = it.error;
        for (int i = 0; i < got; i++)
            offsets[i] = views[i].offset;
        shown_ms = got > 0 ? views[0].timestamp : -1;
        cr_assert(got < 3 || views[2].timestamp == shown_ms);
        cr_assert(err != KC_OK || got == 3);
        cr_assert(err != KC_OK || it.base_offset == offsets[0]);
    }
    kci_block_unref(block);
    kci_compressor_free(c);
    kci_decompressor_free(d);
    return err;
}

Test(batch, wrapped_messages_have_relative_offsets)
{
    int64_t offsets[3];
    const int64_t relative[3] = { 0, 1, 2 }, gaps[3] = { 0, 2, 5 };
    cr_assert_eq(read_wrapped(102, relative, 1, 0, offsets), KC_OK);
    cr_assert(offsets[0] == 100 && offsets[1] == 101 && offsets[2] == 102);
    cr_assert_eq(read_wrapped(105, gaps, 1, 0, offsets), KC_OK);
    cr_assert(offsets[0] == 100 && offsets[1] == 102 && offsets[2] == 105);
    cr_assert_eq(read_wrapped(0, relative, 1, 0, offsets), KC_OK, "as old producers wrote it");
    cr_assert(offsets[0] == 0 && offsets[2] == 2);
    cr_assert_eq(read_wrapped(1, relative, 1, 0, offsets), KC_E_CORRUPT_MESSAGE);
}

/* With the log's time, the wrapper's counts for all (KIP-32). */
Test(batch, wrapped_messages_have_the_time_that_the_topic_wants)
{
    int64_t offsets[3];
    const int64_t relative[3] = { 0, 1, 2 };
    cr_assert_eq(read_wrapped(102, relative, 1, 0, offsets), KC_OK);
    cr_assert_eq(shown_ms, SENT_MS);
    outer_attributes = KCI_CODEC_GZIP | KCI_ATTR_APPEND_TIME;
    cr_assert_eq(read_wrapped(102, relative, 1, 0, offsets), KC_OK);
    cr_assert_eq(shown_ms, APPENDED_MS);
}

Test(batch, wrapped_messages_are_of_the_same_magic_and_not_compressed)
{
    int64_t offsets[3];
    const int64_t relative[3] = { 0, 1, 2 };
    cr_assert_eq(read_wrapped(102, relative, 0, 0, offsets), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(read_wrapped(102, relative, 1, KCI_CODEC_GZIP, offsets), KC_E_CORRUPT_MESSAGE);
}
