/* SPDX-License-Identifier: Apache-2.0 */
/* The text is that of kafka-topics --describe, with the replicas' racks added. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/out.h"
#include "cli/topics.h"

enum { KEY_JSON = CLI_LONG_ONLY, KEY_ALL_CONFIGS };

static const cli_option options[] = {
    { 't', "topic", "TOPIC", "a topic to describe; may be repeated; default: all" },
    { KEY_ALL_CONFIGS, "all-configs", NULL, "also settings that have their default" },
    { KEY_JSON, "json", NULL, "one JSON object a topic" },
    { 0 },
};

typedef struct describe_options {
    cli_strings topics;
    bool json, all_configs;
} describe_options;

/* What is printed from. */
typedef struct view {
    const describe_options *options;
    kc_cluster *cluster;
    kc_configs *configs; /* in the order of the topics; NULL: they could not be had */
} view;

static bool set(void *arg, int key, const char *value)
{
    describe_options *o = arg;
    if (key == 't')
        return cli_strings_add(&o->topics, value);
    *(key == KEY_JSON ? &o->json : &o->all_configs) = true;
    return true;
}

static bool operand(void *arg, const char *value)
{
    return cli_strings_add(&((describe_options *)arg)->topics, value);
}

static const cli_syntax syntax = {
    .command = "kclient topics describe",
    .arguments = "-b HOST:PORT [-t TOPIC] [options]",
    .about =
        "Shows partitions with leader, replicas, in-sync and offline replicas and their racks, and "
        "the\ntopic's settings.",
    .options = options,
    .set = set,
    .operand = operand,
};

static kc_bytes rack_of(const view *v, int32_t id)
{
    kc_node node = KC_NODE_INIT;
    if (!kc_cluster_node_by_id(v->cluster, id, &node))
        return (kc_bytes){ NULL, 0 };
    return node.rack;
}

/* The next setting that is to be shown, from *index on; false: there is none. */
static bool next_config(const view *v, size_t topic, size_t *index, kc_config_entry *entry)
{
    while (v->configs && kc_configs_entry_at(v->configs, topic, (*index)++, entry))
        if (v->options->all_configs || entry->source == KC_CONFIG_SOURCE_TOPIC)
            return true;
    return false;
}

static void ids_text(const char *label, kc_replicas ids)
{
    out_text(label);
    for (size_t i = 0; i < ids.count; i++) {
        out_text(i ? "," : "");
        out_number(ids.nodes[i]);
    }
}

static void racks_text(const view *v, kc_replicas replicas)
{
    bool any = false;
    for (size_t i = 0; i < replicas.count; i++)
        any = any || rack_of(v, replicas.nodes[i]).data;
    if (!any)
        return;
    out_text("\tRacks: ");
    for (size_t i = 0; i < replicas.count; i++) {
        kc_bytes rack = rack_of(v, replicas.nodes[i]);
        out_text(i ? "," : "");
        if (rack.data)
            out_bytes(rack);
        else
            out_text("-");
    }
}

static void partition_text(const view *v, kc_bytes topic, const kc_partition_description *p)
{
    out_text("\tTopic: ");
    out_bytes(topic);
    out_text("\tPartition: ");
    out_number(p->partition);
    out_text("\tLeader: ");
    if (p->leader < 0)
        out_text("none");
    else
        out_number(p->leader);
    ids_text("\tReplicas: ", p->replicas);
    ids_text("\tIsr: ", p->in_sync);
    if (p->offline.count > 0)
        ids_text("\tOffline: ", p->offline);
    racks_text(v, p->replicas);
    out_text("\n");
}

static void topic_text(const view *v, size_t index, const kc_topic_description *topic)
{
    char id[TOPICS_ID_SIZE];
    kc_partition_description p = KC_PARTITION_DESCRIPTION_INIT;
    kc_config_entry entry = KC_CONFIG_ENTRY_INIT;
    bool first = kc_cluster_partition_at(v->cluster, index, 0, &p);
    out_text("Topic: ");
    out_bytes(topic->name);
    if (topics_id_text(&topic->id, id))
        out_format("\tTopicId: %s", id);
    out_format("\tPartitionCount: %d\tReplicationFactor: %zu\tConfigs: ", topic->partition_count,
               first ? p.replicas.count : (size_t)0);
    for (size_t i = 0, shown = 0; next_config(v, index, &i, &entry); shown++) {
        out_text(shown ? "," : "");
        out_bytes(entry.name);
        out_text("=");
        out_bytes(entry.value);
    }
    out_text("\n");
    for (size_t i = 0; kc_cluster_partition_at(v->cluster, index, i, &p); i++)
        partition_text(v, topic->name, &p);
}

static void ids_json(const char *label, kc_replicas ids)
{
    ids_text(label, ids);
    out_text("]");
}

static void partition_json(const view *v, const kc_partition_description *p)
{
    out_format("{\"partition\":%d,\"leader\":%d,\"leader_epoch\":%d,\"replicas\":[", p->partition,
               p->leader, p->leader_epoch);
    for (size_t i = 0; i < p->replicas.count; i++) {
        out_format("%s{\"id\":%d,\"rack\":", i ? "," : "", p->replicas.nodes[i]);
        out_json_string(rack_of(v, p->replicas.nodes[i]));
        out_text("}");
    }
    ids_json("],\"isr\":[", p->in_sync);
    ids_json(",\"offline\":[", p->offline);
    if (p->err)
        out_format(",\"error\":\"%s\"", kc_error_name(p->err));
    out_text("}");
}

static void topic_json(const view *v, size_t index, const kc_topic_description *topic)
{
    kc_partition_description p = KC_PARTITION_DESCRIPTION_INIT;
    kc_config_entry entry = KC_CONFIG_ENTRY_INIT;
    out_text("{\"topic\":");
    out_json_string(topic->name);
    topics_id_json(&topic->id);
    out_format(",\"internal\":%s,\"partitions\":[", topic->internal ? "true" : "false");
    for (size_t i = 0; kc_cluster_partition_at(v->cluster, index, i, &p); i++) {
        out_text(i ? "," : "");
        partition_json(v, &p);
    }
    out_text("],\"configs\":{");
    for (size_t i = 0, shown = 0; next_config(v, index, &i, &entry); shown++) {
        out_text(shown ? "," : "");
        out_json_string(entry.name);
        out_text(":");
        out_json_string(entry.value);
    }
    out_text("}}\n");
}

static int print(const view *v)
{
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    size_t failed = 0, i = 0;
    for (; kc_cluster_topic_at(v->cluster, i, &topic) && out_works(); i++) {
        if (topic.err) {
            failed++;
            cli_error("topic %.*s: %s (%s)", (int)topic.name.size, (const char *)topic.name.data,
                      kc_error_text(topic.err), kc_error_name(topic.err));
        } else if (v->options->json) {
            topic_json(v, i, &topic);
        } else {
            topic_text(v, i, &topic);
        }
    }
    return failed == 0 ? CLI_OK : failed < i ? CLI_PARTIAL : CLI_CLUSTER;
}

/* Settings of all topics in the cluster object. Not to have them is no error: they may need rights
 * that the rest does not. */
static kc_configs *fetch_configs(cli_session *session, const kc_cluster *cluster)
{
    size_t count = kc_cluster_topic_count(cluster);
    kc_config_resource *resources = calloc(count + 1, sizeof *resources);
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    kc_configs *configs = NULL;
    kc_error error;
    for (size_t i = 0; resources && kc_cluster_topic_at(cluster, i, &topic); i++)
        resources[i] = (kc_config_resource){ KC_RESOURCE_TOPIC, topic.name };
    if (resources && count > 0 &&
        kc_admin_describe_configs(session->admin, resources, count, session->common->timeout_ms,
                                  &configs, &error) != KC_OK &&
        !configs && !session->common->quiet)
        cli_error("settings cannot be shown: %s (%s)", error.text, kc_error_name(error.code));
    free(resources);
    return configs;
}

static kc_err fetch_topics(cli_session *session, const cli_strings *names, kc_cluster **out,
                           kc_error *error)
{
    if (names->count == 0)
        return kc_admin_list_topics(session->admin, KC_ADMIN_INCLUDE_INTERNAL,
                                    session->common->timeout_ms, out, error);
    kc_bytes *list = calloc(names->count, sizeof *list);
    *out = NULL;
    if (!list) {
        *error = (kc_error){ .code = KC_E_NO_MEMORY, .text = "out of memory" };
        return KC_E_NO_MEMORY;
    }
    for (size_t i = 0; i < names->count; i++)
        list[i] = kc_str(names->items[i]);
    kc_err err = kc_admin_describe_topics(session->admin, list, names->count,
                                          session->common->timeout_ms, out, error);
    free(list);
    return err;
}

static int describe(cli_session *session, const describe_options *o)
{
    kc_error error;
    view v = { .options = o };
    if (fetch_topics(session, &o->topics, &v.cluster, &error) != KC_OK && !v.cluster)
        return cli_fail("topics cannot be described", &error);
    v.configs = fetch_configs(session, v.cluster);
    int code = print(&v);
    kc_configs_free(v.configs);
    kc_cluster_free(v.cluster);
    return code;
}

int cmd_topics_describe(int argc, char **argv)
{
    describe_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0)
        code = cli_session_open(&session, &common);
    if (code == CLI_OK && session.client)
        code = describe(&session, &o);
    cli_session_close(&session, 1000);
    cli_strings_free(&o.topics);
    cli_common_free(&common);
    return code;
}
