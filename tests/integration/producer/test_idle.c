/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that a producer does not send to any more (metadata.max.idle.ms). On the virtual clock. */
#include <criterion/criterion.h>
#include <string.h>

#include "rig.h"

TestSuite(idle, .timeout = 60);

static kc_err send_to(rig *r, const char *topic, kc_error *why)
{
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(topic);
    record.value = kc_str("x");
    return kc_producer_send(r->producer, &record, why);
}

static void send_and_flush(rig *r, const char *topic)
{
    kc_error why = { 0 };
    cr_assert_eq(send_to(r, topic, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_producer_flush(r->producer, 5000, &why), KC_OK, "%s", why.text);
}

static void start(rig *r, bool auto_create, const char *age)
{
    const char *const properties[] = { "linger.ms=0", "metadata.max.idle.ms=5000", age, NULL };
    kc_mock_options options = { .size = sizeof options,
                                .brokers = 1,
                                .no_auto_create = !auto_create };
    rig_start_virtual(r, &options, properties, NULL);
    cr_assert_eq(kc_mock_create_topic(r->mock, "once", 1, 0), KC_OK);
    cr_assert_eq(kc_mock_create_topic(r->mock, "often", 1, 0), KC_OK);
    send_and_flush(r, "once");
}

static bool is_there(rig *r, const char *topic)
{
    kc_uuid id;
    return kc_mock_topic_id(r->mock, topic, &id) == KC_OK;
}

Test(idle, a_deleted_topic_is_not_made_anew)
{
    rig r;
    start(&r, true, "metadata.max.age.ms=1000");
    for (int second = 1; second <= 60; second++) {
        send_and_flush(&r, "often");
        virtual_sleep_ms(r.world, 1000);
        if (second == 8)
            cr_assert_eq(kc_mock_delete_topic(r.mock, "once"), KC_OK);
        cr_assert(second < 8 || !is_there(&r, "once"), "it is there again after %d s", second);
    }
    send_and_flush(&r, "once");
    cr_expect(is_there(&r, "once"), "who sends to it makes it");
    rig_stop(&r);
}

static int64_t asked(bool deleted)
{
    rig r;
    start(&r, false, "metadata.max.age.ms=15000");
    for (int second = 1; second <= 60; second++) {
        send_and_flush(&r, "often");
        virtual_sleep_ms(r.world, 1000);
        if (second == 8 && deleted)
            cr_assert_eq(kc_mock_delete_topic(r.mock, "once"), KC_OK);
    }
    int64_t requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_METADATA);
    rig_stop(&r);
    return requests;
}

Test(idle, a_deleted_topic_is_not_asked_for_again_and_again)
{
    int64_t there = asked(false), deleted = asked(true);
    cr_expect_leq(deleted, there + 2, "%d requests, and %d without", (int)deleted, (int)there);
}

Test(idle, a_topic_in_use_is_kept_up_to_date)
{
    rig r;
    start(&r, true, "metadata.max.age.ms=1000");
    for (int second = 1; second <= 20; second++) {
        send_and_flush(&r, "often");
        virtual_sleep_ms(r.world, 1000);
    }
    int32_t count = 0;
    cr_assert_eq(kc_mock_add_partitions(r.mock, "often", 4), KC_OK);
    virtual_sleep_ms(r.world, 3000);
    cr_expect_eq(kc_producer_partition_count(r.producer, kc_str("often"), &count, NULL), KC_OK);
    cr_expect_eq(count, 4);
    rig_stop(&r);
}

Test(idle, nobody_asks_when_nothing_is_used)
{
    rig r;
    start(&r, true, "metadata.max.age.ms=1000");
    virtual_sleep_ms(r.world, 30000);
    int64_t requests = kc_mock_requests(r.mock, -1, KC_MOCK_API_METADATA);
    virtual_sleep_ms(r.world, 600000);
    cr_expect_eq(kc_mock_requests(r.mock, -1, KC_MOCK_API_METADATA), requests);
    send_and_flush(&r, "once");
    rig_stop(&r);
}

/* As long as records of it wait, or somebody waits to send to it, a topic is in use. */
Test(idle, a_topic_that_is_waited_for_is_not_forgotten)
{
    const char *const properties[] = { "linger.ms=0", "metadata.max.idle.ms=5000",
                                       "max.block.ms=60000", "delivery.timeout.ms=120000", NULL };
    kc_mock_options options = { .size = sizeof options, .brokers = 1, .no_auto_create = true };
    rig r;
    kc_error why = { 0 };
    rig_start_virtual(&r, &options, properties, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 10000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 2, 0);
    virtual_sleep_ms(r.world, 30000);
    kc_mock_broker_up(r.mock, 1);
    cr_expect_eq(kc_producer_flush(r.producer, 30000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 2);
    rig_stop(&r);
}

static void create_late(void *arg)
{
    rig *r = arg;
    cr_expect_eq(kc_mock_create_topic(r->mock, "late", 1, 0), KC_OK);
}

Test(idle, a_topic_that_is_made_late_is_found_by_who_waits)
{
    const char *const properties[] = { "linger.ms=0", "metadata.max.idle.ms=5000",
                                       "max.block.ms=60000", NULL };
    kc_mock_options options = { .size = sizeof options, .brokers = 1, .no_auto_create = true };
    rig r;
    kc_error why = { 0 };
    rig_start_virtual(&r, &options, properties, NULL);
    virtual_after_ms(r.world, 20000, create_late, &r);
    cr_expect_eq(send_to(&r, "late", &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_producer_flush(r.producer, 30000, &why), KC_OK, "%s", why.text);
    rig_stop(&r);
}
