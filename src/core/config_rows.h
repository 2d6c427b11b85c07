/* SPDX-License-Identifier: Apache-2.0 */
/* The property table as data: rows, lookup by name or alias, choices of enums, nearest names.
 * Constant; any thread. For config*.c only. */
#ifndef CORE_CONFIG_ROWS_H
#define CORE_CONFIG_ROWS_H

#include "core/config.h"

typedef enum kci_prop_type {
    KCI_TYPE_INT,
    KCI_TYPE_LONG,
    KCI_TYPE_DOUBLE,
    KCI_TYPE_BOOL,
    KCI_TYPE_STRING,
    KCI_TYPE_LIST,
    KCI_TYPE_ENUM
} kci_prop_type;

typedef struct kci_prop_row {
    const char *name, *aliases;
    kci_prop_type type;
    int64_t min, max;
    const char *def;
    const char *choices;
    const char *limits; /* "min..max" */
    const char *scope, *doc;
    bool secret;
} kci_prop_row;

const kci_prop_row *kci_prop_row_of(kci_prop prop);

/* The property of that name or alias, -1: none. scale: what a value given under this name is
 * multiplied by. */
int kci_prop_find(const char *name, int64_t *scale);

/* Why the name is accepted and ignored; NULL: it is not. */
const char *kci_prop_ignored(const char *name);

/* What to do instead of using this known name; NULL: it is not one that is refused. */
const char *kci_prop_refused(const char *name);

/* The known name that is most like this one; NULL when none is alike. */
const char *kci_prop_nearest(const char *name);

/* The text of an enum's value, as in its choices; false: it has none, or a prefix that says only
 * half. */
bool kci_prop_choice_name(const kci_prop_row *row, int64_t value, char *out, size_t cap);

/* The value that a text stands for in an enum property's choices; false: none. */
bool kci_prop_choice(const kci_prop_row *row, const char *text, int64_t *value);

#endif
