/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions that change the cluster: topics, failures, faults. Each is a small step that is
 * carried to the cluster's thread. */
#include "base/mem.h"
#include "mock/abi_structs.h"
#include "mock/step.h"

const char *kc_mock_bootstrap(kc_mock *mock)
{
    return mock ? mock->bootstrap : NULL;
}

/* topics */

static void create_topic(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_new_topic t = { .name = kc_str(s->topic),
                             .partitions = s->count,
                             .replication = s->broker };
    kci_mock_topic *made;
    s->err = kci_mock_topic_create(&s->mock->cluster, &t, &made);
}

kc_err kc_mock_create_topic(kc_mock *mock, const char *topic, int32_t partitions,
                            int32_t replication)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .count = partitions, .broker = replication };
    return kci_mock_step_run(&s, create_topic);
}

static void delete_topic(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_topic *topic = kci_mock_step_topic(s);
    if (topic)
        kci_mock_topic_delete(topic);
}

kc_err kc_mock_delete_topic(kc_mock *mock, const char *topic)
{
    kci_mock_step s = { .mock = mock, .topic = topic };
    return kci_mock_step_run(&s, delete_topic);
}

static void add_partitions(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_topic *topic = kci_mock_step_topic(s);
    if (topic)
        s->err = kci_mock_topic_grow(topic, s->count, NULL);
}

kc_err kc_mock_add_partitions(kc_mock *mock, const char *topic, int32_t partitions)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .count = partitions };
    return kci_mock_step_run(&s, add_partitions);
}

static void topic_id(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_topic *topic = kci_mock_step_topic(s);
    if (topic)
        *(kc_uuid *)s->out = topic->id;
}

kc_err kc_mock_topic_id(kc_mock *mock, const char *topic, kc_uuid *id)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .out = id };
    return kci_mock_step_run(&s, topic_id);
}

static void set_topic_config(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_topic *topic = kci_mock_step_topic(s);
    if (topic)
        s->err = kci_mock_topic_configure(topic, kc_str(s->text), kc_str(s->more));
}

kc_err kc_mock_set_topic_config(kc_mock *mock, const char *topic, const char *name,
                                const char *value)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .text = name, .more = value };
    return kci_mock_step_run(&s, set_topic_config);
}

/* failures of the cluster */

static void move_leader(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
    if (!p)
        return;
    if (!kci_mock_is_replica(p, s->broker) ||
        !kci_mock_broker_is_up(&s->mock->cluster, s->broker) || s->number < 0) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    int32_t former = p->leader, former_epoch = p->leader_epoch;
    kci_mock_set_in_sync(p, s->broker, true);
    s->err = s->flags & KC_MOCK_SAME_EPOCH ? kci_mock_partition_hand_over(p, s->broker)
                                           : kci_mock_partition_lead(p, s->broker);
    p->no_hints = (s->flags & KC_MOCK_NO_HINTS) != 0;
    if (s->number > 0) {
        p->shown_leader = former;
        p->shown_epoch = former_epoch;
        p->shown_until_us = s->mock->cluster.now_us + 1000 * s->number;
    }
}

kc_err kc_mock_move_leader(kc_mock *mock, const char *topic, int32_t partition, int32_t broker,
                           int32_t stale_ms, uint32_t flags)
{
    if ((flags & ~(uint32_t)(KC_MOCK_NO_HINTS | KC_MOCK_SAME_EPOCH)) != 0)
        return KC_E_INVALID_ARGUMENT;
    kci_mock_step s = { .mock = mock,
                        .topic = topic,
                        .partition = partition,
                        .broker = broker,
                        .number = stale_ms,
                        .flags = flags };
    return kci_mock_step_run(&s, move_leader);
}

static void broker_down(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_door *door = kci_mock_step_door(s);
    if (!door)
        return;
    kci_mock_door_close(door);
    s->err = kci_mock_broker_set_up(door->broker, false, s->flags);
}

kc_err kc_mock_broker_down(kc_mock *mock, int32_t broker, uint32_t flags)
{
    if ((flags & ~(uint32_t)(KC_MOCK_LOSE_UNREPLICATED | KC_MOCK_NO_ELECTION)) != 0)
        return KC_E_INVALID_ARGUMENT;
    kci_mock_step s = { .mock = mock, .broker = broker, .flags = flags };
    return kci_mock_step_run(&s, broker_down);
}

static void broker_up(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_door *door = kci_mock_step_door(s);
    if (!door)
        return;
    s->err = kci_mock_door_open(door, NULL);
    if (s->err == KC_OK)
        s->err = kci_mock_broker_set_up(door->broker, true, 0);
}

kc_err kc_mock_broker_up(kc_mock *mock, int32_t broker)
{
    kci_mock_step s = { .mock = mock, .broker = broker };
    return kci_mock_step_run(&s, broker_up);
}

static void disconnect(void *arg)
{
    kci_mock_step *s = arg;
    if (s->broker != -1) {
        kci_mock_door *door = kci_mock_step_door(s);
        if (door)
            kci_mock_door_disconnect(door);
        return;
    }
    for (int32_t i = 0; i < s->mock->door_count; i++)
        kci_mock_door_disconnect(&s->mock->doors[i]);
}

kc_err kc_mock_disconnect(kc_mock *mock, int32_t broker)
{
    kci_mock_step s = { .mock = mock, .broker = broker };
    return kci_mock_step_run(&s, disconnect);
}

static void truncate_log(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
    if (!p)
        return;
    if (s->number < p->log.start || s->number > p->log.end) {
        s->err = KC_E_OFFSET_OUT_OF_RANGE;
        return;
    }
    int32_t leader = s->broker < 0 ? p->leader : s->broker;
    if (s->broker >= 0 &&
        (!kci_mock_is_replica(p, leader) || !kci_mock_broker_is_up(&s->mock->cluster, leader))) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    s->err = kci_mock_log_truncate(&p->log, s->number);
    kc_err err = kci_mock_partition_lead(p, leader);
    if (s->err == KC_OK)
        s->err = err;
}

kc_err kc_mock_truncate(kc_mock *mock, const char *topic, int32_t partition, int64_t offset,
                        int32_t leader)
{
    kci_mock_step s = {
        .mock = mock, .topic = topic, .partition = partition, .number = offset, .broker = leader
    };
    return kci_mock_step_run(&s, truncate_log);
}

static void set_rack(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_door *door = kci_mock_step_door(s);
    if (!door)
        return;
    char *rack = s->text ? kci_strndup(s->text, strlen(s->text)) : NULL;
    if (s->text && !rack) {
        s->err = KC_E_NO_MEMORY;
        return;
    }
    kci_free(door->broker->rack);
    door->broker->rack = rack;
}

kc_err kc_mock_set_rack(kc_mock *mock, int32_t broker, const char *rack)
{
    kci_mock_step s = { .mock = mock, .broker = broker, .text = rack };
    return kci_mock_step_run(&s, set_rack);
}

static void set_max_version(void *arg)
{
    kci_mock_step *s = arg;
    int32_t api = s->count;
    if (api < 0 || api >= KCI_MOCK_APIS || s->number < -2 || s->number > INT8_MAX - 2) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    if (s->broker != -1 && !kci_mock_step_door(s))
        return;
    for (int32_t i = 0; i < s->mock->door_count; i++) {
        kci_mock_broker *b = s->mock->doors[i].broker;
        if (s->broker == -1 || s->broker == b->id)
            b->limits[api] = (int8_t)(s->number + 2);
    }
}

kc_err kc_mock_set_max_version(kc_mock *mock, int32_t broker, int32_t api, int32_t version)
{
    kci_mock_step s = { .mock = mock, .broker = broker, .count = api, .number = version };
    return kci_mock_step_run(&s, set_max_version);
}

static void set_in_sync(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
    if (!p)
        return;
    bool last = kci_mock_is_in_sync(p, s->broker) && kci_mock_in_sync_count(p) == 1;
    if (!kci_mock_is_replica(p, s->broker) || (!s->yes && (p->leader == s->broker || last))) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    kci_mock_set_in_sync(p, s->broker, s->yes);
    if (s->yes)
        s->err = kci_mock_partition_elect(p, false);
}

kc_err kc_mock_set_in_sync(kc_mock *mock, const char *topic, int32_t partition, int32_t broker,
                           bool in_sync)
{
    kci_mock_step s = {
        .mock = mock, .topic = topic, .partition = partition, .broker = broker, .yes = in_sync
    };
    return kci_mock_step_run(&s, set_in_sync);
}

static void delete_records(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
    if (!p)
        return;
    int64_t offset = s->number == -1 ? p->log.hw : s->number;
    if (offset < 0 || offset > p->log.hw)
        s->err = KC_E_OFFSET_OUT_OF_RANGE;
    else
        kci_mock_log_delete_before(&p->log, offset);
}

kc_err kc_mock_delete_records(kc_mock *mock, const char *topic, int32_t partition, int64_t offset)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition, .number = offset };
    return kci_mock_step_run(&s, delete_records);
}

/* faults */

static void add_fault(void *arg)
{
    kci_mock_step *s = arg;
    s->result = kci_mock_faults_add(&s->mock->faults, s->in);
}

int64_t kc_mock_add_fault(kc_mock *mock, const kc_mock_fault *fault)
{
    kc_mock_fault copy;
    uint32_t known = KC_MOCK_FAULT_TOP | KC_MOCK_FAULT_APPLIED;
    if (!fault || kci_abi_take(&kci_abi_mock_fault, fault, &copy, NULL) != KC_OK ||
        (copy.flags & ~known) != 0)
        return KC_E_INVALID_ARGUMENT;
    kci_mock_step s = { .mock = mock, .in = &copy };
    return kci_mock_step_number(&s, add_fault);
}

static void fault_hits(void *arg)
{
    kci_mock_step *s = arg;
    s->result = kci_mock_faults_hits(&s->mock->faults, s->number);
}

int64_t kc_mock_fault_hits(kc_mock *mock, int64_t id)
{
    kci_mock_step s = { .mock = mock, .number = id };
    return kci_mock_step_number(&s, fault_hits);
}

static void remove_fault(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_faults_remove(&s->mock->faults, s->number);
}

void kc_mock_remove_fault(kc_mock *mock, int64_t id)
{
    kci_mock_step s = { .mock = mock, .number = id };
    kci_mock_step_run(&s, remove_fault);
}

static void clear_faults(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_faults_clear(&s->mock->faults);
}

void kc_mock_clear_faults(kc_mock *mock)
{
    kci_mock_step s = { .mock = mock };
    kci_mock_step_run(&s, clear_faults);
}

/* for the simulator */

static void advertise(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_door *door = kci_mock_step_door(s);
    if (!door)
        return;
    size_t size = strlen(s->text);
    if (size == 0 || size >= sizeof door->broker->host) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    memcpy(door->broker->host, s->text, size + 1);
    door->broker->port = s->count;
    s->err = kci_mock_write_bootstrap(s->mock);
}

kc_err kci_mock_advertise(kc_mock *mock, int32_t broker, const char *host, uint16_t port)
{
    kci_mock_step s = { .mock = mock, .broker = broker, .text = host, .count = port };
    return kci_mock_step_run(&s, advertise);
}

void kci_mock_set_answer_hook(kc_mock *mock, kci_mock_answer_fn fn, void *arg)
{
    mock->hook = fn;
    mock->hook_arg = arg;
}
