/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads that send with one producer, and none of the client's own. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>

#include "rig.h"

typedef struct sender {
    rig *r;
    long from, to;
} sender;

static void *send_in_thread(void *arg)
{
    sender *s = arg;
    rig_send(s->r, s->from, s->to, KC_PARTITION_ANY);
    return NULL;
}

Test(threads, from_many_threads)
{
    enum { THREADS = 4, EACH = 20000 };
    rig r;
    pthread_t threads[THREADS];
    sender senders[THREADS];
    const char *const properties[] = { "compression.type=gzip", NULL };
    rig_start(&r, NULL, properties, NULL);
    for (long i = 0; i < THREADS; i++) {
        senders[i] = (sender){ &r, i * EACH, (i + 1) * EACH };
        pthread_create(&threads[i], NULL, send_in_thread, &senders[i]);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    rig_expect_all(&r, THREADS * EACH);
    static int times[THREADS * EACH];
    long stored = 0;
    for (int32_t p = 0; p < 3; p++)
        stored += rig_stored(&r, p, times, THREADS * EACH, false);
    cr_expect_eq(stored, THREADS * EACH);
    for (long n = 0; n < THREADS * EACH; n++)
        cr_assert_eq(times[n], 1);
    rig_stop(&r);
}

enum { NEW_TOPICS = 60 };

static void *send_to_new_topics(void *arg)
{
    sender *s = arg;
    kc_error why = { 0 };
    for (int n = 0; n < NEW_TOPICS; n++) {
        char name[16];
        kc_producer_record record = KC_PRODUCER_RECORD_INIT;
        record.topic = kc_mem(name, (size_t)snprintf(name, sizeof name, "new-%d", n));
        record.value = kc_str("v");
        kc_err err = kc_producer_send(s->r->producer, &record, &why);
        cr_assert_eq(err, KC_OK, "topic %d: %s", n, why.text);
    }
    return NULL;
}

/* One waits for a topic's metadata while another brings it up to them. */
Test(threads, from_many_threads_to_topics_not_yet_known)
{
    enum { THREADS = 4 };
    rig r;
    pthread_t threads[THREADS];
    sender s = { &r, 0, 0 };
    rig_start(&r, NULL, NULL, NULL);
    for (int n = 0; n < NEW_TOPICS; n++) {
        char name[16];
        snprintf(name, sizeof name, "new-%d", n);
        cr_assert_eq(kc_mock_create_topic(r.mock, name, 3, 0), KC_OK);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, send_to_new_topics, &s);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(kc_producer_flush(r.producer, 60000, NULL), KC_OK);
    cr_expect_eq(r.reported, THREADS * NEW_TOPICS);
    rig_stop(&r);
}

/* The loop finds the program inside now and then: for one broker's turn and not for another's, and
 * when it looks at open batches. After each burst nothing but its own outcome wakes the loop. */
Test(threads, what_is_sent_in_bursts_leaves_by_itself)
{
    enum { BURSTS = 3000, PARTITIONS = 3, MOST = 8 };
    const char *const properties[] = { "linger.ms=0", NULL };
    kc_mock_options several = { .size = sizeof several, .brokers = PARTITIONS };
    rig r;
    long sent = 0;
    rig_start(&r, &several, properties, NULL);
    for (int burst = 0; burst < BURSTS; burst++) {
        for (int n = burst % MOST; n >= 0; n--, sent++)
            rig_send(&r, sent, sent + 1, (int32_t)(sent % PARTITIONS));
        rig_await_reports(&r, sent);
    }
    rig_expect_all(&r, sent);
    rig_stop(&r);
}

Test(threads, a_client_without_a_thread)
{
    const char *const properties[] = { "client.threads=0", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 5000, 1);
    rig_expect_all(&r, 5000);
    rig_expect_stored_once(&r, 3, 5000);
    cr_expect_eq(kc_producer_close(r.producer, 60000, NULL), KC_OK);
    rig_stop(&r);
}

enum { DRIVERS = 4, ROUNDS = 300 };

static void *send_and_flush(void *arg)
{
    sender *s = arg;
    kc_error why = { 0 };
    for (long n = s->from; n < s->to; n++) {
        rig_send(s->r, n, n + 1, (int32_t)(n % 3));
        kc_err err = kc_producer_flush(s->r->producer, 20000, &why);
        cr_assert_eq(err, KC_OK, "record %ld: %s", n, why.text);
    }
    return NULL;
}

/* One of them runs the loop, for the others too. */
Test(threads, many_that_wait_on_a_client_without_a_thread, .timeout = 100)
{
    const char *const properties[] = { "client.threads=0", NULL };
    kc_producer_options takes = { .size = sizeof takes, .flags = KC_PRODUCER_TAKE };
    rig r;
    pthread_t threads[DRIVERS];
    sender senders[DRIVERS];
    rig_start(&r, NULL, properties, &takes);
    for (long i = 0; i < DRIVERS; i++) {
        senders[i] = (sender){ &r, i * ROUNDS, (i + 1) * ROUNDS };
        pthread_create(&threads[i], NULL, send_and_flush, &senders[i]);
    }
    for (int i = 0; i < DRIVERS; i++)
        pthread_join(threads[i], NULL);
    static int times[DRIVERS * ROUNDS];
    for (int32_t p = 0; p < 3; p++)
        rig_stored(&r, p, times, DRIVERS * ROUNDS, false);
    for (long n = 0; n < DRIVERS * ROUNDS; n++)
        cr_assert_eq(times[n], 1, "record %ld is stored %d times", n, times[n]);
    cr_expect_eq(kc_mock_malformed(r.mock, -1), 0);
    cr_expect_eq(kc_producer_close(r.producer, 1000, NULL), KC_OK);
    rig_stop(&r);
}

static void *step_until_closed(void *arg)
{
    while (kc_client_step(arg, 50) == KC_OK)
        (void)kc_client_timeout(arg);
    return NULL;
}

/* Beside one that does nothing but run it; and the client is closed under both. */
Test(threads, waits_beside_a_thread_that_steps, .timeout = 100)
{
    const char *const properties[] = { "client.threads=0", NULL };
    rig r;
    pthread_t stepper, threads[2];
    sender senders[2];
    rig_start(&r, NULL, properties, NULL);
    pthread_create(&stepper, NULL, step_until_closed, r.client);
    for (long i = 0; i < 2; i++) {
        senders[i] = (sender){ &r, i * ROUNDS, (i + 1) * ROUNDS };
        pthread_create(&threads[i], NULL, send_and_flush, &senders[i]);
    }
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    cr_expect_eq(kc_client_close(r.client, 10000, NULL), KC_OK);
    pthread_join(stepper, NULL);
    rig_stop(&r);
}

/* Whoever looks all the time whether a record has its outcome is told it before the flush ends. */
Test(threads, what_is_flushed_was_told)
{
    enum { RECORDS = 8000 };
    static const char *const properties[] = { "linger.ms=0", NULL };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    for (long n = 0; n < RECORDS; n++) {
        rig_send(&r, n, n + 1, 0);
        kc_err err;
        while ((err = kc_producer_flush(r.producer, 0, NULL)) == KC_E_TIMED_OUT)
            ;
        cr_assert_eq(err, KC_OK);
        cr_assert_eq(r.outcomes[n].reports, 1, "record %ld", n);
    }
    rig_stop(&r);
}
