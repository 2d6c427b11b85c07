/* SPDX-License-Identifier: Apache-2.0 */
/* What a new snapshot tells an operator: the cluster's name and controller, topics that have
 * errors, leaders that have moved. */
#include "core/cluster.h"
#include "core/state.h"

static void log_cluster(const kci_log *log, const kci_metadata *old, const kci_metadata *now)
{
    if (old->generation == 0)
        KCI_LOG(log, KC_LOG_INFO, KCI_AREA_METADATA, "cluster %.*s, %d brokers, controller %d",
                (int)now->cluster_id.size, (const char *)now->cluster_id.data, now->node_count,
                now->controller);
    else if (now->controller >= 0 && now->controller != old->controller)
        KCI_LOG(log, KC_LOG_INFO, KCI_AREA_METADATA, "the controller is broker %d, was %d",
                now->controller, old->controller);
}

static void log_error(const kci_log *log, const kci_topic_meta *old, const kci_topic_meta *now)
{
    bool passes = (kc_error_flags(now->err) & KC_ERROR_RETRIABLE) != 0;
    if (now->err != KC_OK && (!old || old->err != now->err))
        KCI_LOG(log, passes ? KC_LOG_INFO : KC_LOG_WARN, KCI_AREA_METADATA, "topic %.*s: %s: %s",
                (int)now->name.size, (const char *)now->name.data, kc_error_name(now->err),
                kc_error_text(now->err));
    else if (now->err == KC_OK && old && old->err != KC_OK)
        KCI_LOG(log, KC_LOG_INFO, KCI_AREA_METADATA, "topic %.*s has no error any more",
                (int)now->name.size, (const char *)now->name.data);
}

static void log_leaders(const kci_log *log, const kci_topic_meta *old, const kci_topic_meta *now)
{
    for (int32_t i = 0; i < now->partition_count && i < old->partition_count; i++) {
        const kci_partition_meta *p = &now->partitions[i], *was = &old->partitions[i];
        if (p->leader != was->leader || p->leader_epoch != was->leader_epoch)
            KCI_LOG(log, KC_LOG_DEBUG, KCI_AREA_METADATA,
                    "%.*s [%d]: leader %d epoch %d, was %d epoch %d", (int)now->name.size,
                    (const char *)now->name.data, i, p->leader, p->leader_epoch, was->leader,
                    was->leader_epoch);
    }
}

void kci_cluster_log_news(const kci_cluster *cluster, const kci_metadata *old,
                          const kci_metadata *now)
{
    const kci_log *log = &cluster->client->log;
    if (!kci_log_is_on(log, KC_LOG_WARN, KCI_AREA_METADATA))
        return;
    bool leaders = kci_log_is_on(log, KC_LOG_DEBUG, KCI_AREA_METADATA);
    log_cluster(log, old, now);
    for (int32_t i = 0; i < now->topic_count; i++) {
        const kci_topic_meta *t = &now->topics[i], *was = kci_metadata_topic(old, t->name);
        if (was && was->partitions == t->partitions)
            continue; /* the same block, shared */
        log_error(log, was, t);
        if (was && leaders)
            log_leaders(log, was, t);
    }
}
