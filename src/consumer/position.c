/* SPDX-License-Identifier: Apache-2.0 */
/* Questions about an assigned partition that are answered from what is known: position, lag, end.
 */
#include "base/abi_structs.h"
#include "base/err.h"
#include "consumer/consumer.h"

/* False: it is not known yet. */
static bool look_at_position(kc_consumer *c, kc_topic_partition_offset *at, kc_err *err)
{
    pthread_mutex_lock(&c->lock);
    const kci_read_part *p = kci_assignment_find(&c->assignment, at->topic, at->partition);
    bool known = true;
    if (!p) {
        *err = KC_E_STATE;
    } else if (p->place.state == KCI_PLACE_STOPPED && p->place.position < 0) {
        *err = p->place.stop_error;
    } else if (p->place.state == KCI_PLACE_UNPLACED || p->place.state == KCI_PLACE_PLACING) {
        known = false;
    } else {
        *err = KC_OK;
        at->offset = p->place.position;
        at->leader_epoch = p->place.position_epoch;
    }
    pthread_mutex_unlock(&c->lock);
    return known;
}

/* The time has passed: brokers that say that there is no such partition have answered. */
static kc_err why_unknown(kc_consumer *c, const kc_topic_partition_offset *at)
{
    kc_err err = KC_E_TIMED_OUT;
    pthread_mutex_lock(&c->lock);
    const kci_read_part *p = kci_assignment_find(&c->assignment, at->topic, at->partition);
    const kci_topic_meta *meta = p ? p->topic->meta : NULL;
    if (p && p->queue.told != KC_OK)
        err = p->queue.told;
    else if (p && meta && p->replica.missing_since_us != 0)
        err = meta->err != KC_OK ? meta->err : KC_E_UNKNOWN_PARTITION;
    pthread_mutex_unlock(&c->lock);
    return err;
}

kc_err kc_consumer_position(kc_consumer *c, kc_bytes topic, int32_t partition, int32_t timeout_ms,
                            kc_topic_partition_offset *out, kc_error *detail)
{
    kc_topic_partition_offset at = KC_TOPIC_PARTITION_OFFSET_INIT;
    kc_err err = kci_abi_check_out(&kci_abi_topic_partition_offset, out, detail);
    if (err == KC_OK)
        err = kci_consumer_enter(c, detail);
    if (err != KC_OK)
        return err;
    int64_t deadline = kci_consumer_deadline(c, timeout_ms, c->set.api_timeout_ms);
    at.topic = topic;
    at.partition = partition;
    kci_consumer_wait_begin(c);
    while (!look_at_position(c, &at, &err) && kci_consumer_wait(c, deadline, &err))
        ;
    kci_consumer_wait_end(c);
    if (err == KC_E_TIMED_OUT)
        err = why_unknown(c, &at);
    kci_consumer_leave(c);
    if (err == KC_OK)
        (void)kci_abi_give(&kci_abi_topic_partition_offset, &at, out);
    return kci_consumer_fail(c, detail, err);
}

/* End of what the consumer may read; -1: not told yet. */
static int64_t told_end(kc_consumer *c, const kci_read_part *p)
{
    const kci_place *pl = &p->place;
    if (!pl->told || (pl->state != KCI_PLACE_FETCHING && pl->state != KCI_PLACE_STOPPED))
        return -1;
    return kci_place_end(pl, c->set.committed);
}

kc_err kc_consumer_lag(kc_consumer *c, kc_bytes topic, int32_t partition, int64_t *lag)
{
    if (!lag)
        return KC_E_INVALID_ARGUMENT;
    kc_err err = kci_consumer_enter(c, NULL);
    if (err != KC_OK)
        return err;
    pthread_mutex_lock(&c->lock);
    const kci_read_part *p = kci_assignment_find(&c->assignment, topic, partition);
    int64_t end = p ? told_end(c, p) : -1;
    if (!p)
        err = KC_E_STATE;
    else if (end < 0)
        err = KC_E_NO_OFFSET;
    else
        *lag = end > p->place.position ? end - p->place.position : 0;
    pthread_mutex_unlock(&c->lock);
    kci_consumer_leave(c);
    return err;
}

bool kc_consumer_at_end(kc_consumer *c, kc_bytes topic, int32_t partition)
{
    if (kci_consumer_enter(c, NULL) != KC_OK)
        return false;
    pthread_mutex_lock(&c->lock);
    const kci_read_part *p = kci_assignment_find(&c->assignment, topic, partition);
    int64_t end = p ? told_end(c, p) : -1;
    bool at_end = end >= 0 && p->place.position >= end;
    pthread_mutex_unlock(&c->lock);
    kci_consumer_leave(c);
    return at_end;
}
