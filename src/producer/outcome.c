/* SPDX-License-Identifier: Apache-2.0 */
/* How batches end: acknowledged, sent again, split, given up; and delivery.timeout.ms. Each batch
 * that was handed to the loop gets exactly one outcome here (`reported`), after which only the wire
 * may still hold it. Thread: loop. */

#include "base/err.h"
#include "base/mem.h"
#include "base/planted.h"
#include "producer/producer.h"

enum { TEXT_MAX = 1000, COMPLAINT_FIRST_US = 1000000, COMPLAINT_MOST_US = 60000000 };

static kci_send_batch *live_batch(kci_link *link)
{
    return link ? KCI_CONTAINER_OF(link, kci_send_batch, live) : NULL;
}

/* ---- reporting ---- */

static void update_settled(kci_sender *s)
{
    const kci_send_batch *oldest = live_batch(kci_list_first(&s->live));
    int64_t settled = oldest ? oldest->id - 1 : s->last_id;
    atomic_store_explicit(&s->settled, settled, memory_order_release);
}

static void count_records(kc_producer *p, const kci_send_batch *b)
{
    bool ok = b->err == KC_OK;
    atomic_uint_least64_t *count = ok ? &p->sender.acked : &p->sender.failed;
    uint64_t n = atomic_load_explicit(count, memory_order_relaxed);
    atomic_store_explicit(count, n + (uint64_t)b->count, memory_order_relaxed);
    kci_stats *stats = kci_client_stats(p->client);
    kci_stat_add(ok ? &stats->records_acked : &stats->records_failed, b->count);
}

static void log_failure(kc_producer *p, const kci_send_batch *b)
{
    uint32_t withheld = 0;
    if (!kci_log_limit_pass(&p->sender.complaints, kci_loop_now(p->loop), COMPLAINT_FIRST_US,
                            COMPLAINT_MOST_US, &withheld))
        return;
    kc_bytes topic = b->part->topic->name;
    KCI_LOG(kci_client_log(p->client), KC_LOG_WARN, KCI_AREA_PRODUCER,
            "%d records for %.*s [%d] were not delivered%s: %s (%u more reports withheld)",
            b->count, (int)topic.size, (const char *)topic.data, b->part->index,
            b->flags & KC_DELIVERY_POSSIBLY_PERSISTED ? " for certain" : "",
            b->text ? b->text : kc_error_text(b->err), withheld);
}

/* Fixes the outcome and passes it on. The batch may still be on the wire. */
static void report(kc_producer *p, kci_send_batch *b)
{
    b->reported = true;
    kci_link_remove(&b->live);
    kci_batch_left_backlog(b);
    count_records(p, b);
    if (b->err != KC_OK && !p->outcomes.wanted && !p->sender.lost)
        log_failure(p, b);
    bool kept = kci_outcomes_push(&p->outcomes, b);
    update_settled(&p->sender);
    if (kept)
        kci_event_signal(p->ready);
    kci_waiters_wake(&p->life.waiters, KCI_WAIT_OUTCOME);
}

/* The records' memory is no longer needed by the loop. */
static void release(kc_producer *p, kci_send_batch *b)
{
    if (kci_send_batch_unuse(b))
        kci_producer_tell_room(p);
}

/* ---- acknowledged ---- */

void kci_batch_acked(kc_producer *p, kci_send_batch *b, int64_t base_offset, int64_t timestamp)
{
    kci_part *part = b->part;
    kci_lane_acked(&part->lane, b);
    if (!b->reported) {
        b->err = KC_OK;
        b->base_offset = base_offset;
        b->timestamp = timestamp < 0 ? KC_NO_TIMESTAMP : timestamp;
        b->flags = base_offset < 0 ? KC_DELIVERY_OFFSET_UNKNOWN : 0;
        report(p, b);
    }
    release(p, b);
    kci_stuck_acked(p, part);
    kci_sender_consider(p, part);
}

/* ---- given up ---- */

static void set_failure(kci_send_batch *b, const kci_failure *why)
{
    b->err = why->err;
    b->base_offset = -1;
    bool maybe_written = (b->maybe_written || why->undecided) && !KCI_BUG(NOT_POSSIBLY_PERSISTED);
    b->flags = maybe_written ? KC_DELIVERY_POSSIBLY_PERSISTED : 0;
    if (why->refusal)
        b->ranges = kci_outcome_ranges_new(why->refusal, b->count);
    if (why->text.size > 0)
        b->text =
            kci_strndup(why->text.data, why->text.size < TEXT_MAX ? why->text.size : TEXT_MAX);
}

void kci_batch_give_up(kc_producer *p, kci_send_batch *b, const kci_failure *why)
{
    kci_part *part = b->part;
    set_failure(b, why);
    bool waits = !b->on_wire;
    if (KCI_BUG(BATCH_FREED_IN_FLIGHT))
        kci_batch_writer_clear(&b->writer, &p->pool.copies);
    if (waits)
        kci_lane_drop(&part->lane, b);
    report(p, b);
    if (waits)
        release(p, b);
    kci_stuck_gave_up(part);
    kci_sender_consider(p, part);
}

/* A batch on the wire fails for good: off the wire, its outcome fixed unless it was before. */
static void fail_for_good(kc_producer *p, kci_send_batch *b, const kci_failure *why)
{
    kci_part *part = b->part;
    kci_lane_gave_up(&part->lane, b);
    if (!b->reported) {
        set_failure(b, why);
        report(p, b);
    }
    release(p, b);
    kci_stuck_gave_up(part);
    kci_sender_consider(p, part);
}

/* ---- sent again ---- */

static bool is_sequence_error(kc_err err)
{
    return err == KC_E_OUT_OF_ORDER_SEQUENCE_NUMBER || err == KC_E_UNKNOWN_PRODUCER_ID;
}

static bool may_retry(const kc_producer *p, const kci_send_batch *b, const kci_failure *why)
{
    if (b->reported || b->attempts + KCI_BUG(RETRY_MISSING) > p->conf.retries ||
        kci_resident_is_detached(&p->life))
        return false;
    if (why->again || (p->conf.idempotent && is_sequence_error(why->err)))
        return true;
    return (kc_error_flags(why->err) & KC_ERROR_RETRIABLE) != 0;
}

static void retry(kc_producer *p, kci_send_batch *b, const kci_failure *why)
{
    kci_part *part = b->part;
    int64_t pause = kci_backoff_delay(&p->conf.backoff, b->attempts, &p->sender.random);
    KCI_LOG(kci_client_log(p->client), KC_LOG_DEBUG, KCI_AREA_PRODUCER,
            "%.*s [%d]: attempt %u with %d records: %s: again in %.1f ms",
            (int)part->topic->name.size, (const char *)part->topic->name.data, part->index,
            b->attempts, b->count, kc_error_name(why->err), (double)pause / 1000);
    kci_lane_retry(&part->lane, b, kci_loop_now(p->loop) + pause);
    kci_sender_consider(p, part);
}

/* Neither the old number nor a new one could be used without risking a duplicate. */
static void fail_unsafe(kc_producer *p, kci_send_batch *b, kc_err err)
{
    kci_failure why = { .err = err,
                        .text =
                            kc_str("records before these were given up after they may have been "
                                   "written; sending these again could duplicate them"),
                        .undecided = true };
    fail_for_good(p, b, &why);
}

void kci_batch_failed(kc_producer *p, kci_send_batch *b, const kci_failure *why)
{
    b->attempts++;
    b->last_err = why->err;
    b->maybe_written |= why->undecided;
    bool too_large = why->err == KC_E_MESSAGE_TOO_LARGE || why->err == KC_E_RECORD_LIST_TOO_LARGE;
    if (too_large && !b->reported && b->count > 1 && kci_batch_split(p, b))
        return;
    if (p->conf.idempotent && is_sequence_error(why->err) &&
        !kci_lane_out_of_order(&b->part->lane, b)) {
        fail_unsafe(p, b, why->err);
        return;
    }
    if (may_retry(p, b, why)) {
        retry(p, b, why);
        return;
    }
    if (why->err == KC_E_INVALID_PRODUCER_EPOCH) { /* without a transaction a new id is as good */
        kci_ids_discard(p, b->producer_id);
        kci_lane_id_refused(&b->part->lane);
    }
    fail_for_good(p, b, why);
    if (why->err == KC_E_PRODUCER_FENCED)
        kci_sender_fail(p, why->err);
}

/* ---- split ---- */

static void split_opaques(const kci_send_batch *b, kci_send_batch *left, kci_send_batch *right)
{
    for (int32_t i = 0; b->opaques && i < b->count; i++) {
        kci_send_batch *half = i < left->count ? left : right;
        int32_t at = i < left->count ? i : i - left->count;
        half->opaques[KCI_BUG(HALF_MIXED_UP) ? half->count - 1 - at : at] = b->opaques[i];
    }
}

static kc_err half_new(kci_send_batch *b, int32_t count, kci_send_batch **out)
{
    kc_err err = kci_send_batch_new(b->pool, b->part, true, out);
    if (err == KC_OK && b->opaques)
        err = kci_send_batch_reserve_opaques(*out, count);
    return err;
}

static void make_half(kci_send_batch *b, kci_send_batch *half, int32_t from, int32_t count)
{
    half->id = b->id;
    half->first = b->first + from;
    half->count = count;
    half->opened_us = b->opened_us;
    half->deadline_us = b->deadline_us;
    half->last_err = b->last_err;
    atomic_store(&half->collected, true);
    kci_link_insert_before(&b->live, &half->live);
}

static void seal_half(kc_producer *p, kci_send_batch *half)
{
    kci_sealer_seal(&p->sealer, half);
    atomic_store(&half->sealed, true);
}

/* The halves have their places and numbers; b itself ends without an outcome of its own. */
static void replace_by_halves(kc_producer *p, kci_send_batch *b, kci_send_batch *left,
                              kci_send_batch *right)
{
    kci_part *part = b->part;
    int32_t left_count = left->writer.count;
    make_half(b, left, 0, left_count);
    make_half(b, right, left_count, b->count - left_count);
    split_opaques(b, left, right);
    seal_half(p, left);
    seal_half(p, right);
    kci_lane_split(&part->lane, b, left, right);
    kci_link_remove(&b->live);
    release(p, b);
    kci_sender_consider(p, part);
}

bool kci_batch_split(kc_producer *p, kci_send_batch *b)
{
    kci_send_batch *left = NULL, *right = NULL;
    kci_decompressor *d = NULL;
    int32_t left_count = b->count / 2;
    kc_err err = half_new(b, left_count, &left);
    if (err == KC_OK)
        err = half_new(b, b->count - left_count, &right);
    if (err == KC_OK && b->writer.codec != KCI_CODEC_NONE)
        err = kci_decompressor_new(&d);
    if (err == KC_OK)
        err = kci_batch_writer_split(&b->writer, left_count, d, &b->pool->copies, &left->writer,
                                     &right->writer);
    kci_decompressor_free(d);
    if (err == KC_OK) {
        replace_by_halves(p, b, left, right);
        return true;
    }
    if (left)
        kci_send_batch_unuse(left);
    if (right)
        kci_send_batch_unuse(right);
    if (err != KC_E_NO_MEMORY && err != KC_E_QUEUE_FULL)
        return false;
    /* For want of memory only: the same again a little later. */
    kci_failure why = { .err = KC_E_NO_MEMORY };
    if (!may_retry(p, b, &why))
        return false;
    retry(p, b, &why);
    return true;
}

/* ---- delivery.timeout.ms ---- */

void kci_batch_set_deadline(kc_producer *p, int64_t deadline_us)
{
    kci_timer *timer = &p->sender.delivery_timer;
    if (!kci_timer_is_set(timer) || kci_timer_at(timer) > deadline_us)
        kci_timer_set(p->loop, timer, deadline_us);
}

static void describe_timeout(kc_producer *p, const kci_send_batch *b, char *text, size_t size)
{
    char reason[KCI_SENTENCE_SIZE];
    bool was_sent = b->on_wire || b->last_err != KC_OK;
    kci_stuck_reason(p, b->part, b, reason, sizeof reason);
    kci_sentence(text, size, "not %s within delivery.timeout.ms (%lld): %s%s",
                 was_sent ? "acknowledged" : "sent",
                 (long long)(p->conf.delivery_timeout_us / 1000), reason,
                 was_sent ? "" : "; raise delivery.timeout.ms or send less");
}

static void expire(kc_producer *p, kci_send_batch *b)
{
    char text[KCI_SENTENCE_SIZE];
    describe_timeout(p, b, text, sizeof text);
    kci_failure why = { .err = KC_E_TIMED_OUT, .text = kc_str(text), .undecided = b->on_wire };
    kci_batch_give_up(p, b, &why);
}

/* Open batches that wait for a place in flight can be over time too. Returns when the next one is.
 */
static int64_t close_overdue(kc_producer *p, int64_t now)
{
    kci_append a = { 0 };
    if (!kci_sender_enter_gate(p))
        return now + 1000;
    kci_accum_close_all(p, now - p->conf.delivery_timeout_us + 1, &a);
    int64_t oldest = kci_accum_oldest_due(&p->accum);
    a.tell = false;
    kci_accum_leave(p, &a);
    kci_sender_collect(p);
    return oldest == INT64_MAX ? oldest : oldest + p->conf.delivery_timeout_us;
}

void kci_batch_on_deadline(kc_producer *p)
{
    kci_list *live = &p->sender.live;
    int64_t now = kci_loop_now(p->loop);
    if (KCI_BUG(DELIVERY_TIMEOUT_IGNORED))
        return;
    int64_t next = close_overdue(p, now);
    kci_link *at = kci_list_first(live);
    while (at) {
        kci_send_batch *b = live_batch(at);
        at = kci_list_next(live, at);
        if (b->deadline_us <= now)
            expire(p, b);
        else if (b->deadline_us < next)
            next = b->deadline_us;
    }
    if (next != INT64_MAX)
        kci_batch_set_deadline(p, next);
    kci_sender_check_end(p);
}
