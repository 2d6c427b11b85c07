/* SPDX-License-Identifier: Apache-2.0 */
/* A client's connection: frames come in, one request at a time is served, and answers go out in
 * order. Whatever is malformed ends the connection, as it does at a broker. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"
#include "mock/server.h"

enum {
    REQUEST_MAX = 100 * 1024 * 1024, /* socket.request.max.bytes */
    QUEUE_FULL = 2,                  /* requests behind the present one: then it stops reading */
    UNSENT_FULL = 1024 * 1024,       /* bytes of answers: then what is behind them waits */
    SETUP_US = 30 * 1000 * 1000
};

void kci_mock_client_end(kci_mock_client *c)
{
    if (c->state == KCI_MOCK_ENDING)
        return;
    c->state = KCI_MOCK_ENDING;
    c->request.waiting = false;
    kci_timer_stop(c->door->mock->loop, &c->timer);
    kci_link_remove(&c->request.ready);
    kci_mock_request_unwatch(&c->request);
    kci_conn_close(c->conn);
}

static void set_timer(kci_mock_client *c, kci_mock_client_state state, int64_t at_us)
{
    c->state = state;
    kci_timer_set(c->door->mock->loop, &c->timer, at_us);
}

static int64_t now(const kci_mock_client *c)
{
    return kci_loop_now(c->door->mock->loop);
}

/* The request is done with: the connection is free for the next, at once or when its time comes. */
static void finish(kci_mock_client *c)
{
    int32_t throttle_ms = c->request.plan.throttle_ms;
    kci_mock_request_reset(&c->request);
    if (throttle_ms > 0)
        set_timer(c, KCI_MOCK_MUTED, now(c) + 1000 * (int64_t)throttle_ms);
    else
        c->state = KCI_MOCK_IDLE;
}

/* Sends what is to be sent (NULL: nothing), unless a fault wants otherwise. */
static void deliver(kci_mock_client *c, kci_mock_answer *answer)
{
    const kci_mock_plan *plan = &c->request.plan;
    if (plan->lose_answer) {
        kci_mock_answer_free(answer);
        kci_mock_client_end(c);
        return;
    }
    if (plan->hang) {
        kci_mock_answer_free(answer);
        kci_mock_request_reset(&c->request);
        c->state = KCI_MOCK_HUNG;
        return;
    }
    bool last = answer && kci_mock_answer_is_last(answer);
    finish(c);
    if (last) { /* nothing may follow it on this connection */
        kci_timer_stop(c->door->mock->loop, &c->timer);
        c->state = KCI_MOCK_HUNG;
    }
    if (answer)
        kci_mock_answer_send(c, answer);
}

static void conclude(kci_mock_client *c, kci_mock_outcome outcome)
{
    kci_mock_request *r = &c->request;
    kci_mock_answer *answer = NULL;
    if (outcome == KCI_MOCK_WAIT) {
        r->waiting = true;
        set_timer(c, KCI_MOCK_WAITING, r->deadline_us);
        return;
    }
    kci_mock_request_unwatch(r);
    if (outcome == KCI_MOCK_ANSWER)
        answer = kci_mock_answer_new(c, r->answer, -1);
    if (outcome == KCI_MOCK_CLOSE || (outcome == KCI_MOCK_ANSWER && !answer)) {
        kci_mock_client_end(c);
        return;
    }
    if (r->plan.delay_ms > 0) {
        c->held = answer;
        set_timer(c, KCI_MOCK_DELAYED, now(c) + 1000 * (int64_t)r->plan.delay_ms);
        return;
    }
    deliver(c, answer);
}

static void tell(kci_mock_client *c)
{
    kc_mock *mock = c->door->mock;
    const kci_mock_request *r = &c->request;
    if (r->key >= 0 && r->key < KCI_MOCK_APIS)
        c->door->broker->requests[r->key]++;
    if (!mock->request_log)
        return;
    kc_mock_request seen = { .size = sizeof seen,
                             .broker = c->door->broker->id,
                             .api = r->key,
                             .version = r->version,
                             .correlation_id = r->correlation_id,
                             .api_name = kci_api_name(r->key),
                             .client_id = r->client_id,
                             .bytes = r->frame->size,
                             .connection = c->number };
    mock->request_log(mock->request_user, &seen);
}

/* ApiVersions of a version that is not there is answered in a form that everyone reads (KIP-511).
 */
static void refuse_api_versions(kci_mock_client *c)
{
    kci_api_versions_response out;
    kci_mock_answer *answer = NULL;
    if (kci_mock_api_versions_unsupported(&c->request, &out) == KC_OK)
        answer = kci_mock_answer_new(c, &out, 0);
    if (answer)
        deliver(c, answer);
    else
        kci_mock_client_end(c);
}

/* Only these may come before authentication. */
static bool is_allowed(const kci_mock_client *c)
{
    int16_t key = c->request.key;
    return !c->door->mock->cluster.sasl_plain || c->auth.done || key == KCI_API_API_VERSIONS ||
           key == KCI_API_SASL_HANDSHAKE || key == KCI_API_SASL_AUTHENTICATE;
}

static kc_err decode_body(kci_mock_request *r, kci_reader *in)
{
    const kci_api *api = kci_api_get(r->key);
    r->body = kci_arena_alloc(&r->arena, api->request->size);
    r->answer = kci_arena_alloc(&r->arena, api->response->size);
    if (!r->body || !r->answer)
        return KC_E_NO_MEMORY;
    kci_msg_init(api->response, r->answer);
    kc_err err = kci_decode(api->request, r->version, in, &r->arena, r->body);
    if (err == KC_OK && kci_rd_left(in) > 0)
        err = KC_E_PROTOCOL;
    return err;
}

/* The request is known and well-formed: faults, then its API. */
static void serve(kci_mock_client *c)
{
    kc_mock *mock = c->door->mock;
    kci_mock_request *r = &c->request;
    if (kci_mock_faults_match(&mock->faults, r) != KC_OK || r->plan.disconnect) {
        kci_mock_client_end(c);
        return;
    }
    if (r->plan.hang && !r->plan.hang_applied) {
        deliver(c, NULL);
        return;
    }
    conclude(c, r->api->serve(r));
}

static void refuse(kci_mock_client *c)
{
    c->door->broker->malformed++;
    kci_mock_client_end(c);
}

static void begin(kci_mock_client *c, kci_frame *frame)
{
    kci_mock_request *r = &c->request;
    c->state = KCI_MOCK_SERVING;
    r->frame = frame;
    kci_reader in = kci_reader_of(frame->data, frame->size);
    kci_request_head head;
    if (kci_request_header_decode(&in, &head) != KC_OK) {
        refuse(c);
        return;
    }
    r->key = head.key;
    r->version = head.version;
    r->correlation_id = head.correlation_id;
    r->client_id = head.client_id;
    tell(c);
    if (c->state != KCI_MOCK_SERVING)
        return; /* the log's callback took the broker down */
    r->api = kci_mock_api_get(r->broker, head.key);
    bool known = r->api && head.version >= kci_api_get(head.key)->min_version &&
                 head.version <= kci_mock_api_max(r->broker, r->api);
    if (!known && head.key == KCI_API_API_VERSIONS) {
        refuse_api_versions(c);
        return;
    }
    kc_err err = known && is_allowed(c) ? decode_body(r, &in) : KC_E_UNSUPPORTED_VERSION;
    if (err == KC_OK)
        serve(c);
    else if (err == KC_E_PROTOCOL)
        refuse(c);
    else /* of an upgraded broker's versions, say */
        kci_mock_client_end(c);
}

/* A client that does not read its answers gets no more of them. */
static bool is_stuffed(const kci_mock_client *c)
{
    return kci_conn_queued(c->conn) > UNSENT_FULL;
}

/* Serves what is queued until something has to wait. */
static void pump(kci_mock_client *c)
{
    while (c->state == KCI_MOCK_IDLE && c->queue_count > 0 && !is_stuffed(c)) {
        kci_frame *frame = c->queue[c->queue_first++];
        c->queue_count--;
        begin(c, frame);
    }
    if (c->queue_count == 0)
        c->queue_first = 0;
    /* A peer that hangs up is noticed while reading only; what a hung one sends is dropped. */
    if (c->state != KCI_MOCK_ENDING)
        kci_conn_set_reading(c->conn, c->state == KCI_MOCK_HUNG || c->queue_count < QUEUE_FULL);
}

static bool enqueue(kci_mock_client *c, kci_frame *frame)
{
    if (c->queue_first + c->queue_count == c->queue_cap) {
        size_t cap = c->queue_cap ? 2 * c->queue_cap : 4;
        kci_frame **list = kci_realloc_array(c->queue, cap, sizeof(kci_frame *));
        if (!list)
            return false;
        c->queue = list;
        c->queue_cap = cap;
    }
    c->queue[c->queue_first + c->queue_count++] = frame;
    return true;
}

static void on_frame(void *arg, kci_conn *conn, kci_frame *frame)
{
    (void)conn;
    kci_mock_client *c = arg;
    kci_mock_tick(c->door->mock);
    if (c->state == KCI_MOCK_ENDING || c->state == KCI_MOCK_HUNG) {
        kci_frame_unref(frame);
        return;
    }
    if (c->state == KCI_MOCK_IDLE && c->queue_count == 0 && !is_stuffed(c)) {
        begin(c, frame);
        return;
    }
    if (!enqueue(c, frame)) {
        kci_frame_unref(frame);
        kci_mock_client_end(c);
        return;
    }
    pump(c);
}

void kci_mock_client_sent(kci_mock_client *c)
{
    if (c->state != KCI_MOCK_IDLE || c->queue_count == 0)
        return;
    kci_mock_tick(c->door->mock);
    pump(c);
}

static void on_timer(kci_timer *timer)
{
    kci_mock_client *c = KCI_CONTAINER_OF(timer, kci_mock_client, timer);
    kci_mock_tick(c->door->mock);
    if (c->state == KCI_MOCK_WAITING) {
        c->request.timed_out = true;
        kci_mock_client_resume(c);
        return;
    }
    if (c->state == KCI_MOCK_DELAYED) {
        kci_mock_answer *answer = c->held;
        c->held = NULL;
        deliver(c, answer);
    } else if (c->state == KCI_MOCK_MUTED) {
        c->state = KCI_MOCK_IDLE;
    }
    pump(c);
}

void kci_mock_client_resume(kci_mock_client *c)
{
    kci_mock_request *r = &c->request;
    kci_timer_stop(c->door->mock->loop, &c->timer);
    kci_link_remove(&r->ready);
    r->waiting = false;
    c->state = KCI_MOCK_SERVING;
    conclude(c, r->api->resume(r));
    pump(c);
}

static void release(kci_mock_client *c)
{
    kc_mock *mock = c->door->mock;
    kci_mock_request_free(&c->request);
    kci_mock_answer_free(c->held);
    for (size_t i = 0; i < c->queue_count; i++)
        kci_frame_unref(c->queue[c->queue_first + i]);
    kci_free(c->queue);
    kci_timer_stop(mock->loop, &c->timer);
    kci_loop_reserve_timers(mock->loop, -1);
    kci_free(c);
}

static void on_closed(void *arg, kci_conn *conn, kc_err err, const char *why)
{
    (void)conn;
    (void)err;
    (void)why;
    kci_mock_client *c = arg;
    c->door->broker->connections--;
    c->door->mock->client_count--;
    kci_link_remove(&c->link);
    release(c);
}

static void on_up(void *arg, kci_conn *conn)
{
    (void)arg;
    (void)conn;
}

static kci_mock_client *client_new(kci_mock_door *door)
{
    kc_mock *mock = door->mock;
    kci_mock_client *c = kci_calloc(1, sizeof *c);
    if (!c)
        return NULL;
    if (kci_loop_reserve_timers(mock->loop, 1) != KC_OK) {
        kci_free(c);
        return NULL;
    }
    c->door = door;
    c->number = ++mock->last_number;
    c->timer.fn = on_timer;
    c->request.cluster = &mock->cluster;
    c->request.broker = door->broker;
    c->request.auth = &c->auth;
    return c;
}

void kci_mock_client_accept(void *arg, int sock)
{
    static const kci_conn_ops ops = { on_up, on_frame, on_closed };
    kci_mock_door *door = arg;
    kc_mock *mock = door->mock;
    kci_sys *sys = kci_loop_sys(mock->loop);
    kci_mock_client *c = client_new(door);
    if (!c) {
        sys->sock_close(sys, sock);
        return;
    }
    kci_conn_params params = { .tls = mock->tls,
                               .setup_timeout_us = SETUP_US,
                               .send_buffer = -1,
                               .receive_buffer = -1,
                               .max_frame = REQUEST_MAX,
                               .pool = mock->pool };
    if (kci_conn_serve(mock->loop, sock, &params, &ops, c, &c->conn) != KC_OK) {
        release(c);
        return;
    }
    kci_list_push_back(&door->clients, &c->link);
    door->broker->connections++;
    door->broker->accepted++;
    mock->client_count++;
}
