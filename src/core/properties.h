/* SPDX-License-Identifier: Apache-2.0 */
/* Java's .properties format: comments, continued lines, escapes. A text that is UTF-8 is read as
 * that, any other as ISO-8859-1, as Java reads them all; \uXXXX means the same in both. Any thread.
 */
#ifndef CORE_PROPERTIES_H
#define CORE_PROPERTIES_H

#include <kclient/error.h>

/* A file larger than this is refused. */
#define KCI_PROPERTIES_MAX_BYTES (1024 * 1024)

/* One property; NUL-terminated, borrowed during the call. An error ends the parse with it. */
typedef kc_err (*kci_property_fn)(void *arg, const char *name, const char *value, kc_error *detail);

/* Gives every property of the text to fn, in order. KC_E_BAD_PROPERTY for what cannot be read, and
 * fn's errors. *line is the line (from 1) where the property at which it ended began. */
kc_err kci_properties_parse(kc_bytes text, kci_property_fn fn, void *arg, size_t *line,
                            kc_error *detail);

#endif
