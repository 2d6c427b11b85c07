/* SPDX-License-Identifier: Apache-2.0 */
/* Failures of brokers and connections while records are sent: with the default properties nothing
 * is lost, duplicated or reordered. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "rig.h"

enum { COUNT = 6000 };

static const kc_mock_options three = { .size = sizeof three, .brokers = 3 };
static const char *const small[] = { "batch.size=1000",
                                     "linger.ms=1",
                                     "retry.backoff.ms=5",
                                     "reconnect.backoff.ms=5",
                                     "request.timeout.ms=1500",
                                     "delivery.timeout.ms=120000",
                                     NULL };

static void send_and_check(rig *r)
{
    for (long n = 0; n < COUNT; n++)
        rig_send(r, n, n + 1, (int32_t)(n % 3));
    rig_expect_all(r, COUNT);
    rig_expect_stored_once(r, 3, COUNT);
}

static void with_error(kc_err code, uint32_t flags)
{
    rig r;
    rig_start(&r, &three, small, NULL);
    int64_t id = rig_fault(&r, KC_MOCK_FAULT_ERROR, code, 3, 6, flags);
    send_and_check(&r);
    cr_expect_gt(kc_mock_fault_hits(r.mock, id), 0);
    rig_stop(&r);
}

Test(faults, not_leader)
{
    with_error(KC_E_NOT_LEADER_OR_FOLLOWER, 0);
}

Test(faults, not_leader_although_written)
{
    with_error(KC_E_NOT_LEADER_OR_FOLLOWER, KC_MOCK_FAULT_APPLIED);
}

Test(faults, request_timed_out_although_written)
{
    with_error(KC_E_REQUEST_TIMED_OUT, KC_MOCK_FAULT_APPLIED);
}

Test(faults, not_enough_replicas)
{
    with_error(KC_E_NOT_ENOUGH_REPLICAS, 0);
}

Test(faults, not_enough_replicas_after_append)
{
    with_error(KC_E_NOT_ENOUGH_REPLICAS_AFTER_APPEND, KC_MOCK_FAULT_APPLIED);
}

Test(faults, out_of_order_sequence)
{
    with_error(KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER, 0);
}

Test(faults, unknown_producer_id)
{
    with_error(KC_E_UNKNOWN_PRODUCER_ID, 0);
}

static void with_connection_fault(int32_t action)
{
    rig r;
    rig_start(&r, &three, small, NULL);
    int64_t id = rig_fault(&r, action, 0, 5, 4, 0);
    send_and_check(&r);
    cr_expect_gt(kc_mock_fault_hits(r.mock, id), 0);
    rig_stop(&r);
}

Test(faults, disconnect_before)
{
    with_connection_fault(KC_MOCK_FAULT_DISCONNECT);
}

Test(faults, disconnect_after_it_was_written)
{
    with_connection_fault(KC_MOCK_FAULT_LOSE_ANSWER);
}

Test(faults, answers_cut_off)
{
    with_connection_fault(KC_MOCK_FAULT_CUT);
}

Test(faults, answers_that_end_too_soon)
{
    with_connection_fault(KC_MOCK_FAULT_SHORT);
}

Test(faults, duplicate_sequence_is_success)
{
    rig r;
    rig_start(&r, NULL, small, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_DUPLICATE_SEQUENCE_NUMBER, 0, 1, KC_MOCK_FAULT_APPLIED);
    rig_send(&r, 0, 10, 0);
    rig_expect_all(&r, 10);
    cr_expect(r.outcomes[0].flags & KC_DELIVERY_OFFSET_UNKNOWN);
    cr_expect_eq(r.outcomes[0].offset, -1);
    rig_stop(&r);
}

Test(faults, a_permanent_error_fails_its_batch_only)
{
    rig r;
    kc_error why = { 0 };
    rig_start(&r, NULL, small, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_INVALID_RECORD, 2, 1, 0);
    long failed = 0;
    for (long n = 0; n < 2000; n++)
        rig_send(&r, n, n + 1, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, &why), KC_E_NOT_DELIVERED);
    for (long n = 0; n < 2000; n++) {
        cr_assert_eq(r.outcomes[n].reports, 1);
        failed += r.outcomes[n].err == KC_E_INVALID_RECORD;
        cr_assert(r.outcomes[n].err == KC_OK || r.outcomes[n].err == KC_E_INVALID_RECORD);
        cr_assert_not(r.outcomes[n].flags & KC_DELIVERY_POSSIBLY_PERSISTED);
    }
    cr_expect_gt(failed, 0);
    int times[2000] = { 0 };
    cr_expect_eq(rig_stored(&r, 0, times, 2000, true), 2000 - failed);
    rig_stop(&r);
}

Test(faults, without_retries_the_first_error_is_final)
{
    const char *const properties[] = { "enable.idempotence=false", "retries=0", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, 1, 0);
    rig_send(&r, 0, 1, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_E_NOT_DELIVERED);
    cr_expect_eq(r.outcomes[0].err, KC_E_NOT_ENOUGH_REPLICAS);
    rig_stop(&r);
}

Test(faults, no_producer_id)
{
    rig r;
    kc_mock_fault f;
    kc_mock_fault_init(&f, sizeof f);
    f.action = KC_MOCK_FAULT_ERROR;
    f.api = KC_MOCK_API_INIT_PRODUCER_ID;
    f.flags = KC_MOCK_FAULT_TOP;
    f.code = KC_E_CLUSTER_AUTHORIZATION_FAILED;
    rig_start(&r, NULL, small, NULL);
    cr_assert_gt(kc_mock_add_fault(r.mock, &f), 0);
    rig_send(&r, 0, 10, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_E_NOT_DELIVERED);
    cr_expect_eq(r.outcomes[0].err, KC_E_CLUSTER_AUTHORIZATION_FAILED);
    cr_expect_eq(r.outcomes[0].flags, 0);
    rig_send(&r, 10, 20, 0); /* the permission has come */
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    rig_stop(&r);
}

/* To another broker than the present one; returns it. */
static int32_t move_on(rig *r, int32_t partition, bool quietly)
{
    int32_t before, after;
    cr_assert_eq(kc_mock_leader(r->mock, "t", partition, &before, NULL), KC_OK);
    cr_assert_eq(kc_mock_move_leader(r->mock, "t", partition, before % 3 + 1, quietly ? 30 : 0,
                                     quietly ? KC_MOCK_NO_HINTS : 0),
                 KC_OK);
    cr_assert_eq(kc_mock_leader(r->mock, "t", partition, &after, NULL), KC_OK);
    cr_assert_neq(after, before);
    return after;
}

/* Each is noticed by a refusal: the batch goes again, to the new leader. */
Test(faults, leaders_move)
{
    enum { MOVES = COUNT / 500 };
    rig r;
    rig_start_virtual(&r, &three, small, NULL);
    for (long n = 0; n < COUNT; n++) {
        rig_send(&r, n, n + 1, (int32_t)(n % 3));
        if (n % 500 == 250) {
            int32_t partition = (int32_t)(n / 500 % 3);
            int32_t leader = move_on(&r, partition, n % 1000 == 250);
            int64_t before = kc_mock_requests(r.mock, leader, KC_MOCK_API_PRODUCE);
            rig_sleep_ms(&r, 200);
            cr_expect_gt(kc_mock_requests(r.mock, leader, KC_MOCK_API_PRODUCE), before);
        }
        if (n % 100 == 0)
            rig_sleep_ms(&r, 2);
    }
    rig_expect_all(&r, COUNT);
    rig_expect_stored_once(&r, 3, COUNT);
    kc_stats stats = { .size = sizeof stats };
    kc_client_get_stats(r.client, &stats);
    cr_expect_geq(stats.batches_retried, MOVES, "%lld were refused",
                  (long long)stats.batches_retried);
    rig_stop(&r);
}

Test(faults, brokers_go_down_and_up)
{
    rig r;
    rig_start(&r, &three, small, NULL);
    for (long n = 0; n < COUNT; n++) {
        rig_send(&r, n, n + 1, (int32_t)(n % 3));
        int32_t broker = (int32_t)(n / 1000 % 3) + 1;
        if (n % 1000 == 300)
            kc_mock_broker_down(r.mock, broker, 0);
        if (n % 1000 == 800)
            kc_mock_broker_up(r.mock, broker);
        if (n % 100 == 0)
            rig_sleep_ms(&r, 2);
    }
    rig_expect_all(&r, COUNT);
    rig_expect_stored_once(&r, 3, COUNT);
    rig_stop(&r);
}

Test(faults, a_topic_deleted_and_created_again)
{
    rig r;
    kc_error why = { 0 };
    rig_start(&r, NULL, small, NULL);
    rig_send(&r, 0, 100, 0);
    rig_expect_all(&r, 100);
    cr_assert_eq(kc_mock_delete_topic(r.mock, "t"), KC_OK);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 3, 0), KC_OK);
    rig_send(&r, 100, 200, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 100);
    rig_stop(&r);
}

Test(faults, an_error_for_ever_is_no_storm)
{
    const char *const properties[] = { "linger.ms=0", NULL };
    rig r;
    rig_start_virtual(&r, NULL, properties, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_LEADER_OR_FOLLOWER, 0, -1, 0);
    rig_send(&r, 0, 1, 0);
    rig_sleep_ms(&r, 2000);
    cr_expect_lt(kc_mock_requests(r.mock, -1, -1), 40, "%lld requests",
                 (long long)kc_mock_requests(r.mock, -1, -1));
    kc_producer_purge(r.producer, true);
    rig_stop(&r);
}

/* As in Java: nobody may write under this producer's id any more. Brokers say so of a transactional
 * one only, but the rule is the same for both. */
Test(faults, a_fenced_producer_is_at_its_end)
{
    kc_error why = { 0 };
    const char *const properties[] = { "linger.ms=0", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_PRODUCER_FENCED, 0, 1, 0);
    for (long n = 0; n < 30; n++) {
        kc_err err = rig_try(&r, n, (int32_t)(n % 3), &why);
        cr_assert(err == KC_OK || err == KC_E_PRODUCER_FENCED, "%s", why.text);
    }
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_E_NOT_DELIVERED, "%s", why.text);
    cr_expect(strstr(why.text, "PRODUCER_FENCED"), "%s", why.text);
    int64_t asked = kc_mock_requests(r.mock, -1, KC_MOCK_API_PRODUCE);
    cr_expect_eq(rig_try(&r, 30, 0, &why), KC_E_PRODUCER_FENCED);
    cr_expect(why.flags & KC_ERROR_FATAL);
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_mock_requests(r.mock, -1, KC_MOCK_API_PRODUCE), asked);
    kc_producer_counts counts = KC_PRODUCER_COUNTS_INIT;
    cr_expect_eq(kc_producer_get_counts(r.producer, &counts), KC_OK);
    cr_expect_eq(counts.accepted, counts.acked + counts.failed);
    rig_stop(&r);
}

/* Without a transaction there is nothing to abort: the batch fails, and a new id goes on. */
Test(faults, an_invalid_epoch_costs_one_batch)
{
    kc_error why = { 0 };
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_INVALID_PRODUCER_EPOCH, 0, 1, 0);
    rig_send(&r, 0, 1, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_E_NOT_DELIVERED, "%s", why.text);
    cr_expect_eq(r.outcomes[0].err, KC_E_INVALID_PRODUCER_EPOCH);
    rig_send(&r, 1, 20, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 10000, &why), KC_OK, "%s", why.text);
    for (long n = 1; n < 20; n++)
        cr_expect_eq(r.outcomes[n].err, KC_OK);
    rig_stop(&r);
}

/* Broker 1 takes its requests and answers none: what it leads is left out after a while. */
Test(faults, a_broker_that_takes_nothing_is_left_out)
{
    const char *const properties[] = { "batch.size=1000", "linger.ms=1",
                                       "partitioner.availability.timeout.ms=100", NULL };
    rig r;
    rig_start_virtual(&r, &three, properties, NULL);
    rig_send(&r, 0, 3, KC_PARTITION_ANY);
    rig_expect_all(&r, 3);
    kc_mock_fault hang;
    kc_mock_fault_init(&hang, sizeof hang);
    hang.action = KC_MOCK_FAULT_HANG;
    hang.api = KC_MOCK_API_PRODUCE;
    hang.broker = 1;
    hang.count = -1;
    cr_assert_gt(kc_mock_add_fault(r.mock, &hang), 0);
    long sent = 3;
    for (int i = 0; i < 100; i++, sent += 100, rig_sleep_ms(&r, 5))
        rig_send(&r, sent, sent + 100, KC_PARTITION_ANY);
    kc_producer_counts before = { .size = sizeof before }, after = before;
    kc_producer_get_counts(r.producer, &before);
    uint64_t waiting = before.accepted - before.acked;
    cr_assert_gt(waiting, 0, "some went there at first");
    for (int i = 0; i < 100; i++, sent += 100, rig_sleep_ms(&r, 5))
        rig_send(&r, sent, sent + 100, KC_PARTITION_ANY);
    rig_sleep_ms(&r, 200);
    kc_producer_get_counts(r.producer, &after);
    cr_assert_leq(after.accepted - after.acked, waiting, "%d of %d",
                  (int)(after.accepted - after.acked), (int)waiting);
    rig_stop(&r);
}
