/* SPDX-License-Identifier: Apache-2.0 */
/* A member can hand a partition to another that subscribes to its topic, who can hand one on in
 * turn. From the member that has most, a breadth-first search finds the shortest such way to one
 * that has at least two fewer; along it everyone in between keeps its number. When there is none,
 * then all that were reached are settled for good: ways that begin later never enter them, since
 * nobody in there has two fewer than whoever begins, and none of them leads out. (This is the
 * optimal semi-matching of Harvey, Ladner, Lovasz and Tamir, 2003.) */
#include "group/assignors/balance.h"

#include "base/mem.h"

kc_err kci_balance_init(kci_balance *b, kc_plan *plan)
{
    size_t members = (size_t)plan->member_count, topics = (size_t)plan->topic_count;
    *b = (kci_balance){
        .plan = plan,
        .load = kci_calloc(members, sizeof *b->load),
        .held = kci_calloc(topics, sizeof *b->held),
        .queue = kci_calloc(members, sizeof *b->queue),
        .from = kci_calloc(members, sizeof *b->from),
        .via = kci_calloc(members, sizeof *b->via),
        .distance = kci_calloc(members, sizeof *b->distance),
        .settled = kci_calloc(members, sizeof *b->settled),
        .spread = kci_calloc(topics, sizeof *b->spread),
    };
    bool ok = b->load && b->held && b->queue && b->from && b->via && b->distance && b->settled &&
              b->spread;
    for (size_t t = 0; ok && t < topics; t++) {
        size_t subscribers = (size_t)plan->topics[t]->subscriber_count;
        b->held[t] = kci_calloc(subscribers, sizeof *b->held[t]);
        ok = b->held[t] != NULL;
    }
    return ok ? KC_OK : KC_E_NO_MEMORY;
}

void kci_balance_free(kci_balance *b)
{
    for (int32_t t = 0; b->held && t < b->plan->topic_count; t++)
        kci_free(b->held[t]);
    kci_free(b->load);
    kci_free(b->held);
    kci_free(b->queue);
    kci_free(b->from);
    kci_free(b->via);
    kci_free(b->distance);
    kci_free(b->settled);
    kci_free(b->spread);
}

/* The member's place among the topic's subscribers; it is one of them. */
static int32_t place_of(const kci_plan_topic *t, int32_t member)
{
    int32_t low = 0, high = t->subscriber_count;
    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (t->subscribers[middle] < member)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int32_t *held(const kci_balance *b, int32_t topic, int32_t member)
{
    return &b->held[topic][place_of(b->plan->topics[topic], member)];
}

void kci_balance_give(kci_balance *b, kci_plan_place at, int32_t member)
{
    b->plan->topics[at.topic]->partitions[at.partition].owner = member;
    b->load[member]++;
    ++*held(b, at.topic, member);
}

/* How gladly a partition is moved to `to`; each ground counts for more than all behind it. */
static int gladness(const kci_plan_partition *p, const kci_plan_member *receiver, int32_t to)
{
    return (p->claimant == to || p->former == to) * 4 + (p->claimant != p->owner) * 2 +
           kci_plan_is_local(receiver, p);
}

static void move_one(kci_balance *b, int32_t topic, int32_t from, int32_t to)
{
    kci_plan_topic *t = b->plan->topics[topic];
    kci_plan_partition *best = NULL;
    int most = -1;
    for (int32_t i = 0; i < t->count && most < 7; i++) {
        kci_plan_partition *p = &t->partitions[i];
        if (p->owner != from)
            continue;
        int glad = gladness(p, b->plan->members[to], to);
        if (glad > most) {
            most = glad;
            best = p;
        }
    }
    best->owner = to;
    --*held(b, topic, from);
    ++*held(b, topic, to);
}

/* What the search has reached so far. */
typedef struct search {
    int32_t start, queued;
    int32_t target; /* the one with least, of those nearest; -1: none yet */
} search;

/* All subscribers of a topic that `member` has a partition of can be handed one. */
static void reach(kci_balance *b, search *s, int32_t topic, int32_t member)
{
    const kci_plan_topic *t = b->plan->topics[topic];
    b->spread[topic] = true;
    for (int32_t i = 0; i < t->subscriber_count; i++) {
        int32_t m = t->subscribers[i];
        if (b->distance[m] >= 0)
            continue;
        b->distance[m] = b->distance[member] + 1;
        b->from[m] = member;
        b->via[m] = topic;
        b->queue[s->queued++] = m;
        if (b->load[m] <= b->load[s->start] - 2 &&
            (s->target < 0 || b->load[m] < b->load[s->target]))
            s->target = m;
    }
}

/* Whom `start` can hand one to, by the shortest way; -1: nobody. Those reached are b->queue[0..] */
static search find_target(kci_balance *b, int32_t start)
{
    search s = { .start = start, .target = -1 };
    for (int32_t m = 0; m < b->plan->member_count; m++)
        b->distance[m] = -1;
    for (int32_t t = 0; t < b->plan->topic_count; t++)
        b->spread[t] = false;
    b->distance[start] = 0;
    b->queue[s.queued++] = start;
    for (int32_t n = 0; n < s.queued; n++) {
        int32_t m = b->queue[n];
        if (s.target >= 0 && b->distance[m] >= b->distance[s.target])
            break;
        const kci_plan_member *member = b->plan->members[m];
        for (int32_t i = 0; i < member->topic_count; i++)
            if (!b->spread[member->topics[i]] && *held(b, member->topics[i], m) > 0)
                reach(b, &s, member->topics[i], m);
    }
    return s;
}

static int32_t fullest_unsettled(const kci_balance *b)
{
    int32_t best = -1;
    for (int32_t m = 0; m < b->plan->member_count; m++)
        if (!b->settled[m] && (best < 0 || b->load[m] > b->load[best]))
            best = m;
    return best;
}

void kci_balance_even_out(kci_balance *b)
{
    for (int32_t start; (start = fullest_unsettled(b)) >= 0;) {
        search s = find_target(b, start);
        if (s.target < 0) {
            for (int32_t n = 0; n < s.queued; n++)
                b->settled[b->queue[n]] = true;
            continue;
        }
        b->load[start]--;
        b->load[s.target]++;
        for (int32_t m = s.target; m != start; m = b->from[m])
            move_one(b, b->via[m], b->from[m], m);
    }
}
