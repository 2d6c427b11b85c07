/* SPDX-License-Identifier: Apache-2.0 */
/* What the subcommands of `kclient topics` share. */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

#include "cli/session.h"

/* Says what became of each topic; errors on standard error, also with json. `ignored` counts as
 * done. Returns the exit code: CLI_PARTIAL when it was done for some only. */
int topics_report(kc_topic_results *results, const char *verb, bool json, kc_err ignored);
void topics_result_text(const kc_topic_result *result, const char *verb);
void topics_result_json(const kc_topic_result *result);

enum { TOPICS_ID_SIZE = 24 };

/* The id as Kafka's tools write it. False: it is zero, there is none. */
bool topics_id_text(const kc_uuid *id, char out[TOPICS_ID_SIZE]);
void topics_id_json(const kc_uuid *id); /* ,"id":"..." */

/* False: there are none, which was said. */
bool topics_need_names(const cli_syntax *syntax, const cli_strings *names);

#endif
