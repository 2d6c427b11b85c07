/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>
#include <ctype.h>
#include <stdlib.h>

#include "base/err.h"

Test(error, table_is_complete_and_consistent)
{
    kc_err code, seen[300];
    const char *name, *text;
    size_t n = 0;
    for (; kc_error_at(n, &code, &name, &text); n++) {
        cr_assert_lt(n, 300);
        for (size_t i = 0; i < n; i++)
            cr_assert_neq(seen[i], code, "%s is there twice", name);
        seen[n] = code;
        cr_assert_str_eq(kc_error_name(code), name);
        cr_assert_str_eq(kc_error_text(code), text);
        cr_assert(strlen(text) > 0 && strlen(text) < 200, "%s", name);
        for (const char *p = name; *p; p++)
            cr_assert(isupper((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_', "%s",
                      name);
    }
    for (kc_err e = KC_E_UNKNOWN_SERVER_ERROR; e <= KC_E_SHARE_SESSION_LIMIT_REACHED; e++)
        cr_assert_str_neq(kc_error_name(e), "UNKNOWN", "%d", e);
    for (kc_err e = KC_E_NO_MEMORY; e >= KC_E_SEQUENCE_BROKEN; e--)
        cr_assert_str_neq(kc_error_name(e), "UNKNOWN", "%d", e);
    cr_assert_str_eq(kc_error_name(-500), "UNKNOWN");
    cr_assert_eq(kc_error_flags(-500), 0);
    cr_assert_not_null(kc_error_text(12345));
    cr_assert(kc_error_flags(KC_E_NOT_LEADER_OR_FOLLOWER) & KC_ERROR_REFRESH_METADATA);
    cr_assert(kc_error_flags(KC_E_PRODUCER_FENCED) & KC_ERROR_FATAL);
}

Test(error, fail_fills_the_detail)
{
    kc_error detail;
    cr_assert_eq(kci_fail(&detail, KC_E_NO_MEMORY, "for %d bytes", 7), KC_E_NO_MEMORY);
    cr_assert_eq(detail.code, KC_E_NO_MEMORY);
    cr_assert_eq(detail.flags, kc_error_flags(KC_E_NO_MEMORY));
    cr_assert_str_eq(detail.text, "for 7 bytes");
    cr_assert_eq(kci_fail(&detail, KC_E_CLOSED, NULL), KC_E_CLOSED);
    cr_assert_str_eq(detail.text, kc_error_text(KC_E_CLOSED));
    cr_assert_eq(kci_fail(NULL, KC_E_CLOSED, "%s", "x"), KC_E_CLOSED);
    char *big = malloc(2000);
    memset(big, 'x', 1999);
    big[1999] = '\0';
    kci_fail(&detail, KC_E_CLOSED, "%s", big);
    cr_assert_eq(strlen(detail.text), sizeof detail.text - 1);
    free(big);
}
