/* SPDX-License-Identifier: Apache-2.0 */
/* Copying the sizes that keys, values and literals have, inline. */
#ifndef BASE_COPY_H
#define BASE_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* memcpy, out of line. */
void kci_copy_long(uint8_t *to, const uint8_t *from, size_t n);

/* As memcpy (nothing may overlap, n may be 0). Faster for some ten to some hundred bytes: compilers
 * expand a memcpy whose size is unknown but bounded to slow string instructions. */
static inline void kci_copy(uint8_t *to, const uint8_t *from, size_t n)
{
    if (n > 256) {
        kci_copy_long(to, from, n);
    } else if (n >= 16) {
        /* whole blocks, then the last 16 bytes, which may overlap them */
        size_t at = 0;
        for (; at + 16 < n; at += 16)
            memcpy(to + at, from + at, 16);
        memcpy(to + n - 16, from + n - 16, 16);
    } else if (n >= 4) {
        size_t half = n & 8; /* 4 to 7 bytes: twice 4; 8 to 15: four times 4 */
        memcpy(to, from, 4);
        memcpy(to + half / 2, from + half / 2, 4);
        memcpy(to + n - 4 - half / 2, from + n - 4 - half / 2, 4);
        memcpy(to + n - 4, from + n - 4, 4);
    } else {
        for (size_t at = 0; at < n; at++)
            to[at] = from[at];
    }
}

#endif
