/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster: brokers, topics, partitions, who leads what, committed offsets, and the requests
 * that wait for something to happen in a partition. No I/O and no clock: the server sets the time
 * and is told when a waiting request can go on. One thread. */
#ifndef MOCK_CLUSTER_H
#define MOCK_CLUSTER_H

#include <kclient/mock.h>

#include "base/random.h"
#include "mock/classic.h"
#include "mock/log.h"
#include "mock/session.h"

enum {
    KCI_MOCK_APIS = 128, /* keys below it are counted */
    KCI_MOCK_HOST_MAX = 256,
    KCI_MOCK_NAME_MAX = 249, /* of a topic, as in Kafka */
    KCI_MOCK_PARTITIONS_MAX = 100000
};

typedef struct kci_mock_cluster kci_mock_cluster;
typedef struct kci_mock_topic kci_mock_topic;
typedef struct kci_mock_partition kci_mock_partition;

typedef struct kci_mock_broker {
    kci_mock_cluster *cluster;
    int32_t id;                   /* from 1 */
    char *rack;                   /* NULL: none */
    char host[KCI_MOCK_HOST_MAX]; /* as advertised */
    int32_t port;
    bool up;
    kci_mock_sessions sessions;
    int64_t requests[KCI_MOCK_APIS];
    int8_t limits[KCI_MOCK_APIS]; /* kc_mock_set_max_version: 0: none, else the version + 2 */
    int64_t connections, accepted;
    int64_t malformed; /* requests that no client may send */
} kci_mock_broker;

struct kci_mock_partition {
    kci_mock_topic *topic;
    int32_t index;
    int32_t leader; /* broker, -1: none */
    int32_t leader_epoch;
    int32_t shown_leader, shown_epoch; /* what Metadata says until shown_until_us */
    int64_t shown_until_us;
    bool no_hints;     /* NOT_LEADER_OR_FOLLOWER without the new leader */
    int32_t *replicas; /* brokers; the first is preferred */
    bool *in_sync;     /* of each replica */
    int32_t replica_count;
    kci_mock_log log;
    kci_list watches; /* of kci_mock_watch.link */
};

typedef struct kci_mock_config {
    kci_link link;
    char *name;
    char *value;
} kci_mock_config;

struct kci_mock_topic {
    kci_mock_cluster *cluster;
    kc_bytes name; /* NUL-terminated too */
    kc_uuid id;
    kci_mock_partition **partitions;
    int32_t partition_count;
    kci_list configs; /* those that were set */
    int32_t max_message_bytes;
    int32_t min_in_sync;
    bool log_append_time;
    bool compact; /* every record needs a key */
};

/* An offset that a group committed. */
typedef struct kci_mock_offset {
    kci_link link;
    kc_bytes topic;
    int32_t partition;
    int64_t offset;
    int32_t leader_epoch;
    kc_bytes metadata; /* copied; null possible */
} kci_mock_offset;

typedef struct kci_mock_group {
    kc_bytes id;
    kci_list offsets;
    kci_mock_classic classic;
    kci_list watches; /* of kci_mock_watch.link: who waits for a change of its members */
} kci_mock_group;

/* A transactional id's producer id. */
typedef struct kci_mock_txn_id {
    kc_bytes id;
    int64_t producer_id;
    int16_t epoch;
} kci_mock_txn_id;

/* A request's interest in a partition; embedded in what the request owns. */
typedef struct kci_mock_watch {
    kci_link link;
    struct kci_mock_request *request;
} kci_mock_watch;

struct kci_mock_cluster {
    int64_t now_us; /* monotonic; set by the server before every call */
    int64_t now_ms; /* wall clock */
    kci_random random;
    char id[23]; /* base64 of it */
    kci_mock_broker *brokers;
    int32_t broker_count;
    int32_t controller;
    kci_map topics;    /* by name */
    kci_map topic_ids; /* the same by id */
    int32_t partition_total;
    kci_map groups, txn_ids;
    int64_t next_producer_id;
    kci_mock_store store;
    kci_list pending; /* batches above a high watermark, in order of replicated_at_us */
    kci_list ready;   /* requests that may go on: kci_mock_request.ready */
    void (*on_ready)(kci_mock_cluster *cluster);   /* the list is not empty any more */
    void (*on_pending)(kci_mock_cluster *cluster); /* call replicate at the first one's time */
    void (*on_groups)(kci_mock_cluster *cluster); /* call kci_mock_groups_expire at groups_due_us */
    int64_t groups_due_us;                        /* INT64_MAX: no member has to be looked after */
    uint64_t last_member;                         /* for ids of members */

    int32_t default_partitions, default_replication;
    bool auto_create, follower_fetch, leader_hints, fetch_sessions;
    int64_t replication_delay_us;
    bool is_39;
    char *sasl_plain; /* "name:password,..."; NULL: no authentication */
};

/* seed: of all that is random (ids, fetch sessions). Brokers are up, without host and port. The
 * options are valid. KC_E_NO_MEMORY; then, too, the cluster is to be freed. */
kc_err kci_mock_cluster_init(kci_mock_cluster *c, const kc_mock_options *options, uint64_t seed);
void kci_mock_cluster_free(kci_mock_cluster *c);

/* NULL: no such broker. */
kci_mock_broker *kci_mock_broker_get(kci_mock_cluster *c, int32_t id);
bool kci_mock_broker_is_up(const kci_mock_cluster *c, int32_t id);

kci_mock_topic *kci_mock_topic_get(const kci_mock_cluster *c, kc_bytes name);
kci_mock_topic *kci_mock_topic_by_id(const kci_mock_cluster *c, const kc_uuid *id);
kci_mock_partition *kci_mock_partition_of(const kci_mock_topic *topic, int32_t index);

/* A partition that is to be made: its replicas, or NULL: chosen. */
typedef struct kci_mock_new_topic {
    kc_bytes name;
    int32_t partitions;             /* -1 or 0: default, or as `assigned` */
    int32_t replication;            /* likewise */
    const int32_t *const *assigned; /* per partition, `replication` brokers each; NULL: chosen */
    bool validate_only;
    const char *why; /* out */
} kci_mock_new_topic;

/* KC_E_TOPIC_ALREADY_EXISTS, KC_E_INVALID_PARTITIONS, KC_E_INVALID_REPLICATION_FACTOR,
 * KC_E_INVALID_REPLICA_ASSIGNMENT, KC_E_INVALID_TOPIC_EXCEPTION, KC_E_NO_MEMORY. *out is NULL when
 * it was validated only. */
kc_err kci_mock_topic_create(kci_mock_cluster *c, kci_mock_new_topic *t, kci_mock_topic **out);

/* What waits for its partitions goes on (and finds it gone). */
void kci_mock_topic_delete(kci_mock_topic *topic);

/* count: the new total. assigned: of the new ones, NULL: chosen. KC_E_INVALID_PARTITIONS,
 * KC_E_INVALID_REPLICA_ASSIGNMENT, KC_E_NO_MEMORY (nothing is changed). */
kc_err kci_mock_topic_grow(kci_mock_topic *topic, int32_t count, const int32_t *const *assigned);

/* value NULL: the default. KC_E_INVALID_CONFIG, KC_E_NO_MEMORY. */
kc_err kci_mock_topic_configure(kci_mock_topic *topic, kc_bytes name, kc_bytes value);
kc_err kci_mock_config_check(kc_bytes name, kc_bytes value);

/* Replicas and who of them is in sync. */
bool kci_mock_is_replica(const kci_mock_partition *p, int32_t broker);
bool kci_mock_is_in_sync(const kci_mock_partition *p, int32_t broker);
int32_t kci_mock_in_sync_count(const kci_mock_partition *p);

/* A replica joins or leaves the in-sync set; what was waiting for it alone is committed then. */
void kci_mock_set_in_sync(kci_mock_partition *p, int32_t broker, bool in_sync);

/* The next leader epoch with that leader (-1: none). Whoever waits for the partition goes on. */
kc_err kci_mock_partition_lead(kci_mock_partition *p, int32_t leader);

/* The same without a new epoch, as a cluster does that does not count them well. */
kc_err kci_mock_partition_hand_over(kci_mock_partition *p, int32_t leader);

/* A partition after one of its brokers went or came: elects where needed. lose: what is above the
 * high watermark goes. */
kc_err kci_mock_partition_elect(kci_mock_partition *p, bool lose);

/* Broker up or down, in every partition. flags: KC_MOCK_... of kc_mock_broker_down. */
kc_err kci_mock_broker_set_up(kci_mock_broker *b, bool up, uint32_t flags);

/* After an append: the high watermark follows now or when it is replicated, and tells who waits. */
void kci_mock_partition_appended(kci_mock_partition *p, kci_mock_batch *batch);

/* Batches whose time has come (cluster->now_us) are replicated. */
void kci_mock_replicate(kci_mock_cluster *c);

/* Tells those who watch a partition; bytes: that can be read since; -1: something else changed and
 * all of them go on. */
void kci_mock_partition_changed(kci_mock_partition *p, int64_t bytes);

/* An id that is not in use. */
kc_uuid kci_mock_uuid(kci_mock_cluster *c);

/* Runs fn for every partition. */
void kci_mock_each_partition(kci_mock_cluster *c, void (*fn)(kci_mock_partition *p, void *arg),
                             void *arg);

/* A group's offsets. put: KC_E_NO_MEMORY. */
kc_err kci_mock_offset_put(kci_mock_cluster *c, kc_bytes group, kc_bytes topic, int32_t partition,
                           const kci_mock_offset *value);
const kci_mock_offset *kci_mock_offset_get(const kci_mock_cluster *c, kc_bytes group,
                                           kc_bytes topic, int32_t partition);
const kci_mock_group *kci_mock_group_get(const kci_mock_cluster *c, kc_bytes group);

/* The group, made if there is none; NULL: no memory. */
kci_mock_group *kci_mock_group_make(kci_mock_cluster *c, kc_bytes group);

/* Something about its members has changed: who waits looks again, and time is watched. */
void kci_mock_group_changed(kci_mock_cluster *c, kci_mock_group *g);

/* Only its deadlines may have changed. */
void kci_mock_group_schedule(kci_mock_cluster *c, kci_mock_group *g);

/* Members that were not heard of in time leave; sets groups_due_us anew. */
void kci_mock_groups_expire(kci_mock_cluster *c);

/* The broker responsible for a group or transactional id: the same for everyone while no broker
 * comes or goes. NULL when all are down. */
kci_mock_broker *kci_mock_coordinator(kci_mock_cluster *c, kc_bytes key);

/* Forgets what all groups committed of a topic. */
void kci_mock_offsets_forget(kci_mock_cluster *c, kc_bytes topic);
void kci_mock_groups_free(kci_mock_cluster *c);

#endif
