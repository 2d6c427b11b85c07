/* SPDX-License-Identifier: Apache-2.0 */
/* rack-aware-range (Naver's RackAwareRangeAssignor): each topic by itself, every subscriber gets as
 * many partitions as range would give out (equal shares, what is left over one each); first
 * partitions whose leader is in the member's rack, then those with a replica there, then the rest
 * in order.
 *
 * Taken literally, member after member, that leaves partitions without a member in their rack that
 * an exchange would have given one. So the numbers that each rack takes come from a flow
 * (rack_flow.h): local leaders are the most that can be, and local partitions the most that can be
 * with them. Where that would be fewer local partitions than range has, or less than 95 of 100
 * possible, leaders give way as far as need be. */
#include <stdlib.h>

#include "base/mem.h"
#include "group/assignors/assignors.h"
#include "group/assignors/rack_flow.h"

enum { LEAST_PERCENT = 95 };

/* What one topic after the other uses. */
typedef struct scratch {
    kci_plan_partition **order; /* a topic's partitions, those of a class side by side */
    int32_t *rack_of;           /* by partition: the rack that takes it; -1: none */
    int32_t *flows;             /* of all classes */
    int32_t *share, *taken;     /* by place among the subscribers */
    int32_t *next;              /* by place: the next subscriber in the same rack; -1: last */
    int32_t *first, *last;      /* by rack: its subscribers */
    kci_flow flow;
} scratch;

static void release(scratch *s)
{
    kci_free(s->order);
    kci_free(s->rack_of);
    kci_free(s->flows);
    kci_free(s->share);
    kci_free(s->taken);
    kci_free(s->next);
    kci_free(s->first);
    kci_free(s->last);
    kci_free(s->flow.classes);
    kci_free(s->flow.racks);
    kci_free(s->flow.gain);
    kci_free(s->flow.from);
    kci_free(s->flow.moved);
}

/* The most replicas' racks that all partitions of one topic have, and the most partitions. */
static void measure(const kc_plan *plan, size_t *partitions, size_t *racks)
{
    *partitions = *racks = 0;
    for (int32_t n = 0; n < plan->topic_count; n++) {
        const kci_plan_topic *t = plan->topics[n];
        size_t sum = 0;
        for (int32_t i = 0; i < t->count; i++)
            sum += (size_t)t->partitions[i].racks.count;
        *racks = sum > *racks ? sum : *racks;
        *partitions = (size_t)t->count > *partitions ? (size_t)t->count : *partitions;
    }
}

static bool reserve(scratch *s, const kc_plan *plan)
{
    size_t partitions, replicas;
    size_t members = (size_t)plan->member_count, racks = (size_t)plan->rack_count + 1;
    measure(plan, &partitions, &replicas);
    s->order = kci_calloc(partitions, sizeof *s->order);
    s->rack_of = kci_calloc(partitions, sizeof *s->rack_of);
    s->flows = kci_calloc(replicas, sizeof *s->flows);
    s->share = kci_calloc(members, sizeof *s->share);
    s->taken = kci_calloc(members, sizeof *s->taken);
    s->next = kci_calloc(members, sizeof *s->next);
    s->first = kci_calloc(racks, sizeof *s->first);
    s->last = kci_calloc(racks, sizeof *s->last);
    s->flow.classes = kci_calloc(partitions, sizeof *s->flow.classes);
    s->flow.racks = kci_calloc(racks, sizeof *s->flow.racks);
    s->flow.gain = kci_calloc(racks, sizeof *s->flow.gain);
    s->flow.from = kci_calloc(racks, sizeof *s->flow.from);
    s->flow.moved = kci_calloc(racks, sizeof *s->flow.moved);
    s->flow.rack_count = plan->rack_count;
    return s->order && s->rack_of && s->flows && s->share && s->taken && s->next && s->first &&
           s->last && s->flow.classes && s->flow.racks && s->flow.gain && s->flow.from &&
           s->flow.moved;
}

/* ---- the flow's question -------------------------------------------------------------------- */

static int compare_places(const kci_plan_partition *a, const kci_plan_partition *b)
{
    if (a->leader_rack != b->leader_rack)
        return a->leader_rack < b->leader_rack ? -1 : 1;
    if (a->racks.count != b->racks.count)
        return a->racks.count < b->racks.count ? -1 : 1;
    for (int32_t i = 0; i < a->racks.count; i++)
        if (a->racks.items[i] != b->racks.items[i])
            return a->racks.items[i] < b->racks.items[i] ? -1 : 1;
    return 0;
}

/* By class, and within one by number: partitions of a topic lie in one array. */
static int compare_partitions(const void *a, const void *b)
{
    const kci_plan_partition *x = *(kci_plan_partition *const *)a;
    const kci_plan_partition *y = *(kci_plan_partition *const *)b;
    int by_place = compare_places(x, y);
    return by_place ? by_place : (x > y) - (x < y);
}

static void make_classes(scratch *s, const kci_plan_topic *t)
{
    int32_t *flow = s->flows;
    s->flow.class_count = 0;
    for (int32_t i = 0; i < t->count; i++)
        s->order[i] = &t->partitions[i];
    qsort(s->order, (size_t)t->count, sizeof(kci_plan_partition *), compare_partitions);
    for (int32_t i = 0; i < t->count; i++) {
        if (i == 0 || compare_places(s->order[i - 1], s->order[i]) != 0) {
            s->flow.classes[s->flow.class_count++] = (kci_flow_class){
                .racks = s->order[i]->racks,
                .leader_rack = s->order[i]->leader_rack,
                .flow = flow,
            };
            for (int32_t k = 0; k < s->order[i]->racks.count; k++)
                *flow++ = 0;
        }
        s->flow.classes[s->flow.class_count - 1].size++;
        s->flow.classes[s->flow.class_count - 1].left++;
    }
}

/* Links the subscribers of each rack, and tells the flow how many partitions the rack takes. */
static void make_racks(scratch *s, const kc_plan *plan, const kci_plan_topic *t)
{
    int32_t each = t->count / t->subscriber_count;
    for (int32_t r = 0; r <= plan->rack_count; r++) {
        s->flow.racks[r] = (kci_flow_rack){ 0 };
        s->first[r] = s->last[r] = -1;
    }
    for (int32_t place = 0; place < t->subscriber_count; place++) {
        int32_t rack = plan->members[t->subscribers[place]]->rack;
        s->share[place] = each;
        s->taken[place] = 0;
        s->next[place] = -1;
        if (rack < 0)
            continue;
        s->flow.racks[rack].base += each;
        s->flow.racks[rack].most_extra++;
        if (s->last[rack] >= 0)
            s->next[s->last[rack]] = place;
        else
            s->first[rack] = place;
        s->last[rack] = place;
    }
    s->flow.pool = t->count % t->subscriber_count;
    s->flow.local = 0;
}

/* ---- the flow's answer ---------------------------------------------------------------------- */

/* Which partitions of each class a rack takes: the leader's rack the first ones. */
static void choose_racks(scratch *s, const kci_plan_topic *t)
{
    kci_plan_partition **next = s->order;
    for (int32_t i = 0; i < s->flow.class_count; i++) {
        const kci_flow_class *c = &s->flow.classes[i];
        kci_plan_partition **end = next + c->size;
        for (int pass = 0; pass < 2; pass++)
            for (int32_t k = 0; k < c->racks.count; k++)
                for (int32_t n = 0; n < c->flow[k]; n++)
                    if ((c->racks.items[k] == c->leader_rack) == (pass == 0))
                        s->rack_of[*next++ - t->partitions] = c->racks.items[k];
        while (next < end)
            s->rack_of[*next++ - t->partitions] = -1;
    }
}

static void give(scratch *s, kci_plan_topic *t, int32_t partition, int32_t place)
{
    t->partitions[partition].owner = t->subscribers[place];
    s->taken[place]++;
}

/* The extra places that racks have taken go to their first subscribers, what the pool still has to
 * the first of all that have none. */
static void give_shares(scratch *s, const kci_plan_topic *t)
{
    for (int32_t r = 0; r < s->flow.rack_count; r++) {
        int32_t extra = s->flow.racks[r].used - s->flow.racks[r].base;
        for (int32_t place = s->first[r]; place >= 0 && extra > 0; place = s->next[place], extra--)
            s->share[place]++;
    }
    int32_t each = t->count / t->subscriber_count;
    for (int32_t place = 0; place < t->subscriber_count && s->flow.pool > 0; place++) {
        if (s->share[place] > each)
            continue;
        s->share[place]++;
        s->flow.pool--;
    }
}

/* Partitions in order to the subscribers in order, those of a rack within it. */
static void give_local(scratch *s, kci_plan_topic *t)
{
    for (int32_t i = 0; i < t->count; i++) {
        int32_t rack = s->rack_of[i];
        if (rack < 0)
            continue;
        int32_t *place = &s->first[rack];
        while (s->taken[*place] == s->share[*place])
            *place = s->next[*place];
        give(s, t, i, *place);
    }
}

static void give_rest(scratch *s, kci_plan_topic *t)
{
    int32_t place = 0;
    for (int32_t i = 0; i < t->count; i++) {
        if (s->rack_of[i] >= 0)
            continue;
        while (s->taken[place] == s->share[place])
            place++;
        give(s, t, i, place);
    }
}

/* ---- all ------------------------------------------------------------------------------------ */

/* How many of the topic's partitions are local to their owners; they have none afterwards. */
static int64_t take_back(const kc_plan *plan, kci_plan_topic *t)
{
    int64_t local = 0;
    for (int32_t i = 0; i < t->count; i++) {
        kci_plan_partition *p = &t->partitions[i];
        local += p->owner >= 0 && kci_plan_is_local(plan->members[p->owner], p);
        p->owner = -1;
    }
    return local;
}

static void assign_topic(scratch *s, const kc_plan *plan, kci_plan_topic *t)
{
    int64_t least = take_back(plan, t); /* as many as range, which has been here before */
    if (t->count == 0 || t->subscriber_count == 0)
        return;
    make_classes(s, t);
    make_racks(s, plan, t);
    int64_t most = kci_flow_most_local(&s->flow);
    int64_t share = (most * LEAST_PERCENT + 99) / 100;
    kci_flow_raise(&s->flow, least > share ? least : share);
    choose_racks(s, t);
    give_shares(s, t);
    give_local(s, t);
    give_rest(s, t);
}

kc_err kci_assign_rack_aware_range(kc_plan *plan)
{
    scratch s = { 0 };
    kc_err err = reserve(&s, plan) ? kci_assign_range(plan) : KC_E_NO_MEMORY;
    for (int32_t n = 0; err == KC_OK && n < plan->topic_count; n++)
        assign_topic(&s, plan, plan->topics[n]);
    release(&s);
    return err;
}
