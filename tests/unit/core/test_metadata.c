/* SPDX-License-Identifier: Apache-2.0 */
/* When metadata is asked for, and what happens when it cannot be had. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "fake.h"

TestSuite(metadata, .timeout = 60);

static fake f;

static const kci_topic_meta *topic_now(kci_metadata **m, const char *name)
{
    *m = kci_client_metadata(f.client);
    return kci_metadata_topic(*m, kc_str(name));
}

static kc_err topic_err(const char *name)
{
    kci_metadata *m;
    const kci_topic_meta *t = topic_now(&m, name);
    kc_err err = t ? t->err : KC_E_UNKNOWN_PARTITION;
    kci_metadata_unref(m);
    return err;
}

static int32_t leader(const char *name, int32_t partition)
{
    kci_metadata *m;
    const kci_topic_meta *t = topic_now(&m, name);
    int32_t node = t && partition < t->partition_count ? t->partitions[partition].leader : -9;
    kci_metadata_unref(m);
    return node;
}

static void want(const char *name)
{
    cr_assert_eq(kci_client_want_topic(f.client, kc_str(name)), KC_OK);
}

static void settle(int brokers, const char *const *properties)
{
    fake_init(&f, brokers, properties);
    fake_add_topic(&f, "t", 3);
    want("t");
    fake_run(&f, 1000);
    cr_assert_eq(leader("t", 0), 1);
}

static int asked(void)
{
    return fake_total(&f, KCI_API_METADATA);
}

Test(metadata, nothing_is_asked_for_unless_somebody_wants_it)
{
    fake_init(&f, 2, NULL);
    fake_run(&f, 1000000);
    cr_assert_eq(f.brokers[0].accepted + f.brokers[1].accepted, 0);
    kci_client_refresh(f.client);
    fake_run(&f, 1000);
    cr_assert_eq(asked(), 1);
    cr_assert_eq(f.last_metadata.topics.count, 0, "no topics is not all topics");
    kci_metadata *m = kci_client_metadata(f.client);
    cr_assert_eq(m->node_count, 2);
    kci_metadata_unref(m);
    fake_free(&f);
}

Test(metadata, names_that_make_no_sense)
{
    char name[300];

    fake_init(&f, 1, NULL);
    memset(name, 'n', sizeof name);
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("")), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_client_want_topic(f.client, kc_mem(NULL, 0)), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_client_want_topic(f.client, kc_mem(name, 250)), KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_client_want_topic(f.client, kc_mem(name, 249)), KC_OK);
    kci_client_drop_topic(f.client, kc_str("never wanted"));
    fake_free(&f);
}

Test(metadata, a_new_topic_is_asked_for_alone_and_at_once)
{
    settle(2, NULL);
    fake_add_topic(&f, "u", 1);
    want("u");
    fake_run(&f, 50);
    cr_assert_eq(asked(), 2);
    cr_assert_eq(f.last_metadata.topics.count, 1);
    cr_assert_eq(leader("u", 0), 1);
    cr_assert_eq(leader("t", 0), 1);
    want("u");
    fake_run(&f, 50);
    cr_assert_eq(asked(), 2);
    fake_free(&f);
}

Test(metadata, demands_are_coalesced_and_slow_down)
{
    settle(1, NULL);
    int before = asked();
    for (int i = 0; i < 20000; i++) {
        kci_client_refresh(f.client);
        fake_run(&f, 1);
    }
    int count = asked() - before;
    cr_assert_geq(count, 18, "%d", count);
    cr_assert_leq(count, 32, "%d", count);
    fake_free(&f);
}

Test(metadata, news_make_the_next_demand_quick_again)
{
    settle(2, NULL);
    for (int i = 0; i < 5000; i++) {
        kci_client_refresh(f.client);
        fake_run(&f, 1);
    }
    f.topics[0].leader[0] = 2;
    f.topics[0].epoch[0] = 2;
    kci_client_refresh(f.client);
    fake_run(&f, 1300);
    cr_assert_eq(leader("t", 0), 2);
    int before = asked();
    kci_client_refresh(f.client);
    fake_run(&f, 130);
    cr_assert_eq(asked(), before + 1);
    fake_free(&f);
}

Test(metadata, ages_only_while_topics_are_wanted)
{
    const char *const age[] = { "metadata.max.age.ms=10000", "metadata.max.idle.ms=30000", NULL };

    settle(1, age);
    int before = asked();
    fake_run(&f, 100000);
    cr_assert_eq(asked() - before, 10);
    kci_client_drop_topic(f.client, kc_str("t"));
    fake_run(&f, 60000);
    before = asked();
    fake_run(&f, 1000000);
    cr_assert_eq(asked(), before);
    kci_client_refresh(f.client);
    fake_run(&f, 1000);
    cr_assert_eq(topic_err("t"), KC_E_UNKNOWN_PARTITION, "forgotten");
    fake_free(&f);
}

/* Whoever leaves takes only his own wish with him; nobody has more than he made. */
Test(metadata, a_topic_is_wanted_as_long_as_one_user_is_left)
{
    const char *const age[] = { "metadata.max.age.ms=10000", "metadata.max.idle.ms=30000", NULL };

    for (int users = 2; users <= 4; users++) {
        settle(1, age); /* the first */
        for (int i = 1; i < users; i++)
            want("t");
        for (int left = users - 1; left > 0; left--) {
            kci_client_drop_topic(f.client, kc_str("t"));
            fake_run(&f, 100000);
            int before = asked();
            fake_run(&f, 100000);
            cr_assert_eq(asked() - before, 10, "%d of %d are left", left, users);
            cr_assert_eq(leader("t", 0), 1);
        }
        for (int i = 0; i < 3; i++) /* more often than it was wanted: no harm */
            kci_client_drop_topic(f.client, kc_str("t"));
        fake_run(&f, 60000);
        int before = asked();
        fake_run(&f, 100000);
        cr_assert_eq(asked(), before);
        want("t");
        fake_run(&f, 100000);
        cr_assert_eq(leader("t", 0), 1);
        fake_free(&f);
    }
}

/* Who comes back in time need not ask. */
Test(metadata, a_topic_that_was_left_is_remembered_for_a_while)
{
    const char *const age[] = { "metadata.max.age.ms=10000", "metadata.max.idle.ms=30000", NULL };

    settle(1, age);
    want("t");
    kci_client_drop_topic(f.client, kc_str("t"));
    int before = asked();
    fake_run(&f, 100000);
    cr_assert_eq(asked() - before, 10);
    cr_assert_eq(leader("t", 0), 1);
    kci_client_drop_topic(f.client, kc_str("t"));
    fake_run(&f, 25000); /* within metadata.max.idle.ms it is remembered */
    cr_assert_eq(leader("t", 0), 1);
    before = asked();
    want("t");
    fake_run(&f, 100);
    cr_assert_eq(asked(), before, "it is known");
    fake_run(&f, 100000);
    cr_assert_eq(leader("t", 0), 1);
    kci_client_drop_topic(f.client, kc_str("t"));
    fake_run(&f, 60000);
    before = asked();
    fake_run(&f, 1000000);
    cr_assert_eq(asked(), before);
    fake_free(&f);
}

/* What is not there and must not be created is no reason to go on asking in a hurry. */
Test(metadata, a_missing_topic_is_asked_for_with_growing_pauses)
{
    settle(1, NULL);
    want("missing");
    fake_run(&f, 10000);
    int before = asked();
    fake_run(&f, 60000);
    cr_assert_leq(asked() - before, 80, "%d", asked() - before);
    fake_free(&f);
}

/* Pauses are for demands that follow each other: after a calm time the next ones are quick again,
 * news or not. */
Test(metadata, calm_makes_the_next_demands_quick_again)
{
    settle(1, NULL);
    for (int i = 0; i < 10000; i++) {
        kci_client_refresh(f.client);
        fake_run(&f, 1);
    }
    fake_run(&f, 60000);
    int before = asked();
    for (int i = 0; i < 3; i++) {
        kci_client_refresh(f.client);
        fake_run(&f, 10);
    }
    fake_run(&f, 150); /* retry.backoff.ms is 100 */
    cr_assert_eq(asked() - before, 2);
    fake_free(&f);
}

Test(metadata, an_unknown_topic_is_asked_for_until_it_comes)
{
    settle(1, NULL);
    fake_topic *u = fake_add_topic(&f, "u", 1);
    u->err = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    want("u");
    int before = asked();
    fake_run(&f, 60000);
    int count = asked() - before;
    cr_assert_geq(count, 50);
    cr_assert_leq(count, 90, "%d requests in a minute", count);
    cr_assert_eq(topic_err("u"), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    u->err = KC_OK;
    fake_run(&f, 1300);
    cr_assert_eq(topic_err("u"), KC_OK);
    before = asked();
    fake_run(&f, 10000);
    cr_assert_leq(asked() - before, 1);
    fake_free(&f);
}

/* Whatever is set, 10 requests a second are the most. */
Test(metadata, without_pauses_there_is_no_storm)
{
    static const kc_err errors[] = { KC_OK, KC_E_UNKNOWN_TOPIC_OR_PARTITION,
                                     KC_E_LEADER_NOT_AVAILABLE, KC_E_TOPIC_AUTHORIZATION_FAILED,
                                     KC_E_INVALID_TOPIC_EXCEPTION };
    const char *const none[] = { "retry.backoff.ms=0", "retry.backoff.max.ms=0", NULL };

    for (size_t i = 0; i < KCI_COUNT_OF(errors); i++) {
        fake_init(&f, 1, none);
        if (i > 0)
            fake_add_topic(&f, "no", 1)->err = errors[i];
        want("no");
        fake_run(&f, 30000);
        cr_assert_geq(asked(), 3);
        cr_assert_leq(asked(), 320, "%s: %d requests in 30 s", kc_error_name(errors[i]), asked());
        fake_free(&f);
    }
}

Test(metadata, a_topic_that_is_refused_is_asked_for_again_rarely)
{
    settle(1, NULL);
    fake_topic *u = fake_add_topic(&f, "u", 1);
    u->err = KC_E_TOPIC_AUTHORIZATION_FAILED;
    want("u");
    fake_run(&f, 100);
    int before = asked();
    fake_run(&f, 60000);
    int count = asked() - before;
    cr_assert_geq(count, 5, "%d", count);
    cr_assert_leq(count, 7, "%d", count);
    cr_assert_eq(topic_err("u"), KC_E_TOPIC_AUTHORIZATION_FAILED);
    u->err = KC_OK;
    fake_run(&f, 11000);
    cr_assert_eq(topic_err("u"), KC_OK);
    before = asked();
    fake_run(&f, 60000);
    cr_assert_eq(asked(), before);
    fake_free(&f);
}

Test(metadata, a_leader_that_is_not_in_the_answer_is_asked_for_again)
{
    settle(2, NULL);
    f.topics[0].leader[0] = 7;
    f.topics[0].epoch[0] = 2;
    kci_client_refresh(f.client);
    fake_run(&f, 2000);
    cr_assert_eq(leader("t", 0), 7);
    f.topics[0].leader[0] = 2;
    f.topics[0].epoch[0] = 3;
    fake_run(&f, 1300);
    cr_assert_eq(leader("t", 0), 2);
    fake_free(&f);
}

/* Answers that know no topic although they were asked for one. */
static bool leave_topics_out(fake *world, const fake_request *r)
{
    kci_metadata_response body;
    kci_metadata_response_metadata_response_broker broker = { .node_id = 1,
                                                              .host = kc_str("127.0.0.1"),
                                                              .port = r->broker->port };
    (void)world;
    if (r->head.key != KCI_API_METADATA)
        return false;
    kci_msg_init(&kci_metadata_response_msg, &body);
    body.brokers.data = &broker;
    body.brokers.count = 1;
    fake_answer(r, &body);
    return true;
}

Test(metadata, a_topic_that_an_answer_leaves_out_is_asked_for_again)
{
    fake_init(&f, 1, NULL);
    fake_add_topic(&f, "t", 1);
    f.hook = leave_topics_out;
    want("t");
    fake_run(&f, 10000);
    int32_t count = asked();
    cr_assert_leq(count, 20, "%d", count);
    cr_assert_eq(topic_err("t"), KC_E_UNKNOWN_PARTITION);
    f.hook = NULL;
    fake_run(&f, 1300);
    cr_assert_eq(topic_err("t"), KC_OK);
    fake_free(&f);
}

Test(metadata, an_epoch_that_was_never_true_is_given_up)
{
    settle(2, NULL);
    f.topics[0].leader[0] = 2;
    f.topics[0].epoch[0] = 1000;
    kci_client_refresh(f.client);
    fake_run(&f, 2000);
    cr_assert_eq(leader("t", 0), 2);
    f.topics[0].leader[0] = 1;
    f.topics[0].epoch[0] = 3;
    kci_client_refresh(f.client);
    fake_run(&f, 8000);
    cr_assert_eq(leader("t", 0), 2, "a broker may lag behind");
    fake_run(&f, 4000);
    cr_assert_eq(leader("t", 0), 1);
    int before = asked();
    fake_run(&f, 10000);
    cr_assert_eq(asked(), before);
    fake_free(&f);
}

Test(metadata, consumers_and_producers_differ_in_what_may_be_created)
{
    const char *const no[] = { "allow.auto.create.topics=false", NULL };

    fake_init(&f, 1, no);
    fake_add_topic(&f, "c", 1)->err = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    want("c");
    fake_run(&f, 50);
    cr_assert_not(f.last_metadata.allow_auto_topic_creation);
    fake_topic *p = fake_add_topic(&f, "p", 1);
    p->err = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    cr_assert_eq(kci_client_want_topic_created(f.client, kc_str("p")), KC_OK);
    fake_run(&f, 20);
    cr_assert(f.last_metadata.allow_auto_topic_creation);
    cr_assert_eq(f.last_metadata.topics.count, 1, "the consumer's topic must not be created");
    f.topics[0].err = KC_OK;
    fake_run(&f, 5000);
    cr_assert_eq(topic_err("c"), KC_OK, "both are asked for in turn");
    p->err = KC_OK;
    fake_run(&f, 5000);
    cr_assert_eq(topic_err("p"), KC_OK);
    cr_assert_eq(kci_client_want_topic_created(f.client, kc_mem(NULL, 0)), KC_E_INVALID_ARGUMENT);
    fake_free(&f);
}

/* A topic of two users: the producer leaves, and with it the wish that the broker creates it. */
Test(metadata, a_topic_is_not_created_for_those_who_have_left)
{
    const char *const no[] = { "allow.auto.create.topics=false", "metadata.max.age.ms=1000",
                               "metadata.max.idle.ms=5000", NULL };

    fake_init(&f, 1, no);
    fake_topic *t = fake_add_topic(&f, "t", 1);
    t->err = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    want("t");
    cr_assert_eq(kci_client_want_topic_created(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1500);
    cr_assert(f.last_metadata.allow_auto_topic_creation);
    kci_client_drop_topic_created(f.client, kc_str("t"), 0);
    fake_run(&f, 3000);
    cr_assert_eq(f.last_metadata.topics.count, 1, "one still wants it");
    cr_assert_not(f.last_metadata.allow_auto_topic_creation);
    kci_client_drop_topic(f.client, kc_str("t"));
    fake_run(&f, 6000);
    int before = asked();
    fake_run(&f, 10000);
    cr_assert_eq(asked(), before, "nobody does");
    fake_free(&f);
}

Test(metadata, a_topic_that_was_idle_before_it_is_dropped_is_forgotten_sooner)
{
    const char *const often[] = { "metadata.max.age.ms=1000", "metadata.max.idle.ms=5000", NULL };

    fake_init(&f, 1, often);
    fake_add_topic(&f, "t", 1);
    fake_add_topic(&f, "other", 1);
    want("other");
    cr_assert_eq(kci_client_want_topic_created(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1500);
    cr_assert_eq(f.last_metadata.topics.count, 2);
    kci_client_drop_topic_created(f.client, kc_str("t"), 4000000);
    fake_run(&f, 900);
    cr_assert_eq(f.last_metadata.topics.count, 2);
    fake_run(&f, 3000);
    cr_assert_eq(f.last_metadata.topics.count, 1);
    fake_free(&f);
}

/* -- hints --------------------------------------------------------------------------------------
 */

static int told;

static void on_metadata(kci_user *user, const kci_metadata *now)
{
    (void)user, (void)now;
    told++;
}

Test(metadata, leaders_named_in_answers_are_taken_over)
{
    kci_user user = { .kind = "producer", .on_metadata = on_metadata };

    settle(3, NULL);
    kci_user_add(f.client, &user);
    kc_bytes t = kc_str("t"), no_rack = { 0 };
    kci_client_leader_hint(f.client, t, 0, 3, 2, NULL, 0, no_rack);
    kci_client_leader_hint(f.client, t, 1, 3, 2, NULL, 0, no_rack);
    kci_client_leader_hint(f.client, t, 2, 9, 2, "10.0.0.1", 9009, kc_str("r"));
    kci_client_leader_hint(f.client, t, 0, 2, 1, NULL, 0, no_rack); /* older */
    kci_client_leader_hint(f.client, t, 7, 2, 9, NULL, 0, no_rack); /* no such partition */
    kci_client_leader_hint(f.client, t, -1, 2, 9, NULL, 0, no_rack);
    kci_client_leader_hint(f.client, t, 1, 8, 9, NULL, 0, no_rack); /* no address */
    kci_client_leader_hint(f.client, t, 1, 8, 9, "h", 70000, no_rack);
    kci_client_leader_hint(f.client, t, 1, -1, 9, NULL, 0, no_rack);
    kci_client_leader_hint(f.client, kc_str("u"), 0, 2, 9, NULL, 0, no_rack);
    fake_run(&f, 10);
    cr_assert_eq(told, 1, "one snapshot for all");
    cr_assert_eq(leader("t", 0), 3);
    cr_assert_eq(leader("t", 1), 3);
    cr_assert_eq(leader("t", 2), 9);
    cr_assert_eq(kci_node_poll(f.client, 9, KCI_CLASS_FETCH, 0, false), KCI_NODE_DOWN);
    kci_client_refresh(f.client); /* brokers that lag behind */
    fake_run(&f, 1000);
    cr_assert_eq(leader("t", 0), 3);
    kci_user_remove(f.client, &user);
    fake_free(&f);
}

/* -- failure ------------------------------------------------------------------------------------
 */

Test(metadata, the_last_problem_is_told_and_forgotten)
{
    kc_error problem = { 0 };

    fake_init(&f, 2, NULL);
    cr_assert_eq(kci_client_last_problem(f.client, &problem), KC_OK);
    fake_broker_stop(&f.brokers[0]);
    fake_broker_stop(&f.brokers[1]);
    want("t");
    fake_run(&f, 5000);
    cr_assert_eq(kci_client_last_problem(f.client, &problem), KC_E_CONNECT, "%s", problem.text);
    cr_assert(strstr(problem.text, "no broker of bootstrap.servers="), "%s", problem.text);
    cr_assert_eq(kci_client_last_problem(f.client, NULL), KC_E_CONNECT);
    fake_add_topic(&f, "t", 1);
    fake_broker_start(&f.brokers[1]);
    fake_run(&f, 2000);
    cr_assert_eq(kci_client_last_problem(f.client, &problem), KC_OK);
    fake_free(&f);
}

Test(metadata, a_broker_that_fails_to_answer_is_not_asked_in_a_hurry)
{
    settle(1, NULL);
    f.metadata_err = KC_E_UNKNOWN_SERVER_ERROR;
    kci_client_refresh(f.client);
    int before = asked();
    fake_run(&f, 60000);
    cr_assert_leq(asked() - before, 90, "%d", asked() - before);
    f.metadata_err = 0;
    f.topics[0].leader[0] = 5;
    f.topics[0].epoch[0] = 9;
    fake_run(&f, 1500);
    cr_assert_eq(leader("t", 0), 5);
    fake_free(&f);
}

static bool no_brokers(struct fake *of, const fake_request *r)
{
    kci_metadata_response body;

    (void)of;
    if (r->head.key != KCI_API_METADATA)
        return false;
    kci_msg_init(&kci_metadata_response_msg, &body);
    fake_answer(r, &body);
    return true;
}

Test(metadata, an_answer_without_brokers_is_not_believed)
{
    settle(2, NULL);
    f.hook = no_brokers;
    kci_client_refresh(f.client);
    fake_run(&f, 5000);
    cr_assert_eq(leader("t", 0), 1);
    kci_metadata *m = kci_client_metadata(f.client);
    cr_assert_eq(m->node_count, 2);
    kci_metadata_unref(m);
    f.hook = NULL;
    fake_free(&f);
}

/* All brokers move to other ports, the bootstrap servers stay. */
static void move_brokers(void)
{
    for (int i = 2; i < f.broker_count; i++)
        fake_broker_stop(&f.brokers[i]);
}

static bool only_others(struct fake *of, const fake_request *r)
{
    static kci_metadata_response_metadata_response_broker brokers[2];
    kci_metadata_response body;

    if (r->head.key != KCI_API_METADATA)
        return false;
    kci_msg_init(&kci_metadata_response_msg, &body);
    for (int i = 0; i < 2; i++) {
        kci_msg_init(&kci_metadata_response_msg, &body);
        brokers[i] = (kci_metadata_response_metadata_response_broker){
            3 + i, kc_str("10.0.0.1"), of->brokers[2 + i].port, { 0 }
        };
    }
    body.controller_id = 3;
    body.brokers.data = brokers;
    body.brokers.count = 2;
    fake_answer(r, &body);
    return true;
}

Test(metadata, begins_again_with_the_bootstrap_servers_when_no_broker_is_left)
{
    fake_init(&f, 4, NULL);
    f.hook = only_others; /* brokers 3 and 4 are the cluster, 1 and 2 a door to it */
    want("t");
    fake_run(&f, 1000);
    cr_assert_eq(kci_node_poll(f.client, 3, KCI_CLASS_CONTROL, 0, false) != KCI_NODE_UNKNOWN, true);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_CONTROL, 0, false), KCI_NODE_UNKNOWN);
    f.hook = NULL;
    fake_add_topic(&f, "t", 2);
    move_brokers();
    fake_run(&f, 100);
    kci_client_refresh(f.client);
    fake_run(&f, 3000);
    cr_assert_eq(leader("t", 0), 1);
    fake_free(&f);
}

/* Hosts that vanish without a word leave connections behind that look alive (seed 6133823). */
Test(metadata, begins_again_also_when_other_connections_seem_to_be_up)
{
    const char *const quick[] = { "request.timeout.ms=2000",
                                  "socket.connection.setup.timeout.ms=1000", NULL };

    fake_init(&f, 4, quick);
    f.hook = only_others;
    want("t");
    fake_run(&f, 1000);
    for (int32_t node = 3; node <= 4; node++)
        kci_node_poll(f.client, node, KCI_CLASS_PRODUCE, 0, true);
    fake_run(&f, 1000);
    cr_assert_eq(kci_node_poll(f.client, 3, KCI_CLASS_PRODUCE, 0, false), KCI_NODE_UP);
    cr_assert_eq(kci_node_poll(f.client, 4, KCI_CLASS_PRODUCE, 0, false), KCI_NODE_UP);
    f.hook = NULL;
    fake_add_topic(&f, "t", 2);
    f.brokers[2].mute = f.brokers[3].mute = true;
    kci_client_refresh(f.client);
    fake_run(&f, 20000);
    cr_assert_eq(leader("t", 0), 1);
    fake_free(&f);
}

Test(metadata, unless_it_is_told_not_to)
{
    const char *const none[] = { "metadata.recovery.strategy=none", NULL };
    probe p;

    fake_init(&f, 4, none);
    f.hook = only_others;
    want("t");
    fake_run(&f, 1000);
    f.hook = NULL;
    fake_add_topic(&f, "t", 2);
    move_brokers();
    fake_run(&f, 100);
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 20000000;
    probe_start(&p);
    fake_run(&f, 30000);
    cr_assert_eq(p.err, KC_E_TIMED_OUT);
    cr_assert_neq(leader("t", 0), 1);
    fake_free(&f);
}

Test(metadata, a_broker_may_ask_for_a_new_beginning)
{
    settle(4, NULL);
    int before = f.brokers[0].accepted + f.brokers[1].accepted;
    f.metadata_err = KC_E_REBOOTSTRAP_REQUIRED;
    kci_client_refresh(f.client);
    fake_run(&f, 1000);
    f.metadata_err = 0;
    fake_run(&f, 2000);
    cr_assert_gt(f.brokers[0].accepted + f.brokers[1].accepted, before);
    cr_assert_eq(kci_client_last_problem(f.client, NULL), KC_OK);
    fake_free(&f);
}

static bool useless(struct fake *of, const fake_request *r)
{
    kci_metadata_response body;

    (void)of;
    if (r->head.key != KCI_API_METADATA || r->broker->id <= 2)
        return false;
    kci_msg_init(&kci_metadata_response_msg, &body);
    body.error_code = KC_E_UNKNOWN_SERVER_ERROR;
    fake_answer(r, &body);
    return true;
}

Test(metadata, and_a_long_time_without_metadata_means_the_same)
{
    const char *const quick[] = { "metadata.recovery.rebootstrap.trigger.ms=20000", NULL };

    fake_init(&f, 4, quick);
    f.hook = only_others;
    want("t");
    fake_run(&f, 1000);
    fake_add_topic(&f, "t", 2);
    f.hook = useless; /* the brokers are there, but none knows anything */
    kci_client_refresh(f.client);
    fake_run(&f, 15000);
    cr_assert_neq(leader("t", 0), 1);
    fake_run(&f, 20000);
    cr_assert_eq(leader("t", 0), 1);
    f.hook = NULL;
    fake_free(&f);
}

/* One failure after a long good time is not a long time without metadata. */
Test(metadata, but_not_one_failure_after_a_long_time_with_them)
{
    const char *const quick[] = { "metadata.recovery.rebootstrap.trigger.ms=20000",
                                  "metadata.max.age.ms=10000", NULL };

    settle(4, quick);
    fake_run(&f, 100000);
    f.metadata_err = KC_E_UNKNOWN_SERVER_ERROR;
    kci_client_refresh(f.client);
    int before = asked();
    while (asked() == before)
        fake_run(&f, 1);
    fake_run(&f, 5);
    for (int32_t i = 0; i < f.client->brokers.count; i++) {
        const kci_broker *b = f.client->brokers.list[i];
        cr_assert_eq(b->known, !kci_broker_is_bootstrap(b));
    }
    f.metadata_err = 0;
    fake_free(&f);
}

/* One that must not be created is no reason to ask more often. */
Test(metadata, a_refused_topic_that_must_not_be_created)
{
    const char *const properties[] = { "allow.auto.create.topics=false", NULL };

    settle(1, properties);
    fake_add_topic(&f, "u", 1)->err = KC_E_TOPIC_AUTHORIZATION_FAILED;
    want("u");
    fake_run(&f, 100);
    int before = asked();
    fake_run(&f, 60000);
    cr_assert_leq(asked() - before, 7, "%d", asked() - before);
    fake_free(&f);
}

/* -- what an operator reads ---------------------------------------------------------------------
 */

static char news[4000];

static void keep_line(void *arg, int level, const char *area, const char *text)
{
    (void)arg;
    size_t used = strlen(news);
    if (strcmp(area, "metadata") == 0)
        snprintf(news + used, sizeof news - used, "%s %s\n", kc_log_level_name(level), text);
}

Test(metadata, news_are_logged_once)
{
    settle(2, NULL);
    kc_client_set_log(f.client, keep_line, NULL, KC_LOG_DEBUG);
    f.topics[0].leader[1] = 1;
    f.topics[0].epoch[1] = 7;
    kci_client_refresh(f.client);
    fake_run(&f, 1000);
    f.controller = 2;
    fake_topic *u = fake_add_topic(&f, "u", 1);
    u->err = KC_E_TOPIC_AUTHORIZATION_FAILED;
    want("u");
    fake_run(&f, 20000);
    u->err = KC_OK;
    kci_client_refresh(f.client);
    fake_run(&f, 20000);
    cr_assert_str_eq(
        news,
        "debug t [1]: leader 1 epoch 7, was 2 epoch 1\n"
        "info the controller is broker 2, was 1\n"
        "warn topic u: TOPIC_AUTHORIZATION_FAILED: no permission for the topic: ask for an ACL\n"
        "info topic u has no error any more\n");
    fake_free(&f);
}
