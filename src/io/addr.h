/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses as text and back. */
#ifndef IO_ADDR_H
#define IO_ADDR_H

#include "io/sys.h"

enum { KCI_ADDR_TEXT_SIZE = 64 };

/* "127.0.0.1:9092", "[::1]:9092"; "?" for other families. Returns buf (KCI_ADDR_TEXT_SIZE bytes).
 */
const char *kci_addr_text(const kci_addr *addr, char *buf);

/* The port; 0 for other families than IPv4 and IPv6. */
uint16_t kci_addr_port(const kci_addr *addr);

/* A numeric IPv4 or IPv6 address, without brackets; false if it is none. */
bool kci_addr_parse(const char *host, uint16_t port, kci_addr *out);

#endif
