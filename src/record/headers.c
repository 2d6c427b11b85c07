/* SPDX-License-Identifier: Apache-2.0 */
/* Record headers, both ways: the encoded form is a varint length and the name, a varint length (-1:
 * null) and the value, as often as the record's header count says. Used by writer.h's inline
 * functions, by the reader, and by applications through kclient/record.h. */
#include "record/headers.h"

#include "base/bytes.h"
#include "base/varint.h"
#include "record/writer.h"

size_t kci_headers_bound(const kc_header *headers, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++) {
        if (!headers[i].name.data || headers[i].name.size > INT32_MAX / 4 ||
            headers[i].value.size > INT32_MAX / 4)
            return SIZE_MAX;
        size += 2 * KCI_VARINT_MAX + headers[i].name.size + headers[i].value.size;
        if (size > INT32_MAX / 4)
            return SIZE_MAX;
    }
    return size;
}

static size_t bytes_size(kc_bytes b)
{
    return b.data ? kci_varint_size((int32_t)b.size) + b.size : 1;
}

size_t kci_headers_size(const kc_header *headers, size_t n)
{
    size_t size = 0;
    for (size_t i = 0; i < n; i++)
        size += bytes_size(headers[i].name) + bytes_size(headers[i].value);
    return size;
}

uint8_t *kci_headers_put(uint8_t *p, const kc_header *headers, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p = kci_record_put_bytes(p, headers[i].name);
        p = kci_record_put_bytes(p, headers[i].value);
    }
    return p;
}

/* Length and bytes; negative lengths are null. NULL when it does not fit. */
static const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, kc_bytes *out)
{
    int32_t size;
    p = kci_get_varint(p, end, &size);
    if (!p)
        return NULL;
    if (size < 0) {
        *out = kc_mem(NULL, 0);
        return p;
    }
    if (size > end - p)
        return NULL;
    *out = kc_mem(p, (size_t)size);
    return p + size;
}

const uint8_t *kci_header_get(const uint8_t *p, const uint8_t *end, kc_header *out)
{
    p = get_bytes(p, end, &out->name);
    if (!p || !out->name.data)
        return NULL;
    return get_bytes(p, end, &out->value);
}

bool kci_headers_valid(const uint8_t *p, const uint8_t *end, int32_t count)
{
    kc_header h;
    if (count < 0 || count > (end - p) / 2)
        return false;
    for (; count > 0 && p; count--)
        p = kci_header_get(p, end, &h);
    return p == end;
}

kc_err kc_record_headers(const kc_record *record, kc_header *out, size_t cap, size_t *count)
{
    if (!record || !count || (!out && cap > 0))
        return KC_E_INVALID_ARGUMENT;
    const uint8_t *p = record->headers_data;
    const uint8_t *end = p + record->headers_size;

    *count = 0;
    if (record->header_count == 0)
        return KC_OK;
    if (!p || !kci_headers_valid(p, end, record->header_count))
        return KC_E_INVALID_ARGUMENT;
    *count = (size_t)record->header_count;
    for (size_t i = 0; i < cap && i < *count; i++)
        p = kci_header_get(p, end, &out[i]);
    return KC_OK;
}

bool kc_record_header_get(const kc_record *record, kc_bytes name, kc_bytes *value)
{
    if (!record || !value)
        return false;
    const uint8_t *p = record->headers_data;
    const uint8_t *end = p + record->headers_size;
    bool found = false;

    for (int32_t i = 0; i < record->header_count && p; i++) {
        kc_header h;
        p = kci_header_get(p, end, &h);
        if (p && kci_bytes_equal(h.name, name)) {
            *value = h.value;
            found = true;
        }
    }
    return found;
}
