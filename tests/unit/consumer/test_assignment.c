/* SPDX-License-Identifier: Apache-2.0 */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "consumer/assignment.h"

Test(assignment, finds_what_was_added)
{
    kci_assignment a = { 0 };
    kci_read_part *p;
    static const char *const names[] = { "m", "a", "zz", "z", "b" };
    for (int t = 0; t < 5; t++) {
        for (int32_t i = 40; i > 0; i -= 3)
            cr_assert_eq(kci_assignment_add(&a, kc_str(names[t]), i, &p), KC_OK);
    }
    cr_assert_eq(kci_assignment_add(&a, kc_str("m"), 7, &p), KC_E_STATE);
    cr_assert_eq(a.part_count, 70);
    cr_assert_null(kci_assignment_find(&a, kc_str("m"), 8));
    cr_assert_null(kci_assignment_find(&a, kc_str("mm"), 7));
    p = kci_assignment_find(&a, kc_str("zz"), 7);
    cr_assert_eq(p->number, 7);
    cr_assert_eq(p->topic->name.size, 2);
    int32_t topic = 0, at = 0, last = -1;
    int count = 0;
    const kci_read_topic *t = NULL;
    while ((p = kci_assignment_next(&a, &topic, &at))) {
        if (p->topic != t) {
            if (t)
                cr_assert_lt(kci_topic_name_compare(t->name, p->topic->name), 0);
            t = p->topic;
            last = -1;
        }
        cr_assert_gt(p->number, last);
        last = p->number;
        count++;
    }
    cr_assert_eq(count, 70);
    while ((p = kci_assignment_last(&a))) {
        kci_assignment_remove(&a, p);
        kci_part_unref(p);
    }
    cr_assert_eq(a.topics.count, 0);
    kci_assignment_free(&a);
}

Test(assignment, without_memory_nothing_is_added)
{
    kci_assignment a = { 0 };
    kci_read_part *p;
    for (int n = 1; n < 20; n++) {
        kci_mem_fail_after(n, true);
        kc_err err = kci_assignment_add(&a, kc_str("t"), 0, &p);
        kci_mem_fail_after(0, false);
        if (err == KC_OK)
            break;
        cr_assert_eq(err, KC_E_NO_MEMORY);
        cr_assert_eq(a.part_count, 0);
        cr_assert_eq(a.topics.count, 0);
    }
    cr_assert_eq(a.part_count, 1);
    kci_assignment_remove(&a, p);
    kci_part_unref(p);
    kci_assignment_free(&a);
}
