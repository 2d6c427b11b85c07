/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of record batches. The fastest way that
 * the processor offers is chosen at the first call. Thread-safe. */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The CRC of bytes whose first part has `crc` already, followed by p[0..n-1]; start with 0. */
uint32_t kci_crc32c(uint32_t crc, const void *p, size_t n);

/* The CRC of A followed by B, from the CRC of each and B's length. */
uint32_t kci_crc32c_combine(uint32_t crc_a, uint32_t crc_b, size_t len_b);

/* Combine in two steps, for one B after many As: the operator depends on B's length only and costs
 * most of the time, its use is some 20 ns. combine(a, b, n) = apply(shift(n), a) ^ b. */
uint32_t kci_crc32c_shift(size_t len_b);
uint32_t kci_crc32c_apply(uint32_t shift, uint32_t crc_a);

/* The ways to compute it, for tests and benchmarks. */
enum kci_crc32c_impl {
    KCI_CRC32C_PORTABLE, /* slice-by-8 tables */
    KCI_CRC32C_HARDWARE  /* SSE4.2 or ARMv8 instructions */
};

/* Test seam: use this implementation from now on; false when the processor or the build lacks it.
 * Not to be called while another thread computes. */
bool kci_crc32c_force(enum kci_crc32c_impl impl);

#endif
