/* SPDX-License-Identifier: Apache-2.0 */
/* A consumer of all partitions of a topic, for the measurements. */
#ifndef CLI_READER_H
#define CLI_READER_H

#include "cli/session.h"

/* Assigns all partitions from the position on, and waits until the positions are known. CLI_OK, or
 * the exit code of an error that was said; *out is NULL then. */
int reader_open(cli_session *session, const char *topic, kc_position position, kc_consumer **out);

#endif
