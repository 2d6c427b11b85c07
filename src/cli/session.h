/* SPDX-License-Identifier: Apache-2.0 */
/* A client and an admin for the run of a subcommand, and the first contact with the cluster: so
 * that a wrong address or password is one clear error at the start. */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include "cli/options.h"

typedef struct cli_session {
    const cli_common *common;
    kc_client *client;
    kc_admin *admin;
} cli_session;

/* CLI_OK, or the exit code of an error that was said. Close in both cases. */
int cli_session_open(cli_session *session, const cli_common *common);

/* Asks the cluster for its members, within common->timeout_ms. */
int cli_session_contact(cli_session *session);

/* Describes one topic; says it if there is none. *out is to be freed when CLI_OK. */
int cli_session_topic(cli_session *session, const char *topic, kc_cluster **out);

/* timeout_ms as in kc_client_close. */
void cli_session_close(cli_session *session, int32_t timeout_ms);

#endif
