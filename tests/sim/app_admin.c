/* SPDX-License-Identifier: Apache-2.0 */
/* The application's administrator: topics of its own come, grow and go amid the work, and the
 * cluster is looked at. What is said to have been done has been, and every call ends in time. */
#include <kclient/admin.h>
#include <stdio.h>

#include "sim/app.h"

enum { TOPICS = 4, PARTITIONS_MAX = 6, CALL_MS = 3000 };

/* What brokers in trouble, and calls whose answers were lost, explain. */
static bool is_explained(const sim_run *r, kc_err err)
{
    switch (err) {
    case KC_E_TIMED_OUT:
    case KC_E_NO_BROKER:
    case KC_E_TOPIC_ALREADY_EXISTS:
    case KC_E_INVALID_PARTITIONS:
    case KC_E_INVALID_REPLICATION_FACTOR: /* more than there are brokers up */
    case KC_E_NOT_SUPPORTED:              /* by old brokers */
    case KC_E_BROKER_NOT_AVAILABLE:       /* asked for its configuration */
        return true;
    case KC_E_PROTOCOL:
        return sim_plan_has(r->plan, F_SHORT);
    default:
        return sim_explained(err) || r->plan->errors_expected ||
               (kc_error_flags(err) & KC_ERROR_RETRIABLE);
    }
}

static void check(sim_run *r, const char *what, int64_t begun, kc_err err, const kc_error *why)
{
    sim_check_call(r, what, begun, CALL_MS);
    sim_trace(r->world, "app: %s: %s %s", what, kc_error_name(err), err == KC_OK ? "" : why->text);
    if (err != KC_OK && !is_explained(r, err))
        history_violation(r->history, H_UNEXPECTED_ERROR, "%s: %s: %s", what, kc_error_name(err),
                          why->text);
}

static void check_done(sim_run *r, const char *what, const char *topic, int32_t partition,
                       bool expected)
{
    if ((kc_mock_log_end_offset(r->mock, topic, partition) >= 0) != expected)
        history_violation(r->history, H_LOST_WRITE, "%s of %s is said to be done, and is not", what,
                          topic);
}

/* --- topics */

static void create(sim_run *r, const char *name)
{
    kc_topic_results *results = NULL;
    kc_error why = { 0 };
    kc_new_topic fresh = KC_NEW_TOPIC_INIT;
    fresh.name = kc_str(name);
    fresh.partitions = (int32_t)sim_rng_range(&r->rng, 1, 3);
    fresh.replication_factor = 1;
    uint32_t flags = sim_rng_chance(&r->rng, 20) ? KC_ADMIN_VALIDATE_ONLY : 0;
    int64_t begun = sim_now(r->world);
    kc_err err = kc_admin_create_topics(r->admin, &fresh, 1, flags, CALL_MS, &results, &why);
    check(r, "create topic", begun, err, &why);
    if (err == KC_OK && !flags)
        check_done(r, "the creation", name, fresh.partitions - 1, true);
    kc_topic_results_free(results);
}

static void add_partitions(sim_run *r, const char *name)
{
    kc_topic_results *results = NULL;
    kc_error why = { 0 };
    kc_new_partitions more = { .size = sizeof more, .name = kc_str(name) };
    more.total_count = (int32_t)sim_rng_range(&r->rng, 2, PARTITIONS_MAX);
    int64_t begun = sim_now(r->world);
    kc_err err = kc_admin_create_partitions(r->admin, &more, 1, 0, CALL_MS, &results, &why);
    check(r, "create partitions", begun, err, &why);
    if (err == KC_OK)
        check_done(r, "the growth", name, more.total_count - 1, true);
    kc_topic_results_free(results);
}

static void drop(sim_run *r, const char *name)
{
    kc_topic_results *results = NULL;
    kc_error why = { 0 };
    kc_bytes names[] = { kc_str(name) };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_admin_delete_topics(r->admin, names, 1, CALL_MS, &results, &why);
    check(r, "delete topic", begun, err, &why);
    if (err == KC_OK)
        check_done(r, "the deletion", name, 0, false);
    kc_topic_results_free(results);
}

/* --- looking */

static void look(sim_run *r, const char *name)
{
    kc_cluster *cluster = NULL;
    kc_error why = { 0 };
    kc_bytes names[] = { kc_str(SIM_TOPIC), kc_str(name) };
    int64_t begun = sim_now(r->world), kind = sim_rng_range(&r->rng, 0, 2);
    kc_err err;
    if (kind == 0)
        err = kc_admin_describe_cluster(r->admin, CALL_MS, &cluster, &why);
    else if (kind == 1)
        err = kc_admin_list_topics(r->admin, 0, CALL_MS, &cluster, &why);
    else
        err = kc_admin_describe_topics(r->admin, names, 2, CALL_MS, &cluster, &why);
    check(r, "a look at the cluster", begun, err, &why);
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    for (size_t i = 0; cluster && kc_cluster_topic_at(cluster, i, &topic); i++)
        sim_trace(r->world, "app: topic %.*s: %s", (int)topic.name.size,
                  (const char *)topic.name.data, kc_error_name(topic.err));
    kc_cluster_free(cluster);
}

static void look_at_configs(sim_run *r, const char *name)
{
    kc_configs *configs = NULL;
    kc_error why = { 0 };
    const kc_config_resource resources[] = { { KC_RESOURCE_TOPIC, kc_str(name) },
                                             { KC_RESOURCE_BROKER, kc_str("1") } };
    int64_t begun = sim_now(r->world);
    kc_err err = kc_admin_describe_configs(r->admin, resources, 2, CALL_MS, &configs, &why);
    check(r, "describe configs", begun, err, &why);
    kc_configs_free(configs);
}

void sim_admin_in_turn(sim_run *r)
{
    if (!r->admin || !sim_rng_chance(&r->rng, r->plan->admin_percent))
        return;
    char name[16];
    snprintf(name, sizeof name, "admin-%d", (int)sim_rng_range(&r->rng, 0, TOPICS - 1));
    switch (sim_rng_range(&r->rng, 0, 5)) {
    case 0:
    case 1:
        create(r, name);
        break;
    case 2:
        add_partitions(r, name);
        break;
    case 3:
        drop(r, name);
        break;
    case 4:
        look(r, name);
        break;
    default:
        look_at_configs(r, name);
    }
}
