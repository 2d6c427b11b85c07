/* SPDX-License-Identifier: Apache-2.0 */
/* What a producer says while records wait and when they are lost: once, with the partition and the
 * reason. On the virtual clock. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "rig.h"

TestSuite(telling, .timeout = 60);

typedef struct lines {
    int count;
    char text[8][1200];
    int64_t at_ms[8];
    rig *r;
} lines;

static void keep(void *user, int level, const char *area, const char *text)
{
    lines *l = user;
    cr_expect_leq(level, KC_LOG_WARN);
    if (strcmp(area, "producer") != 0)
        return;
    if (l->count < 8) {
        snprintf(l->text[l->count], sizeof l->text[0], "%s", text);
        l->at_ms[l->count] = rig_now_ms(l->r);
    }
    l->count++;
}

static const char *const patient[] = { "request.timeout.ms=1000", "delivery.timeout.ms=60000",
                                       "linger.ms=0", NULL };

static void start(rig *r, lines *l, int brokers)
{
    kc_mock_options options = { .size = sizeof options, .brokers = brokers };
    rig_start_virtual(r, &options, patient, NULL);
    *l = (lines){ .r = r };
    kc_client_set_log(r->client, keep, l, KC_LOG_WARN);
    rig_send(r, 0, 10, 0);
    cr_assert_eq(kc_producer_flush(r->producer, 10000, NULL), KC_OK);
    cr_assert_eq(l->count, 0);
}

static void expect_line(const lines *l, int n, const char *what, const char *reason)
{
    cr_assert_gt(l->count, n, "nothing was said: %s", what);
    cr_expect_not_null(strstr(l->text[n], what), "%s", l->text[n]);
    cr_expect_not_null(strstr(l->text[n], reason), "%s", l->text[n]);
}

/* -- partitions that stand still ----------------------------------------------------------------
 */

Test(telling, a_partition_that_is_refused_stands_still_and_goes_on)
{
    rig r;
    lines l;
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, -1, 0);
    int64_t begun = rig_now_ms(&r);
    rig_send(&r, 10, 20, 2);
    virtual_sleep_ms(r.world, 900);
    cr_expect_eq(l.count, 0, "%s", l.text[0]);
    virtual_sleep_ms(r.world, 20000);
    cr_assert_eq(l.count, 1, "%d lines", l.count);
    expect_line(&l, 0, "t [2] stands still", kc_error_text(KC_E_NOT_ENOUGH_REPLICAS));
    cr_expect(l.at_ms[0] >= begun + 1000 && l.at_ms[0] <= begun + 1100);
    kc_mock_clear_faults(r.mock);
    rig_expect_all(&r, 20);
    cr_assert_eq(l.count, 2, "%d lines", l.count);
    expect_line(&l, 1, "t [2] goes on", "0 partitions");
    rig_send(&r, 20, 30, 2);
    rig_expect_all(&r, 30);
    virtual_sleep_ms(r.world, 5000);
    cr_expect_eq(l.count, 2, "all is well: %s", l.text[2]);
    rig_stop(&r);
}

Test(telling, a_partition_without_leader_stands_still)
{
    rig r;
    lines l;
    int32_t leader, epoch;
    start(&r, &l, 2);
    cr_assert_eq(kc_mock_leader(r.mock, "t", 1, &leader, &epoch), KC_OK);
    rig_send(&r, 10, 20, 1);
    rig_expect_all(&r, 20);
    kc_mock_broker_down(r.mock, leader, KC_MOCK_NO_ELECTION);
    virtual_sleep_ms(r.world, 3000);
    cr_expect_eq(l.count, 0, "nothing waits");
    rig_send(&r, 20, 30, 1);
    virtual_sleep_ms(r.world, 10000);
    expect_line(&l, 0, "t [1] stands still", "");
    cr_expect_eq(l.count, 1, "%d lines", l.count);
    kc_mock_broker_up(r.mock, leader);
    rig_expect_all(&r, 30);
    expect_line(&l, 1, "t [1] goes on", "");
    cr_expect_eq(l.count, 2, "%d lines", l.count);
    rig_stop(&r);
}

Test(telling, all_partitions_of_a_broker_that_hangs_are_one_line)
{
    rig r;
    lines l;
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_HANG, 0, 0, -1, 0);
    for (int32_t i = 0; i < 3; i++)
        rig_send(&r, 10 + i, 11 + i, i);
    virtual_sleep_ms(r.world, 20000);
    expect_line(&l, 0, "stands still", "2 other partitions");
    cr_expect_eq(l.count, 1, "%d lines", l.count);
    kc_mock_clear_faults(r.mock);
    rig_expect_all(&r, 13);
    virtual_sleep_ms(r.world, 1000);
    cr_expect_geq(l.count, 2);
    cr_expect_leq(l.count, 3, "one when it begins to be over, one when it is");
    expect_line(&l, l.count - 1, "goes on", "0 partitions");
    rig_stop(&r);
}

Test(telling, a_slow_partition_does_not_stand_still)
{
    rig r;
    lines l;
    kc_mock_fault slow;
    start(&r, &l, 1);
    kc_mock_fault_init(&slow, sizeof slow);
    slow.action = KC_MOCK_FAULT_DELAY;
    slow.api = KC_MOCK_API_PRODUCE;
    slow.ms = 150;
    slow.count = -1;
    cr_assert_gt(kc_mock_add_fault(r.mock, &slow), 0);
    for (long n = 10; n < 20; n++) {
        rig_send(&r, n, n + 1, 0);
        virtual_sleep_ms(r.world, 100);
    }
    rig_expect_all(&r, 20);
    cr_expect_eq(l.count, 0, "%s", l.text[0]);
    rig_stop(&r);
}

/* -- flush and close ----------------------------------------------------------------------------
 */

Test(telling, flush_and_close_name_the_oldest_partition)
{
    rig r;
    lines l;
    kc_error why = { 0 };
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, -1, 0);
    rig_send(&r, 10, 20, 1);
    virtual_sleep_ms(r.world, 10);
    rig_send(&r, 20, 30, 0);
    cr_expect_eq(kc_producer_flush(r.producer, 500, &why), KC_E_TIMED_OUT);
    cr_expect_not_null(strstr(why.text, "20 records"), "%s", why.text);
    cr_expect_not_null(strstr(why.text, "t [1]"), "%s", why.text);
    cr_expect_not_null(strstr(why.text, kc_error_text(KC_E_NOT_ENOUGH_REPLICAS)), "%s", why.text);
    cr_expect_eq(kc_producer_close(r.producer, 500, &why), KC_E_TIMED_OUT);
    cr_expect_not_null(strstr(why.text, "20 records"), "%s", why.text);
    cr_expect_not_null(strstr(why.text, "t [1]"), "%s", why.text);
    cr_expect_not_null(strstr(why.text, kc_error_text(KC_E_NOT_ENOUGH_REPLICAS)), "%s", why.text);
    cr_expect_eq(r.outcomes[15].err, KC_E_PURGED);
    rig_stop(&r);
}

/* -- loss -------------------------------------------------------------------------------------- */

Test(telling, freeing_without_closing_says_what_is_lost)
{
    rig r;
    lines l;
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, -1, 0);
    rig_send(&r, 10, 27, 0);
    kc_producer_free(r.producer);
    virtual_sleep_ms(r.world, 10);
    r.producer = NULL;
    cr_assert_eq(l.count, 1, "%d lines", l.count);
    expect_line(&l, 0, "17 records are lost", "kc_producer_close()");
    rig_stop(&r);
}

Test(telling, freeing_after_all_was_acknowledged_says_nothing)
{
    rig r;
    lines l;
    start(&r, &l, 1);
    kc_producer_free(r.producer);
    virtual_sleep_ms(r.world, 10);
    r.producer = NULL;
    cr_expect_eq(l.count, 0, "%s", l.text[0]);
    rig_stop(&r);
}

Test(telling, closing_the_client_first_says_what_is_lost)
{
    rig r;
    lines l;
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, -1, 0);
    rig_send(&r, 10, 27, 0);
    cr_expect_eq(kc_client_close(r.client, 500, NULL), KC_E_TIMED_OUT);
    cr_assert_eq(l.count, 1, "%d lines", l.count);
    expect_line(&l, 0, "17 records", "t [0]");
    rig_stop(&r);
}

/* -- levels -------------------------------------------------------------------------------------
 */

Test(telling, the_level_changes_while_it_runs)
{
    rig r;
    lines l;
    kc_error why = { 0 };
    start(&r, &l, 1);
    rig_fault(&r, KC_MOCK_FAULT_ERROR, KC_E_NOT_ENOUGH_REPLICAS, 0, -1, 0);
    cr_expect_eq(kc_client_set_log_level(r.client, "warn,producer=none", &why), KC_OK);
    rig_send(&r, 10, 11, 0);
    virtual_sleep_ms(r.world, 3000);
    cr_expect_eq(l.count, 0);
    cr_expect_eq(kc_client_set_log_level(r.client, "loud", &why), KC_E_BAD_PROPERTY);
    cr_expect_not_null(strstr(why.text, "loud"), "%s", why.text);
    cr_expect_eq(kc_client_set_log_level(r.client, NULL, NULL), KC_E_INVALID_ARGUMENT);
    cr_expect_eq(kc_client_set_log_level(r.client, "warn", NULL), KC_OK);
    kc_mock_clear_faults(r.mock);
    rig_expect_all(&r, 11);
    cr_expect_eq(l.count, 1);
    rig_stop(&r);
    cr_expect_eq(kc_client_set_log_level(NULL, "warn", NULL), KC_E_INVALID_ARGUMENT);
}
