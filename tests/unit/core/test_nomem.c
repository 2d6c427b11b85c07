/* SPDX-License-Identifier: Apache-2.0 */
/* Allocation after allocation fails, once or from there on: no crash, no leak, no hang, and as soon
 * as there is memory again all goes on. */
#include <criterion/criterion.h>

#include "fake.h"

TestSuite(nomem, .timeout = 110);

static fake f;

enum { ENOUGH = 2000 };

Test(nomem, making_a_client)
{
    kc_config *config = kc_config_new();
    kc_err err = KC_E_NO_MEMORY;

    kc_config_set(config, "bootstrap.servers", "a:1,b:2,c:3", NULL);
    for (int n = 1; err == KC_E_NO_MEMORY; n++) {
        sim_world *world = sim_world_new(1);
        kc_client *client = NULL;
        int64_t before = kci_mem_live();
        kci_mem_fail_after(n, n % 2);
        err = kci_client_new_on(sim_world_sys(world), config, &client, NULL);
        kci_mem_fail_after(0, false);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%d", err);
        kc_client_free(client);
        cr_assert_eq(kci_mem_live(), before, "allocation %d leaves something", n);
        sim_world_free(world);
        cr_assert_lt(n, ENOUGH);
    }
    kc_config_free(config);
}

/* Connects, asks for metadata, calls every broker, while the n-th allocation fails. True: nothing
 * has. */
static bool go_through(int n, bool sticky)
{
    probe p[4];
    bool want_failed = false;
    const char *const fast[] = { "request.timeout.ms=2000", NULL };

    fake_init(&f, 3, fast);
    fake_add_topic(&f, "t", 3);
    kci_mem_fail_after(n, sticky);
    want_failed = kci_client_want_topic(f.client, kc_str("t")) != KC_OK;
    probe_init(&p[0], &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p[0].call.timeout_us = 3000000;
    probe_start(&p[0]);
    fake_run(&f, 500);
    for (int i = 1; i < 4; i++) {
        probe_init(&p[i], &f, i, KCI_CLASS_FETCH);
        p[i].call.timeout_us = 3000000;
        probe_start(&p[i]);
    }
    fake_run(&f, 4000);
    kci_mem_fail_after(0, false);
    bool all = !want_failed;
    for (int i = 0; i < 4; i++) {
        cr_assert(p[i].done, "call %d did not end when allocation %d failed", i, n);
        all &= p[i].err == KC_OK;
    }

    /* There is memory again. */
    if (want_failed)
        cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 3000);
    kci_metadata *m = kci_client_metadata(f.client);
    cr_assert_eq(m->node_count, 3, "allocation %d", n);
    cr_assert_not_null(kci_metadata_topic(m, kc_str("t")), "allocation %d", n);
    kci_metadata_unref(m);
    for (int i = 1; i < 4; i++) {
        probe_init(&p[i], &f, i, KCI_CLASS_FETCH);
        probe_start(&p[i]);
    }
    fake_run(&f, 3000);
    for (int i = 1; i < 4; i++)
        cr_assert_eq(p[i].err, KC_OK, "allocation %d: %s", n, p[i].why);
    fake_free(&f);
    return all;
}

Test(nomem, connecting_and_calling)
{
    for (int sticky = 0; sticky < 2; sticky++) {
        int64_t before = kci_mem_live();
        int good = 0;
        for (int n = 1; good < 3; n++) {
            good = go_through(n, sticky) ? good + 1 : 0;
            cr_assert_eq(kci_mem_live(), before, "allocation %d leaves something", n);
            cr_assert_lt(n, ENOUGH);
        }
    }
}

Test(nomem, closing)
{
    for (int n = 1; n < 40; n++) {
        probe p[2];
        int64_t before = kci_mem_live();
        fake_init(&f, 2, NULL);
        for (int i = 0; i < 2; i++) {
            probe_init(&p[i], &f, KCI_NODE_ANY, (kci_class)i);
            probe_start(&p[i]);
        }
        fake_run(&f, n % 8);
        kci_mem_fail_after(1 + n / 8, true);
        kc_err err = kc_client_close(f.client, 1000, NULL);
        kci_mem_fail_after(0, false);
        cr_assert_eq(err, KC_OK, "%d", err);
        cr_assert(p[0].done && p[1].done);
        fake_free(&f);
        cr_assert_eq(kci_mem_live(), before);
    }
}
