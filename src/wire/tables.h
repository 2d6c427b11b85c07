/* SPDX-License-Identifier: Apache-2.0 */
/* What the generated tables.c offers besides the tables of messages.h; only api.c reads it. */
#ifndef WIRE_TABLES_H
#define WIRE_TABLES_H

#include "wire/codec.h"

extern const kci_api kci_api_table[]; /* ascending by key */
extern const size_t kci_api_table_size;

extern const kci_api kci_api_foreign_table[]; /* ascending by key; without messages */
extern const size_t kci_api_foreign_table_size;

extern const kci_msg *const kci_msg_table[]; /* every top-level message, ascending by name */
extern const size_t kci_msg_table_size;

#endif
