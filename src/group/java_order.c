/* SPDX-License-Identifier: Apache-2.0 */
/* Java compares strings by UTF-16 code units. That is the order of UTF-8 bytes but for characters
 * beyond U+FFFF: their surrogates come before U+E000 to U+FFFF. A group's leader must sort as every
 * other leader would. */
#include "group/plan.h"

/* The first differing bytes of two strings decide; of lead bytes, 0xf0 and above begin characters
 * beyond U+FFFF, 0xee and 0xef those from U+E000 on. */
static int lead_rank(uint8_t c)
{
    if (c >= 0xf0)
        return 0xed * 2 + 1; /* surrogates: right after what 0xed begins */
    return c * 2;
}

int kci_java_compare(kc_bytes a, kc_bytes b)
{
    size_t n = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < n; i++) {
        if (a.data[i] == b.data[i])
            continue;
        int x = lead_rank(a.data[i]), y = lead_rank(b.data[i]);
        return x != y ? (x < y ? -1 : 1) : (a.data[i] < b.data[i] ? -1 : 1);
    }
    return a.size == b.size ? 0 : (a.size < b.size ? -1 : 1);
}
