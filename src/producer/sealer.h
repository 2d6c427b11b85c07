/* SPDX-License-Identifier: Apache-2.0 */
/* Seals batches: compression and CRC, on whichever thread closed them, outside of the gate. Keeps
 * the compressors (their contexts are large) for reuse: as many as threads ever sealed at once. */
#ifndef PRODUCER_SEALER_H
#define PRODUCER_SEALER_H

#include <pthread.h>

#include "producer/batch.h"

typedef struct kci_idle_compressor kci_idle_compressor;

typedef struct kci_sealer {
    pthread_mutex_t lock;
    kci_idle_compressor *idle;
    kci_codec codec;
    int level;
} kci_sealer;

kc_err kci_sealer_init(kci_sealer *s, kci_codec codec, int level);
void kci_sealer_free(kci_sealer *s);

/* Seals the writer. Cannot fail: at worst the batch stays uncompressed. The batch's flag `sealed`
 * is set by the caller. Any thread. */
void kci_sealer_seal(kci_sealer *s, kci_send_batch *b);

#endif
