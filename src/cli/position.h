/* SPDX-License-Identifier: Apache-2.0 */
/* -o of `kclient consume`: beginning, end, stored, N, -N, @MS, and Kafka's and kcat's other words.
 */
#ifndef CLI_POSITION_H
#define CLI_POSITION_H

#include <kclient/kclient.h>

/* False: it is none of these. */
bool cli_position_parse(const char *text, kc_position *out);

#endif
