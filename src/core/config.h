/* SPDX-License-Identifier: Apache-2.0 */
/* Typed reading of a kc_config. One table (config_table.h) holds name, aliases, type, range,
 * default and doc of each property; KCI_P_<NAME> is its index. */
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

/* Values of enum properties, as kci_config_int gives them. */
enum {
    KCI_SECURITY_PLAINTEXT,
    KCI_SECURITY_SSL,
    KCI_SECURITY_SASL_PLAINTEXT,
    KCI_SECURITY_SASL_SSL
};
enum { KCI_RESET_EARLIEST, KCI_RESET_LATEST, KCI_RESET_NONE, KCI_RESET_BY_DURATION };
typedef enum kci_partitioner_kind {
    KCI_PARTITIONER_DEFAULT,
    KCI_PARTITIONER_ROUND_ROBIN,
    KCI_PARTITIONER_UNIFORM_STICKY,
    KCI_PARTITIONER_RANDOM,
    KCI_PARTITIONER_MURMUR2,
    KCI_PARTITIONER_CONSISTENT,
    KCI_PARTITIONER_CONSISTENT_RANDOM,
    KCI_PARTITIONER_FNV1A,
    KCI_PARTITIONER_FNV1A_RANDOM
} kci_partitioner_kind;
enum { KCI_STORE_UNKNOWN, KCI_STORE_PEM, KCI_STORE_PKCS12, KCI_STORE_JKS };
enum { KCI_DNS_ALL_IPS, KCI_DNS_CANONICAL_BOOTSTRAP };

/* The value, or the default. The property must be of that type. Any thread on a constant config. */
int64_t kci_config_int(const kc_config *config,
                       kci_prop prop); /* int, long, bool, enum; double cut */
double kci_config_double(const kc_config *config, kci_prop prop); /* any number */
bool kci_config_bool(const kc_config *config, kci_prop prop);
const char *kci_config_str(const kc_config *config, kci_prop prop); /* NULL: not set, no default */
bool kci_config_is_set(const kc_config *config, kci_prop prop);

/* A copy of base with what is set in own (NULL: nothing) over it; NULL when out of memory. */
kc_config *kci_config_merged(const kc_config *base, const kc_config *own);

/* Checks that span several properties (idempotence needs acks=all and at most 5 in flight ...),
 * that files are there, and that this build has what is asked for. scope: 'P', 'C', 'A' or '*'; the
 * checks of
 * '*' are part of each. KC_E_BAD_PROPERTY, KC_E_NOT_SUPPORTED, KC_E_IO, KC_E_NO_MEMORY. */
kc_err kci_config_check(const kc_config *config, char scope, kc_error *detail);

/* What follows from several properties together. */

/* enable.idempotence; where it was not set, only if acks, retries and in-flight allow it. */
bool kci_config_idempotent(const kc_config *config);

/* delivery.timeout.ms; where it was not set, at least linger.ms + request.timeout.ms. */
int64_t kci_config_delivery_timeout_ms(const kc_config *config);

/* The level for a codec (1 gzip ... 4 zstd); KCI_LEVEL_DEFAULT: the codec's own default. */
#define KCI_LEVEL_DEFAULT INT32_MIN
int32_t kci_config_compression_level(const kc_config *config, int codec);

/* For auto.offset.reset=by_duration:...: how far back, in ms; 0 for other values. */
int64_t kci_config_reset_duration_ms(const kc_config *config);

/* KCI_STORE_PEM, _PKCS12 or _JKS: the type that was set, else told from the file's first bytes.
 * location is KCI_P_SSL_TRUSTSTORE_LOCATION or KCI_P_SSL_KEYSTORE_LOCATION and must be set.
 * KC_E_IO. */
kc_err kci_config_store_type(const kc_config *config, kci_prop location, int *type,
                             kc_error *detail);

#endif
