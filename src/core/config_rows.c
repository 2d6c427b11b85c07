/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_rows.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/abi_structs.h"
#include "base/mem.h"

#define TEXT_OF(x) #x
#define TEXT(x)    TEXT_OF(x)

static const kci_prop_row rows[] = {
#define P(id, name, aliases, type, min, max, def, choices, scope, secret, doc)           \
    { name,  aliases, KCI_TYPE_##type, min, max, def, choices, TEXT(min) ".." TEXT(max), \
      scope, doc,     secret },
    KCI_CONFIG_TABLE(P)
#undef P
};

static const struct {
    kci_prop prop;
    const char *text;
    int64_t value;
} synonyms[] = {
#define S(id, text, value) { KCI_P_##id, text, value },
    KCI_CONFIG_SYNONYMS(S)
#undef S
};

typedef struct name_note {
    const char *name;
    const char *note;
} name_note;

static const name_note ignored[] = {
#define I(name, why) { name, why },
    KCI_CONFIG_IGNORED(I)
#undef I
};

/* Names with a meaning that this library cannot give them, so that ignoring them would be wrong. */
static const name_note refused[] = {
    { "config.providers",
      "references like ${file:...} are not resolved here: write the values themselves" },
    { "bootstrap.controllers", "admin calls go through brokers: set bootstrap.servers" },
    { "ssl.engine.factory.class",
      "Java classes cannot be loaded: set ssl.truststore.* and ssl.keystore.*" },
    { "transaction.two.phase.commit.enable", "transactions are not built in yet: remove it" },
    { "debug", "set log.level=debug" },
    { "enable.auto.offset.store", "positions are committed as polled: set enable.auto.commit" },
    { "broker.address.family", "all addresses of a name are tried in turn: remove it" },
    { "plugin.library.paths", "plug-ins are not loaded from files: use interceptors" },
    { "test.mock.num.brokers", "start `kclient mock` or link libkclient-mock" },
    { "sasl.kerberos.keytab", "GSSAPI is not built in: use SCRAM or PLAIN over TLS" },
    { "sasl.kerberos.principal", "GSSAPI is not built in: use SCRAM or PLAIN over TLS" },
    { "ssl.crl.location", "revocation lists are not read: remove it" },
    { "ssl.ca.certificate.stores", "of Windows: set ssl.truststore.location" },
};

const kci_prop_row *kci_prop_row_of(kci_prop prop)
{
    return &rows[prop];
}

/* Whether `name` is in a comma-separated list of "alias" or "alias*factor". */
static bool in_aliases(const char *aliases, const char *name, int64_t *scale)
{
    size_t n = strlen(name);
    for (const char *p = aliases; *p;) {
        size_t len = strcspn(p, ",*");
        int64_t factor = p[len] == '*' ? strtoll(p + len + 1, NULL, 10) : 1;
        if (len == n && memcmp(p, name, n) == 0) {
            *scale = factor;
            return true;
        }
        p += strcspn(p, ",");
        p += *p == ',';
    }
    return false;
}

int kci_prop_find(const char *name, int64_t *scale)
{
    *scale = 1;
    for (size_t i = 0; i < KCI_COUNT_OF(rows); i++)
        if (strcmp(rows[i].name, name) == 0 || in_aliases(rows[i].aliases, name, scale))
            return (int)i;
    return -1;
}

static const char *note_of(const name_note *notes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(notes[i].name);
        bool prefix = notes[i].name[len - 1] == '*';
        if (prefix ? strncmp(notes[i].name, name, len - 1) == 0 : strcmp(notes[i].name, name) == 0)
            return notes[i].note;
    }
    return NULL;
}

const char *kci_prop_ignored(const char *name)
{
    return note_of(ignored, KCI_COUNT_OF(ignored), name);
}

const char *kci_prop_refused(const char *name)
{
    return note_of(refused, KCI_COUNT_OF(refused), name);
}

bool kci_prop_choice(const kci_prop_row *row, const char *text, int64_t *value)
{
    size_t n = strlen(text);
    *value = row->min;
    for (const char *p = row->choices; *p; ++*value) {
        size_t len = strcspn(p, "|");
        bool prefix = p[len - 1] == '*';
        if (prefix ? n >= len && strncasecmp(p, text, len - 1) == 0
                   : n == len && strncasecmp(p, text, n) == 0)
            return true;
        p += len;
        p += *p == '|';
    }
    for (size_t i = 0; i < KCI_COUNT_OF(synonyms); i++)
        if (&rows[synonyms[i].prop] == row && strcasecmp(synonyms[i].text, text) == 0) {
            *value = synonyms[i].value;
            return true;
        }
    return false;
}

bool kci_prop_choice_name(const kci_prop_row *row, int64_t value, char *out, size_t cap)
{
    const char *p = row->choices;
    for (int64_t v = row->min; v < value && *p; v++) {
        p += strcspn(p, "|");
        p += *p == '|';
    }
    size_t len = strcspn(p, "|");
    if (value < row->min || len == 0 || len >= cap || p[len - 1] == '*')
        return false;
    memcpy(out, p, len);
    out[len] = '\0';
    return true;
}

#define NAME_MAX_LEN 64

/* Lower case, '_' and '-' as '.', cut at NAME_MAX_LEN. */
static size_t normalise(const char *name, char out[NAME_MAX_LEN + 1])
{
    size_t n = 0;
    for (; name[n] && n < NAME_MAX_LEN; n++) {
        char c = (char)tolower((unsigned char)name[n]);
        out[n] = c == '_' || c == '-' ? '.' : c;
    }
    out[n] = '\0';
    return n;
}

/* Levenshtein distance of two names of at most NAME_MAX_LEN characters. */
static size_t distance(const char *a, const char *b)
{
    size_t na = strlen(a), nb = strlen(b);
    size_t row[NAME_MAX_LEN + 1];
    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            size_t shift = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = change < shift ? change : shift;
        }
    }
    return row[nb];
}

const char *kci_prop_nearest(const char *name)
{
    char wanted[NAME_MAX_LEN + 1], known[NAME_MAX_LEN + 1];
    size_t best = normalise(name, wanted) / 3 + 2;
    const char *nearest = NULL, *containing = NULL;
    for (size_t i = 0; i < KCI_COUNT_OF(rows); i++) {
        normalise(rows[i].name, known);
        size_t d = distance(wanted, known);
        if (d < best) {
            best = d;
            nearest = rows[i].name;
        }
        if (!containing && strlen(wanted) >= 4 && strstr(known, wanted))
            containing = rows[i].name;
    }
    return nearest ? nearest : containing;
}

/* The public view of the table. */

static const char *type_name(kci_prop_type type)
{
    static const char *const names[] = { "int",    "long", "double", "boolean",
                                         "string", "list", "enum" };
    return names[type];
}

bool kc_config_property_at(size_t index, kc_config_property *out)
{
    if (index >= KCI_COUNT_OF(rows))
        return false;
    const kci_prop_row *row = &rows[index];
    bool number = row->type <= KCI_TYPE_DOUBLE;
    kc_config_property property = {
        .flags = row->secret ? KC_PROPERTY_SECRET : 0u,
        .name = row->name,
        .aliases = row->aliases,
        .type = type_name(row->type),
        .range = number && !row->choices[0] ? row->limits : row->choices,
        .def = row->def,
        .scope = row->scope,
        .doc = row->doc,
    };
    return kci_abi_give(&kci_abi_config_property, &property, out);
}
