/* SPDX-License-Identifier: Apache-2.0 */
/* properties.txt and jaas.txt: texts of configurations give what Java reads in them. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/config_jaas.h"
#include "core/properties.h"

/* The properties that are expected, as they come. */
typedef struct expected {
    vec_file *v;
    bool differs;
} expected;

static bool is_bad(const vec_file *v)
{
    return strcmp(v->rest, "bad") == 0;
}

static bool is_next(vec_file *v, const char *text)
{
    if (!*v->rest || is_bad(v))
        return false;
    kc_bytes wanted = vec_bytes(v);
    return wanted.size == strlen(text) && memcmp(wanted.data, text, wanted.size) == 0;
}

static kc_err compare(void *arg, const char *name, const char *value, kc_error *detail)
{
    expected *e = arg;

    (void)detail;
    e->differs = e->differs || !is_next(e->v, name) || !is_next(e->v, value);
    return KC_OK;
}

void check_properties(vec_file *v)
{
    while (vec_next(v)) {
        kc_bytes text = vec_bytes(v);
        bool bad = is_bad(v);
        expected e = { .v = v };
        size_t line;
        kc_err err = kci_properties_parse(text, compare, &e, &line, NULL);
        if (bad)
            vec_expect(v, err == KC_E_BAD_PROPERTY, "Java refuses it");
        else
            vec_expect(v, err == KC_OK && !e.differs && !*v->rest, "Java reads something else");
    }
}

static bool is_same(const char *text, kc_bytes wanted)
{
    if (!text || !wanted.data)
        return !text && !wanted.data;
    return wanted.size == strlen(text) && memcmp(text, wanted.data, wanted.size) == 0;
}

void check_jaas(vec_file *v)
{
    while (vec_next(v)) {
        kc_bytes bytes = vec_bytes(v);
        char *text = strndup((const char *)bytes.data, bytes.size);
        bool bad = is_bad(v);
        kci_jaas jaas;
        kc_err err = kci_jaas_parse(text, &jaas, NULL);
        if (bad) {
            vec_expect(v, err != KC_OK, "Java refuses it");
        } else {
            kc_bytes user = vec_bytes(v), password = vec_bytes(v);
            vec_expect(
                v, err == KC_OK && is_same(jaas.username, user) && is_same(jaas.password, password),
                "Java reads other credentials");
        }
        kci_jaas_free(&jaas);
        free(text);
    }
}
