/* SPDX-License-Identifier: Apache-2.0 */
/* lz4 frames (the LZ4 frame format, version 1.6), made and read here around liblz4's block
 * functions: the frames are simple, blocks go straight to their place, and magic 0's frames with
 * the wrong header checksum need own code anyway. Java reads frames of independent blocks only. */
#include "base/bytes.h"
#include "record/compress_impl.h"

#if KCI_HAVE_LZ4

#include <lz4.h>
#include <lz4hc.h>

#include "record/xxh32.h"

enum {
    BLOCK_SIZE = 64 * 1024, /* input of one block, as Java's */
    LEVEL_FAST = 9,         /* Java's default level means the fast compressor */
    HISTORY = 64 * 1024,    /* how far back a linked block may refer */
    RATIO_MAX = 255,
    TABLES = 64, /* bytes that an empty block may claim beyond the ratio */

    FLAG_VERSION = 0xc0, /* two bits, of which the lower must be set */
    FLAG_VERSION_1 = 0x40,
    FLAG_INDEPENDENT = 0x20,
    FLAG_BLOCK_CHECKSUM = 0x10,
    FLAG_CONTENT_SIZE = 0x08,
    FLAG_CONTENT_CHECKSUM = 0x04,
    FLAG_RESERVED = 0x02,
    FLAG_DICTIONARY = 0x01
};

static const uint32_t frame_magic = 0x184d2204;
static const uint32_t skippable_magic = 0x184d2a50; /* and the 15 after it */
static const uint32_t stored_bit = UINT32_C(1) << 31;

static uint32_t load_le32(const uint8_t *p)
{
    return __builtin_bswap32(kci_load32(p));
}

static void store_le32(uint8_t *p, uint32_t v)
{
    kci_store32(p, __builtin_bswap32(v));
}

/* The size of the compressed block in to[4..], 0 when it is not smaller than the input. */
static int compress_bytes(kci_block_state *b, int level, const uint8_t *in, int n, uint8_t *to)
{
    const char *from = (const char *)in;
    if (level == LEVEL_FAST)
        return LZ4_compress_fast_extState(b->state.data, from, (char *)to + 4, n, n - 1, 1);
    int hc = level < LZ4HC_CLEVEL_MIN ? LZ4HC_CLEVEL_MIN : level;
    if (hc > LZ4HC_CLEVEL_MAX)
        hc = LZ4HC_CLEVEL_MAX;
    return LZ4_compress_HC_extStateHC(b->state_hc.data, from, (char *)to + 4, n, n - 1, hc);
}

static kc_err compress_block(kci_block_state *b, int level, const uint8_t *in, size_t n,
                             kci_sink *sink)
{
    uint8_t *to = b->output.data;
    int size = n > 1 ? compress_bytes(b, level, in, (int)n, to) : 0;
    if (size > 0) {
        store_le32(to, (uint32_t)size);
        return kci_sink_write(sink, to, 4 + (size_t)size);
    }
    store_le32(to, (uint32_t)n | stored_bit);
    kc_err err = kci_sink_write(sink, to, 4);
    return err == KC_OK ? kci_sink_write(sink, in, n) : err;
}

static bool have_state(kci_block_state *b, int level)
{
    if (!kci_scratch_get(&b->output, 4 + BLOCK_SIZE))
        return false;
    if (level == LEVEL_FAST)
        return kci_scratch_get(&b->state, (size_t)LZ4_sizeofState()) != NULL;
    return kci_scratch_get(&b->state_hc, (size_t)LZ4_sizeofStateHC()) != NULL;
}

kc_err kci_lz4_compress(kci_block_state *b, int level, const kci_chunk *input, kci_sink *sink)
{
    uint8_t header[7] = { 0, 0, 0, 0, FLAG_VERSION_1 | FLAG_INDEPENDENT, 4 << 4 /* 64 KiB */, 0 };
    static const uint8_t end_mark[4];

    if (!have_state(b, level))
        return KC_E_NO_MEMORY;
    store_le32(header, frame_magic);
    header[6] = kci_xxh32(header + 4, 2) >> 8 & 0xff;
    kc_err err = kci_sink_write(sink, header, sizeof header);
    for (const kci_chunk *c = input; c; c = c->next) {
        for (size_t at = 0; at < c->used && err == KC_OK; at += BLOCK_SIZE) {
            size_t n = c->used - at < BLOCK_SIZE ? c->used - at : BLOCK_SIZE;
            err = compress_block(b, level, c->data + at, n, sink);
        }
    }
    return err == KC_OK ? kci_sink_write(sink, end_mark, sizeof end_mark) : err;
}

/* A frame's header, decoded. */
typedef struct frame {
    uint8_t flags;
    size_t block_max;
    size_t start; /* where its content begins in the output */
} frame;

/* p is the frame's magic; returns what follows the header, NULL when it is malformed. */
static const uint8_t *get_header(const uint8_t *p, const uint8_t *end, frame *f)
{
    if (end - p < 7)
        return NULL;
    f->flags = p[4];
    unsigned block_size = p[5] >> 4;
    if ((f->flags & FLAG_VERSION) != FLAG_VERSION_1 || (f->flags & FLAG_RESERVED) ||
        (f->flags & FLAG_DICTIONARY) || (p[5] & 0x8f) || block_size < 4)
        return NULL;
    f->block_max = (size_t)1 << (8 + 2 * block_size); /* 4 to 7: 64 KiB to 4 MiB */

    size_t size = 6 + (f->flags & FLAG_CONTENT_SIZE ? 8 : 0);
    if ((size_t)(end - p) < size + 1)
        return NULL;
    uint8_t checksum = p[size];
    /* clients of magic 0 included the frame's magic number (KAFKA-3160) */
    if (checksum != (kci_xxh32(p + 4, size - 4) >> 8 & 0xff) &&
        checksum != (kci_xxh32(p, size) >> 8 & 0xff))
        return NULL;
    return p + size + 1;
}

/* Decompresses or copies one block's content to the end of the output. */
static kc_err put_block(const frame *f, kc_bytes block, bool stored, kci_grower *g)
{
    size_t need = stored ? block.size : block.size * RATIO_MAX + TABLES;
    if (need > f->block_max)
        need = f->block_max;
    if (stored && block.size > need)
        return KC_E_DECOMPRESS;
    kc_err err = kci_grower_room(g, need ? need : 1);
    if (err != KC_OK)
        return err;

    size_t room = g->cap - g->block->size;
    bool is_short = room < need; /* max_bytes is near */
    if (room > need)
        room = need;
    uint8_t *to = g->block->data + g->block->size;
    if (stored) {
        if (is_short)
            return KC_E_DECOMPRESSED_TOO_LARGE;
        memcpy(to, block.data, block.size);
        g->block->size += block.size;
        return KC_OK;
    }
    size_t history = f->flags & FLAG_INDEPENDENT ? 0 : g->block->size - f->start;
    if (history > HISTORY)
        history = HISTORY;
    int size = LZ4_decompress_safe_usingDict((const char *)block.data, (char *)to, (int)block.size,
                                             (int)room, (const char *)to - history, (int)history);
    if (size < 0) /* lz4 does not tell damage from lack of room */
        return is_short ? KC_E_DECOMPRESSED_TOO_LARGE : KC_E_DECOMPRESS;
    g->block->size += (size_t)size;
    return KC_OK;
}

/* Takes a checksum if the frame has it, over data. false: it is missing or wrong. */
static bool check(const uint8_t **p, const uint8_t *end, bool present, kc_bytes data)
{
    if (!present)
        return true;
    if (end - *p < 4 || load_le32(*p) != kci_xxh32(data.data, data.size))
        return false;
    *p += 4;
    return true;
}

/* One block; *last at the frame's end mark. */
static kc_err get_block(const uint8_t **p, const uint8_t *end, const frame *f, kci_grower *g,
                        bool *last)
{
    if (end - *p < 4)
        return KC_E_DECOMPRESS;
    uint32_t size = load_le32(*p);
    bool stored = size & stored_bit;
    *p += 4;
    *last = size == 0;
    if (*last)
        return KC_OK;
    size &= ~stored_bit;
    if (size > (size_t)(end - *p) || size > f->block_max)
        return KC_E_DECOMPRESS;
    kc_bytes block = kc_mem(*p, size);
    *p += size;
    if (!check(p, end, f->flags & FLAG_BLOCK_CHECKSUM, block))
        return KC_E_DECOMPRESS;
    return put_block(f, block, stored, g);
}

static kc_err get_frame(const uint8_t **p, const uint8_t *end, kci_grower *g)
{
    frame f;
    bool last = false;
    *p = get_header(*p, end, &f);
    if (!*p)
        return KC_E_DECOMPRESS;
    f.start = g->block->size;
    while (!last) {
        kc_err err = get_block(p, end, &f, g, &last);
        if (err != KC_OK)
            return err;
    }
    kc_bytes content = kc_mem(g->block->data + f.start, g->block->size - f.start);
    return check(p, end, f.flags & FLAG_CONTENT_CHECKSUM, content) ? KC_OK : KC_E_DECOMPRESS;
}

kc_err kci_lz4_decompress(const uint8_t *in, size_t n, kci_grower *g)
{
    const uint8_t *p = in;
    const uint8_t *end = in + n;
    kc_err err = kci_grower_room(g, n * 4);

    while (err == KC_OK && p < end) {
        if (end - p < 8)
            return KC_E_DECOMPRESS;
        uint32_t magic = load_le32(p);
        if (magic == frame_magic) {
            err = get_frame(&p, end, g);
        } else if ((magic & ~UINT32_C(15)) == skippable_magic &&
                   load_le32(p + 4) <= (size_t)(end - p) - 8) {
            p += 8 + (size_t)load_le32(p + 4);
        } else {
            return KC_E_DECOMPRESS;
        }
    }
    return err;
}

#else

kc_err kci_lz4_compress(kci_block_state *b, int level, const kci_chunk *input, kci_sink *sink)
{
    (void)b, (void)level, (void)input, (void)sink;
    return KC_E_NOT_SUPPORTED;
}

kc_err kci_lz4_decompress(const uint8_t *in, size_t n, kci_grower *g)
{
    (void)in, (void)n, (void)g;
    return KC_E_NOT_SUPPORTED;
}

#endif
