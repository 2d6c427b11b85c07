/* SPDX-License-Identifier: Apache-2.0 */
/* What the producer's tests share: an embedded cluster, a client and a producer on it whose
 * outcomes are written down, and reading back what the cluster stored. Record number n has the
 * value "v<n>" and n + 1 as its opaque. Failures end the test. */
#ifndef PRODUCER_RIG_H
#define PRODUCER_RIG_H

#include <stdatomic.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

#include "virtual/virtual.h"

enum { RIG_MAX = 200000 };

typedef struct rig_outcome {
    int reports;
    kc_err err;
    uint32_t flags;
    int32_t partition;
    int64_t offset;
} rig_outcome;

typedef struct rig {
    virtual_world *world; /* NULL: threads, sockets and the machine's clock */
    kc_mock *mock;
    kc_client *client;
    kc_producer *producer;
    rig_outcome *outcomes; /* by record number */
    long reported;         /* records */
    char last_text[600];   /* of the last failed range */
} rig;

/* properties: "name=value" texts, NULL at the end, may be NULL. mock NULL: one broker, topic "t"
 * with 3 partitions. options may be NULL; its on_delivery and user are the rig's, unless it takes.
 */
void rig_start(rig *r, const kc_mock_options *mock, const char *const *properties,
               const kc_producer_options *options);

/* The same on a virtual clock, for what is about time. */
void rig_start_virtual(rig *r, const kc_mock_options *mock, const char *const *properties,
                       const kc_producer_options *options);

/* What both do when there is a mock. */
void rig_begin(rig *r, const char *const *properties, const kc_producer_options *options);

void rig_stop(rig *r);

/* Sends record number n. partition KC_PARTITION_ANY: chosen. */
kc_err rig_try(rig *r, long n, int32_t partition, kc_error *why);
void rig_send(rig *r, long from, long to, int32_t partition);

/* Flushes, expecting success, and every record up to `count` acknowledged once. */
void rig_expect_all(rig *r, long count);

/* How often each number is stored in a partition, added up in times[0..count-1]; in order: numbers
 * must not go back. Returns the records there. */
long rig_stored(rig *r, int32_t partition, int *times, long count, bool in_order);

/* Every record of 0..count-1 is stored exactly once, in order in each of the partitions. */
void rig_expect_stored_once(rig *r, int32_t partitions, long count);

/* A fault on Produce, added at once. */
int64_t rig_fault(rig *r, int32_t action, int32_t code, int64_t skip, int64_t count,
                  uint32_t flags);

int64_t rig_now_ms(const rig *r);
void rig_sleep_ms(rig *r, int ms);

/* Polls for outcomes until they are those of `count` records, for 30 s at most. */
void rig_await_reports(rig *r, long count);

#endif
