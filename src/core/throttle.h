/* SPDX-License-Identifier: Apache-2.0 */
/* throttle_time_ms of any response: how long the broker asks this connection to be silent
 * (KIP-219). */
#ifndef CORE_THROTTLE_H
#define CORE_THROTTLE_H

#include <stdint.h>

/* Milliseconds; 0 for an API without that field. body is the decoded response struct of api. */
int32_t kci_throttle_of(int16_t api, const void *body);

#endif
