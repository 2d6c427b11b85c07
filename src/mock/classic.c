/* SPDX-License-Identifier: Apache-2.0 */
#include "mock/classic.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"

enum { RETRY_US = 1000000 };

/* An id that was promised to a member that has not come back with it. */
typedef struct promise {
    kci_link link;
    kc_bytes id;
    int64_t ends_us;
} promise;

static void forget(kc_bytes *b)
{
    kci_free((void *)(uintptr_t)b->data);
    *b = kc_mem(NULL, 0);
}

/* Replaces what *to holds. False: out of memory, and it is as before. */
static bool keep(kc_bytes from, kc_bytes *to)
{
    kc_bytes copy = kc_mem(NULL, 0);
    if (from.data)
        copy = kc_mem(kci_strndup(from.data, from.size), from.size);
    if (from.data && !copy.data)
        return false;
    forget(to);
    *to = copy;
    return true;
}

static void free_protocols(kci_mock_protocol *list, int32_t count)
{
    for (int32_t i = 0; list && i < count; i++) {
        forget(&list[i].name);
        forget(&list[i].metadata);
    }
    kci_free(list);
}

static void member_free(kci_mock_member *m)
{
    kci_link_remove(&m->link);
    free_protocols(m->protocols, m->protocol_count);
    forget(&m->id);
    forget(&m->instance);
    forget(&m->assignment);
    kci_free(m);
}

static void promise_free(promise *p)
{
    kci_link_remove(&p->link);
    forget(&p->id);
    kci_free(p);
}

void kci_mock_classic_init(kci_mock_classic *g)
{
    *g = (kci_mock_classic){ .ends_us = INT64_MAX };
    kci_list_init(&g->members);
    kci_list_init(&g->promised);
}

void kci_mock_classic_free(kci_mock_classic *g)
{
    for (kci_link *l; (l = kci_list_first(&g->members));)
        member_free(KCI_CONTAINER_OF(l, kci_mock_member, link));
    for (kci_link *l; (l = kci_list_first(&g->promised));)
        promise_free(KCI_CONTAINER_OF(l, promise, link));
    forget(&g->protocol_type);
    forget(&g->protocol);
}

/* ---- members -------------------------------------------------------------------------------- */

#define EACH_MEMBER(g, l)                        \
    kci_link *l = kci_list_first(&(g)->members); \
    l;                                           \
    l = kci_list_next(&(g)->members, l)

static kci_mock_member *member_of(kci_link *l)
{
    return KCI_CONTAINER_OF(l, kci_mock_member, link);
}

kci_mock_member *kci_mock_classic_member(const kci_mock_classic *g, kc_bytes id)
{
    for (EACH_MEMBER(g, l))
        if (kci_bytes_equal(member_of(l)->id, id))
            return member_of(l);
    return NULL;
}

static kci_mock_member *by_instance(const kci_mock_classic *g, kc_bytes instance)
{
    for (EACH_MEMBER(g, l))
        if (instance.data && kci_bytes_equal(member_of(l)->instance, instance))
            return member_of(l);
    return NULL;
}

static promise *promise_of(const kci_mock_classic *g, kc_bytes id)
{
    for (kci_link *l = kci_list_first(&g->promised); l; l = kci_list_next(&g->promised, l))
        if (kci_bytes_equal(KCI_CONTAINER_OF(l, promise, link)->id, id))
            return KCI_CONTAINER_OF(l, promise, link);
    return NULL;
}

static const kci_mock_protocol *protocol_of(const kci_mock_member *m, kc_bytes name)
{
    for (int32_t i = 0; i < m->protocol_count; i++)
        if (kci_bytes_equal(m->protocols[i].name, name))
            return &m->protocols[i];
    return NULL;
}

kc_bytes kci_mock_classic_metadata(const kci_mock_classic *g, const kci_mock_member *m)
{
    const kci_mock_protocol *p = protocol_of(m, g->protocol);
    return p ? p->metadata : kc_mem("", 0);
}

static bool same_protocols(const kci_mock_member *m, const kci_mock_joining *in)
{
    if (m->protocol_count != in->protocol_count)
        return false;
    for (int32_t i = 0; i < in->protocol_count; i++)
        if (!kci_bytes_equal(m->protocols[i].name, in->protocols[i].name) ||
            !kci_bytes_equal(m->protocols[i].metadata, in->protocols[i].metadata))
            return false;
    return true;
}

static bool set_protocols(kci_mock_member *m, const kci_mock_joining *in)
{
    kci_mock_protocol *list = kci_calloc((size_t)in->protocol_count, sizeof *list);
    bool ok = list != NULL;
    for (int32_t i = 0; ok && i < in->protocol_count; i++)
        ok = keep(in->protocols[i].name, &list[i].name) &&
             keep(in->protocols[i].metadata, &list[i].metadata);
    if (!ok) {
        free_protocols(list, in->protocol_count);
        return false;
    }
    free_protocols(m->protocols, m->protocol_count);
    m->protocols = list;
    m->protocol_count = in->protocol_count;
    return true;
}

/* One of the names is supported by all others. */
static bool has_common(const kci_mock_classic *g, const kci_mock_joining *in,
                       const kci_mock_member *except)
{
    for (int32_t i = 0; i < in->protocol_count; i++) {
        bool all = true;
        for (EACH_MEMBER(g, l))
            all =
                all && (member_of(l) == except || protocol_of(member_of(l), in->protocols[i].name));
        if (all)
            return true;
    }
    return false;
}

/* ---- rebalances ------------------------------------------------------------------------------ */

static void prepare(kci_mock_classic *g, int64_t now_us)
{
    int64_t longest = 0;
    for (EACH_MEMBER(g, l)) {
        kci_mock_member *m = member_of(l);
        if (m->joined || m->synced) /* whom the coordinator kept waiting has been alive */
            m->ends_us = now_us + m->session_us;
        m->joined = m->synced = false;
        forget(&m->assignment);
        longest = m->rebalance_us > longest ? m->rebalance_us : longest;
    }
    g->state = KCI_MOCK_GROUP_PREPARING;
    g->ends_us = now_us + longest;
}

/* The protocol that most members name first, of those that all support. */
static const kci_mock_protocol *choose(const kci_mock_classic *g)
{
    const kci_mock_protocol *best = NULL;
    int most = -1;
    const kci_mock_member *first = member_of(kci_list_first(&g->members));
    for (int32_t i = 0; i < first->protocol_count; i++) {
        int votes = 0;
        bool all = true;
        for (EACH_MEMBER(g, l)) {
            const kci_mock_member *m = member_of(l);
            all = all && protocol_of(m, first->protocols[i].name);
            votes += kci_bytes_equal(m->protocols[0].name, first->protocols[i].name);
        }
        if (all && votes > most) {
            best = &first->protocols[i];
            most = votes;
        }
    }
    return best;
}

static void become_empty(kci_mock_classic *g)
{
    g->state = KCI_MOCK_GROUP_EMPTY;
    g->ends_us = INT64_MAX;
    g->leader = NULL;
    g->generation++;
    forget(&g->protocol);
    forget(&g->protocol_type);
}

static bool all_joined(const kci_mock_classic *g)
{
    for (EACH_MEMBER(g, l))
        if (!member_of(l)->joined)
            return false;
    return true;
}

static kci_mock_member *first_joined(const kci_mock_classic *g)
{
    for (EACH_MEMBER(g, l))
        if (member_of(l)->joined)
            return member_of(l);
    return NULL;
}

/* All who are coming have come: the next generation, which waits for its leader's assignment. */
static void begin_generation(kci_mock_classic *g, int64_t now_us)
{
    int64_t longest = 0;
    if (!kci_mock_classic_has_members(g)) {
        become_empty(g);
        return;
    }
    const kci_mock_protocol *chosen = choose(g);
    if (!first_joined(g) || !chosen || !keep(chosen->name, &g->protocol)) {
        /* Nobody to lead it (late static members only), or no memory: once more. */
        g->ends_us = now_us + RETRY_US;
        return;
    }
    if (!g->leader || !g->leader->joined)
        g->leader = first_joined(g);
    for (EACH_MEMBER(g, l)) {
        kci_mock_member *m = member_of(l);
        m->ends_us = now_us + m->session_us;
        longest = m->rebalance_us > longest ? m->rebalance_us : longest;
    }
    g->generation++;
    g->state = KCI_MOCK_GROUP_COMPLETING;
    g->ends_us = now_us + longest;
}

static void look(kci_mock_classic *g, int64_t now_us)
{
    if (g->state == KCI_MOCK_GROUP_PREPARING && all_joined(g))
        begin_generation(g, now_us);
}

static void remove_member(kci_mock_classic *g, int64_t now_us, kci_mock_member *m)
{
    if (g->leader == m)
        g->leader = NULL;
    member_free(m);
    if (g->state == KCI_MOCK_GROUP_COMPLETING || g->state == KCI_MOCK_GROUP_STABLE)
        prepare(g, now_us);
    look(g, now_us);
}

/* ---- joining -------------------------------------------------------------------------------- */

static bool make_id(const kci_mock_joining *in, kc_bytes *out)
{
    char text[320];
    kc_bytes prefix = in->instance.data ? in->instance : in->client_id;
    int n = snprintf(text, sizeof text, "%.*s-%s", (int)(prefix.size < 250 ? prefix.size : 250),
                     prefix.data ? (const char *)prefix.data : "", in->suffix);
    return keep(kc_mem(text, (size_t)n), out);
}

static kc_err give_promise(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                           kci_mock_joined *out)
{
    promise *p = kci_calloc(1, sizeof *p);
    if (!p || !make_id(in, &p->id)) {
        kci_free(p);
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    }
    p->ends_us = now_us + in->session_us;
    kci_list_push_back(&g->promised, &p->link);
    out->promised = p->id;
    return KC_E_MEMBER_ID_REQUIRED;
}

static kci_mock_member *add_member(kci_mock_classic *g, const kci_mock_joining *in)
{
    kci_mock_member *m = kci_calloc(1, sizeof *m);
    if (!m)
        return NULL;
    bool named = in->member_id.size > 0 ? keep(in->member_id, &m->id) : make_id(in, &m->id);
    if (!named || !keep(in->instance, &m->instance)) {
        member_free(m);
        return NULL;
    }
    kci_list_push_back(&g->members, &m->link);
    return m;
}

/* A static member that has come back without its id: it gets a new one, and the old one is fenced.
 */
static kc_err replace_static(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                             kci_mock_member *m, kci_mock_joined *out)
{
    bool same = same_protocols(m, in);
    if (!make_id(in, &m->id) || !set_protocols(m, in))
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    out->member = m;
    m->ends_us = now_us + in->session_us;
    if (g->state == KCI_MOCK_GROUP_STABLE && same) {
        out->answer_now = true;
        out->skip_assignment = g->leader == m && in->can_skip;
        out->is_follower = g->leader == m && !in->can_skip;
        return KC_OK;
    }
    if (g->state != KCI_MOCK_GROUP_PREPARING)
        prepare(g, now_us);
    m->joined = true;
    look(g, now_us);
    return KC_OK;
}

/* A member that was there joins again: when nothing has changed for it, the generation stands. */
static kc_err rejoin(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                     kci_mock_member *m, kci_mock_joined *out)
{
    bool same = same_protocols(m, in);
    out->member = m;
    m->ends_us = now_us + in->session_us;
    if (!same && !set_protocols(m, in))
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    bool stands = (g->state == KCI_MOCK_GROUP_COMPLETING && same) ||
                  (g->state == KCI_MOCK_GROUP_STABLE && same && g->leader != m);
    if (stands) {
        out->answer_now = true;
        return KC_OK;
    }
    if (g->state != KCI_MOCK_GROUP_PREPARING)
        prepare(g, now_us);
    m->joined = true;
    look(g, now_us);
    return KC_OK;
}

static kc_err join_new(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                       kci_mock_joined *out)
{
    promise *p = promise_of(g, in->member_id);
    if (!keep(in->protocol_type, &g->protocol_type))
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    kci_mock_member *m = add_member(g, in);
    if (!m || !set_protocols(m, in)) {
        if (m)
            member_free(m);
        return KC_E_COORDINATOR_NOT_AVAILABLE;
    }
    if (p)
        promise_free(p);
    m->session_us = in->session_us;
    m->rebalance_us = in->rebalance_us;
    m->ends_us = now_us + in->session_us;
    out->member = m;
    if (g->state != KCI_MOCK_GROUP_PREPARING)
        prepare(g, now_us);
    m->joined = true;
    look(g, now_us);
    return KC_OK;
}

static kc_err check_joining(const kci_mock_classic *g, const kci_mock_joining *in,
                            const kci_mock_member *self)
{
    if (in->protocol_count == 0 || in->protocol_type.size == 0)
        return KC_E_INCONSISTENT_GROUP_PROTOCOL;
    if (!kci_mock_classic_has_members(g))
        return KC_OK;
    if (!kci_bytes_equal(g->protocol_type, in->protocol_type) || !has_common(g, in, self))
        return KC_E_INCONSISTENT_GROUP_PROTOCOL;
    return KC_OK;
}

kc_err kci_mock_classic_join(kci_mock_classic *g, int64_t now_us, const kci_mock_joining *in,
                             kci_mock_joined *out)
{
    *out = (kci_mock_joined){ 0 };
    kci_mock_member *named = by_instance(g, in->instance);
    kci_mock_member *m = in->member_id.size ? kci_mock_classic_member(g, in->member_id) : NULL;
    if (in->member_id.size && named && named != m)
        return KC_E_FENCED_INSTANCE_ID;
    if (in->member_id.size && !m && !promise_of(g, in->member_id))
        return KC_E_UNKNOWN_MEMBER_ID;
    if (!m)
        m = named;
    kc_err err = check_joining(g, in, m);
    if (err != KC_OK)
        return err;
    if (m && !in->member_id.size)
        return replace_static(g, now_us, in, m, out);
    if (m)
        return rejoin(g, now_us, in, m, out);
    if (!in->member_id.size && in->needs_id && !in->instance.data)
        return give_promise(g, now_us, in, out);
    return join_new(g, now_us, in, out);
}

/* ---- the rest ------------------------------------------------------------------------------- */

kc_err kci_mock_classic_check(kci_mock_classic *g, int64_t now_us, kc_bytes id, kc_bytes instance,
                              int32_t generation, kci_mock_member **out)
{
    kci_mock_member *m = kci_mock_classic_member(g, id), *named = by_instance(g, instance);
    if (instance.data && named && named != m)
        return KC_E_FENCED_INSTANCE_ID;
    if (!m || (instance.data && !named))
        return KC_E_UNKNOWN_MEMBER_ID;
    if (generation != g->generation)
        return KC_E_ILLEGAL_GENERATION;
    m->ends_us = now_us + m->session_us;
    *out = m;
    return KC_OK;
}

kc_err kci_mock_classic_assign(kci_mock_classic *g, kc_bytes id, kc_bytes assignment)
{
    kci_mock_member *m = kci_mock_classic_member(g, id);
    if (!m)
        return KC_OK; /* it has left meanwhile */
    return keep(assignment, &m->assignment) ? KC_OK : KC_E_COORDINATOR_NOT_AVAILABLE;
}

void kci_mock_classic_complete(kci_mock_classic *g, int64_t now_us)
{
    for (EACH_MEMBER(g, l)) {
        member_of(l)->joined = member_of(l)->synced = false;
        member_of(l)->ends_us = now_us + member_of(l)->session_us;
    }
    g->state = KCI_MOCK_GROUP_STABLE;
    g->ends_us = INT64_MAX;
}

kc_err kci_mock_classic_leave(kci_mock_classic *g, int64_t now_us, kc_bytes id, kc_bytes instance)
{
    kci_mock_member *m = kci_mock_classic_member(g, id), *named = by_instance(g, instance);
    promise *p = id.size ? promise_of(g, id) : NULL;
    if (p) {
        promise_free(p);
        return KC_OK;
    }
    if (instance.data && !named)
        return KC_E_UNKNOWN_MEMBER_ID;
    if (named && id.size && named != m)
        return KC_E_FENCED_INSTANCE_ID;
    m = named ? named : m;
    if (!m)
        return KC_E_UNKNOWN_MEMBER_ID;
    remove_member(g, now_us, m);
    return KC_OK;
}

/* Whether time has run out for a member: those that the coordinator keeps waiting are alive. */
static bool is_over(const kci_mock_classic *g, const kci_mock_member *m, int64_t now_us)
{
    if (g->state == KCI_MOCK_GROUP_PREPARING)
        return !m->joined && (now_us >= g->ends_us || now_us >= m->ends_us) &&
               (!m->instance.data || now_us >= m->ends_us);
    if (g->state == KCI_MOCK_GROUP_COMPLETING && m->synced)
        return false;
    return now_us >= m->ends_us || (g->state == KCI_MOCK_GROUP_COMPLETING && now_us >= g->ends_us);
}

static kci_mock_member *find_over(const kci_mock_classic *g, int64_t now_us)
{
    for (EACH_MEMBER(g, l))
        if (is_over(g, member_of(l), now_us))
            return member_of(l);
    return NULL;
}

bool kci_mock_classic_expire(kci_mock_classic *g, int64_t now_us)
{
    bool changed = false;
    for (kci_link *l = kci_list_first(&g->promised), *next; l; l = next) {
        next = kci_list_next(&g->promised, l);
        if (now_us >= KCI_CONTAINER_OF(l, promise, link)->ends_us)
            promise_free(KCI_CONTAINER_OF(l, promise, link));
    }
    for (kci_mock_member *m; (m = find_over(g, now_us)); changed = true)
        remove_member(g, now_us, m);
    if (g->state == KCI_MOCK_GROUP_PREPARING && now_us >= g->ends_us) {
        /* Static members that are late keep their place, but this generation begins without them.
         */
        int32_t before = g->generation;
        begin_generation(g, now_us);
        changed = changed || g->generation != before;
    }
    return changed;
}

int64_t kci_mock_classic_due(const kci_mock_classic *g)
{
    int64_t due = g->ends_us;
    for (EACH_MEMBER(g, l))
        if (!(g->state == KCI_MOCK_GROUP_PREPARING && member_of(l)->joined) &&
            !(g->state == KCI_MOCK_GROUP_COMPLETING && member_of(l)->synced) &&
            member_of(l)->ends_us < due)
            due = member_of(l)->ends_us;
    for (kci_link *l = kci_list_first(&g->promised); l; l = kci_list_next(&g->promised, l))
        if (KCI_CONTAINER_OF(l, promise, link)->ends_us < due)
            due = KCI_CONTAINER_OF(l, promise, link)->ends_us;
    return due;
}
