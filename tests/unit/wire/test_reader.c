/* SPDX-License-Identifier: Apache-2.0 */
/* The cursor: edges of every getter, and that an error sticks. */
#include <criterion/criterion.h>

#include "wire/reader.h"

#define READER(...) \
    kci_reader_of((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

Test(reader, integers_are_big_endian)
{
    kci_reader r = READER(0xff, 0xff, 0xfe, 0xff, 0xfd, 0x80, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0xff,
                          0xff, 0xff, 0xfc, 2);
    cr_assert_eq(kci_rd_int8(&r), -1);
    cr_assert_eq(kci_rd_int16(&r), -2);
    cr_assert_eq(kci_rd_uint16(&r), 0xfffd);
    cr_assert_eq(kci_rd_int32(&r), INT32_MIN + 1);
    cr_assert_eq(kci_rd_int64(&r), -4);
    cr_assert(kci_rd_bool(&r), "any byte but 0 is true");
    cr_assert_eq(kci_rd_left(&r), 0);
    cr_assert_not(r.bad);
}

Test(reader, float_and_uuid)
{
    kci_reader r =
        READER(0xc0, 0x04, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    double v = kci_rd_float64(&r);
    cr_assert(v < -2.49 && v > -2.51);
    kc_uuid id = kci_rd_uuid(&r);
    cr_assert_eq(id.bytes[0], 1);
    cr_assert_eq(id.bytes[15], 16);
}

Test(reader, short_input_sticks)
{
    kci_reader r = READER(1, 2, 3);
    cr_assert_eq(kci_rd_int32(&r), 0);
    cr_assert(r.bad);
    cr_assert_eq(kci_rd_int8(&r), 0, "although a byte is there");
    cr_assert_eq(kci_rd_left(&r), 0);
    cr_assert_null(kci_rd_string(&r).data);
    cr_assert_eq(kci_rd_uvarint(&r), 0);
    cr_assert_null(kci_rd_take(&r, 0));
}

Test(reader, no_input_at_all)
{
    kci_reader r = kci_reader_of(NULL, 0);
    cr_assert_eq(kci_rd_left(&r), 0);
    cr_assert_eq(kci_rd_uvarint(&r), 0);
    cr_assert(r.bad);
}

Test(reader, huge_take_does_not_wrap)
{
    kci_reader r = READER(1, 2);
    cr_assert_null(kci_rd_take(&r, SIZE_MAX));
    cr_assert(r.bad);
}

Test(reader, uvarint_values)
{
    kci_reader r = READER(0, 0x7f, 0x80, 0x01, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x81, 0x00);
    cr_assert_eq(kci_rd_uvarint(&r), 0);
    cr_assert_eq(kci_rd_uvarint(&r), 127);
    cr_assert_eq(kci_rd_uvarint(&r), 128);
    cr_assert_eq(kci_rd_uvarint(&r), UINT32_MAX);
    cr_assert_eq(kci_rd_uvarint(&r), 1, "longer than needed is allowed");
    cr_assert_not(r.bad);
}

Test(reader, uvarint_of_33_bits)
{
    kci_reader r = READER(0x80, 0x80, 0x80, 0x80, 0x10);
    cr_assert_eq(kci_rd_uvarint(&r), 0);
    cr_assert(r.bad);
}

Test(reader, uvarint_of_six_bytes)
{
    kci_reader r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0);
    kci_rd_uvarint(&r);
    cr_assert(r.bad);
}

Test(reader, uvarint_without_end)
{
    kci_reader r = READER(0x80, 0x80);
    kci_rd_uvarint(&r);
    cr_assert(r.bad);
}

Test(reader, zigzag)
{
    kci_reader r = READER(0, 1, 2, 0xff, 0xff, 0xff, 0xff, 0x0f, 0xfe, 0xff, 0xff, 0xff, 0x0f);
    cr_assert_eq(kci_rd_varint(&r), 0);
    cr_assert_eq(kci_rd_varint(&r), -1);
    cr_assert_eq(kci_rd_varint(&r), 1);
    cr_assert_eq(kci_rd_varint(&r), INT32_MIN);
    cr_assert_eq(kci_rd_varint(&r), INT32_MAX);
}

Test(reader, varlong_edges)
{
    kci_reader r = READER(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xfe, 0xff,
                          0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01);
    cr_assert_eq(kci_rd_varlong(&r), INT64_MIN);
    cr_assert_eq(kci_rd_varlong(&r), INT64_MAX);
    cr_assert_not(r.bad);
}

Test(reader, varlong_of_65_bits)
{
    kci_reader r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02);
    cr_assert_eq(kci_rd_varlong(&r), 0);
    cr_assert(r.bad);
}

Test(reader, varlong_of_eleven_bytes)
{
    kci_reader r = READER(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00);
    kci_rd_varlong(&r);
    cr_assert(r.bad);
}

Test(reader, null_is_not_empty)
{
    kci_reader r = READER(0xff, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 0, 1);
    cr_assert_null(kci_rd_string(&r).data);
    cr_assert_not_null(kci_rd_string(&r).data);
    cr_assert_null(kci_rd_bytes(&r).data);
    cr_assert_not_null(kci_rd_bytes(&r).data);
    cr_assert_null(kci_rd_compact_string(&r).data);
    cr_assert_not_null(kci_rd_compact_string(&r).data);
    cr_assert_null(kci_rd_compact_bytes(&r).data);
    cr_assert_not_null(kci_rd_compact_bytes(&r).data, "empty at the very end");
    cr_assert_not(r.bad);
}

Test(reader, strings_are_in_place)
{
    uint8_t in[] = { 0, 2, 'a', 'b', 3, 'c', 'd' };
    kci_reader r = kci_reader_of(in, sizeof in);
    kc_bytes s = kci_rd_string(&r);
    cr_assert(s.data == in + 2 && s.size == 2);
    s = kci_rd_compact_string(&r);
    cr_assert(s.data == in + 5 && s.size == 2);
}

Test(reader, lengths_below_null)
{
    kci_reader r = READER(0xff, 0xfe, 1);
    cr_assert_null(kci_rd_string(&r).data);
    cr_assert(r.bad);
    r = READER(0x80, 0, 0, 0, 1);
    cr_assert_null(kci_rd_bytes(&r).data);
    cr_assert(r.bad);
}

Test(reader, lengths_beyond_the_end)
{
    kci_reader r = READER(0, 3, 'a', 'b');
    cr_assert_null(kci_rd_string(&r).data);
    cr_assert(r.bad);
    r = READER(0xff, 0xff, 0xff, 0xff, 0x0f, 'a');
    cr_assert_null(kci_rd_compact_bytes(&r).data);
    cr_assert(r.bad);
}

Test(reader, compact_string_is_at_most_32767)
{
    static uint8_t in[40000];
    in[0] = 0x80, in[1] = 0x80, in[2] = 0x02; /* 32768: a string of 32767 */
    kci_reader r = kci_reader_of(in, sizeof in);
    cr_assert_eq(kci_rd_compact_string(&r).size, 32767);
    in[0] = 0x81;
    r = kci_reader_of(in, sizeof in);
    cr_assert_null(kci_rd_compact_string(&r).data);
    cr_assert(r.bad);
    r = kci_reader_of(in, sizeof in);
    cr_assert_eq(kci_rd_compact_bytes(&r).size, 32768, "bytes may be longer");
}

Test(reader, tags_are_skipped)
{
    kci_reader r = READER(2, 0, 1, 'a', 0x80, 1, 2, 'b', 'c', 9);
    kci_rd_skip_tags(&r);
    cr_assert_eq(kci_rd_int8(&r), 9);
    r = READER(0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0);
    kci_rd_skip_tags(&r);
    cr_assert(r.bad, "more tags than bytes");
}
