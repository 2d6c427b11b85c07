/* SPDX-License-Identifier: Apache-2.0 */
/* kclient groups plan: what an assignor makes of a group that is described in a file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/out.h"
#include "cli/plan_input.h"

enum { KEY_ASSIGNOR = CLI_LONG_ONLY, KEY_COOPERATIVE, KEY_JSON, INPUT_MAX = 1 << 30 };

static const cli_option options[] = {
    { KEY_ASSIGNOR, "assignor", "NAME",
      "range (the default), roundrobin, sticky,\n"
      "cooperative-sticky, rack-aware-range, or Java's class" },
    { KEY_COOPERATIVE, "cooperative", NULL,
      "as the next rebalance would: what an owner has to\n"
      "give back first is withheld" },
    { KEY_JSON, "json", NULL, "one JSON object instead of a table" },
    { 0 },
};

typedef struct plan_options {
    const char *assignor, *file;
    bool cooperative, json;
} plan_options;

static bool set(void *arg, int key, const char *value)
{
    plan_options *o = arg;
    if (key == KEY_ASSIGNOR)
        o->assignor = value;
    else
        *(key == KEY_JSON ? &o->json : &o->cooperative) = true;
    return true;
}

static bool operand(void *arg, const char *value)
{
    plan_options *o = arg;
    if (o->file) {
        cli_error("one FILE only: %.60s is one too many", value);
        return false;
    }
    o->file = value;
    return true;
}

static const cli_syntax syntax = {
    .command = "kclient groups plan",
    .arguments = "[FILE] [options]",
    .about =
        "Reads a group's members and topics as JSON from FILE or standard input, and prints who "
        "gets which\npartitions. docs/CLI.md describes the JSON.",
    .options = options,
    .no_cluster = true,
    .set = set,
    .operand = operand,
};

/* ---- input ---------------------------------------------------------------------------------- */

/* The whole file, to be freed; NULL: cannot be read, which was said. */
static char *read_all(FILE *in, const char *name, size_t *size)
{
    size_t cap = 1 << 16;
    char *text = malloc(cap);
    *size = 0;
    while (text && !feof(in) && !ferror(in)) {
        if (*size == cap) {
            char *more = cap < INPUT_MAX ? realloc(text, cap * 2) : NULL;
            if (!more)
                break;
            text = more;
            cap *= 2;
        }
        *size += fread(text + *size, 1, cap - *size, in);
    }
    if (text && feof(in) && !ferror(in))
        return text;
    if (ferror(in))
        cli_error("%.200s cannot be read: %s", name, strerror(errno));
    else
        cli_error("%.200s is too large", name);
    free(text);
    return NULL;
}

static char *read_file(const char *name, size_t *size)
{
    if (!name || strcmp(name, "-") == 0)
        return read_all(stdin, "standard input", size);
    FILE *in = fopen(name, "r");
    if (!in) {
        cli_error("%.200s cannot be opened: %s", name, strerror(errno));
        return NULL;
    }
    char *text = read_all(in, name, size);
    fclose(in);
    return text;
}

/* ---- output --------------------------------------------------------------------------------- */

/* Partitions of a topic that the member has: to out, parted by commas; returns how many. */
static int print_partitions(const kc_plan *plan, size_t member, size_t topic)
{
    int count = 0;
    for (int32_t i = 0; i < kc_plan_partition_count(plan, topic); i++)
        if (kc_plan_assigned(plan, topic, i) == (int32_t)member)
            out_format(count++ ? ",%d" : "%d", i);
    return count;
}

static bool has_any(const kc_plan *plan, size_t member, size_t topic)
{
    for (int32_t i = 0; i < kc_plan_partition_count(plan, topic); i++)
        if (kc_plan_assigned(plan, topic, i) == (int32_t)member)
            return true;
    return false;
}

static void print_member_json(const kc_plan *plan, size_t member)
{
    bool first = true;
    out_text("[");
    for (size_t t = 0; t < kc_plan_topic_count(plan); t++) {
        if (!has_any(plan, member, t))
            continue;
        out_text(first ? "{\"topic\":" : ",{\"topic\":");
        first = false;
        out_json_string(kc_plan_topic_name(plan, t));
        out_text(",\"partitions\":[");
        print_partitions(plan, member, t);
        out_text("]}");
    }
    out_text("]");
}

static void print_json(const kc_plan *plan, const kc_plan_score *score)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    out_text("{\"assignment\":{");
    for (size_t i = 0; kc_plan_member_at(plan, i, &m); i++) {
        if (i > 0)
            out_text(",");
        out_json_string(m.member_id);
        out_text(":");
        print_member_json(plan, i);
    }
    out_format("},\"in_rack\":%llu,\"leader_in_rack\":%llu,\"partitions\":%llu",
               (unsigned long long)score->in_rack, (unsigned long long)score->leader_in_rack,
               (unsigned long long)score->partitions);
    if (score->withheld > 0)
        out_format(",\"withheld\":%llu", (unsigned long long)score->withheld);
    out_text("}\n");
}

static void print_row(const kc_plan *plan, const kc_plan_member *m, size_t member, size_t topic)
{
    out_bytes(m->member_id);
    out_text("\t");
    if (m->rack.data)
        out_bytes(m->rack);
    else
        out_text("-");
    out_text("\t");
    out_bytes(kc_plan_topic_name(plan, topic));
    out_text("\t");
    print_partitions(plan, member, topic);
    out_text("\n");
}

static void print_table(const kc_plan *plan, const kc_plan_score *score)
{
    kc_plan_member m = KC_PLAN_MEMBER_INIT;
    out_text("MEMBER\tRACK\tTOPIC\tPARTITIONS\n");
    for (size_t i = 0; kc_plan_member_at(plan, i, &m); i++) {
        bool any = false;
        for (size_t t = 0; t < kc_plan_topic_count(plan); t++) {
            if (has_any(plan, i, t))
                print_row(plan, &m, i, t);
            any |= has_any(plan, i, t);
        }
        if (any)
            continue;
        out_bytes(m.member_id);
        out_text("\t");
        out_bytes(m.rack.data ? m.rack : kc_str("-"));
        out_text("\t-\t-\n");
    }
    out_format("%llu of %llu partitions have a replica in their member's rack, %llu their leader\n",
               (unsigned long long)score->in_rack, (unsigned long long)score->partitions,
               (unsigned long long)score->leader_in_rack);
    if (score->withheld > 0)
        out_format("%llu have to be given back before the next rebalance hands them out\n",
                   (unsigned long long)score->withheld);
}

/* ---- all ------------------------------------------------------------------------------------ */

static int answer(kc_plan *plan, const plan_options *o, const kc_assignor *assignor)
{
    kc_error why = { 0 };
    kc_plan_score score = { .size = sizeof score };
    uint32_t protocol = o->cooperative ? KC_ASSIGNOR_COOPERATIVE : KC_ASSIGNOR_EAGER;
    if (kc_plan_run(plan, assignor, protocol, &why) != KC_OK)
        return cli_fail("", &why);
    why.code = kc_plan_get_score(plan, &score);
    if (why.code != KC_OK)
        return cli_fail("", &why);
    (o->json ? print_json : print_table)(plan, &score);
    return CLI_OK;
}

static int run(const plan_options *o)
{
    kc_error why = { 0 };
    kc_plan *plan = NULL;
    size_t size;
    const kc_assignor *assignor = kc_assignor_find(o->assignor ? o->assignor : "range");
    if (!assignor)
        return cli_usage(&syntax, "there is no assignor %.60s", o->assignor);
    char *text = read_file(o->file, &size);
    if (!text)
        return CLI_USAGE;
    int code = CLI_OK;
    if (kc_plan_new(&plan, &why) != KC_OK || !plan_input_read(plan, text, size, &why))
        code = cli_fail(o->file ? o->file : "standard input", &why);
    free(text);
    if (code == CLI_OK)
        code = answer(plan, o, assignor);
    kc_plan_free(plan);
    return code;
}

int cmd_groups_plan(int argc, char **argv)
{
    plan_options o = { 0 };
    int code = cli_parse(&syntax, argc, argv, NULL, &o);
    return code < 0 ? run(&o) : code;
}
