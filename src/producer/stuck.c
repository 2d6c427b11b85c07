/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions that stand still: have something to send, and nothing was acknowledged for as long as
 * request.timeout.ms. Said once when it begins and once when it is over, not per record: one line
 * stands for all partitions that are found at the same time. Thread: loop, unless marked. */
#include <stdio.h>

#include "base/err.h"
#include "producer/producer.h"

enum { LINE_FIRST_US = 1000000, LINE_MOST_US = 60000000 };

/* ---- why --------------------------------------------------------------------------------------
 */

static const kci_send_batch *oldest_of(const kci_part *part)
{
    const kci_list *lists[] = { &part->lane.wire, &part->lane.queue };
    for (size_t i = 0; i < KCI_COUNT_OF(lists); i++) {
        kci_link *first = kci_list_first(lists[i]);
        if (first)
            return KCI_CONTAINER_OF(first, kci_send_batch, link);
    }
    return NULL;
}

void kci_stuck_reason(kc_producer *p, const kci_part *part, const kci_send_batch *b, char *text,
                      size_t size)
{
    kc_error problem;
    bool tried = b && b->last_err != KC_OK;
    const char *why = "the broker cannot be reached, or takes less than is sent";
    if (tried)
        why = kc_error_text(b->last_err);
    else if (kci_client_last_problem(p->client, &problem) != KC_OK)
        why = problem.text;
    else if (b && b->on_wire)
        why = "the broker has not answered";
    else if (!part->peer)
        why = "the partition has no leader";
    kci_sentence(text, size, "%s%s", tried ? "last: " : "", why);
}

/* Of what waits longest: "topic [3]: why". Empty: nothing waits. */
static void describe_oldest(kc_producer *p, char *text, size_t size)
{
    char reason[KCI_SENTENCE_SIZE];
    kci_link *first = kci_list_first(&p->sender.live);
    const kci_send_batch *b = first ? KCI_CONTAINER_OF(first, kci_send_batch, live) : NULL;
    text[0] = '\0';
    if (!b)
        return;
    kc_bytes topic = b->part->topic->name;
    kci_stuck_reason(p, b->part, b, reason, sizeof reason);
    kci_sentence(text, size, "%.*s [%d]: %s", (int)topic.size, (const char *)topic.data,
                 b->part->index, reason);
}

void kci_stuck_note_oldest(kc_producer *p)
{
    kci_sender *s = &p->sender;
    char text[sizeof s->stuck.oldest];
    describe_oldest(p, text, sizeof text);
    pthread_mutex_lock(&p->outcomes.lock);
    memcpy(s->stuck.oldest, text, sizeof text);
    pthread_mutex_unlock(&p->outcomes.lock);
}

void kci_stuck_answer(kc_producer *p)
{
    kci_sender *s = &p->sender;
    uint32_t asked = atomic_load(&s->stuck.oldest_asked);
    if (asked == atomic_load(&s->stuck.oldest_noted))
        return;
    kci_stuck_note_oldest(p);
    atomic_store(&s->stuck.oldest_noted, asked);
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_ANSWER);
}

/* ---- watching ---------------------------------------------------------------------------------
 */

void kci_stuck_begins_to_wait(kc_producer *p, kci_part *part)
{
    kci_timer *timer = &p->sender.stuck.timer;
    if (part->waiting_us != 0)
        return;
    part->waiting_us = kci_loop_now(p->loop);
    if (!kci_timer_is_set(timer))
        kci_timer_set(p->loop, timer, part->waiting_us + p->conf.request_timeout_us);
}

static bool has_nothing(const kci_part *part)
{
    return !part->due && !oldest_of(part);
}

void kci_stuck_gave_up(kci_part *part)
{
    if (has_nothing(part))
        part->waiting_us = 0;
}

static void say_it_goes_on(kc_producer *p, kci_part *part, int64_t now)
{
    kci_sender *s = &p->sender;
    kc_bytes topic = part->topic->name;
    part->stuck = false;
    s->stuck.count--;
    if (s->stuck.count > 0 &&
        !kci_log_limit_pass(&s->stuck.lines, now, LINE_FIRST_US, LINE_MOST_US, NULL))
        return;
    KCI_LOG(kci_client_log(p->client), KC_LOG_WARN, KCI_AREA_PRODUCER,
            "%.*s [%d] goes on after %lld s (%d partitions still stand still)", (int)topic.size,
            (const char *)topic.data, part->index, (long long)(now - part->stuck_us) / 1000000,
            s->stuck.count);
    if (s->stuck.count == 0)
        kci_log_limit_reset(&s->stuck.lines);
}

void kci_stuck_acked(kc_producer *p, kci_part *part)
{
    int64_t now = kci_loop_now(p->loop);
    part->waiting_us = has_nothing(part) ? 0 : now;
    if (part->stuck)
        say_it_goes_on(p, part, now);
}

static void say_it_stands(kc_producer *p, const kci_part *part, int32_t count, int64_t now)
{
    char reason[KCI_SENTENCE_SIZE];
    kc_bytes topic = part->topic->name;
    if (!kci_log_limit_pass(&p->sender.stuck.lines, now, LINE_FIRST_US, LINE_MOST_US, NULL))
        return;
    kci_stuck_reason(p, part, oldest_of(part), reason, sizeof reason);
    KCI_LOG(kci_client_log(p->client), KC_LOG_WARN, KCI_AREA_PRODUCER,
            "%.*s [%d] stands still: nothing was acknowledged for %lld s (request.timeout.ms), "
            "records wait; the same is true of %d other partitions: %s",
            (int)topic.size, (const char *)topic.data, part->index,
            (long long)(now - part->stuck_us) / 1000000, count - 1, reason);
}

static void on_timer(kci_timer *timer)
{
    kc_producer *p = KCI_CONTAINER_OF(timer, kc_producer, sender.stuck.timer);
    kci_sender *s = &p->sender;
    int64_t now = kci_loop_now(p->loop), next = INT64_MAX;
    int32_t count = 0;
    const kci_part *oldest = NULL;
    for (kci_link *at = kci_list_first(&s->parts); at; at = kci_list_next(&s->parts, at)) {
        kci_part *part = KCI_CONTAINER_OF(at, kci_part, link);
        int64_t over = part->waiting_us + p->conf.request_timeout_us;
        if (part->waiting_us == 0 || part->stuck)
            continue;
        if (over > now) {
            next = over < next ? over : next;
            continue;
        }
        part->stuck = true;
        part->stuck_us = part->waiting_us;
        count++;
        if (!oldest || part->stuck_us < oldest->stuck_us)
            oldest = part;
    }
    s->stuck.count += count;
    if (oldest)
        say_it_stands(p, oldest, count, now);
    if (next != INT64_MAX)
        kci_timer_set(p->loop, timer, next);
}

void kci_stuck_init(kci_sender *s)
{
    s->stuck.timer.fn = on_timer;
}

/* ---- application's threads --------------------------------------------------------------------
 */

void kci_stuck_oldest(kc_producer *p, char *text, size_t size)
{
    enum { LOOK_US = 1000000 /* the loop answers at once, or hangs */ };
    kci_sender *s = &p->sender;
    kci_waiter *w = NULL;
    kc_err err = kci_waiters_begin(&p->life.waiters, KCI_WAIT_ANSWER | KCI_WAIT_DEAF, &w);
    text[0] = '\0';
    if (err != KC_OK)
        return;
    int64_t until = p->sys->mono_us(p->sys) + LOOK_US;
    uint32_t number = atomic_fetch_add(&s->stuck.oldest_asked, 1) + 1;
    kci_resident_post(&p->life);
    while (err == KC_OK && (int32_t)(atomic_load(&s->stuck.oldest_noted) - number) < 0 &&
           !kci_resident_is_detached(&p->life))
        err = kci_waiter_wait(&p->life.waiters, w, until);
    kci_waiters_end(&p->life.waiters, w);
    pthread_mutex_lock(&p->outcomes.lock);
    snprintf(text, size, "%s", s->stuck.oldest);
    pthread_mutex_unlock(&p->outcomes.lock);
}
