/* SPDX-License-Identifier: Apache-2.0 */
/* The oracle for kc_client_get_stats: what the client has counted is what went over its sockets
 * (the tap), and what the application sent, heard and polled (the history). */
#include <kclient/stats.h>

#include "sim/run.h"
#include "wire/messages.h"

static void expect(sim_run *r, const char *name, int64_t told, int64_t least, int64_t most)
{
    if (told < least || told > most)
        history_violation(r->history, H_MISCOUNTED, "%s is %lld; it was %lld to %lld", name,
                          (long long)told, (long long)least, (long long)most);
}

static void exactly(sim_run *r, const char *name, int64_t told, int64_t was)
{
    expect(r, name, told, was, was);
}

/* Requests are counted when they are handed to the socket, of which those last ones may not have
 * taken a byte when their connections ended. */
static void check_connections(sim_run *r, const kc_stats *s)
{
    const sim_tap *t = r->tap;
    int64_t unwritten = t->unproven * SIM_TAP_DUE;
    expect(r, "requests", s->requests, t->begun, t->begun + unwritten);
    expect(r, "metadata_requests", s->metadata_requests, t->of_api[KCI_API_METADATA],
           t->of_api[KCI_API_METADATA] + unwritten);
    expect(r, "responses", s->responses, t->answers - t->unheard, t->answers);
    exactly(r, "bytes_in", s->bytes_in, t->bytes_in);
    exactly(r, "bytes_out", s->bytes_out, t->bytes_out);
    exactly(r, "reads", s->reads, t->reads);
    exactly(r, "writes", s->writes, t->writes);
    exactly(r, "connections", s->connections, 0);
    expect(r, "connects", s->connects, t->used, t->answered);
    exactly(r, "disconnects", s->disconnects, s->connects);
    if (!t->damaged)
        exactly(r, "throttle_us", s->throttle_us, t->throttle_us);
}

static void check_producers(sim_run *r, const kc_stats *s)
{
    const sim_tap *t = r->tap;
    history_totals seen = history_count(r->history);
    int64_t unwritten = t->unproven * SIM_TAP_DUE * r->plan->partitions;
    exactly(r, "records_sent", s->records_sent, (int64_t)(seen.sent - seen.refused));
    exactly(r, "records_acked", s->records_acked, (int64_t)seen.acked);
    exactly(r, "records_failed", s->records_failed, (int64_t)seen.failed);
    expect(r, "batches_sent", s->batches_sent, t->batches, t->batches + unwritten);
    expect(r, "produce_bytes", s->produce_bytes, t->batch_bytes,
           unwritten ? INT64_MAX : t->batch_bytes);
    if (!r->plan->max_message && !r->plan->errors_expected) /* halves of a batch are not repeated */
        expect(r, "batches_retried", s->batches_retried, t->repeated,
               unwritten ? s->batches_sent : t->repeated);
    exactly(r, "buffer_bytes", s->buffer_bytes, 0);
}

static void check_consumers(sim_run *r, const kc_stats *s)
{
    history_totals seen = history_count(r->history);
    exactly(r, "records_fetched", s->records_fetched, (int64_t)seen.polled);
    expect(r, "fetch_bytes", s->fetch_bytes, 0, r->tap->fetch_bytes);
    exactly(r, "fetch_bytes by rack", s->fetch_bytes_same_rack + s->fetch_bytes_other_rack,
            s->fetch_bytes);
    exactly(r, "fetch_buffer_bytes", s->fetch_buffer_bytes, 0);
}

void sim_counts_check(sim_run *r)
{
    kc_stats stats = { .size = sizeof stats };
    if (r->plan->fail_alloc_at)
        return;
    kc_client_get_stats(r->client, &stats);
    check_connections(r, &stats);
    check_producers(r, &stats);
    check_consumers(r, &stats);
}
