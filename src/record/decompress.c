/* SPDX-License-Identifier: Apache-2.0 */
/* The decompressor object, and the reference-counted blocks it fills. */
#include <stdatomic.h>

#include "base/mem.h"
#include "record/compress_impl.h"

struct kci_decompressor {
    kci_gzip *gzip;
    void *zstd;
};

static void *heap_resize(void *arg, void *p, size_t old_size, size_t new_size)
{
    (void)arg, (void)old_size;
    if (new_size > 0)
        return kci_realloc(p, new_size);
    kci_free(p);
    return NULL;
}

const kci_block_source kci_block_heap = { heap_resize, NULL };

void kci_block_ref(kci_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
}

void kci_block_unref(kci_block *block)
{
    if (!block || atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_block_source source = block->source;
    source.resize(source.arg, block, block->alloc_size, 0);
}

/* Sets how many bytes fit. false: no memory, nothing has changed. */
static bool resize(kci_grower *g, size_t cap)
{
    kci_block *old = g->block;
    size_t old_size = old ? old->alloc_size : 0;
    size_t new_size = sizeof(kci_block) + cap;
    kci_block *block = g->source->resize(g->source->arg, old, old_size, new_size);
    if (!block)
        return false;
    if (!old) {
        block->source = *g->source;
        atomic_init(&block->refs, 1);
        block->size = 0;
    }
    block->alloc_size = new_size;
    g->block = block;
    g->cap = cap;
    return true;
}

kc_err kci_grower_room(kci_grower *g, size_t need)
{
    size_t used = g->block ? g->block->size : 0;
    if (g->block && g->cap - used >= need)
        return KC_OK;
    if (used >= g->max)
        return KC_E_DECOMPRESSED_TOO_LARGE;

    /* What is written doubles, not what was reserved: lz4 asks for much more than it writes. */
    size_t left = g->max - used;
    size_t more = need < left ? need + need / 8 : left; /* max is an int32 at most */
    if (more < used)
        more = used;
    size_t cap = more > left ? g->max : used + more;
    if (g->block && cap <= g->cap)
        return KC_OK;
    return resize(g, cap) ? KC_OK : KC_E_NO_MEMORY;
}

/* Gives back what was reserved too much, when that is worth it. */
static void trim(kci_grower *g)
{
    size_t size = g->block->size;
    if (g->cap - size > size / 8 + 64)
        (void)resize(g, size);
}

kc_err kci_decompressor_new(kci_decompressor **out)
{
    *out = kci_calloc(1, sizeof **out);
    return *out ? KC_OK : KC_E_NO_MEMORY;
}

void kci_decompressor_free(kci_decompressor *d)
{
    if (!d)
        return;
    kci_gzip_free(d->gzip);
    kci_zstd_decompress_free(d->zstd);
    kci_free(d);
}

static kc_err run_gzip(kci_decompressor *d, const uint8_t *in, size_t n, kci_grower *g)
{
    if (!d->gzip)
        d->gzip = kci_gzip_new(false);
    return d->gzip ? kci_gzip_decompress(d->gzip, in, n, g) : KC_E_NO_MEMORY;
}

static kc_err run(kci_decompressor *d, unsigned codec, const uint8_t *in, size_t n, kci_grower *g)
{
    switch (codec) {
    case KCI_CODEC_GZIP:
        return run_gzip(d, in, n, g);
    case KCI_CODEC_SNAPPY:
        return kci_snappy_decompress(in, n, g);
    case KCI_CODEC_LZ4:
        return kci_lz4_decompress(in, n, g);
    case KCI_CODEC_ZSTD:
        return kci_zstd_decompress(&d->zstd, in, n, g);
    default:
        return KC_E_NOT_SUPPORTED;
    }
}

kc_err kci_decompress(kci_decompressor *d, unsigned codec, const uint8_t *in, size_t n,
                      size_t max_bytes, const kci_block_source *source, kci_block **out)
{
    /* lengths are int32 in everything that a batch holds */
    kci_grower g = { .source = source, .max = max_bytes < INT32_MAX ? max_bytes : INT32_MAX };
    *out = NULL;
    if (n == 0 || n > INT32_MAX)
        return KC_E_DECOMPRESS;
    kc_err err = run(d, codec, in, n, &g);
    if (err != KC_OK) {
        kci_block_unref(g.block);
        return err;
    }
    trim(&g);
    *out = g.block;
    return KC_OK;
}
