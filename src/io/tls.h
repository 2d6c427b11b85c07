/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts (OpenSSL), client and server side. Everything that reaches OpenSSL is in io/tls*.c;
 * a build without TLS answers KC_E_NOT_SUPPORTED. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <kclient/error.h>

typedef struct kci_tls kci_tls;

typedef struct kci_tls_params {
    bool server;
    bool verify_host; /* client: ssl.endpoint.identification.algorithm=https (the default) */
    /* client: true unless enable.ssl.certificate.verification=false. Server: clients must show a
     * certificate that the CAs below vouch for (ssl.client.auth=required). */
    bool verify_peer;
    /* PEM, with CRLs if wanted; none of the three: the system's store. */
    const char *ca_file;
    kc_bytes ca_pem;
    const char *ca_pkcs12_file; /* truststore */
    const char *ca_pkcs12_password;
    const char *cert_file; /* PEM chain */
    kc_bytes cert_pem;
    const char *key_file; /* neither this nor key_pem: the key lies beside the certificate */
    kc_bytes key_pem;
    const char *key_password;
    const char *pkcs12_file; /* keystore */
    const char *pkcs12_password;
    /* Names, IANA's or OpenSSL's, parted by commas, colons or blanks; NULL: OpenSSL's defaults.
     * Only these are used: a version without any is not spoken. OpenSSL's keywords ("HIGH:!aNULL")
     * choose among those of TLS 1.2 and leave TLS 1.3 as it is. */
    const char *suites;
    int min_version; /* 12 or 13; 0: 12, which is the least */
    int max_version; /* 12 or 13; 0: the highest there is */
} kci_tls_params;

/* Reads files and builds a context. Any thread. */
kc_err kci_tls_new(const kci_tls_params *params, kci_tls **out, kc_error *detail);
void kci_tls_unref(kci_tls *tls); /* NULL is fine */
kci_tls *kci_tls_ref(kci_tls *tls);

#endif
