/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/mutate.h"

#include <stdio.h>

#include "base/bytes.h"
#include "hostile/batch.h"
#include "wire/field.h"

enum { LONG_STRING = 32767, MANY = 1000, LAST_CODE = 140, STRING_LENGTH_MAX = 32767 };

static const char *const number_names[] = { "-1", "0", "min", "max", "+1", "-2", "2^24" };
static const char *const bool_names[] = { "flipped", "byte 2", "byte 255" };
static const char *const uuid_names[] = { "zero", "random", "another topic's" };
static const char *const bytes_names[] = { "null",       "empty",     "32 KiB",    "another topic",
                                           "bytes 0",    "bytes 255", "length -2", "length max",
                                           "length + 1", "length - 1" };
static const char *const array_names[] = {
    "null",     "empty",     "last missing", "first duplicated", "reversed", "first 1000 times",
    "count -2", "count max", "count + 1",    "count - 1"
};
static const char *const object_names[] = { "dropped", "defaults" };
static const char *const tags_names[] = { "one unknown",   "one twice",     "size beyond",
                                          "size max",      "count 1, none", "count max",
                                          "tag 0 rubbish", "tag 1 rubbish", "tag 2 rubbish" };

typedef struct names {
    const char *const *list;
    int count;
} names;

#define NAMES(list)                             \
    (names)                                     \
    {                                           \
        list, (int)(sizeof list / sizeof *list) \
    }

static names names_of(const host_place *p)
{
    switch (p->kind) {
    case HOST_ARRAY:
        return NAMES(array_names);
    case HOST_OBJECT:
        return NAMES(object_names);
    case HOST_TAGS:
        return NAMES(tags_names);
    default:
        break;
    }
    if (p->field->kind == KCI_BOOL)
        return NAMES(bool_names);
    if (p->field->kind == KCI_UUID)
        return NAMES(uuid_names);
    return kci_is_bytes(p->field->kind) ? NAMES(bytes_names) : NAMES(number_names);
}

int host_variants(const host_place *p)
{
    int n = names_of(p).count;
    if (p->kind == HOST_FIELD && p->field->kind == KCI_RECORDS)
        return n + host_batch_variants();
    return p->is_error_code ? n + LAST_CODE : n;
}

const char *host_variant_name(const host_place *p, int v, char buf[32])
{
    names n = names_of(p);
    if (v < n.count)
        return n.list[v];
    if (!p->is_error_code)
        return host_batch_variant_name(v - n.count);
    snprintf(buf, 32, "code %d", v - n.count + 1);
    return buf;
}

/* numbers: all as 64 bits, cut to their size */

static int64_t number_get(kci_kind kind, const char *at)
{
    switch (kci_value_size(kind)) {
    case 1:
        return *(const int8_t *)(const void *)at;
    case 2:
        return (int16_t)kci_get_as_uint16(at);
    case 4:
        return (int32_t)kci_get_as_uint32(at);
    default:
        return (int64_t)kci_get_as_uint64(at);
    }
}

static void number_set(kci_kind kind, char *at, int64_t v)
{
    switch (kci_value_size(kind)) {
    case 1:
        *(uint8_t *)(void *)at = (uint8_t)v;
        break;
    case 2:
        kci_put_as_uint16(at, (uint16_t)v);
        break;
    case 4:
        kci_put_as_uint32(at, (uint32_t)v);
        break;
    default:
        kci_put_as_uint64(at, (uint64_t)v);
    }
}

static int64_t number_variant(kci_kind kind, int64_t old, int v)
{
    int bits = 8 * (int)kci_value_size(kind);
    int64_t max = (int64_t)(UINT64_MAX >> (65 - bits));
    const int64_t values[] = { -1, 0, -max - 1, max, (int64_t)((uint64_t)old + 1), -2, 1 << 24 };
    return values[v];
}

static void mutate_number(const host_place *p, int v, char *at)
{
    kci_kind kind = p->field->kind;
    int n = names_of(p).count;
    int64_t value = v < n ? number_variant(kind, number_get(kind, at), v) : v - n + 1;
    number_set(kind, at, value);
}

static void set_lie(host_lie *lie, host_lie_kind kind, const host_place *p, const void *at,
                    int64_t value)
{
    *lie = (host_lie){ kind, at, p->field, p->msg, value };
}

static void mutate_bool(const host_place *p, int v, char *at, host_lie *lie)
{
    if (v == 0)
        *(bool *)(void *)at = !*(bool *)(void *)at;
    else
        set_lie(lie, HOST_LIE_BYTE, p, at, v == 1 ? 2 : 255);
}

static void mutate_uuid(int v, char *at, const host_given *given)
{
    kc_uuid *id = (void *)at;
    if (v == 0)
        memset(id, 0, sizeof *id);
    else if (v == 1)
        for (size_t i = 0; i < sizeof id->bytes; i++)
            id->bytes[i] = (uint8_t)(0x9d + 31 * i);
    else
        *id = given->other_id;
}

static kc_bytes filled(const host_given *given, int byte, size_t size)
{
    uint8_t *p = kci_arena_alloc(given->arena, size);
    if (!p)
        return kc_str(NULL);
    memset(p, byte, size);
    return kc_mem(p, size);
}

static int64_t length_max(kci_kind kind)
{
    return kind == KCI_STRING ? STRING_LENGTH_MAX : INT32_MAX;
}

static void mutate_bytes(const host_place *p, int v, char *at, const host_given *given,
                         host_lie *lie)
{
    kc_bytes *b = (void *)at;
    const int64_t lengths[] = { -2, length_max(p->field->kind), (int64_t)b->size + 1,
                                (int64_t)b->size - 1 };
    int n = names_of(p).count;
    if (v == 0)
        *b = kc_str(NULL);
    else if (v == 1)
        *b = kc_str("");
    else if (v == 2)
        *b = filled(given, 'x', LONG_STRING);
    else if (v == 3)
        *b = given->other_topic;
    else if (v == 4)
        *b = filled(given, 0, 5);
    else if (v == 5)
        *b = filled(given, 255, 5);
    else if (v < n)
        set_lie(lie, HOST_LIE_LENGTH, p, at, lengths[v - 6]);
    else
        *b = host_batch_mutate(v - n, *b, given);
}

/* A new array: elements of the old one by their index. */
static void rebuild(const host_place *p, char *at, const host_given *given, int32_t count,
                    int32_t (*from)(int32_t i, int32_t old_count))
{
    const char *old;
    int32_t old_count = kci_array_get(at, &old);
    size_t size = kci_element_size(p->field);
    char *data = kci_arena_array(given->arena, (size_t)count, size);
    if (!data)
        return;
    for (int32_t i = 0; i < count; i++)
        memcpy(data + (size_t)i * size, old + (size_t)from(i, old_count) * size, size);
    kci_array_set(at, data, count);
}

static int32_t from_first_twice(int32_t i, int32_t count)
{
    (void)count;
    return i > 0 ? i - 1 : 0;
}

static int32_t from_back(int32_t i, int32_t count)
{
    return count - 1 - i;
}

static int32_t from_first(int32_t i, int32_t count)
{
    (void)i, (void)count;
    return 0;
}

static void mutate_array(const host_place *p, int v, char *at, const host_given *given,
                         host_lie *lie)
{
    const char *data;
    int32_t count = kci_array_get(at, &data);
    if (v == 0)
        kci_array_set(at, NULL, -1);
    else if (v == 1)
        kci_array_set(at, NULL, 0);
    else if (v == 2 && count > 0)
        kci_array_set(at, (void *)(uintptr_t)data, count - 1);
    else if (v == 3 && count > 0)
        rebuild(p, at, given, count + 1, from_first_twice);
    else if (v == 4 && count > 1)
        rebuild(p, at, given, count, from_back);
    else if (v == 5 && count > 0)
        rebuild(p, at, given, MANY, from_first);
    else if (v >= 6) {
        const int64_t counts[] = { -2, INT32_MAX, (int64_t)count + 1, (int64_t)count - 1 };
        set_lie(lie, HOST_LIE_LENGTH, p, at, counts[v - 6]);
    }
}

static void mutate_object(const host_place *p, int v, char *at, const host_given *given)
{
    void *pointed = v == 0 ? NULL : kci_arena_alloc(given->arena, p->field->msg->size);
    if (pointed)
        kci_msg_init(p->field->msg, pointed);
    memcpy(at, &pointed, sizeof pointed);
}

static void mutate_tags(const host_place *p, int v, const char *at, host_lie *lie)
{
    static const struct {
        host_lie_kind kind;
        int64_t value;
    } lies[] = {
        { HOST_LIE_TAG_NEW, 0 },     { HOST_LIE_TAG_TWICE, 0 },
        { HOST_LIE_TAG_SIZE, 4000 }, { HOST_LIE_TAG_SIZE, UINT32_MAX },
        { HOST_LIE_TAG_COUNT, 1 },   { HOST_LIE_TAG_COUNT, UINT32_MAX },
        { HOST_LIE_TAG_KNOWN, 0 },   { HOST_LIE_TAG_KNOWN, 1 },
        { HOST_LIE_TAG_KNOWN, 2 },
    };
    set_lie(lie, lies[v].kind, p, at, lies[v].value);
}

bool host_mutate(const host_place *p, int v, const kci_msg *msg, void *root,
                 const host_given *given, host_lie *lie)
{
    *lie = (host_lie){ 0 };
    char *at = host_place_find(p, msg, root, given->arena);
    if (!at)
        return false;
    if (p->kind == HOST_ARRAY)
        mutate_array(p, v, at, given, lie);
    else if (p->kind == HOST_OBJECT)
        mutate_object(p, v, at, given);
    else if (p->kind == HOST_TAGS)
        mutate_tags(p, v, at, lie);
    else if (p->field->kind == KCI_BOOL)
        mutate_bool(p, v, at, lie);
    else if (p->field->kind == KCI_UUID)
        mutate_uuid(v, at, given);
    else if (kci_is_bytes(p->field->kind))
        mutate_bytes(p, v, at, given, lie);
    else
        mutate_number(p, v, at);
    return true;
}

bool host_forges_records(const host_place *p, int v)
{
    int n = p->kind == HOST_FIELD ? names_of(p).count : 0;
    return p->kind == HOST_FIELD && p->field->kind == KCI_RECORDS && v >= n &&
           host_batch_forges(v - n);
}
