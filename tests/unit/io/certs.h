/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for the tests of TLS, good and bad ones, made in memory. */
#ifndef TESTS_UNIT_IO_CERTS_H
#define TESTS_UNIT_IO_CERTS_H

#include <openssl/x509.h>

#include <kclient/types.h>

typedef struct cert {
    X509 *x509;
    EVP_PKEY *key;
} cert;

typedef struct cert_spec {
    const char *name;   /* common name */
    const char *san;    /* "DNS:localhost,IP:127.0.0.1"; NULL: none */
    const char *nul;    /* a DNS name "localhost\0" followed by this */
    const cert *issuer; /* NULL: signed by itself */
    bool ca;
    const char *usage;      /* extended key usage; NULL: none */
    int from_days, to_days; /* both 0: yesterday to tomorrow */
    int rsa_bits;           /* 0: an EC key */
} cert_spec;

cert cert_make(cert_spec spec);
void cert_free(cert *c);

/* PEM texts, malloc'ed. */
char *cert_text(const cert *c);
char *cert_key_text(const cert *c, const char *password);
char *cert_crl_text(const cert *ca, const cert *revoked);
/* b is freed, a too. */
char *text_join(char *a, char *b);

/* Files in the test's own directory; the path is malloc'ed. */
char *file_write(const char *dir, const char *name, const void *data, size_t size);
/* c NULL: a truststore, without a key. */
char *cert_pkcs12_file(const char *dir, const cert *c, const cert *ca, const char *password);

#endif
