/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/encode.h"

#include "base/bytes.h"
#include "wire/field.h"

enum { UNKNOWN_TAG = 77 };

typedef struct encoder {
    uint8_t version;
    const host_lie *lie;
} encoder;

static void put_struct(const encoder *e, const kci_msg *msg, const char *in, kci_buf *out);

static bool lies_in_field(const encoder *e, host_lie_kind kind, const kci_field *f, const void *at)
{
    return e->lie->kind == kind && e->lie->at == at && e->lie->field == f;
}

static void put_length(kci_kind kind, bool compact, int64_t n, kci_buf *out)
{
    if (compact)
        kci_buf_put_uvarint(out, (uint64_t)n + 1);
    else if (kind == KCI_STRING)
        kci_buf_put16(out, (uint16_t)n);
    else
        kci_buf_put32(out, (uint32_t)n);
}

static void put_number(kci_kind kind, const char *in, kci_buf *out)
{
    switch (kci_value_size(kind)) {
    case 1:
        kci_buf_put8(out, *(const uint8_t *)in);
        break;
    case 2:
        kci_buf_put16(out, kci_get_as_uint16(in));
        break;
    case 4:
        kci_buf_put32(out, kci_get_as_uint32(in));
        break;
    case 8:
        kci_buf_put64(out, kci_get_as_uint64(in));
        break;
    default:
        kci_buf_put(out, in, 16);
    }
}

/* A value that is no struct. */
static void put_value(const encoder *e, const kci_field *f, bool compact, const char *in,
                      kci_buf *out)
{
    if (!kci_is_bytes(f->kind)) {
        if (lies_in_field(e, HOST_LIE_BYTE, f, in))
            kci_buf_put8(out, (uint8_t)e->lie->value);
        else
            put_number(f->kind, in, out);
        return;
    }
    const kc_bytes *b = (const void *)in;
    int64_t length = b->data ? (int64_t)b->size : -1;
    if (lies_in_field(e, HOST_LIE_LENGTH, f, in))
        length = e->lie->value;
    put_length(f->kind, compact, length, out);
    if (b->size)
        kci_buf_put(out, b->data, b->size);
}

static void put_array(const encoder *e, const kci_field *f, bool compact, const char *in,
                      kci_buf *out)
{
    const char *data;
    int32_t count = kci_array_get(in, &data);
    bool lies = lies_in_field(e, HOST_LIE_LENGTH, f, in);
    put_length(KCI_STRUCT, compact, lies ? e->lie->value : count, out);
    for (int32_t i = 0; i < count; i++, data += kci_element_size(f)) {
        if (f->kind == KCI_STRUCT)
            put_struct(e, f->msg, data, out);
        else
            put_value(e, f, compact, data, out);
    }
}

static void put_field(const encoder *e, const kci_msg *msg, const kci_field *f, const char *in,
                      kci_buf *out)
{
    bool compact = e->version >= msg->flexible && !(f->flags & KCI_FIELD_CLASSIC);
    if (f->flags & KCI_FIELD_ARRAY) {
        put_array(e, f, compact, in, out);
    } else if (f->kind == KCI_STRUCT && kci_is_pointer(f)) {
        const char *pointed;
        memcpy(&pointed, in, sizeof pointed);
        if (kci_in_versions(f->nullable, e->version) || !pointed)
            kci_buf_put8(out, pointed ? 1 : 0xff);
        if (pointed)
            put_struct(e, f->msg, pointed, out);
    } else if (f->kind == KCI_STRUCT) {
        put_struct(e, f->msg, in, out);
    } else {
        put_value(e, f, compact, in, out);
    }
}

static bool is_default(const kci_field *f, const char *in, const char *def);

static bool struct_is_default(const kci_msg *msg, const char *in)
{
    const char *def = msg->defaults;
    for (size_t i = 0; i < (size_t)msg->plain + msg->tagged; i++) {
        const kci_field *f = &msg->fields[i];
        if (!is_default(f, in + f->offset, def + f->offset))
            return false;
    }
    return true;
}

static bool is_default(const kci_field *f, const char *in, const char *def)
{
    const char *data;
    if (f->flags & KCI_FIELD_ARRAY)
        return kci_array_get(in, &data) == kci_array_get(def, &data);
    if (f->kind == KCI_STRUCT && !kci_is_pointer(f))
        return struct_is_default(f->msg, in);
    if (f->kind == KCI_STRUCT) /* a pointer; its default is null */
        return memcmp(in, def, sizeof(void *)) == 0;
    if (!kci_is_bytes(f->kind))
        return memcmp(in, def, kci_value_size(f->kind)) == 0;
    const kc_bytes *a = (const void *)in, *b = (const void *)def;
    return !a->data == !b->data && a->size == 0 && b->size == 0;
}

/* Tagged fields are left out at their default, unless the lie is about them. */
static bool is_left_out(const encoder *e, const kci_msg *msg, const kci_field *f, const char *in)
{
    const char *at = in + f->offset, *lie = e->lie->at;
    if (!kci_in_versions(f->versions, e->version))
        return true;
    bool lies = e->lie->kind != HOST_TRUTH && lie >= at && lie < at + kci_element_size(f);
    return !lies && is_default(f, at, (const char *)msg->defaults + f->offset);
}

static void put_tag(uint64_t tag, uint64_t size, const void *data, size_t n, kci_buf *out)
{
    kci_buf_put_uvarint(out, tag);
    kci_buf_put_uvarint(out, size);
    if (n)
        kci_buf_put(out, data, n);
}

/* What the lie adds to the tagged fields. */
static void put_false_tags(const host_lie *lie, kci_buf *out)
{
    if (lie->kind == HOST_LIE_TAG_SIZE)
        put_tag(UNKNOWN_TAG, (uint64_t)lie->value, "abc", 3, out);
    else if (lie->kind == HOST_LIE_TAG_KNOWN)
        put_tag((uint64_t)lie->value, 3, "\xff\xff\xff", 3, out);
    else if (lie->kind != HOST_LIE_TAG_COUNT)
        put_tag(UNKNOWN_TAG, 3, "abc", 3, out);
    if (lie->kind == HOST_LIE_TAG_TWICE)
        put_tag(UNKNOWN_TAG, 3, "abc", 3, out);
}

static void put_tags(const encoder *e, const kci_msg *msg, const char *in, kci_buf *out)
{
    const kci_field *tagged = msg->fields + msg->plain;
    const host_lie *lie = e->lie;
    bool lies = lie->kind >= HOST_LIE_TAG_NEW && lie->at == in && lie->msg == msg;
    uint64_t count = 0;
    for (int i = 0; i < msg->tagged; i++)
        count += !is_left_out(e, msg, &tagged[i], in);
    if (lies && lie->kind == HOST_LIE_TAG_COUNT)
        count = (uint64_t)lie->value;
    else if (lies)
        count += lie->kind == HOST_LIE_TAG_TWICE ? 2 : 1;
    kci_buf_put_uvarint(out, count);
    for (int i = 0; i < msg->tagged; i++) {
        if (is_left_out(e, msg, &tagged[i], in))
            continue;
        kci_buf body = { 0 };
        put_field(e, msg, &tagged[i], in + tagged[i].offset, &body);
        put_tag((uint64_t)tagged[i].tag, body.size, body.data, body.size, out);
        kci_buf_free(&body);
    }
    if (lies)
        put_false_tags(lie, out);
}

static void put_struct(const encoder *e, const kci_msg *msg, const char *in, kci_buf *out)
{
    for (int i = 0; i < msg->plain; i++) {
        const kci_field *f = &msg->fields[i];
        if (kci_in_versions(f->versions, e->version))
            put_field(e, msg, f, in + f->offset, out);
    }
    if (e->version >= msg->flexible)
        put_tags(e, msg, in, out);
}

void host_encode(const kci_msg *msg, int16_t version, const void *in, const host_lie *lie,
                 kci_buf *out)
{
    encoder e = { (uint8_t)version, lie };
    put_struct(&e, msg, in, out);
}
