/* SPDX-License-Identifier: Apache-2.0 */
/* The credentials in Java's sasl.jaas.config: "<login module> required key="value" ... ;". Any
 * thread. */
#ifndef CORE_CONFIG_JAAS_H
#define CORE_CONFIG_JAAS_H

#include <kclient/error.h>

typedef struct kci_jaas {
    char *username; /* NULL: the module has none; free with kci_jaas_free */
    char *password;
} kci_jaas;

/* KC_E_BAD_PROPERTY (syntax, or a module that this library cannot stand in for), KC_E_NO_MEMORY.
 * The modules of Kerberos and OAUTHBEARER are taken and give no credentials. */
kc_err kci_jaas_parse(const char *text, kci_jaas *out, kc_error *detail);

/* Wipes and frees. */
void kci_jaas_free(kci_jaas *jaas);

#endif
