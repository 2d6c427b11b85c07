/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "heap_chunks.h"
#include "mock/mock.h"
#include "sim/memory.h"
#include "sim/run.h"

enum {
    SHARED_PIDS = 5000, /* a partition's transactions have few producers in turn */
    OWN_PIDS = 6000,    /* when those are busy */
    POISON_RECORDS = 12,
    BATCH_RECORDS = 8
};

/* --- batches */

typedef struct batch_spec {
    int count;
    int value_bytes; /* at most; -1: exactly SIM_VALUE_MAX */
    kci_codec codec;
    int64_t producer_id;
    unsigned flags;
} batch_spec;

/* Seals and writes it out; *size its bytes. To be freed. */
static uint8_t *wire(kci_batch_writer *w, const batch_spec *spec, size_t *size)
{
    sim_memory_owner before = sim_memory_enter(SIM_MEMORY_OTHER);
    kci_compressor *c = NULL;
    if (kci_compressor_new(&c) != KC_OK ||
        kci_batch_writer_seal(w, spec->codec, kci_codec_get(spec->codec)->level_default, c,
                              &heap_chunks) != KC_OK)
        abort();
    kci_compressor_free(c);
    *size = kci_batch_writer_wire_size(w);
    uint8_t *out = malloc(*size);
    if (!out)
        abort();
    kci_batch_writer_header(w, spec->producer_id, spec->producer_id < 0 ? -1 : 0,
                            spec->producer_id < 0 ? -1 : 0, spec->flags, out);
    size_t at = KCI_BATCH_HEADER_SIZE;
    for (const kci_chunk *k = w->chunks.first; k; at += k->used, k = k->next)
        memcpy(out + at, k->data, k->used);
    kci_batch_writer_clear(w, &heap_chunks);
    sim_memory_leave(before);
    return out;
}

/* A batch of numbered records; their ids go to ids[]. */
static uint8_t *make_batch(sim_run *r, int partition, const batch_spec *spec, uint64_t *ids,
                           size_t *size)
{
    kci_batch_writer w;
    kci_batch_writer_init(&w);
    for (int i = 0; i < spec->count; i++) {
        ids[i] = history_foreign(r->history, partition);
        bool full = spec->value_bytes < 0;
        int most = full ? SIM_VALUE_MAX : spec->value_bytes;
        kc_bytes value = sim_value_make(r, ids[i], full ? most : 0, most, r->foreign_value);
        size_t bound = kci_record_bound(kc_mem(NULL, 0), value, NULL, 0);
        if (kci_batch_writer_room(&w) < bound)
            kci_batch_writer_add_chunk(&w, heap_chunk_get(NULL, (uint32_t)bound));
        kci_batch_writer_append(&w, 1700000000000, kc_mem(NULL, 0), value, NULL, 0);
    }
    return wire(&w, spec, size);
}

static bool has_leader(sim_run *r, int partition)
{
    int32_t leader = -1;
    return kc_mock_leader(r->mock, SIM_TOPIC, partition, &leader, NULL) == KC_OK && leader >= 0;
}

/* --- transactions */

static bool is_live(sim_run *r, const sim_txn *t)
{
    return t->state == TXN_OPEN ||
           (t->state == TXN_MARKED &&
            t->marker >= kc_mock_high_watermark(r->mock, SIM_TOPIC, t->partition));
}

/* A producer has one transaction at a time. */
static int64_t free_producer(sim_run *r, int partition, int64_t wanted, int number)
{
    for (int i = 0; i < SIM_MAX_FAULTS; i++) {
        const sim_txn *t = &r->txns[i];
        if (i != number && t->partition == partition && t->producer_id == SHARED_PIDS + wanted &&
            is_live(r, t))
            return OWN_PIDS + number;
    }
    return SHARED_PIDS + wanted;
}

static kci_codec any_codec(sim_run *r)
{
    kci_codec codec = (kci_codec)sim_rng_range(&r->rng, 0, KCI_CODEC_COUNT - 1);
    return kci_codec_get(codec)->available ? codec : KCI_CODEC_NONE;
}

/* One that compresses; gzip is there in every build. */
static kci_codec packing_codec(sim_run *r)
{
    kci_codec codec = (kci_codec)sim_rng_range(&r->rng, KCI_CODEC_GZIP, KCI_CODEC_COUNT - 1);
    return kci_codec_get(codec)->available ? codec : KCI_CODEC_GZIP;
}

static void write_batch(sim_run *r, sim_txn *t)
{
    batch_spec spec = { .count = (int)sim_rng_range(&r->rng, 1, BATCH_RECORDS),
                        .value_bytes = 200,
                        .codec = any_codec(r),
                        .producer_id = t->producer_id,
                        .flags = KCI_ATTR_TRANSACTIONAL };
    if (t->count + spec.count > SIM_TXN_RECORDS || !has_leader(r, t->partition))
        return;
    size_t size;
    uint8_t *batch = make_batch(r, t->partition, &spec, &t->ids[t->count], &size);
    int64_t base = kc_mock_append_raw(r->mock, SIM_TOPIC, t->partition, batch, size);
    free(batch);
    for (int i = 0; base >= 0 && i < spec.count; i++)
        t->offsets[t->count++] = base + i;
    sim_trace(r->world, "txn: producer %lld writes %d records to partition %d at %lld",
              (long long)t->producer_id, spec.count, t->partition, (long long)base);
}

static void write_some(sim_run *r, sim_txn *t)
{
    for (int64_t n = sim_rng_range(&r->rng, 1, 3); n > 0; n--)
        write_batch(r, t);
}

void sim_txn_begin(sim_run *r, const sim_fault *f, int number)
{
    sim_txn *t = &r->txns[number];
    *t = (sim_txn){ .state = TXN_OPEN, .commit = f->c != 0, .partition = (int)f->a };
    t->producer_id = free_producer(r, t->partition, f->b, number);
    write_some(r, t);
}

/* Before consumers can see the end, the history knows of it. */
static void mark(sim_run *r, sim_txn *t)
{
    if (!has_leader(r, t->partition))
        return;
    for (int i = 0; i < t->count; i++)
        history_decided(r->history, t->ids[i], t->partition, t->offsets[i], t->commit);
    t->marker = kc_mock_txn_marker(r->mock, SIM_TOPIC, t->partition, t->producer_id, 0, t->commit);
    if (t->marker < 0)
        return;
    history_gap(r->history, t->partition, t->marker);
    t->state = TXN_MARKED;
    sim_trace(r->world, "txn: producer %lld %s in partition %d at %lld", (long long)t->producer_id,
              t->commit ? "commits" : "aborts", t->partition, (long long)t->marker);
}

void sim_txn_end(sim_run *r, int number)
{
    sim_txn *t = &r->txns[number];
    if (t->state != TXN_OPEN)
        return;
    write_some(r, t);
    mark(r, t);
}

void sim_txns_after_loss(sim_run *r)
{
    for (int p = 0; p < r->plan->partitions; p++)
        history_forget_gaps(r->history, p, kc_mock_log_end_offset(r->mock, SIM_TOPIC, p));
    for (int i = 0; i < SIM_MAX_FAULTS; i++) {
        sim_txn *t = &r->txns[i];
        int64_t end =
            t->state == TXN_NONE ? 0 : kc_mock_log_end_offset(r->mock, SIM_TOPIC, t->partition);
        while (t->count > 0 && t->offsets[t->count - 1] >= end)
            t->count--;
        if (t->state == TXN_MARKED && t->marker >= end)
            t->state = TXN_OPEN;
    }
}

void sim_txns_finish(sim_run *r)
{
    for (int i = 0; i < SIM_MAX_FAULTS; i++)
        if (r->txns[i].state == TXN_OPEN)
            mark(r, &r->txns[i]);
}

/* --- batches that cannot be read */

static void spoil(uint8_t *batch, size_t size, sim_poison_kind kind, sim_rng *rng)
{
    if (kind == POISON_RUBBISH) {
        for (size_t i = KCI_BATCH_HEADER_SIZE; i < size; i++)
            batch[i] = (uint8_t)sim_rng_next(rng);
    } else if (kind == POISON_COUNT) {
        kci_store32(batch + KCI_BATCH_AT_COUNT, POISON_RECORDS + 1);
        kci_store32(batch + KCI_BATCH_AT_LAST_DELTA, POISON_RECORDS);
    }
    kci_store32(batch + KCI_BATCH_AT_CRC,
                kci_crc32c(0, batch + KCI_BATCH_CRC_FROM, size - KCI_BATCH_CRC_FROM));
}

void sim_poison_write(sim_run *r, const sim_fault *f)
{
    int partition = (int)f->a;
    if (r->poison_count == SIM_MAX_POISON || !has_leader(r, partition))
        return;
    sim_poison_kind kind = (sim_poison_kind)f->b;
    batch_spec spec = { .count = POISON_RECORDS,
                        .value_bytes = kind == POISON_BOMB ? -1 : 100,
                        .codec = kind == POISON_COUNT ? KCI_CODEC_NONE : packing_codec(r),
                        .producer_id = -1 };
    uint64_t ids[POISON_RECORDS];
    size_t size;
    uint8_t *batch = make_batch(r, partition, &spec, ids, &size);
    if (kind != POISON_BOMB)
        spoil(batch, size, kind, &r->rng);
    int64_t base = kc_mock_append_raw(r->mock, SIM_TOPIC, partition, batch, size);
    free(batch);
    if (base < 0)
        return;
    for (int i = 0; i < POISON_RECORDS; i++)
        history_decided(r->history, ids[i], partition, base + i, true);
    int64_t last = base + POISON_RECORDS - (kind != POISON_COUNT);
    r->poison[r->poison_count++] = (sim_poison){ partition, base, last };
    sim_trace(r->world, "poison of kind %d in partition %d: %lld to %lld", (int)kind, partition,
              (long long)base, (long long)last);
}

const sim_poison *sim_poison_at(const sim_run *r, int partition, int64_t offset)
{
    for (int i = 0; i < r->poison_count; i++) {
        const sim_poison *p = &r->poison[i];
        if (p->partition == partition && p->first <= offset && offset <= p->last)
            return p;
    }
    return NULL;
}
