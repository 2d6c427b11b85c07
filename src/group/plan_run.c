/* SPDX-License-Identifier: Apache-2.0 */
/* Running an assignor on a plan, what the cooperative protocol holds back afterwards, and what the
 * answer is worth. */
#include "base/abi_structs.h"
#include "base/err.h"
#include "group/plan.h"

static void clear(kc_plan *plan)
{
    for (int32_t t = 0; t < plan->topic_count; t++)
        for (int32_t i = 0; i < plan->topics[t]->count; i++)
            plan->topics[t]->partitions[i].owner = -1;
    for (int32_t m = 0; m < plan->member_count; m++)
        plan->members[m]->assigned_user_data = (kc_bytes){ NULL, 0 };
}

/* A partition that somebody claims goes to another only when its claimant has given it back. The
 * new owner's own claim counts as much as any, if it is the latest: else a member that comes back
 * with an old claim would take from the present owner what it keeps. */
void kci_plan_withhold(kc_plan *plan)
{
    for (int32_t m = 0; m < plan->member_count; m++) {
        const kci_plan_member *member = plan->members[m];
        for (int32_t i = 0; i < member->owned_count; i++) {
            kci_plan_place at = member->owned[i];
            kci_plan_partition *p = &plan->topics[at.topic]->partitions[at.partition];
            if (p->owner >= 0 && p->owner != m && p->owner != p->claimant)
                p->owner = -1;
        }
    }
}

static kc_err check_assignor(const kc_assignor *a, uint32_t protocol, kc_error *detail)
{
    if (!a->assign)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the assignor has no function assign");
    if ((protocol == KC_ASSIGNOR_EAGER || protocol == KC_ASSIGNOR_COOPERATIVE) &&
        (a->protocols & protocol))
        return KC_OK;
    return kci_fail(detail, KC_E_INVALID_ARGUMENT, "assignor %s does not support the %s protocol",
                    a->name ? a->name : "without a name",
                    protocol == KC_ASSIGNOR_EAGER         ? "eager"
                    : protocol == KC_ASSIGNOR_COOPERATIVE ? "cooperative"
                                                          : "given");
}

kc_err kc_plan_run(kc_plan *plan, const kc_assignor *assignor, uint32_t protocol, kc_error *detail)
{
    kc_error unused;
    kc_assignor a;
    if (!plan || !assignor)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the plan or the assignor is NULL");
    kc_err err = kci_abi_take(&kci_abi_assignor, assignor, &a, detail);
    if (err == KC_OK)
        err = check_assignor(&a, protocol, detail);
    if (err != KC_OK)
        return err;
    if (kci_plan_seal(plan) != KC_OK)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    clear(plan);
    err = a.assign(a.user, plan, detail ? detail : &unused);
    if (err != KC_OK) {
        clear(plan);
        return err;
    }
    if (protocol == KC_ASSIGNOR_COOPERATIVE)
        kci_plan_withhold(plan);
    return KC_OK;
}

static bool owns(const kci_plan_member *m, kci_plan_place at)
{
    for (int32_t i = 0; i < m->owned_count; i++)
        if (m->owned[i].topic == at.topic && m->owned[i].partition == at.partition)
            return true;
    return false;
}

static void count_partition(const kc_plan *plan, kci_plan_place at, kc_plan_score *score)
{
    const kci_plan_partition *p = &plan->topics[at.topic]->partitions[at.partition];
    score->partitions++;
    if (p->owner < 0) {
        score->withheld += p->claimed;
        return;
    }
    const kci_plan_member *m = plan->members[p->owner];
    score->assigned++;
    score->in_rack += kci_plan_is_local(m, p);
    score->leader_in_rack += m->rack >= 0 && m->rack == p->leader_rack;
    score->kept += p->claimant == p->owner || owns(m, at);
}

kc_err kc_plan_get_score(const kc_plan *plan, kc_plan_score *out)
{
    if (!plan)
        return KC_E_INVALID_ARGUMENT;
    kc_plan_score score = KC_PLAN_SCORE_INIT;
    for (int32_t t = 0; t < plan->topic_count; t++)
        for (int32_t i = 0; plan->topics[t]->subscriber_count > 0 && i < plan->topics[t]->count;
             i++)
            count_partition(plan, (kci_plan_place){ t, i }, &score);
    return kci_abi_give(&kci_abi_plan_score, &score, out) ? KC_OK : KC_E_INVALID_ARGUMENT;
}
