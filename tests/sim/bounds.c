/* SPDX-License-Identifier: Apache-2.0 */
/* Invariants that hold at any time: the memory of producers and consumers, and that the client's
 * picture of the cluster does not go back. */
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "consumer/consumer.h"
#include "core/client.h"
#include "core/metadata.h"
#include "sim/memory.h"
#include "sim/run.h"

enum {
    FRAME_ROUNDING = 16384,
    INFLATING = 65536,

    REST_CLIENT = 64 << 10,     /* brokers, metadata, what lies idle for reuse */
    REST_CONNECTION = 24 << 10, /* of which 16 KiB to read into */
    REST_HANDLE = 16 << 10,     /* of a producer or consumer */
    REST_DEFLATE = 280 << 10,   /* gzip's state */
    REST_SCRATCH = 96 << 10,    /* to compress with another codec */
    REST_INFLATE = 48 << 10,
    REST_PARTITION = 2 << 10
};

static void check_producer(sim_run *r, int p)
{
    kc_producer_counts counts = KC_PRODUCER_COUNTS_INIT;
    kc_producer_get_counts(r->producers[p], &counts);
    if (counts.buffer_bytes > (uint64_t)r->plan->buffer_memory)
        history_violation(r->history, H_MEMORY, "producer %d holds %llu bytes of %d", p,
                          (unsigned long long)counts.buffer_bytes, r->plan->buffer_memory);
    if (counts.acked + counts.failed > counts.accepted)
        history_violation(r->history, H_REPORTED_TWICE, "producer %d: more outcomes than records",
                          p);
}

/* Both what is held now and what was held at most since the start. Beyond the limit are allowed one
 * batch, the views of a poll, the rounding of frames, and room to decompress into. */
static size_t consumer_limit(const sim_run *r)
{
    size_t batch = (size_t)r->plan->batch_size + (size_t)r->plan->value_bytes;
    size_t views = (size_t)r->plan->max_poll_records * sizeof(kc_record);
    return (size_t)r->plan->fetch_buffer + batch + views + FRAME_ROUNDING;
}

static size_t inflating(const sim_run *r)
{
    return INFLATING + 2 * (size_t)r->plan->decompressed_max;
}

static void check_consumer(sim_run *r, int c)
{
    const kci_credit *credit = r->consumers[c]->credit;
    if (kci_credit_held(credit) > consumer_limit(r))
        history_violation(r->history, H_MEMORY, "consumer %d holds %zu bytes of %d", c,
                          kci_credit_held(credit), r->plan->fetch_buffer);
    if (kci_credit_peak(credit) > consumer_limit(r) + inflating(r))
        history_violation(r->history, H_MEMORY, "consumer %d held %zu bytes of %d", c,
                          kci_credit_peak(credit), r->plan->fetch_buffer);
}

/* Within one topic id leader epochs only grow (KIP-320). */
static void check_metadata(sim_run *r)
{
    kci_metadata *now = kci_client_metadata(r->client);
    const kci_topic_meta *t = kci_metadata_topic(now, kc_str(SIM_TOPIC));
    if (t && !kci_uuid_equal(&t->id, &r->topic_id)) {
        r->topic_id = t->id;
        memset(r->epochs, 0, sizeof r->epochs);
    }
    for (int p = 0; t && p < t->partition_count && p < SIM_MAX_PARTITIONS; p++) {
        if (t->partitions[p].leader_epoch < 0)
            continue; /* cannot be compared */
        if (t->partitions[p].leader_epoch < r->epochs[p])
            history_violation(r->history, H_METADATA_BACK,
                              "partition %d went from leader epoch %d back to %d", p, r->epochs[p],
                              t->partitions[p].leader_epoch);
        r->epochs[p] = t->partitions[p].leader_epoch;
    }
    kci_metadata_unref(now);
}

/* Failing allocations succeed again after a while. */
static void heal_memory(sim_run *r)
{
    if (r->alloc_failed || !kci_mem_has_failed())
        return;
    int64_t now = sim_now(r->world);
    if (r->memory_back_at == 0)
        r->memory_back_at = now + r->plan->fail_alloc_us;
    if (now < r->memory_back_at)
        return;
    sim_trace(r->world, "memory is back");
    r->alloc_failed = true;
    kci_mem_fail_after(0, false);
}

/* What the client may hold beside buffer.memory and fetch.buffer.bytes; see docs/RELIABILITY.md. */
static int64_t rest_allowed(const sim_run *r, int64_t buffers, int64_t sockets)
{
    const sim_plan *plan = r->plan;
    const char *name = sim_plan_codec(plan); /* not the planned one where the build lacks it */
    int codec = strcmp(name, "gzip") == 0   ? REST_DEFLATE
                : strcmp(name, "none") == 0 ? 0
                                            : REST_SCRATCH;
    return REST_CLIENT + REST_CONNECTION * sockets +
           (int64_t)plan->producers * (REST_HANDLE + codec) +
           (int64_t)plan->consumers * (REST_HANDLE + REST_INFLATE) +
           (int64_t)plan->partitions * REST_PARTITION * (plan->producers + plan->consumers) +
           plan->fetch_buffer / 8 + buffers / 8;
}

/* Everything that the client has from the allocator, beyond what producers and consumers account
 * for. */
static void check_allocator(sim_run *r)
{
    int64_t buffers = 0;
    for (int p = 0; p < r->plan->producers; p++)
        buffers += r->producers[p] ? sim_producer_held(r->producers[p]) : 0;
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c]) /* reserved: what is being received */
            buffers += (int64_t)(kci_credit_held(r->consumers[c]->credit) +
                                 r->consumers[c]->room.reserved);
    int64_t rest = sim_memory_held(SIM_MEMORY_CLIENT) - buffers;
    int64_t allowed = rest_allowed(r, buffers, sim_open_sockets(r->world));
    if (rest > r->memory_most)
        r->memory_most = rest;
    if (rest * 100 / allowed > r->memory_most_percent)
        r->memory_most_percent = rest * 100 / allowed;
    if (rest > allowed)
        history_violation(r->history, H_MEMORY,
                          "the client has %lld bytes beside %lld in its buffers; allowed are %lld",
                          (long long)rest, (long long)buffers, (long long)allowed);
}

/* At no time since the last check it had more than all limits together. */
static void check_peak(sim_run *r)
{
    const sim_plan *plan = r->plan;
    int64_t limits = (int64_t)plan->producers * plan->buffer_memory +
                     (int64_t)plan->consumers * (int64_t)(consumer_limit(r) + inflating(r));
    int64_t peak = sim_memory_peak(SIM_MEMORY_CLIENT);
    int64_t sockets = r->sockets_before + sim_connects(r->world) - r->connects_before;
    r->sockets_before = sim_open_sockets(r->world);
    r->connects_before = sim_connects(r->world);
    if (peak > limits + rest_allowed(r, limits, sockets))
        history_violation(r->history, H_MEMORY, "the client had %lld bytes; its limits are %lld",
                          (long long)peak, (long long)limits);
}

void sim_bounds_check(sim_run *r)
{
    heal_memory(r);
    check_allocator(r);
    check_peak(r);
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p])
            check_producer(r, p);
    for (int c = 0; c < r->plan->consumers; c++)
        if (r->consumers[c])
            check_consumer(r, c);
    check_metadata(r);
}
