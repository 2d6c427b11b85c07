/* SPDX-License-Identifier: Apache-2.0 */
/* A consumer reads partitions that the program assigns to it. The client fetches ahead in the
 * background; kc_consumer_poll hands out batches of record views that point into what was received.
 *
 * Threads: one application thread at a time uses a consumer; a call that finds another one inside
 * returns KC_E_STATE. Exceptions, callable from anywhere at any time: kc_consumer_wakeup (from
 * signal handlers too), kc_consumer_fd, and everything on a kc_records.
 *
 * Every call returns KC_E_CLOSED after kc_consumer_close (or the client's close), KC_E_FORKED in a
 * forked child. `detail` may be NULL wherever it is taken. Topics are names, copied when needed.
 * Times are milliseconds; a timeout of 0 does not wait, -1 stands for default.api.timeout.ms in
 * calls that ask brokers and for no limit in kc_consumer_poll. */
#ifndef KCLIENT_CONSUMER_H
#define KCLIENT_CONSUMER_H

#include <kclient/client.h>
#include <kclient/config.h>
#include <kclient/error.h>
#include <kclient/partition.h>
#include <kclient/record.h>
#include <kclient/types.h>

KC_BEGIN

typedef struct kc_consumer kc_consumer;

/* What one poll returns: records of one partition, or what happened to it. */
typedef struct kc_records kc_records;

/* ---- positions ---------------------------------------------------------------------------- */

/* Where to read. */
enum {
    /* where auto.offset.reset says (for members of a group: the committed offset first) */
    KC_POSITION_STORED = 0,
    KC_POSITION_OFFSET = 1,    /* value: an offset */
    KC_POSITION_BEGINNING = 2, /* the first record there is */
    KC_POSITION_END = 3,       /* after the last record (read_committed: the last stable offset) */
    /* value: ms since 1970; the first record with that timestamp or a later one, else the end */
    KC_POSITION_TIMESTAMP = 4,
    /* value: so many offsets before the end, but not before the beginning. Offsets of transaction
     * markers and of records compacted away count as well */
    KC_POSITION_TAIL = 5,
    /* an offset whose record before it had leader_epoch (as kc_records_leader_epoch told): finds
     * out whether the log was truncated since (KIP-320) */
    KC_POSITION_OFFSET_EPOCH = 6
};

/* Zeroed: KC_POSITION_STORED. The struct will not change. */
typedef struct kc_position {
    int32_t kind;         /* KC_POSITION_... */
    int32_t leader_epoch; /* of KC_POSITION_OFFSET_EPOCH; otherwise ignored */
    int64_t value;        /* of the kinds that have one; otherwise ignored */
} kc_position;

static inline kc_position kc_position_offset(int64_t offset)
{
    kc_position p = { KC_POSITION_OFFSET, -1, offset };
    return p;
}

static inline kc_position kc_position_beginning(void)
{
    kc_position p = { KC_POSITION_BEGINNING, -1, 0 };
    return p;
}

static inline kc_position kc_position_end(void)
{
    kc_position p = { KC_POSITION_END, -1, 0 };
    return p;
}

static inline kc_position kc_position_timestamp(int64_t ms)
{
    kc_position p = { KC_POSITION_TIMESTAMP, -1, ms };
    return p;
}

static inline kc_position kc_position_tail(int64_t count)
{
    kc_position p = { KC_POSITION_TAIL, -1, count };
    return p;
}

/* A partition and where to read it. Borrowed by the calls that take it. The struct will not change.
 */
typedef struct kc_topic_partition_position {
    kc_bytes topic;
    int32_t partition;
    kc_position position;
} kc_topic_partition_position;

/* ---- life --------------------------------------------------------------------------------- */

/* Begin with KC_CONSUMER_OPTIONS_INIT. */
typedef struct kc_consumer_options {
    uint32_t size;  /* sizeof(kc_consumer_options) as the program was compiled */
    uint32_t flags; /* 0 */
    /* Properties of scope C that differ from the client's, for this consumer only; borrowed during
     * the call. NULL: none differ. */
    const kc_config *config;
} kc_consumer_options;

#define KC_CONSUMER_OPTIONS_INIT                       \
    {                                                  \
        (uint32_t)sizeof(kc_consumer_options), 0, NULL \
    }
KC_API void kc_consumer_options_init(kc_consumer_options *out, size_t size);

/* Makes a consumer on a client. options may be NULL. Does not wait for brokers.
 * KC_E_BAD_PROPERTY, KC_E_NO_MEMORY, KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_consumer_new(kc_client *client, const kc_consumer_options *options,
                              kc_consumer **out, kc_error *detail);

/* Stops fetching and ends the fetch sessions at the brokers, as far as that can be told to them
 * without waiting for their answers. Returns by timeout_ms, KC_OK or KC_E_TIMED_OUT (the rest
 * happens in the background). Records that were handed out stay valid. A second call is KC_OK. */
KC_API kc_err kc_consumer_close(kc_consumer *consumer, int32_t timeout_ms, kc_error *detail);

/* Gives the handle back, before or after the client's; closes without waiting if that was not done.
 * NULL is fine. */
KC_API void kc_consumer_free(kc_consumer *consumer);

/* ---- what to read ------------------------------------------------------------------------- */

/* Replaces the assignment: exactly these partitions are read from now on, each from its position,
 * also those that were assigned before; pauses end. count 0: nothing. The topics need not exist
 * yet. On an error nothing has changed: KC_E_INVALID_ARGUMENT (a name or number that cannot be, a
 * partition named twice, a bad position), KC_E_NO_MEMORY. */
KC_API kc_err kc_consumer_assign(kc_consumer *consumer, const kc_topic_partition_position *list,
                                 size_t count, kc_error *detail);

/* Adds partitions; those that are assigned already are an error. Errors as kc_consumer_assign. */
KC_API kc_err kc_consumer_assign_add(kc_consumer *consumer, const kc_topic_partition_position *list,
                                     size_t count, kc_error *detail);

/* Takes partitions away, with what is buffered of them; those that are not assigned are passed
 * over. */
KC_API kc_err kc_consumer_assign_remove(kc_consumer *consumer, const kc_topic_partition *list,
                                        size_t count, kc_error *detail);

/* The assignment as it is now, ordered by topic and number; the caller's, to be given back by
 * kc_partitions_free. KC_E_NO_MEMORY, KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_consumer_assignment(kc_consumer *consumer, kc_partitions **out, kc_error *detail);

/* Reads an assigned partition from another place. What is buffered of it is dropped, and so is an
 * error that stopped it; a pause stays. Does not wait. KC_E_STATE when it is not assigned,
 * KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_consumer_seek(kc_consumer *consumer, kc_bytes topic, int32_t partition,
                               kc_position position, kc_error *detail);

/* No records of these partitions are returned, and none fetched, until they are resumed. What was
 * fetched is kept and returned then. Only when it leaves no memory to the other partitions, and
 * poll has nothing of them to return, it is given up and fetched again later: as much of it as
 * brings what is held down to a quarter of fetch.buffer.bytes. KC_E_STATE when one is not assigned;
 * the others have been paused or resumed nevertheless. */
KC_API kc_err kc_consumer_pause(kc_consumer *consumer, const kc_topic_partition *list, size_t count,
                                kc_error *detail);
KC_API kc_err kc_consumer_resume(kc_consumer *consumer, const kc_topic_partition *list,
                                 size_t count, kc_error *detail);

/* ---- reading ------------------------------------------------------------------------------ */

/* The next records, waiting up to timeout_ms (-1: without limit) for some.
 *
 * KC_OK and *out NULL: the time passed. KC_OK and *out: max.poll.records or fewer, in order of
 * offsets, of one partition; partitions take turns. With enable.partition.eof=true also an empty
 * *out with kc_records_at_end(), once each time a partition's end is reached.
 *
 * An error and *out: it is about that partition. kc_records_topic, _partition, _offset (where) and
 * _next_offset (where reading could go on) tell more; it has no records. Records before the error
 * were returned before. With KC_ERROR_GOES_ON in the flags of detail (and of kc_records_error) it is
 * tried again in the background and goes on by itself when the cause is gone; without it the
 * partition has stopped until a seek. Each is returned once:
 *
 *   KC_E_CORRUPT_MESSAGE, KC_E_DECOMPRESS, KC_E_DECOMPRESSED_TOO_LARGE, KC_E_NOT_SUPPORTED (codec),
 *   KC_E_PROTOCOL       a batch cannot be read. Stopped; a seek to _next_offset skips it
 *   KC_E_LOG_TRUNCATED  records that were read are lost from the log, and auto.offset.reset is
 *                       none; _next_offset is the end of what is left. Stopped
 *   KC_E_NO_OFFSET      no position, or it is outside the log, or the topic was deleted and created
 *                       again, and auto.offset.reset is none. Stopped
 *   KC_E_UNKNOWN_TOPIC_OR_PARTITION, KC_E_UNKNOWN_PARTITION, KC_E_TOPIC_AUTHORIZATION_FAILED, other
 *   broker codes        goes on
 *
 * An error and *out NULL: KC_E_INTERRUPTED (kc_consumer_wakeup; once per wakeup, or several that
 * came before), KC_E_NO_MEMORY (nothing is lost, call again), KC_E_AUTHENTICATION and KC_E_TLS (a
 * broker cannot be used; returned when the time has passed), KC_E_STATE, KC_E_CLOSED, KC_E_FORKED.
 *
 * *out is set in every case, and must be freed by kc_records_free (NULL is fine). */
KC_API kc_err kc_consumer_poll(kc_consumer *consumer, int32_t timeout_ms, kc_records **out,
                               kc_error *detail);

/* Readable while a poll would return something at once. Owned by the consumer, made by the first
 * call; -1 on failure. In a client without a thread use kc_client_fd. */
KC_API int kc_consumer_fd(kc_consumer *consumer);

/* Makes the present poll, or the next one, return KC_E_INTERRUPTED. Also ends the waits of the
 * calls below. Any thread, signal handlers; the handle must not have been freed. */
KC_API void kc_consumer_wakeup(kc_consumer *consumer);

/* ---- a batch of records ------------------------------------------------------------------- */

/* Any thread. Valid also after the consumer and the client were closed and freed. Holding many
 * holds memory that fetch.buffer.bytes counts: when that is used up nothing is fetched. */
KC_API void kc_records_free(kc_records *records); /* NULL is fine */

KC_API kc_bytes kc_records_topic(const kc_records *records);
KC_API int32_t kc_records_partition(const kc_records *records);

/* The views, kc_records_count() of them, valid until kc_records_free. */
KC_API size_t kc_records_count(const kc_records *records);
KC_API const kc_record *kc_records_data(const kc_records *records);

/* KC_OK, or the error that poll returned with it; detail gets the sentence. */
KC_API kc_err kc_records_error(const kc_records *records, kc_error *detail);

/* Offset of the first record; of an error: where it happened. */
KC_API int64_t kc_records_offset(const kc_records *records);

/* The position after these records: not always the last record's offset + 1, since control records
 * and what was compacted away are passed over. */
KC_API int64_t kc_records_next_offset(const kc_records *records);

/* The leader epoch of the last record's batch, to be kept with the offset; -1: none. */
KC_API int32_t kc_records_leader_epoch(const kc_records *records);

/* The place after these records in one struct: topic, partition, next offset, leader epoch, and the
 * error that came with them. The topic's name is borrowed from records. False when records is NULL
 * or out->size cannot be. */
KC_API bool kc_records_end(const kc_records *records, kc_topic_partition_offset *out);

/* As the broker said when it sent them: offset after the last replicated record, last stable
 * offset, and first offset of the log; -1: not told. */
KC_API int64_t kc_records_high_watermark(const kc_records *records);
KC_API int64_t kc_records_last_stable_offset(const kc_records *records);
KC_API int64_t kc_records_log_start_offset(const kc_records *records);

/* True when there was nothing after them when the broker sent them. */
KC_API bool kc_records_at_end(const kc_records *records);

/* Whose clock the records' timestamps are from; the same for all of them. */
enum {
    KC_TIMESTAMP_NONE = -1,     /* the oldest format has none */
    KC_TIMESTAMP_CREATE = 0,    /* the producer's */
    KC_TIMESTAMP_LOG_APPEND = 1 /* the broker's (message.timestamp.type=LogAppendTime) */
};
KC_API int32_t kc_records_timestamp_type(const kc_records *records);

/* The broker they came from. */
KC_API int32_t kc_records_broker(const kc_records *records);

/* Bytes received for these records, compressed as they were; for rates. */
KC_API size_t kc_records_bytes(const kc_records *records);

/* ---- offsets ------------------------------------------------------------------------------ */

/* The place from which poll reads an assigned partition next, with the leader epoch that belongs to
 * it (-1: not known), as it may be committed or kept. Waits when it has to be looked up first.
 * out->topic is the argument, borrowed. On an error out is left alone: KC_E_STATE: not assigned;
 * KC_E_TIMED_OUT; KC_E_INTERRUPTED; KC_E_NO_OFFSET: there is none until a seek;
 * KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_consumer_position(kc_consumer *consumer, kc_bytes topic, int32_t partition,
                                   int32_t timeout_ms, kc_topic_partition_offset *out,
                                   kc_error *detail);

/* Begin with KC_PARTITION_OFFSETS_INIT. */
typedef struct kc_partition_offsets {
    uint32_t size;       /* sizeof(kc_partition_offsets) as the program was compiled */
    int32_t reserved;    /* 0 */
    int64_t beginning;   /* of the log */
    int64_t end;         /* the high watermark */
    int64_t last_stable; /* up to where read_committed reads */
} kc_partition_offsets;

#define KC_PARTITION_OFFSETS_INIT                             \
    {                                                         \
        (uint32_t)sizeof(kc_partition_offsets), 0, -1, -1, -1 \
    }
KC_API void kc_partition_offsets_init(kc_partition_offsets *out, size_t size);

/* The offsets of any partition, assigned or not. timeout_ms 0: what the last fetch told of an
 * assigned partition, -1 for what it did not tell; otherwise the leader is asked.
 * KC_E_TIMED_OUT, KC_E_INTERRUPTED, KC_E_TOPIC_AUTHORIZATION_FAILED,
 * KC_E_UNKNOWN_TOPIC_OR_PARTITION, KC_E_UNKNOWN_PARTITION. */
KC_API kc_err kc_consumer_offsets(kc_consumer *consumer, kc_bytes topic, int32_t partition,
                                  int32_t timeout_ms, kc_partition_offsets *out, kc_error *detail);

/* One question and its answer for kc_consumer_offsets_for_times. The struct will not change. */
typedef struct kc_offset_for_time {
    kc_bytes topic;
    int32_t partition;
    kc_err err;           /* answer: KC_OK, or why there is none for this partition */
    int64_t timestamp;    /* question: ms since 1970; answer: that of the record found, or -1 */
    int64_t offset;       /* answer: the first with that time or later; -1: there is none */
    int32_t leader_epoch; /* answer; -1: not told */
    int32_t reserved;     /* 0 */
} kc_offset_for_time;

/* Looks up offsets by time in any partitions, assigned or not; with isolation.level=read_committed
 * only below the last stable offset, where it reads. KC_OK when all have an answer; otherwise the
 * first partition's error, or KC_E_TIMED_OUT (partitions without answer have that as err),
 * KC_E_INTERRUPTED, KC_E_NO_MEMORY. */
KC_API kc_err kc_consumer_offsets_for_times(kc_consumer *consumer, kc_offset_for_time *list,
                                            size_t count, int32_t timeout_ms, kc_error *detail);

/* How many offsets the position is behind the end (read_committed: the last stable offset), as far
 * as fetches told. KC_E_STATE: not assigned; KC_E_NO_OFFSET: not known yet. */
KC_API kc_err kc_consumer_lag(kc_consumer *consumer, kc_bytes topic, int32_t partition,
                              int64_t *lag);

/* Whether poll has returned everything up to the end of an assigned partition that the last fetch
 * told. False when that is not known. */
KC_API bool kc_consumer_at_end(kc_consumer *consumer, kc_bytes topic, int32_t partition);

KC_END

#endif
