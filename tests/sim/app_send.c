/* SPDX-License-Identifier: Apache-2.0 */
/* The application's producers. Records have headers and keys that follow from their ids, so that
 * whoever reads one can tell whether it is whole. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "core/client.h"
#include "sim/app.h"

enum { KEYS = 40, MANY = 20, HEADERS_MAX = 3 };

/* What a record points to while it is sent. */
typedef struct parcel {
    kc_producer_record record;
    uint64_t id;
    uint8_t value[SIM_VALUE_MAX];
    char key[16];
    uint8_t header_value[8];
    kc_header headers[HEADERS_MAX];
} parcel;

static parcel parcels[MANY], answer_parcel;

/* --- values: the id, then bytes that follow from it */

kc_bytes sim_value_make(sim_run *r, uint64_t id, int least, int most, uint8_t out[SIM_VALUE_MAX])
{
    size_t more = (size_t)sim_rng_range(&r->rng, least, most);
    if (more > SIM_VALUE_MAX - 8)
        more = SIM_VALUE_MAX - 8;
    kci_store64(out, id);
    for (size_t i = 0; i < more; i++)
        out[8 + i] = (uint8_t)(id * 31 + i % 7);
    return kc_mem(out, 8 + more);
}

static uint64_t value_id(kc_bytes value)
{
    if (value.size < 8)
        return 0;
    uint64_t id = kci_load64(value.data);
    for (size_t i = 0; i < value.size - 8; i++)
        if (value.data[8 + i] != (uint8_t)(id * 31 + i % 7))
            return 0;
    return id;
}

/* --- headers and keys */

static size_t header_count(const sim_run *r, uint64_t id)
{
    return r->plan->headers && !history_is_foreign(r->history, id) ? id % (HEADERS_MAX + 1) : 0;
}

static void add_headers(const sim_run *r, uint64_t id, parcel *l, kc_producer_record *record)
{
    kci_store64(l->header_value, id);
    for (size_t i = 0; i < HEADERS_MAX; i++) {
        l->headers[i].name = kc_str(i ? "again" : "id");
        l->headers[i].value = i == 2 ? kc_mem(NULL, 0) : kc_mem(l->header_value, 8);
    }
    record->headers = l->headers;
    record->header_count = header_count(r, id);
}

static bool headers_fit(const sim_run *r, uint64_t id, const kc_record *record)
{
    kc_header got[HEADERS_MAX];
    size_t count = 0;
    if (kc_record_headers(record, got, HEADERS_MAX, &count) != KC_OK ||
        count != header_count(r, id))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t size = i == 2 ? 0 : 8;
        if (got[i].name.size != (i ? 5 : 2) || got[i].value.size != size ||
            (size && kci_load64(got[i].value.data) != id) || (i == 2 && got[i].value.data))
            return false;
    }
    return true;
}

uint64_t sim_record_id(const sim_run *r, const kc_record *record)
{
    uint64_t id = value_id(record->value);
    return id && headers_fit(r, id, record) ? id : 0;
}

static kc_bytes key_of(uint64_t id, char text[16])
{
    return kc_mem(text, (size_t)snprintf(text, 16, "key-%d", (int)(id % KEYS)));
}

static void on_delivery(void *user, const kc_delivery *d);

/* --- interceptors and partitioner of the program's own */

static bool is_refused(uint64_t id)
{
    return id % 97 == 0;
}

static kc_err on_send(void *user, kc_producer_record *record, kc_error *detail)
{
    sim_run *r = user;
    uint64_t id = (uint64_t)(uintptr_t)record->opaque;
    if (is_refused(id)) {
        snprintf(detail->text, sizeof detail->text, "the interceptor does not like it");
        return KC_E_REJECTED;
    }
    static parcel own; /* what it adds is copied when it goes in */
    add_headers(r, id, &own, record);
    return KC_OK;
}

static void on_acknowledgement(void *user, const kc_delivery *delivery)
{
    ((sim_run *)user)->intercepted += delivery->count;
}

static int32_t choose(void *user, const kc_partitioner_input *input)
{
    (void)user;
    uint64_t id = (uint64_t)(uintptr_t)input->record->opaque;
    if (is_refused(id + 1))
        return -1;
    return (int32_t)(id % (uint64_t)input->partition_count);
}

void sim_producer_options(sim_run *r, kc_producer_options *options)
{
    static kc_producer_interceptor interceptor;
    static kc_partitioner partitioner;
    interceptor = (kc_producer_interceptor){ .size = sizeof interceptor,
                                             .user = r,
                                             .on_send = on_send,
                                             .on_acknowledgement = on_acknowledgement };
    partitioner = (kc_partitioner){ .size = sizeof partitioner, .user = r, .partition = choose };
    *options = (kc_producer_options){ .size = sizeof *options };
    if (r->plan->takes) {
        options->flags = KC_PRODUCER_TAKE;
    } else {
        options->on_delivery = on_delivery;
        options->user = r;
    }
    if (r->plan->intercepts) {
        options->interceptors = &interceptor;
        options->interceptor_count = 1;
    }
    if (r->plan->own_partitioner)
        options->partitioner = &partitioner;
}

/* --- sending */

/* Which partition a key goes to is known where nobody lies about how many there are. */
static int expected_partition(const sim_run *r, kc_bytes key)
{
    bool known = key.data && !r->plan->own_partitioner && !r->plan->partitioner &&
                 !sim_plan_has(r->plan, F_LIE);
    return known ? kc_partition_of_key(key, r->plan->partitions) : -1;
}

static void choose_key(sim_run *r, parcel *l, uint64_t next, int *partition)
{
    const sim_plan *plan = r->plan;
    l->record.partition = *partition;
    if (sim_rng_chance(&r->rng, plan->choice_percent)) {
        l->record.partition = KC_PARTITION_ANY;
        if (sim_rng_chance(&r->rng, 50))
            l->record.key = key_of(next, l->key);
        *partition = expected_partition(r, l->record.key);
    }
}

static void pack(sim_run *r, int p, int partition, bool fixed, parcel *l)
{
    const sim_plan *plan = r->plan;
    int64_t now = sim_now(r->world);
    /* the report may wait for the application's next turn */
    int64_t allowed_ms = (int64_t)plan->delivery_timeout_ms + 2 * plan->max_block_ms + 4000;
    l->record = (kc_producer_record)KC_PRODUCER_RECORD_INIT;
    if (fixed)
        l->record.partition = partition;
    else
        choose_key(r, l, (uint64_t)history_count(r->history).sent + 1, &partition);
    l->id = history_send(r->history, sim_sender(r, p), partition, now, now + allowed_ms * 1000);
    l->record.topic = kc_str(SIM_TOPIC);
    l->record.value = sim_value_make(r, l->id, 0, plan->value_bytes, l->value);
    l->record.opaque = (void *)(uintptr_t)l->id;
    if (!plan->intercepts)
        add_headers(r, l->id, l, &l->record);
}

static bool may_refuse(const sim_run *r, kc_err err)
{
    bool rejects = r->plan->intercepts || r->plan->own_partitioner;
    return r->plan->errors_expected || sim_explained(err) || err == KC_E_QUEUE_FULL ||
           err == KC_E_TIMED_OUT || err == KC_E_INTERRUPTED || (rejects && err == KC_E_REJECTED);
}

static void refused(sim_run *r, const parcel *l, kc_err err, const kc_error *why)
{
    history_refused(r->history, l->id);
    sim_trace(r->world, "app: send %llu refused: %s", (unsigned long long)l->id, why->text);
    if (!may_refuse(r, err))
        history_violation(r->history, H_UNEXPECTED_ERROR, "send: %s: %s", kc_error_name(err),
                          why->text);
}

static bool send_parcel(sim_run *r, int p, parcel *l)
{
    int64_t begun = sim_now(r->world);
    kc_error why = { 0 };
    kc_err err = kc_producer_send(r->producers[p], &l->record, &why);
    sim_check_call(r, "send", begun, r->plan->max_block_ms);
    r->wants_room[p] |= err != KC_OK;
    if (err != KC_OK)
        refused(r, l, err, &why);
    return err == KC_OK || err == KC_E_REJECTED;
}

bool sim_send_to(sim_run *r, int p, int partition, uint64_t *sent)
{
    parcel *l = &parcels[0];
    pack(r, p, partition, true, l);
    *sent = l->id;
    return send_parcel(r, p, l);
}

static bool send_one(sim_run *r, int p)
{
    pack(r, p, sim_any_partition(r), false, &parcels[0]);
    return send_parcel(r, p, &parcels[0]);
}

/* As many as possible by one call. */
static bool send_many(sim_run *r, int p, int count)
{
    static kc_producer_record records[MANY];
    size_t sent = 0;
    kc_error why = { 0 };
    for (int i = 0; i < count; i++) {
        pack(r, p, sim_any_partition(r), false, &parcels[i]);
        records[i] = parcels[i].record;
    }
    int64_t begun = sim_now(r->world);
    kc_err err = kc_producer_send_many(r->producers[p], records, (size_t)count, &sent, &why);
    sim_check_call(r, "send_many", begun, r->plan->max_block_ms);
    r->wants_room[p] |= err != KC_OK;
    for (int i = (int)sent; i < count; i++)
        refused(r, &parcels[i], err, &why);
    if (err == KC_OK && sent < (size_t)count)
        history_violation(r->history, H_UNEXPECTED_ERROR, "send_many: %zu of %d went in", sent,
                          count);
    return err == KC_OK || err == KC_E_REJECTED;
}

/* Up to a record that was refused or had to wait: outcomes are not left unheard for many waits. */
void sim_produce_some(sim_run *r)
{
    int p = sim_any_producer(r);
    int burst = r->plan->trickles ? 1 : (int)sim_rng_range(&r->rng, 1, MANY);
    if (burst > r->unsent[p])
        burst = r->unsent[p];
    if (sim_rng_chance(&r->rng, r->plan->many_percent)) {
        send_many(r, p, burst);
        r->unsent[p] -= burst;
        return;
    }
    int64_t begun = sim_now(r->world);
    for (; burst > 0 && sim_now(r->world) == begun; burst--) {
        if (!send_one(r, p))
            return;
        r->unsent[p]--;
    }
}

/* --- outcomes */

static void answer_report(sim_run *r)
{
    int p = sim_any_producer(r);
    if (!r->plan->callback_percent || r->unsent[p] <= 0 ||
        !sim_rng_chance(&r->rng, r->plan->callback_percent))
        return;
    r->unsent[p]--;
    pack(r, p, sim_any_partition(r), false, &answer_parcel);
    send_parcel(r, p, &answer_parcel);
}

/* What is delivered was written; what was tried is tried as often as retries says: once more than
 * that, unless something else ended it. Halves of a batch are counted anew. */
static void check_tries(sim_run *r, uint64_t id, kc_err err)
{
    int tries = sim_tap_tries(r, id);
    int64_t most = sim_plan_setting(r->plan, "retries", INT32_MAX) + 1;
    bool of_broker = err > 0 && (kc_error_flags(err) & KC_ERROR_RETRIABLE);
    if (err == KC_OK && tries == 0)
        history_violation(r->history, H_UNWRITTEN,
                          "record %llu is delivered, and was not written to any socket",
                          (unsigned long long)id);
    if (r->plan->max_message)
        return;
    if (tries > most)
        history_violation(r->history, H_RETRIES, "record %llu was sent %d times, allowed are %lld",
                          (unsigned long long)id, tries, (long long)most);
    if (of_broker && !r->closing && r->tap->unproven == 0 && tries != most)
        history_violation(r->history, H_RETRIES, "record %llu failed after %d attempts of %lld: %s",
                          (unsigned long long)id, tries, (long long)most, kc_error_name(err));
}

static void on_delivery(void *user, const kc_delivery *d)
{
    sim_run *r = user;
    int64_t now = sim_now(r->world);
    r->reported += d->count;
    for (int32_t i = 0; i < d->count; i++) {
        uint64_t id = d->opaques ? (uint64_t)(uintptr_t)d->opaques[i] : 0;
        check_tries(r, id, d->err);
        if (d->err == KC_OK)
            sim_pace_acked(r, id, d->partition);
        if (d->err == KC_OK)
            history_acked(r->history, id, d->partition, kc_delivery_offset(d, i), now);
        else
            history_failed(r->history, id, d->partition,
                           (d->flags & KC_DELIVERY_POSSIBLY_PERSISTED) != 0, now);
    }
    sim_trace(r->world, "app: %d records of partition %d: %s at %lld%s", d->count, d->partition,
              kc_error_name(d->err), (long long)d->base_offset,
              d->flags & KC_DELIVERY_POSSIBLY_PERSISTED ? " (possibly persisted)" : "");
    answer_report(r);
}

/* What cannot be taken for want of memory stays. */
static void take(sim_run *r, int p)
{
    kc_deliveries *list = NULL;
    kc_delivery one = KC_DELIVERY_INIT;
    while (kc_producer_take(r->producers[p], 0, &list) == KC_OK && list) {
        for (size_t i = 0; kc_deliveries_at(list, i, &one); i++)
            on_delivery(r, &one);
        kc_deliveries_free(list);
        list = NULL;
    }
}

void sim_hear_producer(sim_run *r, int p)
{
    if (r->plan->takes)
        take(r, p);
    else
        kc_producer_poll(r->producers[p], 0, NULL);
}

void sim_hear_producers(sim_run *r)
{
    for (int p = 0; p < r->plan->producers; p++)
        if (r->producers[p])
            sim_hear_producer(r, p);
}

/* When it says that all have an outcome, they have been reported, or can be taken. */
static kc_err flush_once(sim_run *r, int p, int32_t timeout_ms, kc_error *why)
{
    int64_t begun = sim_now(r->world);
    kc_err err = kc_producer_flush(r->producers[p], timeout_ms, why);
    sim_check_call(r, "flush", begun, timeout_ms);
    if (r->plan->takes)
        take(r, p);
    int pending = r->plan->callback_percent ? 0 : history_pending(r->history, sim_sender(r, p));
    bool kept = r->plan->takes && kci_mem_has_failed(); /* for want of memory to take them */
    if ((err == KC_OK || err == KC_E_NOT_DELIVERED) && pending > 0 && !kept)
        history_violation(r->history, H_UNREPORTED, "flush of producer %d ended with %d to come", p,
                          pending);
    return err;
}

/* Now and then, with little patience. */
void sim_flush_in_turn(sim_run *r)
{
    if (r->plan->flush_percent == 0 || !sim_rng_chance(&r->rng, r->plan->flush_percent))
        return;
    int p = sim_any_producer(r);
    int32_t timeout_ms = (int32_t)sim_rng_range(&r->rng, 0, 300);
    flush_once(r, p, timeout_ms, NULL);
}

void sim_purge_in_turn(sim_run *r)
{
    if (r->plan->purge_percent == 0 || !sim_rng_chance(&r->rng, r->plan->purge_percent))
        return;
    int p = sim_any_producer(r);
    bool in_flight = sim_rng_chance(&r->rng, 50);
    sim_trace(r->world, "app: producer %d purges%s", p, in_flight ? " in flight" : "");
    kc_producer_purge(r->producers[p], in_flight);
}

/* In short steps, so that one producer's reports do not wait for another's flush. */
void sim_flush_one(sim_run *r, int p)
{
    int32_t step_ms = 500;
    int64_t most_ms = r->plan->delivery_timeout_ms + 3000;
    if (r->plan->prompt_ms)
        most_ms = r->plan->prompt_ms;
    int64_t limit = sim_now(r->world) + most_ms * 1000;
    kc_err err = KC_E_TIMED_OUT;
    kc_error why = { 0 };
    while ((err == KC_E_TIMED_OUT || err == KC_E_NO_MEMORY || err == KC_E_INTERRUPTED) &&
           sim_now(r->world) < limit) {
        err = flush_once(r, p, step_ms, &why);
        sim_hear_producers(r);
        sim_bounds_check(r);
        if (err == KC_E_NO_MEMORY)
            sim_wait_for_memory(r);
    }
    if (err == KC_E_TIMED_OUT || err == KC_E_NO_MEMORY)
        history_violation(r->history, H_LATE_REPORT, "flush: %s", why.text);
}
