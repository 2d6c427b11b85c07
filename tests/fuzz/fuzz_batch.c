/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches as they come in a Fetch response. The first byte picks what is tried:
 *   0      the rest is a sequence of batches or messages, of any magic, checksums not looked at
 *   1 to 4 the rest is the compressed records of a batch of magic 2, of that codec
 *   5 to 8 the same in one message of magic 1
 * Whatever comes: memory stays in proportion to the input and to what came out, views lie in the
 * input or in the block, and what was decoded can be written and read again. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "fuzz.h"
#include "record/reader.h"
#include "record/writer.h"

enum { MAX_INFLATED = 1 << 20, VIEWS = 16, FIXED = 128 * 1024 };

static size_t held; /* by blocks */
static size_t input_size;

/* What is reserved follows from the input's size at first, then from what came out: it grows by at
 * most so much, or four times. */
static void *resize(void *arg, void *p, size_t old_size, size_t new_size)
{
    size_t step = FIXED + input_size * 256;
    (void)arg;
    held += new_size - old_size;
    FUZZ_CHECK(held <= MAX_INFLATED + sizeof(kci_block));
    FUZZ_CHECK(new_size <= 4 * old_size + step);
    if (new_size > 0)
        return kci_realloc(p, new_size);
    kci_free(p);
    return NULL;
}

static const kci_block_source source = { resize, NULL };
static kci_decompressor *decompressor;

static bool is_inside(kc_bytes b, const uint8_t *from, const uint8_t *to)
{
    return !b.data || (b.data >= from && b.size <= (size_t)(to - b.data));
}

static void check_view(const kc_record *r, const uint8_t *from, const uint8_t *to)
{
    kc_header headers[4];
    size_t count;
    FUZZ_CHECK(is_inside(r->key, from, to) && is_inside(r->value, from, to));
    FUZZ_CHECK(is_inside(kc_mem(r->headers_data, r->headers_size), from, to));
    FUZZ_CHECK(kc_record_headers(r, headers, 4, &count) == KC_OK);
    FUZZ_CHECK(count == (size_t)r->header_count);
    for (size_t i = 0; i < count && i < 4; i++) {
        FUZZ_CHECK(headers[i].name.data && is_inside(headers[i].name, from, to));
        FUZZ_CHECK(is_inside(headers[i].value, from, to));
    }
}

/* A record that was read, written and read again, is the same. */
static void check_rewrite(const kc_record *r)
{
    kc_header headers[4];
    size_t count;
    kc_record_headers(r, headers, 4, &count);
    size_t need = kci_record_bound(r->key, r->value, headers, count > 4 ? 0 : count);
    if (count > 4 || need > 4096)
        return;
    kci_chunk *chunk = malloc(sizeof *chunk + need);
    FUZZ_CHECK(chunk);
    *chunk = (kci_chunk){ .cap = (uint32_t)need };
    kci_batch_writer w = { 0 };
    kci_batch_writer_add_chunk(&w, chunk);
    kci_batch_writer_append(&w, r->timestamp, r->key, r->value, headers, count);
    FUZZ_CHECK(chunk->used <= chunk->cap);

    kci_batch b = { .magic = 2,
                    .count = 1,
                    .base_timestamp = w.base_timestamp,
                    .records = chunk->data,
                    .records_size = chunk->used };
    kci_records_iter it;
    kci_block *block;
    kc_record again;
    FUZZ_CHECK(kci_records_open(&it, &b, 0, NULL, NULL, 0, &block) == KC_OK);
    FUZZ_CHECK(kci_records_decode(&it, &again, 1) == 1 && it.error == KC_OK);
    FUZZ_CHECK(again.timestamp == r->timestamp && again.header_count == r->header_count);
    FUZZ_CHECK(kci_bytes_equal(again.key, r->key) && kci_bytes_equal(again.value, r->value));
    free(chunk);
}

static void read_batch(const kci_batch *b)
{
    kci_records_iter it;
    kci_block *block;
    kc_record views[VIEWS];
    int32_t got;
    kc_err err = kci_records_open(&it, b, 0, decompressor, &source, MAX_INFLATED, &block);
    FUZZ_CHECK(err == it.error && (err == KC_OK || !block));
    const uint8_t *from = block ? block->data : b->data;
    const uint8_t *to = block ? block->data + block->size : b->data + b->size;
    int64_t total = 0;
    while ((got = kci_records_decode(&it, views, VIEWS)) > 0) {
        FUZZ_CHECK(err == KC_OK && got <= VIEWS);
        total += got;
        for (int32_t i = 0; i < got; i++)
            check_view(&views[i], from, to);
        check_rewrite(&views[0]);
    }
    FUZZ_CHECK(b->magic < 2 || it.error != KC_OK || it.remaining == 0);
    FUZZ_CHECK(b->magic < 2 || total <= b->count);
    FUZZ_CHECK(it.next_offset == kci_batch_next_offset(b));
    kci_block_unref(block);
    FUZZ_CHECK(held == 0);
}

static void read_sequence(const uint8_t *p, size_t n)
{
    while (n > 0) {
        kci_batch b;
        kc_err err = kci_batch_parse(p, n, &b);
        FUZZ_CHECK(err == KC_OK || err == KC_E_PROTOCOL || err == KC_E_CORRUPT_MESSAGE);
        if (err == KC_E_PROTOCOL || !b.complete)
            return;
        FUZZ_CHECK(b.size > 0 && b.size <= n);
        if (err == KC_OK) {
            (void)kci_batch_check_crc(&b);
            read_batch(&b);
        }
        p += b.size;
        n -= b.size;
    }
}

/* An envelope around compressed records: views are checked against the block, so it can be thin. */
static void read_compressed(unsigned codec, int8_t magic, const uint8_t *p, size_t n)
{
    kci_batch b = { .data = p,
                    .size = n,
                    .magic = magic,
                    .attributes = (uint16_t)codec,
                    .last_offset = 999,
                    .count = magic == 2 ? 3 : -1,
                    .records = p,
                    .records_size = n };
    read_batch(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || (!decompressor && kci_decompressor_new(&decompressor) != KC_OK))
        return 0;
    input_size = size;
    unsigned what = data[0] % 9;
    if (what == 0)
        read_sequence(data + 1, size - 1);
    else
        read_compressed((what - 1) % 4 + 1, what > 4 ? 1 : 2, data + 1, size - 1);
    return 0;
}
