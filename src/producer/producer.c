/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/producer.h"

#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"

/* Handing something to the loop and back: it answers within microseconds unless it hangs. */
#define LOOP_WAIT_US 10000000

/* ---- birth and death ---- */

static void destroy(kci_resident *r)
{
    kc_producer *p = kci_producer_of(r);
    kci_gauge_remove(kci_client_gauges(p->client), &p->gauge);
    kci_sender_free(&p->sender);
    kci_outcomes_free(&p->outcomes);
    kci_accum_free(&p->accum);
    kci_sealer_free(&p->sealer);
    kci_event_free(p->ready);
    kci_pool_free(&p->pool);
    kci_free(p->interceptors);
    kci_resident_fini(&p->life);
    kci_free(p);
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
    kci_sender_post(p);
}

static bool is_busy(kci_resident *r)
{
    return kci_sender_is_busy(&kci_producer_of(r)->sender);
}

static const kci_resident_type type = {
    .kind = "producer",
    .timers = KCI_SENDER_TIMERS,
    .attached = kci_sender_attached,
    .on_metadata = kci_sender_on_metadata,
    .on_node = kci_sender_on_node,
    .on_post = kci_sender_on_post,
    .close = kci_sender_close,
    .detach = kci_sender_detach,
    .is_busy = is_busy,
    .gone = kci_sender_gone,
    .destroy = destroy,
};

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
            err = kci_resident_init(&p->life, &type, p->client);
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
        kci_resident_fini(&p->life);
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
    p->client = client;
    p->sys = kci_client_sys(client);
    p->loop = kci_client_loop(client);
    p->driven = kci_client_driven(client);
    kc_err err = kci_producer_read_settings(p, kci_client_config(client), options, detail);
    if (err != KC_OK) {
        kci_free(p->interceptors);
        kci_free(p);
        return err;
    }
    err = init_parts(p, &steps);
    if (err != KC_OK) {
        free_parts(p, steps);
        kci_free(p->interceptors);
        kci_free(p);
        return kci_fail(detail, err, NULL);
    }
    p->gauge = (kci_gauge){ .kind = KCI_GAUGE_BUFFER_BYTES, .read = read_gauge };
    kci_gauge_add(kci_client_gauges(client), &p->gauge);
    *out = p;
    return KC_OK;
}

kc_err kc_producer_new(kc_client *client, const kc_producer_options *options, kc_producer **out,
                       kc_error *detail)
{
    kc_producer *p = NULL;
    if (!client || !out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "client or out is NULL");
    *out = NULL;
    kc_err err = kci_client_check(client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    err = producer_new(client, options, &p, detail);
    if (err != KC_OK)
        return err;
    err = kci_resident_attach(&p->life);
    if (err != KC_OK) {
        kci_resident_free(&p->life);
        return kci_fail(detail, err, NULL);
    }
    *out = p;
    return KC_OK;
}

/* ---- the end ---- */

/* The loop has come to the purge of that number, or is done with all records anyway. */
static bool is_purged(kc_producer *p, uint32_t number)
{
    uint32_t done = (uint32_t)atomic_load(&p->sender.purges_done);
    return (int32_t)(done - number) >= 0 || kci_resident_is_detached(&p->life);
}

kc_err kc_producer_purge(kc_producer *p, bool in_flight)
{
    kci_waiter *w = NULL;
    kc_err err = p ? kci_client_check(p->client) : KC_E_INVALID_ARGUMENT;
    if (err == KC_OK)
        err = kci_waiters_begin(&p->life.waiters, KCI_WAIT_ANSWER | KCI_WAIT_DEAF, &w);
    if (err != KC_OK)
        return err;
    int64_t until = p->sys->mono_us(p->sys) + LOOP_WAIT_US;
    uint64_t one = in_flight ? KCI_PURGE_FLYING + 1 : 1;
    uint32_t number = (uint32_t)(atomic_fetch_add(&p->sender.purges, one) + one);
    kci_resident_post(&p->life);
    while (err == KC_OK && !is_purged(p, number))
        err = kci_waiter_wait(&p->life.waiters, w, until);
    kci_waiters_end(&p->life.waiters, w);
    return is_purged(p, number) ? KC_OK : err;
}

static void serve(kci_resident *r)
{
    (void)kci_producer_serve(kci_producer_of(r));
}

kc_err kc_producer_close(kc_producer *p, int32_t timeout_ms, kc_error *detail)
{
    if (!p)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the producer is NULL");
    kc_err err = kci_client_check(p->client);
    if (err == KC_E_FORKED)
        return kci_fail(detail, err, NULL);
    if (atomic_exchange(&p->closed, true))
        return KC_OK;
    int64_t deadline = timeout_ms < 0 ? kci_producer_longest_wait(p)
                                      : p->sys->mono_us(p->sys) + (int64_t)timeout_ms * 1000;
    (void)kci_producer_close_open(p, true);
    kci_resident_close(&p->life, deadline);
    err = kci_resident_await(&p->life, deadline, KCI_WAIT_OUTCOME, serve);
    kci_producer_serve(p);
    if (err != KC_OK)
        return kci_fail(detail, err,
                        "the client's thread does not answer: check that the log callback returns");
    uint64_t left = atomic_load_explicit(&p->sender.dropped, memory_order_relaxed);
    if (left > 0) /* the loop has written down the oldest before it gave them up */
        return kci_fail(detail, KC_E_TIMED_OUT,
                        "%llu records were not acknowledged within %d ms and are given up "
                        "(reported as PURGED); the oldest is for %.440s",
                        (unsigned long long)left, timeout_ms, p->sender.stuck.oldest);
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
    kci_interceptors_close(p);
    if (p->partitioner.close)
        p->partitioner.close(p->partitioner.user);
    kci_resident_free(&p->life);
}

kc_err kc_producer_get_counts(kc_producer *p, kc_producer_counts *out)
{
    if (!p)
        return KC_E_INVALID_ARGUMENT;
    kc_producer_counts counts = KC_PRODUCER_COUNTS_INIT;
    /* Outcomes first, so that they are never more than what was accepted. */
    counts.acked = atomic_load_explicit(&p->sender.acked, memory_order_acquire);
    counts.failed = atomic_load_explicit(&p->sender.failed, memory_order_acquire);
    counts.accepted = atomic_load_explicit(&p->accum.accepted, memory_order_relaxed);
    counts.buffer_bytes = (uint64_t)kci_pool_used(&p->pool);
    return kci_abi_give(&kci_abi_producer_counts, &counts, out) ? KC_OK : KC_E_INVALID_ARGUMENT;
}
