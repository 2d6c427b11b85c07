/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in properties for TLS: names of cipher suites. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>

#include "base/mem.h"
#include "io/tls_impl.h"

/* cipher suites */

#define IANA_12  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"
#define IANA_12B "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"
#define NAME_12  "ECDHE-ECDSA-AES256-GCM-SHA384"
#define NAME_13  "TLS_AES_128_GCM_SHA256"
#define NAME_13B "TLS_AES_256_GCM_SHA384"

static bool has(SSL_CTX *ctx, const char *name, bool iana)
{
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *c = sk_SSL_CIPHER_value(all, i);
        if (strcmp(iana ? SSL_CIPHER_standard_name(c) : SSL_CIPHER_get_name(c), name) == 0)
            return true;
    }
    return false;
}

typedef struct suite_case {
    const char *list;
    int min, max;            /* what ssl.enabled.protocols gives */
    int low, high;           /* the versions that are spoken after it; 0: refused */
    const char *has, *hasnt; /* IANA's names; of a refusal: what the sentence says */
} suite_case;

static const suite_case suite_cases[] = {
    { IANA_12, 12, 0, 12, 12, IANA_12, IANA_12B },
    { IANA_12 "," IANA_12B, 12, 0, 12, 12, IANA_12B, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384" },
    { NAME_12, 12, 0, 12, 12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", IANA_12 },
    { NAME_13, 12, 0, 13, 0, NAME_13, NAME_13B },
    { NAME_13 ", " IANA_12, 12, 0, 12, 0, IANA_12, IANA_12B },
    { NAME_13 ":" NAME_12, 12, 0, 12, 0, NAME_13, NAME_13B },
    { IANA_12 " " NAME_13B, 12, 12, 12, 12, IANA_12, IANA_12B },
    { IANA_12 "," NAME_13B, 13, 0, 13, 0, NAME_13B, NAME_13 },
    { "HIGH:!aNULL", 12, 0, 12, 0, NAME_13, "TLS_RSA_WITH_NULL_SHA256" },
    { "ECDHE+AESGCM," NAME_13, 12, 0, 12, 0, IANA_12, NAME_13B },
    { "", 12, 0, 12, 0, NAME_13, "TLS_RSA_WITH_NULL_SHA256" },
    { " , ", 12, 0, 12, 0, IANA_12, "TLS_RSA_WITH_NULL_SHA256" },
    { NAME_13, 12, 12, 0, 0, "TLS 1.2", "" },
    { IANA_12, 13, 0, 0, 0, "TLS 1.3", "" },
    { "NO-SUCH", 12, 0, 0, 0, "NO-SUCH", "" },
    { NAME_13 ",NO-SUCH", 12, 0, 0, 0, "NO-SUCH", "" },
    { IANA_12 ",TLS_NO_SUCH," NAME_12, 12, 0, 0, 0, "TLS_NO_SUCH", "" },
    { "!aNULL", 12, 0, 0, 0, "leaves no", "" },
};

Test(tls_texts, cipher_suites)
{
    for (size_t i = 0; i < KCI_COUNT_OF(suite_cases); i++) {
        const suite_case *c = &suite_cases[i];
        kci_tls_params p = { .suites = c->list, .min_version = c->min, .max_version = c->max };
        kci_tls *tls = NULL;
        kc_error detail = { 0 };
        kc_err err = kci_tls_new(&p, &tls, &detail);
        if (c->low == 0) {
            cr_assert_eq(err, KC_E_BAD_PROPERTY, "'%s': %s", c->list, detail.text);
            cr_assert(strstr(detail.text, c->has), "'%s': %s", c->list, detail.text);
            continue;
        }
        cr_assert_eq(err, KC_OK, "'%s': %s", c->list, detail.text);
        cr_assert_eq(SSL_CTX_get_min_proto_version(tls->ctx),
                     c->low == 13 ? TLS1_3_VERSION : TLS1_2_VERSION, "'%s'", c->list);
        cr_assert_eq(SSL_CTX_get_max_proto_version(tls->ctx), c->high == 12 ? TLS1_2_VERSION : 0,
                     "'%s'", c->list);
        cr_assert(has(tls->ctx, c->has, true), "'%s' without %s", c->list, c->has);
        cr_assert_not(has(tls->ctx, c->hasnt, true), "'%s' with %s", c->list, c->hasnt);
        kci_tls_unref(tls);
    }
}

Test(tls_texts, a_name_of_any_length_is_refused)
{
    char list[3000];
    memset(list, 'x', sizeof list - 1);
    list[sizeof list - 1] = '\0';
    kci_tls_params p = { .suites = list, .min_version = 12 };
    kci_tls *tls = NULL;
    cr_assert_eq(kci_tls_new(&p, &tls, NULL), KC_E_BAD_PROPERTY);
}
