/* SPDX-License-Identifier: Apache-2.0 */
/* What is refused for good, until somebody changes something: log-ins, by brokers, and brokers'
 * certificates, by this client. Calls are told so at once instead of waiting for their deadlines.
 * Log-ins are repeated after long pauses only, since accounts get locked: where no broker has taken
 * one yet, of the whole client, else at the broker that refused. Thread: loop. */
#ifndef CORE_REFUSAL_H
#define CORE_REFUSAL_H

#include "core/remote.h"

/* An attempt failed by it: err KC_E_AUTHENTICATION, or KC_E_TLS if a certificate or the whole TLS
 * was refused. KC_OK: it failed otherwise, which tells nothing of log-ins. */
void kci_refusal_note(kci_remote *remote, kci_network *network, kc_err err, const char *why);

/* It came up. */
void kci_refusal_over(kci_remote *remote, kci_network *network);

/* No log-in at it before this time; 0: at any time. */
int64_t kci_refusal_login_at(const kci_remote *remote, const kci_network *network);

/* Trying would be in vain, or is not allowed now. */
bool kci_refusal_holds(const kci_remote *remote, const kci_network *network);

/* No attempt before this time, by backoff or refusal. */
int64_t kci_refusal_retry_at(const kci_remote *remote, const kci_network *network);

#endif
