/* SPDX-License-Identifier: Apache-2.0 */
/* What all APIs share: memory of a request, waiting, forced errors, leader hints. */
#include "mock/request.h"

#include "base/bytes.h"
#include "base/mem.h"

void *kci_mock_take(kci_mock_request *r, size_t count, size_t size)
{
    void *p = kci_arena_array(&r->arena, count, size);
    if (p)
        memset(p, 0, count * size);
    return p;
}

kc_err kci_mock_slice_add(kci_mock_request *r, const kci_mock_batch *batch, uint32_t size)
{
    kci_mock_slices *s = &r->slices;
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        kci_mock_slice *list = kci_realloc_array(s->list, cap, sizeof *list);
        if (!list)
            return KC_E_NO_MEMORY;
        s->list = list;
        s->cap = cap;
    }
    s->list[s->count++] = (kci_mock_slice){ kci_frame_ref(batch->frame), batch->data, size };
    return KC_OK;
}

void kci_mock_slices_clear(kci_mock_request *r)
{
    for (size_t i = 0; i < r->slices.count; i++)
        kci_frame_unref(r->slices.list[i].frame);
    r->slices.count = 0;
}

void kci_mock_request_reset(kci_mock_request *r)
{
    kci_mock_slices_clear(r);
    kci_mock_request_unwatch(r);
    kci_link_remove(&r->ready);
    kci_frame_unref(r->frame);
    r->frame = NULL;
    r->waiting = r->timed_out = false;
    r->body = r->answer = r->state = NULL;
    r->watches = NULL;
    r->watch_cap = 0;
    memset(&r->plan, 0, sizeof r->plan);
    kci_arena_reset(&r->arena);
}

void kci_mock_request_free(kci_mock_request *r)
{
    kci_mock_request_reset(r);
    kci_arena_free(&r->arena);
    kci_free(r->slices.list);
    r->slices = (kci_mock_slices){ 0 };
}

kc_err kci_mock_request_watch_begin(kci_mock_request *r, int32_t count)
{
    kci_mock_request_unwatch(r);
    if (r->watches && r->watch_cap >= count)
        return KC_OK;
    r->watches = kci_mock_take(r, (size_t)count, sizeof *r->watches);
    r->watch_cap = r->watches ? count : 0;
    return r->watches ? KC_OK : KC_E_NO_MEMORY;
}

void kci_mock_request_watch(kci_mock_request *r, kci_list *watches)
{
    kci_mock_watch *w = &r->watches[r->watch_count++];
    w->request = r;
    kci_list_push_back(watches, &w->link);
}

void kci_mock_watches_notify(kci_list *watches, int64_t bytes)
{
    for (kci_link *link = kci_list_first(watches), *next; link; link = next) {
        next = kci_list_next(watches, link);
        kci_mock_request_notify(KCI_CONTAINER_OF(link, kci_mock_watch, link)->request, bytes);
    }
}

void kci_mock_request_unwatch(kci_mock_request *r)
{
    for (int32_t i = 0; i < r->watch_count; i++)
        kci_link_remove(&r->watches[i].link);
    r->watch_count = 0;
}

void kci_mock_request_notify(kci_mock_request *r, int64_t bytes)
{
    if (bytes >= 0 && r->wanted_bytes != INT64_MIN) {
        r->wanted_bytes -= bytes;
        if (r->wanted_bytes > 0)
            return;
    }
    kci_mock_cluster *c = r->cluster;
    if (!r->waiting || kci_link_is_on(&r->ready))
        return;
    bool first = kci_list_is_empty(&c->ready);
    kci_list_push_back(&c->ready, &r->ready);
    if (first && c->on_ready)
        c->on_ready(c);
}

static bool concerns(const kci_mock_forced *f, kc_bytes topic, int32_t partition)
{
    if (f->topic.data && !kci_bytes_equal(f->topic, topic))
        return false;
    return f->partition < 0 || partition < 0 || f->partition == partition;
}

/* Whether the answer has an error field above those of topics and partitions. */
static bool has_top(const kci_mock_request *r)
{
    return (r->key == KCI_API_FETCH && r->version >= 7) ||
           (r->key == KCI_API_METADATA && r->version >= 13);
}

int16_t kci_mock_forced_error(const kci_mock_request *r, kc_bytes topic, int32_t partition,
                              bool *applied)
{
    for (int32_t i = 0; i < r->plan.forced_count; i++) {
        const kci_mock_forced *f = &r->plan.forced[i];
        if (((f->flags & KC_MOCK_FAULT_TOP) && has_top(r)) || !concerns(f, topic, partition))
            continue;
        if (applied)
            *applied = (f->flags & KC_MOCK_FAULT_APPLIED) != 0;
        return f->code;
    }
    return 0;
}

int16_t kci_mock_forced_top(const kci_mock_request *r)
{
    if (!has_top(r))
        return 0;
    for (int32_t i = 0; i < r->plan.forced_count; i++) {
        if (r->plan.forced[i].flags & KC_MOCK_FAULT_TOP)
            return r->plan.forced[i].code;
    }
    return 0;
}

bool kci_mock_hint(kci_mock_request *r, const kci_mock_partition *p, kci_mock_endpoints *list)
{
    kci_mock_cluster *c = r->cluster;
    if (!c->leader_hints || p->no_hints || p->leader < 0)
        return false;
    for (int32_t i = 0; i < list->count; i++) {
        if (list->ids[i] == p->leader)
            return true;
    }
    if (!list->ids) {
        list->ids = kci_mock_take(r, (size_t)c->broker_count, sizeof *list->ids);
        if (!list->ids)
            return false;
        list->cap = c->broker_count;
    }
    list->ids[list->count++] = p->leader;
    return true;
}

kc_err kci_mock_check_epoch(const kci_mock_partition *p, int32_t epoch)
{
    if (epoch < 0 || epoch == p->leader_epoch)
        return KC_OK;
    return epoch < p->leader_epoch ? KC_E_FENCED_LEADER_EPOCH : KC_E_UNKNOWN_LEADER_EPOCH;
}
