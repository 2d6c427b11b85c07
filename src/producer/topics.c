/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/topics.h"

#include "base/mem.h"

void kci_send_topics_init(kci_send_topics *ts, uint64_t seed, bool idempotent, bool single)
{
    memset(ts, 0, sizeof *ts);
    kci_map_init(&ts->map, seed);
    ts->idempotent = idempotent;
    ts->single = single;
}

static void topic_free(kci_send_topic *t)
{
    for (int32_t i = 0; i < t->part_cap; i++)
        kci_free(t->parts[i]);
    kci_free(t->parts);
    kci_available_unref(t->available);
    kci_free(t);
}

void kci_send_topics_free(kci_send_topics *ts)
{
    void *topic;
    for (uint32_t at = 0; kci_map_next(&ts->map, &at, NULL, &topic);)
        topic_free(topic);
    kci_map_free(&ts->map);
}

kci_available *kci_available_ref(kci_available *available)
{
    if (available)
        atomic_fetch_add_explicit(&available->refs, 1, memory_order_relaxed);
    return available;
}

void kci_available_unref(kci_available *available)
{
    if (available && atomic_fetch_sub_explicit(&available->refs, 1, memory_order_acq_rel) == 1)
        kci_free(available);
}

kc_err kci_send_topics_get(kci_send_topics *ts, kc_bytes name, kci_send_topic **out)
{
    *out = kci_map_get(&ts->map, name);
    if (*out)
        return KC_OK;
    kci_send_topic *t = kci_calloc(1, sizeof *t + name.size);
    if (!t)
        return KC_E_NO_MEMORY;
    uint8_t *copy = (uint8_t *)(t + 1);
    memcpy(copy, name.data, name.size);
    t->name = kc_mem(copy, name.size);
    t->sticky = -1;
    t->usable = KCI_NOT_USABLE;
    kc_err err = kci_map_put(&ts->map, t->name, t, NULL);
    if (err != KC_OK) {
        kci_free(t);
        return err;
    }
    *out = t;
    return KC_OK;
}

static kci_part *part_new(const kci_send_topics *ts, kci_send_topic *t, int32_t index)
{
    kci_part *part = kci_calloc(1, sizeof *part);
    if (!part)
        return NULL;
    part->topic = t;
    part->index = index;
    part->leader_epoch = -1;
    kci_lane_init(&part->lane, ts->idempotent, ts->single);
    return part;
}

static kc_err grow(const kci_send_topics *ts, kci_send_topic *t, int32_t count)
{
    if (count <= t->part_cap)
        return KC_OK;
    kci_part **parts = kci_realloc_array(t->parts, (size_t)count, sizeof(kci_part *));
    if (!parts)
        return KC_E_NO_MEMORY;
    t->parts = parts;
    while (t->part_cap < count) {
        parts[t->part_cap] = part_new(ts, t, t->part_cap);
        if (!parts[t->part_cap])
            return KC_E_NO_MEMORY;
        t->part_cap++;
    }
    return KC_OK;
}

static kci_available *available_new(const kci_topic_meta *meta)
{
    size_t n = meta ? (size_t)meta->partition_count : 0;
    kci_available *a = kci_alloc(sizeof *a + n * sizeof a->ids[0]);
    if (!a)
        return NULL;
    atomic_init(&a->refs, 1);
    a->count = 0;
    for (size_t i = 0; i < n; i++) {
        if (meta->partitions[i].leader >= 0)
            a->ids[a->count++] = (int32_t)i;
    }
    return a;
}

kc_err kci_send_topic_update(kci_send_topics *ts, kci_send_topic *t, const kci_metadata *now)
{
    const kci_topic_meta *meta = kci_metadata_topic(now, t->name);
    kc_err err = meta ? grow(ts, t, meta->partition_count) : KC_OK;
    if (err != KC_OK)
        return err;
    kci_available *available = available_new(meta);
    if (!available)
        return KC_E_NO_MEMORY;
    kci_available_unref(t->available);
    t->available = available;
    t->err = meta ? meta->err : KC_OK;
    if (meta)
        t->count = meta->partition_count;
    t->generation = now->generation;
    t->usable = t->err == KC_OK && t->count > 0 ? t->generation : KCI_NOT_USABLE;
    if (t->sticky >= t->count || (meta && t->sticky >= 0 && meta->partitions[t->sticky].leader < 0))
        t->sticky = -1;
    return KC_OK;
}
