/* SPDX-License-Identifier: Apache-2.0 */
/* Big-endian loads and stores, and comparisons of kc_bytes. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <endian.h>
#include <string.h>

#include <kclient/types.h>

static inline uint16_t kci_load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return be16toh(v);
}

static inline uint32_t kci_load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

static inline uint64_t kci_load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return be64toh(v);
}

static inline void kci_store16(uint8_t *p, uint16_t v)
{
    v = be16toh(v);
    memcpy(p, &v, sizeof v);
}

static inline void kci_store32(uint8_t *p, uint32_t v)
{
    v = be32toh(v);
    memcpy(p, &v, sizeof v);
}

static inline void kci_store64(uint8_t *p, uint64_t v)
{
    v = be64toh(v);
    memcpy(p, &v, sizeof v);
}

/* Same length, same bytes; null equals only null. */
static inline bool kci_bytes_equal(kc_bytes a, kc_bytes b)
{
    if ((a.data == NULL) != (b.data == NULL) || a.size != b.size)
        return false;
    return a.size == 0 || memcmp(a.data, b.data, a.size) == 0;
}

static inline bool kci_uuid_is_zero(const kc_uuid *u)
{
    static const kc_uuid zero;
    return memcmp(u, &zero, sizeof zero) == 0;
}

static inline bool kci_uuid_equal(const kc_uuid *a, const kc_uuid *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

#endif
