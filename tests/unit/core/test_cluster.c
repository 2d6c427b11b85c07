/* SPDX-License-Identifier: Apache-2.0 */
/* A client with its own thread against the embedded cluster, over TCP: what the simulator cannot
 * show, above all under ThreadSanitizer. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <unistd.h>

#include <kclient/mock.h>

#include "base/mem.h"
#include "core/client.h"
#include "core/state.h"
#include "wire/messages.h"

TestSuite(cluster, .timeout = 100);

static kc_mock *mock;
static kc_client *client;

static void begin(const kc_mock_options *options, const char *const *properties)
{
    kc_error detail = { 0 };
    kc_config *config = kc_config_new();

    cr_assert_eq(kc_mock_new(options, &mock, &detail), KC_OK, "%s", detail.text);
    kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), NULL);
    kc_config_set(config, "log.level", "off", NULL);
    for (int i = 0; properties && properties[i]; i += 2)
        cr_assert_eq(kc_config_set(config, properties[i], properties[i + 1], &detail), KC_OK, "%s",
                     detail.text);
    cr_assert_eq(kc_client_new(config, &client, &detail), KC_OK, "%s", detail.text);
    kc_config_free(config);
}

static void end(void)
{
    cr_assert_eq(kc_client_close(client, 30000, NULL), KC_OK);
    kc_client_free(client);
    kc_mock_free(mock);
}

/* Waits until the partition has this leader. */
static void await_leader(const char *topic, int32_t partition, int32_t leader)
{
    int32_t now = -1;

    for (int i = 0; i < 1500 && now != leader; i++) {
        kci_metadata *m = kci_client_metadata(client);
        const kci_topic_meta *t = kci_metadata_topic(m, kc_str(topic));
        now = t && t->err == KC_OK && partition < t->partition_count
                  ? t->partitions[partition].leader
                  : -1;
        kci_metadata_unref(m);
        if (now != leader) {
            kci_client_refresh(client);
            usleep(20000);
        }
    }
    cr_assert_eq(now, leader);
}

/* Calls one after the other, each started by the done() of the one before. */
typedef struct chain {
    kci_call call;
    kci_metadata_request body;
    int left, good, bad;
    bool patient; /* goes on after errors */
    kci_event *ended;
} chain;

static void on_done(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    chain *c = KCI_CONTAINER_OF(call, chain, call);

    (void)why;
    if (err == KC_OK && ((const kci_metadata_response *)response->body)->brokers.count > 0)
        c->good++;
    else
        c->bad++;
    if (err != KC_E_CLOSED && --c->left > 0 && (err == KC_OK || c->patient))
        kci_call_start(client, call);
    else
        kci_event_signal(c->ended);
}

static void start(void *arg)
{
    chain *c = arg;
    kci_call_start(client, &c->call);
}

static void chain_init(chain *c, int32_t node, kci_class cls, int count)
{
    *c = (chain){ .left = count };
    kci_msg_init(&kci_metadata_request_msg, &c->body);
    c->body.topics.count = 0;
    c->call = (kci_call){ .api = KCI_API_METADATA,
                          .cls = cls,
                          .node = node,
                          .min_version = 1,
                          .max_version = KCI_ANY_VERSION,
                          .body = &c->body,
                          .done = on_done };
    cr_assert_eq(kci_event_new(kci_client_loop(client), false, &c->ended), KC_OK);
}

static void chain_wait(chain *c)
{
    int64_t now = client->sys->mono_us(client->sys);
    cr_assert(kci_event_wait(c->ended, now + 30000000));
}

enum { CHAINS = 12, LENGTH = 200 };

static void *run_chain(void *arg)
{
    chain *c = arg;

    cr_assert_eq(kci_client_run(client, start, c, INT64_MAX), KC_OK);
    chain_wait(c);
    return NULL;
}

Test(cluster, many_threads_one_loop_one_connection_a_class)
{
    static chain chains[CHAINS];
    pthread_t threads[CHAINS];

    begin(NULL, NULL);
    cr_assert_eq(kci_client_want_topic(client, kc_str("t")), KC_OK);
    await_leader("t", 0, 1);
    for (int i = 0; i < CHAINS; i++)
        chain_init(&chains[i], 1 + i % 3, (kci_class)(i % KCI_CLASS_COUNT), LENGTH);
    for (int i = 0; i < CHAINS; i++)
        pthread_create(&threads[i], NULL, run_chain, &chains[i]);
    for (int i = 0; i < CHAINS; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < CHAINS; i++)
        cr_assert_eq(chains[i].good, LENGTH);
    const kci_stats *stats = kci_client_stats(client);
    cr_assert_leq(atomic_load(&stats->connections), 3 * KCI_CLASS_COUNT);
    cr_assert_geq(atomic_load(&stats->responses), CHAINS * LENGTH);
    cr_assert_eq(atomic_load(&stats->disconnects), 0);
    cr_assert_gt(atomic_load(&stats->bytes_in), atomic_load(&stats->responses) * 20);
    end();
    for (int i = 0; i < CHAINS; i++)
        kci_event_free(chains[i].ended); /* whoever signalled it may just be leaving it, before */
}

Test(cluster, brokers_come_and_go)
{
    static chain any;

    begin(NULL, NULL);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 3, 3), KC_OK);
    cr_assert_eq(kci_client_want_topic(client, kc_str("t")), KC_OK);
    await_leader("t", 1, 2);
    chain_init(&any, KCI_NODE_ANY, KCI_CLASS_CONTROL, 1000000);
    any.patient = true;
    cr_assert_eq(kci_client_run(client, start, &any, INT64_MAX), KC_OK);
    cr_assert_eq(kc_mock_broker_down(mock, 2, 0), KC_OK);
    await_leader("t", 1, 3);
    cr_assert_eq(kc_mock_broker_up(mock, 2), KC_OK);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 1, 2, 0, 0), KC_OK);
    await_leader("t", 1, 2);
    for (int i = 0; i < 10; i++) {
        kc_mock_disconnect(mock, -1);
        usleep(20000);
    }
    for (int32_t b = 1; b <= 3; b++)
        cr_assert_eq(kc_mock_broker_down(mock, b, 0), KC_OK);
    usleep(200000);
    for (int32_t b = 1; b <= 3; b++)
        cr_assert_eq(kc_mock_broker_up(mock, b), KC_OK);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 1, 3, 0, 0), KC_OK);
    cr_assert_eq(kc_mock_move_leader(mock, "t", 1, 2, 0, 0), KC_OK);
    await_leader("t", 1, 2);
    for (int i = 0; i < 3000 && kci_client_last_problem(client, NULL) != KC_OK; i++)
        usleep(10000);
    cr_assert_eq(kci_client_last_problem(client, NULL), KC_OK);
    end();
    cr_assert(kci_event_is_set(any.ended));
    cr_assert_gt(any.good, 10);
    kci_event_free(any.ended);
}

Test(cluster, is_closed_in_the_middle)
{
    for (int round = 0; round < 20; round++) {
        static chain chains[CHAINS];
        begin(NULL, NULL);
        for (int i = 0; i < CHAINS; i++) {
            chain_init(&chains[i], KCI_NODE_ANY, (kci_class)(i % KCI_CLASS_COUNT), 1000000);
            cr_assert_eq(kci_client_run(client, start, &chains[i], INT64_MAX), KC_OK);
        }
        usleep((useconds_t)(round * 1000));
        end();
        for (int i = 0; i < CHAINS; i++) {
            cr_assert(kci_event_is_set(chains[i].ended));
            kci_event_free(chains[i].ended);
        }
    }
}

Test(cluster, sasl_plain)
{
    const char *const right[] = { "security.protocol",
                                  "SASL_PLAINTEXT",
                                  "sasl.mechanism",
                                  "PLAIN",
                                  "sasl.username",
                                  "anna",
                                  "sasl.password",
                                  "secret",
                                  NULL };
    const char *const wrong[] = { "security.protocol",
                                  "SASL_PLAINTEXT",
                                  "sasl.mechanism",
                                  "PLAIN",
                                  "sasl.username",
                                  "anna",
                                  "sasl.password",
                                  "guess",
                                  NULL };
    kc_mock_options options = { .size = sizeof options, .sasl_plain = "anna:secret,berta:other" };
    kc_error problem;

    begin(&options, right);
    cr_assert_eq(kci_client_want_topic(client, kc_str("t")), KC_OK);
    await_leader("t", 0, 1);
    end();
    begin(&options, wrong);
    cr_assert_eq(kci_client_want_topic(client, kc_str("t")), KC_OK);
    for (int i = 0; i < 3000 && kci_client_last_problem(client, &problem) == KC_OK; i++)
        usleep(10000);
    cr_assert_eq(problem.code, KC_E_AUTHENTICATION, "%s", problem.text);
    end();
}

/* A Fetch that waits in the broker until something happens to its partition. */
typedef struct waiter {
    kci_call call;
    kci_fetch_request body;
    kci_fetch_request_fetch_topic topic;
    kci_fetch_request_fetch_partition partition;
    kc_err err, fetched;
    kci_event *ended;
} waiter;

static void on_fetched(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    waiter *w = KCI_CONTAINER_OF(call, waiter, call);
    const kci_fetch_response *body = response ? response->body : NULL;

    (void)why;
    w->err = err;
    if (body && body->responses.count == 1)
        w->fetched = body->responses.data[0].partitions.data[0].error_code;
    kci_event_signal(w->ended);
}

static void waiter_init(waiter *w, int32_t partition, int32_t lane, int32_t wait_ms)
{
    *w = (waiter){ .partition = { .partition = partition,
                                  .current_leader_epoch = -1,
                                  .last_fetched_epoch = -1,
                                  .partition_max_bytes = 1000 } };
    kci_msg_init(&kci_fetch_request_msg, &w->body);
    w->topic =
        (kci_fetch_request_fetch_topic){ .topic = kc_str("t"), .partitions = { &w->partition, 1 } };
    w->body.max_wait_ms = wait_ms;
    w->body.min_bytes = 1;
    w->body.session_epoch = -1;
    w->body.topics.data = &w->topic;
    w->body.topics.count = 1;
    w->call = (kci_call){ .api = KCI_API_FETCH,
                          .cls = KCI_CLASS_FETCH,
                          .node = 1,
                          .lane = lane,
                          .min_version = 4,
                          .max_version = 10, /* later ones may read from a follower */
                          .body = &w->body,
                          .timeout_us = 100000000,
                          .done = on_fetched };
    cr_assert_eq(kci_event_new(kci_client_loop(client), false, &w->ended), KC_OK);
}

static void waiter_start(void *arg)
{
    kci_call_start(client, &((waiter *)arg)->call);
}

/* So many fetches have come to broker 1; else as many as have after two seconds. */
static int64_t fetches_come(int64_t expected, int patience)
{
    for (int i = 0; i < patience && kc_mock_requests(mock, 1, KCI_API_FETCH) < expected; i++)
        usleep(10000);
    return kc_mock_requests(mock, 1, KCI_API_FETCH);
}

/* Like two members of a group: the broker answers the first only after the second has come. */
static int64_t two_waiters(int32_t lane_a, int32_t lane_b, waiter *a, waiter *b, int patience)
{
    static chain control;

    begin(NULL, NULL);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 6, 3), KC_OK);
    cr_assert_eq(kci_client_want_topic(client, kc_str("t")), KC_OK);
    await_leader("t", 0, 1);
    await_leader("t", 3, 1);
    waiter_init(a, 0, lane_a, 60000);
    waiter_init(b, 3, lane_b, 60000);
    cr_assert_eq(kci_client_run(client, waiter_start, a, INT64_MAX), KC_OK);
    cr_assert_eq(fetches_come(1, 3000), 1);
    chain_init(&control, 1, KCI_CLASS_CONTROL, 3);
    cr_assert_eq(kci_client_run(client, start, &control, INT64_MAX), KC_OK);
    chain_wait(&control);
    cr_assert_eq(control.good, 3, "requests for control are answered beside one that waits");
    cr_assert_eq(kci_client_run(client, waiter_start, b, INT64_MAX), KC_OK);
    int64_t come = fetches_come(2, patience);
    if (come == 2) {
        cr_assert_not(kci_event_is_set(a->ended) || kci_event_is_set(b->ended));
        cr_assert_eq(kc_mock_move_leader(mock, "t", 0, 2, 0, 0), KC_OK);
        cr_assert_eq(kc_mock_move_leader(mock, "t", 3, 2, 0, 0), KC_OK);
        int64_t until = client->sys->mono_us(client->sys) + 30000000;
        cr_assert(kci_event_wait(a->ended, until) && kci_event_wait(b->ended, until));
    }
    end();
    kci_event_free(control.ended);
    kci_event_free(a->ended);
    kci_event_free(b->ended);
    return come;
}

Test(cluster, two_that_wait_in_the_broker_do_not_wait_for_each_other)
{
    static waiter a, b;

    cr_assert_eq(two_waiters(1, 2, &a, &b, 3000), 2);
    cr_assert(a.err == KC_OK && b.err == KC_OK);
    cr_assert_eq(a.fetched, KC_E_NOT_LEADER_OR_FOLLOWER);
    cr_assert_eq(b.fetched, KC_E_NOT_LEADER_OR_FOLLOWER);
}

/* The broker serves a connection's requests one by one: without lanes the second does not even get
 * there before the first has been answered. */
Test(cluster, on_one_lane_the_second_waits_behind_the_first)
{
    static waiter a, b;

    cr_assert_eq(two_waiters(1, 1, &a, &b, 100), 1);
}
