/* SPDX-License-Identifier: Apache-2.0 */
#include "plans.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const char *const rack_names[] = { "rack-a", "rack-b", "rack-c", "rack-d", "rack-e" };

static int upto(kci_random *random, int n)
{
    return (int)kci_random_below(random, (uint32_t)n);
}

static void draw_topic(drawn_plan *d, drawn_topic *t, int number, kci_random *random)
{
    snprintf(t->name, sizeof t->name, "t%d", number);
    t->partitions = upto(random, PLANS_PARTITIONS + 1);
    t->replicas = 1 + upto(random, PLANS_REPLICAS);
    bool known = upto(random, 6) > 0;
    for (int i = 0; i < t->partitions; i++)
        for (int r = 0; r < t->replicas; r++)
            t->racks[i][r] = known && upto(random, 20) > 0 ? upto(random, d->racks) : -1;
}

void plans_draw(drawn_plan *d, kci_random *random, bool same)
{
    memset(d, 0, sizeof *d);
    d->topics = 1 + upto(random, PLANS_TOPICS);
    d->members = 1 + upto(random, PLANS_MEMBERS);
    d->racks = 1 + upto(random, 5);
    for (int i = 0; i < d->topics; i++)
        draw_topic(d, &d->topic[i], i, random);
    for (int i = 0; i < d->members; i++) {
        drawn_member *m = &d->member[i];
        snprintf(m->id, sizeof m->id, "m%d", i);
        m->is_static = upto(random, 4) == 0;
        m->rack = upto(random, 5) > 0 ? upto(random, d->racks) : -1;
        for (int t = 0; t < d->topics; t++)
            m->subscribes[t] = same || upto(random, 3) > 0;
    }
}

static kc_bytes rack_name(int rack)
{
    return rack < 0 ? kc_mem(NULL, 0) : kc_str(rack_names[rack]);
}

static void add_topic(kc_plan *plan, const drawn_topic *t)
{
    cr_assert_eq(kc_plan_add_topic(plan, kc_str(t->name), t->partitions, NULL), KC_OK);
    for (int i = 0; i < t->partitions; i++) {
        kc_bytes racks[PLANS_REPLICAS];
        for (int r = 0; r < t->replicas; r++)
            racks[r] = rack_name(t->racks[i][r]);
        cr_assert_eq(
            kc_plan_set_racks(plan, kc_str(t->name), i, racks[0], racks, (size_t)t->replicas, NULL),
            KC_OK);
    }
}

static size_t find_owned(const kc_plan *owned, const char *id, kc_topic_partition *out)
{
    size_t count = 0;
    for (size_t t = 0; t < kc_plan_topic_count(owned); t++)
        for (int32_t i = 0; i < kc_plan_partition_count(owned, t); i++)
            if (strcmp(plans_owner(owned, t, i), id) == 0)
                out[count++] = (kc_topic_partition){ kc_plan_topic_name(owned, t), i };
    return count;
}

static void add_member(kc_plan *plan, const drawn_plan *d, const drawn_member *from,
                       const kc_plan *owned)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    kc_bytes topics[PLANS_TOPICS];
    kc_topic_partition claims[PLANS_TOPICS * PLANS_PARTITIONS];
    m.member_id = kc_str(from->id);
    m.group_instance_id = from->is_static ? kc_str(from->id) : kc_mem(NULL, 0);
    m.rack = rack_name(from->rack);
    for (int t = 0; t < d->topics; t++)
        if (from->subscribes[t])
            topics[m.topic_count++] = kc_str(d->topic[t].name);
    m.topics = topics;
    m.owned = claims;
    if (owned) {
        m.generation = 7;
        m.owned_count = find_owned(owned, from->id, claims);
    }
    cr_assert_eq(kc_plan_add_member(plan, &m, NULL), KC_OK);
}

kc_plan *plans_build(const drawn_plan *d, bool backwards, const kc_plan *owned)
{
    kc_plan *plan;
    cr_assert_eq(kc_plan_new(&plan, NULL), KC_OK);
    for (int i = 0; i < d->topics; i++)
        add_topic(plan, &d->topic[backwards ? d->topics - 1 - i : i]);
    for (int i = 0; i < d->members; i++)
        add_member(plan, d, &d->member[backwards ? d->members - 1 - i : i], owned);
    return plan;
}

void plans_run(kc_plan *plan, const char *assignor, uint32_t protocol)
{
    kc_error why = { 0 };
    kc_err err = kc_plan_run(plan, kc_assignor_find(assignor), protocol, &why);
    cr_assert_eq(err, KC_OK, "%s: %s", assignor, why.text);
}

const char *plans_owner(const kc_plan *plan, size_t topic, int32_t partition)
{
    static char text[4][16];
    static int turn;
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    int32_t owner = kc_plan_assigned(plan, topic, partition);
    char *out = text[turn++ % 4];
    *out = '\0';
    if (owner >= 0 && kc_plan_member_at(plan, (size_t)owner, &m))
        snprintf(out, sizeof text[0], "%.*s", (int)m.member_id.size,
                 (const char *)m.member_id.data);
    return out;
}

void plans_expect_same(const kc_plan *a, const kc_plan *b, const char *what)
{
    for (size_t t = 0; t < kc_plan_topic_count(a); t++)
        for (int32_t i = 0; i < kc_plan_partition_count(a, t); i++)
            cr_assert_str_eq(plans_owner(a, t, i), plans_owner(b, t, i), "%s: topic %zu [%d]", what,
                             t, i);
}
