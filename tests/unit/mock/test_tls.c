/* SPDX-License-Identifier: Apache-2.0 */
/* TLS on the listeners. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "base/bytes.h"
#include "peer.h"

/* A self-signed certificate for 127.0.0.1, in two files. */
static void write_certificate(char cert_file[], char key_file[])
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    cr_assert(key && cert);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, key);
    X509_NAME *name = X509_get_subject_name(cert);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"mock", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    cr_assert(X509_sign(cert, key, EVP_sha256()) > 0);
    FILE *f = fdopen(mkstemp(cert_file), "w");
    PEM_write_X509(f, cert);
    fclose(f);
    f = fdopen(mkstemp(key_file), "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(cert);
    EVP_PKEY_free(key);
}

Test(tls, a_frame)
{
    char cert_file[] = "/tmp/kcmock-cert-XXXXXX", key_file[] = "/tmp/kcmock-key-XXXXXX";
    write_certificate(cert_file, key_file);
    kc_mock_options o = {
        .size = sizeof o, .brokers = 1, .tls_cert_file = cert_file, .tls_key_file = key_file
    };
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s", why.text);
    unlink(cert_file);
    unlink(key_file);
    peer p;
    peer_open(&p, mock, 1);
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    SSL_set_fd(ssl, p.sock);
    cr_assert_eq(SSL_connect(ssl), 1);
    static const uint8_t request[] = { 0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff };
    cr_assert_eq(SSL_write(ssl, request, sizeof request), (int)sizeof request);
    uint8_t head[8];
    int got = 0;
    while (got < (int)sizeof head) {
        int n = SSL_read(ssl, head + got, (int)sizeof head - got);
        cr_assert_gt(n, 0);
        got += n;
    }
    cr_assert_eq(kci_load32(head + 4), 1, "the answer's correlation id");
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    peer_close(&p);
    /* a client that speaks no TLS gets nowhere, and harms nobody */
    peer_open(&p, mock, 1);
    peer_send_raw(&p, request, sizeof request);
    cr_assert_not(peer_receive_frame(&p) && p.in_size < 1000 && kci_load32(p.in) == 1);
    peer_close(&p);
    kc_mock_free(mock);
}

Test(tls, missing_certificates_are_told)
{
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    kc_mock_options o = { .size = sizeof o, .tls_cert_file = "/nonexistent" };
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_E_INVALID_ARGUMENT);
    o.tls_key_file = "/nonexistent";
    cr_assert_lt(kc_mock_new(&o, &mock, &why), 0);
    cr_assert_null(mock);
    cr_assert_not_null(strstr(why.text, "nonexistent"), "%s", why.text);
}
