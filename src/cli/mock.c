/* SPDX-License-Identifier: Apache-2.0 */
/* kclient mock: the embedded cluster as a program, until a signal. */
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/options.h"
#include "cli/out.h"
#include "cli/stop.h"

#include <kclient/mock.h>

enum {
    KEY_BROKERS = CLI_LONG_ONLY,
    KEY_RACKS,
    KEY_HOST,
    KEY_PORT,
    KEY_PARTITIONS,
    KEY_REPLICATION,
    KEY_NO_CREATE,
    KEY_VERSION,
    KEY_CERT,
    KEY_KEY,
    KEY_SASL,
    KEY_MEMORY
};

static const cli_option options[] = {
    { KEY_BROKERS, "brokers", "N", "how many brokers (3)" },
    { KEY_RACKS, "racks", "A,B,...", "their racks, in turn" },
    { KEY_HOST, "host", "ADDRESS", "numeric address to listen on (127.0.0.1)" },
    { KEY_PORT, "port", "N", "port of the first broker, the others follow; default: free ones" },
    { 't', "topic", "NAME[:PARTITIONS[:REPLICATION]]", "create a topic; may be repeated" },
    { KEY_PARTITIONS, "partitions", "N", "of topics that do not say (1)" },
    { KEY_REPLICATION, "replication-factor", "N", "of topics that do not say (3 or all brokers)" },
    { KEY_NO_CREATE, "no-auto-create", NULL,
      "unknown topics are not created when they are asked for" },
    { KEY_VERSION, "as-version", "4.3|3.9", "whose API versions to offer" },
    { KEY_CERT, "tls-cert", "FILE", "TLS: the certificate chain, PEM" },
    { KEY_KEY, "tls-key", "FILE", "TLS: its key, PEM" },
    { KEY_SASL, "sasl-plain", "USER:PASSWORD,...", "SASL/PLAIN with these credentials" },
    { KEY_MEMORY, "memory", "MIB", "what records may take; the oldest are dropped then (1024)" },
    { 0 },
};

typedef struct mock_cmd_options {
    kc_mock_options mock;
    cli_strings topics;
    int64_t brokers, port, partitions, replication, mib;
} mock_cmd_options;

static bool set_text(kc_mock_options *mock, int key, const char *value)
{
    switch (key) {
    case KEY_RACKS:
        mock->racks = value;
        break;
    case KEY_HOST:
        mock->host = value;
        break;
    case KEY_VERSION:
        mock->version = value;
        break;
    case KEY_CERT:
        mock->tls_cert_file = value;
        break;
    case KEY_KEY:
        mock->tls_key_file = value;
        break;
    case KEY_SASL:
        mock->sasl_plain = value;
        break;
    default:
        mock->no_auto_create = true;
    }
    return true;
}

static bool set(void *arg, int key, const char *value)
{
    mock_cmd_options *o = arg;
    switch (key) {
    case 't':
        return cli_strings_add(&o->topics, value);
    case KEY_BROKERS:
        return cli_number(value, 1, 1000, "--brokers", &o->brokers);
    case KEY_PORT:
        return cli_number(value, 1, 65535, "--port", &o->port);
    case KEY_PARTITIONS:
        return cli_number(value, 1, 100000, "--partitions", &o->partitions);
    case KEY_REPLICATION:
        return cli_number(value, 1, 1000, "--replication-factor", &o->replication);
    case KEY_MEMORY:
        return cli_number(value, 1, 1 << 20, "--memory", &o->mib);
    default:
        return set_text(&o->mock, key, value);
    }
}

static const cli_syntax syntax = {
    .command = "kclient mock",
    .arguments = "[options]",
    .about =
        "Runs a Kafka cluster in this process, for tests: real protocol, records in memory. Prints "
        "the\naddresses of its brokers, for -b, as one line on standard output, and runs until "
        "SIGINT or\nSIGTERM.",
    .options = options,
    .no_cluster = true,
    .set = set,
};

/* NAME[:PARTITIONS[:REPLICATION]] */
static bool create_topic(kc_mock *mock, const char *text)
{
    char name[256];
    int64_t numbers[2] = { 0, 0 };
    const char *p = strchr(text, ':');
    snprintf(name, sizeof name, "%.*s", p ? (int)(p - text) : 249, text);
    for (int i = 0; i < 2 && p; i++) {
        char *end;
        numbers[i] = strtoll(p + 1, &end, 10);
        if (end == p + 1 || (*end && *end != ':') || numbers[i] < 1 || numbers[i] > 100000) {
            cli_error("-t %.60s: write NAME, NAME:PARTITIONS or NAME:PARTITIONS:REPLICATION", text);
            return false;
        }
        p = *end ? end : NULL;
    }
    kc_err err = kc_mock_create_topic(mock, name, (int32_t)numbers[0], (int32_t)numbers[1]);
    if (err)
        cli_error("topic %s: %s (%s)", name, kc_error_text(err), kc_error_name(err));
    return err == KC_OK;
}

static int run(const mock_cmd_options *o)
{
    kc_error error;
    kc_mock *mock;
    if (kc_mock_new(&o->mock, &mock, &error) != KC_OK)
        return cli_fail("the cluster cannot be started", &error);
    bool ok = true;
    for (size_t i = 0; i < o->topics.count && ok; i++)
        ok = create_topic(mock, o->topics.items[i]);
    if (ok) {
        out_text(kc_mock_bootstrap(mock));
        out_text("\n");
        ok = out_flush();
    }
    struct pollfd fd = { stop_fd(), POLLIN, 0 };
    while (ok && !stop_requested())
        (void)poll(&fd, 1, -1);
    kc_mock_free(mock);
    return ok ? CLI_OK : CLI_USAGE;
}

int cmd_mock(int argc, char **argv)
{
    mock_cmd_options o = { .mock = { .size = sizeof o.mock } };
    int code = cli_parse(&syntax, argc, argv, NULL, &o);
    o.mock.brokers = (int32_t)o.brokers;
    o.mock.port = (uint16_t)o.port;
    o.mock.default_partitions = (int32_t)o.partitions;
    o.mock.default_replication = (int32_t)o.replication;
    o.mock.memory_limit_bytes = o.mib << 20;
    if (code < 0)
        code = stop_listen() ? run(&o) : CLI_USAGE;
    cli_strings_free(&o.topics);
    return code;
}
