/* SPDX-License-Identifier: Apache-2.0 */
/* SipHash-1-3 (Aumasson and Bernstein): a keyed hash for tables whose keys come from outside. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t kci_siphash(const uint64_t key[2], const void *data, size_t size);

#endif
