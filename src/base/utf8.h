/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <kclient/types.h>

/* How many bytes at p, at most `left`, are one character; 0: none. */
size_t kci_utf8_length(const uint8_t *p, size_t left);

bool kci_utf8_valid(kc_bytes text);

#endif
