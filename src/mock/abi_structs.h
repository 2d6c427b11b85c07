/* SPDX-License-Identifier: Apache-2.0 */
/* The rows (base/abi.h) of the structs in kclient/mock.h. */
#ifndef MOCK_ABI_STRUCTS_H
#define MOCK_ABI_STRUCTS_H

#include "base/abi.h"

extern const kci_abi kci_abi_mock_options;
extern const kci_abi kci_abi_mock_fault;

#endif
