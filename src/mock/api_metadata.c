/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata, DescribeCluster, DescribeTopicPartitions: who is there and who leads what. */
#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

kc_err kci_mock_auto_create(kci_mock_cluster *c, kc_bytes name, bool allowed,
                            kci_mock_topic **topic)
{
    *topic = kci_mock_topic_get(c, name);
    if (*topic)
        return KC_OK;
    bool create = allowed && c->auto_create;
    kci_mock_new_topic t = { .name = name, .validate_only = !create };
    kci_mock_topic *made;
    kc_err err = kci_mock_topic_create(c, &t, &made);
    if (err != KC_OK)
        return err;
    /* It is there with the next request; a ZooKeeper cluster said it in another way. */
    return create && c->is_39 ? KC_E_LEADER_NOT_AVAILABLE : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
}

/* The replicas for which `want` holds, in order. */
typedef bool (*replica_fn)(const kci_mock_partition *p, int32_t i);

static bool any_replica(const kci_mock_partition *p, int32_t i)
{
    (void)p;
    (void)i;
    return true;
}

static bool in_sync_replica(const kci_mock_partition *p, int32_t i)
{
    return p->in_sync[i];
}

static bool offline_replica(const kci_mock_partition *p, int32_t i)
{
    return !kci_mock_broker_is_up(p->topic->cluster, p->replicas[i]);
}

/* -1 when out of memory. */
static int32_t replicas(kci_mock_request *r, const kci_mock_partition *p, replica_fn want,
                        int32_t **out)
{
    *out = kci_mock_take(r, (size_t)p->replica_count, sizeof **out);
    if (!*out)
        return -1;
    int32_t n = 0;
    for (int32_t i = 0; i < p->replica_count; i++) {
        if (want(p, i))
            (*out)[n++] = p->replicas[i];
    }
    return n;
}

/* What is shown of a partition's leader, which may be out of date on purpose. */
static void shown_leader(const kci_mock_partition *p, int32_t *leader, int32_t *epoch)
{
    bool stale = p->shown_until_us > p->topic->cluster->now_us;
    *leader = stale ? p->shown_leader : p->leader;
    *epoch = stale ? p->shown_epoch : p->leader_epoch;
}

static kc_err describe_partition(kci_mock_request *r, const kci_mock_partition *p,
                                 kci_metadata_response_metadata_response_partition *out)
{
    out->partition_index = p->index;
    shown_leader(p, &out->leader_id, &out->leader_epoch);
    out->error_code = (int16_t)(out->leader_id < 0 ? KC_E_LEADER_NOT_AVAILABLE : KC_OK);
    out->replica_nodes.count = replicas(r, p, any_replica, &out->replica_nodes.data);
    out->isr_nodes.count = replicas(r, p, in_sync_replica, &out->isr_nodes.data);
    out->offline_replicas.count = replicas(r, p, offline_replica, &out->offline_replicas.data);
    return out->replica_nodes.count < 0 || out->isr_nodes.count < 0 ||
                   out->offline_replicas.count < 0
               ? KC_E_NO_MEMORY
               : KC_OK;
}

static kc_err describe_topic(kci_mock_request *r, const kci_mock_topic *topic,
                             kci_metadata_response_metadata_response_topic *out)
{
    out->name = topic->name;
    out->topic_id = topic->id;
    int16_t forced = kci_mock_forced_error(r, topic->name, -1, NULL);
    out->error_code = forced;
    if (forced)
        return KC_OK;
    out->partitions.data =
        kci_mock_take(r, (size_t)topic->partition_count, sizeof *out->partitions.data);
    if (!out->partitions.data)
        return KC_E_NO_MEMORY;
    for (int32_t i = 0; i < topic->partition_count; i++) {
        kc_err err = describe_partition(r, topic->partitions[i], &out->partitions.data[i]);
        if (err != KC_OK)
            return err;
    }
    out->partitions.count = topic->partition_count;
    return KC_OK;
}

static kc_err asked_topic(kci_mock_request *r, const kci_metadata_request_metadata_request_topic *t,
                          bool create, kci_metadata_response_metadata_response_topic *out)
{
    kci_mock_topic *topic = NULL;
    kc_err err;
    if (!t->name.data) {
        out->topic_id = t->topic_id;
        out->name = kc_mem(r->version >= 12 ? NULL : "", 0);
        topic = kci_mock_topic_by_id(r->cluster, &t->topic_id);
        err = topic ? KC_OK : KC_E_UNKNOWN_TOPIC_ID;
    } else {
        out->name = t->name;
        err = kci_mock_forced_error(r, t->name, -1, NULL);
        if (err == KC_OK)
            err = kci_mock_auto_create(r->cluster, t->name, create, &topic);
    }
    if (err == KC_OK)
        return describe_topic(r, topic, out);
    out->error_code = (int16_t)err;
    return err == KC_E_NO_MEMORY ? err : KC_OK;
}

static kc_err all_topics(kci_mock_request *r, kci_metadata_response *out)
{
    kci_mock_cluster *c = r->cluster;
    out->topics.data = kci_mock_take(r, kci_map_count(&c->topics), sizeof *out->topics.data);
    if (!out->topics.data)
        return KC_E_NO_MEMORY;
    uint32_t at = 0;
    void *topic;
    while (kci_map_next(&c->topics, &at, NULL, &topic)) {
        kc_err err = describe_topic(r, topic, &out->topics.data[out->topics.count++]);
        if (err != KC_OK)
            return err;
    }
    return KC_OK;
}

static kc_err asked_topics(kci_mock_request *r, const kci_metadata_request *in,
                           kci_metadata_response *out)
{
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KC_E_NO_MEMORY;
    for (int32_t i = 0; i < in->topics.count; i++) {
        kc_err err = asked_topic(r, &in->topics.data[i], in->allow_auto_topic_creation,
                                 &out->topics.data[i]);
        if (err != KC_OK)
            return err;
    }
    out->topics.count = in->topics.count;
    return KC_OK;
}

kci_mock_outcome kci_mock_serve_metadata(kci_mock_request *r)
{
    kci_mock_cluster *c = r->cluster;
    const kci_metadata_request *in = r->body;
    kci_metadata_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->cluster_id = kc_str(c->id);
    out->controller_id = c->controller;
    out->error_code = kci_mock_forced_top(r);
    out->brokers.data = kci_mock_take(r, (size_t)c->broker_count, sizeof *out->brokers.data);
    if (!out->brokers.data)
        return KCI_MOCK_CLOSE;
    for (int32_t i = 0; i < c->broker_count; i++) {
        const kci_mock_broker *b = &c->brokers[i];
        if (!b->up)
            continue;
        kci_metadata_response_metadata_response_broker *o =
            &out->brokers.data[out->brokers.count++];
        *o = (kci_metadata_response_metadata_response_broker){ b->id, kc_str(b->host), b->port,
                                                               kc_str(b->rack) };
    }
    if (out->error_code)
        return KCI_MOCK_ANSWER;
    bool all = in->topics.count < 0 || (r->version == 0 && in->topics.count == 0);
    kc_err err = all ? all_topics(r, out) : asked_topics(r, in, out);
    return err == KC_OK ? KCI_MOCK_ANSWER : KCI_MOCK_CLOSE;
}

kci_mock_outcome kci_mock_serve_describe_cluster(kci_mock_request *r)
{
    kci_mock_cluster *c = r->cluster;
    const kci_describe_cluster_request *in = r->body;
    kci_describe_cluster_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->cluster_id = kc_str(c->id);
    out->error_code = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (out->error_code == 0 && in->endpoint_type != 1)
        out->error_code = KC_E_MISMATCHED_ENDPOINT_TYPE;
    if (out->error_code)
        return KCI_MOCK_ANSWER;
    out->controller_id = c->controller;
    out->brokers.data = kci_mock_take(r, (size_t)c->broker_count, sizeof *out->brokers.data);
    if (!out->brokers.data)
        return KCI_MOCK_CLOSE;
    for (int32_t i = 0; i < c->broker_count; i++) {
        const kci_mock_broker *b = &c->brokers[i];
        if (!b->up && !in->include_fenced_brokers)
            continue;
        out->brokers.data[out->brokers.count++] =
            (kci_describe_cluster_response_describe_cluster_broker){ b->id, kc_str(b->host),
                                                                     b->port, kc_str(b->rack),
                                                                     !b->up };
    }
    return KCI_MOCK_ANSWER;
}

typedef kci_describe_topic_partitions_response_describe_topic_partitions_response_topic dtp_topic;
typedef kci_describe_topic_partitions_response_describe_topic_partitions_response_partition
    dtp_partition;

static kc_err dtp_describe(kci_mock_request *r, const kci_mock_partition *p, dtp_partition *out)
{
    kci_metadata_response_metadata_response_partition m = { 0 };
    kc_err err = describe_partition(r, p, &m);
    out->error_code = m.error_code;
    out->partition_index = m.partition_index;
    out->leader_id = m.leader_id;
    out->leader_epoch = m.leader_epoch;
    out->replica_nodes.data = m.replica_nodes.data;
    out->replica_nodes.count = m.replica_nodes.count;
    out->isr_nodes.data = m.isr_nodes.data;
    out->isr_nodes.count = m.isr_nodes.count;
    out->eligible_leader_replicas.count = 0;
    out->last_known_elr.count = 0;
    out->offline_replicas.data = m.offline_replicas.data;
    out->offline_replicas.count = m.offline_replicas.count;
    return err;
}

/* Partitions of one topic from `first` on; *left is how many the answer may still hold. */
static kc_err dtp_fill(kci_mock_request *r, const kci_mock_topic *topic, int32_t first,
                       int32_t *left, dtp_topic *out)
{
    int32_t n = topic->partition_count - first;
    n = n < *left ? n : *left;
    out->partitions.data = kci_mock_take(r, (size_t)n, sizeof *out->partitions.data);
    if (!out->partitions.data)
        return KC_E_NO_MEMORY;
    for (int32_t i = 0; i < n; i++) {
        kc_err err = dtp_describe(r, topic->partitions[first + i], &out->partitions.data[i]);
        if (err != KC_OK)
            return err;
    }
    out->partitions.count = n;
    *left -= n;
    return KC_OK;
}

typedef struct dtp_names {
    kc_bytes *list;
    int32_t count;
} dtp_names;

static int compare_names(const void *a, const void *b)
{
    const kc_bytes *x = a, *y = b;
    size_t n = x->size < y->size ? x->size : y->size;
    int order = n ? memcmp(x->data, y->data, n) : 0;
    return order ? order : (x->size > y->size) - (x->size < y->size);
}

/* The names asked for (all, if none), sorted. */
static kc_err dtp_collect(kci_mock_request *r, dtp_names *names)
{
    const kci_describe_topic_partitions_request *in = r->body;
    kci_mock_cluster *c = r->cluster;
    bool all = in->topics.count == 0;
    size_t n = all ? kci_map_count(&c->topics) : (size_t)in->topics.count;
    names->list = kci_mock_take(r, n, sizeof *names->list);
    if (!names->list)
        return KC_E_NO_MEMORY;
    uint32_t at = 0;
    void *topic;
    while (all && kci_map_next(&c->topics, &at, NULL, &topic))
        names->list[names->count++] = ((kci_mock_topic *)topic)->name;
    for (int32_t i = 0; !all && i < in->topics.count; i++)
        names->list[names->count++] = in->topics.data[i].name;
    qsort(names->list, (size_t)names->count, sizeof *names->list, compare_names);
    return KC_OK;
}

static kc_err dtp_cursor(kci_mock_request *r, kci_describe_topic_partitions_response *out,
                         kc_bytes name, int32_t partition)
{
    out->next_cursor = kci_mock_take(r, 1, sizeof *out->next_cursor);
    if (!out->next_cursor)
        return KC_E_NO_MEMORY;
    out->next_cursor->topic_name = name;
    out->next_cursor->partition_index = partition;
    return KC_OK;
}

static kc_err dtp_topics(kci_mock_request *r, const dtp_names *names,
                         kci_describe_topic_partitions_response *out)
{
    const kci_describe_topic_partitions_request *in = r->body;
    int32_t left = in->response_partition_limit < 1      ? 1
                   : in->response_partition_limit > 2000 ? 2000
                                                         : in->response_partition_limit;
    for (int32_t i = 0; i < names->count; i++) {
        kc_bytes name = names->list[i];
        int32_t first = 0;
        if (in->cursor) {
            int order = compare_names(&name, &in->cursor->topic_name);
            if (order < 0)
                continue;
            if (order == 0)
                first = in->cursor->partition_index;
        }
        if (left == 0)
            return dtp_cursor(r, out, name, first);
        dtp_topic *o = &out->topics.data[out->topics.count++];
        o->name = name;
        o->topic_authorized_operations = INT32_MIN;
        const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, name);
        int16_t forced = kci_mock_forced_error(r, name, -1, NULL);
        o->error_code = (int16_t)(forced ? forced : topic ? 0 : KC_E_UNKNOWN_TOPIC_OR_PARTITION);
        if (o->error_code || first < 0 || first >= topic->partition_count)
            continue;
        o->topic_id = topic->id;
        kc_err err = dtp_fill(r, topic, first, &left, o);
        if (err != KC_OK)
            return err;
        if (first + o->partitions.count < topic->partition_count)
            return dtp_cursor(r, out, name, first + o->partitions.count);
    }
    return KC_OK;
}

kci_mock_outcome kci_mock_serve_describe_topic_partitions(kci_mock_request *r)
{
    kci_describe_topic_partitions_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    dtp_names names = { NULL, 0 };
    if (dtp_collect(r, &names) != KC_OK)
        return KCI_MOCK_CLOSE;
    out->topics.data = kci_mock_take(r, (size_t)names.count, sizeof *out->topics.data);
    if (!out->topics.data || dtp_topics(r, &names, out) != KC_OK)
        return KCI_MOCK_CLOSE;
    return KCI_MOCK_ANSWER;
}
