/* SPDX-License-Identifier: Apache-2.0 */
/* Codecs: their table, what other encoders make, input that inflates without end, and failing
 * allocations. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "record/compress_impl.h"
#include "util.h"

#if KCI_HAVE_LZ4
#include <lz4frame.h>
#endif
#if KCI_HAVE_ZSTD
#include <zstd.h>
#endif
#if KCI_HAVE_SNAPPY
#include <snappy-c.h>
#endif

enum { SIZE = 300000 };

static kci_decompressor *decompressor;
static test_budget budget;
static uint8_t text[SIZE];

static void setup(void)
{
    cr_assert_eq(kci_decompressor_new(&decompressor), KC_OK);
    test_budget_init(&budget);
    for (size_t i = 0; i < SIZE; i++)
        text[i] = i % 100 < 60 ? (uint8_t)("some text "[i % 10]) : (uint8_t)test_random(256);
}

static void teardown(void)
{
    kci_decompressor_free(decompressor);
    cr_assert_eq(budget.held, 0);
}

TestSuite(compress, .init = setup, .fini = teardown);

static kc_err inflate_it(unsigned codec, const void *in, size_t n, size_t max, kci_block **out)
{
    uint8_t *exact = malloc(n ? n : 1);
    memcpy(exact, in, n);
    size_t held = budget.peak = budget.held;
    kc_err err = kci_decompress(decompressor, codec, exact, n, max, &budget.source, out);
    cr_assert_eq(*out == NULL, err != KC_OK);
    cr_assert_leq(budget.peak - held, max + sizeof(kci_block));
    free(exact);
    return err;
}

/* Another encoder's output must become the first `size` bytes of text. */
static void expect_text(unsigned codec, const void *in, size_t n, size_t size)
{
    kci_block *block;
    cr_assert_eq(inflate_it(codec, in, n, size, &block), KC_OK);
    cr_assert_eq(block->size, size);
    cr_assert_arr_eq(block->data, text, size);
    cr_assert_eq(block->alloc_size, budget.held);
    cr_assert_leq(budget.held, size + size / 8 + 64 + sizeof(kci_block));
    kci_block_ref(block);
    kci_block_unref(block);
    kci_block_unref(block);
    if (size == 0)
        return;
    cr_assert_eq(inflate_it(codec, in, n, size - 1, &block), KC_E_DECOMPRESSED_TOO_LARGE);
}

Test(compress, table)
{
    kci_codec codec;
    cr_assert_null(kci_codec_get(5));
    cr_assert(kci_codec_by_name(kc_str("zstd"), &codec) && codec == KCI_CODEC_ZSTD);
    cr_assert(kci_codec_by_name(kc_str("none"), &codec) && codec == KCI_CODEC_NONE);
    cr_assert_not(kci_codec_by_name(kc_str("ZSTD"), &codec));
    cr_assert_not(kci_codec_by_name(kc_str(""), &codec));
    cr_assert_not(kci_codec_by_name(kc_mem(NULL, 0), &codec));
    cr_assert(kci_codec_level_ok(KCI_CODEC_GZIP, -1) && !kci_codec_level_ok(KCI_CODEC_GZIP, 0));
    cr_assert(kci_codec_level_ok(KCI_CODEC_GZIP, 9) && !kci_codec_level_ok(KCI_CODEC_GZIP, 10));
    cr_assert(kci_codec_level_ok(KCI_CODEC_LZ4, 17) && !kci_codec_level_ok(KCI_CODEC_LZ4, 0));
    cr_assert(kci_codec_level_ok(KCI_CODEC_ZSTD, -131072));
    cr_assert_not(kci_codec_level_ok(KCI_CODEC_ZSTD, 23));
    cr_assert(kci_codec_level_ok(KCI_CODEC_SNAPPY, 1234));
    cr_assert_not(kci_codec_level_ok((kci_codec)9, 1));
}

static size_t gzip(void *to, size_t cap, const void *from, size_t n)
{
    z_stream z = { 0 };
    deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)n;
    z.next_out = to;
    z.avail_out = (uInt)cap;
    cr_assert_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t size = z.total_out;
    deflateEnd(&z);
    return size;
}

Test(compress, gzip_of_several_members)
{
    static uint8_t packed[2 * SIZE];
    size_t first = gzip(packed, SIZE, text, 1000);
    expect_text(KCI_CODEC_GZIP, packed, first, 1000);
    size_t second = gzip(packed + first, SIZE, text + 1000, SIZE - 1000);
    expect_text(KCI_CODEC_GZIP, packed, first + second, SIZE);
    size_t none = gzip(packed, SIZE, text, 0);
    kci_block *block;
    cr_assert_eq(inflate_it(KCI_CODEC_GZIP, packed, none, 10, &block), KC_OK);
    cr_assert_eq(block->size, 0);
    kci_block_unref(block);
}

Test(compress, gzip_with_rubbish)
{
    uint8_t packed[2000];
    kci_block *block;
    size_t n = gzip(packed, sizeof packed, text, 1000);
    memset(packed + n, 'x', 20);
    cr_assert_eq(inflate_it(KCI_CODEC_GZIP, packed, n + 20, SIZE, &block), KC_E_DECOMPRESS);
    packed[n - 8] ^= 1; /* the member's checksum */
    cr_assert_eq(inflate_it(KCI_CODEC_GZIP, packed, n, SIZE, &block), KC_E_DECOMPRESS);
    cr_assert_eq(inflate_it(KCI_CODEC_GZIP, packed, 0, SIZE, &block), KC_E_DECOMPRESS);
    cr_assert_eq(inflate_it(KCI_CODEC_GZIP, "\x1f", 1, SIZE, &block), KC_E_DECOMPRESS);
}

#if KCI_HAVE_LZ4

static size_t lz4(void *to, size_t cap, size_t n, LZ4F_blockMode_t mode, LZ4F_blockSizeID_t size,
                  bool checksums)
{
    LZ4F_preferences_t p = { 0 };
    p.frameInfo.blockMode = mode;
    p.frameInfo.blockSizeID = size;
    p.frameInfo.blockChecksumFlag = checksums ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum;
    p.frameInfo.contentChecksumFlag =
        checksums ? LZ4F_contentChecksumEnabled : LZ4F_noContentChecksum;
    p.frameInfo.contentSize = checksums ? n : 0;
    size_t packed = LZ4F_compressFrame(to, cap, text, n, &p);
    cr_assert_not(LZ4F_isError(packed));
    return packed;
}

Test(compress, lz4_of_other_encoders)
{
    static uint8_t packed[2 * SIZE];
    static const LZ4F_blockMode_t modes[] = { LZ4F_blockLinked, LZ4F_blockIndependent };
    static const LZ4F_blockSizeID_t sizes[] = { LZ4F_max64KB, LZ4F_max256KB, LZ4F_max1MB,
                                                LZ4F_max4MB };
    for (size_t i = 0; i < 16; i++) {
        size_t n = lz4(packed, sizeof packed, SIZE, modes[i & 1], sizes[i >> 2], i & 2);
        expect_text(KCI_CODEC_LZ4, packed, n, SIZE);
        packed[n / 2] ^= 4;
        kci_block *block;
        kc_err err = inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block);
        if (i & 2)
            cr_assert_neq(err, KC_OK, "block checksums are looked at");
        kci_block_unref(block);
    }
}

Test(compress, lz4_frames_in_a_row)
{
    static uint8_t packed[2 * SIZE];
    size_t n = lz4(packed, sizeof packed, 1000, LZ4F_blockIndependent, LZ4F_max64KB, false);
    memcpy(packed + n, "\x5a\x2a\x4d\x18\3\0\0\0abc", 11); /* skippable */
    kci_block *block;
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n + 11, SIZE, &block), KC_OK);
    cr_assert_eq(block->size, 1000);
    kci_block_unref(block);
    memcpy(packed + n + 11, packed, n);
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n + 11 + n, SIZE, &block), KC_OK);
    cr_assert_eq(block->size, 2000);
    kci_block_unref(block);
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n + 10, SIZE, &block), KC_E_DECOMPRESS);
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n - 1, SIZE, &block), KC_E_DECOMPRESS);
}

/* Each frame's checksum is over its own content. */
Test(compress, lz4_frames_in_a_row_with_checksums)
{
    static uint8_t packed[2 * SIZE];
    kci_block *block;
    size_t n = lz4(packed, sizeof packed, 1000, LZ4F_blockIndependent, LZ4F_max64KB, true);
    memcpy(packed + n, packed, n);
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n + n, SIZE, &block), KC_OK);
    cr_assert_eq(block->size, 2000);
    kci_block_unref(block);
    packed[n + n - 1] ^= 1;
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n + n, SIZE, &block), KC_E_DECOMPRESS);
}

/* With checksums of blocks alone every wrong bit is seen, whatever it does to the content. */
Test(compress, lz4_block_checksums)
{
    uint8_t packed[1000];
    LZ4F_preferences_t p = { .frameInfo = { .blockChecksumFlag = LZ4F_blockChecksumEnabled } };
    size_t n = LZ4F_compressFrame(packed, sizeof packed, text, 300, &p);
    kci_block *block;
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block), KC_OK);
    kci_block_unref(block);
    for (size_t at = 4; at < n; at++) {
        packed[at] ^= 0x10;
        cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block), KC_E_DECOMPRESS, "%zu",
                     at);
        packed[at] ^= 0x10;
    }
}

/* A block may become 64 KiB, and that must fit behind what is there; not more. */
Test(compress, lz4_small_blocks_take_little)
{
    enum { BLOCK = 5000, BLOCKS = 3, LARGEST = 64 << 10 };
    static uint8_t packed[2 * SIZE];
    size_t n = 0;
    kci_block *block;
    for (int i = 0; i < BLOCKS; i++)
        n += lz4(packed + n, sizeof packed - n, BLOCK, LZ4F_blockIndependent, LZ4F_max64KB, false);
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block), KC_OK);
    cr_expect_eq(block->size, BLOCKS * BLOCK);
    cr_expect_lt(budget.peak, BLOCKS * BLOCK + LARGEST + LARGEST / 4, "%zu", budget.peak);
    kci_block_unref(block);
}

Test(compress, lz4_headers)
{
    uint8_t packed[2000];
    kci_block *block;
    size_t n = lz4(packed, sizeof packed, 1000, LZ4F_blockIndependent, LZ4F_max64KB, false);
    packed[6] ^= 1;
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block), KC_E_DECOMPRESS);
    packed[6] ^= 1;
    packed[4] |= 1; /* a dictionary */
    cr_assert_eq(inflate_it(KCI_CODEC_LZ4, packed, n, SIZE, &block), KC_E_DECOMPRESS);
}

/* What our compressor makes is a frame for liblz4, too, of independent blocks. */
Test(compress, lz4_for_other_decoders)
{
    test_pool pool;
    kci_batch_writer w;
    kci_compressor *c;
    test_pool_init(&pool);
    cr_assert_eq(kci_compressor_new(&c), KC_OK);
    kci_batch_writer_init(&w);
    test_append(&w, &pool, test_records(3000), 3000);
    kci_batch_writer_seal(&w, KCI_CODEC_LZ4, 9, c, &pool.source);

    LZ4F_dctx *d;
    LZ4F_frameInfo_t info = { 0 };
    size_t total = 0, hint = 1;
    LZ4F_createDecompressionContext(&d, LZ4F_VERSION);
    for (const kci_chunk *chunk = w.chunks.first; chunk; chunk = chunk->next) {
        static uint8_t out[1 << 20];
        size_t at = 0;
        if (chunk == w.chunks.first) {
            at = chunk->used;
            cr_assert_not(LZ4F_isError(LZ4F_getFrameInfo(d, &info, chunk->data, &at)));
        }
        while (at < chunk->used) {
            size_t in_size = chunk->used - at, out_size = sizeof out;
            hint = LZ4F_decompress(d, out, &out_size, chunk->data + at, &in_size, NULL);
            cr_assert_not(LZ4F_isError(hint));
            at += in_size;
            total += out_size;
        }
    }
    cr_assert_eq(hint, 0, "the frame has ended");
    cr_assert_eq(info.blockMode, LZ4F_blockIndependent);
    cr_assert_eq(total, w.bytes);
    LZ4F_freeDecompressionContext(d);
    kci_batch_writer_clear(&w, &pool.source);
    kci_compressor_free(c);
}

#endif
#if KCI_HAVE_ZSTD

/* As Java does it: streamed, no content size in the frame. */
static size_t zstd_streamed(uint8_t *to, size_t cap, size_t n, int level)
{
    ZSTD_CCtx *c = ZSTD_createCCtx();
    ZSTD_outBuffer out = { to, cap, 0 };
    ZSTD_inBuffer in = { text, 0, 0 };
    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, level);
    for (in.size = 0; in.size < n;) {
        in.size = in.size + 9999 < n ? in.size + 9999 : n;
        ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue);
    }
    cr_assert_eq(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
    ZSTD_freeCCtx(c);
    return out.pos;
}

Test(compress, zstd_of_other_encoders)
{
    static uint8_t packed[2 * SIZE];
    size_t n = zstd_streamed(packed, sizeof packed, SIZE, 3);
    cr_assert_eq(ZSTD_getFrameContentSize(packed, n), ZSTD_CONTENTSIZE_UNKNOWN);
    expect_text(KCI_CODEC_ZSTD, packed, n, SIZE);
    n = zstd_streamed(packed, sizeof packed, SIZE, 22); /* a window of 128 MiB */
    expect_text(KCI_CODEC_ZSTD, packed, n, SIZE);
    n = zstd_streamed(packed, sizeof packed, 1, -5);
    expect_text(KCI_CODEC_ZSTD, packed, n, 1);
    n = ZSTD_compress(packed, sizeof packed, text, 200, 1);
    expect_text(KCI_CODEC_ZSTD, packed, n, 200);
    n = ZSTD_compress(packed, sizeof packed, text, 0, 1);
    kci_block *block;
    cr_assert_eq(inflate_it(KCI_CODEC_ZSTD, packed, n, SIZE, &block), KC_OK);
    cr_assert_eq(block->size, 0);
    kci_block_unref(block);
}

Test(compress, zstd_frames_in_a_row)
{
    static uint8_t packed[2 * SIZE];
    size_t n = ZSTD_compress(packed, SIZE, text, 1000, 1);
    memcpy(packed + n, "\x50\x2a\x4d\x18\2\0\0\0ab", 10); /* skippable */
    n += 10;
    n += ZSTD_compress(packed + n, SIZE, text + 1000, SIZE - 1000, 1);
    expect_text(KCI_CODEC_ZSTD, packed, n, SIZE);
}

#endif
#if KCI_HAVE_SNAPPY

Test(compress, snappy_raw_and_framed)
{
    static uint8_t packed[2 * SIZE];
    size_t n = sizeof packed;
    cr_assert_eq(snappy_compress((char *)text, SIZE, (char *)packed, &n), SNAPPY_OK);
    expect_text(KCI_CODEC_SNAPPY, packed, n, SIZE);

    static const uint8_t header[16] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                        0,    0,   0,   1,   0,   0,   0,   1 };
    memcpy(packed, header, 16);
    size_t at = 16;
    for (size_t from = 0; from < SIZE; from += 100000) {
        if (from == 200000) { /* two streams in a row */
            memcpy(packed + at, header, 16);
            at += 16;
        }
        n = sizeof packed - at;
        snappy_compress((char *)text + from, 100000, (char *)packed + at + 4, &n);
        kci_store32(packed + at, (uint32_t)n);
        at += 4 + n;
    }
    expect_text(KCI_CODEC_SNAPPY, packed, at, SIZE);

    kci_block *block;
    cr_assert_eq(inflate_it(KCI_CODEC_SNAPPY, packed, at - 1, SIZE, &block), KC_E_DECOMPRESS);
    kci_store32(packed + 16, UINT32_MAX);
    cr_assert_eq(inflate_it(KCI_CODEC_SNAPPY, packed, at, SIZE, &block), KC_E_DECOMPRESS);
}

/* Bytes of one of several kinds, from runs to noise. */
static void fill_kind(uint8_t *to, size_t n, uint32_t kind)
{
    for (size_t i = 0; i < n; i++) {
        bool repeat = i > 0 && test_random(16) < kind % 17;
        to[i] = repeat ? to[i - 1 - test_random(i < 3000 ? (uint32_t)i : 3000) / (1 + kind % 5)]
                       : (uint8_t)test_random(1 + kind % 7 * 40);
    }
}

Test(compress, snappy_encoder)
{
    static uint16_t table[KCI_SNAPPY_TABLE];
    static uint8_t in[KCI_SNAPPY_BLOCK], back[KCI_SNAPPY_BLOCK];
    size_t ours = 0, theirs = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        size_t n = i < 300 ? i / 2 + 1 : 1 + test_random(i % 50 ? 3000 : KCI_SNAPPY_BLOCK);
        size_t size = n + n / 6 + 32, back_size = n, reference = 2 * n + 100;
        uint8_t *packed = malloc(reference);
        fill_kind(in, n, i);
        size_t packed_size = kci_snappy_encode(table, in, n, packed);
        cr_assert_leq(packed_size, size);
        cr_assert_eq(snappy_uncompress((char *)packed, packed_size, (char *)back, &back_size),
                     SNAPPY_OK, "input %u", i);
        cr_assert_eq(back_size, n);
        cr_assert_arr_eq(back, in, n);
        snappy_compress((char *)in, n, (char *)packed, &reference);
        ours += packed_size;
        theirs += reference;
        free(packed);
    }
    cr_assert_lt(ours, theirs * 105 / 100, "%zu against %zu", ours, theirs);
}

/* An announced size that so few bytes cannot make is not allocated. */
Test(compress, snappy_announces_too_much)
{
    kci_block *block;
    budget.limit = 100000;
    cr_assert_eq(inflate_it(KCI_CODEC_SNAPPY, "\xff\xff\xff\xff\x07zzzzzz", 11, INT32_MAX, &block),
                 KC_E_DECOMPRESS);
    cr_assert_eq(budget.peak, 0);
}

#endif

/* Compresses one chunk below `limit` bytes; what came out is given back. */
static kc_err shrink(kci_compressor *c, unsigned codec, const kci_chunk *chunk, size_t limit,
                     size_t *size)
{
    test_pool pool;
    kci_chunk_list out;
    test_pool_init(&pool);
    int level = kci_codec_get(codec)->level_default;
    kc_err err = kci_compress(c, (kci_codec)codec, level, chunk, limit, &pool.source, &out);
    *size = out.size;
    kci_chunk_list_put(&out, &pool.source);
    cr_assert_eq(pool.live, 0);
    return err;
}

/* What is not smaller than the input is refused, so that it is sent as it is. */
Test(compress, only_what_shrinks)
{
    kci_compressor *c;
    kci_chunk *chunk = calloc(1, sizeof *chunk + SIZE);
    cr_assert_eq(kci_compressor_new(&c), KC_OK);
    chunk->cap = SIZE;
    chunk->used = 20000;
    memcpy(chunk->data, text, chunk->used);
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        size_t size, again;
        if (!kci_codec_get(codec)->available)
            continue;
        cr_assert_eq(shrink(c, codec, chunk, SIZE, &size), KC_OK);
        cr_assert_eq(shrink(c, codec, chunk, size + 1, &again), KC_OK);
        cr_assert_eq(again, size);
        cr_assert_eq(shrink(c, codec, chunk, size, &again), KC_E_RECORD_TOO_LARGE);
    }
    free(chunk);
    kci_compressor_free(c);
}

/* 64 MiB of one byte, and how far each codec goes with it. */
Test(compress, bombs)
{
    enum { BOMB = 64 << 20, MAX = 1 << 20 };
    test_pool pool;
    kci_compressor *c;
    kci_chunk *zeros = calloc(1, sizeof *zeros + BOMB);
    cr_assert_eq(kci_compressor_new(&c), KC_OK);
    test_pool_init(&pool);
    zeros->cap = zeros->used = BOMB;
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        const kci_codec_info *info = kci_codec_get(codec);
        kci_chunk_list out;
        kci_block *block;
        if (!info->available)
            continue;
        cr_assert_eq(
            kci_compress(c, (kci_codec)codec, info->level_default, zeros, BOMB, &pool.source, &out),
            KC_OK);
        uint8_t *packed = malloc(out.size);
        size_t at = 0;
        for (const kci_chunk *k = out.first; k; k = k->next) {
            memcpy(packed + at, k->data, k->used);
            at += k->used;
        }
        cr_assert_eq(inflate_it(codec, packed, out.size, MAX, &block), KC_E_DECOMPRESSED_TOO_LARGE,
                     "%s", info->name);
        budget.limit = MAX; /* the same by the budget: the block's struct does not fit */
        cr_assert_neq(inflate_it(codec, packed, out.size, SIZE_MAX / 2, &block), KC_OK);
        budget.limit = SIZE_MAX / 2;
        cr_assert_eq(budget.held, 0);
        free(packed);
        kci_chunk_list_put(&out, &pool.source);
    }
    free(zeros);
    kci_compressor_free(c);
    cr_assert_eq(pool.live, 0);
}

/* Compress, seal, open and decode with the n-th allocation failing. */
static bool run_with_failure(unsigned codec, int64_t n, const test_record *records)
{
    test_pool pool;
    kci_batch_writer w;
    kci_compressor *c = NULL;
    kci_decompressor *d = NULL;
    kci_block *block = NULL;
    kci_records_iter it = { 0 };
    kci_batch b;
    size_t size;

    test_pool_init(&pool);
    kci_batch_writer_init(&w);
    test_append(&w, &pool, records, 100);
    int64_t live = kci_mem_live();
    kci_mem_fail_after(n, false);
    kc_err err = kci_compressor_new(&c);
    if (err == KC_OK)
        err = kci_decompressor_new(&d);
    if (err == KC_OK)
        err = kci_batch_writer_seal(&w, (kci_codec)codec, kci_codec_get(codec)->level_default, c,
                                    &pool.source);
    bool was_sealed = w.sealed;
    bool is_raw = was_sealed && w.codec == KCI_CODEC_NONE;
    if (was_sealed) {
        uint8_t *data = test_flatten(&w, &size);
        cr_assert_eq(kci_batch_parse(data, size, &b), KC_OK);
        err = kci_records_open(&it, &b, 0, d, &kci_block_heap, 1 << 20, &block);
        kc_record views[100];
        cr_assert(err != KC_OK || kci_records_decode(&it, views, 100) == 100);
        free(data);
    }
    kci_mem_fail_after(0, false);
    cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%d", err);
    kci_block_unref(block);
    kci_batch_writer_clear(&w, &pool.source);
    kci_compressor_free(c);
    kci_decompressor_free(d);
    cr_assert_eq(kci_mem_live(), live, "allocation %lld leaks", (long long)n);
    cr_assert_eq(pool.live, 0);
    return err == KC_OK && !is_raw;
}

Test(compress, failing_allocations)
{
    const test_record *records = test_records(100);
    for (unsigned codec = 1; codec < KCI_CODEC_COUNT; codec++) {
        int64_t n = 1;
        if (!kci_codec_get(codec)->available)
            continue;
        while (!run_with_failure(codec, n, records))
            cr_assert_lt(n++, 100);
        cr_assert_gt(n, 2, "nothing failed");
    }
}
