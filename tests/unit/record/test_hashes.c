/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C, murmur2, XXH32 and varints; the vectors of Java's results are in tests/vectors. */
#include <criterion/criterion.h>

#include "base/crc32c.h"
#include "base/murmur2.h"
#include "base/varint.h"
#include "record/xxh32.h"
#include "util.h"

static uint8_t data[20000];

static void fill(void)
{
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)test_random(256);
}

/* Bit by bit, from the definition. */
static uint32_t crc_by_definition(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (; n > 0; n--) {
        crc ^= *p++;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return ~crc;
}

static void check_crcs(void)
{
    cr_assert_eq(kci_crc32c(0, "123456789", 9), 0xe3069283);
    cr_assert_eq(kci_crc32c(0, NULL, 0), 0);
    fill();
    for (int i = 0; i < 400; i++) {
        size_t at = test_random(64);
        size_t n = i < 100 ? (size_t)i : test_random(sizeof data - 64);
        size_t half = n ? test_random((uint32_t)n) : 0;
        uint32_t crc = crc_by_definition(data + at, n);
        cr_assert_eq(kci_crc32c(0, data + at, n), crc, "%zu bytes", n);
        uint32_t first = kci_crc32c(0, data + at, half);
        cr_assert_eq(kci_crc32c(first, data + at + half, n - half), crc);
        uint32_t second = kci_crc32c(0, data + at + half, n - half);
        cr_assert_eq(kci_crc32c_combine(first, second, n - half), crc);
    }
}

Test(hashes, crc32c_portable)
{
    cr_assert(kci_crc32c_force(KCI_CRC32C_PORTABLE));
    check_crcs();
}

Test(hashes, crc32c_hardware)
{
    if (kci_crc32c_force(KCI_CRC32C_HARDWARE))
        check_crcs();
}

Test(hashes, crc32c_chosen_at_the_first_call)
{
    check_crcs();
}

Test(hashes, murmur2)
{
    /* these are Java's own test cases */
    cr_assert_eq((int32_t)kci_murmur2("21", 2), -973932308);
    cr_assert_eq((int32_t)kci_murmur2("foobar", 6), -790332482);
    cr_assert_eq((int32_t)kci_murmur2("a-little-bit-long-string", 24), -985981536);
    cr_assert_eq(kci_murmur2_partition(kc_str("foobar"), 1), 0);
    for (int32_t count = 1; count < 50; count++) {
        int32_t p = kci_murmur2_partition(kc_str("foobar"), count);
        cr_assert(p >= 0 && p < count);
    }
}

Test(hashes, xxh32)
{
    cr_assert_eq(kci_xxh32("", 0), 0x02cc5d05);
    cr_assert_eq(kci_xxh32("abc", 3), 0x32d153ff);
    cr_assert_eq(kci_xxh32("abcdefghijklmnopqrstuvwxyz", 26), 0x63a14d5f);
}

static void check_varlong(int64_t v)
{
    uint8_t buf[KCI_VARLONG_MAX];
    int64_t back;
    size_t n = (size_t)(kci_put_varlong(buf, v) - buf);
    cr_assert_eq(n, kci_varlong_size(v));
    cr_assert_eq(kci_get_varlong(buf, buf + n, &back), buf + n);
    cr_assert_eq(back, v);
    for (size_t cut = 0; cut < n; cut++)
        cr_assert_null(kci_get_varlong(buf, buf + cut, &back));
}

static void check_varint(int32_t v)
{
    uint8_t buf[KCI_VARINT_MAX];
    int32_t back;
    size_t n = (size_t)(kci_put_varint(buf, v) - buf);
    cr_assert_eq(n, kci_varint_size(v));
    cr_assert_eq(kci_get_varint(buf, buf + n, &back), buf + n);
    cr_assert_eq(back, v);
    for (size_t cut = 0; cut < n; cut++)
        cr_assert_null(kci_get_varint(buf, buf + cut, &back));
}

Test(hashes, varints)
{
    for (int bit = 0; bit < 64; bit++) {
        int64_t v = (int64_t)(UINT64_C(1) << bit);
        for (int64_t d = -2; d <= 2; d++) {
            int64_t near = (int64_t)((uint64_t)v + (uint64_t)d);
            check_varlong(near);
            check_varlong((int64_t)(0 - (uint64_t)near));
            check_varint((int32_t)near);
            check_varint((int32_t)(0 - (uint32_t)near));
        }
    }
}

Test(hashes, varints_too_long)
{
    uint8_t buf[12];
    int32_t v;
    int64_t l;
    memset(buf, 0x80, sizeof buf);
    cr_assert_null(kci_get_varint(buf, buf + sizeof buf, &v));
    cr_assert_null(kci_get_varlong(buf, buf + sizeof buf, &l));
    buf[4] = 1;
    cr_assert_eq(kci_get_varint(buf, buf + sizeof buf, &v), buf + 5);
    buf[4] = 0x80;
    buf[5] = 1;
    cr_assert_null(kci_get_varint(buf, buf + sizeof buf, &v), "six bytes");
    cr_assert_eq(kci_get_varlong(buf, buf + sizeof buf, &l), buf + 6);
}
