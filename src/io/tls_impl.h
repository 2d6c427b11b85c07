/* SPDX-License-Identifier: Apache-2.0 */
/* What a TLS context is: tls.c and tls_files.c build it, tls_stream.c makes streams from it. Nobody
 * else. */
#ifndef IO_TLS_IMPL_H
#define IO_TLS_IMPL_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "io/tls.h"

struct kci_tls {
    atomic_int refs;
    SSL_CTX *ctx;
    bool server;
    bool verify_host;
    bool verify_peer;
};

/* tls_error.c: the reason of the first error in this thread's OpenSSL queue, in OpenSSL's words;
 * empties it. */
const char *kci_tls_take_reason(void);

/* tls_suites.c: the cipher suites and what follows from them for the versions, after both were set.
 */
kc_err kci_tls_set_suites(kci_tls *tls, const kci_tls_params *p, kc_error *detail);

/* tls_files.c: what is trusted, and the own certificate with its key (none: fine for clients). */
kc_err kci_tls_load_trust(kci_tls *tls, const kci_tls_params *p, kc_error *detail);
kc_err kci_tls_load_identity(kci_tls *tls, const kci_tls_params *p, kc_error *detail);

#endif
