/* SPDX-License-Identifier: Apache-2.0 */
/* A partition's lane: order, numbers, and what becomes of them after each kind of failure. The test
 * is the sender: it takes batches, and tells the lane their outcomes. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "producer/lane.h"

enum { NODE = 1, OTHER_NODE = 2, COUNT = 10 /* records of each batch */ };

static kci_lane lane;
static int64_t next_first;
static kci_send_batch *made[32]; /* freed at the end of each test */
static int made_count;

static void free_made(void)
{
    while (made_count > 0)
        free(made[--made_count]);
}

TestSuite(lane, .fini = free_made);

static void start(bool idempotent, bool single)
{
    kci_lane_init(&lane, idempotent, single);
    next_first = 0;
    if (idempotent)
        kci_lane_set_id(&lane, 42, 0);
}

static kci_send_batch *add(void)
{
    kci_send_batch *b = calloc(1, sizeof *b);
    cr_assert_not_null(b);
    cr_assert_lt(made_count, 32);
    made[made_count++] = b;
    b->first = next_first;
    b->count = COUNT;
    next_first += COUNT;
    atomic_store(&b->sealed, true);
    kci_lane_add(&lane, b);
    return b;
}

static bool may_send(void)
{
    return kci_lane_head(&lane) && kci_lane_look(&lane, NODE, 0) == KCI_LANE_READY;
}

/* Takes what may go, at most n; returns how many. */
static int take(kci_send_batch **out, int n)
{
    int taken = 0;
    while (taken < n && may_send())
        out[taken++] = kci_lane_take(&lane, NODE);
    return taken;
}

/* The lane after its first acknowledgement: several may be in flight. */
static void warm_up(void)
{
    kci_send_batch *b = add();
    cr_assert_eq(kci_lane_take(&lane, NODE), b);
    kci_lane_acked(&lane, b);
}

static void expect_number(const kci_send_batch *b, int16_t epoch, int32_t sequence)
{
    cr_expect(b->numbered);
    cr_expect_eq(b->producer_id, 42);
    cr_expect_eq(b->epoch, epoch);
    cr_expect_eq(b->sequence, sequence, "%d, not %d", b->sequence, sequence);
}

Test(lane, numbers_follow_the_records)
{
    kci_send_batch *b[3] = { NULL };
    start(true, false);
    warm_up();
    for (int i = 0; i < 3; i++)
        add();
    cr_assert_eq(take(b, 3), 3);
    for (int i = 0; i < 3; i++)
        expect_number(b[i], 0, COUNT * (i + 1));
}

Test(lane, the_first_of_an_epoch_goes_alone)
{
    kci_send_batch *b[2] = { NULL };
    start(true, false);
    add();
    add();
    cr_assert_eq(take(b, 2), 1);
    cr_expect_not(may_send());
    kci_lane_acked(&lane, b[0]);
    cr_expect(may_send());
}

Test(lane, without_an_id_nothing_goes)
{
    kci_lane_init(&lane, true, false);
    add();
    cr_expect(kci_lane_wants_id(&lane));
    cr_expect_not(may_send());
    kci_lane_set_id(&lane, 42, 0);
    cr_expect(may_send());
}

Test(lane, an_unsealed_batch_holds_those_behind_it)
{
    start(true, false);
    kci_send_batch *first = add();
    add();
    atomic_store(&first->sealed, false);
    cr_expect_eq(kci_lane_look(&lane, NODE, 0), KCI_LANE_UNSEALED);
    atomic_store(&first->sealed, true);
    cr_expect(may_send());
}

static void *seal_and_unseal(void *arg)
{
    kci_send_batch *b = arg;
    for (int n = 0; !atomic_load(&b->collected); n++)
        atomic_store(&b->sealed, n % 2 == 0);
    return NULL;
}

/* Seen neither as ready nor as unsealed, a batch that is sealed in this moment would stay where it
 * is until something else happens to its partition. */
Test(lane, a_batch_that_is_being_sealed_is_one_or_the_other)
{
    enum { CHANGES = 2000 };
    pthread_t thread;
    kci_lane_state last = KCI_LANE_READY;
    start(true, false);
    kci_send_batch *b = add();
    cr_assert_eq(pthread_create(&thread, NULL, seal_and_unseal, b), 0);
    for (int changes = 0; changes < CHANGES;) {
        kci_lane_state now = kci_lane_look(&lane, NODE, 0);
        cr_assert_neq(now, KCI_LANE_WAITS);
        changes += now != last;
        last = now;
    }
    atomic_store(&b->collected, true);
    pthread_join(thread, NULL);
}

Test(lane, one_in_flight_when_asked_for)
{
    kci_send_batch *b[2] = { NULL };
    start(false, true);
    add();
    add();
    cr_assert_eq(take(b, 2), 1);
    kci_lane_acked(&lane, b[0]);
    cr_expect_eq(take(b, 2), 1);
    cr_expect_not(b[0]->numbered);
}

Test(lane, a_pause_is_kept)
{
    kci_send_batch *b[1] = { NULL };
    start(false, false);
    add();
    take(b, 1);
    kci_lane_retry(&lane, b[0], 1000);
    cr_expect_eq(kci_lane_look(&lane, NODE, 999), KCI_LANE_WAITS);
    cr_expect_eq(kci_lane_look(&lane, NODE, 1000), KCI_LANE_READY);
}

/* Several fail one after the other: the longest of their pauses counts. */
Test(lane, the_longest_pause_counts)
{
    kci_send_batch *b[3] = { NULL };
    static const int64_t until[3] = { 500, 900, 700 };
    start(false, false);
    for (int i = 0; i < 3; i++)
        add();
    cr_assert_eq(take(b, 3), 3);
    for (int i = 0; i < 3; i++)
        kci_lane_retry(&lane, b[i], until[i]);
    cr_expect_eq(kci_lane_look(&lane, NODE, 899), KCI_LANE_WAITS);
    cr_expect_eq(kci_lane_look(&lane, NODE, 900), KCI_LANE_READY);
}

Test(lane, after_a_failure_all_go_again_in_order_with_their_numbers)
{
    kci_send_batch *b[4] = { NULL }, *again[4] = { NULL };
    start(true, false);
    warm_up();
    for (int i = 0; i < 4; i++)
        add();
    cr_assert_eq(take(b, 4), 4);
    kci_lane_retry(&lane, b[0], 0);
    cr_expect_not(may_send(), "others are still in flight");
    kci_lane_out_of_order(&lane, b[1]); /* explained by the first one */
    kci_lane_retry(&lane, b[1], 0);
    kci_lane_retry(&lane, b[3], 0); /* answers out of order */
    kci_lane_out_of_order(&lane, b[2]);
    kci_lane_retry(&lane, b[2], 0);
    cr_assert_eq(take(again, 4), 4);
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(again[i], b[i]);
        expect_number(b[i], 0, COUNT * (i + 1));
    }
}

Test(lane, never_in_flight_to_two_brokers)
{
    kci_send_batch *b[1] = { NULL };
    start(true, false);
    warm_up();
    add();
    add();
    cr_assert_eq(take(b, 1), 1);
    cr_expect_eq(kci_lane_look(&lane, OTHER_NODE, 0), KCI_LANE_WAITS);
    kci_lane_acked(&lane, b[0]);
    cr_expect_eq(kci_lane_look(&lane, OTHER_NODE, 0), KCI_LANE_READY);
}

Test(lane, no_batch_gets_beyond_the_brokers_memory_of_five)
{
    kci_send_batch *b[8] = { NULL };
    start(true, false);
    warm_up();
    for (int i = 0; i < 8; i++)
        add();
    cr_assert_eq(take(b, 8), KCI_LANE_WINDOW);
    /* The oldest keeps failing while the others are accepted. */
    kci_lane_retry(&lane, b[0], 0);
    for (int i = 1; i < KCI_LANE_WINDOW; i++)
        kci_lane_acked(&lane, b[i]);
    kci_send_batch *oldest = b[0];
    cr_assert_eq(take(b, 8), 1, "only the oldest again");
    cr_expect_eq(b[0], oldest);
    kci_lane_acked(&lane, oldest);
    cr_expect_eq(take(b, 8), 3);
}

Test(lane, a_gap_in_the_log_starts_a_new_epoch_once_all_are_answered)
{
    kci_send_batch *b[3] = { NULL }, *again[3] = { NULL };
    start(true, false);
    warm_up();
    for (int i = 0; i < 3; i++)
        add();
    take(b, 3);
    cr_expect(kci_lane_out_of_order(&lane, b[0]));
    kci_lane_retry(&lane, b[0], 0);
    cr_expect_eq(lane.sequence.epoch, 0, "two are still in flight");
    for (int i = 1; i < 3; i++) {
        cr_expect(kci_lane_out_of_order(&lane, b[i]));
        kci_lane_retry(&lane, b[i], 0);
    }
    cr_assert_eq(take(again, 3), 1, "the first of an epoch goes alone");
    expect_number(again[0], 1, 0);
    kci_lane_acked(&lane, again[0]);
    cr_assert_eq(take(again, 3), 2);
    expect_number(again[0], 1, COUNT);
    expect_number(again[1], 1, 2 * COUNT);
}

Test(lane, a_batch_refused_for_good_leaves_a_gap)
{
    kci_send_batch *b[2] = { NULL }, *again[2] = { NULL };
    start(true, false);
    warm_up();
    for (int i = 0; i < 3; i++)
        add();
    take(b, 2);
    kci_lane_gave_up(&lane, b[0]);
    cr_expect_not(may_send(), "the number of the third would follow a gap");
    cr_expect(kci_lane_out_of_order(&lane, b[1]), "nothing of it can be on its way any more");
    kci_lane_retry(&lane, b[1], 0);
    cr_assert_eq(take(again, 2), 1);
    expect_number(again[0], 1, 0);
}

Test(lane, a_given_up_batch_that_was_written_leaves_no_gap)
{
    kci_send_batch *b[3] = { NULL };
    start(true, false);
    warm_up();
    add();
    add();
    take(b, 2);
    b[0]->maybe_written = true;
    kci_lane_gave_up(&lane, b[0]);
    kci_lane_acked(&lane, b[1]); /* so the broker had the first */
    add();
    cr_assert_eq(take(b, 3), 1);
    expect_number(b[0], 0, 3 * COUNT);
}

Test(lane, what_a_late_request_may_still_write_gets_no_new_number)
{
    kci_send_batch *b[2] = { NULL }, *again[2] = { NULL };
    start(true, false);
    warm_up();
    add();
    add();
    take(b, 2);
    b[0]->maybe_written = b[1]->maybe_written = true; /* the connection was lost */
    kci_lane_retry(&lane, b[0], 0);
    kci_lane_retry(&lane, b[1], 0);
    kci_lane_drop(&lane, b[0]); /* its time is over */
    kci_send_batch *fresh = add();
    cr_assert_eq(take(again, 2), 1, "only the old number can tell");
    expect_number(again[0], 0, 2 * COUNT);
    cr_expect_not(kci_lane_out_of_order(&lane, again[0]));
    kci_lane_gave_up(&lane, again[0]);
    cr_assert_eq(take(again, 2), 1);
    cr_expect_eq(again[0], fresh);
    expect_number(fresh, 1, 0);
}

Test(lane, giving_up_what_has_no_number_changes_nothing)
{
    kci_send_batch *b[2] = { NULL };
    start(true, false);
    warm_up();
    kci_send_batch *first = add();
    add();
    kci_lane_drop(&lane, first);
    cr_expect_not(lane.gap);
    cr_assert_eq(take(b, 2), 1);
    expect_number(b[0], 0, COUNT);
}

Test(lane, halves_share_the_numbers_of_the_whole)
{
    kci_send_batch *b[2] = { NULL }, *again[3] = { NULL };
    start(true, false);
    warm_up();
    add();
    add();
    take(b, 2);
    kci_send_batch left = { .first = b[0]->first, .count = 4 };
    kci_send_batch right = { .first = b[0]->first + 4, .count = 6 };
    atomic_store(&left.sealed, true);
    atomic_store(&right.sealed, true);
    kci_lane_split(&lane, b[0], &left, &right);
    cr_expect(kci_lane_out_of_order(&lane, b[1]));
    kci_lane_retry(&lane, b[1], 0);
    cr_assert_eq(take(again, 3), 3);
    cr_expect_eq(again[0], &left);
    cr_expect_eq(again[1], &right);
    cr_expect_eq(again[2], b[1]);
    expect_number(&left, 0, COUNT);
    expect_number(&right, 0, COUNT + 4);
    expect_number(b[1], 0, 2 * COUNT);
}

Test(lane, a_refused_id_is_replaced)
{
    kci_send_batch *b[1] = { NULL };
    start(true, false);
    warm_up();
    add();
    add();
    take(b, 1);
    kci_lane_id_refused(&lane);
    cr_expect_not(kci_lane_wants_id(&lane), "not while a request is out");
    kci_lane_gave_up(&lane, b[0]);
    cr_expect(kci_lane_wants_id(&lane));
    kci_lane_set_id(&lane, 42, 7);
    cr_assert_eq(take(b, 1), 1);
    expect_number(b[0], 7, 0);
}

Test(lane, sequences_and_epochs_wrap)
{
    kci_sequence s;
    kci_sequence_start(&s, 1, INT16_MAX - 1);
    s.next = INT32_MAX - 2;
    cr_expect_eq(kci_sequence_take(&s, 5), INT32_MAX - 2);
    cr_expect_eq(s.next, 2);
    s.acked = INT32_MAX;
    cr_expect(kci_sequence_is_next(&s, 0));
    cr_expect(kci_sequence_bump(&s));
    cr_expect_eq(s.epoch, INT16_MAX);
    cr_expect_eq(s.next, 0);
    cr_expect_not(kci_sequence_bump(&s), "the last epoch: a new id is needed");
    cr_expect_eq(s.producer_id, -1);
}
