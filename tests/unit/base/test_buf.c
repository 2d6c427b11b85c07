/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"

Test(buf, grows_and_keeps_what_was_put)
{
    kci_buf b = { 0 };
    kci_buf_put8(&b, 1);
    kci_buf_put16(&b, 0x0203);
    kci_buf_put32(&b, 0x04050607);
    kci_buf_put64(&b, 0x08090a0b0c0d0e0fu);
    kci_buf_put_uvarint(&b, 300);
    kci_buf_put(&b, "xyz", 3);
    kci_buf_put(&b, NULL, 0);
    static const uint8_t expected[] = { 1,  2,  3,  4,  5,  6,    7,    8,   9,   10,
                                        11, 12, 13, 14, 15, 0xac, 0x02, 'x', 'y', 'z' };
    cr_assert_eq(b.size, sizeof expected);
    cr_assert_arr_eq(b.data, expected, sizeof expected);
    for (int i = 0; i < 100000; i++)
        kci_buf_put32(&b, (uint32_t)i);
    cr_assert_not(b.failed);
    for (int i = 0; i < 100000; i++)
        cr_assert_eq(kci_load32(b.data + sizeof expected + 4 * (size_t)i), (uint32_t)i);
    kci_buf_free(&b);
    cr_assert_eq(b.size, 0);
    cr_assert_null(b.data);
}

Test(buf, failure_sticks)
{
    kci_buf b = { 0 };
    kci_buf_put8(&b, 1);
    kci_mem_fail_after(1, false);
    cr_assert_null(kci_buf_take(&b, 100000));
    kci_mem_fail_after(0, false);
    cr_assert(b.failed);
    size_t size = b.size;
    kci_buf_put8(&b, 1);
    cr_assert_eq(b.size, size);
    kci_buf_free(&b);
    cr_assert_not(b.failed);
    cr_assert_null(kci_buf_take(&b, SIZE_MAX));
    cr_assert(b.failed);
    kci_buf_free(&b);
}

Test(bytes, loads_and_stores)
{
    uint8_t p[8];
    kci_store64(p, 0x0102030405060708u);
    for (int i = 0; i < 8; i++)
        cr_assert_eq(p[i], i + 1);
    cr_assert_eq(kci_load64(p), 0x0102030405060708u);
    cr_assert_eq(kci_load32(p + 1), 0x02030405u);
    cr_assert_eq(kci_load16(p + 1), 0x0203u);
    kci_store32(p, 0xfffefdfcu);
    cr_assert_eq(kci_load32(p), 0xfffefdfcu);
    kci_store16(p, 0xabcd);
    cr_assert_eq(p[0], 0xab);
}

Test(bytes, null_is_not_empty)
{
    cr_assert(kci_bytes_equal(kc_str("ab"), kc_mem("abc", 2)));
    cr_assert_not(kci_bytes_equal(kc_str("ab"), kc_str("abc")));
    cr_assert_not(kci_bytes_equal(kc_str("ab"), kc_str("ac")));
    cr_assert(kci_bytes_equal(kc_str(""), kc_str("")));
    cr_assert(kci_bytes_equal(kc_str(NULL), kc_mem(NULL, 0)));
    cr_assert_not(kci_bytes_equal(kc_str(NULL), kc_str("")));
}
