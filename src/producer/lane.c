/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/lane.h"

#include <string.h>

#include "base/mem.h"
#include "base/planted.h"

static kci_send_batch *batch_of(kci_link *link)
{
    return link ? KCI_CONTAINER_OF(link, kci_send_batch, link) : NULL;
}

void kci_lane_init(kci_lane *lane, bool idempotent, bool single)
{
    memset(lane, 0, sizeof *lane);
    kci_list_init(&lane->queue);
    kci_list_init(&lane->wire);
    lane->idempotent = idempotent;
    lane->single = single;
    lane->sequence = kci_sequence_none();
}

void kci_lane_add(kci_lane *lane, kci_send_batch *b)
{
    kci_list_push_back(&lane->queue, &b->link);
}

kci_send_batch *kci_lane_head(const kci_lane *lane)
{
    return batch_of(kci_list_first(&lane->queue));
}

/* The oldest numbered batch without outcome; NULL. */
static const kci_send_batch *oldest_numbered(const kci_lane *lane)
{
    const kci_send_batch *sent = batch_of(kci_list_first(&lane->wire));
    const kci_send_batch *waits = kci_lane_head(lane);
    if (waits && !waits->numbered)
        waits = NULL;
    if (!sent || !waits)
        return sent ? sent : waits;
    return sent->first < waits->first ? sent : waits;
}

static bool is_window_full(const kci_lane *lane)
{
    const kci_send_batch *oldest = oldest_numbered(lane);
    return oldest && lane->ordinal + 1 - oldest->ordinal >= KCI_LANE_WINDOW;
}

/* What holds back a sealed batch, `head`, or one that is not there yet. */
static bool is_free(const kci_lane *lane, const kci_send_batch *head, int32_t node, int64_t now_us)
{
    bool busy = !kci_list_is_empty(&lane->wire);
    if (lane->retry_at_us > now_us)
        return false;
    if (busy && (lane->drain || lane->restart || lane->single || lane->wire_node != node))
        return false;
    if (busy && lane->idempotent && lane->sequence.acked < 0)
        return false;
    if (!lane->idempotent || (head && head->numbered))
        return true;
    return !lane->gap && lane->sequence.producer_id >= 0 && !is_window_full(lane);
}

kci_lane_state kci_lane_look(const kci_lane *lane, int32_t node, int64_t now_us)
{
    const kci_send_batch *head = kci_lane_head(lane);
    /* Sequentially consistent, like kci_accum_seal(): this or the look at `collected` sees. */
    if (head && !atomic_load(&head->sealed))
        return KCI_LANE_UNSEALED;
    return is_free(lane, head, node, now_us) ? KCI_LANE_READY : KCI_LANE_WAITS;
}

bool kci_lane_wants_id(const kci_lane *lane)
{
    return lane->idempotent && lane->sequence.producer_id < 0;
}

void kci_lane_set_id(kci_lane *lane, int64_t producer_id, int16_t epoch)
{
    kci_sequence_start(&lane->sequence, producer_id, epoch);
}

kci_send_batch *kci_lane_take(kci_lane *lane, int32_t node)
{
    kci_send_batch *b = batch_of(kci_list_pop_front(&lane->queue));
    if (!b)
        return NULL;
    if (lane->idempotent && (!b->numbered || KCI_BUG(RETRY_NEW_SEQUENCE))) {
        b->producer_id = lane->sequence.producer_id;
        b->epoch = lane->sequence.epoch;
        b->sequence = kci_sequence_take(&lane->sequence, b->count);
        b->ordinal = ++lane->ordinal;
        b->numbered = true;
    }
    b->on_wire = true;
    lane->wire_node = node;
    kci_list_push_back(&lane->wire, &b->link);
    return b;
}

static bool any_maybe_written(const kci_lane *lane)
{
    for (kci_link *at = kci_list_first(&lane->queue); at; at = kci_list_next(&lane->queue, at)) {
        const kci_send_batch *b = batch_of(at);
        if (!b->numbered)
            return false;
        if (b->maybe_written)
            return true;
    }
    return false;
}

/* After a batch with a number was given up and every request is answered: is there a hole before
 * what comes next? Not when a later batch was accepted. While an earlier attempt of a waiting batch
 * may have been written, only sending it again with its old number tells. */
static void judge_gap(kci_lane *lane)
{
    const kci_send_batch *head = kci_lane_head(lane);
    bool closed = head && head->numbered ? kci_sequence_is_next(&lane->sequence, head->sequence)
                                         : kci_sequence_is_settled(&lane->sequence);
    if (closed)
        lane->gap = lane->ghost = false;
    else if (!any_maybe_written(lane))
        lane->restart = true;
}

static void start_epoch(kci_lane *lane)
{
    for (kci_link *at = kci_list_first(&lane->queue); at; at = kci_list_next(&lane->queue, at))
        batch_of(at)->numbered = false;
    kci_sequence_bump(&lane->sequence);
    lane->gap = false;
    lane->ghost = false;
    lane->restart = false;
}

static void settle(kci_lane *lane)
{
    if (!kci_list_is_empty(&lane->wire))
        return;
    lane->drain = false;
    if (lane->gap && !lane->restart)
        judge_gap(lane);
    if (lane->restart)
        start_epoch(lane);
}

static void leave_wire(kci_send_batch *b)
{
    kci_link_remove(&b->link);
    b->on_wire = false;
}

static bool is_current(const kci_lane *lane, const kci_send_batch *b)
{
    return b->numbered && b->producer_id == lane->sequence.producer_id &&
           b->epoch == lane->sequence.epoch;
}

void kci_lane_acked(kci_lane *lane, kci_send_batch *b)
{
    leave_wire(b);
    if (is_current(lane, b)) {
        int32_t last = kci_sequence_add(b->sequence, b->count - 1);
        /* Not backwards, when an earlier batch is acknowledged after a later one. */
        uint32_t ahead = ((uint32_t)last - (uint32_t)lane->sequence.acked) & INT32_MAX;
        if (ahead < INT32_MAX / 2)
            lane->sequence.acked = last;
    }
    settle(lane);
}

static void insert(kci_lane *lane, kci_send_batch *b)
{
    kci_link *at = KCI_BUG(RETRY_REORDERS) ? NULL : kci_list_first(&lane->queue);
    while (at && batch_of(at)->first < b->first)
        at = kci_list_next(&lane->queue, at);
    if (at)
        kci_link_insert_before(at, &b->link);
    else
        kci_list_push_back(&lane->queue, &b->link);
}

void kci_lane_retry(kci_lane *lane, kci_send_batch *b, int64_t not_before_us)
{
    leave_wire(b);
    insert(lane, b);
    lane->drain = true;
    if (not_before_us > lane->retry_at_us)
        lane->retry_at_us = not_before_us;
    settle(lane);
}

static void leave_gap(kci_lane *lane, const kci_send_batch *b)
{
    if (!is_current(lane, b))
        return;
    lane->gap = true;
    lane->ghost |= b->maybe_written;
}

void kci_lane_gave_up(kci_lane *lane, kci_send_batch *b)
{
    leave_wire(b);
    leave_gap(lane, b);
    settle(lane);
}

void kci_lane_split(kci_lane *lane, kci_send_batch *b, kci_send_batch *left, kci_send_batch *right)
{
    kci_send_batch *halves[2] = { left, right };
    int32_t sequence = b->sequence;
    leave_wire(b);
    for (int i = 0; i < 2; i++) {
        kci_send_batch *half = halves[i];
        half->numbered = b->numbered;
        half->producer_id = b->producer_id;
        half->epoch = b->epoch;
        half->sequence = sequence;
        half->ordinal = b->ordinal;
        half->maybe_written = b->maybe_written;
        if (half->numbered)
            sequence = kci_sequence_add(sequence, half->count);
        insert(lane, half);
    }
    lane->ordinal++; /* there is one more now */
    lane->drain = true;
    settle(lane);
}

/* Whether a batch before this one is still without outcome: then its number was not due yet. */
static bool waits_for_earlier(const kci_lane *lane, const kci_send_batch *b)
{
    const kci_send_batch *oldest = oldest_numbered(lane);
    return oldest && oldest->first < b->first;
}

bool kci_lane_out_of_order(kci_lane *lane, kci_send_batch *b)
{
    if (!is_current(lane, b) || waits_for_earlier(lane, b))
        return true;
    if (lane->ghost && b->maybe_written)
        return false;
    b->maybe_written = false;
    lane->restart = true;
    return true;
}

void kci_lane_id_refused(kci_lane *lane)
{
    lane->sequence.epoch = INT16_MAX;
    lane->restart = true;
    settle(lane);
}

void kci_lane_drop(kci_lane *lane, kci_send_batch *b)
{
    kci_link_remove(&b->link);
    if (is_current(lane, b) && KCI_BUG(SEQUENCE_REUSED))
        lane->sequence.next = b->sequence;
    else
        leave_gap(lane, b);
    settle(lane);
}
