/* SPDX-License-Identifier: Apache-2.0 */
/* What the application sent and was told, and what it was given: to be held against the logs. Each
 * record carries a number, and its number says nothing about its partition: the book does. */
#ifndef HOSTILE_BOOK_H
#define HOSTILE_BOOK_H

#include <kclient/consumer.h>
#include <kclient/mock.h>

enum { BOOK_TOPICS = 3, BOOK_PARTITIONS = 4, BOOK_RECORDS = 512, BOOK_VALUE = 32 };

extern const char *const book_topics[BOOK_TOPICS]; /* "t" and "u" exist, "n" comes into being */

typedef enum book_state { BOOK_FREE, BOOK_SENT, BOOK_REFUSED, BOOK_ACKED, BOOK_FAILED } book_state;

typedef struct book_record {
    book_state state;
    int topic, partition; /* partition -1: the client chooses */
    int64_t deadline_us;  /* for its outcome */
    bool polled;
    bool possibly;
    int in_log;
} book_record;

typedef struct book {
    book_record records[BOOK_RECORDS]; /* by number; 0 is not used */
    int count;
    int64_t next[BOOK_TOPICS][BOOK_PARTITIONS]; /* offset that poll gives next; -1: any */
    int problems;
    char text[640];
} book;

void book_init(book *b);
void book_problem(book *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int book_topic(kc_bytes name); /* -1: unknown */

/* A new record, 0 when there are too many. */
int book_send(book *b, int topic, int partition, int64_t deadline_us);
void book_value(int number, uint8_t value[BOOK_VALUE]);
int book_number(kc_bytes value); /* 0: not one of ours, or damaged */
void book_outcome(book *b, int number, int partition, kc_err err, bool possibly, int64_t now_us);

typedef struct book_rules {
    bool forged_records; /* contents of batches are lies that no client can tell */
    bool forged_offsets; /* offsets, positions or the topic's identity may be lies */
    bool forged_acks;    /* outcomes of sends may be lies */
} book_rules;

/* Records were polled. */
void book_polled(book *b, const kc_records *records, const book_rules *rules);

/* The end: everything against the logs. */
void book_check(book *b, kc_mock *mock, const book_rules *rules);

#endif
