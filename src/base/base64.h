/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4: with padding). Thread-safe. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/buf.h"

/* Appends the text of data. */
void kci_base64_put(kci_buf *b, kc_bytes data);

/* Decodes strictly: no spaces, padding complete, unused bits zero. Returns the size, at most
 * text.size / 4 * 3, or -1 if the text is malformed or more than cap bytes. */
int64_t kci_base64_decode(kc_bytes text, uint8_t *out, size_t cap);

#endif
