/* SPDX-License-Identifier: Apache-2.0 */
#include "core/network.h"

#include "core/call_end.h"
#include "core/flight.h"

void kci_network_init(kci_network *network)
{
    kci_list_init(&network->spare_flights);
    kci_list_init(&network->finished);
    network->finish.fn = kci_calls_finish;
}

void kci_network_free(kci_network *network)
{
    kci_flights_free_spare(network);
    kci_arena_free(&network->arena);
}
