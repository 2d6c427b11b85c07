/* SPDX-License-Identifier: Apache-2.0 */
/* How a producer and its client end: closed while somebody waits, woken, hung, freed in any order.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rig.h"

TestSuite(endings, .timeout = 60);

/* -- wakeups and close --------------------------------------------------------------------------
 */

Test(endings, a_wakeup_does_not_end_close)
{
    const char *const properties[] = { "linger.ms=50", NULL };
    kc_error why = { 0 };
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 1000, 0);
    kc_producer_wakeup(r.producer); /* nobody waits */
    cr_expect_eq(kc_producer_close(r.producer, 30000, &why), KC_OK, "%s", why.text);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 1000);
    for (long n = 0; n < 1000; n++)
        cr_assert_eq(r.outcomes[n].err, KC_OK, "record %ld: %s", n,
                     kc_error_name(r.outcomes[n].err));
    rig_stop(&r);
}

typedef struct waker {
    kc_producer *producer;
    atomic_bool stop;
} waker;

static void *wake_again_and_again(void *arg)
{
    waker *w = arg;
    while (!atomic_load(&w->stop)) {
        kc_producer_wakeup(w->producer);
        usleep(1000);
    }
    return NULL;
}

Test(endings, wakeups_during_close_and_purge_do_not_end_them)
{
    const char *const properties[] = { "linger.ms=100", NULL };
    kc_error why = { 0 };
    pthread_t thread;
    rig r;
    rig_start(&r, NULL, properties, NULL);
    rig_send(&r, 0, 10, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 10000, &why), KC_OK, "%s", why.text);
    waker w = { .producer = r.producer };
    pthread_create(&thread, NULL, wake_again_and_again, &w);
    cr_expect_eq(kc_producer_purge(r.producer, true), KC_OK);
    for (long n = 10; n < 1000; n++) {
        kc_err err;
        while ((err = rig_try(&r, n, 0, &why)) == KC_E_INTERRUPTED)
            ;
        cr_assert_eq(err, KC_OK, "%s", why.text);
    }
    cr_expect_eq(kc_producer_close(r.producer, 30000, &why), KC_OK, "%s", why.text);
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    cr_expect_eq(kc_mock_log_end_offset(r.mock, "t", 0), 1000);
    rig_stop(&r);
}

Test(endings, close_gives_up_at_its_deadline_and_says_how_many)
{
    kc_error why = { 0 };
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 10000, NULL), KC_OK);
    kc_mock_broker_down(r.mock, 1, 0);
    rig_send(&r, 1, 43, 0);
    cr_expect_eq(kc_producer_close(r.producer, 200, &why), KC_E_TIMED_OUT);
    cr_expect_not_null(strstr(why.text, "42 records"), "%s", why.text);
    for (long n = 1; n < 43; n++)
        cr_assert_eq(r.outcomes[n].err, KC_E_PURGED, "record %ld: %s", n,
                     kc_error_name(r.outcomes[n].err));
    cr_expect_eq(kc_producer_close(r.producer, 200, NULL), KC_OK, "once is enough");
    rig_stop(&r);
}

/* -- waits of others ----------------------------------------------------------------------------
 */

typedef struct waiting {
    rig *r;
    bool takes;
    kc_err err;
    size_t served;
} waiting;

static void *poll_until_closed(void *arg)
{
    waiting *w = arg;
    for (w->err = KC_OK; w->err == KC_OK;) {
        size_t n = 0;
        kc_deliveries *d = NULL;
        kc_delivery range = { .size = sizeof range };
        if (!w->takes) {
            w->err = kc_producer_poll(w->r->producer, -1, &n);
        } else {
            w->err = kc_producer_take(w->r->producer, -1, &d);
            for (size_t i = 0; kc_deliveries_at(d, i, &range); i++)
                n += (size_t)range.count;
            kc_deliveries_free(d);
        }
        w->served += n;
    }
    return NULL;
}

static void who_polls_is_woken(bool takes, bool client)
{
    kc_producer_options options = { .size = sizeof options, .flags = takes ? KC_PRODUCER_TAKE : 0 };
    pthread_t thread;
    rig r;
    rig_start(&r, NULL, NULL, &options);
    waiting w = { .r = &r, .takes = takes };
    rig_send(&r, 0, 10, 0);
    pthread_create(&thread, NULL, poll_until_closed, &w);
    usleep(50000);
    if (client)
        cr_expect_eq(kc_client_close(r.client, 10000, NULL), KC_OK);
    else
        cr_expect_eq(kc_producer_close(r.producer, 10000, NULL), KC_OK);
    pthread_join(thread, NULL);
    cr_expect_eq(w.err, KC_E_CLOSED, "%s", kc_error_name(w.err));
    if (takes)
        cr_expect_eq(w.served, 10);
    else
        cr_expect_eq(r.reported, 10);
    rig_stop(&r);
}

Test(endings, poll_returns_when_the_producer_is_closed)
{
    who_polls_is_woken(false, false);
}

Test(endings, poll_returns_when_the_client_is_closed)
{
    who_polls_is_woken(false, true);
}

Test(endings, take_returns_when_the_producer_is_closed)
{
    who_polls_is_woken(true, false);
}

Test(endings, take_returns_when_the_client_is_closed)
{
    who_polls_is_woken(true, true);
}

static void *send_once(void *arg)
{
    waiting *w = arg;
    w->err = rig_try(w->r, 1, 0, NULL);
    return NULL;
}

static void who_sends_is_woken(bool client)
{
    const char *const properties[] = { "max.block.ms=50000", NULL };
    kc_mock_options several = { .size = sizeof several, .brokers = 1 };
    pthread_t thread;
    rig r;
    rig_start(&r, &several, properties, NULL);
    kc_mock_broker_down(r.mock, 1, 0); /* no metadata: the send waits */
    waiting w = { .r = &r };
    pthread_create(&thread, NULL, send_once, &w);
    usleep(50000);
    if (client)
        kc_client_close(r.client, 1000, NULL);
    else
        kc_producer_close(r.producer, 1000, NULL);
    pthread_join(thread, NULL);
    cr_expect_eq(w.err, KC_E_CLOSED, "%s", kc_error_name(w.err));
    rig_stop(&r);
}

Test(endings, send_returns_when_the_producer_is_closed)
{
    who_sends_is_woken(false);
}

Test(endings, send_returns_when_the_client_is_closed)
{
    who_sends_is_woken(true);
}

/* -- a log callback that hangs ------------------------------------------------------------------
 */

static atomic_bool block;
static atomic_int inside, after_free;
static atomic_bool freed;

static void hang(void *user, int level, const char *area, const char *text)
{
    (void)user, (void)level, (void)area, (void)text;
    if (atomic_load(&freed))
        atomic_fetch_add(&after_free, 1);
    if (!atomic_load(&block))
        return;
    atomic_fetch_add(&inside, 1);
    while (atomic_load(&block))
        usleep(1000);
}

static void wait_for_the_hang(rig *r)
{
    atomic_store(&block, true);
    kc_mock_disconnect(r->mock, -1);
    while (atomic_load(&inside) == 0)
        usleep(1000);
}

/* Whatever was freed while it hung: the thread finds what it needs when it goes on, and ends. */
static void free_while_it_hangs(bool producer_first)
{
    rig r;
    rig_start(&r, NULL, NULL, NULL);
    kc_client_set_log(r.client, hang, NULL, KC_LOG_TRACE);
    rig_send(&r, 0, 1, 0);
    cr_assert_eq(kc_producer_flush(r.producer, 10000, NULL), KC_OK);
    rig_send(&r, 1, 2, 0);
    wait_for_the_hang(&r);
    if (producer_first)
        kc_producer_free(r.producer);
    kc_error why = { 0 };
    cr_expect_eq(kc_client_close(r.client, 0, &why), KC_E_TIMED_OUT);
    cr_expect_not_null(strstr(why.text, "log callback"), "%s", why.text);
    if (!producer_first) {
        cr_expect_eq(kc_producer_close(r.producer, 0, &why), KC_E_TIMED_OUT, "the loop hangs");
        kc_producer_free(r.producer);
    }
    kc_client_free(r.client);
    atomic_store(&freed, true);
    atomic_store(&block, false);
    usleep(300000);
    cr_expect_eq(atomic_load(&after_free), 0, "the log's user may be gone");
    r.producer = NULL;
    r.client = NULL;
    rig_stop(&r);
}

Test(endings, the_client_is_freed_while_its_log_callback_hangs)
{
    free_while_it_hangs(true);
}

Test(endings, the_client_is_closed_while_its_log_callback_hangs_and_the_producer_freed)
{
    free_while_it_hangs(false);
}
