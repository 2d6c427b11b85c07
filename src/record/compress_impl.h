/* SPDX-License-Identifier: Apache-2.0 */
/* What the codecs share inside the record layer: the sink that a compressor writes to (chunks), the
 * growing block that a decompressor writes to, and the functions of each codec. */
#ifndef RECORD_COMPRESS_IMPL_H
#define RECORD_COMPRESS_IMPL_H

#include "record/compress.h"

/* Where compressed bytes go. `limit`: out->size stays below it. */
typedef struct kci_sink {
    const kci_chunk_source *source;
    kci_chunk_list *out;
    size_t limit;
} kci_sink;

/* Free bytes at the end of the output, at least one. KC_E_RECORD_TOO_LARGE: the limit is reached;
 * KC_E_NO_MEMORY. */
kc_err kci_sink_window(kci_sink *s, uint8_t **to, size_t *room);

/* Counts n bytes of the window as written. */
void kci_sink_commit(kci_sink *s, size_t n);

/* Copies bytes to the output. */
kc_err kci_sink_write(kci_sink *s, const void *data, size_t n);

/* Where decompressed bytes go: block->data[0..block->size-1] is written, cap is how many fit,
 * max how many may ever. block is NULL until the first room. */
typedef struct kci_grower {
    const kci_block_source *source;
    kci_block *block;
    size_t cap;
    size_t max;
} kci_grower;

/* Makes at least `need` (> 0) bytes free, or as many as max leaves when that is fewer but not none;
 * keeps what is written. KC_E_NO_MEMORY; KC_E_DECOMPRESSED_TOO_LARGE when max is reached. */
kc_err kci_grower_room(kci_grower *g, size_t need);

/* Memory that a codec keeps from batch to batch, made at its first use. */
typedef struct kci_scratch {
    void *data;
    size_t size;
} kci_scratch;

/* At least `size` bytes of undefined content; NULL: no memory. */
void *kci_scratch_get(kci_scratch *s, size_t size);

/* Snappy and lz4 compress the input block by block: the memory of their state and of one output
 * block. */
typedef struct kci_block_state {
    kci_scratch state;
    kci_scratch state_hc;
    kci_scratch output;
} kci_block_state;

kc_err kci_snappy_compress(kci_block_state *b, const kci_chunk *input, kci_sink *sink);
kc_err kci_lz4_compress(kci_block_state *b, int level, const kci_chunk *input, kci_sink *sink);

kc_err kci_snappy_decompress(const uint8_t *in, size_t n, kci_grower *g);
kc_err kci_lz4_decompress(const uint8_t *in, size_t n, kci_grower *g);

/* Encodes one raw snappy block of 1 to KCI_SNAPPY_BLOCK bytes; returns the size, which is at most
 * n + n / 6 + 32. Own code, since libsnappy's compressor allocates, and ends the process when it
 * cannot. */
enum { KCI_SNAPPY_BLOCK = 32 * 1024, KCI_SNAPPY_TABLE = 1 << 14 };
size_t kci_snappy_encode(uint16_t table[KCI_SNAPPY_TABLE], const uint8_t *in, size_t n,
                         uint8_t *out);

typedef struct kci_gzip kci_gzip;
kci_gzip *kci_gzip_new(bool compress); /* NULL: no memory */
void kci_gzip_free(kci_gzip *z);
kc_err kci_gzip_compress(kci_gzip *z, int level, const kci_chunk *input, kci_sink *sink);
kc_err kci_gzip_decompress(kci_gzip *z, const uint8_t *in, size_t n, kci_grower *g);

/* *context is made at the first use. */
kc_err kci_zstd_compress(void **context, int level, const kci_chunk *input, size_t total_size,
                         kci_sink *sink);
void kci_zstd_compress_free(void *context);
kc_err kci_zstd_decompress(void **context, const uint8_t *in, size_t n, kci_grower *g);
void kci_zstd_decompress_free(void *context);

#endif
