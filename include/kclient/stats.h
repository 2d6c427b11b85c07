/* SPDX-License-Identifier: Apache-2.0 */
/* What a client has done since it was made, as numbers and as JSON. */
#ifndef KCLIENT_STATS_H
#define KCLIENT_STATS_H

#include <kclient/client.h>

KC_BEGIN

/* Counters grow; those marked "now" go up and down. Each is read by itself: together they are not
 * one moment's. New ones are added at the end. docs/STATISTICS.md explains each and names its
 * counterpart among Java's metrics. */
typedef struct kc_stats {
    uint32_t size; /* sizeof(kc_stats) as the program was compiled */
    uint32_t reserved;

    /* connections */
    int64_t connects;         /* that came up, authentication included */
    int64_t connect_failures; /* attempts that did not */
    int64_t disconnects;      /* that were up and ended, by either side */
    int64_t connections;      /* now */
    int64_t requests;         /* written */
    int64_t responses;
    int64_t request_timeouts;
    int64_t throttle_us; /* pauses that brokers asked for (KIP-219) */
    int64_t bytes_in;    /* of sockets */
    int64_t bytes_out;
    int64_t reads; /* system calls */
    int64_t writes;
    int64_t metadata_requests;

    /* producers */
    int64_t records_sent; /* taken by send, in batches that are closed */
    int64_t records_acked;
    int64_t records_failed;
    int64_t batches_sent; /* each time again when repeated */
    int64_t batches_retried;
    int64_t produce_bytes;              /* of batches as sent */
    int64_t produce_bytes_uncompressed; /* of the same before compression */
    int64_t buffer_bytes;               /* of buffer.memory, now */
    int64_t buffer_waits;               /* calls of send that had to wait for room */

    /* consumers */
    int64_t records_fetched; /* handed out by poll */
    int64_t batches_fetched;
    int64_t fetch_bytes;            /* of fetch answers */
    int64_t fetch_buffer_bytes;     /* of fetch.buffer.bytes, now */
    int64_t fetch_bytes_same_rack;  /* from brokers of client.rack */
    int64_t fetch_bytes_other_rack; /* from brokers of another, or when either is not known */
} kc_stats;

#define KC_STATS_INIT                                                                              \
    {                                                                                              \
        (uint32_t)sizeof(kc_stats), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, \
            0, 0, 0, 0, 0, 0, 0, 0                                                                 \
    }
KC_API void kc_stats_init(kc_stats *out, size_t size);

/* Fills in what the program's version of the struct has; begin with KC_STATS_INIT. Any thread,
 * cheap. KC_E_INVALID_ARGUMENT: client or out is NULL, or out->size cannot be. */
KC_API kc_err kc_client_get_stats(kc_client *client, kc_stats *out);

/* The same as one line of JSON: {"client_id":"...","connects":1,...}. Writes at most cap bytes to
 * buf, NUL included, and returns how many the whole text needs, without NUL: the text is whole if
 * that is less than cap. buf may be NULL when cap is 0. Any thread; no allocation. */
KC_API size_t kc_client_stats_json(kc_client *client, char *buf, size_t cap);

KC_END

#endif
