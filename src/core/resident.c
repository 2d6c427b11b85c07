/* SPDX-License-Identifier: Apache-2.0 */
#include "core/resident.h"

#include "base/mem.h"
#include "core/state.h"

/* What the application asks for: kci_resident.asked. */
enum { ATTACH = 1, CLOSE = 2, LEAVE = 4, POST = 8 };

/* The loop answers within a turn, unless a log callback holds it up. */
static const int64_t attach_us = 10000000, grace_us = 2000000;

/* ---- references ---------------------------------------------------------------------------- */

void kci_resident_ref(kci_resident *r)
{
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed);
}

void kci_resident_unref(kci_resident *r)
{
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) == 1)
        r->type->destroy(r);
}

/* ---- loop ---------------------------------------------------------------------------------- */

static void enter_phase(kci_resident *r, kci_resident_phase phase)
{
    atomic_store_explicit(&r->phase, phase, memory_order_release);
    kci_waiters_wake(&r->waiters, KCI_WAIT_LIFE);
}

void kci_resident_look(kci_resident *r)
{
    if (kci_resident_phase_of(r) != KCI_RESIDENT_DETACHED)
        return;
    if (r->type->is_busy && r->type->is_busy(r))
        return;
    if (r->type->gone)
        r->type->gone(r);
    (void)kci_loop_reserve_timers(r->client->loop, -(r->type->timers + 1));
    kci_user_remove(r->client, &r->user);
    enter_phase(r, KCI_RESIDENT_GONE);
    kci_resident_unref(r);
}

static void detach(kci_resident *r)
{
    kci_timer_stop(r->client->loop, &r->timer);
    r->type->detach(r);
    enter_phase(r, KCI_RESIDENT_DETACHED);
    kci_resident_look(r);
}

void kci_resident_finished(kci_resident *r)
{
    if (kci_resident_phase_of(r) == KCI_RESIDENT_CLOSING)
        detach(r);
}

static void begin_close(kci_resident *r, int64_t deadline_us)
{
    if (!kci_resident_is_there(r))
        return;
    if (!r->type->close) {
        detach(r);
        return;
    }
    if (!kci_timer_is_set(&r->timer) || kci_timer_at(&r->timer) > deadline_us)
        kci_timer_set(r->client->loop, &r->timer, deadline_us);
    if (kci_resident_phase_of(r) == KCI_RESIDENT_CLOSING)
        return;
    enter_phase(r, KCI_RESIDENT_CLOSING);
    r->type->close(r);
}

static void on_deadline(kci_timer *timer)
{
    detach(KCI_CONTAINER_OF(timer, kci_resident, timer));
}

static void refuse(kci_resident *r, kc_err err)
{
    r->refused = err;
    enter_phase(r, KCI_RESIDENT_GONE);
}

static void attach(kci_resident *r)
{
    kc_client *client = r->client;
    kc_err err = client->close.stage == KCI_OPEN ? KC_OK : KC_E_CLOSED;
    if (err == KC_OK)
        err = kci_loop_reserve_timers(client->loop, r->type->timers + 1);
    if (err != KC_OK) {
        refuse(r, err);
        return;
    }
    kci_resident_ref(r);
    kci_user_add(client, &r->user);
    enter_phase(r, KCI_RESIDENT_ATTACHED);
    if (r->type->attached)
        r->type->attached(r);
}

static void on_task(kci_task *task)
{
    kci_resident *r = KCI_CONTAINER_OF(task, kci_resident, task);
    atomic_store(&r->queued, false); /* what is asked for from here on is queued again */
    unsigned asked = atomic_exchange(&r->asked, 0);
    if ((asked & (ATTACH | LEAVE)) && kci_resident_phase_of(r) == KCI_RESIDENT_NEW) {
        if (asked & LEAVE) /* whoever made it gave up before the loop came to it */
            refuse(r, KC_E_CLOSED);
        else
            attach(r);
    }
    if ((asked & POST) && kci_resident_is_there(r) && r->type->on_post)
        r->type->on_post(r);
    if (asked & CLOSE)
        begin_close(r, atomic_load(&r->close_us));
    if ((asked & LEAVE) && kci_resident_is_there(r))
        detach(r);
    kci_resident_unref(r);
}

static kci_resident *resident_of(kci_user *user)
{
    return KCI_CONTAINER_OF(user, kci_resident, user);
}

static void on_metadata(kci_user *user, const kci_metadata *now)
{
    kci_resident *r = resident_of(user);
    if (kci_resident_is_there(r) && r->type->on_metadata)
        r->type->on_metadata(r, now);
}

static void on_node(kci_user *user, int32_t node, kci_class cls, int32_t lane, kci_node_state state,
                    kc_err err)
{
    kci_resident *r = resident_of(user);
    if (kci_resident_is_there(r) && r->type->on_node)
        r->type->on_node(r, node, cls, lane, state, err);
}

static void on_client_close(kci_user *user, int64_t deadline_us)
{
    kci_resident *r = resident_of(user);
    r->client_closes = true;
    begin_close(r, deadline_us);
}

/* ---- application --------------------------------------------------------------------------- */

kc_err kci_resident_init(kci_resident *r, const kci_resident_type *type, kc_client *client)
{
    memset(r, 0, sizeof *r);
    kc_err err = kci_waiters_init(&r->waiters, client->loop, client->driven);
    if (err != KC_OK)
        return err;
    err = kci_waiter_new(&r->waiters, &r->own);
    if (err != KC_OK) {
        kci_waiters_free(&r->waiters);
        return err;
    }
    atomic_init(&r->refs, 1);
    atomic_init(&r->phase, KCI_RESIDENT_NEW);
    atomic_init(&r->close_us, INT64_MAX);
    r->type = type;
    r->client = kci_client_ref(client);
    r->task.fn = on_task;
    r->timer.fn = on_deadline;
    r->user = (kci_user){ .kind = type->kind,
                          .on_metadata = on_metadata,
                          .on_node = on_node,
                          .on_close = on_client_close };
    return KC_OK;
}

void kci_resident_fini(kci_resident *r)
{
    kci_waiter_free(r->own);
    kci_waiters_free(&r->waiters);
    kci_client_unref(r->client);
}

/* True: the task is to be queued now, and has a reference for it. Otherwise it is queued, and will
 * see the bit. */
static bool take_for_queue(kci_resident *r, unsigned bit)
{
    atomic_fetch_or(&r->asked, bit);
    if (atomic_exchange(&r->queued, true))
        return false;
    kci_resident_ref(r);
    return true;
}

static void ask(kci_resident *r, unsigned bit)
{
    kci_resident_ref(
        r); /* when the loop's thread is gone, the task runs here and may be the last */
    kci_client_post(r->client, take_for_queue(r, bit) ? &r->task : NULL);
    kci_resident_unref(r);
}

void kci_resident_post(kci_resident *r)
{
    /* Before and after its time on the loop there is nothing to look at. */
    if (kci_resident_is_there(r) && take_for_queue(r, POST))
        kci_loop_post(r->client->loop, &r->task);
}

kc_err kci_resident_attach(kci_resident *r)
{
    kci_sys *sys = r->client->sys;
    kc_err err = kci_client_check(r->client);
    if (err != KC_OK)
        return err;
    int64_t until = sys->mono_us(sys) + attach_us;
    kci_waiter_begin(&r->waiters, r->own, KCI_WAIT_DEAF);
    ask(r, ATTACH);
    while (err == KC_OK && kci_resident_phase_of(r) == KCI_RESIDENT_NEW)
        err = kci_waiter_wait(&r->waiters, r->own, until);
    kci_waiters_end(&r->waiters, r->own);
    switch (kci_resident_phase_of(r)) {
    case KCI_RESIDENT_NEW:
        return err;
    case KCI_RESIDENT_GONE:
        return r->refused;
    default:
        return KC_OK;
    }
}

void kci_resident_close(kci_resident *r, int64_t deadline_us)
{
    atomic_store(&r->close_us, deadline_us);
    ask(r, CLOSE);
}

kc_err kci_resident_await(kci_resident *r, int64_t deadline_us, unsigned what,
                          void (*serve)(kci_resident *r))
{
    int64_t until = deadline_us > INT64_MAX - grace_us ? INT64_MAX : deadline_us + grace_us;
    kc_err err = KC_OK;
    kci_waiter_begin(&r->waiters, r->own, what | KCI_WAIT_DEAF);
    while (err == KC_OK && !kci_resident_is_detached(r)) {
        if (serve)
            serve(r);
        err = kci_waiter_wait(&r->waiters, r->own, until);
    }
    kci_waiters_end(&r->waiters, r->own);
    return kci_resident_is_detached(r) ? KC_OK : err;
}

void kci_resident_free(kci_resident *r)
{
    ask(r, LEAVE);
    if (r->client->driven) /* perhaps nobody else will run the loop for it */
        (void)kc_client_step(r->client, 0);
    kci_resident_unref(r);
}
