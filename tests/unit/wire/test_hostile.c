/* SPDX-License-Identifier: Apache-2.0 */
/* Every message at every version, by random content: round trips, inputs cut short or random, and
 * every allocation failing once. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "filler.h"
#include "wire/messages.h"

typedef union value {
    char bytes[LARGEST_STRUCT];
    int64_t align;
} value;

static void encode_random(const kci_msg *msg, int16_t version, bool nulls, uint64_t seed,
                          kci_buf *out)
{
    value in;
    kci_arena arena = { 0 };
    filler f = { seed, (uint8_t)version, &arena, nulls };
    cr_assert_leq(msg->size, sizeof in);
    fill_message(&f, msg, &in);
    cr_assert_eq(kci_encode(msg, version, &in, out, NULL), KC_OK, "%s %d", msg->name, version);
    kci_arena_free(&arena);
}

static void round_trip(const kci_msg *msg, int16_t version)
{
    for (uint64_t seed = 1; seed <= 8; seed++) {
        kci_buf first = { 0 }, second = { 0 };
        kci_arena arena = { 0 };
        value out;
        encode_random(msg, version, seed % 4 == 0, seed, &first);
        kci_reader in = kci_reader_of(first.data, first.size);
        cr_assert_eq(kci_decode(msg, version, &in, &arena, &out), KC_OK, "%s %d", msg->name,
                     version);
        cr_assert_eq(kci_rd_left(&in), 0);
        cr_assert_eq(kci_encode(msg, version, &out, &second, NULL), KC_OK);
        cr_assert_eq(first.size, second.size, "%s %d", msg->name, version);
        cr_assert(first.size == 0 || memcmp(first.data, second.data, first.size) == 0);
        kci_buf_free(&first);
        kci_buf_free(&second);
        kci_arena_free(&arena);
    }
}

Test(hostile, round_trips)
{
    for_each_message(round_trip);
}

static void cut_short(const kci_msg *msg, int16_t version)
{
    kci_buf buf = { 0 };
    encode_random(msg, version, false, 11, &buf);
    for (size_t n = 0; n < buf.size && n < 300; n++) {
        value out;
        kci_arena arena = { 0 };
        kci_reader in = kci_reader_of(buf.data, n);
        cr_assert_eq(kci_decode(msg, version, &in, &arena, &out), KC_E_PROTOCOL, "%s %d: %zu",
                     msg->name, version, n);
        kci_arena_free(&arena);
    }
    kci_buf_free(&buf);
}

Test(hostile, cut_short)
{
    for_each_message(cut_short);
}

static void decode_bounded(const kci_msg *msg, int16_t version, const uint8_t *data, size_t size)
{
    value out;
    kci_arena arena = { 0 };
    kci_reader in = kci_reader_of(data, size);
    kc_err err = kci_decode(msg, version, &in, &arena, &out);
    cr_assert(err == KC_OK || err == KC_E_PROTOCOL);
    cr_assert_leq(arena.total, 64 * size + 64 * 1024);
    cr_assert_eq(arena.limit, 0);
    kci_arena_free(&arena);
}

/* Random bytes, mostly small ones, so that counts and lengths often fit. */
static void random_input(const kci_msg *msg, int16_t version)
{
    uint64_t state = 99;
    for (int round = 0; round < 40; round++) {
        uint8_t data[512];
        for (size_t i = 0; i < sizeof data; i++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            data[i] = (uint8_t)(state >> 40 & (state >> 60 ? 3 : 255));
        }
        decode_bounded(msg, version, data, sizeof data);
    }
}

Test(hostile, random_input)
{
    for_each_message(random_input);
}

/* The same small byte all over: as many small elements as fit. */
static void densest_input(const kci_msg *msg, int16_t version)
{
    static uint8_t data[1 << 16];
    for (int byte = 0; byte < 4; byte++) {
        memset(data, byte, sizeof data);
        decode_bounded(msg, version, data, sizeof data);
        data[0] = 0xff, data[1] = 0x7f; /* a compact count of 16382 */
        decode_bounded(msg, version, data, sizeof data);
    }
}

Test(hostile, densest_input)
{
    for_each_message(densest_input);
}

Test(hostile, counts_are_checked_before_memory_is_asked_for)
{
    static const uint8_t classic[] = { 0x7f, 0xff, 0xff, 0xff, 0, 0 };
    static const uint8_t compact[] = { 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0, 0, 0 };
    static const uint8_t below_null[] = { 0xff, 0xff, 0xff, 0xfe, 0, 0 };
    static const uint8_t just_too_many[] = { 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0 };
    static const struct {
        int16_t version;
        kc_bytes in;
    } cases[] = { { 1, { classic, sizeof classic } },
                  { 12, { compact, sizeof compact } },
                  { 1, { below_null, sizeof below_null } },
                  { 1, { just_too_many, sizeof just_too_many } } };
    uint64_t before = kci_mem_count();
    for (size_t i = 0; i < KCI_COUNT_OF(cases); i++) {
        kci_metadata_request out;
        kci_arena arena = { 0 };
        kci_reader in = kci_reader_of(cases[i].in.data, cases[i].in.size);
        cr_assert_eq(kci_decode(&kci_metadata_request_msg, cases[i].version, &in, &arena, &out),
                     KC_E_PROTOCOL);
        cr_assert_eq(out.topics.count, 0);
        cr_assert(out.allow_auto_topic_creation, "at its defaults");
    }
    cr_assert_eq(kci_mem_count(), before);
}

/* An honest message must never meet the limit: also the densest array stays well below it. */
static void check_density(const kci_msg *msg, int16_t version)
{
    for (size_t i = 0; i < (size_t)msg->plain + msg->tagged; i++) {
        const kci_field *f = &msg->fields[i];
        if (f->kind != KCI_STRUCT)
            continue;
        size_t least = f->msg->min_size[version - f->msg->versions.first];
        cr_assert_leq(f->msg->size, least * KCI_DECODE_FACTOR / 2, "%s", f->msg->name);
        check_density(f->msg, version);
    }
}

Test(hostile, structs_are_not_too_sparse)
{
    for_each_message(check_density);
}

static void decode_out_of_memory(const kci_msg *msg, int16_t version)
{
    kci_buf buf = { 0 };
    encode_random(msg, version, false, 5, &buf);
    kc_err err = KC_E_NO_MEMORY;
    for (int n = 1; err != KC_OK; n++) {
        value out;
        kci_arena arena = { 0 };
        kci_reader in = kci_reader_of(buf.data, buf.size);
        kci_mem_fail_after(n, true);
        err = kci_decode(msg, version, &in, &arena, &out);
        kci_mem_fail_after(0, false);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%s %d", msg->name, version);
        cr_assert(err == KC_OK || memcmp(&out, msg->defaults, msg->size) == 0);
        kci_arena_free(&arena);
    }
    kci_buf_free(&buf);
}

Test(hostile, decode_out_of_memory)
{
    for_each_message(decode_out_of_memory);
}

static void encode_out_of_memory(const kci_msg *msg, int16_t version)
{
    value in;
    kci_arena arena = { 0 };
    filler f = { 5, (uint8_t)version, &arena, false };
    fill_message(&f, msg, &in);
    kc_err err = KC_E_NO_MEMORY;
    for (int n = 1; err != KC_OK; n++) {
        kci_buf out = { 0 };
        kci_gaps gaps = { 0 };
        kci_mem_fail_after(n, n % 2);
        err = kci_encode(msg, version, &in, &out, &gaps);
        kci_mem_fail_after(0, false);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%s %d", msg->name, version);
        cr_assert(err == KC_OK || (out.size == 0 && gaps.count == 0));
        kci_buf_free(&out);
        kci_gaps_free(&gaps);
    }
    kci_arena_free(&arena);
}

Test(hostile, encode_out_of_memory)
{
    for_each_message(encode_out_of_memory);
}
