/* SPDX-License-Identifier: Apache-2.0 */
/* io/tls.h and io/tls_stream.h in a build without TLS. */
#include "base/err.h"
#include "io/tls_stream.h"

#if !KCI_HAVE_TLS

static kc_err refuse(kc_error *detail)
{
    return kci_fail(detail, KC_E_NOT_SUPPORTED,
                    "this build has no TLS: build with -Dtls=enabled, or use security.protocol "
                    "PLAINTEXT or SASL_PLAINTEXT");
}

kc_err kci_tls_new(const kci_tls_params *params, kci_tls **out, kc_error *detail)
{
    (void)params;
    (void)out;
    return refuse(detail);
}

void kci_tls_unref(kci_tls *tls)
{
    (void)tls;
}

kci_tls *kci_tls_ref(kci_tls *tls)
{
    return tls;
}

kc_err kci_tls_stream_new(kci_tls *tls, kci_csock *sock, const char *server_name,
                          kci_tls_stream **out, kc_error *detail)
{
    (void)tls;
    (void)sock;
    (void)server_name;
    (void)out;
    return refuse(detail);
}

void kci_tls_stream_free(kci_tls_stream *s)
{
    (void)s;
}

int kci_tls_stream_handshake(kci_tls_stream *s)
{
    (void)s;
    return -1;
}

ssize_t kci_tls_stream_readv(kci_tls_stream *s, const struct iovec *iov, int count)
{
    (void)s;
    (void)iov;
    (void)count;
    return -1;
}

ssize_t kci_tls_stream_writev(kci_tls_stream *s, const struct iovec *iov, int count)
{
    (void)s;
    (void)iov;
    (void)count;
    return -1;
}

int kci_tls_stream_flush(kci_tls_stream *s)
{
    (void)s;
    return -1;
}

bool kci_tls_stream_wants_write(const kci_tls_stream *s)
{
    (void)s;
    return false;
}

bool kci_tls_stream_has_input(const kci_tls_stream *s)
{
    (void)s;
    return false;
}

void kci_tls_stream_shutdown(kci_tls_stream *s)
{
    (void)s;
}

const char *kci_tls_stream_why(const kci_tls_stream *s)
{
    (void)s;
    return "";
}

bool kci_tls_stream_untrusted(const kci_tls_stream *s)
{
    (void)s;
    return false;
}

#endif
