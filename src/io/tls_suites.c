/* SPDX-License-Identifier: Apache-2.0 */
/* Cipher suites by name, for tls.c. OpenSSL has one list for TLS 1.3 and one for TLS 1.2, and
 * leaves a version at its defaults when its list is not set; here one list of names is all there
 * is: a version of which it names no suite is not spoken. */
#include "io/tls.h"

#if KCI_HAVE_TLS

#include <string.h>

#include <openssl/err.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/tls_impl.h"

enum { NAME_SIZE = 128 };

static const char separators[] = ",:; \t\r\n"; /* Java's, and OpenSSL's */

typedef struct suites {
    kci_buf of_12, of_13; /* in OpenSSL's form, parted by colons */
    bool keywords;        /* "HIGH", "!aNULL": they choose among those of TLS 1.2 */
} suites;

static void append(kci_buf *list, const char *name)
{
    if (list->size)
        kci_buf_put8(list, ':');
    kci_buf_put(list, name, strlen(name));
}

static bool is_rule(const char *word)
{
    return strchr("!-+@", *word) != NULL;
}

/* Whether the context's suites have this one, by OpenSSL's name for it. */
static bool has_suite(SSL_CTX *ctx, const char *name)
{
    const STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++)
        if (strcmp(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(all, i)), name) == 0)
            return true;
    return false;
}

/* False: nothing by this name. OpenSSL would pass over it as long as others are known. */
static bool take_word(suites *s, SSL_CTX *ctx, const char *word)
{
    const char *name = OPENSSL_cipher_name(word); /* IANA's, or "(NONE)" */

    if (strncmp(name, "TLS_", 4) == 0) { /* so are those of TLS 1.3 called, and no others */
        append(&s->of_13, name);
        return true;
    }
    if (*name == '(')
        name = word;
    if (is_rule(name)) {
        s->keywords = true;
    } else {
        if (!SSL_CTX_set_cipher_list(ctx, name))
            return false;
        s->keywords |= !has_suite(ctx, name);
    }
    append(&s->of_12, name);
    return true;
}

static kc_err take_words(suites *s, SSL_CTX *ctx, const char *list, kc_error *detail)
{
    char word[NAME_SIZE];

    for (list += strspn(list, separators); *list; list += strspn(list, separators)) {
        size_t size = strcspn(list, separators);
        size_t kept = size < sizeof word ? size : sizeof word - 1;
        memcpy(word, list, kept);
        word[kept] = '\0';
        if (kept < size || !take_word(s, ctx, word))
            return kci_fail(detail, KC_E_BAD_PROPERTY,
                            "ssl.cipher.suites: '%s' is no cipher suite that this OpenSSL has: "
                            "write names like TLS_AES_256_GCM_SHA384 or "
                            "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 (openssl ciphers -stdname)",
                            word);
        list += size;
    }
    kci_buf_put8(&s->of_12, '\0');
    kci_buf_put8(&s->of_13, '\0');
    if (s->of_12.failed || s->of_13.failed)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    return KC_OK;
}

static kc_err close_versions(const suites *s, const kci_tls_params *p, SSL_CTX *ctx,
                             kc_error *detail)
{
    bool for_12 = s->of_12.size > 1;
    bool for_13 = s->of_13.size > 1 || s->keywords;

    if (!(for_12 && p->min_version < 13) && !(for_13 && p->max_version != 12))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "no suite of ssl.cipher.suites is for %s: name one, or enable the other "
                        "version with ssl.enabled.protocols",
                        for_12 ? "TLS 1.3" : "TLS 1.2");
    if (!for_12)
        SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
    if (!for_13)
        SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    return KC_OK;
}

static kc_err apply(const suites *s, const kci_tls_params *p, SSL_CTX *ctx, kc_error *detail)
{
    const char *of_12 = (const char *)s->of_12.data, *of_13 = (const char *)s->of_13.data;

    if (*of_12 && !SSL_CTX_set_cipher_list(ctx, of_12))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "ssl.cipher.suites=%.200s leaves no cipher suite", p->suites);
    if (*of_13 && !SSL_CTX_set_ciphersuites(ctx, of_13))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "OpenSSL does not take %.200s of ssl.cipher.suites: %s", of_13,
                        kci_tls_take_reason());
    return close_versions(s, p, ctx, detail);
}

kc_err kci_tls_set_suites(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    suites s = { 0 };

    if (!p->suites || p->suites[strspn(p->suites, separators)] == '\0')
        return KC_OK;
    kc_err err = take_words(&s, tls->ctx, p->suites, detail);
    if (err == KC_OK)
        err = apply(&s, p, tls->ctx, detail);
    kci_buf_free(&s.of_12);
    kci_buf_free(&s.of_13);
    return err;
}

#endif
