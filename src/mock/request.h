/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way through the cluster: decoded, hit by faults, served by its API's file,
 * perhaps waiting for a partition or a group, answered. The server owns it; one is under way per
 * connection.
 */
#ifndef MOCK_REQUEST_H
#define MOCK_REQUEST_H

#include "io/frame.h"
#include "mock/cluster.h"
#include "wire/messages.h"

/* A piece of stored records that goes into an answer. One reference to the frame. */
typedef struct kci_mock_slice {
    kci_frame *frame;
    const uint8_t *data;
    uint32_t size;
} kci_mock_slice;

typedef struct kci_mock_slices {
    kci_mock_slice *list;
    size_t count, cap;
} kci_mock_slices;

/* An ERROR fault that hit the request. topic null: any. */
typedef struct kci_mock_forced {
    int16_t code;
    uint32_t flags;
    kc_bytes topic;
    int32_t partition;
} kci_mock_forced;

enum { KCI_MOCK_FORCED_MAX = 8 };

/* What faults do to one request; filled by kci_mock_faults_match. */
typedef struct kci_mock_plan {
    kci_mock_forced forced[KCI_MOCK_FORCED_MAX];
    int32_t forced_count;
    int32_t delay_ms, throttle_ms;
    bool disconnect, lose_answer, hang, hang_applied, cut, shorten, mutate;
    int64_t cut_at, short_at, mutate_at;
    uint8_t mask;
} kci_mock_plan;

typedef enum kci_mock_outcome {
    KCI_MOCK_ANSWER, /* r->answer is complete */
    KCI_MOCK_WAIT,   /* parked: resume() when notified or at r->deadline_us */
    KCI_MOCK_SILENT, /* there is no answer (Produce with acks=0) */
    KCI_MOCK_CLOSE   /* the connection is to be closed: malformed, or out of memory */
} kci_mock_outcome;

/* How far a connection's authentication is. */
typedef struct kci_mock_auth {
    bool handshaken, done;
    bool failed; /* the connection ends after the answer */
} kci_mock_auth;

typedef struct kci_mock_request kci_mock_request;
struct kci_mock_request {
    kci_mock_cluster *cluster;
    kci_mock_broker *broker;
    const struct kci_mock_api *api;
    int16_t key, version;
    int32_t correlation_id;
    kc_bytes client_id;
    kci_frame *frame;
    kci_arena arena;        /* of body, answer and what the API's file needs */
    void *body;             /* the request's struct */
    void *answer;           /* the response's struct, at its defaults when serve() is called */
    kci_mock_slices slices; /* what fills the answer's gaps, in order */
    kci_mock_plan plan;
    void *state;         /* the API file's own, in the arena */
    kci_mock_auth *auth; /* the connection's */

    kci_link ready; /* on cluster->ready */
    bool waiting;
    bool timed_out; /* resume() is called because of the deadline */
    int64_t deadline_us;
    int64_t wanted_bytes; /* INT64_MIN: every change counts; else so many are waited for */
    kci_mock_watch *watches;
    int32_t watch_count, watch_cap;
};

/* One API: what is offered and who serves it. */
typedef struct kci_mock_api {
    int16_t key;
    int16_t max_39; /* highest version of a 3.9 broker; -1: not there */
    kci_mock_outcome (*serve)(kci_mock_request *r);
    kci_mock_outcome (*resume)(kci_mock_request *r); /* NULL: never waits */
} kci_mock_api;

/* NULL: not offered by this cluster. */
const kci_mock_api *kci_mock_api_get(const kci_mock_broker *b, int16_t key);
const kci_mock_api *kci_mock_api_at(size_t index); /* NULL past the end */
int16_t kci_mock_api_max(const kci_mock_broker *b, const kci_mock_api *api);

/* Zeroed memory of the request's arena; NULL when out of memory. */
void *kci_mock_take(kci_mock_request *r, size_t count, size_t size);

/* Adds records to the answer. KC_E_NO_MEMORY. */
kc_err kci_mock_slice_add(kci_mock_request *r, const kci_mock_batch *batch, uint32_t size);

void kci_mock_slices_clear(kci_mock_request *r);

/* Lets go of slices and of what the request waits for; keeps memory for the next. */
void kci_mock_request_reset(kci_mock_request *r);
void kci_mock_request_free(kci_mock_request *r);

/* Prepares to wait: room for count watches, in the arena. */
kc_err kci_mock_request_watch_begin(kci_mock_request *r, int32_t count);
void kci_mock_request_watch(kci_mock_request *r, kci_list *watches); /* a partition's, a group's */
void kci_mock_request_unwatch(kci_mock_request *r);

/* Tells all who watch; bytes as kci_mock_request_notify. */
void kci_mock_watches_notify(kci_list *watches, int64_t bytes);

/* Something happened to what is watched; see kci_mock_partition_changed. */
void kci_mock_request_notify(kci_mock_request *r, int64_t bytes);

/* The error that a fault puts into this topic or partition (partition -1: topic-level; topic null:
 * answers without topics); 0: none. *applied: the request is to be carried out all the same. */
int16_t kci_mock_forced_error(const kci_mock_request *r, kc_bytes topic, int32_t partition,
                              bool *applied);

/* The same for the answer's own error field, if it has one: rules with KC_MOCK_FAULT_TOP. */
int16_t kci_mock_forced_top(const kci_mock_request *r);

/* Does the request name the topic (and the partition, unless -1)? */
bool kci_mock_request_names(const kci_mock_request *r, kc_bytes topic, int32_t partition);

/* The brokers' endpoints that an answer names as new leaders (KIP-951), each once. */
typedef struct kci_mock_endpoints {
    int32_t *ids;
    int32_t count, cap;
} kci_mock_endpoints;

/* Whether to name the leader; then it is added to the list. */
bool kci_mock_hint(kci_mock_request *r, const kci_mock_partition *p, kci_mock_endpoints *list);

/* The partition a request's epoch speaks of: KC_OK, KC_E_FENCED_LEADER_EPOCH or
 * KC_E_UNKNOWN_LEADER_EPOCH; epoch -1 is always right. */
kc_err kci_mock_check_epoch(const kci_mock_partition *p, int32_t epoch);

#endif
