/* SPDX-License-Identifier: Apache-2.0 */
/* OpenSSL reads and writes through a BIO of our own, which has two buffers in front of the socket:
 * a read fetches as much as there is, and records that are written collect until the buffer is full
 * or the stream is flushed. Small pieces are copied together to records of up to 16 KiB. */
#include "io/tls_stream.h"

#if KCI_HAVE_TLS

#include <errno.h>
#include <stdio.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/addr.h"
#include "io/tls_impl.h"

enum {
    RECORD = 16 * 1024,
    RECORD_WIRE = RECORD + 512, /* with header, tag and padding */
    IN_SIZE = 32 * 1024,
    OUT_SIZE = 64 * 1024
};

struct kci_tls_stream {
    kci_tls *tls;
    SSL *ssl;
    BIO_METHOD *method;
    kci_csock *sock;
    char *name;   /* the host that is meant, without a final dot; may be NULL */
    int sock_err; /* -errno that the socket answered; 0: none */
    bool eof;     /* the socket has ended */
    bool drained; /* the last read was short: the next would find nothing */
    bool untrusted;
    uint32_t in_pos, in_end, out_pos, out_end;
    uint8_t in[IN_SIZE], out[OUT_SIZE], record[RECORD];
    char why[400];
};

/* the BIO */

static int fill_in(kci_tls_stream *s)
{
    if (s->drained) {
        s->drained = false;
        return -EAGAIN;
    }
    struct iovec iov = { s->in, IN_SIZE };
    ssize_t n = kci_csock_readv(s->sock, &iov, 1);
    if (n < 0)
        return (int)n;
    s->in_pos = 0;
    s->in_end = (uint32_t)n;
    s->eof = n == 0;
    s->drained = n > 0 && n < IN_SIZE;
    return 0;
}

static int bio_read(BIO *bio, char *out, int len)
{
    kci_tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->in_pos == s->in_end && !s->eof) {
        int err = fill_in(s);
        if (err == -EAGAIN)
            BIO_set_retry_read(bio);
        else if (err != 0)
            s->sock_err = err;
        if (err != 0)
            return -1;
    }
    uint32_t have = s->in_end - s->in_pos;
    uint32_t n = have < (uint32_t)len ? have : (uint32_t)len;
    memcpy(out, s->in + s->in_pos, n);
    s->in_pos += n;
    return (int)n; /* 0: the end */
}

static int bio_write(BIO *bio, const char *data, int len)
{
    kci_tls_stream *s = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (s->out_end == OUT_SIZE)
        kci_tls_stream_flush(s);
    if (s->sock_err != 0)
        return -1;
    uint32_t space = OUT_SIZE - s->out_end;
    if (space == 0) {
        BIO_set_retry_write(bio);
        return -1;
    }
    uint32_t n = space < (uint32_t)len ? space : (uint32_t)len;
    memcpy(s->out + s->out_end, data, n);
    s->out_end += n;
    return (int)n;
}

static long bio_ctrl(BIO *bio, int cmd, long num, void *ptr)
{
    (void)num;
    (void)ptr;
    const kci_tls_stream *s = BIO_get_data(bio);
    if (cmd == BIO_CTRL_FLUSH)
        return 1;
    return cmd == BIO_CTRL_EOF ? s->eof : 0;
}

int kci_tls_stream_flush(kci_tls_stream *s)
{
    int err = 0;
    while (s->out_pos < s->out_end && err == 0) {
        struct iovec iov = { s->out + s->out_pos, s->out_end - s->out_pos };
        ssize_t n = kci_csock_writev(s->sock, &iov, 1);
        if (n < 0)
            err = (int)n;
        else if ((size_t)n < iov.iov_len)
            err = -EAGAIN; /* it took what it could */
        s->out_pos += n > 0 ? (uint32_t)n : 0;
    }
    uint32_t left = s->out_end - s->out_pos;
    if (left && s->out_pos)
        memmove(s->out, s->out + s->out_pos, left);
    s->out_pos = 0;
    s->out_end = left;
    if (err != 0 && err != -EAGAIN)
        s->sock_err = err;
    return err;
}

/* creation */

static bool make_bio(kci_tls_stream *s)
{
    s->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "kclient socket");
    if (!s->method || !BIO_meth_set_read(s->method, bio_read) ||
        !BIO_meth_set_write(s->method, bio_write) || !BIO_meth_set_ctrl(s->method, bio_ctrl))
        return false;
    BIO *bio = BIO_new(s->method);
    if (!bio)
        return false;
    BIO_set_data(bio, s);
    BIO_set_init(bio, 1);
    SSL_set_bio(s->ssl, bio, bio);
    return true;
}

/* Who the certificate must be for, and the name that chooses it (SNI, not for numeric addresses).
 */
static kc_err set_name(kci_tls_stream *s, kc_error *detail)
{
    kci_addr numeric;
    bool is_ip = s->name && kci_addr_parse(s->name, 0, &numeric);
    bool ok = !s->name || is_ip || SSL_set_tlsext_host_name(s->ssl, s->name);
    if (ok && s->tls->verify_peer && s->tls->verify_host) {
        if (!s->name || !*s->name)
            return kci_fail(detail, KC_E_TLS,
                            "there is no host name to compare the certificate with");
        X509_VERIFY_PARAM *param = SSL_get0_param(s->ssl);
        /* Without a DNS name among the alternatives the common name counts, as in Java. */
        X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        ok = is_ip ? X509_VERIFY_PARAM_set1_ip_asc(param, s->name)
                   : X509_VERIFY_PARAM_set1_host(param, s->name, strlen(s->name));
    }
    return ok ? KC_OK
              : kci_fail(detail, KC_E_TLS, "'%s' cannot be used as a server's name in TLS",
                         s->name);
}

static kc_err set_up(kci_tls_stream *s, const char *server_name, kc_error *detail)
{
    if (server_name) {
        size_t n = strlen(server_name);
        if (n &&
            server_name[n - 1] == '.') /* the root's dot is not part of a certificate's names */
            n--;
        s->name = kci_strndup(server_name, n);
        if (!s->name)
            return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    }
    s->ssl = SSL_new(s->tls->ctx);
    if (!s->ssl || !make_bio(s))
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    if (s->tls->server) {
        SSL_set_accept_state(s->ssl);
        return KC_OK;
    }
    SSL_set_connect_state(s->ssl);
    return set_name(s, detail);
}

kc_err kci_tls_stream_new(kci_tls *tls, kci_csock *sock, const char *server_name,
                          kci_tls_stream **out, kc_error *detail)
{
    kci_tls_stream *s = kci_calloc(1, sizeof *s);
    if (!s)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    s->tls = tls;
    s->sock = sock;
    ERR_clear_error();
    kc_err err = set_up(s, server_name, detail);
    ERR_clear_error();
    if (err != KC_OK) {
        kci_tls_stream_free(s);
        return err;
    }
    *out = s;
    return KC_OK;
}

void kci_tls_stream_free(kci_tls_stream *s)
{
    if (!s)
        return;
    SSL_free(s->ssl); /* and its BIO */
    BIO_meth_free(s->method);
    kci_free(s->name);
    OPENSSL_cleanse(s->record, sizeof s->record);
    kci_free(s);
}

/* failures */

static const char *verify_remedy(long code)
{
    switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return "connect by a name that the certificate has as subject alternative name, or have it "
               "issued again";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_CRL_HAS_EXPIRED:
        return "renew it, and check this machine's clock";
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        return "set ssl.truststore.location (ssl.ca.location) to the certificate of its issuer";
    default:
        return "the peer needs another certificate";
    }
}

static const char *alert_remedy(int reason)
{
    switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
        return "the peer does not speak TLS: check the port, or set security.protocol to PLAINTEXT "
               "or SASL_PLAINTEXT";
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
        return "the own certificate (ssl.keystore) is missing or not accepted by the peer";
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_NO_SHARED_CIPHER:
        return "the two sides have no TLS version or cipher in common (at least TLS 1.2), or the "
               "peer wants a client certificate";
    default:
        return "see the broker's log for its side";
    }
}

static void describe_failure(kci_tls_stream *s)
{
    long verify = SSL_get_verify_result(s->ssl);
    unsigned long code = ERR_peek_error();
    int reason = ERR_GET_REASON(code);
    if (verify != X509_V_OK && reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        s->untrusted = true;
        snprintf(s->why, sizeof s->why, "the certificate of %s is refused (%s): %s",
                 s->name ? s->name : "the peer", X509_verify_cert_error_string(verify),
                 verify_remedy(verify));
    } else {
        const char *remedy = alert_remedy(ERR_GET_LIB(code) == ERR_LIB_SSL ? reason : 0);
        snprintf(s->why, sizeof s->why, "TLS failed (%s): %s", kci_tls_take_reason(), remedy);
    }
    ERR_clear_error();
}

/* What an OpenSSL call that did not succeed means: 0 the end of the stream, else -errno. */
static int outcome(kci_tls_stream *s, int result)
{
    int err = SSL_get_error(s->ssl, result);
    if (err == SSL_ERROR_WANT_READ || err == SSL_ERROR_WANT_WRITE)
        return -EAGAIN;
    if (err == SSL_ERROR_ZERO_RETURN)
        return 0;
    if (s->sock_err != 0) {
        ERR_clear_error();
        return s->sock_err;
    }
    if (s->eof && s->in_pos == s->in_end &&
        (err == SSL_ERROR_SYSCALL ||
         ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING)) {
        ERR_clear_error();
        return 0; /* frames have lengths, so a cut is seen without close_notify */
    }
    if (s->why[0] == '\0')
        describe_failure(s);
    ERR_clear_error();
    return -EPROTO;
}

/* use */

int kci_tls_stream_handshake(kci_tls_stream *s)
{
    ERR_clear_error();
    int result = SSL_do_handshake(s->ssl);
    int err = result == 1 ? 0 : outcome(s, result);
    if (result != 1 && err == 0)
        err = -ECONNRESET;
    int flushed = kci_tls_stream_flush(s); /* on failure: the alert */
    if ((err == 0 || err == -EAGAIN) && flushed != 0 && flushed != -EAGAIN)
        return flushed;
    return err;
}

/* Decrypts into one piece of memory: bytes, 0 the end, or -errno. */
static ssize_t read_piece(kci_tls_stream *s, uint8_t *to, size_t size)
{
    size_t got = 0;
    while (got < size) {
        size_t n;
        int result = SSL_read_ex(s->ssl, to + got, size - got, &n);
        if (result != 1)
            return got ? (ssize_t)got : outcome(s, result);
        got += n;
    }
    return (ssize_t)got;
}

ssize_t kci_tls_stream_readv(kci_tls_stream *s, const struct iovec *iov, int count)
{
    ERR_clear_error();
    ssize_t total = 0;
    for (int i = 0; i < count; i++) {
        ssize_t n = read_piece(s, iov[i].iov_base, iov[i].iov_len);
        if (n <= 0)
            return total ? total : n; /* a failure shows again at the next call */
        total += n;
        if ((size_t)n < iov[i].iov_len)
            break;
    }
    return total;
}

/* A cursor over pieces that are being written. */
typedef struct pieces {
    const struct iovec *iov;
    int count;
    size_t offset; /* into iov[0] */
} pieces;

static void skip(pieces *p, size_t n)
{
    while (p->count > 0) {
        size_t left = p->iov->iov_len - p->offset;
        if (n < left) {
            p->offset += n;
            return;
        }
        n -= left;
        p->iov++;
        p->count--;
        p->offset = 0;
    }
}

/* The next record's bytes: a large piece as it lies, small ones copied together. */
static const uint8_t *next_record(kci_tls_stream *s, const pieces *p, size_t *size)
{
    const uint8_t *here = (const uint8_t *)p->iov->iov_base + p->offset;
    size_t left = p->iov->iov_len - p->offset;
    if (left >= RECORD || p->count == 1) {
        *size = left < RECORD ? left : RECORD;
        return here;
    }
    size_t used = 0, offset = p->offset;
    for (int i = 0; i < p->count && used < RECORD; i++, offset = 0) {
        size_t part = p->iov[i].iov_len - offset;
        if (part > RECORD - used)
            part = RECORD - used;
        if (part)
            memcpy(s->record + used, (const uint8_t *)p->iov[i].iov_base + offset, part);
        used += part;
    }
    *size = used;
    return s->record;
}

static bool has_room(kci_tls_stream *s)
{
    if (OUT_SIZE - s->out_end < RECORD_WIRE)
        kci_tls_stream_flush(s);
    return s->sock_err == 0 && OUT_SIZE - s->out_end >= RECORD_WIRE;
}

ssize_t kci_tls_stream_writev(kci_tls_stream *s, const struct iovec *iov, int count)
{
    ERR_clear_error();
    pieces p = { iov, count, 0 };
    skip(&p, 0); /* empty pieces */
    ssize_t total = 0;
    int err = -EAGAIN;
    while (p.count > 0 && has_room(s)) {
        size_t size, n;
        const uint8_t *data = next_record(s, &p, &size);
        int result = SSL_write_ex(s->ssl, data, size, &n);
        if (result != 1) {
            err = outcome(s, result);
            if (err == 0)
                err = -EPIPE; /* the peer has ended the stream */
            break;
        }
        skip(&p, n);
        total += (ssize_t)n;
    }
    if (s->sock_err != 0)
        err = s->sock_err;
    return total ? total : err;
}

bool kci_tls_stream_wants_write(const kci_tls_stream *s)
{
    return s->out_pos != s->out_end;
}

bool kci_tls_stream_has_input(const kci_tls_stream *s)
{
    return s->in_pos != s->in_end || SSL_has_pending(s->ssl);
}

void kci_tls_stream_shutdown(kci_tls_stream *s)
{
    ERR_clear_error();
    if (SSL_is_init_finished(s->ssl) && s->sock_err == 0)
        SSL_shutdown(s->ssl);
    ERR_clear_error();
    kci_tls_stream_flush(s);
}

const char *kci_tls_stream_why(const kci_tls_stream *s)
{
    return s->why;
}

bool kci_tls_stream_untrusted(const kci_tls_stream *s)
{
    return s->untrusted;
}

#endif
