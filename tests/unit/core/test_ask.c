/* SPDX-License-Identifier: Apache-2.0 */
/* Questions that are asked until there is an answer, and the coordinators they may be for. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "core/ask.h"
#include "fake.h"

TestSuite(ask, .timeout = 60);

static fake f;

/* The brokers of this file: who coordinates, who refuses, and what came. */
static struct {
    int32_t coordinator;         /* of every key */
    int16_t find_err;            /* of every FindCoordinator */
    int16_t find_max;            /* the version they know */
    int finds, keys;             /* FindCoordinator requests, and keys in them */
    bool leave_out;              /* the first key of a batch is not answered */
    int16_t errs[FAKE_BROKERS];  /* by broker: how a Heartbeat is answered */
    int refusals[FAKE_BROKERS];  /* so often, then well; -1: always */
    int beats[FAKE_BROKERS + 1]; /* by id */
} s;

static void answer_find(const fake_request *r)
{
    kci_find_coordinator_request in;
    kci_find_coordinator_response out;
    kci_find_coordinator_response_coordinator list[8];
    kci_reader body = r->body;
    kci_arena arena = { 0 };
    const fake_broker *at = &f.brokers[s.coordinator - 1];

    cr_assert_eq(kci_decode(&kci_find_coordinator_request_msg, r->head.version, &body, &arena, &in),
                 KC_OK);
    s.finds++;
    kci_msg_init(&kci_find_coordinator_response_msg, &out);
    int32_t count = r->head.version >= 4 ? in.coordinator_keys.count : 0;
    s.keys += count ? count : 1;
    for (int32_t i = s.leave_out; i < count; i++)
        list[out.coordinators.count++] = (kci_find_coordinator_response_coordinator){
            .key = in.coordinator_keys.data[i],
            .node_id = s.find_err ? -1 : s.coordinator,
            .host = kc_str("10.0.0.1"),
            .port = at->port,
            .error_code = s.find_err,
            .error_message = s.find_err ? kc_str("not you") : kc_mem(NULL, 0),
        };
    out.coordinators.data = list;
    out.error_code = count ? 0 : s.find_err;
    out.node_id = s.coordinator;
    out.host = kc_str("10.0.0.1");
    out.port = at->port;
    fake_answer(r, &out);
    kci_arena_free(&arena);
}

static void answer_versions(const fake_request *r)
{
    kci_api_versions_response_api_version keys[] = {
        { KCI_API_FIND_COORDINATOR, 0, s.find_max },
        { KCI_API_HEARTBEAT, 0, 4 },
        { KCI_API_METADATA, 0, 12 },
        { KCI_API_API_VERSIONS, 0, 4 },
    };
    kci_api_versions_response body;

    kci_msg_init(&kci_api_versions_response_msg, &body);
    body.api_keys.data = keys;
    body.api_keys.count = 4;
    fake_answer(r, &body);
}

static bool serve(struct fake *of, const fake_request *r)
{
    kci_heartbeat_response body;
    int32_t id = r->broker->id;

    (void)of;
    if (r->head.key == KCI_API_FIND_COORDINATOR)
        answer_find(r);
    else if (r->head.key == KCI_API_API_VERSIONS)
        answer_versions(r);
    else if (r->head.key != KCI_API_HEARTBEAT)
        return false;
    else {
        kci_msg_init(&kci_heartbeat_response_msg, &body);
        s.beats[id]++;
        if (s.refusals[id - 1] != 0) {
            s.refusals[id - 1]--;
            body.error_code = s.errs[id - 1];
        }
        fake_answer(r, &body);
    }
    return true;
}

static void begin(void)
{
    fake_init(&f, 3,
              (const char *const[]){ "request.timeout.ms=5000", "retry.backoff.ms=100",
                                     "retry.backoff.max.ms=400", NULL });
    memset(&s, 0, sizeof s);
    s.find_max = 4;
    s.coordinator = 2;
    f.hook = serve;
    fake_add_topic(&f, "t", 3);
    cr_assert_eq(kci_client_want_topic(f.client, kc_str("t")), KC_OK);
    fake_run(&f, 1000);
}

static void refuse(int32_t broker, kc_err err, int times)
{
    s.errs[broker - 1] = (int16_t)err;
    s.refusals[broker - 1] = times;
}

/* -- coordinators -------------------------------------------------------------------------------
 */

typedef struct waiter {
    kci_coordinator_waiter base;
    bool done;
    kc_err err;
    int32_t node;
    char why[300];
} waiter;

static void on_found(kci_coordinator_waiter *base, kc_err err, int32_t node, const char *why)
{
    waiter *w = KCI_CONTAINER_OF(base, waiter, base);

    cr_assert_not(w->done, "told twice");
    w->done = true;
    w->err = err;
    w->node = node;
    snprintf(w->why, sizeof w->why, "%s", why);
}

static void want(waiter *w, kci_coordinated kind, const char *key)
{
    *w = (waiter){ .base = { .done = on_found } };
    cr_assert_eq(kci_coordinator_want(f.client, kind, kc_str(key), &w->base), KC_OK);
    cr_assert_not(w->done, "told from inside the call");
}

Test(ask, coordinators_wanted_in_one_turn_are_asked_for_together)
{
    waiter w[4];

    begin();
    want(&w[0], KCI_COORDINATED_GROUP, "a");
    want(&w[1], KCI_COORDINATED_GROUP, "b");
    want(&w[2], KCI_COORDINATED_GROUP, "a");
    want(&w[3], KCI_COORDINATED_GROUP, "c");
    fake_run(&f, 500);
    for (int i = 0; i < 4; i++) {
        cr_assert(w[i].done);
        cr_assert_eq(w[i].err, KC_OK, "%s", w[i].why);
        cr_assert_eq(w[i].node, 2);
    }
    cr_assert_eq(s.finds, 1);
    cr_assert_eq(s.keys, 3, "each key is named once");
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, kc_str("b")), 2);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_TRANSACTION, kc_str("b")), -1);
    fake_free(&f);
}

Test(ask, an_old_broker_is_asked_one_by_one)
{
    waiter w[3];

    fake_init(&f, 3, NULL);
    memset(&s, 0, sizeof s);
    s.find_max = 3;
    s.coordinator = 3;
    f.hook = serve;
    want(&w[0], KCI_COORDINATED_GROUP, "a");
    want(&w[1], KCI_COORDINATED_TRANSACTION, "a");
    want(&w[2], KCI_COORDINATED_GROUP, "b");
    fake_run(&f, 1000);
    for (int i = 0; i < 3; i++)
        cr_assert(w[i].done && w[i].err == KC_OK && w[i].node == 3, "%d: %s", i, w[i].why);
    cr_assert_eq(s.finds, 3);
    cr_assert_neq(kci_node_poll(f.client, 3, KCI_CLASS_CONTROL, 0, false), KCI_NODE_UNKNOWN,
                  "it is not in the metadata, but can be called");
    fake_free(&f);
}

Test(ask, a_coordinator_is_forgotten_by_who_finds_it_wrong)
{
    waiter w;
    kc_bytes key = kc_str("g");

    begin();
    want(&w, KCI_COORDINATED_GROUP, "g");
    fake_run(&f, 500);
    kci_coordinator_forget(f.client, KCI_COORDINATED_GROUP, key, 1);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, key), 2, "another one");
    kci_coordinator_forget(f.client, KCI_COORDINATED_GROUP, key, 2);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, key), -1);
    s.coordinator = 1;
    want(&w, KCI_COORDINATED_GROUP, "g");
    fake_run(&f, 500);
    cr_assert_eq(w.node, 1);
    fake_free(&f);
}

Test(ask, a_coordinator_that_leaves_the_cluster_is_forgotten)
{
    waiter w;

    begin();
    s.coordinator = 3;
    want(&w, KCI_COORDINATED_GROUP, "g");
    fake_run(&f, 500);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, kc_str("g")), 3);
    f.broker_count = 2;
    kci_client_refresh(f.client);
    fake_run(&f, 2000);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, kc_str("g")), -1);
    f.broker_count = 3;
    fake_free(&f);
}

Test(ask, what_is_wrong_with_one_key_is_told)
{
    waiter w[3];

    begin();
    s.find_err = KC_E_GROUP_AUTHORIZATION_FAILED;
    want(&w[0], KCI_COORDINATED_GROUP, "a");
    fake_run(&f, 500);
    cr_assert_eq(w[0].err, KC_E_GROUP_AUTHORIZATION_FAILED);
    cr_assert_eq(w[0].node, -1);
    cr_assert_str_eq(w[0].why, "not you");
    s.find_err = 0;
    s.leave_out = true;
    want(&w[1], KCI_COORDINATED_GROUP, "b");
    want(&w[2], KCI_COORDINATED_GROUP, "c");
    fake_run(&f, 500);
    cr_assert_eq(w[1].err, KC_E_COORDINATOR_NOT_AVAILABLE, "the answer leaves it out");
    cr_assert_eq(w[2].err, KC_OK);
    fake_free(&f);
}

Test(ask, who_waits_no_more_is_not_told)
{
    waiter w[2];

    begin();
    want(&w[0], KCI_COORDINATED_GROUP, "g");
    want(&w[1], KCI_COORDINATED_GROUP, "g");
    kci_coordinator_drop(&w[0].base);
    fake_run(&f, 500);
    cr_assert(!w[0].done && w[1].done);
    want(&w[0], KCI_COORDINATED_GROUP, "h");
    fake_run(&f, 0);
    kci_coordinator_drop(&w[0].base);
    want(&w[1], KCI_COORDINATED_GROUP, "h"); /* whose request may be under way without a waiter */
    fake_run(&f, 500);
    cr_assert(!w[0].done && w[1].done);
    cr_assert_eq(w[1].err, KC_OK);
    fake_free(&f);
}

Test(ask, keys_that_are_none_are_refused)
{
    waiter w = { .base = { .done = on_found } };

    begin();
    cr_assert_eq(kci_coordinator_want(f.client, KCI_COORDINATED_GROUP, kc_str(""), &w.base),
                 KC_E_INVALID_ARGUMENT);
    cr_assert_eq(kci_coordinator_want(f.client, KCI_COORDINATED_GROUP, kc_mem("x", 40000), &w.base),
                 KC_E_INVALID_ARGUMENT);
    fake_free(&f);
}

Test(ask, more_groups_than_are_remembered)
{
    static waiter w[1500];
    char key[1500][8];

    begin();
    for (int i = 0; i < 1500; i++) {
        snprintf(key[i], sizeof key[i], "g%d", i);
        want(&w[i], KCI_COORDINATED_GROUP, key[i]);
        if (i % 8 == 7)
            fake_run(&f, 50);
    }
    fake_run(&f, 2000);
    int known = 0;
    for (int i = 0; i < 1500; i++) {
        cr_assert(w[i].done && w[i].err == KC_OK, "%d: %s", i, w[i].why);
        known += kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, kc_str(key[i])) == 2;
    }
    cr_assert_eq(known, 1000);
    cr_assert_eq(kci_coordinator_known(f.client, KCI_COORDINATED_GROUP, kc_str(key[1499])), 2);
    fake_free(&f);
}

/* -- questions ----------------------------------------------------------------------------------
 */

typedef struct question {
    kci_ask ask;
    kci_heartbeat_request body;
    bool done;
    int done_count;
    kc_err err;
    int32_t node;
    int64_t pause_us; /* what read() asks for after an error */
    int64_t at_us;
} question;

static kc_err read_answer(kci_ask *ask, const kci_response *response)
{
    question *q = KCI_CONTAINER_OF(ask, question, ask);
    const kci_heartbeat_response *body = response->body;

    q->node = response->node;
    ask->retry_after_us = body->error_code ? q->pause_us : 0;
    return body->error_code;
}

static void on_done(kci_ask *ask, kc_err err)
{
    question *q = KCI_CONTAINER_OF(ask, question, ask);

    cr_assert_not(kci_ask_is_busy(ask));
    q->done = true;
    q->err = err;
    q->at_us = sim_now(f.world);
    cr_assert_eq(++q->done_count, 1, "it ended twice");
}

static void prepare(question *q, kci_target_kind kind, const char *key)
{
    *q = (question){ .node = -1 };
    kci_msg_init(&kci_heartbeat_request_msg, &q->body);
    q->ask.target.kind = kind;
    q->ask.target.key = key ? kc_str(key) : kc_mem(NULL, 0);
    q->ask.deadline_us = sim_now(f.world) + 20000000;
    q->ask.call = (kci_call){ .api = KCI_API_HEARTBEAT,
                              .cls = KCI_CLASS_CONTROL,
                              .node = KCI_NODE_ANY,
                              .max_version = KCI_ANY_VERSION,
                              .body = &q->body };
    q->ask.read = read_answer;
    q->ask.done = on_done;
}

static void start(question *q)
{
    cr_assert_eq(kci_ask_start(f.client, &q->ask), KC_OK);
    cr_assert_not(q->done, "ended inside the call");
    cr_assert(kci_ask_is_busy(&q->ask));
}

static void run(question *q, int64_t ms)
{
    start(q);
    cr_assert(fake_until(&f, &q->done, ms));
}

Test(ask, any_broker)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_NODE, NULL);
    run(&q, 1000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    cr_assert_geq(q.node, 1);
    fake_free(&f);
}

Test(ask, what_does_not_pass_is_the_end)
{
    question q;

    begin();
    refuse(1, KC_E_GROUP_AUTHORIZATION_FAILED, -1);
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 1;
    run(&q, 1000);
    cr_assert_eq(q.err, KC_E_GROUP_AUTHORIZATION_FAILED);
    cr_assert_eq(q.ask.last, KC_E_GROUP_AUTHORIZATION_FAILED);
    cr_assert_str_eq(q.ask.why, kc_error_text(KC_E_GROUP_AUTHORIZATION_FAILED));
    cr_assert_eq(s.beats[1], 1);
    cr_assert_not(q.ask.late);
    fake_free(&f);
}

/* A partition's state is no reason to ask another broker the same, unless its leader was asked. */
Test(ask, an_error_of_the_subject_concerns_only_questions_to_leaders)
{
    question q;

    begin();
    refuse(1, KC_E_UNKNOWN_TOPIC_OR_PARTITION, 2);
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 1;
    run(&q, 1000);
    cr_assert_eq(q.err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    prepare(&q, KCI_TARGET_LEADER, "t");
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    fake_free(&f);
}

Test(ask, the_controller_is_looked_up_anew)
{
    question q;

    begin();
    f.controller = 3;
    refuse(1, KC_E_NOT_CONTROLLER, -1);
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = KCI_NODE_CONTROLLER;
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    cr_assert_eq(q.node, 3);
    cr_assert_geq(s.beats[1], 1);
    fake_free(&f);
}

Test(ask, the_leader_is_looked_up_anew)
{
    question q;

    begin();
    refuse(2, KC_E_NOT_LEADER_OR_FOLLOWER, -1);
    f.topics[0].leader[1] = 3;
    f.topics[0].epoch[1] = 2;
    prepare(&q, KCI_TARGET_LEADER, "t");
    q.ask.target.partition = 1;
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    cr_assert_eq(q.node, 3);
    cr_assert_geq(s.beats[2], 1);
    fake_free(&f);
}

Test(ask, a_leader_is_waited_for)
{
    question q;

    begin();
    f.topics[0].leader[1] = -1;
    f.topics[0].epoch[1] = 2;
    kci_client_refresh(f.client);
    fake_run(&f, 1000);
    prepare(&q, KCI_TARGET_LEADER, "t");
    q.ask.target.partition = 1;
    start(&q);
    fake_run(&f, 3000);
    cr_assert_not(q.done);
    cr_assert_eq(q.ask.last, KC_E_LEADER_UNKNOWN);
    f.topics[0].leader[1] = 1;
    f.topics[0].epoch[1] = 3;
    cr_assert(fake_until(&f, &q.done, 5000));
    cr_assert_eq(q.node, 1);
    fake_free(&f);
}

Test(ask, the_coordinator_is_found_and_found_again)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 1000);
    cr_assert_eq(q.node, 2);
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 1000);
    cr_assert_eq(s.finds, 1, "it is known");
    refuse(2, KC_E_NOT_COORDINATOR, -1);
    s.coordinator = 3;
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    cr_assert_eq(q.node, 3);
    cr_assert_eq(s.finds, 2);
    prepare(&q, KCI_TARGET_TRANSACTION, "g");
    run(&q, 1000);
    cr_assert_eq(s.finds, 3, "a transactional id of the same name is something else");
    fake_free(&f);
}

Test(ask, a_coordinator_that_is_loading_is_asked_again)
{
    question q;

    begin();
    refuse(2, KC_E_COORDINATOR_LOAD_IN_PROGRESS, 3);
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK);
    cr_assert_eq(s.beats[2], 4);
    cr_assert_eq(s.finds, 1, "it is the right one");
    fake_free(&f);
}

Test(ask, a_coordinator_that_is_gone_is_replaced)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 1000);
    fake_broker_stop(&f.brokers[1]);
    s.coordinator = 1;
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 10000);
    cr_assert_eq(q.err, KC_OK, "%s", q.ask.why);
    cr_assert_eq(q.node, 1);
    fake_free(&f);
}

Test(ask, who_may_not_know_the_coordinator_ends)
{
    question q;

    begin();
    s.find_err = KC_E_GROUP_AUTHORIZATION_FAILED;
    prepare(&q, KCI_TARGET_GROUP, "g");
    run(&q, 1000);
    cr_assert_eq(q.err, KC_E_GROUP_AUTHORIZATION_FAILED);
    cr_assert_str_eq(q.ask.why, "not you");
    s.find_err = KC_E_COORDINATOR_NOT_AVAILABLE;
    prepare(&q, KCI_TARGET_GROUP, "g");
    start(&q);
    fake_run(&f, 2000);
    cr_assert_not(q.done, "that one passes");
    s.find_err = 0;
    cr_assert(fake_until(&f, &q.done, 2000));
    cr_assert_eq(q.err, KC_OK);
    fake_free(&f);
}

Test(ask, the_deadline_ends_it_and_tells_of_the_last_attempt)
{
    question q;

    begin();
    refuse(2, KC_E_COORDINATOR_LOAD_IN_PROGRESS, -1);
    prepare(&q, KCI_TARGET_GROUP, "g");
    q.ask.deadline_us = sim_now(f.world) + 3000000;
    run(&q, 4000);
    cr_assert_eq(q.err, KC_E_TIMED_OUT);
    cr_assert(q.ask.late);
    cr_assert_eq(q.ask.last, KC_E_COORDINATOR_LOAD_IN_PROGRESS);
    cr_assert_leq(q.at_us, q.ask.deadline_us);
    cr_assert_lt(s.beats[2], 20, "the pauses grow");
    fake_free(&f);
}

Test(ask, nothing_is_asked_for_ever_of_a_silent_broker)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 1;
    run(&q, 1000);
    for (int i = 0; i < 3; i++)
        f.brokers[i].mute = true;
    prepare(&q, KCI_TARGET_GROUP, "g");
    q.ask.deadline_us = sim_now(f.world) + 3000000;
    run(&q, 4000);
    cr_assert_eq(q.err, KC_E_TIMED_OUT, "while it looks for the coordinator");
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 1;
    q.ask.deadline_us = sim_now(f.world) + 3000000;
    run(&q, 4000);
    cr_assert_eq(q.err, KC_E_TIMED_OUT);
    cr_assert(q.ask.maybe_done);
    fake_free(&f);
}

Test(ask, a_pause_that_the_answer_asks_for_is_kept)
{
    question q;

    begin();
    refuse(1, KC_E_THROTTLING_QUOTA_EXCEEDED, 1);
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 1;
    q.pause_us = 3000000;
    int64_t from = sim_now(f.world);
    run(&q, 10000);
    cr_assert_eq(q.err, KC_OK);
    cr_assert_geq(q.at_us - from, 3000000);
    fake_free(&f);
}

Test(ask, a_broker_that_is_none_is_the_end_unless_metadata_is_old)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 77;
    run(&q, 5000);
    cr_assert_eq(q.err, KC_E_BROKER_NOT_AVAILABLE);
    cr_assert_not(q.ask.call.sent);
    f.brokers[f.broker_count++] =
        (fake_broker){ .fake = &f, .id = 4, .port = FAKE_PORT + 4, .api_versions_max = 4 };
    fake_broker_start(&f.brokers[3]);
    prepare(&q, KCI_TARGET_NODE, NULL);
    q.ask.call.node = 4;
    run(&q, 5000);
    cr_assert_eq(q.err, KC_OK, "it has come since: %s", q.ask.why);
    fake_free(&f);
}

Test(ask, is_cancelled_in_every_phase)
{
    question q[4];

    begin();
    refuse(1, KC_E_COORDINATOR_LOAD_IN_PROGRESS, -1);
    f.brokers[2].mute = true;
    for (int i = 0; i < 4; i++)
        prepare(&q[i], i == 1 ? KCI_TARGET_GROUP : KCI_TARGET_NODE, "g");
    q[0].ask.call.node = 1; /* pausing */
    q[0].pause_us = 10000000;
    q[2].ask.call.node = 3; /* flying */
    q[3].ask.call.node = 2; /* about to be asked */
    start(&q[0]);
    start(&q[2]);
    fake_run(&f, 1000);
    f.brokers[0].mute = f.brokers[1].mute = true; /* looking */
    start(&q[1]);
    fake_run(&f, 100);
    start(&q[3]);
    cr_assert_eq(q[0].ask.phase, KCI_ASK_PAUSING);
    cr_assert_eq(q[1].ask.phase, KCI_ASK_LOOKING);
    cr_assert_eq(q[2].ask.phase, KCI_ASK_FLYING);
    cr_assert_eq(q[3].ask.phase, KCI_ASK_ABOUT);
    for (int i = 0; i < 4; i++) {
        kci_ask_cancel(&q[i].ask, KC_E_CLOSED);
        kci_ask_cancel(&q[i].ask, KC_E_STATE); /* the first one counts */
        cr_assert_not(q[i].done);
    }
    fake_run(&f, 100);
    for (int i = 0; i < 4; i++)
        cr_assert(q[i].done && q[i].err == KC_E_CLOSED, "%d", i);
    kci_ask_cancel(&q[0].ask, KC_E_CLOSED); /* which has ended */
    fake_run(&f, 10000);
    fake_free(&f);
}

Test(ask, a_closed_client_ends_it)
{
    question q;

    begin();
    prepare(&q, KCI_TARGET_GROUP, "g");
    s.find_err = KC_E_COORDINATOR_NOT_AVAILABLE;
    f.brokers[0].mute = f.brokers[1].mute = f.brokers[2].mute = true;
    start(&q);
    fake_run(&f, 100);
    cr_assert_eq(kc_client_close(f.client, 1000, NULL), KC_OK);
    cr_assert(q.done);
    cr_assert_eq(q.err, KC_E_CLOSED);
    fake_free(&f);
}

Test(ask, without_memory_it_does_not_begin)
{
    question q;

    begin();
    for (int n = 1; n < 200; n++) {
        prepare(&q, KCI_TARGET_GROUP, "some other group");
        kci_mem_fail_after(n, false);
        kc_err err = kci_ask_start(f.client, &q.ask);
        if (err == KC_OK)
            fake_run(&f, 15000);
        kci_mem_fail_after(0, false);
        cr_assert(err == KC_OK ? q.done : !q.done, "allocation %d", n);
    }
    fake_free(&f);
}
