/* SPDX-License-Identifier: Apache-2.0 */
/* assignors.txt: range and roundrobin have one right answer; for the sticky ones README.md says
 * what is right: every partition once, to a subscriber, as even as Java's and with as much kept. A
 * cooperative plan may leave out only what somebody else still claims. */
#include <stdlib.h>
#include <string.h>

#include "check.h"

#include <kclient/assignor.h>

enum { WORDS_MAX = 512, OWNED_MAX = 65536 };

typedef struct question {
    kc_plan *plan;
    const kc_assignor *assignor;
    uint32_t protocol;
    bool racks;
    bool exact; /* one answer is right */
    bool wrong;
    int64_t score, kept; /* Java's */
    bool same_subscriptions;
} question;

/* Cuts text at each `separator`; returns how many parts there are. "-": none. */
static int cut(char *text, char separator, char **parts, int cap)
{
    int count = 0;
    if (strcmp(text, "-") == 0 || !*text)
        return 0;
    for (char *at = text; at && count < cap;) {
        char *end = strchr(at, separator);
        if (end)
            *end++ = '\0';
        parts[count++] = at;
        at = end;
    }
    return count;
}

static kc_bytes word_or_null(const char *word)
{
    return strcmp(word, "-") == 0 ? kc_mem(NULL, 0) : kc_str(word);
}

static void expect_ok(vec_file *v, kc_err err, const char *what)
{
    if (err == KC_OK)
        return;
    fprintf(stderr, "%s:%zu: %s: %s\n", v->name, v->line, what, kc_error_name(err));
    exit(2);
}

static void read_topic(vec_file *v, kc_plan *plan)
{
    kc_bytes name = kc_str(vec_word(v));
    int32_t count = (int32_t)vec_number(v);
    static char *partitions[OWNED_MAX];
    expect_ok(v, kc_plan_add_topic(plan, name, count, NULL), "topic");
    int found = cut(vec_word(v), ';', partitions, OWNED_MAX);
    for (int i = 0; i < found; i++) {
        char *names[WORDS_MAX];
        kc_bytes racks[WORDS_MAX];
        int n = cut(partitions[i], ',', names, WORDS_MAX);
        for (int k = 0; k < n; k++)
            racks[k] = kc_str(names[k]);
        expect_ok(v,
                  kc_plan_set_racks(plan, name, i, n ? racks[0] : kc_mem(NULL, 0), racks, (size_t)n,
                                    NULL),
                  "racks");
    }
}

/* "topic:0,2;other:1" */
static size_t read_partitions(char *text, kc_topic_partition *out, size_t cap)
{
    char *topics[WORDS_MAX];
    static char *numbers[OWNED_MAX];
    size_t count = 0;
    int found = cut(text, ';', topics, WORDS_MAX);
    for (int i = 0; i < found; i++) {
        char *colon = strchr(topics[i], ':');
        *colon = '\0';
        int n = cut(colon + 1, ',', numbers, OWNED_MAX);
        for (int k = 0; k < n && count < cap; k++)
            out[count++] = (kc_topic_partition){ kc_str(topics[i]), atoi(numbers[k]) };
    }
    return count;
}

static void read_member(vec_file *v, kc_plan *plan)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    char *names[WORDS_MAX];
    kc_bytes topics[WORDS_MAX];
    static kc_topic_partition owned[OWNED_MAX];
    m.member_id = kc_str(vec_word(v));
    m.group_instance_id = word_or_null(vec_word(v));
    m.rack = word_or_null(vec_word(v));
    m.generation = (int32_t)vec_number(v);
    m.topic_count = (size_t)cut(vec_word(v), ',', names, WORDS_MAX);
    for (size_t i = 0; i < m.topic_count; i++)
        topics[i] = kc_str(names[i]);
    m.topics = topics;
    m.owned_count = read_partitions(vec_word(v), owned, OWNED_MAX);
    m.owned = owned;
    expect_ok(v, kc_plan_add_member(plan, &m, NULL), "member");
}

static void begin(vec_file *v, question *q)
{
    vec_number(v);
    const char *name = vec_word(v);
    *q = (question){ .assignor = kc_assignor_find(name),
                     .protocol = strcmp(name, "cooperative-sticky") == 0 ? KC_ASSIGNOR_COOPERATIVE
                                                                         : KC_ASSIGNOR_EAGER,
                     .exact = strstr(name, "sticky") == NULL };
    q->racks = strcmp(vec_word(v), "racks") == 0;
    expect_ok(v, kc_plan_new(&q->plan, NULL), "plan");
}

static int64_t member_number(const kc_plan *plan, kc_bytes id)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    for (size_t i = 0; kc_plan_member_at(plan, i, &m); i++)
        if (m.member_id.size == id.size && memcmp(m.member_id.data, id.data, id.size) == 0)
            return (int64_t)i;
    return -1;
}

static int64_t topic_number(const kc_plan *plan, kc_bytes name)
{
    for (size_t i = 0; i < kc_plan_topic_count(plan); i++) {
        kc_bytes at = kc_plan_topic_name(plan, i);
        if (at.size == name.size && memcmp(at.data, name.data, name.size) == 0)
            return (int64_t)i;
    }
    return -1;
}

static void run(vec_file *v, question *q)
{
    kc_error why = { 0 };
    kc_err err = kc_plan_run(q->plan, q->assignor, q->protocol, &why);
    expect_ok(v, err, why.text);
}

static size_t count_of(const kc_plan *plan, size_t member)
{
    size_t count = 0;
    for (size_t t = 0; t < kc_plan_topic_count(plan); t++)
        for (int32_t i = 0; i < kc_plan_partition_count(plan, t); i++)
            count += kc_plan_assigned(plan, t, i) == (int32_t)member;
    return count;
}

/* Java's answer for one member. */
static void read_answer(vec_file *v, question *q)
{
    static kc_topic_partition list[OWNED_MAX];
    int64_t member = member_number(q->plan, kc_str(vec_word(v)));
    size_t count = read_partitions(vec_word(v), list, OWNED_MAX);
    if (!q->exact)
        return;
    if (member < 0 || count_of(q->plan, (size_t)member) != count) {
        q->wrong = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int64_t topic = topic_number(q->plan, list[i].topic);
        q->wrong |= topic < 0 ||
                    kc_plan_assigned(q->plan, (size_t)topic, list[i].partition) != (int32_t)member;
    }
}

static int64_t value_of(vec_file *v, const char *name)
{
    char *word = vec_word(v);
    size_t size = strlen(name);
    if (strncmp(word, name, size) != 0 || word[size] != '=') {
        fprintf(stderr, "%s:%zu: %s is missing\n", v->name, v->line, name);
        exit(2);
    }
    return atoll(word + size + 1);
}

static void read_stat(vec_file *v, question *q)
{
    value_of(v, "total");
    value_of(v, "min");
    value_of(v, "max");
    q->score = value_of(v, "score");
    q->kept = value_of(v, "kept");
    q->same_subscriptions = value_of(v, "samesubs") == 1;
}

/* ---- what must hold of a sticky answer ------------------------------------------------------ */

static int compare_sizes(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

static bool is_even(const size_t *counts, size_t n)
{
    return n == 0 || counts[n - 1] - counts[0] <= 1;
}

/* Sum over pairs of members of the difference of their numbers, which are ascending. */
static int64_t spread_of(const size_t *counts, size_t n)
{
    int64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (int64_t)counts[i] * (2 * (int64_t)i - (int64_t)n + 1);
    return sum;
}

static void check_sticky(vec_file *v, const question *q)
{
    kc_plan_score score = { .size = sizeof score };
    size_t members = kc_plan_member_count(q->plan);
    size_t *counts = calloc(members + 1, sizeof *counts);
    expect_ok(v, kc_plan_get_score(q->plan, &score), "score");
    for (size_t m = 0; m < members; m++)
        counts[m] = count_of(q->plan, m);
    qsort(counts, members, sizeof *counts, compare_sizes);
    int64_t spread = spread_of(counts, members);
    bool all = score.assigned + score.withheld == score.partitions &&
               (score.withheld == 0 || q->protocol == KC_ASSIGNOR_COOPERATIVE);
    bool even = !q->same_subscriptions || score.withheld > 0 || is_even(counts, members);
    bool as_even = score.withheld > 0 || spread <= q->score;
    bool as_kept = (int64_t)(score.kept + score.withheld) >= q->kept || spread < q->score;
    if (all && even && as_even && as_kept)
        vec_pass(v);
    else
        vec_fail(v,
                 "assigned %zu, withheld %zu of %zu; spread %lld (Java %lld), kept %zu (Java %lld)",
                 (size_t)score.assigned, (size_t)score.withheld, (size_t)score.partitions,
                 (long long)spread, (long long)q->score, (size_t)score.kept, (long long)q->kept);
    free(counts);
}

void check_assignors(vec_file *v)
{
    question q = { 0 };
    bool asked = false;
    while (vec_next(v)) {
        const char *kind = vec_word(v);
        if (strcmp(kind, "case") == 0) {
            begin(v, &q);
            asked = false;
        } else if (strcmp(kind, "topic") == 0) {
            read_topic(v, q.plan);
        } else if (strcmp(kind, "member") == 0) {
            read_member(v, q.plan);
        } else if (strcmp(kind, "assign") == 0 || strcmp(kind, "stat") == 0) {
            if (!asked)
                run(v, &q);
            asked = true;
            if (*kind == 'a')
                read_answer(v, &q);
            else
                read_stat(v, &q);
        } else if (strcmp(kind, "end") == 0) {
            if (!asked)
                run(v, &q);
            if (q.exact)
                vec_expect(v, !q.wrong, "another assignment than Java's");
            else
                check_sticky(v, &q);
            kc_plan_free(q.plan);
        }
    }
}
