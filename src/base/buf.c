/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"

void kci_buf_free(kci_buf *b)
{
    kci_free(b->data);
    *b = (kci_buf){ 0 };
}

static bool grow(kci_buf *b, size_t need)
{
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need)
        cap = cap > SIZE_MAX / 2 ? need : cap * 2;
    uint8_t *data = kci_realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

uint8_t *kci_buf_take(kci_buf *b, size_t n)
{
    size_t need;
    if (b->failed || __builtin_add_overflow(b->size, n, &need)) {
        b->failed = true;
        return NULL;
    }
    if ((need > b->cap || !b->data) && !grow(b, need))
        return NULL;
    uint8_t *p = b->data + b->size;
    b->size = need;
    return p;
}

void kci_buf_put(kci_buf *b, const void *data, size_t n)
{
    uint8_t *p = kci_buf_take(b, n);
    if (p && n)
        memcpy(p, data, n);
}

void kci_buf_put8(kci_buf *b, uint8_t v)
{
    uint8_t *p = kci_buf_take(b, 1);
    if (p)
        *p = v;
}

void kci_buf_put16(kci_buf *b, uint16_t v)
{
    uint8_t *p = kci_buf_take(b, 2);
    if (p)
        kci_store16(p, v);
}

void kci_buf_put32(kci_buf *b, uint32_t v)
{
    uint8_t *p = kci_buf_take(b, 4);
    if (p)
        kci_store32(p, v);
}

void kci_buf_put64(kci_buf *b, uint64_t v)
{
    uint8_t *p = kci_buf_take(b, 8);
    if (p)
        kci_store64(p, v);
}

void kci_buf_put_uvarint(kci_buf *b, uint64_t v)
{
    while (v > 0x7f) {
        kci_buf_put8(b, (uint8_t)(v | 0x80));
        v >>= 7;
    }
    kci_buf_put8(b, (uint8_t)v);
}
