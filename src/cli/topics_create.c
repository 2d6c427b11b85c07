/* SPDX-License-Identifier: Apache-2.0 */
/* kclient topics create. */
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/topics.h"

enum {
    KEY_PARTITIONS = CLI_LONG_ONLY,
    KEY_REPLICATION,
    KEY_CONFIG,
    KEY_VALIDATE,
    KEY_IF_NOT,
    KEY_JSON
};

static const cli_option options[] = {
    { 't', "topic", "TOPIC", "a topic to create; may be repeated" },
    { KEY_PARTITIONS, "partitions", "N", "partitions of each; default: the broker's" },
    { KEY_REPLICATION, "replication-factor", "N",
      "replicas of each partition; default: the broker's" },
    { KEY_CONFIG, "config", "NAME=VALUE",
      "a setting of the topics (retention.ms=...); may be repeated" },
    { KEY_VALIDATE, "validate-only", NULL, "check everything, create nothing" },
    { KEY_IF_NOT, "if-not-exists", NULL, "topics that exist are no error" },
    { KEY_JSON, "json", NULL, "one JSON object a topic" },
    { 0 },
};

typedef struct create_options {
    cli_strings topics, configs;
    int64_t partitions, replication;
    bool validate, if_not_exists, json;
} create_options;

static bool set(void *arg, int key, const char *value)
{
    create_options *o = arg;
    switch (key) {
    case 't':
        return cli_strings_add(&o->topics, value);
    case KEY_CONFIG:
        if (!strchr(value, '=') || value[0] == '=') {
            cli_error("--config %.60s: write name=value", value);
            return false;
        }
        return cli_strings_add(&o->configs, value);
    case KEY_PARTITIONS:
        return cli_number(value, 1, INT32_MAX, "--partitions", &o->partitions);
    case KEY_REPLICATION:
        return cli_number(value, 1, INT16_MAX, "--replication-factor", &o->replication);
    case KEY_VALIDATE:
        o->validate = true;
        return true;
    case KEY_IF_NOT:
        o->if_not_exists = true;
        return true;
    default:
        o->json = true;
        return true;
    }
}

static bool operand(void *arg, const char *value)
{
    return cli_strings_add(&((create_options *)arg)->topics, value);
}

static const cli_syntax syntax = {
    .command = "kclient topics create",
    .arguments = "-b HOST:PORT -t TOPIC [options]",
    .about = "Creates topics.",
    .options = options,
    .set = set,
    .operand = operand,
};

static kc_name_value *split_configs(const cli_strings *configs)
{
    kc_name_value *pairs = calloc(configs->count + 1, sizeof *pairs);
    for (size_t i = 0; pairs && i < configs->count; i++) {
        const char *equals = strchr(configs->items[i], '=');
        pairs[i].name = kc_mem(configs->items[i], (size_t)(equals - configs->items[i]));
        pairs[i].value = kc_str(equals + 1);
    }
    return pairs;
}

static int create(cli_session *session, const create_options *o)
{
    int code = CLI_CLUSTER;
    kc_name_value *pairs = split_configs(&o->configs);
    kc_new_topic *topics = calloc(o->topics.count, sizeof *topics);
    if (!pairs || !topics) {
        cli_error("out of memory");
        goto out;
    }
    for (size_t i = 0; i < o->topics.count; i++)
        topics[i] = (kc_new_topic){
            .size = sizeof *topics,
            .partitions = (int32_t)o->partitions,
            .replication_factor = (int32_t)o->replication,
            .name = kc_str(o->topics.items[i]),
            .configs = pairs,
            .config_count = o->configs.count,
        };
    kc_error error;
    kc_topic_results *results;
    kc_err err = kc_admin_create_topics(session->admin, topics, o->topics.count,
                                        o->validate ? KC_ADMIN_VALIDATE_ONLY : 0,
                                        session->common->timeout_ms, &results, &error);
    code = err && !results
               ? cli_fail("no topic was created", &error)
               : topics_report(results, o->validate ? "could create" : "created", o->json,
                               o->if_not_exists ? KC_E_TOPIC_ALREADY_EXISTS : KC_OK);
    kc_topic_results_free(results);
out:
    free(pairs);
    free(topics);
    return code;
}

int cmd_topics_create(int argc, char **argv)
{
    create_options o = { .partitions = -1, .replication = -1 };
    cli_common common;
    cli_session session = { 0 };
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0)
        code = topics_need_names(&syntax, &o.topics) ? -1 : CLI_USAGE;
    if (code < 0)
        code = cli_session_open(&session, &common);
    if (code == CLI_OK && session.client)
        code = create(&session, &o);
    cli_session_close(&session, 1000);
    cli_strings_free(&o.topics);
    cli_strings_free(&o.configs);
    cli_common_free(&common);
    return code;
}
