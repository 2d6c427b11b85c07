/* SPDX-License-Identifier: Apache-2.0 */
/* Results of calls. 0 is success; Kafka's own error codes are kept unchanged (-1 and above, see
 * the protocol guide); codes of this library are at or below -1000. */
#ifndef KCLIENT_ERROR_H
#define KCLIENT_ERROR_H

#include <kclient/types.h>

KC_BEGIN

typedef int32_t kc_err;

enum {
    KC_OK = 0,

    /* of this library */
    KC_E_NO_MEMORY = -1000,        /* an allocation failed */
    KC_E_INVALID_ARGUMENT = -1001, /* a call's argument is out of its documented range */
    KC_E_UNKNOWN_PROPERTY = -1002, /* no configuration property has that name */
    /* a property's value does not fit its type or range, or contradicts another */
    KC_E_BAD_PROPERTY = -1003,
    KC_E_TIMED_OUT = -1004,  /* the call's or the request's deadline passed on this side */
    KC_E_QUEUE_FULL = -1005, /* buffer.memory is used up and max.block.ms passed */
    KC_E_CLOSED = -1006,     /* the handle is closed or closing */
    KC_E_FORKED = -1007,     /* the handle was made before fork() and is not usable in the child */
    /* the peer sent bytes that are not what the protocol allows; the connection is closed */
    KC_E_PROTOCOL = -1008,
    KC_E_TRANSPORT = -1009,      /* the connection ended before the answer came */
    KC_E_RESOLVE = -1010,        /* a host name could not be resolved */
    KC_E_CONNECT = -1011,        /* no address of the host accepts a connection */
    KC_E_TLS = -1012,            /* the TLS handshake failed or the certificate was not accepted */
    KC_E_AUTHENTICATION = -1013, /* the broker refused the credentials */
    KC_E_NO_BROKER = -1014,      /* none of the bootstrap servers or known brokers can be reached */
    KC_E_UNKNOWN_PARTITION = -1015, /* the topic has no partition of that number */
    /* the record alone is larger than max.request.size or buffer.memory */
    KC_E_RECORD_TOO_LARGE = -1016,
    KC_E_DECOMPRESS = -1017,             /* compressed records are damaged */
    KC_E_DECOMPRESSED_TOO_LARGE = -1018, /* records inflate beyond the configured limit */
    KC_E_INTERRUPTED = -1019,            /* a wakeup call ended the wait */
    KC_E_STATE = -1020,                  /* the call is not allowed in the handle's present state */
    KC_E_NOT_SUPPORTED = -1021,          /* this build or the broker lacks the feature */
    KC_E_IO = -1022,             /* a local file or descriptor could not be read or written */
    KC_E_NO_OFFSET = -1023,      /* the partition has no position and auto.offset.reset is none */
    KC_E_LOG_TRUNCATED = -1024,  /* the log was truncated below the position (KIP-320) */
    KC_E_PURGED = -1025,         /* the record was dropped by close or purge before it was sent */
    KC_E_REJECTED = -1026,       /* an interceptor or partitioner rejected the record */
    KC_E_LEADER_UNKNOWN = -1027, /* the partition has no leader at present */
    KC_E_INTERNAL = -1028,       /* a broken invariant inside the library; please report it */
    /* another record of the same batch was refused; this one may be sent again (KIP-467) */
    KC_E_BATCH_REFUSED = -1029,
    KC_E_NOT_DELIVERED = -1030,      /* flush, close: some records failed; the reports tell which */
    KC_E_RESPONSE_TOO_LARGE = -1031, /* a broker's answer exceeds receive.message.max.bytes */

    /* of the broker */
    KC_E_UNKNOWN_SERVER_ERROR = -1,
    KC_E_OFFSET_OUT_OF_RANGE = 1,
    KC_E_CORRUPT_MESSAGE = 2,
    KC_E_UNKNOWN_TOPIC_OR_PARTITION = 3,
    KC_E_INVALID_FETCH_SIZE = 4,
    KC_E_LEADER_NOT_AVAILABLE = 5,
    KC_E_NOT_LEADER_OR_FOLLOWER = 6,
    KC_E_REQUEST_TIMED_OUT = 7,
    KC_E_BROKER_NOT_AVAILABLE = 8,
    KC_E_REPLICA_NOT_AVAILABLE = 9,
    KC_E_MESSAGE_TOO_LARGE = 10,
    KC_E_STALE_CONTROLLER_EPOCH = 11,
    KC_E_OFFSET_METADATA_TOO_LARGE = 12,
    KC_E_NETWORK_EXCEPTION = 13,
    KC_E_COORDINATOR_LOAD_IN_PROGRESS = 14,
    KC_E_COORDINATOR_NOT_AVAILABLE = 15,
    KC_E_NOT_COORDINATOR = 16,
    KC_E_INVALID_TOPIC_EXCEPTION = 17,
    KC_E_RECORD_LIST_TOO_LARGE = 18,
    KC_E_NOT_ENOUGH_REPLICAS = 19,
    KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20,
    KC_E_INVALID_REQUIRED_ACKS = 21,
    KC_E_ILLEGAL_GENERATION = 22,
    KC_E_INCONSISTENT_GROUP_PROTOCOL = 23,
    KC_E_INVALID_GROUP_ID = 24,
    KC_E_UNKNOWN_MEMBER_ID = 25,
    KC_E_INVALID_SESSION_TIMEOUT = 26,
    KC_E_REBALANCE_IN_PROGRESS = 27,
    KC_E_INVALID_COMMIT_OFFSET_SIZE = 28,
    KC_E_TOPIC_AUTHORIZATION_FAILED = 29,
    KC_E_GROUP_AUTHORIZATION_FAILED = 30,
    KC_E_CLUSTER_AUTHORIZATION_FAILED = 31,
    KC_E_INVALID_TIMESTAMP = 32,
    KC_E_UNSUPPORTED_SASL_MECHANISM = 33,
    KC_E_ILLEGAL_SASL_STATE = 34,
    KC_E_UNSUPPORTED_VERSION = 35,
    KC_E_TOPIC_ALREADY_EXISTS = 36,
    KC_E_INVALID_PARTITIONS = 37,
    KC_E_INVALID_REPLICATION_FACTOR = 38,
    KC_E_INVALID_REPLICA_ASSIGNMENT = 39,
    KC_E_INVALID_CONFIG = 40,
    KC_E_NOT_CONTROLLER = 41,
    KC_E_INVALID_REQUEST = 42,
    KC_E_UNSUPPORTED_FOR_MESSAGE_FORMAT = 43,
    KC_E_POLICY_VIOLATION = 44,
    KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER = 45,
    KC_E_DUPLICATE_SEQUENCE_NUMBER = 46,
    KC_E_INVALID_PRODUCER_EPOCH = 47,
    KC_E_INVALID_TXN_STATE = 48,
    KC_E_INVALID_PRODUCER_ID_MAPPING = 49,
    KC_E_INVALID_TRANSACTION_TIMEOUT = 50,
    KC_E_CONCURRENT_TRANSACTIONS = 51,
    KC_E_TRANSACTION_COORDINATOR_FENCED = 52,
    KC_E_TRANSACTIONAL_ID_AUTHORIZATION_FAILED = 53,
    KC_E_SECURITY_DISABLED = 54,
    KC_E_OPERATION_NOT_ATTEMPTED = 55,
    KC_E_KAFKA_STORAGE_ERROR = 56,
    KC_E_LOG_DIR_NOT_FOUND = 57,
    KC_E_SASL_AUTHENTICATION_FAILED = 58,
    KC_E_UNKNOWN_PRODUCER_ID = 59,
    KC_E_REASSIGNMENT_IN_PROGRESS = 60,
    KC_E_DELEGATION_TOKEN_AUTH_DISABLED = 61,
    KC_E_DELEGATION_TOKEN_NOT_FOUND = 62,
    KC_E_DELEGATION_TOKEN_OWNER_MISMATCH = 63,
    KC_E_DELEGATION_TOKEN_REQUEST_NOT_ALLOWED = 64,
    KC_E_DELEGATION_TOKEN_AUTHORIZATION_FAILED = 65,
    KC_E_DELEGATION_TOKEN_EXPIRED = 66,
    KC_E_INVALID_PRINCIPAL_TYPE = 67,
    KC_E_NON_EMPTY_GROUP = 68,
    KC_E_GROUP_ID_NOT_FOUND = 69,
    KC_E_FETCH_SESSION_ID_NOT_FOUND = 70,
    KC_E_INVALID_FETCH_SESSION_EPOCH = 71,
    KC_E_LISTENER_NOT_FOUND = 72,
    KC_E_TOPIC_DELETION_DISABLED = 73,
    KC_E_FENCED_LEADER_EPOCH = 74,
    KC_E_UNKNOWN_LEADER_EPOCH = 75,
    KC_E_UNSUPPORTED_COMPRESSION_TYPE = 76,
    KC_E_STALE_BROKER_EPOCH = 77,
    KC_E_OFFSET_NOT_AVAILABLE = 78,
    KC_E_MEMBER_ID_REQUIRED = 79,
    KC_E_PREFERRED_LEADER_NOT_AVAILABLE = 80,
    KC_E_GROUP_MAX_SIZE_REACHED = 81,
    KC_E_FENCED_INSTANCE_ID = 82,
    KC_E_ELIGIBLE_LEADERS_NOT_AVAILABLE = 83,
    KC_E_ELECTION_NOT_NEEDED = 84,
    KC_E_NO_REASSIGNMENT_IN_PROGRESS = 85,
    KC_E_GROUP_SUBSCRIBED_TO_TOPIC = 86,
    KC_E_INVALID_RECORD = 87,
    KC_E_UNSTABLE_OFFSET_COMMIT = 88,
    KC_E_THROTTLING_QUOTA_EXCEEDED = 89,
    KC_E_PRODUCER_FENCED = 90,
    KC_E_RESOURCE_NOT_FOUND = 91,
    KC_E_DUPLICATE_RESOURCE = 92,
    KC_E_UNACCEPTABLE_CREDENTIAL = 93,
    KC_E_INCONSISTENT_VOTER_SET = 94,
    KC_E_INVALID_UPDATE_VERSION = 95,
    KC_E_FEATURE_UPDATE_FAILED = 96,
    KC_E_PRINCIPAL_DESERIALIZATION_FAILURE = 97,
    KC_E_SNAPSHOT_NOT_FOUND = 98,
    KC_E_POSITION_OUT_OF_RANGE = 99,
    KC_E_UNKNOWN_TOPIC_ID = 100,
    KC_E_DUPLICATE_BROKER_REGISTRATION = 101,
    KC_E_BROKER_ID_NOT_REGISTERED = 102,
    KC_E_INCONSISTENT_TOPIC_ID = 103,
    KC_E_INCONSISTENT_CLUSTER_ID = 104,
    KC_E_TRANSACTIONAL_ID_NOT_FOUND = 105,
    KC_E_FETCH_SESSION_TOPIC_ID_ERROR = 106,
    KC_E_INELIGIBLE_REPLICA = 107,
    KC_E_NEW_LEADER_ELECTED = 108,
    KC_E_OFFSET_MOVED_TO_TIERED_STORAGE = 109,
    KC_E_FENCED_MEMBER_EPOCH = 110,
    KC_E_UNRELEASED_INSTANCE_ID = 111,
    KC_E_UNSUPPORTED_ASSIGNOR = 112,
    KC_E_STALE_MEMBER_EPOCH = 113,
    KC_E_MISMATCHED_ENDPOINT_TYPE = 114,
    KC_E_UNSUPPORTED_ENDPOINT_TYPE = 115,
    KC_E_UNKNOWN_CONTROLLER_ID = 116,
    KC_E_UNKNOWN_SUBSCRIPTION_ID = 117,
    KC_E_TELEMETRY_TOO_LARGE = 118,
    KC_E_INVALID_REGISTRATION = 119,
    KC_E_TRANSACTION_ABORTABLE = 120,
    KC_E_INVALID_RECORD_STATE = 121,
    KC_E_SHARE_SESSION_NOT_FOUND = 122,
    KC_E_INVALID_SHARE_SESSION_EPOCH = 123,
    KC_E_FENCED_STATE_EPOCH = 124,
    KC_E_INVALID_VOTER_KEY = 125,
    KC_E_DUPLICATE_VOTER = 126,
    KC_E_VOTER_NOT_FOUND = 127,
    KC_E_INVALID_REGULAR_EXPRESSION = 128,
    KC_E_REBOOTSTRAP_REQUIRED = 129,
    KC_E_STREAMS_INVALID_TOPOLOGY = 130,
    KC_E_STREAMS_INVALID_TOPOLOGY_EPOCH = 131,
    KC_E_STREAMS_TOPOLOGY_FENCED = 132,
    KC_E_SHARE_SESSION_LIMIT_REACHED = 133,
};

/* What a program can do about an error; bits of kc_error_flags(). */
enum {
    KC_ERROR_RETRIABLE = 1,        /* the same call may succeed later */
    KC_ERROR_REFRESH_METADATA = 2, /* the client looks the leaders up again by itself */
    KC_ERROR_FATAL = 4,            /* the handle cannot be used any more */
    KC_ERROR_ABORTABLE = 8,        /* the transaction must be aborted, then the producer goes on */
    /* the record may be in the log although it is reported failed */
    KC_ERROR_POSSIBLY_PERSISTED = 16,
    /* in a kc_error about a partition that is read: the client tries again by itself; without it
     * reading has stopped until a seek. Never in kc_error_flags() */
    KC_ERROR_GOES_ON = 32
};

/* The sentence behind a kc_err. The caller owns it (on the stack is fine) and may pass NULL
 * wherever one is taken; it is written only when the call fails. A sentence that is too long loses
 * its middle, never its end, where the remedy is. The struct will not change. */
typedef struct kc_error {
    kc_err code;
    uint32_t flags; /* KC_ERROR_... */
    char text[504]; /* NUL-terminated UTF-8: cause and remedy */
} kc_error;

/* The constant's name without prefix ("NOT_LEADER_OR_FOLLOWER"); "UNKNOWN" for a code that is in
 * no table. Never NULL, static storage. Thread-safe. */
KC_API const char *kc_error_name(kc_err code);

/* One sentence that names cause and remedy. Never NULL, static storage. Thread-safe. */
KC_API const char *kc_error_text(kc_err code);

/* KC_ERROR_... bits of a code; 0 for unknown ones. Thread-safe. */
KC_API uint32_t kc_error_flags(kc_err code);

/* The table by index, 0 to count-1, for bindings: false past its end. Where a result is not wanted
 * NULL may be given. Thread-safe. */
KC_API bool kc_error_at(size_t index, kc_err *code, const char **name, const char **text);

KC_END

#endif
