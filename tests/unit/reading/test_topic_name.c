/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include <criterion/criterion.h>

#include "reading/topic_name.h"

Test(topic_name, what_it_can_be)
{
    char longest[251];
    memset(longest, 'x', sizeof longest);
    cr_assert(kci_topic_partition_ok(kc_str("A-b_c.9"), 0));
    cr_assert(kci_topic_partition_ok(kc_mem(longest, 249), INT32_MAX));
    cr_assert_not(kci_topic_partition_ok(kc_mem(longest, 250), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str(""), 0));
    cr_assert_not(kci_topic_partition_ok(kc_mem(NULL, 0), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str("a/b"), 0));
    cr_assert_not(kci_topic_partition_ok(kc_str("a"), -1));
}
