/* SPDX-License-Identifier: Apache-2.0 */
/* bench_consume: what a consumed record costs the client, against the embedded cluster in the same
 * process: processor time of the application's and of the loop's thread (user and system, from
 * /proc), allocations and polls. Each line reads a whole topic once; the best of several rounds.
 * bench_consume [ROUNDS [RECORDS]] */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <kclient/consumer.h>
#include <kclient/mock.h>

#include "base/mem.h"
#include "record/writer.h"

enum { CHUNK = 16 * 1024, PARTITIONS = 3 };

static int rounds = 5;
static int64_t records_wanted = 3000000;
static uint8_t text[1 << 16];
static volatile uint64_t sink;

static void must(kc_err err, const char *what)
{
    if (err == KC_OK)
        return;
    fprintf(stderr, "%s: %s\n", what, kc_error_name(err));
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Nanoseconds that threads of that name have run. */
static double thread_ns(const char *name)
{
    double sum = 0;
    DIR *dir = opendir("/proc/self/task");
    for (struct dirent *e; dir && (e = readdir(dir));) {
        char path[300], comm[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *f = fopen(path, "r");
        bool match = f && fgets(comm, sizeof comm, f) && strncmp(comm, name, strlen(name)) == 0;
        if (f)
            fclose(f);
        snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", e->d_name);
        double ns = 0;
        f = match ? fopen(path, "r") : NULL;
        if (f && fscanf(f, "%lf", &ns) == 1)
            sum += ns;
        if (f)
            fclose(f);
    }
    if (dir)
        closedir(dir);
    return sum;
}

static kci_chunk *get_chunk(void *arg, uint32_t min_cap)
{
    (void)arg;
    uint32_t cap = min_cap > CHUNK ? min_cap : CHUNK;
    kci_chunk *c = malloc(sizeof *c + cap);
    if (!c)
        abort();
    *c = (kci_chunk){ .cap = cap };
    return c;
}

static void put_chunk(void *arg, kci_chunk *chunk)
{
    (void)arg;
    free(chunk);
}

static const kci_chunk_source source = { get_chunk, put_chunk, NULL };

/* A batch of about batch_size bytes; returns its size, *count the records in it. */
static size_t make_batch(size_t value_size, kci_codec codec, size_t batch_size, uint8_t **out,
                         int64_t *count)
{
    kci_batch_writer w;
    kci_compressor *compressor;
    kci_batch_writer_init(&w);
    must(kci_compressor_new(&compressor), "compressor");
    for (size_t at = 0; w.bytes + value_size + 40 < batch_size; at += value_size) {
        kc_bytes value = kc_mem(text + at % (sizeof text / 2), value_size);
        size_t need = kci_record_bound(kc_mem(NULL, 0), value, NULL, 0);
        if (kci_batch_writer_room(&w) < need)
            kci_batch_writer_add_chunk(&w, get_chunk(NULL, CHUNK));
        kci_batch_writer_append(&w, 1700000000000 + (w.count >> 4), kc_mem(NULL, 0), value, NULL,
                                0);
    }
    *count = w.count;
    int level = codec ? kci_codec_get(codec)->level_default : 0;
    must(kci_batch_writer_seal(&w, codec, level, compressor, &source), "seal");
    size_t size = kci_batch_writer_wire_size(&w);
    uint8_t *p = *out = malloc(size);
    kci_batch_writer_header(&w, -1, -1, -1, 0, p);
    p += KCI_BATCH_HEADER_SIZE;
    for (kci_chunk *c = w.chunks.first; c; c = c->next) {
        memcpy(p, c->data, c->used);
        p += c->used;
    }
    kci_batch_writer_clear(&w, &source);
    kci_compressor_free(compressor);
    return size;
}

static int64_t fill(kc_mock *mock, const char *topic, size_t value_size, kci_codec codec,
                    size_t batch_size)
{
    uint8_t *batch;
    int64_t count, total = 0;
    size_t size = make_batch(value_size, codec, batch_size, &batch, &count);
    must(kc_mock_create_topic(mock, topic, PARTITIONS, 1), "topic");
    for (int32_t p = 0; total < records_wanted; p = (p + 1) % PARTITIONS, total += count) {
        if (kc_mock_append_raw(mock, topic, p, batch, size) < 0)
            must(KC_E_INTERNAL, "append");
    }
    free(batch);
    return total;
}

typedef struct figures {
    double app_ns, loop_ns, seconds;
    double polls, allocations;
} figures;

/* Reads `total` records from the beginning; looks at each one's value, as a program would. */
static void read_all(kc_consumer *consumer, int64_t total)
{
    uint64_t sum = 0;
    for (int64_t count = 0; count < total;) {
        kc_records *records;
        must(kc_consumer_poll(consumer, 5000, &records, NULL), "poll");
        if (!records)
            must(KC_E_TIMED_OUT, "poll");
        const kc_record *r = kc_records_data(records);
        size_t n = kc_records_count(records);
        for (size_t i = 0; i < n; i++)
            sum += r[i].value.data[0];
        count += (int64_t)n;
        kc_records_free(records);
    }
    sink = sum;
}

static figures measure(kc_client *client, const char *topic, int64_t total)
{
    kc_consumer *consumer;
    kc_topic_partition_position list[PARTITIONS];
    for (int32_t i = 0; i < PARTITIONS; i++)
        list[i] = (kc_topic_partition_position){ kc_str(topic), i, kc_position_beginning() };
    must(kc_consumer_new(client, NULL, &consumer, NULL), "consumer");
    double begun = now_s(), app = thread_ns("bench_consume"), loop = thread_ns("kc-loop");
    uint64_t allocations = kci_mem_count();
    must(kc_consumer_assign(consumer, list, PARTITIONS, NULL), "assign");
    read_all(consumer, total);
    double n = (double)total;
    figures f = { .app_ns = (thread_ns("bench_consume") - app) / n,
                  .loop_ns = (thread_ns("kc-loop") - loop) / n,
                  .seconds = now_s() - begun,
                  .allocations = (double)(kci_mem_count() - allocations) / n };
    kc_consumer_free(consumer);
    return f;
}

static void bench(kc_mock *mock, const char *topic, size_t value_size, kci_codec codec,
                  size_t batch_size, const char *max_poll)
{
    kc_client *client;
    kc_config *config = kc_config_new();
    must(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), NULL), "config");
    must(kc_config_set(config, "max.poll.records", max_poll, NULL), "config");
    must(kc_client_new(config, &client, NULL), "client");
    int64_t total = fill(mock, topic, value_size, codec, batch_size);
    figures best = { .app_ns = 1e9 };
    for (int i = 0; i < rounds; i++) {
        figures f = measure(client, topic, total);
        if (f.app_ns + f.loop_ns < best.app_ns + best.loop_ns)
            best = f;
    }
    printf("%-10s %4zu B %6zu B/batch, polls of %5s: %6.1f ns = app %6.1f + loop %5.1f; "
           "%5.2f M/s; %.5f allocations per record\n",
           codec ? kci_codec_get(codec)->name : "plain", value_size, batch_size, max_poll,
           best.app_ns + best.loop_ns, best.app_ns, best.loop_ns,
           (double)total / best.seconds / 1e6, best.allocations);
    fflush(stdout);
    must(kc_mock_delete_topic(mock, topic), "delete");
    kc_client_free(client);
    kc_config_free(config);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        rounds = atoi(argv[1]);
    if (argc > 2)
        records_wanted = atoll(argv[2]);
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (uint8_t)("abcdefgh-0123456"[(i * 7 + i / 13) % 16]);
    kc_mock *mock;
    kc_mock_options options = { .size = sizeof options,
                                .brokers = 1,
                                .memory_limit_bytes = 2LL << 30 };
    must(kc_mock_new(&options, &mock, NULL), "mock");
    bench(mock, "a", 100, KCI_CODEC_NONE, 16384, "500");
    bench(mock, "b", 100, KCI_CODEC_NONE, 500000, "500");
    bench(mock, "c", 100, KCI_CODEC_NONE, 500000, "5000");
    bench(mock, "d", 100, KCI_CODEC_NONE, 1000, "500");
    bench(mock, "e", 1000, KCI_CODEC_NONE, 16384, "500");
    if (kci_codec_get(KCI_CODEC_LZ4)->available)
        bench(mock, "f", 100, KCI_CODEC_LZ4, 16384, "500");
    if (kci_codec_get(KCI_CODEC_ZSTD)->available)
        bench(mock, "g", 100, KCI_CODEC_ZSTD, 16384, "500");
    kc_mock_free(mock);
    return 0;
}
