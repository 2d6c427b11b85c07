/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a consumer, in the units that are used. */
#include "base/mem.h"
#include "base/planted.h"
#include "consumer/consumer.h"

#define LEASE_ROOM_US 1000000

static int64_t int_of(const kc_config *s, kci_prop prop)
{
    return kci_config_int(s, prop);
}

static int32_t int32_of(const kc_config *s, kci_prop prop)
{
    int64_t v = int_of(s, prop);
    return v > INT32_MAX ? INT32_MAX : (int32_t)v;
}

/* As long as metadata are believed; but a pause and a fetch must fit in, or nothing would ever come
 * of a lease. */
static int64_t lease_us(const kc_consumer *c, int64_t metadata_us)
{
    int64_t least = 2 * (c->backoff.max_us + 1000 * (int64_t)c->fetch.max_wait_ms) + LEASE_ROOM_US;
    return metadata_us > least || KCI_BUG(LEASE_TOO_SHORT) ? metadata_us : least;
}

kc_err kci_consumer_read_settings(kc_consumer *c, const kc_config *s)
{
    if (kci_config_str(s, KCI_P_GROUP_ID))
        KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONFIG,
                "group.id has no effect: groups are not built in yet");
    const char *rack = kci_config_str(s, KCI_P_CLIENT_RACK);
    c->rack = kci_strndup(rack ? rack : "", rack ? strlen(rack) : 0);
    if (!c->rack)
        return KC_E_NO_MEMORY;
    c->read.committed = int_of(s, KCI_P_ISOLATION_LEVEL) == 1;
    c->read.check_crcs = int_of(s, KCI_P_CHECK_CRCS) != 0;
    c->read.max_records = int32_of(s, KCI_P_MAX_POLL_RECORDS) + KCI_BUG(POLL_MORE);
    c->read.max_decompressed = (size_t)int_of(s, KCI_P_FETCH_DECOMPRESSED_MAX_BYTES);
    c->fetch = (kci_fetch_options){
        .max_wait_ms = int32_of(s, KCI_P_FETCH_MAX_WAIT_MS),
        .min_bytes = int32_of(s, KCI_P_FETCH_MIN_BYTES),
        .max_bytes = int32_of(s, KCI_P_FETCH_MAX_BYTES),
        .max_partition_bytes = int32_of(s, KCI_P_MAX_PARTITION_FETCH_BYTES),
        .committed = c->read.committed,
        .rack = kc_str(c->rack),
    };
    c->report_eof = int_of(s, KCI_P_ENABLE_PARTITION_EOF) != 0;
    c->api_timeout_ms = int32_of(s, KCI_P_DEFAULT_API_TIMEOUT_MS);
    c->request_timeout_us = int_of(s, KCI_P_REQUEST_TIMEOUT_MS) * 1000;
    c->backoff.base_us = int_of(s, KCI_P_RETRY_BACKOFF_MS) * 1000;
    c->backoff.max_us = int_of(s, KCI_P_RETRY_BACKOFF_MAX_MS) * 1000;
    c->lease_us = lease_us(c, int_of(s, KCI_P_METADATA_MAX_AGE_MS) * 1000);
    c->reset = (int)int_of(s, KCI_P_AUTO_OFFSET_RESET);
    c->reset_duration_ms = kci_config_reset_duration_ms(s);
    return KC_OK;
}
