/* SPDX-License-Identifier: Apache-2.0 */
/* zstd (RFC 8878) by libzstd. Decompression is one-shot into the block: streaming would first
 * allocate a window of whatever size the frame's header announces. */
#include "record/compress_impl.h"

#if KCI_HAVE_ZSTD

#include <zstd.h>
#include <zstd_errors.h>

enum {
    BLOCK_MAX = 128 * 1024, /* what a block inflates to at most */
    FIRST_GUESS_MIN = 64 * 1024,
    FIRST_GUESS_RATIO = 32, /* times the input */
    GROWTH = 4              /* decompression starts over when the guess was too low */
};

static kc_err compress_chunk(ZSTD_CCtx *ctx, const kci_chunk *c, kci_sink *sink)
{
    ZSTD_EndDirective mode = c->next ? ZSTD_e_continue : ZSTD_e_end;
    ZSTD_inBuffer in = { c->data, c->used, 0 };
    for (;;) {
        uint8_t *to;
        size_t room;
        kc_err err = kci_sink_window(sink, &to, &room);
        if (err != KC_OK)
            return err;
        ZSTD_outBuffer out = { to, room, 0 };
        size_t left = ZSTD_compressStream2(ctx, &out, &in, mode);
        if (ZSTD_isError(left))
            return ZSTD_getErrorCode(left) == ZSTD_error_memory_allocation ? KC_E_NO_MEMORY
                                                                           : KC_E_INTERNAL;
        kci_sink_commit(sink, out.pos);
        if (mode == ZSTD_e_end ? left == 0 : in.pos == in.size)
            return KC_OK;
    }
}

kc_err kci_zstd_compress(void **context, int level, const kci_chunk *input, size_t total_size,
                         kci_sink *sink)
{
    if (!*context)
        *context = ZSTD_createCCtx();
    if (!*context)
        return KC_E_NO_MEMORY;
    ZSTD_CCtx *ctx = *context;
    /* the size first: small batches then get small windows, and readers one exact allocation */
    if (ZSTD_isError(ZSTD_CCtx_reset(ctx, ZSTD_reset_session_only)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setPledgedSrcSize(ctx, total_size)))
        return KC_E_INTERNAL;

    kc_err err = KC_OK;
    for (const kci_chunk *c = input; c && err == KC_OK; c = c->next)
        err = compress_chunk(ctx, c, sink);
    return err;
}

void kci_zstd_compress_free(void *context)
{
    ZSTD_freeCCtx(context);
}

static size_t load_le24(const uint8_t *p)
{
    return (size_t)p[0] | (size_t)p[1] << 8 | (size_t)p[2] << 16;
}

/* What a frame's blocks inflate to at most, from their headers; 0 when they cannot be followed.
 * p is the frame, n its compressed size. */
static size_t blocks_bound(const uint8_t *p, size_t n)
{
    static const uint8_t id_sizes[4] = { 0, 1, 2, 4 };
    static const uint8_t size_sizes[4] = { 0, 2, 4, 8 };
    if (n < 5)
        return 0;
    uint8_t descriptor = p[4];
    bool single_segment = descriptor & 0x20;
    size_t at = 5 + (size_t)id_sizes[descriptor & 3] + size_sizes[descriptor >> 6];
    if (!single_segment || descriptor >> 6 == 0)
        at++; /* the window's size, or a content size of one byte */

    size_t bound = 0;
    bool last = false;
    while (!last) {
        if (at > n || n - at < 3)
            return 0;
        size_t header = load_le24(p + at);
        size_t size = header >> 3;
        unsigned type = header >> 1 & 3;
        last = header & 1;
        at += 3 + (type == 1 ? 1 : size);
        bound += type == 2 || size > BLOCK_MAX ? BLOCK_MAX : size;
    }
    return bound + 1; /* an empty frame has one block of 0 bytes: not the error */
}

/* What all frames inflate to at most. The headers are the sender's: it is a bound on what must be
 * reserved, not a promise that it will come. */
static kc_err output_bound(const uint8_t *in, size_t n, size_t *bound)
{
    *bound = 0;
    while (n > 0) {
        size_t size = ZSTD_findFrameCompressedSize(in, n);
        if (ZSTD_isError(size) || size > n)
            return KC_E_DECOMPRESS;
        bool is_skippable = (in[0] & 0xf0) == 0x50; /* 0x184d2a50 to 5f, little-endian */
        if (!is_skippable) {
            unsigned long long content = ZSTD_getFrameContentSize(in, n);
            size_t blocks = blocks_bound(in, size);
            if (blocks == 0 || content == ZSTD_CONTENTSIZE_ERROR)
                return KC_E_DECOMPRESS;
            *bound += content < blocks ? (size_t)content : blocks;
        }
        in += size;
        n -= size;
    }
    return KC_OK;
}

static kc_err error_of(size_t rc)
{
    return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation ? KC_E_NO_MEMORY : KC_E_DECOMPRESS;
}

kc_err kci_zstd_decompress(void **context, const uint8_t *in, size_t n, kci_grower *g)
{
    size_t bound;
    kc_err err = output_bound(in, n, &bound);
    if (err != KC_OK)
        return err;
    if (!*context)
        *context = ZSTD_createDCtx();
    if (!*context)
        return KC_E_NO_MEMORY;

    size_t guess = n * FIRST_GUESS_RATIO;
    if (guess < FIRST_GUESS_MIN)
        guess = FIRST_GUESS_MIN;
    for (;; guess = g->cap * GROWTH) {
        if (guess > bound)
            guess = bound;
        err = kci_grower_room(g, guess ? guess : 1);
        if (err != KC_OK)
            return err;
        size_t size = ZSTD_decompressDCtx(*context, g->block->data, g->cap, in, n);
        if (!ZSTD_isError(size)) {
            g->block->size = size;
            return KC_OK;
        }
        if (ZSTD_getErrorCode(size) != ZSTD_error_dstSize_tooSmall || g->cap >= bound)
            return error_of(size);
        if (g->cap >= g->max)
            return KC_E_DECOMPRESSED_TOO_LARGE;
    }
}

void kci_zstd_decompress_free(void *context)
{
    ZSTD_freeDCtx(context);
}

#else

kc_err kci_zstd_compress(void **context, int level, const kci_chunk *input, size_t total_size,
                         kci_sink *sink)
{
    (void)context, (void)level, (void)input, (void)total_size, (void)sink;
    return KC_E_NOT_SUPPORTED;
}

void kci_zstd_compress_free(void *context)
{
    (void)context;
}

kc_err kci_zstd_decompress(void **context, const uint8_t *in, size_t n, kci_grower *g)
{
    (void)context, (void)in, (void)n, (void)g;
    return KC_E_NOT_SUPPORTED;
}

void kci_zstd_decompress_free(void *context)
{
    (void)context;
}

#endif
