/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the public structs that begin with `size`; those of the mock are in mock/abi_structs.
 * A new field goes to the end of its struct, of its KC_..._INIT, and of tests/abi/layout.txt. */
#ifndef BASE_ABI_STRUCTS_H
#define BASE_ABI_STRUCTS_H

#include "base/abi.h"

/* taken */
extern const kci_abi kci_abi_producer_record;
extern const kci_abi kci_abi_producer_options;
extern const kci_abi kci_abi_producer_interceptor;
extern const kci_abi kci_abi_partitioner;
extern const kci_abi kci_abi_consumer_options;
extern const kci_abi kci_abi_new_topic;
extern const kci_abi kci_abi_new_partitions;
extern const kci_abi kci_abi_assignor;

/* given */
extern const kci_abi kci_abi_delivery;
extern const kci_abi kci_abi_producer_counts;
extern const kci_abi kci_abi_stats;
extern const kci_abi kci_abi_config_property;
extern const kci_abi kci_abi_partition_offsets;
extern const kci_abi kci_abi_topic_result;
extern const kci_abi kci_abi_node;
extern const kci_abi kci_abi_topic_description;
extern const kci_abi kci_abi_partition_description;
extern const kci_abi kci_abi_config_entry;
extern const kci_abi kci_abi_plan_score;

/* both */
extern const kci_abi kci_abi_topic_partition_offset;
extern const kci_abi kci_abi_plan_member;

#endif
