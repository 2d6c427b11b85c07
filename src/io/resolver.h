/* SPDX-License-Identifier: Apache-2.0 */
/* Host names to addresses; the `resolve` function of io/sys_posix.c. */
#ifndef IO_RESOLVER_H
#define IO_RESOLVER_H

#include "io/sys.h"

/* Numeric addresses are answered before it returns, and so are failures to start a look-up; other
 * names by a helper thread. Any thread. */
void kci_resolver_resolve(kci_sys *sys, const char *host, uint16_t port, kci_resolve_fn done,
                          void *arg);

#endif
