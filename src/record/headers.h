/* SPDX-License-Identifier: Apache-2.0 */
/* Decoding record headers, within the record layer. The encoding half is declared in writer.h. */
#ifndef RECORD_HEADERS_H
#define RECORD_HEADERS_H

#include <kclient/record.h>

/* One header from [p, end): what follows it, or NULL when it is malformed. */
const uint8_t *kci_header_get(const uint8_t *p, const uint8_t *end, kc_header *out);

/* Whether [p, end) is exactly `count` well-formed headers. */
bool kci_headers_valid(const uint8_t *p, const uint8_t *end, int32_t count);

#endif
