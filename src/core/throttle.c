/* SPDX-License-Identifier: Apache-2.0 */
#include "core/throttle.h"

#include <stddef.h>
#include <string.h>

#include "base/mem.h"
#include "wire/messages.h"

/* Where the field is, plus 1; 0: there is none. Every API whose response begins with it is listed;
 * a test compares the list with the schema. */
#define ROW(KEY, name) [KCI_API_##KEY] = offsetof(kci_##name##_response, throttle_time_ms) + 1

static const uint16_t offsets[] = {
    ROW(PRODUCE, produce),
    ROW(FETCH, fetch),
    ROW(LIST_OFFSETS, list_offsets),
    ROW(METADATA, metadata),
    ROW(OFFSET_COMMIT, offset_commit),
    ROW(OFFSET_FETCH, offset_fetch),
    ROW(FIND_COORDINATOR, find_coordinator),
    ROW(JOIN_GROUP, join_group),
    ROW(HEARTBEAT, heartbeat),
    ROW(LEAVE_GROUP, leave_group),
    ROW(SYNC_GROUP, sync_group),
    ROW(DESCRIBE_GROUPS, describe_groups),
    ROW(LIST_GROUPS, list_groups),
    ROW(API_VERSIONS, api_versions),
    ROW(CREATE_TOPICS, create_topics),
    ROW(DELETE_TOPICS, delete_topics),
    ROW(DELETE_RECORDS, delete_records),
    ROW(INIT_PRODUCER_ID, init_producer_id),
    ROW(OFFSET_FOR_LEADER_EPOCH, offset_for_leader_epoch),
    ROW(ADD_PARTITIONS_TO_TXN, add_partitions_to_txn),
    ROW(ADD_OFFSETS_TO_TXN, add_offsets_to_txn),
    ROW(END_TXN, end_txn),
    ROW(TXN_OFFSET_COMMIT, txn_offset_commit),
    ROW(DESCRIBE_ACLS, describe_acls),
    ROW(CREATE_ACLS, create_acls),
    ROW(DELETE_ACLS, delete_acls),
    ROW(DESCRIBE_CONFIGS, describe_configs),
    ROW(ALTER_CONFIGS, alter_configs),
    ROW(ALTER_REPLICA_LOG_DIRS, alter_replica_log_dirs),
    ROW(DESCRIBE_LOG_DIRS, describe_log_dirs),
    ROW(CREATE_PARTITIONS, create_partitions),
    ROW(CREATE_DELEGATION_TOKEN, create_delegation_token),
    ROW(RENEW_DELEGATION_TOKEN, renew_delegation_token),
    ROW(EXPIRE_DELEGATION_TOKEN, expire_delegation_token),
    ROW(DESCRIBE_DELEGATION_TOKEN, describe_delegation_token),
    ROW(DELETE_GROUPS, delete_groups),
    ROW(ELECT_LEADERS, elect_leaders),
    ROW(INCREMENTAL_ALTER_CONFIGS, incremental_alter_configs),
    ROW(ALTER_PARTITION_REASSIGNMENTS, alter_partition_reassignments),
    ROW(LIST_PARTITION_REASSIGNMENTS, list_partition_reassignments),
    ROW(OFFSET_DELETE, offset_delete),
    ROW(DESCRIBE_CLIENT_QUOTAS, describe_client_quotas),
    ROW(ALTER_CLIENT_QUOTAS, alter_client_quotas),
    ROW(DESCRIBE_USER_SCRAM_CREDENTIALS, describe_user_scram_credentials),
    ROW(ALTER_USER_SCRAM_CREDENTIALS, alter_user_scram_credentials),
    ROW(UPDATE_FEATURES, update_features),
    ROW(DESCRIBE_CLUSTER, describe_cluster),
    ROW(DESCRIBE_PRODUCERS, describe_producers),
    ROW(UNREGISTER_BROKER, unregister_broker),
    ROW(DESCRIBE_TRANSACTIONS, describe_transactions),
    ROW(LIST_TRANSACTIONS, list_transactions),
    ROW(CONSUMER_GROUP_HEARTBEAT, consumer_group_heartbeat),
    ROW(CONSUMER_GROUP_DESCRIBE, consumer_group_describe),
    ROW(GET_TELEMETRY_SUBSCRIPTIONS, get_telemetry_subscriptions),
    ROW(PUSH_TELEMETRY, push_telemetry),
    ROW(LIST_CONFIG_RESOURCES, list_config_resources),
    ROW(DESCRIBE_TOPIC_PARTITIONS, describe_topic_partitions),
    ROW(SHARE_GROUP_HEARTBEAT, share_group_heartbeat),
    ROW(SHARE_GROUP_DESCRIBE, share_group_describe),
    ROW(SHARE_FETCH, share_fetch),
    ROW(SHARE_ACKNOWLEDGE, share_acknowledge),
    ROW(ADD_RAFT_VOTER, add_raft_voter),
    ROW(REMOVE_RAFT_VOTER, remove_raft_voter),
    ROW(STREAMS_GROUP_HEARTBEAT, streams_group_heartbeat),
    ROW(STREAMS_GROUP_DESCRIBE, streams_group_describe),
    ROW(DESCRIBE_SHARE_GROUP_OFFSETS, describe_share_group_offsets),
    ROW(ALTER_SHARE_GROUP_OFFSETS, alter_share_group_offsets),
    ROW(DELETE_SHARE_GROUP_OFFSETS, delete_share_group_offsets),
};

int32_t kci_throttle_of(int16_t api, const void *body)
{
    int32_t ms;

    if (api < 0 || (size_t)api >= KCI_COUNT_OF(offsets) || offsets[api] == 0)
        return 0;
    memcpy(&ms, (const char *)body + offsets[api] - 1, sizeof ms);
    return ms;
}
