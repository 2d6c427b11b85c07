/* SPDX-License-Identifier: Apache-2.0 */
#include "mock/abi_structs.h"

#include <kclient/mock.h>

static const kc_mock_options default_options = KC_MOCK_OPTIONS_INIT;
static const kc_mock_fault default_fault = KC_MOCK_FAULT_INIT;

/* The second column never changes. */
const kci_abi kci_abi_mock_options =
    KCI_ABI_ROW(kc_mock_options, brokers, "KC_MOCK_OPTIONS_INIT", &default_options);
const kci_abi kci_abi_mock_fault =
    KCI_ABI_ROW(kc_mock_fault, action, "KC_MOCK_FAULT_INIT", &default_fault);

void kc_mock_options_init(kc_mock_options *out, size_t size)
{
    kci_abi_init(&kci_abi_mock_options, out, size);
}

void kc_mock_fault_init(kc_mock_fault *out, size_t size)
{
    kci_abi_init(&kci_abi_mock_fault, out, size);
}
