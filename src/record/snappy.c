/* SPDX-License-Identifier: Apache-2.0 */
/* Snappy as Kafka's clients write it: the framing of the xerial Java library, which is a header of
 * 16 bytes and then blocks, each an int32 length and raw snappy. Some clients write one raw block
 * without that; it is read too. */
#include "base/bytes.h"
#include "record/compress_impl.h"

#if KCI_HAVE_SNAPPY

#include <snappy-c.h>

enum {
    BLOCK_SIZE = KCI_SNAPPY_BLOCK, /* input of one block, as Java's */
    BLOCK_BOUND = 4 + BLOCK_SIZE + BLOCK_SIZE / 6 + 32,
    HEADER_SIZE = 16,
    MAGIC_SIZE = 8,
    RATIO_MAX = 22 /* three bytes make 64 at most */
};

/* magic, then version and lowest compatible version, both 1 */
static const uint8_t header[HEADER_SIZE] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0,
                                             0,    0,   0,   1,   0,   0,   0,   1 };

static kc_err compress_block(kci_block_state *b, const uint8_t *in, size_t n, kci_sink *sink)
{
    uint8_t *to = b->output.data;
    size_t size = kci_snappy_encode(b->state.data, in, n, to + 4);
    kci_store32(to, (uint32_t)size);
    return kci_sink_write(sink, to, 4 + size);
}

kc_err kci_snappy_compress(kci_block_state *b, const kci_chunk *input, kci_sink *sink)
{
    if (!kci_scratch_get(&b->output, BLOCK_BOUND) ||
        !kci_scratch_get(&b->state, KCI_SNAPPY_TABLE * sizeof(uint16_t)))
        return KC_E_NO_MEMORY;
    kc_err err = kci_sink_write(sink, header, sizeof header);
    for (const kci_chunk *c = input; c; c = c->next) {
        for (size_t at = 0; at < c->used && err == KC_OK; at += BLOCK_SIZE) {
            size_t n = c->used - at < BLOCK_SIZE ? c->used - at : BLOCK_SIZE;
            err = compress_block(b, c->data + at, n, sink);
        }
    }
    return err;
}

/* The next raw block in [*p, end), NULL data at the end; headers in between are skipped. */
static kc_err next_block(const uint8_t **p, const uint8_t *end, kc_bytes *block)
{
    *block = kc_mem(NULL, 0);
    while (end - *p >= HEADER_SIZE && memcmp(*p, header, MAGIC_SIZE) == 0)
        *p += HEADER_SIZE;
    if (*p == end)
        return KC_OK;
    if (end - *p < 4)
        return KC_E_DECOMPRESS;
    uint32_t size = kci_load32(*p);
    *p += 4;
    if (size > (size_t)(end - *p))
        return KC_E_DECOMPRESS;
    *block = kc_mem(*p, size);
    *p += size;
    return KC_OK;
}

/* What a raw block announces, if its own size makes that possible. */
static kc_err announced_size(kc_bytes block, size_t *size)
{
    if (snappy_uncompressed_length((const char *)block.data, block.size, size) != SNAPPY_OK)
        return KC_E_DECOMPRESS;
    return *size / RATIO_MAX > block.size ? KC_E_DECOMPRESS : KC_OK;
}

/* The next block's size is credible and counted before anything is written. */
static kc_err decompress_block(kc_bytes raw, kci_grower *g)
{
    size_t size;
    kc_err err = announced_size(raw, &size);
    if (err == KC_OK)
        err = kci_grower_room(g, size ? size : 1);
    if (err != KC_OK)
        return err;
    size_t room = g->cap - g->block->size;
    if (size > room)
        return KC_E_DECOMPRESSED_TOO_LARGE;
    char *to = (char *)g->block->data + g->block->size;
    if (snappy_uncompress((const char *)raw.data, raw.size, to, &room) != SNAPPY_OK)
        return KC_E_DECOMPRESS;
    g->block->size += size;
    return KC_OK;
}

/* The sum over all blocks, so that one allocation is enough. */
static kc_err total_size(const uint8_t *p, const uint8_t *end, size_t *total)
{
    kc_bytes block;
    *total = 0;
    for (;;) {
        size_t size;
        kc_err err = next_block(&p, end, &block);
        if (err != KC_OK || !block.data)
            return err;
        err = announced_size(block, &size);
        if (err != KC_OK)
            return err;
        *total += size;
    }
}

kc_err kci_snappy_decompress(const uint8_t *in, size_t n, kci_grower *g)
{
    const uint8_t *end = in + n;
    kc_bytes block;
    size_t total;

    if (n < HEADER_SIZE || memcmp(in, header, MAGIC_SIZE) != 0)
        return decompress_block(kc_mem(in, n), g);
    kc_err err = total_size(in, end, &total);
    if (err == KC_OK && total > g->max)
        err = KC_E_DECOMPRESSED_TOO_LARGE;
    if (err == KC_OK)
        err = kci_grower_room(g, total ? total : 1);
    while (err == KC_OK) {
        err = next_block(&in, end, &block);
        if (err != KC_OK || !block.data)
            break;
        err = decompress_block(block, g);
    }
    return err;
}

#else

kc_err kci_snappy_compress(kci_block_state *b, const kci_chunk *input, kci_sink *sink)
{
    (void)b, (void)input, (void)sink;
    return KC_E_NOT_SUPPORTED;
}

kc_err kci_snappy_decompress(const uint8_t *in, size_t n, kci_grower *g)
{
    (void)in, (void)n, (void)g;
    return KC_E_NOT_SUPPORTED;
}

#endif
