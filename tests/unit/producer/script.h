/* SPDX-License-Identifier: Apache-2.0 */
/* A producer against scripted brokers (tests/unit/core/fake.h) on a virtual clock. Every batch that
 * arrives is written down, and the test decides what is answered. Record number n has the value
 * "n", and its outcome is kept under that number. */
#ifndef TESTS_UNIT_PRODUCER_SCRIPT_H
#define TESTS_UNIT_PRODUCER_SCRIPT_H

#include <kclient/producer.h>

#include "unit/core/fake.h"

enum {
    SCRIPT_SEEN = 4096,
    SCRIPT_RECORDS = 8192,
    SCRIPT_HELD = 64,

    /* What answers may be beside Kafka's codes. */
    SCRIPT_SILENT = -30000, /* the request is not answered */
    SCRIPT_HANG_UP,         /* it is not, and the connection ends */
    SCRIPT_LEAVE_OUT,       /* the answer does not name the partition */
    SCRIPT_HOLD             /* the request is answered later, by script_release() */
};

/* A batch as it came. */
typedef struct script_batch {
    int32_t broker, partition;
    char topic[8];
    int request; /* number of the request, from 0 */
    int64_t at_us;
    int64_t producer_id; /* -1: none */
    int16_t epoch;
    int32_t sequence;
    int32_t first,
        count; /* numbers of its records: first, first + 1, ... as sent to the partition */
} script_batch;

typedef struct script_outcome {
    int reports;
    kc_err err;
    uint32_t flags;
    int64_t offset;
    int64_t at_us;
} script_outcome;

typedef struct script script;
struct script {
    fake fake;
    kc_producer *producer;

    script_batch seen[SCRIPT_SEEN];
    int count;                /* of seen */
    int requests;             /* Produce */
    size_t largest;           /* request, in bytes of its batches and topics' names */
    kci_produce_request last; /* its strings are gone */
    int16_t last_version;
    int in_flight[FAKE_BROKERS + 1]; /* not answered, by broker */
    int most_in_flight;

    /* The answer to a batch: a code of Kafka's, or SCRIPT_... for the whole request. NULL: all are
     * written. */
    int32_t (*answer)(script *s, const script_batch *b);
    kci_produce_response_leader_id_and_epoch hint; /* told with each error; leader_id -1: none */
    kc_err init_err;                               /* answers to InitProducerId */
    int64_t next_id;
    int inits;

    int64_t ends[8][FAKE_PARTITIONS]; /* of the logs, by number of the topic */
    fake_request held[SCRIPT_HELD];
    kci_produce_response held_body[SCRIPT_HELD];
    int held_count;

    script_outcome outcomes[SCRIPT_RECORDS];
    int reported;
    char text[600]; /* of the last failure */
    void *arg;      /* the test's */
};

/* brokers: how many. Topic "t" with so many partitions, led by 1, 2, ... in turn. */
void script_start(script *s, int brokers, int partitions, const char *const *properties);
/* Another producer on the same client; its outcomes are not kept. */
kc_producer *script_producer(script *s);
void script_stop(script *s);

void script_send(script *s, int number, const char *topic, int32_t partition);

/* Virtual time passes, and outcomes are taken. */
void script_run(script *s, int64_t ms);

/* Until so many records have an outcome; fails after an hour. */
void script_await(script *s, int records);

/* Answers what was held, in order, as if it had just come: all is written. */
void script_release(script *s);

/* Batches that were seen of a partition of "t". */
int script_attempts(const script *s, int32_t partition);

#endif
