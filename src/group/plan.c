/* SPDX-License-Identifier: Apache-2.0 */
/* Building a plan: topics, racks, members, each copied into the plan's arena. */
#include "group/plan.h"
#include "base/abi_structs.h"

#include "base/bytes.h"
#include "base/err.h"
#include "base/mem.h"

static const char out_of_memory[] = "out of memory: the plan is as it was before the call";

kc_err kc_plan_new(kc_plan **out, kc_error *detail)
{
    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "kc_plan_new: out is NULL");
    *out = kci_calloc(1, sizeof(kc_plan));
    if (!*out)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    /* The names come from the program and its cluster, and a plan must not depend on chance. */
    kci_map_init(&(*out)->topic_names, 0);
    kci_map_init(&(*out)->member_ids, 0);
    kci_map_init(&(*out)->rack_names, 0);
    return KC_OK;
}

void kc_plan_free(kc_plan *plan)
{
    if (!plan)
        return;
    kci_map_free(&plan->topic_names);
    kci_map_free(&plan->member_ids);
    kci_map_free(&plan->rack_names);
    kci_free(plan->topics);
    kci_free(plan->members);
    kci_free(plan->racks);
    kci_arena_free(&plan->arena);
    kci_free(plan);
}

/* Makes room for one more element. */
static bool reserve(void **items, int32_t count, int32_t *cap, size_t size)
{
    if (count < *cap)
        return true;
    if (*cap > INT32_MAX / 2)
        return false;
    int32_t more = *cap ? *cap * 2 : 16;
    void *grown = kci_realloc_array(*items, (size_t)more, size);
    if (!grown)
        return false;
    *items = grown;
    *cap = more;
    return true;
}

static kc_err check_open(const kc_plan *plan, const char *call, kc_error *detail)
{
    if (!plan)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "%s: plan is NULL", call);
    if (plan->sealed)
        return kci_fail(detail, KC_E_STATE, "%s: the plan has been run; make a new one", call);
    return KC_OK;
}

/* ---- topics ------------------------------------------------------------------------------- */

static kci_plan_topic *new_topic(kc_plan *plan, kc_bytes name, int32_t count)
{
    kci_plan_topic *t = kci_arena_alloc(&plan->arena, sizeof *t);
    if (!t)
        return NULL;
    *t = (kci_plan_topic){ .name = kci_arena_copy(&plan->arena, name), .count = count };
    t->partitions = kci_arena_array(&plan->arena, (size_t)count, sizeof *t->partitions);
    if (!t->name.data || !t->partitions)
        return NULL;
    for (int32_t i = 0; i < count; i++)
        t->partitions[i] =
            (kci_plan_partition){ .owner = -1, .claimant = -1, .former = -1, .leader_rack = -1 };
    return t;
}

kc_err kc_plan_add_topic(kc_plan *plan, kc_bytes name, int32_t partition_count, kc_error *detail)
{
    kc_err err = check_open(plan, "kc_plan_add_topic", detail);
    if (err != KC_OK)
        return err;
    if (!name.data || name.size == 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "a topic of a plan needs a name");
    if (partition_count < 0 || partition_count > KCI_PLAN_PARTITIONS_MAX - plan->partition_count)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "topic %.*s: %d partitions; 0 to %d are possible in a plan in all",
                        (int)name.size, (const char *)name.data, partition_count,
                        KCI_PLAN_PARTITIONS_MAX);
    if (kci_map_get(&plan->topic_names, name))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "topic %.*s is in the plan twice",
                        (int)name.size, (const char *)name.data);
    if (!reserve((void **)&plan->topics, plan->topic_count, &plan->topic_cap, sizeof *plan->topics))
        return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
    kci_plan_topic *t = new_topic(plan, name, partition_count);
    if (!t || kci_map_put(&plan->topic_names, t->name, t, NULL) != KC_OK)
        return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
    plan->topics[plan->topic_count++] = t;
    plan->partition_count += partition_count;
    return KC_OK;
}

/* ---- racks -------------------------------------------------------------------------------- */

typedef struct kci_plan_rack {
    int32_t number;
} kci_plan_rack;

/* A rack's number, new or old; -1 when it is not known. */
static kc_err rack_number(kc_plan *plan, kc_bytes name, int32_t *out)
{
    *out = -1;
    if (!name.data || name.size == 0)
        return KC_OK;
    kci_plan_rack *rack = kci_map_get(&plan->rack_names, name);
    if (!rack) {
        if (!reserve((void **)&plan->racks, plan->rack_count, &plan->rack_cap, sizeof *plan->racks))
            return KC_E_NO_MEMORY;
        rack = kci_arena_alloc(&plan->arena, sizeof *rack);
        kc_bytes copy = kci_arena_copy(&plan->arena, name);
        if (!rack || !copy.data || kci_map_put(&plan->rack_names, copy, rack, NULL) != KC_OK)
            return KC_E_NO_MEMORY;
        rack->number = plan->rack_count;
        plan->racks[plan->rack_count++] = copy;
    }
    *out = rack->number;
    return KC_OK;
}

/* Keeps the set ascending; racks that are there or not known change nothing. */
static void add_rack(int32_t *racks, int32_t *count, int32_t rack)
{
    if (rack < 0 || kci_racks_have((kci_racks){ racks, *count }, rack))
        return;
    int32_t at = (*count)++;
    for (; at > 0 && racks[at - 1] > rack; at--)
        racks[at] = racks[at - 1];
    racks[at] = rack;
}

kc_err kc_plan_set_racks(kc_plan *plan, kc_bytes topic, int32_t partition, kc_bytes leader_rack,
                         const kc_bytes *replica_racks, size_t count, kc_error *detail)
{
    kc_err err = check_open(plan, "kc_plan_set_racks", detail);
    if (err != KC_OK)
        return err;
    kci_plan_topic *t = kci_map_get(&plan->topic_names, topic);
    if (!t || partition < 0 || partition >= t->count || (count > 0 && !replica_racks))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "%.*s [%d] is not in the plan: add its topic first", (int)topic.size,
                        topic.data ? (const char *)topic.data : "", partition);
    if (count > (size_t)INT16_MAX)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "a partition cannot have %zu replicas; %d at most", count, INT16_MAX);
    int32_t leader, racks_count = 0;
    int32_t *racks = kci_arena_array(&plan->arena, count + 1, sizeof *racks);
    if (!racks || rack_number(plan, leader_rack, &leader) != KC_OK)
        return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
    add_rack(racks, &racks_count, leader);
    for (size_t i = 0; i < count; i++) {
        int32_t rack;
        if (rack_number(plan, replica_racks[i], &rack) != KC_OK)
            return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
        add_rack(racks, &racks_count, rack);
    }
    t->partitions[partition].leader_rack = leader;
    t->partitions[partition].racks = (kci_racks){ racks, racks_count };
    return KC_OK;
}

/* ---- members ------------------------------------------------------------------------------ */

static bool copy_names(kc_plan *plan, const kc_plan_member *from, kci_plan_member *to)
{
    kc_bytes *names = kci_arena_array(&plan->arena, from->topic_count, sizeof *names);
    for (size_t i = 0; names && i < from->topic_count; i++) {
        names[i] = kci_arena_copy(&plan->arena, from->topics[i]);
        if (!names[i].data)
            return false;
    }
    to->names = names;
    to->name_count = from->topic_count;
    return names != NULL;
}

/* Names that are in the plan are shared with it: owned lists are long, and topics few. */
static bool copy_claims(kc_plan *plan, const kc_plan_member *from, kci_plan_member *to)
{
    kc_topic_partition *claims = kci_arena_array(&plan->arena, from->owned_count, sizeof *claims);
    for (size_t i = 0; claims && i < from->owned_count; i++) {
        const kci_plan_topic *t = kci_map_get(&plan->topic_names, from->owned[i].topic);
        claims[i] = from->owned[i];
        claims[i].topic = t ? t->name : kci_arena_copy(&plan->arena, from->owned[i].topic);
        if (!claims[i].topic.data && from->owned[i].topic.data)
            return false;
    }
    to->claims = claims;
    to->claim_count = from->owned_count;
    return claims != NULL;
}

static bool copy_bytes(kc_plan *plan, kc_bytes from, kc_bytes *to)
{
    *to = kci_arena_copy(&plan->arena, from);
    return to->data || !from.data;
}

static kci_plan_member *new_member(kc_plan *plan, const kc_plan_member *from)
{
    kci_plan_member *m = kci_arena_alloc(&plan->arena, sizeof *m);
    if (!m)
        return NULL;
    *m = (kci_plan_member){ .generation = from->generation };
    bool ok = copy_bytes(plan, from->member_id, &m->id) &&
              copy_bytes(plan, from->group_instance_id, &m->instance) &&
              copy_bytes(plan, from->user_data, &m->user_data) &&
              rack_number(plan, from->rack, &m->rack) == KC_OK && copy_names(plan, from, m) &&
              copy_claims(plan, from, m);
    return ok ? m : NULL;
}

static kc_err check_member(const kc_plan *plan, const kc_plan_member *m, kc_error *detail)
{
    if (!m->member_id.data || m->member_id.size == 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "a member of a plan needs a member_id");
    if ((m->topic_count && !m->topics) || (m->owned_count && !m->owned))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "member %.*s: a list is NULL although its count is not 0",
                        (int)m->member_id.size, (const char *)m->member_id.data);
    for (size_t i = 0; i < m->topic_count; i++)
        if (!m->topics[i].data)
            return kci_fail(detail, KC_E_INVALID_ARGUMENT, "member %.*s: topic %zu has no name",
                            (int)m->member_id.size, (const char *)m->member_id.data, i);
    if (kci_map_get(&plan->member_ids, m->member_id))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "member %.*s is in the plan twice",
                        (int)m->member_id.size, (const char *)m->member_id.data);
    return KC_OK;
}

kc_err kc_plan_add_member(kc_plan *plan, const kc_plan_member *member, kc_error *detail)
{
    kc_plan_member own;
    kc_err err = check_open(plan, "kc_plan_add_member", detail);
    if (err == KC_OK && !member)
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT, "the member is NULL");
    if (err == KC_OK)
        err = kci_abi_take(&kci_abi_plan_member, member, &own, detail);
    if (err == KC_OK)
        err = check_member(plan, &own, detail);
    if (err != KC_OK)
        return err;
    if (!reserve((void **)&plan->members, plan->member_count, &plan->member_cap,
                 sizeof *plan->members))
        return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
    kci_plan_member *m = new_member(plan, &own);
    if (!m || kci_map_put(&plan->member_ids, m->id, m, NULL) != KC_OK)
        return kci_fail(detail, KC_E_NO_MEMORY, "%s", out_of_memory);
    plan->members[plan->member_count++] = m;
    return KC_OK;
}
