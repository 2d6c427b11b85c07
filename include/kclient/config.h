/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration: Java's property names, units and defaults; librdkafka's differing names are
 * accepted as aliases. docs/CONFIGURATION.md lists every property; it is generated from the same
 * table as kc_config_property_at(). */
#ifndef KCLIENT_CONFIG_H
#define KCLIENT_CONFIG_H

#include <kclient/error.h>

KC_BEGIN

/* A set of properties. Not thread-safe; a client copies what it is given. */
typedef struct kc_config kc_config;

/* An empty set: every property has its default. NULL when out of memory. Free with kc_config_free.
 */
KC_API kc_config *kc_config_new(void);
KC_API void kc_config_free(kc_config *config); /* NULL is fine */

/* A deep copy, or NULL when out of memory. */
KC_API kc_config *kc_config_copy(const kc_config *config);

/* Sets a property from text, as in a .properties file; name and value are NUL-terminated and
 * borrowed. KC_E_UNKNOWN_PROPERTY (detail names the nearest name), KC_E_BAD_PROPERTY (type, range),
 * KC_E_NO_MEMORY. Properties that only the JVM needs (key.serializer ...) are accepted and ignored.
 */
KC_API kc_err kc_config_set(kc_config *config, const char *name, const char *value,
                            kc_error *detail);

/* Sets every property of a Java .properties file (escapes, continued lines). The file is read as
 * UTF-8 if it is that, else as ISO-8859-1, which Kafka's own tools always take it for: write
 * \uXXXX where both shall read the same. Stops at the first error; detail names the line. KC_E_IO
 * when it cannot be read. */
KC_API kc_err kc_config_load(kc_config *config, const char *path, kc_error *detail);

/* The value as text: what was set, else the default; NULL for an unknown name or no value. Secrets
 * come as "[hidden]". Borrowed until the property is set again or the set freed. */
KC_API const char *kc_config_get(const kc_config *config, const char *name);

/* One row of the table. All pointers are static. Begin with KC_CONFIG_PROPERTY_INIT. */
typedef struct kc_config_property {
    uint32_t size;  /* sizeof(kc_config_property) as the program was compiled */
    uint32_t flags; /* KC_PROPERTY_... */
    const char *name;
    const char *aliases; /* parted by commas; "" when there are none */
    const char *type;    /* "int", "long", "double", "boolean", "string", "list", "enum" */
    const char *range;   /* "0..2147483647", "none|gzip|...", "" */
    const char *def;     /* default as text; "" when there is none */
    const char *scope;   /* letters: P producer, C consumer, A admin, * all */
    const char *doc;     /* one or two sentences */
} kc_config_property;

enum { KC_PROPERTY_SECRET = 1 /* a password or key: kc_config_get hides it */ };

#define KC_CONFIG_PROPERTY_INIT                                                           \
    {                                                                                     \
        (uint32_t)sizeof(kc_config_property), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL \
    }
KC_API void kc_config_property_init(kc_config_property *out, size_t size);

/* The table by index; false past its end. Thread-safe. */
KC_API bool kc_config_property_at(size_t index, kc_config_property *out);

KC_END

#endif
