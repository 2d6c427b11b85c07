/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `kclient perf` share: options and the report. */
#ifndef CLI_PERF_H
#define CLI_PERF_H

#include "cli/histogram.h"
#include "cli/session.h"

/* -t, -n, -s, -r, -G and --json, as far as a subcommand's table has them. */
typedef struct perf_options {
    const char *topic, *group;
    int64_t records, bytes_each, per_second;
    bool json;
} perf_options;

enum { PERF_KEY_JSON = CLI_LONG_ONLY };

#define PERF_TOPIC                         \
    {                                      \
        't', "topic", "TOPIC", "the topic" \
    }
#define PERF_RECORDS                                \
    {                                               \
        'n', "num-records", "N", "how many records" \
    }
#define PERF_BYTES                                                    \
    {                                                                 \
        's', "record-size", "BYTES", "size of a record's value (100)" \
    }
#define PERF_JSON                                                                   \
    {                                                                               \
        PERF_KEY_JSON, "json", NULL, "end with one line of JSON on standard output" \
    }

bool perf_set(void *options, int key, const char *value);

/* Parses, and checks that there are a topic and a number of records. As cli_parse(). */
int perf_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common,
               perf_options *options);

/* What was measured. */
typedef struct perf_result {
    int64_t records, bytes;   /* done */
    int64_t failed;           /* of those asked for */
    int64_t begun_us;         /* clock_us() */
    int64_t ended_us;         /* the same; 0: now */
    const histogram *latency; /* µs; NULL: not measured */
} perf_result;

/* Prints the figures from begun_us until ended_us, and returns the exit code for `failed`. */
int perf_report(const perf_options *options, const char *what, const perf_result *result);

/* A block of pseudo-random letters, to take values from at any place below PERF_BLOCK; it has
 * `size` more bytes. The same in every run. NULL: out of memory, which was said. Free it. */
enum { PERF_BLOCK = 64 * 1024 };
uint8_t *perf_block(size_t size);

#endif
