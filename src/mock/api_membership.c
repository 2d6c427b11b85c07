/* SPDX-License-Identifier: Apache-2.0 */
/* JoinGroup, SyncGroup, Heartbeat, LeaveGroup: members of the classic protocol (classic.c).
 * JoinGroup waits until its group has a new generation, SyncGroup until the leader has assigned. */
#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "mock/apis.h"

/* group.min.session.timeout.ms and group.max.session.timeout.ms */
enum { SESSION_MIN_MS = 6000, SESSION_MAX_MS = 1800000 };

static const int64_t long_us = INT64_C(3600) * 1000000; /* a waiting request looks again by then */

/* What a request that waits remembers. */
typedef struct waiting {
    kc_bytes member_id;
    bool is_follower, skip;
} waiting;

/* Why this broker cannot answer for the group; KC_OK: it can. */
static kc_err check_group(kci_mock_request *r, kc_bytes group)
{
    int16_t forced = kci_mock_forced_error(r, kc_mem(NULL, 0), -1, NULL);
    if (forced)
        return forced;
    if (group.size == 0)
        return KC_E_INVALID_GROUP_ID;
    return kci_mock_coordinator(r->cluster, group) == r->broker ? KC_OK : KC_E_NOT_COORDINATOR;
}

/* For the cluster's own use the map gives constant groups: this one is to be changed. */
static kci_mock_group *group_of(kci_mock_request *r, kc_bytes id)
{
    return kci_map_get(&r->cluster->groups, id);
}

static kci_mock_outcome wait_for(kci_mock_request *r, kci_mock_group *g)
{
    if (kci_mock_request_watch_begin(r, 1) != KC_OK)
        return KCI_MOCK_CLOSE;
    r->wanted_bytes = INT64_MIN;
    r->deadline_us = r->cluster->now_us + long_us;
    r->timed_out = false;
    kci_mock_request_watch(r, &g->watches);
    return KCI_MOCK_WAIT;
}

static kc_err remember(kci_mock_request *r, const kci_mock_joined *joined, kc_bytes id)
{
    waiting *w = kci_mock_take(r, 1, sizeof *w);
    kc_bytes copy = kci_arena_copy(&r->arena, id);
    if (!w || !copy.data)
        return KC_E_NO_MEMORY;
    *w = (waiting){ .member_id = copy };
    if (joined) {
        w->is_follower = joined->is_follower;
        w->skip = joined->skip_assignment;
    }
    r->state = w;
    return KC_OK;
}

/* ---- JoinGroup ------------------------------------------------------------------------------- */

static kci_mock_outcome refuse_join(kci_mock_request *r, kc_err err, kc_bytes member_id)
{
    kci_join_group_response *out = r->answer;
    out->error_code = (int16_t)err;
    out->generation_id = -1;
    out->leader = kc_mem("", 0);
    out->member_id = member_id.data ? member_id : kc_mem("", 0);
    out->protocol_name = r->version >= 7 ? kc_mem(NULL, 0) : kc_mem("", 0);
    return KCI_MOCK_ANSWER;
}

/* The leader is told who the members are, and what they want. */
static kc_err list_members(kci_mock_request *r, const kci_mock_classic *g,
                           kci_join_group_response *out)
{
    size_t count = 0;
    for (kci_link *l = kci_list_first(&g->members); l; l = kci_list_next(&g->members, l))
        count++;
    out->members.data = kci_mock_take(r, count, sizeof *out->members.data);
    if (!out->members.data)
        return KC_E_NO_MEMORY;
    for (kci_link *l = kci_list_first(&g->members); l; l = kci_list_next(&g->members, l)) {
        const kci_mock_member *m = KCI_CONTAINER_OF(l, kci_mock_member, link);
        kci_join_group_response_join_group_response_member *to =
            &out->members.data[out->members.count++];
        to->member_id = m->id;
        to->group_instance_id = m->instance;
        to->metadata = kci_mock_classic_metadata(g, m);
    }
    return KC_OK;
}

static kci_mock_outcome answer_join(kci_mock_request *r, const kci_mock_classic *g,
                                    const kci_mock_member *m)
{
    const waiting *w = r->state;
    kci_join_group_response *out = r->answer;
    bool leads = g->leader == m && !w->is_follower;
    out->generation_id = g->generation;
    out->protocol_type = g->protocol_type;
    out->protocol_name = g->protocol;
    out->leader = leads || !g->leader ? m->id : g->leader == m ? kc_mem("", 0) : g->leader->id;
    out->member_id = m->id;
    out->skip_assignment = leads && w->skip;
    if (leads && list_members(r, g, out) != KC_OK)
        return KCI_MOCK_CLOSE;
    return KCI_MOCK_ANSWER;
}

static kc_err join(kci_mock_request *r, kci_mock_group *g, kci_mock_joined *joined)
{
    const kci_join_group_request *in = r->body;
    int32_t n = in->protocols.count > 0 ? in->protocols.count : 0;
    kci_mock_protocol *protocols = kci_mock_take(r, (size_t)n, sizeof *protocols);
    char suffix[48];
    if (!protocols)
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    for (int32_t i = 0; i < n; i++)
        protocols[i] =
            (kci_mock_protocol){ in->protocols.data[i].name, in->protocols.data[i].metadata };
    snprintf(suffix, sizeof suffix, "%08llx-%llu",
             (unsigned long long)kci_random_below(&r->cluster->random, UINT32_MAX),
             (unsigned long long)++r->cluster->last_member);
    int64_t session_us = (int64_t)in->session_timeout_ms * 1000;
    kci_mock_joining joining = {
        .member_id = in->member_id,
        .instance = in->group_instance_id,
        .client_id = r->client_id,
        .protocol_type = in->protocol_type,
        .protocols = protocols,
        .protocol_count = n,
        .session_us = session_us,
        .rebalance_us =
            in->rebalance_timeout_ms < 0 ? session_us : (int64_t)in->rebalance_timeout_ms * 1000,
        .needs_id = r->version >= 4,
        .can_skip = r->version >= 9,
        .suffix = suffix,
    };
    return kci_mock_classic_join(&g->classic, r->cluster->now_us, &joining, joined);
}

kci_mock_outcome kci_mock_serve_join_group(kci_mock_request *r)
{
    const kci_join_group_request *in = r->body;
    kci_join_group_response *out = r->answer;
    kci_mock_joined joined = { 0 };
    out->throttle_time_ms = r->plan.throttle_ms;
    kc_err err = check_group(r, in->group_id);
    if (err == KC_OK &&
        (in->session_timeout_ms < SESSION_MIN_MS || in->session_timeout_ms > SESSION_MAX_MS))
        err = KC_E_INVALID_SESSION_TIMEOUT;
    kci_mock_group *g = err == KC_OK ? kci_mock_group_make(r->cluster, in->group_id) : NULL;
    if (err == KC_OK && !g)
        err = KC_E_COORDINATOR_NOT_AVAILABLE;
    if (err == KC_OK)
        err = join(r, g, &joined);
    if (err == KC_E_MEMBER_ID_REQUIRED) {
        kci_mock_group_schedule(r->cluster, g);
        return refuse_join(r, err, joined.promised);
    }
    if (err != KC_OK)
        return refuse_join(r, err, in->member_id);
    if (remember(r, &joined, joined.member->id) != KC_OK)
        return KCI_MOCK_CLOSE;
    if (joined.answer_now)
        return answer_join(r, &g->classic, joined.member);
    kci_mock_outcome outcome = kci_mock_resume_join_group(r);
    kci_mock_group_changed(r->cluster, g);
    return outcome;
}

kci_mock_outcome kci_mock_resume_join_group(kci_mock_request *r)
{
    const kci_join_group_request *in = r->body;
    const waiting *w = r->state;
    kci_mock_group *g = group_of(r, in->group_id);
    kci_mock_member *m = g ? kci_mock_classic_member(&g->classic, w->member_id) : NULL;
    if (!m)
        return refuse_join(r, KC_E_UNKNOWN_MEMBER_ID, w->member_id);
    if (g->classic.state != KCI_MOCK_GROUP_PREPARING)
        return answer_join(r, &g->classic, m);
    m->joined = true; /* also of a generation that was over before it was told */
    return wait_for(r, g);
}

/* ---- SyncGroup ------------------------------------------------------------------------------- */

static kci_mock_outcome answer_sync(kci_mock_request *r, kc_err err, const kci_mock_classic *g,
                                    const kci_mock_member *m)
{
    kci_sync_group_response *out = r->answer;
    out->error_code = (int16_t)err;
    out->assignment = m && m->assignment.data ? m->assignment : kc_mem("", 0);
    out->protocol_type = err == KC_OK ? g->protocol_type : kc_mem(NULL, 0);
    out->protocol_name = err == KC_OK ? g->protocol : kc_mem(NULL, 0);
    return KCI_MOCK_ANSWER;
}

/* The protocol that the member speaks of, if it speaks of one (from version 5 on). */
static bool is_of_protocol(const kci_mock_classic *g, const kci_sync_group_request *in)
{
    return (!in->protocol_type.data || kci_bytes_equal(in->protocol_type, g->protocol_type)) &&
           (!in->protocol_name.data || kci_bytes_equal(in->protocol_name, g->protocol));
}

static kc_err take_assignments(kci_mock_request *r, kci_mock_group *g)
{
    const kci_sync_group_request *in = r->body;
    kc_err err = KC_OK;
    for (int32_t i = 0; i < in->assignments.count && err == KC_OK; i++)
        err = kci_mock_classic_assign(&g->classic, in->assignments.data[i].member_id,
                                      in->assignments.data[i].assignment);
    if (err == KC_OK) {
        kci_mock_classic_complete(&g->classic, r->cluster->now_us);
        kci_mock_group_changed(r->cluster, g);
    }
    return err;
}

kci_mock_outcome kci_mock_serve_sync_group(kci_mock_request *r)
{
    const kci_sync_group_request *in = r->body;
    kci_sync_group_response *out = r->answer;
    kci_mock_member *m = NULL;
    out->throttle_time_ms = r->plan.throttle_ms;
    kc_err err = check_group(r, in->group_id);
    kci_mock_group *g = err == KC_OK ? group_of(r, in->group_id) : NULL;
    if (err == KC_OK && !g)
        err = KC_E_UNKNOWN_MEMBER_ID;
    if (err == KC_OK)
        err = kci_mock_classic_check(&g->classic, r->cluster->now_us, in->member_id,
                                     in->group_instance_id, in->generation_id, &m);
    if (err == KC_OK && g->classic.state == KCI_MOCK_GROUP_PREPARING)
        err = KC_E_REBALANCE_IN_PROGRESS;
    if (err == KC_OK && !is_of_protocol(&g->classic, in))
        err = KC_E_INCONSISTENT_GROUP_PROTOCOL;
    if (err != KC_OK)
        return answer_sync(r, err, NULL, NULL);
    m->synced = true;
    if (g->classic.state == KCI_MOCK_GROUP_COMPLETING && g->classic.leader == m)
        err = take_assignments(r, g);
    if (err != KC_OK || g->classic.state == KCI_MOCK_GROUP_STABLE)
        return answer_sync(r, err, &g->classic, err == KC_OK ? m : NULL);
    if (remember(r, NULL, m->id) != KC_OK)
        return KCI_MOCK_CLOSE;
    return wait_for(r, g);
}

kci_mock_outcome kci_mock_resume_sync_group(kci_mock_request *r)
{
    const kci_sync_group_request *in = r->body;
    const waiting *w = r->state;
    kci_mock_group *g = group_of(r, in->group_id);
    kci_mock_member *m = g ? kci_mock_classic_member(&g->classic, w->member_id) : NULL;
    if (!m)
        return answer_sync(r, KC_E_UNKNOWN_MEMBER_ID, NULL, NULL);
    if (g->classic.generation != in->generation_id || g->classic.state == KCI_MOCK_GROUP_PREPARING)
        return answer_sync(r, KC_E_REBALANCE_IN_PROGRESS, NULL, NULL);
    if (g->classic.state == KCI_MOCK_GROUP_STABLE)
        return answer_sync(r, KC_OK, &g->classic, m);
    return wait_for(r, g);
}

/* ---- Heartbeat, LeaveGroup, commits -----------------------------------------------------------
 */

kci_mock_outcome kci_mock_serve_heartbeat(kci_mock_request *r)
{
    const kci_heartbeat_request *in = r->body;
    kci_heartbeat_response *out = r->answer;
    kci_mock_member *m = NULL;
    out->throttle_time_ms = r->plan.throttle_ms;
    kc_err err = check_group(r, in->group_id);
    kci_mock_group *g = err == KC_OK ? group_of(r, in->group_id) : NULL;
    if (err == KC_OK && !g)
        err = KC_E_UNKNOWN_MEMBER_ID;
    if (err == KC_OK)
        err = kci_mock_classic_check(&g->classic, r->cluster->now_us, in->member_id,
                                     in->group_instance_id, in->generation_id, &m);
    if (err == KC_OK && g->classic.state == KCI_MOCK_GROUP_PREPARING)
        err = KC_E_REBALANCE_IN_PROGRESS;
    out->error_code = (int16_t)err;
    return KCI_MOCK_ANSWER;
}

static kc_err leave(kci_mock_request *r, kci_mock_group *g, kc_bytes id, kc_bytes instance)
{
    if (!g)
        return KC_E_UNKNOWN_MEMBER_ID;
    return kci_mock_classic_leave(&g->classic, r->cluster->now_us, id, instance);
}

kci_mock_outcome kci_mock_serve_leave_group(kci_mock_request *r)
{
    const kci_leave_group_request *in = r->body;
    kci_leave_group_response *out = r->answer;
    out->throttle_time_ms = r->plan.throttle_ms;
    kc_err err = check_group(r, in->group_id);
    kci_mock_group *g = err == KC_OK ? group_of(r, in->group_id) : NULL;
    int32_t n = r->version >= 3 && err == KC_OK ? in->members.count : 0;
    out->members.data = kci_mock_take(r, (size_t)n, sizeof *out->members.data);
    if (!out->members.data)
        return KCI_MOCK_CLOSE;
    if (err == KC_OK && r->version < 3)
        err = leave(r, g, in->member_id, kc_mem(NULL, 0));
    for (int32_t i = 0; i < n; i++) {
        kci_leave_group_response_member_response *to = &out->members.data[out->members.count++];
        to->member_id = in->members.data[i].member_id;
        to->group_instance_id = in->members.data[i].group_instance_id;
        to->error_code = (int16_t)leave(r, g, to->member_id, to->group_instance_id);
    }
    out->error_code = (int16_t)err;
    if (g)
        kci_mock_group_changed(r->cluster, g);
    return KCI_MOCK_ANSWER;
}

kc_err kci_mock_may_commit(kci_mock_request *r, kc_bytes group, kc_bytes member, kc_bytes instance,
                           int32_t generation)
{
    kci_mock_group *g = group_of(r, group);
    kci_mock_member *m;
    bool has_members = g && kci_mock_classic_has_members(&g->classic);
    if (generation < 0) /* of a program that assigns partitions itself */
        return has_members ? KC_E_UNKNOWN_MEMBER_ID : KC_OK;
    if (!has_members)
        return member.size ? KC_E_UNKNOWN_MEMBER_ID : KC_E_ILLEGAL_GENERATION;
    kc_err err =
        kci_mock_classic_check(&g->classic, r->cluster->now_us, member, instance, generation, &m);
    if (err == KC_OK && g->classic.state == KCI_MOCK_GROUP_COMPLETING)
        err = KC_E_REBALANCE_IN_PROGRESS;
    return err;
}
