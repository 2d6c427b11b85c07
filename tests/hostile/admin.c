/* SPDX-License-Identifier: Apache-2.0 */
/* An application that administers: makes, grows, describes and deletes topics one after the other,
 * reads everything it is told, and works again when each kind of call succeeds. */
#include <stdio.h>
#include <stdlib.h>

#include "hostile/app.h"

enum { CALL_MS = 1000, PAUSE_US = 200000, KINDS = 7 };

static void open_admin(run *r)
{
    if (kc_admin_new(r->client, &r->admin, NULL) != KC_OK)
        abort();
}

/* reading all of what was told, for the sanitizers' sake */

static size_t touch(kc_bytes b)
{
    size_t sum = 0;
    for (size_t i = 0; i < b.size; i++)
        sum += b.data[i];
    return sum;
}

static size_t touch_nodes(kc_replicas list)
{
    size_t sum = 0;
    for (size_t i = 0; i < list.count; i++)
        sum += (size_t)list.nodes[i];
    return sum;
}

static void read_topics(const kc_topic_results *results)
{
    kc_topic_result t = KC_TOPIC_RESULT_INIT;
    volatile size_t sum = 0;
    for (size_t i = 0; kc_topic_results_at(results, i, &t); i++)
        sum += touch(t.name) + strlen(t.text);
    (void)sum;
}

static void read_cluster(const kc_cluster *cluster)
{
    kc_node n = KC_NODE_INIT;
    kc_topic_description t = KC_TOPIC_DESCRIPTION_INIT;
    kc_partition_description p = KC_PARTITION_DESCRIPTION_INIT;
    volatile size_t sum = touch(kc_cluster_id(cluster));
    for (size_t i = 0; kc_cluster_node_at(cluster, i, &n); i++)
        sum += touch(n.host) + touch(n.rack);
    for (size_t i = 0; kc_cluster_topic_at(cluster, i, &t); i++) {
        sum += touch(t.name);
        for (size_t k = 0; kc_cluster_partition_at(cluster, i, k, &p); k++)
            sum += touch_nodes(p.replicas) + touch_nodes(p.in_sync) + touch_nodes(p.offline);
    }
    (void)sum;
}

static void read_configs(const kc_configs *configs)
{
    kc_config_entry e = KC_CONFIG_ENTRY_INIT;
    volatile size_t sum = 0;
    for (size_t i = 0; i < kc_configs_count(configs); i++) {
        const char *text = "";
        kc_configs_err(configs, i, &text);
        sum += strlen(text);
        for (size_t k = 0; kc_configs_entry_at(configs, i, k, &e); k++)
            sum += touch(e.name) + touch(e.value);
    }
    (void)sum;
}

/* the calls, by number; the topic is made by the first and deleted by the last */

static kc_err change_topic(run *r, int kind, kc_bytes name, kc_error *why)
{
    kc_topic_results *results = NULL;
    kc_new_topic fresh = KC_NEW_TOPIC_INIT;
    fresh.name = name;
    fresh.partitions = fresh.replication_factor = 2;
    kc_new_partitions more = { .size = sizeof more, .total_count = 3, .name = name };
    kc_err err;
    if (kind == 0)
        err = kc_admin_create_topics(r->admin, &fresh, 1, 0, CALL_MS, &results, why);
    else if (kind == 1)
        err = kc_admin_create_partitions(r->admin, &more, 1, 0, CALL_MS, &results, why);
    else
        err = kc_admin_delete_topics(r->admin, &name, 1, CALL_MS, &results, why);
    read_topics(results);
    kc_topic_results_free(results);
    return err;
}

static kc_err look(run *r, int kind, kc_error *why)
{
    const kc_bytes names[] = { kc_str("t"), kc_str("u") };
    kc_cluster *cluster = NULL;
    kc_err err;
    if (kind == 2)
        err = kc_admin_describe_cluster(r->admin, CALL_MS, &cluster, why);
    else if (kind == 3)
        err = kc_admin_list_topics(r->admin, KC_ADMIN_INCLUDE_INTERNAL, CALL_MS, &cluster, why);
    else
        err = kc_admin_describe_topics(r->admin, names, 2, CALL_MS, &cluster, why);
    if (cluster)
        read_cluster(cluster);
    kc_cluster_free(cluster);
    return err;
}

static kc_err look_at_configs(run *r, kc_error *why)
{
    const kc_config_resource resources[] = { { KC_RESOURCE_TOPIC, kc_str("t") },
                                             { KC_RESOURCE_BROKER, kc_str("1") } };
    kc_configs *configs = NULL;
    kc_err err = kc_admin_describe_configs(r->admin, resources, 2, CALL_MS, &configs, why);
    if (configs)
        read_configs(configs);
    kc_configs_free(configs);
    return err;
}

static kc_err call(run *r, int kind, int topic)
{
    static const char *const names[KINDS] = { "create topic",     "create partitions",
                                              "describe cluster", "list topics",
                                              "describe topics",  "describe configs",
                                              "delete topic" };
    char name[16];
    snprintf(name, sizeof name, "a%d", topic);
    int64_t begun = now_of(r);
    kc_error why = { 0 };
    kc_err err;
    if (kind < 2 || kind == 6)
        err = change_topic(r, kind, kc_str(name), &why);
    else
        err = kind < 5 ? look(r, kind, &why) : look_at_configs(r, &why);
    run_check_call(r, names[kind], begun, CALL_MS);
    sim_trace(r->world, "app: %s: %s%s%s", names[kind], kc_error_name(err), err ? ": " : "",
              err ? why.text : "");
    if (err != KC_OK) {
        r->refusal = why;
        r->refusal.code = err;
    }
    return err;
}

static void work(run *r, int64_t length_us)
{
    int64_t end = r->begun + length_us;
    for (; now_of(r) < end; r->operations++) {
        call(r, r->operations % KINDS, r->operations / KINDS);
        sim_run_until(r->world, now_of(r) + PAUSE_US, NULL);
    }
}

/* Every kind of call succeeds, one after the other. */
static bool recover(run *r)
{
    int64_t end = r->lie_ended + RECOVERY_US;
    int topic = 1000;
    for (int kind = 0; kind < KINDS; kind++) {
        while (call(r, kind, topic) != KC_OK) {
            if (now_of(r) >= end)
                return false;
            topic += kind == 0; /* it may be there although the call failed */
            sim_run_until(r->world, now_of(r) + PAUSE_US, NULL);
        }
    }
    return true;
}

static void close_admin(run *r)
{
    kc_admin_free(r->admin);
}

const app app_admin = { open_admin, work, recover, close_admin };
