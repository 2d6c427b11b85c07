/* SPDX-License-Identifier: Apache-2.0 */
/* A consumer's life as the application sees it (core/resident.h). The application's side
 * (assignment, cursor) is taken apart by kc_consumer_free, the loop's (sources, timer) by the loop,
 * in entries.c. */
#include "consumer/consumer.h"

#include "base/abi_structs.h"
#include "base/err.h"

/* ---- the end ------------------------------------------------------------------------------ */

static void free_queries_and_parts(kc_consumer *c)
{
    kci_reading_leave(&c->reading, NULL);
    for (kci_read_part *p; (p = kci_assignment_last(&c->assignment));)
        kci_part_unassign(c, p);
    kci_assignment_free(&c->assignment);
}

static void destroy(kci_resident *r)
{
    kc_consumer *c = KCI_CONTAINER_OF(r, kc_consumer, life);
    kci_gauge_remove(kci_client_gauges(c->client), &c->gauge);
    free_queries_and_parts(c);
    kci_decompressor_free(c->reading.options.decompressor);
    kci_records_pool_close(c->pool);
    kci_credit_unref(c->credit);
    kci_event_free(c->ready.event);
    kci_known_free(&c->known);
    pthread_mutex_destroy(&c->lock);
    kci_read_settings_free(&c->set);
    kci_resident_fini(&c->life);
    kci_free(c);
}

static const kci_resident_type type = {
    .kind = "consumer",
    .timers = 1,
    .attached = kci_consumer_attached,
    .on_metadata = kci_consumer_on_metadata,
    .on_node = kci_consumer_on_node,
    .on_post = kci_consumer_on_post,
    .detach = kci_consumer_detach,
    .is_busy = kci_consumer_is_busy,
    .gone = kci_consumer_gone,
    .destroy = destroy,
};

/* No more calls, and nothing is read any more. */
static void stop_reading(kc_consumer *c)
{
    pthread_mutex_lock(&c->lock);
    if (!c->closed)
        kci_consumer_unassign_all(c);
    c->closed = true;
    pthread_mutex_unlock(&c->lock);
}

static kc_err close_consumer(kc_consumer *c, int32_t timeout_ms)
{
    int64_t deadline = kci_consumer_deadline(c, timeout_ms, c->set.api_timeout_ms);
    stop_reading(c);
    kci_resident_close(&c->life, deadline);
    return kci_resident_await(&c->life, deadline, 0, NULL);
}

kc_err kc_consumer_close(kc_consumer *c, int32_t timeout_ms, kc_error *detail)
{
    if (!c)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the consumer is NULL");
    if (kci_client_check(c->client) == KC_E_FORKED)
        return kci_fail(detail, KC_E_FORKED, NULL);
    if (atomic_exchange_explicit(&c->inside, true, memory_order_acquire))
        return kci_fail(detail, KC_E_STATE, "another thread is in a call on this consumer");
    kc_err err = close_consumer(c, timeout_ms);
    kci_consumer_leave(c);
    return err == KC_OK ? KC_OK : kci_fail(detail, err, NULL);
}

void kc_consumer_free(kc_consumer *c)
{
    /* In a forked child the lock may be held by a thread that does not exist there. */
    if (!c || kci_client_check(c->client) == KC_E_FORKED)
        return;
    stop_reading(c);
    pthread_mutex_lock(&c->lock);
    free_queries_and_parts(c);
    pthread_mutex_unlock(&c->lock);
    kci_resident_free(&c->life);
}

/* ---- the beginning ------------------------------------------------------------------------ */

static void init_lists(kc_consumer *c)
{
    uint64_t seed[2];
    c->sys->random(c->sys, seed, sizeof seed);
    kci_agenda_init(&c->agenda, c->loop, seed[0]);
    kci_known_init(&c->known, kci_client_metadata(c->client), seed[1]);
    kci_ready_list_init(&c->ready);
    kci_list_init(&c->questions.list);
    kci_list_init(&c->fetcher.sources);
    kci_probes_init(&c->probes, c->client, &c->lock);
    kci_consumer_set_entries(c);
}

static int64_t read_gauge(kci_gauge *gauge)
{
    return (int64_t)kci_credit_held(KCI_CONTAINER_OF(gauge, kc_consumer, gauge)->credit);
}

/* Credit came back: any thread, so only a post. */
static void on_room(void *arg)
{
    kci_consumer_post(arg);
}

static kc_err make_parts(kc_consumer *c, size_t buffer)
{
    c->credit = kci_credit_new(buffer, on_room, c);
    if (!c->credit)
        return KC_E_NO_MEMORY;
    c->gauge = (kci_gauge){ .kind = KCI_GAUGE_FETCH_BUFFER_BYTES, .read = read_gauge };
    kci_gauge_add(kci_client_gauges(c->client), &c->gauge);
    c->reading.options.blocks = kci_credit_blocks(c->credit);
    c->reading.options.credit = c->credit;
    c->pool = kci_records_pool_new(c->credit);
    if (!c->pool)
        return KC_E_NO_MEMORY;
    bool driven = kci_client_driven(c->client);
    kc_err err = kci_decompressor_new(&c->reading.options.decompressor);
    if (err == KC_OK)
        err = kci_event_new(c->loop, driven, &c->ready.event);
    return err;
}

static kc_consumer *new_consumer(kc_client *client)
{
    kc_consumer *c = kci_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (kci_resident_init(&c->life, &type, client) != KC_OK) {
        kci_free(c);
        return NULL;
    }
    c->client = client;
    c->lane = kci_client_take_lane(client);
    c->loop = kci_client_loop(client);
    c->sys = kci_client_sys(client);
    c->log = kci_client_log(client);
    c->stats = kci_client_stats(client);
    pthread_mutex_init(&c->lock, NULL);
    init_lists(c);
    return c;
}

/* A consumer with these properties, known to the loop. */
static kc_err make_consumer(kc_client *client, const kc_config *config, kc_consumer **out,
                            kc_error *detail)
{
    kc_consumer *c = new_consumer(client);
    if (!c)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_err err = kci_read_settings_load(&c->set, c->log, config);
    kci_agenda_set_backoff(&c->agenda, c->set.backoff_us, c->set.backoff_max_us);
    c->reading.options = kci_read_settings_options(config);
    if (err == KC_OK)
        err = make_parts(c, (size_t)kci_config_int(config, KCI_P_FETCH_BUFFER_BYTES));
    if (err == KC_OK)
        err = kci_resident_attach(&c->life);
    if (err != KC_OK) {
        kci_resident_free(&c->life);
        return kci_fail(detail, err, NULL);
    }
    *out = c;
    return KC_OK;
}

kc_err kc_consumer_new(kc_client *client, const kc_consumer_options *options, kc_consumer **out,
                       kc_error *detail)
{
    if (!client || !out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "client or out is NULL");
    *out = NULL;
    kc_consumer_options own = KC_CONSUMER_OPTIONS_INIT;
    kc_err err = kci_client_check(client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    if (options)
        err = kci_abi_take(&kci_abi_consumer_options, options, &own, detail);
    if (err != KC_OK)
        return err;
    if (own.flags != 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "kc_consumer_options.flags has bits that this library does not know");
    kc_config *config = kci_config_merged(kci_client_config(client), own.config);
    if (!config)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    err = kci_config_check(config, 'C', detail);
    if (err == KC_OK)
        err = make_consumer(client, config, out, detail);
    kc_config_free(config);
    return err;
}
