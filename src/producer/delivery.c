/* SPDX-License-Identifier: Apache-2.0 */
/* The application's side of outcomes: poll, take, flush, and the descriptor. All of it runs on
 * application threads; callbacks are called with no lock held. */
#include "base/abi_structs.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/planted.h"
#include "producer/producer.h"

static kci_send_batch *batch_of(kci_link *link)
{
    return KCI_CONTAINER_OF(link, kci_send_batch, outcome_link);
}

static int64_t now_us(const kc_producer *p)
{
    return p->sys->mono_us(p->sys);
}

static int64_t deadline_after(const kc_producer *p, int32_t timeout_ms, int64_t if_negative)
{
    if (timeout_ms < 0)
        return if_negative;
    return now_us(p) + (int64_t)timeout_ms * 1000;
}

static bool is_forked(const kc_producer *p)
{
    return kci_client_check(p->client) == KC_E_FORKED;
}

/* The descriptor shows what is left: outcomes, or room for a send that was refused. */
static void update_ready(kc_producer *p)
{
    kci_event_clear(p->ready);
    if (atomic_load(&p->retry_told) || !kci_outcomes_is_empty(&p->outcomes))
        kci_event_signal(p->ready);
}

void kci_producer_want_retry(kc_producer *p)
{
    atomic_store(&p->retry_wanted, true);
    /* Pairs with that of tell_room: either it sees the wish, or the caller, who looks again, what
     * it tells of. */
    atomic_thread_fence(memory_order_seq_cst);
}

void kci_producer_tell_room(kc_producer *p)
{
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_ROOM); /* with a fence */
    if (!atomic_load_explicit(&p->retry_wanted, memory_order_relaxed) ||
        !atomic_exchange(&p->retry_wanted, false))
        return;
    atomic_store(&p->retry_told, true);
    kci_event_signal(p->ready);
}

void kci_producer_hear_room(kc_producer *p)
{
    if (atomic_exchange(&p->retry_told, false))
        update_ready(p);
}

static size_t report(kc_producer *p, kci_send_batch *b)
{
    for (int32_t i = 0; i < kci_outcome_count(b); i++) {
        kc_delivery delivery = kci_outcome_view(b, i);
        kci_interceptors_on_acknowledgement(p, &delivery);
        if (p->on_delivery)
            p->on_delivery(p->user, &delivery);
    }
    return (size_t)b->count;
}

size_t kci_producer_serve(kc_producer *p)
{
    size_t served = 0;
    kci_list list;
    if (!p->outcomes.wanted || p->takes)
        return 0;
    kci_list_init(&list);
    kci_outcomes_take(&p->outcomes, &list);
    if (kci_list_is_empty(&list))
        return 0;
    update_ready(p);
    for (kci_link *at; (at = kci_list_pop_front(&list));) {
        kci_send_batch *b = batch_of(at);
        if (!KCI_BUG_EVERY(REPORT_LOST, 50))
            served += report(p, b);
        if (KCI_BUG(REPORTED_TWICE) && b->attempts > 0)
            report(p, b);
        kci_send_batch_unref(b);
    }
    return served;
}

/* Serves what there is. KC_E_CLOSED: there is nothing, and nothing can come any more. */
static kc_err serve_now(kc_producer *p, size_t *n)
{
    bool over = kci_resident_is_detached(&p->life); /* all outcomes were fixed before that */
    *n = kci_producer_serve(p);
    return over && *n == 0 ? KC_E_CLOSED : KC_OK;
}

kc_err kc_producer_poll(kc_producer *p, int32_t timeout_ms, size_t *served)
{
    size_t n = 0;
    if (served)
        *served = 0;
    if (!p)
        return KC_E_INVALID_ARGUMENT;
    if (is_forked(p))
        return KC_E_FORKED;
    kc_err err = serve_now(p, &n);
    kci_waiter *w = NULL;
    int64_t deadline = deadline_after(p, timeout_ms, INT64_MAX);
    if (err == KC_OK && n == 0 && timeout_ms != 0)
        err = kci_waiters_begin(&p->life.waiters, KCI_WAIT_OUTCOME, &w);
    while (w && err == KC_OK && (err = serve_now(p, &n)) == KC_OK && n == 0)
        err = kci_waiter_wait(&p->life.waiters, w, deadline);
    if (w)
        kci_waiters_end(&p->life.waiters, w);
    if (served)
        *served = n;
    return err == KC_E_TIMED_OUT ? KC_OK : err;
}

/* One range; a batch with several is held by the first of them. */
typedef struct taken {
    kci_send_batch *batch;
    int32_t range;
} taken;

struct kc_deliveries {
    kc_producer *producer; /* counted: topics' names are its */
    size_t count;
    taken list[];
};

static size_t count_ranges(const kci_list *list)
{
    size_t n = 0;
    for (kci_link *at = kci_list_first(list); at; at = kci_list_next(list, at))
        n += (size_t)kci_outcome_count(batch_of(at));
    return n;
}

static void take_batch(kc_producer *p, kc_deliveries *d, kci_send_batch *b)
{
    for (int32_t i = 0; i < kci_outcome_count(b); i++) {
        kc_delivery delivery = kci_outcome_view(b, i);
        d->list[d->count++] = (taken){ b, i };
        kci_interceptors_on_acknowledgement(p, &delivery);
    }
}

/* KC_OK with *out NULL when there are none (KC_E_CLOSED: and none can come). Without memory nothing
 * is lost: they stay in the queue. */
static kc_err take_now(kc_producer *p, kc_deliveries **out)
{
    kci_list list;
    bool over = kci_resident_is_detached(&p->life);
    *out = NULL;
    kci_list_init(&list);
    kci_outcomes_take(&p->outcomes, &list);
    size_t n = count_ranges(&list);
    if (n == 0)
        return over ? KC_E_CLOSED : KC_OK;
    kc_deliveries *d = kci_alloc(sizeof *d + n * sizeof d->list[0]);
    if (!d) {
        kci_outcomes_put_back(&p->outcomes, &list);
        return KC_E_NO_MEMORY;
    }
    update_ready(p);
    kci_resident_ref(&p->life);
    d->producer = p;
    d->count = 0;
    for (kci_link *at; (at = kci_list_pop_front(&list));)
        take_batch(p, d, batch_of(at));
    *out = d;
    return KC_OK;
}

kc_err kc_producer_take(kc_producer *p, int32_t timeout_ms, kc_deliveries **out)
{
    if (!out)
        return KC_E_INVALID_ARGUMENT;
    *out = NULL;
    if (!p)
        return KC_E_INVALID_ARGUMENT;
    if (is_forked(p))
        return KC_E_FORKED;
    if (!p->takes)
        return KC_E_STATE;
    kc_err err = take_now(p, out);
    if (err != KC_OK || *out || timeout_ms == 0)
        return err;
    kci_waiter *w = NULL;
    int64_t deadline = deadline_after(p, timeout_ms, INT64_MAX);
    err = kci_waiters_begin(&p->life.waiters, KCI_WAIT_OUTCOME, &w);
    if (err != KC_OK)
        return err;
    for (;;) {
        err = take_now(p, out);
        if (err != KC_OK || *out)
            break;
        err = kci_waiter_wait(&p->life.waiters, w, deadline);
        if (err != KC_OK)
            break;
    }
    kci_waiters_end(&p->life.waiters, w);
    return err == KC_E_TIMED_OUT ? KC_OK : err;
}

size_t kc_deliveries_count(const kc_deliveries *deliveries)
{
    return deliveries ? deliveries->count : 0;
}

bool kc_deliveries_at(const kc_deliveries *deliveries, size_t index, kc_delivery *out)
{
    if (!deliveries || index >= deliveries->count)
        return false;
    const taken *t = &deliveries->list[index];
    kc_delivery delivery = kci_outcome_view(t->batch, t->range);
    return kci_abi_give(&kci_abi_delivery, &delivery, out);
}

void kc_deliveries_free(kc_deliveries *deliveries)
{
    if (!deliveries)
        return;
    for (size_t i = 0; i < deliveries->count; i++)
        if (deliveries->list[i].range == 0)
            kci_send_batch_unref(deliveries->list[i].batch);
    kci_resident_unref(&deliveries->producer->life);
    kci_free(deliveries);
}

static bool is_settled(kc_producer *p, int64_t target)
{
    return atomic_load_explicit(&p->sender.settled, memory_order_acquire) >= target;
}

kc_err kci_producer_await(kc_producer *p, int64_t target, int64_t deadline_us)
{
    kci_waiter *w = NULL;
    kc_err err =
        is_settled(p, target) ? KC_OK : kci_waiters_begin(&p->life.waiters, KCI_WAIT_OUTCOME, &w);
    while (err == KC_OK && !is_settled(p, target)) {
        kci_producer_serve(p);
        err = kci_client_refusal(p->client, NULL);
        if (err == KC_OK)
            err = kci_waiter_wait(&p->life.waiters, w, deadline_us);
    }
    if (w)
        kci_waiters_end(&p->life.waiters, w);
    bool settled = is_settled(p, target);
    kci_producer_serve(p); /* after the look: whatever it saw settled is told */
    return settled ? KC_OK : err;
}

int64_t kci_producer_close_open(kc_producer *p, bool closing)
{
    kci_append a = { 0 };
    kci_gate_enter(&p->accum.gate);
    if (closing)
        p->accum.refusal = KC_E_CLOSED;
    kci_accum_close_all(p, INT64_MAX, &a);
    int64_t target = p->accum.last_id;
    a.tell = true;
    kci_accum_leave(p, &a);
    return target;
}

static kc_err shut_out(kc_producer *p, kc_err err, kc_error *detail)
{
    kc_error problem = { 0 };

    kci_client_refusal(p->client, &problem);
    return kci_fail(detail, err, "%lld records cannot be sent: %.400s",
                    (long long)kci_producer_undecided(p), problem.text);
}

int64_t kci_producer_undecided(kc_producer *p)
{
    uint64_t accepted = atomic_load_explicit(&p->accum.accepted, memory_order_relaxed);
    uint64_t acked = atomic_load_explicit(&p->sender.acked, memory_order_relaxed);
    uint64_t failed = atomic_load_explicit(&p->sender.failed, memory_order_relaxed);
    return (int64_t)(accepted - acked - failed);
}

static kc_err fail_late(kc_producer *p, kc_err err, int32_t timeout_ms, kc_error *detail)
{
    char oldest[KCI_SENTENCE_SIZE];
    if (err != KC_E_TIMED_OUT)
        return kci_fail(detail, err, NULL);
    kci_stuck_oldest(p, oldest, sizeof oldest);
    return kci_fail(detail, err, "%lld records have no outcome after %d ms%s%s",
                    (long long)kci_producer_undecided(p), timeout_ms,
                    oldest[0] ? "; the oldest is for " : "", oldest);
}

kc_err kc_producer_flush(kc_producer *p, int32_t timeout_ms, kc_error *detail)
{
    if (!p)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the producer is NULL");
    kc_err err = kci_client_check(p->client);
    if (err == KC_E_FORKED)
        return kci_fail(detail, err, NULL);
    int64_t deadline = deadline_after(p, timeout_ms, kci_producer_longest_wait(p));
    int64_t target = kci_producer_close_open(p, false);
    err = KCI_BUG(FLUSH_EARLY) ? KC_OK : kci_producer_await(p, target, deadline);
    if (err == KC_E_AUTHENTICATION || err == KC_E_TLS)
        return shut_out(p, err, detail);
    if (err != KC_OK)
        return fail_late(p, err, timeout_ms, detail);
    return kci_outcomes_failure(&p->outcomes, detail);
}

int64_t kci_producer_longest_wait(const kc_producer *p)
{
    /* A little more than any record may be without an outcome. */
    return now_us(p) + p->conf.delivery_timeout_us + 1000000;
}

int kc_producer_fd(kc_producer *p)
{
    return p ? kci_event_fd(p->ready) : -1;
}

void kc_producer_wakeup(kc_producer *p)
{
    if (p)
        kci_waiters_interrupt(&p->life.waiters);
}
