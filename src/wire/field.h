/* SPDX-License-Identifier: Apache-2.0 */
/* How the fields of generated structs lie in memory: what decode.c and encode.c share. */
#ifndef WIRE_FIELD_H
#define WIRE_FIELD_H

#include "wire/codec.h"

_Static_assert(sizeof(bool) == 1 && sizeof(double) == 8, "as numbers of the wire");

static inline bool kci_in_versions(kci_versions range, uint8_t version)
{
    return version >= range.first && version <= range.last;
}

static inline bool kci_is_bytes(kci_kind kind)
{
    return kind == KCI_STRING || kind == KCI_BYTES || kind == KCI_RECORDS;
}

/* Of a fixed size on the wire: bool and uuid included. */
static inline bool kci_is_number(kci_kind kind)
{
    return kind < KCI_STRING;
}

/* Whether a struct field is held by pointer: those that are nullable in some version. */
static inline bool kci_is_pointer(const kci_field *f)
{
    return f->nullable.first <= f->nullable.last;
}

/* Size in memory of a value that is not a struct. */
static inline size_t kci_value_size(kci_kind kind)
{
    static const uint8_t sizes[] = {
        [KCI_BOOL] = sizeof(bool),
        [KCI_INT8] = 1,
        [KCI_INT16] = 2,
        [KCI_UINT16] = 2,
        [KCI_INT32] = 4,
        [KCI_UINT32] = 4,
        [KCI_INT64] = 8,
        [KCI_FLOAT64] = 8,
        [KCI_UUID] = 16,
        [KCI_STRING] = sizeof(kc_bytes),
        [KCI_BYTES] = sizeof(kc_bytes),
        [KCI_RECORDS] = sizeof(kc_bytes),
    };
    return sizes[kind];
}

/* Least bytes on the wire of a value that is not a struct. */
static inline size_t kci_value_min_size(kci_kind kind, bool compact)
{
    if (kind == KCI_STRING)
        return compact ? 1 : 2;
    if (kind == KCI_BYTES || kind == KCI_RECORDS)
        return compact ? 1 : 4;
    return kci_value_size(kind);
}

/* Size in memory of an element of an array, or of the field itself. */
static inline size_t kci_element_size(const kci_field *f)
{
    return f->kind == KCI_STRUCT ? f->msg->size : kci_value_size(f->kind);
}

/* Numbers of a size, whether signed, unsigned or floating. */
static inline void kci_put_as_uint16(void *out, uint16_t v)
{
    memcpy(out, &v, sizeof v);
}

static inline void kci_put_as_uint32(void *out, uint32_t v)
{
    memcpy(out, &v, sizeof v);
}

static inline void kci_put_as_uint64(void *out, uint64_t v)
{
    memcpy(out, &v, sizeof v);
}

static inline uint16_t kci_get_as_uint16(const void *in)
{
    uint16_t v;
    memcpy(&v, in, sizeof v);
    return v;
}

static inline uint32_t kci_get_as_uint32(const void *in)
{
    uint32_t v;
    memcpy(&v, in, sizeof v);
    return v;
}

static inline uint64_t kci_get_as_uint64(const void *in)
{
    uint64_t v;
    memcpy(&v, in, sizeof v);
    return v;
}

/* An array in a struct: struct { T *data; int32_t count; }. Copied, since T differs. */
static inline void kci_array_set(void *out, void *data, int32_t count)
{
    memcpy(out, &data, sizeof data);
    memcpy((char *)out + sizeof data, &count, sizeof count);
}

static inline int32_t kci_array_get(const void *in, const char **data)
{
    int32_t count;
    memcpy(data, in, sizeof *data);
    memcpy(&count, (const char *)in + sizeof *data, sizeof count);
    return count;
}

#endif
