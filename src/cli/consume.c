/* SPDX-License-Identifier: Apache-2.0 */
/* kclient consume: prints the records of a topic, as a format or as JSON. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/out.h"
#include "cli/position.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/stop.h"

enum { KEY_BEGINNING = CLI_LONG_ONLY, KEY_READ_COMMITTED };

static const cli_option options[] = {
    { 't', "topic", "TOPIC", "the topic" },
    { 'p', "partition", "N", "only this partition; may be repeated" },
    { 'o', "offset", "WHERE", "where to begin: beginning (default), end, N, -N (last N), @MS" },
    { KEY_BEGINNING, "from-beginning", NULL, "the same as -o beginning" },
    { 'e', "exit-at-end", NULL, "stop at the end of all partitions" },
    { 'c', "max-messages", "N", "stop after N records" },
    { 'f', "format", "FORMAT",
      "%t %p %o %k %s %h %T %K %S %R %%, \\n \\t \\xHH; no newline is added" },
    { 'J', "json", NULL, "one JSON object a record" },
    { 'K', "key-delimiter", "SEP", "print key and SEP before the value" },
    { 'D', "delimiter", "SEP", "print SEP instead of a newline after each record" },
    { 'O', "print-offset", NULL, "print the offset before each record, with the key's SEP" },
    { 'Z', "null", NULL, "print null keys and values as NULL" },
    { 'u', "unbuffered", NULL, "write after every record" },
    { 'G', "group", "GROUP", "not yet built in" },
    { KEY_READ_COMMITTED, "read-committed", NULL, "leave out records of aborted transactions" },
    { 0 },
};

typedef struct consume_options {
    const char *topic, *format, *key_delimiter, *delimiter;
    kc_position position;
    cli_strings partitions;
    int64_t max;
    bool exit_at_end, json, print_offset, null_text, unbuffered, read_committed, group;
} consume_options;

typedef struct consuming {
    const consume_options *options;
    cli_session session;
    kc_consumer *consumer;
    cli_format *format;
    int32_t *partitions; /* those that are read */
    bool *finished;      /* at the same index: its end was reached, or it cannot go on */
    size_t count, open;
    int64_t records, bytes;
    cli_progress progress;
    int code;
} consuming;

static bool set_flag(consume_options *o, int key)
{
    switch (key) {
    case KEY_BEGINNING:
        o->position = kc_position_beginning();
        return true;
    case KEY_READ_COMMITTED:
        o->read_committed = true;
        return true;
    case 'e':
        o->exit_at_end = true;
        return true;
    case 'J':
        o->json = true;
        return true;
    case 'O':
        o->print_offset = true;
        return true;
    case 'Z':
        o->null_text = true;
        return true;
    case 'u':
        o->unbuffered = true;
        return true;
    default:
        cli_error("-G: consumer groups are not built in yet; without it all partitions are read");
        return false;
    }
}

static bool operand(void *arg, const char *value)
{
    consume_options *o = arg;
    if (o->topic) {
        cli_error("%.60s is one topic too many: one is read at a time", value);
        return false;
    }
    o->topic = value;
    return true;
}

static bool set(void *arg, int key, const char *value)
{
    consume_options *o = arg;
    int64_t n;
    switch (key) {
    case 't':
        return operand(o, value);
    case 'p':
        return cli_number(value, 0, INT32_MAX, "-p", &n) && cli_strings_add(&o->partitions, value);
    case 'o':
        if (cli_position_parse(value, &o->position))
            return true;
        cli_error("-o %.60s: write beginning, end, an offset, -N for the last N, or @MS for a time",
                  value);
        return false;
    case 'c':
        return cli_number(value, 1, INT64_MAX, "-c", &o->max);
    case 'f':
        o->format = value;
        return true;
    case 'K':
        o->key_delimiter = value;
        return true;
    case 'D':
        o->delimiter = value;
        return true;
    default:
        return set_flag(o, key);
    }
}

/* Reading a topic that is deleted meanwhile must not bring it back. */
static const char *const defaults[] = { "allow.auto.create.topics", "false", NULL };

static const cli_syntax syntax = {
    .command = "kclient consume",
    .arguments = "-b HOST:PORT -t TOPIC [options]",
    .about =
        "Prints the records of a topic to standard output, and everything else to standard error.\n"
        "Ends at SIGINT, with -e at the topic's end, with -c after so many records.",
    .options = options,
    .defaults = defaults,
    .set = set,
    .operand = operand,
};

/* Text that stands for itself in a format. */
static char *literal(char *out, const char *text)
{
    for (; *text; text++) {
        *out++ = *text;
        if (*text == '%')
            *out++ = '%';
    }
    *out = '\0';
    return out;
}

/* -K, -D and -O are short forms of a format. */
static cli_format *make_format(const consume_options *o)
{
    const char *null_text = o->null_text ? "NULL" : "";
    if (o->format)
        return cli_format_new(o->format, null_text);
    const char *key = o->key_delimiter ? o->key_delimiter : "";
    const char *end = o->delimiter ? o->delimiter : "\\n";
    /* each separator may double, the key's stands there twice, and the tokens are six letters */
    char *text = malloc(4 * strlen(key) + 2 * strlen(end) + 16), *at = text;
    if (!text) {
        cli_error("out of memory");
        return NULL;
    }
    if (o->print_offset) {
        at = stpcpy(at, "%o");
        at = literal(at, *key ? key : "\\t");
    }
    if (o->key_delimiter)
        at = stpcpy(at, "%k");
    at = literal(at, key);
    at = stpcpy(at, "%s");
    literal(at, end);
    cli_format *format = cli_format_new(text, null_text);
    free(text);
    return format;
}

static bool wants(const consume_options *o, int32_t partition)
{
    for (size_t i = 0; i < o->partitions.count; i++)
        if (strtoll(o->partitions.items[i], NULL, 10) == partition)
            return true;
    return o->partitions.count == 0;
}

/* Picks the partitions, and says if one that was asked for is not there. */
static int pick_partitions(consuming *c, const kc_cluster *cluster)
{
    const consume_options *o = c->options;
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    kc_partition_description p = KC_PARTITION_DESCRIPTION_INIT;
    (void)kc_cluster_topic_at(cluster, 0, &topic);
    c->partitions = calloc((size_t)topic.partition_count + 1, sizeof *c->partitions);
    c->finished = calloc((size_t)topic.partition_count + 1, sizeof *c->finished);
    if (!c->partitions || !c->finished) {
        cli_error("out of memory");
        return CLI_CLUSTER;
    }
    for (size_t i = 0; kc_cluster_partition_at(cluster, 0, i, &p); i++)
        if (wants(o, p.partition))
            c->partitions[c->count++] = p.partition;
    c->open = c->count;
    for (size_t i = 0; i < o->partitions.count; i++) {
        long long wanted = strtoll(o->partitions.items[i], NULL, 10);
        if (wanted >= topic.partition_count) {
            cli_error("topic %s has no partition %lld: it has %d, numbered from 0 (%s)", o->topic,
                      wanted, topic.partition_count, kc_error_name(KC_E_UNKNOWN_PARTITION));
            return CLI_CLUSTER;
        }
    }
    return CLI_OK;
}

static int assign(consuming *c)
{
    kc_topic_partition_position *list = calloc(c->count + 1, sizeof *list);
    kc_error error;
    if (!list) {
        cli_error("out of memory");
        return CLI_CLUSTER;
    }
    for (size_t i = 0; i < c->count; i++)
        list[i] = (kc_topic_partition_position){ kc_str(c->options->topic), c->partitions[i],
                                                 c->options->position };
    kc_err err = kc_consumer_assign(c->consumer, list, c->count, &error);
    free(list);
    return err ? cli_fail("", &error) : CLI_OK;
}

static int start(consuming *c, const cli_common *common)
{
    kc_error error;
    kc_cluster *cluster;
    int code = cli_session_open(&c->session, common);
    if (code == CLI_OK)
        code = cli_session_topic(&c->session, c->options->topic, &cluster);
    if (code != CLI_OK)
        return code;
    code = pick_partitions(c, cluster);
    kc_cluster_free(cluster);
    if (code != CLI_OK)
        return code;
    if (kc_consumer_new(c->session.client, NULL, &c->consumer, &error) != KC_OK)
        return cli_fail("", &error);
    return assign(c);
}

static void finish_partition(consuming *c, int32_t partition)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->partitions[i] == partition && !c->finished[i]) {
            c->finished[i] = true;
            c->open--;
        }
}

/* The client tries again, and time alone may help: missing rights, which it tries again too, last
 * until somebody grants them. */
static bool will_pass(const kc_error *error)
{
    uint32_t by_time = KC_ERROR_RETRIABLE | KC_ERROR_REFRESH_METADATA;
    return (error->flags & KC_ERROR_GOES_ON) && (error->flags & by_time);
}

/* An error of one partition: some are passing, others end its reading. */
static void on_partition_error(consuming *c, const kc_records *records, kc_err err,
                               const kc_error *error)
{
    cli_error("%s [%d] at offset %lld: %s (%s)", c->options->topic, kc_records_partition(records),
              (long long)kc_records_offset(records), error->text, kc_error_name(err));
    if (will_pass(error))
        return;
    finish_partition(c, kc_records_partition(records));
    if (c->code == CLI_OK)
        c->code = c->records > 0 ? CLI_PARTIAL : CLI_CLUSTER;
    if (c->open > 0 && !c->options->exit_at_end)
        cli_error("%s [%d] is not read any more", c->options->topic, kc_records_partition(records));
}

static bool limit_reached(const consuming *c)
{
    return c->options->max > 0 && c->records >= c->options->max;
}

/* kcat's words; NULL: the records have no timestamps. */
static const char *timestamp_type_of(const kc_records *records)
{
    int32_t type = kc_records_timestamp_type(records);
    return type == KC_TIMESTAMP_CREATE       ? "create"
           : type == KC_TIMESTAMP_LOG_APPEND ? "logappend"
                                             : NULL;
}

static void print_records(consuming *c, const kc_records *records)
{
    size_t count = kc_records_count(records);
    const kc_record *data = kc_records_data(records);
    cli_record r = {
        .topic = kc_records_topic(records),
        .partition = kc_records_partition(records),
        .broker = kc_records_broker(records),
        .timestamp_type = timestamp_type_of(records),
    };
    for (size_t i = 0; i < count && !limit_reached(c) && out_works(); i++) {
        r.record = &data[i];
        if (c->options->json)
            cli_format_json(&r);
        else
            cli_format_print(c->format, &r);
        if (c->options->unbuffered)
            (void)out_flush();
        c->records++;
    }
    c->bytes += (int64_t)kc_records_bytes(records);
    if (kc_records_at_end(records) && c->options->exit_at_end)
        finish_partition(c, r.partition);
}

/* Without an answer at hand, what is printed so far is written out before the wait. */
static kc_err next(consuming *c, kc_records **records, kc_error *error)
{
    kc_err err = kc_consumer_poll(c->consumer, 0, records, error);
    if (err || *records)
        return err;
    int fd = kc_consumer_fd(c->consumer);
    if (!out_flush())
        return KC_E_INTERRUPTED;
    if (fd < 0) /* the process has no descriptor left: then a reader that goes away is seen later */
        return kc_consumer_poll(c->consumer, -1, records, error);
    if (!out_wait(fd, stop_fd()))
        return KC_E_INTERRUPTED;
    return kc_consumer_poll(c->consumer, 0, records, error);
}

static void run(consuming *c)
{
    while (c->open > 0 && !limit_reached(c) && out_works() && !stop_requested()) {
        kc_records *records;
        kc_error error;
        kc_err err = next(c, &records, &error);
        if (err && records)
            on_partition_error(c, records, err, &error);
        else if (err && err != KC_E_INTERRUPTED) {
            c->code = cli_fail("", &error);
            return;
        }
        if (!err && records)
            print_records(c, records);
        kc_records_free(records);
        progress_show(&c->progress, c->records, c->bytes);
    }
}

/* A signal or a reader that went away ended what had an end of its own. */
static void report_rest(consuming *c)
{
    const consume_options *o = c->options;
    bool whole = limit_reached(c) || (c->open == 0 && o->exit_at_end);
    if (c->code != CLI_OK || whole || !stop_requested() || (!o->exit_at_end && o->max == 0))
        return;
    if (o->max > 0)
        cli_error("interrupted: %lld of %lld records are printed", (long long)c->records,
                  (long long)o->max);
    else
        cli_error("interrupted: %lld records are printed, and %zu of %zu partitions are not read "
                  "to their end",
                  (long long)c->records, c->open, c->count);
    c->code = CLI_PARTIAL;
}

static void wake(void *consumer)
{
    kc_consumer_wakeup(consumer);
}

static int consume(consuming *c, const cli_common *common)
{
    c->code = start(c, common);
    if (c->code == CLI_OK) {
        progress_begin(&c->progress, STDOUT_FILENO, common->quiet);
        stop_set_wake(wake, c->consumer);
        run(c);
        stop_set_wake(NULL, NULL);
        progress_end(&c->progress);
        report_rest(c);
    }
    kc_consumer_free(c->consumer);
    cli_session_close(&c->session, 1000);
    free(c->partitions);
    free(c->finished);
    return c->code;
}

/* Ends of partitions are wanted as events, so that -e also ends when there is nothing to read. */
static void set_properties(const consume_options *o, kc_config *config)
{
    if (o->exit_at_end)
        (void)kc_config_set(config, "enable.partition.eof", "true", NULL);
    if (o->read_committed)
        (void)kc_config_set(config, "isolation.level", "read_committed", NULL);
}

int cmd_consume(int argc, char **argv)
{
    consume_options o = { .position = kc_position_beginning() };
    consuming c = { .options = &o };
    cli_common common;
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0 && !o.topic)
        code = cli_usage(&syntax, "no topic is named: use -t TOPIC");
    if (code < 0 && o.json && o.format)
        code = cli_usage(&syntax, "-J and -f are two ways to print a record: choose one");
    if (code < 0) {
        c.format = make_format(&o);
        code = c.format && stop_listen() ? -1 : CLI_USAGE;
    }
    if (code < 0) {
        set_properties(&o, common.config);
        code = consume(&c, &common);
    }
    cli_format_free(c.format);
    cli_strings_free(&o.partitions);
    cli_common_free(&common);
    return code;
}
