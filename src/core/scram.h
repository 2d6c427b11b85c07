/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM-SHA-256 and SCRAM-SHA-512, the client's side (RFC 5802, RFC 7677), without channel binding.
 * As in Kafka the password's bytes are taken as they are (no SASLprep). No I/O, no randomness: the
 * nonce is given. Both sides prove that they know the password; a server that does not is not
 * accepted. */
#ifndef CORE_SCRAM_H
#define CORE_SCRAM_H

#include "base/buf.h"
#include "base/sha2.h"

#include <kclient/error.h>

/* Fewer iterations than the first would make a captured exchange easy to crack (RFC 7677); more
 * than the second would keep the client's loop busy for too long. */
enum { KCI_SCRAM_ITERATIONS_MIN = 4096, KCI_SCRAM_ITERATIONS_MAX = 100000 };

typedef struct kci_scram {
    kci_sha2_kind kind;
    kc_bytes user, password; /* borrowed */
    bool token;              /* the credentials are a delegation token's (KIP-48) */
    kci_buf nonce;           /* the client's */
    kci_buf message;         /* the last one made */
    kci_buf transcript;      /* client-first-bare, server-first, client-final-without-proof */
    uint8_t salted[KCI_SHA2_MAX], stored_key[KCI_SHA2_MAX], server_key[KCI_SHA2_MAX];
    uint8_t server_signature[KCI_SHA2_MAX];
} kci_scram;

/* nonce: printable, without commas; copied. KC_E_NO_MEMORY. */
kc_err kci_scram_begin(kci_scram *s, kci_sha2_kind kind, kc_bytes user, kc_bytes password,
                       bool token, kc_bytes nonce);

/* Wipes the secrets and frees the rest. Zeroed memory is fine. */
void kci_scram_end(kci_scram *s);

/* The three steps. *out is borrowed until the next. KC_E_NO_MEMORY; KC_E_AUTHENTICATION with
 * detail: the server's message cannot be accepted. */
kc_err kci_scram_client_first(kci_scram *s, kc_bytes *out);
kc_err kci_scram_client_final(kci_scram *s, kc_bytes server_first, kc_bytes *out, kc_error *detail);
kc_err kci_scram_verify(kci_scram *s, kc_bytes server_final, kc_error *detail);

#endif
