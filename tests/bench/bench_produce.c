/* SPDX-License-Identifier: Apache-2.0 */
/* What a record costs to send: processor time of the sending thread and of the client's,
 * allocations and system calls, against a mock cluster in a process of its own.
 *
 *   bench_produce [records [bytes [property=value ...]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

#include "base/mem.h"

enum { PARTITIONS = 6, WARM_UP = 100000 };

static double seconds_of(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what, const kc_error *why)
{
    fprintf(stderr, "%s: %s\n", what, why ? why->text : "");
    exit(1);
}

/* The cluster, until the pipe's other end is closed. */
static void serve(int tell, int hear)
{
    kc_error why = { 0 };
    kc_mock *mock = NULL;
    kc_mock_options options = { .size = sizeof options, .memory_limit_bytes = 64 << 20 };
    if (kc_mock_new(&options, &mock, &why) != KC_OK)
        die("mock", &why);
    kc_mock_create_topic(mock, "bench", PARTITIONS, 3);
    const char *servers = kc_mock_bootstrap(mock);
    char end;
    if (write(tell, servers, strlen(servers) + 1) < 0 || read(hear, &end, 1) < 0)
        exit(1);
    kc_mock_free(mock);
    exit(0);
}

static void start_cluster(char *servers, size_t cap, int *stop)
{
    int there[2], back[2];
    if (pipe(there) != 0 || pipe(back) != 0)
        die("pipe", NULL);
    if (fork() == 0) {
        close(there[0]);
        close(back[1]);
        serve(there[1], back[0]);
    }
    close(there[1]);
    close(back[0]);
    size_t n = 0;
    while (n < cap - 1 && read(there[0], servers + n, 1) == 1 && servers[n] != '\0')
        n++;
    servers[n] = '\0';
    *stop = back[1];
}

static kc_client *make_client(const char *servers, int argc, char **argv)
{
    kc_error why = { 0 };
    kc_client *client = NULL;
    kc_config *config = kc_config_new();
    kc_err err = kc_config_set(config, "bootstrap.servers", servers, &why);
    for (int i = 3; i < argc && err == KC_OK; i++) {
        char *equals = strchr(argv[i], '=');
        if (!equals)
            die(argv[i], NULL);
        *equals = '\0';
        err = kc_config_set(config, argv[i], equals + 1, &why);
        *equals = '=';
    }
    if (err != KC_OK || kc_client_new(config, &client, &why) != KC_OK)
        die("client", &why);
    kc_config_free(config);
    return client;
}

static void send_records(kc_producer *producer, long count, size_t size)
{
    static uint8_t value[1 << 20];
    kc_error why = { 0 };
    kc_producer_record record = KC_PRODUCER_RECORD_INIT;
    record.topic = kc_str("bench");
    record.value = kc_mem(value, size);
    for (long i = 0; i < count; i++) {
        if (kc_producer_send(producer, &record, &why) != KC_OK)
            die("send", &why);
    }
    if (kc_producer_flush(producer, -1, &why) != KC_OK)
        die("flush", &why);
}

static void measure(kc_client *client, kc_producer *producer, long count, size_t size)
{
    kc_stats before = { .size = sizeof before }, after = { .size = sizeof after };
    struct rusage r0, r1;
    kc_client_get_stats(client, &before);
    getrusage(RUSAGE_SELF, &r0);
    uint64_t allocations = kci_mem_count();
    double wall = seconds_of(CLOCK_MONOTONIC);
    double own = seconds_of(CLOCK_THREAD_CPUTIME_ID);
    double all = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    send_records(producer, count, size);
    all = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - all;
    own = seconds_of(CLOCK_THREAD_CPUTIME_ID) - own;
    wall = seconds_of(CLOCK_MONOTONIC) - wall;
    allocations = kci_mem_count() - allocations;
    getrusage(RUSAGE_SELF, &r1);
    kc_client_get_stats(client, &after);

    double n = (double)count;
    printf("%ld records of %zu bytes: %.0f records/s, %.1f MB/s\n", count, size, n / wall,
           n * (double)size / wall / 1e6);
    printf("cpu per record: %.1f ns sending thread, %.1f ns client's thread, %.1f ns together\n",
           own * 1e9 / n, (all - own) * 1e9 / n, all * 1e9 / n);
    printf("per record: %.5f allocations, %.5f reads and writes, %.5f context switches\n",
           (double)allocations / n,
           (double)(after.reads + after.writes - before.reads - before.writes) / n,
           (double)(r1.ru_nvcsw - r0.ru_nvcsw) / n);
    printf("%.1f records per batch, %.1f batches per request\n",
           n / (double)(after.batches_sent - before.batches_sent),
           (double)(after.batches_sent - before.batches_sent) /
               (double)(after.requests - before.requests));
}

int main(int argc, char **argv)
{
    char servers[512];
    int stop;
    kc_error why = { 0 };
    kc_producer *producer = NULL;
    long count = argc > 1 ? atol(argv[1]) : 2000000;
    size_t size = argc > 2 ? (size_t)atol(argv[2]) : 100;
    if (size > 1 << 20)
        die("at most 1 MiB", NULL);
    start_cluster(servers, sizeof servers, &stop);
    kc_client *client = make_client(servers, argc, argv);
    if (kc_producer_new(client, NULL, &producer, &why) != KC_OK)
        die("producer", &why);
    send_records(producer, count < WARM_UP ? count : WARM_UP, size);
    measure(client, producer, count, size);
    kc_producer_close(producer, 1000, NULL);
    kc_producer_free(producer);
    kc_client_free(client);
    close(stop);
    while (wait(NULL) > 0) {
    }
    return 0;
}
