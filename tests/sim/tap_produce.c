/* SPDX-License-Identifier: Apache-2.0 */
/* What is in the Produce requests that the client writes: which records, how often each, and
 * whether the properties that bound batches and requests are kept. */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "record/reader.h"
#include "sim/run.h"
#include "wire/messages.h"

enum { PREFIX = 4, ROWS = 64, INFLATE_MOST = 1 << 26, REQUEST_DEFAULT = 1 << 20 };

static uint16_t *tries_of(sim_tap *tap, uint64_t id)
{
    if (id >= tap->tries_cap) {
        size_t cap = (size_t)id * 2 + 1024;
        tap->tries = realloc(tap->tries, cap * sizeof *tap->tries);
        if (!tap->tries)
            abort();
        memset(tap->tries + tap->tries_cap, 0, (cap - tap->tries_cap) * sizeof *tap->tries);
        tap->tries_cap = cap;
    }
    return &tap->tries[id];
}

/* Counts a batch's records as written; whether its first one had been before. */
static bool note_records(sim_tap *tap, const kci_batch *batch)
{
    kci_records_iter it;
    kci_block *block = NULL;
    bool first = true, repeated = false;
    if (kci_records_open(&it, batch, 0, tap->decompressor, &kci_block_heap, INFLATE_MOST, &block) !=
        KC_OK)
        return false; /* the broker says so too: a bad request */
    kc_record rows[ROWS];
    for (int32_t n; (n = kci_records_decode(&it, rows, ROWS)) > 0;)
        for (int32_t i = 0; i < n; i++) {
            uint64_t id = sim_record_id(tap->run, &rows[i]);
            uint16_t *tries = id <= UINT32_MAX ? tries_of(tap, id) : NULL;
            if (!tries)
                continue;
            repeated |= first && *tries > 0;
            first = false;
            if (*tries < UINT16_MAX)
                ++*tries;
        }
    kci_block_unref(block);
    return repeated;
}

/* Uncompressed ones only: what others come to, nobody knows before. */
static void check_batch(sim_tap *tap, const kci_batch *batch, int32_t count)
{
    int64_t most = tap->run->plan->batch_size;
    if ((batch->attributes & KCI_ATTR_CODEC) == 0 && count > 1 && (int64_t)batch->size > most)
        history_violation(tap->run->history, H_LIMIT,
                          "a batch of %d records has %zu bytes, batch.size is %lld", count,
                          batch->size, (long long)most);
}

static void note_batch(sim_tap *tap, kc_bytes records)
{
    kci_batch batch;
    if (kci_batch_parse(records.data, records.size, &batch) != KC_OK || !batch.complete)
        return;
    tap->batches++;
    tap->batch_bytes += (int64_t)records.size;
    tap->repeated += note_records(tap, &batch);
    check_batch(tap, &batch, (int32_t)kci_load32(batch.data + KCI_BATCH_AT_COUNT));
}

void sim_tap_produce(sim_tap *tap, const uint8_t *frame, size_t size)
{
    kci_reader in = kci_reader_of(frame + PREFIX, size - PREFIX);
    kci_request_head head;
    kci_produce_request body;
    int64_t batches = 0, bytes = 0;
    kci_arena_reset(&tap->arena);
    if (kci_request_header_decode(&in, &head) != KC_OK ||
        kci_decode(&kci_produce_request_msg, head.version, &in, &tap->arena, &body) != KC_OK)
        return;
    tap->arena.limit = 0;
    for (int32_t t = 0; t < body.topic_data.count; t++)
        for (int32_t p = 0; p < body.topic_data.data[t].partition_data.count; p++) {
            kc_bytes records = body.topic_data.data[t].partition_data.data[p].records;
            note_batch(tap, records);
            batches++;
            bytes += (int64_t)records.size;
        }
    int64_t most = sim_plan_setting(tap->run->plan, "max.request.size", REQUEST_DEFAULT);
    if (batches > 1 && bytes > most)
        history_violation(tap->run->history, H_LIMIT,
                          "a request has %lld batches with %lld bytes, max.request.size is %lld",
                          (long long)batches, (long long)bytes, (long long)most);
}
