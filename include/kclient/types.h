/* SPDX-License-Identifier: Apache-2.0 */
/* Plain types that every other header of libkclient uses, and what holds for all of them.
 *
 * Structs that begin with `size` may grow at their end in later versions; a program sets size to
 * sizeof as it was compiled, by the struct's KC_..._INIT constant or by its kc_..._init function,
 * which other languages can call:
 *
 *     kc_producer_options options = KC_PRODUCER_OPTIONS_INIT;
 *     kc_producer_options_init(&options, sizeof options);
 *
 * The library takes structs of older programs (what they do not have gets its default) and of newer
 * ones (if what it does not know is zero), and never writes beyond the size that it was given. Other
 * sizes are refused. In arrays of such structs every entry has the size of the first. Structs
 * without `size` will not change.
 *
 * NULL as a handle or as a place for a result: functions that return kc_err, or an error as a
 * negative number, give KC_E_INVALID_ARGUMENT; counts and sizes are 0, other numbers -1, pointers
 * NULL, bool false; frees and others without a result do nothing. Where an argument may be NULL its function says so;
 * `detail` always may. */
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
