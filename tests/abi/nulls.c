/* SPDX-License-Identifier: Apache-2.0 */
/* Every public function with NULL for each handle and place for a result, and once more with
 * handles that live but NULL for all else: the answers are those that types.h promises. */
#include "nulls.h"

#include <stdio.h>
#include <stdlib.h>

kc_client *live_kc_client;
kc_producer *live_kc_producer;
kc_consumer *live_kc_consumer;
kc_admin *live_kc_admin;
kc_config *live_kc_config;
kc_mock *live_kc_mock;
kc_records *live_kc_records;
kc_deliveries *live_kc_deliveries;
kc_cluster *live_kc_cluster;
kc_configs *live_kc_configs;
kc_topic_results *live_kc_topic_results;
kc_partitions *live_kc_partitions;
kc_plan *live_kc_plan;

static const char *now = "";
static int calls, failures;

void begin(const char *name)
{
    now = name;
    calls++;
    printf("%s\n", name);
    fflush(stdout);
}

void expect(bool as_documented)
{
    if (as_documented)
        return;
    failures++;
    printf("^^^ not the documented answer\n");
}

static void need(kc_err err, const char *what)
{
    if (err == KC_OK)
        return;
    printf("%s: %s\n", what, kc_error_name(err));
    exit(2);
}

static void start_handles(void)
{
    kc_producer_options takes = KC_PRODUCER_OPTIONS_INIT;
    takes.flags = KC_PRODUCER_TAKE;
    live_kc_config = kc_config_new();
    need(kc_mock_new(NULL, &live_kc_mock, NULL), "mock");
    need(kc_mock_create_topic(live_kc_mock, "t", 1, 1), "topic");
    need(kc_config_set(live_kc_config, "bootstrap.servers", kc_mock_bootstrap(live_kc_mock), NULL),
         "servers");
    need(kc_client_new(live_kc_config, &live_kc_client, NULL), "client");
    need(kc_producer_new(live_kc_client, &takes, &live_kc_producer, NULL), "producer");
    need(kc_consumer_new(live_kc_client, NULL, &live_kc_consumer, NULL), "consumer");
    need(kc_plan_new(&live_kc_plan, NULL), "plan");
    need(kc_admin_new(live_kc_client, &live_kc_admin, NULL), "admin");
}

static void make_results(void)
{
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    kc_topic_partition_position at = { kc_str("t"), 0, kc_position_beginning() };
    kc_config_resource resource = { KC_RESOURCE_TOPIC, kc_str("t") };
    kc_bytes gone = kc_str("not-there");
    record.topic = kc_str("t");
    record.value = kc_str("v");
    need(kc_producer_send(live_kc_producer, &record, NULL), "send");
    need(kc_producer_take(live_kc_producer, -1, &live_kc_deliveries), "take");
    need(kc_consumer_assign(live_kc_consumer, &at, 1, NULL), "assign");
    need(kc_consumer_poll(live_kc_consumer, 60000, &live_kc_records, NULL), "poll");
    need(kc_consumer_assignment(live_kc_consumer, &live_kc_partitions, NULL), "assignment");
    need(kc_admin_list_topics(live_kc_admin, 0, -1, &live_kc_cluster, NULL), "list");
    need(kc_admin_describe_configs(live_kc_admin, &resource, 1, -1, &live_kc_configs, NULL),
         "configs");
    (void)kc_admin_delete_topics(live_kc_admin, &gone, 1, -1, &live_kc_topic_results, NULL);
}

static void end_handles(void)
{
    kc_records_free(live_kc_records);
    kc_deliveries_free(live_kc_deliveries);
    kc_cluster_free(live_kc_cluster);
    kc_configs_free(live_kc_configs);
    kc_topic_results_free(live_kc_topic_results);
    kc_partitions_free(live_kc_partitions);
    kc_plan_free(live_kc_plan);
    kc_producer_free(live_kc_producer);
    kc_consumer_free(live_kc_consumer);
    kc_admin_free(live_kc_admin);
    kc_client_free(live_kc_client);
    kc_config_free(live_kc_config);
    kc_mock_free(live_kc_mock);
}

int main(void)
{
    call_with_nulls();
    start_handles();
    make_results();
    call_with_live_handles();
    end_handles();
    printf("%d calls, %d with another answer than documented\n", calls, failures);
    return calls < 300 || failures > 0;
}
