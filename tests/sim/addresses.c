/* SPDX-License-Identifier: Apache-2.0 */
/* Where brokers are: a host of its own for each, by a name of its own, and a port. Names get other
 * addresses (a pod that was started again), brokers other names, or each other's. */
#include <stdio.h>

#include "mock/mock.h"
#include "sim/run.h"

static void name_of(const sim_run *r, int place, char out[64])
{
    if (r->rename[place])
        snprintf(out, 64, "broker-%d-%d.test", place, r->rename[place]);
    else
        snprintf(out, 64, "broker-%d.test", place);
}

static void ip_of(const sim_run *r, int place, char out[16])
{
    snprintf(out, 16, "10.0.%d.%d", r->address[place] & 255, place);
}

/* What brokers tell of one of them, and how it is reached. */
static void tell(sim_run *r, int broker)
{
    int place = r->place[broker];
    char name[64], ip[16];
    name_of(r, place, name);
    ip_of(r, place, ip);
    uint16_t port = (uint16_t)(SIM_BASE_PORT + place - 1);
    sim_forward(r->world, port, (uint16_t)(SIM_BASE_PORT + broker - 1));
    sim_dns_set(r->world, name, ip);
    kci_mock_advertise(r->mock, broker, r->plan->named ? name : "127.0.0.1", port);
}

void sim_addresses_open(sim_run *r)
{
    for (int b = 1; b <= r->plan->brokers; b++) {
        r->place[b] = b;
        if (r->plan->named)
            tell(r, b);
    }
}

static void swap(sim_run *r, int broker)
{
    int other = broker % r->plan->brokers + 1, place = r->place[broker];
    if (other == broker)
        return;
    r->place[broker] = r->place[other];
    r->place[other] = place;
    tell(r, broker);
    tell(r, other);
    sim_reset_port(r->world, (uint16_t)(SIM_BASE_PORT + broker - 1));
    sim_reset_port(r->world, (uint16_t)(SIM_BASE_PORT + other - 1));
}

void sim_address_change(sim_run *r, int broker, sim_address_change_kind how)
{
    int place = r->place[broker];
    char ip[16];
    if (how == ADDRESS_SWAP || !r->plan->named) {
        swap(r, broker);
        return;
    }
    ip_of(r, place, ip);
    sim_host_gone(r->world, ip, how == ADDRESS_SILENT);
    r->address[place]++;
    r->rename[place] += how == ADDRESS_NAME;
    tell(r, broker);
}
