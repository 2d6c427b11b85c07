/* SPDX-License-Identifier: Apache-2.0 */
/* kclient topics: what its subcommands share. */
#include "cli/topics.h"

#include "cli/commands.h"
#include "cli/out.h"

static const cli_command commands[] = {
    { "create", "create topics", cmd_topics_create },
    { "list", "list topics", cmd_topics_list },
    { "describe", "show partitions, replicas and configuration", cmd_topics_describe },
    { "delete", "delete topics with all their records", cmd_topics_delete },
    { NULL, NULL, NULL },
};

int cmd_topics(int argc, char **argv)
{
    return cli_dispatch("kclient topics", commands, argc, argv);
}

int topics_report(kc_topic_results *results, const char *verb, bool json, kc_err ignored)
{
    size_t count = kc_topic_results_count(results), failed = 0;
    int code = CLI_OK;
    for (size_t i = 0; i < count; i++) {
        kc_topic_result r = KC_TOPIC_RESULT_INIT;
        (void)kc_topic_results_at(results, i, &r);
        if (json)
            topics_result_json(&r);
        if (r.err == KC_OK || r.err == ignored) {
            if (!json && r.err == KC_OK)
                topics_result_text(&r, verb);
            continue;
        }
        cli_error("topic %.*s: %s (%s)", (int)r.name.size, (const char *)r.name.data, r.text,
                  kc_error_name(r.err));
        code = failed++ ? code : cli_exit_code(r.err);
    }
    return failed > 0 && failed < count ? CLI_PARTIAL : code;
}

void topics_result_text(const kc_topic_result *r, const char *verb)
{
    out_text(verb);
    out_text(" topic ");
    out_bytes(r->name);
    if (r->partitions > 0 && r->replication_factor > 0)
        out_format(" (%d partitions, replication factor %d)", r->partitions, r->replication_factor);
    out_text("\n");
}

void topics_result_json(const kc_topic_result *r)
{
    out_text("{\"topic\":");
    out_json_string(r->name);
    topics_id_json(&r->id);
    if (r->partitions >= 0)
        out_format(",\"partitions\":%d", r->partitions);
    if (r->replication_factor >= 0)
        out_format(",\"replication_factor\":%d", r->replication_factor);
    if (r->err) {
        out_format(",\"error\":\"%s\",\"message\":", kc_error_name(r->err));
        out_json_text(r->text);
    }
    out_text("}\n");
}

/* Kafka writes ids in URL-safe base64 without padding. */
bool topics_id_text(const kc_uuid *id, char out[TOPICS_ID_SIZE])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0, count = 0;
    uint8_t any = 0;
    size_t n = 0;
    for (size_t i = 0; i < sizeof id->bytes; i++) {
        any |= id->bytes[i];
        bits = bits << 8 | id->bytes[i];
        for (count += 8; count >= 6; count -= 6)
            out[n++] = digits[bits >> (count - 6) & 63];
    }
    out[n++] = digits[bits << (6 - count) & 63];
    out[n] = '\0';
    return any != 0;
}

void topics_id_json(const kc_uuid *id)
{
    char text[TOPICS_ID_SIZE];
    if (topics_id_text(id, text))
        out_format(",\"id\":\"%s\"", text);
}

bool topics_need_names(const cli_syntax *syntax, const cli_strings *names)
{
    if (names->count > 0)
        return true;
    (void)cli_usage(syntax, "no topic is named: use -t TOPIC");
    return false;
}
