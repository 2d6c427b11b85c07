/* SPDX-License-Identifier: Apache-2.0 */
/* Brokers and topics, by Metadata requests of the admin's own: the client's snapshot holds only the
 * topics that are in use, and may be minutes old. */
#include <kclient/admin.h>

#include <stdlib.h>
#include <string.h>

#include "admin/answer_op.h"
#include "base/abi_structs.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

typedef kci_metadata_response_metadata_response_broker wire_node;
typedef kci_metadata_response_metadata_response_topic wire_topic;
typedef kci_metadata_response_metadata_response_partition wire_partition;

struct kc_cluster {
    kci_answer answer;
    const kci_metadata_response *body;
    const wire_topic *
        *topics;     /* those that are shown, in order; those left out by a broker are NULL */
    kc_bytes *names; /* what was asked for, in the answer's arena; NULL for lists */
    size_t topic_count;
};

typedef struct metadata_op {
    kci_answer_op base;
    kci_metadata_request body;
} metadata_op;

static kc_err build(kci_admin_op *op, int32_t remaining_ms)
{
    (void)remaining_ms;
    op->ask.call.body = &((metadata_op *)op)->body;
    return KC_OK;
}

static kc_err read_answer(kci_admin_op *op, const kci_response *response)
{
    const kci_metadata_response *body = response->body;
    if (body->error_code != KC_OK)
        return kci_admin_op_why(
            op, body->error_code < -1 ? KC_E_UNKNOWN_SERVER_ERROR : body->error_code,
            (kc_bytes){ NULL, 0 });
    kci_answer_op_keep((kci_answer_op *)op, response);
    return KC_OK;
}

/* From version 4 on a request can say that topics must not be created by it. */
static const kci_admin_op_type metadata_type = {
    .api = KCI_API_METADATA,
    .min_version = 4,
    .build = build,
    .read = read_answer,
    .free = kci_answer_op_free,
};

/* names NULL: all topics. */
static kc_err fill(metadata_op *op, const kc_bytes *names, size_t count)
{
    kci_msg_init(&kci_metadata_request_msg, &op->body);
    op->body.allow_auto_topic_creation = false;
    op->body.topics.data = NULL;
    op->body.topics.count = -1;
    if (!names)
        return KC_OK;
    kci_arena *arena = &op->base.arena;
    op->body.topics.data = kci_arena_array(arena, count, sizeof *op->body.topics.data);
    op->body.topics.count = (int32_t)count;
    if (!op->body.topics.data)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        kci_msg_init(&kci_metadata_request_metadata_request_topic_msg, &op->body.topics.data[i]);
        if (!names[i].data)
            return KC_E_INVALID_ARGUMENT;
        op->body.topics.data[i].name = kci_arena_copy(arena, names[i]);
        if (!op->body.topics.data[i].name.data)
            return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

static int by_id(const void *a, const void *b)
{
    const wire_node *x = a, *y = b;
    return (x->node_id > y->node_id) - (x->node_id < y->node_id);
}

static int by_number(const void *a, const void *b)
{
    const wire_partition *x = a, *y = b;
    return (x->partition_index > y->partition_index) - (x->partition_index < y->partition_index);
}

static int compare_names(kc_bytes a, kc_bytes b)
{
    int order = memcmp(a.data, b.data, a.size < b.size ? a.size : b.size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int by_name(const void *a, const void *b)
{
    return compare_names((*(const wire_topic *const *)a)->name,
                         (*(const wire_topic *const *)b)->name);
}

/* The answer is this object's own: sorting it in place is fine. */
static void sort_answer(kci_metadata_response *body)
{
    if (body->brokers.count > 1)
        qsort(body->brokers.data, (size_t)body->brokers.count, sizeof *body->brokers.data, by_id);
    for (int32_t i = 0; i < body->topics.count; i++) {
        wire_topic *t = &body->topics.data[i];
        if (t->partitions.count > 1)
            qsort(t->partitions.data, (size_t)t->partitions.count, sizeof *t->partitions.data,
                  by_number);
    }
}

/* All topics of the answer that have a name, by name. */
static kc_err show_all(kc_cluster *cluster, bool internal)
{
    const kci_metadata_response *body = cluster->body;
    size_t count = body->topics.count > 0 ? (size_t)body->topics.count : 0;
    cluster->topics = kci_arena_array(&cluster->answer.arena, count, sizeof *cluster->topics);
    if (!cluster->topics)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        const wire_topic *t = &body->topics.data[i];
        if (t->name.data && (internal || !t->is_internal))
            cluster->topics[cluster->topic_count++] = t;
    }
    if (cluster->topic_count > 1)
        qsort(cluster->topics, cluster->topic_count, sizeof *cluster->topics, by_name);
    return KC_OK;
}

/* The wanted topics in the order they were asked for; brokers answer in any. */
static kc_err show_named(kc_cluster *cluster, const kc_bytes *names, size_t count)
{
    kci_arena *arena = &cluster->answer.arena;
    kc_err err = show_all(cluster, true);
    const wire_topic **sorted = cluster->topics;
    size_t sorted_count = cluster->topic_count;
    cluster->topics = kci_arena_array(arena, count, sizeof *cluster->topics);
    cluster->names = kci_arena_array(arena, count, sizeof *cluster->names);
    cluster->topic_count = count;
    if (err || !cluster->topics || !cluster->names)
        return KC_E_NO_MEMORY;
    for (size_t i = 0; i < count; i++) {
        wire_topic wanted = { .name = names[i] };
        const wire_topic *key = &wanted;
        const wire_topic **found = bsearch(&key, sorted, sorted_count, sizeof *sorted, by_name);
        cluster->topics[i] = found ? *found : NULL;
        cluster->names[i] = kci_arena_copy(arena, names[i]);
        if (!cluster->names[i].data)
            return KC_E_NO_MEMORY;
    }
    return KC_OK;
}

/* One Metadata request. names NULL: all topics; else those. */
static kc_err ask(kc_admin *admin, const kc_bytes *names, size_t count, bool internal,
                  int32_t timeout_ms, kc_cluster **out, kc_error *detail)
{
    metadata_op *op = kci_calloc(1, sizeof *op);
    kc_err err = op ? fill(op, names, count) : KC_E_NO_MEMORY;
    if (err)
        return kci_answer_op_refuse((kci_answer_op *)op, err, detail);
    op->base.op.ask.call.node = KCI_NODE_ANY;
    kc_cluster *cluster = kci_calloc(1, sizeof *cluster);
    if (!cluster)
        return kci_answer_op_refuse(&op->base, KC_E_NO_MEMORY, detail);
    err = kci_answer_op_run(admin, &op->base, &metadata_type, kci_admin_deadline(admin, timeout_ms),
                            &cluster->answer, detail);
    if (err) {
        kci_free(cluster);
        return err;
    }
    cluster->body = cluster->answer.body;
    sort_answer(cluster->answer.body);
    err = names ? show_named(cluster, names, count) : show_all(cluster, internal);
    if (err) {
        kc_cluster_free(cluster);
        return kci_fail(detail, err, NULL);
    }
    *out = cluster;
    return KC_OK;
}

static kc_err bad_argument(const char *function, kc_error *detail)
{
    return kci_fail(detail, KC_E_INVALID_ARGUMENT, "%s: an argument is NULL or out of range",
                    function);
}

kc_err kc_admin_describe_cluster(kc_admin *admin, int32_t timeout_ms, kc_cluster **out,
                                 kc_error *detail)
{
    static const kc_bytes none = { NULL, 0 };
    if (!admin || !out)
        return bad_argument("kc_admin_describe_cluster", detail);
    *out = NULL;
    return ask(admin, &none, 0, false, timeout_ms, out, detail);
}

kc_err kc_admin_list_topics(kc_admin *admin, uint32_t flags, int32_t timeout_ms, kc_cluster **out,
                            kc_error *detail)
{
    if (!admin || !out)
        return bad_argument("kc_admin_list_topics", detail);
    *out = NULL;
    if ((flags & ~(uint32_t)KC_ADMIN_INCLUDE_INTERNAL) != 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "flags is 0x%x: kc_admin_list_topics knows only KC_ADMIN_INCLUDE_INTERNAL",
                        (unsigned)flags);
    return ask(admin, NULL, 0, (flags & KC_ADMIN_INCLUDE_INTERNAL) != 0, timeout_ms, out, detail);
}

kc_err kc_admin_describe_topics(kc_admin *admin, const kc_bytes *names, size_t count,
                                int32_t timeout_ms, kc_cluster **out, kc_error *detail)
{
    if (!admin || !out || !names || count == 0 || count > INT32_MAX)
        return bad_argument("kc_admin_describe_topics", detail);
    *out = NULL;
    kc_err err = ask(admin, names, count, true, timeout_ms, out, detail);
    for (size_t i = 0; !err && i < count; i++) {
        kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
        (void)kc_cluster_topic_at(*out, i, &topic);
        if (topic.err)
            err = kci_fail(detail, topic.err, "topic %.*s: %s", (int)topic.name.size,
                           (const char *)topic.name.data, kc_error_text(topic.err));
    }
    return err;
}

void kc_cluster_free(kc_cluster *cluster)
{
    if (!cluster)
        return;
    kci_answer_free(&cluster->answer);
    kci_free(cluster);
}

kc_bytes kc_cluster_id(const kc_cluster *cluster)
{
    return cluster ? cluster->body->cluster_id : kc_mem(NULL, 0);
}

int32_t kc_cluster_controller(const kc_cluster *cluster)
{
    return cluster ? cluster->body->controller_id : -1;
}

size_t kc_cluster_node_count(const kc_cluster *cluster)
{
    return cluster && cluster->body->brokers.count > 0 ? (size_t)cluster->body->brokers.count : 0;
}

bool kc_cluster_node_at(const kc_cluster *cluster, size_t index, kc_node *out)
{
    if (index >= kc_cluster_node_count(cluster))
        return false;
    const wire_node *from = &cluster->body->brokers.data[index];
    kc_node node = { sizeof node, from->node_id, from->host, from->port, 0, from->rack };
    return kci_abi_give(&kci_abi_node, &node, out);
}

bool kc_cluster_node_by_id(const kc_cluster *cluster, int32_t id, kc_node *out)
{
    for (size_t i = 0; i < kc_cluster_node_count(cluster); i++)
        if (cluster->body->brokers.data[i].node_id == id)
            return kc_cluster_node_at(cluster, i, out);
    return false;
}

size_t kc_cluster_topic_count(const kc_cluster *cluster)
{
    return cluster ? cluster->topic_count : 0;
}

static kc_err broker_err(int16_t code)
{
    return code < KC_E_UNKNOWN_SERVER_ERROR ? KC_E_UNKNOWN_SERVER_ERROR : code;
}

bool kc_cluster_topic_at(const kc_cluster *cluster, size_t index, kc_topic_description *out)
{
    if (index >= kc_cluster_topic_count(cluster))
        return false;
    const wire_topic *from = cluster->topics[index];
    kc_topic_description topic = KC_TOPIC_DESCRIPTION_INIT;
    if (from) {
        topic.err = broker_err(from->error_code);
        topic.name = from->name;
        topic.id = from->topic_id;
        topic.partition_count = from->partitions.count > 0 ? from->partitions.count : 0;
        topic.internal = from->is_internal;
    } else {
        topic.err = KC_E_UNKNOWN_TOPIC_OR_PARTITION;
        topic.name = cluster->names[index];
    }
    return kci_abi_give(&kci_abi_topic_description, &topic, out);
}

static kc_replicas replicas_of(const int32_t *nodes, int32_t count)
{
    return (kc_replicas){ nodes, count > 0 ? (size_t)count : 0 };
}

bool kc_cluster_partition_at(const kc_cluster *cluster, size_t topic, size_t index,
                             kc_partition_description *out)
{
    const wire_topic *from =
        topic < kc_cluster_topic_count(cluster) ? cluster->topics[topic] : NULL;
    if (!from || from->partitions.count < 0 || index >= (size_t)from->partitions.count)
        return false;
    const wire_partition *p = &from->partitions.data[index];
    kc_partition_description partition = {
        .err = broker_err(p->error_code),
        .partition = p->partition_index,
        .leader = p->leader_id,
        .leader_epoch = p->leader_epoch,
        .replicas = replicas_of(p->replica_nodes.data, p->replica_nodes.count),
        .in_sync = replicas_of(p->isr_nodes.data, p->isr_nodes.count),
        .offline = replicas_of(p->offline_replicas.data, p->offline_replicas.count),
    };
    return kci_abi_give(&kci_abi_partition_description, &partition, out);
}
