/* SPDX-License-Identifier: Apache-2.0 */
/* A growable byte buffer with a sticky error: after the first failed allocation every call does
 * nothing, and the owner tests `failed` once, at the end. Not thread-safe. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <kclient/types.h>

typedef struct kci_buf {
    uint8_t *data;
    size_t size; /* bytes in use */
    size_t cap;
    bool failed;
} kci_buf;

/* Releases the memory and makes the buffer empty and usable again. */
void kci_buf_free(kci_buf *b);

/* Room for n more bytes, uninitialised, counted as used; NULL when it failed. */
uint8_t *kci_buf_take(kci_buf *b, size_t n);

void kci_buf_put(kci_buf *b, const void *data, size_t n);
void kci_buf_put8(kci_buf *b, uint8_t v);
void kci_buf_put16(kci_buf *b, uint16_t v); /* big-endian, as all of these */
void kci_buf_put32(kci_buf *b, uint32_t v);
void kci_buf_put64(kci_buf *b, uint64_t v);
void kci_buf_put_uvarint(kci_buf *b, uint64_t v);

#endif
