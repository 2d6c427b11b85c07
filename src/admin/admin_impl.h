/* SPDX-License-Identifier: Apache-2.0 */
/* The admin's own state: a list of operations under way, on the loop. */
#ifndef ADMIN_ADMIN_IMPL_H
#define ADMIN_ADMIN_IMPL_H

#include "base/backoff.h"
#include "base/random.h"
#include "core/client.h"

#include <kclient/admin.h>

struct kc_admin {
    kc_client *client; /* a reference */
    kci_user user;
    kci_errand *leaving; /* so that it can be freed without memory */
    /* loop */
    kci_list ops;
    kci_backoff backoff;
    kci_random random;
    bool closed;
};

/* Loop: ends all operations that have no answer yet. */
void kci_admin_end_ops(kc_admin *admin, kc_err err);

#endif
