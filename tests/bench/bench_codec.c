/* SPDX-License-Identifier: Apache-2.0 */
/* Nanoseconds that the codec takes for a Fetch response, a Metadata response and a Produce request
 * of 100 partitions: bench_codec [PARTITIONS]. Decoding reuses an arena, as connections do. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "wire/messages.h"

enum { ROUNDS = 5, RUNS_NS = 200 * 1000 * 1000 };

static int partitions = 100;

static void *array(kci_arena *arena, const kci_msg *msg, int count)
{
    char *data = kci_arena_array(arena, (size_t)count, msg->size);
    if (!data)
        exit(1);
    for (int i = 0; i < count; i++)
        kci_msg_init(msg, data + (size_t)i * msg->size);
    return data;
}

static void fill_fetch(kci_arena *arena, kci_fetch_response *r)
{
    kci_msg_init(&kci_fetch_response_msg, r);
    r->responses.count = 1;
    r->responses.data = array(arena, &kci_fetch_response_fetchable_topic_response_msg, 1);
    r->responses.data->partitions.count = partitions;
    kci_fetch_response_partition_data *p =
        array(arena, &kci_fetch_response_partition_data_msg, partitions);
    r->responses.data->partitions.data = p;
    for (int i = 0; i < partitions; i++) {
        p[i].partition_index = i;
        p[i].high_watermark = 1000 + i;
        p[i].records = kc_str("a hundred bytes or so of records, which nobody looks into here");
    }
}

static void fill_metadata(kci_arena *arena, kci_metadata_response *r)
{
    static int32_t nodes[] = { 1, 2, 3 };
    kci_msg_init(&kci_metadata_response_msg, r);
    r->topics.count = 10;
    r->topics.data = array(arena, &kci_metadata_response_metadata_response_topic_msg, 10);
    for (int i = 0; i < 10; i++) {
        kci_metadata_response_metadata_response_topic *t = &r->topics.data[i];
        t->name = kc_str("some-topic");
        t->partitions.count = partitions / 10;
        t->partitions.data =
            array(arena, &kci_metadata_response_metadata_response_partition_msg, partitions / 10);
        for (int k = 0; k < partitions / 10; k++) {
            t->partitions.data[k].partition_index = k;
            t->partitions.data[k].replica_nodes.data = nodes;
            t->partitions.data[k].replica_nodes.count = 3;
            t->partitions.data[k].isr_nodes.data = nodes;
            t->partitions.data[k].isr_nodes.count = 3;
        }
    }
}

static void fill_produce(kci_arena *arena, kci_produce_request *r)
{
    kci_msg_init(&kci_produce_request_msg, r);
    r->topic_data.count = 1;
    r->topic_data.data = array(arena, &kci_produce_request_topic_produce_data_msg, 1);
    r->topic_data.data->partition_data.count = partitions;
    r->topic_data.data->partition_data.data =
        array(arena, &kci_produce_request_partition_produce_data_msg, partitions);
    for (int i = 0; i < partitions; i++)
        r->topic_data.data->partition_data.data[i].records = kc_mem(NULL, 16384);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

typedef struct subject {
    const kci_msg *msg;
    int16_t version;
    const void *in;
    kci_buf bytes;
    kci_buf out;
    kci_gaps gaps;
    kci_arena arena;
} subject;

static kc_err encode(subject *s)
{
    s->out.size = 0;
    kci_gaps_clear(&s->gaps);
    return kci_encode(s->msg, s->version, s->in, &s->out, &s->gaps);
}

static kc_err decode(subject *s)
{
    int64_t value[128];
    kci_reader in = kci_reader_of(s->bytes.data, s->bytes.size);
    kci_arena_reset(&s->arena);
    return kci_decode(s->msg, s->version, &in, &s->arena, value);
}

/* The best of some rounds, in nanoseconds. */
static double measure(subject *s, kc_err (*run)(subject *))
{
    double best = 1e18;
    for (int round = 0; round < ROUNDS; round++) {
        double start = now(), spent;
        long n = 0;
        do {
            for (int i = 0; i < 20; i++, n++)
                if (run(s) != KC_OK)
                    exit(1);
            spent = now() - start;
        } while (spent < (double)RUNS_NS / ROUNDS);
        if (spent / (double)n < best)
            best = spent / (double)n;
    }
    return best;
}

static void bench(const char *name, const kci_msg *msg, int16_t version, const void *in)
{
    subject s = { .msg = msg, .version = version, .in = in };
    double encode_ns = measure(&s, encode);
    printf("%-24s encode %8.0f ns", name, encode_ns);
    if (kci_encode(msg, version, in, &s.bytes, NULL) == KC_OK)
        printf("   decode %8.0f ns   %zu bytes", measure(&s, decode), s.bytes.size);
    putchar('\n');
    kci_buf_free(&s.bytes);
    kci_buf_free(&s.out);
    kci_gaps_free(&s.gaps);
    kci_arena_free(&s.arena);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        partitions = atoi(argv[1]);
    kci_arena arena = { 0 };
    kci_fetch_response fetch;
    kci_metadata_response metadata;
    kci_produce_request produce;
    fill_fetch(&arena, &fetch);
    fill_metadata(&arena, &metadata);
    fill_produce(&arena, &produce);
    printf("%d partitions\n", partitions);
    bench("Fetch response 11", &kci_fetch_response_msg, 11, &fetch);
    bench("Fetch response 16", &kci_fetch_response_msg, 16, &fetch);
    bench("Metadata response 12", &kci_metadata_response_msg, 12, &metadata);
    bench("Produce request 12", &kci_produce_request_msg, 12, &produce);
    kci_arena_free(&arena);
    return 0;
}
