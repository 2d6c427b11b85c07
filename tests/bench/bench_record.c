/* SPDX-License-Identifier: Apache-2.0 */
/* bench_record: ns per record appended and decoded, codecs' and CRC-32C's speed. Each line is the
 * best of several rounds, so that a busy machine disturbs it less; data is warm, as it is between
 * the steps of a real client. bench_record [ROUNDS] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/crc32c.h"
#include "record/reader.h"
#include "record/writer.h"

enum { CHUNK = 16 * 1024, BATCH = 64 * 1024, VIEWS = 500, REPEAT = 200 };

static int rounds = 20;
static uint8_t text[1 << 20]; /* what values are made of: words, so that codecs have work */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void make_text(void)
{
    static const char *words[] = {
        "kafka", "record",    "partition",           "offset", "broker", "user", "{\"id\":",
        "true",  "\"name\":", "2024-05-17T10:22:31", "},"
    };
    uint32_t state = 1;
    size_t at = 0;
    while (at + 40 < sizeof text) {
        state = state * 1664525 + 1013904223;
        const char *word = words[(state >> 16) % (sizeof words / sizeof words[0])];
        at += (size_t)sprintf((char *)text + at, "%s%u ", word, state >> 22);
    }
}

static kci_chunk *get_chunk(void *arg, uint32_t min_cap)
{
    (void)arg;
    uint32_t cap = min_cap > CHUNK ? min_cap : CHUNK;
    kci_chunk *c = malloc(sizeof *c + cap);
    if (!c)
        abort();
    *c = (kci_chunk){ .cap = cap };
    return c;
}

static void put_chunk(void *arg, kci_chunk *chunk)
{
    (void)arg;
    free(chunk);
}

static const kci_chunk_source source = { get_chunk, put_chunk, NULL };

/* A batch of records with values of `size` bytes; returns how many it took. */
static int fill(kci_batch_writer *w, size_t key_size, size_t size, size_t headers)
{
    static const kc_header two[] = { { { (const uint8_t *)"trace", 5 }, { text, 16 } },
                                     { { (const uint8_t *)"source", 6 }, { text, 8 } } };
    int64_t ms = 1700000000000;
    size_t at = 0;
    while (w->bytes + size + 200 < BATCH) {
        kc_bytes key = key_size ? kc_mem(text + at, key_size) : kc_mem(NULL, 0);
        kc_bytes value = kc_mem(text + at, size);
        if (kci_batch_writer_room(w) < kci_record_bound(key, value, two, headers))
            kci_batch_writer_add_chunk(w, get_chunk(NULL, CHUNK));
        kci_batch_writer_append(w, ms + (w->count >> 4), key, value, two, headers);
        at = (at + size) & (sizeof text / 2 - 1);
    }
    return w->count;
}

/* Appends only: chunks are kept from one batch to the next. */
static void bench_append(const char *name, size_t key_size, size_t size, size_t headers)
{
    double best = 1e18;
    kci_batch_writer w = { 0 };
    fill(&w, key_size, size, headers);
    int count = w.count;
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        for (int i = 0; i < REPEAT; i++) {
            kci_chunk *chunks = w.chunks.first;
            kci_batch_writer_init(&w);
            int64_t ms = 1700000000000;
            size_t at = 0;
            kc_header one = { { text, 5 }, { text + 5, 16 } };
            for (int n = 0; n < count; n++) {
                kc_bytes key = key_size ? kc_mem(text + at, key_size) : kc_mem(NULL, 0);
                kc_bytes value = kc_mem(text + at, size);
                if (kci_batch_writer_room(&w) < kci_record_bound(key, value, &one, headers)) {
                    kci_chunk *c = chunks;
                    chunks = chunks->next;
                    c->used = 0;
                    kci_batch_writer_add_chunk(&w, c);
                }
                kci_batch_writer_append(&w, ms + (n >> 4), key, value, &one, headers);
                at = (at + size) & 0x3fff;
            }
            while (chunks) { /* keep what was not needed */
                kci_chunk *c = chunks;
                chunks = chunks->next;
                c->used = 0;
                kci_batch_writer_add_chunk(&w, c);
            }
        }
        double ns = (now_ns() - start) / REPEAT / count;
        best = ns < best ? ns : best;
    }
    printf("append %-28s %8.1f ns/record\n", name, best);
    kci_batch_writer_clear(&w, &source);
}

static uint8_t *flatten(const kci_batch_writer *w, size_t *size)
{
    uint8_t *data = malloc(kci_batch_writer_wire_size(w));
    if (!data)
        abort();
    kci_batch_writer_header(w, -1, -1, -1, 0, data);
    *size = KCI_BATCH_HEADER_SIZE;
    for (const kci_chunk *c = w->chunks.first; c; c = c->next) {
        memcpy(data + *size, c->data, c->used);
        *size += c->used;
    }
    return data;
}

static int decode_all(const uint8_t *data, size_t size, kci_decompressor *d)
{
    static kc_record views[VIEWS];
    kci_batch b;
    kci_records_iter it;
    kci_block *block;
    int total = 0, got;
    if (kci_batch_parse(data, size, &b) != KC_OK || !b.complete ||
        kci_records_open(&it, &b, 0, d, &kci_block_heap, 64 << 20, &block) != KC_OK)
        abort();
    while ((got = kci_records_decode(&it, views, VIEWS)) > 0)
        total += got;
    if (it.error != KC_OK)
        abort();
    kci_block_unref(block);
    return total;
}

static void bench_decode(const char *name, size_t key_size, size_t size, size_t headers)
{
    double best = 1e18;
    size_t bytes;
    kci_batch_writer w = { 0 };
    fill(&w, key_size, size, headers);
    kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, &source);
    uint8_t *data = flatten(&w, &bytes);
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        int total = 0;
        for (int i = 0; i < REPEAT; i++)
            total += decode_all(data, bytes, NULL);
        double ns = (now_ns() - start) / total;
        best = ns < best ? ns : best;
    }
    printf("decode %-28s %8.1f ns/record\n", name, best);
    free(data);
    kci_batch_writer_clear(&w, &source);
}

static void bench_codec(kci_codec codec, int level)
{
    double best_seal = 1e18, best_decode = 1e18;
    kci_compressor *c;
    kci_decompressor *d;
    size_t raw = 0, size = 0;
    if (kci_compressor_new(&c) != KC_OK || kci_decompressor_new(&d) != KC_OK)
        abort();
    for (int round = 0; round < rounds; round++) {
        kci_batch_writer w = { 0 };
        fill(&w, 0, 100, 0);
        double start = now_ns();
        kci_batch_writer_seal(&w, codec, level, c, &source);
        double seal = (now_ns() - start) / (double)w.bytes;
        uint8_t *data = flatten(&w, &size);
        start = now_ns();
        decode_all(data, size, d);
        double decode = (now_ns() - start) / (double)w.bytes;
        best_seal = seal < best_seal ? seal : best_seal;
        best_decode = decode < best_decode ? decode : best_decode;
        raw = w.bytes;
        free(data);
        kci_batch_writer_clear(&w, &source);
    }
    printf("codec %-7s level %3d   seal %8.0f MB/s   open and decode %8.0f MB/s   ratio %.2f\n",
           kci_codec_get(codec)->name, level, 1000 / best_seal, 1000 / best_decode,
           (double)raw / (double)size);
    kci_compressor_free(c);
    kci_decompressor_free(d);
}

static void bench_crc(const char *name, enum kci_crc32c_impl impl, size_t size)
{
    double best = 1e18;
    uint32_t sum = 0;
    if (!kci_crc32c_force(impl))
        return;
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        for (size_t done = 0; done < 8u << 20; done += size)
            sum += kci_crc32c(sum, text, size);
        double ns = (now_ns() - start) / (8 << 20);
        best = ns < best ? ns : best;
    }
    printf("crc32c %-9s %7zu bytes %8.2f GB/s  (%08x)\n", name, size, 1 / best, sum);
}

static void bench_header(void)
{
    double best = 1e18;
    uint8_t header[KCI_BATCH_HEADER_SIZE];
    kci_batch_writer w = { 0 };
    fill(&w, 0, 100, 0);
    kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, &source);
    for (int round = 0; round < rounds; round++) {
        double start = now_ns();
        for (int i = 0; i < 10000; i++)
            kci_batch_writer_header(&w, 1, 0, i, 0, header);
        double ns = (now_ns() - start) / 10000;
        best = ns < best ? ns : best;
    }
    printf("header stamp %31.1f ns/batch\n", best);
    kci_batch_writer_clear(&w, &source);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);
    make_text();
    bench_append("100 B", 0, 100, 0);
    bench_append("100 B, key 16 B", 16, 100, 0);
    bench_append("100 B, key 16 B, 1 header", 16, 100, 1);
    bench_append("10 B", 0, 10, 0);
    bench_append("1000 B", 0, 1000, 0);
    bench_decode("100 B", 0, 100, 0);
    bench_decode("100 B, key 16 B", 16, 100, 0);
    bench_decode("100 B, key 16 B, 2 headers", 16, 100, 2);
    bench_decode("1000 B", 0, 1000, 0);
    bench_header();
    bench_codec(KCI_CODEC_NONE, 0);
    bench_codec(KCI_CODEC_GZIP, -1);
    bench_codec(KCI_CODEC_SNAPPY, 0);
    bench_codec(KCI_CODEC_LZ4, 9);
    bench_codec(KCI_CODEC_LZ4, 3);
    bench_codec(KCI_CODEC_ZSTD, 3);
    for (size_t size = 64; size <= sizeof text; size *= 16) {
        bench_crc("hardware", KCI_CRC32C_HARDWARE, size);
        bench_crc("portable", KCI_CRC32C_PORTABLE, size);
    }
    return 0;
}
