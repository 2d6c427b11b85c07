/* SPDX-License-Identifier: Apache-2.0 */
/* range: each topic is laid out in order over its subscribers, as Java's RangeAssignor, with racks
 * as KIP-881 says: where members' racks differ in what replicas they have, a first pass gives
 * members what is in their rack (a member without a rack takes anything), and topics that have as
 * many partitions and the same subscribers get the same number together as far as racks allow. */
#include <stdlib.h>

#include "base/mem.h"
#include "group/assignors/assignors.h"

/* A topic while it is being given out. */
typedef struct range_topic {
    kci_plan_topic *topic;
    int32_t each;      /* what every subscriber gets at least */
    int32_t extra;     /* how many more subscribers may get one more */
    int32_t *assigned; /* by place in topic->subscribers; NULL: there is nothing to give out */
    bool by_rack;      /* racks make a difference */
    bool done;         /* the first pass has seen it */
} range_topic;

static int32_t room(const range_topic *t, int32_t place)
{
    int32_t most = t->each + (t->extra > 0) - t->assigned[place];
    return most > 0 ? most : 0;
}

static void give(range_topic *t, int32_t place, int32_t partition)
{
    t->topic->partitions[partition].owner = t->topic->subscribers[place];
    t->assigned[place]++;
}

static void after_giving(range_topic *t, int32_t place)
{
    if (t->assigned[place] > t->each)
        t->extra--;
}

static bool matches(const kc_plan *plan, const range_topic *t, int32_t place, int32_t partition)
{
    const kci_plan_member *m = plan->members[t->topic->subscribers[place]];
    return m->rack < 0 || kci_racks_have(t->topic->partitions[partition].racks, m->rack);
}

/* Each subscriber in turn takes the first free partitions, up to its share. */
static void lay_out(const kc_plan *plan, range_topic *t, bool matching_only)
{
    int32_t first_free = 0;
    for (int32_t place = 0; place < t->topic->subscriber_count; place++) {
        while (first_free < t->topic->count && t->topic->partitions[first_free].owner >= 0)
            first_free++;
        int32_t left = room(t, place), before = t->assigned[place];
        for (int32_t i = first_free; i < t->topic->count && left > 0; i++) {
            if (t->topic->partitions[i].owner >= 0 ||
                (matching_only && !matches(plan, t, place, i)))
                continue;
            give(t, place, i);
            left--;
        }
        if (t->assigned[place] != before)
            after_giving(t, place);
    }
}

/* ---- whether racks matter ----------------------------------------------------------------- */

/* All racks of a topic's replicas; seen[] has a flag for each rack of the plan. */
static int32_t all_racks(const kci_plan_topic *t, bool *seen)
{
    int32_t count = 0;
    for (int32_t i = 0; i < t->count; i++)
        for (int32_t r = 0; r < t->partitions[i].racks.count; r++) {
            int32_t rack = t->partitions[i].racks.items[r];
            count += !seen[rack];
            seen[rack] = true;
        }
    return count;
}

/* Some subscriber is in a rack of the topic's replicas, and not every partition is in all of them.
 */
static bool racks_matter(const kc_plan *plan, const kci_plan_topic *t, bool *seen)
{
    for (int32_t r = 0; r < plan->rack_count; r++)
        seen[r] = false;
    int32_t racks = all_racks(t, seen);
    bool shared = false;
    for (int32_t i = 0; i < t->subscriber_count && !shared; i++) {
        int32_t rack = plan->members[t->subscribers[i]]->rack;
        shared = rack >= 0 && seen[rack];
    }
    bool all_everywhere = true;
    for (int32_t i = 0; i < t->count && all_everywhere; i++)
        all_everywhere = t->partitions[i].racks.count == racks;
    return shared && !all_everywhere;
}

/* ---- topics with as many partitions and the same subscribers -------------------------------- */

static bool are_alike(const range_topic *a, const range_topic *b)
{
    if (a->topic->count != b->topic->count ||
        a->topic->subscriber_count != b->topic->subscriber_count)
        return false;
    for (int32_t i = 0; i < a->topic->subscriber_count; i++)
        if (a->topic->subscribers[i] != b->topic->subscribers[i])
            return false;
    return true;
}

static bool all_match(const kc_plan *plan, range_topic *const *alike, int32_t count, int32_t place,
                      int32_t partition)
{
    for (int32_t i = 0; i < count; i++)
        if (room(alike[i], place) == 0 || !matches(plan, alike[i], place, partition))
            return false;
    return true;
}

static void give_together(const kc_plan *plan, range_topic **alike, int32_t count)
{
    const kci_plan_topic *t = alike[0]->topic;
    for (int32_t partition = 0; partition < t->count; partition++) {
        int32_t place = 0;
        while (place < t->subscriber_count && !all_match(plan, alike, count, place, partition))
            place++;
        for (int32_t i = 0; i < count && place < t->subscriber_count; i++) {
            give(alike[i], place, partition);
            after_giving(alike[i], place);
        }
    }
}

/* Collects topics[from] and those behind it that are like it, and gives out what racks allow. */
static void match_from(const kc_plan *plan, range_topic *topics, int32_t count, int32_t from,
                       range_topic **alike)
{
    int32_t found = 0;
    for (int32_t i = from; i < count; i++) {
        if (topics[i].done || !are_alike(&topics[from], &topics[i]))
            continue;
        topics[i].done = true;
        alike[found++] = &topics[i];
    }
    if (found > 1)
        give_together(plan, alike, found);
    else if (topics[from].by_rack)
        lay_out(plan, &topics[from], true);
}

/* ---- all ------------------------------------------------------------------------------------ */

static bool begin(const kc_plan *plan, range_topic *t, kci_plan_topic *topic, bool *seen)
{
    size_t subscribers = (size_t)topic->subscriber_count;
    *t = (range_topic){ .topic = topic };
    if (subscribers == 0 || topic->count == 0) {
        t->done = true;
        return true;
    }
    t->each = topic->count / topic->subscriber_count;
    t->extra = topic->count % topic->subscriber_count;
    t->by_rack = racks_matter(plan, topic, seen);
    t->assigned = kci_calloc(subscribers, sizeof *t->assigned);
    return t->assigned != NULL;
}

static void assign(const kc_plan *plan, range_topic *topics, range_topic **alike)
{
    bool by_rack = false;
    for (int32_t i = 0; i < plan->topic_count; i++)
        by_rack |= topics[i].by_rack;
    for (int32_t i = 0; by_rack && i < plan->topic_count; i++)
        if (!topics[i].done)
            match_from(plan, topics, plan->topic_count, i, alike);
    for (int32_t i = 0; i < plan->topic_count; i++)
        if (topics[i].assigned)
            lay_out(plan, &topics[i], false);
}

kc_err kci_assign_range(kc_plan *plan)
{
    size_t count = (size_t)plan->topic_count;
    range_topic *topics = kci_calloc(count, sizeof *topics);
    range_topic **alike = kci_calloc(count, sizeof *alike);
    bool *seen = kci_calloc((size_t)plan->rack_count, sizeof *seen);
    bool ok = topics && alike && seen;
    for (int32_t i = 0; ok && i < plan->topic_count; i++)
        ok = begin(plan, &topics[i], plan->topics[i], seen);
    if (ok)
        assign(plan, topics, alike);
    for (size_t i = 0; topics && i < count; i++)
        kci_free(topics[i].assigned);
    kci_free(topics);
    kci_free(alike);
    kci_free(seen);
    return ok ? KC_OK : KC_E_NO_MEMORY;
}
