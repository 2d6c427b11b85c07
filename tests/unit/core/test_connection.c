/* SPDX-License-Identifier: Apache-2.0 */
/* A connection by itself: no client, only what it shares with others, and an owner that writes down
 * what it hears. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/mem.h"
#include "core/call_end.h"
#include "core/connection.h"
#include "fake.h"

TestSuite(connection, .timeout = 60);

static fake f; /* its world, brokers and configuration; its client is not used */

/* A network of its own, and what the owner of the connection heard. */
typedef struct owner {
    kci_network network;
    kci_settings settings;
    kci_stats stats;
    kci_random random;
    kci_log log;
    kci_remote remote;
    kci_connection *connection;
    int held;
    char heard[200]; /* "up down ..." */
    kc_err err;      /* of the last end */
    bool was_up;
    char sentence[600];
    bool takes_orphans;
    kci_list orphans;
} owner;

static owner o;

static void hear(const char *what)
{
    size_t used = strlen(o.heard);
    snprintf(o.heard + used, sizeof o.heard - used, "%s%s", used ? " " : "", what);
}

static void keep(const kci_connection_end *end)
{
    o.err = end->err;
    o.was_up = end->was_up;
    snprintf(o.sentence, sizeof o.sentence, "%s", end->sentence);
}

static void on_up(void *arg, kci_connection *connection)
{
    cr_assert_eq(arg, &o);
    cr_assert(kci_connection_is_up(connection));
    hear("up");
}

static void on_failed(void *arg, kci_connection *connection, const kci_connection_end *end)
{
    (void)arg, (void)connection;
    hear("failed");
    keep(end);
}

static void on_down(void *arg, kci_connection *connection, const kci_connection_end *end)
{
    (void)arg;
    cr_assert(kci_connection_is_down(connection));
    hear("down");
    keep(end);
}

static void on_unthrottled(void *arg, kci_connection *connection)
{
    (void)arg;
    cr_assert_not(kci_connection_is_throttled(connection));
    hear("unthrottled");
}

static void on_quiet(void *arg, kci_connection *connection)
{
    (void)arg;
    cr_assert_eq(kci_connection_load(connection), 0);
    hear("quiet");
}

static bool on_orphan(void *arg, kci_call *call, kc_err err)
{
    (void)arg, (void)err;
    hear("orphan");
    cr_assert_not(kci_link_is_on(&call->link));
    if (o.takes_orphans)
        kci_list_push_back(&o.orphans, &call->link);
    return o.takes_orphans;
}

static const kci_connection_ops ops = { on_up,          on_failed, on_down,
                                        on_unthrottled, on_quiet,  on_orphan };

static void hold(kci_network *network)
{
    cr_assert_eq(network, &o.network);
    o.held++;
}

static void release(kci_network *network)
{
    (void)network;
    o.held--;
}

static void begin(void)
{
    fake_init(&f, 1, (const char *const[]){ "request.timeout.ms=2000", NULL });
    memset(&o, 0, sizeof o);
    kci_list_init(&o.orphans);
    kci_network *n = &o.network;
    kci_network_init(n);
    n->sys = sim_world_sys(f.world);
    cr_assert_eq(kci_loop_new(n->sys, &n->loop), KC_OK);
    sim_actor_add(f.world, n->loop, "owner");
    cr_assert_eq(kci_loop_reserve_timers(n->loop, 1), KC_OK);
    kci_settings_read(&o.settings, f.config);
    kci_random_seed(&o.random, 7);
    kci_log_init(&o.log, NULL, NULL, 0);
    n->settings = &o.settings;
    n->stats = &o.stats;
    n->random = &o.random;
    n->log = &o.log;
    n->config = f.config;
    n->frames = kci_frame_pool_new(0);
    n->hold = hold;
    n->release = release;
    o.remote.id = 1;
    cr_assert(kci_remote_set_address(&o.remote, kc_str("10.0.0.1"), FAKE_PORT + 1));
    o.connection = kci_connection_new(n, &o.remote, KCI_CLASS_CONTROL, 0, &ops, &o);
    cr_assert(o.connection);
}

static void end(void)
{
    kci_connection_finish(o.connection, KC_E_CLOSED, "the test is over");
    fake_run(&f, 5000);
    cr_assert(kci_connection_is_down(o.connection));
    cr_assert_eq(o.held, 0, "a lookup holds the network");
    kci_connection_free(o.connection);
    kci_remote_clear(&o.remote);
    kci_network_free(&o.network);
    sim_actor_remove(f.world, o.network.loop);
    kci_frame_pool_unref(o.network.frames);
    kci_loop_free(o.network.loop);
    fake_free(&f);
}

static void start(probe *p)
{
    probe_init(p, &f, 1, KCI_CLASS_CONTROL);
    p->call.deadline_us = sim_now(f.world) + 2000000;
    p->call.stage = KCI_CALL_WAITING;
    kci_connection_add(o.connection, &p->call);
}

#define HEARD(text) cr_assert_str_eq(o.heard, text)

Test(connection, opens_for_a_call_and_says_so)
{
    probe p;

    begin();
    fake_run(&f, 1000);
    HEARD("");
    start(&p);
    cr_assert_not(p.done);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_OK, "%s", p.why);
    cr_assert_eq(p.node, 1);
    fake_run(&f, 10);
    HEARD("up quiet");
    cr_assert_eq(o.stats.connects, 1);
    end();
}

Test(connection, opens_for_a_wish)
{
    begin();
    kci_connection_want(o.connection);
    cr_assert(kci_connection_is_down(o.connection), "nothing happens inside the call");
    HEARD("");
    fake_run(&f, 1000);
    HEARD("up");
    cr_assert_eq(kci_connection_version(o.connection, KCI_API_HEARTBEAT, 0, 3), 3);
    end();
}

Test(connection, tells_an_attempt_that_failed_from_one_that_broke)
{
    begin();
    fake_broker_stop(&f.brokers[0]);
    kci_connection_want(o.connection);
    fake_run(&f, 1000);
    HEARD("failed down");
    cr_assert_eq(o.err, KC_E_CONNECT);
    cr_assert_not(o.was_up);
    cr_assert(strstr(o.sentence, "broker 1 (10.0.0.1:9001)"), "%s", o.sentence);
    cr_assert_eq(o.remote.failures, 1, "it counts against the broker");
    cr_assert_gt(kci_connection_retry_at(o.connection), 0);

    o.heard[0] = 0;
    fake_broker_start(&f.brokers[0]);
    kci_connection_want(o.connection);
    fake_run(&f, 5000);
    HEARD("up");
    fake_broker_hang_up(&f.brokers[0]);
    fake_run(&f, 1000);
    HEARD("up down");
    cr_assert(o.was_up);
    cr_assert_eq(o.stats.disconnects, 1);
    end();
}

Test(connection, what_breaks_under_a_request_is_a_failure)
{
    probe p;

    begin();
    kci_connection_want(o.connection);
    fake_run(&f, 1000);
    f.brokers[0].mute = true;
    start(&p);
    fake_run(&f, 100);
    fake_broker_hang_up(&f.brokers[0]);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_E_TRANSPORT);
    cr_assert(p.call.sent);
    fake_run(&f, 10);
    HEARD("up failed down");
    end();
}

Test(connection, offers_calls_that_were_not_sent)
{
    probe p[2];

    begin();
    fake_broker_stop(&f.brokers[0]);
    o.takes_orphans = true;
    start(&p[0]);
    start(&p[1]);
    fake_run(&f, 1000);
    HEARD("failed orphan orphan down");
    cr_assert_not(p[0].done || p[1].done);
    cr_assert_eq(kci_list_first(&o.orphans), &p[0].call.link, "in the order of start");
    cr_assert_null(p[0].call.connection);
    cr_assert_eq(kci_connection_load(o.connection), 0);
    while (kci_list_pop_front(&o.orphans)) {
    }
    end();
}

Test(connection, ends_calls_that_nobody_takes)
{
    probe p;

    begin();
    fake_broker_stop(&f.brokers[0]);
    start(&p);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.err, KC_E_CONNECT);
    cr_assert_not(p.call.sent);
    HEARD("failed orphan down");
    end();
}

Test(connection, says_when_a_pause_is_over)
{
    probe p[2];

    begin();
    f.throttle_ms = 3000;
    start(&p[0]);
    cr_assert(fake_until(&f, &p[0].done, 1000));
    cr_assert(kci_connection_is_throttled(o.connection));
    f.throttle_ms = 0;
    int64_t from = sim_now(f.world);
    probe_init(&p[1], &f, 1, KCI_CLASS_CONTROL);
    p[1].call.deadline_us = from + 60000000;
    kci_connection_add(o.connection, &p[1].call);
    fake_run(&f, 2000);
    cr_assert_not(p[1].done, "nothing is sent during the pause");
    HEARD("up quiet");
    fake_run(&f, 2000);
    cr_assert_eq(p[1].err, KC_OK);
    HEARD("up quiet unthrottled quiet");
    end();
}

Test(connection, is_no_failure_when_idle)
{
    begin();
    o.settings.idle_us = 5000000;
    kci_connection_want(o.connection);
    fake_run(&f, 10000);
    HEARD("up down");
    cr_assert_eq(o.err, KC_OK);
    cr_assert_eq(o.stats.disconnects, 1);
    cr_assert_eq(o.remote.failures, 0);
    end();
}

Test(connection, moves_with_its_calls)
{
    probe p;
    kci_remote other = { .id = 5 };

    begin();
    cr_assert(kci_remote_set_address(&other, kc_str("10.0.0.1"), FAKE_PORT + 1));
    kci_connection_want(o.connection);
    fake_run(&f, 1000);
    start(&p);
    kci_connection_move(o.connection, &other, &o);
    cr_assert(fake_until(&f, &p.done, 1000));
    cr_assert_eq(p.node, 5, "the answer is the new one's");
    kci_connection_move(o.connection, &o.remote, &o);
    kci_remote_clear(&other);
    end();
}

Test(connection, finishes_for_good)
{
    probe p;

    begin();
    fake_broker_stop(&f.brokers[0]);
    o.remote.retry_us = sim_now(f.world) + 60000000;
    start(&p);
    fake_run(&f, 100);
    cr_assert_not(p.done, "it waits for the backoff");
    o.network.ending = true;
    kci_connection_finish(o.connection, KC_E_CLOSED, "the end");
    cr_assert(p.done);
    cr_assert_eq(p.err, KC_E_CLOSED);
    cr_assert_str_eq(p.why, "the end");
    fake_run(&f, 120000);
    HEARD("orphan");
    end();
}
