/* SPDX-License-Identifier: Apache-2.0 */
/* The public functions: each is a small step that kci_mock_run carries to the cluster's thread. */
#include "base/mem.h"
#include "mock/server.h"

/* One call's arguments and result; which are used depends on the step. */
typedef struct step {
    kc_mock *mock;
    const char *topic, *text, *more;
    int32_t partition, broker, count;
    int64_t number;
    uint32_t flags;
    bool yes;
    const void *in;
    void *out;
    size_t size;
    kc_err err;
    int64_t result; /* a number; of no meaning after an error */
} step;

static kc_err run(step *s, void (*fn)(void *arg))
{
    kci_mock_run(s->mock, fn, s);
    return s->err;
}

/* For results that share their type with numbers: Kafka's codes, which are above 0, come with their
 * sign changed, and an unknown topic is an unknown partition. */
static int64_t run_number(step *s, void (*fn)(void *arg))
{
    kci_mock_run(s->mock, fn, s);
    if (s->err == KC_OK)
        return s->result;
    if (s->err == KC_E_UNKNOWN_TOPIC_OR_PARTITION)
        return KC_E_UNKNOWN_PARTITION;
    return s->err > 0 ? -(int64_t)s->err : s->err;
}

static kci_mock_topic *topic_of(const step *s)
{
    return s->topic ? kci_mock_topic_get(&s->mock->cluster, kc_str(s->topic)) : NULL;
}

static kci_mock_partition *partition_of(const step *s)
{
    return kci_mock_partition_of(topic_of(s), s->partition);
}

/* NULL, and the result set, when there is no such partition. */
static kci_mock_partition *need_partition(step *s)
{
    kci_mock_partition *p = partition_of(s);
    s->err = p ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    return p;
}

const char *kc_mock_bootstrap(kc_mock *mock)
{
    return mock->bootstrap;
}

/* topics */

static void create_topic(void *arg)
{
    step *s = arg;
    kci_mock_new_topic t = { .name = kc_str(s->topic),
                             .partitions = s->count,
                             .replication = s->broker };
    kci_mock_topic *made;
    s->err = kci_mock_topic_create(&s->mock->cluster, &t, &made);
}

kc_err kc_mock_create_topic(kc_mock *mock, const char *topic, int32_t partitions,
                            int32_t replication)
{
    step s = { .mock = mock, .topic = topic, .count = partitions, .broker = replication };
    return run(&s, create_topic);
}

static void delete_topic(void *arg)
{
    step *s = arg;
    kci_mock_topic *topic = topic_of(s);
    s->err = topic ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic)
        kci_mock_topic_delete(topic);
}

kc_err kc_mock_delete_topic(kc_mock *mock, const char *topic)
{
    step s = { .mock = mock, .topic = topic };
    return run(&s, delete_topic);
}

static void add_partitions(void *arg)
{
    step *s = arg;
    kci_mock_topic *topic = topic_of(s);
    s->err = topic ? kci_mock_topic_grow(topic, s->count, NULL) : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
}

kc_err kc_mock_add_partitions(kc_mock *mock, const char *topic, int32_t partitions)
{
    step s = { .mock = mock, .topic = topic, .count = partitions };
    return run(&s, add_partitions);
}

static void topic_id(void *arg)
{
    step *s = arg;
    const kci_mock_topic *topic = topic_of(s);
    s->err = topic ? KC_OK : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
    if (topic)
        *(kc_uuid *)s->out = topic->id;
}

kc_err kc_mock_topic_id(kc_mock *mock, const char *topic, kc_uuid *id)
{
    step s = { .mock = mock, .topic = topic, .out = id };
    return run(&s, topic_id);
}

static void set_topic_config(void *arg)
{
    step *s = arg;
    kci_mock_topic *topic = topic_of(s);
    s->err = topic ? kci_mock_topic_configure(topic, kc_str(s->text), kc_str(s->more))
                   : KC_E_UNKNOWN_TOPIC_OR_PARTITION;
}

kc_err kc_mock_set_topic_config(kc_mock *mock, const char *topic, const char *name,
                                const char *value)
{
    step s = { .mock = mock, .topic = topic, .text = name, .more = value };
    return run(&s, set_topic_config);
}

/* failures of the cluster */

static void move_leader(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
    if (!p)
        return;
    if (!kci_mock_is_replica(p, s->broker) ||
        !kci_mock_broker_is_up(&s->mock->cluster, s->broker) || s->number < 0) {
        s->err = KC_E_INVALID_ARGUMENT;
        return;
    }
    int32_t former = p->leader, former_epoch = p->leader_epoch;
    kci_mock_set_in_sync(p, s->broker, true);
    s->err = kci_mock_partition_lead(p, s->broker);
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
    step s = { .mock = mock,
               .topic = topic,
               .partition = partition,
               .broker = broker,
               .number = stale_ms,
               .flags = flags };
    return run(&s, move_leader);
}

/* NULL, and the result set, when there is no such broker. */
static kci_mock_door *need_door(step *s)
{
    bool ok = s->broker >= 1 && s->broker <= s->mock->door_count;
    s->err = ok ? KC_OK : KC_E_INVALID_ARGUMENT;
    return ok ? &s->mock->doors[s->broker - 1] : NULL;
}

static void broker_down(void *arg)
{
    step *s = arg;
    kci_mock_door *door = need_door(s);
    if (!door)
        return;
    kci_mock_door_close(door);
    s->err = kci_mock_broker_set_up(door->broker, false, s->flags);
}

kc_err kc_mock_broker_down(kc_mock *mock, int32_t broker, uint32_t flags)
{
    step s = { .mock = mock, .broker = broker, .flags = flags };
    return run(&s, broker_down);
}

static void broker_up(void *arg)
{
    step *s = arg;
    kci_mock_door *door = need_door(s);
    if (!door)
        return;
    s->err = kci_mock_door_open(door, NULL);
    if (s->err == KC_OK)
        s->err = kci_mock_broker_set_up(door->broker, true, 0);
}

kc_err kc_mock_broker_up(kc_mock *mock, int32_t broker)
{
    step s = { .mock = mock, .broker = broker };
    return run(&s, broker_up);
}

static void disconnect(void *arg)
{
    step *s = arg;
    if (s->broker != -1) {
        kci_mock_door *door = need_door(s);
        if (door)
            kci_mock_door_disconnect(door);
        return;
    }
    for (int32_t i = 0; i < s->mock->door_count; i++)
        kci_mock_door_disconnect(&s->mock->doors[i]);
}

kc_err kc_mock_disconnect(kc_mock *mock, int32_t broker)
{
    step s = { .mock = mock, .broker = broker };
    return run(&s, disconnect);
}

static void truncate_log(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
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
    step s = {
        .mock = mock, .topic = topic, .partition = partition, .number = offset, .broker = leader
    };
    return run(&s, truncate_log);
}

static void set_rack(void *arg)
{
    step *s = arg;
    kci_mock_door *door = need_door(s);
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
    step s = { .mock = mock, .broker = broker, .text = rack };
    return run(&s, set_rack);
}

static void set_in_sync(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
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
    step s = {
        .mock = mock, .topic = topic, .partition = partition, .broker = broker, .yes = in_sync
    };
    return run(&s, set_in_sync);
}

static void delete_records(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
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
    step s = { .mock = mock, .topic = topic, .partition = partition, .number = offset };
    return run(&s, delete_records);
}

/* faults */

void kc_mock_fault_init(kc_mock_fault *fault, size_t size)
{
    kc_mock_fault f = {
        .size = sizeof f, .api = -1, .broker = -1, .partition = -1, .count = 1, .probability = 1
    };
    memset(fault, 0, size);
    memcpy(fault, &f, size < sizeof f ? size : sizeof f);
    fault->size = size;
}

static void add_fault(void *arg)
{
    step *s = arg;
    s->result = kci_mock_faults_add(&s->mock->faults, s->in);
}

int64_t kc_mock_add_fault(kc_mock *mock, const kc_mock_fault *fault)
{
    step s = { .mock = mock, .in = fault };
    return run_number(&s, add_fault);
}

static void fault_hits(void *arg)
{
    step *s = arg;
    s->result = kci_mock_faults_hits(&s->mock->faults, s->number);
}

int64_t kc_mock_fault_hits(kc_mock *mock, int64_t id)
{
    step s = { .mock = mock, .number = id };
    return run_number(&s, fault_hits);
}

static void remove_fault(void *arg)
{
    step *s = arg;
    kci_mock_faults_remove(&s->mock->faults, s->number);
}

void kc_mock_remove_fault(kc_mock *mock, int64_t id)
{
    step s = { .mock = mock, .number = id };
    run(&s, remove_fault);
}

static void clear_faults(void *arg)
{
    step *s = arg;
    kci_mock_faults_clear(&s->mock->faults);
}

void kc_mock_clear_faults(kc_mock *mock)
{
    step s = { .mock = mock };
    run(&s, clear_faults);
}

/* data */

static void append_raw(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
    if (!p)
        return;
    uint8_t *copy = kci_alloc(s->size);
    if (!copy) {
        s->err = KC_E_NO_MEMORY;
        return;
    }
    memcpy(copy, s->in, s->size);
    kci_mock_append a = { .data = copy,
                          .size = s->size,
                          .leader_epoch = p->leader_epoch,
                          .max_bytes = p->topic->max_message_bytes,
                          .log_append_time = p->topic->log_append_time,
                          .internal = true,
                          .now_ms = s->mock->cluster.now_ms };
    s->err = kci_mock_log_append(&p->log, &a);
    if (s->err == KC_OK) {
        s->result = a.base_offset;
        kci_mock_partition_appended(p, a.batch);
    }
    kci_free(copy);
}

int64_t kc_mock_append_raw(kc_mock *mock, const char *topic, int32_t partition, const void *batch,
                           size_t size)
{
    step s = { .mock = mock, .topic = topic, .partition = partition, .in = batch, .size = size };
    return run_number(&s, append_raw);
}

static void txn_marker(void *arg)
{
    step *s = arg;
    kci_mock_partition *p = need_partition(s);
    if (!p)
        return;
    kci_mock_append a;
    s->err = kci_mock_log_append_marker(&p->log, s->number, (int16_t)s->count, s->yes,
                                        p->leader_epoch, s->mock->cluster.now_ms, &a);
    if (s->err != KC_OK)
        return;
    s->result = a.base_offset;
    kci_mock_partition_appended(p, a.batch);
}

int64_t kc_mock_txn_marker(kc_mock *mock, const char *topic, int32_t partition, int64_t producer_id,
                           int16_t producer_epoch, bool commit)
{
    step s = { .mock = mock,
               .topic = topic,
               .partition = partition,
               .number = producer_id,
               .count = producer_epoch,
               .yes = commit };
    return run_number(&s, txn_marker);
}

static void log_start(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (p)
        s->result = p->log.start;
}

int64_t kc_mock_log_start_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    return run_number(&s, log_start);
}

static void log_end(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (p)
        s->result = p->log.end;
}

int64_t kc_mock_log_end_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    return run_number(&s, log_end);
}

static void high_watermark(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (p)
        s->result = p->log.hw;
}

int64_t kc_mock_high_watermark(kc_mock *mock, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    return run_number(&s, high_watermark);
}

static void last_stable(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (p)
        s->result = kci_mock_log_lso(&p->log);
}

int64_t kc_mock_last_stable_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    return run_number(&s, last_stable);
}

static void leader_of(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (!p)
        return;
    s->broker = p->leader;
    s->count = p->leader_epoch;
}

kc_err kc_mock_leader(kc_mock *mock, const char *topic, int32_t partition, int32_t *leader,
                      int32_t *leader_epoch)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    kc_err err = run(&s, leader_of);
    if (err != KC_OK)
        return err;
    if (leader)
        *leader = s.broker;
    if (leader_epoch)
        *leader_epoch = s.count;
    return KC_OK;
}

static void batch_count(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (p)
        s->result = (int64_t)p->log.count;
}

int64_t kc_mock_batch_count(kc_mock *mock, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .topic = topic, .partition = partition };
    return run_number(&s, batch_count);
}

static void read_batch(void *arg)
{
    step *s = arg;
    const kci_mock_partition *p = need_partition(s);
    if (!p)
        return;
    if (s->number < 0 || (uint64_t)s->number >= p->log.count) {
        s->err = KC_E_OFFSET_OUT_OF_RANGE;
        return;
    }
    const kci_mock_batch *batch = kci_mock_log_at(&p->log, (size_t)s->number);
    s->result = batch->size;
    if (batch->size <= s->size)
        memcpy(s->out, batch->data, batch->size);
}

int64_t kc_mock_read_batch(kc_mock *mock, const char *topic, int32_t partition, int64_t index,
                           void *buf, size_t cap)
{
    step s = { .mock = mock,
               .topic = topic,
               .partition = partition,
               .number = index,
               .out = buf,
               .size = cap };
    return run_number(&s, read_batch);
}

static void committed(void *arg)
{
    step *s = arg;
    if (!need_partition(s))
        return;
    const kci_mock_offset *o =
        kci_mock_offset_get(&s->mock->cluster, kc_str(s->text), kc_str(s->topic), s->partition);
    s->result = o ? o->offset : -1;
}

int64_t kc_mock_committed(kc_mock *mock, const char *group, const char *topic, int32_t partition)
{
    step s = { .mock = mock, .text = group, .topic = topic, .partition = partition };
    return run_number(&s, committed);
}

/* what clients did */

static int64_t count_requests(const kci_mock_broker *b, int32_t api)
{
    if (api >= 0)
        return api < KCI_MOCK_APIS ? b->requests[api] : 0;
    int64_t n = 0;
    for (int32_t i = 0; i < KCI_MOCK_APIS; i++)
        n += b->requests[i];
    return n;
}

/* Sums what `of` says over one broker, or all. */
static void sum(step *s, int64_t (*of)(const kci_mock_broker *b, int32_t api))
{
    s->result = 0;
    for (int32_t i = 0; i < s->mock->door_count; i++) {
        const kci_mock_broker *b = s->mock->doors[i].broker;
        if (s->broker == -1 || s->broker == b->id)
            s->result += of(b, s->count);
    }
}

static void requests(void *arg)
{
    sum(arg, count_requests);
}

int64_t kc_mock_requests(kc_mock *mock, int32_t broker, int32_t api)
{
    step s = { .mock = mock, .broker = broker, .count = api };
    return run_number(&s, requests);
}

static int64_t count_connections(const kci_mock_broker *b, int32_t api)
{
    (void)api;
    return b->connections;
}

static void connections(void *arg)
{
    sum(arg, count_connections);
}

int64_t kc_mock_connections(kc_mock *mock, int32_t broker)
{
    step s = { .mock = mock, .broker = broker };
    return run_number(&s, connections);
}

static int64_t count_accepted(const kci_mock_broker *b, int32_t api)
{
    (void)api;
    return b->accepted;
}

static void accepted(void *arg)
{
    sum(arg, count_accepted);
}

int64_t kc_mock_accepted(kc_mock *mock, int32_t broker)
{
    step s = { .mock = mock, .broker = broker };
    return run_number(&s, accepted);
}

typedef struct set_log {
    kc_mock *mock;
    kc_mock_request_fn fn;
    void *user;
} set_log;

static void set_request_log(void *arg)
{
    set_log *s = arg;
    s->mock->request_log = s->fn;
    s->mock->request_user = s->user;
}

void kc_mock_set_request_log(kc_mock *mock, kc_mock_request_fn fn, void *user)
{
    set_log s = { mock, fn, user };
    kci_mock_run(mock, set_request_log, &s);
}

/* for the simulator */

static void advertise(void *arg)
{
    step *s = arg;
    kci_mock_door *door = need_door(s);
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
    step s = { .mock = mock, .broker = broker, .text = host, .count = port };
    return run(&s, advertise);
}

void kci_mock_set_answer_hook(kc_mock *mock, kci_mock_answer_fn fn, void *arg)
{
    mock->hook = fn;
    mock->hook_arg = arg;
}
