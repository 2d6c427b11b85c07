/* SPDX-License-Identifier: Apache-2.0 */
/* The built-in assignors: one file each. Each gets a sealed plan without owners and fills the
 * owners in; KC_E_NO_MEMORY or KC_OK. The same plan gives the same answer. */
#ifndef GROUP_ASSIGNORS_ASSIGNORS_H
#define GROUP_ASSIGNORS_ASSIGNORS_H

#include "group/plan.h"

kc_err kci_assign_range(kc_plan *plan);
kc_err kci_assign_round_robin(kc_plan *plan);
kc_err kci_assign_sticky(kc_plan *plan);
kc_err kci_assign_rack_aware_range(kc_plan *plan);

#endif
