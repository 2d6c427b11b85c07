/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a partition for a record that names none, by the built-in partitioners. Inside the
 * gate. */
#ifndef PRODUCER_CHOOSE_H
#define PRODUCER_CHOOSE_H

#include "producer/accum.h"

/* The partition among a->topic's (at least one). Sets a->sticky. */
int32_t kci_choose_partition(kc_producer *p, kci_append *a);

/* The sticky partition's batch is full: the next record without key goes elsewhere, once its share
 * of bytes is reached (KIP-794). */
void kci_choose_next(kc_producer *p, kci_send_topic *t);

#endif
