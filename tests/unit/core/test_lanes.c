/* SPDX-License-Identifier: Apache-2.0 */
/* Lanes: whoever waits in a broker has connections of his own, and nobody waits behind him. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "fake.h"

TestSuite(lanes, .timeout = 60);

static fake f;

static void begin(void)
{
    fake_init(&f, 1,
              (const char *const[]){ "bootstrap.servers=10.0.0.1:9001", "request.timeout.ms=20000",
                                     NULL });
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_add_topic(&f, "t", 1);
    fake_run(&f, 1000);
}

static void start_on(probe *p, int16_t api, kci_class cls, int32_t lane)
{
    probe_init(p, &f, 1, cls);
    if (api == KCI_API_JOIN_GROUP)
        kci_msg_init(&kci_join_group_request_msg, &p->body.join);
    p->call.api = api;
    p->call.lane = lane;
    probe_start(p);
}

/* Like a broker that waits for two members of a group: the first JoinGroup is answered when the
 * second one is there; and whatever comes on a connection behind a request that waits, waits. */
static fake_request joined[8];
static int joined_count;

static bool waits(const kci_conn *conn)
{
    for (int i = 0; i < joined_count; i++)
        if (joined[i].conn == conn)
            return true;
    return false;
}

static bool two_members(struct fake *of, const fake_request *r)
{
    kci_join_group_response body;

    (void)of;
    if (waits(r->conn))
        return true;
    if (r->head.key != KCI_API_JOIN_GROUP)
        return false;
    joined[joined_count++] = *r;
    kci_msg_init(&kci_join_group_response_msg, &body);
    for (int i = 0; joined_count == 2 && i < 2; i++)
        fake_answer(&joined[i], &body);
    joined_count %= 2;
    return true;
}

Test(lanes, two_requests_that_wait_for_each_other_are_both_answered)
{
    probe a, b, beat;

    begin();
    f.hook = two_members;
    start_on(&a, KCI_API_JOIN_GROUP, KCI_CLASS_GROUP, kci_client_take_lane(f.client));
    fake_run(&f, 500);
    cr_assert_not(a.done);
    start_on(&beat, KCI_API_HEARTBEAT, KCI_CLASS_CONTROL, 0);
    cr_assert(fake_until(&f, &beat.done, 500), "the shared lane goes on beside them");
    start_on(&b, KCI_API_JOIN_GROUP, KCI_CLASS_GROUP, kci_client_take_lane(f.client));
    cr_assert(fake_until(&f, &b.done, 500));
    cr_assert(fake_until(&f, &a.done, 500));
    cr_assert_eq(a.err, KC_OK, "%s", a.why);
    cr_assert_eq(b.err, KC_OK, "%s", b.why);
    fake_free(&f);
}

/* What lanes are for: this is how it ends without. */
Test(lanes, on_one_lane_they_would_wait_for_ever)
{
    probe a, b;

    begin();
    f.hook = two_members;
    start_on(&a, KCI_API_JOIN_GROUP, KCI_CLASS_GROUP, 0);
    start_on(&b, KCI_API_JOIN_GROUP, KCI_CLASS_GROUP, 0);
    fake_run(&f, 15000);
    cr_assert_not(a.done || b.done);
    cr_assert(fake_until(&f, &a.done, 10000));
    cr_assert_eq(a.err, KC_E_TIMED_OUT);
    fake_free(&f);
}

Test(lanes, no_number_is_given_twice)
{
    begin();
    int32_t a = kci_client_take_lane(f.client), b = kci_client_take_lane(f.client);
    cr_assert(a > 0 && b > 0 && a != b);
    fake_free(&f);
}

Test(lanes, each_has_one_connection_per_broker_and_class)
{
    probe p[6];

    begin();
    int before = f.brokers[0].accepted;
    for (int i = 0; i < 6; i++) {
        start_on(&p[i], KCI_API_HEARTBEAT, KCI_CLASS_FETCH, i % 3);
        fake_run(&f, 100);
        cr_assert(p[i].done);
    }
    cr_assert_eq(f.brokers[0].accepted - before, 3);
    cr_assert_eq(atomic_load(&f.client->stats.connections), f.brokers[0].conn_count);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_FETCH, 2, false), KCI_NODE_UP);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_FETCH, 3, false), KCI_NODE_DOWN);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_GROUP, 2, false), KCI_NODE_DOWN);
    cr_assert_eq(kci_node_version(f.client, 1, KCI_CLASS_FETCH, 1, KCI_API_HEARTBEAT, 0, 3), 3);
    fake_free(&f);
}

typedef struct watcher {
    kci_user user;
    int32_t lane; /* of the last news */
    int up, down;
    kc_err err;
} watcher;

static void on_node(kci_user *user, int32_t node, kci_class cls, int32_t lane, kci_node_state state,
                    kc_err err)
{
    watcher *w = KCI_CONTAINER_OF(user, watcher, user);

    if (node != 1 || cls != KCI_CLASS_FETCH)
        return;
    w->lane = lane;
    w->err = err;
    w->up += state == KCI_NODE_UP;
    w->down += state == KCI_NODE_DOWN;
}

Test(lanes, one_that_is_given_back_is_closed_and_forgotten)
{
    watcher w = { .user = { .kind = "consumer", .on_node = on_node } };
    probe p;

    begin();
    kci_user_add(f.client, &w.user);
    int before = f.brokers[0].conn_count;
    int64_t memory = kci_mem_live();
    int32_t lane = kci_client_take_lane(f.client);
    start_on(&p, KCI_API_HEARTBEAT, KCI_CLASS_FETCH, lane);
    cr_assert(fake_until(&f, &p.done, 500));
    fake_run(&f, 100);
    cr_assert_eq(w.up, 1);
    cr_assert_eq(w.lane, lane);
    cr_assert_eq(f.brokers[0].conn_count, before + 1);

    kci_client_give_lane(f.client, lane);
    cr_assert_eq(w.down, 0, "nothing happens inside the call");
    fake_run(&f, 100);
    cr_assert_eq(w.down, 1);
    cr_assert_eq(w.err, KC_OK);
    cr_assert_eq(f.brokers[0].conn_count, before);
    cr_assert_eq(atomic_load(&f.client->stats.disconnects), 1);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_FETCH, lane, false), KCI_NODE_DOWN);
    cr_assert_lt(kci_mem_live() - memory, 4096, "the connection is still held");
    kci_user_remove(f.client, &w.user);
    fake_free(&f);
}

/* An answer that nobody waits for any more does not keep its connection. */
Test(lanes, one_that_is_given_back_with_an_answer_due_is_closed_at_once)
{
    probe p;

    begin();
    int before = f.brokers[0].conn_count;
    int32_t lane = kci_client_take_lane(f.client);
    f.brokers[0].mute = false;
    kci_node_poll(f.client, 1, KCI_CLASS_FETCH, lane, true);
    fake_run(&f, 200);
    f.brokers[0].mute = true;
    start_on(&p, KCI_API_HEARTBEAT, KCI_CLASS_FETCH, lane);
    fake_run(&f, 200);
    kci_call_cancel(f.client, &p.call);
    cr_assert(fake_until(&f, &p.done, 100));
    cr_assert_eq(p.err, KC_E_INTERRUPTED);
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_FETCH, lane), 1);
    kci_client_give_lane(f.client, lane);
    fake_run(&f, 200);
    cr_assert_eq(f.brokers[0].conn_count, before);
    cr_assert_eq(kci_node_outstanding(f.client, 1, KCI_CLASS_FETCH, lane), 0);
    fake_free(&f);
}

Test(lanes, one_that_is_given_back_while_it_opens_opens_no_more)
{
    begin();
    int32_t lane = kci_client_take_lane(f.client);
    sim_link_of(f.world, FAKE_PORT + 1)->blackhole = true;
    kci_node_poll(f.client, 1, KCI_CLASS_FETCH, lane, true);
    fake_run(&f, 200);
    cr_assert_eq(kci_node_poll(f.client, 1, KCI_CLASS_FETCH, lane, false), KCI_NODE_CONNECTING);
    kci_client_give_lane(f.client, lane);
    fake_run(&f, 200);
    sim_link_of(f.world, FAKE_PORT + 1)->blackhole = false;
    int accepted = f.brokers[0].accepted;
    fake_run(&f, 60000);
    cr_assert_eq(f.brokers[0].accepted, accepted);
    fake_free(&f);
}
