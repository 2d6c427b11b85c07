/* SPDX-License-Identifier: Apache-2.0 */
/* The kclient command: finds the subcommand, and turns errors into messages and exit codes. */
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/nearest.h"
#include "cli/out.h"

static const cli_command commands[] = {
    { "topics", "create, list, describe, delete topics", cmd_topics },
    { "produce", "send lines of files or standard input as records", cmd_produce },
    { "consume", "print records", cmd_consume },
    { "perf", "measure: produce, consume, e2e (latency)", cmd_perf },
#if CLI_HAVE_JSON
    { "groups", "plan: who gets which partitions", cmd_groups },
#endif
#if CLI_HAVE_MOCK
    { "mock", "run a Kafka cluster for tests in this process", cmd_mock },
#endif
    { "config", "list configuration properties", cmd_config },
    { NULL, NULL, NULL },
};

void cli_error(const char *format, ...)
{
    char text[1200];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "kclient: %s\n", text);
}

int cli_exit_code(kc_err err)
{
    switch (err) {
    case KC_OK:
        return CLI_OK;
    case KC_E_INVALID_ARGUMENT:
    case KC_E_UNKNOWN_PROPERTY:
    case KC_E_BAD_PROPERTY:
    case KC_E_NOT_SUPPORTED:
    case KC_E_IO:
        return CLI_USAGE;
    case KC_E_TIMED_OUT:
    case KC_E_REQUEST_TIMED_OUT:
        return CLI_TIMEOUT;
    default:
        return CLI_CLUSTER;
    }
}

int cli_fail(const char *what, const kc_error *error)
{
    cli_error("%s%s%s (%s)", what, *what ? ": " : "", error->text, kc_error_name(error->code));
    return cli_exit_code(error->code);
}

static int list_commands(const char *title, const cli_command *list)
{
    out_format("usage: %s COMMAND [options]\n\n", title);
    for (; list->name; list++)
        out_format("  %-10s %s\n", list->name, list->summary);
    out_format("\n`%s COMMAND --help` tells more about each.\n", title);
    return CLI_OK;
}

static int unknown_command(const char *title, const cli_command *list, const char *word)
{
    cli_nearest near;
    const char *habit = nearest_habit(word);
    if (habit) {
        cli_error("%s is not an option here: use `%s`", word, habit);
        return CLI_USAGE;
    }
    nearest_begin(&near, word);
    for (; list->name; list++)
        nearest_try(&near, list->name);
    const char *best = nearest_end(&near);
    if (best)
        cli_error("there is no command %.60s; did you mean `%s %s`?", word, title, best);
    else
        cli_error("there is no command %.60s; `%s --help` lists them", word, title);
    return CLI_USAGE;
}

int cli_dispatch(const char *title, const cli_command *list, int argc, char **argv)
{
    if (argc < 2) {
        cli_error("name a command; `%s --help` lists them", title);
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0)
        return list_commands(title, list);
    for (const cli_command *c = list; c->name; c++)
        if (strcmp(c->name, argv[1]) == 0)
            return c->run(argc - 1, argv + 1);
    return unknown_command(title, list, argv[1]);
}

static int print_version(void)
{
    out_format("kclient %s (%s)\n", kc_version(), kc_features());
    return CLI_OK;
}

/* A command that was started without one of the standard descriptors would get it for a socket or
 * pipe of its own. What takes the place can be used the wrong way round only, so that reading or
 * writing fails as it would have. */
static void hold_descriptors(void)
{
    static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1)
            (void)!open("/dev/null", modes[fd]); /* the lowest that is free: this one */
}

int main(int argc, char **argv)
{
    hold_descriptors();
    signal(SIGPIPE, SIG_IGN);
    bool version = argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0);
    return out_close(version ? print_version() : cli_dispatch("kclient", commands, argc, argv));
}
