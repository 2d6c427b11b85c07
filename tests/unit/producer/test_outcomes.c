/* SPDX-License-Identifier: Apache-2.0 */
/* What waits for the application: outcomes in order, and the failures that flush tells. */
#include <criterion/criterion.h>

#include "base/mem.h"
#include "producer/outcomes.h"
#include "producer/topics.h"

static kci_pool pool;
static kci_send_topic topic;
static kci_part part;
static kci_outcomes outcomes;

static void begin(void)
{
    topic.name = kc_str("t");
    part.topic = &topic;
    cr_assert_eq(kci_pool_init(&pool, 1 << 20, 16384, false), KC_OK);
    cr_assert_eq(kci_outcomes_init(&outcomes, true), KC_OK);
}

static void end(void)
{
    kci_outcomes_free(&outcomes);
    cr_assert_eq(kci_pool_used(&pool), 0);
    kci_pool_free(&pool);
}

TestSuite(outcomes, .init = begin, .fini = end);

static void push(int64_t id, kc_err err)
{
    kci_send_batch *b;
    cr_assert_eq(kci_send_batch_new(&pool, &part, false, &b), KC_OK);
    b->id = id;
    b->err = err;
    b->count = 1;
    cr_assert(kci_outcomes_push(&outcomes, b));
    kci_send_batch_unuse(b);
}

/* Takes all there are, which must be from..to in order. */
static void expect(int64_t from, int64_t to)
{
    kci_list list;
    kci_list_init(&list);
    kci_outcomes_take(&outcomes, &list);
    cr_assert(kci_outcomes_is_empty(&outcomes));
    for (kci_link *at; (at = kci_list_pop_front(&list)); from++) {
        kci_send_batch *b = KCI_CONTAINER_OF(at, kci_send_batch, outcome_link);
        cr_assert_eq(b->id, from);
        kci_send_batch_unref(b);
    }
    cr_assert_eq(from, to + 1);
}

Test(outcomes, come_in_order)
{
    push(1, KC_OK);
    push(2, KC_E_TIMED_OUT);
    push(3, KC_OK);
    expect(1, 3);
}

/* For want of memory, say; meanwhile there are new ones. */
Test(outcomes, that_are_put_back_come_first)
{
    kci_list list;
    kci_list_init(&list);
    push(1, KC_OK);
    push(2, KC_OK);
    kci_outcomes_take(&outcomes, &list);
    push(3, KC_OK);
    push(4, KC_OK);
    kci_outcomes_put_back(&outcomes, &list);
    cr_assert(kci_list_is_empty(&list));
    expect(1, 4);
}

Test(outcomes, a_failure_is_told_once)
{
    kc_error why;
    cr_assert_eq(kci_outcomes_failure(&outcomes, &why), KC_OK);
    push(1, KC_E_INVALID_RECORD);
    push(2, KC_E_TIMED_OUT);
    cr_assert_eq(kci_outcomes_failure(&outcomes, &why), KC_E_NOT_DELIVERED);
    cr_assert_not_null(strstr(why.text, "2 records"));
    cr_assert_not_null(strstr(why.text, "INVALID_RECORD"), "the first one: %s", why.text);
    push(3, KC_OK);
    cr_assert_eq(kci_outcomes_failure(&outcomes, &why), KC_OK);
    push(4, KC_E_TIMED_OUT);
    cr_assert_eq(kci_outcomes_failure(&outcomes, &why), KC_E_NOT_DELIVERED);
    cr_assert_not_null(strstr(why.text, "1 records"));
    cr_assert_not_null(strstr(why.text, "TIMED_OUT"), "of this time: %s", why.text);
    expect(1, 4);
}
