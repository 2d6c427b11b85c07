/* SPDX-License-Identifier: Apache-2.0 */
/* Administration: topics, their configuration, and the cluster's members.
 *
 * Calls wait for their result, at most timeout_ms (-1: default.api.timeout.ms). Until then they
 * look for the controller, and repeat what may be repeated. After KC_E_TIMED_OUT and KC_E_TRANSPORT
 * a change may have been made nevertheless.
 *
 * Results are objects of their own: they outlive the admin, belong to the caller and are read by
 * accessors into structs that the caller begins with their KC_..._INIT (which sets `size`); false,
 * with nothing written, when the size cannot be. All pointers in these structs are borrowed from
 * the result object. Reading from several threads at once is fine.
 *
 * Flags that a call does not know are refused: KC_E_INVALID_ARGUMENT.
 *
 * All calls on an admin are thread-safe, except that nothing may run during or after kc_admin_free.
 */
#ifndef KCLIENT_ADMIN_H
#define KCLIENT_ADMIN_H

#include <kclient/client.h>

KC_BEGIN

typedef struct kc_admin kc_admin;

/* Makes an admin on a client. Does not wait for a broker. KC_E_BAD_PROPERTY, KC_E_INVALID_ARGUMENT,
 * KC_E_NO_MEMORY, KC_E_CLOSED, KC_E_FORKED. */
KC_API kc_err kc_admin_new(kc_client *client, kc_admin **out, kc_error *detail);

/* Gives the handle back, before or after the client's. NULL is fine. */
KC_API void kc_admin_free(kc_admin *admin);

enum {
    KC_ADMIN_VALIDATE_ONLY = 1, /* create: check everything, change nothing */
    KC_ADMIN_INCLUDE_INTERNAL =
        2 /* list: topics of the brokers' own (__consumer_offsets ...) too */
};

/* ---- topics: create, grow, delete --------------------------------------------------------- */

/* A name and a value; both required. The struct will not change. */
typedef struct kc_name_value {
    kc_bytes name;
    kc_bytes value;
} kc_name_value;

/* The brokers that hold a partition, preferred leader first. The struct will not change. */
typedef struct kc_replicas {
    const int32_t *nodes;
    size_t count;
} kc_replicas;

/* A topic to create. Begin with KC_NEW_TOPIC_INIT. Borrowed during the call. */
typedef struct kc_new_topic {
    uint32_t size;              /* sizeof(kc_new_topic) as the program was compiled */
    int32_t partitions;         /* -1: the broker's num.partitions */
    int32_t replication_factor; /* -1: the broker's default.replication.factor */
    uint32_t reserved;
    kc_bytes name;
    const kc_name_value *configs; /* cleanup.policy and the like */
    size_t config_count;
    /* Replicas of partition 0, 1 ...; instead of partitions and replication_factor. */
    const kc_replicas *assignments;
    size_t assignment_count; /* 0: the brokers choose */
} kc_new_topic;

#define KC_NEW_TOPIC_INIT                                                        \
    {                                                                            \
        (uint32_t)sizeof(kc_new_topic), -1, -1, 0, { NULL, 0 }, NULL, 0, NULL, 0 \
    }
KC_API void kc_new_topic_init(kc_new_topic *out, size_t size);

/* A topic to get more partitions. Begin with KC_NEW_PARTITIONS_INIT. Borrowed during the call. */
typedef struct kc_new_partitions {
    uint32_t size;       /* sizeof(kc_new_partitions) as the program was compiled */
    int32_t total_count; /* how many it is to have in all */
    kc_bytes name;
    const kc_replicas *assignments; /* of the new ones, or NULL: the brokers choose */
    size_t assignment_count;
} kc_new_partitions;

#define KC_NEW_PARTITIONS_INIT                                       \
    {                                                                \
        (uint32_t)sizeof(kc_new_partitions), 0, { NULL, 0 }, NULL, 0 \
    }
KC_API void kc_new_partitions_init(kc_new_partitions *out, size_t size);

/* What became of each topic of one of the calls below, in their order. */
typedef struct kc_topic_results kc_topic_results;

typedef struct kc_topic_result {
    uint32_t size; /* sizeof(kc_topic_result) as the program was compiled */
    kc_err err;
    kc_bytes name;
    const char *text;           /* for err: cause and remedy; "" for KC_OK */
    kc_uuid id;                 /* zero: not told */
    int32_t partitions;         /* created; -1: not told */
    int32_t replication_factor; /* -1: not told */
} kc_topic_result;

#define KC_TOPIC_RESULT_INIT                                                       \
    {                                                                              \
        (uint32_t)sizeof(kc_topic_result), 0, { NULL, 0 }, NULL, { { 0 } }, -1, -1 \
    }
KC_API void kc_topic_result_init(kc_topic_result *out, size_t size);

/* KC_OK: done for all topics. Otherwise, with *out set: not for all, this is the first one's error,
 * and detail its sentence. With *out NULL nothing is known of any: KC_E_TIMED_OUT,
 * KC_E_INVALID_ARGUMENT, KC_E_NO_BROKER, KC_E_AUTHENTICATION, KC_E_NOT_SUPPORTED (the brokers lack
 * the call), KC_E_NO_MEMORY, KC_E_CLOSED, KC_E_FORKED. flags: KC_ADMIN_VALIDATE_ONLY or 0. */
KC_API kc_err kc_admin_create_topics(kc_admin *admin, const kc_new_topic *topics, size_t count,
                                     uint32_t flags, int32_t timeout_ms, kc_topic_results **out,
                                     kc_error *detail);
KC_API kc_err kc_admin_create_partitions(kc_admin *admin, const kc_new_partitions *topics,
                                         size_t count, uint32_t flags, int32_t timeout_ms,
                                         kc_topic_results **out, kc_error *detail);
KC_API kc_err kc_admin_delete_topics(kc_admin *admin, const kc_bytes *names, size_t count,
                                     int32_t timeout_ms, kc_topic_results **out, kc_error *detail);

KC_API size_t kc_topic_results_count(const kc_topic_results *results); /* NULL counts 0 */
/* False past the end. */
KC_API bool kc_topic_results_at(const kc_topic_results *results, size_t index,
                                kc_topic_result *out);
KC_API void kc_topic_results_free(kc_topic_results *results); /* NULL is fine */

/* ---- the cluster and its topics ----------------------------------------------------------- */

/* Brokers, and the topics that were asked for, as one broker saw them at one time. */
typedef struct kc_cluster kc_cluster;

/* Brokers only. Errors as above. */
KC_API kc_err kc_admin_describe_cluster(kc_admin *admin, int32_t timeout_ms, kc_cluster **out,
                                        kc_error *detail);

/* All topics by name, with partitions. flags: KC_ADMIN_INCLUDE_INTERNAL or 0. */
KC_API kc_err kc_admin_list_topics(kc_admin *admin, uint32_t flags, int32_t timeout_ms,
                                   kc_cluster **out, kc_error *detail);

/* The named topics, in the order of names. One that does not exist (and is not created) has err
 * KC_E_UNKNOWN_TOPIC_OR_PARTITION; the result is then that of the first, and *out set. */
KC_API kc_err kc_admin_describe_topics(kc_admin *admin, const kc_bytes *names, size_t count,
                                       int32_t timeout_ms, kc_cluster **out, kc_error *detail);

KC_API void kc_cluster_free(kc_cluster *cluster); /* NULL is fine */

KC_API kc_bytes kc_cluster_id(const kc_cluster *cluster);
KC_API int32_t kc_cluster_controller(const kc_cluster *cluster); /* -1: not known */

typedef struct kc_node {
    uint32_t size; /* sizeof(kc_node) as the program was compiled */
    int32_t id;
    kc_bytes host;
    int32_t port;
    uint32_t reserved;
    kc_bytes rack; /* null: none */
} kc_node;

#define KC_NODE_INIT                                      \
    {                                                     \
        (uint32_t)sizeof(kc_node), -1, { NULL, 0 }, 0, 0, \
        {                                                 \
            NULL, 0                                       \
        }                                                 \
    }
KC_API void kc_node_init(kc_node *out, size_t size);

/* By id ascending; false past the end. */
KC_API size_t kc_cluster_node_count(const kc_cluster *cluster);
KC_API bool kc_cluster_node_at(const kc_cluster *cluster, size_t index, kc_node *out);
KC_API bool kc_cluster_node_by_id(const kc_cluster *cluster, int32_t id, kc_node *out);

typedef struct kc_topic_description {
    uint32_t size; /* sizeof(kc_topic_description) as the program was compiled */
    kc_err err;
    kc_bytes name;
    kc_uuid id; /* zero: the broker does not tell ids */
    int32_t partition_count;
    bool internal;
    uint8_t reserved[3]; /* 0 */
} kc_topic_description;

#define KC_TOPIC_DESCRIPTION_INIT                                                    \
    {                                                                                \
        (uint32_t)sizeof(kc_topic_description), 0, { NULL, 0 }, { { 0 } }, 0, false, \
        {                                                                            \
            0                                                                        \
        }                                                                            \
    }
KC_API void kc_topic_description_init(kc_topic_description *out, size_t size);

KC_API size_t kc_cluster_topic_count(const kc_cluster *cluster);
KC_API bool kc_cluster_topic_at(const kc_cluster *cluster, size_t index, kc_topic_description *out);

typedef struct kc_partition_description {
    uint32_t size; /* sizeof(kc_partition_description) as the program was compiled */
    kc_err err;    /* KC_E_LEADER_NOT_AVAILABLE ... */
    int32_t partition;
    int32_t leader;       /* -1: none */
    int32_t leader_epoch; /* -1: not told */
    uint32_t reserved;
    kc_replicas replicas; /* node ids, the preferred leader first */
    kc_replicas in_sync;
    kc_replicas offline;
} kc_partition_description;

#define KC_PARTITION_DESCRIPTION_INIT                                                           \
    {                                                                                           \
        (uint32_t)sizeof(kc_partition_description), 0, -1, -1, -1, 0, { NULL, 0 }, { NULL, 0 }, \
        {                                                                                       \
            NULL, 0                                                                             \
        }                                                                                       \
    }
KC_API void kc_partition_description_init(kc_partition_description *out, size_t size);

/* By number ascending; false past either end. */
KC_API bool kc_cluster_partition_at(const kc_cluster *cluster, size_t topic, size_t index,
                                    kc_partition_description *out);

/* ---- configuration ------------------------------------------------------------------------ */

enum { KC_RESOURCE_TOPIC = 2, KC_RESOURCE_BROKER = 4 };

/* Whose configuration; a broker's name is its id as decimal text. Borrowed during the call. The
 * struct will not change. */
typedef struct kc_config_resource {
    int32_t type; /* KC_RESOURCE_... */
    kc_bytes name;
} kc_config_resource;

/* Configurations, one a resource, in the order asked for. */
typedef struct kc_configs kc_configs;

/* Errors as kc_admin_create_topics. */
KC_API kc_err kc_admin_describe_configs(kc_admin *admin, const kc_config_resource *resources,
                                        size_t count, int32_t timeout_ms, kc_configs **out,
                                        kc_error *detail);

KC_API void kc_configs_free(kc_configs *configs); /* NULL is fine */
KC_API size_t kc_configs_count(const kc_configs *configs);

/* A resource's own outcome; text for err as in kc_topic_result. KC_E_INVALID_ARGUMENT past the end.
 */
KC_API kc_err kc_configs_err(const kc_configs *configs, size_t resource, const char **text);

enum {
    KC_CONFIG_READ_ONLY = 1,
    KC_CONFIG_SENSITIVE = 2 /* the value is not told */
};

/* Where a value comes from, as in the protocol; other numbers may come with newer brokers. */
enum {
    KC_CONFIG_SOURCE_TOPIC = 1, /* set on the topic itself */
    KC_CONFIG_SOURCE_DYNAMIC_BROKER = 2,
    KC_CONFIG_SOURCE_DYNAMIC_DEFAULT_BROKER = 3,
    KC_CONFIG_SOURCE_STATIC_BROKER = 4, /* the broker's file */
    KC_CONFIG_SOURCE_DEFAULT = 5
};

typedef struct kc_config_entry {
    uint32_t size;  /* sizeof(kc_config_entry) as the program was compiled */
    uint32_t flags; /* KC_CONFIG_... */
    kc_bytes name;
    kc_bytes value; /* null: none, or not told */
    int32_t source; /* KC_CONFIG_SOURCE_... */
    uint32_t reserved;
} kc_config_entry;

#define KC_CONFIG_ENTRY_INIT                                                 \
    {                                                                        \
        (uint32_t)sizeof(kc_config_entry), 0, { NULL, 0 }, { NULL, 0 }, 0, 0 \
    }
KC_API void kc_config_entry_init(kc_config_entry *out, size_t size);

KC_API size_t kc_configs_entry_count(const kc_configs *configs, size_t resource);
KC_API bool kc_configs_entry_at(const kc_configs *configs, size_t resource, size_t index,
                                kc_config_entry *out);

KC_END

#endif
