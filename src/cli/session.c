/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/session.h"

static void on_log(void *user, int level, const char *area, const char *text)
{
    (void)user;
    fprintf(stderr, "kclient: %s: %s: %s\n", kc_log_level_name(level), area, text);
}

static int log_level(const cli_common *common)
{
    int level = kc_log_level_of(kc_config_get(common->config, "log.level"));
    if (common->quiet)
        return KC_LOG_NONE;
    if (common->verbose > 0)
        return common->verbose > 2 ? KC_LOG_TRACE : KC_LOG_WARN + common->verbose;
    return level < 0 ? KC_LOG_WARN : level;
}

int cli_session_open(cli_session *session, const cli_common *common)
{
    kc_error error;
    *session = (cli_session){ .common = common };
    if (kc_client_new(common->config, &session->client, &error) != KC_OK)
        return cli_fail("", &error);
    kc_client_set_log(session->client, on_log, NULL, log_level(common));
    if (kc_admin_new(session->client, &session->admin, &error) != KC_OK)
        return cli_fail("", &error);
    return CLI_OK;
}

int cli_session_contact(cli_session *session)
{
    kc_error error;
    kc_cluster *cluster;
    if (kc_admin_describe_cluster(session->admin, session->common->timeout_ms, &cluster, &error))
        return cli_fail("the cluster does not answer", &error);
    kc_cluster_free(cluster);
    return CLI_OK;
}

int cli_session_topic(cli_session *session, const char *topic, kc_cluster **out)
{
    kc_error error;
    kc_bytes name = kc_str(topic);
    kc_err err = kc_admin_describe_topics(session->admin, &name, 1, session->common->timeout_ms,
                                          out, &error);
    if (err == KC_OK)
        return CLI_OK;
    kc_cluster_free(*out);
    *out = NULL;
    if (err != KC_E_UNKNOWN_TOPIC_OR_PARTITION)
        return cli_fail("", &error);
    cli_error(
        "there is no topic %s: `kclient topics list` lists them, `kclient topics create` makes "
        "one (%s)",
        topic, kc_error_name(err));
    return CLI_CLUSTER;
}

void cli_session_close(cli_session *session, int32_t timeout_ms)
{
    kc_admin_free(session->admin);
    if (session->client)
        (void)kc_client_close(session->client, timeout_ms, NULL);
    kc_client_free(session->client);
    *session = (cli_session){ 0 };
}
