/* SPDX-License-Identifier: Apache-2.0 */
/* kclient groups: the table of its subcommands. */
#include "cli/commands.h"

static const cli_command commands[] = {
    { "plan", "show how an assignor divides partitions among members", cmd_groups_plan },
    { NULL, NULL, NULL },
};

int cmd_groups(int argc, char **argv)
{
    return cli_dispatch("kclient groups", commands, argc, argv);
}
