/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a connection, for its own files and their tests: states, the timer and the end are
 * in connection.c, how it gets a stream in connection_open.c, how it comes up in
 * connection_setup.c, what it carries in connection_calls.c. */
#ifndef CORE_CONNECTION_IMPL_H
#define CORE_CONNECTION_IMPL_H

#include "core/connection.h"
#include "core/flight.h"
#include "core/lookup.h"
#include "core/sasl.h"
#include "core/versions.h"

typedef enum kci_connection_state {
    KCI_CONNECTION_DOWN,
    KCI_CONNECTION_RESOLVING,
    KCI_CONNECTION_CONNECTING, /* TCP and TLS */
    KCI_CONNECTION_VERSIONS,   /* ApiVersions under way */
    KCI_CONNECTION_AUTH,       /* SASL under way */
    KCI_CONNECTION_UP,
    KCI_CONNECTION_CLOSING, /* by us; ends with the stream's on_closed */
    KCI_CONNECTION_STATES
} kci_connection_state;

/* The one request that may be under way before a connection is up. */
typedef struct kci_setup {
    kci_out out;
    struct iovec iov;
    kci_buf buf;
    bool busy; /* the stream refers to buf */
    int16_t api, version;
    int32_t correlation;
    int64_t sent_us;
    int64_t deadline_us; /* for VERSIONS and AUTH */
    kci_sasl *sasl;
} kci_setup;

/* From when on the present stream is to be replaced. */
typedef struct kci_renewal {
    int64_t at_us;   /* INT64_MAX: never */
    const char *why; /* static */
} kci_renewal;

struct kci_connection {
    kci_network *network;
    kci_remote *remote;
    const kci_connection_ops *ops;
    void *owner;
    kci_class cls;
    int32_t lane;
    char name[32]; /* of class and lane, for the log */
    kci_connection_state state;
    bool wanted;      /* somebody asked for it, although no call may wait */
    bool connected;   /* this stream has connected */
    bool came_up;     /* this stream was up, maybe is */
    bool proven;      /* it has answered a call: the broker works */
    kci_timer timer;  /* for whatever is due next, see kci_connection_schedule() */
    kci_list queue;   /* calls not handed to the stream yet, in the order of start */
    kci_list flights; /* requests handed to it */
    int32_t queued, flying;
    int32_t next_correlation;
    kci_lookup *lookup;         /* while RESOLVING */
    kci_conn *stream;           /* from CONNECTING to on_closed */
    uint32_t failures;          /* in a row, since a call was answered */
    int64_t retry_us;           /* no attempt before; see also the remote's */
    int64_t began_us;           /* when the present attempt began */
    int64_t call_deadline_us;   /* not later than the first deadline of a call; INT64_MAX: none */
    int64_t throttled_until_us; /* 0: not throttled */
    kci_renewal renewal;
    kci_versions_table versions;
    kci_setup setup;
    kci_conn_counters counted; /* what the statistics have seen of the stream's */
    kc_error fault;            /* why we close it; code KC_OK: because it is idle */
};

static inline bool kci_connection_is_idle(const kci_connection *connection)
{
    return connection->queued == 0 && connection->flying == 0;
}

/* It has answered: failures are forgotten. */
void kci_connection_works(kci_connection *connection);

/* The only writer of `state`; an edge that the table does not have is a bug. */
void kci_connection_set_state(kci_connection *connection, kci_connection_state to);

/* Logs a request that is handed to the stream, and an answer: rtt_us after it was written. `size`
 * is the frame's, without its prefix. */
void kci_connection_trace_out(const kci_connection *connection, int16_t api, int16_t version,
                              int32_t correlation, size_t size);
void kci_connection_trace_in(const kci_connection *connection, int16_t api, int16_t version,
                             int32_t correlation, size_t size, int64_t rtt_us);

/* Sets the timer to what is due next. */
void kci_connection_schedule(kci_connection *connection);

/* Begins an attempt: state RESOLVING. */
void kci_connection_open(kci_connection *connection);

/* The attempt, or the connection, has ended: state DOWN, calls end or are moved on. */
void kci_connection_ended(kci_connection *connection, kc_err err, const char *why);

/* Versions are known and credentials accepted. */
void kci_connection_ready(kci_connection *connection);

/* connection_setup.c: the stream is there, and timeout_us (or request.timeout.ms, if that is less)
 * for the first answer. */
void kci_connection_begin_setup(kci_connection *connection, int64_t timeout_us);

/* A frame of the set-up; consumes it. */
void kci_connection_on_setup_frame(kci_connection *connection, kci_frame *frame);

/* Frees what belongs to a set-up under way. */
void kci_connection_end_setup(kci_connection *connection);

/* Stream callbacks of a connection that is up. Consumes the frame. */
void kci_connection_on_answer(kci_connection *connection, kci_frame *frame);

/* Brings the statistics up to the stream's counters. */
void kci_connection_count_io(kci_connection *connection, const kci_conn *stream);

static inline int32_t kci_connection_next_correlation(kci_connection *connection)
{
    int32_t next = connection->next_correlation;
    connection->next_correlation = next == INT32_MAX ? 0 : next + 1;
    return next;
}

/* Sends queued calls as far as limits allow. */
void kci_connection_pump(kci_connection *connection);

/* Ends what is under way. */
void kci_connection_drop_flights(kci_connection *connection, kc_err err, const char *why);

/* Ends calls whose time has passed; recomputes call_deadline_us. */
void kci_connection_expire(kci_connection *connection);

#endif
