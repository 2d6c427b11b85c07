/* SPDX-License-Identifier: Apache-2.0 */
#include "util.h"

#include <stdlib.h>

#include "base/bytes.h"

static uint64_t state = 88172645463325252u;

void test_random_seed(uint64_t seed)
{
    state = seed * 2 + 1;
}

uint32_t test_random(uint32_t below)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 32) % below);
}

static kci_chunk *get_chunk(void *arg, uint32_t min_cap)
{
    test_pool *pool = arg;
    uint32_t cap = min_cap > 512 ? min_cap : 512;
    kci_chunk *c = pool->left-- > 0 ? malloc(sizeof *c + cap) : NULL;
    if (!c)
        return NULL;
    *c = (kci_chunk){ .cap = cap };
    pool->live++;
    return c;
}

static void put_chunk(void *arg, kci_chunk *chunk)
{
    test_pool *pool = arg;
    pool->live--;
    free(chunk);
}

void test_pool_init(test_pool *pool)
{
    *pool = (test_pool){ .source = { get_chunk, put_chunk, pool }, .left = INT64_MAX };
}

static void *resize(void *arg, void *p, size_t old_size, size_t new_size)
{
    test_budget *b = arg;
    if (b->held - old_size + new_size > b->limit)
        return NULL;
    void *q = NULL;
    if (new_size == 0)
        free(p);
    else if (!(q = realloc(p, new_size)))
        return NULL;
    b->held += new_size - old_size;
    b->peak = b->held > b->peak ? b->held : b->peak;
    return q;
}

void test_budget_init(test_budget *b)
{
    *b = (test_budget){ .source = { resize, b }, .limit = SIZE_MAX / 2 };
}

static kc_bytes random_bytes(void)
{
    static uint8_t text[4096];
    if (text[0] == 0) {
        for (size_t i = 0; i < sizeof text; i++)
            text[i] = i % 64 < 40 ? (uint8_t)('a' + i % 40 % 26) : (uint8_t)(test_random(255) + 1);
    }
    uint32_t kind = test_random(8);
    if (kind == 0)
        return kc_mem(NULL, 0);
    size_t size = kind == 1 ? 0 : test_random(kind == 2 ? 700 : 70);
    return kc_mem(text + test_random((uint32_t)(sizeof text - size)), size);
}

test_record *test_records(size_t n)
{
    static test_record *records;
    records = realloc(records, n * sizeof *records);
    if (!records)
        abort();
    for (size_t i = 0; i < n; i++) {
        test_record *r = &records[i];
        *r = (test_record){ .timestamp = 1700000000000 + (int64_t)test_random(100000) - 50000,
                            .key = random_bytes(),
                            .value = random_bytes(),
                            .header_count = test_random(5) ? 0 : test_random(4) };
        if (test_random(20) == 0)
            r->timestamp = KC_NO_TIMESTAMP;
        for (size_t h = 0; h < r->header_count; h++) {
            r->headers[h] = (kc_header){ random_bytes(), random_bytes() };
            if (!r->headers[h].name.data)
                r->headers[h].name = kc_str("");
        }
    }
    return records;
}

void test_append(kci_batch_writer *w, test_pool *pool, const test_record *records, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const test_record *r = &records[i];
        size_t bound = kci_record_bound(r->key, r->value, r->headers, r->header_count);
        if (bound > kci_batch_writer_room(w)) {
            kci_chunk *c = get_chunk(pool, (uint32_t)bound);
            if (!c)
                abort();
            kci_batch_writer_add_chunk(w, c);
        }
        size_t before = w->bytes;
        kci_batch_writer_append(w, r->timestamp, r->key, r->value, r->headers, r->header_count);
        if (w->bytes - before > bound)
            abort();
    }
}

uint8_t *test_flatten(const kci_batch_writer *w, size_t *size)
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

uint8_t *test_batch(kci_codec codec, size_t n, size_t *size)
{
    test_pool pool;
    kci_batch_writer w;
    kci_compressor *c;
    test_pool_init(&pool);
    kci_batch_writer_init(&w);
    test_append(&w, &pool, test_records(n), n);
    if (kci_compressor_new(&c) != KC_OK ||
        kci_batch_writer_seal(&w, codec, kci_codec_get(codec)->level_default, c, &pool.source))
        abort();
    uint8_t *data = test_flatten(&w, size);
    kci_batch_writer_clear(&w, &pool.source);
    kci_compressor_free(c);
    if (pool.live != 0)
        abort();
    return data;
}

bool test_same(const kc_record *view, const test_record *r, int64_t offset)
{
    kc_header headers[3];
    size_t count;
    if (view->offset != offset || view->timestamp != r->timestamp ||
        !kci_bytes_equal(view->key, r->key) || !kci_bytes_equal(view->value, r->value))
        return false;
    if (kc_record_headers(view, headers, 3, &count) != KC_OK || count != r->header_count)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!kci_bytes_equal(headers[i].name, r->headers[i].name) ||
            !kci_bytes_equal(headers[i].value, r->headers[i].value))
            return false;
    }
    return true;
}
