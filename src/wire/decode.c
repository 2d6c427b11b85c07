/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter that reads messages. It recurses as deep as the schema nests, whatever the input
 * says; every count is checked against the bytes that remain before memory is asked for. */
#include "base/mem.h"
#include "wire/codec.h"
#include "wire/field.h"

typedef struct decoder {
    kci_reader in;
    kci_arena *arena;
    uint8_t version;
    bool flexible;
    kc_err err; /* other than malformed input, which is in.bad */
} decoder;

static void read_struct(decoder *d, const kci_msg *msg, char *out);

static void *allocate(decoder *d, size_t n, size_t size)
{
    void *p = d->arena ? kci_arena_array(d->arena, n, size) : NULL;
    if (p)
        return p;
    d->err = !d->arena              ? KC_E_INVALID_ARGUMENT
             : d->arena->over_limit ? KC_E_PROTOCOL
                                    : KC_E_NO_MEMORY;
    d->in.bad = true;
    return NULL;
}

static void read_bytes(decoder *d, kci_kind kind, bool compact, bool nullable, char *out)
{
    kc_bytes b;
    if (kind == KCI_STRING)
        b = compact ? kci_rd_compact_string(&d->in) : kci_rd_string(&d->in);
    else
        b = compact ? kci_rd_compact_bytes(&d->in) : kci_rd_bytes(&d->in);
    if (!b.data && !nullable)
        d->in.bad = true;
    memcpy(out, &b, sizeof b);
}

/* A number of this size in the host's order; uuids stay as they are. */
static inline void load_number(const uint8_t *p, size_t size, char *out)
{
    if (size == 4)
        kci_put_as_uint32(out, kci_load32(p));
    else if (size == 8)
        kci_put_as_uint64(out, kci_load64(p));
    else if (size == 2)
        kci_put_as_uint16(out, kci_load16(p));
    else if (size == 1)
        *out = (char)*p;
    else
        memcpy(out, p, sizeof(kc_uuid));
}

/* A value without length prefix. */
static inline void read_number(kci_reader *in, kci_kind kind, char *out)
{
    size_t size = kci_value_size(kind);
    const uint8_t *p = kci_rd_take(in, size);
    if (!p)
        return;
    if (kind == KCI_BOOL)
        *(bool *)out = *p != 0;
    else
        load_number(p, size, out);
}

static void read_element(decoder *d, const kci_field *f, bool compact, char *out)
{
    if (f->kind == KCI_STRUCT)
        read_struct(d, f->msg, out);
    else if (kci_is_bytes(f->kind))
        read_bytes(d, f->kind, compact, false, out);
    else
        read_number(&d->in, f->kind, out);
}

/* The count of an array: -1 null, -2 malformed. */
static int64_t read_count(decoder *d, const kci_field *f, bool compact)
{
    int64_t count = compact ? (int64_t)kci_rd_uvarint(&d->in) - 1 : kci_rd_int32(&d->in);
    if (d->in.bad || count < -1 || count > INT32_MAX)
        return -2;
    if (count == -1)
        return kci_in_versions(f->nullable, d->version) ? -1 : -2;
    size_t least = f->kind == KCI_STRUCT ? f->msg->min_size[d->version - f->msg->versions.first]
                                         : kci_value_min_size(f->kind, compact);
    return (uint64_t)count * least > kci_rd_left(&d->in) ? -2 : count;
}

/* An array of those, bool excepted. */
static void read_numbers(kci_reader *in, kci_kind kind, size_t count, char *out)
{
    size_t size = kci_value_size(kind);
    const uint8_t *p = kci_rd_take(in, count * size);
    for (size_t i = 0; p && i < count; i++, p += size, out += size)
        load_number(p, size, out);
}

static void read_array(decoder *d, const kci_field *f, bool compact, char *out)
{
    int64_t count = read_count(d, f, compact);
    if (count < -1)
        d->in.bad = true;
    if (count <= 0) {
        kci_array_set(out, NULL, count == 0 ? 0 : -1);
        return;
    }
    size_t size = kci_element_size(f);
    char *data = allocate(d, (size_t)count, size);
    if (!data)
        return;
    kci_array_set(out, data, (int32_t)count);
    if (f->kind != KCI_BOOL && kci_is_number(f->kind)) {
        read_numbers(&d->in, f->kind, (size_t)count, data);
        return;
    }
    for (int64_t i = 0; i < count && !d->in.bad; i++)
        read_element(d, f, compact, data + (size_t)i * size);
}

static void read_struct_pointer(decoder *d, const kci_field *f, char *out)
{
    char *data = NULL;
    if (!kci_in_versions(f->nullable, d->version) || kci_rd_int8(&d->in) >= 0)
        data = d->in.bad ? NULL : allocate(d, 1, f->msg->size);
    memcpy(out, &data, sizeof data);
    if (data)
        read_struct(d, f->msg, data);
}

static void read_field(decoder *d, const kci_field *f, char *out)
{
    bool compact = d->flexible && !(f->flags & KCI_FIELD_CLASSIC);
    if (f->flags & KCI_FIELD_ARRAY) {
        read_array(d, f, compact, out);
    } else if (f->kind == KCI_STRUCT && kci_is_pointer(f)) {
        read_struct_pointer(d, f, out);
    } else if (f->kind == KCI_STRUCT) {
        read_struct(d, f->msg, out);
    } else if (kci_is_bytes(f->kind)) {
        read_bytes(d, f->kind, compact, kci_in_versions(f->nullable, d->version), out);
    } else {
        read_number(&d->in, f->kind, out);
    }
}

static const kci_field *find_tag(const decoder *d, const kci_msg *msg, uint32_t tag)
{
    const kci_field *f = msg->fields + msg->plain;
    for (size_t i = 0; i < msg->tagged; i++, f++)
        if ((uint32_t)f->tag == tag && kci_in_versions(f->versions, d->version))
            return f;
    return NULL;
}

/* The section of tagged fields: known ones fill their whole size, unknown ones are passed over. */
static void read_tags(decoder *d, const kci_msg *msg, char *out)
{
    uint32_t count = kci_rd_uvarint(&d->in);
    for (uint32_t i = 0; i < count && !d->in.bad; i++) {
        uint32_t tag = kci_rd_uvarint(&d->in);
        uint32_t size = kci_rd_uvarint(&d->in);
        const uint8_t *start = kci_rd_take(&d->in, size);
        const kci_field *f = start ? find_tag(d, msg, tag) : NULL;
        if (!f)
            continue;

        kci_reader after = d->in;
        d->in = kci_reader_of(start, size);
        read_field(d, f, out + f->offset);
        after.bad = d->in.bad || d->in.pos != d->in.end;
        d->in = after;
    }
}

static void read_struct(decoder *d, const kci_msg *msg, char *out)
{
    memcpy(out, msg->defaults, msg->size);
    const kci_field *f = msg->fields;
    for (size_t i = 0; i < msg->plain; i++, f++) {
        if (!kci_in_versions(f->versions, d->version))
            continue;
        if (kci_is_number(f->kind) && !f->flags)
            read_number(&d->in, f->kind, out + f->offset);
        else
            read_field(d, f, out + f->offset);
        if (d->in.bad)
            return;
    }
    if (d->flexible)
        read_tags(d, msg, out);
}

/* What the arena may hold after decoding `input` bytes. */
static size_t arena_limit(const kci_arena *arena, size_t input)
{
    size_t limit;
    if (__builtin_mul_overflow(input, (size_t)KCI_DECODE_FACTOR, &limit) ||
        __builtin_add_overflow(limit, arena->total + KCI_DECODE_EXTRA, &limit))
        return SIZE_MAX;
    return limit;
}

kc_err kci_decode(const kci_msg *msg, int16_t version, kci_reader *in, kci_arena *arena, void *out)
{
    kci_msg_init(msg, out);
    if (version < msg->versions.first || version > msg->versions.last)
        return KC_E_INVALID_ARGUMENT;

    decoder d = { *in, arena, (uint8_t)version, version >= msg->flexible, KC_OK };
    size_t former = 0;
    if (arena) {
        former = arena->limit;
        arena->limit = arena_limit(arena, kci_rd_left(in));
    }
    read_struct(&d, msg, out);
    if (arena)
        arena->limit = former;

    *in = d.in;
    if (!d.in.bad)
        return KC_OK;
    kci_msg_init(msg, out);
    return d.err != KC_OK ? d.err : KC_E_PROTOCOL;
}
