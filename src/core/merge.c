/* SPDX-License-Identifier: Apache-2.0 */
#include "core/merge.h"

#include <stdlib.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "base/planted.h"
#include "core/address.h"

typedef kci_metadata_response_metadata_response_broker answer_broker;
typedef kci_metadata_response_metadata_response_topic answer_topic;
typedef kci_metadata_response_metadata_response_partition answer_partition;

/* Leader epochs in older answers are not reliable (KAFKA-9212). */
enum { EPOCHS_FROM = 9 };

/* How long answers with older leader epochs are put down to brokers that lag behind. */
static const int64_t dispute_us = 10000000;

/* A draft with its memory: scratch for lists, references of the topics in it. */
typedef struct work {
    kci_draft draft;
    kci_arena arena;
    bool failed; /* out of memory */
} work;

static void work_free(work *w)
{
    for (int32_t i = 0; i < w->draft.topic_count; i++)
        kci_topic_block_unref(w->draft.topics[i]);
    kci_arena_free(&w->arena);
}

static bool has_node(const kci_draft *draft, int32_t id)
{
    for (int32_t i = 0; i < draft->node_count; i++)
        if (draft->nodes[i].id == id)
            return true;
    return false;
}

static bool is_sane(const answer_broker *b)
{
    return b->node_id >= 0 && b->port > 0 && b->port <= UINT16_MAX && b->host.data &&
           b->host.size > 0 && b->host.size <= KCI_HOST_MAX &&
           !memchr(b->host.data, '\0', b->host.size);
}

static void take_nodes(work *w, const kci_metadata_response *answer)
{
    kci_draft *d = &w->draft;

    d->nodes = kci_arena_array(&w->arena, (size_t)answer->brokers.count, sizeof *d->nodes);
    w->failed |= !d->nodes;
    for (int32_t i = 0; i < answer->brokers.count && !w->failed; i++) {
        const answer_broker *b = &answer->brokers.data[i];
        if (!is_sane(b) || has_node(d, b->node_id))
            continue;
        char *host = kci_arena_alloc(&w->arena, b->host.size + 1);
        if (!host) {
            w->failed = true;
            return;
        }
        memcpy(host, b->host.data, b->host.size);
        host[b->host.size] = '\0';
        d->nodes[d->node_count++] = (kci_node){ b->node_id, b->port, host, b->rack };
    }
}

/* A partition that the answer passes over, while naming later ones. */
static kci_partition_meta unnamed(const kci_partition_meta *known)
{
    return (kci_partition_meta){ .leader = -1,
                                 .leader_epoch = -1,
                                 .epoch_floor = known ? known->epoch_floor : -1,
                                 .disputed_us = known ? known->disputed_us : 0,
                                 .err = KC_E_LEADER_NOT_AVAILABLE };
}

static kci_partition_meta partition_of(const answer_partition *p, int16_t version)
{
    kci_partition_meta m = { .leader = p->leader_id < 0 ? -1 : p->leader_id,
                             .leader_epoch = version >= EPOCHS_FROM ? p->leader_epoch : -1,
                             .err = p->error_code,
                             .replica_count = p->replica_nodes.count,
                             .isr_count = p->isr_nodes.count,
                             .offline_count = p->offline_replicas.count,
                             .replicas = p->replica_nodes.data,
                             .isr = p->isr_nodes.data,
                             .offline = p->offline_replicas.data };
    if (m.leader < 0 && m.err == KC_OK)
        m.err = KC_E_LEADER_NOT_AVAILABLE;
    if (m.leader_epoch < 0)
        m.leader_epoch = -1;
    m.epoch_floor = m.leader_epoch;
    return m;
}

/* The answer comes from a broker that has not heard of what is known already. */
static bool is_older(const kci_partition_meta *p, const kci_partition_meta *known)
{
    return p->leader_epoch >= 0 && p->leader_epoch < known->epoch_floor &&
           !KCI_BUG(OLD_EPOCH_TAKEN);
}

/* What is known goes on to be true as long as it is not disputed for too long. That is counted to
 * when the question was asked: the answer may have been under way for long. */
static bool is_lost(const kci_merge *merge, const kci_partition_meta *known)
{
    return known->disputed_us != 0 && merge->asked_us - known->disputed_us >= dispute_us;
}

/* What is known of the partition, which the answer does not confirm. */
static kci_partition_meta disputed(const kci_merge *merge, const kci_partition_meta *known)
{
    kci_partition_meta p = *known;
    if (p.disputed_us == 0)
        p.disputed_us = merge->now_us;
    return p;
}

static void compare(const kci_merge *merge, kci_partition_meta *p, const kci_partition_meta *known)
{
    if (KCI_BUG(EQUAL_EPOCH_STAYS) && p->leader_epoch == known->leader_epoch && known->leader >= 0)
        *p = *known;
    if (is_lost(merge, known))
        return;
    if (is_older(p, known)) {
        *p = disputed(merge, known);
    } else if (p->leader_epoch < 0) { /* does not tell */
        p->epoch_floor = known->epoch_floor;
        p->disputed_us = known->disputed_us;
    }
}

/* Same topic, as far as can be told: both have an id and it is the same, or one has none. */
static bool is_same_topic(const kci_topic_meta *known, const kc_uuid *id)
{
    return kci_uuid_is_zero(&known->id) || kci_uuid_is_zero(id) || kci_uuid_equal(&known->id, id);
}

static bool has_same_id(const answer_topic *t, const kci_topic_meta *known)
{
    return !kci_uuid_is_zero(&known->id) && kci_uuid_equal(&known->id, &t->topic_id);
}

/* How many partitions the answer speaks of. One that it names twice does not make one more: records
 * would be sent to a partition that is not there. */
static int32_t named_count(const answer_topic *t)
{
    int32_t count = 0;

    for (int32_t i = 0; i < t->partitions.count; i++) {
        int32_t number = t->partitions.data[i].partition_index;
        if (number < t->partitions.count && number >= count)
            count = number + 1;
    }
    return count;
}

/* A topic does not lose partitions; who names fewer has not heard of the newer ones. Without ids it
 * may be another topic of that name: that is found out in time. */
static int32_t partition_count(const kci_merge *merge, const answer_topic *t,
                               const kci_topic_meta *known)
{
    int32_t count = named_count(t);

    if (!known || known->partition_count <= count)
        return count;
    for (int32_t i = count; i < known->partition_count && !has_same_id(t, known); i++)
        if (is_lost(merge, &known->partitions[i]))
            return count;
    return known->partition_count;
}

static void fill_partitions(const kci_merge *merge, const answer_topic *t,
                            const kci_topic_meta *known, kci_partition_meta *list, int32_t count)
{
    int32_t known_count = known ? known->partition_count : 0, named = named_count(t);

    for (int32_t i = 0; i < count; i++) {
        const kci_partition_meta *p = i < known_count ? &known->partitions[i] : NULL;
        list[i] = i < named ? unnamed(p) : has_same_id(t, known) ? *p : disputed(merge, p);
    }
    for (int32_t i = 0; i < t->partitions.count; i++) {
        int32_t number = t->partitions.data[i].partition_index;
        if (number < 0 || number >= count)
            continue;
        list[number] = partition_of(&t->partitions.data[i], merge->version);
        if (number < known_count)
            compare(merge, &list[number], &known->partitions[number]);
    }
}

/* The partitions of a topic without error; same: as it is known, or NULL. False: out of memory. */
static bool take_partitions(work *w, const kci_merge *merge, const answer_topic *t,
                            const kci_topic_meta *same, kci_topic_meta *m)
{
    m->partition_count = partition_count(merge, t, same);
    kci_partition_meta *list = kci_arena_array(&w->arena, (size_t)m->partition_count, sizeof *list);
    if (!list)
        return false;
    m->partitions = list;
    fill_partitions(merge, t, same, list, m->partition_count);
    return true;
}

static bool is_changed(const kci_topic_meta *a, const kci_topic_meta *b)
{
    if (!b || a->err != b->err || a->partition_count != b->partition_count ||
        !kci_uuid_equal(&a->id, &b->id))
        return true;
    for (int32_t i = 0; i < a->partition_count; i++) {
        const kci_partition_meta *x = &a->partitions[i], *y = &b->partitions[i];
        if (x->leader != y->leader || x->leader_epoch != y->leader_epoch || x->err != y->err)
            return true;
    }
    return false;
}

static bool is_unsettled(const kci_topic_meta *t, const kci_draft *draft)
{
    if (t->err != KC_OK)
        return (kc_error_flags(t->err) & KC_ERROR_RETRIABLE) != 0;
    for (int32_t i = 0; i < t->partition_count; i++)
        if (t->partitions[i].disputed_us != 0 || !has_node(draft, t->partitions[i].leader))
            return true;
    return false;
}

/* Whether it is good enough for those who use it. */
static void judge(kci_merge *merge, const kci_topic_meta *t, const kci_draft *draft)
{
    if (merge->care(merge->arg, t->name) != KCI_TOPIC_IN_USE)
        return;
    bool unsettled = is_unsettled(t, draft);
    merge->unsettled |= unsettled;
    merge->refused |= t->err != KC_OK && !unsettled;
}

static void add_topic(work *w, kci_topic_block *block)
{
    if (block)
        w->draft.topics[w->draft.topic_count++] = block;
    else
        w->failed = true;
}

/* known: the topic of that name in the old snapshot, or NULL. */
static void take_topic(work *w, kci_merge *merge, const answer_topic *t,
                       const kci_topic_meta *known)
{
    kci_topic_meta m = {
        .name = t->name, .id = t->topic_id, .err = t->error_code, .internal = t->is_internal
    };

    if (known && t->error_code != KC_OK) { /* it may be there nevertheless, on other brokers */
        m = *known;
        m.err = t->error_code;
    } else if (t->error_code == KC_OK) {
        const kci_topic_meta *same = known && is_same_topic(known, &t->topic_id) ? known : NULL;
        if (same && kci_uuid_is_zero(&m.id))
            m.id = same->id;
        if (!take_partitions(w, merge, t, same, &m)) {
            w->failed = true;
            return;
        }
    }
    merge->changed |= is_changed(&m, known);
    judge(merge, &m, &w->draft);
    add_topic(w, kci_topic_block_new(&m));
}

static kci_topic_block *shared(kci_topic_block *block)
{
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    return block;
}

static int compare_answers(const void *a, const void *b)
{
    const answer_topic *const *x = a, *const *y = b;
    return kci_name_compare((*x)->name, (*y)->name);
}

/* The answer's topics by name, each once; their count. */
static int32_t sort_answer(work *w, kci_merge *merge, const answer_topic ***out)
{
    const kci_metadata_response *answer = merge->answer;
    int32_t count = 0, kept = 0;
    const answer_topic **list =
        kci_arena_array(&w->arena, (size_t)answer->topics.count, sizeof *list);

    *out = list;
    w->failed |= !list;
    for (int32_t i = 0; i < answer->topics.count && list; i++)
        if (answer->topics.data[i].name.size > 0)
            list[count++] = &answer->topics.data[i];
    if (count)
        qsort(list, (size_t)count, sizeof(const answer_topic *), compare_answers);
    for (int32_t i = 0; i < count; i++) {
        if (kept == 0 || !kci_bytes_equal(list[kept - 1]->name, list[i]->name))
            list[kept++] = list[i];
        merge->absurd |= !kci_uuid_equal(&list[kept - 1]->topic_id, &list[i]->topic_id);
    }
    return kept;
}

/* Walks both lists of topics, which are in the same order. */
static void take_topics(work *w, kci_merge *merge)
{
    const kci_metadata *old = merge->old;
    const answer_topic **list;
    int32_t count = sort_answer(w, merge, &list);
    int32_t o = 0, n = 0;

    w->draft.topics = kci_arena_array(&w->arena, (size_t)count + (size_t)old->topic_count,
                                      sizeof(kci_topic_block *));
    w->failed |= !w->draft.topics;
    while ((o < old->topic_count || n < count) && !w->failed) {
        int order = o == old->topic_count ? 1
                    : n == count          ? -1
                                          : kci_name_compare(old->topics[o].name, list[n]->name);
        if (order < 0) {
            if (merge->care(merge->arg, old->topics[o].name) != KCI_TOPIC_FORGOTTEN)
                add_topic(w, shared(kci_snapshot_block(old, o)));
            judge(merge, &old->topics[o++], &w->draft);
            continue;
        }
        take_topic(w, merge, list[n++], order == 0 ? &old->topics[o] : NULL);
        o += order == 0;
    }
}

static bool nodes_changed(const kci_metadata *old, const kci_draft *draft)
{
    if (old->node_count != draft->node_count)
        return true;
    for (int32_t i = 0; i < draft->node_count; i++) {
        const kci_node *node = &draft->nodes[i];
        const kci_node *known = kci_metadata_node(old, node->id);
        if (!known || known->port != node->port || strcmp(known->host, node->host) != 0 ||
            !kci_bytes_equal(known->rack, node->rack))
            return true;
    }
    return false;
}

kci_metadata *kci_merge_answer(kci_merge *merge)
{
    const kci_metadata_response *answer = merge->answer;
    work w = { .draft = { .fetched_us = merge->now_us,
                          .generation = merge->old->generation + 1,
                          .cluster_id = answer->cluster_id,
                          .controller = answer->controller_id < 0 ? -1 : answer->controller_id } };

    merge->changed = merge->unsettled = merge->refused = merge->absurd = false;
    take_nodes(&w, answer);
    take_topics(&w, merge);
    merge->changed |= nodes_changed(merge->old, &w.draft);
    kci_metadata *next = w.failed ? NULL : kci_snapshot_new(&w.draft);
    work_free(&w);
    merge->absurd |= next && !kci_snapshot_is_sound(next);
    return next;
}

/* A copy of the topic's block with another leader. */
static kci_topic_block *with_leader(kci_arena *arena, const kci_topic_meta *topic,
                                    int32_t partition, int32_t leader, int32_t leader_epoch)
{
    size_t size = (size_t)topic->partition_count * sizeof *topic->partitions;
    kci_partition_meta *list = kci_arena_alloc(arena, size);
    kci_topic_meta m = *topic;

    if (!list)
        return NULL;
    memcpy(list, topic->partitions, size);
    list[partition].leader = leader;
    list[partition].leader_epoch = list[partition].epoch_floor = leader_epoch;
    list[partition].disputed_us = 0;
    list[partition].err = KC_OK;
    m.partitions = list;
    return kci_topic_block_new(&m);
}

kci_metadata *kci_merge_leader(const kci_metadata *old, int32_t topic, int32_t partition,
                               int32_t leader, int32_t leader_epoch, const kci_node *node)
{
    work w = { .draft = { .fetched_us = old->fetched_us,
                          .generation = old->generation + 1,
                          .cluster_id = old->cluster_id,
                          .controller = old->controller,
                          .node_count = old->node_count } };
    kci_draft *d = &w.draft;

    d->nodes = kci_arena_array(&w.arena, (size_t)old->node_count + 1, sizeof *d->nodes);
    d->topics = kci_arena_array(&w.arena, (size_t)old->topic_count, sizeof(kci_topic_block *));
    w.failed = !d->nodes || !d->topics;
    if (!w.failed && old->node_count)
        memcpy(d->nodes, old->nodes, (size_t)old->node_count * sizeof *d->nodes);
    if (!w.failed && node)
        d->nodes[d->node_count++] = *node;
    for (int32_t i = 0; i < old->topic_count && !w.failed; i++)
        add_topic(&w, i == topic
                          ? with_leader(&w.arena, &old->topics[i], partition, leader, leader_epoch)
                          : shared(kci_snapshot_block(old, i)));
    kci_metadata *next = w.failed ? NULL : kci_snapshot_new(d);
    work_free(&w);
    return next;
}
