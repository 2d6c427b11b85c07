/* SPDX-License-Identifier: Apache-2.0 */
/* A group as JSON, for `kclient groups plan`:
 *
 *   {"members": [{"member_id", "group_instance_id", "rack", "topics": [...],
 *                 "owned": [{"topic", "partition"}], "generation"}],
 *    "topics": [{"name", "partitions": [{"leader_rack", "replica_racks": [...]}]}]}
 *
 * What is not known is null or left out; other names are ignored. */
#ifndef CLI_PLAN_INPUT_H
#define CLI_PLAN_INPUT_H

#include <kclient/assignor.h>

/* Adds what the text says to an empty plan. False: why says what is wrong and where. */
bool plan_input_read(kc_plan *plan, const char *text, size_t size, kc_error *why);

#endif
