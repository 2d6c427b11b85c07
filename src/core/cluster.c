/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cluster.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/state.h"

static const int64_t complaint_first_us = 10000000, complaint_most_us = 300000000;

/* What was refused for good is asked for so many of the longest pauses later: the cause may go. */
static const int64_t recheck_pauses = 10;

static void on_answer(kci_call *call, kc_err err, const kci_response *response, const char *why);

static void lock(kci_cluster *cluster)
{
    pthread_mutex_lock(&cluster->lock);
}

static void unlock(kci_cluster *cluster)
{
    pthread_mutex_unlock(&cluster->lock);
}

static int64_t now_of(const kci_cluster *cluster)
{
    return kci_client_now(cluster->client);
}

/* -- what is known ------------------------------------------------------------------------------
 */

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

static void clear_problem(kci_cluster *cluster)
{
    lock(cluster);
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

/* Consumes the reference of `next`. */
static void publish(kci_cluster *cluster, kci_metadata *next)
{
    kci_metadata *old = cluster->current;

    lock(cluster);
    cluster->current = next;
    unlock(cluster);
    kci_metadata_unref(old);
    if (!learn_nodes(cluster->client, next))
        kci_client_refresh(cluster->client); /* which tries again */
    kci_client_tell_metadata(cluster->client, next);
}

/* -- leader hints -------------------------------------------------------------------------------
 */

static void publish_pending(kci_cluster *cluster)
{
    kci_metadata *next = cluster->pending;

    cluster->pending = NULL;
    if (next)
        publish(cluster, next);
}

static void on_publish(kci_task *task)
{
    publish_pending(KCI_CONTAINER_OF(task, kci_cluster, publish));
}

void kci_client_leader_hint(kc_client *client, kc_bytes topic, int32_t partition, int32_t leader,
                            int32_t leader_epoch, const char *host, int32_t port, kc_bytes rack)
{
    kci_cluster *cluster = &client->cluster;
    const kci_metadata *old = cluster->pending ? cluster->pending : cluster->current;
    const kci_topic_meta *known = kci_metadata_topic(old, topic);
    kci_node node = { leader, port, host, rack };

    if (!known || partition < 0 || partition >= known->partition_count || leader < 0 ||
        leader_epoch <= known->partitions[partition].leader_epoch)
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

/* -- when to ask --------------------------------------------------------------------------------
 */

void kci_client_refresh(kc_client *client)
{
    kci_cluster *cluster = &client->cluster;

    lock(cluster);
    bool first = !cluster->refresh;
    cluster->refresh = true;
    unlock(cluster);
    if (first)
        kci_loop_post(client->loop, &cluster->look);
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t after(int64_t at, int64_t delay)
{
    return delay == INT64_MAX ? INT64_MAX : at + delay;
}

static void ask(kci_cluster *cluster, bool all)
{
    kc_client *client = cluster->client;

    cluster->busy = true;
    cluster->asked_us = now_of(cluster);
    if (cluster->missing_us == 0)
        cluster->missing_us = cluster->asked_us;
    if (all)
        cluster->recheck_us = INT64_MAX;
    lock(cluster);
    if (all)
        cluster->refresh = false;
    kc_err err = kci_topics_request(cluster, all);
    unlock(cluster);
    cluster->call = (kci_call){ .api = KCI_API_METADATA,
                                .cls = KCI_CLASS_CONTROL,
                                .node = KCI_NODE_ANY,
                                .min_version = 1, /* 0 could not ask for no topics */
                                .max_version = KCI_ANY_VERSION,
                                .body = &cluster->request,
                                .done = on_answer };
    if (err != KC_OK) {
        kci_call_finish_later(client, &cluster->call, err);
        return;
    }
    kci_stat_add(&client->stats.metadata_requests, 1);
    kci_call_start(client, &cluster->call);
}

/* Asks now, or sets the timer to when it will be time to. */
static void look(kci_cluster *cluster)
{
    kc_client *client = cluster->client;
    int64_t now = now_of(cluster);

    if (cluster->busy || kci_client_is_ending(client))
        return;
    lock(cluster);
    kci_topic_needs needs = kci_topics_look(cluster, now, client->settings.metadata_idle_us);
    bool refresh = cluster->refresh;
    unlock(cluster);

    int64_t aged = needs.any && cluster->current->generation > 0
                       ? after(cluster->current->fetched_us, client->settings.metadata_age_us)
                       : INT64_MAX;
    int64_t all_at = sooner(refresh ? sooner(cluster->refresh_us, aged) : aged,
                            needs.any ? cluster->recheck_us : INT64_MAX);
    int64_t due = sooner(all_at, needs.unasked ? 0 : INT64_MAX);
    if (due == INT64_MAX) {
        kci_timer_stop(client->loop, &cluster->timer);
        return;
    }
    due = later(due, cluster->hold_us);
    if (due > now)
        kci_timer_set(client->loop, &cluster->timer, due);
    else
        ask(cluster, all_at <= now);
}

static void on_look(kci_task *task)
{
    look(KCI_CONTAINER_OF(task, kci_cluster, look));
}

static void on_timer(kci_timer *timer)
{
    look(KCI_CONTAINER_OF(timer, kci_cluster, timer));
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* Forgets where the brokers were and begins with the bootstrap servers (KIP-1102). */
static void rebootstrap(kci_cluster *cluster, const char *reason)
{
    kc_client *client = cluster->client;

    KCI_LOG(&client->log, KC_LOG_WARN, KCI_AREA_METADATA, "asking bootstrap.servers anew: %s",
            reason);
    for (int32_t i = 0; i < client->brokers.count; i++)
        client->brokers.list[i]->known = false;
    kci_brokers_use_bootstrap(client);
    cluster->missing_us = now_of(cluster);
}

static void failed(kci_cluster *cluster, kc_err err, const char *why)
{
    kc_client *client = cluster->client;
    int64_t now = now_of(cluster);

    cluster->failures++;
    int64_t pause =
        err == KC_E_AUTHENTICATION
            ? client->settings.retry.max_us
            : kci_backoff_delay(&client->settings.retry, cluster->failures, &client->random);
    cluster->hold_us = now + pause;
    lock(cluster);
    cluster->refresh = true;
    bool has_problem = cluster->problem.code != KC_OK;
    unlock(cluster);
    if (!has_problem || err == KC_E_AUTHENTICATION)
        kci_cluster_set_problem(cluster, err, why);
    int level = err == KC_E_AUTHENTICATION ? KC_LOG_DEBUG : KC_LOG_WARN; /* said already */
    if (kci_log_limit_pass(&cluster->complaints, now, complaint_first_us, complaint_most_us, NULL))
        KCI_LOG(&client->log, level, KCI_AREA_METADATA, "no metadata: %s", why);
    if (client->settings.rebootstrap &&
        now - cluster->missing_us >= client->settings.rebootstrap_us)
        rebootstrap(cluster, "no broker has answered for metadata.recovery.rebootstrap.trigger.ms");
}

static kci_topic_care care(void *arg, kc_bytes name)
{
    return kci_topics_care(arg, name);
}

/* An answer that came soon after another without news makes the next one wait longer. */
static void plan_refresh(kci_cluster *cluster, bool changed)
{
    const kci_backoff *retry = &cluster->client->settings.retry;
    int64_t now = now_of(cluster);
    bool long_ago = cluster->asked_us - cluster->refresh_us > 10 * retry->max_us;

    if (changed || long_ago)
        cluster->fruitless = 0;
    cluster->fruitless++;
    cluster->refresh_us =
        now + kci_backoff_delay(retry, cluster->fruitless, &cluster->client->random);
}

static kc_err take_over(kci_cluster *cluster, const kci_metadata_response *answer, int16_t version)
{
    kci_merge merge = { .old = cluster->current,
                        .answer = answer,
                        .version = version,
                        .now_us = now_of(cluster),
                        .care = care,
                        .arg = cluster };

    lock(cluster);
    kci_metadata *next = kci_merge_answer(&merge);
    if (next && !merge.absurd) {
        bool lacks = kci_topics_asked(cluster, next);
        cluster->refresh |= lacks || merge.unsettled || cluster->partial;
    }
    unlock(cluster);
    if (!next)
        return KC_E_NO_MEMORY;
    if (merge.absurd) {
        kci_metadata_unref(next);
        return KC_E_PROTOCOL;
    }
    plan_refresh(cluster, merge.changed);
    if (merge.refused)
        cluster->recheck_us =
            merge.now_us + recheck_pauses * cluster->client->settings.retry.max_us;
    cluster->failures = 0;
    cluster->hold_us = 0;
    cluster->missing_us = 0;
    kci_log_limit_reset(&cluster->complaints);
    clear_problem(cluster);
    publish(cluster, next);
    return KC_OK;
}

static void on_response(kci_cluster *cluster, const kci_response *response)
{
    const kci_metadata_response *answer = response->body;

    if (answer->error_code == KC_E_REBOOTSTRAP_REQUIRED && cluster->client->settings.rebootstrap) {
        failed(cluster, answer->error_code, "the broker asks for it (REBOOTSTRAP_REQUIRED)");
        rebootstrap(cluster, "a broker answered REBOOTSTRAP_REQUIRED");
        return;
    }
    if (answer->error_code != KC_OK) {
        failed(cluster, answer->error_code, kc_error_text(answer->error_code));
        return;
    }
    if (answer->brokers.count == 0) {
        failed(cluster, KC_E_NO_BROKER, "the broker that was asked knows no brokers (yet)");
        return;
    }
    publish_pending(cluster);
    kc_err err = take_over(cluster, answer, response->version);
    if (err != KC_OK)
        failed(cluster, err, kc_error_text(err));
}

static void on_answer(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_cluster *cluster = KCI_CONTAINER_OF(call, kci_cluster, call);

    cluster->busy = false;
    if (kci_client_is_ending(cluster->client))
        return;
    if (err != KC_OK)
        failed(cluster, err, why);
    else
        on_response(cluster, response);
    look(cluster);
}

/* -- life ---------------------------------------------------------------------------------------
 */

kc_err kci_cluster_init(kci_cluster *cluster, kc_client *client)
{
    kci_draft nothing = { .controller = -1 };

    cluster->client = client;
    cluster->current = kci_snapshot_new(&nothing);
    if (!cluster->current)
        return KC_E_NO_MEMORY;
    if (pthread_mutex_init(&cluster->lock, NULL) != 0) {
        kci_metadata_unref(cluster->current);
        cluster->current = NULL;
        return KC_E_NO_MEMORY;
    }
    kci_map_init(&cluster->topics, kci_random_next(&client->random));
    cluster->recheck_us = INT64_MAX;
    cluster->look.fn = on_look;
    cluster->publish.fn = on_publish;
    cluster->timer.fn = on_timer;
    return KC_OK;
}

void kci_cluster_stop(kci_cluster *cluster)
{
    kci_timer_stop(cluster->client->loop, &cluster->timer);
    kci_loop_undefer(cluster->client->loop, &cluster->publish);
    kci_metadata_unref(cluster->pending);
    cluster->pending = NULL;
}

void kci_cluster_free(kci_cluster *cluster)
{
    if (!cluster->current)
        return;
    kci_topics_free(cluster);
    kci_arena_free(&cluster->arena);
    kci_metadata_unref(cluster->current);
    pthread_mutex_destroy(&cluster->lock);
}
