/* SPDX-License-Identifier: Apache-2.0 */
/* The APIs that the cluster offers, for its version, and ApiVersions. */
#include "base/mem.h"
#include "mock/apis.h"

/* Ascending by key. Second column: the last version of a broker of Kafka 3.9. */
static const kci_mock_api apis[] = {
    { KCI_API_PRODUCE, 11, kci_mock_serve_produce, kci_mock_resume_produce },
    { KCI_API_FETCH, 17, kci_mock_serve_fetch, kci_mock_resume_fetch },
    { KCI_API_LIST_OFFSETS, 9, kci_mock_serve_list_offsets, NULL },
    { KCI_API_METADATA, 12, kci_mock_serve_metadata, NULL },
    { KCI_API_OFFSET_COMMIT, 9, kci_mock_serve_offset_commit, NULL },
    { KCI_API_OFFSET_FETCH, 9, kci_mock_serve_offset_fetch, NULL },
    { KCI_API_FIND_COORDINATOR, 6, kci_mock_serve_find_coordinator, NULL },
    { KCI_API_JOIN_GROUP, 9, kci_mock_serve_join_group, kci_mock_resume_join_group },
    { KCI_API_HEARTBEAT, 4, kci_mock_serve_heartbeat, NULL },
    { KCI_API_LEAVE_GROUP, 5, kci_mock_serve_leave_group, NULL },
    { KCI_API_SYNC_GROUP, 5, kci_mock_serve_sync_group, kci_mock_resume_sync_group },
    { KCI_API_SASL_HANDSHAKE, 1, kci_mock_serve_sasl_handshake, NULL },
    { KCI_API_API_VERSIONS, 4, kci_mock_serve_api_versions, NULL },
    { KCI_API_CREATE_TOPICS, 7, kci_mock_serve_create_topics, NULL },
    { KCI_API_DELETE_TOPICS, 6, kci_mock_serve_delete_topics, NULL },
    { KCI_API_DELETE_RECORDS, 2, kci_mock_serve_delete_records, NULL },
    { KCI_API_INIT_PRODUCER_ID, 5, kci_mock_serve_init_producer_id, NULL },
    { KCI_API_OFFSET_FOR_LEADER_EPOCH, 4, kci_mock_serve_offset_for_leader_epoch, NULL },
    { KCI_API_DESCRIBE_CONFIGS, 4, kci_mock_serve_describe_configs, NULL },
    { KCI_API_SASL_AUTHENTICATE, 2, kci_mock_serve_sasl_authenticate, NULL },
    { KCI_API_CREATE_PARTITIONS, 3, kci_mock_serve_create_partitions, NULL },
    { KCI_API_INCREMENTAL_ALTER_CONFIGS, 1, kci_mock_serve_incremental_alter_configs, NULL },
    { KCI_API_DESCRIBE_CLUSTER, 1, kci_mock_serve_describe_cluster, NULL },
    { KCI_API_DESCRIBE_TOPIC_PARTITIONS, 0, kci_mock_serve_describe_topic_partitions, NULL },
};

const kci_mock_api *kci_mock_api_at(size_t index)
{
    return index < KCI_COUNT_OF(apis) ? &apis[index] : NULL;
}

static bool is_offered(const kci_mock_broker *b, const kci_mock_api *api)
{
    if (b->cluster->is_39 && api->max_39 < 0)
        return false;
    int limit = b->limits[api->key];
    return limit == 0 || limit - 2 >= kci_api_get(api->key)->min_version;
}

const kci_mock_api *kci_mock_api_get(const kci_mock_broker *b, int16_t key)
{
    for (size_t i = 0; i < KCI_COUNT_OF(apis); i++) {
        if (apis[i].key == key)
            return is_offered(b, &apis[i]) ? &apis[i] : NULL;
    }
    return NULL;
}

int16_t kci_mock_api_max(const kci_mock_broker *b, const kci_mock_api *api)
{
    int16_t max = kci_api_get(api->key)->max_version;
    if (b->cluster->is_39 && api->max_39 < max)
        max = api->max_39;
    int limit = b->limits[api->key];
    return limit && limit - 2 < max ? (int16_t)(limit - 2) : max;
}

/* Whether ApiVersions names it. */
static bool is_named(const kci_mock_broker *b, const kci_mock_api *api)
{
    bool sasl = api->key == KCI_API_SASL_HANDSHAKE || api->key == KCI_API_SASL_AUTHENTICATE;
    return is_offered(b, api) && (!sasl || b->cluster->sasl_plain);
}

static void describe(const kci_mock_broker *b, const kci_mock_api *api,
                     kci_api_versions_response_api_version *out)
{
    out->api_key = api->key;
    out->min_version = kci_api_get(api->key)->min_version;
    out->max_version = kci_mock_api_max(b, api);
    /* Brokers name 0 though they refuse 0 to 2: a widespread client needs to see it. */
    if (api->key == KCI_API_PRODUCE)
        out->min_version = 0;
}

kci_mock_outcome kci_mock_serve_api_versions(kci_mock_request *r)
{
    kci_api_versions_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    out->error_code = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (out->error_code)
        return KCI_MOCK_ANSWER;
    out->api_keys.data = kci_mock_take(r, KCI_COUNT_OF(apis), sizeof *out->api_keys.data);
    if (!out->api_keys.data)
        return KCI_MOCK_CLOSE;
    for (size_t i = 0; i < KCI_COUNT_OF(apis); i++) {
        if (is_named(r->broker, &apis[i]))
            describe(r->broker, &apis[i], &out->api_keys.data[out->api_keys.count++]);
    }
    return KCI_MOCK_ANSWER;
}

kc_err kci_mock_api_versions_unsupported(kci_mock_request *r, kci_api_versions_response *out)
{
    kci_msg_init(&kci_api_versions_response_msg, out);
    out->error_code = KC_E_UNSUPPORTED_VERSION;
    out->api_keys.data = kci_mock_take(r, 1, sizeof *out->api_keys.data);
    if (!out->api_keys.data)
        return KC_E_NO_MEMORY;
    out->api_keys.count = 1;
    describe(r->broker, kci_mock_api_get(r->broker, KCI_API_API_VERSIONS), out->api_keys.data);
    return KC_OK;
}
