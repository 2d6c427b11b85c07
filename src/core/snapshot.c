/* SPDX-License-Identifier: Apache-2.0 */
#include "core/snapshot.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"

/* Followed by nodes, topics, blocks, ids and the bytes of all strings. */
typedef struct snapshot {
    kci_metadata pub;
    kci_topic_block **blocks;     /* pub.topics[i] is blocks[i]->meta */
    const kci_topic_meta **by_id; /* topics that have an id, ascending by it */
    int32_t id_count;
} snapshot;

/* Cuts pieces from one block of memory; sizes were added up before. */
typedef struct cutter {
    char *at;
} cutter;

static void *cut(cutter *c, size_t n, size_t size)
{
    void *piece = c->at;
    c->at += n * size;
    return piece;
}

static kc_bytes cut_bytes(cutter *c, kc_bytes from)
{
    if (!from.data)
        return from;
    char *to = cut(c, from.size + 1, 1);
    if (from.size)
        memcpy(to, from.data, from.size);
    to[from.size] = '\0';
    return kc_mem(to, from.size);
}

static const int32_t *cut_ints(cutter *c, const int32_t *from, int32_t count)
{
    int32_t *to = cut(c, (size_t)count, sizeof *to);
    if (count)
        memcpy(to, from, (size_t)count * sizeof *to);
    return to;
}

static size_t block_size(const kci_topic_meta *meta)
{
    size_t size = sizeof(kci_topic_block) + meta->name.size + 1;

    for (int32_t i = 0; i < meta->partition_count; i++) {
        const kci_partition_meta *p = &meta->partitions[i];
        size += sizeof *p;
        size += ((size_t)p->replica_count + (size_t)p->isr_count + (size_t)p->offline_count) *
                sizeof(int32_t);
    }
    return size;
}

kci_topic_block *kci_topic_block_new(const kci_topic_meta *meta)
{
    kci_topic_block *block = kci_alloc(block_size(meta));

    if (!block)
        return NULL;
    cutter c = { (char *)(block + 1) };
    kci_partition_meta *partitions = cut(&c, (size_t)meta->partition_count, sizeof *partitions);
    for (int32_t i = 0; i < meta->partition_count; i++) {
        kci_partition_meta *p = &partitions[i];
        *p = meta->partitions[i];
        p->replicas = cut_ints(&c, p->replicas, p->replica_count);
        p->isr = cut_ints(&c, p->isr, p->isr_count);
        p->offline = cut_ints(&c, p->offline, p->offline_count);
    }
    atomic_init(&block->refs, 1);
    block->meta = *meta;
    block->meta.partitions = partitions;
    block->meta.name = cut_bytes(&c, meta->name);
    return block;
}

static kci_topic_block *block_ref(kci_topic_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

void kci_topic_block_unref(kci_topic_block *block)
{
    if (block && atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1)
        kci_free(block);
}

int kci_name_compare(kc_bytes a, kc_bytes b)
{
    size_t common = a.size < b.size ? a.size : b.size;
    int order = common ? memcmp(a.data, b.data, common) : 0;

    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_nodes(const void *a, const void *b)
{
    const kci_node *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int compare_blocks(const void *a, const void *b)
{
    kci_topic_block *const *x = a, *const *y = b;
    return kci_name_compare((*x)->meta.name, (*y)->meta.name);
}

static int compare_ids(const void *a, const void *b)
{
    const kci_topic_meta *const *x = a, *const *y = b;
    return memcmp(&(*x)->id, &(*y)->id, sizeof(kc_uuid));
}

static size_t snapshot_size(const kci_draft *draft)
{
    size_t size = sizeof(snapshot) + draft->cluster_id.size + 1;

    size += (size_t)draft->topic_count *
            (sizeof(kci_topic_meta) + sizeof(kci_topic_block *) + sizeof(kci_topic_meta *));
    for (int32_t i = 0; i < draft->node_count; i++)
        size += sizeof(kci_node) + strlen(draft->nodes[i].host) + 1 + draft->nodes[i].rack.size + 1;
    return size;
}

static void fill_topics(snapshot *s, const kci_draft *draft, cutter *c)
{
    kci_topic_meta *topics = cut(c, (size_t)draft->topic_count, sizeof *topics);
    s->blocks = cut(c, (size_t)draft->topic_count, sizeof *s->blocks);
    s->by_id = cut(c, (size_t)draft->topic_count, sizeof *s->by_id);
    for (int32_t i = 0; i < draft->topic_count; i++) {
        s->blocks[i] = block_ref(draft->topics[i]);
        topics[i] = s->blocks[i]->meta;
        if (!kci_uuid_is_zero(&topics[i].id))
            s->by_id[s->id_count++] = &topics[i];
    }
    s->pub.topics = topics;
    s->pub.topic_count = draft->topic_count;
    if (s->id_count)
        qsort(s->by_id, (size_t)s->id_count, sizeof(const kci_topic_meta *), compare_ids);
}

kci_metadata *kci_snapshot_new(kci_draft *draft)
{
    snapshot *s = kci_alloc(snapshot_size(draft));

    if (!s)
        return NULL;
    *s = (snapshot){ .pub = { .fetched_us = draft->fetched_us,
                              .generation = draft->generation,
                              .controller = draft->controller,
                              .node_count = draft->node_count } };
    atomic_init(&s->pub.refs, 1);
    if (draft->node_count)
        qsort(draft->nodes, (size_t)draft->node_count, sizeof *draft->nodes, compare_nodes);
    if (draft->topic_count)
        qsort(draft->topics, (size_t)draft->topic_count, sizeof(kci_topic_block *), compare_blocks);
    cutter c = { (char *)(s + 1) };
    kci_node *nodes = cut(&c, (size_t)draft->node_count, sizeof *nodes);
    fill_topics(s, draft, &c);
    for (int32_t i = 0; i < draft->node_count; i++) {
        nodes[i] = draft->nodes[i];
        nodes[i].host = (const char *)cut_bytes(&c, kc_str(draft->nodes[i].host)).data;
        nodes[i].rack = cut_bytes(&c, draft->nodes[i].rack);
    }
    s->pub.nodes = nodes;
    s->pub.cluster_id = cut_bytes(&c, draft->cluster_id);
    return &s->pub;
}

bool kci_snapshot_is_sound(const kci_metadata *pub)
{
    const snapshot *s = (const snapshot *)(const void *)pub;

    for (int32_t i = 1; i < s->id_count; i++)
        if (kci_uuid_equal(&s->by_id[i - 1]->id, &s->by_id[i]->id))
            return false;
    return true;
}

kci_topic_block *kci_snapshot_block(const kci_metadata *pub, int32_t index)
{
    const snapshot *s = (const snapshot *)(const void *)pub;
    return s->blocks[index];
}

void kci_metadata_unref(kci_metadata *pub)
{
    if (!pub || atomic_fetch_sub_explicit(&pub->refs, 1, memory_order_acq_rel) != 1)
        return;
    snapshot *s = KCI_CONTAINER_OF(pub, snapshot, pub);
    for (int32_t i = 0; i < pub->topic_count; i++)
        kci_topic_block_unref(s->blocks[i]);
    kci_free(s);
}

const kci_topic_meta *kci_metadata_topic(const kci_metadata *m, kc_bytes name)
{
    int32_t low = 0, high = m->topic_count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int order = kci_name_compare(m->topics[middle].name, name);
        if (order == 0)
            return &m->topics[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const kci_topic_meta *kci_metadata_topic_by_id(const kci_metadata *m, const kc_uuid *id)
{
    const snapshot *s = (const snapshot *)(const void *)m;
    int32_t low = 0, high = s->id_count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        int order = memcmp(&s->by_id[middle]->id, id, sizeof *id);
        if (order == 0)
            return s->by_id[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const kci_node *kci_metadata_node(const kci_metadata *m, int32_t id)
{
    int32_t low = 0, high = m->node_count;

    while (low < high) {
        int32_t middle = low + (high - low) / 2;
        if (m->nodes[middle].id == id)
            return &m->nodes[middle];
        if (m->nodes[middle].id < id)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
