/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/choose.h"

#include "producer/producer.h"

/* Any partition; of those with a leader, if there are such. */
static int32_t random_partition(kci_accum *accum, const kci_send_topic *t)
{
    const kci_available *a = t->available;
    if (a && a->count > 0)
        return a->ids[kci_random_below(&accum->random, (uint64_t)a->count)];
    return (int32_t)kci_random_below(&accum->random, (uint64_t)t->count);
}

static int backlog(const kci_send_topic *t, int32_t partition)
{
    return atomic_load_explicit(&t->parts[partition]->backlog, memory_order_relaxed);
}

/* The better of two random ones: as even as one while all keep up, and away from slow brokers when
 * not
 * ("the power of two choices"), at a cost that does not grow with the number of partitions. */
static int32_t next_sticky(kc_producer *p, kci_send_topic *t)
{
    int32_t one = random_partition(&p->accum, t);
    if (!p->conf.adaptive)
        return one;
    int32_t other = random_partition(&p->accum, t);
    return backlog(t, other) < backlog(t, one) ? other : one;
}

static void change_sticky(kc_producer *p, kci_send_topic *t)
{
    t->sticky = next_sticky(p, t);
    t->sticky_bytes = 0;
}

void kci_choose_next(kc_producer *p, kci_send_topic *t)
{
    if (t->sticky_bytes >= p->conf.batch_size)
        change_sticky(p, t);
}

static int32_t sticky_partition(kc_producer *p, kci_append *a)
{
    kci_send_topic *t = a->topic;
    a->sticky = true;
    if (t->sticky < 0 || t->sticky_bytes >= 2 * p->conf.batch_size)
        change_sticky(p, t);
    return t->sticky;
}

static int32_t next_turn(kci_send_topic *t)
{
    const kci_available *a = t->available;
    uint32_t turn = t->turn++;
    if (a && a->count > 0)
        return a->ids[turn % (uint32_t)a->count];
    return (int32_t)(turn % (uint32_t)t->count);
}

int32_t kci_choose_partition(kc_producer *p, kci_append *a)
{
    kci_send_topic *t = a->topic;
    kci_partitioner_kind kind = p->conf.partitioner;
    if (kind == KCI_PARTITIONER_ROUND_ROBIN)
        return next_turn(t);
    if (kind == KCI_PARTITIONER_RANDOM)
        return random_partition(&p->accum, t);
    int32_t partition = kci_partition_by_key(kind, a->record->key, t->count);
    return partition >= 0 ? partition : sticky_partition(p, a);
}
