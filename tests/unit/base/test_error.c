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
    for (kc_err e = KC_E_NO_MEMORY; e >= KC_E_NOT_DELIVERED; e--)
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

Test(error, a_long_sentence_loses_its_middle)
{
    static const size_t sizes[] = { 400, 499, 500, 501, 503, 504, 505, 600, 2000, 2048, 100000 };
    const char *remedy = "check bootstrap.servers and that the cluster is up";
    kc_error detail;
    for (size_t n = 0; n < sizeof sizes / sizeof sizes[0]; n++) {
        char *middle = calloc(1, sizes[n] + 1);
        memset(middle, 'x', sizes[n]);
        kci_fail(&detail, KC_E_NO_BROKER, "topic %s: %s", middle, remedy);
        size_t whole = strlen("topic ") + sizes[n] + strlen(": ") + strlen(remedy);
        size_t size = strlen(detail.text);
        cr_expect_eq(size, whole < sizeof detail.text ? whole : sizeof detail.text - 1);
        cr_expect_str_eq(detail.text + size - strlen(remedy), remedy);
        cr_expect_eq(memcmp(detail.text, "topic xxx", 9), 0);
        cr_expect_eq(strstr(detail.text, "x ... x") != NULL, whole >= sizeof detail.text);
        free(middle);
    }
}

Test(error, no_character_is_cut_in_two)
{
    char text[80], many[400] = "";
    for (int shift = 0; shift < 4; shift++) {
        memset(many, 'y', (size_t)shift);
        many[shift] = '\0';
        for (int i = 0; i < 60; i++)
            strcat(many, i % 2 ? "\xe2\x82\xac" : "\xf0\x9f\x98\x80");
        kci_sentence(text, sizeof text, "%s", many);
        cr_expect_lt(strlen(text), sizeof text);
        cr_expect_gt(strlen(text), sizeof text - 8);
        for (const char *p = text; *p;) {
            int more = (*p & 0xf8) == 0xf0 ? 3 : (*p & 0xf0) == 0xe0 ? 2 : 0;
            cr_assert((*p & 0xc0) != 0x80, "a character without its first byte");
            for (p++; more > 0; more--, p++)
                cr_assert_eq(*p & 0xc0, 0x80, "a character without its last byte");
        }
    }
}

Test(error, a_sentence_may_be_made_of_the_one_it_replaces)
{
    kc_error detail;
    kci_fail(&detail, KC_E_NO_BROKER, "cause and remedy");
    kci_fail(&detail, KC_E_TIMED_OUT, "late: %s", detail.text);
    cr_expect_str_eq(detail.text, "late: cause and remedy");
}
