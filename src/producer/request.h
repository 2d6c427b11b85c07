/* SPDX-License-Identifier: Apache-2.0 */
/* One Produce request. An entry of it is a batch on its part's wire until the call is done,
 * whatever happens to its outcome meanwhile. Thread: loop. */
#ifndef PRODUCER_REQUEST_H
#define PRODUCER_REQUEST_H

#include "producer/producer.h"

enum { KCI_PRODUCE_LAST_WITH_NAMES = 12 /* from 13 on topics go by id (KIP-516) */ };

typedef struct kci_send_request {
    kci_link link;
    kci_call call;
    kci_produce_request body;
    kc_producer *p;
    kci_peer *peer;
    int32_t count, cap;
    kci_send_batch **batches;                       /* in the order of encoding; NULL: answered */
    kci_send_batch **taken;                         /* in the order of taking */
    kci_produce_request_topic_produce_data *topics; /* cap of each */
    kci_produce_request_partition_produce_data *partitions;
} kci_send_request;

/* request_answer.c: the call's done(). */
void kci_request_done(kci_call *call, kc_err err, const kci_response *response, const char *why);

/* After each try to send, and each answer, for the partitioner (KIP-794). */
void kci_peer_note_progress(kc_producer *p, kci_peer *peer, bool any);

#endif
