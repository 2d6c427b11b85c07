/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves which API: one function for each, in the file of its family; see kci_mock_api. */
#ifndef MOCK_APIS_H
#define MOCK_APIS_H

#include "mock/request.h"

kci_mock_outcome kci_mock_serve_api_versions(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_metadata(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_describe_cluster(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_describe_topic_partitions(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_produce(kci_mock_request *r);
kci_mock_outcome kci_mock_resume_produce(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_fetch(kci_mock_request *r);
kci_mock_outcome kci_mock_resume_fetch(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_list_offsets(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_offset_for_leader_epoch(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_init_producer_id(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_create_topics(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_delete_topics(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_create_partitions(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_delete_records(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_describe_configs(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_incremental_alter_configs(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_find_coordinator(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_offset_commit(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_offset_fetch(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_join_group(kci_mock_request *r);
kci_mock_outcome kci_mock_resume_join_group(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_sync_group(kci_mock_request *r);
kci_mock_outcome kci_mock_resume_sync_group(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_heartbeat(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_leave_group(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_sasl_handshake(kci_mock_request *r);
kci_mock_outcome kci_mock_serve_sasl_authenticate(kci_mock_request *r);

/* How many records of a produced batch have no key, and which (in the request's arena; NULL when out
 * of memory). */
int32_t kci_mock_name_keyless(kci_mock_request *r, kc_bytes records,
                              kci_produce_response_batch_index_and_error_message **out);

/* Whether that member of that generation (-1: nobody's) may commit offsets of the group. */
kc_err kci_mock_may_commit(kci_mock_request *r, kc_bytes group, kc_bytes member, kc_bytes instance,
                           int32_t generation);

/* The ApiVersions answer to a version that is not supported (KIP-511), to be sent as version 0.
 * KC_E_NO_MEMORY. */
kc_err kci_mock_api_versions_unsupported(kci_mock_request *r, kci_api_versions_response *out);

/* Makes the topic if topics come by themselves and the name is valid. What to answer: KC_OK when it
 * exists; else what a broker says while it is being made, or why it is not. */
kc_err kci_mock_auto_create(kci_mock_cluster *c, kc_bytes name, bool allowed,
                            kci_mock_topic **topic);

#endif
