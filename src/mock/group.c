/* SPDX-License-Identifier: Apache-2.0 */
/* Groups by id: what they have committed, and that their members are looked after in time. */
#include "base/bytes.h"
#include "base/mem.h"
#include "mock/request.h"

static void offset_free(kci_mock_offset *o)
{
    kci_link_remove(&o->link);
    kci_free((void *)(uintptr_t)o->topic.data);
    kci_free((void *)(uintptr_t)o->metadata.data);
    kci_free(o);
}

static void group_free(kci_mock_group *g)
{
    kci_link *link;
    while ((link = kci_list_first(&g->offsets)))
        offset_free(KCI_CONTAINER_OF(link, kci_mock_offset, link));
    while (kci_list_pop_front(&g->watches)) {
    }
    kci_mock_classic_free(&g->classic);
    kci_free((void *)(uintptr_t)g->id.data);
    kci_free(g);
}

void kci_mock_groups_free(kci_mock_cluster *c)
{
    uint32_t at = 0;
    void *value;
    while (kci_map_next(&c->groups, &at, NULL, &value))
        group_free(value);
    kci_map_free(&c->groups);
}

void kci_mock_offsets_forget(kci_mock_cluster *c, kc_bytes topic)
{
    uint32_t at = 0;
    void *value;
    while (kci_map_next(&c->groups, &at, NULL, &value)) {
        kci_mock_group *g = value;
        kci_link *link = kci_list_first(&g->offsets);
        while (link) {
            kci_link *next = kci_list_next(&g->offsets, link);
            kci_mock_offset *o = KCI_CONTAINER_OF(link, kci_mock_offset, link);
            if (kci_bytes_equal(o->topic, topic))
                offset_free(o);
            link = next;
        }
    }
}

static kci_mock_offset *find(const kci_mock_group *g, kc_bytes topic, int32_t partition)
{
    kci_link *link = kci_list_first(&g->offsets);
    for (; link; link = kci_list_next(&g->offsets, link)) {
        kci_mock_offset *o = KCI_CONTAINER_OF(link, kci_mock_offset, link);
        if (o->partition == partition && kci_bytes_equal(o->topic, topic))
            return o;
    }
    return NULL;
}

/* A copy on the heap; null stays null. false: out of memory. */
static bool copy(kc_bytes from, kc_bytes *to)
{
    *to = kc_mem(NULL, 0);
    if (!from.data)
        return true;
    *to = kc_mem(kci_strndup(from.data, from.size), from.size);
    return to->data != NULL;
}

kci_mock_group *kci_mock_group_make(kci_mock_cluster *c, kc_bytes id)
{
    kci_mock_group *g = kci_map_get(&c->groups, id);
    if (g)
        return g;
    g = kci_calloc(1, sizeof *g);
    if (!g)
        return NULL;
    kci_list_init(&g->offsets);
    kci_list_init(&g->watches);
    kci_mock_classic_init(&g->classic);
    if (!copy(id, &g->id) || kci_map_put(&c->groups, g->id, g, NULL) != KC_OK) {
        group_free(g);
        return NULL;
    }
    return g;
}

kc_err kci_mock_offset_put(kci_mock_cluster *c, kc_bytes group, kc_bytes topic, int32_t partition,
                           const kci_mock_offset *value)
{
    kci_mock_group *g = kci_mock_group_make(c, group);
    kci_mock_offset *o = kci_calloc(1, sizeof *o);
    if (!g || !o || !copy(topic, &o->topic) || !copy(value->metadata, &o->metadata)) {
        if (o)
            offset_free(o);
        return KC_E_NO_MEMORY;
    }
    o->partition = partition;
    o->offset = value->offset;
    o->leader_epoch = value->leader_epoch;
    kci_mock_offset *old = find(g, topic, partition);
    if (old) {
        kci_link_insert_before(&old->link, &o->link);
        offset_free(old);
    } else {
        kci_list_push_back(&g->offsets, &o->link);
    }
    return KC_OK;
}

const kci_mock_group *kci_mock_group_get(const kci_mock_cluster *c, kc_bytes group)
{
    return kci_map_get(&c->groups, group);
}

const kci_mock_offset *kci_mock_offset_get(const kci_mock_cluster *c, kc_bytes group,
                                           kc_bytes topic, int32_t partition)
{
    const kci_mock_group *g = kci_mock_group_get(c, group);
    return g ? find(g, topic, partition) : NULL;
}

void kci_mock_group_schedule(kci_mock_cluster *c, kci_mock_group *g)
{
    int64_t due = kci_mock_classic_due(&g->classic);
    if (due >= c->groups_due_us)
        return;
    c->groups_due_us = due;
    if (c->on_groups)
        c->on_groups(c);
}

void kci_mock_group_changed(kci_mock_cluster *c, kci_mock_group *g)
{
    kci_mock_watches_notify(&g->watches, -1);
    kci_mock_group_schedule(c, g);
}

void kci_mock_groups_expire(kci_mock_cluster *c)
{
    uint32_t at = 0;
    void *value;
    c->groups_due_us = INT64_MAX;
    while (kci_map_next(&c->groups, &at, NULL, &value)) {
        kci_mock_group *g = value;
        if (kci_mock_classic_expire(&g->classic, c->now_us))
            kci_mock_group_changed(c, g);
        else
            kci_mock_group_schedule(c, g);
    }
}

kci_mock_broker *kci_mock_coordinator(kci_mock_cluster *c, kc_bytes key)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    for (size_t i = 0; i < key.size; i++)
        hash = (hash ^ key.data[i]) * 16777619u;
    for (int32_t i = 0; i < c->broker_count; i++) {
        int32_t id = (int32_t)((hash + (uint32_t)i) % (uint32_t)c->broker_count) + 1;
        if (kci_mock_broker_is_up(c, id))
            return kci_mock_broker_get(c, id);
    }
    return NULL;
}
