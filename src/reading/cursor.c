/* SPDX-License-Identifier: Apache-2.0 */
/* Batch by batch; per batch one check and at most one decompression, per record only the decoder's
 * own work. */
#include "reading/cursor.h"

#include "base/planted.h"

enum { FIRST_VIEWS = 512 }; /* arrays begin with this size when max.poll.records is larger */

void kci_cursor_open(kci_cursor *c, const kci_slice *slice, int64_t position, int32_t epoch)
{
    c->slice = slice;
    c->at = 0;
    c->open = false;
    c->block = NULL;
    c->position = position;
    c->epoch = epoch;
    kci_txn_filter_init(&c->filter, slice->aborted, slice->aborted_count, slice->active);
}

static void close_batch(kci_cursor *c)
{
    kci_block_unref(c->block);
    c->block = NULL;
    c->open = false;
}

void kci_cursor_close(kci_cursor *c)
{
    if (!c->slice)
        return;
    close_batch(c);
    c->slice = NULL;
}

bool kci_cursor_at_end(const kci_cursor *c)
{
    return !c->open && c->at >= c->slice->size;
}

static kc_err fail(kci_cursor *c, kc_err err, int64_t next)
{
    c->error_offset = c->position;
    c->error_next = next > c->position ? next : c->position + 1;
    return err;
}

/* Done with the batch at `at`, read or passed over. */
static void leave_batch(kci_cursor *c, kc_records *r)
{
    int64_t next = kci_batch_next_offset(&c->batch);
    if (next > c->position) {
        c->position = next;
        c->epoch = c->batch.leader_epoch;
    }
    c->at += c->batch.size;
    r->bytes += c->batch.size;
    close_batch(c);
}

/* A control batch: an end marker closes its producer's transaction. */
static kc_err read_control(kci_cursor *c, const kci_read_options *o)
{
    kci_records_iter it;
    kci_block *block = NULL;
    kc_record record;
    kc_err err = kci_records_open(&it, &c->batch, c->batch.base_offset, o->decompressor,
                                  &kci_block_heap, o->max_decompressed, &block);
    if (err == KC_OK && kci_records_decode(&it, &record, 1) == 1) {
        if (kci_control_parse(&record) == KCI_CONTROL_ABORT)
            kci_txn_filter_end(&c->filter, c->batch.producer_id);
    } else if (err == KC_OK) {
        err = it.error;
    }
    kci_block_unref(block);
    return err;
}

/* Decides about the batch at `at`: passes over it, or opens it. */
static kc_err next_batch(kci_cursor *c, const kci_read_options *o, kc_records *r)
{
    const kci_slice *s = c->slice;
    kc_err err = kci_batch_parse(s->data + c->at, s->size - c->at, &c->batch);
    if (err != KC_OK || !c->batch.complete) /* kci_slice_scan saw it whole */
        return fail(c, KC_E_INTERNAL, c->position + 1);
    int64_t next = kci_batch_next_offset(&c->batch);
    bool below = next <= c->position;
    bool control = kci_batch_is_control(&c->batch);
    if (!below && o->check_crcs && !KCI_BUG(CRC_IGNORED))
        err = kci_batch_check_crc(&c->batch);
    if (err != KC_OK && KCI_BUG(DAMAGE_SKIPPED)) {
        leave_batch(c, r);
        return KC_OK;
    }
    if (err != KC_OK)
        return fail(c, err, next);
    bool drop = o->committed && kci_txn_filter_drops(&c->filter, &c->batch);
    if (control && o->committed)
        err = read_control(c, o);
    if (err != KC_OK && !below)
        return err == KC_E_NO_MEMORY ? err : fail(c, err, next);
    if (below || drop || control) {
        leave_batch(c, r);
        return KC_OK;
    }
    err = kci_records_open(&c->it, &c->batch, c->position, o->decompressor, &o->blocks,
                           o->max_decompressed, &c->block);
    if (err != KC_OK)
        return err == KC_E_NO_MEMORY ? err : fail(c, err, next);
    c->open = true;
    return KC_OK;
}

/* Views of the open batch. */
static kc_err read_batch(kci_cursor *c, const kci_read_options *o, kc_records *r)
{
    if (c->block && !kci_records_reserve_block(r))
        return KC_E_NO_MEMORY;
    if (r->count == r->cap) {
        int32_t more = o->max_records - r->count;
        if (!kci_records_reserve(r, more < r->count ? more : r->count))
            return KC_E_NO_MEMORY;
    }
    int32_t room = r->cap - r->count;
    int32_t left = o->max_records - r->count;
    int32_t got = kci_records_decode(&c->it, r->data + r->count, room < left ? room : left);
    if (got == 0) {
        if (c->it.error != KC_OK)
            return fail(c, c->it.error, c->it.next_offset);
        leave_batch(c, r);
        return KC_OK;
    }
    r->count += got;
    c->position = r->data[r->count - 1].offset + 1;
    c->epoch = c->batch.leader_epoch;
    if (c->block)
        kci_records_hold_block(r, c->block);
    else
        kci_records_hold_frame(r, c->slice->owner);
    /* The last record was among these: be done with the batch, there may be no other poll. */
    kc_record none;
    if (c->it.remaining == 0 && kci_records_decode(&c->it, &none, 1) == 0 && c->it.error == KC_OK)
        leave_batch(c, r);
    return KC_OK;
}

int32_t kci_read_options_views(const kci_read_options *o)
{
    return o->max_records < FIRST_VIEWS ? o->max_records : FIRST_VIEWS;
}

/* Each compressed batch takes a block of its own: a poll ends before it takes one beyond the limit,
 * unless it is the first. */
static bool is_enough(const kci_cursor *c, const kci_read_options *o, const kc_records *r)
{
    return !c->open && r->count > 0 && o->credit &&
           kci_credit_held(o->credit) > kci_credit_limit(o->credit);
}

static int32_t timestamp_type(const kci_batch *b)
{
    if (b->magic == 0)
        return KC_TIMESTAMP_NONE;
    return kci_batch_is_append_time(b) ? KC_TIMESTAMP_LOG_APPEND : KC_TIMESTAMP_CREATE;
}

/* Whether the open batch's records can be with those that are there. */
static bool goes_with(const kci_cursor *c, const kc_records *r)
{
    return r->count == 0 || r->timestamp_type == timestamp_type(&c->batch);
}

kc_err kci_cursor_read(kci_cursor *c, const kci_read_options *o, kc_records *r)
{
    kc_err err = KC_OK;
    while (err == KC_OK && r->count < o->max_records && !kci_cursor_at_end(c) &&
           !is_enough(c, o, r)) {
        if (!c->open) {
            err = next_batch(c, o, r);
            continue;
        }
        if (!goes_with(c, r))
            break;
        r->timestamp_type = timestamp_type(&c->batch);
        err = read_batch(c, o, r);
    }
    return r->count > 0 ? KC_OK : err;
}
