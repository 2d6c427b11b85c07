/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8: every code point's own form is one, and no other bytes are. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/utf8.h"

static size_t put(uint32_t c, uint8_t *out)
{
    size_t size = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t firsts[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

    for (size_t i = size; i > 1; i--, c >>= 6)
        out[i - 1] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(firsts[size] | c);
    return size;
}

Test(utf8, each_code_point_and_nothing_shorter)
{
    for (uint32_t c = 0; c < 0x120000; c++) {
        uint8_t bytes[4];
        size_t size = put(c, bytes);
        bool exists = c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
        if (kci_utf8_length(bytes, size) != (exists ? size : 0))
            cr_assert_fail("U+%04X", c);
        if (kci_utf8_length(bytes, size - 1) != 0)
            cr_assert_fail("U+%04X cut", c);
    }
}

/* As many of the pairs, triples of bytes are characters as there are code points of that length. */
Test(utf8, nothing_else_is)
{
    int pairs = 0, triples = 0;

    for (uint32_t i = 0; i < 0x1000000; i++) {
        uint8_t b[3] = { (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
        triples += kci_utf8_length(b, 3) == 3;
        pairs += b[0] == 0 && kci_utf8_length(b + 1, 2) == 2;
    }
    cr_assert_eq(pairs, 0x800 - 0x80);
    cr_assert_eq(triples, 0x10000 - 0x800 - 0x800);
    int quads = 0;
    for (uint32_t first = 0xf0; first <= 0xff; first++)
        for (uint32_t i = 0; i < 0x10000; i++) {
            uint8_t b[4] = { (uint8_t)first, (uint8_t)(i >> 8), (uint8_t)i, 0x80 };
            quads += kci_utf8_length(b, 4) == 4;
        }
    cr_assert_eq(quads, 0x100000 / 64);
}

Test(utf8, texts)
{
    static const char *const good[] = { "", "a", "\xc3\xbc", "a\xe2\x82\xac\xf0\x9f\x98\x80z" };
    static const char *const bad[] = { "\xfc",         "a\xc3", "\xc0\x80",
                                       "\xed\xa0\x80", "a\x80", "\xf5\x80\x80\x80" };

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        cr_assert(kci_utf8_valid(kc_str(good[i])), "%zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        cr_assert_not(kci_utf8_valid(kc_str(bad[i])), "%zu", i);
    cr_assert(kci_utf8_valid(kc_mem(NULL, 0)));
}
