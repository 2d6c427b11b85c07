/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/outcomes.h"

#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "producer/topics.h"

kc_err kci_outcomes_init(kci_outcomes *o, bool wanted)
{
    memset(o, 0, sizeof *o);
    if (pthread_mutex_init(&o->lock, NULL) != 0)
        return KC_E_NO_MEMORY;
    kci_list_init(&o->list);
    o->wanted = wanted;
    return KC_OK;
}

void kci_outcomes_free(kci_outcomes *o)
{
    for (kci_link *at; (at = kci_list_pop_front(&o->list));)
        kci_send_batch_unref(KCI_CONTAINER_OF(at, kci_send_batch, outcome_link));
    pthread_mutex_destroy(&o->lock);
}

static void remember_failure(kci_outcomes *o, const kci_send_batch *b)
{
    if (o->failed == 0) {
        const kc_bytes *topic = &b->part->topic->name;
        kci_fail(&o->first, b->err, "%.*s [%d]: %s", (int)topic->size, (const char *)topic->data,
                 b->part->index, b->text ? b->text : kc_error_text(b->err));
        if (b->flags & KC_DELIVERY_POSSIBLY_PERSISTED)
            o->first.flags |= KC_ERROR_POSSIBLY_PERSISTED;
    }
    o->failed += (uint64_t)b->count;
}

bool kci_outcomes_push(kci_outcomes *o, kci_send_batch *b)
{
    if (!o->wanted && b->err == KC_OK)
        return false;
    pthread_mutex_lock(&o->lock);
    if (b->err != KC_OK)
        remember_failure(o, b);
    if (o->wanted) {
        kci_send_batch_ref(b);
        kci_list_push_back(&o->list, &b->outcome_link);
    }
    pthread_mutex_unlock(&o->lock);
    return o->wanted;
}

void kci_outcomes_take(kci_outcomes *o, kci_list *to)
{
    pthread_mutex_lock(&o->lock);
    kci_list_splice_back(to, &o->list);
    pthread_mutex_unlock(&o->lock);
}

bool kci_outcomes_is_empty(kci_outcomes *o)
{
    pthread_mutex_lock(&o->lock);
    bool empty = kci_list_is_empty(&o->list);
    pthread_mutex_unlock(&o->lock);
    return empty;
}

kc_err kci_outcomes_failure(kci_outcomes *o, kc_error *detail)
{
    pthread_mutex_lock(&o->lock);
    uint64_t failed = o->failed;
    kc_error first = o->first;
    o->failed = 0;
    pthread_mutex_unlock(&o->lock);
    if (failed == 0)
        return KC_OK;
    kci_fail(detail, KC_E_NOT_DELIVERED,
             "%llu records were not delivered; the first failure: %s, %s",
             (unsigned long long)failed, kc_error_name(first.code), first.text);
    if (detail)
        detail->flags |= first.flags & KC_ERROR_POSSIBLY_PERSISTED;
    return KC_E_NOT_DELIVERED;
}

int32_t kci_outcome_count(const kci_send_batch *b)
{
    return b->ranges ? b->ranges->count : 1;
}

static const char *text_of(kc_err err, const char *text)
{
    if (err == KC_OK)
        return "";
    return text ? text : kc_error_text(err);
}

kc_delivery kci_outcome_view(const kci_send_batch *b, int32_t range)
{
    kci_outcome_range whole = { 0, b->count, b->err, b->text };
    const kci_outcome_range *r = b->ranges ? &b->ranges->list[range] : &whole;
    kc_delivery d = KC_DELIVERY_INIT;
    d.err = r->err;
    d.topic = b->part->topic->name;
    d.partition = b->part->index;
    d.count = r->count;
    d.base_offset = b->base_offset;
    d.timestamp = b->timestamp;
    d.opaques = b->opaques ? b->opaques + r->from : NULL;
    d.text = text_of(r->err, r->text);
    d.flags = b->flags;
    return d;
}

void kci_outcomes_put_back(kci_outcomes *o, kci_list *from)
{
    pthread_mutex_lock(&o->lock);
    kci_list_splice_back(from, &o->list);
    kci_list_splice_back(&o->list, from);
    pthread_mutex_unlock(&o->lock);
}
