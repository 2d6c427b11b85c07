/* SPDX-License-Identifier: Apache-2.0 */
/* Options by table: parsed by getopt_long, and printed by --help. */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include "cli/cli.h"

/* Keys of options without a letter begin here. */
enum { CLI_LONG_ONLY = 256 };

typedef struct cli_option {
    int key;              /* its letter, or CLI_LONG_ONLY and up; 0 ends a table */
    const char *name;     /* long name; NULL: none */
    const char *argument; /* its name in the help; NULL: takes none */
    const char *help;     /* NULL: a synonym of the row with the same key before it */
} cli_option;

/* What all subcommands that talk to a cluster have. */
typedef struct cli_common {
    kc_config *config;
    int32_t timeout_ms; /* -m: for the first contact and for administration */
    bool quiet;
    int verbose;
} cli_common;

typedef struct cli_syntax {
    const char *command;   /* "kclient topics create" */
    const char *arguments; /* "-t TOPIC [options]" */
    const char *about;     /* one or more lines */
    const cli_option *options;
    const char *const
        *defaults;   /* properties that differ from the library's: name, value, ..., NULL */
    bool no_cluster; /* has none of the common options but --help */
    /* One option of the table; arg is NULL for those without argument. False: a usage error, which
     * has been said. */
    bool (*set)(void *options, int key, const char *arg);
    /* What is no option; may be NULL: there must be none. */
    bool (*operand)(void *options, const char *arg);
} cli_syntax;

/* Fills in common (all of it) and options. -1: go on. Otherwise an exit code: --help was asked for
 * and printed, or there was an error and it was said. Free with cli_common_free in both cases.
 * common may be NULL with no_cluster. */
int cli_parse(const cli_syntax *syntax, int argc, char **argv, cli_common *common, void *options);
void cli_common_free(cli_common *common);

/* Says what is wrong and how to get help, and returns CLI_USAGE. */
int cli_usage(const cli_syntax *syntax, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* A whole number in min..max; otherwise says that `what` is not, and returns false. */
bool cli_number(const char *text, int64_t min, int64_t max, const char *what, int64_t *out);

/* Replaces \n \r \t \0 \\ \xHH in a copy of the text, which may then hold any bytes. False: it ends
 * in the middle of one, or out of memory; that was said. Free out->data. */
bool cli_unescape(const char *text, kc_bytes *out);

/* A growing list of strings, borrowed (of argv). */
typedef struct cli_strings {
    const char **items;
    size_t count;
} cli_strings;
bool cli_strings_add(cli_strings *list, const char *item); /* false: out of memory, said */
void cli_strings_free(cli_strings *list);

#endif
