/* SPDX-License-Identifier: Apache-2.0 */
/* The admin's own state: a list of operations under way, on the loop. */
#ifndef ADMIN_ADMIN_IMPL_H
#define ADMIN_ADMIN_IMPL_H

#include "core/resident.h"

#include <kclient/admin.h>

struct kc_admin {
    kci_resident life;
    kc_client *client; /* life's */
    /* loop */
    kci_list ops;
};

/* Loop: ends all operations that have no answer yet. */
void kci_admin_end_ops(kc_admin *admin, kc_err err);

#endif
