/* SPDX-License-Identifier: Apache-2.0 */
/* Typed reading of a kc_config. One table (config_table.h) holds name, aliases, type, range, default and
 * doc of each property; KCI_P_<NAME> is its index. */
#ifndef CORE_CONFIG_H
#define CORE_CONFIG_H

#include <kclient/config.h>

/* One row a property, `P(ID, ...)`: the enum below, the table and the docs are made from it. */
#include "core/config_table.h"

typedef enum kci_prop {
#define P(id, ...) KCI_P_##id,
    KCI_CONFIG_TABLE(P)
#undef P
        KCI_P_COUNT
} kci_prop;

/* The value, or the default. The property must be of that type. Any thread on a constant config. */
int64_t kci_config_int(const kc_config *config, kci_prop prop); /* int, long, enum index */
double kci_config_double(const kc_config *config, kci_prop prop);
bool kci_config_bool(const kc_config *config, kci_prop prop);
const char *kci_config_str(const kc_config *config, kci_prop prop); /* NULL: not set, no default */
bool kci_config_is_set(const kc_config *config, kci_prop prop);

/* Checks that span several properties (idempotence needs acks=all and at most 5 in flight ...). scope:
 * 'P', 'C', 'A' or '*'. */
kc_err kci_config_check(const kc_config *config, char scope, kc_error *detail);

#endif
