/* SPDX-License-Identifier: Apache-2.0 */
/* What the consumer's tests share: an embedded cluster, a client and a consumer on it, batches
 * written straight into the cluster's logs, and reading that checks what it gets. Record number n
 * of a partition has the key "k<n>" and a value that begins with "v<n>". Failures end the test. */
#ifndef CONSUMER_RIG_H
#define CONSUMER_RIG_H

#include <kclient/consumer.h>
#include <kclient/mock.h>

#include "record/batch.h"
#include "virtual/virtual.h"

typedef struct rig {
    virtual_world *world; /* NULL: threads, sockets and the machine's clock */
    kc_mock *mock;
    kc_client *client;
    kc_consumer *consumer;
} rig;

/* properties: "name=value" texts, NULL at the end. mock may be NULL: one broker. */
void rig_start(rig *r, const kc_mock_options *mock, const char *const *properties);

/* The same on a virtual clock, for what is about time. */
void rig_start_virtual(rig *r, const kc_mock_options *mock, const char *const *properties);

/* What both do when there is a mock. */
void rig_begin(rig *r, const char *const *properties);

void rig_stop(rig *r);

/* Ways to write a batch; zeroed: one batch of 10 records, uncompressed, of about 20 bytes each. */
typedef struct rig_batch {
    int32_t count; /* 0: 10 */
    kci_codec codec;
    size_t value_size;   /* 0: as short as it can be */
    int64_t timestamp;   /* of the first record, each next one has one more; 0: the offset * 1000 */
    int64_t producer_id; /* with transactional */
    bool transactional;
} rig_batch;

/* Appends a batch; returns the offset of its first record. spec may be NULL. */
int64_t rig_append(rig *r, const char *topic, int32_t partition, const rig_batch *spec);

/* The bytes of such a batch whose first record has number `first`; freed by free(). */
uint8_t *rig_make_batch(const rig_batch *spec, int64_t first, size_t *size);

/* Polls until `count` records of the partition have come, `from` being the first one's offset and
 * number; every one is checked. Ends the test when that takes longer than 30 seconds, or when
 * records of another partition come. Returns the position after them. */
int64_t rig_expect(rig *r, const char *topic, int32_t partition, int64_t from, int64_t count);

/* Checks all records of a poll: key, value, offset; returns the offset after the last one. */
void rig_check(const kc_records *records);

/* Polls until an error comes; returns it with its records (to be freed). Records before it are
 * checked and counted. */
kc_err rig_expect_error(rig *r, kc_records **out, int64_t *records);

/* Nothing comes within ms. */
void rig_expect_nothing(rig *r, int32_t ms);

void rig_assign(rig *r, const char *topic, int32_t partition, kc_position position);
void rig_seek(rig *r, const char *topic, int32_t partition, kc_position position);
int64_t rig_position(rig *r, const char *topic, int32_t partition);

int64_t rig_now_ms(const rig *r);
void rig_sleep_ms(rig *r, int ms);

#endif
