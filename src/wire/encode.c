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

/* A length or count; -1 is null. */
static void put_length(encoder *e, int64_t n, kci_kind kind, bool compact)
{
    if (compact)
        kci_buf_put_uvarint(e->out, (uint64_t)(n + 1));
    else if (kind == KCI_STRING)
        kci_buf_put16(e->out, (uint16_t)n);
    else
        kci_buf_put32(e->out, (uint32_t)n);
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

/* One value that is neither array nor struct. */
static void write_value(encoder *e, kci_kind kind, bool compact, bool nullable, const char *in)
{
    switch (kind) {
    case KCI_BOOL:
        kci_buf_put8(e->out, *(const bool *)in);
        break;
    case KCI_INT8:
        kci_buf_put8(e->out, *(const uint8_t *)in);
        break;
    case KCI_INT16:
    case KCI_UINT16:
        kci_buf_put16(e->out, kci_get_as_uint16(in));
        break;
    case KCI_INT32:
    case KCI_UINT32:
        kci_buf_put32(e->out, kci_get_as_uint32(in));
        break;
    case KCI_INT64:
    case KCI_FLOAT64:
        kci_buf_put64(e->out, kci_get_as_uint64(in));
        break;
    case KCI_UUID:
        kci_buf_put(e->out, in, sizeof(kc_uuid));
        break;
    case KCI_STRING:
    case KCI_BYTES:
    case KCI_RECORDS:
        write_bytes(e, kind, compact, nullable, *(const kc_bytes *)(const void *)in);
        break;
    case KCI_STRUCT:
        refuse(e);
        break;
    }
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
    for (int32_t i = 0; i < count && e->err == KC_OK; i++, data += size) {
        if (f->kind == KCI_STRUCT)
            write_struct(e, f->msg, data);
        else
            write_value(e, f->kind, compact, false, data);
    }
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
        kci_buf_put8(e->out, data ? 1 : 0xff);
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
    else
        write_value(e, f->kind, compact, kci_in_versions(f->nullable, e->version), in);
}

static bool field_is_default(const kci_field *f, const char *in, const char *def);

/* Whether every field of a struct has its default, in whatever version it is carried. */
static bool struct_is_default(const kci_msg *msg, const char *in)
{
    const char *def = msg->defaults;
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

static bool tag_is_wanted(const encoder *e, const kci_msg *msg, const kci_field *f, const char *in)
{
    const char *def = msg->defaults;
    return kci_in_versions(f->versions, e->version) &&
           !field_is_default(f, in + f->offset, def + f->offset);
}

/* Puts the size of what was written since `start` before it. */
static void insert_size(encoder *e, size_t start)
{
    size_t size = e->out->size - start;
    kci_buf_put_uvarint(e->out, size);
    if (e->out->failed)
        return;
    uint8_t prefix[10];
    size_t n = e->out->size - start - size;
    uint8_t *data = e->out->data + start;
    memcpy(prefix, data + size, n);
    memmove(data + n, data, size);
    memcpy(data, prefix, n);
}

static void write_tags(encoder *e, const kci_msg *msg, const char *in)
{
    const kci_field *tags = msg->fields + msg->plain;
    uint32_t count = 0;
    for (size_t i = 0; i < msg->tagged; i++)
        count += tag_is_wanted(e, msg, &tags[i], in);
    kci_buf_put_uvarint(e->out, count);

    for (const kci_field *f = tags; count > 0 && e->err == KC_OK; f++) {
        if (!tag_is_wanted(e, msg, f, in))
            continue;
        count--;
        kci_buf_put_uvarint(e->out, (uint64_t)f->tag);
        size_t start = e->out->size;
        write_field(e, f, in + f->offset);
        insert_size(e, start);
    }
}

static void write_struct(encoder *e, const kci_msg *msg, const char *in)
{
    const kci_field *f = msg->fields;
    for (size_t i = 0; i < msg->plain && e->err == KC_OK; i++, f++)
        if (kci_in_versions(f->versions, e->version))
            write_field(e, f, in + f->offset);
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
