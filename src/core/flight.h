/* SPDX-License-Identifier: Apache-2.0 */
/* A request on its way: its encoded bytes, from when they are handed to the stream until its answer
 * has come or the connection has ended. It outlives its call when that is cancelled, since the
 * answer will come nevertheless and must be told from the next one's. */
#ifndef CORE_FLIGHT_H
#define CORE_FLIGHT_H

#include "base/buf.h"
#include "core/call.h"
#include "core/network.h"

enum { KCI_FLIGHT_IOVS = 8 };

typedef struct kci_flight {
    kci_link link; /* kci_connection.flights, in the order of writing */
    kci_out out;
    struct kci_connection *connection;
    kci_call *call; /* NULL: cancelled, the answer is dropped */
    int32_t correlation;
    int16_t api, version;
    bool no_response;
    bool released; /* the stream refers to the bytes no more */
    int64_t written_us, deadline_us;
    kci_buf head;  /* length prefix, header and body, without records */
    kci_gaps gaps; /* where records belong in head */
    struct iovec *iov;
    int iov_cap;
    struct iovec few[KCI_FLIGHT_IOVS]; /* iov points here unless more are needed */
} kci_flight;

/* Takes one from the spare ones, or the heap; NULL when out of memory. Loop. */
kci_flight *kci_flight_new(kci_network *network);

/* Gives it back; it is on no list and released. Loop. */
void kci_flight_free(kci_network *network, kci_flight *flight);

/* Encodes the call's request in this version, and points out at its bytes. Errors of kci_encode;
 * KC_E_RECORD_TOO_LARGE when it does not fit a frame, KC_E_INTERNAL when the caller's records have
 * another size than it said. */
kc_err kci_flight_encode(kci_flight *flight, kci_call *call, int16_t version, int32_t correlation,
                         kc_bytes client_id);

/* Frees the spare ones, at the end. */
void kci_flights_free_spare(kci_network *network);

#endif
