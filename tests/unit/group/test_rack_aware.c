/* SPDX-License-Identifier: Apache-2.0 */
/* rack-aware-range beside what is possible: the judge is a flow of its own, from single partitions
 * to single members, by plain augmenting paths. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/mem.h"
#include "group/plan.h"
#include "plans.h"

enum { ROUNDS = 3000 };

TestSuite(rack_aware, .timeout = 60);

/* ---- the judge ------------------------------------------------------------------------------ */

enum {
    SOURCE,
    POOL, /* of extra places */
    SINK,
    FIRST_PARTITION,
    FIRST_MEMBER = FIRST_PARTITION + PLANS_PARTITIONS,
    NODES = FIRST_MEMBER + PLANS_MEMBERS
};

typedef struct network {
    int32_t capacity[NODES][NODES]; /* that is left */
    bool seen[NODES];
} network;

static bool augment(network *n, int node)
{
    if (node == SINK)
        return true;
    n->seen[node] = true;
    for (int to = 0; to < NODES; to++) {
        if (n->seen[to] || n->capacity[node][to] == 0 || !augment(n, to))
            continue;
        n->capacity[node][to]--;
        n->capacity[to][node]++;
        return true;
    }
    return false;
}

static bool is_local(const kc_plan *plan, const kci_plan_topic *t, int32_t place, int32_t partition,
                     bool leaders)
{
    const kci_plan_member *m = plan->members[t->subscribers[place]];
    const kci_plan_partition *p = &t->partitions[partition];
    return m->rack >= 0 && (leaders ? m->rack == p->leader_rack : kci_plan_is_local(m, p));
}

/* The most partitions that can be with a member in their leader's (or a replica's) rack when all
 * have equal shares. */
static int32_t most(const kc_plan *plan, const kci_plan_topic *t, bool leaders)
{
    network n = { 0 };
    int32_t count = 0;
    for (int32_t p = 0; p < t->count; p++) {
        n.capacity[SOURCE][FIRST_PARTITION + p] = 1;
        for (int32_t m = 0; m < t->subscriber_count; m++)
            n.capacity[FIRST_PARTITION + p][FIRST_MEMBER + m] = is_local(plan, t, m, p, leaders);
    }
    for (int32_t m = 0; m < t->subscriber_count; m++) {
        n.capacity[FIRST_MEMBER + m][SINK] = t->count / t->subscriber_count;
        n.capacity[FIRST_MEMBER + m][POOL] = 1;
    }
    n.capacity[POOL][SINK] = t->count % t->subscriber_count;
    while (augment(&n, SOURCE)) {
        memset(n.seen, 0, sizeof n.seen);
        count++;
    }
    return count;
}

/* ---- the tests ------------------------------------------------------------------------------ */

static int32_t count_local(const kc_plan *plan, const kci_plan_topic *t, bool leaders)
{
    int32_t count = 0;
    for (int32_t p = 0; p < t->count; p++)
        for (int32_t m = 0; m < t->subscriber_count; m++)
            if (t->partitions[p].owner == t->subscribers[m])
                count += is_local(plan, t, m, p, leaders);
    return count;
}

static void expect_equal_shares(const kci_plan_topic *t)
{
    for (int32_t m = 0; m < t->subscriber_count; m++) {
        int32_t has = 0, each = t->count / t->subscriber_count;
        for (int32_t p = 0; p < t->count; p++)
            has += t->partitions[p].owner == t->subscribers[m];
        cr_assert(has == each || (has == each + 1 && t->count % t->subscriber_count > 0),
                  "%d of %d for %d", has, t->count, t->subscriber_count);
    }
}

typedef struct totals {
    long leaders, leaders_possible, local, local_possible, gave_way;
} totals;

static void judge_topic(const kc_plan *plan, const kci_plan_topic *t, int32_t of_range, totals *sum)
{
    if (t->subscriber_count == 0 || t->count == 0)
        return;
    int32_t leaders = count_local(plan, t, true), local = count_local(plan, t, false);
    int32_t leaders_possible = most(plan, t, true), local_possible = most(plan, t, false);
    int32_t share = (local_possible * 95 + 99) / 100;
    int32_t least = of_range > share ? of_range : share;
    expect_equal_shares(t);
    cr_assert_geq(local, least, "%d local, range has %d, %d are possible", local, of_range,
                  local_possible);
    /* Leaders give way only to keep what must be local. */
    cr_assert(leaders == leaders_possible || local == least, "%d leaders of %d, %d local (%d)",
              leaders, leaders_possible, local, least);
    sum->leaders += leaders;
    sum->leaders_possible += leaders_possible;
    sum->local += local;
    sum->local_possible += local_possible;
    sum->gave_way += leaders != leaders_possible;
}

Test(rack_aware, is_as_local_as_can_be)
{
    kci_random random;
    totals sum = { 0 };
    kci_random_seed(&random, 21);
    for (int round = 0; round < ROUNDS; round++) {
        drawn_plan d;
        plans_draw(&d, &random, kci_random_below(&random, 2) == 0);
        kc_plan *range = plans_build(&d, false, NULL), *plan = plans_build(&d, false, NULL);
        plans_run(range, "range", KC_ASSIGNOR_EAGER);
        plans_run(plan, "rack-aware-range", KC_ASSIGNOR_EAGER);
        for (int32_t t = 0; t < plan->topic_count; t++)
            judge_topic(plan, plan->topics[t], count_local(range, range->topics[t], false), &sum);
        kc_plan_free(range);
        kc_plan_free(plan);
    }
    cr_log_info("leaders %ld of %ld, local %ld of %ld; leaders gave way in %ld topics", sum.leaders,
                sum.leaders_possible, sum.local, sum.local_possible, sum.gave_way);
    cr_assert(sum.gave_way > 0, "the plans are too easy: the rule was never needed");
}

static void add_member(kc_plan *plan, const char *id, const char *rack)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    kc_bytes topic = kc_str("t");
    m.member_id = kc_str(id);
    m.rack = kc_str(rack);
    m.topics = &topic;
    m.topic_count = 1;
    cr_assert_eq(kc_plan_add_member(plan, &m, NULL), KC_OK);
}

/* Three racks, three replicas, a leader in each rack in turn: every member reads from leaders. */
Test(rack_aware, reads_from_leaders_where_there_are_as_many)
{
    static const char *const racks[] = { "a", "b", "c" };
    kc_plan *plan;
    cr_assert_eq(kc_plan_new(&plan, NULL), KC_OK);
    kc_plan_add_topic(plan, kc_str("t"), 9, NULL);
    for (int i = 0; i < 9; i++) {
        kc_bytes all[] = { kc_str("a"), kc_str("b"), kc_str("c") };
        kc_plan_set_racks(plan, kc_str("t"), i, all[i % 3], all, 3, NULL);
    }
    add_member(plan, "m1", racks[2]);
    add_member(plan, "m2", racks[0]);
    add_member(plan, "m3", racks[1]);
    plans_run(plan, "rack-aware-range", KC_ASSIGNOR_EAGER);
    static const char *const by_leader[] = { "m2", "m3", "m1" };
    for (int i = 0; i < 9; i++)
        cr_expect_str_eq(plans_owner(plan, 0, i), by_leader[i % 3], "[%d]", i);
    kc_plan_free(plan);
}

/* Without racks it is range. */
Test(rack_aware, without_racks_it_is_range)
{
    kci_random random;
    kci_random_seed(&random, 22);
    for (int round = 0; round < 200; round++) {
        drawn_plan d;
        plans_draw(&d, &random, false);
        for (int m = 0; m < d.members; m++)
            d.member[m].rack = -1;
        kc_plan *range = plans_build(&d, false, NULL), *plan = plans_build(&d, false, NULL);
        plans_run(range, "range", KC_ASSIGNOR_EAGER);
        plans_run(plan, "rack-aware-range", KC_ASSIGNOR_EAGER);
        plans_expect_same(range, plan, "without racks");
        kc_plan_free(range);
        kc_plan_free(plan);
    }
}
