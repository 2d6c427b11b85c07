/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter that writes messages. The buffer's own sticky error stands for lack of memory. */
#include "base/mem.h"
#include "wire/codec.h"
#include "wire/field.h"

typedef struct encoder {
    kci_buf *out;
    kci_gaps *gaps;
    uint8_t version;
    bool flexible;
    kc_err err;
} encoder;

static void write_struct(encoder *e, const kci_msg *msg, const char *in);

static void refuse(encoder *e)
{
    if (e->err == KC_OK)
        e->err = KC_E_INVALID_ARGUMENT;
}

/* kci_buf_take, without a call where there is room, which is nearly always. */
static inline uint8_t *take(kci_buf *out, size_t n)
{
    if (out->failed || n > out->cap - out->size)
        return kci_buf_take(out, n);
    uint8_t *p = out->data + out->size;
    out->size += n;
    return p;
}

static inline void put8(kci_buf *out, uint8_t v)
{
    uint8_t *p = take(out, 1);
    if (p)
        *p = v;
}

static inline void put16(kci_buf *out, uint16_t v)
{
    uint8_t *p = take(out, 2);
    if (p)
        kci_store16(p, v);
}

static inline void put32(kci_buf *out, uint32_t v)
{
    uint8_t *p = take(out, 4);
    if (p)
        kci_store32(p, v);
}

static inline void put_uvarint(kci_buf *out, uint64_t v)
{
    if (v < 0x80)
        put8(out, (uint8_t)v);
    else
        kci_buf_put_uvarint(out, v);
}

/* A length or count; -1 is null. */
static void put_length(encoder *e, int64_t n, kci_kind kind, bool compact)
{
    if (compact)
        put_uvarint(e->out, (uint64_t)(n + 1));
    else if (kind == KCI_STRING)
        put16(e->out, (uint16_t)n);
    else
        put32(e->out, (uint32_t)n);
}

static void add_gap(encoder *e, kc_bytes records)
{
    kci_gaps *g = e->gaps;
    if (g->count == g->cap) {
        size_t cap = g->cap ? g->cap * 2 : 8;
        kci_gap *list = kci_realloc_array(g->list, cap, sizeof *list);
        if (!list) {
            e->err = KC_E_NO_MEMORY;
            return;
        }
        g->list = list;
        g->cap = cap;
    }
    g->list[g->count++] = (kci_gap){ e->out->size, records };
}

static void write_bytes(encoder *e, kci_kind kind, bool compact, bool nullable, kc_bytes b)
{
    bool gap = kind == KCI_RECORDS && e->gaps;
    bool null = !b.data && !(gap && b.size > 0);
    size_t most = kind == KCI_STRING ? INT16_MAX : INT32_MAX;
    if (b.size > most || (null && (b.size > 0 || !nullable))) {
        refuse(e);
        return;
    }
    put_length(e, null ? -1 : (int64_t)b.size, kind, compact);
    if (null)
        return;
    if (gap)
        add_gap(e, b);
    else
        kci_buf_put(e->out, b.data, b.size);
}

/* A value without length prefix. */
static inline void write_number(encoder *e, kci_kind kind, const char *in)
{
    size_t size = kci_value_size(kind);
    uint8_t *p = take(e->out, size);
    if (!p)
        return;
    if (size == 4)
        kci_store32(p, kci_get_as_uint32(in));
    else if (size == 8)
        kci_store64(p, kci_get_as_uint64(in));
    else if (size == 2)
        kci_store16(p, kci_get_as_uint16(in));
    else if (size == 1)
        *p = *(const uint8_t *)in;
    else
        memcpy(p, in, sizeof(kc_uuid));
}

static void write_element(encoder *e, const kci_field *f, bool compact, const char *in)
{
    if (f->kind == KCI_STRUCT)
        write_struct(e, f->msg, in);
    else if (kci_is_bytes(f->kind))
        write_bytes(e, f->kind, compact, false, *(const kc_bytes *)(const void *)in);
    else
        write_number(e, f->kind, in);
}

static void write_array(encoder *e, const kci_field *f, bool compact, const char *in)
{
    const char *data;
    int32_t count = kci_array_get(in, &data);
    bool null_allowed = kci_in_versions(f->nullable, e->version);
    if (count < -1 || (count == -1 && !null_allowed) || (count > 0 && !data)) {
        refuse(e);
        return;
    }
    put_length(e, count, KCI_STRUCT, compact);
    size_t size = kci_element_size(f);
    for (int32_t i = 0; i < count && e->err == KC_OK; i++, data += size)
        write_element(e, f, compact, data);
}

static void write_struct_pointer(encoder *e, const kci_field *f, const char *in)
{
    const char *data;
    memcpy(&data, in, sizeof data);
    bool null_allowed = kci_in_versions(f->nullable, e->version);
    if (!data && !null_allowed) {
        refuse(e);
        return;
    }
    if (null_allowed)
        put8(e->out, data ? 1 : 0xff);
    if (data)
        write_struct(e, f->msg, data);
}

static void write_field(encoder *e, const kci_field *f, const char *in)
{
    bool compact = e->flexible && !(f->flags & KCI_FIELD_CLASSIC);
    if (f->flags & KCI_FIELD_ARRAY)
        write_array(e, f, compact, in);
    else if (f->kind == KCI_STRUCT && kci_is_pointer(f))
        write_struct_pointer(e, f, in);
    else if (f->kind == KCI_STRUCT)
        write_struct(e, f->msg, in);
    else if (kci_is_bytes(f->kind))
        write_bytes(e, f->kind, compact, kci_in_versions(f->nullable, e->version),
                    *(const kc_bytes *)(const void *)in);
    else
        write_number(e, f->kind, in);
}

static bool field_is_default(const kci_field *f, const char *in, const char *def);

/* Whether every field of a struct has its default, in whatever version it is carried. */
static bool struct_is_default(const kci_msg *msg, const char *in)
{
    const char *def = msg->defaults;
    if (memcmp(in, def, msg->size) == 0)
        return true; /* the usual case; padding or pointers may differ, so it is not the only one */
    const kci_field *f = msg->fields;
    for (size_t i = 0; i < (size_t)msg->plain + msg->tagged; i++, f++)
        if (!field_is_default(f, in + f->offset, def + f->offset))
            return false;
    return true;
}

static bool field_is_default(const kci_field *f, const char *in, const char *def)
{
    if (f->flags & KCI_FIELD_ARRAY) {
        const char *data;
        int32_t count = kci_array_get(in, &data);
        return count <= 0 && count == kci_array_get(def, &data);
    }
    if (f->kind == KCI_STRUCT && !kci_is_pointer(f))
        return struct_is_default(f->msg, in);
    if (kci_is_bytes(f->kind))
        return kci_bytes_equal(*(const kc_bytes *)(const void *)in,
                               *(const kc_bytes *)(const void *)def);
    return memcmp(in, def, f->kind == KCI_STRUCT ? sizeof(void *) : kci_value_size(f->kind)) == 0;
}

/* Puts the size of what was written since `start` before it. */
static void insert_size(encoder *e, size_t start)
{
    size_t size = e->out->size - start;
    put_uvarint(e->out, size);
    if (e->out->failed)
        return;
    uint8_t prefix[10];
    size_t n = e->out->size - start - size;
    uint8_t *data = e->out->data + start;
    memcpy(prefix, data + size, n);
    memmove(data + n, data, size);
    memcpy(data, prefix, n);
}

/* Which tagged fields are to be written, a bit each. */
static uint32_t wanted_tags(const encoder *e, const kci_msg *msg, const char *in)
{
    const char *def = msg->defaults;
    const kci_field *f = msg->fields + msg->plain;
    uint32_t wanted = 0;
    for (size_t i = 0; i < msg->tagged; i++, f++)
        if (kci_in_versions(f->versions, e->version) &&
            !field_is_default(f, in + f->offset, def + f->offset))
            wanted |= 1u << i;
    return wanted;
}

static void write_tags(encoder *e, const kci_msg *msg, const char *in)
{
    uint32_t wanted = wanted_tags(e, msg, in);
    put_uvarint(e->out, (unsigned)__builtin_popcount(wanted));

    const kci_field *f = msg->fields + msg->plain;
    for (; wanted && e->err == KC_OK; wanted >>= 1, f++) {
        if (!(wanted & 1))
            continue;
        put_uvarint(e->out, (uint64_t)f->tag);
        size_t start = e->out->size;
        write_field(e, f, in + f->offset);
        insert_size(e, start);
    }
}

static void write_struct(encoder *e, const kci_msg *msg, const char *in)
{
    const kci_field *f = msg->fields;
    for (size_t i = 0; i < msg->plain && e->err == KC_OK; i++, f++) {
        if (!kci_in_versions(f->versions, e->version))
            continue;
        if (kci_is_number(f->kind) && !f->flags)
            write_number(e, f->kind, in + f->offset);
        else
            write_field(e, f, in + f->offset);
    }
    if (e->flexible && e->err == KC_OK)
        write_tags(e, msg, in);
}

kc_err kci_encode(const kci_msg *msg, int16_t version, const void *in, kci_buf *out, kci_gaps *gaps)
{
    if (version < msg->versions.first || version > msg->versions.last)
        return KC_E_INVALID_ARGUMENT;

    size_t size = out->size, count = gaps ? gaps->count : 0;
    encoder e = { out, gaps, (uint8_t)version, version >= msg->flexible, KC_OK };
    write_struct(&e, msg, in);
    if (out->failed)
        e.err = KC_E_NO_MEMORY;
    if (e.err != KC_OK) {
        out->size = size;
        if (gaps)
            gaps->count = count;
    }
    return e.err;
}

void kci_gaps_free(kci_gaps *gaps)
{
    kci_free(gaps->list);
    *gaps = (kci_gaps){ 0 };
}
