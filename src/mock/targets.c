/* SPDX-License-Identifier: Apache-2.0 */
/* Which topics and partitions a request names, for faults that are about one of them. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/request.h"

/* The name of a topic given by name or id, for comparing; null: no such id. */
static kc_bytes name_of(const kci_mock_request *r, bool by_id, kc_bytes name, const kc_uuid *id)
{
    if (!by_id)
        return name;
    const kci_mock_topic *topic = kci_mock_topic_by_id(r->cluster, id);
    return topic ? topic->name : kc_mem(NULL, 0);
}

static bool in_produce(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_produce_request *in = r->body;
    for (int32_t t = 0; t < in->topic_data.count; t++) {
        const kci_produce_request_topic_produce_data *it = &in->topic_data.data[t];
        if (!kci_bytes_equal(name_of(r, r->version >= 13, it->name, &it->topic_id), topic))
            continue;
        for (int32_t i = 0; i < it->partition_data.count; i++) {
            if (partition < 0 || it->partition_data.data[i].index == partition)
                return true;
        }
    }
    return false;
}

static bool in_session(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_fetch_request *in = r->body;
    const kci_mock_session *s = kci_mock_session_get(&r->broker->sessions, in->session_id);
    if (!s || in->session_epoch <= 0)
        return false;
    kci_link *link = kci_list_first(&s->partitions);
    for (; link; link = kci_list_next(&s->partitions, link)) {
        const kci_mock_want *w = &KCI_CONTAINER_OF(link, kci_mock_cached, link)->want;
        kc_bytes name = name_of(r, !w->topic.data, w->topic, &w->topic_id);
        if (kci_bytes_equal(name, topic) && (partition < 0 || w->partition == partition))
            return true;
    }
    return false;
}

static bool in_fetch(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_fetch_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_fetch_request_fetch_topic *it = &in->topics.data[t];
        if (!kci_bytes_equal(name_of(r, r->version >= 13, it->topic, &it->topic_id), topic))
            continue;
        for (int32_t i = 0; i < it->partitions.count; i++) {
            if (partition < 0 || it->partitions.data[i].partition == partition)
                return true;
        }
    }
    return in_session(r, topic, partition);
}

static bool in_list_offsets(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_list_offsets_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_list_offsets_request_list_offsets_topic *it = &in->topics.data[t];
        for (int32_t i = 0; kci_bytes_equal(it->name, topic) && i < it->partitions.count; i++) {
            if (partition < 0 || it->partitions.data[i].partition_index == partition)
                return true;
        }
    }
    return false;
}

static bool in_leader_epoch(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_offset_for_leader_epoch_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_offset_for_leader_epoch_request_offset_for_leader_topic *it = &in->topics.data[t];
        for (int32_t i = 0; kci_bytes_equal(it->topic, topic) && i < it->partitions.count; i++) {
            if (partition < 0 || it->partitions.data[i].partition == partition)
                return true;
        }
    }
    return false;
}

static bool in_offset_commit(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    const kci_offset_commit_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_offset_commit_request_offset_commit_request_topic *it = &in->topics.data[t];
        if (!kci_bytes_equal(name_of(r, r->version >= 10, it->name, &it->topic_id), topic))
            continue;
        for (int32_t i = 0; i < it->partitions.count; i++) {
            if (partition < 0 || it->partitions.data[i].partition_index == partition)
                return true;
        }
    }
    return false;
}

/* Metadata names topics only; asking for all names each. */
static bool in_metadata(const kci_mock_request *r, kc_bytes topic)
{
    const kci_metadata_request *in = r->body;
    if (in->topics.count < 0)
        return true;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_metadata_request_metadata_request_topic *it = &in->topics.data[t];
        if (kci_bytes_equal(name_of(r, !it->name.data, it->name, &it->topic_id), topic))
            return true;
    }
    return false;
}

static bool in_create_topics(const kci_mock_request *r, kc_bytes topic)
{
    const kci_create_topics_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        if (kci_bytes_equal(in->topics.data[t].name, topic))
            return true;
    }
    return false;
}

static bool in_delete_topics(const kci_mock_request *r, kc_bytes topic)
{
    const kci_delete_topics_request *in = r->body;
    for (int32_t t = 0; t < in->topics.count; t++) {
        const kci_delete_topics_request_delete_topic_state *it = &in->topics.data[t];
        if (kci_bytes_equal(name_of(r, !it->name.data, it->name, &it->topic_id), topic))
            return true;
    }
    for (int32_t t = 0; t < in->topic_names.count; t++) {
        if (kci_bytes_equal(in->topic_names.data[t], topic))
            return true;
    }
    return false;
}

bool kci_mock_request_names(const kci_mock_request *r, kc_bytes topic, int32_t partition)
{
    switch (r->key) {
    case KCI_API_PRODUCE:
        return in_produce(r, topic, partition);
    case KCI_API_FETCH:
        return in_fetch(r, topic, partition);
    case KCI_API_LIST_OFFSETS:
        return in_list_offsets(r, topic, partition);
    case KCI_API_OFFSET_FOR_LEADER_EPOCH:
        return in_leader_epoch(r, topic, partition);
    case KCI_API_OFFSET_COMMIT:
        return in_offset_commit(r, topic, partition);
    case KCI_API_METADATA:
        return in_metadata(r, topic);
    case KCI_API_CREATE_TOPICS:
        return in_create_topics(r, topic);
    case KCI_API_DELETE_TOPICS:
        return in_delete_topics(r, topic);
    default:
        return false;
    }
}
