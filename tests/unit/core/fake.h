/* SPDX-License-Identifier: Apache-2.0 */
/* Scripted brokers in a simulated world, for tests of the core: virtual time, no threads, no
 * sockets. Each answers ApiVersions and Metadata truthfully about the others, and every other
 * request with an empty response of its API; a test's hook may do otherwise. Also the client under
 * test and its calls.
 */
#ifndef TESTS_UNIT_CORE_FAKE_H
#define TESTS_UNIT_CORE_FAKE_H

#include "base/list.h"
#include "base/mem.h"
#include "core/client.h"
#include "core/state.h"
#include "core/versions.h"
#include "io/conn.h"
#include "sim/world.h"
#include "wire/messages.h"

enum { FAKE_BROKERS = 8, FAKE_PORT = 9000, FAKE_PARTITIONS = 64 };

typedef struct fake_broker fake_broker;

/* One request as it came. */
typedef struct fake_request {
    fake_broker *broker;
    kci_conn *conn;
    kci_request_head head;
    kci_reader body;
} fake_request;

struct fake_broker {
    struct fake *fake;
    int32_t id;
    uint16_t port;
    bool up;
    kci_listener *listener;
    kci_conn *conns[64];
    int conn_count; /* open now */
    int accepted;
    int requests[KCI_API_KEYS];
    int total;
    int64_t times[4096]; /* when requests came; the first ones */
    int64_t accept_times[1024];
    int16_t api_versions_max; /* of ApiVersions itself */
    bool mute;                /* takes requests, answers nothing */
};

typedef struct fake_topic {
    const char *name;
    kc_uuid id;
    kc_err err;
    int32_t partitions;
    int32_t leader[FAKE_PARTITIONS], epoch[FAKE_PARTITIONS];
} fake_topic;

typedef struct fake {
    sim_world *world;
    kci_loop *loop;
    fake_broker brokers[FAKE_BROKERS];
    int broker_count;
    fake_topic topics[8];
    int topic_count;
    int32_t controller;
    const char *cluster_id;
    int16_t metadata_err;
    int32_t throttle_ms;
    /* True: the hook has dealt with it (answered by fake_answer, or not). */
    bool (*hook)(struct fake *fake, const fake_request *request);
    void *arg;
    kci_metadata_request last_metadata; /* its strings are gone: counts and flags only */
    kc_client *client;
    kc_config *config;
} fake;

/* A world with so many brokers, ids 1 to n, and a client that knows the first two. `properties`:
 * "name=value" strings, ended by NULL. */
void fake_init(fake *f, int brokers, const char *const *properties);
void fake_free(fake *f); /* closes the client, if any, and checks that nothing is left */

void fake_broker_stop(fake_broker *b); /* as if killed: connections reset, port closed */
void fake_broker_start(fake_broker *b);
void fake_broker_hang_up(fake_broker *b); /* closes its connections, goes on listening */

/* Sends a response to a request: of its API and version, or of another version. */
void fake_answer(const fake_request *request, const void *body);
void fake_answer_as(const fake_request *request, int16_t version, int32_t correlation,
                    const void *body);
/* Bytes as a frame, or without one. */
void fake_send_frame(kci_conn *conn, const void *data, size_t size);
void fake_send_raw(kci_conn *conn, const void *data, size_t size);

kci_addr fake_address(uint16_t port);

/* Virtual time passes, or until *flag. */
void fake_run(fake *f, int64_t ms);
bool fake_until(fake *f, const bool *flag, int64_t ms);

fake_topic *fake_add_topic(fake *f, const char *name, int32_t partitions);

int fake_total(const fake *f, int16_t api);

/* A call and what became of it. */
typedef struct probe {
    kci_call call;
    union {
        kci_find_coordinator_request find;
        kci_heartbeat_request heartbeat;
        kci_join_group_request join;
        kci_metadata_request metadata;
        kci_produce_request produce;
    } body;
    fake *fake;
    int done_count;
    bool done;
    kc_err err;
    bool had_response;
    int16_t version;
    int32_t node, throttle_ms;
    int64_t done_us;
    int order;
    char why[600];
    void (*on_done)(struct probe *probe);
} probe;

extern int probe_order; /* counts the ends of probes */

/* A Heartbeat: small, and nothing in the core cares for it. */
void probe_init(probe *p, fake *f, int32_t node, kci_class cls);
void probe_start(probe *p);

#endif
