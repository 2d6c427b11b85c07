/* SPDX-License-Identifier: Apache-2.0 */
#include "certs.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

enum { DAY = 24 * 3600 };

static int serial = 1;

static void extend(X509 *x, const cert *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, issuer ? issuer->x509 : x, x, NULL, NULL, 0);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    cr_assert_not_null(ext, "%s", value);
    X509_add_ext(x, ext, -1);
    X509_EXTENSION_free(ext);
}

static void add_nul_name(X509 *x, const char *tail)
{
    char name[100] = "localhost";
    size_t n = strlen(name) + 1;
    snprintf(name + n, sizeof name - n, "%s", tail);
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *gn = GENERAL_NAME_new();
    ASN1_IA5STRING *s = ASN1_IA5STRING_new();
    ASN1_STRING_set(s, name, (int)(n + strlen(tail)));
    GENERAL_NAME_set0_value(gn, GEN_DNS, s);
    sk_GENERAL_NAME_push(names, gn);
    X509_add1_ext_i2d(x, NID_subject_alt_name, names, 0, 0);
    GENERAL_NAMES_free(names);
}

cert cert_make(cert_spec spec)
{
    cert c = { .x509 = X509_new(),
               .key = spec.rsa_bits ? EVP_RSA_gen((size_t)spec.rsa_bits) : EVP_EC_gen("P-256") };
    cr_assert_not_null(c.key);
    X509_set_version(c.x509, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c.x509), serial++);
    bool usual = spec.from_days == 0 && spec.to_days == 0;
    X509_gmtime_adj(X509_getm_notBefore(c.x509), (usual ? -1 : spec.from_days) * (long)DAY);
    X509_gmtime_adj(X509_getm_notAfter(c.x509), (usual ? 1 : spec.to_days) * (long)DAY);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c.x509), "CN", MBSTRING_ASC,
                               (const unsigned char *)spec.name, -1, -1, 0);
    const cert *issuer = spec.issuer ? spec.issuer : &c;
    X509_set_issuer_name(c.x509, X509_get_subject_name(issuer->x509));
    X509_set_pubkey(c.x509, c.key);
    extend(c.x509, issuer, NID_basic_constraints, spec.ca ? "critical,CA:TRUE" : "CA:FALSE");
    if (spec.ca)
        extend(c.x509, issuer, NID_key_usage, "keyCertSign,cRLSign");
    if (spec.san)
        extend(c.x509, issuer, NID_subject_alt_name, spec.san);
    if (spec.nul)
        add_nul_name(c.x509, spec.nul);
    if (spec.usage)
        extend(c.x509, issuer, NID_ext_key_usage, spec.usage);
    cr_assert(X509_sign(c.x509, issuer->key, EVP_sha256()));
    return c;
}

void cert_free(cert *c)
{
    X509_free(c->x509);
    EVP_PKEY_free(c->key);
}

static char *text_of(BIO *bio)
{
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *text = malloc((size_t)n + 1);
    memcpy(text, data, (size_t)n);
    text[n] = '\0';
    BIO_free(bio);
    return text;
}

char *cert_text(const cert *c)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(bio, c->x509);
    return text_of(bio);
}

char *cert_key_text(const cert *c, const char *password)
{
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, c->key, password ? EVP_aes_128_cbc() : NULL,
                             (const unsigned char *)password, password ? (int)strlen(password) : 0,
                             NULL, NULL);
    return text_of(bio);
}

char *cert_crl_text(const cert *ca, const cert *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    X509_CRL_set_version(crl, 1);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->x509));
    ASN1_TIME *t = ASN1_TIME_new();
    X509_gmtime_adj(t, -DAY);
    X509_CRL_set1_lastUpdate(crl, t);
    if (revoked) {
        X509_REVOKED *r = X509_REVOKED_new();
        X509_REVOKED_set_serialNumber(r, X509_get_serialNumber(revoked->x509));
        X509_REVOKED_set_revocationDate(r, t);
        X509_CRL_add0_revoked(crl, r);
    }
    X509_gmtime_adj(t, DAY);
    X509_CRL_set1_nextUpdate(crl, t);
    ASN1_TIME_free(t);
    X509_CRL_sign(crl, ca->key, EVP_sha256());
    BIO *bio = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_CRL(bio, crl);
    X509_CRL_free(crl);
    return text_of(bio);
}

char *text_join(char *a, char *b)
{
    char *both = malloc(strlen(a) + strlen(b) + 1);
    strcpy(both, a);
    strcat(both, b);
    free(a);
    free(b);
    return both;
}

char *file_write(const char *dir, const char *name, const void *data, size_t size)
{
    char *path = malloc(strlen(dir) + strlen(name) + 2);
    sprintf(path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    cr_assert_eq(fwrite(data, 1, size, f), size);
    fclose(f);
    return path;
}

char *cert_pkcs12_file(const char *dir, const cert *c, const cert *ca, const char *password)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    if (ca)
        sk_X509_push(chain, ca->x509);
    PKCS12 *p12 = PKCS12_create(password, "test", c ? c->key : NULL, c ? c->x509 : NULL, chain, 0,
                                0, 0, 0, 0);
    cr_assert_not_null(p12);
    BIO *bio = BIO_new(BIO_s_mem());
    i2d_PKCS12_bio(bio, p12);
    char *data;
    long n = BIO_get_mem_data(bio, &data);
    char *path = file_write(dir, "store.p12", data, (size_t)n);
    BIO_free(bio);
    PKCS12_free(p12);
    sk_X509_free(chain);
    return path;
}
