/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection that has a stream comes up: ApiVersions, SASL. One request is under way at a
 * time. Whatever goes wrong closes the stream and ends in kci_connection_ended(). */
#include <stdio.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"
#include "core/connection_impl.h"
#include "core/refusal.h"

enum {
    PREFIX = 4,
    API_VERSIONS_MAX = 4,
    HANDSHAKE_VERSION = 1, /* 0 is followed by messages without frames of their own */
    AUTHENTICATE_MAX = 2
};

/* -- the request under way ----------------------------------------------------------------------
 */

static void on_sent(kci_out *out, bool written)
{
    kci_setup *setup = KCI_CONTAINER_OF(out, kci_setup, out);

    (void)written;
    setup->busy = false;
}

static void send_request(kci_connection *connection, int16_t api, int16_t version, const void *body)
{
    kci_setup *setup = &connection->setup;
    const kci_settings *s = connection->network->settings;

    setup->api = api;
    setup->version = version;
    setup->correlation = kci_connection_next_correlation(connection);
    setup->buf.size = 0;
    setup->buf.failed = false;
    kci_buf_put32(&setup->buf, 0);
    kc_err err =
        kci_request_header_encode(api, version, setup->correlation, s->client_id, &setup->buf);
    if (err == KC_OK)
        err = kci_encode(kci_api_get(api)->request, version, body, &setup->buf, NULL);
    if (err == KC_OK && setup->buf.failed)
        err = KC_E_NO_MEMORY;
    if (err != KC_OK) {
        kci_connection_close(connection, err, kc_error_text(err));
        return;
    }
    kci_store32(setup->buf.data, (uint32_t)(setup->buf.size - PREFIX));
    setup->iov = (struct iovec){ setup->buf.data, setup->buf.size };
    setup->out = (kci_out){ .iov = &setup->iov, .count = 1, .done = on_sent };
    setup->busy = true;
    setup->sent_us = kci_network_now(connection->network);
    kci_stat_add(&connection->network->stats->requests, 1);
    kci_connection_trace_out(connection, api, version, setup->correlation,
                             setup->buf.size - PREFIX);
    kci_conn_send(connection->stream, &setup->out);
}

static void refuse(kci_connection *connection, kc_err err, const char *sentence, const char *what)
{
    char text[400];

    kci_sentence(text, sizeof text, "%s %s", sentence, what);
    kci_connection_close(connection, err, text);
}

/* -- ApiVersions --------------------------------------------------------------------------------
 */

static void send_api_versions(kci_connection *connection, int16_t version)
{
    kci_api_versions_request request;

    kci_msg_init(&kci_api_versions_request_msg, &request);
    request.client_software_name = kc_str("libkclient");
    request.client_software_version = kc_str(kc_version());
    send_request(connection, KCI_API_API_VERSIONS, version, &request);
}

void kci_connection_begin_setup(kci_connection *connection, int64_t timeout_us)
{
    kci_network *network = connection->network;
    int64_t most = network->settings->request_timeout_us;

    connection->setup.deadline_us =
        kci_network_now(network) + (timeout_us < most ? timeout_us : most);
    send_api_versions(connection, API_VERSIONS_MAX);
}

static void begin_sasl(kci_connection *connection);

/* The version to try after UNSUPPORTED_VERSION: the broker's best if it names it (KIP-511), else 0.
 */
static int16_t lower_version(const kci_api_versions_response *answer, int16_t tried)
{
    for (int32_t i = 0; i < answer->api_keys.count; i++)
        if (answer->api_keys.data[i].api_key == KCI_API_API_VERSIONS) {
            int16_t best = answer->api_keys.data[i].max_version;
            return best >= 0 && best < tried ? best : 0;
        }
    return 0;
}

static void on_api_versions(kci_connection *connection, const kci_api_versions_response *answer)
{
    int16_t tried = connection->setup.version;

    if (answer->error_code == KC_E_UNSUPPORTED_VERSION && tried > 0) {
        send_api_versions(connection, lower_version(answer, tried));
        return;
    }
    if (answer->error_code != KC_OK) {
        refuse(connection, answer->error_code, "ApiVersions was answered with",
               kc_error_name(answer->error_code));
        return;
    }
    if (answer->api_keys.count == 0) {
        kci_connection_close(connection, KC_E_PROTOCOL,
                             "the peer says that it knows no API at all");
        return;
    }
    kci_versions_set(&connection->versions, answer);
    if (connection->network->settings->sasl)
        begin_sasl(connection);
    else
        kci_connection_ready(connection);
}

/* -- SASL ---------------------------------------------------------------------------------------
 */

/* Each step may take as long as any request. */
static void send_sasl(kci_connection *connection, int16_t api, int16_t version, const void *body)
{
    const kci_network *network = connection->network;

    connection->setup.deadline_us =
        kci_network_now(network) + network->settings->request_timeout_us;
    send_request(connection, api, version, body);
    kci_connection_schedule(connection);
}

static void begin_sasl(kci_connection *connection)
{
    kci_network *network = connection->network;
    kci_sasl_handshake_request request;

    kc_err err = kci_sasl_new(network->sys, network->config, &connection->setup.sasl);
    if (err != KC_OK) {
        kci_connection_close(connection, err, kc_error_text(err));
        return;
    }
    kci_connection_set_state(connection, KCI_CONNECTION_AUTH);
    kci_msg_init(&kci_sasl_handshake_request_msg, &request);
    request.mechanism = kc_str(kci_sasl_mechanism(network->config));
    send_sasl(connection, KCI_API_SASL_HANDSHAKE, HANDSHAKE_VERSION, &request);
}

/* One step of the exchange; received null: the first. */
static void step_sasl(kci_connection *connection, kc_bytes received)
{
    kci_sasl_authenticate_request request;
    kc_error detail = { 0 };
    kc_bytes message = { 0 };
    bool done = false;

    kc_err err = kci_sasl_step(connection->setup.sasl, received, &message, &done, &detail);
    if (err != KC_OK) {
        kci_connection_close(connection, err, detail.text);
        return;
    }
    if (!message.data) {
        if (done)
            kci_connection_ready(connection);
        else
            kci_connection_close(connection, KC_E_INTERNAL, "the SASL exchange does not go on");
        return;
    }
    int16_t version =
        kci_versions_pick(&connection->versions, KCI_API_SASL_AUTHENTICATE, 0, AUTHENTICATE_MAX);
    kci_msg_init(&kci_sasl_authenticate_request_msg, &request);
    request.auth_bytes = message;
    send_sasl(connection, KCI_API_SASL_AUTHENTICATE, version < 0 ? 0 : version, &request);
}

static void on_handshake(kci_connection *connection, const kci_sasl_handshake_response *answer)
{
    char offered[160] = "";
    size_t used = 0;

    if (answer->error_code == KC_OK) {
        step_sasl(connection, kc_mem(NULL, 0));
        return;
    }
    for (int32_t i = 0; i < answer->mechanisms.count && used < sizeof offered; i++) {
        kc_bytes m = answer->mechanisms.data[i];
        used += (size_t)snprintf(offered + used, sizeof offered - used, "%s%.*s", i ? "," : "",
                                 (int)(m.size < 40 ? m.size : 40), (const char *)m.data);
    }
    refuse(connection, KC_E_AUTHENTICATION,
           "the broker does not accept this sasl.mechanism; it offers:", offered);
}

/* The session ends some time after this; a connection is renewed before (KIP-368). */
static void keep_lifetime(kci_connection *connection, int64_t lifetime_ms)
{
    kci_network *network = connection->network;

    if (lifetime_ms <= 0 || lifetime_ms > INT64_MAX / 4000)
        return;
    double part = 0.85 + 0.1 * kci_random_unit(network->random);
    kci_connection_renew(connection,
                         kci_network_now(network) + (int64_t)((double)lifetime_ms * 1000 * part),
                         "its SASL session ends");
}

static void on_authenticate(kci_connection *connection,
                            const kci_sasl_authenticate_response *answer)
{
    kc_bytes why = answer->error_message;
    char text[400];

    if (answer->error_code != KC_OK) {
        snprintf(text, sizeof text,
                 "%s: %.*s; check sasl.mechanism, sasl.username and sasl.password",
                 kc_error_name(answer->error_code), (int)(why.size < 250 ? why.size : 250),
                 why.data ? (const char *)why.data : "");
        kci_connection_close(connection, KC_E_AUTHENTICATION, text);
        return;
    }
    keep_lifetime(connection, answer->session_lifetime_ms);
    step_sasl(connection, answer->auth_bytes.data ? answer->auth_bytes : kc_mem("", 0));
}

/* -- answers of the set-up ----------------------------------------------------------------------
 */

/* ApiVersions' UNSUPPORTED_VERSION comes in version 0, whatever was asked. */
static int16_t version_of_answer(const kci_setup *setup, const kci_reader *in)
{
    bool refused = setup->api == KCI_API_API_VERSIONS && kci_rd_left(in) >= 2 &&
                   kci_load16(in->pos) == KC_E_UNSUPPORTED_VERSION;
    return refused ? 0 : setup->version;
}

static void on_body(kci_connection *connection, kci_reader *in, kci_arena *arena)
{
    const kci_setup *setup = &connection->setup;
    const kci_msg *msg = kci_api_get(setup->api)->response;
    union {
        kci_api_versions_response versions;
        kci_sasl_handshake_response handshake;
        kci_sasl_authenticate_response authenticate;
    } body;

    kc_err err = kci_decode(msg, version_of_answer(setup, in), in, arena, &body);
    if (err != KC_OK) {
        kci_connection_close(connection, err,
                             err == KC_E_PROTOCOL
                                 ? "its answer is not Kafka's: check that the port "
                                   "is a Kafka listener"
                                 : kc_error_text(err));
        return;
    }
    if (setup->api == KCI_API_API_VERSIONS)
        on_api_versions(connection, &body.versions);
    else if (setup->api == KCI_API_SASL_HANDSHAKE)
        on_handshake(connection, &body.handshake);
    else
        on_authenticate(connection, &body.authenticate);
}

void kci_connection_on_setup_frame(kci_connection *connection, kci_frame *frame)
{
    const kci_setup *setup = &connection->setup;
    kci_reader in = kci_reader_of(frame->data, frame->size);
    kci_arena arena = { 0 };
    int32_t correlation = 0;

    kci_stat_add(&connection->network->stats->responses, 1);
    kci_connection_trace_in(connection, setup->api, setup->version, setup->correlation, frame->size,
                            kci_network_now(connection->network) - setup->sent_us);
    kc_err err = kci_response_header_decode(setup->api, setup->version, &in, &correlation);
    if (err != KC_OK || correlation != setup->correlation || setup->busy)
        kci_connection_close(
            connection, KC_E_PROTOCOL,
            "its first bytes are not an answer of a Kafka broker: check host, port "
            "and security.protocol");
    else
        on_body(connection, &in, &arena);
    kci_arena_free(&arena);
    kci_frame_unref(frame);
}

void kci_connection_end_setup(kci_connection *connection)
{
    kci_setup *setup = &connection->setup;

    kci_sasl_free(setup->sasl);
    setup->sasl = NULL;
    kci_buf_free(&setup->buf);
}

void kci_connection_ready(kci_connection *connection)
{
    kci_network *network = connection->network;

    kci_connection_end_setup(connection);
    kci_conn_set_max_frame(connection->stream, network->settings->max_frame);
    connection->came_up = true;
    kci_refusal_over(connection->remote, network);
    kci_stat_add(&network->stats->connects, 1);
    kci_connection_set_state(connection, KCI_CONNECTION_UP);
    kci_connection_pump(connection);
    connection->ops->up(connection->owner, connection);
    kci_connection_schedule(connection);
}
