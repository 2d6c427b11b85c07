/* SPDX-License-Identifier: Apache-2.0 */
/* PEM texts as people have them: on one line, indented, without line ends where some belong. Java
 * reads all of these (KIP-651 shows them in properties), OpenSSL only the standard's. Any thread.
 */
#ifndef IO_TLS_PEM_H
#define IO_TLS_PEM_H

#include "base/buf.h"

/* Appends every whole block (BEGIN ... END) of text as the standard (RFC 7468) writes it; what is
 * outside of blocks is left out. May hold a key: the caller wipes it. */
void kci_pem_tidy(kc_bytes text, kci_buf *out);

#endif
