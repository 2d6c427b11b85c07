/* SPDX-License-Identifier: Apache-2.0 */
/* See virtual.h: the beginning of a world. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "mock/mock.h"
#include "virtual/world.h"

enum { SEED = 42 };

virtual_world *virtual_open(const kc_mock_options *options, kc_mock **mock)
{
    kc_error why = { 0 };
    virtual_world *v = calloc(1, sizeof *v);
    cr_assert_not_null(v);
    v->world = sim_world_new(SEED);
    cr_assert_eq(kci_loop_new(sim_world_sys(v->world), &v->loop), KC_OK);
    sim_actor_add(v->world, v->loop, "cluster");
    cr_assert_eq(kci_mock_new_on(v->loop, options, &v->mock, &why), KC_OK, "%s", why.text);
    *mock = v->mock;
    return v;
}
