/* SPDX-License-Identifier: Apache-2.0 */
/* What producers do not tell applications. A file of its own, since producers and consumers do not
 * know each other's headers. */
#include "producer/producer.h"
#include "sim/run.h"

bool sim_producer_has_news(const kc_producer *producer)
{
    return kci_event_is_set(producer->ready);
}

int64_t sim_producer_held(const kc_producer *producer)
{
    return producer->pool.held;
}
