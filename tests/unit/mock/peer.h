/* SPDX-License-Identifier: Apache-2.0 */
/* A blocking client made of the codec alone, to talk to the mock cluster over TCP, and record
 * batches for it. Every failure that a test does not ask about ends the test. */
#ifndef UNIT_MOCK_PEER_H
#define UNIT_MOCK_PEER_H

#include <kclient/mock.h>

#include "base/buf.h"
#include "wire/messages.h"

typedef struct peer {
    int sock;
    int32_t correlation;
    kci_arena arena;
    uint8_t *in; /* the last answer's frame: what was decoded points into it */
    size_t in_size;
} peer;

/* Connects to broker number `broker` of the bootstrap list. */
void peer_open(peer *p, kc_mock *mock, int32_t broker);
void peer_close(peer *p);

/* Sends a request; -1 as version: the latest. */
void peer_send(peer *p, int16_t key, int16_t version, const void *request);

/* Sends bytes as they are. */
void peer_send_raw(peer *p, const void *bytes, size_t size);

/* Receives a whole frame; false when the connection ended before. Waits at most 30 s. */
bool peer_receive_frame(peer *p);

/* Receives and decodes; false when the connection ended. What it says is valid until the next. */
bool peer_receive(peer *p, int16_t key, int16_t version, void *response);

/* Both. The answer must come. */
void peer_call(peer *p, int16_t key, int16_t version, const void *request, void *response);

/* The same, but the connection ends without an answer. */
void peer_call_lost(peer *p, int16_t key, int16_t version, const void *request);

/* Is anything to be read within ms? */
bool peer_readable(peer *p, int ms);

/* A batch to be made. Zeroed but for count: no producer id is pid -1. */
typedef struct batch_spec {
    int32_t count;
    int64_t pid; /* -1: none */
    int16_t epoch;
    int32_t sequence;
    bool transactional;
    int64_t timestamp; /* of the first record; each further one is 1 ms later */
    size_t value_size;
} batch_spec;

/* Appends the bytes of a batch of "value" records to out. */
void batch_make(const batch_spec *spec, kci_buf *out);

/* Produces one batch to a partition by name (version 12 or less) and returns its answer. */
kci_produce_response_partition_produce_response peer_produce(peer *p, int16_t version, int16_t acks,
                                                             const char *topic, int32_t partition,
                                                             kc_bytes batch);

/* Produces `count` records without a producer id, acks=all; they must be taken. Returns the offset.
 */
int64_t peer_produce_ok(peer *p, const char *topic, int32_t partition, int32_t count);

/* A fetch of one partition by name (version 12), without a session unless said. */
typedef struct fetch_spec {
    const char *topic;
    int32_t partition;
    int64_t offset;
    int32_t max_wait_ms, min_bytes, max_bytes, partition_max_bytes;
    int32_t current_epoch, last_epoch; /* -1 */
    bool committed;
    const char *rack;
    int32_t session_id, session_epoch;
    int16_t version;   /* 0: 12 */
    bool no_partition; /* names none: in a session */
} fetch_spec;
extern const fetch_spec fetch_default;

void fetch_send(peer *p, const fetch_spec *spec);
void fetch_receive(peer *p, const fetch_spec *spec, kci_fetch_response *out);

/* The only partition of an answer. */
kci_fetch_response_partition_data *fetch_only(const kci_fetch_response *out);
kci_fetch_response_partition_data fetch_one(peer *p, const fetch_spec *spec);

#endif
