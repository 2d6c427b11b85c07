/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `kclient` share: exit codes, options, the client, messages. The command
 * uses the public API only (<kclient/...>); one file holds one subcommand.
 *
 * Data goes to standard output (out.h), everything else to standard error. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include <kclient/kclient.h>

/* Exit codes, the same for all subcommands. */
enum {
    CLI_OK = 0,
    CLI_USAGE = 1,   /* options, properties, files */
    CLI_CLUSTER = 2, /* the cluster or its authentication refused, or cannot be reached */
    CLI_PARTIAL = 3, /* some of the work was done, and some was not */
    CLI_TIMEOUT = 4  /* no answer in time */
};

/* A subcommand. argv[0] is its name. Returns an exit code. */
typedef struct cli_command {
    const char *name;
    const char *summary;
    int (*run)(int argc, char **argv);
} cli_command;

/* Finds argv[1] in the table (NULL name at its end) and runs it; prints the table for --help, and
 * says what there is when there is no such name. title: "kclient topics". */
int cli_dispatch(const char *title, const cli_command *commands, int argc, char **argv);

/* "kclient: " and the text to standard error. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Says a library error in one line, with its name: "what: TEXT (NAME)", and returns its exit code.
 */
int cli_fail(const char *what, const kc_error *error);

/* The exit code for an error of the library. */
int cli_exit_code(kc_err err);

#endif
