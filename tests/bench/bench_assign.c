/* SPDX-License-Identifier: Apache-2.0 */
/* What assignors cost: processor time for large groups, from nothing and with one member more.
 *
 *   bench_assign [members [partitions [topics [racks]]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/random.h"

#include <kclient/assignor.h>

typedef struct shape {
    int members, partitions, topics, racks;
    bool same; /* all subscribe to all; else each to half of the topics */
} shape;

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void check(kc_err err)
{
    if (err == KC_OK)
        return;
    fprintf(stderr, "bench_assign: %s\n", kc_error_name(err));
    exit(1);
}

static kc_bytes name(char *text, const char *kind, int number)
{
    snprintf(text, 32, "%s-%05d", kind, number);
    return kc_str(text);
}

static void add_topics(kc_plan *plan, const shape *s, kci_random *random)
{
    char text[32], racks[3][32];
    int each = s->partitions / s->topics;
    for (int t = 0; t < s->topics; t++) {
        kc_bytes topic = name(text, "topic", t), at[3];
        check(kc_plan_add_topic(plan, topic, each, NULL));
        for (int i = 0; i < each; i++) {
            int first = (int)kci_random_below(random, (uint64_t)s->racks);
            for (int r = 0; r < 3; r++)
                at[r] = name(racks[r], "rack", (first + r) % s->racks);
            check(kc_plan_set_racks(plan, topic, i, at[0], at, 3, NULL));
        }
    }
}

static size_t owned_by(const kc_plan *before, int32_t member, kc_topic_partition *out)
{
    size_t count = 0;
    for (size_t t = 0; before && t < kc_plan_topic_count(before); t++)
        for (int32_t i = 0; i < kc_plan_partition_count(before, t); i++)
            if (kc_plan_assigned(before, t, i) == member)
                out[count++] = (kc_topic_partition){ kc_plan_topic_name(before, t), i };
    return count;
}

static kc_plan *build(const shape *s, int members, const kc_plan *before)
{
    kc_plan *plan;
    kci_random random;
    kci_random_seed(&random, 1);
    check(kc_plan_new(&plan, NULL));
    add_topics(plan, s, &random);
    char(*topics)[32] = calloc((size_t)s->topics, sizeof *topics);
    kc_bytes *names = calloc((size_t)s->topics, sizeof *names);
    kc_topic_partition *owned = calloc((size_t)s->partitions, sizeof *owned);
    for (int m = 0; m < members; m++) {
        kc_plan_member member = KC_PLAN_MEMBER_INIT;
        char id[32], rack[32];
        member.member_id = name(id, "member", m);
        member.rack = name(rack, "rack", (int)kci_random_below(&random, (uint64_t)s->racks));
        for (int t = 0; t < s->topics; t++)
            if (s->same || kci_random_below(&random, 2) == 0)
                names[member.topic_count++] = name(topics[t], "topic", t);
        member.topics = names;
        member.owned_count = owned_by(before, m, owned);
        member.owned = owned;
        member.generation = before ? 1 : -1;
        check(kc_plan_add_member(plan, &member, NULL));
    }
    free(topics);
    free(names);
    free(owned);
    return plan;
}

static double run(kc_plan *plan, const kc_assignor *a)
{
    double began = seconds();
    check(kc_plan_run(
        plan, a, a->protocols & KC_ASSIGNOR_EAGER ? KC_ASSIGNOR_EAGER : KC_ASSIGNOR_COOPERATIVE,
        NULL));
    return seconds() - began;
}

static void measure(const shape *s)
{
    const kc_assignor *a;
    printf("%d members, %d partitions in %d topics, %d racks, %s subscriptions\n", s->members,
           s->partitions, s->topics, s->racks, s->same ? "equal" : "mixed");
    for (size_t n = 0; (a = kc_assignor_at(n)); n++) {
        kc_plan_score score = { .size = sizeof score };
        kc_plan *first = build(s, s->members, NULL);
        double fresh = run(first, a);
        kc_plan *again = build(s, s->members + 1, first);
        double more = run(again, a);
        check(kc_plan_get_score(again, &score));
        printf("  %-20s from nothing %7.1f ms; a member more %7.1f ms: %llu of %llu kept, %llu in "
               "rack, %llu leaders\n",
               a->name, fresh * 1e3, more * 1e3, (unsigned long long)score.kept,
               (unsigned long long)score.partitions, (unsigned long long)score.in_rack,
               (unsigned long long)score.leader_in_rack);
        kc_plan_free(first);
        kc_plan_free(again);
    }
}

int main(int argc, char **argv)
{
    int given[] = { 1000, 10000, 100, 3 };
    for (int i = 1; i < argc && i <= 4; i++)
        given[i - 1] = atoi(argv[i]);
    if (argc > 5 || given[0] < 1 || given[2] < 1 || given[1] < given[2] || given[3] < 1) {
        fprintf(stderr, "usage: bench_assign [members [partitions [topics [racks]]]]\n");
        return 2;
    }
    shape s = { given[0], given[1], given[2], given[3], true };
    measure(&s);
    s.same = false;
    measure(&s);
    return 0;
}
