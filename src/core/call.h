/* SPDX-License-Identifier: Apache-2.0 */
/* One request to a broker and its one outcome. The caller owns the kci_call (embedded in its own
 * object, no allocation) until done() runs.
 *
 * Thread: loop, throughout. done() runs exactly once, later than kci_call_start() and never from
 * inside a function of this header, also on time-out, close and lack of memory, and only when no
 * socket refers to the request's bytes any more. From done() on the call is the caller's again: it
 * may be freed or started anew in it.
 *
 * When a connection ends, or an attempt to open it fails, every call that waits on it ends with its
 * error, in the order of start; callers repeat what may be repeated. Calls to KCI_NODE_ANY that
 * were not sent yet go on to other brokers instead, until their time-out (not when credentials are
 * refused). */
#ifndef CORE_CALL_H
#define CORE_CALL_H

#include "base/list.h"
#include "io/conn.h"
#include "wire/codec.h"

#include <kclient/client.h>

/* A broker serves one request at a time per connection, so a request that waits in the broker
 * (Fetch, JoinGroup) delays whatever is behind it on the same one. A connection is therefore one of
 * a node, a class and a lane: lane 0 is shared by all of a client, and whoever waits in the broker
 * has a lane of its own (kci_client_take_lane). Opened when first needed. */
typedef enum kci_class {
    KCI_CLASS_CONTROL, /* metadata, admin, offsets, InitProducerId */
    KCI_CLASS_PRODUCE,
    KCI_CLASS_FETCH,
    KCI_CLASS_GROUP,
    KCI_CLASS_COUNT
} kci_class;

enum {
    KCI_NODE_ANY = -1,       /* the usable broker with least outstanding; bootstrap servers too */
    KCI_NODE_CONTROLLER = -2 /* from metadata; any broker if unknown */
};

/* A decoded answer. Borrowed during done(); the frame may be kept by kci_frame_ref (slices of
 * records point into it). */
typedef struct kci_response {
    int16_t version;
    int32_t node;
    const void *body; /* the generated struct of the api's response */
    kci_frame *frame;
    int64_t rtt_us; /* from the last byte written to the answer */
} kci_response;

typedef struct kci_call kci_call;
struct kci_call {
    /* Set by the caller; the rest zero. */
    int16_t api;
    kci_class cls;
    int32_t node;
    int32_t lane;                     /* of a call to KCI_NODE_ANY: 0 */
    int16_t min_version, max_version; /* within what the library knows; max 0 with min 0: no limit —
                                         use KCI_ANY_VERSION for max */
    const void *body;                 /* the generated request struct; lives until done() */
    /* Both count from kci_call_start: 0 takes default request.timeout.ms. When it passes before the
     * request was written the call ends KC_E_TIMED_OUT and the connection lives on; when it was
     * written, the connection is closed first (its order of answers is lost). */
    int64_t timeout_us;
    bool no_response; /* acks=0: done(KC_OK, NULL) when the bytes are written */
    /* Optional: the version is known now, adapt the body. An error ends the call with it. May run
     * inside kci_call_start(). */
    kc_err (*prepare)(kci_call *call, int16_t version);
    /* Optional: the request's records fields are not copied; gives the iovecs of the index-th of
     * them (order of encoding), at most cap; returns how many there are. When that is more than cap
     * it is asked again with more room. Together they have the field's size. Their bytes live until
     * done(). */
    int (*records)(kci_call *call, size_t index, struct iovec *iov, int cap);
    /* err KC_OK: response is there (NULL for no_response). Otherwise response is NULL and why is a
     * sentence (borrowed). Errors inside the response's body are the caller's to read; a top-level
     * throttle_time_ms has been obeyed already. */
    void (*done)(kci_call *call, kc_err err, const kci_response *response, const char *why);

    /* Set by the core, for done(): the broker may have seen the request. */
    bool sent;

    /* Core's. */
    kci_link link;
    struct kci_connection *connection; /* the one it waits on; NULL: for any, or for done() */
    struct kci_flight *flight;         /* its request, once handed to the stream */
    int64_t deadline_us;
    kc_err err; /* outcome of a call that waits for done() */
    uint8_t stage;
};

#define KCI_ANY_VERSION INT16_MAX

/* Queues the call: opens the connection if need be, waits for it, encodes in the version both sides
 * know, writes, waits. Calls of one node, class and lane are written and answered in the order of
 * start. Never fails; every outcome comes by done(). */
void kci_call_start(kc_client *client, kci_call *call);

/* Ends it early: done(KC_E_INTERRUPTED) in a later turn; the answer, should it come, is dropped.
 * Has no effect once done() has been called. A call that waits in the broker (Fetch) blocks later
 * ones of its connection until the broker answers. */
void kci_call_cancel(kc_client *client, kci_call *call);

/* How a connection of a node, class and lane is. */
typedef enum kci_node_state {
    KCI_NODE_UNKNOWN,    /* no such broker in the metadata */
    KCI_NODE_DOWN,       /* not connected; waits for its backoff, or nobody asked */
    KCI_NODE_CONNECTING, /* TCP, TLS, ApiVersions or SASL under way */
    KCI_NODE_UP,
    KCI_NODE_THROTTLED, /* up, but the broker asked for a pause (KIP-219) */
    KCI_NODE_NO_MEMORY  /* for a connection: to be polled again later */
} kci_node_state;

/* The state, for those who build their requests only when they can go out (the producer: batches
 * grow until then). connect: also begins to connect. A change to UP or DOWN, and the end of
 * throttling, is told by kci_user.on_node; after NO_MEMORY nothing is. */
kci_node_state kci_node_poll(kc_client *client, int32_t node, kci_class cls, int32_t lane,
                             bool connect);

/* The version a call of this api would use on this node's connection: the highest both know within
 * min..max; -1 when it is not up, -2 when there is none in common. */
int16_t kci_node_version(kc_client *client, int32_t node, kci_class cls, int32_t lane, int16_t api,
                         int16_t min, int16_t max);

/* Requests written or queued and not answered. */
int32_t kci_node_outstanding(kc_client *client, int32_t node, kci_class cls, int32_t lane);

#endif
