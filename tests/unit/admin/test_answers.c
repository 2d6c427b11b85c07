/* SPDX-License-Identifier: Apache-2.0 */
/* What requests say and what answers mean: topics created, enlarged and deleted, clusters and
 * configurations described. Answers come in another order than asked for, and with too much. */
#include <criterion/criterion.h>
#include <stdio.h>

#include <kclient/admin.h>

#include "base/bytes.h"
#include "unit/core/fake.h"

static fake f;
static kc_admin *admin;
static kc_error why;
static void (*check)(const fake_request *r, const void *in); /* the test's; answers */
static int16_t api;
static int calls;

static bool hook(fake *f_, const fake_request *r)
{
    (void)f_;
    if (r->head.key != api || !check)
        return false;
    const kci_msg *msg = kci_api_get(api)->request;
    void *in = calloc(1, msg->size);
    kci_arena arena = { 0 };
    kci_reader body = r->body;
    cr_assert_eq(kci_decode(msg, r->head.version, &body, &arena, in), KC_OK);
    calls++;
    check(r, in);
    kci_arena_free(&arena);
    free(in);
    return true;
}

static void begin(void)
{
    calls = 0;
    check = NULL;
    fake_init(&f, 3, NULL);
    f.hook = hook;
    cr_assert_eq(kc_admin_new(f.client, &admin, &why), KC_OK, "%s", why.text);
}

static void end(void)
{
    kc_admin_free(admin);
    fake_free(&f);
}

TestSuite(answers, .init = begin, .fini = end);

static bool is(kc_bytes b, const char *text)
{
    return kci_bytes_equal(b, kc_str(text));
}

/* ---- topics ---- */

static void on_create(const fake_request *r, const void *arg)
{
    const kci_create_topics_request *in = arg;
    cr_assert(in->validate_only);
    cr_assert_eq(in->topics.count, 3);
    const kci_create_topics_request_creatable_topic *t = in->topics.data;
    cr_assert(is(t[0].name, "plain"));
    cr_assert_eq(t[0].num_partitions, -1, "the broker chooses");
    cr_assert_eq(t[0].replication_factor, -1);
    cr_assert_eq(t[0].configs.count, 0);
    cr_assert(is(t[1].name, "sized"));
    cr_assert_eq(t[1].num_partitions, 5);
    cr_assert_eq(t[1].replication_factor, 2);
    cr_assert_eq(t[1].configs.count, 2);
    cr_assert(is(t[1].configs.data[1].name, "retention.ms"));
    cr_assert(is(t[1].configs.data[1].value, ""));
    cr_assert_eq(t[2].num_partitions, -1, "the assignments say it");
    cr_assert_eq(t[2].replication_factor, -1);
    cr_assert_eq(t[2].assignments.count, 2);
    cr_assert_eq(t[2].assignments.data[1].partition_index, 1);
    cr_assert_eq(t[2].assignments.data[1].broker_ids.count, 2);
    cr_assert_eq(t[2].assignments.data[1].broker_ids.data[0], 3);

    kci_create_topics_response_creatable_topic_result results[5];
    kci_create_topics_response out;
    kci_msg_init(&kci_create_topics_response_msg, &out);
    static const char *const names[] = { "placed", "stranger", "sized", "plain", "plain" };
    for (int i = 0; i < 5; i++) {
        kci_msg_init(&kci_create_topics_response_creatable_topic_result_msg, &results[i]);
        results[i].name = kc_str(names[i]);
        results[i].num_partitions = 10 + i;
        results[i].replication_factor = (int16_t)(20 + i);
        results[i].topic_id.bytes[0] = (uint8_t)(i + 1);
    }
    results[1].error_code = KC_E_POLICY_VIOLATION;
    results[2].error_code = KC_E_INVALID_CONFIG;
    results[2].error_message = kc_str("empty");
    results[4].error_code = KC_E_POLICY_VIOLATION; /* a second answer: too late */
    out.topics.data = results;
    out.topics.count = 5;
    fake_answer(r, &out);
}

static kc_topic_result at(const kc_topic_results *results, size_t i)
{
    kc_topic_result r = { .size = sizeof r };
    cr_assert(kc_topic_results_at(results, i, &r));
    return r;
}

Test(answers, to_create)
{
    int32_t first[] = { 1, 2 }, second[] = { 3, 1 };
    kc_replicas replicas[] = { { first, 2 }, { second, 2 } };
    kc_name_value configs[] = { { kc_str("cleanup.policy"), kc_str("compact") },
                                { kc_str("retention.ms"), kc_mem("", 0) } };
    kc_new_topic topics[3] = { KC_NEW_TOPIC_INIT, KC_NEW_TOPIC_INIT, KC_NEW_TOPIC_INIT };
    topics[0].name = kc_str("plain");
    topics[1].name = kc_str("sized");
    topics[1].partitions = 5;
    topics[1].replication_factor = 2;
    topics[1].configs = configs;
    topics[1].config_count = 2;
    topics[2].name = kc_str("placed");
    topics[2].assignments = replicas;
    topics[2].assignment_count = 2;
    api = KCI_API_CREATE_TOPICS;
    check = on_create;
    kc_topic_results *results;
    kc_err err =
        kc_admin_create_topics(admin, topics, 3, KC_ADMIN_VALIDATE_ONLY, 10000, &results, &why);
    cr_assert_eq(err, KC_E_INVALID_CONFIG);
    cr_assert(strstr(why.text, "topic sized") && strstr(why.text, "empty"), "%s", why.text);
    cr_assert_eq(at(results, 0).err, KC_OK);
    cr_assert_eq(at(results, 0).partitions, 13);
    cr_assert_eq(at(results, 0).replication_factor, 23);
    cr_assert_eq(at(results, 0).id.bytes[0], 4);
    cr_assert_str_eq(at(results, 0).text, "");
    cr_assert_eq(at(results, 1).err, KC_E_INVALID_CONFIG);
    cr_assert_str_eq(at(results, 1).text, "empty");
    cr_assert_eq(at(results, 1).partitions, -1);
    cr_assert_eq(at(results, 2).partitions, 10);
    kc_topic_results_free(results);
    cr_assert_eq(calls, 1);
}

static void on_enlarge(const fake_request *r, const void *arg)
{
    const kci_create_partitions_request *in = arg;
    cr_assert_not(in->validate_only);
    cr_assert_eq(in->topics.count, 2);
    cr_assert_eq(in->topics.data[0].count, 8);
    cr_assert_eq(in->topics.data[0].assignments.count, -1, "null: the brokers choose");
    cr_assert_eq(in->topics.data[1].assignments.count, 1);
    cr_assert_eq(in->topics.data[1].assignments.data[0].broker_ids.data[1], 2);
    kci_create_partitions_response_create_partitions_topic_result results[2];
    kci_create_partitions_response out;
    kci_msg_init(&kci_create_partitions_response_msg, &out);
    for (int i = 0; i < 2; i++) {
        kci_msg_init(&kci_create_partitions_response_create_partitions_topic_result_msg,
                     &results[i]);
        results[i].name = in->topics.data[1 - i].name;
    }
    results[0].error_code = KC_E_INVALID_PARTITIONS;
    out.results.data = results;
    out.results.count = 2;
    fake_answer(r, &out);
}

Test(answers, to_enlarge)
{
    int32_t nodes[] = { 1, 2 };
    kc_replicas replicas[] = { { nodes, 2 } };
    kc_new_partitions more[2] = { { .size = sizeof *more, .name = kc_str("a"), .total_count = 8 },
                                  { .size = sizeof *more,
                                    .name = kc_str("b"),
                                    .total_count = 4,
                                    .assignments = replicas,
                                    .assignment_count = 1 } };
    api = KCI_API_CREATE_PARTITIONS;
    check = on_enlarge;
    kc_topic_results *results;
    cr_assert_eq(kc_admin_create_partitions(admin, more, 2, 0, 10000, &results, &why),
                 KC_E_INVALID_PARTITIONS);
    cr_assert_eq(at(results, 0).err, KC_OK);
    cr_assert_eq(at(results, 0).partitions, 8);
    cr_assert_eq(at(results, 1).err, KC_E_INVALID_PARTITIONS);
    cr_assert_eq(at(results, 1).partitions, -1);
    cr_assert_gt(strlen(at(results, 1).text), 5, "the table's sentence, as the broker had none");
    kc_topic_results_free(results);
}

static void on_delete(const fake_request *r, const void *arg)
{
    const kci_delete_topics_request *in = arg;
    cr_assert_eq(in->topics.count, 2);
    cr_assert(is(in->topics.data[1].name, "b"));
    kci_delete_topics_response_deletable_topic_result results[2];
    kci_delete_topics_response out;
    kci_msg_init(&kci_delete_topics_response_msg, &out);
    for (int i = 0; i < 2; i++) {
        kci_msg_init(&kci_delete_topics_response_deletable_topic_result_msg, &results[i]);
        results[i].name = in->topics.data[1 - i].name;
        results[i].topic_id.bytes[0] = (uint8_t)(i + 1);
    }
    results[1].error_code = KC_E_TOPIC_DELETION_DISABLED;
    out.responses.data = results;
    out.responses.count = 2;
    fake_answer(r, &out);
}

Test(answers, to_delete)
{
    kc_bytes names[] = { kc_str("a"), kc_str("b") };
    api = KCI_API_DELETE_TOPICS;
    check = on_delete;
    kc_topic_results *results;
    cr_assert_eq(kc_admin_delete_topics(admin, names, 2, 10000, &results, &why),
                 KC_E_TOPIC_DELETION_DISABLED);
    cr_assert_eq(at(results, 0).err, KC_E_TOPIC_DELETION_DISABLED);
    cr_assert_eq(at(results, 1).err, KC_OK);
    cr_assert_eq(at(results, 1).id.bytes[0], 1);
    kc_topic_results_free(results);
}

/* ---- the cluster ---- */

Test(answers, to_describe)
{
    fake_topic *t = fake_add_topic(&f, "t", 3);
    t->leader[2] = -1;
    fake_add_topic(&f, "a", 1);
    kc_bytes names[] = { kc_str("t"), kc_str("none"), kc_str("a"), kc_str("t") };
    kc_cluster *cluster;
    cr_assert_eq(kc_admin_describe_topics(admin, names, 4, 10000, &cluster, &why),
                 KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(kc_cluster_topic_count(cluster), 4);
    static const int counts[] = { 3, 0, 1, 3 };
    for (size_t i = 0; i < 4; i++) {
        kc_topic_description d = { .size = sizeof d };
        cr_assert(kc_cluster_topic_at(cluster, i, &d));
        cr_assert(kci_bytes_equal(d.name, names[i]));
        cr_assert_eq(d.partition_count, counts[i]);
    }
    kc_partition_description p = { .size = sizeof p };
    cr_assert(kc_cluster_partition_at(cluster, 0, 1, &p));
    cr_assert_eq(p.leader, 2);
    cr_assert_eq(p.replicas.count, 3);
    cr_assert_eq(p.in_sync.count, 2);
    cr_assert(kc_cluster_partition_at(cluster, 0, 2, &p));
    cr_assert_eq(p.leader, -1);
    cr_assert_eq(kc_cluster_controller(cluster), 1);
    cr_assert(is(kc_cluster_id(cluster), "cluster"));
    kc_cluster_free(cluster);
    cr_assert_eq(f.last_metadata.topics.count, 4);
    cr_assert_not(f.last_metadata.allow_auto_topic_creation, "to look at must not create");
}

Test(answers, to_list)
{
    fake_add_topic(&f, "z", 1);
    fake_add_topic(&f, "m", 1);
    fake_add_topic(&f, "ma", 1);
    kc_cluster *cluster;
    cr_assert_eq(kc_admin_list_topics(admin, 0, 10000, &cluster, &why), KC_OK);
    static const char *const sorted[] = { "m", "ma", "z" };
    cr_assert_eq(kc_cluster_topic_count(cluster), 3);
    for (size_t i = 0; i < 3; i++) {
        kc_topic_description d = { .size = sizeof d };
        cr_assert(kc_cluster_topic_at(cluster, i, &d));
        cr_assert(is(d.name, sorted[i]));
    }
    kc_cluster_free(cluster);
    cr_assert_eq(f.last_metadata.topics.count, -1, "null: all");
    cr_assert_eq(kc_admin_describe_cluster(admin, 10000, &cluster, &why), KC_OK);
    cr_assert_eq(f.last_metadata.topics.count, 0, "empty: none");
    cr_assert_eq(kc_cluster_node_count(cluster), 3);
    kc_cluster_free(cluster);
}

Test(answers, an_error_of_the_whole_answer)
{
    kc_cluster *cluster;
    cr_assert_eq(kc_admin_describe_cluster(admin, 10000, &cluster, &why), KC_OK);
    kc_cluster_free(cluster);
    f.metadata_err = KC_E_CLUSTER_AUTHORIZATION_FAILED;
    cr_assert_eq(kc_admin_describe_cluster(admin, 10000, &cluster, &why),
                 KC_E_CLUSTER_AUTHORIZATION_FAILED);
    cr_assert_null(cluster);
}

/* ---- configurations ---- */

static int32_t asked_of[4];

static void on_configs(const fake_request *r, const void *arg)
{
    const kci_describe_configs_request *in = arg;
    static kci_describe_configs_response_describe_configs_resource_result entries[2];
    kci_describe_configs_response_describe_configs_result results[4];
    kci_describe_configs_response out;
    asked_of[calls - 1] = r->broker->id;
    kci_msg_init(&kci_describe_configs_response_msg, &out);
    for (int i = 0; i < 2; i++)
        kci_msg_init(&kci_describe_configs_response_describe_configs_resource_result_msg,
                     &entries[i]);
    entries[0].name = kc_str("secret");
    entries[0].value = kc_mem(NULL, 0);
    entries[0].is_sensitive = true;
    entries[1].name = kc_str("x");
    entries[1].value = kc_str("1");
    entries[1].read_only = true;
    int32_t n = in->resources.count;
    for (int32_t i = 0; i < n; i++) {
        cr_assert_eq(in->resources.data[i].configuration_keys.count, -1, "null: all");
        kci_msg_init(&kci_describe_configs_response_describe_configs_result_msg,
                     &results[n - 1 - i]);
        results[n - 1 - i].resource_type = in->resources.data[i].resource_type;
        results[n - 1 - i].resource_name = in->resources.data[i].resource_name;
        results[n - 1 - i].configs.data = entries;
        results[n - 1 - i].configs.count = i == 1 ? 0 : 2;
        results[n - 1 - i].error_code = i == 1 ? KC_E_TOPIC_AUTHORIZATION_FAILED : 0;
    }
    out.results.data = results;
    out.results.count = n;
    fake_answer(r, &out);
}

/* A broker's own are asked of itself, all topics' ones of any broker in one request. */
Test(answers, to_describe_configs)
{
    kc_config_resource resources[] = { { KC_RESOURCE_TOPIC, kc_str("a") },
                                       { KC_RESOURCE_BROKER, kc_str("3") },
                                       { KC_RESOURCE_TOPIC, kc_str("b") } };
    kc_configs *configs;
    const char *text;
    api = KCI_API_DESCRIBE_CONFIGS;
    check = on_configs;
    cr_assert_eq(kc_admin_describe_configs(admin, resources, 3, 10000, &configs, &why),
                 KC_E_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_eq(calls, 2);
    cr_assert_eq(asked_of[0], 3);
    cr_assert_eq(kc_configs_err(configs, 0, &text), KC_OK);
    cr_assert_eq(kc_configs_err(configs, 1, &text), KC_OK);
    cr_assert_eq(kc_configs_err(configs, 2, &text), KC_E_TOPIC_AUTHORIZATION_FAILED);
    cr_assert_gt(strlen(text), 5);
    cr_assert_eq(kc_configs_entry_count(configs, 1), 2);
    kc_config_entry e = { .size = sizeof e };
    cr_assert(kc_configs_entry_at(configs, 1, 0, &e));
    cr_assert_eq(e.flags, KC_CONFIG_SENSITIVE);
    cr_assert_null(e.value.data);
    cr_assert(kc_configs_entry_at(configs, 1, 1, &e));
    cr_assert_eq(e.flags, KC_CONFIG_READ_ONLY);
    cr_assert(is(e.value, "1"));
    kc_configs_free(configs);
}

Test(answers, a_broker_that_is_not_there)
{
    kc_config_resource resource = { KC_RESOURCE_BROKER, kc_str("9") };
    kc_configs *configs;
    api = KCI_API_DESCRIBE_CONFIGS;
    check = on_configs;
    kc_err err = kc_admin_describe_configs(admin, &resource, 1, 5000, &configs, &why);
    cr_assert_eq(err, KC_E_BROKER_NOT_AVAILABLE, "%d %s", err, why.text);
    cr_assert(strstr(why.text, "broker 9"), "%s", why.text);
    cr_assert_eq(calls, 0);
}
