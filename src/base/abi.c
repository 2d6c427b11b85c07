/* SPDX-License-Identifier: Apache-2.0 */
#include "base/abi.h"

#include <string.h>

#include "base/err.h"

/* No struct will ever be so much larger than it is now: such a size was never set. */
enum { GROWTH_MOST = 4096 };

static uint32_t size_of(const void *of)
{
    uint32_t size;
    memcpy(&size, of, sizeof size);
    return size;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static bool is_zero(const uint8_t *at, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != 0)
            return false;
    }
    return true;
}

static kc_err check_size(const kci_abi *abi, uint32_t size, kc_error *detail)
{
    if (size >= abi->least && size <= abi->size + GROWTH_MOST)
        return KC_OK;
    return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                    "%s.size is %u, which no version of the struct has: begin with %s", abi->name,
                    (unsigned)size, abi->init);
}

kc_err kci_abi_take(const kci_abi *abi, const void *from, void *to, kc_error *detail)
{
    uint32_t size = size_of(from), known = smaller(size, abi->size);
    kc_err err = check_size(abi, size, detail);
    if (err != KC_OK)
        return err;
    if (!is_zero((const uint8_t *)from + known, size - known))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "%s has %u bytes, of which this library knows the first %u, and one of the "
                        "others is not zero: leave the newer fields alone, or use a newer "
                        "libkclient",
                        abi->name, (unsigned)size, (unsigned)abi->size);
    if (abi->reserved && !is_zero((const uint8_t *)from + abi->reserved, sizeof(uint32_t)))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "%s.reserved is not 0: begin with %s, and leave it alone", abi->name,
                        abi->init);
    memcpy(to, abi->defaults, abi->size);
    memcpy(to, from, known);
    memcpy(to, &abi->size, sizeof abi->size);
    return KC_OK;
}

kc_err kci_abi_take_at(const kci_abi *abi, const void *array, size_t index, void *to,
                       kc_error *detail)
{
    uint32_t stride = size_of(array);
    kc_err err = check_size(abi, stride, detail);
    if (err != KC_OK)
        return err;
    const char *entry = (const char *)array + index * stride;
    if (size_of(entry) != stride)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "entry %zu of an array of %s has size %u and the first one %u: begin each "
                        "with %s",
                        index, abi->name, (unsigned)size_of(entry), (unsigned)stride, abi->init);
    return kci_abi_take(abi, entry, to, detail);
}

kc_err kci_abi_check_out(const kci_abi *abi, const void *out, kc_error *detail)
{
    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "no %s to fill in: out is NULL", abi->name);
    return check_size(abi, size_of(out), detail);
}

bool kci_abi_give(const kci_abi *abi, const void *from, void *out)
{
    if (kci_abi_check_out(abi, out, NULL) != KC_OK)
        return false;
    uint32_t size = size_of(out), known = smaller(size, abi->size);
    memcpy(out, from, known);
    memcpy(out, &size, sizeof size);
    memset((char *)out + known, 0, size - known);
    return true;
}

void kci_abi_init(const kci_abi *abi, void *out, size_t size)
{
    uint32_t whole = (uint32_t)size;
    if (!out || size > UINT32_MAX || check_size(abi, whole, NULL) != KC_OK)
        return;
    uint32_t known = smaller(whole, abi->size);
    memcpy(out, abi->defaults, known);
    memset((char *)out + known, 0, size - known);
    memcpy(out, &whole, sizeof whole);
}
