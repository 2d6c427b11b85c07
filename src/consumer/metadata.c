/* SPDX-License-Identifier: Apache-2.0 */
/* What a new snapshot of the metadata means for topics and partitions. */
#include "consumer/consumer.h"

/* The topic was deleted, and there is another one of its name. */
static void topic_recreated(kc_consumer *c, kci_read_topic *t)
{
    KCI_LOG(c->log, KC_LOG_WARN, KCI_AREA_CONSUMER, "topic %.*s was deleted and created again",
            (int)t->name.size, t->text);
    for (int32_t i = 0; i < t->parts.count; i++) {
        kci_read_part *p = t->parts.items[i];
        kci_place_recreated(&p->place);
    }
}

void kci_topic_look(kc_consumer *c, kci_read_topic *t)
{
    if (kci_known_look(&c->known, t))
        topic_recreated(c, t);
}

void kci_topic_forget(kc_consumer *c, kci_read_topic *t)
{
    kci_known_forget(&c->known, t);
}

const kci_partition_meta *kci_part_meta(const kci_read_part *p)
{
    const kci_topic_meta *t = p->topic->meta;
    return t && p->number < t->partition_count ? &t->partitions[p->number] : NULL;
}

bool kci_part_replica_is_usable(const kc_consumer *c, const kci_read_part *p, int32_t node)
{
    const kci_partition_meta *m = kci_part_meta(p);
    bool good = kci_metadata_node(c->known.metadata, node) != NULL;
    for (int32_t i = 0; good && m && i < m->offline_count; i++)
        good = m->offline[i] != node;
    return good;
}

/* A leader that moved is what a part may have waited for; others keep their pauses. */
static void look_at_leader(kc_consumer *c, kci_read_part *p)
{
    const kci_partition_meta *m = kci_part_meta(p);
    const kci_replica *r = &p->replica;
    if (m && (m->leader != r->leader || m->leader_epoch != r->leader_epoch))
        kci_agenda_no_pause(&p->turn);
    if (kci_agenda_is_due(&c->agenda, &p->turn))
        kci_agenda_todo(&c->agenda, &p->turn);
}

void kci_consumer_take_metadata(kc_consumer *c)
{
    kci_metadata *old = kci_known_replace(&c->known, kci_client_metadata(c->client));
    for (int32_t i = 0; i < c->assignment.topics.count; i++)
        kci_topic_look(c, c->assignment.topics.items[i]);
    kci_metadata_unref(old);
    int32_t topic = 0, at = 0;
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));)
        look_at_leader(c, p);
    kci_questions_wake(&c->questions);
    kci_sources_drop(c);
}
