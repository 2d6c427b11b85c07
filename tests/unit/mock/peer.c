/* SPDX-License-Identifier: Apache-2.0 */
/* See peer.h. */
#include "peer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/mem.h"
#include "heap_chunks.h"

enum { PATIENCE_MS = 30000 };

void peer_open(peer *p, kc_mock *mock, int32_t broker)
{
    memset(p, 0, sizeof *p);
    const char *at = kc_mock_bootstrap(mock);
    for (int32_t i = 1; i < broker; i++)
        at = strchr(at, ',') + 1;
    const char *colon = strchr(at, ':');
    struct sockaddr_in to = { .sin_family = AF_INET,
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                              .sin_port = htons((uint16_t)atoi(colon + 1)) };
    p->sock = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_geq(p->sock, 0);
    cr_assert_eq(connect(p->sock, (struct sockaddr *)&to, sizeof to), 0, "cannot connect");
}

void peer_close(peer *p)
{
    close(p->sock);
    kci_arena_free(&p->arena);
    free(p->in);
    p->in = NULL;
}

void peer_send_raw(peer *p, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    while (size > 0) {
        ssize_t n = send(p->sock, at, size, MSG_NOSIGNAL);
        if (n < 0)
            return; /* the answer, or its lack, tells */
        at += n;
        size -= (size_t)n;
    }
}

static int16_t version_or_latest(int16_t key, int16_t version)
{
    return version < 0 ? kci_api_get(key)->max_version : version;
}

void peer_send(peer *p, int16_t key, int16_t version, const void *request)
{
    version = version_or_latest(key, version);
    kci_buf out = { 0 };
    kci_buf_put32(&out, 0);
    cr_assert_eq(kci_request_header_encode(key, version, ++p->correlation, kc_str("peer"), &out),
                 KC_OK);
    cr_assert_eq(kci_encode(kci_api_get(key)->request, version, request, &out, NULL), KC_OK);
    kci_store32(out.data, (uint32_t)(out.size - 4));
    peer_send_raw(p, out.data, out.size);
    kci_buf_free(&out);
}

bool peer_readable(peer *p, int ms)
{
    struct pollfd fd = { p->sock, POLLIN, 0 };
    return poll(&fd, 1, ms) > 0;
}

static bool receive_bytes(peer *p, uint8_t *to, size_t size)
{
    while (size > 0) {
        cr_assert(peer_readable(p, PATIENCE_MS), "nothing came");
        ssize_t n = recv(p->sock, to, size, 0);
        if (n <= 0)
            return false;
        to += n;
        size -= (size_t)n;
    }
    return true;
}

bool peer_receive_frame(peer *p)
{
    uint8_t length[4];
    if (!receive_bytes(p, length, sizeof length))
        return false;
    p->in_size = kci_load32(length);
    free(p->in);
    p->in = malloc(p->in_size + 1);
    cr_assert_not_null(p->in);
    return receive_bytes(p, p->in, p->in_size);
}

bool peer_receive(peer *p, int16_t key, int16_t version, void *response)
{
    version = version_or_latest(key, version);
    if (!peer_receive_frame(p))
        return false;
    kci_reader in = kci_reader_of(p->in, p->in_size);
    int32_t correlation;
    cr_assert_eq(kci_response_header_decode(key, version, &in, &correlation), KC_OK);
    kci_arena_reset(&p->arena);
    cr_assert_eq(kci_decode(kci_api_get(key)->response, version, &in, &p->arena, response), KC_OK,
                 "the answer of API %d version %d is malformed", key, version);
    cr_assert_eq(kci_rd_left(&in), 0);
    return true;
}

void peer_call(peer *p, int16_t key, int16_t version, const void *request, void *response)
{
    peer_send(p, key, version, request);
    cr_assert(peer_receive(p, key, version, response), "the connection ended (API %d)", key);
}

void peer_call_lost(peer *p, int16_t key, int16_t version, const void *request)
{
    peer_send(p, key, version, request);
    cr_assert_not(peer_receive_frame(p), "there was an answer");
}

void batch_make(const batch_spec *spec, kci_buf *out)
{
    size_t size = spec->value_size ? spec->value_size : 5;
    uint8_t *value = malloc(size);
    memset(value, 'v', size);
    kci_batch_writer w;
    kci_batch_writer_init(&w);
    for (int32_t i = 0; i < spec->count; i++) {
        size_t bound = kci_record_bound(kc_mem(NULL, 0), kc_mem(value, size), NULL, 0);
        kci_batch_writer_add_chunk(&w, heap_chunk_get(NULL, (uint32_t)bound));
        kci_batch_writer_append(&w, spec->timestamp + i, kc_mem(NULL, 0), kc_mem(value, size), NULL,
                                0);
    }
    cr_assert_eq(kci_batch_writer_seal(&w, KCI_CODEC_NONE, 0, NULL, NULL), KC_OK);
    uint8_t header[KCI_BATCH_HEADER_SIZE];
    bool none = spec->pid < 0;
    kci_batch_writer_header(&w, spec->pid, none ? -1 : spec->epoch, none ? -1 : spec->sequence,
                            spec->transactional ? KCI_ATTR_TRANSACTIONAL : 0, header);
    kci_buf_put(out, header, sizeof header);
    for (const kci_chunk *c = w.chunks.first; c; c = c->next)
        kci_buf_put(out, c->data, c->used);
    kci_batch_writer_clear(&w, &heap_chunks);
    free(value);
}

kci_produce_response_partition_produce_response peer_produce(peer *p, int16_t version, int16_t acks,
                                                             const char *topic, int32_t partition,
                                                             kc_bytes batch)
{
    kci_produce_request_partition_produce_data data = { partition, batch };
    kci_produce_request_topic_produce_data t = { .name = kc_str(topic),
                                                 .partition_data = { &data, 1 } };
    kci_produce_request in;
    kci_produce_response out;
    kci_msg_init(&kci_produce_request_msg, &in);
    in.acks = acks;
    in.timeout_ms = 5000;
    in.topic_data.data = &t;
    in.topic_data.count = 1;
    peer_call(p, KCI_API_PRODUCE, version, &in, &out);
    cr_assert_eq(out.responses.count, 1);
    cr_assert_eq(out.responses.data[0].partition_responses.count, 1);
    return out.responses.data[0].partition_responses.data[0];
}

int64_t peer_produce_ok(peer *p, const char *topic, int32_t partition, int32_t count)
{
    kci_buf batch = { 0 };
    batch_make(&(batch_spec){ .count = count, .pid = -1, .timestamp = 1000 }, &batch);
    kci_produce_response_partition_produce_response out =
        peer_produce(p, 12, -1, topic, partition, kc_mem(batch.data, batch.size));
    kci_buf_free(&batch);
    cr_assert_eq(out.error_code, 0, "produce failed: %d", out.error_code);
    return out.base_offset;
}

const fetch_spec fetch_default = { .max_wait_ms = 0,
                                   .min_bytes = 1,
                                   .max_bytes = 1 << 20,
                                   .partition_max_bytes = 1 << 20,
                                   .current_epoch = -1,
                                   .last_epoch = -1,
                                   .session_epoch = -1 };

void fetch_send(peer *p, const fetch_spec *spec)
{
    kci_fetch_request_fetch_partition part = { .partition = spec->partition,
                                               .current_leader_epoch = spec->current_epoch,
                                               .fetch_offset = spec->offset,
                                               .last_fetched_epoch = spec->last_epoch,
                                               .log_start_offset = -1,
                                               .partition_max_bytes = spec->partition_max_bytes,
                                               .high_watermark = INT64_MAX };
    kci_fetch_request_fetch_topic topic = { .topic = kc_str(spec->topic),
                                            .partitions = { &part, 1 } };
    kci_fetch_request in;
    kci_msg_init(&kci_fetch_request_msg, &in);
    in.max_wait_ms = spec->max_wait_ms;
    in.min_bytes = spec->min_bytes;
    in.max_bytes = spec->max_bytes;
    in.isolation_level = spec->committed;
    in.session_id = spec->session_id;
    in.session_epoch = spec->session_epoch;
    if (spec->rack)
        in.rack_id = kc_str(spec->rack);
    if (!spec->no_partition) {
        in.topics.data = &topic;
        in.topics.count = 1;
    }
    peer_send(p, KCI_API_FETCH, spec->version ? spec->version : 12, &in);
}

void fetch_receive(peer *p, const fetch_spec *spec, kci_fetch_response *out)
{
    cr_assert(peer_receive(p, KCI_API_FETCH, spec->version ? spec->version : 12, out),
              "the connection ended");
}

kci_fetch_response_partition_data *fetch_only(const kci_fetch_response *out)
{
    cr_assert_eq(out->error_code, 0);
    cr_assert_eq(out->responses.count, 1);
    cr_assert_eq(out->responses.data[0].partitions.count, 1);
    return &out->responses.data[0].partitions.data[0];
}

kci_fetch_response_partition_data fetch_one(peer *p, const fetch_spec *spec)
{
    kci_fetch_response out;
    fetch_send(p, spec);
    fetch_receive(p, spec, &out);
    return *fetch_only(&out);
}
