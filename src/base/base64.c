/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void kci_base64_put(kci_buf *b, kc_bytes data)
{
    for (size_t i = 0; i < data.size; i += 3) {
        size_t n = data.size - i < 3 ? data.size - i : 3;
        uint32_t v = (uint32_t)data.data[i] << 16;
        v |= n > 1 ? (uint32_t)data.data[i + 1] << 8 : 0;
        v |= n > 2 ? data.data[i + 2] : 0;
        kci_buf_put8(b, (uint8_t)letters[v >> 18]);
        kci_buf_put8(b, (uint8_t)letters[v >> 12 & 63]);
        kci_buf_put8(b, n > 1 ? (uint8_t)letters[v >> 6 & 63] : '=');
        kci_buf_put8(b, n > 2 ? (uint8_t)letters[v & 63] : '=');
    }
}

static int value_of(uint8_t c)
{
    const char *at = c ? memchr(letters, c, 64) : NULL;
    return at ? (int)(at - letters) : -1;
}

/* Four letters, of which the last `padding` are '='; -1: malformed. */
static int32_t decode_four(const uint8_t *text, int padding)
{
    int32_t v = 0;

    for (int i = 0; i < 4; i++) {
        int bits = i < 4 - padding ? value_of(text[i]) : 0;
        if (bits < 0)
            return -1;
        v = v << 6 | bits;
    }
    int32_t unused = padding == 2 ? 0xffff : padding == 1 ? 0xff : 0;
    return v & unused ? -1 : v;
}

int64_t kci_base64_decode(kc_bytes text, uint8_t *out, size_t cap)
{
    size_t size = 0;

    if (text.size % 4 != 0)
        return -1;
    for (size_t i = 0; i < text.size; i += 4) {
        const uint8_t *four = text.data + i;
        bool last = i + 4 == text.size;
        int padding = !last || four[3] != '=' ? 0 : four[2] == '=' ? 2 : 1;
        int32_t v = decode_four(four, padding);
        size_t n = (size_t)(3 - padding);
        if (v < 0 || n > cap - size)
            return -1;
        for (size_t k = 0; k < n; k++)
            out[size++] = (uint8_t)(v >> (16 - 8 * k));
    }
    return (int64_t)size;
}
