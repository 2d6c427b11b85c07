/* SPDX-License-Identifier: Apache-2.0 */
/* kc_producer_send: checks a record, asks interceptors and the program's partitioner, and gets it
 * into a batch, waiting for room or metadata at most max.block.ms. Application threads. */
#include "base/abi_structs.h"
#include "base/err.h"
#include "core/metadata.h"
#include "producer/producer.h"

enum { RECORDS_PER_ENTRY = 64 /* of send_many into the gate, so that others get in too */ };

/* Of one call: the time up to which it may wait, known once it has to. */
typedef struct patience {
    kci_waiter *waiter;
    unsigned what; /* the waiter waits for */
    int64_t since_us;
    int64_t deadline_us;
    bool refreshed;
    bool counted; /* in buffer_waits */
    bool last;    /* the last attempt: the descriptor will tell when to try again */
} patience;

static inline bool is_bad_bytes(kc_bytes b)
{
    return !b.data && b.size > 0;
}

static const char *what_is_wrong(const kc_producer_record *r)
{
    if (!r->topic.data || r->topic.size == 0)
        return "the record has no topic";
    if (r->partition < KC_PARTITION_ANY)
        return "the partition is negative: KC_PARTITION_ANY leaves the choice to the partitioner";
    if (r->timestamp < KC_NO_TIMESTAMP)
        return "the timestamp is negative: KC_NO_TIMESTAMP stands for the time of the call";
    if (is_bad_bytes(r->key) || is_bad_bytes(r->value))
        return "key or value has a size but no data";
    if (r->header_count > 0 && !r->headers)
        return "header_count is set, but headers is NULL";
    for (size_t i = 0; i < r->header_count; i++) {
        if (!r->headers[i].name.data || is_bad_bytes(r->headers[i].value))
            return "a header has no name, or a value with a size but no data";
    }
    return NULL;
}

static kc_err too_large(const kc_producer *p, size_t size, kc_error *detail)
{
    return kci_fail(detail, KC_E_RECORD_TOO_LARGE,
                    "the record takes about %zu bytes, more than max.request.size (%d) or "
                    "buffer.memory (%lld) allow: split it or raise them",
                    size, p->conf.max_request_size, (long long)p->conf.buffer_memory);
}

/* A record without headers in which nothing can be wrong; true for nearly all. */
static inline bool is_plain(const kc_producer_record *r)
{
    return r->topic.data && r->topic.size > 0 && r->partition >= KC_PARTITION_ANY &&
           r->timestamp >= KC_NO_TIMESTAMP && !is_bad_bytes(r->key) && !is_bad_bytes(r->value) &&
           r->header_count == 0;
}

/* Checks a record and prepares its way in. */
static inline kc_err prepare(const kc_producer *p, const kc_producer_record *r, kci_append *a,
                             kc_error *detail)
{
    if (!is_plain(r)) {
        const char *wrong = what_is_wrong(r);
        if (wrong)
            return kci_fail(detail, KC_E_INVALID_ARGUMENT, "%s", wrong);
    }
    *a = (kci_append){ .record = r, .partition = r->partition };
    a->bound = kci_record_bound(r->key, r->value, r->headers, r->header_count);
    if (a->bound > p->bound_max)
        return too_large(p, a->bound, detail);
    return KC_OK;
}

static kc_err closed(kc_producer *p, kc_error *detail)
{
    kc_err err = kci_client_check(p->client);
    return kci_fail(detail, err == KC_OK ? KC_E_CLOSED : err, NULL);
}

static kc_err refused(kc_producer *p, const kci_append *a, kc_error *detail)
{
    kc_bytes topic = a->record->topic;
    if (a->err == KC_E_CLOSED)
        return closed(p, detail);
    return kci_fail(detail, a->err, "topic %.*s: %s", (int)(topic.size < 249 ? topic.size : 249),
                    (const char *)topic.data, kc_error_text(a->err));
}

static kc_err no_room(kc_producer *p, kc_error *detail)
{
    kci_sender_post(p); /* open batches count as due */
    return kci_fail(detail, KC_E_QUEUE_FULL,
                    "buffer.memory (%lld bytes) is used up by records not yet acknowledged, and "
                    "max.block.ms (%lld) passed: wait for kc_producer_fd(), or raise one of them",
                    (long long)p->conf.buffer_memory, (long long)(p->conf.max_block_us / 1000));
}

static kc_err no_partition(const kci_append *a, kc_error *detail)
{
    kc_bytes name = a->topic->name;
    return kci_fail(detail, KC_E_UNKNOWN_PARTITION, "topic %.*s has %d partitions, there is no %d",
                    (int)name.size, (const char *)name.data, a->partition_count, a->partition);
}

static kc_err no_topic(kc_producer *p, const kci_append *a, kc_error *detail)
{
    kc_error problem;
    kc_bytes name = a->topic->name;
    long long ms = (long long)(p->conf.max_block_us / 1000);
    if (a->partition_count > 0)
        return no_partition(a, detail);
    if (a->err != KC_OK)
        return kci_fail(detail, a->err, "topic %.*s, waited max.block.ms (%lld): %s",
                        (int)name.size, (const char *)name.data, ms, kc_error_text(a->err));
    if (kci_client_last_problem(p->client, &problem) != KC_OK)
        return kci_fail(detail, KC_E_TIMED_OUT,
                        "nothing is known of topic %.*s after max.block.ms (%lld): %s",
                        (int)name.size, (const char *)name.data, ms, problem.text);
    return kci_fail(
        detail, KC_E_TIMED_OUT,
        "nothing is known of topic %.*s after max.block.ms (%lld): send again, or allow "
        "more time",
        (int)name.size, (const char *)name.data, ms);
}

/* Nothing will be known of the topic until somebody changes a password or a certificate. */
static kc_err shut_out(kc_producer *p, const kci_append *a, kc_error *detail)
{
    kc_error problem = { 0 };
    kc_bytes name = a->topic->name;
    kc_err err = kci_client_refusal(p->client, &problem);

    atomic_store(&p->retry_wanted, true);
    if (err == KC_OK)
        return KC_OK; /* it has just changed */
    return kci_fail(detail, err, "nothing can be known of topic %.*s: %.400s", (int)name.size,
                    (const char *)name.data, problem.text);
}

/* The present metadata are newer than the wait and still have no such partition. */
static bool is_missing_for_sure(kc_producer *p, const kci_append *a, const patience *wait)
{
    return a->partition_count > 0 && a->partition >= a->partition_count && wait->refreshed &&
           atomic_load_explicit(&p->accum.metadata_us, memory_order_relaxed) > wait->since_us;
}

/* The time is up. From now on the descriptor tells when to try again; what has come between the
 * last attempt and this moment it does not tell, so there is one more attempt. */
static kc_err give_up(kc_producer *p, const kci_append *a, kci_append_result result, patience *wait,
                      kc_error *detail)
{
    if (!wait->last) {
        wait->last = true;
        kci_producer_want_retry(p);
        return KC_OK;
    }
    return result == KCI_APPEND_NO_ROOM ? no_room(p, detail) : no_topic(p, a, detail);
}

/* From here on the waiter is woken by what is missing now. KC_OK: the caller looks again before it
 * waits. */
static kc_err begin_waiting(kc_producer *p, patience *wait, unsigned what, kc_error *detail)
{
    kc_err err = KC_OK;
    if (wait->waiter)
        kci_waiter_change(&p->life.waiters, wait->waiter, what);
    else
        err = kci_waiters_begin(&p->life.waiters, what, &wait->waiter);
    wait->what = what;
    if (what == KCI_WAIT_ROOM)
        kci_sender_post(p); /* so that it takes open batches */
    return err == KC_OK ? err : kci_fail(detail, err, NULL);
}

/* Waits for what is missing. KC_OK: try again. */
static kc_err wait_for_it(kc_producer *p, const kci_append *a, kci_append_result result,
                          patience *wait, kc_error *detail)
{
    unsigned what = result == KCI_APPEND_NO_ROOM ? KCI_WAIT_ROOM : KCI_WAIT_METADATA;
    int64_t now = p->sys->mono_us(p->sys);
    if (!wait->deadline_us) {
        wait->since_us = now;
        wait->deadline_us = now + p->conf.max_block_us;
    }
    if (result == KCI_APPEND_NO_TOPIC && is_missing_for_sure(p, a, wait))
        return no_partition(a, detail);
    if (result == KCI_APPEND_NO_TOPIC && !wait->refreshed) {
        wait->refreshed = true;
        kci_client_refresh(p->client);
    }
    if (result == KCI_APPEND_NO_TOPIC && kci_client_refusal(p->client, NULL) != KC_OK)
        return shut_out(p, a, detail);
    if (now >= wait->deadline_us)
        return give_up(p, a, result, wait, detail);
    if (result == KCI_APPEND_NO_ROOM && !wait->counted) {
        wait->counted = true;
        kci_stat_add_shared(&kci_client_stats(p->client)->buffer_waits, 1);
    }
    if (wait->what != what)
        return begin_waiting(p, wait, what, detail);
    kc_err err = kci_waiter_wait(&p->life.waiters, wait->waiter, wait->deadline_us);
    if (err == KC_E_TIMED_OUT)
        return give_up(p, a, result, wait, detail);
    return err == KC_OK ? err : kci_fail(detail, err, NULL);
}

static kc_err ask_partitioner(kc_producer *p, kci_append *a, kc_error *detail)
{
    kc_partitioner_input input = { .size = sizeof input };
    input.partition_count = a->partition_count;
    input.record = a->record;
    input.available = a->available ? a->available->ids : NULL;
    input.available_count = a->available ? a->available->count : 0;
    a->partition = p->partitioner.partition(p->partitioner.user, &input);
    kci_available_unref(a->available);
    a->available = NULL;
    if (a->partition < 0)
        return kci_fail(detail, KC_E_REJECTED, "the partitioner rejected the record");
    if (a->partition >= a->partition_count)
        return kci_fail(detail, KC_E_REJECTED, "the partitioner chose %d of %d partitions",
                        a->partition, a->partition_count);
    return KC_OK;
}

static void stop_waiting(kc_producer *p, patience *wait)
{
    if (wait->waiter)
        kci_waiters_end(&p->life.waiters, wait->waiter);
    wait->waiter = NULL;
    wait->what = 0;
}

static inline kci_append_result attempt(kc_producer *p, kci_append *a)
{
    kci_gate_enter(&p->accum.gate);
    kci_append_result result = kci_accum_append(p, a);
    if (!a->to_seal && !a->tell)
        kci_gate_leave(&p->accum.gate);
    else
        kci_accum_leave(p, a);
    return result;
}

/* Whatever an attempt ended with, up to the record's being taken or refused. */
static kc_err finish(kc_producer *p, kci_append *a, kci_append_result result, patience *wait,
                     kc_error *detail)
{
    while (result != KCI_APPEND_DONE) {
        kc_err err;
        if (result == KCI_APPEND_REFUSED)
            err = refused(p, a, detail);
        else if (result == KCI_APPEND_CHOOSE)
            err = ask_partitioner(p, a, detail);
        else
            err = wait_for_it(p, a, result, wait, detail);
        if (err != KC_OK)
            return err;
        result = attempt(p, a);
    }
    return KC_OK;
}

static kc_err send_intercepted(kc_producer *p, const kc_producer_record *record, patience *wait,
                               kc_error *detail)
{
    kci_append a;
    size_t seen = 0;
    kc_producer_record own = *record;
    kc_err err = kci_interceptors_on_send(p, &own, &seen, detail);
    if (err == KC_OK)
        err = prepare(p, &own, &a, detail);
    if (err == KC_OK)
        err = finish(p, &a, attempt(p, &a), wait, detail);
    kci_interceptors_on_sent(p, seen, &own, err);
    return err;
}

/* First in each call. */
static inline kc_err enter_call(kc_producer *p, kc_error *detail)
{
    if (!p)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the producer is NULL");
    kc_err err = kci_client_check(p->client);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    if (atomic_load_explicit(&p->retry_told, memory_order_relaxed))
        kci_producer_hear_room(p);
    return KC_OK;
}

/* Everything but the straight way in. */
static kc_err send_slowly(kc_producer *p, const kc_producer_record *record, kci_append *a,
                          kci_append_result result, kc_error *detail)
{
    patience wait = { 0 };
    kc_err err = p->interceptor_count ? send_intercepted(p, record, &wait, detail)
                                      : finish(p, a, result, &wait, detail);
    stop_waiting(p, &wait);
    return err;
}

/* Of a program that was compiled with another version of the struct. */
static kc_err send_other_size(kc_producer *p, const kc_producer_record *record, kc_error *detail)
{
    kc_producer_record own;
    if (!record)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the record is NULL");
    kc_err err = kci_abi_take(&kci_abi_producer_record, record, &own, detail);
    return err == KC_OK ? kc_producer_send(p, &own, detail) : err;
}

kc_err kc_producer_send(kc_producer *p, const kc_producer_record *record, kc_error *detail)
{
    kci_append a;
    kc_err err = enter_call(p, detail);
    if (err != KC_OK)
        return err;
    if (!record || record->size != sizeof *record)
        return send_other_size(p, record, detail);
    if (p->interceptor_count)
        return send_slowly(p, record, NULL, KCI_APPEND_DONE, detail);
    err = prepare(p, record, &a, detail);
    if (err != KC_OK)
        return err;
    kci_append_result result = attempt(p, &a);
    return result == KCI_APPEND_DONE ? KC_OK : send_slowly(p, record, &a, result, detail);
}

static kc_err other_size_in_list(size_t i, const kc_producer_record *r, kc_error *detail)
{
    return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                    "record %zu has size %u and the first one %zu: begin each with "
                    "KC_PRODUCER_RECORD_INIT",
                    i, (unsigned)r->size, sizeof *r);
}

static inline kc_err prepare_at(const kc_producer *p, const kc_producer_record *records, size_t i,
                                kci_append *a, kc_error *detail)
{
    const kc_producer_record *r = &records[i];
    return r->size == sizeof *r ? prepare(p, r, a, detail) : other_size_in_list(i, r, detail);
}

/* As many records as go in without leaving the gate; *a is the last one tried, *result how that
 * went. */
static kc_err send_run(kc_producer *p, const kc_producer_record *records, size_t count, size_t *i,
                       kci_append *a, kci_append_result *result, kc_error *detail)
{
    size_t end = count - *i > RECORDS_PER_ENTRY ? *i + RECORDS_PER_ENTRY : count;
    kc_err err = prepare_at(p, records, *i, a, detail);
    if (err != KC_OK)
        return err;
    kci_gate_enter(&p->accum.gate);
    for (;;) {
        *result = kci_accum_append(p, a);
        if (*result != KCI_APPEND_DONE || a->to_seal || a->tell)
            break;
        if (*i + 1 >= end)
            break;
        err = prepare_at(p, records, *i + 1, a, detail);
        ++*i;
        if (err != KC_OK)
            break;
    }
    kci_accum_leave(p, a);
    return err;
}

/* One record of a list whose records cannot be sent where they lie: interceptors may change it, or
 * the program was compiled with another version of the struct. */
static kc_err send_copy(kc_producer *p, const kc_producer_record *records, size_t i, patience *wait,
                        kc_error *detail)
{
    kci_append a;
    kc_producer_record own;
    kc_err err = kci_abi_take_at(&kci_abi_producer_record, records, i, &own, detail);
    if (err != KC_OK)
        return err;
    if (p->interceptor_count)
        return send_intercepted(p, &own, wait, detail);
    err = prepare(p, &own, &a, detail);
    return err == KC_OK ? finish(p, &a, attempt(p, &a), wait, detail) : err;
}

kc_err kc_producer_send_many(kc_producer *p, const kc_producer_record *records, size_t count,
                             size_t *sent, kc_error *detail)
{
    size_t i = 0;
    patience wait = { 0 };
    kc_err err = enter_call(p, detail);
    if (err == KC_OK && count > 0 && !records)
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT, "the list of records is NULL");
    while (err == KC_OK && i < count) {
        kci_append a;
        kci_append_result result = KCI_APPEND_DONE;
        if (p->interceptor_count || records->size != sizeof *records) {
            err = send_copy(p, records, i, &wait, detail);
        } else {
            err = send_run(p, records, count, &i, &a, &result, detail);
            if (err == KC_OK)
                err = finish(p, &a, result, &wait, detail);
        }
        if (err == KC_OK)
            i++;
    }
    stop_waiting(p, &wait);
    if (sent)
        *sent = i;
    return err;
}

kc_err kc_producer_partition_count(kc_producer *p, kc_bytes topic, int32_t *count, kc_error *detail)
{
    patience wait = { 0 };
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = topic;
    kci_append a = { .record = &record, .partition = 0 };
    kci_append_result result = KCI_APPEND_NO_TOPIC;
    if (!count || !topic.data || topic.size == 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "count is NULL, or no topic is named");
    *count = 0;
    kc_err err = enter_call(p, detail);
    while (err == KC_OK && result == KCI_APPEND_NO_TOPIC) {
        kci_gate_enter(&p->accum.gate);
        result = kci_accum_find_topic(p, &a);
        kci_accum_leave(p, &a);
        if (result == KCI_APPEND_REFUSED)
            err = refused(p, &a, detail);
        else if (result == KCI_APPEND_NO_TOPIC)
            err = wait_for_it(p, &a, result, &wait, detail);
    }
    if (err == KC_OK)
        *count = a.partition_count;
    stop_waiting(p, &wait);
    return err;
}
