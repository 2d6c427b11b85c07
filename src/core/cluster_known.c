/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the cluster: the snapshot, the last problem, and hints that become a snapshot.
 */
#include "base/err.h"
#include "core/cluster.h"
#include "core/state.h"

static void lock(kci_cluster *cluster)
{
    pthread_mutex_lock(&cluster->lock);
}

static void unlock(kci_cluster *cluster)
{
    pthread_mutex_unlock(&cluster->lock);
}

kci_metadata *kci_client_metadata(kc_client *client)
{
    lock(&client->cluster);
    kci_metadata *current = client->cluster.current;
    atomic_fetch_add_explicit(&current->refs, 1, memory_order_relaxed);
    unlock(&client->cluster);
    return current;
}

void kci_cluster_set_problem(kci_cluster *cluster, kc_err err, const char *why)
{
    lock(cluster);
    /* That credentials are refused is what people must hear of, whatever else goes wrong. */
    if (cluster->problem.code != KC_E_AUTHENTICATION || err == KC_E_AUTHENTICATION)
        kci_fail(&cluster->problem, err, "%s", why && *why ? why : kc_error_text(err));
    unlock(cluster);
}

void kci_cluster_refuse(kci_cluster *cluster, kc_err err, const char *why)
{
    lock(cluster);
    kci_fail(&cluster->problem, err, "%s", why && *why ? why : kc_error_text(err));
    bool first = !cluster->refused;
    cluster->refused = true;
    unlock(cluster);
    if (first)
        kci_client_tell_node(cluster->client, KCI_NODE_ANY, KCI_CLASS_CONTROL, 0, KCI_NODE_DOWN,
                             err);
}

void kci_cluster_accept(kci_cluster *cluster)
{
    lock(cluster);
    if (cluster->refused)
        cluster->problem.code = KC_OK;
    cluster->refused = false;
    unlock(cluster);
}

kc_err kci_client_refusal(kc_client *client, kc_error *out)
{
    kci_cluster *cluster = &client->cluster;

    lock(cluster);
    kc_err err = cluster->refused ? cluster->problem.code : KC_OK;
    if (err != KC_OK && out)
        *out = cluster->problem;
    unlock(cluster);
    return err;
}

void kci_cluster_clear_problem(kci_cluster *cluster)
{
    lock(cluster);
    cluster->refused = false;
    cluster->problem.code = KC_OK;
    unlock(cluster);
}

kc_err kci_client_last_problem(kc_client *client, kc_error *out)
{
    kci_cluster *cluster = &client->cluster;

    lock(cluster);
    kc_error problem = cluster->problem;
    unlock(cluster);
    if (problem.code != KC_OK && out)
        *out = problem;
    return problem.code;
}

/* Brokers that the snapshot names are known from now on, others are not. False: no memory for some.
 */
static bool learn_nodes(kc_client *client, const kci_metadata *now)
{
    bool all = true;

    for (int32_t i = 0; i < client->brokers.count; i++)
        if (!kci_broker_is_bootstrap(client->brokers.list[i]))
            client->brokers.list[i]->known = false;
    for (int32_t i = 0; i < now->node_count; i++)
        all &= kci_broker_learn(client, now->nodes[i].id, kc_str(now->nodes[i].host),
                                now->nodes[i].port) != NULL;
    kci_brokers_settle(client);
    kci_loop_defer(client->loop, &client->prune);
    return all;
}

void kci_cluster_publish(kci_cluster *cluster, kci_metadata *next)
{
    kci_metadata *old = cluster->current;

    lock(cluster);
    cluster->current = next;
    unlock(cluster);
    kci_cluster_log_news(cluster, old, next);
    kci_metadata_unref(old);
    if (!learn_nodes(cluster->client, next))
        kci_client_refresh(cluster->client); /* which tries again */
    kci_client_tell_metadata(cluster->client, next);
}

/* -- leader hints -------------------------------------------------------------------------------
 */

void kci_cluster_publish_pending(kci_cluster *cluster)
{
    kci_metadata *next = cluster->pending;

    cluster->pending = NULL;
    if (next)
        kci_cluster_publish(cluster, next);
}

void kci_cluster_on_publish(kci_task *task)
{
    kci_cluster_publish_pending(KCI_CONTAINER_OF(task, kci_cluster, publish));
}

void kci_client_leader_hint(kc_client *client, kc_bytes topic, int32_t partition, int32_t leader,
                            int32_t leader_epoch, const char *host, int32_t port, kc_bytes rack)
{
    kci_cluster *cluster = &client->cluster;
    const kci_metadata *old = cluster->pending ? cluster->pending : cluster->current;
    const kci_topic_meta *known = kci_metadata_topic(old, topic);
    kci_node node = { leader, port, host, rack };

    if (!known || partition < 0 || partition >= known->partition_count || leader < 0 ||
        leader_epoch <= known->partitions[partition].leader_epoch ||
        leader_epoch < known->partitions[partition].epoch_floor)
        return;
    bool is_new = !kci_metadata_node(old, leader);
    if (is_new && (!host || !*host || port <= 0 || port > UINT16_MAX))
        return;
    kci_metadata *next = kci_merge_leader(old, (int32_t)(known - old->topics), partition, leader,
                                          leader_epoch, is_new ? &node : NULL);
    if (!next)
        return; /* the refresh that follows tells it again */
    kci_metadata_unref(cluster->pending);
    cluster->pending = next;
    kci_loop_defer(client->loop, &cluster->publish);
}

kc_err kci_client_node_hint(kc_client *client, int32_t node, kc_bytes host, int32_t port)
{
    const kci_broker *broker = kci_broker_find(client, node);

    if (node < 0 || !host.data || host.size == 0 || port <= 0 || port > UINT16_MAX)
        return KC_E_INVALID_ARGUMENT;
    if (kci_client_is_ending(client))
        return KC_E_CLOSED;
    if (broker && broker->known)
        return KC_OK; /* metadata knows better */
    return kci_broker_learn(client, node, host, port) ? KC_OK : KC_E_NO_MEMORY;
}
