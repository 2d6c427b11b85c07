/* SPDX-License-Identifier: Apache-2.0 */
/* gzip (RFC 1952) by zlib. One z_stream serves one direction, from batch to batch. */
#include <zlib.h>

#include "base/mem.h"
#include "record/compress_impl.h"

enum {
    WINDOW_GZIP = MAX_WBITS + 16, /* zlib's way to say: gzip header and trailer */
    MEM_LEVEL = 8,                /* zlib's default */
    MEMBER_MIN = 18,              /* header and trailer */
    FIRST_GUESS_MAX = 32          /* times the input is what the trailer's size is believed to */
};

struct kci_gzip {
    z_stream z;
    bool is_compress;
    int level;
};

static void *zlib_alloc(void *opaque, unsigned n, unsigned size)
{
    (void)opaque;
    return kci_calloc(n, size);
}

static void zlib_free(void *opaque, void *p)
{
    (void)opaque;
    kci_free(p);
}

kci_gzip *kci_gzip_new(bool compress)
{
    kci_gzip *g = kci_calloc(1, sizeof *g);
    if (!g)
        return NULL;
    g->z.zalloc = zlib_alloc;
    g->z.zfree = zlib_free;
    g->is_compress = compress;
    g->level = Z_DEFAULT_COMPRESSION;
    int rc = compress ? deflateInit2(&g->z, g->level, Z_DEFLATED, WINDOW_GZIP, MEM_LEVEL,
                                     Z_DEFAULT_STRATEGY)
                      : inflateInit2(&g->z, WINDOW_GZIP);
    if (rc == Z_OK)
        return g;
    kci_free(g);
    return NULL;
}

void kci_gzip_free(kci_gzip *g)
{
    if (!g)
        return;
    if (g->is_compress)
        deflateEnd(&g->z);
    else
        inflateEnd(&g->z);
    kci_free(g);
}

static kc_err start(kci_gzip *g, int level)
{
    if (deflateReset(&g->z) != Z_OK)
        return KC_E_INTERNAL;
    g->z.avail_in = 0;
    if (level == g->level)
        return KC_OK;
    if (deflateParams(&g->z, level, Z_DEFAULT_STRATEGY) != Z_OK)
        return KC_E_INTERNAL;
    g->level = level;
    return KC_OK;
}

/* Feeds one chunk, or with Z_FINISH the end. */
static kc_err deflate_all(z_stream *z, int flush, kci_sink *sink)
{
    for (;;) {
        uint8_t *to;
        size_t room;
        kc_err err = kci_sink_window(sink, &to, &room);
        if (err != KC_OK)
            return err;
        z->next_out = to;
        z->avail_out = (uInt)room;
        int rc = deflate(z, flush);
        if (rc == Z_STREAM_ERROR)
            return KC_E_INTERNAL;
        kci_sink_commit(sink, room - z->avail_out);
        if (rc == Z_STREAM_END || (flush == Z_NO_FLUSH && z->avail_in == 0 && z->avail_out > 0))
            return KC_OK;
    }
}

kc_err kci_gzip_compress(kci_gzip *g, int level, const kci_chunk *input, kci_sink *sink)
{
    kc_err err = start(g, level);
    for (const kci_chunk *c = input; c && err == KC_OK; c = c->next) {
        g->z.next_in = (z_const Bytef *)(uintptr_t)c->data;
        g->z.avail_in = c->used;
        if (c->used > 0)
            err = deflate_all(&g->z, Z_NO_FLUSH, sink);
    }
    return err == KC_OK ? deflate_all(&g->z, Z_FINISH, sink) : err;
}

/* The size to begin with: the trailer's, as far as it is credible. */
static size_t first_guess(const uint8_t *in, size_t n)
{
    if (n < MEMBER_MIN)
        return MEMBER_MIN;
    const uint8_t *t = in + n - 4;
    size_t announced = (size_t)t[0] | (size_t)t[1] << 8 | (size_t)t[2] << 16 | (size_t)t[3] << 24;
    if (announced > n * FIRST_GUESS_MAX)
        announced = n * 4;
    return announced + 1;
}

/* Inflates until one member ends. */
static kc_err inflate_member(z_stream *z, kci_grower *g)
{
    for (;;) {
        kc_err err = kci_grower_room(g, 1);
        if (err != KC_OK)
            return err;
        size_t room = g->cap - g->block->size;
        z->next_out = g->block->data + g->block->size;
        z->avail_out = (uInt)room;
        int rc = inflate(z, Z_NO_FLUSH);
        g->block->size += room - z->avail_out;
        if (rc == Z_STREAM_END)
            return KC_OK;
        if (rc == Z_MEM_ERROR)
            return KC_E_NO_MEMORY;
        /* with room and input left it would have gone on: the input is cut off */
        if (rc != Z_OK || z->avail_out > 0)
            return KC_E_DECOMPRESS;
    }
}

kc_err kci_gzip_decompress(kci_gzip *z, const uint8_t *in, size_t n, kci_grower *g)
{
    kc_err err = kci_grower_room(g, first_guess(in, n));
    z->z.next_in = (z_const Bytef *)(uintptr_t)in;
    z->z.avail_in = (uInt)n;
    while (err == KC_OK && z->z.avail_in > 0) {
        if (inflateReset(&z->z) != Z_OK)
            return KC_E_INTERNAL;
        err = inflate_member(&z->z, g);
    }
    return err;
}
