/* SPDX-License-Identifier: Apache-2.0 */
/* What the record layer's tests share: random records, sources of chunks and blocks that count and
 * can fail, and whole batches in one piece. Everything random comes from one state, so a failure
 * repeats. */
#ifndef RECORD_UTIL_H
#define RECORD_UTIL_H

#include "record/reader.h"
#include "record/writer.h"

uint32_t test_random(uint32_t below);
void test_random_seed(uint64_t seed);

/* Chunks of 512 bytes (or what is asked for, if more). After `left` more gets, NULL. */
typedef struct test_pool {
    kci_chunk_source source;
    int64_t left;
    int64_t live; /* not given back */
} test_pool;

void test_pool_init(test_pool *pool);

/* Blocks on the heap; bytes held now and at most; resize fails when it would exceed `limit`. */
typedef struct test_budget {
    kci_block_source source;
    size_t limit;
    size_t held;
    size_t peak;
} test_budget;

void test_budget_init(test_budget *budget);

/* A record as it was given to the writer. */
typedef struct test_record {
    int64_t timestamp;
    kc_bytes key;
    kc_bytes value;
    kc_header headers[3];
    size_t header_count;
} test_record;

/* n random records whose bytes compress a little; static storage, until the next call. */
test_record *test_records(size_t n);

/* Appends records, taking chunks from the pool (which must not fail). */
void test_append(kci_batch_writer *w, test_pool *pool, const test_record *records, size_t n);

/* The sealed batch as it is sent, malloc'ed. */
uint8_t *test_flatten(const kci_batch_writer *w, size_t *size);

/* A sealed batch of n random records, flattened. */
uint8_t *test_batch(kci_codec codec, size_t n, size_t *size);

/* Whether the view is the record, headers included. */
bool test_same(const kc_record *view, const test_record *record, int64_t offset);

#endif
