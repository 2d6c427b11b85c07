/* SPDX-License-Identifier: Apache-2.0 */
/* kc_consumer_poll: takes the first partition that is ready, reads its first slice without the
 * lock, and moves the position. A slice is read to its end before the next partition has its turn,
 * so at most one batch is decompressed at a time and not yet handed out. */
#include "base/err.h"
#include "consumer/consumer.h"

/* ---- slices ------------------------------------------------------------------------------- */

void kci_reading_leave(kci_reading *r, const kci_read_part *p)
{
    if (!p || (p->queue.first && r->cursor.slice == p->queue.first))
        kci_cursor_close(&r->cursor);
}

static void describe(kc_consumer *c, const kci_slice *s, kc_records *r)
{
    r->next_offset = c->reading.cursor.position;
    r->leader_epoch = c->reading.cursor.epoch;
    r->broker = s->node;
    r->high_watermark = s->high_watermark;
    r->last_stable = s->last_stable;
    r->log_start = s->log_start;
    r->offset = r->count > 0 ? r->data[0].offset : c->reading.cursor.position;
}

static int64_t end_of(kc_consumer *c, const kci_slice *s)
{
    return c->set.committed ? s->last_stable : s->high_watermark;
}

/* Whether reading came to the end of the log, as the last answer told it: the broker may have got
 * more since it sent the slice. */
static void note_end(kc_consumer *c, kci_read_part *p)
{
    int64_t end = kci_place_end(&p->place, c->set.committed);
    if (c->set.report_eof && end >= 0 && p->place.position >= end)
        kci_queue_reach_end(&p->queue, p->place.position);
}

/* The slice has been read: on to the next one, and the next partition. */
static void end_slice(kc_consumer *c, kci_read_part *p)
{
    const kci_slice *s = p->queue.first;
    kc_err tail = s->tail_error;
    int64_t offset = s->tail_offset, next = s->tail_next;
    kci_cursor_close(&c->reading.cursor);
    kci_queue_pop(&p->queue);
    if (tail != KC_OK) {
        kci_part_stop(c, p, tail, offset, next, NULL);
        kci_consumer_post(c);
        return;
    }
    note_end(c, p);
    if (!kci_queue_resume(&p->queue))
        return;
    kci_part_todo(c, p);
    kci_consumer_post(c);
}

/* After a read of the part's first slice. */
static void move_on(kc_consumer *c, kci_read_part *p, kc_err err, kc_records *r)
{
    const kci_slice *s = p->queue.first;
    c->reading.part = NULL;
    kci_place_read(&p->place, c->reading.cursor.position, c->reading.cursor.epoch);
    if (r->count > 0) {
        describe(c, s, r);
        r->at_end = !s->next && end_of(c, s) >= 0 && r->next_offset >= end_of(c, s);
    }
    if (err == KC_OK) {
        if (kci_cursor_at_end(&c->reading.cursor))
            end_slice(c, p);
    } else if (err != KC_E_NO_MEMORY) {
        int64_t offset = c->reading.cursor.error_offset, next = c->reading.cursor.error_next;
        kci_cursor_close(&c->reading.cursor);
        kci_part_stop(c, p, err, offset, next, NULL);
        kci_consumer_post(c);
    }
}

/* Reads from the part's first slice. Lock held, and released meanwhile. *out NULL and KC_OK: all of
 * it was to be passed over, or an error was found that comes next. */
static kc_err read_slice(kc_consumer *c, kci_read_part *p, kc_records **out)
{
    c->reading.part = p;
    const kci_slice *first = p->queue.first;
    if (c->reading.cursor.slice != first) {
        kci_cursor_close(&c->reading.cursor);
        kci_cursor_open(&c->reading.cursor, first, p->place.position, p->place.position_epoch);
    }
    pthread_mutex_unlock(&c->lock);
    kc_err err = KC_E_NO_MEMORY;
    kc_records *r = kci_records_take(c->pool, p->topic->name, p->number,
                                     kci_read_options_views(&c->reading.options));
    if (r)
        err = kci_cursor_read(&c->reading.cursor, &c->reading.options, r);
    pthread_mutex_lock(&c->lock);
    if (!r) {
        c->reading.part = NULL;
        return KC_E_NO_MEMORY;
    }
    move_on(c, p, err, r);
    if (r->count == 0) {
        kc_records_free(r);
        return err == KC_E_NO_MEMORY ? err : KC_OK;
    }
    kci_stat_add_shared(&c->stats->records_fetched, r->count);
    *out = r;
    return KC_OK;
}

/* ---- events ------------------------------------------------------------------------------- */

static kc_err give_trouble(kci_read_part *p, kc_records *r)
{
    kci_trouble t = kci_queue_take_trouble(&p->queue);
    r->offset = t.offset;
    r->next_offset = t.next;
    kci_fail(&r->error, t.err, "%.*s [%d], offset %lld: %s", (int)p->topic->name.size,
             p->topic->text, p->number, (long long)t.offset,
             t.text ? t.text : kc_error_text(t.err));
    if (p->place.state != KCI_PLACE_STOPPED)
        r->error.flags |= KC_ERROR_GOES_ON;
    return t.err;
}

static void give_end(kci_read_part *p, kc_records *r)
{
    r->offset = r->next_offset = p->place.position;
    r->leader_epoch = p->place.position_epoch;
    r->at_end = kci_queue_take_end(&p->queue);
}

/* An error or the end of the part, as kc_records without records. */
static kc_err take_event(kc_consumer *c, kci_read_part *p, kc_records **out)
{
    kc_records *r = kci_records_take(c->pool, p->topic->name, p->number, 1);
    if (!r)
        return KC_E_NO_MEMORY;
    kc_err err = KC_OK;
    r->high_watermark = p->place.high_watermark;
    r->last_stable = p->place.last_stable;
    r->log_start = p->place.log_start;
    if (p->queue.trouble.err != KC_OK)
        err = give_trouble(p, r);
    else
        give_end(p, r);
    *out = r;
    return err;
}

/* ---- poll --------------------------------------------------------------------------------- */

/* One step; *again: something was passed over, there may be more. */
static kc_err take_one(kc_consumer *c, kc_records **out, bool *again)
{
    kc_err err = KC_OK;
    pthread_mutex_lock(&c->lock);
    kci_queue *q = kci_ready_list_first(&c->ready);
    *again = q != NULL;
    if (c->closed) {
        err = KC_E_CLOSED;
    } else if (atomic_exchange(&c->interrupted, false)) {
        err = KC_E_INTERRUPTED;
    } else if (q) {
        kci_read_part *p = KCI_CONTAINER_OF(q, kci_read_part, queue);
        err = kci_queue_may_read(q) ? read_slice(c, p, out) : take_event(c, p, out);
    }
    kci_consumer_sync_readable(c);
    pthread_mutex_unlock(&c->lock);
    return err;
}

/* The time has passed without records: is there a reason that lasts? */
static kc_err explain(kc_consumer *c, kc_error *detail)
{
    pthread_mutex_lock(&c->lock);
    kc_err refused = c->fetcher.refused;
    pthread_mutex_unlock(&c->lock);
    kc_error problem;
    kc_err err = kci_client_last_problem(c->client, &problem);
    if (err != KC_E_AUTHENTICATION && err != KC_E_TLS)
        return refused == KC_OK ? KC_OK : kci_fail(detail, refused, NULL);
    if (detail)
        *detail = problem;
    return err;
}

static kc_err poll(kc_consumer *c, int32_t timeout_ms, kc_records **out, kc_error *detail)
{
    int64_t deadline = INT64_MIN; /* the clock is read only when there is nothing */
    bool stepped = false;
    for (;;) {
        bool again;
        kc_err err = take_one(c, out, &again);
        if (*out && err != KC_OK) {
            kc_records_error(*out, detail);
            return err;
        }
        if (*out)
            return KC_OK;
        if (err != KC_OK)
            return kci_fail(detail, err, NULL);
        if (deadline == INT64_MIN)
            deadline = kci_consumer_deadline(c, timeout_ms, -1);
        if (!again && timeout_ms == 0 && kci_client_driven(c->client) && !stepped) {
            stepped = true; /* who never waits would never run the loop */
            kc_client_step(c->client, 0);
            continue;
        }
        if (again && (timeout_ms < 0 || c->sys->mono_us(c->sys) < deadline))
            continue;
        if (again || !kci_event_wait(c->ready.event, deadline))
            return explain(c, detail);
    }
}

kc_err kc_consumer_poll(kc_consumer *c, int32_t timeout_ms, kc_records **out, kc_error *detail)
{
    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    err = poll(c, timeout_ms, out, detail);
    kci_consumer_leave(c);
    return err;
}

int kc_consumer_fd(kc_consumer *c)
{
    return c ? kci_event_fd(c->ready.event) : -1;
}

void kc_consumer_wakeup(kc_consumer *c)
{
    if (!c)
        return;
    atomic_store(&c->interrupted, true);
    kci_event_signal(c->ready.event);
    kci_event_signal(c->life.own->event);
}
