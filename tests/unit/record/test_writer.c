/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that the writer made, read back; stamping, splitting, and what happens without memory. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "util.h"

static kci_compressor *compressor;
static kci_decompressor *decompressor;
static test_pool pool;

static void setup(void)
{
    test_pool_init(&pool);
    cr_assert_eq(kci_compressor_new(&compressor), KC_OK);
    cr_assert_eq(kci_decompressor_new(&decompressor), KC_OK);
}

static void teardown(void)
{
    kci_compressor_free(compressor);
    kci_decompressor_free(decompressor);
    cr_assert_eq(pool.live, 0, "chunks lost");
}

TestSuite(writer, .init = setup, .fini = teardown);

/* The batch in data is records[0..n-1], with offsets from 0. */
static void check_batch(const uint8_t *data, size_t size, const test_record *records, size_t n)
{
    kci_batch b;
    kci_records_iter it;
    kci_block *block;
    kc_record views[16];
    test_budget budget;
    size_t seen = 0;
    int32_t got;

    test_budget_init(&budget);
    cr_assert_eq(kci_batch_parse(data, size, &b), KC_OK);
    cr_assert(b.complete);
    cr_assert_eq(b.size, size);
    cr_assert_eq(b.count, (int32_t)n);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    cr_assert_eq(kci_records_open(&it, &b, 0, decompressor, &budget.source, 64 << 20, &block),
                 KC_OK);
    while ((got = kci_records_decode(&it, views, 16)) > 0) {
        cr_assert_leq(seen + (size_t)got, n);
        for (int32_t i = 0; i < got; i++, seen++)
            cr_assert(test_same(&views[i], &records[seen], (int64_t)seen), "record %zu", seen);
    }
    cr_assert_eq(it.error, KC_OK);
    cr_assert_eq(seen, n);
    cr_assert_eq(it.remaining, 0);
    cr_assert_eq(it.next_offset, (int64_t)n);
    kci_block_unref(block);
    cr_assert_eq(budget.held, 0);
}

static void round_trip(kci_codec codec, int level, size_t n)
{
    kci_batch_writer w;
    size_t size;
    const test_record *records = test_records(n);
    kci_batch_writer_init(&w);
    test_append(&w, &pool, records, n);
    size_t raw = w.bytes;
    cr_assert_eq(w.chunks.size, raw);
    cr_assert_eq(kci_batch_writer_seal(&w, codec, level, compressor, &pool.source), KC_OK);
    cr_assert_eq(w.bytes, raw);
    if (n >= 50)
        cr_assert_eq(w.codec, codec, "%s at level %d", kci_codec_get(codec)->name, level);
    if (w.codec != KCI_CODEC_NONE)
        cr_assert_lt(w.chunks.size, raw);
    uint8_t *data = test_flatten(&w, &size);
    cr_assert_eq(size, kci_batch_writer_wire_size(&w));
    check_batch(data, size, records, n);
    free(data);
    kci_batch_writer_clear(&w, &pool.source);
}

Test(writer, round_trips_with_each_codec_and_level)
{
    for (unsigned codec = 0; codec < KCI_CODEC_COUNT; codec++) {
        const kci_codec_info *info = kci_codec_get(codec);
        int from = info->level_min < -3 ? -3 : info->level_min;
        if (!info->available)
            continue;
        for (int level = from; level <= info->level_max; level++)
            round_trip((kci_codec)codec, level, 1 + test_random(400));
        round_trip((kci_codec)codec, info->level_default, 1);
        round_trip((kci_codec)codec, info->level_default, 100);
        round_trip((kci_codec)codec, info->level_default, 20000);
    }
}

Test(writer, many_small_batches_with_one_compressor)
{
    for (int i = 0; i < 300; i++) {
        kci_codec codec = (kci_codec)test_random(KCI_CODEC_COUNT);
        const kci_codec_info *info = kci_codec_get(codec);
        if (info->available)
            round_trip(codec, info->level_default, 1 + test_random(30));
    }
}

Test(writer, first_and_extreme_timestamps)
{
    kci_batch_writer w;
    size_t size;
    test_record records[4] = { { .timestamp = INT64_MAX },
                               { .timestamp = 0 },
                               { .timestamp = KC_NO_TIMESTAMP },
                               { .timestamp = INT64_MIN } };
    kci_batch_writer_init(&w);
    test_append(&w, &pool, records, 4);
    cr_assert_eq(w.base_timestamp, INT64_MAX);
    cr_assert_eq(w.max_timestamp, INT64_MAX);
    kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL);
    uint8_t *data = test_flatten(&w, &size);
    check_batch(data, size, records, 4);
    free(data);
    kci_batch_writer_clear(&w, &pool.source);
}

Test(writer, header_fields_and_retries)
{
    kci_batch_writer w;
    uint8_t first[KCI_BATCH_HEADER_SIZE], again[KCI_BATCH_HEADER_SIZE];
    size_t size;
    kci_batch b;
    kci_batch_writer_init(&w);
    test_append(&w, &pool, test_records(9), 9);
    kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL);
    uint8_t *data = test_flatten(&w, &size);

    kci_batch_writer_header(&w, 4711, 12, INT32_MAX - 3, KCI_ATTR_TRANSACTIONAL, first);
    kci_batch_writer_header(&w, 4711, 13, INT32_MAX - 3, KCI_ATTR_TRANSACTIONAL, again);
    cr_assert_neq(memcmp(first, again, sizeof first), 0, "another epoch, other bytes");
    kci_batch_writer_header(&w, 4711, 12, INT32_MAX - 3, KCI_ATTR_TRANSACTIONAL, again);
    cr_assert_arr_eq(first, again, sizeof first);

    memcpy(data, first, sizeof first);
    cr_assert_eq(kci_batch_parse(data, size, &b), KC_OK);
    cr_assert_eq(kci_batch_check_crc(&b), KC_OK);
    cr_assert_eq(b.base_offset, 0);
    cr_assert_eq(b.last_offset, 8);
    cr_assert_eq(b.leader_epoch, -1);
    cr_assert_eq(b.producer_id, 4711);
    cr_assert_eq(b.producer_epoch, 12);
    cr_assert_eq(b.base_sequence, INT32_MAX - 3);
    cr_assert_eq(kci_batch_last_sequence(&b), 4);
    cr_assert(kci_batch_is_transactional(&b));
    free(data);
    kci_batch_writer_clear(&w, &pool.source);
}

Test(writer, bound_of_what_does_not_fit)
{
    kc_bytes huge = { (const uint8_t *)"", (size_t)INT32_MAX };
    kc_bytes small = kc_str("x");
    kc_header nameless = { { NULL, 0 }, small };
    kc_header big = { small, huge };
    cr_assert_eq(kci_record_bound(huge, small, NULL, 0), SIZE_MAX);
    cr_assert_eq(kci_record_bound(small, huge, NULL, 0), SIZE_MAX);
    cr_assert_eq(kci_record_bound(small, small, &nameless, 1), SIZE_MAX);
    cr_assert_eq(kci_record_bound(small, small, &big, 1), SIZE_MAX);
    cr_assert_lt(kci_record_bound(small, small, NULL, 0), 40);
}

Test(writer, incompressible_records_stay_as_they_are)
{
    uint8_t noise[3000];
    test_record r = { .timestamp = 5, .value = { noise, sizeof noise } };
    for (size_t i = 0; i < sizeof noise; i++)
        noise[i] = (uint8_t)test_random(256);
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        kci_batch_writer w;
        size_t size;
        if (!kci_codec_get(codec)->available)
            continue;
        kci_batch_writer_init(&w);
        test_append(&w, &pool, &r, 1);
        int level = kci_codec_get(codec)->level_default;
        kc_err err = kci_batch_writer_seal(&w, (kci_codec)codec, level, compressor, &pool.source);
        cr_assert_eq(err, KC_OK);
        cr_assert_eq(w.codec, KCI_CODEC_NONE);
        uint8_t *data = test_flatten(&w, &size);
        check_batch(data, size, &r, 1);
        free(data);
        kci_batch_writer_clear(&w, &pool.source);
    }
}

Test(writer, seals_uncompressed_when_there_are_no_chunks)
{
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        if (!kci_codec_get(codec)->available)
            continue;
        for (int64_t left = 0; left < 3; left++) {
            kci_batch_writer w;
            size_t size;
            const test_record *records = test_records(1000);
            kci_batch_writer_init(&w);
            test_append(&w, &pool, records, 1000);
            pool.left = left;
            int level = kci_codec_get(codec)->level_default;
            kc_err err =
                kci_batch_writer_seal(&w, (kci_codec)codec, level, compressor, &pool.source);
            pool.left = INT64_MAX;
            cr_assert_eq(err, KC_OK);
            cr_assert_eq(w.codec, KCI_CODEC_NONE);
            uint8_t *data = test_flatten(&w, &size);
            check_batch(data, size, records, 1000);
            free(data);
            kci_batch_writer_clear(&w, &pool.source);
        }
    }
}

Test(writer, unknown_codec_changes_nothing)
{
    kci_batch_writer w;
    kci_batch_writer_init(&w);
    test_append(&w, &pool, test_records(2), 2);
    cr_assert_eq(kci_batch_writer_seal(&w, (kci_codec)6, 0, compressor, &pool.source),
                 KC_E_NOT_SUPPORTED);
    cr_assert_not(w.sealed);
    kci_batch_writer_clear(&w, &pool.source);
}

static void check_part(kci_batch_writer *w, const test_record *records, size_t n)
{
    size_t size;
    cr_assert_eq(kci_batch_writer_seal(w, KCI_CODEC_NONE, 0, NULL, NULL), KC_OK);
    uint8_t *data = test_flatten(w, &size);
    check_batch(data, size, records, n);
    free(data);
    kci_batch_writer_clear(w, &pool.source);
}

Test(writer, splits)
{
    for (unsigned codec = 0; codec < KCI_CODEC_COUNT; codec++) {
        if (!kci_codec_get(codec)->available)
            continue;
        for (int32_t left_count = 1; left_count < 200; left_count += 33) {
            kci_batch_writer w, left, right;
            const test_record *records = test_records(200);
            kci_batch_writer_init(&w);
            kci_batch_writer_init(&left);
            kci_batch_writer_init(&right);
            test_append(&w, &pool, records, 200);
            kci_batch_writer_seal(&w, (kci_codec)codec, kci_codec_get(codec)->level_default,
                                  compressor, &pool.source);
            cr_assert_eq(
                kci_batch_writer_split(&w, left_count, decompressor, &pool.source, &left, &right),
                KC_OK);
            cr_assert_eq(w.count, 0);
            cr_assert_eq(left.count, left_count);
            check_part(&left, records, (size_t)left_count);
            check_part(&right, records + left_count, 200 - (size_t)left_count);
        }
    }
}

Test(writer, split_without_memory_changes_nothing)
{
    for (int64_t left_chunks = 0; left_chunks < 20; left_chunks++) {
        kci_batch_writer w, left, right;
        size_t size;
        const test_record *records = test_records(200);
        kci_batch_writer_init(&w);
        kci_batch_writer_init(&left);
        kci_batch_writer_init(&right);
        test_append(&w, &pool, records, 200);
        kci_batch_writer_seal(&w, KCI_CODEC_GZIP, -1, compressor, &pool.source);
        pool.left = left_chunks;
        cr_assert_eq(kci_batch_writer_split(&w, 100, decompressor, &pool.source, &left, &right),
                     KC_E_NO_MEMORY);
        pool.left = INT64_MAX;
        cr_assert(left.count == 0 && right.count == 0 && !left.chunks.first);
        uint8_t *data = test_flatten(&w, &size);
        check_batch(data, size, records, 200);
        free(data);
        kci_batch_writer_clear(&w, &pool.source);
    }
}
