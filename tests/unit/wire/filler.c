/* SPDX-License-Identifier: Apache-2.0 */
#include "filler.h"

#include <stdlib.h>

#include "wire/field.h"
#include "wire/tables.h"

static uint64_t next_random(filler *f)
{
    f->state ^= f->state << 13;
    f->state ^= f->state >> 7;
    f->state ^= f->state << 17;
    return f->state;
}

static void *take(filler *f, size_t size)
{
    void *p = kci_arena_alloc(f->arena, size);
    if (!p)
        abort();
    return p;
}

static kc_bytes random_bytes(filler *f)
{
    size_t n = next_random(f) % 12;
    uint8_t *p = take(f, n);
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)next_random(f);
    return kc_mem(p, n);
}

static void fill_struct(filler *f, const kci_msg *msg, char *out);

static void fill_value(filler *f, const kci_field *field, char *out)
{
    if (field->kind == KCI_STRUCT) {
        fill_struct(f, field->msg, out);
    } else if (kci_is_bytes(field->kind)) {
        kc_bytes b = random_bytes(f);
        memcpy(out, &b, sizeof b);
    } else if (field->kind == KCI_BOOL) {
        *(bool *)out = next_random(f) & 1;
    } else if (field->kind == KCI_FLOAT64) {
        double v = (double)next_random(f);
        memcpy(out, &v, sizeof v);
    } else {
        for (size_t i = 0; i < kci_value_size(field->kind); i++)
            out[i] = (char)next_random(f);
    }
}

static void fill_array(filler *f, const kci_field *field, bool null, char *out)
{
    int32_t count = null ? -1 : f->nulls ? 0 : (int32_t)(1 + next_random(f) % 2);
    size_t size = kci_element_size(field);
    char *data = count > 0 ? take(f, (size_t)count * size) : NULL;
    for (int32_t i = 0; i < count; i++)
        fill_value(f, field, data + (size_t)i * size);
    kci_array_set(out, data, count);
}

static void fill_field(filler *f, const kci_field *field, char *out)
{
    bool null = f->nulls && kci_in_versions(field->nullable, f->version);
    bool array = field->flags & KCI_FIELD_ARRAY;
    if (array) {
        fill_array(f, field, null, out);
    } else if (field->kind == KCI_STRUCT && kci_is_pointer(field)) {
        char *data = null ? NULL : take(f, field->msg->size);
        memcpy(out, &data, sizeof data);
        if (data)
            fill_struct(f, field->msg, data);
    } else if (null) {
        memset(out, 0, sizeof(kc_bytes));
    } else {
        fill_value(f, field, out);
    }
}

static void fill_struct(filler *f, const kci_msg *msg, char *out)
{
    kci_msg_init(msg, out);
    for (size_t i = 0; i < (size_t)msg->plain + msg->tagged; i++)
        if (kci_in_versions(msg->fields[i].versions, f->version))
            fill_field(f, &msg->fields[i], out + msg->fields[i].offset);
}

void fill_message(filler *f, const kci_msg *msg, void *out)
{
    fill_struct(f, msg, out);
}

void for_each_message(message_visitor *visit)
{
    for (size_t i = 0; i < kci_msg_table_size; i++)
        for (int v = kci_msg_table[i]->versions.first; v <= kci_msg_table[i]->versions.last; v++)
            visit(kci_msg_table[i], (int16_t)v);
}
