/* SPDX-License-Identifier: Apache-2.0 */
/* See virtual.h. */
#include "virtual/virtual.h"

#include <stdlib.h>

#include <criterion/criterion.h>

#include "core/client.h"
#include "virtual/world.h"

enum { LOOKUP_MS = 10000 /* names that are being looked up hold their client */ };

kc_err virtual_client_new(virtual_world *v, const kc_config *config, kc_client **client,
                          kc_error *why)
{
    kc_err err = kci_client_new_on(sim_world_sys(v->world), config, client, why);
    if (err == KC_OK)
        sim_actor_add(v->world, kci_client_loop(*client), "client");
    return err;
}

void virtual_client_free(virtual_world *v, kc_client *client)
{
    if (!client)
        return;
    sim_actor_remove(v->world, kci_client_loop(client));
    kc_client_free(client);
}

void virtual_close(virtual_world *v)
{
    virtual_sleep_ms(v, LOOKUP_MS);
    cr_assert_eq(sim_open_sockets(v->world), 0, "sockets are left open");
    kc_mock_free(v->mock);
    sim_actor_remove(v->world, v->loop);
    kci_loop_free(v->loop);
    sim_world_free(v->world);
    free(v);
}

int64_t virtual_now_ms(const virtual_world *v)
{
    return sim_now(v->world) / 1000;
}

void virtual_sleep_ms(virtual_world *v, int64_t ms)
{
    sim_run_until(v->world, sim_now(v->world) + ms * 1000, NULL);
}

void virtual_after_ms(virtual_world *v, int64_t ms, void (*fn)(void *arg), void *arg)
{
    sim_at(v->world, sim_now(v->world) + ms * 1000, fn, arg);
}

int64_t virtual_connects(const virtual_world *v)
{
    return sim_connects(v->world);
}
