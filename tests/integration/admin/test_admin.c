/* SPDX-License-Identifier: Apache-2.0 */
/* Administration against the embedded cluster: what it does, what it repeats, and that every call
 * ends. */
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include <criterion/criterion.h>

#include "admin/topic_results.h"
#include "base/mem.h"
#include <kclient/kclient.h>
#include <kclient/mock.h>

#include "virtual/virtual.h"

static kc_mock *mock;
static kc_client *client;
static kc_admin *admin;
static kc_error error;

static virtual_world *world; /* NULL: threads, sockets and the machine's clock */

static kc_client *new_client(const char *servers, const char *threads)
{
    kc_client *made;
    kc_config *config = kc_config_new();
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", servers, NULL), KC_OK);
    cr_assert_eq(kc_config_set(config, "request.timeout.ms", world ? "1000" : "30000", NULL),
                 KC_OK);
    cr_assert_eq(kc_config_set(config, "client.threads", threads, NULL), KC_OK);
    cr_assert_eq(kc_config_set(config, "log.level", "none", NULL), KC_OK);
    kc_err err = world ? virtual_client_new(world, config, &made, &error)
                       : kc_client_new(config, &made, &error);
    cr_assert_eq(err, KC_OK, "%s", error.text);
    kc_config_free(config);
    return made;
}

static const kc_mock_options options = { .size = sizeof options, .racks = "a,b,c" };

static void begin_with(const char *threads)
{
    if (!world)
        cr_assert_eq(kc_mock_new(&options, &mock, &error), KC_OK, "%s", error.text);
    client = new_client(kc_mock_bootstrap(mock), threads);
    cr_assert_eq(kc_admin_new(client, &admin, &error), KC_OK, "%s", error.text);
}

static void begin(void)
{
    begin_with("1");
}

static void end(void)
{
    kc_admin_free(admin);
    kc_client_free(client);
    kc_mock_free(mock);
}

TestSuite(admin, .init = begin, .fini = end, .timeout = 60);

/* What is about time runs on a virtual clock. */
static void begin_timed(void)
{
    world = virtual_open(&options, &mock);
    begin();
}

static void end_timed(void)
{
    kc_admin_free(admin);
    virtual_client_free(world, client);
    virtual_close(world);
}

TestSuite(admin_timed, .init = begin_timed, .fini = end_timed, .timeout = 60);

static kc_new_topic topic_of(const char *name, int32_t partitions)
{
    kc_new_topic topic = KC_NEW_TOPIC_INIT;
    topic.name = kc_str(name);
    topic.partitions = partitions;
    return topic;
}

/* Creates one topic; `results` may be NULL. */
static kc_err create(const char *name, int32_t timeout_ms, kc_topic_results **results)
{
    kc_new_topic topic = topic_of(name, 3);
    kc_topic_results *own;
    kc_err err = kc_admin_create_topics(admin, &topic, 1, 0, timeout_ms, &own, &error);
    if (results)
        *results = own;
    else
        kc_topic_results_free(own);
    return err;
}

static kc_topic_result result_at(const kc_topic_results *results, size_t index)
{
    kc_topic_result r = KC_TOPIC_RESULT_INIT;
    cr_assert(kc_topic_results_at(results, index, &r));
    return r;
}

static bool bytes_are(kc_bytes b, const char *text)
{
    return b.size == strlen(text) && memcmp(b.data, text, b.size) == 0;
}

static void add_fault(int32_t api, int32_t action, int32_t code, int64_t count)
{
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.api = api;
    fault.action = action;
    fault.code = code;
    fault.count = count;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
}

Test(admin, creates_topics)
{
    kc_name_value configs[] = { { kc_str("retention.ms"), kc_str("1000") } };
    kc_new_topic topics[2] = { topic_of("one", 3), topic_of("two", -1) };
    topics[0].replication_factor = 2;
    topics[0].configs = configs;
    topics[0].config_count = 1;
    kc_topic_results *results;
    kc_err err = kc_admin_create_topics(admin, topics, 2, 0, 30000, &results, &error);
    cr_assert_eq(err, KC_OK, "%s", error.text);
    cr_assert_eq(kc_topic_results_count(results), 2);
    kc_topic_result one = result_at(results, 0);
    cr_expect(bytes_are(one.name, "one"));
    cr_expect_eq(one.err, KC_OK);
    cr_expect_eq(one.partitions, 3);
    cr_expect_eq(one.replication_factor, 2);
    cr_expect_str_eq(one.text, "");
    kc_uuid id;
    cr_assert_eq(kc_mock_topic_id(mock, "one", &id), KC_OK);
    cr_expect_arr_eq(one.id.bytes, id.bytes, sizeof id.bytes);
    kc_topic_result past = KC_TOPIC_RESULT_INIT;
    cr_expect_not(kc_topic_results_at(results, 2, &past));
    kc_topic_results_free(results);
    kc_topic_results_free(NULL);
}

Test(admin, some_fail)
{
    cr_assert_eq(create("there", 30000, NULL), KC_OK);
    kc_new_topic topics[2] = { topic_of("new", 1), topic_of("there", 1) };
    kc_topic_results *results;
    kc_err err = kc_admin_create_topics(admin, topics, 2, 0, 30000, &results, &error);
    cr_expect_eq(err, KC_E_TOPIC_ALREADY_EXISTS);
    cr_expect(strstr(error.text, "topic there"), "%s", error.text);
    cr_expect_eq(result_at(results, 0).err, KC_OK);
    cr_expect_eq(result_at(results, 1).err, KC_E_TOPIC_ALREADY_EXISTS);
    cr_expect_gt(strlen(result_at(results, 1).text), 5);
    kc_topic_results_free(results);
}

Test(admin, validate_only_changes_nothing)
{
    kc_new_topic topic = topic_of("maybe", 3);
    kc_topic_results *results;
    kc_err err =
        kc_admin_create_topics(admin, &topic, 1, KC_ADMIN_VALIDATE_ONLY, 30000, &results, &error);
    cr_expect_eq(err, KC_OK, "%s", error.text);
    kc_topic_results_free(results);
    kc_uuid id;
    cr_expect_eq(kc_mock_topic_id(mock, "maybe", &id), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
}

Test(admin, assignments)
{
    int32_t first[] = { 3, 1 }, second[] = { 2, 3 };
    kc_replicas replicas[] = { { first, 2 }, { second, 2 } };
    kc_new_topic topic = topic_of("placed", -1);
    topic.assignments = replicas;
    topic.assignment_count = 2;
    kc_topic_results *results;
    cr_assert_eq(kc_admin_create_topics(admin, &topic, 1, 0, 30000, &results, &error), KC_OK, "%s",
                 error.text);
    kc_topic_results_free(results);
    topic.partitions = 9; /* the assignments count */
    topic.name = kc_str("placed-as-well");
    cr_assert_eq(kc_admin_create_topics(admin, &topic, 1, 0, 30000, &results, &error), KC_OK, "%s",
                 error.text);
    kc_topic_results_free(results);
    int32_t leader;
    cr_assert_eq(kc_mock_leader(mock, "placed", 0, &leader, NULL), KC_OK);
    cr_expect_eq(leader, 3);
    cr_assert_eq(kc_mock_leader(mock, "placed", 1, &leader, NULL), KC_OK);
    cr_expect_eq(leader, 2);
}

Test(admin, create_partitions)
{
    cr_assert_eq(create("grows", 30000, NULL), KC_OK);
    kc_new_partitions more[2] = {
        { .size = sizeof *more, .total_count = 5, .name = kc_str("grows") },
        { .size = sizeof *more, .total_count = 5, .name = kc_str("not") }
    };
    kc_topic_results *results;
    kc_err err = kc_admin_create_partitions(admin, more, 2, 0, 30000, &results, &error);
    cr_expect_eq(err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_expect_eq(result_at(results, 0).err, KC_OK);
    cr_expect_eq(result_at(results, 0).partitions, 5);
    kc_topic_results_free(results);
    more[0].total_count = 4;
    err = kc_admin_create_partitions(admin, more, 1, 0, 30000, &results, &error);
    cr_expect_eq(err, KC_E_INVALID_PARTITIONS, "%s", error.text);
    kc_topic_results_free(results);
}

Test(admin, deletes_topics)
{
    kc_bytes names[] = { kc_str("gone"), kc_str("never-was") };
    kc_topic_results *results;
    cr_assert_eq(create("gone", 30000, NULL), KC_OK);
    kc_err err = kc_admin_delete_topics(admin, names, 2, 30000, &results, &error);
    cr_expect_eq(err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_expect_eq(result_at(results, 0).err, KC_OK);
    cr_expect_eq(result_at(results, 1).err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    kc_topic_results_free(results);
}

Test(admin, describes_topics_in_the_order_asked_for)
{
    kc_bytes names[] = { kc_str("zebra"), kc_str("nothing"), kc_str("ape") };
    kc_cluster *cluster;
    cr_assert_eq(create("ape", 30000, NULL), KC_OK);
    cr_assert_eq(create("zebra", 30000, NULL), KC_OK);
    kc_err err = kc_admin_describe_topics(admin, names, 3, 30000, &cluster, &error);
    cr_expect_eq(err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(kc_cluster_topic_count(cluster), 3);
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    for (size_t i = 0; i < 3; i++) {
        cr_assert(kc_cluster_topic_at(cluster, i, &topic));
        cr_expect_eq(topic.name.size, names[i].size);
        cr_expect_eq(topic.err, i == 1 ? KC_E_UNKNOWN_TOPIC_OR_PARTITION : KC_OK);
        cr_expect_eq(topic.partition_count, i == 1 ? 0 : 3);
    }
    kc_partition_description p = KC_PARTITION_DESCRIPTION_INIT;
    kc_node node = KC_NODE_INIT;
    for (size_t i = 0; i < 3; i++) {
        cr_assert(kc_cluster_partition_at(cluster, 0, i, &p));
        cr_expect_eq(p.partition, (int32_t)i);
        cr_expect_eq(p.replicas.count, 3);
        cr_expect_eq(p.replicas.nodes[0], p.leader);
        cr_assert(kc_cluster_node_by_id(cluster, p.leader, &node));
        cr_expect_eq(node.rack.data[0], 'a' + p.leader - 1);
    }
    cr_expect_not(kc_cluster_partition_at(cluster, 0, 3, &p));
    cr_expect_not(kc_cluster_partition_at(cluster, 1, 0, &p));
    cr_expect_not(kc_cluster_partition_at(cluster, 9, 0, &p));
    cr_expect_not(kc_cluster_node_by_id(cluster, 99, &node));
    kc_cluster_free(cluster);
    kc_cluster_free(NULL);
}

Test(admin, lists_topics_and_brokers)
{
    kc_cluster *cluster;
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    kc_node node = KC_NODE_INIT;
    cr_assert_eq(create("b", 30000, NULL), KC_OK);
    cr_assert_eq(create("a", 30000, NULL), KC_OK);
    cr_assert_eq(kc_admin_list_topics(admin, 0, 30000, &cluster, &error), KC_OK, "%s", error.text);
    cr_assert_eq(kc_cluster_topic_count(cluster), 2);
    cr_assert(kc_cluster_topic_at(cluster, 0, &topic));
    cr_expect(bytes_are(topic.name, "a"));
    kc_cluster_free(cluster);
    cr_assert_eq(kc_admin_describe_cluster(admin, 30000, &cluster, &error), KC_OK, "%s",
                 error.text);
    cr_expect_eq(kc_cluster_topic_count(cluster), 0);
    cr_assert_eq(kc_cluster_node_count(cluster), 3);
    for (size_t i = 0; i < 3; i++) {
        cr_assert(kc_cluster_node_at(cluster, i, &node));
        cr_expect_eq(node.id, (int32_t)i + 1);
    }
    cr_expect_gt(kc_cluster_id(cluster).size, 0);
    cr_expect_gt(kc_cluster_controller(cluster), 0);
    kc_cluster_free(cluster);
}

Test(admin, older_programs_have_smaller_structs)
{
    struct {
        kc_topic_description topic;
    } guard;
    kc_cluster *cluster;
    cr_assert_eq(create("a", 30000, NULL), KC_OK);
    cr_assert_eq(kc_admin_list_topics(admin, 0, 30000, &cluster, &error), KC_OK);
    memset(&guard, 0x5a, sizeof guard);
    guard.topic.size = offsetof(kc_topic_description, id);
    cr_assert(kc_cluster_topic_at(cluster, 0, &guard.topic));
    cr_expect(bytes_are(guard.topic.name, "a"));
    cr_expect_eq(guard.topic.size, offsetof(kc_topic_description, id));
    cr_expect_eq(guard.topic.id.bytes[0], 0x5a);
    guard.topic.size = 0;
    cr_expect_not(kc_cluster_topic_at(cluster, 0, &guard.topic));
    kc_cluster_free(cluster);
}

Test(admin, describes_configs)
{
    kc_config_resource resources[] = { { KC_RESOURCE_TOPIC, kc_str("nothing") },
                                       { KC_RESOURCE_TOPIC, kc_str("set") } };
    kc_configs *configs;
    const char *text;
    kc_config_entry entry = KC_CONFIG_ENTRY_INIT;
    cr_assert_eq(create("set", 30000, NULL), KC_OK);
    cr_assert_eq(kc_mock_set_topic_config(mock, "set", "retention.ms", "77"), KC_OK);
    kc_err err = kc_admin_describe_configs(admin, resources, 2, 30000, &configs, &error);
    cr_expect_eq(err, KC_E_UNKNOWN_TOPIC_OR_PARTITION, "%d %s", err, error.text);
    cr_assert_eq(kc_configs_count(configs), 2);
    cr_expect_eq(kc_configs_err(configs, 0, &text), KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_expect_gt(strlen(text), 5);
    cr_expect_eq(kc_configs_err(configs, 1, &text), KC_OK);
    cr_expect_str_eq(text, "");
    cr_expect_eq(kc_configs_err(configs, 2, NULL), KC_E_INVALID_ARGUMENT);
    bool found = false;
    cr_expect_eq(kc_configs_entry_count(configs, 0), 0, "there is no such topic");
    cr_expect_eq(kc_configs_entry_count(configs, 2), 0, "nor was a third one asked for");
    size_t entries = kc_configs_entry_count(configs, 1);
    cr_expect_gt(entries, 1);
    cr_expect(kc_configs_entry_at(configs, 1, entries - 1, &entry));
    cr_expect_not(kc_configs_entry_at(configs, 1, entries, &entry));
    for (size_t i = 0; kc_configs_entry_at(configs, 1, i, &entry); i++)
        if (bytes_are(entry.name, "retention.ms")) {
            found = true;
            cr_expect(bytes_are(entry.value, "77"));
            cr_expect_eq(entry.source, KC_CONFIG_SOURCE_TOPIC);
        }
    cr_expect(found);
    cr_expect_not(kc_configs_entry_at(configs, 0, 0, &entry));
    kc_configs_free(configs);
    kc_configs_free(NULL);
}

Test(admin, bad_arguments)
{
    kc_topic_results *results;
    kc_cluster *cluster;
    kc_configs *configs;
    kc_new_topic nameless = KC_NEW_TOPIC_INIT, sizeless = { .name = kc_str("x") };
    kc_bytes empty = kc_str("");
    kc_config_resource broker = { KC_RESOURCE_BROKER, kc_str("one") };
    cr_expect_eq(kc_admin_create_topics(admin, &nameless, 1, 0, 1000, &results, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_create_topics(admin, &sizeless, 1, 0, 1000, &results, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_create_topics(admin, NULL, 1, 0, 1000, &results, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_create_topics(NULL, &nameless, 1, 0, 1000, &results, NULL),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_delete_topics(admin, &empty, 1, 1000, &results, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_describe_topics(admin, NULL, 0, 1000, &cluster, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_describe_configs(admin, &broker, 1, 1000, &configs, &error),
                 KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_admin_new(NULL, &admin, &error), KC_E_INVALID_ARGUMENT);
    kc_admin_free(NULL);
}

/* ---- what goes wrong ---------------------------------------------------------------------- */

Test(admin, repeats_when_it_was_not_the_controller)
{
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_ERROR, KC_E_NOT_CONTROLLER, 2);
    cr_expect_eq(create("late", 30000, NULL), KC_OK, "%s", error.text);
    cr_expect_eq(kc_mock_requests(mock, -1, KC_MOCK_API_CREATE_TOPICS), 3);
}

Test(admin, repeats_after_a_disconnect)
{
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_DISCONNECT, 0, 1);
    cr_expect_eq(create("again", 30000, NULL), KC_OK, "%s", error.text);
}

Test(admin, says_when_an_earlier_attempt_may_have_done_it)
{
    kc_topic_results *results;
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_LOSE_ANSWER, 0, 1);
    cr_expect_eq(create("twice", 30000, &results), KC_E_TOPIC_ALREADY_EXISTS);
    cr_assert(results);
    cr_expect(strstr(result_at(results, 0).text, "an earlier attempt"), "%s",
              result_at(results, 0).text);
    kc_topic_results_free(results);
}

Test(admin, other_errors_are_not_repeated)
{
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_ERROR, KC_E_POLICY_VIOLATION, -1);
    cr_expect_eq(create("forbidden", 30000, NULL), KC_E_POLICY_VIOLATION);
    cr_expect_eq(kc_mock_requests(mock, -1, KC_MOCK_API_CREATE_TOPICS), 1);
}

static void expect_in_time(int64_t begun, int64_t least, int64_t most)
{
    int64_t took = virtual_now_ms(world) - begun;
    cr_expect(took >= least && took <= most, "it took %lld ms", (long long)took);
}

Test(admin_timed, never_the_controller)
{
    int64_t begun = virtual_now_ms(world);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_ERROR, KC_E_NOT_CONTROLLER, -1);
    cr_expect_eq(create("never", 1500, NULL), KC_E_TIMED_OUT);
    expect_in_time(begun, 1000, 1500); /* no further try has time */
    cr_expect(strstr(error.text, "controller"), "%s", error.text);
    int64_t requests = kc_mock_requests(mock, -1, KC_MOCK_API_CREATE_TOPICS);
    cr_expect(requests > 2 && requests < 15, "%lld requests", (long long)requests);
}

Test(admin_timed, no_answer)
{
    int64_t begun = virtual_now_ms(world);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_HANG, 0, -1);
    kc_topic_results *results;
    cr_expect_eq(create("silent", 700, &results), KC_E_TIMED_OUT);
    cr_expect_null(results);
    cr_expect(strstr(error.text, "may have been done"), "%s", error.text);
    expect_in_time(begun, 700, 700);
}

/* When CreateTopics requests came. */
static int64_t asked_at[100];
static int asked;

static void on_request(void *user, const kc_mock_request *request)
{
    (void)user;
    if (request->api == KC_MOCK_API_CREATE_TOPICS && asked < 100)
        asked_at[asked++] = virtual_now_ms(world);
}

/* A pause that a broker asks for is kept, once, and not by other errors' attempts. */
Test(admin_timed, keeps_the_pause_that_it_is_asked_for)
{
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.api = KC_MOCK_API_CREATE_TOPICS;
    fault.action = KC_MOCK_FAULT_THROTTLE;
    fault.ms = 700; /* the connection is muted for as long */
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_ERROR, KC_E_THROTTLING_QUOTA_EXCEEDED, 1);
    fault.action = KC_MOCK_FAULT_ERROR;
    fault.code = KC_E_NOT_CONTROLLER;
    fault.skip = 1;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
    asked = 0;
    kc_mock_set_request_log(mock, on_request, NULL);
    cr_expect_eq(create("quota", 30000, NULL), KC_OK, "%s", error.text);
    cr_assert_eq(asked, 3);
    int64_t first = asked_at[1] - asked_at[0], second = asked_at[2] - asked_at[1];
    cr_expect(first >= 700 && first <= 750, "%lld ms", (long long)first);
    cr_expect_leq(second, 400, "%lld ms", (long long)second);
}

static void bring_up(void *arg)
{
    for (int b = 1; b <= 3; b++)
        kc_mock_broker_up(arg, b);
}

static void take_down(void *arg)
{
    for (int b = 1; b <= 3; b++)
        kc_mock_broker_down(arg, b, 0);
}

/* Attempts in between did not even leave: the first one may have done it all the same. */
Test(admin_timed, remembers_an_attempt_whose_answer_was_lost)
{
    kc_topic_results *results;
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_LOSE_ANSWER, 0, 1);
    virtual_after_ms(world, 30, take_down, mock);
    virtual_after_ms(world, 3000, bring_up, mock);
    cr_expect_eq(create("lost", 30000, &results), KC_E_TOPIC_ALREADY_EXISTS, "%s", error.text);
    cr_assert_not_null(results);
    cr_expect(strstr(result_at(results, 0).text, "an earlier attempt"), "%s",
              result_at(results, 0).text);
    kc_topic_results_free(results);
}

/* Another error than that it is done already says nothing of the earlier attempt. */
Test(admin, an_earlier_attempt_is_no_part_of_other_errors)
{
    kc_topic_results *results;
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_LOSE_ANSWER, 0, 1);
    fault.api = KC_MOCK_API_CREATE_TOPICS;
    fault.action = KC_MOCK_FAULT_ERROR;
    fault.code = KC_E_POLICY_VIOLATION;
    fault.skip = 1;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
    cr_expect_eq(create("other", 30000, &results), KC_E_POLICY_VIOLATION);
    cr_assert_not_null(results);
    cr_expect_null(strstr(result_at(results, 0).text, "attempt"), "%s", result_at(results, 0).text);
    kc_topic_results_free(results);
}

/* Who is not the controller makes the client look who is. */
Test(admin_timed, asks_who_is_the_controller)
{
    cr_expect_eq(create("before", 30000, NULL), KC_OK, "%s", error.text);
    virtual_sleep_ms(world, 5000);
    int64_t before = kc_mock_requests(mock, -1, KC_MOCK_API_METADATA);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_ERROR, KC_E_NOT_CONTROLLER, 1);
    cr_expect_eq(create("after", 30000, NULL), KC_OK, "%s", error.text);
    cr_expect_gt(kc_mock_requests(mock, -1, KC_MOCK_API_METADATA), before);
}

/* Two topics, one of which has to be asked for twice: only that one is. */
static void fault_on(const char *topic, int32_t api)
{
    kc_mock_fault fault;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.api = api;
    fault.action = KC_MOCK_FAULT_ERROR;
    fault.code = KC_E_NOT_CONTROLLER;
    fault.topic = topic;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
}

static void make_anew(void *arg)
{
    kc_mock_create_topic(arg, "one", 5, 0);
}

Test(admin_timed, repeats_only_what_is_open)
{
    kc_new_topic topics[2] = { topic_of("one", 1), topic_of("two", 2) };
    kc_bytes names[2] = { kc_str("one"), kc_str("two") };
    kc_topic_results *results;
    fault_on("two", KC_MOCK_API_CREATE_TOPICS);
    cr_expect_eq(kc_admin_create_topics(admin, topics, 2, 0, 30000, &results, &error), KC_OK, "%s",
                 error.text);
    cr_expect_eq(result_at(results, 0).partitions, 1);
    cr_expect_eq(result_at(results, 1).partitions, 2);
    kc_topic_results_free(results);

    fault_on("two", KC_MOCK_API_DELETE_TOPICS);
    virtual_after_ms(world, 20, make_anew, mock); /* between the two attempts */
    cr_expect_eq(kc_admin_delete_topics(admin, names, 2, 30000, &results, &error), KC_OK, "%s",
                 error.text);
    kc_topic_results_free(results);
    cr_expect_eq(kc_mock_log_end_offset(mock, "one", 4), 0, "it is another topic");
    cr_expect_eq(kc_mock_log_end_offset(mock, "two", 0), KC_E_UNKNOWN_PARTITION);
}

/* Brokers that would create what is asked about are not asked. */
Test(admin, does_not_create_by_asking)
{
    kc_bytes name = kc_str("unborn");
    kc_cluster *cluster;
    kc_uuid id;
    cr_assert_eq(kc_mock_set_max_version(mock, -1, KC_MOCK_API_METADATA, 3), KC_OK);
    cr_expect_eq(kc_admin_describe_topics(admin, &name, 1, 5000, &cluster, &error),
                 KC_E_UNSUPPORTED_VERSION, "%s", error.text);
    kc_cluster_free(cluster);
    cr_expect_neq(kc_mock_topic_id(mock, "unborn", &id), KC_OK);
}

/* Names that begin alike. */
Test(admin, names_are_compared_whole)
{
    static const char *const there[] = { "a", "aaa", "aab" };
    kc_bytes names[5] = { kc_str("aab"), kc_str("aa"), kc_str("a"), kc_str("aabb"), kc_str("aaa") };
    kc_cluster *cluster;
    for (int i = 0; i < 3; i++)
        cr_assert_eq(create(there[i], 30000, NULL), KC_OK);
    cr_expect_eq(kc_admin_describe_topics(admin, names, 5, 30000, &cluster, &error),
                 KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    for (size_t i = 0; i < 5; i++) {
        kc_topic_description t = { .size = sizeof t };
        cr_assert(kc_cluster_topic_at(cluster, i, &t));
        cr_expect_eq(t.err, i % 2 ? KC_E_UNKNOWN_TOPIC_OR_PARTITION : KC_OK);
        cr_expect(t.name.size == names[i].size &&
                  memcmp(t.name.data, names[i].data, t.name.size) == 0);
    }
    kc_cluster_free(cluster);
}

/* What a broker says is cut, told with errors only, and no code of its is one of the library's. */
Test(admin, messages_of_topics)
{
    char message[5000];
    kc_topic_results *results = kci_topic_results_new(2);
    memset(message, 'm', sizeof message);
    cr_assert_eq(kci_topic_results_set(results, &results->entries[0], KC_E_POLICY_VIOLATION,
                                       kc_mem(message, sizeof message), false),
                 KC_OK);
    cr_expect_eq(strlen(result_at(results, 0).text), 1000);
    cr_assert_eq(kci_topic_results_set(results, &results->entries[1], KC_OK,
                                       kc_mem(message, sizeof message), false),
                 KC_OK);
    cr_expect_str_eq(result_at(results, 1).text, "");
    kc_topic_results_free(results);
}

Test(admin, codes_that_no_broker_may_use)
{
    kc_mock_fault fault;
    kc_topic_results *results;
    kc_mock_fault_init(&fault, sizeof fault);
    fault.api = KC_MOCK_API_CREATE_TOPICS;
    fault.action = KC_MOCK_FAULT_MUTATE;
    fault.bytes = 4 + 5 + 4 + 1 + 2 + 16; /* length, header, throttle, count, name "x", id */
    fault.mask = 0xfc;
    cr_assert_gt(kc_mock_add_fault(mock, &fault), 0);
    cr_expect_eq(create("x", 30000, &results), KC_E_UNKNOWN_SERVER_ERROR, "%s", error.text);
    kc_topic_results_free(results);
}

/* Calls that do not even begin leave nothing behind. */
Test(admin, after_the_close)
{
    int64_t live = -1;
    cr_assert_eq(kc_client_close(client, 30000, NULL), KC_OK);
    for (int i = 0; i < 20; i++) {
        cr_expect_eq(create("late", 100, NULL), KC_E_CLOSED);
        if (i == 0)
            live = kci_mem_live();
    }
    cr_expect_eq(kci_mem_live(), live);
}

Test(admin, no_time)
{
    cr_expect_eq(create("now", 0, NULL), KC_E_TIMED_OUT);
}

Test(admin_timed, nobody_listens)
{
    int64_t begun = virtual_now_ms(world);
    kc_client *lonely = new_client("127.0.0.1:1", "1");
    kc_admin *a;
    kc_cluster *cluster;
    cr_assert_eq(kc_admin_new(lonely, &a, &error), KC_OK);
    cr_expect_eq(kc_admin_describe_cluster(a, 1000, &cluster, &error), KC_E_NO_BROKER);
    cr_expect_null(cluster);
    cr_expect(strstr(error.text, "127.0.0.1:1"), "%s", error.text);
    expect_in_time(begun, 0, 1000);
    kc_admin_free(a);
    virtual_client_free(world, lonely);
}

static void *close_client(void *arg)
{
    (void)arg;
    struct timespec pause = { 0, 200 * 1000 * 1000 };
    nanosleep(&pause, NULL); /* the call has probably begun; if not, it ends all the same */
    (void)kc_client_close(client, 30000, NULL);
    return NULL;
}

Test(admin, client_closes_in_the_middle)
{
    pthread_t thread;
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_HANG, 0, -1);
    cr_assert_eq(pthread_create(&thread, NULL, close_client, NULL), 0);
    cr_expect_eq(create("cut", 60000, NULL), KC_E_CLOSED);
    pthread_join(thread, NULL);
    cr_expect_eq(create("after", 1000, NULL), KC_E_CLOSED);
}

Test(admin, results_outlive_the_client)
{
    kc_cluster *cluster;
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    cr_assert_eq(create("stays", 30000, NULL), KC_OK);
    cr_assert_eq(kc_admin_list_topics(admin, 0, 30000, &cluster, &error), KC_OK);
    kc_client_free(client);
    kc_admin_free(admin);
    cr_assert(kc_cluster_topic_at(cluster, 0, &topic));
    cr_expect(bytes_are(topic.name, "stays"));
    kc_cluster_free(cluster);
    client = NULL;
    admin = NULL;
}

static void begin_driven(void)
{
    begin_with("0");
}

/* A client without thread: the waiting calls drive it. */
Test(admin_driven, works, .init = begin_driven, .fini = end, .timeout = 60)
{
    kc_cluster *cluster;
    cr_expect_eq(create("driven", 30000, NULL), KC_OK, "%s", error.text);
    cr_expect_eq(kc_admin_list_topics(admin, 0, 30000, &cluster, &error), KC_OK, "%s", error.text);
    cr_expect_eq(kc_cluster_topic_count(cluster), 1);
    kc_cluster_free(cluster);
    add_fault(KC_MOCK_API_CREATE_TOPICS, KC_MOCK_FAULT_HANG, 0, -1);
    cr_expect_eq(create("silent", 300, NULL), KC_E_TIMED_OUT);
}

/* The n-th allocation of a call fails, whoever makes it: it ends, with an error or without. */
Test(admin_driven, failing_allocations, .init = begin_driven, .fini = end, .timeout = 60)
{
    kc_config_resource resource = { KC_RESOURCE_TOPIC, kc_str("a") };
    kc_bytes name = kc_str("a");
    cr_assert_eq(create("a", 30000, NULL), KC_OK);
    for (int n = 1; n < 60; n++) {
        kc_topic_results *results = NULL;
        kc_cluster *cluster = NULL;
        kc_configs *configs = NULL;
        char topic[16];
        snprintf(topic, sizeof topic, "t%d", n);
        kci_mem_fail_after(n, false);
        (void)create(topic, 2000, &results);
        kci_mem_fail_after(n, false);
        (void)kc_admin_describe_topics(admin, &name, 1, 2000, &cluster, NULL);
        kci_mem_fail_after(n, false);
        (void)kc_admin_describe_configs(admin, &resource, 1, 2000, &configs, NULL);
        kci_mem_fail_after(0, false);
        kc_topic_results_free(results);
        kc_cluster_free(cluster);
        kc_configs_free(configs);
    }
    cr_expect_eq(create("last", 30000, NULL), KC_OK, "%s", error.text);
}
