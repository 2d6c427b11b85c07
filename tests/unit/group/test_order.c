/* SPDX-License-Identifier: Apache-2.0 */
/* What holds for every assignor: the order in which members and topics are added means nothing,
 * what has not changed is not moved, each partition goes to one subscriber, and lack of memory is
 * an answer. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"
#include "group/plan.h"
#include "plans.h"

enum { ROUNDS = 400 };

TestSuite(order, .timeout = 60);

static uint32_t protocol_of(const kc_assignor *a)
{
    return a->protocols & KC_ASSIGNOR_COOPERATIVE ? KC_ASSIGNOR_COOPERATIVE : KC_ASSIGNOR_EAGER;
}

static void expect_whole(const kc_plan *plan, const char *assignor)
{
    kc_plan_score score = { .size = sizeof score };
    cr_assert_eq(kc_plan_get_score(plan, &score), KC_OK);
    cr_assert_eq(score.assigned, score.partitions, "%s", assignor);
    for (size_t t = 0; t < kc_plan_topic_count(plan); t++)
        for (int32_t i = 0; i < kc_plan_partition_count(plan, t); i++) {
            int32_t owner = kc_plan_assigned(plan, t, i);
            cr_assert(owner < 0 || kc_plan_is_subscribed(plan, (size_t)owner, t), "%s", assignor);
        }
}

static void try_all(kci_random *random, const kc_assignor *a)
{
    drawn_plan d;
    plans_draw(&d, random, kci_random_below(random, 2) == 0);
    kc_plan *first = plans_build(&d, false, NULL), *other = plans_build(&d, true, NULL);
    plans_run(first, a->name, protocol_of(a));
    plans_run(other, a->name, protocol_of(a));
    expect_whole(first, a->name);
    plans_expect_same(first, other, "the order of adding matters");
    kc_plan *again = plans_build(&d, true, first);
    plans_run(again, a->name, protocol_of(a));
    plans_expect_same(first, again, "nothing has changed, but something is moved");
    kc_plan_free(first);
    kc_plan_free(other);
    kc_plan_free(again);
}

Test(order, nothing_depends_on_order_and_nothing_moves_without_reason)
{
    kci_random random;
    kci_random_seed(&random, 11);
    const kc_assignor *a;
    for (size_t n = 0; (a = kc_assignor_at(n)); n++)
        for (int round = 0; round < ROUNDS; round++)
            try_all(&random, a);
}

static bool is_whole(const kc_plan *plan)
{
    kc_plan_score score = { .size = sizeof score };
    return kc_plan_get_score(plan, &score) == KC_OK && score.assigned == score.partitions;
}

/* Rebalances from `now` on until everything is with somebody; returns how many that took. */
static int hand_out(const drawn_plan *d, kc_plan *now, const char *name)
{
    int rebalances = 0;
    for (bool whole = false; !whole; rebalances++) {
        kc_plan *next = plans_build(d, false, now);
        cr_assert_lt(rebalances, 4, "%s does not come to an end", name);
        whole = is_whole(now);
        plans_run(next, name, KC_ASSIGNOR_COOPERATIVE);
        kc_plan_free(now);
        now = next;
    }
    expect_whole(now, name);
    kc_plan_free(now);
    return rebalances;
}

/* Members that come or go: in the cooperative protocol nobody gets what another still has, and what
 * was given back is handed out by the next rebalance, or one after it. */
Test(order, what_changes_hands_is_given_back_first)
{
    kci_random random;
    kci_random_seed(&random, 12);
    const char *const names[] = { "cooperative-sticky", "rack-aware-range" };
    int rebalances = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const char *name = names[round % 2];
        drawn_plan d;
        plans_draw(&d, &random, false);
        int members = d.members;
        d.members = 1 + (int)kci_random_below(&random, (uint32_t)members);
        kc_plan *before = plans_build(&d, false, NULL);
        plans_run(before, name, KC_ASSIGNOR_COOPERATIVE);
        d.members = members;
        kc_plan *now = plans_build(&d, false, before);
        plans_run(now, name, KC_ASSIGNOR_COOPERATIVE);
        for (size_t t = 0; t < kc_plan_topic_count(now); t++)
            for (int32_t i = 0; i < kc_plan_partition_count(now, t); i++) {
                const char *had = plans_owner(before, t, i), *has = plans_owner(now, t, i);
                cr_assert(!*had || !*has || strcmp(had, has) == 0, "%s: %s has what %s has", name,
                          has, had);
            }
        rebalances += hand_out(&d, now, name);
        kc_plan_free(before);
    }
    cr_expect_lt(rebalances, 2 * ROUNDS + ROUNDS / 10, "%d", rebalances);
    cr_log_info("%d rebalances in %d rounds", rebalances, ROUNDS);
}

/* Each allocation fails once: the answer is KC_E_NO_MEMORY, and the next try succeeds. */
Test(order, lack_of_memory_is_an_answer)
{
    kci_random random;
    drawn_plan d;
    kci_random_seed(&random, 13);
    plans_draw(&d, &random, true);
    const kc_assignor *a;
    for (size_t n = 0; (a = kc_assignor_at(n)); n++) {
        kc_plan *plan = plans_build(&d, false, NULL);
        int failed = 0;
        for (int at = 1;; at++) {
            kci_mem_fail_after(at, false);
            kc_err err = kc_plan_run(plan, a, protocol_of(a), NULL);
            bool hit = kci_mem_has_failed();
            kci_mem_fail_after(0, false);
            cr_assert_eq(err, hit ? KC_E_NO_MEMORY : KC_OK, "%s, allocation %d", a->name, at);
            if (!hit)
                break;
            failed++;
        }
        cr_assert(failed > 0 || strcmp(a->name, "roundrobin") == 0, "%s", a->name);
        expect_whole(plan, a->name);
        kc_plan_free(plan);
    }
    cr_assert_eq(kci_mem_live(), 0);
}

Test(order, strings_are_compared_as_java_does)
{
    static const char *const ascending[] = {
        "",
        "A",
        "Z",
        "a",
        "ab",
        "b",
        "\xc3\xa9",
        "\xe4\xb8\xad",
        "\xed\x9f\xbf",
        "\xf0\x90\x80\x80",
        "\xf0\x9f\x98\x80",
        "\xee\x80\x80",
        "\xef\xbf\xbd",
        "\xef\xbf\xbd!",
    };
    for (size_t i = 0; i < KCI_COUNT_OF(ascending); i++)
        for (size_t k = 0; k < KCI_COUNT_OF(ascending); k++) {
            int order = kci_java_compare(kc_str(ascending[i]), kc_str(ascending[k]));
            cr_expect_eq((order > 0) - (order < 0), (i > k) - (i < k), "%zu against %zu", i, k);
        }
}
