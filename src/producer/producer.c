/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/producer.h"

#include "base/err.h"
#include "base/mem.h"

/* Handing something to the loop and back: it answers within microseconds unless it is stopped. */
#define LOOP_WAIT_US 10000000

/* No time that is added to the clock overflows. */
#define FOREVER_US (INT64_MAX / 4)

static int64_t ms_to_us(int64_t ms)
{
    return ms > FOREVER_US / 1000 ? FOREVER_US : ms * 1000;
}

static kc_err read_codec(const kc_config *config, kci_producer_conf *conf, kc_error *detail)
{
    conf->codec = (kci_codec)kci_config_int(config, KCI_P_COMPRESSION_TYPE);
    const kci_codec_info *info = kci_codec_get(conf->codec);
    if (!info || !info->available)
        return kci_fail(detail, KC_E_NOT_SUPPORTED,
                        "compression.type=%s is not part of this build (see kc_features)",
                        info ? info->name : "?");
    conf->level = kci_config_compression_level(config, conf->codec);
    if (conf->level == KCI_LEVEL_DEFAULT)
        conf->level = info->level_default;
    return KC_OK;
}

kc_err kci_producer_conf_read(const kc_config *config, kci_producer_conf *conf, kc_error *detail)
{
    kc_err err = kci_config_check(config, 'P', detail);
    if (err != KC_OK)
        return err;
    conf->linger_us = (int64_t)(kci_config_double(config, KCI_P_LINGER_MS) * 1000);
    conf->max_block_us = ms_to_us(kci_config_int(config, KCI_P_MAX_BLOCK_MS));
    conf->delivery_timeout_us = ms_to_us(kci_config_delivery_timeout_ms(config));
    conf->request_timeout_us = ms_to_us(kci_config_int(config, KCI_P_REQUEST_TIMEOUT_MS));
    conf->buffer_memory = kci_config_int(config, KCI_P_BUFFER_MEMORY);
    conf->batch_size = kci_config_int(config, KCI_P_BATCH_SIZE);
    conf->max_request_size = (int32_t)kci_config_int(config, KCI_P_MAX_REQUEST_SIZE);
    conf->batch_limit =
        conf->batch_size < conf->max_request_size ? conf->batch_size : conf->max_request_size;
    conf->max_in_flight =
        (int32_t)kci_config_int(config, KCI_P_MAX_IN_FLIGHT_REQUESTS_PER_CONNECTION);
    conf->retries = (uint32_t)kci_config_int(config, KCI_P_RETRIES);
    conf->acks = (int16_t)kci_config_int(config, KCI_P_ACKS);
    conf->idempotent = kci_config_idempotent(config);
    conf->partitioner = (kci_partitioner_kind)kci_config_int(config, KCI_P_PARTITIONER_CLASS);
    if (kci_config_bool(config, KCI_P_PARTITIONER_IGNORE_KEYS) &&
        conf->partitioner == KCI_PARTITIONER_DEFAULT)
        conf->partitioner = KCI_PARTITIONER_UNIFORM_STICKY;
    conf->adaptive = kci_config_bool(config, KCI_P_PARTITIONER_ADAPTIVE_PARTITIONING_ENABLE);
    conf->availability_us =
        ms_to_us(kci_config_int(config, KCI_P_PARTITIONER_AVAILABILITY_TIMEOUT_MS));
    conf->backoff.base_us = ms_to_us(kci_config_int(config, KCI_P_RETRY_BACKOFF_MS));
    conf->backoff.max_us = ms_to_us(kci_config_int(config, KCI_P_RETRY_BACKOFF_MAX_MS));
    if (conf->backoff.max_us < conf->backoff.base_us)
        conf->backoff.max_us = conf->backoff.base_us;
    return read_codec(config, conf, detail);
}

/* ---- birth and death ---- */

static void destroy(kc_producer *p)
{
    kci_gauge_remove(kci_client_gauges(p->client), &p->gauge);
    kci_sender_free(&p->sender);
    kci_outcomes_free(&p->outcomes);
    kci_accum_free(&p->accum);
    kci_sealer_free(&p->sealer);
    kci_event_free(p->ready);
    kci_waiters_free(&p->waiters);
    kci_pool_free(&p->pool);
    kci_free(p->interceptors);
    kci_client_unref(p->client);
    kci_free(p);
}

void kci_producer_ref(kc_producer *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

void kci_producer_unref(kc_producer *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) == 1)
        destroy(p);
}

static kc_err copy_interceptors(kc_producer *p, const kc_producer_options *options)
{
    size_t n = options->interceptor_count;
    if (n == 0)
        return KC_OK;
    if (!options->interceptors || options->interceptors->size < sizeof *p->interceptors)
        return KC_E_INVALID_ARGUMENT;
    p->interceptors = kci_calloc(n, sizeof *p->interceptors);
    if (!p->interceptors)
        return KC_E_NO_MEMORY;
    const char *at = (const char *)options->interceptors;
    for (size_t i = 0; i < n; i++, at += options->interceptors->size)
        memcpy(&p->interceptors[i], at, sizeof p->interceptors[i]);
    p->interceptor_count = n;
    return KC_OK;
}

static kc_err read_options(kc_producer *p, const kc_producer_options *options)
{
    if (!options)
        return KC_OK;
    if (options->size < sizeof *options)
        return KC_E_INVALID_ARGUMENT;
    p->on_delivery = options->on_delivery;
    p->user = options->user;
    p->takes = (options->flags & KC_PRODUCER_TAKE) != 0;
    if (options->partitioner) {
        if (options->partitioner->size < sizeof p->partitioner || !options->partitioner->partition)
            return KC_E_INVALID_ARGUMENT;
        p->partitioner = *options->partitioner;
    }
    return copy_interceptors(p, options);
}

static bool wants_outcomes(const kc_producer *p)
{
    for (size_t i = 0; i < p->interceptor_count; i++) {
        if (p->interceptors[i].on_acknowledgement)
            return true;
    }
    return p->on_delivery || p->takes;
}

/* The largest record: by max.request.size, which is compared with the size as Java reckons it
 * (batch header, and 21 bytes of varints; kci_record_bound counts more for them), and by
 * buffer.memory. */
static size_t largest_bound(const kc_producer *p)
{
    size_t java_overhead = KCI_BATCH_HEADER_SIZE + 21;
    size_t request = (size_t)p->conf.max_request_size;
    size_t max = request > java_overhead ? request - java_overhead : 0;
    max += KCI_RECORD_OVERHEAD_MAX;
    size_t memory = kci_pool_largest(&p->pool);
    memory = memory > sizeof(kci_send_batch) ? memory - sizeof(kci_send_batch) : 0;
    return memory < max ? memory : max;
}

static bool builtin_sticks(kci_partitioner_kind kind)
{
    return kind == KCI_PARTITIONER_DEFAULT || kind == KCI_PARTITIONER_UNIFORM_STICKY ||
           kind == KCI_PARTITIONER_CONSISTENT_RANDOM || kind == KCI_PARTITIONER_FNV1A_RANDOM;
}

static void on_gate_free(void *arg)
{
    kc_producer *p = arg;
    kci_sender_post(&p->sender);
}

/* The parts that need no loop, in the order of the steps; undone in reverse by free_parts. */
static kc_err init_parts(kc_producer *p, int *steps)
{
    uint64_t seeds[2] = { 0, 0 };
    const kci_producer_conf *c = &p->conf;
    p->sys->random(p->sys, seeds, sizeof seeds);
    for (*steps = 0; *steps < 6; ++*steps) {
        kc_err err = KC_OK;
        switch (*steps) {
        case 0:
            err = kci_pool_init(&p->pool, c->buffer_memory, c->batch_limit,
                                c->codec != KCI_CODEC_NONE);
            break;
        case 1:
            err = kci_waiters_init(&p->waiters, p->loop, p->driven);
            break;
        case 2:
            err = kci_event_new(p->loop, p->driven, &p->ready);
            break;
        case 3:
            err = kci_sealer_init(&p->sealer, c->codec, c->level);
            break;
        case 4:
            err = kci_accum_init(&p->accum, seeds[0], c->idempotent, c->max_in_flight == 1,
                                 on_gate_free, p);
            break;
        default:
            err = kci_outcomes_init(&p->outcomes, wants_outcomes(p));
            break;
        }
        if (err != KC_OK)
            return err;
    }
    kci_sender_init(&p->sender, seeds[1]);
    p->bound_max = largest_bound(p);
    p->sticks = !p->partitioner.partition && builtin_sticks(c->partitioner);
    return KC_OK;
}

static void free_parts(kc_producer *p, int steps)
{
    if (steps > 4)
        kci_accum_free(&p->accum);
    if (steps > 3)
        kci_sealer_free(&p->sealer);
    if (steps > 2)
        kci_event_free(p->ready);
    if (steps > 1)
        kci_waiters_free(&p->waiters);
    if (steps > 0)
        kci_pool_free(&p->pool);
}

static int64_t read_gauge(kci_gauge *gauge)
{
    return kci_pool_used(&KCI_CONTAINER_OF(gauge, kc_producer, gauge)->pool);
}

static kc_err producer_new(kc_client *client, const kc_producer_options *options, kc_producer **out,
                           kc_error *detail)
{
    int steps = 0;
    kc_producer *p = kci_calloc(1, sizeof *p);
    if (!p)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    p->sys = kci_client_sys(client);
    p->loop = kci_client_loop(client);
    p->driven = kci_client_driven(client);
    kc_err err = kci_producer_conf_read(kci_client_config(client), &p->conf, detail);
    if (err != KC_OK) {
        kci_free(p);
        return err;
    }
    err = read_options(p, options);
    if (err == KC_OK)
        err = init_parts(p, &steps);
    if (err != KC_OK) {
        free_parts(p, steps);
        kci_free(p->interceptors);
        kci_free(p);
        return kci_fail(detail, err, NULL);
    }
    p->client = kci_client_ref(client);
    p->gauge = (kci_gauge){ .kind = KCI_GAUGE_BUFFER_BYTES, .read = read_gauge };
    kci_gauge_add(kci_client_gauges(client), &p->gauge);
    atomic_init(&p->refs, 1);
    *out = p;
    return KC_OK;
}

/* What the loop does for an application thread; counted, since the thread may stop waiting for it.
 */
typedef struct errand {
    kc_producer *p;
    atomic_int refs;
    kc_err err;
    bool in_flight;
} errand;

static void errand_unref(errand *e)
{
    if (atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_producer_unref(e->p);
    kci_free(e);
}

static errand *errand_new(kc_producer *p)
{
    errand *e = kci_calloc(1, sizeof *e);
    if (!e)
        return NULL;
    kci_producer_ref(p);
    e->p = p;
    atomic_init(&e->refs, 2);
    return e;
}

/* KC_OK: it has run. */
static kc_err run_errand(errand *e, void (*fn)(void *arg))
{
    kc_producer *p = e->p;
    kc_err err = kci_client_run(p->client, fn, e, p->sys->mono_us(p->sys) + LOOP_WAIT_US);
    if (err == KC_OK)
        err = e->err;
    else if (err != KC_E_TIMED_OUT) /* the loop never got it */
        errand_unref(e);
    errand_unref(e);
    return err;
}

static void attach_on_loop(void *arg)
{
    errand *e = arg;
    /* The application may have given up waiting, and freed it. */
    if (atomic_load(&e->p->closed))
        e->err = KC_E_CLOSED;
    else
        e->err = kci_sender_attach(e->p);
    if (e->err == KC_OK)
        kci_producer_ref(e->p);
    errand_unref(e);
}

kc_err kc_producer_new(kc_client *client, const kc_producer_options *options, kc_producer **out,
                       kc_error *detail)
{
    kc_producer *p = NULL;
    *out = NULL;
    kc_err err = kci_client_check(client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    err = producer_new(client, options, &p, detail);
    if (err != KC_OK)
        return err;
    errand *e = errand_new(p);
    err = e ? run_errand(e, attach_on_loop) : KC_E_NO_MEMORY;
    if (err != KC_OK) {
        kc_producer_free(p);
        return kci_fail(detail, err, NULL);
    }
    *out = p;
    return KC_OK;
}

/* ---- the end ---- */

static void purge_on_loop(void *arg)
{
    errand *e = arg;
    if (e->p->sender.phase < KCI_SENDER_LEAVING)
        kci_sender_purge(e->p, e->in_flight, KC_E_PURGED);
    errand_unref(e);
}

static void leave_on_loop(void *arg)
{
    errand *e = arg;
    if (e->p->sender.phase < KCI_SENDER_LEAVING) {
        kci_sender_purge(e->p, true, KC_E_PURGED);
        kci_sender_leave(e->p);
    }
    errand_unref(e);
}

kc_err kc_producer_purge(kc_producer *p, bool in_flight)
{
    kc_err err = kci_client_check(p->client);
    if (err != KC_OK)
        return err;
    errand *e = errand_new(p);
    if (!e)
        return KC_E_NO_MEMORY;
    e->in_flight = in_flight;
    return run_errand(e, purge_on_loop);
}

/* Takes the loop's side apart, giving up what is left. */
static void leave(kc_producer *p)
{
    errand *e = errand_new(p);
    /* Without memory for it, it is left to the end of the client. */
    if (e)
        run_errand(e, leave_on_loop);
}

kc_err kc_producer_close(kc_producer *p, int32_t timeout_ms, kc_error *detail)
{
    kc_err err = kci_client_check(p->client);
    if (err == KC_E_FORKED)
        return kci_fail(detail, err, NULL);
    if (atomic_exchange(&p->closed, true))
        return KC_OK;
    int64_t deadline = timeout_ms < 0 ? kci_producer_longest_wait(p)
                                      : p->sys->mono_us(p->sys) + (int64_t)timeout_ms * 1000;
    int64_t target = kci_producer_close_open(p, true);
    kci_waiters_wake(&p->waiters, KCI_WAIT_ROOM | KCI_WAIT_METADATA);
    err = kci_producer_await(p, target, deadline);
    int64_t left = err == KC_OK ? 0 : kci_producer_undecided(p);
    leave(p);
    kci_producer_serve(p);
    if (left > 0)
        return kci_fail(
            detail, KC_E_TIMED_OUT,
            "%lld records were not acknowledged within %d ms and are given up (reported "
            "as PURGED)",
            (long long)left, timeout_ms);
    return kci_outcomes_failure(&p->outcomes, detail);
}

void kc_producer_free(kc_producer *p)
{
    if (!p)
        return;
    if (kci_client_check(p->client) == KC_E_FORKED)
        return; /* the parent's; its locks may be held for ever here */
    atomic_store(&p->closed, true);
    kci_producer_close_open(p, true);
    leave(p);
    kci_interceptors_close(p);
    if (p->partitioner.close)
        p->partitioner.close(p->partitioner.user);
    kci_producer_unref(p);
}

void kc_producer_get_counts(kc_producer *p, kc_producer_counts *out)
{
    kc_producer_counts counts = { .size = sizeof counts };
    /* Outcomes first, so that they are never more than what was accepted. */
    counts.acked = atomic_load_explicit(&p->sender.acked, memory_order_acquire);
    counts.failed = atomic_load_explicit(&p->sender.failed, memory_order_acquire);
    counts.accepted = atomic_load_explicit(&p->accum.accepted, memory_order_relaxed);
    counts.buffer_bytes = (uint64_t)kci_pool_used(&p->pool);
    counts.size = out->size < sizeof counts ? out->size : (uint32_t)sizeof counts;
    memcpy(out, &counts, counts.size);
}
