/* SPDX-License-Identifier: Apache-2.0 */
/* Fetch sessions: what a request names, and what the state is after answers. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "consumer/assignment.h"

static kci_assignment a;
static kci_session s;
static kci_fetching *parts[8];
static kci_fetch_ask asks[8]; /* what is wanted of them */
static uint64_t mark;
static const kci_fetch_options options = { .max_wait_ms = 500,
                                           .min_bytes = 1,
                                           .max_bytes = 1000,
                                           .max_partition_bytes = 100,
                                           .rack = { (const uint8_t *)"", 0 } };

static void want(int i)
{
    kci_fetching_want(parts[i], &asks[i]);
}

static void unwant(int i)
{
    kci_fetching_want(parts[i], NULL);
}

static bool is_current(int i)
{
    return kci_fetching_is_current(parts[i], &s, asks[i].token, asks[i].offset);
}

/* Topics a and b (ids 1, 2) with partitions 0 to 3 each. */
static void setup(void)
{
    kci_session_init(&s);
    for (int i = 0; i < 8; i++) {
        kci_read_part *p;
        cr_assert_eq(kci_assignment_add(&a, kc_str(i < 4 ? "a" : "b"), i % 4, &p), KC_OK);
        p->topic->id.bytes[0] = i < 4 ? 1 : 2;
        asks[i] = (kci_fetch_ask){
            .offset = 100 + i, .token = 1, .leader_epoch = 5, .last_epoch = -1, .end_known = true
        };
        parts[i] = &p->fetching;
        kci_session_add(&s, parts[i]);
        want(i);
    }
}

static void teardown(void)
{
    kci_session_release(&s);
    for (kci_read_part *p; (p = kci_assignment_last(&a));) {
        kci_session_remove(&p->fetching);
        kci_assignment_remove(&a, p);
        kci_part_unref(p);
    }
    kci_assignment_free(&a);
    kci_session_free(&s);
}

TestSuite(session, .init = setup, .fini = teardown);

static void build(int16_t version)
{
    kci_session_release(&s);
    cr_assert_eq(kci_session_build(&s, &options, version, ++mark), KC_OK);
}

static int named(void)
{
    int n = 0;
    for (int32_t i = 0; i < s.body.topics.count; i++)
        n += s.body.topics.data[i].partitions.count;
    return n;
}

static int forgotten(void)
{
    int n = 0;
    for (int32_t i = 0; i < s.body.forgotten_topics_data.count; i++)
        n += s.body.forgotten_topics_data.data[i].partitions.count;
    return n;
}

/* A session with id 77 in which everything is named. */
static void open_session(void)
{
    build(18);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
}

Test(session, the_first_request_names_everything)
{
    build(18);
    cr_assert_eq(s.body.session_id, 0);
    cr_assert_eq(s.body.session_epoch, 0);
    cr_assert_eq(s.body.topics.count, 2);
    cr_assert_eq(named(), 8);
    const kci_fetch_request_fetch_topic *t = &s.body.topics.data[0];
    cr_assert_eq(t->topic_id.bytes[0], 1);
    cr_assert_eq(t->partitions.data[2].partition, 2);
    cr_assert_eq(t->partitions.data[2].fetch_offset, 102);
    cr_assert_eq(t->partitions.data[2].current_leader_epoch, 5);
    cr_assert_eq(t->partitions.data[2].last_fetched_epoch, -1);
    cr_assert_eq(t->partitions.data[2].partition_max_bytes, 100);
    cr_assert_eq(s.body.max_wait_ms, 500);
}

Test(session, later_ones_name_what_has_changed)
{
    open_session();
    build(18);
    cr_assert_eq(s.body.session_id, 77);
    cr_assert_eq(s.body.session_epoch, 1);
    cr_assert_eq(named(), 0);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    asks[2].offset = 500;
    want(2);
    want(7); /* looked at, but as it was */
    build(18);
    cr_assert_eq(s.body.session_epoch, 2);
    cr_assert_eq(named(), 1);
    cr_assert_eq(s.body.topics.data[0].partitions.data[0].fetch_offset, 500);
    cr_assert_eq(forgotten(), 0);
}

Test(session, a_changed_epoch_or_token_is_news)
{
    open_session();
    asks[1].leader_epoch = 6;
    want(1);
    asks[2].token = 9;
    want(2);
    asks[3].last_epoch = 5;
    want(3);
    build(18);
    cr_assert_eq(named(), 3);
}

Test(session, unwanted_parts_are_forgotten_and_come_back)
{
    open_session();
    unwant(0);
    unwant(5);
    cr_assert_eq(s.wanted, 6);
    build(18);
    cr_assert_eq(named(), 0);
    cr_assert_eq(forgotten(), 2);
    cr_assert_not(is_current(0));
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    want(0);
    build(18);
    cr_assert_eq(named(), 1);
    cr_assert_eq(forgotten(), 0);
    /* there and back between two requests: no news */
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    unwant(1);
    want(1);
    build(18);
    cr_assert_eq(named() + forgotten(), 0);
}

Test(session, parts_that_leave_are_forgotten)
{
    open_session();
    kci_session_remove(parts[6]);
    build(18);
    cr_assert_eq(forgotten(), 1);
    cr_assert_eq(s.body.forgotten_topics_data.data[0].topic_id.bytes[0], 2);
    cr_assert_eq(s.body.forgotten_topics_data.data[0].partitions.data[0], 2);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    build(18);
    cr_assert_eq(forgotten(), 0);
}

Test(session, who_comes_back_at_once_is_not_forgotten)
{
    open_session();
    kci_session_remove(parts[6]);
    kci_session_add(&s, parts[6]);
    want(6);
    build(18);
    cr_assert_eq(forgotten(), 0);
    cr_assert_eq(named(), 1);
}

Test(session, a_topic_with_another_id_is_replaced)
{
    open_session();
    parts[0]->topic->id.bytes[0] = 9;
    for (int i = 0; i < 4; i++)
        want(i);
    build(18);
    cr_assert_eq(forgotten(), 4);
    cr_assert_eq(s.body.forgotten_topics_data.data[0].topic_id.bytes[0], 1);
    cr_assert_eq(named(), 4);
    cr_assert_eq(s.body.topics.data[0].topic_id.bytes[0], 9);
}

Test(session, by_name_the_id_is_of_no_interest)
{
    build(12);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    parts[0]->topic->id.bytes[0] = 9;
    for (int i = 0; i < 4; i++)
        want(i);
    build(12);
    cr_assert_eq(forgotten() + named(), 0);
    build(13); /* from names to ids: a new session */
    cr_assert_eq(s.body.session_epoch, 0);
    cr_assert_eq(s.body.session_id, 77); /* the old one is closed by that */
    cr_assert_eq(named(), 8);
}

Test(session, old_versions_have_none)
{
    build(6);
    cr_assert(kci_session_answer(&s, KC_OK, 0));
    build(6);
    cr_assert_eq(named(), 8);
}

Test(session, a_broker_that_keeps_none)
{
    build(18);
    cr_assert(kci_session_answer(&s, KC_OK, 0));
    unwant(3);
    build(18);
    cr_assert_eq(named(), 7);
    cr_assert_eq(forgotten(), 0);
    cr_assert(is_current(2));
    cr_assert_not(is_current(3));
}

Test(session, errors_begin_anew)
{
    open_session();
    build(18);
    cr_assert_not(kci_session_answer(&s, KC_E_INVALID_FETCH_SESSION_EPOCH, 0));
    build(18);
    cr_assert_eq(s.body.session_id, 77);
    cr_assert_eq(s.body.session_epoch, 0);
    cr_assert_eq(named(), 8);
    cr_assert_not(kci_session_answer(&s, KC_E_FETCH_SESSION_ID_NOT_FOUND, 0));
    build(18);
    cr_assert_eq(s.body.session_id, 0);
    cr_assert(kci_session_answer(&s, KC_OK, 78));
    kci_session_reset(&s); /* no answer came */
    build(18);
    cr_assert_eq(s.body.session_id, 78);
    cr_assert_eq(named(), 8);
}

Test(session, the_epoch_wraps)
{
    open_session();
    s.epoch = INT32_MAX;
    build(18);
    cr_assert_eq(s.body.session_epoch, INT32_MAX);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    cr_assert_eq(s.epoch, 1);
}

Test(session, an_answer_is_current_only_for_what_was_asked)
{
    open_session();
    cr_assert(is_current(4));
    asks[4].token++; /* a seek */
    cr_assert_not(is_current(4));
    asks[5].offset++;
    cr_assert_not(is_current(5));
    kci_session_remove(parts[6]);
    cr_assert_not(is_current(6));
}

Test(session, ends_that_are_not_known_are_asked_for_without_waiting)
{
    asks[3].end_known = false;
    want(3);
    build(18);
    cr_assert_eq(s.body.max_wait_ms, 0);
}

Test(session, the_end_is_told_to_the_broker_once)
{
    cr_assert_not(kci_session_build_end(&s, &options)); /* none was opened */
    open_session();
    cr_assert(kci_session_build_end(&s, &options));
    cr_assert_eq(s.body.session_id, 77);
    cr_assert_eq(s.body.session_epoch, -1);
    cr_assert_eq(named() + forgotten(), 0);
    cr_assert_not(kci_session_build_end(&s, &options));
}

/* The first of the request is the one with records when the answer is short of room. */
Test(session, without_a_session_who_was_served_is_named_last)
{
    build(6);
    cr_assert(kci_session_answer(&s, KC_OK, 0));
    kci_fetching_served(parts[0]);
    build(6);
    cr_assert_eq(s.body.topics.data[0].partitions.data[0].partition, 1);
    cr_assert_eq(s.body.topics.data[0].partitions.data[3].partition, 0);
    build(18);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    kci_fetching_served(parts[1]); /* in a session the broker sees to the order */
    cr_assert_eq(kci_list_first(&s.parts), &parts[1]->link);
}

Test(session, one_partition_alone_is_asked_for_without_a_session)
{
    open_session();
    unwant(0);
    kci_fetching *f = kci_session_next_alone(&s);
    cr_assert_eq(f, parts[1]);
    kci_session_release(&s);
    cr_assert_eq(kci_session_build_alone(&s, &options, 18, f), KC_OK);
    cr_assert_eq(s.body.session_id, 0);
    cr_assert_eq(s.body.session_epoch, -1);
    cr_assert_eq(named(), 1);
    cr_assert_eq(s.body.topics.data[0].topic_id.bytes[0], 1);
    cr_assert_eq(s.body.topics.data[0].partitions.data[0].fetch_offset, 101);
    cr_assert_eq(forgotten(), 0);
    cr_assert(is_current(1));
    cr_assert_not(is_current(2)); /* an answer about others is none to this */
    kci_fetching_last(f);
    cr_assert_eq(kci_session_next_alone(&s), parts[2]);
    build(18); /* then all again, in place of the session that the broker has */
    cr_assert_eq(s.body.session_id, 77);
    cr_assert_eq(s.body.session_epoch, 0);
    cr_assert_eq(named(), 7);
}

Test(session, without_memory_nothing_changes)
{
    for (int n = 1; n <= 4; n++) {
        kci_mem_fail_after(n, true);
        kc_err err = kci_session_build(&s, &options, 18, ++mark);
        kci_mem_fail_after(0, false);
        if (err == KC_OK)
            break;
        cr_assert_eq(err, KC_E_NO_MEMORY);
    }
    kci_session_release(&s);
    build(18);
    cr_assert_eq(named(), 8);
    cr_assert(kci_session_answer(&s, KC_OK, 77));
    kci_mem_fail_after(1, true);
    kci_session_remove(parts[0]); /* cannot be remembered: the session begins anew */
    kci_mem_fail_after(0, false);
    build(18);
    cr_assert_eq(s.body.session_epoch, 0);
    cr_assert_eq(named(), 7);
}
