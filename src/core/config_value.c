/* SPDX-License-Identifier: Apache-2.0 */
#include "core/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/mem.h"

/* Texts of values are shown in errors up to this many bytes. */
#define SHOWN 60

static kc_err out_of_range(const kci_prop_row *row, const char *text, kc_error *detail)
{
    return kci_fail(detail, KC_E_BAD_PROPERTY, "%s=%.*s is out of range: allowed is %s", row->name,
                    SHOWN, text, row->limits);
}

/* Only digits with a sign: no blanks, hexadecimals or units, which strtoll would take or leave. */
static bool is_integer(const char *text)
{
    const char *p = text + (*text == '-' || *text == '+');
    size_t digits = strspn(p, "0123456789");
    return digits > 0 && p[digits] == '\0';
}

static kc_err parse_integer(const kci_prop_row *row, const char *text, int64_t scale,
                            kci_value *out, kc_error *detail)
{
    if (!is_integer(text))
        return kci_fail(detail, KC_E_BAD_PROPERTY, "%s=%.*s is not a whole number: write %s",
                        row->name, SHOWN, text, row->limits);
    errno = 0;
    long long v = strtoll(text, NULL, 10);
    int64_t scaled;
    if (errno == ERANGE || __builtin_mul_overflow((int64_t)v, scale, &scaled))
        return out_of_range(row, text, detail);
    if (scaled < row->min || scaled > row->max)
        return out_of_range(row, text, detail);
    *out = (kci_value){ .num = scaled, .dbl = (double)scaled };
    return KC_OK;
}

/* Digits with one point, in no locale. */
static bool parse_decimal(const char *text, double *out)
{
    const char *p = text + (*text == '-');
    double v = 0, unit = 1;
    size_t digits = 0;
    for (; isdigit((unsigned char)*p); p++, digits++)
        v = v * 10 + (*p - '0');
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++, digits++) {
            unit /= 10;
            v += (*p - '0') * unit;
        }
    if (*p || digits == 0 || digits > 30)
        return false;
    *out = *text == '-' ? -v : v;
    return true;
}

static kc_err parse_double(const kci_prop_row *row, const char *text, int64_t scale, kci_value *out,
                           kc_error *detail)
{
    double v;
    if (!parse_decimal(text, &v))
        return kci_fail(detail, KC_E_BAD_PROPERTY, "%s=%.*s is not a number: write %s", row->name,
                        SHOWN, text, row->limits);
    v *= (double)scale;
    if (v < (double)row->min || v > (double)row->max)
        return out_of_range(row, text, detail);
    *out = (kci_value){ .num = (int64_t)v, .dbl = v };
    return KC_OK;
}

static kc_err parse_bool(const kci_prop_row *row, const char *text, kci_value *out,
                         kc_error *detail)
{
    bool yes = strcasecmp(text, "true") == 0 || strcmp(text, "1") == 0;
    bool no = strcasecmp(text, "false") == 0 || strcmp(text, "0") == 0;
    if (!yes && !no)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "%s=%.*s is neither true nor false", row->name,
                        SHOWN, text);
    *out = (kci_value){ .num = yes, .dbl = yes };
    return KC_OK;
}

/* "a, b, c" from "a|b|c". */
static void list_choices(const kci_prop_row *row, char *out, size_t cap)
{
    size_t used = 0;
    for (const char *p = row->choices; *p && used + 3 < cap; p++) {
        out[used++] = *p == '|' ? ',' : *p;
        if (*p == '|')
            out[used++] = ' ';
    }
    out[used] = '\0';
}

static kc_err parse_enum(const kci_prop_row *row, const char *text, kci_value *out,
                         kc_error *detail)
{
    int64_t v;
    if (!kci_prop_choice(row, text, &v)) {
        char choices[256];
        list_choices(row, choices, sizeof choices);
        return kci_fail(detail, KC_E_BAD_PROPERTY, "%s=%.*s is not known: choose one of %s",
                        row->name, SHOWN, text, choices);
    }
    *out = (kci_value){ .num = v, .dbl = (double)v };
    return KC_OK;
}

kc_err kci_value_parse(const kci_prop_row *row, const char *text, int64_t scale, kci_value *out,
                       kc_error *detail)
{
    *out = (kci_value){ 0 };
    switch (row->type) {
    case KCI_TYPE_INT:
    case KCI_TYPE_LONG:
        return parse_integer(row, text, scale, out, detail);
    case KCI_TYPE_DOUBLE:
        return parse_double(row, text, scale, out, detail);
    case KCI_TYPE_BOOL:
        return parse_bool(row, text, out, detail);
    case KCI_TYPE_ENUM:
        return parse_enum(row, text, out, detail);
    case KCI_TYPE_STRING:
    case KCI_TYPE_LIST:
        break;
    }
    return KC_OK;
}

typedef struct duration_unit {
    char letter;
    double ms;
} duration_unit;

/* Days stand before the 'T', the others behind it, each at most once and in this order. */
static const duration_unit duration_units[] = {
    { 'D', 86400e3 }, { 'H', 3600e3 }, { 'M', 60e3 }, { 'S', 1e3 }
};

/* Reads one "<number><unit>" with a unit from *first to last; returns what is behind it, or NULL.
 */
static const char *duration_part(const char *p, size_t *first, size_t last, double *ms)
{
    size_t len = strspn(p, "0123456789.");
    size_t unit = *first;
    while (unit < last && duration_units[unit].letter != toupper((unsigned char)p[len]))
        unit++;
    char number[32];
    double v;
    if (unit == last || !isdigit((unsigned char)*p) || len >= sizeof number)
        return NULL;
    snprintf(number, sizeof number, "%.*s", (int)len, p);
    if (!parse_decimal(number, &v) || (duration_units[unit].letter != 'S' && strchr(number, '.')))
        return NULL;
    *ms += v * duration_units[unit].ms;
    *first = unit + 1;
    return p + len + 1;
}

bool kci_duration_parse(const char *text, int64_t *ms)
{
    size_t unit = 0;
    double total = 0;
    const char *p = text;
    if (toupper((unsigned char)*p++) != 'P' || !*p)
        return false;
    if (toupper((unsigned char)*p) != 'T')
        p = duration_part(p, &unit, 1, &total);
    if (p && toupper((unsigned char)*p) == 'T') {
        unit = 1;
        p++;
        do
            p = duration_part(p, &unit, KCI_COUNT_OF(duration_units), &total);
        while (p && *p);
    }
    if (!p || *p || total > 9e15)
        return false;
    *ms = (int64_t)total;
    return true;
}
