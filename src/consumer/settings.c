/* SPDX-License-Identifier: Apache-2.0 */
#include "consumer/settings.h"

#include "base/mem.h"
#include "base/planted.h"

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
static int64_t lease_us(const kci_read_settings *set, int64_t metadata_us)
{
    int64_t least = 2 * (set->backoff_max_us + 1000 * (int64_t)set->fetch.max_wait_ms);
    least += LEASE_ROOM_US;
    return metadata_us > least || KCI_BUG(LEASE_TOO_SHORT) ? metadata_us : least;
}

kci_read_options kci_read_settings_options(const kc_config *s)
{
    return (kci_read_options){
        .check_crcs = int_of(s, KCI_P_CHECK_CRCS) != 0,
        .committed = int_of(s, KCI_P_ISOLATION_LEVEL) == 1,
        .max_records = int32_of(s, KCI_P_MAX_POLL_RECORDS) + KCI_BUG(POLL_MORE),
        .max_decompressed = (size_t)int_of(s, KCI_P_FETCH_DECOMPRESSED_MAX_BYTES),
    };
}

kc_err kci_read_settings_load(kci_read_settings *set, kci_log *log, const kc_config *s)
{
    if (kci_config_str(s, KCI_P_GROUP_ID))
        KCI_LOG(log, KC_LOG_WARN, KCI_AREA_CONFIG,
                "group.id has no effect: groups are not built in yet");
    const char *rack = kci_config_str(s, KCI_P_CLIENT_RACK);
    set->rack = kci_strndup(rack ? rack : "", rack ? strlen(rack) : 0);
    if (!set->rack)
        return KC_E_NO_MEMORY;
    set->committed = int_of(s, KCI_P_ISOLATION_LEVEL) == 1;
    set->fetch = (kci_fetch_options){
        .max_wait_ms = int32_of(s, KCI_P_FETCH_MAX_WAIT_MS),
        .min_bytes = int32_of(s, KCI_P_FETCH_MIN_BYTES),
        .max_bytes = int32_of(s, KCI_P_FETCH_MAX_BYTES),
        .max_partition_bytes = int32_of(s, KCI_P_MAX_PARTITION_FETCH_BYTES),
        .committed = set->committed,
        .rack = kc_str(set->rack),
    };
    set->report_eof = int_of(s, KCI_P_ENABLE_PARTITION_EOF) != 0;
    set->api_timeout_ms = int32_of(s, KCI_P_DEFAULT_API_TIMEOUT_MS);
    set->request_timeout_us = int_of(s, KCI_P_REQUEST_TIMEOUT_MS) * 1000;
    set->backoff_us = int_of(s, KCI_P_RETRY_BACKOFF_MS) * 1000;
    set->backoff_max_us = int_of(s, KCI_P_RETRY_BACKOFF_MAX_MS) * 1000;
    set->lease_us = lease_us(set, int_of(s, KCI_P_METADATA_MAX_AGE_MS) * 1000);
    set->reset = (int)int_of(s, KCI_P_AUTO_OFFSET_RESET);
    set->reset_duration_ms = kci_config_reset_duration_ms(s);
    return KC_OK;
}

void kci_read_settings_free(kci_read_settings *set)
{
    kci_free(set->rack);
    set->rack = NULL;
}

bool kci_read_settings_reset_to(const kci_read_settings *set, int64_t wall_ms, kc_position *out)
{
    int64_t ago = set->reset_duration_ms;
    switch (set->reset) {
    case KCI_RESET_EARLIEST:
        *out = kc_position_beginning();
        return true;
    case KCI_RESET_LATEST:
        *out = kc_position_end();
        return true;
    case KCI_RESET_BY_DURATION:
        *out = kc_position_timestamp(wall_ms > ago ? wall_ms - ago : 0);
        return true;
    default: /* KCI_RESET_NONE */
        return false;
    }
}
