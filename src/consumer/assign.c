/* SPDX-License-Identifier: Apache-2.0 */
/* What is to be read, by the application's thread: assignments, seeks, pauses. Each call changes
 * the state under the lock at once and leaves the rest to the loop. */
#include <stdlib.h>

#include "base/err.h"
#include "consumer/consumer.h"
#include "core/partitions.h"

typedef kc_topic_partition_position entry;

static bool position_ok(const kc_position *p)
{
    switch (p->kind) {
    case KC_POSITION_STORED:
    case KC_POSITION_BEGINNING:
    case KC_POSITION_END:
        return true;
    case KC_POSITION_OFFSET_EPOCH:
        return p->leader_epoch >= 0 && p->value >= 0 && p->value < INT64_MAX;
    case KC_POSITION_OFFSET:
        return p->value >= 0 && p->value < INT64_MAX;
    case KC_POSITION_TIMESTAMP:
    case KC_POSITION_TAIL:
        return p->value >= 0;
    default:
        return false;
    }
}

static kc_err check_list(const entry *list, size_t count, kc_error *detail)
{
    if (count > 0 && !list)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the list is NULL");
    for (size_t i = 0; i < count; i++) {
        if (!kci_topic_partition_ok(list[i].topic, list[i].partition))
            return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                            "entry %zu is no partition: a topic's name has 1 to 249 letters, "
                            "digits, '.', '_' and '-', and partitions count from 0",
                            i);
        if (!position_ok(&list[i].position))
            return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                            "entry %zu: no such kind of position, or its value is out of range", i);
    }
    return KC_OK;
}

/* ---- topics that the core is to know ------------------------------------------------------- */

/* Asks for a topic for each entry; all or none. One wish per partition: the core counts. */
static kc_err want_topics(kc_consumer *c, const entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kc_err err = kci_client_want_topic(c->client, list[i].topic);
        if (err == KC_OK)
            continue;
        while (i-- > 0)
            kci_client_drop_topic(c->client, list[i].topic);
        return err;
    }
    return KC_OK;
}

static void drop_topics(kc_consumer *c, const entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        kci_client_drop_topic(c->client, list[i].topic);
}

/* ---- assignments -------------------------------------------------------------------------- */

static void unassign(kc_consumer *c, kci_read_part *p)
{
    kci_reading_leave(&c->reading, p);
    kci_part_unassign(c, p);
}

/* Enters the list into an assignment that the loop may know, or not yet; all or none. */
static kc_err enter_list(kci_assignment *a, const entry *list, size_t count, kc_error *detail)
{
    for (size_t i = 0; i < count; i++) {
        kci_read_part *p;
        kc_err err = kci_assignment_add(a, list[i].topic, list[i].partition, &p);
        if (err == KC_OK)
            continue;
        size_t bad = i;
        while (i-- > 0) {
            p = kci_assignment_find(a, list[i].topic, list[i].partition);
            kci_assignment_remove(a, p);
            kci_part_unref(p);
        }
        if (err != KC_E_STATE)
            return kci_fail(detail, err, NULL);
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "entry %zu: %.*s [%d] is named twice, or assigned already", bad,
                        (int)list[bad].topic.size, (const char *)list[bad].topic.data,
                        list[bad].partition);
    }
    return KC_OK;
}

/* Begins to read what has been entered. */
static void begin_list(kc_consumer *c, const entry *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        kci_read_part *p = kci_assignment_find(&c->assignment, list[i].topic, list[i].partition);
        kci_part_begin(c, p, &list[i].position);
    }
    kci_consumer_post(c);
}

/* The wishes of an assignment end with it. Lock held; the core only queues them. */
static void unassign_all(kc_consumer *c)
{
    for (kci_read_part *p; (p = kci_assignment_last(&c->assignment));) {
        kci_client_drop_topic(c->client, p->topic->name);
        unassign(c, p);
    }
    kci_assignment_free(&c->assignment);
}

void kci_consumer_unassign_all(kc_consumer *c)
{
    unassign_all(c);
    kci_consumer_sync_readable(c);
}

static kc_err assign(kc_consumer *c, const entry *list, size_t count, kc_error *detail)
{
    kc_err err = check_list(list, count, detail);
    if (err != KC_OK)
        return err;
    err = want_topics(c, list, count);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    kci_assignment fresh = { 0 };
    err = enter_list(&fresh, list, count, detail);
    if (err != KC_OK) {
        kci_assignment_free(&fresh);
        drop_topics(c, list, count);
        return err;
    }
    pthread_mutex_lock(&c->lock);
    unassign_all(c);
    c->assignment = fresh;
    begin_list(c, list, count);
    kci_consumer_sync_readable(c);
    pthread_mutex_unlock(&c->lock);
    return KC_OK;
}

static kc_err assign_add(kc_consumer *c, const entry *list, size_t count, kc_error *detail)
{
    kc_err err = check_list(list, count, detail);
    if (err != KC_OK)
        return err;
    err = want_topics(c, list, count);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    pthread_mutex_lock(&c->lock);
    err = enter_list(&c->assignment, list, count, detail);
    if (err == KC_OK)
        begin_list(c, list, count);
    pthread_mutex_unlock(&c->lock);
    if (err != KC_OK)
        drop_topics(c, list, count);
    return err;
}

static kc_err assign_remove(kc_consumer *c, const kc_topic_partition *list, size_t count)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < count; i++) {
        kci_read_part *p = kci_assignment_find(&c->assignment, list[i].topic, list[i].partition);
        if (!p)
            continue;
        kci_client_drop_topic(c->client, p->topic->name);
        unassign(c, p);
    }
    kci_consumer_post(c);
    kci_consumer_sync_readable(c);
    pthread_mutex_unlock(&c->lock);
    return KC_OK;
}

kc_err kc_consumer_assign(kc_consumer *c, const entry *list, size_t count, kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    err = assign(c, list, count, detail);
    kci_consumer_leave(c);
    return err;
}

kc_err kc_consumer_assign_add(kc_consumer *c, const entry *list, size_t count, kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    err = assign_add(c, list, count, detail);
    kci_consumer_leave(c);
    return err;
}

kc_err kc_consumer_assign_remove(kc_consumer *c, const kc_topic_partition *list, size_t count,
                                 kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    if (count > 0 && !list)
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT, "the list is NULL");
    else
        err = assign_remove(c, list, count);
    kci_consumer_leave(c);
    return err;
}

/* Lock held. NULL when out of memory. */
static kc_partitions *copy_assignment(kc_consumer *c)
{
    size_t names = 0;
    int32_t topic = 0, at = 0;
    for (kci_read_part *p; (p = kci_assignment_next(&c->assignment, &topic, &at));)
        names += p->topic->name.size;
    kc_partitions *list = kci_partitions_new(c->assignment.part_count, names);
    topic = at = 0;
    for (kci_read_part *p; list && (p = kci_assignment_next(&c->assignment, &topic, &at));)
        kci_partitions_add(list, p->topic->name, p->number);
    return list;
}

kc_err kc_consumer_assignment(kc_consumer *c, kc_partitions **out, kc_error *detail)
{
    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    pthread_mutex_lock(&c->lock);
    *out = copy_assignment(c);
    pthread_mutex_unlock(&c->lock);
    kci_consumer_leave(c);
    return *out ? KC_OK : kci_fail(detail, KC_E_NO_MEMORY, NULL);
}

/* ---- seek, pause, resume ------------------------------------------------------------------ */

static kc_err not_assigned(kc_error *detail, kc_bytes topic, int32_t partition)
{
    return kci_fail(detail, KC_E_STATE, "%.*s [%d] is not assigned to this consumer",
                    topic.data ? (int)topic.size : 0, (const char *)topic.data, partition);
}

static kc_err seek(kc_consumer *c, kc_bytes topic, int32_t partition, const kc_position *to,
                   kc_error *detail)
{
    if (!position_ok(to))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "no such kind of position, or its value is out of range");
    pthread_mutex_lock(&c->lock);
    kci_read_part *p = kci_assignment_find(&c->assignment, topic, partition);
    if (p) {
        kci_reading_leave(&c->reading, p);
        kci_part_seek(c, p, to);
        kci_consumer_post(c);
        kci_consumer_sync_readable(c);
    }
    pthread_mutex_unlock(&c->lock);
    return p ? KC_OK : not_assigned(detail, topic, partition);
}

kc_err kc_consumer_seek(kc_consumer *c, kc_bytes topic, int32_t partition, kc_position position,
                        kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    err = seek(c, topic, partition, &position, detail);
    kci_consumer_leave(c);
    return err;
}

static kc_err set_paused(kc_consumer *c, const kc_topic_partition *list, size_t count, bool paused,
                         kc_error *detail)
{
    kc_err err = KC_OK;
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < count; i++) {
        kci_read_part *p = kci_assignment_find(&c->assignment, list[i].topic, list[i].partition);
        if (!p) {
            err = not_assigned(detail, list[i].topic, list[i].partition);
            continue;
        }
        kci_reading_leave(&c->reading, p); /* gives its decompressed block back */
        kci_part_set_paused(c, p, paused);
    }
    kci_consumer_post(c);
    kci_consumer_sync_readable(c);
    pthread_mutex_unlock(&c->lock);
    return err;
}

static kc_err pause_list(kc_consumer *c, const kc_topic_partition *list, size_t count, bool paused,
                         kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    if (count > 0 && !list)
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT, "the list is NULL");
    else
        err = set_paused(c, list, count, paused, detail);
    kci_consumer_leave(c);
    return err;
}

kc_err kc_consumer_pause(kc_consumer *c, const kc_topic_partition *list, size_t count,
                         kc_error *detail)
{
    return pause_list(c, list, count, true, detail);
}

kc_err kc_consumer_resume(kc_consumer *c, const kc_topic_partition *list, size_t count,
                          kc_error *detail)
{
    return pause_list(c, list, count, false, detail);
}
