/* SPDX-License-Identifier: Apache-2.0 */
#include "base/abi_structs.h"

#include <kclient/kclient.h>

/* What each KC_..._INIT makes. */
static const kc_producer_record default_producer_record = KC_PRODUCER_RECORD_INIT;
static const kc_producer_options default_producer_options = KC_PRODUCER_OPTIONS_INIT;
static const kc_producer_interceptor default_producer_interceptor = KC_PRODUCER_INTERCEPTOR_INIT;
static const kc_partitioner default_partitioner = KC_PARTITIONER_INIT;
static const kc_consumer_options default_consumer_options = KC_CONSUMER_OPTIONS_INIT;
static const kc_new_topic default_new_topic = KC_NEW_TOPIC_INIT;
static const kc_new_partitions default_new_partitions = KC_NEW_PARTITIONS_INIT;
static const kc_delivery default_delivery = KC_DELIVERY_INIT;
static const kc_producer_counts default_producer_counts = KC_PRODUCER_COUNTS_INIT;
static const kc_stats default_stats = KC_STATS_INIT;
static const kc_config_property default_config_property = KC_CONFIG_PROPERTY_INIT;
static const kc_partition_offsets default_partition_offsets = KC_PARTITION_OFFSETS_INIT;
static const kc_topic_result default_topic_result = KC_TOPIC_RESULT_INIT;
static const kc_node default_node = KC_NODE_INIT;
static const kc_topic_description default_topic_description = KC_TOPIC_DESCRIPTION_INIT;
static const kc_partition_description default_partition_description = KC_PARTITION_DESCRIPTION_INIT;
static const kc_config_entry default_config_entry = KC_CONFIG_ENTRY_INIT;
static const kc_topic_partition_offset default_topic_partition_offset =
    KC_TOPIC_PARTITION_OFFSET_INIT;
static const kc_assignor default_assignor = KC_ASSIGNOR_INIT;
static const kc_plan_score default_plan_score = KC_PLAN_SCORE_INIT;
static const kc_plan_member default_plan_member = KC_PLAN_MEMBER_INIT;

/* The second column never changes. */
const kci_abi kci_abi_producer_record =
    KCI_ABI_ROW(kc_producer_record, value, "KC_PRODUCER_RECORD_INIT", &default_producer_record);
const kci_abi kci_abi_producer_options =
    KCI_ABI_ROW(kc_producer_options, flags, "KC_PRODUCER_OPTIONS_INIT", &default_producer_options);
const kci_abi kci_abi_producer_interceptor =
    KCI_ABI_ROW_RESERVED(kc_producer_interceptor, on_send, "KC_PRODUCER_INTERCEPTOR_INIT",
                         &default_producer_interceptor);
const kci_abi kci_abi_partitioner =
    KCI_ABI_ROW_RESERVED(kc_partitioner, partition, "KC_PARTITIONER_INIT", &default_partitioner);
const kci_abi kci_abi_consumer_options =
    KCI_ABI_ROW(kc_consumer_options, flags, "KC_CONSUMER_OPTIONS_INIT", &default_consumer_options);
const kci_abi kci_abi_new_topic =
    KCI_ABI_ROW_RESERVED(kc_new_topic, name, "KC_NEW_TOPIC_INIT", &default_new_topic);
const kci_abi kci_abi_new_partitions =
    KCI_ABI_ROW(kc_new_partitions, name, "KC_NEW_PARTITIONS_INIT", &default_new_partitions);
const kci_abi kci_abi_delivery =
    KCI_ABI_ROW(kc_delivery, base_offset, "KC_DELIVERY_INIT", &default_delivery);
const kci_abi kci_abi_producer_counts =
    KCI_ABI_ROW(kc_producer_counts, failed, "KC_PRODUCER_COUNTS_INIT", &default_producer_counts);
const kci_abi kci_abi_stats = KCI_ABI_ROW(kc_stats, connections, "KC_STATS_INIT", &default_stats);
const kci_abi kci_abi_config_property =
    KCI_ABI_ROW(kc_config_property, def, "KC_CONFIG_PROPERTY_INIT", &default_config_property);
const kci_abi kci_abi_partition_offsets =
    KCI_ABI_ROW(kc_partition_offsets, end, "KC_PARTITION_OFFSETS_INIT", &default_partition_offsets);
const kci_abi kci_abi_topic_result =
    KCI_ABI_ROW(kc_topic_result, text, "KC_TOPIC_RESULT_INIT", &default_topic_result);
const kci_abi kci_abi_node = KCI_ABI_ROW(kc_node, port, "KC_NODE_INIT", &default_node);
const kci_abi kci_abi_topic_description = KCI_ABI_ROW(
    kc_topic_description, name, "KC_TOPIC_DESCRIPTION_INIT", &default_topic_description);
const kci_abi kci_abi_partition_description =
    KCI_ABI_ROW(kc_partition_description, leader, "KC_PARTITION_DESCRIPTION_INIT",
                &default_partition_description);
const kci_abi kci_abi_config_entry =
    KCI_ABI_ROW(kc_config_entry, value, "KC_CONFIG_ENTRY_INIT", &default_config_entry);
const kci_abi kci_abi_topic_partition_offset =
    KCI_ABI_ROW(kc_topic_partition_offset, offset, "KC_TOPIC_PARTITION_OFFSET_INIT",
                &default_topic_partition_offset);
const kci_abi kci_abi_assignor =
    KCI_ABI_ROW_RESERVED(kc_assignor, assign, "KC_ASSIGNOR_INIT", &default_assignor);
const kci_abi kci_abi_plan_score =
    KCI_ABI_ROW(kc_plan_score, assigned, "KC_PLAN_SCORE_INIT", &default_plan_score);
const kci_abi kci_abi_plan_member =
    KCI_ABI_ROW(kc_plan_member, member_id, "KC_PLAN_MEMBER_INIT", &default_plan_member);

/* ---- the same for programs that cannot use the constants ---- */

void kc_producer_record_init(kc_producer_record *out, size_t size)
{
    kci_abi_init(&kci_abi_producer_record, out, size);
}

void kc_producer_options_init(kc_producer_options *out, size_t size)
{
    kci_abi_init(&kci_abi_producer_options, out, size);
}

void kc_producer_interceptor_init(kc_producer_interceptor *out, size_t size)
{
    kci_abi_init(&kci_abi_producer_interceptor, out, size);
}

void kc_partitioner_init(kc_partitioner *out, size_t size)
{
    kci_abi_init(&kci_abi_partitioner, out, size);
}

void kc_consumer_options_init(kc_consumer_options *out, size_t size)
{
    kci_abi_init(&kci_abi_consumer_options, out, size);
}

void kc_new_topic_init(kc_new_topic *out, size_t size)
{
    kci_abi_init(&kci_abi_new_topic, out, size);
}

void kc_new_partitions_init(kc_new_partitions *out, size_t size)
{
    kci_abi_init(&kci_abi_new_partitions, out, size);
}

void kc_delivery_init(kc_delivery *out, size_t size)
{
    kci_abi_init(&kci_abi_delivery, out, size);
}

void kc_producer_counts_init(kc_producer_counts *out, size_t size)
{
    kci_abi_init(&kci_abi_producer_counts, out, size);
}

void kc_stats_init(kc_stats *out, size_t size)
{
    kci_abi_init(&kci_abi_stats, out, size);
}

void kc_config_property_init(kc_config_property *out, size_t size)
{
    kci_abi_init(&kci_abi_config_property, out, size);
}

void kc_partition_offsets_init(kc_partition_offsets *out, size_t size)
{
    kci_abi_init(&kci_abi_partition_offsets, out, size);
}

void kc_topic_result_init(kc_topic_result *out, size_t size)
{
    kci_abi_init(&kci_abi_topic_result, out, size);
}

void kc_node_init(kc_node *out, size_t size)
{
    kci_abi_init(&kci_abi_node, out, size);
}

void kc_topic_description_init(kc_topic_description *out, size_t size)
{
    kci_abi_init(&kci_abi_topic_description, out, size);
}

void kc_partition_description_init(kc_partition_description *out, size_t size)
{
    kci_abi_init(&kci_abi_partition_description, out, size);
}

void kc_config_entry_init(kc_config_entry *out, size_t size)
{
    kci_abi_init(&kci_abi_config_entry, out, size);
}

void kc_topic_partition_offset_init(kc_topic_partition_offset *out, size_t size)
{
    kci_abi_init(&kci_abi_topic_partition_offset, out, size);
}

void kc_assignor_init(kc_assignor *out, size_t size)
{
    kci_abi_init(&kci_abi_assignor, out, size);
}

void kc_plan_score_init(kc_plan_score *out, size_t size)
{
    kci_abi_init(&kci_abi_plan_score, out, size);
}

void kc_plan_member_init(kc_plan_member *out, size_t size)
{
    kci_abi_init(&kci_abi_plan_member, out, size);
}
