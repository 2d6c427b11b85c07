/* SPDX-License-Identifier: Apache-2.0 */
/* kclient topics list. */
#include "cli/commands.h"
#include "cli/out.h"
#include "cli/topics.h"

enum { KEY_INTERNAL = CLI_LONG_ONLY, KEY_JSON };

static const cli_option options[] = {
    { KEY_INTERNAL, "internal", NULL, "the brokers' own topics (__consumer_offsets ...) too" },
    { KEY_JSON, "json", NULL, "one JSON object a topic" },
    { 0 },
};

typedef struct list_options {
    bool internal, json;
} list_options;

static bool set(void *arg, int key, const char *value)
{
    list_options *o = arg;
    (void)value;
    *(key == KEY_JSON ? &o->json : &o->internal) = true;
    return true;
}

static const cli_syntax syntax = {
    .command = "kclient topics list",
    .arguments = "-b HOST:PORT [options]",
    .about = "Prints the names of all topics, one a line.",
    .options = options,
    .set = set,
};

static void print(const kc_topic_description *topic, bool json)
{
    if (!json) {
        out_bytes(topic->name);
        out_text("\n");
        return;
    }
    out_text("{\"topic\":");
    out_json_string(topic->name);
    topics_id_json(&topic->id);
    out_format(",\"partitions\":%d,\"internal\":%s}\n", topic->partition_count,
               topic->internal ? "true" : "false");
}

static int list(cli_session *session, const list_options *o)
{
    kc_error error;
    kc_cluster *cluster;
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    if (kc_admin_list_topics(session->admin, o->internal ? KC_ADMIN_INCLUDE_INTERNAL : 0,
                             session->common->timeout_ms, &cluster, &error) != KC_OK)
        return cli_fail("topics cannot be listed", &error);
    for (size_t i = 0; kc_cluster_topic_at(cluster, i, &topic); i++)
        print(&topic, o->json);
    kc_cluster_free(cluster);
    return CLI_OK;
}

int cmd_topics_list(int argc, char **argv)
{
    list_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0)
        code = cli_session_open(&session, &common);
    if (code == CLI_OK && session.client)
        code = list(&session, &o);
    cli_session_close(&session, 1000);
    cli_common_free(&common);
    return code;
}
