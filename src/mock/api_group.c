/* SPDX-License-Identifier: Apache-2.0 */
/* FindCoordinator, and the offsets that consumers without membership commit and fetch. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

enum { OFFSET_METADATA_MAX = 4096 }; /* offset.metadata.max.bytes */

static void find_one(kci_mock_request *r, kc_bytes key,
                     kci_find_coordinator_response_coordinator *out)
{
    const kci_find_coordinator_request *in = r->body;
    out->key = key;
    out->node_id = out->port = -1;
    out->host = kc_mem("", 0);
    out->error_message = kc_mem(NULL, 0);
    kc_err err = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    const kci_mock_broker *b = kci_mock_coordinator(r->cluster, key);
    if (err == KC_OK && (in->key_type < 0 || in->key_type > 2))
        err = KC_E_INVALID_REQUEST;
    if (err == KC_OK && !b)
        err = KC_E_COORDINATOR_NOT_AVAILABLE;
    out->error_code = (int16_t)err;
    if (err != KC_OK)
        return;
    out->node_id = b->id;
    out->host = kc_str(b->host);
    out->port = b->port;
}

kci_mock_outcome kci_mock_serve_find_coordinator(kci_mock_request *r)
{
    const kci_find_coordinator_request *in = r->body;
    kci_find_coordinator_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    if (r->version < 4) {
        kci_find_coordinator_response_coordinator one = { 0 };
        find_one(r, in->key, &one);
        out->error_code = one.error_code;
        out->error_message = one.error_message;
        out->node_id = one.node_id;
        out->host = one.host;
        out->port = one.port;
        return KCI_MOCK_ANSWER;
    }
    int32_t n = in->coordinator_keys.count;
    out->coordinators.data = kci_mock_take(r, (size_t)n, sizeof *out->coordinators.data);
    if (!out->coordinators.data)
        return KCI_MOCK_CLOSE;
    out->coordinators.count = n;
    for (int32_t i = 0; i < n; i++)
        find_one(r, in->coordinator_keys.data[i], &out->coordinators.data[i]);
    return KCI_MOCK_ANSWER;
}

static kc_err commit_one(kci_mock_request *r, const kci_mock_topic *topic,
                         const kci_offset_commit_request_offset_commit_request_partition *p)
{
    const kci_offset_commit_request *in = r->body;
    if (!kci_mock_partition_of(topic, p->partition_index))
        return r->version >= 10 && !topic ? KC_E_UNKNOWN_TOPIC_ID : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    bool applied = false;
    int16_t forced = kci_mock_forced_error(r, topic->name, p->partition_index, &applied);
    if (forced && !applied)
        return forced;
    if (kci_mock_coordinator(r->cluster, in->group_id) != r->broker)
        return KC_E_NOT_COORDINATOR;
    kc_err err = kci_mock_may_commit(r, in->group_id, in->member_id, in->group_instance_id,
                                     in->generation_id_or_member_epoch);
    if (err != KC_OK)
        return err;
    if (p->committed_metadata.size > OFFSET_METADATA_MAX)
        return KC_E_OFFSET_METADATA_TOO_LARGE;
    kci_mock_offset value = { .offset = p->committed_offset,
                              .leader_epoch = p->committed_leader_epoch,
                              .metadata = p->committed_metadata };
    if (kci_mock_offset_put(r->cluster, in->group_id, topic->name, p->partition_index, &value) !=
        KC_OK)
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    return forced;
}

kci_mock_outcome kci_mock_serve_offset_commit(kci_mock_request *r)
{
    const kci_offset_commit_request *in = r->body;
    kci_offset_commit_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KCI_MOCK_CLOSE;
    out->topics.count = in->topics.count;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_offset_commit_request_offset_commit_request_topic *it = &in->topics.data[t];
        kci_offset_commit_response_offset_commit_response_topic *ot = &out->topics.data[t];
        const kci_mock_topic *topic = r->version >= 10
                                          ? kci_mock_topic_by_id(r->cluster, &it->topic_id)
                                          : kci_mock_topic_get(r->cluster, it->name);
        ot->name = it->name;
        ot->topic_id = it->topic_id;
        ot->partitions.data =
            kci_mock_take(r, (size_t)it->partitions.count, sizeof *ot->partitions.data);
        if (!ot->partitions.data)
            return KCI_MOCK_CLOSE;
        ot->partitions.count = it->partitions.count;
        for (int32_t i = 0; i < it->partitions.count; i++) {
            ot->partitions.data[i].partition_index = it->partitions.data[i].partition_index;
            ot->partitions.data[i].error_code =
                (int16_t)commit_one(r, topic, &it->partitions.data[i]);
        }
    }
    return KCI_MOCK_ANSWER;
}

typedef kci_offset_fetch_response_offset_fetch_response_group out_group;
typedef kci_offset_fetch_response_offset_fetch_response_topics out_topic;
typedef kci_offset_fetch_response_offset_fetch_response_partitions out_partition;

static void fetch_one(kci_mock_request *r, kc_bytes group, kc_bytes topic, int32_t partition,
                      out_partition *out)
{
    const kci_mock_offset *o = kci_mock_offset_get(r->cluster, group, topic, partition);
    out->partition_index = partition;
    out->error_code = kci_mock_forced_error(r, topic, partition, NULL);
    bool none = !o || out->error_code;
    out->committed_offset = none ? -1 : o->offset;
    out->committed_leader_epoch = none ? -1 : o->leader_epoch;
    out->metadata = none ? kc_mem("", 0) : o->metadata;
}

static kc_err fetch_topic(kci_mock_request *r, kc_bytes group, kc_bytes name,
                          const int32_t *partitions, int32_t count, out_topic *out)
{
    out->name = name;
    out->partitions.data = kci_mock_take(r, (size_t)count, sizeof *out->partitions.data);
    if (!out->partitions.data)
        return KC_E_NO_MEMORY;
    out->partitions.count = count;
    for (int32_t i = 0; i < count; i++)
        fetch_one(r, group, name, partitions[i], &out->partitions.data[i]);
    return KC_OK;
}

/* Everything that the group has committed; one entry of `topics` per offset, which is allowed. */
static kc_err fetch_all(kci_mock_request *r, kc_bytes id, out_group *out)
{
    const kci_mock_group *g = kci_mock_group_get(r->cluster, id);
    size_t n = 0;
    kci_link *link = g ? kci_list_first(&g->offsets) : NULL;
    for (; link; link = kci_list_next(&g->offsets, link))
        n++;
    out->topics.data = kci_mock_take(r, n, sizeof *out->topics.data);
    if (!out->topics.data)
        return KC_E_NO_MEMORY;
    link = g ? kci_list_first(&g->offsets) : NULL;
    for (; link; link = kci_list_next(&g->offsets, link)) {
        const kci_mock_offset *o = KCI_CONTAINER_OF(link, kci_mock_offset, link);
        const kci_mock_topic *topic = kci_mock_topic_get(r->cluster, o->topic);
        out_topic *t = &out->topics.data[out->topics.count++];
        if (topic)
            t->topic_id = topic->id;
        kc_err err = fetch_topic(r, id, o->topic, &o->partition, 1, t);
        if (err != KC_OK)
            return err;
    }
    return KC_OK;
}

static kc_err unknown_topic(kci_mock_request *r,
                            const kci_offset_fetch_request_offset_fetch_request_topics *in,
                            out_topic *out)
{
    size_t n = (size_t)in->partition_indexes.count;
    out->partitions.data = kci_mock_take(r, n, sizeof *out->partitions.data);
    if (!out->partitions.data)
        return KC_E_NO_MEMORY;
    out->partitions.count = in->partition_indexes.count;
    for (size_t i = 0; i < n; i++)
        out->partitions.data[i] = (out_partition){ in->partition_indexes.data[i], -1, -1,
                                                   kc_mem("", 0), KC_E_UNKNOWN_TOPIC_ID };
    return KC_OK;
}

static kc_err fetch_group(kci_mock_request *r,
                          const kci_offset_fetch_request_offset_fetch_request_group *in,
                          out_group *out)
{
    out->group_id = in->group_id;
    if (kci_mock_coordinator(r->cluster, in->group_id) != r->broker) {
        out->error_code = KC_E_NOT_COORDINATOR;
        return KC_OK;
    }
    if (in->topics.count < 0)
        return fetch_all(r, in->group_id, out);
    out->topics.data = kci_mock_take(r, (size_t)in->topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KC_E_NO_MEMORY;
    out->topics.count = in->topics.count;
    for (int32_t i = 0; i < in->topics.count; i++) {
        const kci_offset_fetch_request_offset_fetch_request_topics *it = &in->topics.data[i];
        out_topic *ot = &out->topics.data[i];
        kc_bytes name = it->name;
        ot->topic_id = it->topic_id;
        const kci_mock_topic *topic =
            r->version >= 10 ? kci_mock_topic_by_id(r->cluster, &it->topic_id) : NULL;
        if (topic)
            name = topic->name;
        kc_err err = r->version >= 10 && !topic
                         ? unknown_topic(r, it, ot)
                         : fetch_topic(r, in->group_id, name, it->partition_indexes.data,
                                       it->partition_indexes.count, ot);
        if (err != KC_OK)
            return err;
    }
    return KC_OK;
}

/* Up to version 7 the request is one group, without an array around it. */
static kc_err fetch_classic(kci_mock_request *r, const kci_offset_fetch_request *in,
                            kci_offset_fetch_response *out)
{
    kci_offset_fetch_request_offset_fetch_request_group group = { .group_id = in->group_id };
    int32_t n = in->topics.count;
    group.topics.count = n;
    if (n > 0) {
        group.topics.data = kci_mock_take(r, (size_t)n, sizeof *group.topics.data);
        if (!group.topics.data)
            return KC_E_NO_MEMORY;
    }
    for (int32_t i = 0; i < n; i++) {
        group.topics.data[i].name = in->topics.data[i].name;
        group.topics.data[i].partition_indexes.data = in->topics.data[i].partition_indexes.data;
        group.topics.data[i].partition_indexes.count = in->topics.data[i].partition_indexes.count;
    }
    out_group one = { 0 };
    kc_err err = fetch_group(r, &group, &one);
    if (err != KC_OK)
        return err;
    out->error_code = one.error_code;
    out->topics.data = kci_mock_take(r, (size_t)one.topics.count, sizeof *out->topics.data);
    if (!out->topics.data)
        return KC_E_NO_MEMORY;
    out->topics.count = one.topics.count;
    for (int32_t t = 0; t < one.topics.count; t++) {
        const out_topic *from = &one.topics.data[t];
        kci_offset_fetch_response_offset_fetch_response_topic *to = &out->topics.data[t];
        to->name = from->name;
        to->partitions.data =
            kci_mock_take(r, (size_t)from->partitions.count, sizeof *to->partitions.data);
        if (!to->partitions.data)
            return KC_E_NO_MEMORY;
        to->partitions.count = from->partitions.count;
        for (int32_t i = 0; i < from->partitions.count; i++) {
            const out_partition *p = &from->partitions.data[i];
            to->partitions.data[i] = (kci_offset_fetch_response_offset_fetch_response_partition){
                p->partition_index, p->committed_offset, p->committed_leader_epoch, p->metadata,
                p->error_code
            };
        }
    }
    return KC_OK;
}

kci_mock_outcome kci_mock_serve_offset_fetch(kci_mock_request *r)
{
    const kci_offset_fetch_request *in = r->body;
    kci_offset_fetch_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    if (r->version < 8)
        return fetch_classic(r, in, out) == KC_OK ? KCI_MOCK_ANSWER : KCI_MOCK_CLOSE;
    out->groups.data = kci_mock_take(r, (size_t)in->groups.count, sizeof *out->groups.data);
    if (!out->groups.data)
        return KCI_MOCK_CLOSE;
    out->groups.count = in->groups.count;
    for (int32_t i = 0; i < in->groups.count; i++) {
        if (fetch_group(r, &in->groups.data[i], &out->groups.data[i]) != KC_OK)
            return KCI_MOCK_CLOSE;
    }
    return KCI_MOCK_ANSWER;
}
