/* SPDX-License-Identifier: Apache-2.0 */
/* See rig.h. Apart from rig.c, since it needs the cluster's inside (tests/virtual/world.h). */
#include "rig.h"

void rig_start_virtual(rig *r, const kc_mock_options *mock, const char *const *properties)
{
    kc_mock_options one = { .size = sizeof one, .brokers = 1 };
    r->world = virtual_open(mock ? mock : &one, &r->mock);
    rig_begin(r, properties);
}
