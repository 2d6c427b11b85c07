/* SPDX-License-Identifier: Apache-2.0 */
/* Calls: they come back, in order, once, whatever happens. */
#include <criterion/criterion.h>

#include "fake.h"

TestSuite(calls, .timeout = 60);

Test(calls, to_any_broker)
{
    fake f;
    probe p;

    fake_init(&f, 3, NULL);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 5000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_eq(p.version, 4);
    cr_assert_eq(fake_total(&f, KCI_API_API_VERSIONS), 1);
    fake_free(&f);
}

Test(calls, to_a_broker_of_the_metadata)
{
    fake f;
    probe p;

    fake_init(&f, 3, NULL);
    fake_add_topic(&f, "t", 3);
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1000);
    kci_metadata *m = kci_client_metadata(f.client);
    cr_assert_eq(m->generation, 1);
    cr_assert_eq(m->node_count, 3);
    const kci_topic_meta *t = kci_metadata_topic(m, kc_str("t"));
    cr_assert_not_null(t);
    cr_assert_eq(t->partition_count, 3);
    cr_assert_eq(t->partitions[2].leader, 3);
    kci_metadata_unref(m);
    probe_init(&p, &f, 3, KCI_CLASS_FETCH);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 5000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_eq(p.node, 3);
    fake_free(&f);
}
