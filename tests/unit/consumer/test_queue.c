/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's queue: what poll would get, and in which order partitions have their turn. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "consumer/queue.h"

enum { LIMIT = 1000, QUEUES = 3, SLICES = 8 };

static kci_loop *loop;
static kci_ready_list ready;
static kci_queue q[QUEUES];
static kci_credit *credit;
static kci_frame *frame;
static kci_fetched *fetched;
static kci_slice *slices[SLICES];
static int64_t live;

static void on_room(void *arg)
{
    (void)arg;
}

static void setup(void)
{
    live = kci_mem_live();
    cr_assert_eq(kci_loop_new(kci_sys_posix(true), &loop), KC_OK);
    kci_ready_list_init(&ready);
    cr_assert_eq(kci_event_new(loop, false, &ready.event), KC_OK);
    for (int i = 0; i < QUEUES; i++)
        kci_queue_init(&q[i], &ready);
    credit = kci_credit_new(1000, on_room, NULL);
    frame = kci_frame_new(NULL, 100);
    fetched = kci_fetched_new(credit, frame, SLICES, 0);
    for (int i = 0; i < SLICES; i++) {
        kci_fetch_response_partition_data data = { .high_watermark = 10 };
        slices[i] = kci_fetched_add(fetched, &data, 1);
        slices[i]->size = 400;
    }
}

/* What was queued has been given back, or the frame would still be held. */
static void teardown(void)
{
    for (int i = 0; i < QUEUES; i++)
        kci_queue_clear(&q[i]);
    kci_fetched_unref(fetched);
    cr_assert_eq(kci_credit_held(credit), 0);
    kci_frame_unref(frame);
    kci_credit_unref(credit);
    kci_event_free(ready.event);
    kci_loop_free(loop);
    cr_assert_eq(kci_mem_live(), live);
}

TestSuite(queue, .init = setup, .fini = teardown);

static void put(int queue, int slice)
{
    kci_queue_put(&q[queue], slices[slice], LIMIT);
}

static int first(void)
{
    const kci_queue *f = kci_ready_list_first(&ready);
    return f ? (int)(f - q) : -1;
}

static bool is_signalled(void)
{
    bool is = kci_event_is_set(ready.event);
    kci_event_clear(ready.event);
    return is;
}

Test(queue, slices_come_out_in_order)
{
    cr_assert_eq(first(), -1);
    cr_assert_not(kci_queue_may_read(&q[0]));
    put(0, 0);
    put(0, 1);
    cr_assert(is_signalled());
    cr_assert_eq(first(), 0);
    cr_assert(kci_queue_may_read(&q[0]));
    cr_assert_eq(q[0].bytes, 800);
    cr_assert_eq(q[0].first, slices[0]);
    kci_queue_pop(&q[0]);
    cr_assert_eq(q[0].first, slices[1]);
    cr_assert_eq(q[0].bytes, 400);
    kci_queue_pop(&q[0]);
    cr_assert_eq(first(), -1);
    cr_assert_eq(q[0].bytes, 0);
    put(0, 2); /* after it was empty */
    cr_assert_eq(q[0].first, slices[2]);
}

Test(queue, partitions_take_turns)
{
    put(1, 0);
    put(1, 1);
    put(2, 2);
    put(0, 3);
    cr_assert_eq(first(), 1);
    kci_queue_pop(&q[1]);
    cr_assert_eq(first(), 2);
    kci_queue_pop(&q[2]);
    cr_assert_eq(first(), 0);
    put(0, 4); /* it keeps its turn */
    kci_queue_pop(&q[0]);
    cr_assert_eq(first(), 1);
    put(2, 5);
    kci_queue_pop(&q[1]);
    cr_assert_eq(first(), 0);
}

Test(queue, full_above_the_limit_until_no_more_than_that_is_queued)
{
    put(0, 0);
    put(0, 1);
    cr_assert_not(q[0].full);
    slices[2]->size = 200; /* the limit itself */
    put(0, 2);
    cr_assert_not(q[0].full);
    slices[3]->size = 600;
    put(0, 3);
    cr_assert(q[0].full);
    cr_assert_not(kci_queue_resume(&q[0]));
    kci_queue_pop(&q[0]);
    cr_assert_not(kci_queue_resume(&q[0])); /* 1200 */
    kci_queue_pop(&q[0]);
    cr_assert(kci_queue_resume(&q[0])); /* 800 */
    cr_assert_not(q[0].full);
    cr_assert_not(kci_queue_resume(&q[0])); /* told once */
}

Test(queue, after_a_damaged_tail_nothing_is_fetched_until_it_is_empty)
{
    slices[0]->tail_error = KC_E_CORRUPT_MESSAGE;
    put(0, 1);
    put(0, 0);
    cr_assert(q[0].full);
    kci_queue_pop(&q[0]);
    cr_assert_not(kci_queue_resume(&q[0]));
    kci_queue_pop(&q[0]);
    cr_assert(kci_queue_resume(&q[0]));
}

Test(queue, holding_is_for_what_is_queued)
{
    cr_assert_not(kci_queue_hold(&q[0]));
    cr_assert_not(q[0].full);
    put(0, 0);
    cr_assert(kci_queue_hold(&q[0]));
    cr_assert_not(kci_queue_resume(&q[0]));
    kci_queue_drop(&q[0]);
    cr_assert_not(q[0].full);
    cr_assert_eq(q[0].bytes, 0);
    cr_assert_eq(first(), -1);
}

Test(queue, a_paused_one_keeps_records_and_tells_errors)
{
    put(0, 0);
    kci_queue_pause(&q[0], true);
    cr_assert_eq(first(), -1);
    cr_assert_not(kci_queue_may_read(&q[0]));
    put(0, 1);
    cr_assert_eq(first(), -1);
    cr_assert(kci_queue_report(&q[0], (kci_trouble){ KC_E_UNKNOWN_PARTITION, 5, 5, NULL }));
    cr_assert_eq(first(), 0);
    cr_assert_not(kci_queue_may_read(&q[0]));
    cr_assert_eq(kci_queue_take_trouble(&q[0]).err, KC_E_UNKNOWN_PARTITION);
    cr_assert_eq(first(), -1);
    is_signalled();
    kci_queue_pause(&q[0], false);
    cr_assert(is_signalled());
    cr_assert_eq(first(), 0);
    cr_assert_eq(q[0].first, slices[0]);
}

Test(queue, an_end_is_told_once_for_each_offset)
{
    kci_queue_reach_end(&q[0], 7);
    cr_assert_eq(first(), 0);
    cr_assert(is_signalled());
    cr_assert(kci_queue_take_end(&q[0]));
    cr_assert_not(kci_queue_take_end(&q[0]));
    cr_assert_eq(first(), -1);
    kci_queue_reach_end(&q[0], 7);
    cr_assert_eq(first(), -1);
    kci_queue_reach_end(&q[0], 8);
    cr_assert_eq(first(), 0);
}

/* Records that come before poll has told the end: it is not the end any more. */
Test(queue, records_withdraw_an_end_that_was_not_told)
{
    kci_queue_reach_end(&q[0], 7);
    put(0, 0);
    kci_queue_pop(&q[0]);
    cr_assert_eq(first(), -1);
    cr_assert_not(kci_queue_take_end(&q[0]));
}

/* An answer can tell of a longer log without bringing records of it. */
Test(queue, a_longer_log_withdraws_an_end_that_was_not_told)
{
    kci_queue_reach_end(&q[0], 7);
    kci_queue_withdraw_end(&q[0], 7);
    cr_assert_eq(first(), 0);
    kci_queue_withdraw_end(&q[0], 8);
    cr_assert_eq(first(), -1);
    kci_queue_reach_end(&q[0], 7); /* it was never told */
    cr_assert(kci_queue_take_end(&q[0]));
    kci_queue_withdraw_end(&q[0], 8);
    kci_queue_reach_end(&q[0], 7); /* it was: not again */
    cr_assert_eq(first(), -1);
}

Test(queue, behind_what_is_queued_is_no_end)
{
    put(0, 0);
    kci_queue_reach_end(&q[0], 7);
    kci_queue_pop(&q[0]);
    cr_assert_eq(first(), -1);
    kci_queue_reach_end(&q[0], 7);
    cr_assert_eq(first(), 0);
}

Test(queue, another_position_may_be_the_end_again)
{
    kci_queue_reach_end(&q[0], 7);
    kci_queue_take_end(&q[0]);
    put(0, 0);
    kci_queue_begin(&q[0]);
    cr_assert_null(q[0].first);
    kci_queue_reach_end(&q[0], 7);
    cr_assert_eq(first(), 0);
    kci_queue_begin(&q[0]); /* not told, and not true any more */
    cr_assert_eq(first(), -1);
}

static const kci_trouble missing = { KC_E_UNKNOWN_TOPIC_OR_PARTITION, 3, 3, NULL };

Test(queue, an_error_is_reported_once_until_it_has_gone_away)
{
    cr_assert(kci_queue_report(&q[0], missing));
    cr_assert_not(kci_queue_report(&q[0], missing)); /* not taken yet */
    kci_trouble t = kci_queue_take_trouble(&q[0]);
    cr_assert_eq(t.err, KC_E_UNKNOWN_TOPIC_OR_PARTITION);
    cr_assert_eq(t.offset, 3);
    cr_assert_eq(kci_queue_take_trouble(&q[0]).err, KC_OK);
    cr_assert_not(kci_queue_report(&q[0], missing));
    cr_assert_eq(first(), -1);
    cr_assert(kci_queue_report(&q[0], (kci_trouble){ KC_E_TOPIC_AUTHORIZATION_FAILED, 3, 3, 0 }));
    kci_queue_take_trouble(&q[0]);
    kci_queue_went_away(&q[0]);
    cr_assert(kci_queue_report(&q[0], missing));
}

Test(queue, a_seek_forgets_events)
{
    put(0, 0);
    kci_queue_report(&q[0], missing);
    kci_queue_forget_events(&q[0]);
    cr_assert_eq(kci_queue_take_trouble(&q[0]).err, KC_OK);
    cr_assert_eq(q[0].first, slices[0]); /* records are another matter */
    cr_assert(kci_queue_report(&q[0], missing));
    kci_queue_reach_end(&q[1], 7);
    kci_queue_forget_events(&q[1]);
    cr_assert_not(kci_queue_take_end(&q[1]));
}

Test(queue, a_stop_leaves_nothing_but_its_error)
{
    put(0, 0);
    put(1, 1);
    kci_queue_reach_end(&q[2], 7);
    for (int i = 0; i < QUEUES; i++)
        kci_queue_stop(&q[i], (kci_trouble){ KC_E_CORRUPT_MESSAGE, 9, 10, "text" });
    cr_assert_null(q[0].first);
    cr_assert_not(kci_queue_take_end(&q[2]));
    kci_trouble t = kci_queue_take_trouble(&q[0]);
    cr_assert_eq(t.next, 10);
    cr_assert_str_eq(t.text, "text");
    cr_assert_eq(kci_queue_take_trouble(&q[2]).err, KC_E_CORRUPT_MESSAGE);
    cr_assert_eq(first(), 1);
}
