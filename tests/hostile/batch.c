/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/batch.h"

#include "base/bytes.h"
#include "base/crc32c.h"
#include "record/batch.h"

/* What is done with the first batch of the field. */
typedef enum act {
    CUT,      /* value: bytes less, at the end of the field */
    KEEP,     /* value: so many bytes of the field are left */
    FLIP,     /* a byte of the batch; negative: from the end */
    SET,      /* a number in the header */
    TWICE,    /* the field two times */
    REVERSED, /* batches in the other order */
    REPLACED, /* value: by the batch of another partition */
    FOLLOWED, /* value: by that, as a second batch */
    RUBBISH   /* value: so many bytes of it follow */
} act;

typedef struct row {
    const char *name;
    act act;
    int at;
    int size;
    int64_t value;
    bool right_crc; /* the CRC is made right after it */
    bool forges;
} row;

#define AT(field) KCI_BATCH_AT_##field

static const row rows[] = {
    { "cut by 1", CUT, .value = 1 },
    { "cut to 11", KEEP, .value = 11 },
    { "cut to 12", KEEP, .value = 12 },
    { "cut to 17", KEEP, .value = 17 },
    { "cut to 60", KEEP, .value = 60 },
    { "cut to 61", KEEP, .value = 61 },
    { "first byte flipped", FLIP, .at = 0, .forges = true },
    { "last byte flipped", FLIP, .at = -1 },
    { "crc byte flipped", FLIP, AT(CRC) },
    { "length 0", SET, AT(LENGTH), 4, 0 },
    { "length -1", SET, AT(LENGTH), 4, -1 },
    { "length max", SET, AT(LENGTH), 4, INT32_MAX },
    { "length min", SET, AT(LENGTH), 4, INT32_MIN },
    { "length 48", SET, AT(LENGTH), 4, 48 },
    { "length 49", SET, AT(LENGTH), 4, 49 },
    { "base offset -1", SET, AT(BASE_OFFSET), 8, -1, .forges = true },
    { "base offset 0", SET, AT(BASE_OFFSET), 8, 0, .forges = true },
    { "base offset 1000000", SET, AT(BASE_OFFSET), 8, 1000000, .forges = true },
    { "base offset max", SET, AT(BASE_OFFSET), 8, INT64_MAX, .forges = true },
    { "base offset max - 1", SET, AT(BASE_OFFSET), 8, INT64_MAX - 1, .forges = true },
    { "base offset min", SET, AT(BASE_OFFSET), 8, INT64_MIN, .forges = true },
    { "leader epoch -1", SET, AT(LEADER_EPOCH), 4, -1 },
    { "leader epoch max", SET, AT(LEADER_EPOCH), 4, INT32_MAX },
    { "magic 0", SET, AT(MAGIC), 1, 0, .forges = true },
    { "magic 1", SET, AT(MAGIC), 1, 1, .forges = true },
    { "magic 3", SET, AT(MAGIC), 1, 3 },
    { "magic -1", SET, AT(MAGIC), 1, -1 },
    { "count max", SET, AT(COUNT), 4, INT32_MAX },
    { "count max, right crc", SET, AT(COUNT), 4, INT32_MAX, true, true },
    { "count 0, right crc", SET, AT(COUNT), 4, 0, true, true },
    { "count -1, right crc", SET, AT(COUNT), 4, -1, true, true },
    { "count 1000, right crc", SET, AT(COUNT), 4, 1000, true, true },
    { "last delta 0, right crc", SET, AT(LAST_DELTA), 4, 0, true, true },
    { "last delta -1, right crc", SET, AT(LAST_DELTA), 4, -1, true, true },
    { "last delta max, right crc", SET, AT(LAST_DELTA), 4, INT32_MAX, true, true },
    { "last delta min, right crc", SET, AT(LAST_DELTA), 4, INT32_MIN, true, true },
    { "gzip, right crc", SET, AT(ATTRIBUTES), 2, 1, true, true },
    { "snappy, right crc", SET, AT(ATTRIBUTES), 2, 2, true, true },
    { "lz4, right crc", SET, AT(ATTRIBUTES), 2, 3, true, true },
    { "zstd, right crc", SET, AT(ATTRIBUTES), 2, 4, true, true },
    { "codec 7, right crc", SET, AT(ATTRIBUTES), 2, 7, true, true },
    { "control, right crc", SET, AT(ATTRIBUTES), 2, 0x20, true, true },
    { "transactional, right crc", SET, AT(ATTRIBUTES), 2, 0x10, true, true },
    { "aborted marker, right crc", SET, AT(ATTRIBUTES), 2, 0x30, true, true },
    { "attributes -1, right crc", SET, AT(ATTRIBUTES), 2, -1, true, true },
    { "base time min, right crc", SET, AT(BASE_TIMESTAMP), 8, INT64_MIN, true, true },
    { "base time max, right crc", SET, AT(BASE_TIMESTAMP), 8, INT64_MAX, true, true },
    { "max time min, right crc", SET, AT(MAX_TIMESTAMP), 8, INT64_MIN, true, true },
    { "producer id min, right crc", SET, AT(PRODUCER_ID), 8, INT64_MIN, true, true },
    { "sequence max, right crc", SET, AT(BASE_SEQUENCE), 4, INT32_MAX, true, true },
    { "record length flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE, .right_crc = true,
      .forges = true },
    { "record attributes flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE + 1, .right_crc = true,
      .forges = true },
    { "record time flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE + 2, .right_crc = true,
      .forges = true },
    { "record offset flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE + 3, .right_crc = true,
      .forges = true },
    { "record key flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE + 4, .right_crc = true,
      .forges = true },
    { "record value flipped, right crc", FLIP, KCI_BATCH_HEADER_SIZE + 5, .right_crc = true,
      .forges = true },
    { "header count flipped, right crc", FLIP, -1, .right_crc = true, .forges = true },
    { "twice", TWICE },
    { "reversed", REVERSED },
    { "batch of partition 0", REPLACED, .value = 0, .forges = true },
    { "batch of partition 1", REPLACED, .value = 1, .forges = true },
    { "batch of another topic", REPLACED, .value = 2, .forges = true },
    { "and a batch of another topic", FOLLOWED, .value = 2, .forges = true },
    { "and 11 bytes", RUBBISH, .value = 11 },
    { "and 100 bytes", RUBBISH, .value = 100 },
};

int host_batch_variants(void)
{
    return (int)(sizeof rows / sizeof *rows);
}

const char *host_batch_variant_name(int v)
{
    return rows[v].name;
}

bool host_batch_forges(int v)
{
    return rows[v].forges;
}

/* Size of the batch that begins there; never more than n. */
static size_t batch_size(const uint8_t *p, size_t n)
{
    if (n < KCI_BATCH_HEADER_SIZE)
        return n;
    uint64_t size = (uint64_t)kci_load32(p + KCI_BATCH_AT_LENGTH) + KCI_BATCH_PREFIX_SIZE;
    return size < n ? (size_t)size : n;
}

static void put_number(uint8_t *p, int size, int64_t v)
{
    for (int i = 0; i < size; i++)
        p[i] = (uint8_t)((uint64_t)v >> (8 * (size - 1 - i)));
}

static void make_crc_right(uint8_t *p, size_t size)
{
    kci_store32(p + KCI_BATCH_AT_CRC,
                kci_crc32c(0, p + KCI_BATCH_CRC_FROM, size - KCI_BATCH_CRC_FROM));
}

/* Changes bytes of the first batch, which has a header. */
static void change(const row *r, uint8_t *p, size_t size)
{
    int64_t at = r->at < 0 ? (int64_t)size + r->at : r->at;
    if (r->act == FLIP && at < (int64_t)size)
        p[at] ^= 0xff;
    else if (r->act == SET)
        put_number(p + r->at, r->size, r->value);
    if (r->right_crc)
        make_crc_right(p, size);
}

static void reverse(uint8_t *to, const uint8_t *from, size_t n)
{
    for (size_t size; n > 0; from += size, n -= size) {
        size = batch_size(from, n);
        memcpy(to + n - size, from, size);
    }
}

static kc_bytes joined(const host_given *given, kc_bytes a, kc_bytes b)
{
    uint8_t *p = kci_arena_alloc(given->arena, a.size + b.size);
    if (!p)
        return a;
    if (a.size)
        memcpy(p, a.data, a.size);
    if (b.size)
        memcpy(p + a.size, b.data, b.size);
    return kc_mem(p, a.size + b.size);
}

kc_bytes host_batch_mutate(int v, kc_bytes in, const host_given *given)
{
    static const uint8_t rubbish[100] = { 0x5a, 1, 2, 3, 0xff, 0xff };
    const row *r = &rows[v];
    if (r->act == REPLACED)
        return given->batches[r->value];
    if (in.size == 0)
        return in;
    if (r->act == CUT)
        return kc_mem(in.data, in.size - (size_t)r->value);
    if (r->act == KEEP)
        return kc_mem(in.data, in.size < (size_t)r->value ? in.size : (size_t)r->value);
    if (r->act == TWICE)
        return joined(given, in, in);
    if (r->act == FOLLOWED)
        return joined(given, in, given->batches[r->value]);
    if (r->act == RUBBISH)
        return joined(given, in, kc_mem(rubbish, (size_t)r->value));
    kc_bytes copy = kci_arena_copy(given->arena, in);
    uint8_t *p = (uint8_t *)(uintptr_t)copy.data;
    if (!p || copy.size < KCI_BATCH_HEADER_SIZE)
        return in;
    if (r->act == REVERSED)
        reverse(p, in.data, in.size);
    else
        change(r, p, batch_size(p, copy.size));
    return copy;
}
