/* SPDX-License-Identifier: Apache-2.0 */
/* What the implementations of base/crc32c.h share; nobody else includes this. */
#ifndef BASE_CRC32C_IMPL_H
#define BASE_CRC32C_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* As kci_crc32c(). */
typedef uint32_t kci_crc32c_fn(uint32_t crc, const void *p, size_t n);

/* The implementation by the processor's CRC instructions; NULL when the build or the machine has
 * none. Thread-safe. */
kci_crc32c_fn *kci_crc32c_hardware(void);

#endif
