/* SPDX-License-Identifier: Apache-2.0 */
/* Who could not send is told when it can: however late it looks, and whatever it waited for before.
 */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "core/client.h"
#include "rig.h"

TestSuite(waking, .timeout = 100);

/* -- the descriptor -----------------------------------------------------------------------------
 */

/* Stands for the scheduler: the thread that sends is off the processor for some time whenever it
 * asks for the time inside a send, as it does after an attempt that failed. */
static _Thread_local bool slow;
static kci_sys slow_sys;

static int64_t slow_mono_us(kci_sys *sys)
{
    (void)sys;
    kci_sys *real = kci_sys_posix(false);
    if (slow)
        usleep(20000);
    return real->mono_us(real);
}

typedef struct slow_rig {
    kc_mock *mock;
    kc_client *client;
    kc_producer *producer;
} slow_rig;

static void slow_start(slow_rig *r, const kc_mock_options *options)
{
    static const char *const properties[][2] = {
        { "linger.ms", "0" },
        { "buffer.memory", "20000" },
        { "max.block.ms", "0" },
        { "log.level", "none" },
    };
    kc_error why = { 0 };
    kc_config *config = kc_config_new();
    cr_assert_eq(kc_mock_new(options, &r->mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(r->mock), &why),
                 KC_OK);
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        cr_assert_eq(kc_config_set(config, properties[i][0], properties[i][1], &why), KC_OK, "%s",
                     why.text);
    slow_sys = *kci_sys_posix(false);
    slow_sys.mono_us = slow_mono_us;
    cr_assert_eq(kci_client_new_on(&slow_sys, config, &r->client, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_producer_new(r->client, NULL, &r->producer, &why), KC_OK, "%s", why.text);
    kc_config_free(config);
}

static void slow_stop(slow_rig *r)
{
    cr_expect_eq(kc_producer_close(r->producer, 20000, NULL), KC_OK);
    kc_producer_free(r->producer);
    kc_client_free(r->client);
    kc_mock_free(r->mock);
}

static kc_err send_slowly(slow_rig *r, const char *topic, size_t size)
{
    static char value[12000];
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(topic);
    record.value = kc_mem(value, size);
    record.partition = 0;
    slow = true;
    kc_err err = kc_producer_send(r->producer, &record, NULL);
    slow = false;
    return err;
}

static void expect_readable(slow_rig *r, const char *after)
{
    struct pollfd ready = { kc_producer_fd(r->producer), POLLIN, 0 };
    cr_assert_eq(poll(&ready, 1, 10000), 1, "nobody tells that %s", after);
}

/* Nothing is left of an earlier refusal that could be told for a later one. */
static void forget_refusals(slow_rig *r)
{
    for (int i = 0; i < 2; i++) {
        while (send_slowly(r, "t", 10) != KC_OK)
            usleep(1000);
        cr_assert_eq(kc_producer_flush(r->producer, 20000, NULL), KC_OK);
    }
}

Test(waking, the_descriptor_tells_of_room_that_came_meanwhile)
{
    slow_rig r;
    slow_start(&r, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 1, 0), KC_OK);
    for (int round = 0; round < 8; round++) {
        kc_err err = KC_OK;
        forget_refusals(&r);
        for (int i = 0; i < 20 && err == KC_OK; i++)
            err = send_slowly(&r, "t", 12000);
        cr_assert(err == KC_OK || err == KC_E_QUEUE_FULL, "%s", kc_error_name(err));
        if (err != KC_OK)
            expect_readable(&r, "there is room");
    }
    slow_stop(&r);
}

Test(waking, the_descriptor_tells_of_a_topic_that_came_meanwhile)
{
    slow_rig r;
    slow_start(&r, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "t", 1, 0), KC_OK);
    for (int i = 0; i < 6; i++) {
        char name[16];
        forget_refusals(&r);
        snprintf(name, sizeof name, "new-%d", i);
        cr_assert_eq(kc_mock_create_topic(r.mock, name, 1, 0), KC_OK);
        for (;;) {
            kc_err err = send_slowly(&r, name, 10);
            if (err == KC_OK)
                break;
            cr_assert_eq(err, KC_E_TIMED_OUT, "%s", kc_error_name(err));
            expect_readable(&r, "the topic is known");
        }
    }
    slow_stop(&r);
}

/* -- open batches -------------------------------------------------------------------------------
 */

static kc_err send_to(rig *r, const char *topic, int32_t partition, size_t size)
{
    static char value[40000];
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str(topic);
    record.value = kc_mem(value, size);
    record.partition = partition;
    return kc_producer_send(r->producer, &record, NULL);
}

static int64_t buffered(rig *r)
{
    kc_producer_counts counts = { .size = sizeof counts };
    kc_producer_get_counts(r->producer, &counts);
    return (int64_t)counts.buffer_bytes;
}

/* The buffer is nearly full of open batches that linger; then a record comes that has no room. */
static void a_record_without_room(bool known)
{
    enum { MEMORY = 200000, PARTITIONS = 200 };
    const char *const properties[] = { "linger.ms=8000", "buffer.memory=200000", NULL };
    kc_mock_options one = { .size = sizeof one, .brokers = 1 };
    int32_t count;
    rig r;
    rig_start_virtual(&r, &one, properties, NULL);
    cr_assert_eq(kc_mock_create_topic(r.mock, "many", PARTITIONS, 0), KC_OK);
    cr_assert_eq(kc_mock_create_topic(r.mock, "new", 1, 0), KC_OK);
    if (known)
        cr_assert_eq(kc_producer_partition_count(r.producer, kc_str("new"), &count, NULL), KC_OK);
    for (int32_t i = 0; i < PARTITIONS && buffered(&r) < MEMORY - 20000; i++)
        cr_assert_eq(send_to(&r, "many", i, 100), KC_OK);
    cr_assert_geq(buffered(&r), MEMORY - 20000);
    virtual_sleep_ms(r.world, 100);
    int64_t begun = rig_now_ms(&r);
    cr_expect_eq(send_to(&r, "new", 0, 40000), KC_OK);
    cr_expect_leq(rig_now_ms(&r) - begun, 100, "%lld ms", (long long)(rig_now_ms(&r) - begun));
    rig_stop(&r);
}

Test(waking, who_waits_for_room_presses_open_batches)
{
    a_record_without_room(true);
}

Test(waking, who_waits_for_metadata_and_then_for_room_presses_open_batches)
{
    a_record_without_room(false);
}

/* And who waits for metadata only leaves them alone. */
Test(waking, who_waits_for_metadata_presses_nothing)
{
    const char *const properties[] = { "linger.ms=2000", "max.block.ms=1000", NULL };
    kc_mock_options none = { .size = sizeof none, .brokers = 1, .no_auto_create = true };
    rig r;
    rig_start_virtual(&r, &none, properties, NULL);
    rig_send(&r, 0, 1, 0);
    cr_expect_neq(send_to(&r, "missing", 0, 10), KC_OK);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 0, "the batch lingers");
    virtual_sleep_ms(r.world, 3000);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 1);
    rig_stop(&r);
}
