/* SPDX-License-Identifier: Apache-2.0 */
/* How a connection gets a stream: addresses, TCP and TLS. Whatever goes wrong ends in
 * kci_connection_ended(). */

#include "base/err.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/connection_impl.h"

enum { SETUP_MAX_FRAME = 1 << 20 /* until the broker is known to be one */ };

static void shuffle(kci_random *random, kci_addr *addrs, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t other = (size_t)kci_random_below(random, i);
        kci_addr keep = addrs[i - 1];
        addrs[i - 1] = addrs[other];
        addrs[other] = keep;
    }
}

/* Longer with each failure in a row, in case the network is slow. */
static int64_t setup_timeout(const kci_connection *connection)
{
    const kci_settings *s = connection->network->settings;
    int64_t timeout = s->setup_timeout_us;

    for (uint32_t i = 0; i < connection->remote->failures && timeout < s->setup_timeout_max_us; i++)
        timeout *= 2;
    return timeout < s->setup_timeout_max_us ? timeout : s->setup_timeout_max_us;
}

static void on_up(void *arg, kci_conn *stream)
{
    kci_connection *connection = arg;
    kci_network *network = connection->network;

    (void)stream;
    if (connection->state != KCI_CONNECTION_CONNECTING)
        return;
    kci_stat_add(&network->stats->connections, 1);
    connection->connected = true;
    kci_connection_set_state(connection, KCI_CONNECTION_VERSIONS);
    kci_connection_begin_setup(connection, setup_timeout(connection));
    kci_connection_schedule(connection);
}

static void on_frame(void *arg, kci_conn *stream, kci_frame *frame)
{
    kci_connection *connection = arg;

    if (KCI_BUG(SOCKET_LEAKED) && stream != connection->stream)
        kci_frame_unref(frame);
    else if (connection->state == KCI_CONNECTION_UP)
        kci_connection_on_answer(connection, frame);
    else if (connection->state == KCI_CONNECTION_VERSIONS ||
             connection->state == KCI_CONNECTION_AUTH)
        kci_connection_on_setup_frame(connection, frame);
    else
        kci_frame_unref(frame); /* closing */
}

/* A broker that is not spoken to as it wants just hangs up: what that may mean. */
static const char *explain(const kci_connection *connection, kc_err err, const char *why,
                           char *text, size_t size)
{
    const char *hint = NULL;

    if (connection->state == KCI_CONNECTION_AUTH)
        hint = "during SASL: check the credentials, and the broker's log";
    else if (connection->state == KCI_CONNECTION_UP && !connection->proven)
        hint =
            "before it answered any request: if this listener wants SASL, set security.protocol; "
            "else see the broker's log";
    if (err != KC_E_TRANSPORT || !hint)
        return why;
    kci_sentence(text, size, "%s (%s)", why, hint);
    return text;
}

static void on_closed(void *arg, kci_conn *stream, kc_err err, const char *why)
{
    kci_connection *connection = arg;
    kci_network *network = connection->network;
    char text[480];

    if (KCI_BUG(SOCKET_LEAKED) && stream != connection->stream)
        return;
    kci_connection_count_io(connection, stream);
    if (connection->connected)
        kci_stat_add(&network->stats->connections, -1);
    if (connection->state == KCI_CONNECTION_CLOSING) {
        kc_error fault = connection->fault;
        kci_connection_ended(connection, fault.code, fault.text);
        return;
    }
    if (err == KC_OK)
        err = KC_E_TRANSPORT;
    kci_connection_ended(connection, err, explain(connection, err, why, text, sizeof text));
}

static const kci_conn_ops stream_ops = { on_up, on_frame, on_closed };

static void connect_stream(kci_connection *connection, const kci_addr *addrs, size_t count)
{
    kci_network *network = connection->network;
    const kci_settings *s = network->settings;
    kci_conn_params params = { .addrs = addrs,
                               .addr_count = count,
                               .tls = network->tls,
                               .server_name = connection->remote->host,
                               .setup_timeout_us = setup_timeout(connection),
                               .send_buffer = s->send_buffer,
                               .receive_buffer = s->receive_buffer,
                               .max_frame =
                                   SETUP_MAX_FRAME < s->max_frame ? SETUP_MAX_FRAME : s->max_frame,
                               .pool = network->frames };
    kc_err err =
        kci_conn_open(network->loop, &params, &stream_ops, connection, &connection->stream);

    if (err != KC_OK) {
        connection->stream = NULL;
        kci_connection_ended(connection, err, NULL);
        return;
    }
    kci_connection_set_state(connection, KCI_CONNECTION_CONNECTING);
    kci_connection_schedule(connection);
}

static void on_resolved(void *arg, kc_err err, const kci_addr *addrs, size_t count, const char *why)
{
    kci_connection *connection = arg;

    connection->lookup = NULL;
    if (err != KC_OK) {
        kci_connection_ended(connection, err, why);
        return;
    }
    kci_addr *order = kci_calloc(count, sizeof *order);
    if (!order) {
        kci_connection_ended(connection, KC_E_NO_MEMORY, NULL);
        return;
    }
    memcpy(order, addrs, count * sizeof *order);
    shuffle(connection->network->random, order, count);
    connect_stream(connection, order, count);
    kci_free(order);
}

void kci_connection_open(kci_connection *connection)
{
    const kci_remote *remote = connection->remote;

    connection->wanted = false;
    connection->began_us = kci_network_now(connection->network);
    kci_connection_set_state(connection, KCI_CONNECTION_RESOLVING);
    connection->lookup =
        kci_lookup_start(connection->network, remote->host, remote->port, on_resolved, connection);
    if (!connection->lookup)
        kci_connection_ended(connection, KC_E_NO_MEMORY, NULL);
}
