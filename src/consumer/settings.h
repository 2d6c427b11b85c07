/* SPDX-License-Identifier: Apache-2.0 */
/* The properties of a consumer, in the units that are used. Constant once it is made; only
 * settings.c writes them. */
#ifndef CONSUMER_SETTINGS_H
#define CONSUMER_SETTINGS_H

#include "consumer/session.h"
#include "core/client.h"
#include "reading/cursor.h"

typedef struct kci_read_settings {
    kci_fetch_options fetch;
    bool committed; /* read_committed */
    int reset;      /* KCI_RESET_... (core/config.h) */
    int64_t reset_duration_ms;
    bool report_eof;
    int32_t api_timeout_ms;
    int64_t request_timeout_us;
    int64_t backoff_us, backoff_max_us;
    int64_t lease_us; /* of a preferred replica */
    char *rack;
} kci_read_settings;

/* KC_E_NO_MEMORY. */
kc_err kci_read_settings_load(kci_read_settings *set, kci_log *log, const kc_config *config);
void kci_read_settings_free(kci_read_settings *set);

/* How to read slices; the decompressor and the memory are the caller's to put in. */
kci_read_options kci_read_settings_options(const kc_config *config);

/* auto.offset.reset as a position, which a duration makes depend on the time; false: there is none.
 */
bool kci_read_settings_reset_to(const kci_read_settings *set, int64_t wall_ms, kc_position *out);

#endif
