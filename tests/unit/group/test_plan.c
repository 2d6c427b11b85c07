/* SPDX-License-Identifier: Apache-2.0 */
/* Building and reading plans, a program's own assignor, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "plans.h"

TestSuite(plan, .timeout = 60);

static kc_plan *plan;
static kc_error why;

static void start(void)
{
    why = (kc_error){ 0 };
    cr_assert_eq(kc_plan_new(&plan, NULL), KC_OK);
    cr_assert_eq(kc_plan_add_topic(plan, kc_str("orders"), 4, NULL), KC_OK);
}

static void stop(void)
{
    kc_plan_free(plan);
    cr_assert_eq(kci_mem_live(), 0);
}

static kc_err add(const char *id, const char *topic)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    kc_bytes names[] = { kc_str(topic), kc_str(topic), kc_str("no such topic") };
    m.member_id = kc_str(id);
    m.topics = names;
    m.topic_count = 3;
    return kc_plan_add_member(plan, &m, &why);
}

#define REFUSED(call, code, words)                            \
    do {                                                      \
        cr_expect_eq((call), (code));                         \
        cr_expect(strstr(why.text, (words)), "%s", why.text); \
    } while (0)

Test(plan, what_cannot_be_is_refused, .init = start, .fini = stop)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    REFUSED(kc_plan_add_topic(plan, kc_str("orders"), 1, &why), KC_E_INVALID_ARGUMENT, "twice");
    REFUSED(kc_plan_add_topic(plan, kc_str(""), 1, &why), KC_E_INVALID_ARGUMENT, "name");
    REFUSED(kc_plan_add_topic(plan, kc_str("x"), -1, &why), KC_E_INVALID_ARGUMENT, "-1 partitions");
    REFUSED(kc_plan_add_topic(plan, kc_str("x"), INT32_MAX, &why), KC_E_INVALID_ARGUMENT, "in all");
    REFUSED(kc_plan_set_racks(plan, kc_str("orders"), 4, kc_str("a"), NULL, 0, &why),
            KC_E_INVALID_ARGUMENT, "orders [4]");
    REFUSED(kc_plan_set_racks(plan, kc_str("y"), 0, kc_str("a"), NULL, 0, &why),
            KC_E_INVALID_ARGUMENT, "y [0]");
    REFUSED(kc_plan_add_member(plan, &m, &why), KC_E_INVALID_ARGUMENT, "member_id");
    m.member_id = kc_str("m");
    m.topic_count = 1;
    REFUSED(kc_plan_add_member(plan, &m, &why), KC_E_INVALID_ARGUMENT, "NULL");
    cr_assert_eq(add("m", "orders"), KC_OK);
    REFUSED(add("m", "orders"), KC_E_INVALID_ARGUMENT, "twice");
    plans_run(plan, "range", KC_ASSIGNOR_EAGER);
    REFUSED(add("n", "orders"), KC_E_STATE, "make a new one");
    REFUSED(kc_plan_run(plan, kc_assignor_find("range"), KC_ASSIGNOR_COOPERATIVE, &why),
            KC_E_INVALID_ARGUMENT, "cooperative");
    REFUSED(kc_plan_run(plan, kc_assignor_find("range"), 3, &why), KC_E_INVALID_ARGUMENT, "given");
}

Test(plan, is_read_back, .init = start, .fini = stop)
{
    kc_bytes racks[] = { kc_str("b"), kc_str("a"), kc_mem(NULL, 0), kc_str("b"), kc_str("") };
    cr_assert_eq(kc_plan_set_racks(plan, kc_str("orders"), 2, kc_str("c"), racks, 5, NULL), KC_OK);
    cr_assert_eq(kc_plan_add_topic(plan, kc_str("a"), 0, NULL), KC_OK);
    cr_assert_eq(add("m2", "orders"), KC_OK);
    cr_assert_eq(add("m1", "a"), KC_OK);
    plans_run(plan, "range", KC_ASSIGNOR_EAGER);
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    cr_assert(kc_plan_member_at(plan, 1, &m));
    cr_expect(m.member_id.size == 2 && memcmp(m.member_id.data, "m2", 2) == 0);
    cr_expect_eq(m.topic_count, 3);
    cr_expect(!kc_plan_member_at(plan, 2, &m));
    cr_expect_eq(kc_plan_topic_count(plan), 2);
    cr_expect_eq(*kc_plan_topic_name(plan, 0).data, 'a');
    cr_expect_eq(kc_plan_partition_count(plan, 1), 4);
    cr_expect(kc_plan_is_subscribed(plan, 1, 1) && !kc_plan_is_subscribed(plan, 1, 0));
    cr_expect_eq(*kc_plan_leader_rack(plan, 1, 2).data, 'c');
    int seen = 0;
    while (kc_plan_replica_rack(plan, 1, 2, (size_t)seen).data)
        seen++;
    cr_expect_eq(seen, 3, "the racks a, b and the leader's, each once");
    cr_expect_null(kc_plan_leader_rack(plan, 1, 0).data);
    cr_expect_eq(kc_plan_assign(plan, 1, 0, 0), KC_E_INVALID_ARGUMENT, "m1 does not subscribe");
    cr_expect_eq(kc_plan_assign(plan, 1, 4, 1), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_plan_assign(plan, 1, 0, 2), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_plan_assign(plan, 1, 0, -2), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_plan_assign(plan, 1, 0, -1), KC_OK);
    cr_expect_eq(kc_plan_assigned(plan, 1, 0), -1);
}

Test(plan, numbers_out_of_range_and_null_give_nothing, .init = start, .fini = stop)
{
    cr_expect_eq(kc_plan_member_count(NULL), 0);
    cr_expect_eq(kc_plan_topic_count(NULL), 0);
    cr_expect_eq(kc_plan_partition_count(plan, 9), 0);
    cr_expect_eq(kc_plan_assigned(plan, 0, 99), -1);
    cr_expect_null(kc_plan_topic_name(NULL, 0).data);
    cr_expect_null(kc_plan_user_data(plan, 0).data);
    cr_expect_eq(kc_plan_set_user_data(plan, 0, kc_str("x")), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_plan_run(NULL, NULL, 0, NULL), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_plan_new(NULL, NULL), KC_E_INVALID_ARGUMENT);
    kc_plan_free(NULL);
}

Test(plan, assignors_go_by_java_s_names_too)
{
    cr_expect_eq(kc_assignor_find("org.apache.kafka.clients.consumer.RangeAssignor"),
                 kc_assignor_find("range"));
    cr_expect_eq(kc_assignor_find("CooperativeStickyAssignor"),
                 kc_assignor_find("cooperative-sticky"));
    cr_expect_eq(kc_assignor_find("com.example.RackAwareRangeAssignor"),
                 kc_assignor_find("rack-aware-range"));
    cr_expect_null(kc_assignor_find("Range"));
    cr_expect_null(kc_assignor_find(NULL));
    for (size_t i = 0; kc_assignor_at(i); i++)
        cr_expect_eq(kc_assignor_find(kc_assignor_at(i)->name), kc_assignor_at(i));
}

/* A program's own: everything to the last member, or a refusal. */
static kc_err to_the_last(void *user, kc_plan *p, kc_error *detail)
{
    if (*(bool *)user) {
        strcpy(detail->text, "not today");
        return KC_E_REJECTED;
    }
    int32_t last = (int32_t)kc_plan_member_count(p) - 1;
    for (int32_t i = 0; i < kc_plan_partition_count(p, 0); i++)
        cr_assert_eq(kc_plan_assign(p, 0, i, last), KC_OK);
    return kc_plan_set_user_data(p, (size_t)last, kc_str("yours"));
}

Test(plan, a_program_s_own_assignor, .init = start, .fini = stop)
{
    bool refuse = false;
    kc_assignor own = { .size = sizeof own,
                        .protocols = KC_ASSIGNOR_EAGER,
                        .name = "last",
                        .user = &refuse,
                        .assign = to_the_last };
    cr_assert_eq(add("m1", "orders"), KC_OK);
    cr_assert_eq(add("m2", "orders"), KC_OK);
    cr_assert_eq(kc_plan_run(plan, &own, KC_ASSIGNOR_EAGER, &why), KC_OK);
    cr_expect_str_eq(plans_owner(plan, 0, 3), "m2");
    cr_expect_eq(kc_plan_user_data(plan, 1).size, 5);
    refuse = true;
    REFUSED(kc_plan_run(plan, &own, KC_ASSIGNOR_EAGER, &why), KC_E_REJECTED, "not today");
    cr_expect_eq(kc_plan_assigned(plan, 0, 3), -1);
    cr_expect_null(kc_plan_user_data(plan, 1).data);
    cr_expect_eq(kc_plan_run(plan, &own, KC_ASSIGNOR_EAGER, NULL), KC_E_REJECTED);
}

Test(plan, the_score_counts, .init = start, .fini = stop)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    kc_bytes topic = kc_str("orders"), b = kc_str("b");
    kc_topic_partition owned = { topic, 1 };
    kc_plan_set_racks(plan, topic, 0, kc_str("a"), &b, 1, NULL);
    kc_plan_set_racks(plan, topic, 1, kc_str("b"), NULL, 0, NULL);
    kc_plan_add_topic(plan, kc_str("unread"), 5, NULL);
    m.member_id = kc_str("m");
    m.rack = b;
    m.topics = &topic;
    m.topic_count = 1;
    m.owned = &owned;
    m.owned_count = 1;
    m.generation = 1;
    cr_assert_eq(kc_plan_add_member(plan, &m, NULL), KC_OK);
    plans_run(plan, "range", KC_ASSIGNOR_EAGER);
    kc_plan_assign(plan, 0, 3, -1);
    kc_plan_score score = { .size = sizeof score };
    cr_assert_eq(kc_plan_get_score(plan, &score), KC_OK);
    cr_expect_eq(score.partitions, 4);
    cr_expect_eq(score.assigned, 3);
    cr_expect_eq(score.withheld, 0);
    cr_expect_eq(score.in_rack, 2);
    cr_expect_eq(score.leader_in_rack, 1);
    cr_expect_eq(score.kept, 1);
}
