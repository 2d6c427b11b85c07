/* SPDX-License-Identifier: Apache-2.0 */
/* Plain types that every other header of libkclient uses. */
#ifndef KCLIENT_TYPES_H
#define KCLIENT_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef __cplusplus
#define KC_BEGIN extern "C" {
#define KC_END   }
#else
#define KC_BEGIN
#define KC_END
#endif

/* Marks what the shared library exports. */
#define KC_API __attribute__((visibility("default")))

KC_BEGIN

/* Borrowed bytes: a pointer and a length. data NULL means null (Kafka's null), which is not the
 * same as empty (data not NULL, size 0). Not NUL-terminated. */
typedef struct kc_bytes {
    const uint8_t *data;
    size_t size;
} kc_bytes;

/* A topic id (KIP-516). All bytes zero: no id. */
typedef struct kc_uuid {
    uint8_t bytes[16];
} kc_uuid;

/* The bytes of a NUL-terminated string, without the NUL; null for NULL. Borrows s. */
static inline kc_bytes kc_str(const char *s)
{
    kc_bytes b = { (const uint8_t *)s, s ? strlen(s) : 0 };
    return b;
}

/* Bytes by pointer and length. Borrows data. */
static inline kc_bytes kc_mem(const void *data, size_t size)
{
    kc_bytes b = { (const uint8_t *)data, size };
    return b;
}

KC_END

#endif
