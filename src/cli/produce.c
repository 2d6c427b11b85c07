/* SPDX-License-Identifier: Apache-2.0 */
/* kclient produce: sends lines, or whole files, as records. */
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/input.h"
#include "cli/progress.h"
#include "cli/session.h"
#include "cli/stop.h"

enum { KEY_ACKS = CLI_LONG_ONLY };

/* So many records are handed over in one call. */
enum { MANY = 512 };

static const cli_option options[] = {
    { 't', "topic", "TOPIC", "the topic" },
    { 'p', "partition", "N", "the partition; default: by key (murmur2), without key sticky" },
    { 'K', "key-delimiter", "SEP", "what stands before the first SEP of a line is its key" },
    { 'k', "key", "KEY", "key of records that have none of their own" },
    { 'D', "delimiter", "SEP", "records end with SEP instead of a newline" },
    { 'H', "header", "NAME=VALUE",
      "a header for every record; NAME alone: null; may be\nrepeated" },
    { 'z', "compress", "CODEC", "gzip, snappy, lz4, zstd or none" },
    { 'Z', "null", NULL, "send empty keys and values as null" },
    { 'c', "max-messages", "N", "stop after N records" },
    { KEY_ACKS, "acks", "all|1|0", "who must have a record before it counts as sent" },
    { 'l', "lines", NULL,
      "each line of a FILE is a record, as with -K or -D;\nwithout, each FILE is one" },
    { 0 },
};

typedef struct produce_options {
    const char *topic, *key, *codec, *acks;
    kc_bytes key_delimiter, delimiter; /* allocated */
    cli_strings headers, files;
    int64_t partition, max;
    bool null_if_empty, lines;
} produce_options;

typedef struct producing {
    const produce_options *options;
    const cli_common *common;
    cli_session session;
    kc_producer *producer;
    kc_header *headers;
    cli_progress progress;
    int64_t read, bytes;   /* records of the input, and their bytes */
    int64_t acked, failed; /* with an outcome */
    int64_t refused;       /* not even taken */
    int64_t maybe;         /* of the failed: may be in the log all the same */
    const char *unread;    /* the first file that was not read to its end; NULL: none */
    bool ended;            /* there is no use in going on */
    kc_error first;        /* of failures; code KC_OK: none */
} producing;

static bool set_delimiter(const char *text, const char *what, kc_bytes *out)
{
    free((void *)(uintptr_t)out->data);
    *out = (kc_bytes){ NULL, 0 };
    if (!cli_unescape(text, out))
        return false;
    if (out->size > 0)
        return true;
    cli_error("%s: the separator is empty", what);
    return false;
}

static bool set(void *arg, int key, const char *value)
{
    produce_options *o = arg;
    switch (key) {
    case 't':
        if (o->topic) {
            cli_error("-t %.60s is one topic too many: records go to one", value);
            return false;
        }
        o->topic = value;
        return true;
    case 'p':
        return cli_number(value, -1, INT32_MAX, "-p", &o->partition);
    case 'K':
        return set_delimiter(value, "-K", &o->key_delimiter);
    case 'D':
        return set_delimiter(value, "-D", &o->delimiter);
    case 'k':
        o->key = value;
        return true;
    case 'H':
        if (*value != '\0' && *value != '=')
            return cli_strings_add(&o->headers, value);
        cli_error("-H %.60s: write NAME=VALUE, or NAME for null", value);
        return false;
    case 'z':
        o->codec = value;
        return true;
    case 'Z':
        o->null_if_empty = true;
        return true;
    case 'c':
        return cli_number(value, 1, INT64_MAX, "-c", &o->max);
    case KEY_ACKS:
        o->acks = value;
        return true;
    default:
        o->lines = true;
        return true;
    }
}

static bool operand(void *arg, const char *value)
{
    return cli_strings_add(&((produce_options *)arg)->files, value);
}

/* Unknown topics are told sooner than Java's minute; a full buffer is waited for anyhow. */
static const char *const defaults[] = { "max.block.ms", "15000", NULL };

static const cli_syntax syntax = {
    .command = "kclient produce",
    .arguments = "-b HOST:PORT -t TOPIC [options] [FILE...]",
    .about =
        "Sends each line of standard input as a record, or each FILE, or with -l each line of the "
        "files. Ends\nwith status 0 only when all of them are acknowledged, and says how many are "
        "not.",
    .options = options,
    .defaults = defaults,
    .set = set,
    .operand = operand,
};

/* Keeps the first failure: it is told at the end. */
static void note(producing *p, kc_err code, const char *text)
{
    if (p->first.code != KC_OK)
        return;
    p->first.code = code;
    snprintf(p->first.text, sizeof p->first.text, "%s", text);
}

/* Failures that the next record will have as well. */
static bool is_lasting(kc_err err)
{
    switch (err) {
    case KC_E_RECORD_TOO_LARGE:
    case KC_E_MESSAGE_TOO_LARGE:
    case KC_E_RECORD_LIST_TOO_LARGE:
    case KC_E_INVALID_RECORD:
    case KC_E_INVALID_TIMESTAMP:
    case KC_E_REJECTED:
        return false;
    default:
        return true;
    }
}

static void on_delivery(void *user, const kc_delivery *delivery)
{
    producing *p = user;
    if (delivery->err == KC_OK) {
        p->acked += delivery->count;
        return;
    }
    p->failed += delivery->count;
    if (delivery->flags & KC_DELIVERY_POSSIBLY_PERSISTED)
        p->maybe += delivery->count;
    note(p, delivery->err, delivery->text);
    p->ended = p->ended || is_lasting(delivery->err);
}

static bool make_headers(producing *p)
{
    const cli_strings *texts = &p->options->headers;
    p->headers = calloc(texts->count + 1, sizeof *p->headers);
    if (!p->headers) {
        cli_error("out of memory");
        return false;
    }
    for (size_t i = 0; i < texts->count; i++) {
        const char *equals = strchr(texts->items[i], '=');
        size_t size = equals ? (size_t)(equals - texts->items[i]) : strlen(texts->items[i]);
        p->headers[i].name = kc_mem(texts->items[i], size);
        p->headers[i].value = kc_str(equals ? equals + 1 : NULL);
    }
    return true;
}

/* Connects, and asks for the topic: what is wrong with these shows before anything is read. */
static int start(producing *p)
{
    kc_error error;
    int32_t partitions;
    kc_producer_options producer_options = { .size = sizeof producer_options,
                                             .on_delivery = on_delivery,
                                             .user = p };
    int code = make_headers(p) ? cli_session_open(&p->session, p->common) : CLI_CLUSTER;
    if (code == CLI_OK)
        code = cli_session_contact(&p->session);
    if (code != CLI_OK)
        return code;
    if (kc_producer_new(p->session.client, &producer_options, &p->producer, &error) != KC_OK)
        return cli_fail("", &error);
    kc_err err =
        kc_producer_partition_count(p->producer, kc_str(p->options->topic), &partitions, &error);
    if (err == KC_E_INTERRUPTED)
        return CLI_CLUSTER;
    if (err != KC_OK)
        return cli_fail(p->options->topic, &error);
    if (p->options->partition < partitions)
        return CLI_OK;
    cli_error("topic %s has no partition %" PRId64 ": it has %d, numbered from 0 (%s)",
              p->options->topic, p->options->partition, partitions,
              kc_error_name(KC_E_UNKNOWN_PARTITION));
    return CLI_CLUSTER;
}

static kc_bytes value_of(const producing *p, kc_bytes bytes)
{
    return bytes.size == 0 && p->options->null_if_empty ? (kc_bytes){ NULL, 0 } : bytes;
}

/* A record from a line: its key up to the first separator. */
static void make_record(const producing *p, kc_bytes line, kc_producer_record *record)
{
    const produce_options *o = p->options;
    const uint8_t *at = NULL;
    *record = (kc_producer_record)KC_PRODUCER_RECORD_INIT;
    record->topic = kc_str(o->topic);
    record->partition = (int32_t)o->partition;
    record->headers = p->headers;
    record->header_count = o->headers.count;
    record->key = o->key ? value_of(p, kc_str(o->key)) : kc_str(NULL);
    if (o->key_delimiter.size > 0)
        at = memmem(line.data, line.size, o->key_delimiter.data, o->key_delimiter.size);
    if (at) {
        record->key = value_of(p, kc_mem(line.data, (size_t)(at - line.data)));
        at += o->key_delimiter.size;
        line = kc_mem(at, line.size - (size_t)(at - line.data));
    }
    record->value = value_of(p, line);
}

static void refuse(producing *p, const cli_input *in, int64_t piece, kc_err err, const char *text)
{
    cli_error("%s, record %" PRId64 ": %s (%s)", in->name, piece, text, kc_error_name(err));
    p->refused++;
    note(p, err, text);
}

/* Hands over `count` records, the first of which is record number `first` of the input. */
static void send_records(producing *p, const cli_input *in, const kc_producer_record *records,
                         size_t count, int64_t first)
{
    kc_error error;
    size_t done = 0;
    while (done < count && !p->ended) {
        size_t sent = 0;
        kc_err err =
            kc_producer_send_many(p->producer, records + done, count - done, &sent, &error);
        done += sent;
        if (err == KC_OK)
            continue;
        if (err == KC_E_QUEUE_FULL) {
            (void)kc_producer_poll(p->producer, 100, NULL);
        } else if (err != KC_E_INTERRUPTED) {
            refuse(p, in, first + (int64_t)done, err, error.text);
            p->ended = is_lasting(err);
            done++;
        }
        if (stop_requested())
            p->ended = true;
    }
    if (done < count) {
        p->refused += (int64_t)(count - done);
        note(p, KC_E_PURGED, "the rest was not sent any more");
    }
    (void)kc_producer_poll(p->producer, 0, NULL);
}

static bool limit_reached(const producing *p)
{
    return p->options->max > 0 && p->read >= p->options->max;
}

/* All records that are in the buffer. */
static void send_buffered(producing *p, cli_input *in)
{
    static kc_producer_record records[MANY];
    kc_bytes piece;
    int what = INPUT_PIECE;
    while (what != INPUT_NONE && !limit_reached(p) && !p->ended) {
        size_t count = 0;
        int64_t first = in->piece + 1;
        while (count < MANY && !limit_reached(p) &&
               (what = input_next(in, &piece)) == INPUT_PIECE) {
            make_record(p, piece, &records[count++]);
            p->bytes += (int64_t)piece.size;
            p->read++;
        }
        send_records(p, in, records, count, first);
        if (what == INPUT_LONG) {
            p->read++;
            refuse(p, in, in->piece, KC_E_RECORD_TOO_LARGE,
                   in->delimiter.size > 0 ? kc_error_text(KC_E_RECORD_TOO_LARGE)
                                          : "the file is larger than max.request.size: send its "
                                            "lines with -l, or raise max.request.size");
        }
    }
    progress_show(&p->progress, p->acked, p->bytes);
}

/* Waits until there is input; reports outcomes meanwhile. False: a signal came. */
static bool wait_for_input(producing *p, const cli_input *in)
{
    struct pollfd fds[] = { { in->fd, POLLIN, 0 },
                            { stop_fd(), POLLIN, 0 },
                            { kc_producer_fd(p->producer), POLLIN, 0 } };
    while (!stop_requested() && !p->ended) {
        if (poll(fds, 3, -1) < 0)
            continue;
        if (fds[2].revents)
            (void)kc_producer_poll(p->producer, 0, NULL);
        if (fds[0].revents)
            return true;
    }
    return false;
}

/* False: it could not be read. */
static bool send_file(producing *p, const char *path)
{
    cli_input in;
    const produce_options *o = p->options;
    const char *text = kc_config_get(p->common->config, "max.request.size");
    size_t longest = (size_t)strtoull(text ? text : "1048576", NULL, 10);
    bool is_file = path && strcmp(path, "-") != 0;
    bool by_pieces = !is_file || o->lines || o->delimiter.data || o->key_delimiter.data;
    kc_bytes delimiter = o->delimiter.data ? o->delimiter : kc_str(by_pieces ? "\n" : "");
    if (!input_open(&in, path, delimiter, longest))
        return false;
    bool ok = true;
    while (ok && !in.ended && !limit_reached(p) && wait_for_input(p, &in)) {
        ok = input_fill(&in);
        if (ok)
            send_buffered(p, &in);
    }
    if (is_file && ok && !in.ended && !limit_reached(p) && !p->unread)
        p->unread = path;
    input_close(&in);
    return ok;
}

static bool send_all(producing *p)
{
    const cli_strings *files = &p->options->files;
    bool ok = true;
    if (files->count == 0)
        ok = send_file(p, NULL);
    for (size_t i = 0; i < files->count && ok && !limit_reached(p); i++) {
        if (!stop_requested() && !p->ended)
            ok = send_file(p, files->items[i]);
        else if (!p->unread)
            p->unread = files->items[i];
    }
    return ok;
}

/* Says what is missing, if anything is. */
static int report(const producing *p, bool input_ok)
{
    int64_t missing = p->read - p->acked;
    if (missing > 0) {
        char maybe[80] = "";
        if (p->maybe > 0)
            snprintf(maybe, sizeof maybe,
                     "; %" PRId64 " of them may have been written nevertheless", p->maybe);
        cli_error("%" PRId64 " of %" PRId64 " records are not acknowledged%s: %s (%s)", missing,
                  p->read, maybe, p->first.text, kc_error_name(p->first.code));
        return p->acked > 0 ? CLI_PARTIAL : cli_exit_code(p->first.code);
    }
    if (p->unread) {
        cli_error("interrupted: the %" PRId64
                  " records read so far are acknowledged; the rest, from "
                  "%s on, was not read",
                  p->acked, p->unread);
        return CLI_PARTIAL;
    }
    if (stop_requested())
        cli_error("interrupted; the %" PRId64 " records read so far are acknowledged", p->acked);
    return !input_ok ? (p->acked > 0 ? CLI_PARTIAL : CLI_USAGE) : CLI_OK;
}

static void wake(void *producer)
{
    kc_producer_wakeup(producer);
}

/* Waits for all outcomes: they come by delivery.timeout.ms. After a signal it is given less. */
static void finish(producing *p)
{
    kc_error error = { 0 };
    kc_err err = KC_E_INTERRUPTED;
    while (err == KC_E_INTERRUPTED)
        err = kc_producer_flush(p->producer, stop_requested() ? p->common->timeout_ms : -1, &error);
    if (err != KC_OK && err != KC_E_NOT_DELIVERED)
        note(p, err, error.text); /* the true reason: close() only says that it dropped them */
    err = kc_producer_close(p->producer, 0, &error);
    if (err)
        note(p, err, error.text);
}

static int produce(producing *p)
{
    int code = start(p);
    if (code == CLI_OK) {
        progress_begin(&p->progress, STDIN_FILENO, p->common->quiet);
        stop_set_wake(wake, p->producer);
        bool ok = send_all(p);
        finish(p);
        stop_set_wake(NULL, NULL);
        progress_end(&p->progress);
        code = report(p, ok);
    }
    kc_producer_free(p->producer);
    cli_session_close(&p->session, 1000);
    free(p->headers);
    return code;
}

/* -z and --acks are properties. False: wrong, which was said. */
static bool set_properties(const produce_options *o, kc_config *config)
{
    kc_error error;
    kc_err err = KC_OK;
    if (o->codec)
        err = kc_config_set(config, "compression.type", o->codec, &error);
    if (!err && o->acks)
        err = kc_config_set(config, "acks", o->acks, &error);
    if (err)
        cli_error("%s", error.text);
    return err == KC_OK;
}

int cmd_produce(int argc, char **argv)
{
    produce_options o = { .partition = KC_PARTITION_ANY };
    cli_common common;
    producing p = { .options = &o, .common = &common };
    int code = cli_parse(&syntax, argc, argv, &common, &o);
    if (code < 0 && !o.topic)
        code = cli_usage(&syntax, "no topic is named: use -t TOPIC");
    if (code < 0 && (!set_properties(&o, common.config) || !stop_listen()))
        code = CLI_USAGE;
    if (code < 0)
        code = produce(&p);
    free((void *)(uintptr_t)o.key_delimiter.data);
    free((void *)(uintptr_t)o.delimiter.data);
    cli_strings_free(&o.headers);
    cli_strings_free(&o.files);
    cli_common_free(&common);
    return code;
}
