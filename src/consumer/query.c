/* SPDX-License-Identifier: Apache-2.0 */
/* Questions of the application about offsets of any partition, by asking the leaders. A query is
 * shared by the call that waits for it and the probes under way: the call leaves it at its
 * deadline, and who leaves last frees it. */
#include "base/abi_structs.h"
#include "base/err.h"
#include "base/planted.h"
#include "consumer/consumer.h"

enum { GRACE_US = 2 * 1000 * 1000 }; /* for topics that the brokers do not know (yet) */

typedef struct query_item {
    kci_probe probe;
    struct query *query;
    bool finished;
    kc_err err;
    kc_err answer; /* brokers said that there is no such partition (yet); KC_OK: they did not */
    uint32_t failures;
    int64_t retry_us;
} query_item;

typedef struct query {
    kc_consumer *consumer;
    kci_link link; /* in consumer->questions, while the call waits */
    int32_t refs;  /* the call's, and one for each busy probe; under the lock */
    int64_t begun_us;
    size_t count, left;
    query_item items[];
} query;

/* ---- loop --------------------------------------------------------------------------------- */

static void finish(query_item *item, kc_err err)
{
    query *q = item->query;
    item->finished = true;
    item->err = err;
    if (--q->left == 0)
        kci_consumer_answered(q->consumer);
}

/* The answer may be another one later. That there is no such partition is an answer as well. */
static void retry(kc_consumer *c, query_item *item, kc_err err)
{
    if (err == KC_E_UNKNOWN_TOPIC_OR_PARTITION || err == KC_E_UNKNOWN_PARTITION)
        item->answer = err;
    if (item->failures < 30)
        item->failures++;
    item->retry_us = kci_loop_now(c->loop) + kci_agenda_delay(&c->agenda, item->failures);
    kci_agenda_due_at(&c->agenda, item->retry_us);
}

static void query_unref(query *q)
{
    if (--q->refs == 0)
        kci_free(q);
}

static void on_probe(kci_probe *probe, kc_err err)
{
    query_item *item = KCI_CONTAINER_OF(probe, query_item, probe);
    query *q = item->query;
    kc_consumer *c = q->consumer;
    bool again = kci_probe_is_retriable(err) && kci_link_is_on(&q->link) && !c->detached;
    if (again) {
        retry(c, item, err);
        if ((kc_error_flags(err) & KC_ERROR_REFRESH_METADATA) != 0)
            kci_client_refresh(c->client);
    } else {
        finish(item, err);
    }
    query_unref(q);
}

/* The topic or partition is not there, or has no leader: now, or for good. */
static void no_leader(kc_consumer *c, query_item *item, kc_err err)
{
    bool missing = err == KC_E_UNKNOWN_TOPIC_OR_PARTITION || err == KC_E_UNKNOWN_PARTITION;
    bool wait = missing ? kci_loop_now(c->loop) < item->query->begun_us + GRACE_US
                        : (kc_error_flags(err) & KC_ERROR_RETRIABLE) != 0;
    if (!wait) {
        finish(item, err);
        return;
    }
    kci_client_refresh(c->client);
    retry(c, item, err);
}

static void advance(kc_consumer *c, query_item *item)
{
    kci_probe *l = &item->probe;
    const kci_topic_meta *t = kci_metadata_topic(c->known.metadata, l->topic);
    if (!t) /* asked for: there will be a newer snapshot */
        return;
    const kci_partition_meta *m =
        l->partition < t->partition_count ? &t->partitions[l->partition] : NULL;
    kc_err err = t->err;
    if (err == KC_OK && !m)
        err = KC_E_UNKNOWN_PARTITION;
    if (err == KC_OK && m->leader < 0)
        err = KC_E_LEADER_UNKNOWN;
    if (err != KC_OK) {
        no_leader(c, item, err);
        return;
    }
    l->node = m->leader;
    l->current_epoch = m->leader_epoch;
    l->done = on_probe;
    item->query->refs++;
    kci_probe_ask(&c->probes, l);
}

void kci_questions_wake(kci_questions *q)
{
    q->due = true;
}

void kci_consumer_run_queries(kc_consumer *c)
{
    if (!c->questions.due)
        return;
    c->questions.due = false;
    for (kci_link *l = kci_list_first(&c->questions.list); l;
         l = kci_list_next(&c->questions.list, l)) {
        query *q = KCI_CONTAINER_OF(l, query, link);
        for (size_t i = 0; i < q->count; i++) {
            query_item *item = &q->items[i];
            if (item->finished || item->probe.busy)
                continue;
            if (item->retry_us > kci_loop_now(c->loop))
                kci_agenda_due_at(&c->agenda, item->retry_us);
            else
                advance(c, item);
        }
    }
}

/* ---- application: asking ------------------------------------------------------------------- */

static query *new_query(kc_consumer *c, size_t count)
{
    if (count > (SIZE_MAX - sizeof(query)) / sizeof(query_item))
        return NULL;
    query *q = kci_calloc(1, sizeof *q + count * sizeof(query_item));
    if (!q)
        return NULL;
    q->consumer = c;
    q->refs = 1;
    q->count = q->left = count;
    q->begun_us = c->sys->mono_us(c->sys);
    for (size_t i = 0; i < count; i++) {
        q->items[i].query = q;
        q->items[i].err = KC_E_TIMED_OUT;
        q->items[i].probe.kind = KCI_PROBE_OFFSET;
    }
    return q;
}

static void set_item(query *q, size_t i, kc_bytes topic, int32_t partition, int64_t timestamp,
                     bool committed)
{
    kci_probe *l = &q->items[i].probe;
    l->topic = topic;
    l->partition = partition;
    l->timestamp = timestamp;
    l->committed = committed;
}

static kc_err want_topics(query *q)
{
    for (size_t i = 0; i < q->count; i++) {
        kc_err err = kci_client_want_topic(q->consumer->client, q->items[i].probe.topic);
        if (err == KC_OK)
            continue;
        while (i-- > 0)
            kci_client_drop_topic(q->consumer->client, q->items[i].probe.topic);
        return err;
    }
    return KC_OK;
}

static bool is_over(kc_consumer *c, const query *q)
{
    pthread_mutex_lock(&c->lock);
    bool over = q->left == 0;
    pthread_mutex_unlock(&c->lock);
    return over;
}

/* Waits for all answers; on return with an error the loop asks for no more of them, but probes
 * under way may still refer to the query. */
static kc_err run_query(query *q, int64_t deadline_us)
{
    kc_consumer *c = q->consumer;
    kc_err err = want_topics(q);
    if (err != KC_OK)
        return err;
    pthread_mutex_lock(&c->lock);
    kci_list_push_back(&c->questions.list, &q->link);
    c->questions.due = true;
    kci_consumer_post(c);
    pthread_mutex_unlock(&c->lock);
    kci_consumer_wait_begin(c);
    while (!is_over(c, q) && kci_consumer_wait(c, deadline_us, &err))
        ;
    kci_consumer_wait_end(c);
    pthread_mutex_lock(&c->lock);
    kci_link_remove(&q->link);
    err = q->left == 0 ? KC_OK : err;
    pthread_mutex_unlock(&c->lock);
    for (size_t i = 0; i < q->count; i++)
        kci_client_drop_topic(c->client, q->items[i].probe.topic);
    return err;
}

/* Probes under way keep pointers to the topic's bytes: those of the caller are not for ever. The
 * copies lie behind the items. */
static query *new_query_with_names(kc_consumer *c, size_t count, size_t names, uint8_t **text)
{
    size_t items = (names + sizeof(query_item) - 1) / sizeof(query_item);
    if (items > SIZE_MAX - count)
        return NULL;
    query *q = new_query(c, count + items);
    if (!q)
        return NULL;
    q->count = q->left = count;
    *text = (uint8_t *)(q->items + count);
    return q;
}

static kc_bytes copy_name(uint8_t **text, kc_bytes name)
{
    kc_bytes copy = kc_mem(*text, name.size);
    memcpy(*text, name.data, name.size);
    *text += name.size;
    return copy;
}

static void end_query(kc_consumer *c, query *q)
{
    pthread_mutex_lock(&c->lock);
    query_unref(q);
    pthread_mutex_unlock(&c->lock);
}

/* ---- kc_consumer_offsets_for_times --------------------------------------------------------- */

static kc_err check_times(const kc_offset_for_time *list, size_t count, kc_error *detail)
{
    if (count > 0 && !list)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the list is NULL");
    for (size_t i = 0; i < count; i++) {
        if (!kci_topic_partition_ok(list[i].topic, list[i].partition) || list[i].timestamp < 0)
            return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                            "entry %zu: no topic's name, or a number below 0", i);
    }
    return KC_OK;
}

/* What became of one question of a query that ended with err. Brokers that answered, if only that
 * there is no such partition, have not failed to answer in time. */
static kc_err outcome(const query_item *item, kc_err err)
{
    if (item->finished)
        return item->err;
    return err == KC_E_TIMED_OUT && item->answer != KC_OK ? item->answer : KC_E_TIMED_OUT;
}

/* The error of the whole query: its first question's that has one, unless it was cut short. */
static kc_err first_error(const query *q, kc_err err)
{
    bool cut_short = err != KC_OK && err != KC_E_TIMED_OUT;
    for (size_t i = 0; i < q->count && !cut_short; i++) {
        kc_err one = outcome(&q->items[i], err);
        if (one != KC_OK)
            return one;
    }
    return err;
}

static kc_err take_times(kc_consumer *c, query *q, kc_offset_for_time *list, kc_err err)
{
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < q->count; i++) {
        const query_item *item = &q->items[i];
        list[i].err = outcome(item, err);
        bool found = list[i].err == KC_OK;
        list[i].offset = found ? item->probe.offset : -1;
        list[i].timestamp = found ? item->probe.found_timestamp : -1;
        list[i].leader_epoch = found ? item->probe.found_epoch : -1;
    }
    err = first_error(q, err);
    pthread_mutex_unlock(&c->lock);
    return err;
}

static kc_err times(kc_consumer *c, kc_offset_for_time *list, size_t count, int32_t timeout_ms,
                    kc_error *detail)
{
    kc_err err = check_times(list, count, detail);
    if (err != KC_OK || count == 0)
        return err;
    size_t names = 0;
    for (size_t i = 0; i < count; i++)
        names += list[i].topic.size;
    uint8_t *text;
    query *q = new_query_with_names(c, count, names, &text);
    if (!q)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    for (size_t i = 0; i < count; i++)
        set_item(q, i, copy_name(&text, list[i].topic), list[i].partition, list[i].timestamp,
                 c->set.committed);
    err = run_query(q, kci_consumer_deadline(c, timeout_ms, c->set.api_timeout_ms));
    err = take_times(c, q, list, err);
    end_query(c, q);
    return kci_consumer_fail(c, detail, err);
}

kc_err kc_consumer_offsets_for_times(kc_consumer *c, kc_offset_for_time *list, size_t count,
                                     int32_t timeout_ms, kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    err = times(c, list, count, timeout_ms, detail);
    kci_consumer_leave(c);
    return err;
}

/* ---- kc_consumer_offsets ------------------------------------------------------------------- */

static void known_offsets(kc_consumer *c, kc_bytes topic, int32_t partition,
                          kc_partition_offsets *o)
{
    pthread_mutex_lock(&c->lock);
    const kci_read_part *p = kci_assignment_find(&c->assignment, topic, partition);
    o->beginning = p ? p->place.log_start : -1;
    o->end = p ? p->place.high_watermark : -1;
    o->last_stable = p ? p->place.last_stable : -1;
    pthread_mutex_unlock(&c->lock);
}

static kc_err take_offsets(kc_consumer *c, query *q, kc_partition_offsets *o, kc_err err)
{
    pthread_mutex_lock(&c->lock);
    err = first_error(q, err);
    if (err == KC_OK) {
        o->beginning = q->items[0].probe.offset;
        o->end = q->items[1].probe.offset + KCI_BUG(END_WRONG);
        o->last_stable = q->items[2].probe.offset;
    }
    pthread_mutex_unlock(&c->lock);
    return err;
}

static kc_err ask_offsets(kc_consumer *c, kc_bytes topic, int32_t partition, int32_t timeout_ms,
                          kc_partition_offsets *o, kc_error *detail)
{
    uint8_t *text;
    query *q = new_query_with_names(c, 3, topic.size, &text);
    if (!q)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    kc_bytes name = copy_name(&text, topic);
    set_item(q, 0, name, partition, KCI_TIMESTAMP_EARLIEST, false);
    set_item(q, 1, name, partition, KCI_TIMESTAMP_LATEST, false);
    set_item(q, 2, name, partition, KCI_TIMESTAMP_LATEST, true);
    kc_err err = run_query(q, kci_consumer_deadline(c, timeout_ms, c->set.api_timeout_ms));
    err = take_offsets(c, q, o, err);
    end_query(c, q);
    return kci_consumer_fail(c, detail, err);
}

kc_err kc_consumer_offsets(kc_consumer *c, kc_bytes topic, int32_t partition, int32_t timeout_ms,
                           kc_partition_offsets *out, kc_error *detail)
{
    kc_err err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    kc_partition_offsets o = KC_PARTITION_OFFSETS_INIT;
    err = kci_abi_check_out(&kci_abi_partition_offsets, out, detail);
    if (err == KC_OK && !kci_topic_partition_ok(topic, partition))
        err = kci_fail(detail, KC_E_INVALID_ARGUMENT, "no topic's name, or a number below 0");
    if (err != KC_OK) {
        kci_consumer_leave(c);
        return err;
    }
    if (timeout_ms == 0)
        known_offsets(c, topic, partition, &o);
    else
        err = ask_offsets(c, topic, partition, timeout_ms, &o, detail);
    if (err == KC_OK)
        (void)kci_abi_give(&kci_abi_partition_offsets, &o, out);
    kci_consumer_leave(c);
    return err;
}
