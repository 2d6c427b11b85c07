/* SPDX-License-Identifier: Apache-2.0 */
/* What a new snapshot of the metadata means for topics and partitions. */
#include "base/bytes.h"
#include "consumer/consumer.h"

void kci_topic_forget_id(kc_consumer *c, kci_read_topic *t)
{
    kc_bytes key = kc_mem(t->id.bytes, sizeof t->id.bytes);
    if (!kci_uuid_is_zero(&t->id) && kci_map_get(&c->ids, key) == t)
        kci_map_remove(&c->ids, key);
    t->id = (kc_uuid){ { 0 } };
}

/* The topic was deleted, and there is another one of its name. */
static void topic_recreated(kc_consumer *c, kci_read_topic *t)
{
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER, "topic %.*s was deleted and created again",
            (int)t->name.size, t->text);
    for (int32_t i = 0; i < t->parts.count; i++) {
        kci_read_part *p = t->parts.items[i];
        p->recreated = p->state != KCI_PART_STOPPED;
        if (p->state != KCI_PART_PLACING && p->state != KCI_PART_CHECKING)
            continue;
        p->token = ++c->last_token; /* what is being asked is about the old one */
        kci_part_set_state(p,
                           p->state == KCI_PART_PLACING ? KCI_PART_UNPLACED : KCI_PART_UNCHECKED);
    }
}

/* Without memory for the map the topic counts as one without an id: it is fetched by name. */
static void take_id(kc_consumer *c, kci_read_topic *t, const kc_uuid *id)
{
    if (kci_uuid_equal(&t->id, id))
        return;
    bool recreated = !kci_uuid_is_zero(&t->id) && !kci_uuid_is_zero(id);
    kci_topic_forget_id(c, t);
    if (!kci_uuid_is_zero(id)) {
        t->id = *id;
        if (kci_map_put(&c->ids, kc_mem(t->id.bytes, sizeof t->id.bytes), t, NULL) != KC_OK)
            t->id = (kc_uuid){ { 0 } };
    }
    if (recreated)
        topic_recreated(c, t);
}

void kci_topic_take_metadata(kc_consumer *c, kci_read_topic *t)
{
    t->meta = kci_metadata_topic(c->metadata, t->name);
    if (!t->meta)
        return;
    if (t->meta->err == KC_OK)
        take_id(c, t, &t->meta->id);
}

void kci_consumer_count_ids(kc_consumer *c)
{
    c->topics_without_id = 0;
    for (int32_t i = 0; i < c->assignment.topics.count; i++) {
        const kci_read_topic *t = c->assignment.topics.items[i];
        if (t->meta && t->meta->err == KC_OK && kci_uuid_is_zero(&t->id))
            c->topics_without_id++;
    }
}

const kci_partition_meta *kci_part_meta(const kci_read_part *p)
{
    const kci_topic_meta *t = p->topic->meta;
    return t && p->number < t->partition_count ? &t->partitions[p->number] : NULL;
}

void kci_consumer_take_metadata(kc_consumer *c)
{
    kci_metadata *old = c->metadata;
    c->metadata = kci_client_metadata(c->client);
    for (int32_t i = 0; i < c->assignment.topics.count; i++)
        kci_topic_take_metadata(c, c->assignment.topics.items[i]);
    kci_consumer_count_ids(c);
    kci_metadata_unref(old);
    int32_t topic = 0, at = 0;
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));) {
        const kci_partition_meta *m = kci_part_meta(p);
        bool moved = m && (m->leader != p->leader || m->leader_epoch != p->leader_epoch);
        if (moved)
            p->retry_us = 0; /* that is what was waited for */
        if (p->retry_us <= kci_loop_now(c->loop))
            kci_part_todo(c, p);
    }
    c->queries_due = true;
    kci_consumer_drop_sources(c);
}
