/* SPDX-License-Identifier: Apache-2.0 */
/* What assignors from outside see of a plan, and how they answer. Numbers out of range get nothing.
 */
#include "base/abi_structs.h"
#include "group/plan.h"

static const kc_bytes null_bytes = { NULL, 0 };

size_t kc_plan_member_count(const kc_plan *plan)
{
    return plan ? (size_t)plan->member_count : 0;
}

size_t kc_plan_topic_count(const kc_plan *plan)
{
    return plan ? (size_t)plan->topic_count : 0;
}

static kci_plan_member *member_at(const kc_plan *plan, size_t member)
{
    return plan && member < (size_t)plan->member_count ? plan->members[member] : NULL;
}

static const kci_plan_topic *topic_at(const kc_plan *plan, size_t topic)
{
    return plan && topic < (size_t)plan->topic_count ? plan->topics[topic] : NULL;
}

static kci_plan_partition *partition_at(const kc_plan *plan, size_t topic, int32_t partition)
{
    const kci_plan_topic *t = topic_at(plan, topic);
    return t && partition >= 0 && partition < t->count ? &t->partitions[partition] : NULL;
}

bool kc_plan_member_at(const kc_plan *plan, size_t member, kc_plan_member *out)
{
    const kci_plan_member *m = member_at(plan, member);
    if (!m)
        return false;
    kc_plan_member view = {
        .generation = m->generation,
        .member_id = m->id,
        .group_instance_id = m->instance,
        .rack = m->rack >= 0 ? plan->racks[m->rack] : null_bytes,
        .user_data = m->user_data,
        .topics = m->names,
        .topic_count = m->name_count,
        .owned = m->claims,
        .owned_count = m->claim_count,
    };
    return kci_abi_give(&kci_abi_plan_member, &view, out);
}

kc_bytes kc_plan_topic_name(const kc_plan *plan, size_t topic)
{
    const kci_plan_topic *t = topic_at(plan, topic);
    return t ? t->name : null_bytes;
}

int32_t kc_plan_partition_count(const kc_plan *plan, size_t topic)
{
    const kci_plan_topic *t = topic_at(plan, topic);
    return t ? t->count : 0;
}

bool kc_plan_is_subscribed(const kc_plan *plan, size_t member, size_t topic)
{
    const kci_plan_member *m = member_at(plan, member);
    if (!m || !m->topics || topic >= (size_t)plan->topic_count)
        return false;
    return kci_plan_subscribes(m, (int32_t)topic);
}

kc_bytes kc_plan_leader_rack(const kc_plan *plan, size_t topic, int32_t partition)
{
    const kci_plan_partition *p = partition_at(plan, topic, partition);
    return p && p->leader_rack >= 0 ? plan->racks[p->leader_rack] : null_bytes;
}

kc_bytes kc_plan_replica_rack(const kc_plan *plan, size_t topic, int32_t partition, size_t index)
{
    const kci_plan_partition *p = partition_at(plan, topic, partition);
    return p && index < (size_t)p->racks.count ? plan->racks[p->racks.items[index]] : null_bytes;
}

kc_err kc_plan_assign(kc_plan *plan, size_t topic, int32_t partition, int32_t member)
{
    kci_plan_partition *p = partition_at(plan, topic, partition);
    if (!p || (member != -1 && (member < 0 || !kc_plan_is_subscribed(plan, (size_t)member, topic))))
        return KC_E_INVALID_ARGUMENT;
    p->owner = member;
    return KC_OK;
}

int32_t kc_plan_assigned(const kc_plan *plan, size_t topic, int32_t partition)
{
    const kci_plan_partition *p = partition_at(plan, topic, partition);
    return p ? p->owner : -1;
}

kc_err kc_plan_set_user_data(kc_plan *plan, size_t member, kc_bytes data)
{
    kci_plan_member *m = member_at(plan, member);
    if (!m)
        return KC_E_INVALID_ARGUMENT;
    kc_bytes copy = kci_arena_copy(&plan->arena, data);
    if (!copy.data && data.data)
        return KC_E_NO_MEMORY;
    m->assigned_user_data = copy;
    return KC_OK;
}

kc_bytes kc_plan_user_data(const kc_plan *plan, size_t member)
{
    const kci_plan_member *m = member_at(plan, member);
    return m ? m->assigned_user_data : null_bytes;
}
