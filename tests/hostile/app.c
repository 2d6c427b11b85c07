/* SPDX-License-Identifier: Apache-2.0 */
/* An application that sends numbered records, polls, seeks and asks for offsets, and shows that it
 * works again by records that it sends and gets back. */
#include <stdio.h>
#include <stdlib.h>

#include <kclient/stats.h>

#include "core/client.h"
#include "hostile/app.h"

static void on_delivery(void *user, const kc_delivery *d)
{
    run *r = user;
    sim_trace(r->world, "app: %d records of partition %d: %s at %lld", d->count, d->partition,
              kc_error_name(d->err), (long long)d->base_offset);
    if (d->err != KC_OK) {
        r->refusal.code = d->err;
        snprintf(r->refusal.text, sizeof r->refusal.text, "%s", d->text);
    }
    for (int32_t i = 0; i < d->count; i++)
        book_outcome(&r->book, d->opaques ? (int)(intptr_t)d->opaques[i] : 0, d->partition, d->err,
                     (d->flags & KC_DELIVERY_POSSIBLY_PERSISTED) != 0, now_of(r));
}

static kc_topic_partition_position at(const char *topic, int partition, kc_position position)
{
    return (kc_topic_partition_position){ kc_str(topic), partition, position };
}

static void open_records(run *r)
{
    kc_error why = { 0 };
    kc_producer_options options = { .size = sizeof options, .on_delivery = on_delivery, .user = r };
    if (kc_producer_new(r->client, &options, &r->producer, &why) != KC_OK)
        abort();
    if (kc_consumer_new(r->client, NULL, &r->consumer, &why) != KC_OK)
        abort();
    const kc_topic_partition_position list[] = { at("t", 0, kc_position_beginning()),
                                                 at("t", 1, kc_position_timestamp(1)),
                                                 at("u", 0, kc_position_tail(2)) };
    if (kc_consumer_assign(r->consumer, list, 3, &why) != KC_OK)
        abort();
}

/* Returns its number; 0: refused. */
static int send_one(run *r, int topic, int partition)
{
    uint8_t value[BOOK_VALUE];
    int64_t begun = now_of(r);
    int n = book_send(&r->book, topic, partition,
                      begun + (DELIVERY_MS + 2 * MAX_BLOCK_MS) * INT64_C(1000) + 1000000);
    if (n == 0) {
        book_problem(&r->book, "too many records");
        return 0;
    }
    book_value(n, value);
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(book_topics[topic]);
    record.partition = partition;
    record.value = kc_mem(value, sizeof value);
    record.opaque = (void *)(intptr_t)n;
    kc_error why = { 0 };
    kc_err err = kc_producer_send(r->producer, &record, &why);
    run_check_call(r, "send", begun, MAX_BLOCK_MS);
    if (err == KC_OK)
        return n;
    r->book.records[n].state = BOOK_REFUSED;
    r->refusal = why;
    r->refusal.code = err;
    sim_trace(r->world, "app: send %d to %s is refused: %s: %s", n, book_topics[topic],
              kc_error_name(err), why.text);
    return 0;
}

/* An error stopped a partition: the application reads on behind it a little later, once brokers are
 * honest again from the beginning. */
static void after_error(run *r, const kc_records *records)
{
    int topic = book_topic(kc_records_topic(records)), partition = kc_records_partition(records);
    if (topic < 0 || partition < 0 || partition >= BOOK_PARTITIONS) {
        book_problem(&r->book, "an error of a partition that is not assigned");
        return;
    }
    int64_t next = kc_records_next_offset(records);
    r->seeks[topic][partition] =
        (app_seek){ .due = true,
                    .skipped = r->seeks[topic][partition].skipped,
                    .at_us = now_of(r) + SEEK_PAUSE_US,
                    .to = next < 0 ? kc_position_beginning() : kc_position_offset(next) };
}

static void do_seeks(run *r)
{
    for (int t = 0; t < BOOK_TOPICS; t++)
        for (int p = 0; p < BOOK_PARTITIONS; p++) {
            app_seek *s = &r->seeks[t][p];
            if (!s->due || s->at_us > now_of(r))
                continue;
            s->due = false;
            s->skipped = !r->honest_again && s->to.kind == KC_POSITION_OFFSET;
            r->book.next[t][p] = -1;
            kc_consumer_seek(r->consumer, kc_str(book_topics[t]), p,
                             r->honest_again ? kc_position_beginning() : s->to, NULL);
        }
}

/* true when something came */
static bool poll_once(run *r, int32_t timeout_ms)
{
    int64_t begun = now_of(r);
    kc_records *records = NULL;
    kc_error why = { 0 };
    kc_err err = kc_consumer_poll(r->consumer, timeout_ms, &records, &why);
    run_check_call(r, "poll", begun, timeout_ms);
    if (err != KC_OK) {
        sim_trace(r->world, "app: poll: %s: %s", kc_error_name(err), why.text);
        r->poll_error = why;
        r->poll_error.code = err;
    }
    if (records && err == KC_OK) {
        sim_trace(r->world, "app: %zu records of %.*s-%d from %lld", kc_records_count(records),
                  (int)kc_records_topic(records).size, kc_records_topic(records).data,
                  kc_records_partition(records), (long long)kc_records_offset(records));
        book_polled(&r->book, records, &r->rules);
    } else if (records && !(why.flags & KC_ERROR_GOES_ON)) {
        after_error(r, records);
    }
    bool some = records != NULL;
    kc_records_free(records);
    return some;
}

static void check_bounds(run *r)
{
    kc_stats stats = KC_STATS_INIT;
    kc_client_get_stats(r->client, &stats);
    int64_t buffered = stats.buffer_bytes, fetched = stats.fetch_buffer_bytes;
    if (buffered < 0 || buffered > BUFFER_MEMORY)
        book_problem(&r->book, "the producer holds %lld bytes", (long long)buffered);
    if (fetched < 0 || fetched > FETCH_BUFFER + FRAME_MAX)
        book_problem(&r->book, "the consumer holds %lld bytes", (long long)fetched);
}

/* Outcomes and records that are there. Bounded, so that an endless supply is found out. */
static void take_all(run *r, int32_t timeout_ms)
{
    int64_t begun = now_of(r);
    kc_producer_poll(r->producer, 0, NULL);
    run_check_call(r, "producer poll", begun, 0);
    int polls = 0;
    do_seeks(r);
    while (poll_once(r, polls == 0 ? timeout_ms : 0))
        if (++polls == 2000) {
            book_problem(&r->book, "poll returns something without end");
            break;
        }
    check_bounds(r);
}

/* Things that make the client ask more kinds of questions; each once, some time into the lie. */
static void do_more(run *r, int64_t passed, int64_t length)
{
    if (!r->moved && passed > length * 3 / 10) {
        r->moved = true;
        int32_t leader = 0;
        kc_mock_leader(r->mock, "t", 0, &leader, NULL);
        kc_mock_move_leader(r->mock, "t", 0, leader == 1 ? 2 : 1, 0, 0);
        sim_trace(r->world, "the leader of t-0 moves");
    }
    if (!r->sought && passed > length / 2) {
        r->sought = true;
        kc_position position = { KC_POSITION_OFFSET_EPOCH, 0, 3 };
        r->book.next[0][1] = -1;
        kc_consumer_seek(r->consumer, kc_str("t"), 1, position, NULL);
    }
    if (!r->asked && passed > length * 4 / 10) {
        r->asked = true;
        int64_t begun = now_of(r);
        kc_partition_offsets offsets = KC_PARTITION_OFFSETS_INIT;
        kc_consumer_offsets(r->consumer, kc_str("u"), 0, 300, &offsets, NULL);
        run_check_call(r, "offsets", begun, 300);
    }
}

/* The work during the lie: 20 records, and whatever there is to poll. */
static void work(run *r, int64_t length)
{
    static const struct {
        int topic, partition;
    } targets[] = { { 0, 0 }, { 0, 1 }, { 2, -1 }, { 0, 0 }, { 0, 1 } };
    int64_t end = r->begun + length;
    while (now_of(r) < end) {
        int64_t passed = now_of(r) - r->begun;
        for (; r->sent < 20 && r->sent * length / 20 <= passed; r->sent++)
            send_one(r, targets[r->sent % 5].topic, targets[r->sent % 5].partition);
        do_more(r, passed, length);
        take_all(r, 50);
        sim_run_until(r->world, now_of(r) + 20000, NULL);
    }
}

static bool is_seen(const run *r, int number)
{
    const book_record *record = &r->book.records[number];
    return number && record->state == BOOK_ACKED && record->polled;
}

/* A fresh record for a partition when the last one was refused or has failed. */
static void refresh(run *r, int partition)
{
    int *n = &r->fresh[partition];
    if (*n == 0 || r->book.records[*n].state == BOOK_FAILED)
        *n = send_one(r, 0, partition);
}

/* What the application itself has passed over, it reads again when brokers are honest. */
static void go_back(run *r)
{
    for (int t = 0; t < BOOK_TOPICS; t++)
        for (int p = 0; p < BOOK_PARTITIONS; p++)
            if (r->seeks[t][p].skipped)
                r->seeks[t][p] = (app_seek){ .due = true, .at_us = now_of(r) };
}

static bool recover(run *r)
{
    int64_t end = r->lie_ended + RECOVERY_US;
    go_back(r);
    while (now_of(r) < end) {
        int64_t next = now_of(r) + 1000000;
        refresh(r, 0);
        refresh(r, 1);
        while (now_of(r) < next) {
            take_all(r, 100);
            if (is_seen(r, r->fresh[0]) && is_seen(r, r->fresh[1])) {
                return true;
            }
            sim_run_until(r->world, now_of(r) + 20000, NULL);
        }
    }
    return false;
}

static void close_records(run *r)
{
    int64_t begun = now_of(r);
    kc_producer_flush(r->producer, DELIVERY_MS + 1000, NULL);
    run_check_call(r, "flush", begun, DELIVERY_MS + 1000);
    begun = now_of(r);
    kc_consumer_close(r->consumer, CLOSE_MS, NULL);
    run_check_call(r, "consumer close", begun, CLOSE_MS);
    begun = now_of(r);
    kc_producer_close(r->producer, CLOSE_MS, NULL);
    run_check_call(r, "producer close", begun, CLOSE_MS);
    kc_consumer_free(r->consumer);
    kc_producer_free(r->producer);
}

const app app_records = { open_records, work, recover, close_records };
