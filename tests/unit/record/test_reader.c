/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding: start offsets, small arrays, headers, and records that are not what they announce. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "util.h"

static kci_decompressor *decompressor;

static void setup(void)
{
    cr_assert_eq(kci_decompressor_new(&decompressor), KC_OK);
}

static void teardown(void)
{
    kci_decompressor_free(decompressor);
}

TestSuite(reader, .init = setup, .fini = teardown);

/* A batch around the given record bytes, malloc'ed; last offset delta is 9. */
static uint8_t *wrap(const void *records, size_t n, int32_t count, size_t *size)
{
    *size = KCI_BATCH_HEADER_SIZE + n;
    uint8_t *data = calloc(1, *size);
    kci_store32(data + KCI_BATCH_AT_LENGTH, (uint32_t)*size - 12);
    data[KCI_BATCH_AT_MAGIC] = 2;
    kci_store32(data + KCI_BATCH_AT_LAST_DELTA, 9);
    kci_store32(data + KCI_BATCH_AT_COUNT, (uint32_t)count);
    memcpy(data + KCI_BATCH_HEADER_SIZE, records, n);
    kci_store32(data + KCI_BATCH_AT_CRC, kci_crc32c(0, data + 21, *size - 21));
    return data;
}

/* Decodes the batch around the bytes; *got is how many records came. */
static kc_err decode(const void *records, size_t n, int32_t count, kc_record *views, int32_t *got)
{
    size_t size;
    uint8_t *data = wrap(records, n, count, &size);
    kci_batch b;
    kci_records_iter it;
    kci_block *block;
    *got = 0;
    cr_assert_eq(kci_batch_parse(data, size, &b), KC_OK);
    kc_err err = kci_records_open(&it, &b, 0, decompressor, &kci_block_heap, 1 << 20, &block);
    if (err == KC_OK) {
        int32_t more;
        while ((more = kci_records_decode(&it, views, 10)) > 0)
            *got += more;
        err = it.error;
    }
    cr_assert_eq(it.next_offset, 10, "a reader can go on behind the batch");
    free(data);
    return err;
}

#define GOOD "\x0e\0\0\0\1\2v\0" /* offset 0, no key, value "v" */

Test(reader, one_record)
{
    kc_record v[10];
    int32_t got;
    cr_assert_eq(decode(GOOD, 8, 1, v, &got), KC_OK);
    cr_assert_eq(got, 1);
    cr_assert(v->offset == 0 && v->timestamp == 0 && !v->key.data && v->value.size == 1);
    cr_assert_eq(v->header_count, 0);
    cr_assert_eq(v->headers_size, 0);
}

Test(reader, malformed_records)
{
    static const struct {
        const char *bytes;
        size_t n;
        int32_t count;
        int32_t before; /* records that come out before the bad one */
        const char *what;
    } cases[] = {
        { GOOD, 8, 2, -1, "fewer records than announced" },
        { GOOD GOOD, 16, 1, 1, "more records than announced" },
        { GOOD "x", 9, 1, 1, "a trailing byte" },
        { GOOD "\x10\0\0\0\1\2v\0", 16, 2, 1, "size beyond the end" },
        { GOOD "\1\0\0\0\1\2v\0", 16, 2, 1, "negative size" },
        { GOOD "\0\0\0\0\1\2v\0", 16, 2, 1, "size 0" },
        { GOOD "\x0c\0\0\0\1\2v\0", 16, 2, 1, "size too small" },
        { GOOD "\x80\x80\x80\x80\x80\x80\x80\0", 16, 2, 1, "size never ends" },
        { "\x0e\0\0\0\x7e\2v\0", 8, 1, 0, "key beyond the record" },
        { "\x0e\0\0\0\1\4v\0", 8, 1, 0, "value takes the header count" },
        { "\x0e\0\0\0\1\6v\0", 8, 1, 0, "value beyond the record" },
        { "\x0e\0\0\0\1\2v\2", 8, 1, 0, "a header that is not there" },
        { "\x0e\0\0\0\1\2v\1", 8, 1, 0, "negative header count" },
        { "\x0e\0\0\1\1\2v\0", 8, 1, 0, "negative offset delta" },
        { "\x0e\0\0\x14\1\2v\0", 8, 1, 0, "offset delta beyond the last one" },
        { "\x10\0\0\0\1\2v\0\0", 9, 1, 0, "bytes after the header count" },
        { "\x12\0\0\0\1\2v\2\2h", 10, 1, 0, "a header without value" },
        { "\x14\0\0\0\1\2v\2\1\1\0", 11, 1, 0, "a header without name" },
        { "\x14\0\0\0\1\2v\4\0\1\0", 11, 1, 0, "one header of two" },
        { "\x14\0\0\0\1\2v\2\0\4h", 11, 1, 0, "header value beyond the record" },
        { "\x0e\0\0\0\x80\x80\x80\x80", 8, 1, 0, "key length never ends" },
        { "\x0e\0\xff\xff\xff\xff\xff\xff", 8, 1, 0, "timestamp never ends" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        kc_record views[20];
        int32_t got;
        kc_err err = decode(cases[i].bytes, cases[i].n, cases[i].count, views, &got);
        cr_assert_eq(err, KC_E_CORRUPT_MESSAGE, "%s", cases[i].what);
        if (cases[i].before >= 0)
            cr_assert_eq(got, cases[i].before, "%s", cases[i].what);
    }
}

Test(reader, negative_sizes_are_null)
{
    kc_record v[10];
    int32_t got;
    cr_assert_eq(decode("\x0e\0\0\0\3\5\0\0", 8, 1, v, &got), KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(decode("\x0c\0\0\0\3\5\0", 7, 1, v, &got), KC_OK);
    cr_assert(!v->key.data && !v->value.data && v->key.size == 0 && v->value.size == 0);
}

/* Cuts the records of a good batch anywhere: never more than what is there, never a crash. */
Test(reader, cut_off_records)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 10, &size);
    size_t n = size - KCI_BATCH_HEADER_SIZE;
    for (size_t cut = 0; cut < n; cut++) {
        kc_record views[10];
        int32_t got;
        uint8_t *exact = malloc(cut + 1);
        memcpy(exact, data + KCI_BATCH_HEADER_SIZE, cut);
        cr_assert_eq(decode(exact, cut, 10, views, &got), KC_E_CORRUPT_MESSAGE);
        cr_assert_lt(got, 10);
        free(exact);
    }
    free(data);
}

Test(reader, start_offset_skips)
{
    size_t size;
    uint8_t *data = test_batch(KCI_CODEC_NONE, 50, &size);
    kci_batch_assign(data, 1000, 0);
    for (int64_t start = 990; start < 1060; start += 7) {
        kci_batch b;
        kci_records_iter it;
        kci_block *block;
        kc_record views[3];
        int64_t expected = start < 1000 ? 1000 : start;
        int32_t got;
        kci_batch_parse(data, size, &b);
        kci_records_open(&it, &b, start, decompressor, &kci_block_heap, 1 << 20, &block);
        cr_assert_null(block);
        while ((got = kci_records_decode(&it, views, 3)) > 0) {
            for (int32_t i = 0; i < got; i++)
                cr_assert_eq(views[i].offset, expected++);
        }
        cr_assert_eq(it.error, KC_OK);
        cr_assert_eq(expected, start < 1050 ? 1050 : start);
        cr_assert_eq(it.next_offset, 1050);
        cr_assert_eq(it.base_offset, 1000);
    }
    free(data);
}

Test(reader, a_batch_without_records)
{
    size_t size;
    uint8_t *data = wrap("", 0, 0, &size);
    for (uint16_t codec = 0; codec < KCI_CODEC_COUNT; codec++) {
        kci_batch b;
        kci_records_iter it;
        kci_block *block;
        kc_record view;
        kci_store16(data + KCI_BATCH_AT_ATTRIBUTES, codec);
        kci_batch_parse(data, size, &b);
        cr_assert_eq(kci_records_open(&it, &b, 0, decompressor, &kci_block_heap, 9, &block), KC_OK);
        cr_assert_null(block);
        cr_assert_eq(kci_records_decode(&it, &view, 1), 0);
        cr_assert_eq(it.error, KC_OK);
        cr_assert_eq(it.next_offset, 10);
    }
    free(data);
}

Test(reader, unknown_codecs)
{
    size_t size;
    uint8_t *data = wrap(GOOD, 8, 1, &size);
    for (uint16_t codec = 5; codec < 8; codec++) {
        kci_batch b;
        kci_records_iter it;
        kci_block *block;
        kci_store16(data + KCI_BATCH_AT_ATTRIBUTES, codec);
        kci_batch_parse(data, size, &b);
        cr_assert_eq(kci_records_open(&it, &b, 0, decompressor, &kci_block_heap, 1 << 20, &block),
                     KC_E_NOT_SUPPORTED);
        cr_assert_null(block);
    }
    free(data);
}

/* Whatever single bit is wrong in a compressed batch whose checksum is not looked at: an error or
 * records, within the budget, nothing kept. */
Test(reader, bit_flips_in_compressed_records)
{
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        size_t size;
        if (!kci_codec_get(codec)->available)
            continue;
        uint8_t *data = test_batch((kci_codec)codec, 60, &size);
        for (size_t bit = KCI_BATCH_HEADER_SIZE * 8; bit < size * 8; bit++) {
            kci_batch b;
            kci_records_iter it;
            kci_block *block;
            kc_record views[60];
            test_budget budget;
            test_budget_init(&budget);
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
            cr_assert_eq(kci_batch_parse(data, size, &b), KC_OK);
            kci_records_open(&it, &b, 0, decompressor, &budget.source, 1 << 20, &block);
            while (kci_records_decode(&it, views, 60) > 0)
                ;
            kci_block_unref(block);
            cr_assert_eq(budget.held, 0);
            cr_assert_leq(budget.peak, (1 << 20) + sizeof(kci_block));
            data[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        free(data);
    }
}

Test(reader, compressed_records_cut_off)
{
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        size_t size;
        if (!kci_codec_get(codec)->available)
            continue;
        uint8_t *data = test_batch((kci_codec)codec, 60, &size);
        for (size_t n = KCI_BATCH_HEADER_SIZE; n < size; n++) {
            kci_batch b;
            kci_records_iter it;
            kci_block *block;
            kc_record views[60];
            uint8_t *exact = malloc(n);
            memcpy(exact, data, n);
            kci_store32(exact + KCI_BATCH_AT_LENGTH, (uint32_t)n - 12);
            cr_assert_eq(kci_batch_parse(exact, n, &b), KC_OK);
            kc_err err =
                kci_records_open(&it, &b, 0, decompressor, &kci_block_heap, 1 << 20, &block);
            if (err == KC_OK) {
                while (kci_records_decode(&it, views, 60) > 0)
                    ;
                err = it.error;
            }
            cr_assert_neq(err, KC_OK, "codec %u cut to %zu", codec, n);
            kci_block_unref(block);
            free(exact);
        }
        free(data);
    }
}

/* A record with three headers: a=1, b=null, a=(empty). */
static const char three[] = "\x20\0\0\0\1\1\6\2a\2"
                            "1\2b\1\2a\0";

Test(reader, headers)
{
    kc_record v[10];
    kc_header h[3];
    int32_t got;
    size_t count;
    kc_bytes value;
    size_t size;
    uint8_t *data = wrap(three, 17, 1, &size);
    kci_batch b;
    kci_records_iter it;
    kci_block *block;

    kci_batch_parse(data, size, &b);
    kci_records_open(&it, &b, 0, decompressor, &kci_block_heap, 1 << 20, &block);
    got = kci_records_decode(&it, v, 10);
    cr_assert_eq(got, 1);
    cr_assert_eq(v->header_count, 3);
    cr_assert_eq(kc_record_headers(v, NULL, 0, &count), KC_OK);
    cr_assert_eq(count, 3);
    memset(h, 0x55, sizeof h);
    cr_assert_eq(kc_record_headers(v, h, 2, &count), KC_OK);
    cr_assert_eq(count, 3);
    cr_assert(kci_bytes_equal(h[1].name, kc_str("b")) && !h[1].value.data);
    cr_assert_eq(h[2].name.size, 0x5555555555555555, "not written beyond cap");
    cr_assert_eq(kc_record_headers(v, h, 3, &count), KC_OK);
    cr_assert(kci_bytes_equal(h[0].value, kc_str("1")));

    cr_assert(kc_record_header_get(v, kc_str("a"), &value));
    cr_assert(value.data && value.size == 0, "the last one of that name");
    cr_assert(kc_record_header_get(v, kc_str("b"), &value));
    cr_assert_null(value.data);
    cr_assert_not(kc_record_header_get(v, kc_str("c"), &value));
    cr_assert_not(kc_record_header_get(v, kc_str(""), &value));
    free(data);
}

Test(reader, headers_of_a_struct_that_somebody_else_filled)
{
    size_t count;
    kc_bytes value;
    kc_record r = { .headers_data = (const uint8_t *)"\2a", .headers_size = 2, .header_count = 1 };
    cr_assert_eq(kc_record_headers(&r, NULL, 0, &count), KC_E_INVALID_ARGUMENT);
    cr_assert_not(kc_record_header_get(&r, kc_str("a"), &value));
    r.header_count = INT32_MAX;
    cr_assert_eq(kc_record_headers(&r, NULL, 0, &count), KC_E_INVALID_ARGUMENT);
    r.header_count = -1;
    cr_assert_eq(kc_record_headers(&r, NULL, 0, &count), KC_E_INVALID_ARGUMENT);
    r = (kc_record){ .header_count = 0 };
    cr_assert_eq(kc_record_headers(&r, NULL, 0, &count), KC_OK);
    cr_assert_eq(count, 0);
}

Test(reader, layout_of_the_public_structs)
{
    cr_assert_eq(sizeof(kc_record), 64);
    cr_assert_eq(offsetof(kc_record, key), 16);
    cr_assert_eq(offsetof(kc_record, value), 32);
    cr_assert_eq(offsetof(kc_record, headers_data), 48);
    cr_assert_eq(offsetof(kc_record, headers_size), 56);
    cr_assert_eq(offsetof(kc_record, header_count), 60);
    kc_producer_record r = KC_PRODUCER_RECORD_INIT;
    cr_assert(r.size == sizeof r && r.partition == KC_PARTITION_ANY && !r.opaque);
    cr_assert(r.timestamp == KC_NO_TIMESTAMP && !r.key.data && r.header_count == 0);
}
