/* SPDX-License-Identifier: Apache-2.0 */
/* How connections come up, fail, back off and go idle. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "fake.h"

TestSuite(connect, .timeout = 60);

static fake f;

static void begin(int brokers, const char *const *properties)
{
    fake_init(&f, brokers, properties);
}

/* Learns where the brokers are. */
static void settle(void)
{
    fake_add_topic(&f, "t", 3);
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1000);
}

static kc_err call_any(probe *p)
{
    probe_init(p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p->call.timeout_us = 5000000;
    probe_start(p);
    cr_assert(fake_until(&f, &p->done, 6000));
    return p->err;
}

/* -- versions -----------------------------------------------------------------------------------
 */

Test(connect, api_versions_goes_down_to_what_the_broker_knows)
{
    for (int16_t known = 0; known <= 4; known++) {
        probe p;
        begin(1, NULL);
        f.brokers[0].api_versions_max = known;
        cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
        cr_assert_eq(f.brokers[0].requests[KCI_API_API_VERSIONS], known < 4 ? 2 : 1);
        fake_free(&f);
    }
}

static bool refuse_without_list(struct fake *of, const fake_request *r)
{
    kci_api_versions_response body;

    (void)of;
    if (r->head.key != KCI_API_API_VERSIONS || r->head.version == 0)
        return false;
    kci_msg_init(&kci_api_versions_response_msg, &body);
    body.error_code = KC_E_UNSUPPORTED_VERSION;
    fake_answer_as(r, 0, r->head.correlation_id, &body);
    return true;
}

Test(connect, an_old_broker_refuses_without_saying_what_it_knows)
{
    probe p;

    begin(1, NULL);
    f.hook = refuse_without_list;
    cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
    fake_free(&f);
}

static bool refuse_always(struct fake *of, const fake_request *r)
{
    kci_api_versions_response body;

    (void)of;
    if (r->head.key != KCI_API_API_VERSIONS)
        return false;
    kci_msg_init(&kci_api_versions_response_msg, &body);
    body.error_code = KC_E_UNSUPPORTED_VERSION;
    fake_answer_as(r, 0, r->head.correlation_id, &body);
    return true;
}

Test(connect, a_broker_that_refuses_every_version_is_no_endless_dialogue)
{
    probe p;

    begin(1, (const char *const[]){ "bootstrap.servers=10.0.0.1:9001", NULL });
    f.hook = refuse_always;
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "UNSUPPORTED_VERSION"), "%s", p.why);
    cr_assert_lt(f.brokers[0].total, 60);
    fake_free(&f);
}

static bool advertise(struct fake *of, const fake_request *r)
{
    kci_api_versions_response_api_version keys[] = { { KCI_API_PRODUCE, 0, 20 },
                                                     { KCI_API_FETCH, 13, 13 },
                                                     { KCI_API_HEARTBEAT, -5, 3 },
                                                     { KCI_API_METADATA, 0, 32000 },
                                                     { 999, 0, 1 },
                                                     { -1, 0, 1 } };
    kci_api_versions_response body;

    (void)of;
    if (r->head.key != KCI_API_API_VERSIONS)
        return false;
    kci_msg_init(&kci_api_versions_response_msg, &body);
    body.api_keys.data = keys;
    body.api_keys.count = 6;
    fake_answer(r, &body);
    return true;
}

Test(connect, versions_in_use_are_known_to_both)
{
    begin(1, NULL);
    f.hook = advertise;
    settle();
    int16_t produce = kci_api_get(KCI_API_PRODUCE)->max_version;
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_PRODUCE, 0, 99),
                 produce);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_PRODUCE, 0, 2), -2);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_FETCH, 0, 99), 13);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_FETCH, 0, 12), -2);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_HEARTBEAT, 0, 99), 3);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_CONTROL, 0, KCI_API_JOIN_GROUP, 0, 99),
                 -2);
    fake_free(&f);
}

/* -- peers that are no brokers ------------------------------------------------------------------
 */

static const char *peer_says;
static size_t peer_size;

static bool say(struct fake *of, const fake_request *r)
{
    (void)of;
    fake_send_raw(r->conn, peer_says, peer_size);
    return true;
}

static const char *const only_one[] = { "bootstrap.servers=10.0.0.1:9001", NULL };

static void meet(const char *bytes, size_t size, const char *expected)
{
    probe p;

    begin(1, only_one);
    peer_says = bytes;
    peer_size = size;
    f.hook = say;
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, expected), "%s", p.why);
    cr_assert_lt(f.brokers[0].accepted, 30, "%d connections", f.brokers[0].accepted);
    fake_free(&f);
}

Test(connect, an_http_server)
{
    meet("HTTP/1.1 400 Bad Request\r\n\r\n", 28, "HTTP");
}

Test(connect, a_tls_server)
{
    meet("\x15\x03\x03\x00\x02\x02\x46", 7, "TLS");
}

Test(connect, a_frame_of_nonsense)
{
    meet("\0\0\0\x08nonsense", 12, "first bytes are not an answer");
}

Test(connect, an_empty_list_of_versions)
{
    meet("\0\0\0\x0a\0\0\0\0\0\0\0\0\0\0", 14, "no");
}

static bool hang_up(struct fake *of, const fake_request *r)
{
    (void)of;
    kci_conn_close(r->conn);
    return true;
}

Test(connect, a_peer_that_hangs_up_at_once)
{
    probe p;

    begin(1, only_one);
    f.hook = hang_up;
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "security.protocol"), "%s", p.why);
    fake_free(&f);
}

Test(connect, a_peer_that_says_nothing)
{
    const char *const fast[] = { "socket.connection.setup.timeout.ms=2000",
                                 "socket.connection.setup.timeout.max.ms=8000",
                                 "bootstrap.servers=10.0.0.1:9001", NULL };
    probe p;

    begin(1, fast);
    f.brokers[0].mute = true;
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 60000000;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 61000));
    cr_assert_eq(p.err, KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "does not answer"), "%s", p.why);
    /* 2 s, 4 s, 8 s, 8 s ... */
    int64_t first = f.brokers[0].accept_times[1] - f.brokers[0].accept_times[0];
    int64_t last = f.brokers[0].accept_times[5] - f.brokers[0].accept_times[4];
    cr_assert(first > 2000000 && first < 2300000, "%lld", (long long)first);
    cr_assert(last > 8000000 && last < 9300000, "%lld", (long long)last);
    fake_free(&f);
}

/* ApiVersions is a request too. */
Test(connect, a_silent_peer_has_request_timeout_ms)
{
    const char *const fast[] = { "request.timeout.ms=500", "bootstrap.servers=10.0.0.1:9001",
                                 NULL };
    probe p;

    begin(1, fast);
    f.brokers[0].mute = true;
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 10000000;
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 11000));
    cr_assert_eq(p.err, KC_E_TIMED_OUT);
    int64_t first = f.brokers[0].accept_times[1] - f.brokers[0].accept_times[0];
    int64_t last = f.brokers[0].accept_times[3] - f.brokers[0].accept_times[2];
    cr_assert(first > 500000 && first < 700000, "%lld", (long long)first);
    cr_assert(last > 500000 && last < 1000000, "%lld", (long long)last);
    fake_free(&f);
}

/* -- addresses ----------------------------------------------------------------------------------
 */

static uint16_t name_ports[3]; /* what every name resolves to, all on one host */

static void resolve_three(kci_sys *sys, const char *host, uint16_t port, kci_resolve_fn done,
                          void *arg)
{
    kci_addr addrs[3];

    (void)sys, (void)host, (void)port;
    for (int i = 0; i < 3; i++)
        addrs[i] = fake_address(name_ports[i]);
    done(arg, KC_OK, addrs, 3, "");
}

static void use_three_addresses(uint16_t a, uint16_t b, uint16_t c)
{
    static const char *const name[] = { "bootstrap.servers=kafka:9092", NULL };

    name_ports[0] = a;
    name_ports[1] = b;
    name_ports[2] = c;
    begin(3, name);
    sim_world_sys(f.world)->resolve = resolve_three;
}

Test(connect, every_address_of_a_name_is_tried)
{
    for (int round = 0; round < 6; round++) {
        probe p;
        use_three_addresses(1, 9003, 2);
        cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
        cr_assert_eq(atomic_load(&kci_client_stats(f.client)->connect_failures), 0);
        fake_free(&f);
    }
}

Test(connect, in_another_order_each_time)
{
    use_three_addresses(9001, 9002, 9003);
    for (int i = 0; i < 40; i++) {
        probe p;
        cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
        for (int k = 0; k < 3; k++)
            fake_broker_hang_up(&f.brokers[k]);
        fake_run(&f, 100);
    }
    for (int k = 0; k < 3; k++)
        cr_assert_geq(f.brokers[k].accepted, 5, "broker %d: %d", k, f.brokers[k].accepted);
    fake_free(&f);
}

Test(connect, a_name_without_any_address_that_answers)
{
    probe p;

    use_three_addresses(1, 2, 3);
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "kafka:9092"), "%s", p.why);
    cr_assert(strstr(p.why, "10.0.0.1:3"), "%s", p.why);
    fake_free(&f);
}

/* -- failure and backoff ------------------------------------------------------------------------
 */

Test(connect, a_name_that_does_not_resolve)
{
    const char *const name[] = { "bootstrap.servers=nowhere:9001", NULL };
    probe p;

    begin(1, name);
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    cr_assert(strstr(p.why, "nowhere:9001"), "%s", p.why);
    cr_assert(strstr(p.why, "resolve"), "%s", p.why);
    sim_dns_set(f.world, "nowhere", "10.0.0.1");
    cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
    fake_free(&f);
}

Test(connect, pauses_grow_to_their_limit)
{
    const char *const pauses[] = { "reconnect.backoff.ms=100", "reconnect.backoff.max.ms=2000",
                                   "bootstrap.servers=10.0.0.1:9001", NULL };
    probe p;

    begin(1, pauses);
    f.hook = hang_up;
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 60000000;
    probe_start(&p);
    fake_run(&f, 40000);
    const int64_t *at = f.brokers[0].accept_times;
    cr_assert_geq(f.brokers[0].accepted, 20);
    cr_assert_leq(f.brokers[0].accepted, 32);
    cr_assert_leq(at[1] - at[0], 150000);
    cr_assert_leq(at[2] - at[1], 280000);
    cr_assert_geq(at[2] - at[1], 150000);
    for (int i = 10; i < 20; i++) {
        cr_assert_geq(at[i] - at[i - 1], 1500000);
        cr_assert_leq(at[i] - at[i - 1], 2100000);
    }
    fake_free(&f);
}

/* Whatever is set, 10 attempts a second are the most. */
Test(connect, without_pauses_there_is_no_storm)
{
    const char *const none[] = { "reconnect.backoff.ms=0", "reconnect.backoff.max.ms=0",
                                 "bootstrap.servers=10.0.0.1:9001", NULL };
    probe p;

    begin(1, none);
    f.hook = hang_up;
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    p.call.timeout_us = 60000000;
    probe_start(&p);
    fake_run(&f, 40000);
    cr_assert_geq(f.brokers[0].accepted, 200);
    cr_assert_leq(f.brokers[0].accepted, 420);
    fake_free(&f);
}

static bool malformed(struct fake *of, const fake_request *r)
{
    (void)of;
    if (r->head.key != KCI_API_HEARTBEAT)
        return false;
    fake_send_frame(r->conn, "\xff\xff\xff\xff\xff\xff", 6);
    return true;
}

static int attempts;

static void again(probe *p)
{
    attempts++;
    p->done = false;
    p->done_count = 0;
    kci_call_start(f.client, &p->call);
}

Test(connect, one_that_comes_up_and_breaks_at_once_backs_off_too)
{
    probe p;

    begin(1, NULL);
    settle();
    f.hook = malformed;
    probe_init(&p, &f, 1, KCI_CLASS_GROUP);
    p.on_done = again;
    probe_start(&p);
    fake_run(&f, 30000);
    cr_assert_geq(attempts, 20);
    cr_assert_leq(attempts, 50);
    p.on_done = NULL;
    fake_free(&f);
}

Test(connect, comes_back_after_the_broker_was_away)
{
    probe p;

    begin(1, NULL);
    settle();
    fake_broker_stop(&f.brokers[0]);
    fake_run(&f, 100);
    cr_assert_eq(call_any(&p), KC_E_TIMED_OUT);
    fake_broker_start(&f.brokers[0]);
    cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
    fake_free(&f);
}

/* -- classes and idleness -----------------------------------------------------------------------
 */

Test(connect, one_connection_for_a_class_however_it_was_found)
{
    probe p[20];

    begin(3, NULL);
    settle();
    for (int i = 0; i < 20; i++) {
        probe_init(&p[i], &f, 1 + i % 3, (kci_class)(i % KCI_CLASS_COUNT));
        probe_start(&p[i]);
    }
    fake_run(&f, 2000);
    for (int i = 0; i < 20; i++)
        cr_assert_eq(p[i].err, KC_OK, "%s", p[i].why);
    /* The first of broker 1 or 2 was a bootstrap server's; it is not opened twice. */
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(f.brokers[i].conn_count, KCI_CLASS_COUNT);
        cr_assert_eq(f.brokers[i].accepted, KCI_CLASS_COUNT);
    }
    fake_free(&f);
}

Test(connect, an_idle_connection_is_closed_and_nothing_else_happens)
{
    const char *const idle[] = { "connections.max.idle.ms=10000", NULL };
    probe p;

    begin(1, idle);
    cr_assert_eq(call_any(&p), KC_OK);
    fake_run(&f, 9000);
    cr_assert_eq(f.brokers[0].conn_count, 1);
    fake_run(&f, 2000);
    cr_assert_eq(f.brokers[0].conn_count, 0);
    cr_assert_eq(atomic_load(&kci_client_stats(f.client)->connects), 1);
    cr_assert_eq(atomic_load(&kci_client_stats(f.client)->disconnects), 1);
    fake_run(&f, 100000);
    cr_assert_eq(f.brokers[0].accepted, 1);
    cr_assert_eq(kci_loop_timeout(kci_client_loop(f.client)), -1, "something ticks");
    cr_assert_eq(call_any(&p), KC_OK, "%s", p.why);
    fake_free(&f);
}

Test(connect, a_broker_that_closes_an_idle_connection_is_no_trouble)
{
    kc_error problem;
    probe p;

    begin(1, NULL);
    settle();
    fake_broker_hang_up(&f.brokers[0]);
    fake_run(&f, 100);
    cr_assert_eq(f.brokers[0].conn_count, 0);
    cr_assert_eq(kci_client_last_problem(f.client, &problem), KC_OK);
    int accepted = f.brokers[0].accepted;
    fake_run(&f, 10000);
    cr_assert_eq(f.brokers[0].accepted, accepted, "nobody needs it");
    int64_t before = sim_now(f.world);
    probe_init(&p, &f, 1, KCI_CLASS_CONTROL);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_lt(p.done_us - before, 100000);
    fake_free(&f);
}

Test(connect, polling_opens_and_tells)
{
    begin(2, NULL);
    settle();
    kci_mem_fail_after(1, false);
    cr_assert_eq(kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, true), KCI_NODE_NO_MEMORY);
    kci_mem_fail_after(0, false);
    cr_assert_eq(kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, false), KCI_NODE_DOWN);
    cr_assert_eq(kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, true), KCI_NODE_DOWN);
    fake_run(&f, 100);
    cr_assert_eq(kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, true), KCI_NODE_UP);
    cr_assert_eq(kci_node_poll(f.client, 5, KCI_CLASS_PRODUCE, 0, true), KCI_NODE_UNKNOWN);
    cr_assert_eq(kci_node_poll(f.client, -1, KCI_CLASS_PRODUCE, 0, true), KCI_NODE_UNKNOWN);
    fake_free(&f);
}

typedef struct watcher {
    kci_user user;
    int up, down;
    kc_err err;
} watcher;

static void on_node(kci_user *user, int32_t node, kci_class cls, int32_t lane, kci_node_state state,
                    kc_err err)
{
    watcher *w = KCI_CONTAINER_OF(user, watcher, user);
    cr_assert_eq(lane, 0);
    if (node != 2 || cls != KCI_CLASS_PRODUCE)
        return;
    w->up += state == KCI_NODE_UP;
    if (state == KCI_NODE_DOWN) {
        w->down++;
        w->err = err;
    }
}

Test(connect, users_are_told_once_of_each_change)
{
    watcher w = { .user = { .kind = "producer", .on_node = on_node } };

    begin(2, NULL);
    settle();
    kci_user_add(f.client, &w.user);
    kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, true);
    fake_run(&f, 500);
    cr_assert_eq(w.up, 1);
    fake_broker_stop(&f.brokers[1]);
    fake_run(&f, 2000);
    cr_assert_eq(w.down, 1, "it is down once, and nobody asks for it: %d", w.down);
    kci_node_poll(f.client, 2, KCI_CLASS_PRODUCE, 0, true);
    fake_run(&f, 5000);
    cr_assert_eq(w.down, 2, "asked for once, tried once: %d", w.down);
    cr_assert_eq(w.err, KC_E_CONNECT);
    kci_user_remove(f.client, &w.user);
    fake_free(&f);
}

/* The first server that is asked turns out to be broker 1: that its connection is up is news, since
 * nobody could have heard of it under that name. */
static void on_node_one(kci_user *user, int32_t node, kci_class cls, int32_t lane,
                        kci_node_state state, kc_err err)
{
    watcher *w = KCI_CONTAINER_OF(user, watcher, user);
    (void)lane, (void)err;
    w->up += node == 1 && cls == KCI_CLASS_CONTROL && state == KCI_NODE_UP;
}

Test(connect, users_are_told_when_a_bootstrap_server_turns_out_to_be_a_broker)
{
    watcher w = { .user = { .kind = "admin", .on_node = on_node_one } };

    begin(1, (const char *const[]){ "bootstrap.servers=10.0.0.1:9001", NULL });
    kci_user_add(f.client, &w.user);
    settle();
    cr_assert_eq(w.up, 1, "told %d times", w.up);
    cr_assert_eq(f.brokers[0].accepted, 1, "one connection serves both names");
    kci_user_remove(f.client, &w.user);
    fake_free(&f);
}

Test(connect, a_broker_that_leaves_the_cluster_is_let_go)
{
    probe p;

    begin(3, NULL);
    settle();
    probe_init(&p, &f, 3, KCI_CLASS_FETCH);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    f.broker_count = 2; /* what metadata tells */
    kci_client_refresh(f.client);
    fake_run(&f, 2000);
    cr_assert_eq(f.brokers[2].conn_count, 0);
    cr_assert_eq(kci_node_poll(f.client, 3, KCI_CLASS_FETCH, 0, true), KCI_NODE_UNKNOWN);
    f.broker_count = 3;
    kci_client_refresh(f.client);
    fake_run(&f, 2000);
    probe_init(&p, &f, 3, KCI_CLASS_FETCH);
    probe_start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    fake_free(&f);
}
