/* SPDX-License-Identifier: Apache-2.0 */
/* The life of what lives on a client: its phases, deadlines, all orders in which handles are given
 * back, failing allocations. In the simulated world: virtual time, no threads. */
#include <criterion/criterion.h>

#include "core/resident.h"
#include "fake.h"

TestSuite(resident, .timeout = 60);

static fake f;

enum { CALLS = -2 };

/* A resident that takes as long to finish and has a call under way for as long as it is told. */
typedef struct guest {
    kci_resident life;
    kci_timer finish, back;
    int64_t takes_us; /* from close to finished; -1: never */
    int64_t busy_us;  /* from detach to the last call's return; -1: for ever; CALLS: a real one */
    probe call;
    bool is_busy;
    int attached, closes, detaches, gones, posts, metadata, served;
    int64_t detached_us;
} guest;

static int destroyed, ever_attached;

static guest *guest_of(kci_resident *r)
{
    return KCI_CONTAINER_OF(r, guest, life);
}

static void attached(kci_resident *r)
{
    guest_of(r)->attached++;
    ever_attached++;
    cr_expect_eq(kci_resident_phase_of(r), KCI_RESIDENT_ATTACHED);
}

static void on_metadata(kci_resident *r, const kci_metadata *now)
{
    (void)now;
    guest_of(r)->metadata++;
}

static void on_post(kci_resident *r)
{
    guest_of(r)->posts++;
}

static void on_finish(kci_timer *timer)
{
    kci_resident_finished(&KCI_CONTAINER_OF(timer, guest, finish)->life);
}

static void on_close(kci_resident *r)
{
    guest *g = guest_of(r);
    g->closes++;
    cr_expect_eq(kci_resident_phase_of(r), KCI_RESIDENT_CLOSING);
    if (g->takes_us == 0)
        kci_resident_finished(r);
    else if (g->takes_us > 0)
        kci_timer_set(f.client->loop, &g->finish, kci_loop_now(f.client->loop) + g->takes_us);
}

static void on_back(kci_timer *timer)
{
    guest *g = KCI_CONTAINER_OF(timer, guest, back);
    g->is_busy = false;
    kci_resident_look(&g->life);
}

static void on_call_back(probe *p)
{
    guest *g = KCI_CONTAINER_OF(p, guest, call);
    g->is_busy = false;
    kci_resident_look(&g->life);
}

static void on_detach(kci_resident *r)
{
    guest *g = guest_of(r);
    g->detaches++;
    g->detached_us = kci_loop_now(r->client->loop);
    kci_timer_stop(r->client->loop, &g->finish);
    g->is_busy = g->busy_us == CALLS ? !g->call.done : g->busy_us != 0;
    if (g->busy_us == CALLS)
        kci_call_cancel(r->client, &g->call.call);
    if (g->busy_us > 0)
        kci_timer_set(r->client->loop, &g->back, g->detached_us + g->busy_us);
}

static bool is_busy(kci_resident *r)
{
    cr_expect_eq(guest_of(r)->detaches, 1, "only after detach");
    return guest_of(r)->is_busy;
}

static void gone(kci_resident *r)
{
    guest_of(r)->gones++;
    cr_expect_not(guest_of(r)->is_busy);
}

static void destroy(kci_resident *r)
{
    destroyed++;
    kci_resident_fini(r);
    kci_free(guest_of(r));
}

static const kci_resident_type type = {
    .kind = "producer",
    .timers = 2,
    .attached = attached,
    .on_metadata = on_metadata,
    .on_post = on_post,
    .close = on_close,
    .detach = on_detach,
    .is_busy = is_busy,
    .gone = gone,
    .destroy = destroy,
};

static const kci_resident_type plain = { .kind = "admin", .detach = on_detach, .destroy = destroy };

static guest *make(const kci_resident_type *kind, int64_t takes_us, int64_t busy_us)
{
    guest *g = kci_calloc(1, sizeof *g);
    cr_assert_not_null(g);
    cr_assert_eq(kci_resident_init(&g->life, kind, f.client), KC_OK);
    g->takes_us = takes_us;
    g->busy_us = busy_us;
    g->finish.fn = on_finish;
    g->back.fn = on_back;
    return g;
}

static guest *make_attached(int64_t takes_us, int64_t busy_us)
{
    guest *g = make(&type, takes_us, busy_us);
    cr_assert_eq(kci_resident_attach(&g->life), KC_OK);
    cr_assert_eq(kci_resident_phase_of(&g->life), KCI_RESIDENT_ATTACHED);
    cr_assert_eq(g->attached, 1);
    return g;
}

static kci_resident_phase phase_of(const guest *g)
{
    return kci_resident_phase_of(&g->life);
}

static kc_err close_in(guest *g, int64_t us)
{
    int64_t deadline = sim_now(f.world) + us;
    kci_resident_close(&g->life, deadline);
    return kci_resident_await(&g->life, deadline, 0, NULL);
}

/* -- phases and deadlines -----------------------------------------------------------------------
 */

Test(resident, finishes_in_time)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(300000, 0);
    int64_t begin = sim_now(f.world);
    cr_expect_eq(close_in(g, 1000000), KC_OK);
    int64_t took = sim_now(f.world) - begin;
    cr_expect(took >= 300000 && took < 310000, "%lld", (long long)took);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_GONE);
    cr_expect(g->closes == 1 && g->detaches == 1 && g->gones == 1);
    cr_expect_eq(close_in(g, 1000000), KC_OK, "once more does nothing");
    cr_expect(g->closes == 1 && g->detaches == 1 && g->gones == 1);
    kci_resident_free(&g->life);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, is_detached_at_the_deadline)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(-1, 200000);
    int64_t begin = sim_now(f.world);
    cr_expect_eq(close_in(g, 500000), KC_OK);
    int64_t took = sim_now(f.world) - begin;
    cr_expect(took >= 500000 && took < 510000, "%lld", (long long)took);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_DETACHED, "a call is still under way");
    cr_expect_eq(g->gones, 0);
    fake_run(&f, 300);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_GONE);
    cr_expect(g->closes == 1 && g->detaches == 1 && g->gones == 1);
    kci_resident_free(&g->life);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, the_earlier_deadline_counts)
{
    fake_init(&f, 1, NULL);
    guest *late = make_attached(-1, 0), *soon = make_attached(-1, 0);
    int64_t begin = sim_now(f.world);
    kci_resident_close(&late->life, begin + 10000000);
    kci_resident_close(&soon->life, begin + 200000);
    fake_run(&f, 100);
    cr_expect_eq(phase_of(late), KCI_RESIDENT_CLOSING);
    cr_expect_eq(kc_client_close(f.client, 900, NULL), KC_E_TIMED_OUT);
    int64_t at = soon->detached_us - begin;
    cr_expect(at >= 200000 && at < 210000, "%lld", (long long)at);
    at = late->detached_us - begin;
    cr_expect(at >= 1000000 && at < 1010000, "%lld", (long long)at);
    cr_expect_eq(late->closes, 1);
    kci_resident_free(&late->life);
    kci_resident_free(&soon->life);
    cr_expect_eq(destroyed, 2);
    fake_free(&f);
}

Test(resident, with_nothing_to_finish_is_detached_at_once)
{
    fake_init(&f, 1, NULL);
    guest *g = make(&plain, 0, 0);
    cr_assert_eq(kci_resident_attach(&g->life), KC_OK);
    int64_t begin = sim_now(f.world);
    cr_expect_eq(close_in(g, 1000000), KC_OK);
    cr_expect_lt(sim_now(f.world) - begin, 1000);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_GONE);
    kci_resident_free(&g->life);
    fake_free(&f);
}

Test(resident, the_client_names_those_who_hang)
{
    kc_error why = { 0 };
    fake_init(&f, 1, NULL);
    guest *g = make_attached(-1, -1);
    cr_expect_eq(kc_client_close(f.client, 100, &why), KC_E_TIMED_OUT);
    cr_expect_not_null(strstr(why.text, "1 producer"), "%s", why.text);
    cr_expect_eq(g->detaches, 1);
    cr_expect(g->life.client_closes);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_DETACHED);
    g->is_busy = false;
    kci_resident_look(&g->life);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_GONE);
    kci_resident_free(&g->life);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, is_gone_once)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(0, 0);
    cr_expect_eq(close_in(g, 1000), KC_OK);
    kci_resident_look(&g->life);
    kci_resident_finished(&g->life);
    cr_expect(g->detaches == 1 && g->gones == 1);
    kci_resident_free(&g->life);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, is_left_at_once_when_it_is_freed_while_it_closes)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(-1, 0);
    kci_resident_close(&g->life, sim_now(f.world) + 10000000);
    fake_run(&f, 10);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_CLOSING);
    kci_resident_free(&g->life);
    fake_run(&f, 10);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

/* Room for its timers is given back: so the next one to come needs no more memory than the last. */
Test(resident, leaves_nothing_in_the_loop)
{
    fake_init(&f, 1, NULL);
    fake_run(&f, 10);
    kci_resident_free(&make_attached(0, 0)->life);
    fake_run(&f, 1);
    int64_t before = kci_mem_live();
    for (int i = 0; i < 1000; i++) {
        guest *g = make(&type, 0, 0);
        kci_mem_fail_after(1, true);
        kc_err err = kci_resident_attach(&g->life);
        kci_mem_fail_after(0, false);
        cr_assert_eq(err, KC_OK, "the %d. needs memory", i);
        kci_resident_free(&g->life);
        fake_run(&f, 1);
    }
    cr_expect_eq(kci_mem_live(), before);
    fake_free(&f);
}

/* -- what it is told ----------------------------------------------------------------------------
 */

Test(resident, is_told_only_while_it_is_there)
{
    fake_init(&f, 1, NULL);
    fake_add_topic(&f, "t", 1);
    guest *g = make(&type, 0, -1);
    kci_resident_post(&g->life);
    cr_assert_eq(kci_resident_attach(&g->life), KC_OK);
    cr_expect_eq(g->posts, 0, "it was not there yet");
    kci_resident_post(&g->life);
    kci_resident_post(&g->life);
    fake_run(&f, 1);
    cr_expect_eq(g->posts, 1, "two posts are one look");
    kci_resident_post(&g->life);
    kci_client_want_topic(f.client, kc_str("t"));
    fake_run(&f, 500);
    cr_expect_eq(g->posts, 2);
    cr_expect_gt(g->metadata, 0);
    cr_expect_eq(close_in(g, 1000), KC_OK);
    int metadata = g->metadata;
    kci_resident_post(&g->life);
    kci_client_refresh(f.client);
    fake_run(&f, 500);
    cr_expect_eq(g->posts, 2, "it is not there any more");
    cr_expect_eq(g->metadata, metadata);
    g->is_busy = false;
    kci_resident_look(&g->life);
    kci_resident_free(&g->life);
    fake_free(&f);
}

static void serve(kci_resident *r)
{
    guest_of(r)->served++;
}

static void wake(void *arg)
{
    guest *g = arg;
    kci_waiters_interrupt(&g->life.waiters);
    kci_waiters_wake(&g->life.waiters, KCI_WAIT_OUTCOME);
}

Test(resident, waiting_for_the_end_serves_and_is_not_interrupted)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(300000, 0);
    int64_t deadline = sim_now(f.world) + 1000000;
    kci_waiters_interrupt(&g->life.waiters);
    kci_resident_close(&g->life, deadline);
    sim_at(f.world, sim_now(f.world) + 100000, wake, g);
    cr_expect_eq(kci_resident_await(&g->life, deadline, KCI_WAIT_OUTCOME, serve), KC_OK);
    cr_expect_geq(g->served, 2);
    cr_expect_leq(g->served, 5);
    cr_expect_eq(phase_of(g), KCI_RESIDENT_GONE);
    kci_waiter_begin(&g->life.waiters, g->life.own, KCI_WAIT_OUTCOME);
    cr_expect_eq(kci_waiter_wait(&g->life.waiters, g->life.own, 0), KC_E_INTERRUPTED,
                 "the wakeup is for the next wait that listens");
    kci_waiters_end(&g->life.waiters, g->life.own);
    kci_resident_free(&g->life);
    fake_free(&f);
}

/* -- giving back --------------------------------------------------------------------------------
 */

enum { CLOSE = 1, CLIENT_CLOSE = 2, CLIENT_FREE_FIRST = 4, BUSY = 8, SLOW = 16, ORDERS = 32 };

static void give_back_in_order(int order)
{
    guest *g = make_attached(order & SLOW ? 50000 : 0, order & BUSY ? CALLS : 0);
    kc_client *client = kci_client_ref(f.client);
    destroyed = 0;
    f.brokers[0].mute = true;
    if (order & BUSY) {
        probe_init(&g->call, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
        g->call.on_done = on_call_back;
        probe_start(&g->call);
        fake_run(&f, 5);
    }
    if (order & CLOSE)
        cr_expect_eq(close_in(g, 20000), KC_OK, "%d", order);
    if (order & CLIENT_CLOSE)
        kc_client_close(client, 10, NULL);
    if (order & CLIENT_FREE_FIRST) {
        kc_client_close(client, 0, NULL);
        kci_client_unref(client);
        kci_resident_free(&g->life);
    } else {
        kci_resident_free(&g->life);
        kc_client_close(client, 100, NULL);
        kci_client_unref(client);
    }
}

Test(resident, is_freed_once_in_every_order)
{
    int64_t before = kci_mem_live();
    for (int order = 0; order < ORDERS; order++) {
        fake_init(&f, 1, NULL);
        give_back_in_order(order);
        cr_assert_eq(destroyed, 1, "order %d", order);
        fake_free(&f);
        cr_assert_eq(kci_mem_live(), before, "order %d leaves something", order);
    }
}

Test(resident, stays_until_its_last_call_is_back)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(-1, 300000);
    kci_resident_free(&g->life);
    fake_run(&f, 200);
    cr_expect_eq(destroyed, 0, "the call would come back to nothing");
    cr_expect_eq(phase_of(g), KCI_RESIDENT_DETACHED);
    fake_run(&f, 200);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, a_post_that_comes_too_late_is_not_told)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(-1, 0);
    kci_resident_close(&g->life, sim_now(f.world) + 10000000);
    fake_run(&f, 10);
    kci_resident_post(&g->life);
    kci_resident_finished(&g->life); /* before the loop comes to it */
    fake_run(&f, 10);
    cr_expect_eq(g->posts, 0);
    kci_resident_free(&g->life);
    fake_free(&f);
}

Test(resident, a_post_that_is_queued_keeps_it)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(0, 0);
    kci_resident_post(&g->life);
    kci_resident_free(&g->life);
    fake_run(&f, 10);
    cr_expect_eq(destroyed, 1);
    fake_free(&f);
}

Test(resident, one_that_never_attached_is_given_back)
{
    int64_t before;
    fake_init(&f, 1, NULL);
    before = kci_mem_live();
    guest *g = make(&type, 0, 0);
    kci_resident_free(&g->life);
    fake_run(&f, 1);
    cr_expect_eq(destroyed, 1);
    cr_expect_eq(ever_attached, 0);
    g = make(&type, 0, 0);
    kci_resident_unref(&g->life);
    cr_expect_eq(destroyed, 2);
    cr_expect_eq(kci_mem_live(), before);
    fake_free(&f);
}

/* -- failures -----------------------------------------------------------------------------------
 */

Test(resident, does_not_attach_to_a_client_that_closes)
{
    fake_init(&f, 1, NULL);
    guest *hangs = make_attached(-1, 0), *g = make(&type, 0, 0);
    kc_client *client = kci_client_ref(f.client);
    client->close.stage = KCI_USERS_END; /* as between the beginning of a close and its end */
    cr_expect_eq(kci_resident_attach(&g->life), KC_E_CLOSED);
    cr_expect_eq(g->attached, 0);
    kci_resident_free(&g->life);
    client->close.stage = KCI_OPEN;
    kc_client_close(client, 10, NULL);
    g = make(&type, 0, 0);
    cr_expect_eq(kci_resident_attach(&g->life), KC_E_CLOSED);
    kci_resident_free(&g->life);
    kci_resident_free(&hangs->life);
    cr_expect_eq(destroyed, 3);
    kci_client_unref(client);
    fake_free(&f);
}

Test(resident, making_it_without_memory)
{
    kc_err err = KC_E_NO_MEMORY;
    fake_init(&f, 1, NULL);
    fake_run(&f, 10);
    int64_t before = kci_mem_live();
    for (int n = 1; err == KC_E_NO_MEMORY; n++) {
        guest *g = kci_calloc(1, sizeof *g);
        cr_assert_not_null(g);
        kci_mem_fail_after(n, true);
        err = kci_resident_init(&g->life, &type, f.client);
        bool made = err == KC_OK;
        if (made)
            err = kci_resident_attach(&g->life);
        kci_mem_fail_after(0, false);
        cr_assert(err == KC_OK || err == KC_E_NO_MEMORY, "%d", err);
        if (made)
            kci_resident_free(&g->life);
        else
            kci_free(g);
        fake_run(&f, 1);
        if (err != KC_OK)
            cr_assert_eq(kci_mem_live(), before, "allocation %d leaves something", n);
        cr_assert_lt(n, 50);
    }
    fake_free(&f);
}

Test(resident, ends_without_memory)
{
    fake_init(&f, 1, NULL);
    guest *g = make_attached(100000, 100000), *other = make_attached(-1, 0);
    kci_mem_fail_after(1, true);
    cr_expect_eq(close_in(g, 1000000), KC_OK);
    kci_resident_free(&g->life);
    kci_resident_free(&other->life);
    fake_run(&f, 200);
    cr_expect_eq(destroyed, 2);
    kci_mem_fail_after(0, false);
    fake_free(&f);
}
