/* SPDX-License-Identifier: Apache-2.0 */
/* Leaders, and leases of closer replicas. */
#include <criterion/criterion.h>

#include "consumer/replica.h"

enum { LEADER = 1, NEAR = 2, OTHER = 3, SECOND = 1000000 };

static kci_replica r;

static void setup(void)
{
    kci_replica_init(&r);
    kci_replica_set_leader(&r, LEADER, 5);
}

TestSuite(replica, .init = setup);

static int32_t choose(int64_t now_us)
{
    return kci_replica_choose(&r, now_us, true, false);
}

Test(replica, the_leader_unless_it_names_another)
{
    cr_assert_eq(choose(0), LEADER);
    cr_assert_not(kci_replica_prefer(&r, LEADER, 100)); /* itself */
    cr_assert(kci_replica_prefer(&r, NEAR, 100));
    cr_assert_eq(choose(99), NEAR);
    cr_assert_not(kci_replica_prefer(&r, NEAR, 500)); /* again: the lease is not made longer */
    cr_assert_eq(choose(99), NEAR);
    cr_assert_eq(choose(100), LEADER);
    cr_assert_eq(choose(99), LEADER); /* it is over */
}

Test(replica, what_was_asked_in_time_is_waited_for)
{
    kci_replica_prefer(&r, NEAR, 100);
    cr_assert_eq(kci_replica_choose(&r, 5000, true, true), NEAR);
    cr_assert_eq(kci_replica_choose(&r, 5000, true, false), LEADER);
}

Test(replica, one_that_metadata_calls_useless_is_left)
{
    kci_replica_prefer(&r, NEAR, 100);
    cr_assert_eq(kci_replica_choose(&r, 50, false, true), LEADER);
    cr_assert_eq(choose(50), LEADER);
    cr_assert_eq(r.let_downs, 0); /* no blame */
}

Test(replica, a_lease_ends_with_an_answer_from_there)
{
    kci_replica_prefer(&r, NEAR, 100);
    cr_assert_not(kci_replica_end_lease(&r, NEAR, 99));
    cr_assert_not(kci_replica_end_lease(&r, LEADER, 200)); /* an answer from elsewhere */
    cr_assert(kci_replica_end_lease(&r, NEAR, 100));
    cr_assert_not(kci_replica_end_lease(&r, NEAR, 200)); /* once */
    cr_assert_eq(choose(50), LEADER);
}

Test(replica, the_third_let_down_in_a_row_is_one_too_many)
{
    cr_assert_not(kci_replica_let_down(&r)); /* nobody is preferred */
    for (int i = 0; i < 2; i++) {
        kci_replica_prefer(&r, NEAR, 100);
        cr_assert_not(kci_replica_let_down(&r));
        cr_assert_eq(choose(50), LEADER);
    }
    kci_replica_prefer(&r, OTHER, 100); /* whoever it is */
    cr_assert(kci_replica_let_down(&r));
    kci_replica_prefer(&r, NEAR, 100);
    cr_assert(kci_replica_let_down(&r)); /* until it is forgiven */
    kci_replica_forgive(&r);
    kci_replica_prefer(&r, NEAR, 100);
    cr_assert_not(kci_replica_let_down(&r));
}

Test(replica, one_good_answer_makes_up_for_let_downs)
{
    for (int i = 0; i < 6; i++) {
        kci_replica_prefer(&r, NEAR, 100);
        kci_replica_did_well(&r, LEADER); /* of no interest */
        cr_assert_eq(kci_replica_let_down(&r), i == 2 || i == 5);
        if (i != 2)
            continue;
        kci_replica_prefer(&r, NEAR, 100);
        kci_replica_did_well(&r, NEAR);
        kci_replica_leave(&r);
    }
}

Test(replica, a_missing_partition_is_reported_after_its_grace)
{
    kci_replica_init(&r);
    cr_assert_eq(kci_replica_missing(&r, 10 * SECOND), 12 * SECOND);
    cr_assert_eq(kci_replica_missing(&r, 11 * SECOND), 12 * SECOND); /* since it is missing */
    kci_replica_set_leader(&r, LEADER, 5);
    cr_assert_eq(kci_replica_missing(&r, 50 * SECOND), 80 * SECOND); /* it was seen once */
}
