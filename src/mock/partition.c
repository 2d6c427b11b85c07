/* SPDX-License-Identifier: Apache-2.0 */
/* Partitions: leaders and in-sync replicas, the high watermark, and who waits for a change. */
#include "base/mem.h"
#include "mock/cluster.h"
#include "mock/request.h"

static int32_t replica_index(const kci_mock_partition *p, int32_t broker)
{
    for (int32_t i = 0; i < p->replica_count; i++) {
        if (p->replicas[i] == broker)
            return i;
    }
    return -1;
}

bool kci_mock_is_replica(const kci_mock_partition *p, int32_t broker)
{
    return replica_index(p, broker) >= 0;
}

bool kci_mock_is_in_sync(const kci_mock_partition *p, int32_t broker)
{
    int32_t i = replica_index(p, broker);
    return i >= 0 && p->in_sync[i];
}

int32_t kci_mock_in_sync_count(const kci_mock_partition *p)
{
    int32_t n = 0;
    for (int32_t i = 0; i < p->replica_count; i++)
        n += p->in_sync[i];
    return n;
}

void kci_mock_partition_changed(kci_mock_partition *p, int64_t bytes)
{
    kci_mock_watches_notify(&p->watches, bytes);
}

static void advance(kci_mock_partition *p, int64_t offset, int64_t bytes)
{
    int64_t hw = p->log.hw;
    kci_mock_log_advance(&p->log, offset);
    if (p->log.hw > hw)
        kci_mock_partition_changed(p, bytes);
}

/* No follower is in sync: what the leader has is committed. */
static void advance_if_alone(kci_mock_partition *p)
{
    if (p->leader >= 0 && kci_mock_in_sync_count(p) <= 1)
        advance(p, p->log.end, p->log.end - p->log.hw);
}

void kci_mock_partition_appended(kci_mock_partition *p, kci_mock_batch *batch)
{
    kci_mock_cluster *c = p->topic->cluster;
    if (c->replication_delay_us <= 0 || kci_mock_in_sync_count(p) <= 1) {
        advance(p, batch->last_offset + 1, batch->size);
        return;
    }
    bool first = kci_list_is_empty(&c->pending);
    batch->replicated_at_us = c->now_us + c->replication_delay_us;
    kci_list_push_back(&c->pending, &batch->pending);
    if (first && c->on_pending)
        c->on_pending(c);
}

void kci_mock_set_in_sync(kci_mock_partition *p, int32_t broker, bool in_sync)
{
    int32_t i = replica_index(p, broker);
    if (i < 0)
        return;
    p->in_sync[i] = in_sync;
    advance_if_alone(p);
}

void kci_mock_replicate(kci_mock_cluster *c)
{
    kci_link *link;
    while ((link = kci_list_first(&c->pending))) {
        kci_mock_batch *batch = KCI_CONTAINER_OF(link, kci_mock_batch, pending);
        if (batch->replicated_at_us > c->now_us)
            break;
        kci_link_remove(link);
        kci_mock_partition *p = KCI_CONTAINER_OF(batch->log, kci_mock_partition, log);
        if (p->leader >= 0)
            advance(p, batch->last_offset + 1, batch->size);
    }
    if (link && c->on_pending)
        c->on_pending(c);
}

kc_err kci_mock_partition_lead(kci_mock_partition *p, int32_t leader)
{
    p->leader_epoch++;
    return kci_mock_partition_hand_over(p, leader);
}

kc_err kci_mock_partition_hand_over(kci_mock_partition *p, int32_t leader)
{
    p->leader = leader;
    p->no_hints = false;
    p->shown_until_us = 0;
    kc_err err = KC_OK;
    if (leader >= 0)
        err = kci_mock_log_begin_epoch(&p->log, p->leader_epoch);
    /* What the old leader had and the new one keeps is committed now: the new one is in sync. */
    if (leader >= 0)
        advance(p, p->log.end, 0);
    kci_mock_partition_changed(p, -1);
    return err;
}

/* Another in-sync live replica; else, when the whole set is gone, none. */
static int32_t elect(const kci_mock_partition *p)
{
    const kci_mock_cluster *c = p->topic->cluster;
    for (int32_t i = 0; i < p->replica_count; i++) {
        if (p->in_sync[i] && kci_mock_broker_is_up(c, p->replicas[i]))
            return p->replicas[i];
    }
    return -1;
}

kc_err kci_mock_partition_elect(kci_mock_partition *p, bool lose)
{
    if (p->leader >= 0 && kci_mock_broker_is_up(p->topic->cluster, p->leader))
        return KC_OK;
    int32_t leader = elect(p);
    if (leader < 0) {
        if (p->leader >= 0)
            return kci_mock_partition_lead(p, -1);
        return KC_OK;
    }
    kc_err err = lose ? kci_mock_log_truncate(&p->log, p->log.hw) : KC_OK;
    kc_err lead = kci_mock_partition_lead(p, leader);
    return err != KC_OK ? err : lead;
}

/* A dead replica leaves the in-sync set, unless it is the last one. */
static void leave_in_sync(kci_mock_partition *p, int32_t broker)
{
    int32_t i = replica_index(p, broker);
    if (i >= 0 && kci_mock_in_sync_count(p) > 1)
        p->in_sync[i] = false;
}

static kc_err on_broker_down(kci_mock_partition *p, int32_t broker, uint32_t flags)
{
    if (!kci_mock_is_replica(p, broker))
        return KC_OK;
    if (flags & KC_MOCK_NO_ELECTION) {
        return p->leader == broker ? kci_mock_partition_lead(p, -1) : KC_OK;
    }
    leave_in_sync(p, broker);
    if (p->leader == broker)
        return kci_mock_partition_elect(p, (flags & KC_MOCK_LOSE_UNREPLICATED) != 0);
    advance_if_alone(p);
    return KC_OK;
}

static kc_err on_broker_up(kci_mock_partition *p, int32_t broker)
{
    int32_t i = replica_index(p, broker);
    if (i < 0)
        return KC_OK;
    /* Without a leader only a member of the in-sync set may become it; the others follow it. */
    kc_err err = kci_mock_partition_elect(p, false);
    if (p->leader >= 0)
        p->in_sync[i] = true;
    return err;
}

typedef struct broker_change {
    int32_t broker;
    bool up;
    uint32_t flags;
    kc_err err;
} broker_change;

static void change_partition(kci_mock_partition *p, void *arg)
{
    broker_change *change = arg;
    kc_err err = change->up ? on_broker_up(p, change->broker)
                            : on_broker_down(p, change->broker, change->flags);
    if (err != KC_OK)
        change->err = err;
}

static void choose_controller(kci_mock_cluster *c)
{
    if (kci_mock_broker_is_up(c, c->controller))
        return;
    for (int32_t id = 1; id <= c->broker_count; id++) {
        if (kci_mock_broker_is_up(c, id)) {
            c->controller = id;
            return;
        }
    }
}

kc_err kci_mock_broker_set_up(kci_mock_broker *b, bool up, uint32_t flags)
{
    if (b->up == up)
        return KC_OK;
    b->up = up;
    if (!up)
        kci_mock_sessions_free(&b->sessions);
    choose_controller(b->cluster);
    broker_change change = { b->id, up, flags, KC_OK };
    kci_mock_each_partition(b->cluster, change_partition, &change);
    return change.err;
}
