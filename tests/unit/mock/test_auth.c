/* SPDX-License-Identifier: Apache-2.0 */
/* SASL/PLAIN and TLS on the listeners. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <unistd.h>

#include "base/bytes.h"
#include "peer.h"

static kc_mock *open_mock(kc_mock_options o)
{
    kc_mock *mock = NULL;
    kc_error why = { 0 };
    o.size = sizeof o;
    o.brokers = 1;
    cr_assert_eq(kc_mock_new(&o, &mock, &why), KC_OK, "%s", why.text);
    return mock;
}

static int16_t handshake(peer *p, const char *mechanism)
{
    kci_sasl_handshake_request in = { kc_str(mechanism) };
    kci_sasl_handshake_response out;
    peer_call(p, KCI_API_SASL_HANDSHAKE, 1, &in, &out);
    cr_assert_eq(out.mechanisms.count, 1);
    cr_assert(kci_bytes_equal(out.mechanisms.data[0], kc_str("PLAIN")));
    return out.error_code;
}

static int16_t authenticate(peer *p, int16_t version, kc_bytes token)
{
    kci_sasl_authenticate_request in = { token };
    kci_sasl_authenticate_response out;
    peer_call(p, KCI_API_SASL_AUTHENTICATE, version, &in, &out);
    return out.error_code;
}

static kci_metadata_request metadata(void)
{
    kci_metadata_request in;
    kci_msg_init(&kci_metadata_request_msg, &in);
    in.topics.count = -1;
    return in;
}

Test(auth, nothing_goes_without_authentication)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    peer p;
    peer_open(&p, mock, 1);
    kci_api_versions_request versions;
    kci_api_versions_response offered;
    kci_msg_init(&kci_api_versions_request_msg, &versions);
    peer_call(&p, KCI_API_API_VERSIONS, 3, &versions, &offered);
    bool found = false;
    for (int32_t i = 0; i < offered.api_keys.count; i++)
        found |= offered.api_keys.data[i].api_key == KCI_API_SASL_HANDSHAKE;
    cr_assert(found);
    kci_metadata_request in = metadata();
    peer_call_lost(&p, KCI_API_METADATA, 12, &in);
    peer_close(&p);
    kc_mock_free(mock);
}

Test(auth, plain)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    for (int16_t v = 0; v <= 2; v++) {
        peer p;
        peer_open(&p, mock, 1);
        cr_assert_eq(handshake(&p, "SCRAM-SHA-256"), KC_E_UNSUPPORTED_SASL_MECHANISM);
        cr_assert_eq(handshake(&p, "PLAIN"), 0);
        cr_assert_eq(authenticate(&p, v, kc_mem("\0bob\0other", 10)), 0);
        kci_metadata_request in = metadata();
        kci_metadata_response out;
        peer_call(&p, KCI_API_METADATA, 12, &in, &out);
        peer_close(&p);
    }
    kc_mock_free(mock);
}

Test(auth, wrong_credentials)
{
    kc_mock *mock = open_mock((kc_mock_options){ .sasl_plain = "ann:secret,bob:other" });
    const kc_bytes tokens[] = { kc_mem("\0bob\0secret", 11),
                                kc_mem("\0bob\0othe", 9),
                                kc_mem("\0bob\0", 5),
                                kc_mem("bob", 3),
                                kc_mem("", 0),
                                kc_mem("\0\0ann:secret", 12) };
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        peer p;
        peer_open(&p, mock, 1);
        cr_assert_eq(handshake(&p, "PLAIN"), 0);
        cr_assert_eq(authenticate(&p, 2, tokens[i]), KC_E_SASL_AUTHENTICATION_FAILED);
        cr_assert_not(peer_receive_frame(&p), "the connection ends after the answer");
        peer_close(&p);
    }
    peer p;
    peer_open(&p, mock, 1);
    cr_assert_eq(authenticate(&p, 2, kc_mem("\0bob\0other", 10)), KC_E_ILLEGAL_SASL_STATE);
    peer_close(&p);
    kc_mock_free(mock);
}

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

Test(auth, tls)
{
    char cert_file[] = "/tmp/kcmock-cert-XXXXXX", key_file[] = "/tmp/kcmock-key-XXXXXX";
    write_certificate(cert_file, key_file);
    kc_mock *mock =
        open_mock((kc_mock_options){ .tls_cert_file = cert_file, .tls_key_file = key_file });
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

Test(auth, missing_certificates_are_told)
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
