/* SPDX-License-Identifier: Apache-2.0 */
/* Checks across properties, and values that follow from several. */
#include "core/config.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/config_rows.h"
#include "core/config_value.h"
#include "io/errno_text.h"

/* Idempotent producers keep the order of at most this many requests (the broker remembers five). */
#define IDEMPOTENT_IN_FLIGHT 5

/* A fetch answer is larger than its records by its headers. */
#define FETCH_OVERHEAD 1024

static const char *name_of(kci_prop prop)
{
    return kci_prop_row_of(prop)->name;
}

/* TLS */

static kc_err read_start(const char *path, uint8_t *start, size_t cap, size_t *size,
                         kc_error *detail)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, start, cap);
    int why = errno;
    char text[KCI_ERRNO_TEXT_SIZE];
    if (fd >= 0)
        close(fd);
    if (n < 0)
        return kci_fail(detail, KC_E_IO, "%.200s cannot be read (%s): check path and permissions",
                        path, kci_errno_text(why, text));
    *size = (size_t)n;
    return KC_OK;
}

kc_err kci_config_store_type(const kc_config *config, kci_prop location, int *type,
                             kc_error *detail)
{
    static const uint8_t jks[] = { 0xfe, 0xed, 0xfe, 0xed }, jceks[] = { 0xce, 0xce, 0xce, 0xce };
    kci_prop type_prop = location == KCI_P_SSL_TRUSTSTORE_LOCATION ? KCI_P_SSL_TRUSTSTORE_TYPE
                                                                   : KCI_P_SSL_KEYSTORE_TYPE;
    uint8_t start[4] = { 0 };
    size_t size = 0;
    kc_err err = read_start(kci_config_str(config, location), start, sizeof start, &size, detail);
    if (err)
        return err;
    *type = (int)kci_config_int(config, type_prop);
    bool java = size == 4 && (memcmp(start, jks, 4) == 0 || memcmp(start, jceks, 4) == 0);
    if (java)
        *type = KCI_STORE_JKS;
    else if (*type == KCI_STORE_UNKNOWN ||
             *type == KCI_STORE_JKS) /* Java reads PKCS12 as JKS too */
        *type = size > 0 && start[0] == 0x30 ? KCI_STORE_PKCS12 : KCI_STORE_PEM;
    return KC_OK;
}

static kc_err check_store(const kc_config *config, kci_prop location, kc_error *detail)
{
    const char *path = kci_config_str(config, location);
    int type;
    if (!path)
        return KC_OK;
    kc_err err = kci_config_store_type(config, location, &type, detail);
    if (err || type != KCI_STORE_JKS)
        return err;
    return kci_fail(detail, KC_E_BAD_PROPERTY,
                    "%s: %.100s is in Java's JKS format; convert it: keytool -importkeystore "
                    "-srckeystore %.100s -destkeystore store.p12 -deststoretype PKCS12",
                    name_of(location), path, path);
}

static kc_err check_pair(const kc_config *config, kci_prop a, kci_prop b, kc_error *detail)
{
    bool has_a = kci_config_is_set(config, a), has_b = kci_config_is_set(config, b);
    if (has_a == has_b)
        return KC_OK;
    return kci_fail(detail, KC_E_BAD_PROPERTY, "%s is set, but %s is not: set both",
                    name_of(has_a ? a : b), name_of(has_a ? b : a));
}

static kc_err check_readable(const kc_config *config, kci_prop location, kc_error *detail)
{
    uint8_t start[1];
    size_t size = 0;
    const char *path = kci_config_str(config, location);
    return path ? read_start(path, start, sizeof start, &size, detail) : KC_OK;
}

static kc_err check_tls(const kc_config *config, kc_error *detail)
{
    if (!KCI_HAVE_TLS)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "security.protocol asks for TLS, but this build is without: build with "
                        "-Dtls=enabled");
    kc_err err = check_store(config, KCI_P_SSL_TRUSTSTORE_LOCATION, detail);
    if (!err)
        err = check_store(config, KCI_P_SSL_KEYSTORE_LOCATION, detail);
    if (!err)
        err = check_pair(config, KCI_P_SSL_KEYSTORE_KEY, KCI_P_SSL_KEYSTORE_CERTIFICATE_CHAIN,
                         detail);
    if (!err)
        err = check_pair(config, KCI_P_SSL_KEY_LOCATION, KCI_P_SSL_CERTIFICATE_LOCATION, detail);
    if (!err)
        err = check_readable(config, KCI_P_SSL_KEY_LOCATION, detail);
    if (!err)
        err = check_readable(config, KCI_P_SSL_CERTIFICATE_LOCATION, detail);
    return err;
}

/* SASL */

static kc_err check_sasl(const kc_config *config, kc_error *detail)
{
    static const char *const built_in[] = { "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512" };
    const char *mechanism = kci_config_str(config, KCI_P_SASL_MECHANISM);
    bool known = false;
    for (size_t i = 0; i < KCI_COUNT_OF(built_in); i++)
        known = known || strcmp(mechanism, built_in[i]) == 0;
    if (!known)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "sasl.mechanism=%.40s is not built in: set PLAIN, SCRAM-SHA-256 or "
                        "SCRAM-SHA-512",
                        mechanism);
    if (!kci_config_str(config, KCI_P_SASL_USERNAME) ||
        !kci_config_str(config, KCI_P_SASL_PASSWORD))
        return kci_fail(
            detail, KC_E_BAD_PROPERTY,
            "sasl.mechanism=%s needs credentials: set sasl.username and sasl.password, or "
            "sasl.jaas.config",
            mechanism);
    return KC_OK;
}

static kc_err check_all(const kc_config *config, kc_error *detail)
{
    if (!kci_config_str(config, KCI_P_BOOTSTRAP_SERVERS))
        return kci_fail(detail, KC_E_BAD_PROPERTY,
                        "bootstrap.servers is not set: name at least one broker as host:port");
    if (kci_config_int(config, KCI_P_CLIENT_DNS_LOOKUP) != 0)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "client.dns.lookup=resolve_canonical_bootstrap_servers_only is not built "
                        "in: remove it, and write the brokers' canonical names in "
                        "bootstrap.servers if their certificates need them");
    int64_t protocol = kci_config_int(config, KCI_P_SECURITY_PROTOCOL);
    kc_err err = KC_OK;
    if (protocol == KCI_SECURITY_SSL || protocol == KCI_SECURITY_SASL_SSL)
        err = check_tls(config, detail);
    if (!err && (protocol == KCI_SECURITY_SASL_PLAINTEXT || protocol == KCI_SECURITY_SASL_SSL))
        err = check_sasl(config, detail);
    return err;
}

/* Producer */

static kc_err idempotence_needs(const char *what, kc_error *detail)
{
    return kci_fail(
        detail, KC_E_BAD_PROPERTY,
        "enable.idempotence=true needs %s: change that, or set enable.idempotence=false "
        "and accept duplicates",
        what);
}

static const char *idempotence_obstacle(const kc_config *config)
{
    if (kci_config_int(config, KCI_P_ACKS) != -1)
        return "acks=all";
    if (kci_config_int(config, KCI_P_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION) > IDEMPOTENT_IN_FLIGHT)
        return "max.in.flight.requests.per.connection of at most 5";
    if (kci_config_int(config, KCI_P_RETRIES) == 0)
        return "retries above 0";
    return NULL;
}

bool kci_config_idempotent(const kc_config *config)
{
    return kci_config_bool(config, KCI_P_ENABLE_IDEMPOTENCE) && !idempotence_obstacle(config);
}

static kc_err check_codec(const kc_config *config, kc_error *detail)
{
    static const bool built_in[] = { true, true, KCI_HAVE_SNAPPY, KCI_HAVE_LZ4, KCI_HAVE_ZSTD };
    if (built_in[kci_config_int(config, KCI_P_COMPRESSION_TYPE)])
        return KC_OK;
    return kci_fail(detail, KC_E_NOT_SUPPORTED,
                    "compression.type=%s is not in this build: choose another, or build with it",
                    kci_config_str(config, KCI_P_COMPRESSION_TYPE));
}

static double least_delivery_timeout(const kc_config *config)
{
    return kci_config_double(config, KCI_P_LINGER_MS) +
           kci_config_double(config, KCI_P_REQUEST_TIMEOUT_MS);
}

int64_t kci_config_delivery_timeout_ms(const kc_config *config)
{
    int64_t timeout = kci_config_int(config, KCI_P_DELIVERY_TIMEOUT_MS);
    int64_t least = (int64_t)least_delivery_timeout(config);
    if (!kci_config_is_set(config, KCI_P_DELIVERY_TIMEOUT_MS) && timeout < least)
        return least;
    return timeout;
}

static kc_err check_producer(const kc_config *config, kc_error *detail)
{
    const char *obstacle = idempotence_obstacle(config);
    if (obstacle && kci_config_is_set(config, KCI_P_ENABLE_IDEMPOTENCE) &&
        kci_config_bool(config, KCI_P_ENABLE_IDEMPOTENCE))
        return idempotence_needs(obstacle, detail);
    if (kci_config_str(config, KCI_P_TRANSACTIONAL_ID))
        return kci_fail(
            detail, KC_E_NOT_SUPPORTED,
            "transactional.id is set, but transactions are not built in yet: remove it");
    if ((double)kci_config_delivery_timeout_ms(config) < least_delivery_timeout(config))
        return kci_fail(
            detail, KC_E_BAD_PROPERTY,
            "delivery.timeout.ms=%s is less than linger.ms=%s and request.timeout.ms=%s "
            "together: raise it, or lower those",
            kci_config_str(config, KCI_P_DELIVERY_TIMEOUT_MS),
            kci_config_str(config, KCI_P_LINGER_MS),
            kci_config_str(config, KCI_P_REQUEST_TIMEOUT_MS));
    return check_codec(config, detail);
}

int32_t kci_config_compression_level(const kc_config *config, int codec)
{
    static const kci_prop own[] = { [1] = KCI_P_COMPRESSION_GZIP_LEVEL,
                                    [3] = KCI_P_COMPRESSION_LZ4_LEVEL,
                                    [4] = KCI_P_COMPRESSION_ZSTD_LEVEL };
    static const int32_t java_default[] = { [1] = -1, [3] = 9, [4] = 3 };
    if (codec != 1 && codec != 3 && codec != 4)
        return KCI_LEVEL_DEFAULT;
    if (kci_config_is_set(config, own[codec])) {
        int64_t level = kci_config_int(config, own[codec]);
        return level == java_default[codec] ? KCI_LEVEL_DEFAULT : (int32_t)level;
    }
    int64_t any = kci_config_int(config, KCI_P_COMPRESSION_LEVEL);
    if (any == -1)
        return KCI_LEVEL_DEFAULT;
    const kci_prop_row *row = kci_prop_row_of(own[codec]);
    return (int32_t)(any < row->min ? row->min : any > row->max ? row->max : any);
}

/* Consumer */

int64_t kci_config_reset_duration_ms(const kc_config *config)
{
    int64_t ms = 0;
    if (kci_config_int(config, KCI_P_AUTO_OFFSET_RESET) == KCI_RESET_BY_DURATION)
        (void)kci_duration_parse(kci_config_str(config, KCI_P_AUTO_OFFSET_RESET) +
                                     strlen("by_duration:"),
                                 &ms); /* checked when it was set */
    return ms;
}

static kc_err check_consumer(const kc_config *config, kc_error *detail)
{
    int64_t fetch = kci_config_int(config, KCI_P_FETCH_MAX_BYTES);
    int64_t frame = kci_config_int(config, KCI_P_RECEIVE_MESSAGE_MAX_BYTES);
    if (fetch > frame - FETCH_OVERHEAD)
        return kci_fail(
            detail, KC_E_BAD_PROPERTY,
            "receive.message.max.bytes=%lld is too small for fetch.max.bytes=%lld: raise "
            "it to at least fetch.max.bytes + %d",
            (long long)frame, (long long)fetch, FETCH_OVERHEAD);
    if (kci_config_int(config, KCI_P_HEARTBEAT_INTERVAL_MS) >=
        kci_config_int(config, KCI_P_SESSION_TIMEOUT_MS))
        return kci_fail(
            detail, KC_E_BAD_PROPERTY,
            "heartbeat.interval.ms=%s is not less than session.timeout.ms=%s: a third of "
            "it is usual",
            kci_config_str(config, KCI_P_HEARTBEAT_INTERVAL_MS),
            kci_config_str(config, KCI_P_SESSION_TIMEOUT_MS));
    return KC_OK;
}

kc_err kci_config_check(const kc_config *config, char scope, kc_error *detail)
{
    kc_err err = check_all(config, detail);
    if (!err && scope == 'P')
        err = check_producer(config, detail);
    if (!err && scope == 'C')
        err = check_consumer(config, detail);
    return err;
}
