/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of property values to numbers, with sentences about what is wrong. Any thread. */
#ifndef CORE_CONFIG_VALUE_H
#define CORE_CONFIG_VALUE_H

#include "core/config_rows.h"

typedef struct kci_value {
    int64_t num; /* INT, LONG, BOOL, ENUM; DOUBLE cut */
    double dbl;
} kci_value;

/* Checks a text (without blanks at its ends) against the row's type and range; numbers are
 * multiplied by scale first. KC_E_BAD_PROPERTY; secrets are never part of the sentence. */
kc_err kci_value_parse(const kci_prop_row *row, const char *text, int64_t scale, kci_value *out,
                       kc_error *detail);

/* An ISO-8601 duration as Java's Duration.parse reads it (P2DT3H4M5.5S), in ms; not negative. */
bool kci_duration_parse(const char *text, int64_t *ms);

#endif
