/* SPDX-License-Identifier: Apache-2.0 */
#include "core/cluster.h"

#include "base/mem.h"
#include "core/call_end.h"
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
        kci_call_finish_later(&client->network, &cluster->call, err);
        return;
    }
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
    kci_routes_use_bootstrap(client);
    cluster->missing_us = now_of(cluster);
}

static void failed(kci_cluster *cluster, kc_err err, const char *why)
{
    kc_client *client = cluster->client;
    int64_t now = now_of(cluster);

    cluster->failures++;
    bool final = err == KC_E_AUTHENTICATION || err == KC_E_TLS;
    int64_t pause = kci_backoff_delay(&client->settings.retry, cluster->failures, &client->random);
    cluster->hold_us = later(now + pause, client->network.refusals.until_us);
    lock(cluster);
    cluster->refresh = true;
    bool has_problem = cluster->problem.code != KC_OK;
    unlock(cluster);
    if (!has_problem && !final) /* core/news.c has told of the others */
        kci_cluster_set_problem(cluster, err, why);
    int level = final ? KC_LOG_DEBUG : KC_LOG_WARN; /* said already */
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
    bool long_ago = cluster->asked_us - cluster->refresh_us > 10 * kci_backoff_longest(retry);

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
                        .asked_us = cluster->asked_us,
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
            merge.now_us + recheck_pauses * kci_backoff_longest(&cluster->client->settings.retry);
    cluster->failures = 0;
    cluster->hold_us = 0;
    cluster->missing_us = 0;
    kci_log_limit_reset(&cluster->complaints);
    kci_cluster_clear_problem(cluster);
    kci_cluster_publish(cluster, next);
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
    kci_cluster_publish_pending(cluster);
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
    cluster->publish.fn = kci_cluster_on_publish;
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
