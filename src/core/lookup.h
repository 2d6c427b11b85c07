/* SPDX-License-Identifier: Apache-2.0 */
/* One resolution of a host name, brought back to the loop. The system's resolver answers when it
 * likes and on its own thread; whoever asked may have lost interest by then, or be gone. */
#ifndef CORE_LOOKUP_H
#define CORE_LOOKUP_H

#include "core/network.h"

typedef struct kci_lookup kci_lookup;

/* Loop. addrs and why are borrowed; err KC_OK: count > 0. The lookup is freed after it. */
typedef void (*kci_lookup_fn)(void *arg, kc_err err, const kci_addr *addrs, size_t count,
                              const char *why);

/* Loop. Begins; fn is called in a later turn, unless the lookup is abandoned before. NULL when out
 * of memory. The network is held until the resolver has answered. */
kci_lookup *kci_lookup_start(kci_network *network, const char *host, uint16_t port,
                             kci_lookup_fn fn, void *arg);

/* Loop. fn will not be called; the lookup frees itself. NULL is fine. */
void kci_lookup_abandon(kci_lookup *lookup);

#endif
