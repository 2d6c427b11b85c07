/* SPDX-License-Identifier: Apache-2.0 */
/* A file of its own, since producers and consumers do not know each other's headers. */
#include "producer/producer.h"
#include "sim/run.h"

int64_t sim_producer_held(const kc_producer *producer)
{
    return producer->pool.held;
}
