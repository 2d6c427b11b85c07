/* SPDX-License-Identifier: Apache-2.0 */
/* No hand-over of the seat is lost: whoever stops waiting for it, for whatever reason, looks
 * whether it is free, and passes the news on. */
#include "io/drive.h"

#include <time.h>

#include "base/mem.h"
#include "io/event_impl.h"

typedef struct stander {
    kci_link link;
    kci_event *event;
} stander;

kc_err kci_seat_init(kci_seat *seat)
{
    pthread_condattr_t attr;
    memset(seat, 0, sizeof *seat);
    kci_list_init(&seat->standing);
    if (pthread_mutex_init(&seat->lock, NULL) != 0)
        return KC_E_NO_MEMORY;
    bool ok = pthread_condattr_init(&attr) == 0;
    if (ok) {
        ok = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
             pthread_cond_init(&seat->freed, &attr) == 0;
        pthread_condattr_destroy(&attr);
    }
    if (!ok)
        pthread_mutex_destroy(&seat->lock);
    return ok ? KC_OK : KC_E_NO_MEMORY;
}

void kci_seat_destroy(kci_seat *seat)
{
    pthread_cond_destroy(&seat->freed);
    pthread_mutex_destroy(&seat->lock);
}

/* Under the lock. Tells one who waits, if the seat is free. */
static void pass_on(kci_seat *seat)
{
    kci_link *first = kci_list_first(&seat->standing);
    if (seat->taken)
        return;
    if (seat->queue > 0)
        pthread_cond_signal(&seat->freed);
    else if (first)
        kci_event_nudge(KCI_CONTAINER_OF(first, stander, link)->event);
}

static void stand_up(kci_seat *seat)
{
    pthread_mutex_lock(&seat->lock);
    seat->taken = false;
    pass_on(seat);
    pthread_mutex_unlock(&seat->lock);
}

/* ---- waiting for an event ------------------------------------------------------------------- */

/* True: the caller is the driver. Otherwise it stands, and will be nudged. */
static bool sit_down_or_stand(kci_seat *seat, stander *s)
{
    pthread_mutex_lock(&seat->lock);
    bool free = !seat->taken && seat->queue == 0;
    if (free)
        seat->taken = true;
    if (free)
        kci_link_remove(&s->link);
    else if (!kci_link_is_on(&s->link))
        kci_list_push_back(&seat->standing, &s->link);
    pthread_mutex_unlock(&seat->lock);
    return free;
}

static void go_away(kci_seat *seat, stander *s)
{
    pthread_mutex_lock(&seat->lock);
    kci_link_remove(&s->link);
    pass_on(seat);
    pthread_mutex_unlock(&seat->lock);
}

/* Microseconds until then, -1: for ever. */
static int64_t left_until(kci_loop *loop, int64_t deadline_us)
{
    kci_sys *sys = kci_loop_sys(loop);
    if (deadline_us == INT64_MAX)
        return -1;
    int64_t left = deadline_us - sys->mono_us(sys);
    return left > 0 ? left : 0;
}

/* The driver: until its event is set, the deadline has passed, or somebody claims the seat. */
static void drive(kci_event *e, kci_seat *seat, int64_t deadline_us)
{
    int64_t left;
    atomic_fetch_add(&e->driving, 1);
    while (!kci_event_is_set(e) && atomic_load(&seat->claimed) == 0 &&
           (left = left_until(e->loop, deadline_us)) != 0)
        kci_loop_step(e->loop, left); /* sleeps, or does something */
    atomic_fetch_sub(&e->driving, 1);
}

static void sleep_standing(kci_event *e, int64_t deadline_us)
{
    atomic_fetch_add(&e->waiters, 1);
    if (!kci_event_is_set(e))
        kci_event_sleep(e, deadline_us);
    atomic_fetch_sub(&e->waiters, 1);
}

bool kci_drive_until(kci_event *e, int64_t deadline_us)
{
    kci_seat *seat = kci_loop_seat(e->loop);
    stander s = { .event = e };
    bool drove = false;
    while (!kci_event_is_set(e) && left_until(e->loop, deadline_us) != 0) {
        atomic_fetch_and(&e->state, ~(uint32_t)KCI_EVENT_NUDGED);
        if (!sit_down_or_stand(seat, &s)) {
            sleep_standing(e, deadline_us);
            continue;
        }
        drive(e, seat, deadline_us);
        stand_up(seat);
        drove = true;
    }
    go_away(seat, &s);
    if (drove)
        kci_loop_tell_fd(e->loop); /* there may be timers now that the application has not seen */
    return kci_event_is_set(e);
}

/* ---- without an event ----------------------------------------------------------------------- */

static bool wait_for_seat(kci_seat *seat, int64_t deadline_us)
{
    struct timespec until = { .tv_sec = deadline_us / 1000000,
                              .tv_nsec = deadline_us % 1000000 * 1000 };
    bool late = false;
    seat->queue++;
    while (seat->taken && !late)
        late = (deadline_us == INT64_MAX
                    ? pthread_cond_wait(&seat->freed, &seat->lock)
                    : pthread_cond_timedwait(&seat->freed, &seat->lock, &until)) != 0;
    seat->queue--;
    return !seat->taken;
}

static bool sit_down(kci_seat *seat, int64_t deadline_us)
{
    pthread_mutex_lock(&seat->lock);
    bool free = !seat->taken || (deadline_us > 0 && wait_for_seat(seat, deadline_us));
    if (free)
        seat->taken = true;
    pthread_mutex_unlock(&seat->lock);
    return free;
}

bool kci_drive_try(kci_loop *loop)
{
    return sit_down(kci_loop_seat(loop), 0);
}

bool kci_drive_alone(kci_loop *loop, int64_t deadline_us)
{
    kci_seat *seat = kci_loop_seat(loop);
    if (sit_down(seat, 0))
        return true;
    atomic_fetch_add(&seat->claimed, 1);
    kci_loop_wake(loop); /* the driver sleeps in it */
    bool free = sit_down(seat, deadline_us);
    atomic_fetch_sub(&seat->claimed, 1);
    return free;
}

void kci_drive_end(kci_loop *loop)
{
    stand_up(kci_loop_seat(loop));
}

void kci_drive_step(kci_loop *loop, int64_t max_wait_us)
{
    kci_sys *sys = kci_loop_sys(loop);
    kci_seat *seat = kci_loop_seat(loop);
    int64_t until = max_wait_us < 0 ? INT64_MAX : 0;
    if (max_wait_us > 0)
        until = sys->mono_us(sys) + max_wait_us;
    if (!sit_down(seat, until))
        return; /* whoever runs it does what is due */
    kci_loop_step(loop, max_wait_us > 0 ? left_until(loop, until) : max_wait_us);
    stand_up(seat);
}
