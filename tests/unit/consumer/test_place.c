/* SPDX-License-Identifier: Apache-2.0 */
/* Where a partition is read: the test is the router, which asks leaders and tells what they said.
 */
#include <criterion/criterion.h>

#include "consumer/place.h"

enum { EPOCH = 5, SECOND = 1000000 };

static kci_place pl;
static const kc_position stored = { KC_POSITION_STORED, -1, 0 };

static void setup(void)
{
    kci_place_init(&pl, &stored);
}

TestSuite(place, .init = setup);

static bool seek(kc_position to)
{
    return kci_place_seek(&pl, &to);
}

/* The next step must be a question of that kind. */
static void must_ask(kci_probe_kind kind)
{
    cr_assert_eq(kci_place_next(&pl, NULL), KCI_STEP_ASK);
    cr_assert_eq(pl.probe.kind, kind);
}

static kci_place_news answer(int64_t offset, int32_t epoch)
{
    cr_assert(kci_place_is_current(&pl));
    pl.probe.offset = offset;
    pl.probe.found_epoch = epoch;
    return kci_place_answered(&pl, EPOCH);
}

/* FETCHING at offset 100, the record before it of epoch 3, the leader's epoch known to be sound. */
static void begin(void)
{
    seek(kc_position_end());
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(answer(100, 3), KCI_NEWS_PLACED);
}

/* ---- positions ---------------------------------------------------------------------------- */

Test(place, an_offset_needs_no_question)
{
    cr_assert(seek(kc_position_offset(42)));
    cr_assert_eq(pl.state, KCI_PLACE_FETCHING);
    cr_assert_eq(pl.position, 42);
    cr_assert_eq(pl.fetch_offset, 42);
    cr_assert_eq(pl.fetch_epoch, -1);
    cr_assert_eq(kci_place_next(&pl, NULL), KCI_STEP_NONE);
    cr_assert(seek((kc_position){ KC_POSITION_OFFSET_EPOCH, 4, 50 }));
    cr_assert_eq(pl.position_epoch, 4);
    cr_assert_eq(pl.fetch_epoch, 4);
}

Test(place, the_beginning_and_the_end_are_asked_for)
{
    cr_assert_not(seek(kc_position_beginning()));
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_EARLIEST);
    cr_assert_eq(kci_place_next(&pl, NULL), KCI_STEP_NONE); /* under way */
    cr_assert_eq(answer(7, 2), KCI_NEWS_PLACED);
    cr_assert_eq(pl.position, 7);
    cr_assert_eq(pl.position_epoch, 2);
    cr_assert_eq(pl.checked_epoch, EPOCH);
    seek(kc_position_end());
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_LATEST);
    cr_assert_eq(answer(-1, -1), KCI_NEWS_PLACED); /* an empty log */
    cr_assert_eq(pl.position, 0);
}

Test(place, a_time_after_the_last_record_is_the_end)
{
    seek(kc_position_timestamp(1234));
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, 1234);
    cr_assert_eq(answer(-1, -1), KCI_NEWS_AGAIN);
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_LATEST);
    cr_assert_eq(answer(9, 3), KCI_NEWS_PLACED);
    cr_assert_eq(pl.position, 9);
}

/* The last 10 of a log that begins at `begins` and ends at 100. */
static int64_t tail(int64_t begins, int32_t *epoch)
{
    seek(kc_position_tail(10));
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_LATEST);
    cr_assert_eq(answer(100, 4), KCI_NEWS_AGAIN);
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_EARLIEST);
    cr_assert_eq(answer(begins, 2), KCI_NEWS_PLACED);
    *epoch = pl.position_epoch;
    return pl.position;
}

Test(place, a_tail_is_cut_where_the_log_begins)
{
    int32_t epoch;
    cr_assert_eq(tail(0, &epoch), 90);
    cr_assert_eq(epoch, -1); /* nobody told it for that offset */
    cr_assert_eq(tail(90, &epoch), 90);
    cr_assert_eq(epoch, 2);
    cr_assert_eq(tail(95, &epoch), 95);
    cr_assert_eq(epoch, 2);
}

Test(place, stored_is_what_the_reset_policy_says)
{
    cr_assert(kci_place_needs_reset(&pl));
    cr_assert_eq(kci_place_next(&pl, NULL), KCI_STEP_NO_OFFSET);
    kc_position earliest = kc_position_beginning(), offset = kc_position_offset(3);
    cr_assert_eq(kci_place_next(&pl, &earliest), KCI_STEP_ASK);
    cr_assert_eq(pl.probe.timestamp, KCI_TIMESTAMP_EARLIEST);
    kci_place_init(&pl, &stored);
    cr_assert_eq(kci_place_next(&pl, &offset), KCI_STEP_PLACED);
    cr_assert_eq(pl.position, 3);
    cr_assert_not(kci_place_needs_reset(&pl));
}

Test(place, an_older_question_is_waited_for)
{
    pl.probe.busy = true;
    seek(kc_position_beginning());
    cr_assert_eq(kci_place_next(&pl, NULL), KCI_STEP_NONE);
    pl.probe.busy = false;
    must_ask(KCI_PROBE_OFFSET);
    seek(kc_position_end());
    cr_assert_not(kci_place_is_current(&pl)); /* the answer is of no use */
    must_ask(KCI_PROBE_OFFSET);
    cr_assert(kci_place_is_current(&pl));
}

Test(place, each_change_of_position_makes_older_answers_useless)
{
    begin();
    uint64_t token = pl.token;
    kci_place_read(&pl, 101, 3); /* reading goes on: no change */
    cr_assert_eq(pl.token, token);
    kci_place_rewind(&pl);
    cr_assert_neq(pl.token, token);
    token = pl.token;
    kci_place_stop(&pl, KC_E_CORRUPT_MESSAGE);
    cr_assert_neq(pl.token, token);
    cr_assert_eq(pl.stop_error, KC_E_CORRUPT_MESSAGE);
    token = pl.token;
    seek(kc_position_offset(1));
    cr_assert_neq(pl.token, token);
    token = pl.token;
    kci_place_reset(&pl);
    cr_assert_neq(pl.token, token);
    cr_assert(kci_place_needs_reset(&pl));
}

/* ---- fetches ------------------------------------------------------------------------------ */

Test(place, what_is_queued_is_not_fetched_again)
{
    begin();
    kci_place_fetched(&pl, 150, true, 5, EPOCH);
    cr_assert_eq(pl.fetch_offset, 150);
    cr_assert_eq(pl.fetch_epoch, 5);
    cr_assert_eq(pl.position, 100);
    kci_place_read(&pl, 120, 4);
    kci_place_rewind(&pl); /* the queue was dropped */
    cr_assert_eq(pl.fetch_offset, 120);
    cr_assert_eq(pl.fetch_epoch, 4);
}

Test(place, records_of_a_leader_still_to_come_tell_no_epoch)
{
    begin();
    kci_place_fetched(&pl, 150, true, EPOCH + 1, EPOCH);
    cr_assert_eq(kci_place_epoch_to_send(&pl), -1);
    kci_place_fetched(&pl, 160, true, EPOCH, EPOCH);
    cr_assert_eq(kci_place_epoch_to_send(&pl), EPOCH);
    kci_place_fetched(&pl, 161, false, -1, EPOCH); /* only a damaged tail */
    cr_assert_eq(kci_place_epoch_to_send(&pl), EPOCH);
}

Test(place, an_epoch_that_was_refused_is_not_sent_until_records_come)
{
    begin();
    cr_assert_eq(kci_place_epoch_to_send(&pl), 3);
    kci_place_drop_epoch(&pl);
    cr_assert_eq(kci_place_epoch_to_send(&pl), -1);
    kci_place_fetched(&pl, 150, true, 4, EPOCH);
    cr_assert_eq(kci_place_epoch_to_send(&pl), 4);
    kci_place_drop_epoch(&pl);
    seek((kc_position){ KC_POSITION_OFFSET_EPOCH, 2, 10 });
    cr_assert_eq(kci_place_epoch_to_send(&pl), 2);
}

Test(place, ends_are_known_from_the_present_position_on)
{
    begin();
    cr_assert_not(pl.told);
    cr_assert_eq(kci_place_end(&pl, false), -1);
    kci_place_told(&pl, 200, 190, 10);
    cr_assert(pl.told);
    cr_assert_eq(kci_place_end(&pl, false), 200);
    cr_assert_eq(kci_place_end(&pl, true), 190);
    cr_assert_eq(pl.log_start, 10);
    seek(kc_position_offset(5));
    cr_assert_not(pl.told);
    kci_place_told_nothing(&pl); /* nothing has changed: what was told holds */
    cr_assert(pl.told);
    cr_assert_eq(kci_place_end(&pl, false), 200);
}

/* ---- truncation --------------------------------------------------------------------------- */

Test(place, a_new_leader_makes_it_doubtful)
{
    begin();
    cr_assert_not(kci_place_is_doubtful(&pl, EPOCH));
    cr_assert(kci_place_is_doubtful(&pl, EPOCH + 1));
    cr_assert_not(kci_place_is_doubtful(&pl, -1));
    kci_place_confirmed(&pl, EPOCH + 1);
    cr_assert_not(kci_place_is_doubtful(&pl, EPOCH + 1));
    seek(kc_position_offset(9)); /* no epoch to compare */
    cr_assert_not(kci_place_is_doubtful(&pl, EPOCH + 2));
    seek((kc_position){ KC_POSITION_OFFSET_EPOCH, 2, 10 });
    cr_assert(kci_place_is_doubtful(&pl, 0)); /* nobody has confirmed that position */
}

/* FETCHING at 100 with 150 to be fetched next, in doubt, and asked about. */
static void doubt(void)
{
    begin();
    kci_place_fetched(&pl, 150, true, 4, EPOCH);
    pl.checked_epoch = EPOCH - 1;
    kci_place_doubt(&pl);
    must_ask(KCI_PROBE_EPOCH);
    cr_assert_eq(pl.probe.epoch, 4); /* of what is fetched next, not of the position */
}

Test(place, an_epoch_that_ends_at_or_behind_it_is_intact)
{
    doubt();
    cr_assert_eq(answer(150, 4), KCI_NEWS_INTACT);
    cr_assert_eq(pl.state, KCI_PLACE_FETCHING);
    cr_assert_eq(pl.checked_epoch, EPOCH);
}

Test(place, an_epoch_that_ends_before_it_is_truncation)
{
    doubt();
    cr_assert_eq(answer(149, 4), KCI_NEWS_TRUNCATED);
    cr_assert_eq(pl.probe.offset, 149);
    cr_assert_eq(pl.state, KCI_PLACE_FETCHING);
    cr_assert_eq(pl.checked_epoch, EPOCH - 1);
}

Test(place, an_unknown_epoch_is_truncation_to_nobody_knows_where)
{
    doubt();
    cr_assert_eq(answer(400, -1), KCI_NEWS_TRUNCATED);
    cr_assert_eq(pl.probe.offset, -1);
}

Test(place, without_an_answer_the_same_is_to_be_asked_again)
{
    doubt();
    cr_assert_not(kci_place_unanswered(&pl, KC_E_TIMED_OUT, EPOCH));
    must_ask(KCI_PROBE_EPOCH);
    cr_assert(kci_place_unanswered(&pl, KC_E_UNSUPPORTED_VERSION, EPOCH)); /* it cannot tell */
    cr_assert_eq(pl.state, KCI_PLACE_FETCHING);
    cr_assert_not(kci_place_is_doubtful(&pl, EPOCH));
    seek(kc_position_end());
    must_ask(KCI_PROBE_OFFSET);
    cr_assert_not(kci_place_unanswered(&pl, KC_E_UNSUPPORTED_VERSION, EPOCH));
    must_ask(KCI_PROBE_OFFSET);
}

Test(place, positions_that_are_refused_in_a_row_are_tried_ever_more_slowly)
{
    static const uint32_t pauses[] = { 0, 0, 0, 1, 2, 3 };
    int64_t now = 100 * SECOND;
    for (int i = 0; i < 6; i++, now += 10 * SECOND)
        cr_assert_eq(kci_place_upset(&pl, now), pauses[i]);
    cr_assert_eq(kci_place_upset(&pl, now + 1), 0); /* it was calm for more than ten seconds */
    for (int i = 0; i < 100; i++)
        now += 1, kci_place_upset(&pl, now);
    cr_assert_eq(kci_place_upset(&pl, now), 27); /* counted up to 30 */
}

/* ---- another topic of that name ------------------------------------------------------------ */

Test(place, a_question_about_a_deleted_topic_is_asked_anew)
{
    begin();
    kci_place_recreated(&pl);
    cr_assert(pl.recreated);
    cr_assert_eq(pl.state, KCI_PLACE_FETCHING);
    kci_place_told(&pl, 200, 190, 10);
    kci_place_forget_log(&pl);
    cr_assert_not(pl.recreated);
    cr_assert_eq(kci_place_end(&pl, false), -1);
    cr_assert_eq(pl.checked_epoch, -1);
    doubt();
    kci_place_recreated(&pl);
    cr_assert_not(kci_place_is_current(&pl));
    cr_assert_eq(pl.state, KCI_PLACE_UNCHECKED);
    seek(kc_position_end());
    cr_assert_not(pl.recreated); /* a seek is for the topic that is there */
    must_ask(KCI_PROBE_OFFSET);
    kci_place_recreated(&pl);
    cr_assert_not(kci_place_is_current(&pl));
    cr_assert_eq(pl.state, KCI_PLACE_UNPLACED);
    kci_place_stop(&pl, KC_E_NO_OFFSET);
    kci_place_recreated(&pl);
    cr_assert_not(pl.recreated); /* stopped until a seek in any case */
}
