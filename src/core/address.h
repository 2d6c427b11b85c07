/* SPDX-License-Identifier: Apache-2.0 */
/* bootstrap.servers: "host:port" parted by commas. */
#ifndef CORE_ADDRESS_H
#define CORE_ADDRESS_H

#include <kclient/error.h>

enum { KCI_HOST_MAX = 255, KCI_DEFAULT_PORT = 9092 };

typedef struct kci_host_port {
    char host[KCI_HOST_MAX + 1]; /* without the brackets of an IPv6 address */
    uint16_t port;
} kci_host_port;

/* Reads the next entry of the list from *text, which is moved behind it; false at the end. Empty
 * entries and spaces are passed over; "PLAINTEXT://" and the like before a host are allowed; the
 * port is 9092 if left out. *err gets KC_E_BAD_PROPERTY (with detail) for an entry that is none. */
bool kci_address_next(const char **text, kci_host_port *out, kc_err *err, kc_error *detail);

#endif
