/* SPDX-License-Identifier: Apache-2.0 */
/* Sealing a plan: members and topics get their order and numbers, names become numbers, and what
 * members claim to own is sorted out. */
#include <stdlib.h>

#include "base/mem.h"
#include "group/plan.h"

static int compare_members(const void *a, const void *b)
{
    const kci_plan_member *x = *(kci_plan_member *const *)a, *y = *(kci_plan_member *const *)b;
    if (x->instance.data && y->instance.data) {
        int by_instance = kci_java_compare(x->instance, y->instance);
        return by_instance ? by_instance : kci_java_compare(x->id, y->id);
    }
    if (x->instance.data || y->instance.data)
        return x->instance.data ? -1 : 1;
    return kci_java_compare(x->id, y->id);
}

static int compare_topics(const void *a, const void *b)
{
    const kci_plan_topic *x = *(kci_plan_topic *const *)a, *y = *(kci_plan_topic *const *)b;
    return kci_java_compare(x->name, y->name);
}

static int compare_numbers(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Topics' numbers by name: they are sorted. */
static int32_t topic_number(const kc_plan *plan, kc_bytes name)
{
    int32_t low = 0, high = plan->topic_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int order = kci_java_compare(plan->topics[middle]->name, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

/* The member's topics that exist, ascending, each once. */
static bool link_topics(kc_plan *plan, kci_plan_member *m)
{
    int32_t *topics = kci_arena_array(&plan->arena, m->name_count, sizeof *topics);
    if (!topics)
        return false;
    int32_t found = 0, count = 0;
    for (size_t i = 0; i < m->name_count; i++) {
        int32_t t = topic_number(plan, m->names[i]);
        if (t >= 0)
            topics[found++] = t;
    }
    qsort(topics, (size_t)found, sizeof *topics, compare_numbers);
    for (int32_t i = 0; i < found; i++)
        if (count == 0 || topics[count - 1] != topics[i])
            topics[count++] = topics[i];
    m->topics = topics;
    m->topic_count = count;
    for (int32_t i = 0; i < count; i++)
        plan->topics[topics[i]]->subscriber_count++;
    return true;
}

static bool link_subscribers(kc_plan *plan)
{
    for (int32_t t = 0; t < plan->topic_count; t++) {
        kci_plan_topic *topic = plan->topics[t];
        size_t room = (size_t)topic->subscriber_count;
        topic->subscribers = kci_arena_array(&plan->arena, room, sizeof *topic->subscribers);
        topic->subscriber_count = 0;
        if (!topic->subscribers)
            return false;
    }
    for (int32_t m = 0; m < plan->member_count; m++) {
        const kci_plan_member *member = plan->members[m];
        for (int32_t i = 0; i < member->topic_count; i++) {
            kci_plan_topic *topic = plan->topics[member->topics[i]];
            topic->subscribers[topic->subscriber_count++] = m;
        }
    }
    return true;
}

/* Of two who claim a partition the later generation had it; of the same generation one of them is
 * wrong, and nobody can tell which: then nobody is taken for its owner. */
static void claim(kc_plan *plan, kci_plan_partition *p, int32_t member, int32_t *generation)
{
    int32_t of_member = plan->members[member]->generation;
    p->claimed = true;
    if (of_member < *generation) {
        if (p->former < 0 || plan->members[p->former]->generation < of_member)
            p->former = member;
        return;
    }
    if (of_member > *generation && p->claimant >= 0)
        p->former = p->claimant;
    p->claimant = of_member == *generation && p->claimant != member ? -1 : member;
    *generation = of_member;
}

bool kci_plan_subscribes(const kci_plan_member *m, int32_t topic)
{
    return bsearch(&topic, m->topics, (size_t)m->topic_count, sizeof topic, compare_numbers);
}

/* What the member claims and may have, as places. */
static bool link_owned(kc_plan *plan, kci_plan_member *m)
{
    m->owned = kci_arena_array(&plan->arena, m->claim_count, sizeof *m->owned);
    m->owned_count = 0;
    if (!m->owned)
        return false;
    kc_bytes last = { NULL, 0 };
    int32_t topic = -1;
    for (size_t i = 0; i < m->claim_count; i++) {
        kc_bytes name = m->claims[i].topic;
        if (name.data != last.data || name.size != last.size)
            topic = name.data ? topic_number(plan, name) : -1;
        last = name;
        int32_t number = m->claims[i].partition;
        if (topic >= 0 && number >= 0 && number < plan->topics[topic]->count &&
            kci_plan_subscribes(m, topic))
            m->owned[m->owned_count++] = (kci_plan_place){ topic, number };
    }
    return true;
}

/* Finds the claimant of each partition. `generations` has room for the partitions of one topic
 * after the other, as `first` says where each begins. */
static void settle_claims(kc_plan *plan, int32_t *generations, const int32_t *first)
{
    for (int64_t i = 0; i < plan->partition_count; i++)
        generations[i] = INT32_MIN;
    for (int32_t m = 0; m < plan->member_count; m++) {
        const kci_plan_member *member = plan->members[m];
        for (int32_t i = 0; i < member->owned_count; i++) {
            kci_plan_place at = member->owned[i];
            claim(plan, &plan->topics[at.topic]->partitions[at.partition], m,
                  &generations[first[at.topic] + at.partition]);
        }
    }
}

static kc_err find_claimants(kc_plan *plan)
{
    int32_t *generations = kci_calloc((size_t)plan->partition_count + 1, sizeof *generations);
    int32_t *first = kci_calloc((size_t)plan->topic_count + 1, sizeof *first);
    if (generations && first) {
        for (int32_t t = 0; t < plan->topic_count; t++)
            first[t + 1] = first[t] + plan->topics[t]->count;
        settle_claims(plan, generations, first);
    }
    kc_err err = generations && first ? KC_OK : KC_E_NO_MEMORY;
    kci_free(generations);
    kci_free(first);
    return err;
}

/* ---- racks ---------------------------------------------------------------------------------- */

typedef struct numbered_rack {
    kc_bytes name;
    int32_t number; /* so far */
} numbered_rack;

static int compare_racks(const void *a, const void *b)
{
    return kci_java_compare(((const numbered_rack *)a)->name, ((const numbered_rack *)b)->name);
}

static void renumber(const kc_plan *plan, const int32_t *became)
{
    for (int32_t m = 0; m < plan->member_count; m++)
        if (plan->members[m]->rack >= 0)
            plan->members[m]->rack = became[plan->members[m]->rack];
    for (int32_t t = 0; t < plan->topic_count; t++)
        for (int32_t i = 0; i < plan->topics[t]->count; i++) {
            kci_plan_partition *p = &plan->topics[t]->partitions[i];
            if (p->leader_rack >= 0)
                p->leader_rack = became[p->leader_rack];
            for (int32_t r = 0; r < p->racks.count; r++)
                p->racks.items[r] = became[p->racks.items[r]];
            if (p->racks.count > 1)
                qsort(p->racks.items, (size_t)p->racks.count, sizeof *p->racks.items,
                      compare_numbers);
        }
}

/* Numbers by name: those that racks have got so far tell in which order they were met. */
static kc_err sort_racks(kc_plan *plan)
{
    size_t count = (size_t)plan->rack_count;
    numbered_rack *racks = kci_calloc(count, sizeof *racks);
    int32_t *became = kci_calloc(count, sizeof *became); /* by old number, the new one */
    for (size_t i = 0; racks && i < count; i++)
        racks[i] = (numbered_rack){ plan->racks[i], (int32_t)i };
    if (racks && became) {
        qsort(racks, count, sizeof *racks, compare_racks);
        for (size_t i = 0; i < count; i++) {
            became[racks[i].number] = (int32_t)i;
            plan->racks[i] = racks[i].name;
        }
        renumber(plan, became);
    }
    kc_err err = racks && became ? KC_OK : KC_E_NO_MEMORY;
    kci_free(racks);
    kci_free(became);
    return err;
}

/* ---- all ------------------------------------------------------------------------------------ */

kc_err kci_plan_seal(kc_plan *plan)
{
    if (plan->sealed)
        return KC_OK;
    if (sort_racks(plan) != KC_OK)
        return KC_E_NO_MEMORY;
    if (plan->member_count > 0)
        qsort(plan->members, (size_t)plan->member_count, sizeof *plan->members, compare_members);
    if (plan->topic_count > 0)
        qsort(plan->topics, (size_t)plan->topic_count, sizeof *plan->topics, compare_topics);
    for (int32_t t = 0; t < plan->topic_count; t++)
        plan->topics[t]->subscriber_count = 0; /* an earlier try may have failed */
    for (int32_t m = 0; m < plan->member_count; m++)
        if (!link_topics(plan, plan->members[m]) || !link_owned(plan, plan->members[m]))
            return KC_E_NO_MEMORY;
    if (!link_subscribers(plan) || find_claimants(plan) != KC_OK)
        return KC_E_NO_MEMORY;
    plan->sealed = true;
    return KC_OK;
}
