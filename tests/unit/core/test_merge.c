/* SPDX-License-Identifier: Apache-2.0 */
/* What answers change in what is known: epochs, ids, errors, nonsense. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "core/merge.h"

typedef kci_metadata_response_metadata_response_broker broker;
typedef kci_metadata_response_metadata_response_topic topic;
typedef kci_metadata_response_metadata_response_partition partition;

static kci_topic_care care_of = KCI_TOPIC_IN_USE;

static kci_topic_care care(void *arg, kc_bytes name)
{
    (void)arg, (void)name;
    return care_of;
}

static bool changed, unsettled, absurd;
static int64_t now_us = 5, under_way_us;

/* Merges and gives the old snapshot back. */
static kci_metadata *merge_as(kci_metadata *old, const kci_metadata_response *answer,
                              int16_t version)
{
    kci_merge m = { .old = old,
                    .answer = answer,
                    .version = version,
                    .asked_us = now_us - under_way_us,
                    .now_us = now_us,
                    .care = care };
    kci_metadata *next = kci_merge_answer(&m);

    cr_assert_not_null(next);
    cr_assert_eq(next->generation, old->generation + 1);
    changed = m.changed;
    unsettled = m.unsettled;
    absurd = m.absurd;
    kci_metadata_unref(old);
    return next;
}

static kci_metadata *empty(void)
{
    kci_draft nothing = { .controller = -1 };
    return kci_snapshot_new(&nothing);
}

static kci_metadata_response answer_of(topic *topics, int32_t count)
{
    static broker brokers[] = { { 2, { (const uint8_t *)"b", sizeof "b" - 1 }, 2, { 0 } },
                                { 1,
                                  { (const uint8_t *)"a", sizeof "a" - 1 },
                                  1,
                                  { (const uint8_t *)"r1", sizeof "r1" - 1 } } };
    kci_metadata_response answer;

    kci_msg_init(&kci_metadata_response_msg, &answer);
    answer.cluster_id = kc_str("c");
    answer.controller_id = 2;
    answer.brokers.data = brokers;
    answer.brokers.count = 2;
    answer.topics.data = topics;
    answer.topics.count = count;
    return answer;
}

static int32_t some[] = { 1, 2, 3 };

static partition part(int32_t index, int32_t leader, int32_t epoch)
{
    return (partition){ .partition_index = index,
                        .leader_id = leader,
                        .leader_epoch = epoch,
                        .replica_nodes = { some, 3 },
                        .isr_nodes = { some, 2 },
                        .offline_replicas = { some, 1 } };
}

static topic named(const char *name, uint8_t id, partition *partitions, int32_t count)
{
    topic t = { .name = kc_str(name), .partitions = { partitions, count } };
    t.topic_id.bytes[0] = id;
    return t;
}

/* An answer with the topic "t". */
static kci_metadata *merge_parts(kci_metadata *old, uint8_t id, partition *parts, int32_t count)
{
    topic t = named("t", id, parts, count);
    kci_metadata_response answer = answer_of(&t, 1);

    return merge_as(old, &answer, 12);
}

/* One topic, one partition. */
static kci_metadata *merge_one(kci_metadata *old, uint8_t id, int32_t leader, int32_t epoch)
{
    partition p = part(0, leader, epoch);

    return merge_parts(old, id, &p, 1);
}

static const kci_partition_meta *first(const kci_metadata *m)
{
    return &kci_metadata_topic(m, kc_str("t"))->partitions[0];
}

Test(merge, everything_is_found_again)
{
    partition p[2] = { part(1, 2, 7), part(0, 1, 3) };
    topic t[3] = { named("z", 9, p, 2), named("a", 7, NULL, 0), named("m", 8, p, 2) };
    kci_metadata_response answer = answer_of(t, 3);
    kci_metadata *m = merge_as(empty(), &answer, 12);

    cr_assert(changed);
    cr_assert_eq(m->controller, 2);
    cr_assert_eq(m->fetched_us, 5);
    cr_assert_eq(m->cluster_id.size, 1);
    cr_assert_eq(m->node_count, 2);
    cr_assert_str_eq(kci_metadata_node(m, 1)->host, "a");
    cr_assert_eq(kci_metadata_node(m, 1)->rack.size, 2);
    cr_assert_null(kci_metadata_node(m, 2)->rack.data);
    cr_assert_null(kci_metadata_node(m, 3));
    cr_assert_eq(m->topic_count, 3);
    cr_assert_null(kci_metadata_topic(m, kc_str("zz")));
    const kci_topic_meta *z = kci_metadata_topic(m, kc_str("z"));
    cr_assert_eq(kci_metadata_topic_by_id(m, &t[0].topic_id), z);
    kc_uuid none = { { 0 } };
    cr_assert_null(kci_metadata_topic_by_id(m, &none));
    cr_assert_eq(z->partitions[1].leader, 2);
    cr_assert_eq(z->partitions[0].leader_epoch, 3);
    cr_assert_eq(z->partitions[0].isr_count, 2);
    cr_assert_eq(z->partitions[0].replicas[2], 3);
    m = merge_as(m, &answer, 12);
    cr_assert_not(changed);
    kci_metadata_unref(m);
}

Test(merge, an_older_epoch_takes_nothing_back)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_one(m, 1, 2, 4);
    cr_assert_eq(first(m)->leader, 1);
    cr_assert_eq(first(m)->leader_epoch, 5);
    cr_assert_not(changed);
    m = merge_one(m, 1, 1, 6);
    cr_assert(changed, "the same leader in a new epoch is news");
    cr_assert_eq(first(m)->leader_epoch, 6);
    m = merge_one(m, 1, 2, 6);
    cr_assert_eq(first(m)->leader, 2);
    m = merge_one(m, 1, -1, 6);
    cr_assert_eq(first(m)->leader, -1);
    cr_assert(unsettled);
    cr_assert_eq(first(m)->err, KC_E_LEADER_NOT_AVAILABLE);
    kci_metadata_unref(m);
}

/* A broker that tells no epoch does not make room for one that lags behind (seed 4035735). */
Test(merge, an_older_epoch_takes_nothing_back_after_none)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_one(m, 1, 2, -1);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, -1);
    cr_assert_not(unsettled);
    m = merge_one(m, 1, 2, -1); /* nor does another one */
    m = merge_one(m, 1, 3, 4);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, -1);
    cr_assert(unsettled);
    m = merge_one(m, 1, 1, 5);
    cr_assert_eq(first(m)->leader, 1);
    cr_assert_eq(first(m)->leader_epoch, 5);
    cr_assert_not(unsettled);
    kci_metadata_unref(m);
}

Test(merge, an_older_epoch_is_believed_in_the_end)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_one(m, 1, 2, 4);
    now_us += 9000000;
    m = merge_one(m, 1, 3, -1); /* tells nothing of epochs: the time goes on */
    cr_assert(unsettled);
    m = merge_one(m, 1, 2, 4);
    cr_assert_eq(first(m)->leader, 3);
    now_us += 2000000;
    m = merge_one(m, 1, 2, 4);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, 4);
    cr_assert_not(unsettled);
    m = merge_one(m, 1, 1, 3); /* a new dispute, a new time */
    cr_assert_eq(first(m)->leader, 2);
    kci_metadata_unref(m);
}

/* Brokers without ids, one of which lags behind (seeds 8232061 and 8367943). */
Test(merge, without_an_id_a_topic_does_not_lose_partitions_at_once)
{
    partition p[2] = { part(0, 1, 5), part(1, 1, 5) };
    kci_metadata *m = merge_parts(empty(), 0, p, 2);

    m = merge_parts(m, 0, p, 0);
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->partition_count, 2);
    cr_assert(unsettled);
    p[0].leader_epoch = p[1].leader_epoch = 4;
    m = merge_parts(m, 0, p, 2);
    cr_assert_eq(first(m)[1].leader_epoch, 5);
    p[0].leader_epoch = 6; /* another, smaller topic in the end */
    m = merge_parts(m, 0, p, 1);
    now_us += 11000000;
    m = merge_parts(m, 0, p, 1);
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->partition_count, 1);
    cr_assert_eq(first(m)->leader_epoch, 6);
    cr_assert_not(unsettled);
    kci_metadata_unref(m);
}

/* What a leader has told since is not part of an older dispute (seed 7298515). */
Test(merge, a_hint_begins_anew)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_one(m, 1, 2, 4);
    cr_assert(unsettled);
    now_us += 9000000;
    kci_metadata *next = kci_merge_leader(m, 0, 0, 2, 6, NULL);
    kci_metadata_unref(m);
    now_us += 2000000;
    m = merge_one(next, 1, 1, 5);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, 6);
    kci_metadata_unref(m);
}

Test(merge, an_answer_that_was_under_way_for_long_is_no_new_word)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_one(m, 1, 2, 4);
    now_us += 15000000;
    under_way_us = 8000000;
    m = merge_one(m, 1, 2, 4);
    cr_assert_eq(first(m)->leader, 1);
    under_way_us = 1000000;
    m = merge_one(m, 1, 2, 4);
    cr_assert_eq(first(m)->leader, 2);
    kci_metadata_unref(m);
}

Test(merge, one_partition_is_disputed_and_the_other_not)
{
    partition p[2] = { part(0, 1, 5), part(1, 1, 5) };
    kci_metadata *m = merge_parts(empty(), 1, p, 2);

    p[0].leader_epoch = 4;
    m = merge_parts(m, 1, p, 2);
    now_us += 9000000;
    p[1].leader_epoch = 7;
    m = merge_parts(m, 1, p, 2);
    now_us += 2000000;
    p[1].leader_epoch = 6;
    m = merge_parts(m, 1, p, 2);
    cr_assert_eq(first(m)[0].leader_epoch, 4);
    cr_assert_eq(first(m)[1].leader_epoch, 7);
    cr_assert(unsettled);
    kci_metadata_unref(m);
}

Test(merge, a_partition_left_out_keeps_its_epoch)
{
    partition p[2] = { part(0, 1, 5), part(1, 1, 5) };
    kci_metadata *m = merge_parts(empty(), 1, p, 2);

    m = merge_parts(m, 1, &p[1], 1);
    m = merge_one(m, 1, 2, 4);
    cr_assert_neq(first(m)->leader, 2);
    kci_metadata_unref(m);
}

Test(merge, another_id_is_another_topic)
{
    kci_metadata *m = merge_one(empty(), 1, 1, 50);

    m = merge_one(m, 2, 2, 0);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, 0);
    m = merge_one(m, 0, 1, 1); /* from an old broker: no id */
    cr_assert_eq(first(m)->leader, 1);
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->id.bytes[0], 2);
    kci_metadata_unref(m);
}

Test(merge, epochs_of_old_answers_do_not_count)
{
    partition p = part(0, 2, 3);
    topic t = named("t", 1, &p, 1);
    kci_metadata_response answer = answer_of(&t, 1);
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_as(m, &answer, 8);
    cr_assert_eq(first(m)->leader, 2);
    cr_assert_eq(first(m)->leader_epoch, -1);
    kci_metadata_unref(m);
}

Test(merge, a_topic_loses_no_partitions)
{
    partition p[3] = { part(0, 1, 1), part(1, 1, 1), part(2, 2, 1) };
    topic t = named("t", 1, p, 3);
    kci_metadata_response answer = answer_of(&t, 1);
    kci_metadata *m = merge_as(empty(), &answer, 12);

    m = merge_one(m, 1, 2, 2);
    const kci_topic_meta *now = kci_metadata_topic(m, kc_str("t"));
    cr_assert_eq(now->partition_count, 3);
    cr_assert_eq(now->partitions[0].leader, 2);
    cr_assert_eq(now->partitions[2].leader, 2);
    m = merge_one(m, 3, 1, 1); /* created anew, smaller */
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->partition_count, 1);
    kci_metadata_unref(m);
}

Test(merge, an_error_keeps_what_was_known)
{
    topic unknown = named("t", 0, NULL, 0);
    kci_metadata_response answer = answer_of(&unknown, 1);
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    unknown.error_code = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    m = merge_as(m, &answer, 12);
    cr_assert(changed);
    cr_assert(unsettled);
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(first(m)->leader_epoch, 5);
    m = merge_one(m, 1, 2, 4); /* back, from a broker that lags */
    cr_assert_eq(kci_metadata_topic(m, kc_str("t"))->err, KC_OK);
    cr_assert_eq(first(m)->leader, 1);
    unknown.error_code = KC_E_TOPIC_AUTHORIZATION_FAILED;
    m = merge_as(m, &answer, 12);
    cr_assert_not(unsettled);
    kci_metadata_unref(m);
}

Test(merge, nobody_waits_for_a_topic_that_is_only_remembered)
{
    topic unknown = named("t", 0, NULL, 0);
    kci_metadata_response answer = answer_of(&unknown, 1);

    unknown.error_code = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    care_of = KCI_TOPIC_REMEMBERED;
    kci_metadata *m = merge_as(empty(), &answer, 12);
    cr_assert_not(unsettled);
    kci_metadata_unref(m);
}

Test(merge, topics_not_named_stay_while_they_are_cared_for)
{
    kci_metadata_response nothing = answer_of(NULL, 0);
    kci_metadata *m = merge_one(empty(), 1, 1, 5);

    m = merge_as(m, &nothing, 12);
    cr_assert_eq(m->topic_count, 1);
    care_of = KCI_TOPIC_FORGOTTEN;
    m = merge_as(m, &nothing, 12);
    cr_assert_eq(m->topic_count, 0);
    kci_metadata_unref(m);
}

Test(merge, nonsense_is_left_out)
{
    broker brokers[] = { { 1, { (const uint8_t *)"a", sizeof "a" - 1 }, 9, { 0 } },
                         { 1, { (const uint8_t *)"b", sizeof "b" - 1 }, 9, { 0 } },
                         { -4, { (const uint8_t *)"c", sizeof "c" - 1 }, 9, { 0 } },
                         { 5, { (const uint8_t *)"", sizeof "" - 1 }, 9, { 0 } },
                         { 6, { (const uint8_t *)"d", sizeof "d" - 1 }, 0, { 0 } },
                         { 7, { (const uint8_t *)"e", sizeof "e" - 1 }, 70000, { 0 } },
                         { 8, { (const uint8_t *)"f\0g", 3 }, 9, { 0 } } };
    partition p[] = { part(0, 1, 1), part(0, 2, 2), part(-1, 1, 1), part(INT32_MAX, 1, 1),
                      part(3, -7, -9) };
    topic t[] = {
        named("t", 1, p, 5), named("t", 2, NULL, 0), { .name = { 0 } }, named("", 3, p, 1)
    };
    kci_metadata_response answer = answer_of(t, 4);
    answer.brokers.data = brokers;
    answer.brokers.count = 7;
    answer.controller_id = -5;
    kci_metadata *m = merge_as(empty(), &answer, 12);

    cr_assert_eq(m->node_count, 1);
    cr_assert_str_eq(m->nodes[0].host, "a");
    cr_assert_eq(m->controller, -1);
    cr_assert_eq(m->topic_count, 1);
    const kci_topic_meta *now = &m->topics[0];
    if (now->partition_count) { /* whichever of the two came first */
        cr_assert_eq(now->partition_count, 4, "one that is named twice does not make one more");
        cr_assert_eq(now->partitions[0].leader, 2);
        cr_assert_eq(now->partitions[1].leader, -1);
        cr_assert_eq(now->partitions[3].leader, -1);
        cr_assert_eq(now->partitions[3].leader_epoch, -1);
    }
    kci_metadata_unref(m);
}

Test(merge, one_leader_changes_and_all_else_is_shared)
{
    partition p[2] = { part(0, 1, 1), part(1, 1, 1) };
    topic t[2] = { named("s", 1, p, 2), named("t", 2, p, 2) };
    kci_metadata_response answer = answer_of(t, 2);
    kci_metadata *old = merge_as(empty(), &answer, 12);
    kci_node node = { 9, 99, "new", { (const uint8_t *)"r", sizeof "r" - 1 } };
    kci_metadata *m = kci_merge_leader(old, 1, 1, 9, 2, &node);

    cr_assert_eq(m->generation, old->generation + 1);
    cr_assert_eq(kci_snapshot_block(m, 0), kci_snapshot_block(old, 0));
    cr_assert_eq(m->topics[1].partitions[1].leader, 9);
    cr_assert_eq(m->topics[1].partitions[0].leader, 1);
    cr_assert_eq(old->topics[1].partitions[1].leader, 1);
    cr_assert_str_eq(kci_metadata_node(m, 9)->host, "new");
    kci_metadata_unref(old);
    cr_assert_eq(m->topics[0].partitions[1].replicas[1], 2);
    kci_metadata_unref(m);
}

Test(merge, failing_allocations_change_nothing)
{
    partition p[2] = { part(0, 1, 1), part(1, 1, 1) };
    topic t[2] = { named("s", 1, p, 2), named("t", 2, p, 2) };
    kci_metadata_response answer = answer_of(t, 2);
    kci_metadata *old = merge_one(empty(), 2, 1, 0);
    bool failed = true;

    for (int n = 1; failed; n++) {
        kci_merge m = { .old = old, .answer = &answer, .version = 12, .care = care };
        kci_mem_fail_after(n, false);
        kci_metadata *next = kci_merge_answer(&m);
        kci_metadata *hint = kci_merge_leader(old, 0, 0, 2, 9, NULL);
        kci_mem_fail_after(0, false);
        failed = !next || !hint;
        kci_metadata_unref(next);
        kci_metadata_unref(hint);
        cr_assert_lt(n, 100);
    }
    cr_assert_eq(first(old)->leader, 1);
    kci_metadata_unref(old);
}

Test(merge, ids_that_contradict_each_other_are_noticed)
{
    partition p = part(0, 1, 1);
    topic t[2] = { named("a", 7, &p, 1), named("b", 7, &p, 1) };
    kci_metadata_response answer = answer_of(t, 2);
    kci_metadata *m = merge_as(empty(), &answer, 12);

    cr_assert(absurd, "two topics, one id");
    kci_metadata_unref(m);
    t[1] = named("a", 8, &p, 1);
    m = merge_as(empty(), &answer, 12);
    cr_assert(absurd, "one topic, two ids");
    t[1] = named("a", 7, &p, 1);
    m = merge_as(m, &answer, 12);
    cr_assert_not(absurd);
    kci_metadata_unref(m);
}
