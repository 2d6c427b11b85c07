/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reader.h"

#include <stdlib.h>

static kc_err assign(kc_consumer *consumer, const char *topic, int32_t count, kc_position position,
                     int32_t timeout_ms, kc_error *error)
{
    kc_topic_partition_position *list = calloc((size_t)count + 1, sizeof *list);
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    if (!list) {
        *error = (kc_error){ .code = KC_E_NO_MEMORY, .text = "out of memory" };
        return KC_E_NO_MEMORY;
    }
    for (int32_t i = 0; i < count; i++)
        list[i] = (kc_topic_partition_position){ kc_str(topic), i, position };
    kc_err err = kc_consumer_assign(consumer, list, (size_t)count, error);
    for (int32_t i = 0; i < count && !err; i++)
        err = kc_consumer_position(consumer, kc_str(topic), i, timeout_ms, &at, error);
    free(list);
    return err;
}

int reader_open(cli_session *session, const char *topic, kc_position position, kc_consumer **out)
{
    kc_cluster *cluster;
    kc_error error;
    kc_topic_description description = KC_TOPIC_DESCRIPTION_INIT;
    *out = NULL;
    int code = cli_session_topic(session, topic, &cluster);
    if (code != CLI_OK)
        return code;
    (void)kc_cluster_topic_at(cluster, 0, &description);
    kc_cluster_free(cluster);
    kc_err err = kc_consumer_new(session->client, NULL, out, &error);
    if (!err)
        err = assign(*out, topic, description.partition_count, position,
                     session->common->timeout_ms, &error);
    if (!err)
        return CLI_OK;
    kc_consumer_free(*out);
    *out = NULL;
    return cli_fail(topic, &error);
}
