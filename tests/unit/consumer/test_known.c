/* SPDX-License-Identifier: Apache-2.0 */
/* What the consumer knows of topics: ids, and those that have none. */
#include <criterion/criterion.h>

#include <string.h>

#include "base/mem.h"
#include "consumer/assignment.h"
#include "consumer/known.h"
#include "core/snapshot.h"

enum { TOPICS = 3 };

static kci_assignment a;
static kci_known known;
static kci_read_topic *topics[TOPICS];
static const char *const names[TOPICS] = { "a", "b", "c" };

static kc_uuid id_of(int n)
{
    return (kc_uuid){ { (uint8_t)n } };
}

/* A snapshot in which topic i has ids[i] (0: no id; below 0: the topic is an error). */
static kci_metadata *snapshot(const int *ids)
{
    kci_topic_block *blocks[TOPICS];
    for (int i = 0; i < TOPICS; i++) {
        bool bad = ids[i] < 0;
        kci_topic_meta meta = { .name = kc_str(names[i]),
                                .id = id_of(bad ? 0 : ids[i]),
                                .err = bad ? KC_E_UNKNOWN_TOPIC_OR_PARTITION : KC_OK };
        blocks[i] = kci_topic_block_new(&meta);
    }
    kci_draft draft = { .controller = -1, .topics = blocks, .topic_count = TOPICS };
    kci_metadata *m = kci_snapshot_new(&draft);
    for (int i = 0; i < TOPICS; i++)
        kci_topic_block_unref(blocks[i]);
    cr_assert_not_null(m);
    return m;
}

/* A newer snapshot, and all topics are looked at. Returns how many of them are other ones now. */
static int replace(int first, int second, int third)
{
    int ids[] = { first, second, third }, recreated = 0;
    kci_metadata *old = kci_known_replace(&known, snapshot(ids));
    for (int i = 0; i < TOPICS; i++)
        recreated += kci_known_look(&known, topics[i]);
    kci_metadata_unref(old);
    return recreated;
}

static void setup(void)
{
    int none[] = { -1, -1, -1 };
    kci_known_init(&known, snapshot(none), 3);
    for (int i = 0; i < TOPICS; i++) {
        kci_read_part *p;
        cr_assert_eq(kci_assignment_add(&a, kc_str(names[i]), 0, &p), KC_OK);
        topics[i] = p->topic;
    }
}

static void teardown(void)
{
    for (kci_read_part *p; (p = kci_assignment_last(&a));) {
        kci_known_forget(&known, p->topic);
        kci_assignment_remove(&a, p);
        kci_part_unref(p);
    }
    cr_assert_eq(known.without_id, 0);
    kci_assignment_free(&a);
    kci_known_free(&known);
}

TestSuite(known, .init = setup, .fini = teardown);

static kci_read_topic *by_id(int n)
{
    kc_uuid id = id_of(n);
    return kci_known_by_id(&known, &id);
}

Test(known, topics_are_found_by_id_also_when_their_snapshot_is_gone)
{
    replace(1, 2, 3);
    replace(1, 2, 3);
    for (int i = 0; i < TOPICS; i++)
        cr_assert_eq(by_id(i + 1), topics[i]);
    cr_assert_null(by_id(4));
    kci_known_forget(&known, topics[1]);
    cr_assert_null(by_id(2));
    cr_assert_eq(by_id(3), topics[2]);
}

Test(known, those_without_an_id_are_counted_as_they_come_and_go)
{
    kci_known_look(&known, topics[0]);
    cr_assert_eq(known.without_id, 0); /* nobody has it: it is not fetched at all */
    replace(0, 2, 0);
    cr_assert_eq(known.without_id, 2);
    kci_known_look(&known, topics[0]); /* again: counted once */
    cr_assert_eq(known.without_id, 2);
    replace(1, 2, -1);
    cr_assert_eq(known.without_id, 0);
    replace(0, 0, 0);
    cr_assert_eq(known.without_id, 3);
    kci_known_forget(&known, topics[2]);
    cr_assert_eq(known.without_id, 2);
}

Test(known, another_id_is_another_topic_and_none_is_not)
{
    cr_assert_eq(replace(1, 2, 3), 0);
    cr_assert_eq(replace(1, 2, 3), 0);
    cr_assert_eq(replace(1, 9, 3), 1);
    cr_assert_null(by_id(2));
    cr_assert_eq(by_id(9), topics[1]);
    cr_assert_eq(replace(0, -1, 3), 0); /* a broker that tells no ids; one that does not know it */
    cr_assert_null(by_id(1));
    cr_assert_eq(by_id(9), topics[1]); /* it may be there still */
    cr_assert_eq(replace(5, 9, 3), 0); /* whether it is the one before is not known */
}

/* An id that another topic of ours has now does not go with the first one's. */
Test(known, ids_that_change_hands)
{
    replace(1, 2, 3);
    replace(2, 1, 3);
    kci_known_forget(&known, topics[0]);
    cr_assert_eq(by_id(1), topics[1]);
}

Test(known, without_memory_a_topic_is_fetched_by_name)
{
    int ids[] = { 1, 2, 3 };
    kci_metadata *old = kci_known_replace(&known, snapshot(ids));
    kci_mem_fail_after(1, true);
    kci_known_look(&known, topics[0]);
    kci_mem_fail_after(0, false);
    cr_assert_eq(known.without_id, 1);
    kci_known_look(&known, topics[0]); /* the next time there is some */
    cr_assert_eq(known.without_id, 0);
    cr_assert_eq(by_id(1), topics[0]);
    kci_metadata_unref(old);
}
