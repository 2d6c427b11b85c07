/* SPDX-License-Identifier: Apache-2.0 */
/* An administrative request and its repetitions: to whom it goes, what is repeated and when, what
 * it says in the end, and that it ends in time. The operation is the creation of topics; the others
 * share all this. */
#include <criterion/criterion.h>
#include <stdio.h>

#include <kclient/admin.h>

#include "unit/core/fake.h"

enum { SILENT = -30000, HANG_UP };

static fake f;
static kc_admin *admin;
static kc_error why;

/* What came, and what is answered. */
static int asked;             /* CreateTopics requests */
static int32_t broker_of[64]; /* whom */
static int64_t at_us[64];
static int32_t timeout_of[64]; /* their own time-out field */
static int32_t topics_of[64];
static int32_t (*answer)(int number, kc_bytes topic); /* a code for each topic, or of the above */
static int32_t throttle_ms;
static bool leave_out_last;

static int32_t always;

static int32_t the_same(int number, kc_bytes topic)
{
    (void)number, (void)topic;
    return always;
}

static void fill_results(const kci_create_topics_request *in, kci_create_topics_response *out,
                         int32_t *fate)
{
    static kci_create_topics_response_creatable_topic_result results[8];
    out->throttle_time_ms = throttle_ms;
    out->topics.data = results;
    out->topics.count = 0;
    for (int32_t i = 0; i < in->topics.count; i++) {
        kci_create_topics_response_creatable_topic_result *r = &results[out->topics.count++];
        int32_t code = answer ? answer(asked, in->topics.data[i].name) : 0;
        *fate = code < -1 ? code : *fate;
        kci_msg_init(&kci_create_topics_response_creatable_topic_result_msg, r);
        r->name = in->topics.data[i].name;
        r->error_code = (int16_t)code;
        r->num_partitions = 7;
        r->replication_factor = 2;
    }
    out->topics.count -= leave_out_last;
}

static bool hook(fake *f_, const fake_request *r)
{
    kci_create_topics_request in;
    kci_create_topics_response out;
    kci_arena arena = { 0 };
    kci_reader body = r->body;
    int32_t fate = 0;
    (void)f_;
    if (r->head.key != KCI_API_CREATE_TOPICS)
        return false;
    cr_assert_lt(asked, 64);
    cr_assert_eq(kci_decode(&kci_create_topics_request_msg, r->head.version, &body, &arena, &in),
                 KC_OK);
    kci_msg_init(&kci_create_topics_response_msg, &out);
    broker_of[asked] = r->broker->id;
    at_us[asked] = sim_now(f.world);
    timeout_of[asked] = in.timeout_ms;
    topics_of[asked] = in.topics.count;
    fill_results(&in, &out, &fate);
    asked++;
    if (fate == 0)
        fake_answer(r, &out);
    else if (fate == HANG_UP)
        kci_conn_close(r->conn);
    kci_arena_free(&arena);
    return true;
}

static void begin_with(const char *const *properties)
{
    asked = 0;
    answer = NULL;
    throttle_ms = 0;
    leave_out_last = false;
    fake_init(&f, 3, properties);
    f.hook = hook;
    f.controller = 2;
    cr_assert_eq(kc_admin_new(f.client, &admin, &why), KC_OK, "%s", why.text);
}

static void begin(void)
{
    static const char *const properties[] = { "retry.backoff.ms=100", "retry.backoff.max.ms=400",
                                              "request.timeout.ms=2000", NULL };
    begin_with(properties);
}

static void end(void)
{
    kc_admin_free(admin);
    fake_free(&f);
}

TestSuite(op, .init = begin, .fini = end);

static kc_err create(int topics, int32_t timeout_ms, kc_topic_results **results)
{
    static const char *const names[] = { "a", "b", "c" };
    kc_new_topic list[3];
    kc_topic_results *own = NULL;
    for (int i = 0; i < topics; i++) {
        list[i] = (kc_new_topic)KC_NEW_TOPIC_INIT;
        list[i].name = kc_str(names[i]);
        list[i].partitions = 3;
    }
    kc_err err = kc_admin_create_topics(admin, list, (size_t)topics, 0, timeout_ms, &own, &why);
    if (results)
        *results = own;
    else
        kc_topic_results_free(own);
    return err;
}

static kc_err result(const kc_topic_results *results, size_t i, const char **text)
{
    kc_topic_result r = { .size = sizeof r };
    cr_assert(kc_topic_results_at(results, i, &r));
    if (text)
        *text = r.text;
    return r.err;
}

/* ---- to whom ---- */

Test(op, goes_to_the_controller)
{
    cr_assert_eq(create(2, 10000, NULL), KC_OK, "%s", why.text);
    cr_assert_eq(asked, 1);
    cr_assert_eq(broker_of[0], 2);
    cr_assert_eq(topics_of[0], 2);
}

static int32_t only_three(int number, kc_bytes topic)
{
    (void)topic;
    return broker_of[number] == 3 ? 0 : KC_E_NOT_CONTROLLER;
}

Test(op, finds_the_new_controller)
{
    cr_assert_eq(create(1, 10000, NULL), KC_OK);
    f.controller = 3;
    answer = only_three;
    cr_assert_eq(create(1, 10000, NULL), KC_OK, "%s", why.text);
    cr_assert_eq(asked, 3);
    cr_assert_eq(broker_of[1], 2);
    cr_assert_eq(broker_of[2], 3);
}

/* ---- what is repeated ---- */

Test(op, what_passes_is_repeated_and_nothing_else)
{
    static const kc_err passes[] = { KC_E_NOT_CONTROLLER, KC_E_THROTTLING_QUOTA_EXCEEDED,
                                     KC_E_NETWORK_EXCEPTION, KC_E_REBOOTSTRAP_REQUIRED,
                                     /* of other requests; the opinion is one for all */
                                     KC_E_COORDINATOR_LOAD_IN_PROGRESS,
                                     KC_E_COORDINATOR_NOT_AVAILABLE, KC_E_NOT_COORDINATOR,
                                     KC_E_CONCURRENT_TRANSACTIONS };
    answer = the_same;
    for (always = 1; always < 140; always++) {
        bool repeated = false;
        for (size_t i = 0; i < KCI_COUNT_OF(passes); i++)
            repeated |= passes[i] == always;
        asked = 0;
        kc_err err = create(1, 2000, NULL);
        cr_assert_eq(asked > 1, repeated, "%d %s: %d requests", always, kc_error_name(always),
                     asked);
        cr_assert_eq(err, repeated ? KC_E_TIMED_OUT : always, "%d: %d", always, err);
    }
}

static int32_t b_is_late(int number, kc_bytes topic)
{
    if (topic.data[0] == 'c')
        return KC_E_INVALID_PARTITIONS;
    return topic.data[0] == 'b' && number < 2 ? KC_E_NOT_CONTROLLER : 0;
}

/* Each topic has one outcome; what has one is not asked for again. */
Test(op, only_what_is_open_is_repeated)
{
    kc_topic_results *results;
    answer = b_is_late;
    cr_assert_eq(create(3, 10000, &results), KC_E_INVALID_PARTITIONS);
    cr_assert_eq(asked, 3);
    cr_assert_eq(topics_of[0], 3);
    cr_assert_eq(topics_of[1], 1);
    cr_assert_eq(topics_of[2], 1);
    cr_assert_eq(result(results, 0, NULL), KC_OK);
    cr_assert_eq(result(results, 1, NULL), KC_OK);
    cr_assert_eq(result(results, 2, NULL), KC_E_INVALID_PARTITIONS);
    kc_topic_results_free(results);
}

static int32_t lost_then_there(int number, kc_bytes topic)
{
    (void)topic;
    return number == 0 ? HANG_UP : KC_E_TOPIC_ALREADY_EXISTS;
}

Test(op, says_when_it_may_have_done_it_itself)
{
    kc_topic_results *results;
    const char *text;
    answer = lost_then_there;
    cr_assert_eq(create(1, 10000, &results), KC_E_TOPIC_ALREADY_EXISTS);
    result(results, 0, &text);
    cr_assert(strstr(text, "an earlier attempt"), "%s", text);
    kc_topic_results_free(results);
    answer = the_same;
    always = KC_E_TOPIC_ALREADY_EXISTS;
    cr_assert_eq(create(1, 10000, &results), KC_E_TOPIC_ALREADY_EXISTS);
    result(results, 0, &text);
    cr_assert_not(strstr(text, "an earlier attempt"), "%s", text);
    kc_topic_results_free(results);
}

Test(op, an_answer_that_leaves_topics_out)
{
    kc_topic_results *results;
    leave_out_last = true;
    cr_assert_eq(create(2, 10000, &results), KC_E_PROTOCOL);
    cr_assert_eq(asked, 1);
    cr_assert_eq(result(results, 0, NULL), KC_OK);
    cr_assert_eq(result(results, 1, NULL), KC_E_PROTOCOL);
    kc_topic_results_free(results);
}

/* ---- when ---- */

/* Each pause is the one before doubled, within a fifth, up to the most. */
Test(op, pauses_grow)
{
    answer = the_same;
    always = KC_E_NOT_CONTROLLER;
    cr_assert_eq(create(1, 4000, NULL), KC_E_TIMED_OUT);
    int64_t expected = 100000;
    cr_assert_gt(asked, 6);
    for (int i = 1; i < asked; i++) {
        int64_t pause = at_us[i] - at_us[i - 1];
        cr_assert(pause >= expected * 8 / 10 && pause <= expected * 12 / 10 + 5000,
                  "%lld us before attempt %d", (long long)pause, i + 1);
        expected = expected * 2 > 400000 ? 400000 : expected * 2;
    }
}

static int32_t once_too_many(int number, kc_bytes topic)
{
    (void)topic;
    return number == 0 ? KC_E_THROTTLING_QUOTA_EXCEEDED : 0;
}

/* How long it takes is the broker's to say. (It is also asked for no sooner on that connection.) */
Test(op, a_quota_says_when_to_come_again)
{
    answer = once_too_many;
    throttle_ms = 1500;
    cr_assert_eq(create(1, 10000, NULL), KC_OK);
    cr_assert_eq(asked, 2);
    cr_assert_geq(at_us[1] - at_us[0], 1500000);
    cr_assert_lt(at_us[1] - at_us[0], 1600000);
}

/* What cannot be in time is not waited for. */
Test(op, a_quota_that_takes_longer_than_there_is_time)
{
    int64_t begun = sim_now(f.world);
    answer = once_too_many;
    throttle_ms = 3000;
    cr_assert_eq(create(1, 2500, NULL), KC_E_TIMED_OUT);
    cr_assert_lt(sim_now(f.world) - begun, 500000);
    cr_assert_eq(asked, 1);
}

Test(op, ends_at_its_deadline)
{
    int64_t begun = sim_now(f.world);
    answer = the_same;
    always = SILENT;
    cr_assert_eq(create(1, 1500, NULL), KC_E_TIMED_OUT);
    cr_assert_eq((sim_now(f.world) - begun) / 1000, 1500);
    cr_assert(strstr(why.text, "may have been done"), "%s", why.text);
    cr_assert_eq(asked, 1);
}

/* One attempt has request.timeout.ms; then there is another. */
Test(op, an_attempt_without_answer_is_repeated)
{
    int64_t begun = sim_now(f.world);
    answer = the_same;
    always = SILENT;
    cr_assert_eq(create(1, 5000, NULL), KC_E_TIMED_OUT);
    cr_assert_leq(sim_now(f.world) - begun, 5001000);
    cr_assert(asked == 2 || asked == 3, "%d", asked);
    cr_assert_geq(at_us[1] - at_us[0], 2000000);
}

/* The brokers are told how much time is left, at most the request's own. */
Test(op, the_time_that_is_left_goes_along)
{
    answer = the_same;
    always = KC_E_NOT_CONTROLLER;
    int64_t begun = sim_now(f.world);
    cr_assert_eq(create(1, 3000, NULL), KC_E_TIMED_OUT);
    for (int i = 0; i < asked; i++) {
        int64_t left = 3000 - (at_us[i] - begun) / 1000;
        int64_t expected = left < 2000 ? left : 2000;
        cr_assert(timeout_of[i] >= expected - 1 && timeout_of[i] <= expected + 5,
                  "attempt %d: %d ms, %lld are left", i + 1, timeout_of[i], (long long)left);
    }
}

Test(op, no_time_at_all)
{
    cr_assert_eq(create(1, 0, NULL), KC_E_TIMED_OUT);
    cr_assert_eq(asked, 0);
}

Test(op, brokers_are_down)
{
    int64_t begun = sim_now(f.world);
    for (int i = 0; i < 3; i++)
        fake_broker_stop(&f.brokers[i]);
    cr_assert_eq(create(1, 1000, NULL), KC_E_NO_BROKER);
    cr_assert(strstr(why.text, "10.0.0.1:900"), "%s", why.text);
    cr_assert_leq(sim_now(f.world) - begun, 1001000);
    for (int i = 0; i < 3; i++)
        fake_broker_start(&f.brokers[i]);
    cr_assert_eq(create(1, 10000, NULL), KC_OK, "%s", why.text);
}
