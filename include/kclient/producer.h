/* SPDX-License-Identifier: Apache-2.0 */
/* A producer: sends records to topics. Records are copied once, into batches per partition, which
 * go out when they are full (batch.size) or have waited long enough (linger.ms).
 *
 * Promise: each record whose send returned KC_OK has exactly one outcome, at the latest
 * delivery.timeout.ms after it was sent, even when no broker can be reached. With the default
 * properties (acks=all, enable.idempotence=true) an acknowledged record is in the log exactly once,
 * and records of one partition are in the order of their sends.
 *
 * All functions are thread-safe, except that nothing may run during or after kc_producer_free().
 * Callbacks (delivery, interceptors, partitioner) run on the application's threads, inside the
 * calls that say so, and with no lock held. Every wait ends by its timeout; a timeout of 0 does not
 * wait and -1 waits as long as delivery.timeout.ms (kc_producer_poll, _take: without limit). */
#ifndef KCLIENT_PRODUCER_H
#define KCLIENT_PRODUCER_H

#include <kclient/client.h>
#include <kclient/interceptor.h>
#include <kclient/partitioner.h>
#include <kclient/record.h>

KC_BEGIN

typedef struct kc_producer kc_producer;

enum {
    /* The record may be in the log although it is reported as failed: it was sent, and no answer
     * excluded that it was written. Sending it again may duplicate it. */
    KC_DELIVERY_POSSIBLY_PERSISTED = 1,
    /* base_offset is not known although it was written: acks=0, or a repeated batch whose first
     * answer was lost and which the broker only remembers as written. */
    KC_DELIVERY_OFFSET_UNKNOWN = 2
};

/* The common outcome of `count` records that were sent to one partition one after the other. When a
 * broker refuses single records of a batch (KIP-467) these have its error and its sentence, each in a
 * range of its own, and those between them KC_E_BATCH_REFUSED: they may be sent again.
 * Everything it points to is borrowed from whoever hands it out. */
typedef struct kc_delivery {
    /* in callbacks sizeof(kc_delivery) of the library; for kc_deliveries_at as the program was
     * compiled (begin with KC_DELIVERY_INIT) */
    uint32_t size;
    kc_err err; /* KC_OK: acknowledged as acks asks */
    kc_bytes topic;
    int32_t partition;
    int32_t count;
    int64_t base_offset; /* of the first; the others follow without gap. -1: not known, or failed */
    int64_t timestamp;   /* the broker's, if the topic uses LogAppendTime; else KC_NO_TIMESTAMP */
    /* The records' opaque pointers in the same order; NULL when none of them had one. */
    void *const *opaques;
    const char *text; /* for err: a sentence with cause and remedy; "" for KC_OK */
    uint32_t flags;   /* KC_DELIVERY_... */
    uint32_t reserved;
} kc_delivery;

#define KC_DELIVERY_INIT                                                                          \
    {                                                                                             \
        (uint32_t)sizeof(kc_delivery), 0, { NULL, 0 }, -1, 0, -1, KC_NO_TIMESTAMP, NULL, NULL, 0, \
            0                                                                                     \
    }
KC_API void kc_delivery_init(kc_delivery *out, size_t size);

/* The offset of record i (0 to count-1) of a range, -1 if it is not known. */
static inline int64_t kc_delivery_offset(const kc_delivery *delivery, int32_t i)
{
    return delivery->base_offset < 0 ? -1 : delivery->base_offset + i;
}

enum {
    /* Keep outcomes for kc_producer_take() although there is no on_delivery. */
    KC_PRODUCER_TAKE = 1
};

/* What is not a property. Fill it from zero ({ .size = sizeof options }); all is optional. Copied,
 * except what the pointers inside kc_partitioner and kc_producer_interceptor point to. */
typedef struct kc_producer_options {
    uint32_t size;  /* sizeof(kc_producer_options) as the program was compiled */
    uint32_t flags; /* KC_PRODUCER_... */
    /* Each range of outcomes, inside kc_producer_poll(), _flush() and _close(), never inside
     * _send(). May call kc_producer_send(). Without it (and without KC_PRODUCER_TAKE) outcomes are
     * only counted and failed ones logged; flush and close tell the first failed one. */
    void (*on_delivery)(void *user, const kc_delivery *delivery);
    void *user;                        /* for on_delivery */
    const kc_partitioner *partitioner; /* NULL: by partitioner.class */
    const kc_producer_interceptor *interceptors;
    size_t interceptor_count;
    /* Properties of scope P that differ from the client's, for this producer only; borrowed during
     * the call. NULL: none differ. */
    const kc_config *config;
} kc_producer_options;

#define KC_PRODUCER_OPTIONS_INIT                                                  \
    {                                                                             \
        (uint32_t)sizeof(kc_producer_options), 0, NULL, NULL, NULL, NULL, 0, NULL \
    }
KC_API void kc_producer_options_init(kc_producer_options *out, size_t size);

/* Makes a producer on a client, with the client's properties. Does not wait for a broker. options
 * may be NULL. KC_E_BAD_PROPERTY (properties that contradict each other), KC_E_INVALID_ARGUMENT,
 * KC_E_CLOSED, KC_E_NO_MEMORY. */
KC_API kc_err kc_producer_new(kc_client *client, const kc_producer_options *options,
                              kc_producer **out, kc_error *detail);

/* Takes a copy of one record; everything it points to is borrowed during the call only. KC_OK: it
 * is queued and will have one outcome. Anything else: it is not sent and has none.
 *
 * Waits while buffer.memory is full or the topic is not known yet, at most max.block.ms (0: not at
 * all). A record without timestamp gets the time of the call, to about 10 ms.
 *
 * KC_E_QUEUE_FULL        no room in buffer.memory within max.block.ms
 * KC_E_TIMED_OUT         no metadata of the topic within max.block.ms; detail says what stands
 *                        against it
 * KC_E_AUTHENTICATION    no broker takes the log-in: at once, while the topic is not known
 * KC_E_TLS               no broker has a certificate that is trusted: likewise
 * KC_E_UNKNOWN_TOPIC_OR_PARTITION, KC_E_LEADER_NOT_AVAILABLE, KC_E_TOPIC_AUTHORIZATION_FAILED,
 * KC_E_INVALID_TOPIC_EXCEPTION: brokers said so for as long
 *
 * KC_E_UNKNOWN_PARTITION the topic has not that many partitions
 * KC_E_RECORD_TOO_LARGE  larger than max.request.size or buffer.memory
 * KC_E_REJECTED          by partitioner or interceptor
 * KC_E_INVALID_ARGUMENT, KC_E_NO_MEMORY, KC_E_CLOSED, KC_E_FORKED, KC_E_INTERRUPTED (wakeup) */
KC_API kc_err kc_producer_send(kc_producer *producer, const kc_producer_record *record,
                               kc_error *detail);

/* Sends records[0..count-1] in order and stops at the first that is refused: its error is the
 * result, and *sent (may be NULL) is how many were taken before it. The time of the call is one
 * max.block.ms for all. Every record has the `size` of the first. */
KC_API kc_err kc_producer_send_many(kc_producer *producer, const kc_producer_record *records,
                                    size_t count, size_t *sent, kc_error *detail);

/* Runs on_delivery (and interceptors) for the outcomes there are; when there are none, waits for
 * the first at most timeout_ms. *served (may be NULL): records that were reported. KC_OK also when
 * there were none; KC_E_CLOSED: all were reported, and since producer or client were closed no more
 * can come; KC_E_INTERRUPTED (wakeup), KC_E_FORKED. */
KC_API kc_err kc_producer_poll(kc_producer *producer, int32_t timeout_ms, size_t *served);

/* Outcomes as an object, for those who cannot be called back: needs KC_PRODUCER_TAKE. */
typedef struct kc_deliveries kc_deliveries;

/* The outcomes there are; when there are none, waits for the first at most timeout_ms. KC_OK with
 * *out NULL when there were none. KC_E_CLOSED (as kc_producer_poll), KC_E_INTERRUPTED, KC_E_FORKED,
 * KC_E_STATE (without KC_PRODUCER_TAKE). */
KC_API kc_err kc_producer_take(kc_producer *producer, int32_t timeout_ms, kc_deliveries **out);

/* How many ranges there are, and one of them (false past the end). NULL counts 0. Borrowed from the
 * object, which does not depend on the producer. */
KC_API size_t kc_deliveries_count(const kc_deliveries *deliveries);
KC_API bool kc_deliveries_at(const kc_deliveries *deliveries, size_t index, kc_delivery *out);
KC_API void kc_deliveries_free(kc_deliveries *deliveries); /* NULL is fine */

/* Sends what lingers, waits until all records sent before the call have their outcome, and runs
 * on_delivery for them. Other threads may go on sending.
 * - KC_OK: they, and all others since the last flush, were acknowledged.
 * - KC_E_NOT_DELIVERED: all have an outcome, and since the last flush some failed; detail names the
 *   first, the reports tell each.
 * - KC_E_TIMED_OUT: not all have an outcome yet; detail names the partition that waits longest, and
 *   its last error.
 * - KC_E_INTERRUPTED (wakeup), KC_E_FORKED, KC_E_NO_MEMORY. */
KC_API kc_err kc_producer_flush(kc_producer *producer, int32_t timeout_ms, kc_error *detail);

/* Drops records: those not sent yet are reported KC_E_PURGED at once. in_flight: also those that
 * were sent and not answered (reported KC_DELIVERY_POSSIBLY_PERSISTED). KC_OK, KC_E_CLOSED,
 * KC_E_FORKED. */
KC_API kc_err kc_producer_purge(kc_producer *producer, bool in_flight);

/* Refuses further sends, then flushes, at most timeout_ms; what is left then is dropped and
 * reported as KC_E_PURGED. Runs on_delivery for everything. Results as kc_producer_flush();
 * KC_E_TIMED_OUT names how many were dropped. A wakeup does not end it. Waits of other threads in
 * send, poll and take end. Later calls do nothing and return KC_OK. Outcomes can still be taken. */
KC_API kc_err kc_producer_close(kc_producer *producer, int32_t timeout_ms, kc_error *detail);

/* Gives the handle back; closes with timeout 0 if that was not done, without running on_delivery: a
 * warning in the log says how many records are lost by that. Before or after kc_client_free(). NULL
 * is fine. */
KC_API void kc_producer_free(kc_producer *producer);

/* A descriptor that is readable while there are outcomes to poll or take, and, after a send
 * returned KC_E_QUEUE_FULL, once there is room again (until the next send). -1 when it cannot be
 * made. Owned by the producer: do not read, write or close it. In a client without thread: see
 * kc_client_fd(). */
KC_API int kc_producer_fd(kc_producer *producer);

/* Any thread: ends a present wait in send, poll, take or flush of each thread with
 * KC_E_INTERRUPTED; if there is none, the next one. */
KC_API void kc_producer_wakeup(kc_producer *producer);

/* How many partitions a topic has; waits for metadata as kc_producer_send() and has its errors. */
KC_API kc_err kc_producer_partition_count(kc_producer *producer, kc_bytes topic, int32_t *count,
                                          kc_error *detail);

/* Numbers since the producer was made. accepted = acked + failed + those still under way. */
typedef struct kc_producer_counts {
    uint32_t size; /* sizeof(kc_producer_counts) as the program was compiled */
    uint32_t reserved;
    uint64_t accepted;     /* records whose send returned KC_OK */
    uint64_t acked;        /* acknowledged (acks=0: written to the socket) */
    uint64_t failed;       /* with any other outcome */
    uint64_t buffer_bytes; /* of buffer.memory, held now */
} kc_producer_counts;

#define KC_PRODUCER_COUNTS_INIT                             \
    {                                                       \
        (uint32_t)sizeof(kc_producer_counts), 0, 0, 0, 0, 0 \
    }
KC_API void kc_producer_counts_init(kc_producer_counts *out, size_t size);

/* KC_E_INVALID_ARGUMENT: producer or out is NULL, or out->size cannot be. */
KC_API kc_err kc_producer_get_counts(kc_producer *producer, kc_producer_counts *out);

KC_END

#endif
