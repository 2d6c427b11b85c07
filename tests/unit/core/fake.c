/* SPDX-License-Identifier: Apache-2.0 */
#include "fake.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/bytes.h"
#include "base/mem.h"

/* -- sending ------------------------------------------------------------------------------------
 */

typedef struct message {
    kci_out out;
    struct iovec iov;
    uint8_t bytes[];
} message;

static void on_sent(kci_out *out, bool written)
{
    (void)written;
    free(KCI_CONTAINER_OF(out, message, out));
}

void fake_send_raw(kci_conn *conn, const void *data, size_t size)
{
    message *m = malloc(sizeof *m + size);
    memcpy(m->bytes, data, size);
    m->iov = (struct iovec){ m->bytes, size };
    m->out = (kci_out){ .iov = &m->iov, .count = 1, .done = on_sent };
    kci_conn_send(conn, &m->out);
}

void fake_send_frame(kci_conn *conn, const void *data, size_t size)
{
    uint8_t *framed = malloc(size + 4);
    kci_store32(framed, (uint32_t)size);
    memcpy(framed + 4, data, size);
    fake_send_raw(conn, framed, size + 4);
    free(framed);
}

void fake_answer_as(const fake_request *r, int16_t version, int32_t correlation, const void *body)
{
    kci_buf buf = { 0 };
    kc_err err = kci_response_header_encode(r->head.key, version, correlation, &buf);

    if (err == KC_OK)
        err = kci_encode(kci_api_get(r->head.key)->response, version, body, &buf, NULL);
    cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "encoding an answer to %d version %d: %d",
              r->head.key, version, err);
    if (err == KC_OK && !buf.failed)
        fake_send_frame(r->conn, buf.data, buf.size);
    else
        kci_conn_close(r->conn); /* tests of failing allocations hit the brokers too */
    kci_buf_free(&buf);
}

void fake_answer(const fake_request *r, const void *body)
{
    fake_answer_as(r, r->head.version, r->head.correlation_id, body);
}

/* -- answers ------------------------------------------------------------------------------------
 */

static void answer_api_versions(const fake_request *r)
{
    kci_api_versions_response_api_version keys[KCI_API_KEYS];
    kci_api_versions_response body;
    int32_t count = 0;

    kci_msg_init(&kci_api_versions_response_msg, &body);
    for (size_t i = 0; kci_api_at(i); i++) {
        const kci_api *api = kci_api_at(i);
        keys[count++] = (kci_api_versions_response_api_version){
            .api_key = api->key,
            .min_version = api->min_version,
            .max_version =
                api->key == KCI_API_API_VERSIONS ? r->broker->api_versions_max : api->max_version,
        };
    }
    body.api_keys.data = keys;
    body.api_keys.count = count;
    if (r->head.version > r->broker->api_versions_max) {
        body.error_code = KC_E_UNSUPPORTED_VERSION;
        fake_answer_as(r, 0, r->head.correlation_id, &body);
        return;
    }
    fake_answer(r, &body);
}

static bool is_asked(const kci_metadata_request *request, const char *name)
{
    if (request->topics.count < 0)
        return true;
    for (int32_t i = 0; i < request->topics.count; i++)
        if (kci_bytes_equal(request->topics.data[i].name, kc_str(name)))
            return true;
    return false;
}

static void fill_topic(const fake_topic *t, kci_metadata_response_metadata_response_topic *out,
                       kci_metadata_response_metadata_response_partition *partitions)
{
    static int32_t replicas[3] = { 1, 2, 3 };

    kci_msg_init(&kci_metadata_response_msg, &(kci_metadata_response){ 0 });
    *out = (kci_metadata_response_metadata_response_topic){
        .error_code = (int16_t)t->err,
        .name = kc_str(t->name),
        .topic_id = t->id,
        .partitions = { partitions, t->err ? 0 : t->partitions },
    };
    for (int32_t i = 0; i < t->partitions; i++)
        partitions[i] = (kci_metadata_response_metadata_response_partition){
            .error_code = t->leader[i] < 0 ? KC_E_LEADER_NOT_AVAILABLE : 0,
            .partition_index = i,
            .leader_id = t->leader[i],
            .leader_epoch = t->epoch[i],
            .replica_nodes = { replicas, 3 },
            .isr_nodes = { replicas, 2 },
            .offline_replicas = { replicas, 0 },
        };
}

static void answer_metadata(const fake_request *r)
{
    fake *f = r->broker->fake;
    kci_metadata_request request;
    kci_arena arena = { 0 };
    kci_metadata_response body;
    kci_metadata_response_metadata_response_broker brokers[FAKE_BROKERS];
    kci_metadata_response_metadata_response_topic topics[8];
    kci_metadata_response_metadata_response_partition partitions[8][FAKE_PARTITIONS];
    kci_reader in = r->body;
    int32_t count = 0;

    kc_err err = kci_decode(&kci_metadata_request_msg, r->head.version, &in, &arena, &request);
    if (err != KC_OK) {
        cr_assert_eq(err, KC_E_NO_MEMORY);
        kci_conn_close(r->conn);
        kci_arena_free(&arena);
        return;
    }
    f->last_metadata = request;
    kci_msg_init(&kci_metadata_response_msg, &body);
    body.error_code = f->metadata_err;
    body.throttle_time_ms = f->throttle_ms;
    body.cluster_id = kc_str(f->cluster_id);
    body.controller_id = f->controller;
    for (int i = 0; i < f->broker_count; i++)
        brokers[i] =
            (kci_metadata_response_metadata_response_broker){ f->brokers[i].id, kc_str("10.0.0.1"),
                                                              f->brokers[i].port, kc_str("r") };
    body.brokers.data = brokers;
    body.brokers.count = f->broker_count;
    for (int i = 0; i < f->topic_count; i++)
        if (is_asked(&request, f->topics[i].name)) {
            fill_topic(&f->topics[i], &topics[count], partitions[count]);
            count++;
        }
    body.topics.data = topics;
    body.topics.count = count;
    fake_answer(r, &body);
    kci_arena_free(&arena);
}

static void answer_default(const fake_request *r)
{
    const kci_msg *msg = kci_api_get(r->head.key)->response;
    void *body = calloc(1, msg->size);

    kci_msg_init(msg, body);
    if (r->head.key == KCI_API_HEARTBEAT)
        ((kci_heartbeat_response *)body)->throttle_time_ms = r->broker->fake->throttle_ms;
    fake_answer(r, body);
    free(body);
}

static void on_frame(void *arg, kci_conn *conn, kci_frame *frame)
{
    fake_broker *b = arg;
    fake_request r = { .broker = b, .conn = conn };

    r.body = kci_reader_of(frame->data, frame->size);
    cr_assert_eq(kci_request_header_decode(&r.body, &r.head), KC_OK);
    if (b->total < (int)KCI_COUNT_OF(b->times))
        b->times[b->total] = sim_now(b->fake->world);
    b->total++;
    b->requests[r.head.key]++;
    if (!b->mute && !(b->fake->hook && b->fake->hook(b->fake, &r))) {
        if (r.head.key == KCI_API_API_VERSIONS)
            answer_api_versions(&r);
        else if (r.head.key == KCI_API_METADATA)
            answer_metadata(&r);
        else if (r.head.key != KCI_API_PRODUCE)
            answer_default(&r);
    }
    kci_frame_unref(frame);
}

/* -- connections --------------------------------------------------------------------------------
 */

static void on_up(void *arg, kci_conn *conn)
{
    (void)arg, (void)conn;
}

static void on_closed(void *arg, kci_conn *conn, kc_err err, const char *why)
{
    fake_broker *b = arg;

    (void)err, (void)why;
    for (int i = 0; i < b->conn_count; i++)
        if (b->conns[i] == conn) {
            b->conns[i] = b->conns[--b->conn_count];
            return;
        }
}

static const kci_conn_ops ops = { on_up, on_frame, on_closed };

static void on_accept(void *arg, int sock)
{
    fake_broker *b = arg;
    kci_conn_params params = {
        .max_frame = 1 << 26, .setup_timeout_us = 1000000, .send_buffer = -1, .receive_buffer = -1
    };

    cr_assert_lt(b->conn_count, (int)KCI_COUNT_OF(b->conns));
    if (b->accepted < (int)KCI_COUNT_OF(b->accept_times))
        b->accept_times[b->accepted] = sim_now(b->fake->world);
    b->accepted++;
    kc_err err = kci_conn_serve(b->fake->loop, sock, &params, &ops, b, &b->conns[b->conn_count]);
    cr_assert(err == KC_OK || err == KC_E_NO_MEMORY);
    if (err == KC_OK)
        b->conn_count++;
}

kci_addr fake_address(uint16_t port)
{
    struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
    kci_addr addr = { .len = sizeof in };

    inet_pton(AF_INET, "10.0.0.1", &in.sin_addr);
    memcpy(&addr.sa, &in, sizeof in);
    return addr;
}

void fake_broker_start(fake_broker *b)
{
    kci_addr addr = fake_address(b->port);

    cr_assert_eq(kci_listener_open(b->fake->loop, &addr, on_accept, b, &b->listener), KC_OK);
    b->up = true;
}

void fake_broker_hang_up(fake_broker *b)
{
    for (int i = 0; i < b->conn_count; i++)
        kci_conn_close(b->conns[i]);
}

void fake_broker_stop(fake_broker *b)
{
    if (!b->up)
        return;
    b->up = false;
    kci_listener_close(b->listener);
    sim_reset_port(b->fake->world, b->port);
    fake_broker_hang_up(b);
}

/* -- the world ----------------------------------------------------------------------------------
 */

static void make_client(fake *f, const char *const *properties)
{
    kc_error detail = { 0 };

    f->config = kc_config_new();
    kc_config_set(f->config, "bootstrap.servers", "10.0.0.1:9001,10.0.0.1:9002", NULL);
    kc_config_set(f->config, "log.level", "off", NULL);
    for (int i = 0; properties && properties[i]; i++) {
        char name[100];
        const char *equals = strchr(properties[i], '=');
        snprintf(name, sizeof name, "%.*s", (int)(equals - properties[i]), properties[i]);
        kc_err err = kc_config_set(f->config, name, equals + 1, &detail);
        cr_assert_eq(err, KC_OK, "%s: %s", properties[i], detail.text);
    }
    kc_err err = kci_client_new_on(sim_world_sys(f->world), f->config, &f->client, &detail);
    cr_assert_eq(err, KC_OK, "%s", detail.text);
    sim_actor_add(f->world, kci_client_loop(f->client), "client");
}

void fake_init(fake *f, int brokers, const char *const *properties)
{
    memset(f, 0, sizeof *f);
    f->world = sim_world_new(42);
    f->controller = 1;
    f->cluster_id = "cluster";
    cr_assert_eq(kci_loop_new(sim_world_sys(f->world), &f->loop), KC_OK);
    sim_actor_add(f->world, f->loop, "brokers");
    for (int i = 0; i < brokers; i++) {
        fake_broker *b = &f->brokers[f->broker_count++];
        *b = (fake_broker){
            .fake = f, .id = i + 1, .port = (uint16_t)(FAKE_PORT + i + 1), .api_versions_max = 4
        };
        fake_broker_start(b);
    }
    make_client(f, properties);
}

void fake_free(fake *f)
{
    if (f->client) {
        sim_actor_remove(f->world, kci_client_loop(f->client));
        kc_client_free(f->client);
    }
    kc_config_free(f->config);
    fake_run(f, 3000); /* lookups end, the brokers see the ends of connections */
    cr_assert_eq(sim_open_sockets(f->world), 0, "sockets are left open");
    for (int i = 0; i < f->broker_count; i++)
        fake_broker_stop(&f->brokers[i]);
    fake_run(f, 1000);
    sim_actor_remove(f->world, f->loop);
    kci_loop_free(f->loop);
    sim_world_free(f->world);
}

void fake_run(fake *f, int64_t ms)
{
    sim_run_until(f->world, sim_now(f->world) + ms * 1000, NULL);
}

bool fake_until(fake *f, const bool *flag, int64_t ms)
{
    sim_run_until(f->world, sim_now(f->world) + ms * 1000, flag);
    return *flag;
}

fake_topic *fake_add_topic(fake *f, const char *name, int32_t partitions)
{
    fake_topic *t = &f->topics[f->topic_count++];

    *t = (fake_topic){ .name = name, .partitions = partitions };
    t->id.bytes[15] = (uint8_t)f->topic_count;
    for (int32_t i = 0; i < partitions; i++) {
        t->leader[i] = 1 + i % f->broker_count;
        t->epoch[i] = 1;
    }
    return t;
}

int fake_total(const fake *f, int16_t api)
{
    int total = 0;
    for (int i = 0; i < f->broker_count; i++)
        total += f->brokers[i].requests[api];
    return total;
}

/* -- calls --------------------------------------------------------------------------------------
 */

int probe_order;

static void on_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    probe *p = KCI_CONTAINER_OF(call, probe, call);

    cr_assert_eq((response != NULL), err == KC_OK && !call->no_response);
    p->done_count++;
    cr_assert_eq(p->done_count, 1, "a call ended twice");
    p->done = true;
    p->err = err;
    p->order = ++probe_order;
    p->done_us = sim_now(p->fake->world);
    snprintf(p->why, sizeof p->why, "%s", why);
    if (response) {
        p->had_response = true;
        p->version = response->version;
        p->node = response->node;
        if (call->api == KCI_API_HEARTBEAT)
            p->throttle_ms = ((const kci_heartbeat_response *)response->body)->throttle_time_ms;
    }
    if (p->on_done)
        p->on_done(p);
}

void probe_init(probe *p, fake *f, int32_t node, kci_class cls)
{
    *p = (probe){ .fake = f };
    kci_msg_init(&kci_heartbeat_request_msg, &p->body.heartbeat);
    p->call = (kci_call){ .api = KCI_API_HEARTBEAT,
                          .cls = cls,
                          .node = node,
                          .max_version = KCI_ANY_VERSION,
                          .body = &p->body,
                          .done = on_done };
}

void probe_start(probe *p)
{
    kci_call_start(p->fake->client, &p->call);
    cr_assert(!p->done, "done() was called from inside kci_call_start()");
}
