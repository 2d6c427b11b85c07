/* SPDX-License-Identifier: Apache-2.0 */
/* The mock cluster's answers to whatever clients send, without a network. Input: requests, each a
 * byte (bits 0-1: broker, bit 2: cluster events come first) and a big-endian uint16 length, then a
 * frame without its length prefix. Each API serves what can be decoded, and the answer must be
 * encodable in the request's version. */
#include <kclient/mock.h>

#include "base/mem.h"
#include "fuzz.h"
#include "mock/apis.h"
#include "mock/cluster.h"
#include "record/batch.h"

static void serve(kci_mock_request *r)
{
    const kci_api *api = kci_api_get(r->key);
    kci_mock_outcome outcome = r->api->serve(r);
    for (int i = 0; outcome == KCI_MOCK_WAIT && i < 3; i++) {
        r->waiting = true;
        kci_link_remove(&r->ready);
        r->timed_out = i > 0;
        r->cluster->now_us += 1000 * 1000;
        kci_mock_replicate(r->cluster);
        FUZZ_CHECK(r->api->resume);
        outcome = r->api->resume(r);
    }
    FUZZ_CHECK(outcome != KCI_MOCK_WAIT);
    if (outcome != KCI_MOCK_ANSWER)
        return;
    kci_buf out = { 0 };
    kci_gaps gaps = { 0 };
    FUZZ_CHECK(kci_encode(api->response, r->version, r->answer, &out, &gaps) == KC_OK);
    size_t records = 0, slices = 0;
    for (size_t i = 0; i < gaps.count; i++)
        records += gaps.list[i].records.size;
    for (size_t i = 0; i < r->slices.count; i++)
        slices += r->slices.list[i].size;
    FUZZ_CHECK(records == slices);
    kci_gaps_free(&gaps);
    kci_buf_free(&out);
}

/* One request; the frame is a copy of its own, as from the network. */
static void request(kci_mock_cluster *c, int32_t broker, const uint8_t *p, size_t size)
{
    kci_mock_auth auth = { 0 };
    kci_mock_request r = { .cluster = c, .broker = kci_mock_broker_get(c, broker), .auth = &auth };
    r.frame = kci_frame_new(NULL, (uint32_t)size);
    FUZZ_CHECK(r.frame);
    memcpy(r.frame->data, p, size);
    kci_reader in = kci_reader_of(r.frame->data, size);
    kci_request_head head;
    if (kci_request_header_decode(&in, &head) == KC_OK) {
        r.key = head.key;
        r.version = head.version;
        r.api = kci_mock_api_get(r.broker, head.key);
        const kci_api *api = kci_api_get(head.key);
        bool known = r.api && head.version >= api->min_version && head.version <= api->max_version;
        if (known) {
            r.body = kci_arena_alloc(&r.arena, api->request->size);
            r.answer = kci_arena_alloc(&r.arena, api->response->size);
            FUZZ_CHECK(r.body && r.answer);
            kci_msg_init(api->response, r.answer);
            if (kci_decode(api->request, r.version, &in, &r.arena, r.body) == KC_OK)
                serve(&r);
        }
    }
    kci_mock_request_free(&r);
}

static void check_log(kci_mock_partition *p, void *arg)
{
    (void)arg;
    const kci_mock_log *log = &p->log;
    FUZZ_CHECK(log->start <= log->hw && log->hw <= log->end);
    FUZZ_CHECK(kci_mock_log_lso(log) <= log->hw);
    FUZZ_CHECK(kci_list_is_empty(&p->watches));
    int64_t at = -1;
    for (size_t i = 0; i < log->count; i++) {
        const kci_mock_batch *b = kci_mock_log_at(log, i);
        FUZZ_CHECK(b->base_offset > at && b->last_offset >= b->base_offset);
        at = b->last_offset;
    }
    FUZZ_CHECK(log->count == 0 || log->end == at + 1);
}

static void event(kci_mock_cluster *c)
{
    kci_mock_partition *p = kci_mock_partition_of(kci_mock_topic_get(c, kc_str("t")), 0);
    switch (kci_random_below(&c->random, 4)) {
    case 0:
        kci_mock_broker_set_up(kci_mock_broker_get(c, 2), false, KC_MOCK_LOSE_UNREPLICATED);
        break;
    case 1:
        kci_mock_broker_set_up(kci_mock_broker_get(c, 2), true, 0);
        break;
    case 2:
        if (p)
            kci_mock_log_truncate(&p->log, p->log.hw);
        break;
    default:
        if (p)
            kci_mock_log_delete_before(&p->log, p->log.start + 1);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    kc_mock_options o = { .size = sizeof o,
                          .racks = "a,b,c",
                          .sasl_plain = "u:p",
                          .memory_limit_bytes = 4000,
                          .replication_delay_us = size & 1 ? 1000 : 0 };
    kci_mock_cluster c;
    FUZZ_CHECK(kci_mock_cluster_init(&c, &o, 1) == KC_OK);
    kci_mock_new_topic t = { .name = kc_str("t"), .partitions = 2, .replication = 3 };
    kci_mock_topic *topic;
    FUZZ_CHECK(kci_mock_topic_create(&c, &t, &topic) == KC_OK);
    while (size > 3) {
        uint8_t how = data[0];
        size_t n = (size_t)data[1] << 8 | data[2];
        data += 3;
        size -= 3;
        if (n > size)
            n = size;
        if (how & 4)
            event(&c);
        request(&c, how % 3 + 1, data, n);
        kci_mock_each_partition(&c, check_log, NULL);
        data += n;
        size -= n;
    }
    kci_mock_cluster_free(&c);
    return 0;
}
