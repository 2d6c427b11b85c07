/* SPDX-License-Identifier: Apache-2.0 */
/* See script.h. */
#include "unit/producer/script.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "record/batch.h"
#include "record/reader.h"

typedef kci_produce_response_topic_produce_response topic_answer;
typedef kci_produce_response_partition_produce_response partition_answer;

enum { HOUR_MS = 3600000, STEP_MS = 100, NAMES_UNTIL = 12 };

/* ---- reading requests ---- */

static int topic_number(const script *s, const kci_produce_request_topic_produce_data *t)
{
    for (int i = 0; i < s->fake.topic_count; i++) {
        const fake_topic *known = &s->fake.topics[i];
        if (t->name.size ? kci_bytes_equal(t->name, kc_str(known->name))
                         : memcmp(&t->topic_id, &known->id, sizeof known->id) == 0)
            return i;
    }
    cr_assert_fail("a topic that was not told");
    return -1;
}

static void read_records(const kci_batch *batch, script_batch *b)
{
    kci_records_iter it;
    kci_block *block = NULL;
    kci_decompressor *d = NULL;
    kc_record record;
    cr_assert_eq(kci_decompressor_new(&d), KC_OK);
    cr_assert_eq(kci_records_open(&it, batch, 0, d, &kci_block_heap, 1 << 26, &block), KC_OK);
    cr_assert_eq(kci_records_decode(&it, &record, 1), 1);
    char text[16] = "";
    cr_assert_lt(record.value.size, sizeof text);
    memcpy(text, record.value.data, record.value.size);
    b->first = atoi(text);
    b->count = batch->count;
    kci_block_unref(block);
    kci_decompressor_free(d);
}

static script_batch *see(script *s, const fake_request *r, int topic,
                         const kci_produce_request_partition_produce_data *data)
{
    kci_batch batch;
    cr_assert_lt(s->count, SCRIPT_SEEN);
    script_batch *b = &s->seen[s->count++];
    cr_assert_eq(kci_batch_parse(data->records.data, data->records.size, &batch), KC_OK);
    cr_assert(batch.complete && batch.size == data->records.size);
    cr_assert_eq(kci_batch_check_crc(&batch), KC_OK);
    *b = (script_batch){ .broker = r->broker->id,
                         .partition = data->index,
                         .request = s->requests,
                         .at_us = sim_now(s->fake.world),
                         .producer_id = batch.producer_id,
                         .epoch = batch.producer_epoch,
                         .sequence = batch.base_sequence };
    snprintf(b->topic, sizeof b->topic, "%s", s->fake.topics[topic].name);
    read_records(&batch, b);
    return b;
}

/* ---- answers ---- */

static partition_answer answer_to(script *s, const script_batch *b, int topic, int32_t code)
{
    partition_answer a = { .index = b->partition,
                           .error_code = (int16_t)code,
                           .base_offset = -1,
                           .log_append_time_ms = -1,
                           .log_start_offset = -1,
                           .current_leader = { -1, -1 } };
    if (code == 0) {
        a.base_offset = s->ends[topic][b->partition];
        s->ends[topic][b->partition] += b->count;
    } else {
        a.current_leader = s->hint;
    }
    return a;
}

/* Answers at once with what was decided, or keeps the answer; frees it. */
static void conclude(script *s, const fake_request *r, kci_produce_response *body, int32_t fate)
{
    if (fate == SCRIPT_HOLD) {
        cr_assert_lt(s->held_count, SCRIPT_HELD);
        s->held[s->held_count] = *r;
        s->held_body[s->held_count++] = *body;
        return;
    }
    if (fate != SCRIPT_SILENT)
        s->in_flight[r->broker->id]--;
    if (fate == SCRIPT_HANG_UP)
        kci_conn_close(r->conn);
    else if (fate == 0)
        fake_answer(r, body);
    for (int32_t i = 0; i < body->responses.count; i++)
        free(body->responses.data[i].partition_responses.data);
    free(body->responses.data);
}

void script_release(script *s)
{
    for (int i = 0; i < s->held_count; i++)
        conclude(s, &s->held[i], &s->held_body[i], 0);
    s->held_count = 0;
}

static bool is_fate(int32_t code)
{
    return code == SCRIPT_SILENT || code == SCRIPT_HANG_UP || code == SCRIPT_HOLD;
}

static int32_t answer_topic(script *s, const fake_request *r,
                            const kci_produce_request_topic_produce_data *t, topic_answer *out)
{
    int topic = topic_number(s, t);
    int32_t fate = 0;
    *out = (topic_answer){ .name = kc_str(s->fake.topics[topic].name),
                           .topic_id = s->fake.topics[topic].id };
    out->partition_responses.data =
        calloc((size_t)t->partition_data.count, sizeof *out->partition_responses.data);
    for (int32_t i = 0; i < t->partition_data.count; i++) {
        const script_batch *b = see(s, r, topic, &t->partition_data.data[i]);
        int32_t code = s->answer ? s->answer(s, b) : 0;
        if (is_fate(code))
            fate = code;
        else if (code != SCRIPT_LEAVE_OUT)
            out->partition_responses.data[out->partition_responses.count++] =
                answer_to(s, b, topic, code);
        if (code == SCRIPT_HOLD)
            out->partition_responses.data[out->partition_responses.count++] =
                answer_to(s, b, topic, 0);
    }
    return fate;
}

static size_t size_of(const kci_produce_request *request)
{
    size_t size = 0;
    for (int32_t i = 0; i < request->topic_data.count; i++)
        for (int32_t j = 0; j < request->topic_data.data[i].partition_data.count; j++)
            size += request->topic_data.data[i].partition_data.data[j].records.size;
    return size;
}

static void on_produce(script *s, const fake_request *r)
{
    kci_produce_request request;
    kci_produce_response body;
    kci_arena arena = { 0 };
    kci_reader in = r->body;
    int32_t fate = 0;
    cr_assert_eq(kci_decode(&kci_produce_request_msg, r->head.version, &in, &arena, &request),
                 KC_OK);
    int32_t n = request.topic_data.count;
    kci_msg_init(&kci_produce_response_msg, &body);
    body.responses.data = calloc((size_t)n, sizeof *body.responses.data);
    body.responses.count = n;
    size_t size = size_of(&request);
    s->largest = size > s->largest ? size : s->largest;
    s->last = request;
    s->last_version = r->head.version;
    if (request.acks != 0 && ++s->in_flight[r->broker->id] > s->most_in_flight)
        s->most_in_flight = s->in_flight[r->broker->id];
    for (int32_t i = 0; i < n; i++) {
        int32_t f = answer_topic(s, r, &request.topic_data.data[i], &body.responses.data[i]);
        fate = f ? f : fate;
    }
    s->requests++;
    conclude(s, r, &body, request.acks == 0 && fate == 0 ? SCRIPT_SILENT : fate);
    kci_arena_free(&arena);
}

static void on_init(script *s, const fake_request *r)
{
    kci_init_producer_id_response body;
    kci_msg_init(&kci_init_producer_id_response_msg, &body);
    s->inits++;
    body.error_code = (int16_t)s->init_err;
    body.producer_id = s->init_err ? -1 : s->next_id++;
    body.producer_epoch = s->init_err ? -1 : 0;
    fake_answer(r, &body);
}

static bool hook(fake *f, const fake_request *r)
{
    script *s = f->arg;
    if (r->head.key == KCI_API_PRODUCE)
        on_produce(s, r);
    else if (r->head.key == KCI_API_INIT_PRODUCER_ID)
        on_init(s, r);
    else
        return false;
    return true;
}

/* ---- the producer ---- */

static void on_delivery(void *user, const kc_delivery *d)
{
    script *s = user;
    for (int32_t i = 0; i < d->count; i++) {
        script_outcome *o = &s->outcomes[(uintptr_t)d->opaques[i] - 1];
        o->reports++;
        cr_assert_eq(o->reports, 1, "two outcomes");
        o->err = d->err;
        o->flags = d->flags;
        o->offset = kc_delivery_offset(d, i);
        o->at_us = sim_now(s->fake.world);
    }
    s->reported += d->count;
    if (d->err != KC_OK)
        snprintf(s->text, sizeof s->text, "%s", d->text);
}

void script_start(script *s, int brokers, int partitions, const char *const *properties)
{
    kc_error why = { 0 };
    memset(s, 0, sizeof *s);
    s->hint.leader_id = -1;
    s->next_id = 100;
    fake_init(&s->fake, brokers, properties);
    s->fake.hook = hook;
    s->fake.arg = s;
    fake_add_topic(&s->fake, "t", partitions);
    kc_producer_options options = { .size = sizeof options, .on_delivery = on_delivery, .user = s };
    cr_assert_eq(kc_producer_new(s->fake.client, &options, &s->producer, &why), KC_OK, "%s",
                 why.text);
}

kc_producer *script_producer(script *s)
{
    kc_error why = { 0 };
    kc_producer *other = NULL;
    cr_assert_eq(kc_producer_new(s->fake.client, NULL, &other, &why), KC_OK, "%s", why.text);
    return other;
}

void script_stop(script *s)
{
    s->answer = NULL;
    script_release(s);
    kc_producer_free(s->producer);
    fake_free(&s->fake);
}

void script_send(script *s, int number, const char *topic, int32_t partition)
{
    char value[16];
    kc_error why = { 0 };
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(topic);
    record.partition = partition;
    record.value = kc_mem(value, (size_t)snprintf(value, sizeof value, "%d", number));
    record.opaque = (void *)(uintptr_t)(number + 1);
    cr_assert_lt(number, SCRIPT_RECORDS);
    cr_assert_eq(kc_producer_send(s->producer, &record, &why), KC_OK, "%d: %s", number, why.text);
}

void script_run(script *s, int64_t ms)
{
    fake_run(&s->fake, ms);
    kc_producer_poll(s->producer, 0, NULL);
}

void script_await(script *s, int records)
{
    for (int64_t ms = 0; s->reported < records && ms < HOUR_MS; ms += STEP_MS)
        kc_producer_poll(s->producer, STEP_MS, NULL);
    cr_assert_eq(s->reported, records, "outcomes of %d of %d records", s->reported, records);
}

int script_attempts(const script *s, int32_t partition)
{
    int n = 0;
    for (int i = 0; i < s->count; i++)
        n += s->seen[i].partition == partition && strcmp(s->seen[i].topic, "t") == 0;
    return n;
}
