/* SPDX-License-Identifier: Apache-2.0 */
/* The core's part of the configuration, read once and in the core's units, so that no other file of
 * the core knows property names. Constant from kc_client_new on. */
#ifndef CORE_SETTINGS_H
#define CORE_SETTINGS_H

#include "base/backoff.h"
#include "core/config.h"

typedef struct kci_settings {
    const char *bootstrap; /* as written; the configuration's */
    kc_bytes client_id;    /* null when there is none */
    int64_t request_timeout_us;
    int64_t setup_timeout_us, setup_timeout_max_us;
    int64_t idle_us;          /* INT64_MAX: connections are not closed when idle */
    int64_t metadata_age_us;  /* INT64_MAX: not asked for on age */
    int64_t metadata_idle_us; /* how long a topic that nobody wants is remembered */
    int64_t rebootstrap_us;   /* how long without metadata until the bootstrap servers are asked */
    int64_t delivery_us;      /* how long a close without a time-out may take */
    kci_backoff reconnect, retry;
    int32_t send_buffer, receive_buffer; /* -1: the system's */
    uint32_t max_frame;
    int32_t max_in_flight; /* produce requests per connection */
    bool rebootstrap;      /* metadata.recovery.strategy=rebootstrap */
    bool auto_create;      /* allow.auto.create.topics */
    bool tls, sasl;
} kci_settings;

void kci_settings_read(kci_settings *settings, const kc_config *config);

#endif
