/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of the cluster, as immutable snapshots: a reader takes a reference and needs no
 * lock. Snapshots follow the brokers' answers by leader epoch, so that a stale broker cannot take a
 * partition back (KIP-320), and by topic id, so that a topic created anew is seen as new (KIP-516).
 */
#ifndef CORE_METADATA_H
#define CORE_METADATA_H

#include <stdatomic.h>

#include <kclient/client.h>

typedef struct kci_node {
    int32_t id;
    int32_t port;
    const char *host;
    kc_bytes rack; /* null: none */
} kci_node;

typedef struct kci_partition_meta {
    int32_t leader;       /* node id, -1: none at present */
    int32_t leader_epoch; /* -1: not told */
    int32_t epoch_floor;  /* the newest epoch told so far, also if the last answer told none; -1 */
    int64_t disputed_us;  /* since when answers have had older epochs than that; 0: they do not */
    kc_err err;
    int32_t replica_count, isr_count, offline_count;
    const int32_t *replicas, *isr, *offline;
} kci_partition_meta;

typedef struct kci_topic_meta {
    kc_bytes name;
    kc_uuid id; /* zero: the broker does not tell ids */
    kc_err err; /* UNKNOWN_TOPIC_OR_PARTITION, TOPIC_AUTHORIZATION_FAILED ...; KC_OK. With an error
                   the partitions are those known before, perhaps none */
    bool internal;
    int32_t partition_count;
    const kci_partition_meta *partitions; /* by number */
} kci_topic_meta;

typedef struct kci_metadata {
    atomic_int refs;
    int64_t fetched_us;  /* mono time of the newest answer in it */
    uint64_t generation; /* grows with every snapshot */
    kc_bytes cluster_id;
    int32_t controller; /* -1: unknown */
    int32_t node_count, topic_count;
    const kci_node *nodes;        /* by id ascending */
    const kci_topic_meta *topics; /* by name ascending */
} kci_metadata;

/* The newest snapshot, with a reference for the caller; never NULL (generation 0: nothing known
 * yet). Any thread. */
kci_metadata *kci_client_metadata(kc_client *client);
void kci_metadata_unref(kci_metadata *metadata);

/* Lookups; NULL when not there. Any thread. Borrowed from the snapshot. */
const kci_topic_meta *kci_metadata_topic(const kci_metadata *metadata, kc_bytes name);
const kci_topic_meta *kci_metadata_topic_by_id(const kci_metadata *metadata, const kc_uuid *id);
const kci_node *kci_metadata_node(const kci_metadata *metadata, int32_t id);

/* The topics that are asked for: counted per name. Any thread (posts to the loop). A topic that the
 * last user drops is forgotten after metadata.max.idle.ms. A name not asked for yet is asked for at
 * once; one whose answer was an error, or that the answer left out, is asked for again, with
 * backoff (rarely, when the error is not retriable), for as long as it is wanted. KC_E_NO_MEMORY,
 * KC_E_INVALID_ARGUMENT (empty or longer than 249 bytes). */
kc_err kci_client_want_topic(kc_client *client, kc_bytes name);

/* The same for a producer: the broker may create the topic whatever allow.auto.create.topics says
 * (that is about consumers). idle_us: how long it had not been used when it is dropped; counts
 * towards metadata.max.idle.ms. */
kc_err kci_client_want_topic_created(kc_client *client, kc_bytes name);
void kci_client_drop_topic_created(kc_client *client, kc_bytes name, int64_t idle_us);

void kci_client_drop_topic(kc_client *client, kc_bytes name);

/* Asks for fresh metadata of the wanted topics; coalesced, at most every retry.backoff.ms (grows to
 * retry.backoff.max.ms while it brings nothing new). Any thread. */
void kci_client_refresh(kc_client *client);

/* Loop. A produce or fetch answer named a newer leader (KIP-951): taken over at once when its epoch
 * is newer; host NULL: the node is known already. */
void kci_client_leader_hint(kc_client *client, kc_bytes topic, int32_t partition, int32_t leader,
                            int32_t leader_epoch, const char *host, int32_t port, kc_bytes rack);

/* Loop. An answer (FindCoordinator) named a broker that may not be in the metadata yet: calls to
 * its id can be started from now on. KC_E_NO_MEMORY, KC_E_INVALID_ARGUMENT. */
kc_err kci_client_node_hint(kc_client *client, int32_t node, kc_bytes host, int32_t port);

/* The last reason why there is no metadata (no broker reachable, authentication ...): KC_OK when
 * there is. For the texts of time-outs. Any thread; copies the sentence. */
kc_err kci_client_last_problem(kc_client *client, kc_error *out);

/* What keeps the client out until somebody changes something: log-ins that are refused
 * (KC_E_AUTHENTICATION), certificates (KC_E_TLS); KC_OK: nothing. out may be NULL. Any thread. When
 * it begins, users get on_node(KCI_NODE_ANY, ..., KCI_NODE_DOWN, err). */
kc_err kci_client_refusal(kc_client *client, kc_error *out);

#endif
