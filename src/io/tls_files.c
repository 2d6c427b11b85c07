/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys for TLS contexts, from PEM files, PEM bytes or PKCS#12. Files are read here
 * once; nothing is asked from a terminal. */
#include "io/tls.h"

#if KCI_HAVE_TLS

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/err.h"
#include "io/errno_text.h"
#include "io/tls_impl.h"
#include "io/tls_pem.h"

enum { MAX_FILE = 16 * 1024 * 1024 };

/* sources: a file or bytes, as a BIO over memory */

typedef struct source {
    kci_buf file, pem; /* the file's bytes, and a PEM text; wiped since they may hold a key */
    BIO *bio;
    const char *name; /* for sentences */
} source;

static void wipe(kci_buf *buf)
{
    if (buf->data)
        OPENSSL_cleanse(buf->data, buf->size);
    kci_buf_free(buf);
}

static void source_close(source *s)
{
    BIO_free(s->bio);
    wipe(&s->file);
    wipe(&s->pem);
}

static int read_all(int fd, kci_buf *buf)
{
    for (;;) {
        uint8_t part[4096];
        ssize_t n = read(fd, part, sizeof part);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        kci_buf_put(buf, part, (size_t)n);
        OPENSSL_cleanse(part, (size_t)n);
        if (n == 0 || buf->failed)
            return buf->failed ? -ENOMEM : 0;
        if (buf->size > MAX_FILE)
            return -EFBIG;
    }
}

static kc_err read_file(const char *path, kci_buf *buf, const char *what, kc_error *detail)
{
    int err = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        err = -errno;
    } else {
        err = read_all(fd, buf);
        close(fd);
    }
    if (err == 0)
        return KC_OK;
    char text[KCI_ERRNO_TEXT_SIZE];
    return kci_fail(detail, err == -ENOMEM ? KC_E_NO_MEMORY : KC_E_IO, "cannot read the %s %s: %s",
                    what, path, kci_errno_text(err, text));
}

static kc_err open_bio(source *s, kc_bytes bytes, const char *what, kc_error *detail)
{
    if (bytes.size > INT_MAX)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "the %s is too large", what);
    s->bio = BIO_new_mem_buf(bytes.data ? (const void *)bytes.data : "", (int)bytes.size);
    return s->bio ? KC_OK : kci_fail(detail, KC_E_NO_MEMORY, NULL);
}

static kc_bytes bytes_in(const kci_buf *buf)
{
    return kc_mem(buf->data, buf->size);
}

static kc_err open_file(source *s, const char *file, const char *what, kc_error *detail)
{
    *s = (source){ .name = file };
    kc_err err = read_file(file, &s->file, what, detail);
    if (err == KC_OK)
        err = open_bio(s, bytes_in(&s->file), what, detail);
    if (err != KC_OK)
        source_close(s);
    return err;
}

static kc_err open_pem(source *s, const char *file, kc_bytes text, const char *what,
                       kc_error *detail)
{
    kc_err err = KC_OK;

    *s = (source){ .name = file ? file : what };
    if (file) {
        err = read_file(file, &s->file, what, detail);
        text = bytes_in(&s->file);
    }
    if (err == KC_OK) {
        kci_pem_tidy(text, &s->pem);
        err = s->pem.failed ? kci_fail(detail, KC_E_NO_MEMORY, NULL)
                            : open_bio(s, bytes_in(&s->pem), what, detail);
    }
    if (err != KC_OK)
        source_close(s);
    return err;
}

/* A password for OpenSSL; without one the answer is an error, not a question on the terminal. */
static int give_password(char *buf, int size, int writing, void *arg)
{
    (void)writing;
    const char *password = arg;
    size_t n = password ? strlen(password) : 0;
    if (!password || size < 0 || n > (size_t)size)
        return -1;
    memcpy(buf, password, n);
    return (int)n;
}

static void *password_arg(const char *password)
{
    union {
        const char *from;
        void *to;
    } arg = { .from = password }; /* OpenSSL's callback argument is not const */
    return arg.to;
}

/* PKCS#12 */

typedef struct key_store {
    EVP_PKEY *key;
    X509 *cert; /* of the key */
    STACK_OF(X509) * others;
} key_store;

static void store_close(key_store *s)
{
    EVP_PKEY_free(s->key);
    X509_free(s->cert);
    sk_X509_pop_free(s->others, X509_free);
}

/* what: "keystore" or "truststore". After KC_OK it is to be closed. */
static kc_err store_open(key_store *out, const char *file, const char *password, const char *what,
                         kc_error *detail)
{
    source s;
    *out = (key_store){ NULL, NULL, NULL };
    kc_err err = open_file(&s, file, what, detail);
    if (err != KC_OK)
        return err;
    PKCS12 *p12 = d2i_PKCS12_bio(s.bio, NULL);
    if (!p12)
        err = kci_fail(detail, KC_E_BAD_PROPERTY,
                       "%s is not a PKCS#12 %s; a JKS %s must be converted first "
                       "(keytool -importkeystore -deststoretype PKCS12)",
                       file, what, what);
    else if (!PKCS12_parse(p12, password, &out->key, &out->cert, &out->others))
        err = kci_fail(detail, KC_E_BAD_PROPERTY,
                       "the %s %s could not be opened (%s): check its password; a %s "
                       "with an algorithm of the past must be exported again (openssl pkcs12)",
                       what, file, kci_tls_take_reason(), what);
    ERR_clear_error();
    PKCS12_free(p12);
    source_close(&s);
    return err;
}

/* trust */

static bool add_infos(X509_STORE *store, STACK_OF(X509_INFO) * infos, int *certs, int *crls)
{
    for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
        X509_INFO *info = sk_X509_INFO_value(infos, i);
        if (info->x509) {
            if (!X509_STORE_add_cert(store, info->x509))
                return false;
            ++*certs;
        }
        if (info->crl) {
            if (!X509_STORE_add_crl(store, info->crl))
                return false;
            ++*crls;
        }
    }
    return true;
}

/* All certificates of a PEM text are trusted; revocation lists in it are obeyed. */
static kc_err load_trust_from(kci_tls *tls, source *s, kc_error *detail)
{
    X509_STORE *store = SSL_CTX_get_cert_store(tls->ctx);
    STACK_OF(X509_INFO) *infos =
        PEM_X509_INFO_read_bio(s->bio, NULL, give_password, password_arg(NULL));
    int certs = 0, crls = 0;
    bool ok = infos && add_infos(store, infos, &certs, &crls);
    sk_X509_INFO_pop_free(infos, X509_INFO_free);
    if (!ok || certs == 0)
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "no trusted certificate could be read from %s (%s): it must be PEM, with "
                        "'-----BEGIN CERTIFICATE-----'",
                        s->name, kci_tls_take_reason());
    if (crls)
        X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK);
    return KC_OK;
}

/* All certificates in it are trusted, whatever else there is. */
static kc_err load_trust_store(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    key_store s;
    X509_STORE *trusted = SSL_CTX_get_cert_store(tls->ctx);
    kc_err err = store_open(&s, p->ca_pkcs12_file, p->ca_pkcs12_password, "truststore", detail);
    if (err != KC_OK)
        return err;
    int count = sk_X509_num(s.others) > 0 ? sk_X509_num(s.others) : 0;
    bool ok = !s.cert || X509_STORE_add_cert(trusted, s.cert);
    for (int i = 0; ok && i < count; i++)
        ok = X509_STORE_add_cert(trusted, sk_X509_value(s.others, i));
    if (!ok)
        err = kci_fail(detail, KC_E_BAD_PROPERTY,
                       "a certificate in the truststore %s is not usable: %s", p->ca_pkcs12_file,
                       kci_tls_take_reason());
    else if (count == 0 && !s.cert)
        err = kci_fail(detail, KC_E_BAD_PROPERTY, "the truststore %s holds no certificate",
                       p->ca_pkcs12_file);
    store_close(&s);
    return err;
}

static kc_err load_system_trust(kci_tls *tls, kc_error *detail)
{
    if (!tls->verify_peer || SSL_CTX_set_default_verify_paths(tls->ctx))
        return KC_OK;
    return kci_fail(detail, KC_E_TLS, "the system's trusted certificates cannot be used: %s",
                    kci_tls_take_reason());
}

kc_err kci_tls_load_trust(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    source s;

    if (!p->ca_pkcs12_file && !p->ca_file && !p->ca_pem.data)
        return load_system_trust(tls, detail);
    /* As in Java, whoever is in the truststore is trusted, an issuing CA without its root or a
     * broker's own certificate too. */
    X509_STORE_set_flags(SSL_CTX_get_cert_store(tls->ctx), X509_V_FLAG_PARTIAL_CHAIN);
    if (p->ca_pkcs12_file)
        return load_trust_store(tls, p, detail);
    kc_err err = open_pem(&s, p->ca_file, p->ca_pem, "trusted certificates (CA)", detail);
    if (err != KC_OK)
        return err;
    err = load_trust_from(tls, &s, detail);
    source_close(&s);
    return err;
}

/* the own certificate and key */

static kc_err use_cert(kci_tls *tls, X509 *cert, const char *name, kc_error *detail)
{
    if (SSL_CTX_use_certificate(tls->ctx, cert))
        return KC_OK;
    return kci_fail(detail, KC_E_BAD_PROPERTY, "the certificate in %s is not usable: %s", name,
                    kci_tls_take_reason());
}

static kc_err use_key(kci_tls *tls, EVP_PKEY *key, const char *name, kc_error *detail)
{
    if (SSL_CTX_use_PrivateKey(tls->ctx, key) && SSL_CTX_check_private_key(tls->ctx))
        return KC_OK;
    return kci_fail(
        detail, KC_E_BAD_PROPERTY,
        "the private key in %s does not belong to the certificate, or is not usable: %s", name,
        kci_tls_take_reason());
}

static kc_err load_chain_from(kci_tls *tls, source *s, const kci_tls_params *p, kc_error *detail)
{
    X509 *cert = PEM_read_bio_X509(s->bio, NULL, give_password, password_arg(p->key_password));
    if (!cert)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "no certificate could be read from %s (%s)",
                        s->name, kci_tls_take_reason());
    kc_err err = use_cert(tls, cert, s->name, detail);
    X509_free(cert);
    while (err == KC_OK &&
           (cert = PEM_read_bio_X509(s->bio, NULL, give_password, password_arg(NULL)))) {
        if (!SSL_CTX_add0_chain_cert(tls->ctx, cert)) {
            X509_free(cert);
            err = kci_fail(detail, KC_E_BAD_PROPERTY, "the certificate chain in %s is not usable",
                           s->name);
        }
    }
    ERR_clear_error(); /* the end of the text shows as an error */
    return err;
}

static kc_err load_key_from(kci_tls *tls, source *s, const kci_tls_params *p, kc_error *detail)
{
    EVP_PKEY *key =
        PEM_read_bio_PrivateKey(s->bio, NULL, give_password, password_arg(p->key_password));
    if (!key)
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "the private key in %s could not be read (%s): it must be PEM, and "
                        "ssl.key.password must %s",
                        s->name, kci_tls_take_reason(),
                        p->key_password ? "be right" : "be set if it is encrypted");
    kc_err err = use_key(tls, key, s->name, detail);
    EVP_PKEY_free(key);
    return err;
}

static kc_err load_pem(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    source s;
    kc_err err = open_pem(&s, p->cert_file, p->cert_pem, "certificate", detail);
    if (err != KC_OK)
        return err;
    err = load_chain_from(tls, &s, p, detail);
    source_close(&s);
    if (err != KC_OK)
        return err;

    bool own_key = p->key_file || p->key_pem.data; /* else it lies beside the certificate */
    err = open_pem(&s, own_key ? p->key_file : p->cert_file, own_key ? p->key_pem : p->cert_pem,
                   "private key", detail);
    if (err != KC_OK)
        return err;
    err = load_key_from(tls, &s, p, detail);
    source_close(&s);
    return err;
}

static kc_err load_keystore(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    key_store s;
    kc_err err = store_open(&s, p->pkcs12_file, p->pkcs12_password, "keystore", detail);
    if (err != KC_OK)
        return err;
    if (!s.cert || !s.key)
        err = kci_fail(detail, KC_E_BAD_PROPERTY,
                       "the keystore %s holds no private key with "
                       "certificate",
                       p->pkcs12_file);
    if (err == KC_OK)
        err = use_cert(tls, s.cert, p->pkcs12_file, detail);
    if (err == KC_OK)
        err = use_key(tls, s.key, p->pkcs12_file, detail);
    if (err == KC_OK && s.others && !SSL_CTX_set1_chain(tls->ctx, s.others))
        err = kci_fail(detail, KC_E_BAD_PROPERTY, "the certificate chain in %s is not usable: %s",
                       p->pkcs12_file, kci_tls_take_reason());
    store_close(&s);
    return err;
}

kc_err kci_tls_load_identity(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    if (p->pkcs12_file)
        return load_keystore(tls, p, detail);
    if (p->cert_file || p->cert_pem.data)
        return load_pem(tls, p, detail);
    if (p->key_file || p->key_pem.data)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "there is a private key without certificate");
    if (p->server)
        return kci_fail(detail, KC_E_BAD_PROPERTY, "a TLS server needs a certificate and a key");
    return KC_OK;
}

#endif
