/* SPDX-License-Identifier: Apache-2.0 */
/* TLS contexts: protocol limits and ciphers, what is trusted, the own certificate. */
#include "io/tls.h"

#if KCI_HAVE_TLS

#include <openssl/err.h>

#include "base/err.h"
#include "base/mem.h"
#include "io/tls_impl.h"

enum { SECURITY_LEVEL = 2 };

/* the context */

static void set_policy(kci_tls *tls, const kci_tls_params *p)
{
    SSL_CTX *ctx = tls->ctx;
    SSL_CTX_set_min_proto_version(ctx, p->min_version >= 13 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_max_proto_version(ctx, p->max_version == 12 ? TLS1_2_VERSION : 0);
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS | SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    if (p->server)
        SSL_CTX_set_num_tickets(ctx, 0);
    if (SSL_CTX_get_security_level(ctx) <
        SECURITY_LEVEL) /* a cipher list may lower it on purpose */
        SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
    int verify = SSL_VERIFY_NONE;
    if (p->verify_peer)
        verify = SSL_VERIFY_PEER | (p->server ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0);
    SSL_CTX_set_verify(ctx, verify, NULL);
}

static kc_err build(kci_tls *tls, const kci_tls_params *p, kc_error *detail)
{
    tls->ctx = SSL_CTX_new(p->server ? TLS_server_method() : TLS_client_method());
    if (!tls->ctx)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    set_policy(tls, p);
    kc_err err = kci_tls_set_suites(tls, p, detail);
    if (err == KC_OK)
        err = kci_tls_load_trust(tls, p, detail);
    if (err == KC_OK)
        err = kci_tls_load_identity(tls, p, detail);
    return err;
}

kc_err kci_tls_new(const kci_tls_params *params, kci_tls **out, kc_error *detail)
{
    kci_tls *tls = kci_calloc(1, sizeof *tls);
    if (!tls)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    atomic_init(&tls->refs, 1);
    tls->server = params->server;
    tls->verify_host = params->verify_host;
    tls->verify_peer = params->verify_peer;
    ERR_clear_error();
    kc_err err = build(tls, params, detail);
    ERR_clear_error();
    if (err != KC_OK) {
        kci_tls_unref(tls);
        return err;
    }
    *out = tls;
    return KC_OK;
}

kci_tls *kci_tls_ref(kci_tls *tls)
{
    atomic_fetch_add_explicit(&tls->refs, 1, memory_order_relaxed);
    return tls;
}

void kci_tls_unref(kci_tls *tls)
{
    if (!tls || atomic_fetch_sub_explicit(&tls->refs, 1, memory_order_acq_rel) != 1)
        return;
    SSL_CTX_free(tls->ctx);
    kci_free(tls);
}

#endif
