/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sasl.h"

#include "base/err.h"

kc_err kci_sasl_check(const kc_config *config, kc_error *detail)
{
    (void)config;
    return kci_fail(detail, KC_E_NOT_SUPPORTED,
                    "security.protocol=SASL_... is not built in yet: use PLAINTEXT or SSL");
}

const char *kci_sasl_mechanism(const kc_config *config)
{
    return kci_config_str(config, KCI_P_SASL_MECHANISM);
}

kc_err kci_sasl_new(kci_sys *sys, const kc_config *config, kci_sasl **out)
{
    (void)sys, (void)config;
    *out = NULL;
    return KC_E_NOT_SUPPORTED;
}

void kci_sasl_free(kci_sasl *sasl)
{
    (void)sasl;
}

kc_err kci_sasl_step(kci_sasl *sasl, kc_bytes received, kc_bytes *message, bool *done,
                     kc_error *detail)
{
    (void)sasl, (void)received;
    *message = kc_mem(NULL, 0);
    *done = false;
    return kci_fail(detail, KC_E_NOT_SUPPORTED, NULL);
}
