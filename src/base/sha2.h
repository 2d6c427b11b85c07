/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 and SHA-512 (FIPS 180-4) with HMAC (RFC 2104) and PBKDF2 (RFC 8018), for SCRAM, which
 * must also work in a build without TLS and its library. Portable, no tables made at run time; not
 * meant for bulk data. Thread-safe on distinct states. */
#ifndef BASE_SHA2_H
#define BASE_SHA2_H

#include <kclient/types.h>

typedef enum kci_sha2_kind { KCI_SHA256, KCI_SHA512 } kci_sha2_kind;

enum { KCI_SHA2_MAX = 64, KCI_SHA2_BLOCK_MAX = 128 };

/* Bytes of a digest: 32 or 64. */
static inline size_t kci_sha2_size(kci_sha2_kind kind)
{
    return kind == KCI_SHA256 ? 32 : 64;
}

typedef struct kci_sha2 {
    kci_sha2_kind kind;
    union {
        uint32_t w32[8];
        uint64_t w64[8];
    } state;
    uint64_t size; /* bytes taken */
    uint8_t block[KCI_SHA2_BLOCK_MAX];
} kci_sha2;

void kci_sha2_begin(kci_sha2 *s, kci_sha2_kind kind);
void kci_sha2_add(kci_sha2 *s, kc_bytes data);
void kci_sha2_end(kci_sha2 *s, uint8_t *digest); /* kci_sha2_size bytes; s is to be begun anew */

/* The digest of data. */
void kci_sha2_of(kci_sha2_kind kind, kc_bytes data, uint8_t *digest);

/* The HMAC of data; kci_sha2_size bytes. */
void kci_hmac(kci_sha2_kind kind, kc_bytes key, kc_bytes data, uint8_t *mac);

/* PBKDF2 with HMAC, first block: SCRAM's Hi(). iterations is at least 1. */
void kci_pbkdf2(kci_sha2_kind kind, kc_bytes password, kc_bytes salt, uint32_t iterations,
                uint8_t *key);

#endif
