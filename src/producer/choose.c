/* SPDX-License-Identifier: Apache-2.0 */
#include "producer/choose.h"

#include "base/planted.h"
#include "producer/producer.h"

/* Partitions with a leader, if there are such; else all. */
static uint32_t choices(const kci_send_topic *t)
{
    const kci_available *a = t->available;
    return (uint32_t)(a && a->count > 0 ? a->count : t->count);
}

static int32_t choice(const kci_send_topic *t, uint32_t i)
{
    const kci_available *a = t->available;
    return a && a->count > 0 ? a->ids[i] : (int32_t)i;
}

static uint32_t random_choice(kci_accum *accum, const kci_send_topic *t)
{
    return (uint32_t)kci_random_below(&accum->random, choices(t));
}

static int backlog(const kci_send_topic *t, int32_t partition)
{
    return atomic_load_explicit(&t->parts[partition]->backlog, memory_order_relaxed);
}

/* Its leader has done nothing for partitioner.availability.timeout.ms, and a batch would have to
 * wait. */
static bool is_stuck(const kc_producer *p, const kci_send_topic *t, int32_t partition, int64_t now)
{
    kci_peer *peer = atomic_load_explicit(&t->parts[partition]->shown_peer, memory_order_acquire);
    int64_t since = peer ? atomic_load_explicit(&peer->silent_us, memory_order_relaxed) : 0;
    return since != 0 && now - since > p->conf.availability_us &&
           (atomic_load_explicit(&peer->refuses, memory_order_relaxed) ||
            backlog(t, partition) > 0);
}

/* A random one that is not stuck; when all are, any. The scan is for the rare case. */
static int32_t random_partition(kc_producer *p, const kci_send_topic *t, int64_t now)
{
    uint32_t count = choices(t), first = random_choice(&p->accum, t);
    for (uint32_t i = 0; now > 0 && i < count; i++) {
        int32_t partition = choice(t, (first + i) % count);
        if (!is_stuck(p, t, partition, now))
            return partition;
    }
    return choice(t, first);
}

/* KIP-794. The better of two random ones: as even as one while all keep up, and away from slow
 * brokers when not ("the power of two choices"), at a cost that does not grow with the number of
 * partitions; Java weighs all of them by their queues. As there, brokers that take nothing are left
 * out only if this is enabled. */
static int32_t next_sticky(kc_producer *p, kci_send_topic *t)
{
    if (!p->conf.adaptive)
        return choice(t, random_choice(&p->accum, t));
    int64_t now = p->conf.availability_us > 0 ? p->sys->mono_us(p->sys) : 0;
    int32_t one = random_partition(p, t, now);
    int32_t other = random_partition(p, t, now);
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
    return choice(t, t->turn++ % choices(t));
}

int32_t kci_choose_partition(kc_producer *p, kci_append *a)
{
    kci_send_topic *t = a->topic;
    kci_partitioner_kind kind = p->conf.partitioner;
    if (kind == KCI_PARTITIONER_ROUND_ROBIN)
        return next_turn(t);
    if (kind == KCI_PARTITIONER_RANDOM)
        return choice(t, random_choice(&p->accum, t));
    int32_t partition = kci_partition_by_key(kind, a->record->key, t->count);
    if (KCI_BUG(KEY_MISPLACED) && partition >= 0)
        partition = (partition + 1) % t->count;
    return partition >= 0 ? partition : sticky_partition(p, a);
}
