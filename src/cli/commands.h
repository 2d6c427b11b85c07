/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands; see cli_command. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "cli/cli.h"

int cmd_topics(int argc, char **argv);
int cmd_topics_create(int argc, char **argv);
int cmd_topics_list(int argc, char **argv);
int cmd_topics_describe(int argc, char **argv);
int cmd_topics_delete(int argc, char **argv);
int cmd_produce(int argc, char **argv);
int cmd_consume(int argc, char **argv);
int cmd_mock(int argc, char **argv);
int cmd_perf(int argc, char **argv);
int cmd_perf_produce(int argc, char **argv);
int cmd_perf_consume(int argc, char **argv);
int cmd_perf_e2e(int argc, char **argv);
int cmd_groups(int argc, char **argv);
int cmd_groups_plan(int argc, char **argv);
int cmd_config(int argc, char **argv);

#endif
