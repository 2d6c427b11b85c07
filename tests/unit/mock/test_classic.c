/* SPDX-License-Identifier: Apache-2.0 */
/* The classic group protocol: the coordinator's state by itself, with time as an argument, and then
 * over sockets, where requests wait for one another. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "mock/classic.h"
#include "peer.h"

/* ---- the state ------------------------------------------------------------------------------- */

enum { SECOND = 1000000 };

static kci_mock_classic g;
static int64_t now;

static void begin(void)
{
    now = 1000 * (int64_t)SECOND;
    kci_mock_classic_init(&g);
}

static void end(void)
{
    kci_mock_classic_free(&g);
    cr_assert_eq(kci_mem_live(), 0);
}

TestSuite(classic, .init = begin, .fini = end);

static kc_err join_as(const char *id, const char *instance, const char *supports, bool needs_id,
                      kci_mock_joined *out)
{
    static int turn;
    char suffix[16];
    kci_mock_protocol protocols[4];
    int32_t count = 0;
    snprintf(suffix, sizeof suffix, "%d", ++turn);
    for (const char *at = supports; *at; at++) /* a letter a protocol, and its metadata */
        protocols[count++] =
            (kci_mock_protocol){ kc_mem(at, 1), kc_mem(supports, strlen(supports)) };
    kci_mock_joining in = { .member_id = kc_str(id),
                            .instance = kc_str(instance),
                            .client_id = kc_str("c"),
                            .protocol_type = kc_str("consumer"),
                            .protocols = protocols,
                            .protocol_count = count,
                            .session_us = 10 * SECOND,
                            .rebalance_us = 60 * SECOND,
                            .needs_id = needs_id,
                            .can_skip = true,
                            .suffix = suffix };
    return kci_mock_classic_join(&g, now, &in, out);
}

static kci_mock_member *join_new(const char *supports)
{
    kci_mock_joined out;
    cr_assert_eq(join_as("", NULL, supports, false, &out), KC_OK);
    return out.member;
}

static kc_err rejoin(const kci_mock_member *m, const char *supports, kci_mock_joined *out)
{
    char id[64];
    snprintf(id, sizeof id, "%.*s", (int)m->id.size, (const char *)m->id.data);
    return join_as(id, NULL, supports, false, out);
}

/* Two members, STABLE in generation 2: the first came alone, the second made a rebalance. */
static void two_members(kci_mock_member **a, kci_mock_member **b)
{
    kci_mock_joined out;
    *a = join_new("x");
    cr_assert_eq(g.state, KCI_MOCK_GROUP_COMPLETING);
    kci_mock_classic_complete(&g, now);
    *b = join_new("x");
    cr_assert_eq(g.state, KCI_MOCK_GROUP_PREPARING, "the first has to come again");
    cr_assert_eq(rejoin(*a, "x", &out), KC_OK);
    cr_assert_eq(g.state, KCI_MOCK_GROUP_COMPLETING);
    cr_assert_eq(g.generation, 2);
    cr_assert_eq(g.leader, *a);
    kci_mock_classic_complete(&g, now);
}

Test(classic, a_new_member_gets_an_id_first)
{
    kci_mock_joined out;
    char id[64];
    cr_assert_eq(join_as("", NULL, "x", true, &out), KC_E_MEMBER_ID_REQUIRED);
    snprintf(id, sizeof id, "%.*s", (int)out.promised.size, (const char *)out.promised.data);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_EMPTY);
    cr_expect_eq(join_as("somebody", NULL, "x", true, &out), KC_E_UNKNOWN_MEMBER_ID);
    cr_assert_eq(join_as(id, NULL, "x", true, &out), KC_OK);
    cr_expect(kci_bytes_equal(out.member->id, kc_str(id)));
    cr_assert_eq(join_as("", NULL, "x", true, &out), KC_E_MEMBER_ID_REQUIRED);
    snprintf(id, sizeof id, "%.*s", (int)out.promised.size, (const char *)out.promised.data);
    now += 11 * SECOND;
    kci_mock_classic_expire(&g, now);
    cr_expect_eq(join_as(id, NULL, "x", true, &out), KC_E_UNKNOWN_MEMBER_ID,
                 "promised too long ago");
}

Test(classic, protocols_have_to_agree)
{
    kci_mock_joined out;
    kci_mock_member *a = join_new("xy");
    cr_expect_eq(join_as("", NULL, "z", false, &out), KC_E_INCONSISTENT_GROUP_PROTOCOL);
    cr_expect_eq(join_as("", NULL, "", false, &out), KC_E_INCONSISTENT_GROUP_PROTOCOL);
    kci_mock_classic_complete(&g, now);
    kci_mock_member *b = join_new("yz");
    cr_assert_eq(rejoin(a, "xy", &out), KC_OK);
    cr_expect(kci_bytes_equal(g.protocol, kc_str("y")), "the one that both support");
    cr_expect(kci_bytes_equal(kci_mock_classic_metadata(&g, b), kc_str("yz")));
}

Test(classic, who_has_nothing_new_keeps_the_generation)
{
    kci_mock_member *a, *b;
    kci_mock_joined out;
    two_members(&a, &b);
    cr_assert_eq(rejoin(b, "x", &out), KC_OK);
    cr_expect(out.answer_now);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_STABLE);
    cr_assert_eq(rejoin(b, "xw", &out), KC_OK);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_PREPARING, "another subscription");
    cr_assert_eq(rejoin(a, "x", &out), KC_OK);
    cr_expect_eq(g.generation, 3);
    kci_mock_classic_complete(&g, now);
    cr_assert_eq(rejoin(a, "x", &out), KC_OK);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_PREPARING, "a leader that joins again wants a rebalance");
}

Test(classic, a_member_that_is_not_heard_of_leaves)
{
    kci_mock_member *a, *b, *found;
    two_members(&a, &b);
    kc_bytes id = kc_mem(strndup((const char *)a->id.data, a->id.size), a->id.size);
    now += 9 * SECOND;
    cr_expect_eq(kci_mock_classic_check(&g, now, id, kc_mem(NULL, 0), 2, &found), KC_OK);
    cr_expect_eq(kci_mock_classic_due(&g), now + SECOND, "the other's session");
    cr_expect(!kci_mock_classic_expire(&g, now));
    now += SECOND;
    cr_expect(kci_mock_classic_expire(&g, now));
    cr_expect_eq(g.state, KCI_MOCK_GROUP_PREPARING);
    cr_expect_eq(kci_mock_classic_check(&g, now, id, kc_mem(NULL, 0), 3, &found),
                 KC_E_ILLEGAL_GENERATION);
    now += 10 * SECOND;
    cr_expect(kci_mock_classic_expire(&g, now));
    cr_expect_eq(g.state, KCI_MOCK_GROUP_EMPTY);
    cr_expect_eq(kci_mock_classic_due(&g), INT64_MAX);
    cr_expect_eq(kci_mock_classic_check(&g, now, id, kc_mem(NULL, 0), 4, &found),
                 KC_E_UNKNOWN_MEMBER_ID);
    free((void *)(uintptr_t)id.data);
}

/* The rebalance begins without who does not come within rebalance.timeout.ms. */
Test(classic, who_does_not_come_is_left_behind)
{
    kci_mock_member *a, *b, *found;
    kci_mock_joined out;
    two_members(&a, &b);
    cr_assert_eq(rejoin(a, "x", &out), KC_OK);
    for (int i = 0; i < 6; i++) { /* b sends heartbeats and nothing else */
        now += 9 * SECOND;
        cr_expect_eq(kci_mock_classic_check(&g, now, b->id, kc_mem(NULL, 0), 2, &found), KC_OK);
        cr_expect(!kci_mock_classic_expire(&g, now));
    }
    now += 6 * SECOND;
    cr_expect(kci_mock_classic_expire(&g, now));
    cr_expect_eq(g.state, KCI_MOCK_GROUP_COMPLETING);
    cr_expect_eq(g.generation, 3);
    cr_expect_eq(kci_list_first(&g.members), &a->link);
    cr_expect_eq(kci_list_next(&g.members, &a->link), NULL);
}

Test(classic, a_leader_that_does_not_assign_is_left_behind)
{
    kci_mock_member *a, *b;
    kci_mock_joined out;
    two_members(&a, &b);
    cr_assert_eq(rejoin(a, "x", &out), KC_OK);
    cr_assert_eq(rejoin(b, "x", &out), KC_OK);
    b->synced = true; /* waits for its assignment, and so lives */
    now += 10 * SECOND;
    cr_expect(kci_mock_classic_expire(&g, now));
    cr_expect_eq(g.state, KCI_MOCK_GROUP_PREPARING);
    cr_assert_eq(rejoin(b, "x", &out), KC_OK);
    cr_expect_eq(g.leader, b);
}

/* KIP-345, KIP-814. */
Test(classic, a_static_member_comes_back_without_a_rebalance)
{
    kci_mock_joined out;
    kci_mock_member *found;
    cr_assert_eq(join_as("", "pod-0", "x", true, &out), KC_OK, "static members need no promise");
    kci_mock_member *a = out.member;
    kc_bytes old = kc_mem(strndup((const char *)a->id.data, a->id.size), a->id.size);
    kci_mock_classic_complete(&g, now);
    cr_assert_eq(join_as("", "pod-0", "x", true, &out), KC_OK);
    cr_expect(out.answer_now && out.skip_assignment);
    cr_expect_eq(out.member, a);
    cr_expect_eq(g.generation, 1);
    cr_expect(!kci_bytes_equal(a->id, old), "it has a new id");
    cr_expect_eq(kci_mock_classic_check(&g, now, old, kc_str("pod-0"), 1, &found),
                 KC_E_FENCED_INSTANCE_ID);
    cr_expect_eq(kci_mock_classic_check(&g, now, a->id, kc_str("pod-0"), 1, &found), KC_OK);
    cr_expect_eq(kci_mock_classic_leave(&g, now, old, kc_str("pod-0")), KC_E_FENCED_INSTANCE_ID);
    cr_expect_eq(kci_mock_classic_leave(&g, now, kc_str(""), kc_str("pod-1")),
                 KC_E_UNKNOWN_MEMBER_ID);
    cr_assert_eq(join_as("", "pod-0", "xy", true, &out), KC_OK);
    cr_expect_eq(g.generation, 2, "another subscription is a rebalance all the same");
    cr_expect_eq(kci_mock_classic_leave(&g, now, kc_str(""), kc_str("pod-0")), KC_OK);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_EMPTY);
    free((void *)(uintptr_t)old.data);
}

Test(classic, lack_of_memory_is_an_answer)
{
    kci_mock_joined out;
    kci_mock_member *a = join_new("xy");
    kci_mock_classic_complete(&g, now);
    for (int at = 1;; at++) {
        kci_mem_fail_after(at, false);
        kc_err err = join_as("", "pod-1", "yx", false, &out);
        bool hit = kci_mem_has_failed();
        kci_mem_fail_after(0, false);
        if (!hit)
            break;
        cr_expect_eq(err, KC_E_COORDINATOR_NOT_AVAILABLE, "allocation %d", at);
        cr_expect_eq(kci_list_next(&g.members, &a->link), NULL, "nobody half-way in");
    }
    cr_assert_eq(rejoin(a, "xy", &out), KC_OK);
    cr_expect_eq(g.state, KCI_MOCK_GROUP_COMPLETING);
}

/* ---- over sockets ---------------------------------------------------------------------------- */

static kc_mock *mock;
static peer p[2];

static void open_group(void)
{
    kc_mock_options o = { .size = sizeof o, .brokers = 1 };
    cr_assert_eq(kc_mock_new(&o, &mock, NULL), KC_OK);
    kc_mock_create_topic(mock, "t", 1, 1);
    for (int i = 0; i < 2; i++)
        peer_open(&p[i], mock, 1);
}

static void close_group(void)
{
    for (int i = 0; i < 2; i++)
        peer_close(&p[i]);
    kc_mock_free(mock);
}

TestSuite(membership, .init = open_group, .fini = close_group);

static char ids[2][64];
static int32_t generation;

static void send_join(int i, int16_t version)
{
    kci_join_group_request in;
    kci_join_group_request_join_group_request_protocol range = { kc_str("range"),
                                                                 kc_str("topics") };
    kci_msg_init(&kci_join_group_request_msg, &in);
    in.group_id = kc_str("g");
    in.member_id = kc_str(ids[i]);
    in.session_timeout_ms = 10000;
    in.rebalance_timeout_ms = 60000;
    in.protocol_type = kc_str("consumer");
    in.protocols.data = &range;
    in.protocols.count = 1;
    peer_send(&p[i], KCI_API_JOIN_GROUP, version, &in);
}

static kci_join_group_response joined(int i, int16_t version)
{
    kci_join_group_response out;
    cr_assert(peer_receive(&p[i], KCI_API_JOIN_GROUP, version, &out));
    snprintf(ids[i], sizeof ids[i], "%.*s", (int)out.member_id.size,
             (const char *)out.member_id.data);
    return out;
}

static void send_sync(int i, int16_t version, bool leads)
{
    kci_sync_group_request in;
    kci_sync_group_request_sync_group_request_assignment parts[2] = {
        { kc_str(ids[0]), kc_str("first") }, { kc_str(ids[1]), kc_str("second") }
    };
    kci_msg_init(&kci_sync_group_request_msg, &in);
    in.group_id = kc_str("g");
    in.member_id = kc_str(ids[i]);
    in.generation_id = generation;
    in.assignments.data = parts;
    in.assignments.count = leads ? 2 : 0;
    peer_send(&p[i], KCI_API_SYNC_GROUP, version, &in);
}

static int16_t heartbeat(int i)
{
    kci_heartbeat_request in;
    kci_heartbeat_response out;
    kci_msg_init(&kci_heartbeat_request_msg, &in);
    in.group_id = kc_str("g");
    in.member_id = kc_str(ids[i]);
    in.generation_id = generation;
    peer_call(&p[i], KCI_API_HEARTBEAT, -1, &in, &out);
    return out.error_code;
}

static int16_t commit_as(const char *id, int32_t of_generation)
{
    kci_offset_commit_request_offset_commit_request_partition part = { .committed_offset = 7,
                                                                       .committed_leader_epoch =
                                                                           -1 };
    kci_offset_commit_request_offset_commit_request_topic topic = { .name = kc_str("t"),
                                                                    .partitions = { &part, 1 } };
    kci_offset_commit_request in;
    kci_offset_commit_response out;
    kci_msg_init(&kci_offset_commit_request_msg, &in);
    in.group_id = kc_str("g");
    in.member_id = kc_str(id);
    in.generation_id_or_member_epoch = of_generation;
    in.topics.data = &topic;
    in.topics.count = 1;
    peer_call(&p[0], KCI_API_OFFSET_COMMIT, 9, &in, &out);
    return out.topics.data[0].partitions.data[0].error_code;
}

/* The first joins; then the second, and both are of one generation. */
static void form(int16_t version)
{
    memset(ids, 0, sizeof ids);
    for (int i = 0; i < 2; i++) {
        send_join(i, version);
        if (version >= 4) {
            cr_assert_eq(joined(i, version).error_code, KC_E_MEMBER_ID_REQUIRED);
            send_join(i, version);
        }
        if (i == 0)
            cr_assert_eq(joined(0, version).error_code, 0, "alone, it need not wait");
    }
    cr_assert_not(peer_readable(&p[1], 50), "the second waits for the first to come again");
    send_join(0, version);
    kci_join_group_response first = joined(0, version), second;
    cr_assert_eq(first.error_code, 0);
    cr_assert(kci_bytes_equal(first.leader, first.member_id));
    cr_assert_eq(first.members.count, 2);
    cr_assert(kci_bytes_equal(first.members.data[1].metadata, kc_str("topics")));
    generation = first.generation_id;
    second = joined(1, version);
    cr_assert_eq(second.members.count, 0);
    cr_assert(kci_bytes_equal(second.leader, kc_str(ids[0])));
    cr_assert_eq(second.generation_id, generation);
}

Test(membership, two_members_find_each_other_in_every_version)
{
    static const int16_t versions[][2] = { { 0, 0 }, { 3, 2 }, { 5, 3 }, { 9, 5 } };
    kci_sync_group_response out;
    for (size_t v = 0; v < KCI_COUNT_OF(versions); v++) {
        form(versions[v][0]);
        send_sync(1, versions[v][1], false);
        cr_assert_not(peer_readable(&p[1], 50), "the leader has not assigned");
        send_sync(0, versions[v][1], true);
        cr_assert(peer_receive(&p[0], KCI_API_SYNC_GROUP, versions[v][1], &out));
        cr_expect(kci_bytes_equal(out.assignment, kc_str("first")));
        cr_assert(peer_receive(&p[1], KCI_API_SYNC_GROUP, versions[v][1], &out));
        cr_expect(kci_bytes_equal(out.assignment, kc_str("second")));
        cr_expect_eq(heartbeat(1), 0);
        for (int i = 0; i < 2; i++) {
            kci_leave_group_request in;
            kci_leave_group_response left;
            kci_msg_init(&kci_leave_group_request_msg, &in);
            in.group_id = kc_str("g");
            in.member_id = kc_str(ids[i]);
            peer_call(&p[i], KCI_API_LEAVE_GROUP, 2, &in, &left);
            cr_expect_eq(left.error_code, 0);
            cr_expect_eq(heartbeat(1),
                         i == 0 ? KC_E_REBALANCE_IN_PROGRESS : KC_E_UNKNOWN_MEMBER_ID);
        }
    }
}

Test(membership, commits_are_of_members_of_the_generation)
{
    kci_sync_group_response out;
    cr_expect_eq(commit_as("", -1), 0, "nobody is a member");
    form(9);
    cr_expect_eq(commit_as(ids[0], generation), KC_E_REBALANCE_IN_PROGRESS, "not assigned yet");
    send_sync(0, 5, true);
    cr_assert(peer_receive(&p[0], KCI_API_SYNC_GROUP, 5, &out));
    cr_expect_eq(commit_as(ids[0], generation), 0);
    cr_expect_eq(commit_as(ids[0], generation - 1), KC_E_ILLEGAL_GENERATION);
    cr_expect_eq(commit_as("somebody", generation), KC_E_UNKNOWN_MEMBER_ID);
    cr_expect_eq(commit_as("", -1), KC_E_UNKNOWN_MEMBER_ID, "the group has members");
}

/* A member that waits and whose connection breaks is waited for, not forgotten. */
Test(membership, a_broken_wait_leaves_the_group_whole)
{
    kci_sync_group_response out;
    form(9);
    send_sync(0, 5, true);
    cr_assert(peer_receive(&p[0], KCI_API_SYNC_GROUP, 5, &out));
    send_join(0, 9); /* the leader wants a rebalance, and waits for the second */
    cr_assert_not(peer_readable(&p[0], 50));
    peer_close(&p[0]);
    peer_open(&p[0], mock, 1);
    send_join(0, 9);
    send_join(1, 9);
    kci_join_group_response first = joined(0, 9), second = joined(1, 9);
    cr_expect_eq(first.error_code, 0);
    cr_expect_eq(second.error_code, 0);
    cr_expect_gt(first.generation_id, generation);
    cr_expect_eq(first.generation_id, second.generation_id);
}
