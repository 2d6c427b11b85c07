/* SPDX-License-Identifier: Apache-2.0 */
/* kclient topics delete. */
#include <stdlib.h>

#include "cli/commands.h"
#include "cli/topics.h"

enum { KEY_IF_EXISTS = CLI_LONG_ONLY, KEY_JSON };

static const cli_option options[] = {
    { 't', "topic", "TOPIC", "a topic to delete; may be repeated" },
    { KEY_IF_EXISTS, "if-exists", NULL, "topics that do not exist are no error" },
    { KEY_JSON, "json", NULL, "one JSON object a topic" },
    { 0 },
};

typedef struct delete_options {
    cli_strings topics;
    bool if_exists, json;
} delete_options;

static bool set(void *arg, int key, const char *value)
{
    delete_options *o = arg;
    if (key == 't')
        return cli_strings_add(&o->topics, value);
    *(key == KEY_JSON ? &o->json : &o->if_exists) = true;
    return true;
}

static bool operand(void *arg, const char *value)
{
    return cli_strings_add(&((delete_options *)arg)->topics, value);
}

static const cli_syntax syntax = {
    .command = "kclient topics delete",
    .arguments = "-b HOST:PORT -t TOPIC [options]",
    .about = "Deletes topics with all their records. There is no way back.",
    .options = options,
    .set = set,
    .operand = operand,
};

static int delete_topics(cli_session *session, const delete_options *o)
{
    kc_bytes *names = calloc(o->topics.count, sizeof *names);
    kc_topic_results *results = NULL;
    kc_error error;
    if (!names) {
        cli_error("out of memory");
        return CLI_CLUSTER;
    }
    for (size_t i = 0; i < o->topics.count; i++)
        names[i] = kc_str(o->topics.items[i]);
    kc_err err = kc_admin_delete_topics(session->admin, names, o->topics.count,
                                        session->common->timeout_ms, &results, &error);
    int code = err && !results
                   ? cli_fail("no topic was deleted", &error)
                   : topics_report(results, "deleted", o->json,
                                   o->if_exists ? KC_E_UNKNOWN_TOPIC_OR_PARTITION : KC_OK);
    kc_topic_results_free(results);
    free(names);
    return code;
}

int cmd_topics_delete(int argc, char **argv)
{
    delete_options o = { 0 };
    cli_common common;
    cli_session session = { 0 };
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0)
        code = topics_need_names(&syntax, &o.topics) ? -1 : CLI_USAGE;
    if (code < 0)
        code = cli_session_open(&session, &common);
    if (code == CLI_OK && session.client)
        code = delete_topics(&session, &o);
    cli_session_close(&session, 1000);
    cli_strings_free(&o.topics);
    cli_common_free(&common);
    return code;
}
