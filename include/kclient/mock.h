/* SPDX-License-Identifier: Apache-2.0 */
/* An embedded Kafka cluster for tests (libkclient-mock, pkg-config kclient-mock): some brokers on
 * loopback TCP in this process, with real storage and the answers of Apache Kafka, and with faults
 * on command. Any Kafka client can use it. No Java, no container, up in milliseconds.
 *
 * Threads: a cluster has one thread of its own; every function here may be called from any thread
 * and takes effect before it returns. Brokers are numbered from 1. Topic names are NUL-terminated
 * UTF-8.
 *
 * Functions that return int64_t return a number from 0 up, or what failed as a number below 0: a
 * code of this library, such as KC_E_UNKNOWN_PARTITION (no such topic or partition), or one of
 * Kafka's with its sign changed, such as -KC_E_OFFSET_OUT_OF_RANGE. */
#ifndef KCLIENT_MOCK_H
#define KCLIENT_MOCK_H

#include <kclient/error.h>

KC_BEGIN

typedef struct kc_mock kc_mock;

/* What kc_mock_new makes. KC_MOCK_OPTIONS_INIT, all zero but for `size`, means three brokers, each on a free port of
 * 127.0.0.1, and topics that come into being when first used. */
typedef struct kc_mock_options {
    uint32_t size;     /* sizeof(kc_mock_options) as the program was compiled */
    int32_t brokers;   /* 1 to 1000; 0: 3 */
    const char *racks; /* "a,b,c": the brokers' racks in turn; NULL: they have none */
    const char *host;  /* numeric address to listen on and to advertise; NULL: 127.0.0.1 */
    uint16_t port;     /* of broker 1, the others take the next ones; 0: any free ports */

    int32_t default_partitions;  /* of topics that say nothing or come by themselves; 0: 1 */
    int32_t default_replication; /* likewise; 0: 3, or the number of brokers when that is less */
    bool no_auto_create;         /* asking for an unknown topic does not create it */

    const char *version; /* whose APIs to offer: "4.3" (NULL: this) or "3.9" */

    /* Batches are dropped, oldest first, when their memory exceeds this; 0: 1 GiB. What is produced
     * is not copied, so that this is nearly what the process holds. */
    int64_t memory_limit_bytes;

    /* Followers copy a batch so much later than the leader got it, in microseconds. Until then it
     * is above the high watermark: acks=all waits for it, consumers do not see it, and it is lost
     * when the leader dies (kc_mock_broker_down). 0: at once. */
    int64_t replication_delay_us;

    bool no_follower_fetch; /* brokers do not send consumers to replicas in their rack (KIP-392) */
    bool no_leader_hints;   /* answers do not tell the new leader (KIP-951) */
    bool no_fetch_sessions; /* brokers grant none (KIP-227) */

    /* TLS on all listeners, when both are given: PEM files of the certificate chain and its key. */
    const char *tls_cert_file;
    const char *tls_key_file;

    /* SASL/PLAIN on all listeners: "name:password,name:password"; NULL: no authentication. */
    const char *sasl_plain;
} kc_mock_options;

#define KC_MOCK_OPTIONS_INIT                                                                 \
    {                                                                                        \
        (uint32_t)sizeof(kc_mock_options), 0, NULL, NULL, 0, 0, 0, false, NULL, 0, 0, false, \
            false, false, NULL, NULL, NULL                                                   \
    }
KC_API void kc_mock_options_init(kc_mock_options *out, size_t size);

/* Starts a cluster. options may be NULL; it is copied. KC_E_INVALID_ARGUMENT, KC_E_CONNECT (a port
 * is taken), KC_E_TLS, KC_E_NO_MEMORY; detail (may be NULL) gets the sentence. */
KC_API kc_err kc_mock_new(const kc_mock_options *options, kc_mock **out, kc_error *detail);

/* Closes all connections and listeners and ends the thread; the state can still be inspected. A
 * second call does nothing. NULL is fine. */
KC_API void kc_mock_close(kc_mock *mock);

/* Closes and frees. No other call may be running. NULL is fine. */
KC_API void kc_mock_free(kc_mock *mock);

/* "127.0.0.1:40001,127.0.0.1:40002,...": for bootstrap.servers. Owned by the mock. */
KC_API const char *kc_mock_bootstrap(kc_mock *mock);

/* ---- topics ------------------------------------------------------------------------------- */

/* partitions and replication 0: the defaults. Partition p is led by broker p % brokers + 1, and its
 * replicas are that one and those that follow (dead ones do not lead).
 * KC_E_TOPIC_ALREADY_EXISTS, KC_E_INVALID_PARTITIONS, KC_E_INVALID_REPLICATION_FACTOR,
 * KC_E_INVALID_TOPIC_EXCEPTION, KC_E_NO_MEMORY. */
KC_API kc_err kc_mock_create_topic(kc_mock *mock, const char *topic, int32_t partitions,
                                   int32_t replication);

/* Its data is gone; created again, it has another id. KC_E_UNKNOWN_TOPIC_OR_PARTITION. */
KC_API kc_err kc_mock_delete_topic(kc_mock *mock, const char *topic);

/* partitions: how many there are to be, more than now. KC_E_INVALID_PARTITIONS. */
KC_API kc_err kc_mock_add_partitions(kc_mock *mock, const char *topic, int32_t partitions);

/* KC_E_UNKNOWN_TOPIC_OR_PARTITION. */
KC_API kc_err kc_mock_topic_id(kc_mock *mock, const char *topic, kc_uuid *id);

/* Effective are max.message.bytes, message.timestamp.type, min.insync.replicas and, of
 * cleanup.policy, that compacted topics refuse records without a key; other names are kept and
 * described. value NULL: back to the default. KC_E_INVALID_CONFIG. */
KC_API kc_err kc_mock_set_topic_config(kc_mock *mock, const char *topic, const char *name,
                                       const char *value);

/* ---- failures of the cluster -------------------------------------------------------------- */

enum {
    /* kc_mock_move_leader: the former leader does not say who the new one is */
    KC_MOCK_NO_HINTS = 1,
    /* kc_mock_broker_down: the in-sync replicas take over without what was not replicated yet: the
     * log ends at the high watermark (as after a clean election, KIP-101) */
    KC_MOCK_LOSE_UNREPLICATED = 2,
    /* kc_mock_broker_down: no election; its partitions have no leader until it is up again */
    KC_MOCK_NO_ELECTION = 4,
    /* kc_mock_move_leader: the leader epoch stays as it was, as after some migrations of clusters
     */
    KC_MOCK_SAME_EPOCH = 8
};

/* Makes a live replica the partition's leader, with the next leader epoch; the former leader
 * answers NOT_LEADER_OR_FOLLOWER from now on. stale_ms: for so long Metadata still shows the former
 * one. flags: KC_MOCK_NO_HINTS, KC_MOCK_SAME_EPOCH. KC_E_UNKNOWN_TOPIC_OR_PARTITION,
 * KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_mock_move_leader(kc_mock *mock, const char *topic, int32_t partition,
                                  int32_t broker, int32_t stale_ms, uint32_t flags);

/* Crash: connections are reset, the port refuses, the partitions that it led get another live
 * in-sync replica as leader with the next epoch, or none. flags: KC_MOCK_LOSE_UNREPLICATED,
 * KC_MOCK_NO_ELECTION. Down already: KC_OK. KC_E_INVALID_ARGUMENT: no such broker. */
KC_API kc_err kc_mock_broker_down(kc_mock *mock, int32_t broker, uint32_t flags);

/* Listens again on the same port, which the cluster has kept meanwhile (another program cannot be
 * given it), is in sync again, and leads partitions that had no leader. KC_E_CONNECT,
 * KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_mock_broker_up(kc_mock *mock, int32_t broker);

/* Resets the broker's connections and goes on accepting. broker -1: all. */
KC_API kc_err kc_mock_disconnect(kc_mock *mock, int32_t broker);

/* An unclean election: the log from `offset` on is lost and the partition gets the next leader
 * epoch (leader: a live replica, or -1: as it was). Consumers beyond it find their log truncated
 * (KIP-320). KC_E_OFFSET_OUT_OF_RANGE. */
KC_API kc_err kc_mock_truncate(kc_mock *mock, const char *topic, int32_t partition, int64_t offset,
                               int32_t leader);

/* An older broker: it offers an API (KC_MOCK_API_..., any key of Kafka's) up to this version only;
 * -1: not at all; -2: as kc_mock_options.version says. broker -1: all of them. ApiVersions must go
 * on to be there. Connections that are open keep what they have negotiated: see kc_mock_disconnect.
 * KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_mock_set_max_version(kc_mock *mock, int32_t broker, int32_t api, int32_t version);

/* rack NULL: none. */
KC_API kc_err kc_mock_set_rack(kc_mock *mock, int32_t broker, const char *rack);

/* Takes a broker out of a partition's in-sync replicas, or back in (a partition without leader then
 * gets one). The leader and the last one stay in: KC_E_INVALID_ARGUMENT. */
KC_API kc_err kc_mock_set_in_sync(kc_mock *mock, const char *topic, int32_t partition,
                                  int32_t broker, bool in_sync);

/* Moves the log's start: what is below is gone. offset -1: to the high watermark.
 * KC_E_OFFSET_OUT_OF_RANGE. */
KC_API kc_err kc_mock_delete_records(kc_mock *mock, const char *topic, int32_t partition,
                                     int64_t offset);

/* ---- faults in answers -------------------------------------------------------------------- */

/* Keys of some APIs, as in Kafka's protocol; any other key works as well. */
enum {
    KC_MOCK_API_ANY = -1,
    KC_MOCK_API_PRODUCE = 0,
    KC_MOCK_API_FETCH = 1,
    KC_MOCK_API_LIST_OFFSETS = 2,
    KC_MOCK_API_METADATA = 3,
    KC_MOCK_API_OFFSET_COMMIT = 8,
    KC_MOCK_API_OFFSET_FETCH = 9,
    KC_MOCK_API_FIND_COORDINATOR = 10,
    KC_MOCK_API_JOIN_GROUP = 11,
    KC_MOCK_API_HEARTBEAT = 12,
    KC_MOCK_API_LEAVE_GROUP = 13,
    KC_MOCK_API_SYNC_GROUP = 14,
    KC_MOCK_API_SASL_HANDSHAKE = 17,
    KC_MOCK_API_API_VERSIONS = 18,
    KC_MOCK_API_CREATE_TOPICS = 19,
    KC_MOCK_API_DELETE_TOPICS = 20,
    KC_MOCK_API_INIT_PRODUCER_ID = 22,
    KC_MOCK_API_OFFSET_FOR_LEADER_EPOCH = 23,
    KC_MOCK_API_ADD_PARTITIONS_TO_TXN = 24,
    KC_MOCK_API_END_TXN = 26,
    KC_MOCK_API_DESCRIBE_CONFIGS = 32,
    KC_MOCK_API_SASL_AUTHENTICATE = 36,
    KC_MOCK_API_CREATE_PARTITIONS = 37,
    KC_MOCK_API_DESCRIBE_CLUSTER = 60
};

/* What a fault does. */
enum {
    /* The request is not carried out; the answer has the error `code`: in the partitions (topics)
     * that the rule names, or in all that the request names; at the top with KC_MOCK_FAULT_TOP. */
    KC_MOCK_FAULT_ERROR = 1,
    KC_MOCK_FAULT_DELAY = 2,       /* the answer leaves `ms` later; the connection waits */
    KC_MOCK_FAULT_DISCONNECT = 3,  /* the connection is reset before the request is looked at */
    KC_MOCK_FAULT_LOSE_ANSWER = 4, /* the request is carried out, then the connection is reset */
    KC_MOCK_FAULT_CUT = 5,     /* `bytes` of the answer (its length first) are sent, then a reset */
    KC_MOCK_FAULT_SHORT = 6,   /* a whole frame whose body ends after `bytes` */
    KC_MOCK_FAULT_MUTATE = 7,  /* `mask` is xored to the answer's byte `bytes` (0: the first byte of
                                * the length; modulo its size) */
    KC_MOCK_FAULT_HANG = 8,    /* no answer, to this and what follows on the connection; the request
                                * is carried out with KC_MOCK_FAULT_APPLIED only */
    KC_MOCK_FAULT_THROTTLE = 9 /* throttle_time_ms is `ms`, and the connection is muted for that
                                * long after the answer (KIP-219) */
};

enum {
    KC_MOCK_FAULT_TOP = 1, /* ERROR: in the answer's own error field, when it has one */
    /* ERROR, HANG: the request is carried out all the same (a record may have been persisted) */
    KC_MOCK_FAULT_APPLIED = 2
};

/* A rule: which requests, and what happens to them. Several may apply to one request; of each
 * action the oldest rule counts. Begin with KC_MOCK_FAULT_INIT, then set what matters. */
typedef struct kc_mock_fault {
    uint32_t size;      /* sizeof(kc_mock_fault) as the program was compiled */
    int32_t action;     /* KC_MOCK_FAULT_... */
    int32_t api;        /* Kafka's API key; -1: any */
    int32_t broker;     /* -1: any */
    const char *topic;  /* only requests that name it; NULL: any. Copied */
    int32_t partition;  /* of the topic; -1: any */
    int32_t code;       /* ERROR: Kafka's code, KC_E_... above -1000 */
    int32_t ms;         /* DELAY, THROTTLE */
    uint32_t flags;     /* KC_MOCK_FAULT_TOP, KC_MOCK_FAULT_APPLIED */
    int64_t bytes;      /* CUT, SHORT, MUTATE */
    uint8_t mask;       /* MUTATE */
    int64_t skip;       /* so many matching requests are let through first */
    int64_t count;      /* then it applies so many times, and is gone; -1: for ever */
    double probability; /* to each of these with this probability, 0 to 1; 1: always */
    uint64_t seed;      /* of that chance: the same seed, the same choices */
} kc_mock_fault;

/* Any request, once, probability 1. */
#define KC_MOCK_FAULT_INIT                                                              \
    {                                                                                   \
        (uint32_t)sizeof(kc_mock_fault), 0, -1, -1, NULL, -1, 0, 0, 0, 0, 0, 0, 1, 1, 0 \
    }
KC_API void kc_mock_fault_init(kc_mock_fault *out, size_t size);

/* The rule's id (above 0), or KC_E_INVALID_ARGUMENT, KC_E_NO_MEMORY. Copies the rule. */
KC_API int64_t kc_mock_add_fault(kc_mock *mock, const kc_mock_fault *fault);

/* How often a rule has been applied, also when it is gone; KC_E_INVALID_ARGUMENT: never was. */
KC_API int64_t kc_mock_fault_hits(kc_mock *mock, int64_t id);

/* Takes a rule away; gone already is fine. */
KC_API void kc_mock_remove_fault(kc_mock *mock, int64_t id);

/* Takes all rules away; answers that are being delayed or withheld stay so. */
KC_API void kc_mock_clear_faults(kc_mock *mock);

/* ---- data --------------------------------------------------------------------------------- */

/* Appends a whole record batch (magic 2, as in a Produce request) to the leader's log, copied, with
 * the checks of Produce but for idempotence; returns its base offset.
 * -KC_E_CORRUPT_MESSAGE, -KC_E_INVALID_RECORD, KC_E_UNKNOWN_PARTITION, KC_E_NO_MEMORY. */
KC_API int64_t kc_mock_append_raw(kc_mock *mock, const char *topic, int32_t partition,
                                  const void *batch, size_t size);

/* Writes the end marker of a transaction of that producer, commit or abort; returns its offset.
 * -KC_E_INVALID_PRODUCER_EPOCH, KC_E_UNKNOWN_PARTITION, KC_E_NO_MEMORY. */
KC_API int64_t kc_mock_txn_marker(kc_mock *mock, const char *topic, int32_t partition,
                                  int64_t producer_id, int16_t producer_epoch, bool commit);

/* Offsets of a partition: the log's first and the next to be written, what consumers may read up
 * to, and the same for read_committed. KC_E_UNKNOWN_PARTITION. */
KC_API int64_t kc_mock_log_start_offset(kc_mock *mock, const char *topic, int32_t partition);
KC_API int64_t kc_mock_log_end_offset(kc_mock *mock, const char *topic, int32_t partition);
KC_API int64_t kc_mock_high_watermark(kc_mock *mock, const char *topic, int32_t partition);
KC_API int64_t kc_mock_last_stable_offset(kc_mock *mock, const char *topic, int32_t partition);

/* The leader (-1: none) and its epoch (may be NULL). KC_E_UNKNOWN_TOPIC_OR_PARTITION. */
KC_API kc_err kc_mock_leader(kc_mock *mock, const char *topic, int32_t partition, int32_t *leader,
                             int32_t *leader_epoch);

/* Batches now stored in a partition. KC_E_UNKNOWN_PARTITION. */
KC_API int64_t kc_mock_batch_count(kc_mock *mock, const char *topic, int32_t partition);

/* Copies stored batch number `index` (0: the oldest) to buf and returns its size; when that is more
 * than cap, nothing is copied. KC_E_UNKNOWN_PARTITION, -KC_E_OFFSET_OUT_OF_RANGE. */
KC_API int64_t kc_mock_read_batch(kc_mock *mock, const char *topic, int32_t partition,
                                  int64_t index, void *buf, size_t cap);

/* The offset that a group has committed; -1: none. KC_E_UNKNOWN_PARTITION. */
KC_API int64_t kc_mock_committed(kc_mock *mock, const char *group, const char *topic,
                                 int32_t partition);

/* ---- what clients did --------------------------------------------------------------------- */

/* Requests received since the start by a broker (-1: all) of an API (-1: all), also those that a
 * fault then hit. */
KC_API int64_t kc_mock_requests(kc_mock *mock, int32_t broker, int32_t api);

/* Connections that are open at a broker (-1: all). */
KC_API int64_t kc_mock_connections(kc_mock *mock, int32_t broker);

/* Connections accepted since the start. */
KC_API int64_t kc_mock_accepted(kc_mock *mock, int32_t broker);

/* Requests since the start that no client may send: such as cannot be decoded, and batches whose
 * CRC, header or count is wrong, one for each. 0 unless a client, or what lies between, is broken.
 */
KC_API int64_t kc_mock_malformed(kc_mock *mock, int32_t broker);

/* A request as it arrived. */
typedef struct kc_mock_request {
    uint32_t size; /* sizeof(kc_mock_request) of the library */
    int32_t broker;
    int32_t api;
    int32_t version;
    int32_t correlation_id;
    const char *api_name; /* "Fetch"; static */
    kc_bytes client_id;   /* borrowed during the call */
    int64_t bytes;        /* of its frame */
    int64_t connection;   /* counts up from 1 */
} kc_mock_request;

/* Called for each request before it is served, on the cluster's thread; it may call functions of
 * this header. fn NULL: no more. */
typedef void (*kc_mock_request_fn)(void *user, const kc_mock_request *request);
KC_API void kc_mock_set_request_log(kc_mock *mock, kc_mock_request_fn fn, void *user);

KC_END

#endif
