/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts (OpenSSL), client and server side. Everything that reaches OpenSSL is in io/tls.c; a
 * build without TLS answers KC_E_NOT_SUPPORTED. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <kclient/error.h>

typedef struct kci_tls kci_tls;

typedef struct kci_tls_params {
    bool server;
    bool verify_host;       /* client: ssl.endpoint.identification.algorithm=https (the default) */
    bool verify_peer;       /* client: true unless enable.ssl.certificate.verification=false */
    const char *ca_file;    /* PEM; NULL and ca_pem null: the system's store */
    kc_bytes ca_pem;
    const char *cert_file;  /* PEM chain */
    kc_bytes cert_pem;
    const char *key_file;
    kc_bytes key_pem;
    const char *key_password;
    const char *pkcs12_file; /* keystore */
    const char *pkcs12_password;
    const char *ciphers;      /* TLS 1.2 list; NULL: default */
    const char *ciphersuites; /* TLS 1.3 */
    int min_version;          /* 12 or 13; TLS 1.2 is the least */
} kci_tls_params;

/* Reads files and builds a context. Any thread. */
kc_err kci_tls_new(const kci_tls_params *params, kci_tls **out, kc_error *detail);
void kci_tls_unref(kci_tls *tls); /* NULL is fine */
kci_tls *kci_tls_ref(kci_tls *tls);

#endif
