/* SPDX-License-Identifier: Apache-2.0 */
/* How batches end: how often they are tried, when, what is told of them in the end, and that it is
 * told once. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "unit/producer/script.h"

static script s;

/* Of Kafka's errors of Produce, by what they say of the log. Written down here a second time, so
 * that a change of the library's own list is noticed. */
static const kc_err not_written[] = {
    KC_E_CORRUPT_MESSAGE,
    KC_E_MESSAGE_TOO_LARGE,
    KC_E_RECORD_LIST_TOO_LARGE,
    KC_E_NOT_ENOUGH_REPLICAS,
    KC_E_INVALID_TOPIC_EXCEPTION,
    KC_E_INVALID_REQUIRED_ACKS,
    KC_E_TOPIC_AUTHORIZATION_FAILED,
    KC_E_CLUSTER_AUTHORIZATION_FAILED,
    KC_E_INVALID_TIMESTAMP,
    KC_E_POLICY_VIOLATION,
    KC_E_INVALID_RECORD,
    KC_E_UNSUPPORTED_COMPRESSION_TYPE,
    KC_E_UNKNOWN_TOPIC_ID,
};
static const kc_err perhaps_written[] = {
    KC_E_NOT_LEADER_OR_FOLLOWER,
    KC_E_REQUEST_TIMED_OUT,
    KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND,
    KC_E_LEADER_NOT_AVAILABLE,
    KC_E_UNKNOWN_SERVER_ERROR,
    KC_E_KAFKA_STORAGE_ERROR,
    KC_E_NETWORK_EXCEPTION,
    KC_E_FENCED_LEADER_EPOCH,
    KC_E_UNKNOWN_LEADER_EPOCH,
    KC_E_REPLICA_NOT_AVAILABLE,
    KC_E_COORDINATOR_NOT_AVAILABLE,
};

static int32_t always; /* the answer to everything */

static int32_t the_same(script *script_, const script_batch *b)
{
    (void)script_, (void)b;
    return always;
}

/* One record, to which the brokers have always the same answer; how often they were asked. */
static int try_one(int32_t answer, const char *retries)
{
    char property[32];
    const char *const properties[] = { "enable.idempotence=false", property, "retry.backoff.ms=10",
                                       "retry.backoff.max.ms=20", NULL };
    snprintf(property, sizeof property, "retries=%s", retries);
    script_start(&s, 1, 1, properties);
    always = answer;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    int attempts = script_attempts(&s, 0);
    script_run(&s, 10000);
    cr_assert_eq(script_attempts(&s, 0), attempts, "it was sent again after its outcome");
    script_stop(&s);
    return attempts;
}

Test(outcome, there_are_as_many_retries_as_were_asked_for)
{
    static const struct {
        const char *retries;
        int attempts;
    } rows[] = { { "0", 1 }, { "1", 2 }, { "2", 3 }, { "3", 4 }, { "7", 8 } };
    for (size_t i = 0; i < KCI_COUNT_OF(rows); i++) {
        cr_assert_eq(try_one(KC_E_NOT_ENOUGH_REPLICAS, rows[i].retries), rows[i].attempts);
        cr_assert_eq(s.outcomes[0].err, KC_E_NOT_ENOUGH_REPLICAS);
        cr_assert_eq(s.outcomes[0].flags, 0);
        cr_assert_eq(try_one(SCRIPT_HANG_UP, rows[i].retries), rows[i].attempts);
        cr_assert_eq(s.outcomes[0].err, KC_E_TRANSPORT);
        cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_POSSIBLY_PERSISTED);
        cr_assert_eq(try_one(SCRIPT_LEAVE_OUT, rows[i].retries), rows[i].attempts);
        cr_assert_eq(s.outcomes[0].err, KC_E_PROTOCOL);
        cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_POSSIBLY_PERSISTED);
    }
}

Test(outcome, the_last_retry_may_succeed)
{
    for (int retries = 1; retries <= 4; retries++) {
        char property[32];
        const char *const properties[] = { "enable.idempotence=false", property,
                                           "retry.backoff.ms=1", NULL };
        snprintf(property, sizeof property, "retries=%d", retries);
        script_start(&s, 1, 1, properties);
        always = KC_E_NOT_ENOUGH_REPLICAS;
        s.answer = the_same;
        script_send(&s, 0, "t", 0);
        while (script_attempts(&s, 0) < retries)
            script_run(&s, 1);
        always = 0;
        script_await(&s, 1);
        cr_assert_eq(s.outcomes[0].err, KC_OK, "%d retries", retries);
        cr_assert_eq(s.outcomes[0].offset, 0);
        cr_assert_eq(script_attempts(&s, 0), retries + 1);
        script_stop(&s);
    }
}

Test(outcome, errors_say_whether_it_may_have_been_written)
{
    for (size_t i = 0; i < KCI_COUNT_OF(not_written); i++) {
        cr_assert_eq(try_one(not_written[i], "0"), 1);
        cr_assert_eq(s.outcomes[0].err, not_written[i]);
        cr_assert_eq(s.outcomes[0].flags, 0, "%s", kc_error_name(not_written[i]));
    }
    for (size_t i = 0; i < KCI_COUNT_OF(perhaps_written); i++) {
        cr_assert_eq(try_one(perhaps_written[i], "0"), 1);
        cr_assert_eq(s.outcomes[0].err, perhaps_written[i]);
        cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_POSSIBLY_PERSISTED, "%s",
                     kc_error_name(perhaps_written[i]));
    }
}

/* The table's flag decides for every code that Kafka has. */
Test(outcome, what_is_retriable_is_retried_and_nothing_else)
{
    for (int32_t code = 1; code < 140; code++) {
        if (code == KC_E_DUPLICATE_SEQUENCE_NUMBER)
            continue; /* success */
        bool retriable = (kc_error_flags(code) & KC_ERROR_RETRIABLE) != 0;
        cr_assert_eq(try_one(code, "1"), retriable ? 2 : 1, "%d %s", code, kc_error_name(code));
        cr_assert_eq(s.outcomes[0].err, code);
    }
}

static int32_t first_lost(script *script_, const script_batch *b)
{
    return b->request == 0 ? *(int32_t *)script_->arg : KC_E_INVALID_RECORD;
}

Test(outcome, a_doubt_stays)
{
    int32_t fates[] = { SCRIPT_HANG_UP, KC_E_NOT_LEADER_OR_FOLLOWER, KC_E_NOT_ENOUGH_REPLICAS };
    for (int i = 0; i < 3; i++) {
        const char *const properties[] = { "enable.idempotence=false", NULL };
        script_start(&s, 1, 1, properties);
        s.arg = &fates[i];
        s.answer = first_lost;
        script_send(&s, 0, "t", 0);
        script_await(&s, 1);
        cr_assert_eq(s.outcomes[0].err, KC_E_INVALID_RECORD);
        cr_assert_eq(s.outcomes[0].flags, i < 2 ? KC_DELIVERY_POSSIBLY_PERSISTED : 0);
        script_stop(&s);
    }
}

Test(outcome, a_duplicate_was_written_somewhere)
{
    script_start(&s, 1, 1, NULL);
    always = KC_E_DUPLICATE_SEQUENCE_NUMBER;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_OK);
    cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_OFFSET_UNKNOWN);
    cr_assert_eq(s.outcomes[0].offset, -1);
    script_stop(&s);
}

/* Each pause is the one before doubled, within a fifth of it, up to the most. */
Test(outcome, pauses_grow)
{
    const char *const properties[] = { "enable.idempotence=false", "retry.backoff.ms=100",
                                       "retry.backoff.max.ms=1000", "retries=8", NULL };
    script_start(&s, 1, 1, properties);
    always = KC_E_NOT_ENOUGH_REPLICAS;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.count, 9);
    int64_t expected = 100000;
    for (int i = 1; i < 9; i++) {
        int64_t pause = s.seen[i].at_us - s.seen[i - 1].at_us;
        cr_assert(pause >= expected * 8 / 10 && pause <= expected * 12 / 10 + 5000,
                  "%lld us before attempt %d", (long long)pause, i + 1);
        expected = expected * 2 > 1000000 ? 1000000 : expected * 2;
    }
    script_stop(&s);
}

static int32_t moved(script *script_, const script_batch *b)
{
    (void)script_;
    return b->broker == 1 ? KC_E_NOT_LEADER_OR_FOLLOWER : 0;
}

static void leader_moves(bool hint, int64_t *pause_us)
{
    const char *const properties[] = { "retry.backoff.ms=500", "retry.backoff.max.ms=500", NULL };
    script_start(&s, 2, 1, properties);
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    script_run(&s, 2000); /* metadata may be asked for again */
    s.fake.topics[0].leader[0] = 2;
    s.fake.topics[0].epoch[0] = 2;
    if (hint)
        s.hint = (kci_produce_response_leader_id_and_epoch){ 2, 2 };
    s.answer = moved;
    script_send(&s, 1, "t", 0);
    script_await(&s, 2);
    cr_assert_eq(s.outcomes[1].err, KC_OK);
    cr_assert_eq(s.count, 3);
    cr_assert_eq(s.seen[1].broker, 1);
    cr_assert_eq(s.seen[2].broker, 2);
    cr_assert_eq(s.seen[2].sequence, s.seen[1].sequence, "a retry is the same batch");
    *pause_us = s.seen[2].at_us - s.seen[1].at_us;
    script_stop(&s);
}

Test(outcome, a_new_leader_is_gone_to_at_once)
{
    int64_t pause_us;
    leader_moves(true, &pause_us);
    cr_assert_lt(pause_us, 50000, "%lld us although the leader was told", (long long)pause_us);
    leader_moves(false, &pause_us);
    cr_assert_lt(pause_us, 50000, "%lld us: metadata end the pause", (long long)pause_us);
}

/* ---- delivery.timeout.ms ---- */

static void expect_timeout(uint32_t flags, const char *text)
{
    int64_t begun = sim_now(s.fake.world);
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_E_TIMED_OUT);
    cr_assert_eq(s.outcomes[0].flags, flags);
    int64_t took = s.outcomes[0].at_us - begun;
    cr_assert(took >= 3000000 && took < 3010000, "%lld us", (long long)took);
    cr_assert(strstr(s.text, "delivery.timeout.ms (3000)"), "%s", s.text);
    cr_assert(strstr(s.text, text), "%s", s.text);
}

static const char *const three_seconds[] = { "delivery.timeout.ms=3000", "request.timeout.ms=2500",
                                             "retry.backoff.ms=10", NULL };

Test(outcome, time_is_over_while_it_is_sent)
{
    script_start(&s, 1, 1, three_seconds);
    always = SCRIPT_SILENT;
    s.answer = the_same;
    expect_timeout(KC_DELIVERY_POSSIBLY_PERSISTED, "last: ");
    script_stop(&s);
}

static int32_t refused_then_silent(script *script_, const script_batch *b)
{
    (void)script_;
    return b->request == 0 ? KC_E_NOT_ENOUGH_REPLICAS : SCRIPT_SILENT;
}

/* The second attempt has not had its own time: it is under way. */
Test(outcome, time_is_over_in_the_middle_of_an_attempt)
{
    const char *const properties[] = { "delivery.timeout.ms=3000", "request.timeout.ms=2900",
                                       "retry.backoff.ms=1000", "linger.ms=0", NULL };
    script_start(&s, 1, 1, properties);
    s.answer = refused_then_silent;
    expect_timeout(KC_DELIVERY_POSSIBLY_PERSISTED, "last: ");
    cr_assert_eq(s.count, 2);
    script_stop(&s);
}

Test(outcome, time_is_over_although_it_was_refused_every_time)
{
    script_start(&s, 1, 1, three_seconds);
    always = KC_E_NOT_ENOUGH_REPLICAS;
    s.answer = the_same;
    expect_timeout(0, "last: ");
    cr_assert_gt(script_attempts(&s, 0), 3);
    script_stop(&s);
}

Test(outcome, time_is_over_without_a_leader)
{
    script_start(&s, 1, 2, three_seconds);
    script_send(&s, 10, "t", 1);
    script_await(&s, 1);
    s.reported = 0;
    s.fake.topics[0].leader[0] = -1;
    kci_client_refresh(s.fake.client);
    script_run(&s, 200);
    expect_timeout(0, "no leader");
    script_stop(&s);
}

Test(outcome, what_is_late_does_not_change_what_was_told)
{
    script_start(&s, 1, 1, three_seconds);
    always = SCRIPT_HOLD;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_run(&s, 2400);
    cr_assert_eq(s.reported, 0);
    cr_assert_eq(kc_producer_purge(s.producer, true), KC_OK);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_E_PURGED);
    cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_POSSIBLY_PERSISTED);
    always = 0;
    script_release(&s);
    script_run(&s, 1000);
    cr_assert_eq(s.outcomes[0].err, KC_E_PURGED);
    cr_assert_eq(s.reported, 1);
    script_send(&s, 1, "t", 0);
    script_await(&s, 2);
    cr_assert_eq(s.outcomes[1].err, KC_OK);
    script_stop(&s);
}

Test(outcome, purge_leaves_what_was_sent)
{
    const char *const properties[] = { "max.in.flight.requests.per.connection=1", NULL };
    script_start(&s, 1, 1, properties);
    always = SCRIPT_HOLD;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_run(&s, 100);
    cr_assert_eq(s.count, 1);
    script_send(&s, 1, "t", 0);
    script_run(&s, 100);
    cr_assert_eq(kc_producer_purge(s.producer, false), KC_OK);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[1].err, KC_E_PURGED);
    cr_assert_eq(s.outcomes[1].flags, 0, "it was not sent");
    always = 0;
    script_release(&s);
    script_await(&s, 2);
    cr_assert_eq(s.outcomes[0].err, KC_OK);
    script_stop(&s);
}

/* ---- acks=0 ---- */

static const char *const no_acks[] = { "acks=0",
                                       "enable.idempotence=false",
                                       "batch.size=1000000",
                                       "max.request.size=2000000",
                                       "linger.ms=5",
                                       "retries=0",
                                       "delivery.timeout.ms=3000",
                                       "request.timeout.ms=2500",
                                       NULL };

static void send_large(int number, size_t size)
{
    kc_error why = { 0 };
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    void *value = calloc(1, size);
    record.topic = kc_str("t");
    record.partition = 0;
    record.value = kc_mem(value, size);
    record.opaque = (void *)(uintptr_t)(number + 1);
    cr_assert_eq(kc_producer_send(s.producer, &record, &why), KC_OK, "%s", why.text);
    free(value);
}

Test(outcome, without_acks_it_is_delivered_when_it_is_written)
{
    script_start(&s, 1, 1, no_acks);
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_OK);
    cr_assert_eq(s.outcomes[0].flags, KC_DELIVERY_OFFSET_UNKNOWN);
    script_run(&s, 10);
    cr_assert_eq(s.count, 1);
    script_stop(&s);
}

/* The network takes the first bytes only, then the connection ends: nobody knows what arrived. */
Test(outcome, without_acks_what_was_not_written_is_not_delivered)
{
    script_start(&s, 1, 1, no_acks);
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    sim_link_of(s.fake.world, s.fake.brokers[0].port)->blackhole = true;
    sim_set_window(s.fake.world, 1000);
    send_large(1, 500000);
    script_run(&s, 500);
    cr_assert_eq(s.reported, 1, "half of it is still here");
    sim_link_of(s.fake.world, s.fake.brokers[0].port)->blackhole = false;
    sim_reset_port(s.fake.world, s.fake.brokers[0].port);
    script_await(&s, 2);
    cr_assert_eq(s.outcomes[1].err, KC_E_TRANSPORT, "%s", kc_error_name(s.outcomes[1].err));
    script_stop(&s);
}

/* It never gets away: its time is over. */
Test(outcome, without_acks_what_is_stuck_times_out)
{
    script_start(&s, 1, 1, no_acks);
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    sim_link_of(s.fake.world, s.fake.brokers[0].port)->blackhole = true;
    sim_set_window(s.fake.world, 1000);
    send_large(1, 500000);
    script_await(&s, 2);
    cr_assert_neq(s.outcomes[1].err, KC_OK);
    sim_link_of(s.fake.world, s.fake.brokers[0].port)->blackhole = false;
    script_stop(&s);
}

/* ---- too large ---- */

static int32_t at_most_three(script *script_, const script_batch *b)
{
    (void)script_;
    return b->count > 3 ? KC_E_MESSAGE_TOO_LARGE : 0;
}

Test(outcome, what_is_too_large_is_split_until_it_fits)
{
    for (int count = 1; count <= 20; count++) {
        const char *const properties[] = { "linger.ms=10", NULL };
        script_start(&s, 1, 1, properties);
        s.answer = at_most_three;
        for (int i = 0; i < count; i++)
            script_send(&s, i, "t", 0);
        script_await(&s, count);
        for (int i = 0; i < count; i++) {
            cr_assert_eq(s.outcomes[i].err, KC_OK);
            cr_assert_eq(s.outcomes[i].offset, i, "record %d of %d at %d", i, count,
                         (int)s.outcomes[i].offset);
        }
        script_stop(&s);
    }
}

Test(outcome, one_record_that_is_too_large_fails)
{
    script_start(&s, 1, 1, NULL);
    always = KC_E_MESSAGE_TOO_LARGE;
    s.answer = the_same;
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_E_MESSAGE_TOO_LARGE);
    cr_assert_eq(s.outcomes[0].flags, 0);
    cr_assert_eq(s.count, 1);
    script_stop(&s);
}

/* ---- numbers ---- */

static int32_t second_is_bad(script *script_, const script_batch *b)
{
    (void)script_;
    return b->first == 1 && b->count == 1 ? KC_E_INVALID_RECORD : 0;
}

/* The number of what was refused for certain is taken by the next one: there is no gap. */
Test(outcome, a_refused_batch_leaves_no_gap)
{
    script_start(&s, 1, 1, NULL);
    s.answer = second_is_bad;
    for (int i = 0; i < 5; i++) {
        script_send(&s, i, "t", 0);
        script_await(&s, i + 1);
    }
    int32_t next = 0;
    for (int i = 0; i < s.count; i++) {
        cr_assert_eq(s.seen[i].sequence, s.seen[i].epoch == s.seen[0].epoch ? next : 0);
        next += s.seen[i].first == 1 ? 0 : s.seen[i].count;
        if (s.seen[i].epoch != s.seen[0].epoch)
            break;
    }
    cr_assert_eq(s.outcomes[1].err, KC_E_INVALID_RECORD);
    for (int i = 0; i < 5; i++)
        cr_assert(i == 1 || s.outcomes[i].err == KC_OK);
    script_stop(&s);
}

static int32_t fenced_once(script *script_, const script_batch *b)
{
    return b->producer_id == *(int64_t *)script_->arg ? KC_E_INVALID_PRODUCER_EPOCH : 0;
}

Test(outcome, a_refused_id_is_replaced)
{
    int64_t bad = 100;
    script_start(&s, 1, 2, NULL);
    s.arg = &bad;
    s.answer = fenced_once;
    script_send(&s, 0, "t", 0);
    script_await(&s, 1);
    cr_assert_eq(s.outcomes[0].err, KC_E_INVALID_PRODUCER_EPOCH);
    script_send(&s, 1, "t", 0);
    script_send(&s, 2, "t", 1);
    script_await(&s, 3);
    cr_assert_eq(s.outcomes[1].err, KC_OK);
    cr_assert_eq(s.outcomes[2].err, KC_OK);
    cr_assert_eq(s.inits, 2);
    script_stop(&s);
}
