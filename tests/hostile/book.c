/* SPDX-License-Identifier: Apache-2.0 */
#include "hostile/book.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/bytes.h"
#include "record/reader.h"

const char *const book_topics[BOOK_TOPICS] = { "t", "u", "n" };

void book_init(book *b)
{
    memset(b, 0, sizeof *b);
    for (int t = 0; t < BOOK_TOPICS; t++)
        for (int p = 0; p < BOOK_PARTITIONS; p++)
            b->next[t][p] = -1;
}

void book_problem(book *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    if (b->problems++ == 0)
        vsnprintf(b->text, sizeof b->text, fmt, args);
    va_end(args);
}

int book_topic(kc_bytes name)
{
    for (int t = 0; t < BOOK_TOPICS; t++)
        if (name.size == strlen(book_topics[t]) &&
            memcmp(name.data, book_topics[t], name.size) == 0)
            return t;
    return -1;
}

int book_send(book *b, int topic, int partition, int64_t deadline_us)
{
    if (b->count + 1 >= BOOK_RECORDS)
        return 0;
    int n = ++b->count;
    b->records[n] = (book_record){
        .state = BOOK_SENT, .topic = topic, .partition = partition, .deadline_us = deadline_us
    };
    return n;
}

void book_value(int number, uint8_t value[BOOK_VALUE])
{
    kci_store64(value, (uint64_t)number);
    for (int i = 8; i < BOOK_VALUE; i++)
        value[i] = (uint8_t)(number * 31 + i);
}

int book_number(kc_bytes value)
{
    uint8_t right[BOOK_VALUE];
    if (value.size != BOOK_VALUE)
        return 0;
    uint64_t n = kci_load64(value.data);
    if (n == 0 || n >= BOOK_RECORDS)
        return 0;
    book_value((int)n, right);
    return memcmp(right, value.data, BOOK_VALUE) == 0 ? (int)n : 0;
}

void book_outcome(book *b, int number, int partition, kc_err err, bool possibly, int64_t now_us)
{
    if (number <= 0 || number > b->count) {
        book_problem(b, "an outcome of record %d, which was never sent", number);
        return;
    }
    book_record *r = &b->records[number];
    if (r->state != BOOK_SENT)
        book_problem(b, "record %d has a second outcome", number);
    if (now_us > r->deadline_us)
        book_problem(b, "the outcome of record %d is %lld ms late", number,
                     (long long)(now_us - r->deadline_us) / 1000);
    if (r->partition >= 0 && partition != r->partition)
        book_problem(b, "record %d went to partition %d, reported is %d", number, r->partition,
                     partition);
    r->partition = partition;
    r->state = err == KC_OK ? BOOK_ACKED : BOOK_FAILED;
    r->possibly = possibly;
}

static void polled_one(book *b, int topic, int partition, const kc_record *row,
                       const book_rules *rules)
{
    int n = book_number(row->value);
    if (n == 0 || n > b->count) {
        if (!rules->forged_records)
            book_problem(b, "polled from %s-%d at %lld: a record that was never there",
                         book_topics[topic], partition, (long long)row->offset);
        return;
    }
    book_record *r = &b->records[n];
    bool here = r->topic == topic && (r->partition < 0 || r->partition == partition);
    if (here)
        r->polled = true;
    else if (!rules->forged_records)
        book_problem(b, "polled from %s-%d at %lld: record %d of %s-%d", book_topics[topic],
                     partition, (long long)row->offset, n, book_topics[r->topic], r->partition);
}

void book_polled(book *b, const kc_records *records, const book_rules *rules)
{
    int topic = book_topic(kc_records_topic(records)), partition = kc_records_partition(records);
    if (topic < 0 || partition < 0 || partition >= BOOK_PARTITIONS) {
        book_problem(b, "polled from a partition that is not assigned");
        return;
    }
    const kc_record *rows = kc_records_data(records);
    int64_t *next = &b->next[topic][partition];
    for (size_t i = 0; i < kc_records_count(records); i++) {
        polled_one(b, topic, partition, &rows[i], rules);
        if (*next >= 0 && rows[i].offset != *next && !rules->forged_offsets)
            book_problem(b, "polled from %s-%d: offset %lld after %lld", book_topics[topic],
                         partition, (long long)rows[i].offset, (long long)*next - 1);
        *next = rows[i].offset + 1;
    }
}

/* the logs */

static void logged_one(book *b, int topic, int partition, const kc_record *row)
{
    int n = book_number(row->value);
    if (n == 0 || n > b->count) {
        book_problem(b, "the log of %s-%d holds a damaged record at %lld", book_topics[topic],
                     partition, (long long)row->offset);
        return;
    }
    book_record *r = &b->records[n];
    if (r->topic != topic || (r->partition >= 0 && r->partition != partition))
        book_problem(b, "record %d of %s-%d lies in %s-%d", n, book_topics[r->topic], r->partition,
                     book_topics[topic], partition);
    r->in_log++;
}

static void read_batch(book *b, int topic, int partition, const uint8_t *data, size_t size)
{
    kci_batch batch;
    kci_records_iter it;
    kci_block *block = NULL;
    kc_record rows[64];
    if (kci_batch_parse(data, size, &batch) != KC_OK || kci_batch_check_crc(&batch) != KC_OK ||
        kci_records_open(&it, &batch, 0, NULL, NULL, 1 << 20, &block) != KC_OK) {
        book_problem(b, "the log of %s-%d holds a damaged batch", book_topics[topic], partition);
        return;
    }
    for (int32_t n; (n = kci_records_decode(&it, rows, 64)) > 0;)
        for (int32_t i = 0; i < n; i++)
            logged_one(b, topic, partition, &rows[i]);
}

static void read_logs(book *b, kc_mock *mock)
{
    static uint8_t buf[1 << 16];
    for (int t = 0; t < BOOK_TOPICS; t++)
        for (int p = 0; p < BOOK_PARTITIONS; p++) {
            if (kc_mock_leader(mock, book_topics[t], p, NULL, NULL) != KC_OK)
                continue; /* there is none */
            int64_t n = kc_mock_batch_count(mock, book_topics[t], p);
            for (int64_t i = 0; i < n; i++) {
                int64_t size = kc_mock_read_batch(mock, book_topics[t], p, i, buf, sizeof buf);
                if (size > 0 && size <= (int64_t)sizeof buf)
                    read_batch(b, t, p, buf, (size_t)size);
            }
        }
}

void book_check(book *b, kc_mock *mock, const book_rules *rules)
{
    read_logs(b, mock);
    for (int n = 1; n <= b->count; n++) {
        const book_record *r = &b->records[n];
        if (r->state == BOOK_SENT)
            book_problem(b, "record %d has no outcome", n);
        if (r->state == BOOK_REFUSED && r->in_log)
            book_problem(b, "record %d was refused and is in the log", n);
        if (rules->forged_acks)
            continue;
        if (r->state == BOOK_ACKED && !r->in_log)
            book_problem(b, "record %d was acknowledged and is not in the log", n);
        if (r->state == BOOK_FAILED && !r->possibly && r->in_log)
            book_problem(b, "record %d was reported as not written and is in the log", n);
        if (r->in_log > 1)
            book_problem(b, "record %d is in the log %d times", n, r->in_log);
    }
}
