/* SPDX-License-Identifier: Apache-2.0 */
#include <kclient/admin.h>

#include "admin/admin_impl.h"
#include "base/err.h"
#include "base/mem.h"

/* The client closes: administration has nothing that is worth waiting for. */
static void on_close(kci_user *user, int64_t deadline_us)
{
    (void)deadline_us;
    kc_admin *admin = KCI_CONTAINER_OF(user, kc_admin, user);
    admin->closed = true;
    kci_admin_end_ops(admin, KC_E_CLOSED);
    kci_user_closed(admin->client, user);
}

static void on_metadata(kci_user *user, const kci_metadata *now)
{
    (void)user;
    (void)now;
}

static void join(void *arg)
{
    kc_admin *admin = arg;
    kci_user_add(admin->client, &admin->user);
}

static void leave(void *arg)
{
    kc_admin *admin = arg;
    kci_admin_end_ops(admin, KC_E_CLOSED);
    kci_user_remove(admin->client, &admin->user);
}

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
    admin->client = kci_client_ref(client);
    admin->user = (kci_user){ .kind = "admin", .on_metadata = on_metadata, .on_close = on_close };
    admin->backoff = (kci_backoff){
        .base_us = kci_config_int(config, KCI_P_RETRY_BACKOFF_MS) * 1000,
        .max_us = kci_config_int(config, KCI_P_RETRY_BACKOFF_MAX_MS) * 1000,
    };
    kci_list_init(&admin->ops);
    uint64_t seed;
    kci_sys *sys = kci_client_sys(client);
    sys->random(sys, &seed, sizeof seed);
    kci_random_seed(&admin->random, seed);
    admin->leaving = kci_errand_new(client);
    err = KC_E_NO_MEMORY;
    if (admin->leaving)
        err = kci_client_run(client, join, admin, INT64_MAX); /* the loop answers within a turn */
    if (err) {
        kci_errand_free(admin->leaving);
        kci_client_unref(client);
        kci_free(admin);
        return kci_fail(detail, err, NULL);
    }
    *out = admin;
    return KC_OK;
}

void kc_admin_free(kc_admin *admin)
{
    if (!admin || kci_errand_run(admin->client, admin->leaving, leave, admin, INT64_MAX) != KC_OK)
        return; /* in a forked child the client still knows it, so it stays */
    kci_errand_free(admin->leaving);
    kci_client_unref(admin->client);
    kci_free(admin);
}
