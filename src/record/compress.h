/* SPDX-License-Identifier: Apache-2.0 */
/* Compression codecs: their table, and compressor and decompressor objects that keep the codecs'
 * contexts from one batch to the next. An object belongs to one thread at a time (the producer has
 * one per thread that seals, the consumer one per thread that polls); contexts are made at the
 * first use of a codec, so an object that is never used for a codec costs nothing for it. */
#ifndef RECORD_COMPRESS_H
#define RECORD_COMPRESS_H

#include <kclient/error.h>

#include "record/batch.h"
#include "record/chunk.h"

/* What there is to know about a codec. Levels as Java's compression.<codec>.level. */
typedef struct kci_codec_info {
    const char *name; /* the value of compression.type */
    bool available;   /* false: this build lacks the library */
    bool has_level;
    int level_default;
    int level_min; /* gzip also takes -1, its default */
    int level_max;
} kci_codec_info;

/* NULL when there is no such codec. */
const kci_codec_info *kci_codec_get(unsigned codec);

/* false when there is none of that name. */
bool kci_codec_by_name(kc_bytes name, kci_codec *out);

/* Whether the codec takes that level (without levels: every value, it is ignored). */
bool kci_codec_level_ok(kci_codec codec, int level);

typedef struct kci_compressor kci_compressor;

/* KC_E_NO_MEMORY. */
kc_err kci_compressor_new(kci_compressor **out);

/* NULL is fine. */
void kci_compressor_free(kci_compressor *c);

/* A list of chunks and its ends; used sizes add up to `size`. */
typedef struct kci_chunk_list {
    kci_chunk *first;
    kci_chunk *last;
    size_t size;
} kci_chunk_list;

/* Gives all chunks back and empties the list. */
void kci_chunk_list_put(kci_chunk_list *list, const kci_chunk_source *source);

/* Compresses the input (total_size bytes in chunks, unchanged) into new chunks, as Java frames it:
 * gzip, snappy in blocks of 32 KiB with the xerial header, lz4 frames of independent blocks, zstd.
 * Stops as soon as the result would not be smaller than the input.
 * On an error out is empty: KC_E_NO_MEMORY; KC_E_NOT_SUPPORTED: not built in, or no such codec;
 * KC_E_RECORD_TOO_LARGE: the result would not be smaller than the input: send it as it is. */
kc_err kci_compress(kci_compressor *c, kci_codec codec, int level, const kci_chunk *input,
                    size_t total_size, const kci_chunk_source *source, kci_chunk_list *out);

/* Memory for decompressed records, so that it can be counted against a budget. resize: like
 * realloc, from old_size (0: p is NULL) to new_size (0: free, cannot fail, returns NULL); NULL when
 * there is no memory, p then stays as it was. Called also by kci_block_unref, on any thread. */
typedef struct kci_block_source {
    void *(*resize)(void *arg, void *p, size_t old_size, size_t new_size);
    void *arg;
} kci_block_source;

/* The heap (base/mem.h), uncounted. */
extern const kci_block_source kci_block_heap;

/* Decompressed records, reference-counted; record views point into data[0..size-1]. */
typedef struct kci_block {
    kci_block_source source;
    _Atomic uint32_t refs;
    size_t alloc_size; /* as the source counts it, this struct included */
    size_t size;
    uint8_t data[];
} kci_block;

/* Thread-safe. unref of the last reference frees through the source; NULL is fine. */
void kci_block_ref(kci_block *block);
void kci_block_unref(kci_block *block);

typedef struct kci_decompressor kci_decompressor;

/* KC_E_NO_MEMORY. */
kc_err kci_decompressor_new(kci_decompressor **out);

/* NULL is fine. */
void kci_decompressor_free(kci_decompressor *d);

/* Decompresses in[0..n-1] into a new block with one reference, the caller's. Never more than
 * max_bytes; memory grows with what comes out, not with what a header announces. Snappy with and
 * without the xerial header; several gzip members or frames in a row; lz4 frames with the header
 * checksum that magic 0 had wrong are accepted as well as right ones.
 * Errors: KC_E_NO_MEMORY, KC_E_DECOMPRESS (damaged), KC_E_DECOMPRESSED_TOO_LARGE (over max_bytes),
 * KC_E_NOT_SUPPORTED (not built in, or no such codec; also KCI_CODEC_NONE). */
kc_err kci_decompress(kci_decompressor *d, unsigned codec, const uint8_t *in, size_t n,
                      size_t max_bytes, const kci_block_source *source, kci_block **out);

#endif
