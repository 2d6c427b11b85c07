/* SPDX-License-Identifier: Apache-2.0 */
/* Rules of faults: keeping them, matching them with requests, counting. */
#include "mock/fault.h"

#include "base/bytes.h"
#include "base/mem.h"

typedef struct rule {
    kci_link link;
    int64_t id;
    kc_mock_fault fault; /* topic: the copy below */
    char *topic;
    int64_t seen, hits;
    kci_random random;
} rule;

void kci_mock_faults_init(kci_mock_faults *faults)
{
    kci_list_init(&faults->active);
    kci_list_init(&faults->gone);
    faults->last_id = 0;
}

static void free_list(kci_list *list)
{
    kci_link *link;
    while ((link = kci_list_pop_front(list))) {
        rule *f = KCI_CONTAINER_OF(link, rule, link);
        kci_free(f->topic);
        kci_free(f);
    }
}

void kci_mock_faults_free(kci_mock_faults *faults)
{
    free_list(&faults->active);
    free_list(&faults->gone);
}

static bool is_valid(const kc_mock_fault *f)
{
    if (f->action < KC_MOCK_FAULT_ERROR || f->action > KC_MOCK_FAULT_THROTTLE)
        return false;
    if (f->action == KC_MOCK_FAULT_ERROR && (f->code == 0 || f->code < -1 || f->code > INT16_MAX))
        return false;
    return f->count >= -1 && f->count != 0 && f->skip >= 0 && f->ms >= 0 && f->bytes >= 0 &&
           f->probability >= 0 && f->probability <= 1;
}

int64_t kci_mock_faults_add(kci_mock_faults *faults, const kc_mock_fault *fault)
{
    if (!is_valid(fault))
        return KC_E_INVALID_ARGUMENT;
    rule *f = kci_calloc(1, sizeof *f);
    if (!f)
        return KC_E_NO_MEMORY;
    f->fault = *fault;
    if (fault->topic) {
        f->topic = kci_strndup(fault->topic, strlen(fault->topic));
        f->fault.topic = f->topic;
        if (!f->topic) {
            kci_free(f);
            return KC_E_NO_MEMORY;
        }
    }
    kci_random_seed(&f->random, fault->seed);
    f->id = ++faults->last_id;
    kci_list_push_back(&faults->active, &f->link);
    return f->id;
}

static rule *find(const kci_list *list, int64_t id)
{
    for (kci_link *link = kci_list_first(list); link; link = kci_list_next(list, link)) {
        rule *f = KCI_CONTAINER_OF(link, rule, link);
        if (f->id == id)
            return f;
    }
    return NULL;
}

int64_t kci_mock_faults_hits(const kci_mock_faults *faults, int64_t id)
{
    const rule *f = find(&faults->active, id);
    if (!f)
        f = find(&faults->gone, id);
    return f ? f->hits : KC_E_INVALID_ARGUMENT;
}

static void retire(kci_mock_faults *faults, rule *f)
{
    kci_link_remove(&f->link);
    kci_list_push_back(&faults->gone, &f->link);
}

void kci_mock_faults_remove(kci_mock_faults *faults, int64_t id)
{
    rule *f = find(&faults->active, id);
    if (f)
        retire(faults, f);
}

void kci_mock_faults_clear(kci_mock_faults *faults)
{
    kci_list_splice_back(&faults->gone, &faults->active);
}

static bool concerns(const rule *f, const kci_mock_request *r)
{
    const kc_mock_fault *q = &f->fault;
    if ((q->api >= 0 && q->api != r->key) || (q->broker >= 0 && q->broker != r->broker->id))
        return false;
    return !q->topic || kci_mock_request_names(r, kc_str(q->topic), q->partition);
}

/* Counts the request; true: the rule applies to it. */
static bool strikes(rule *f)
{
    f->seen++;
    if (f->seen <= f->fault.skip)
        return false;
    if (f->fault.probability < 1 && kci_random_unit(&f->random) >= f->fault.probability)
        return false;
    f->hits++;
    return true;
}

static kc_err force(kci_mock_request *r, const rule *f)
{
    kci_mock_plan *plan = &r->plan;
    if (plan->forced_count == KCI_MOCK_FORCED_MAX)
        return KC_OK;
    kci_mock_forced *forced = &plan->forced[plan->forced_count];
    forced->code = (int16_t)f->fault.code;
    forced->flags = f->fault.flags;
    forced->partition = f->fault.partition;
    forced->topic = kci_arena_copy(&r->arena, kc_str(f->topic));
    if (f->topic && !forced->topic.data)
        return KC_E_NO_MEMORY;
    plan->forced_count++;
    return KC_OK;
}

static kc_err apply(kci_mock_request *r, const rule *f)
{
    kci_mock_plan *plan = &r->plan;
    const kc_mock_fault *q = &f->fault;
    switch (q->action) {
    case KC_MOCK_FAULT_ERROR:
        return force(r, f);
    case KC_MOCK_FAULT_DELAY:
        plan->delay_ms = plan->delay_ms ? plan->delay_ms : q->ms;
        break;
    case KC_MOCK_FAULT_DISCONNECT:
        plan->disconnect = true;
        break;
    case KC_MOCK_FAULT_LOSE_ANSWER:
        plan->lose_answer = true;
        break;
    case KC_MOCK_FAULT_CUT:
        plan->cut_at = plan->cut ? plan->cut_at : q->bytes;
        plan->cut = true;
        break;
    case KC_MOCK_FAULT_SHORT:
        plan->short_at = plan->shorten ? plan->short_at : q->bytes;
        plan->shorten = true;
        break;
    case KC_MOCK_FAULT_MUTATE:
        plan->mutate_at = plan->mutate ? plan->mutate_at : q->bytes;
        plan->mask = plan->mutate ? plan->mask : q->mask;
        plan->mutate = true;
        break;
    case KC_MOCK_FAULT_HANG:
        plan->hang_applied |= (q->flags & KC_MOCK_FAULT_APPLIED) != 0;
        plan->hang = true;
        break;
    case KC_MOCK_FAULT_THROTTLE:
        plan->throttle_ms = plan->throttle_ms ? plan->throttle_ms : q->ms;
        break;
    default:
        break;
    }
    return KC_OK;
}

kc_err kci_mock_faults_match(kci_mock_faults *faults, kci_mock_request *r)
{
    kci_link *link = kci_list_first(&faults->active);
    while (link) {
        kci_link *next = kci_list_next(&faults->active, link);
        rule *f = KCI_CONTAINER_OF(link, rule, link);
        if (concerns(f, r) && strikes(f)) {
            kc_err err = apply(r, f);
            if (err != KC_OK)
                return err;
            if (f->fault.count > 0 && f->hits >= f->fault.count)
                retire(faults, f);
        }
        link = next;
    }
    return KC_OK;
}
