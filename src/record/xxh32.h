/* SPDX-License-Identifier: Apache-2.0 */
/* XXH32 with seed 0, the checksum of lz4 frames (xxHash specification 0.1.1). */
#ifndef RECORD_XXH32_H
#define RECORD_XXH32_H

#include <stddef.h>
#include <stdint.h>

uint32_t kci_xxh32(const void *data, size_t n);

#endif
