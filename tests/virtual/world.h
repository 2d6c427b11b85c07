/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a virtual world: virtual.c and open.c only. They are apart since programs that link
 * the cluster as a shared library cannot open one on a loop of theirs. */
#ifndef TESTS_VIRTUAL_WORLD_H
#define TESTS_VIRTUAL_WORLD_H

#include "sim/world.h"
#include "virtual/virtual.h"

struct virtual_world {
    sim_world *world;
    kci_loop *loop; /* the cluster's */
    kc_mock *mock;
};

#endif
