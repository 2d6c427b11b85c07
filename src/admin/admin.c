/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an admin. */
#include <kclient/admin.h>

#include "admin/admin_impl.h"
#include "base/err.h"
#include "base/mem.h"

static kc_admin *admin_of(kci_resident *r)
{
    return KCI_CONTAINER_OF(r, kc_admin, life);
}

/* Administration has nothing that is worth waiting for. */
static void detach(kci_resident *r)
{
    kci_admin_end_ops(admin_of(r), KC_E_CLOSED);
}

static bool is_busy(kci_resident *r)
{
    return !kci_list_is_empty(&admin_of(r)->ops);
}

static void destroy(kci_resident *r)
{
    kci_resident_fini(r);
    kci_free(admin_of(r));
}

static const kci_resident_type type = {
    .kind = "admin", .detach = detach, .is_busy = is_busy, .destroy = destroy
};

kc_err kc_admin_new(kc_client *client, kc_admin **out, kc_error *detail)
{
    if (!client || !out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_admin_new: client or out is NULL");
    *out = NULL;
    kc_err err = kci_client_check(client);
    if (err)
        return kci_fail(detail, err, NULL);
    const kc_config *config = kci_client_config(client);
    err = kci_config_check(config, 'A', detail);
    if (err)
        return err;
    kc_admin *admin = kci_calloc(1, sizeof *admin);
    if (!admin)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    err = kci_resident_init(&admin->life, &type, client);
    if (err) {
        kci_free(admin);
        return kci_fail(detail, err, NULL);
    }
    admin->client = client;
    kci_list_init(&admin->ops);
    err = kci_resident_attach(&admin->life);
    if (err) {
        kci_resident_free(&admin->life);
        return kci_fail(detail, err, NULL);
    }
    *out = admin;
    return KC_OK;
}

void kc_admin_free(kc_admin *admin)
{
    if (admin && kci_client_check(admin->client) != KC_E_FORKED) /* a child's: it stays */
        kci_resident_free(&admin->life);
}
