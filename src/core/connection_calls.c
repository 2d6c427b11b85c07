/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection that is up carries: calls out in the order of start, answers in strictly in
 * that order, and the end of those whose time passes. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/call_end.h"
#include "core/connection_impl.h"
#include "core/refusal.h"
#include "core/throttle.h"

enum {
    OTHER_IN_FLIGHT = 16,         /* requests of the classes other than PRODUCE */
    THROTTLE_MAX_MS = 60000,      /* whatever the broker asks for */
    ARENA_KEEP_BYTES = 256 * 1024 /* of decoded responses, kept for the next */
};

/* -- out ----------------------------------------------------------------------------------------
 */

static int32_t limit_of(const kci_connection *connection)
{
    return connection->cls == KCI_CLASS_PRODUCE
               ? connection->network->settings->max_in_flight + KCI_BUG(IN_FLIGHT_MORE)
               : OTHER_IN_FLIGHT;
}

static void forget_flight(kci_connection *connection, kci_flight *flight)
{
    kci_link_remove(&flight->link);
    connection->flying--;
    kci_flight_free(connection->network, flight);
}

/* The stream refers to the bytes no more. What was not written is ended when the stream ends. */
static void on_released(kci_out *out, bool written)
{
    kci_flight *flight = KCI_CONTAINER_OF(out, kci_flight, out);
    kci_connection *connection = flight->connection;
    kci_network *network = connection->network;
    kci_call *call = flight->call;

    flight->released = true;
    flight->written_us = kci_network_now(network);
    if (call && call->stage == KCI_CALL_ENDING) { /* cancelled meanwhile */
        flight->call = NULL;
        kci_call_finish(call, call->err, NULL, NULL);
        call = NULL;
    }
    if ((!written && !KCI_BUG(UNWRITTEN_IS_SENT)) || !flight->no_response)
        return;
    kci_connection_works(connection);
    forget_flight(connection, flight);
    if (call)
        kci_call_finish(call, KC_OK, NULL, "");
    kci_connection_pump(connection);
    kci_connection_schedule(connection);
}

/* Encodes and sends. An error is the call's; nothing was sent then. */
static kc_err send_call(kci_connection *connection, kci_call *call)
{
    kci_network *network = connection->network;
    int16_t version =
        kci_versions_pick(&connection->versions, call->api, call->min_version, call->max_version);

    if (version < 0)
        return KC_E_UNSUPPORTED_VERSION;
    kc_err err = call->prepare ? call->prepare(call, version) : KC_OK;
    if (err != KC_OK)
        return err;
    kci_flight *flight = kci_flight_new(network);
    if (!flight)
        return KC_E_NO_MEMORY;
    err = kci_flight_encode(flight, call, version, kci_connection_next_correlation(connection),
                            network->settings->client_id);
    if (err != KC_OK) {
        kci_flight_free(network, flight);
        return err;
    }
    flight->connection = connection;
    flight->call = call;
    flight->out.done = on_released;
    call->flight = flight;
    call->stage = KCI_CALL_FLYING;
    call->sent = true;
    kci_list_push_back(&connection->flights, &flight->link);
    connection->flying++;
    kci_stat_add(&network->stats->requests, 1);
    kci_stat_add(&network->stats->metadata_requests, call->api == KCI_API_METADATA);
    kci_connection_trace_out(connection, flight->api, version, flight->correlation,
                             kci_load32(flight->head.data));
    kci_conn_send(connection->stream, &flight->out);
    return KC_OK;
}

/* The stream is to be replaced: nothing more is sent, and once all is answered the connection is
 * opened anew. */
static bool is_draining(kci_connection *connection)
{
    if (connection->renewal.at_us > kci_network_now(connection->network))
        return false;
    if (connection->flying == 0)
        kci_connection_close(connection, KC_OK, connection->renewal.why);
    return true;
}

void kci_connection_pump(kci_connection *connection)
{
    kci_network *network = connection->network;

    while (kci_connection_is_up(connection) && connection->throttled_until_us == 0 &&
           connection->flying < limit_of(connection)) {
        kci_link *first = kci_list_first(&connection->queue);
        if (!first || is_draining(connection))
            return;
        kci_call *call = KCI_CONTAINER_OF(first, kci_call, link);
        kci_connection_take(connection, call);
        kc_err err = send_call(connection, call);
        if (err != KC_OK)
            kci_call_finish_later(network, call, err);
    }
}

void kci_connection_add(kci_connection *connection, kci_call *call)
{
    kci_network *network = connection->network;

    if (connection->state == KCI_CONNECTION_DOWN &&
        kci_refusal_login_at(connection->remote, network) > kci_network_now(network)) {
        kci_call_finish_later(network, call, KC_E_AUTHENTICATION);
        return;
    }
    call->connection = connection;
    kci_list_push_back(&connection->queue, &call->link);
    connection->queued++;
    if (call->deadline_us < connection->call_deadline_us)
        connection->call_deadline_us = call->deadline_us;
    kci_connection_pump(connection);
    kci_connection_schedule(connection);
}

void kci_connection_take(kci_connection *connection, kci_call *call)
{
    kci_link_remove(&call->link);
    call->connection = NULL;
    connection->queued--;
}

/* -- in -----------------------------------------------------------------------------------------
 */

void kci_connection_count_io(kci_connection *connection, const kci_conn *stream)
{
    kci_conn_counters now = kci_conn_get_counters(stream);
    kci_conn_counters *seen = &connection->counted;
    kci_stats *stats = connection->network->stats;

    kci_stat_add(&stats->bytes_in, (int64_t)(now.bytes_in - seen->bytes_in));
    kci_stat_add(&stats->bytes_out, (int64_t)(now.bytes_out - seen->bytes_out));
    kci_stat_add(&stats->reads, (int64_t)(now.reads - seen->reads));
    kci_stat_add(&stats->writes, (int64_t)(now.writes - seen->writes));
    *seen = now;
}

static void obey_throttle(kci_connection *connection, int32_t ms)
{
    kci_network *network = connection->network;

    if (ms <= 0)
        return;
    ms = ms > THROTTLE_MAX_MS ? THROTTLE_MAX_MS : ms;
    int64_t until = kci_network_now(network) + (int64_t)ms * 1000;
    kci_stat_add(&network->stats->throttle_us, (int64_t)ms * 1000);
    if (until > connection->throttled_until_us && !KCI_BUG(THROTTLE_IGNORED))
        connection->throttled_until_us = until;
}

static void poison(kci_connection *connection, kci_flight *flight, const char *what)
{
    const kci_api *api = flight ? kci_api_get(flight->api) : NULL;
    char text[200];

    snprintf(text, sizeof text, "its answer to %s version %d %s: the connection is given up",
             api ? api->name : "a request", flight ? flight->version : -1, what);
    kci_connection_close(connection, KC_E_PROTOCOL, text);
}

/* Decodes and hands over. */
static void on_body(kci_connection *connection, kci_flight *flight, kci_reader *in,
                    kci_frame *frame)
{
    kci_network *network = connection->network;
    const kci_msg *msg = kci_api_get(flight->api)->response;
    kci_response response = { .version = flight->version,
                              .node = connection->remote->id < 0 ? -1 : connection->remote->id,
                              .frame = frame,
                              .rtt_us = kci_network_now(network) - flight->written_us };
    void *body = kci_arena_alloc(&network->arena, msg->size);
    kc_err err =
        body ? kci_decode(msg, flight->version, in, &network->arena, body) : KC_E_NO_MEMORY;

    if (err == KC_E_PROTOCOL) {
        poison(connection, flight, "is malformed");
        return;
    }
    kci_connection_trace_in(connection, flight->api, flight->version, flight->correlation,
                            frame->size, response.rtt_us);
    kci_call *call = flight->call;
    int16_t api = flight->api;
    kci_connection_works(connection);
    forget_flight(connection, flight);
    if (err == KC_OK)
        obey_throttle(connection, kci_throttle_of(api, body));
    response.body = body;
    if (call)
        kci_call_finish(call, err, &response, NULL);
}

static void reset_arena(kci_arena *arena)
{
    if (KCI_BUG(MEMORY_LEAKED))
        *arena = (kci_arena){ 0 };
    if (arena->total > ARENA_KEEP_BYTES)
        kci_arena_free(arena);
    else
        kci_arena_reset(arena);
}

void kci_connection_on_answer(kci_connection *connection, kci_frame *frame)
{
    kci_network *network = connection->network;
    kci_link *due = KCI_BUG(WRONG_ANSWER) ? kci_list_last(&connection->flights)
                                          : kci_list_first(&connection->flights);
    kci_flight *flight = due ? KCI_CONTAINER_OF(due, kci_flight, link) : NULL;
    kci_reader in = kci_reader_of(frame->data, frame->size);
    int32_t correlation = -1;

    kci_stat_add(&network->stats->responses, 1);
    kci_connection_count_io(connection, connection->stream);
    if (!flight || flight->no_response || !flight->released)
        poison(connection, flight, "comes although none is due");
    else if (kci_response_header_decode(flight->api, flight->version, &in, &correlation) != KC_OK)
        poison(connection, flight, "is malformed");
    else if (correlation != flight->correlation && !KCI_BUG(WRONG_ANSWER))
        poison(connection, flight, "has the number of another request");
    else
        on_body(connection, flight, &in, frame);
    reset_arena(&network->arena);
    kci_frame_unref(frame);
    kci_connection_pump(connection);
    kci_connection_schedule(connection);
    if (kci_connection_is_idle(connection))
        connection->ops->quiet(connection->owner, connection);
}

/* -- time and failure ---------------------------------------------------------------------------
 */

static void note_deadline(kci_connection *connection, int64_t deadline_us)
{
    if (deadline_us < connection->call_deadline_us)
        connection->call_deadline_us = deadline_us;
}

/* The first request without an answer in time; NULL. */
static kci_flight *overdue(kci_connection *connection, int64_t now)
{
    for (kci_link *l = kci_list_first(&connection->flights); l;
         l = kci_list_next(&connection->flights, l)) {
        kci_flight *flight = KCI_CONTAINER_OF(l, kci_flight, link);
        if (flight->deadline_us <= now)
            return flight;
        note_deadline(connection, flight->deadline_us);
    }
    return NULL;
}

static void expire_queue(kci_connection *connection, int64_t now)
{
    kci_network *network = connection->network;
    char why[400];
    kci_list due;

    kci_list_init(&due);
    for (kci_link *l = kci_list_first(&connection->queue), *next; l; l = next) {
        kci_call *call = KCI_CONTAINER_OF(l, kci_call, link);
        next = kci_list_next(&connection->queue, l);
        if (call->deadline_us > now) {
            note_deadline(connection, call->deadline_us);
            continue;
        }
        kci_connection_take(connection, call);
        kci_list_push_back(&due, l);
    }
    snprintf(why, sizeof why, "%s: the time of the request passed before it could be sent",
             connection->remote->text);
    for (kci_link *l; (l = kci_list_pop_front(&due));) {
        kci_stat_add(&network->stats->request_timeouts, 1);
        kci_call_finish(KCI_CONTAINER_OF(l, kci_call, link), KC_E_TIMED_OUT, NULL, why);
    }
}

void kci_connection_expire(kci_connection *connection)
{
    int64_t now = kci_network_now(connection->network);

    connection->call_deadline_us = INT64_MAX;
    kci_flight *flight = overdue(connection, now);
    if (flight && kci_connection_is_up(connection)) {
        char why[200];
        snprintf(why, sizeof why, "no answer to %s version %d in time: the connection is closed",
                 kci_api_name(flight->api), flight->version);
        kci_stat_add(&connection->network->stats->request_timeouts, 1);
        if (KCI_BUG(SOCKET_LEAKED))
            kci_connection_ended(connection, KC_E_TRANSPORT, why);
        else
            kci_connection_close(connection, KC_E_TRANSPORT, why);
    }
    expire_queue(connection, now);
}

static void fail_flight(kci_network *network, kci_flight *flight, int64_t now, kc_err err,
                        const char *why)
{
    kci_call *call = flight->call;
    bool late = flight->deadline_us <= now;

    kci_flight_free(network, flight);
    if (call)
        kci_call_finish(call, late ? KC_E_TIMED_OUT : err, NULL, why);
}

void kci_connection_drop_flights(kci_connection *connection, kc_err err, const char *why)
{
    kci_network *network = connection->network;
    int64_t now = kci_network_now(network);
    kci_list flights;

    kci_list_init(&flights);
    kci_list_splice_back(&flights, &connection->flights);
    connection->flying = 0;
    for (kci_link *l; (l = kci_list_pop_front(&flights));)
        fail_flight(network, KCI_CONTAINER_OF(l, kci_flight, link), now, err, why);
}

void kci_connection_fail_calls(kci_connection *connection, kc_err err, const char *why)
{
    kci_list queue;

    kci_list_init(&queue);
    kci_list_splice_back(&queue, &connection->queue);
    connection->queued = 0;
    connection->call_deadline_us = INT64_MAX;
    for (kci_link *l = kci_list_first(&queue); l; l = kci_list_next(&queue, l))
        KCI_CONTAINER_OF(l, kci_call, link)->connection = NULL;
    kci_connection_drop_flights(connection, err, why);
    for (kci_link *l; (l = kci_list_pop_front(&queue));) {
        kci_call *call = KCI_CONTAINER_OF(l, kci_call, link);
        if (!connection->ops->orphan(connection->owner, call, err))
            kci_call_finish(call, err, NULL, why);
    }
}
