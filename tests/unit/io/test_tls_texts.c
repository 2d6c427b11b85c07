/* SPDX-License-Identifier: Apache-2.0 */
/* What is written in properties for TLS: names of cipher suites, and PEM texts in every layout. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/buf.h"
#include "base/mem.h"
#include "certs.h"
#include "io/tls_impl.h"
#include "io/tls_pem.h"
#include "pair.h"

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

/* PEM */

/* The layouts in which a PEM text comes: each changes the blanks of `text`. */
typedef struct layout {
    const char *name;
    const char *newline; /* instead of each line's end */
    const char *indent;  /* before each line */
    bool dashes_alone;   /* line ends next to the dashes stay, inner ones go */
} layout;

static const layout layouts[] = {
    { "as it is", "\n", "", false },      { "with CR LF", "\r\n", "", false },
    { "indented", "\n", "   ", false },   { "on one line", " ", "", false },
    { "tabs", "\t", "", false },          { "blank lines", "\n\n", "", false },
    { "continued lines", "", "", false }, { "one line of base64", "", "", true },
};

static char *lay_out(const char *text, const layout *how)
{
    char *out = calloc(1, strlen(text) * 8 + 100), *to = out;
    for (const char *line = text; *line;) {
        size_t size = strcspn(line, "\n");
        to += sprintf(to, "%s%.*s", how->indent, (int)size, line);
        bool marks = line[0] == '-' || line[size + 1] == '-' || line[size + 1] == '\0';
        to += sprintf(to, "%s", how->dashes_alone && marks ? "\n" : how->newline);
        line += size + (line[size] == '\n');
    }
    return out;
}

Test(tls_texts, pem_in_every_layout)
{
    char dir[] = "/tmp/kclient-pem-XXXXXX";
    cr_assert_not_null(mkdtemp(dir));
    cert ca = cert_make((cert_spec){ .name = "ca", .ca = true });
    cert own = cert_make((cert_spec){ .name = "own", .san = "DNS:localhost", .issuer = &ca });
    char *chain = text_join(cert_text(&own), cert_text(&ca));
    char *key = cert_key_text(&own, NULL);
    char *both = text_join(cert_key_text(&own, NULL), cert_text(&own));
    for (size_t i = 0; i < KCI_COUNT_OF(layouts); i++) {
        char *c = lay_out(chain, &layouts[i]), *k = lay_out(key, &layouts[i]);
        char *b = lay_out(both, &layouts[i]);
        char *file = file_write(dir, "both.pem", b, strlen(b));
        const kci_tls_params params[] = {
            { .ca_pem = kc_str(c), .cert_pem = kc_str(c), .key_pem = kc_str(k) },
            { .ca_pem = kc_str(c), .cert_pem = kc_str(b) },
            { .ca_file = file, .cert_file = file, .key_file = file },
        };
        for (size_t n = 0; n < KCI_COUNT_OF(params); n++) {
            kci_tls *tls = NULL;
            kc_error detail = { 0 };
            cr_assert_eq(kci_tls_new(&params[n], &tls, &detail), KC_OK, "%s, %zu: %s",
                         layouts[i].name, n, detail.text);
            const STACK_OF(X509) *rest = NULL;
            SSL_CTX_get0_chain_certs(tls->ctx, &rest);
            cr_assert_eq(sk_X509_num(rest) > 0 ? sk_X509_num(rest) : 0, n == 0, "%s",
                         layouts[i].name);
            int trusted =
                sk_X509_OBJECT_num(X509_STORE_get0_objects(SSL_CTX_get_cert_store(tls->ctx)));
            cr_assert_eq(trusted, n == 2 ? 1 : 2, "%s, %zu: %d trusted", layouts[i].name, n,
                         trusted);
            kci_tls_unref(tls);
        }
        remove(file);
        char *all[] = { c, k, b, file };
        for (size_t n = 0; n < KCI_COUNT_OF(all); n++)
            free(all[n]);
    }
    remove(dir);
    free(chain);
    free(key);
    free(both);
    cert_free(&ca);
    cert_free(&own);
}

/* Keys with a password have headers, which keep their lines. */
Test(tls_texts, encrypted_keys)
{
    cert own = cert_make((cert_spec){ .name = "own" });
    BIO *bio = BIO_new(BIO_s_mem());
    cr_assert(PEM_write_bio_PrivateKey_traditional(bio, own.key, EVP_aes_128_cbc(),
                                                   (const unsigned char *)"secret", 6, NULL, NULL));
    char *data;
    long size = BIO_get_mem_data(bio, &data);
    char *old = strndup(data, (size_t)size), *new = cert_key_text(&own, "secret");
    char *text = cert_text(&own);
    cr_assert(strstr(old, "Proc-Type"));
    const layout spaced = layouts[2], one_line = layouts[3];
    char *cases[] = { strdup(old), lay_out(old, &spaced), strdup(new), lay_out(new, &one_line) };
    for (size_t i = 0; i < KCI_COUNT_OF(cases); i++) {
        kci_tls_params p = { .cert_pem = kc_str(text),
                             .key_pem = kc_str(cases[i]),
                             .key_password = "secret" };
        kci_tls *tls = NULL;
        kc_error detail = { 0 };
        cr_assert_eq(kci_tls_new(&p, &tls, &detail), KC_OK, "case %zu: %s", i, detail.text);
        kci_tls_unref(tls);
        free(cases[i]);
    }
    BIO_free(bio);
    free(old);
    free(new);
    free(text);
    cert_free(&own);
}

static void expect_tidy(const char *in, const char *out)
{
    kci_buf buf = { 0 };
    kci_pem_tidy(kc_str(in), &buf);
    cr_assert_eq(buf.size, strlen(out), "'%s' gives '%.*s'", in, (int)buf.size, (char *)buf.data);
    cr_assert(buf.size == 0 || memcmp(buf.data, out, buf.size) == 0, "'%s' gives '%.*s'", in,
              (int)buf.size, (char *)buf.data);
    kci_buf_free(&buf);
}

Test(tls_texts, what_is_no_block_is_left_out)
{
    expect_tidy("", "");
    expect_tidy("hello", "");
    expect_tidy("-BEGIN", "");
    expect_tidy("-----BEGIN X", "");
    expect_tidy("-----BEGIN X-----", "");
    expect_tidy("-----BEGIN X-----\nabc", "");
    expect_tidy("-----BEGIN -----abc-----END X-----", "");
    expect_tidy("-----END X----- -----BEGIN X-----", "");
    expect_tidy("before -BEGIN X- a b -END X- after", "-----BEGIN X-----\nab\n-----END X-----\n");
    expect_tidy("-----BEGIN A  B-----\nx\n-----END C-----",
                "-----BEGIN A  B-----\nx\n-----END C-----\n");
    expect_tidy("-----BEGIN X-----\n-----END X-----", "-----BEGIN X-----\n-----END X-----\n");
    expect_tidy("-----BEGIN X-----\nA: b-c\r\n\nxyz\n-----END X-----",
                "-----BEGIN X-----\nA: b-c\n\nxyz\n-----END X-----\n");
}

/* A text that begins, and ends, where the memory does: nothing beside it is looked at. */
Test(tls_texts, pem_at_the_edges_of_memory)
{
    static const char *const texts[] = { "-----BEGIN X-----\nAAAA\n-----END X-----",
                                         "-BEGIN X-A-END X-", "-----BEGIN X-----", "-----BEGIN",
                                         "-" };
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 3 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(map, MAP_FAILED);
    cr_assert_eq(mprotect(map + page, page, PROT_READ | PROT_WRITE), 0);
    for (size_t i = 0; i < KCI_COUNT_OF(texts); i++) {
        size_t size = strlen(texts[i]);
        char *at[] = { map + page, map + 2 * page - size };
        for (int j = 0; j < 2; j++) {
            kci_buf buf = { 0 };
            memcpy(at[j], texts[i], size);
            kci_pem_tidy(kc_mem(at[j], size), &buf);
            cr_assert_eq(buf.size > 0, i < 2, "%s", texts[i]);
            kci_buf_free(&buf);
        }
    }
    munmap(map, 3 * page);
}
