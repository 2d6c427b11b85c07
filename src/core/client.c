/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a client: made, referenced, taken apart. */
#include "core/client.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "core/address.h"
#include "core/fork.h"
#include "core/news.h"
#include "core/sasl.h"
#include "core/state.h"

/* Timers of the client itself: close, metadata, routes. */
enum { OWN_TIMERS = 2 + KCI_CLASS_COUNT, FRAMES_KEEP_MAX = 8 << 20 };

/* -- the thread ---------------------------------------------------------------------------------
 */

static void *thread_main(void *arg)
{
    kc_client *client = arg;

    while (!atomic_load(&client->stop))
        kci_loop_step(client->loop, -1);
    kci_closing_stop(client);
    kci_client_unref(client); /* the thread's own: a close may have given it up */
    return NULL;
}

/* -- making -------------------------------------------------------------------------------------
 */

static kc_err add_bootstrap(kc_client *client, kc_error *detail)
{
    const char *text = client->settings.bootstrap;
    kci_host_port at;
    kc_err err = KC_OK;

    while (err == KC_OK && text && kci_address_next(&text, &at, &err, detail))
        if (kci_broker_add_bootstrap(client, at.host, at.port) != KC_OK)
            err = kci_fail(detail, KC_E_NO_MEMORY, NULL);
    if (err == KC_OK && client->brokers.count == 0)
        err = kci_fail(detail, KC_E_BAD_PROPERTY,
                       "bootstrap.servers is not set: name two or three brokers as host:port");
    return err;
}

static void init_parts(kc_client *client)
{
    uint64_t seed = 0;

    client->sys->random(client->sys, &seed, sizeof seed);
    kci_random_seed(&client->random, seed);
    kci_list_init(&client->users.list);
    kci_network_init(&client->network);
    client->news = &kci_news_ops;
    for (int i = 0; i < KCI_CLASS_COUNT; i++)
        kci_route_init(&client->routes[i], client, (kci_class)i);
    client->prune.fn = kci_client_prune;
    kci_coordinators_init(&client->coordinators, client);
    kci_log_init(&client->log, kci_log_to_stderr, client->sys,
                 (int)kci_config_int(client->config, KCI_P_LOG_LEVEL));
}

static kc_err no_memory(kc_err err, kc_error *detail)
{
    return err == KC_OK ? KC_OK : kci_fail(detail, err, NULL);
}

/* Frames that wait to be used again come on top of fetch.buffer.bytes: an eighth of it at most. */
static size_t frames_to_keep(const kc_client *client)
{
    int64_t keep = kci_config_int(client->config, KCI_P_FETCH_BUFFER_BYTES) / 8;
    return keep < FRAMES_KEEP_MAX ? (size_t)keep : FRAMES_KEEP_MAX;
}

static void hold_client(kci_network *network)
{
    kci_client_ref(KCI_CONTAINER_OF(network, kc_client, network));
}

static void release_client(kci_network *network)
{
    kci_client_unref(KCI_CONTAINER_OF(network, kc_client, network));
}

static void on_settled(kci_network *network)
{
    kci_closing_look(KCI_CONTAINER_OF(network, kc_client, network));
}

/* All that connections see of the client. */
static void make_network(kc_client *client)
{
    kci_network *network = &client->network;

    network->loop = client->loop;
    network->sys = client->sys;
    network->log = &client->log;
    network->stats = &client->stats;
    network->random = &client->random;
    network->config = client->config;
    network->settings = &client->settings;
    network->frames = client->frames;
    network->tls = client->tls;
    network->hold = hold_client;
    network->release = release_client;
    network->settled = on_settled;
}

static kc_err make_parts(kc_client *client, kc_error *detail)
{
    init_parts(client);
    kc_err err = no_memory(kci_loop_new(client->sys, &client->loop), detail);
    if (err == KC_OK)
        err = no_memory(kci_loop_reserve_timers(client->loop, OWN_TIMERS), detail);
    if (err == KC_OK)
        err = no_memory(kci_closing_init(client), detail);
    if (err == KC_OK)
        err = no_memory(kci_cluster_init(&client->cluster, client), detail);
    client->frames = err == KC_OK ? kci_frame_pool_new(frames_to_keep(client)) : NULL;
    if (err == KC_OK && !client->frames)
        err = kci_fail(detail, KC_E_NO_MEMORY, NULL);
    if (err == KC_OK)
        err = add_bootstrap(client, detail);
    if (err == KC_OK && client->settings.sasl)
        err = kci_sasl_check(client->config, detail);
    if (err == KC_OK && client->settings.tls)
        err = kci_client_make_tls(client, detail);
    make_network(client);
    return err;
}

/* Frees everything. The loop has nothing of ours left but tasks that were posted late. */
static void destroy(kc_client *client)
{
    if (client->loop)
        while (kci_loop_step(client->loop, 0) > 0) {
        }
    kci_cluster_free(&client->cluster);
    kci_coordinators_free(&client->coordinators);
    kci_brokers_free(client);
    kci_network_free(&client->network);
    kci_closing_free(client);
    kci_loop_free(client->loop);
    kci_frame_pool_unref(client->frames);
    kci_tls_unref(client->tls);
    kc_config_free(client->config);
    kci_gauges_free(&client->gauges);
    pthread_mutex_destroy(&client->gate);
    kci_free(client);
}

static kc_err make(kci_sys *sys, const kc_config *config, kc_client **out, kc_error *detail)
{
    kc_client *client = kci_calloc(1, sizeof *client);

    if (!client)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    atomic_init(&client->refs, 1);
    client->sys = sys;
    client->forks = kci_fork_count();
    pthread_mutex_init(&client->gate, NULL);
    kci_gauges_init(&client->gauges);
    client->config = kc_config_copy(config);
    if (!client->config) {
        destroy(client);
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    }
    kci_settings_read(&client->settings, client->config);
    client->driven =
        sys->single_threaded || kci_config_int(client->config, KCI_P_CLIENT_THREADS) == 0;
    kc_err err = make_parts(client, detail);
    if (err != KC_OK) {
        destroy(client);
        return err;
    }
    *out = client;
    return KC_OK;
}

kc_err kci_client_new_on(kci_sys *sys, const kc_config *config, kc_client **out, kc_error *detail)
{
    kc_client *client = NULL;

    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    if (!config)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "config is NULL");
    kci_fork_watch();
    kc_err err = kci_config_check(config, '*', detail);
    if (err == KC_OK)
        err = make(sys, config, &client, detail);
    if (err != KC_OK)
        return err;
    if (!client->driven) {
        kci_client_ref(client);
        err = kci_thread_start(&client->thread, "kc-loop", thread_main, client);
        if (err != KC_OK) {
            destroy(client);
            return kci_fail(detail, err, "the client's thread cannot be started");
        }
        client->has_thread = true;
    }
    *out = client;
    return KC_OK;
}

kc_err kc_client_new(const kc_config *config, kc_client **out, kc_error *detail)
{
    return kci_client_new_on(kci_sys_posix(false), config, out, detail);
}

/* -- references ---------------------------------------------------------------------------------
 */

kc_client *kci_client_ref(kc_client *client)
{
    atomic_fetch_add_explicit(&client->refs, 1, memory_order_relaxed);
    return client;
}

void kci_client_unref(kc_client *client)
{
    if (client && atomic_fetch_sub_explicit(&client->refs, 1, memory_order_acq_rel) == 1)
        destroy(client);
}

void kc_client_free(kc_client *client)
{
    if (!client || client->forks != kci_fork_count())
        return; /* in a child the thread, and whatever lock it held, are gone: nothing can be freed
                 */
    (void)kc_client_close(client, 0, NULL);
    if (!kci_event_is_set(client->close.event)) /* the thread hangs in the log callback, whose */
        kci_log_set_level(&client->log, KC_LOG_NONE); /* user may be gone when it goes on */
    kci_client_unref(client);
}

void kci_client_prune(kci_task *task)
{
    kci_brokers_prune(KCI_CONTAINER_OF(task, kc_client, prune));
}

/* -- what others see ----------------------------------------------------------------------------
 */

kci_loop *kci_client_loop(kc_client *client)
{
    return client->loop;
}

kci_sys *kci_client_sys(kc_client *client)
{
    return client->sys;
}

const kc_config *kci_client_config(kc_client *client)
{
    return client->config;
}

kci_log *kci_client_log(kc_client *client)
{
    return &client->log;
}

kci_frame_pool *kci_client_frames(kc_client *client)
{
    return client->frames;
}

bool kci_client_driven(kc_client *client)
{
    return client->driven;
}

kci_stats *kci_client_stats(kc_client *client)
{
    return &client->stats;
}

kci_gauges *kci_client_gauges(kc_client *client)
{
    return &client->gauges;
}

/* A number comes again after 2^31 others: whoever still has it then shares his connections, which
 * costs time but breaks nothing. */
int32_t kci_client_take_lane(kc_client *client)
{
    uint32_t taken = atomic_fetch_add_explicit(&client->lanes, 1, memory_order_relaxed);
    return 1 + (int32_t)(taken % INT32_MAX);
}

void kci_client_give_lane(kc_client *client, int32_t lane)
{
    if (lane > 0)
        kci_brokers_retire(client, lane);
}

kc_err kci_client_check(kc_client *client)
{
    if (client->forks != kci_fork_count())
        return KC_E_FORKED;
    return atomic_load_explicit(&client->closing, memory_order_relaxed) ? KC_E_CLOSED : KC_OK;
}

void kc_client_set_log(kc_client *client, kc_log_fn fn, void *user, int32_t level)
{
    if (client && kci_client_check(client) == KC_OK)
        kci_log_init(&client->log, fn, user, (int)level);
}

kc_err kc_client_set_log_level(kc_client *client, const char *levels, kc_error *detail)
{
    if (!client || !levels)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "client or levels is NULL");
    kc_err err = kci_client_check(client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    return kci_log_set_levels(&client->log, kc_str(levels), detail);
}
