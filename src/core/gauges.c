/* SPDX-License-Identifier: Apache-2.0 */
#include "core/gauges.h"

void kci_gauges_init(kci_gauges *gauges)
{
    pthread_mutex_init(&gauges->lock, NULL);
    kci_list_init(&gauges->list);
}

void kci_gauges_free(kci_gauges *gauges)
{
    pthread_mutex_destroy(&gauges->lock);
}

void kci_gauge_add(kci_gauges *gauges, kci_gauge *gauge)
{
    pthread_mutex_lock(&gauges->lock);
    kci_list_push_back(&gauges->list, &gauge->link);
    pthread_mutex_unlock(&gauges->lock);
}

void kci_gauge_remove(kci_gauges *gauges, kci_gauge *gauge)
{
    pthread_mutex_lock(&gauges->lock);
    kci_link_remove(&gauge->link);
    pthread_mutex_unlock(&gauges->lock);
}

void kci_gauges_read(kci_gauges *gauges, int64_t sums[KCI_GAUGE_COUNT])
{
    for (int i = 0; i < KCI_GAUGE_COUNT; i++)
        sums[i] = 0;
    pthread_mutex_lock(&gauges->lock);
    for (kci_link *l = kci_list_first(&gauges->list); l; l = kci_list_next(&gauges->list, l)) {
        kci_gauge *gauge = KCI_CONTAINER_OF(l, kci_gauge, link);
        sums[gauge->kind] += gauge->read(gauge);
    }
    pthread_mutex_unlock(&gauges->lock);
}
