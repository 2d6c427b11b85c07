/* SPDX-License-Identifier: Apache-2.0 */
#include "core/settings.h"

/* Longer than any process lives, and safe to add to a clock. */
static const int64_t longest_us = INT64_MAX / 4;

static int64_t us_of(const kc_config *config, kci_prop prop)
{
    int64_t ms = kci_config_int(config, prop);
    return ms > longest_us / 1000 ? longest_us : ms * 1000;
}

/* 0 means never. */
static int64_t us_or_never(const kc_config *config, kci_prop prop)
{
    int64_t us = us_of(config, prop);
    return us > 0 ? us : INT64_MAX;
}

static int64_t at_least(int64_t value, int64_t least)
{
    return value < least ? least : value;
}

static int32_t buffer_of(const kc_config *config, kci_prop prop)
{
    int64_t bytes = kci_config_int(config, prop);
    return bytes > 0 ? (int32_t)bytes : -1;
}

static kc_bytes text_of(const kc_config *config, kci_prop prop)
{
    const char *text = kci_config_str(config, prop);
    return text && *text ? kc_str(text) : kc_mem(NULL, 0);
}

static void read_times(kci_settings *s, const kc_config *c)
{
    s->request_timeout_us = us_of(c, KCI_P_REQUEST_TIMEOUT_MS);
    s->setup_timeout_us = us_of(c, KCI_P_SOCKET_CONNECTION_SETUP_TIMEOUT_MS);
    s->setup_timeout_max_us =
        at_least(us_of(c, KCI_P_SOCKET_CONNECTION_SETUP_TIMEOUT_MAX_MS), s->setup_timeout_us);
    s->idle_us = us_or_never(c, KCI_P_CONNECTIONS_MAX_IDLE_MS);
    s->metadata_age_us = us_or_never(c, KCI_P_METADATA_MAX_AGE_MS);
    s->metadata_idle_us = us_of(c, KCI_P_METADATA_MAX_IDLE_MS);
    s->rebootstrap_us = us_of(c, KCI_P_METADATA_RECOVERY_REBOOTSTRAP_TRIGGER_MS);
    s->delivery_us = kci_config_delivery_timeout_ms(c) * 1000;
    s->reconnect.base_us = us_of(c, KCI_P_RECONNECT_BACKOFF_MS);
    s->reconnect.max_us = at_least(us_of(c, KCI_P_RECONNECT_BACKOFF_MAX_MS), s->reconnect.base_us);
    s->retry.base_us = us_of(c, KCI_P_RETRY_BACKOFF_MS);
    s->retry.max_us = at_least(us_of(c, KCI_P_RETRY_BACKOFF_MAX_MS), s->retry.base_us);
}

void kci_settings_read(kci_settings *s, const kc_config *c)
{
    int64_t protocol = kci_config_int(c, KCI_P_SECURITY_PROTOCOL);

    *s = (kci_settings){ 0 };
    s->bootstrap = kci_config_str(c, KCI_P_BOOTSTRAP_SERVERS);
    s->client_id = text_of(c, KCI_P_CLIENT_ID);
    read_times(s, c);
    s->send_buffer = buffer_of(c, KCI_P_SEND_BUFFER_BYTES);
    s->receive_buffer = buffer_of(c, KCI_P_RECEIVE_BUFFER_BYTES);
    s->max_frame = (uint32_t)kci_config_int(c, KCI_P_RECEIVE_MESSAGE_MAX_BYTES);
    s->max_in_flight = (int32_t)kci_config_int(c, KCI_P_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION);
    s->rebootstrap = kci_config_int(c, KCI_P_METADATA_RECOVERY_STRATEGY) != 0;
    s->auto_create = kci_config_bool(c, KCI_P_ALLOW_AUTO_CREATE_TOPICS);
    s->tls = protocol == KCI_SECURITY_SSL || protocol == KCI_SECURITY_SASL_SSL;
    s->sasl = protocol == KCI_SECURITY_SASL_PLAINTEXT || protocol == KCI_SECURITY_SASL_SSL;
}
