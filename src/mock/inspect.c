/* SPDX-License-Identifier: Apache-2.0 */
/* Public functions that write to logs and look at them, and at what clients did. */
#include "base/mem.h"
#include "mock/step.h"

/* data */

static void append_raw(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
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
    kci_mock_step s = {
        .mock = mock, .topic = topic, .partition = partition, .in = batch, .size = size
    };
    return kci_mock_step_number(&s, append_raw);
}

static void txn_marker(void *arg)
{
    kci_mock_step *s = arg;
    kci_mock_partition *p = kci_mock_step_partition(s);
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
    kci_mock_step s = { .mock = mock,
                        .topic = topic,
                        .partition = partition,
                        .number = producer_id,
                        .count = producer_epoch,
                        .yes = commit };
    return kci_mock_step_number(&s, txn_marker);
}

static void log_start(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (p)
        s->result = p->log.start;
}

int64_t kc_mock_log_start_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, log_start);
}

static void log_end(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (p)
        s->result = p->log.end;
}

int64_t kc_mock_log_end_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, log_end);
}

static void high_watermark(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (p)
        s->result = p->log.hw;
}

int64_t kc_mock_high_watermark(kc_mock *mock, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, high_watermark);
}

static void last_stable(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (p)
        s->result = kci_mock_log_lso(&p->log);
}

int64_t kc_mock_last_stable_offset(kc_mock *mock, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, last_stable);
}

static void leader_of(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (!p)
        return;
    s->broker = p->leader;
    s->count = p->leader_epoch;
}

kc_err kc_mock_leader(kc_mock *mock, const char *topic, int32_t partition, int32_t *leader,
                      int32_t *leader_epoch)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    kc_err err = kci_mock_step_run(&s, leader_of);
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
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
    if (p)
        s->result = (int64_t)p->log.count;
}

int64_t kc_mock_batch_count(kc_mock *mock, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, batch_count);
}

static void read_batch(void *arg)
{
    kci_mock_step *s = arg;
    const kci_mock_partition *p = kci_mock_step_partition(s);
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
    kci_mock_step s = { .mock = mock,
                        .topic = topic,
                        .partition = partition,
                        .number = index,
                        .out = buf,
                        .size = cap };
    return kci_mock_step_number(&s, read_batch);
}

static void committed(void *arg)
{
    kci_mock_step *s = arg;
    if (!kci_mock_step_partition(s))
        return;
    const kci_mock_offset *o =
        kci_mock_offset_get(&s->mock->cluster, kc_str(s->text), kc_str(s->topic), s->partition);
    s->result = o ? o->offset : -1;
}

int64_t kc_mock_committed(kc_mock *mock, const char *group, const char *topic, int32_t partition)
{
    kci_mock_step s = { .mock = mock, .text = group, .topic = topic, .partition = partition };
    return kci_mock_step_number(&s, committed);
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
static void sum(kci_mock_step *s, int64_t (*of)(const kci_mock_broker *b, int32_t api))
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
    kci_mock_step s = { .mock = mock, .broker = broker, .count = api };
    return kci_mock_step_number(&s, requests);
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
    kci_mock_step s = { .mock = mock, .broker = broker };
    return kci_mock_step_number(&s, connections);
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
    kci_mock_step s = { .mock = mock, .broker = broker };
    return kci_mock_step_number(&s, accepted);
}

static int64_t count_malformed(const kci_mock_broker *b, int32_t api)
{
    (void)api;
    return b->malformed;
}

static void malformed(void *arg)
{
    sum(arg, count_malformed);
}

int64_t kc_mock_malformed(kc_mock *mock, int32_t broker)
{
    kci_mock_step s = { .mock = mock, .broker = broker };
    return kci_mock_step_number(&s, malformed);
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
    if (mock)
        kci_mock_run(mock, set_request_log, &s);
}
