/* SPDX-License-Identifier: Apache-2.0 */
/* Lies about record batches in a `records` field. */
#ifndef HOSTILE_BATCH_H
#define HOSTILE_BATCH_H

#include "hostile/mutate.h"

int host_batch_variants(void);
const char *host_batch_variant_name(int variant);

/* The changed records, in the arena; empty or null ones stay so unless others replace them. */
kc_bytes host_batch_mutate(int variant, kc_bytes records, const host_given *given);

/* Whether the variant makes batches that are well-formed and say something else. */
bool host_batch_forges(int variant);

#endif
