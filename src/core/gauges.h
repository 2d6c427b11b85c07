/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of producers and consumers that change too often to be counted twice: they are asked for
 * when somebody reads the statistics. Any thread. */
#ifndef CORE_GAUGES_H
#define CORE_GAUGES_H

#include <pthread.h>
#include <stdint.h>

#include "base/list.h"
#include "base/mem.h"

typedef enum kci_gauge_kind {
    KCI_GAUGE_BUFFER_BYTES,
    KCI_GAUGE_FETCH_BUFFER_BYTES,
    KCI_GAUGE_COUNT
} kci_gauge_kind;

/* Embedded in what it is about. read: any thread, and with the gauges' lock held. */
typedef struct kci_gauge {
    kci_link link;
    kci_gauge_kind kind;
    int64_t (*read)(struct kci_gauge *gauge);
} kci_gauge;

typedef struct kci_gauges {
    pthread_mutex_t lock;
    kci_list list; /* kci_gauge; under lock */
} kci_gauges;

void kci_gauges_init(kci_gauges *gauges);
void kci_gauges_free(kci_gauges *gauges); /* none may be left */

void kci_gauge_add(kci_gauges *gauges, kci_gauge *gauge);

/* read() does not run any more when this returns. One that was not added is fine. */
void kci_gauge_remove(kci_gauges *gauges, kci_gauge *gauge);

/* The sum of each kind. */
void kci_gauges_read(kci_gauges *gauges, int64_t sums[KCI_GAUGE_COUNT]);

#endif
