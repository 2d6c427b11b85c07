/* SPDX-License-Identifier: Apache-2.0 */
#include "base/utf8.h"

/* The second byte's least and greatest decide what the first alone leaves open. */
static bool may_follow(uint8_t first, uint8_t second)
{
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= least && second <= most;
}

size_t kci_utf8_length(const uint8_t *p, size_t left)
{
    if (left == 0)
        return 0;
    size_t size = p[0] < 0x80                    ? 1
                  : p[0] >= 0xc2 && p[0] <= 0xdf ? 2
                  : p[0] >= 0xe0 && p[0] <= 0xef ? 3
                  : p[0] >= 0xf0 && p[0] <= 0xf4 ? 4
                                                 : 0;
    if (size > left || (size > 1 && !may_follow(p[0], p[1])))
        return 0;
    for (size_t i = 2; i < size; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return size;
}

bool kci_utf8_valid(kc_bytes text)
{
    const uint8_t *p = text.data;
    size_t left = text.size;

    while (left > 0) {
        size_t size = kci_utf8_length(p, left);
        if (size == 0)
            return false;
        p += size;
        left -= size;
    }
    return true;
}
