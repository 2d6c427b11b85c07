/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "core/client.h"
#include "hostile/app.h"
#include "mock/mock.h"
#include "record/writer.h"

enum { BASE_PORT = 9000, FIRST_RECORDS = 5 };

static void die(const char *what, const char *why)
{
    fprintf(stderr, "hostile: cannot set up: %s: %s\n", what, why);
    abort();
}

static void append_first(run *r, int topic, int partition)
{
    union {
        kci_chunk chunk;
        uint8_t room[4096];
    } memory = { .chunk = { .cap = sizeof memory - sizeof(kci_chunk) } };
    uint8_t batch[4096 + KCI_BATCH_HEADER_SIZE], value[BOOK_VALUE];
    kci_batch_writer w;
    kci_batch_writer_init(&w);
    kci_batch_writer_add_chunk(&w, &memory.chunk);
    for (int i = 0; i < FIRST_RECORDS; i++) {
        int n = book_send(&r->book, topic, partition, INT64_MAX);
        r->book.records[n].state = BOOK_ACKED;
        book_value(n, value);
        kci_batch_writer_append(&w, 1700000000000 + i, kc_str("k"), kc_mem(value, sizeof value),
                                NULL, 0);
    }
    if (kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL) != KC_OK)
        die("batch", "seal");
    kci_batch_writer_header(&w, -1, -1, -1, 0, batch);
    memcpy(batch + KCI_BATCH_HEADER_SIZE, memory.chunk.data, memory.chunk.used);
    if (kc_mock_append_raw(r->mock, book_topics[topic], partition, batch,
                           KCI_BATCH_HEADER_SIZE + memory.chunk.used) < 0)
        die("batch", "append");
}

void setup_cluster(run *r)
{
    kc_mock_options options = { .size = sizeof options,
                                .brokers = BROKERS,
                                .racks = "a,b",
                                .port = BASE_PORT,
                                .default_partitions = 1,
                                .version = r->setting->version,
                                .no_fetch_sessions = r->setting->no_sessions,
                                .sasl_plain = r->setting->sasl ? "user:secret" : NULL };
    kc_error why = { 0 };
    if (kci_loop_new(sim_world_sys(r->world), &r->mock_loop) != KC_OK)
        die("loop", "");
    sim_actor_add(r->world, r->mock_loop, "cluster");
    if (kci_mock_new_on(r->mock_loop, &options, &r->mock, &why) != KC_OK)
        die("cluster", why.text);
    if (kc_mock_create_topic(r->mock, "t", 2, 2) != KC_OK ||
        kc_mock_create_topic(r->mock, "u", 1, 2) != KC_OK)
        die("topics", "");
    append_first(r, 0, 0);
    append_first(r, 0, 1);
    append_first(r, 1, 0);
}

static void set(kc_config *config, const char *name, const char *value)
{
    kc_error why = { 0 };
    if (kc_config_set(config, name, value, &why) != KC_OK)
        die(name, why.text);
}

static void set_int(kc_config *config, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    set(config, name, text);
}

static kc_config *make_config(const host_setting *setting)
{
    kc_config *config = kc_config_new();
    if (!config)
        die("config", "no memory");
    set(config, "bootstrap.servers", "127.0.0.1:9000,127.0.0.1:9001");
    set(config, "client.rack", "a");
    set_int(config, "max.block.ms", MAX_BLOCK_MS);
    set_int(config, "delivery.timeout.ms", DELIVERY_MS);
    set_int(config, "request.timeout.ms", 2000);
    set_int(config, "default.api.timeout.ms", 3000);
    set_int(config, "socket.connection.setup.timeout.ms", 2000);
    set_int(config, "linger.ms", 5);
    set_int(config, "buffer.memory", BUFFER_MEMORY);
    set_int(config, "fetch.buffer.bytes", FETCH_BUFFER);
    set_int(config, "fetch.max.wait.ms", 250);
    set_int(config, "fetch.max.bytes", FETCH_BUFFER);
    set_int(config, "max.partition.fetch.bytes", FETCH_BUFFER);
    set_int(config, "receive.message.max.bytes", FRAME_MAX);
    set(config, "auto.offset.reset", "earliest");
    if (setting->sasl) {
        set(config, "security.protocol", "SASL_PLAINTEXT");
        set(config, "sasl.mechanism", "PLAIN");
        set(config, "sasl.username", "user");
        set(config, "sasl.password", "secret");
    }
    return config;
}

static void log_line(void *user, int32_t level, const char *area, const char *text)
{
    (void)level;
    sim_trace(user, "log %s: %s", area, text);
}

void setup_client(run *r)
{
    kc_error why = { 0 };
    kc_config *config = make_config(r->setting);
    if (kci_client_new_on(sim_world_sys(r->world), config, &r->client, &why) != KC_OK)
        die("client", why.text);
    kc_config_free(config);
    sim_actor_add(r->world, kci_client_loop(r->client), "client");
    kc_client_set_log(r->client, log_line, r->world,
                      sim_tracing(r->world) ? KC_LOG_DEBUG : KC_LOG_ERROR);
}

bool host_setting_is_built(int setting)
{
    sim_world *world = sim_world_new(1);
    kc_config *config = make_config(&host_settings[setting]);
    kc_client *client = NULL;
    kc_err err = kci_client_new_on(sim_world_sys(world), config, &client, NULL);
    kc_client_free(client);
    kc_config_free(config);
    sim_world_free(world);
    return err != KC_E_NOT_SUPPORTED;
}
