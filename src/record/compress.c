/* SPDX-License-Identifier: Apache-2.0 */
/* The table of codecs, the compressor object, and the sink that compressed bytes go to. */
#include "record/compress.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "record/compress_impl.h"

enum { CHUNK_MIN = 4096 /* asked for at least, unless less than that may be written */ };

struct kci_compressor {
    kci_gzip *gzip;
    void *zstd;
    kci_block_state blocks;
};

static const kci_codec_info codecs[KCI_CODEC_COUNT] = {
    [KCI_CODEC_NONE] = { "none", true, false, 0, 0, 0 },
    [KCI_CODEC_GZIP] = { "gzip", true, true, -1, 1, 9 },
    [KCI_CODEC_SNAPPY] = { "snappy", KCI_HAVE_SNAPPY, false, 0, 0, 0 },
    [KCI_CODEC_LZ4] = { "lz4", KCI_HAVE_LZ4, true, 9, 1, 17 },
    [KCI_CODEC_ZSTD] = { "zstd", KCI_HAVE_ZSTD, true, 3, -131072, 22 },
};

const kci_codec_info *kci_codec_get(unsigned codec)
{
    return codec < KCI_CODEC_COUNT ? &codecs[codec] : NULL;
}

bool kci_codec_by_name(kc_bytes name, kci_codec *out)
{
    for (unsigned i = 0; i < KCI_CODEC_COUNT; i++) {
        if (kci_bytes_equal(name, kc_str(codecs[i].name))) {
            *out = (kci_codec)i;
            return true;
        }
    }
    return false;
}

bool kci_codec_level_ok(kci_codec codec, int level)
{
    const kci_codec_info *c = kci_codec_get(codec);
    if (!c || !c->has_level)
        return c != NULL;
    return level == c->level_default || (level >= c->level_min && level <= c->level_max);
}

void kci_chunk_list_put(kci_chunk_list *list, const kci_chunk_source *source)
{
    kci_chunk *next;
    for (kci_chunk *c = list->first; c; c = next) {
        next = c->next;
        source->put(source->arg, c);
    }
    memset(list, 0, sizeof *list);
}

kc_err kci_sink_window(kci_sink *s, uint8_t **to, size_t *room)
{
    size_t left = s->limit - s->out->size;
    kci_chunk *last = s->out->last;

    if (left <= 1)
        return KC_E_RECORD_TOO_LARGE;
    left--; /* below the limit */
    if (!last || last->used == last->cap) {
        kci_chunk *chunk =
            s->source->get(s->source->arg, (uint32_t)(left < CHUNK_MIN ? left : CHUNK_MIN));
        if (!chunk)
            return KC_E_NO_MEMORY;
        chunk->next = NULL;
        if (last)
            last->next = chunk;
        else
            s->out->first = chunk;
        s->out->last = last = chunk;
    }
    *room = last->cap - last->used;
    if (*room > left)
        *room = left;
    *to = last->data + last->used;
    return KC_OK;
}

void kci_sink_commit(kci_sink *s, size_t n)
{
    s->out->last->used += (uint32_t)n;
    s->out->size += n;
}

kc_err kci_sink_write(kci_sink *s, const void *data, size_t n)
{
    const uint8_t *p = data;
    while (n > 0) {
        uint8_t *to;
        size_t room;
        kc_err err = kci_sink_window(s, &to, &room);
        if (err != KC_OK)
            return err;
        if (room > n)
            room = n;
        memcpy(to, p, room);
        kci_sink_commit(s, room);
        p += room;
        n -= room;
    }
    return KC_OK;
}

void *kci_scratch_get(kci_scratch *s, size_t size)
{
    if (s->size < size) {
        void *p = kci_alloc(size);
        if (!p)
            return NULL;
        kci_free(s->data);
        s->data = p;
        s->size = size;
    }
    return s->data;
}

kc_err kci_compressor_new(kci_compressor **out)
{
    *out = kci_calloc(1, sizeof **out);
    return *out ? KC_OK : KC_E_NO_MEMORY;
}

void kci_compressor_free(kci_compressor *c)
{
    if (!c)
        return;
    kci_gzip_free(c->gzip);
    kci_zstd_compress_free(c->zstd);
    kci_free(c->blocks.state.data);
    kci_free(c->blocks.state_hc.data);
    kci_free(c->blocks.output.data);
    kci_free(c);
}

static kc_err run_gzip(kci_compressor *c, int level, const kci_chunk *input, kci_sink *sink)
{
    if (!c->gzip)
        c->gzip = kci_gzip_new(true);
    return c->gzip ? kci_gzip_compress(c->gzip, level, input, sink) : KC_E_NO_MEMORY;
}

static kc_err run(kci_compressor *c, kci_codec codec, int level, const kci_chunk *input,
                  size_t total_size, kci_sink *sink)
{
    switch (codec) {
    case KCI_CODEC_GZIP:
        return run_gzip(c, level, input, sink);
    case KCI_CODEC_SNAPPY:
        return kci_snappy_compress(&c->blocks, input, sink);
    case KCI_CODEC_LZ4:
        return kci_lz4_compress(&c->blocks, level, input, sink);
    case KCI_CODEC_ZSTD:
        return kci_zstd_compress(&c->zstd, level, input, total_size, sink);
    default:
        return KC_E_NOT_SUPPORTED;
    }
}

kc_err kci_compress(kci_compressor *c, kci_codec codec, int level, const kci_chunk *input,
                    size_t total_size, const kci_chunk_source *source, kci_chunk_list *out)
{
    kci_sink sink = { source, out, total_size };
    memset(out, 0, sizeof *out);
    kc_err err = run(c, codec, level, input, total_size, &sink);
    if (err != KC_OK)
        kci_chunk_list_put(out, source);
    return err;
}
