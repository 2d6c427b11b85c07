/* SPDX-License-Identifier: Apache-2.0 */
/* SASL, from the client's side: which bytes to send, and whether the other side's are what they
 * must be. It does no I/O: the connection's set-up carries its messages in SaslHandshake and
 * SaslAuthenticate.
 *
 * A kci_sasl is one exchange, for one connection; thread: loop. The credentials are the
 * configuration's and are neither logged nor kept longer than needed. */
#ifndef CORE_SASL_H
#define CORE_SASL_H

#include "core/config.h"
#include "io/sys.h"

typedef struct kci_sasl kci_sasl;

/* What a configuration asks for can be done: mechanism known, credentials there.
 * KC_E_NOT_SUPPORTED, KC_E_BAD_PROPERTY. */
kc_err kci_sasl_check(const kc_config *config, kc_error *detail);

/* The mechanism's name, for SaslHandshake. */
const char *kci_sasl_mechanism(const kc_config *config);

/* Begins an exchange. config is borrowed and outlives it. KC_E_NO_MEMORY and those of
 * kci_sasl_check. */
kc_err kci_sasl_new(kci_sys *sys, const kc_config *config, kci_sasl **out);
void kci_sasl_free(kci_sasl *sasl); /* NULL is fine */

/* Takes the other side's message (null: none yet) and gives the next one to send, which is borrowed
 * until the next call; *done: the exchange is complete, and if message is null there is nothing to
 * send. KC_E_AUTHENTICATION: the other side did not prove that it knows the password, or refused;
 * KC_E_PROTOCOL: its message is malformed. */
kc_err kci_sasl_step(kci_sasl *sasl, kc_bytes received, kc_bytes *message, bool *done,
                     kc_error *detail);

#endif
