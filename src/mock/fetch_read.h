/* SPDX-License-Identifier: Apache-2.0 */
/* What a fetch finds in each partition: records up to its limits, or why not. */
#ifndef MOCK_FETCH_READ_H
#define MOCK_FETCH_READ_H

#include "mock/request.h"

/* One partition of a fetch. */
typedef struct kci_mock_fetch_item {
    kci_mock_want want;
    kci_fetch_response_partition_data out;
    int64_t bytes; /* of records in the answer */
} kci_mock_fetch_item;

/* A fetch under way: kci_mock_request.state. */
typedef struct kci_mock_fetch {
    kci_mock_fetch_item *items;
    int32_t count;
    int16_t error; /* of the whole answer */
    bool begin_session;
    int32_t session_id; /* of the session that the request belongs to; 0: none */
    int64_t bytes;      /* read, all partitions */
    bool urgent;        /* something must be told at once */
    kci_mock_endpoints endpoints;
} kci_mock_fetch;

/* Reads all items anew: sets out and bytes, and adds slices to the request. KC_E_NO_MEMORY. */
kc_err kci_mock_fetch_read(kci_mock_request *r, kci_mock_fetch *f);

/* NULL: there is no such partition. */
kci_mock_partition *kci_mock_fetch_partition(const kci_mock_request *r, const kci_mock_want *want);

#endif
