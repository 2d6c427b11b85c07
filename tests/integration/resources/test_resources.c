/* SPDX-License-Identifier: Apache-2.0 */
/* What a client holds: one client with two producers and two consumers on three brokers has one
 * thread, per broker at most one connection for control, one for producing and one for each
 * consumer, and uses no processor time while nothing happens. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <kclient/kclient.h>
#include <kclient/mock.h>

static int threads_now(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));)
        n += e->d_name[0] != '.';
    if (dir)
        closedir(dir);
    return n;
}

/* The kernel lists a thread for a moment after it has been joined. */
static int threads_settled(int expected)
{
    for (int i = 0; i < 200 && threads_now() != expected; i++)
        usleep(10000);
    return threads_now();
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long switches(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return u.ru_nvcsw;
}

/* What a second without work costs. */
static bool is_at_rest(kc_mock *mock, char *what, size_t size)
{
    double cpu = cpu_seconds();
    long woken = switches();
    int64_t requests = kc_mock_requests(mock, -1, -1);
    sleep(1);
    cpu = cpu_seconds() - cpu;
    woken = switches() - woken;
    requests = kc_mock_requests(mock, -1, -1) - requests;
    snprintf(what, size, "%.4f s of processor time, %ld wake-ups, %lld requests", cpu, woken,
             (long long)requests);
    return cpu < 0.005 && woken <= 6 && requests == 0;
}

/* The last fetches have to end, which takes as long as the machine makes it; the system does things
 * for a process now and then. One second of several is enough: who polls or spins does it in all.
 */
static void expect_rest(kc_mock *mock)
{
    char what[100];
    for (int i = 0; i < 20; i++)
        if (is_at_rest(mock, what, sizeof what))
            return;
    cr_expect(false, "%s in each of 20 idle seconds", what);
}

static void send_some(kc_producer *producer, int from, int to)
{
    kc_error why = { 0 };
    for (int i = from; i < to; i++) {
        kc_producer_record record = KC_PRODUCER_RECORD_INIT;
        char value[16];
        int n = snprintf(value, sizeof value, "%d", i);
        record.topic = kc_str("t");
        record.value = kc_mem(value, (size_t)n);
        cr_assert_eq(kc_producer_send(producer, &record, &why), KC_OK, "%s", why.text);
    }
    cr_assert_eq(kc_producer_flush(producer, 20000, &why), KC_OK, "%s", why.text);
}

static void read_all(kc_consumer *consumer, int count)
{
    kc_topic_partition_position from[6];
    for (int p = 0; p < 6; p++)
        from[p] = (kc_topic_partition_position){ kc_str("t"), p, kc_position_beginning() };
    kc_error why = { 0 };
    cr_assert_eq(kc_consumer_assign(consumer, from, 6, &why), KC_OK, "%s", why.text);
    int seen = 0;
    for (int turns = 0; seen < count && turns < 1000; turns++) {
        kc_records *records = NULL;
        cr_assert_eq(kc_consumer_poll(consumer, 1000, &records, &why), KC_OK, "%s", why.text);
        seen += records ? (int)kc_records_count(records) : 0;
        kc_records_free(records);
    }
    cr_assert_eq(seen, count);
}

/* At most so many connections, soon. */
static bool connections_settle(kc_mock *mock, int64_t most)
{
    for (int i = 0; i < 2000 && kc_mock_connections(mock, -1) > most; i++)
        usleep(10000);
    return kc_mock_connections(mock, -1) <= most;
}

Test(resources, threads_connections_and_idle_cpu)
{
    kc_error why = { 0 };
    kc_mock *mock = NULL;
    kc_mock_options options = { .size = sizeof options, .brokers = 3, .racks = "a,b,c" };
    cr_assert_eq(kc_mock_new(&options, &mock, &why), KC_OK, "%s", why.text);
    cr_assert_eq(kc_mock_create_topic(mock, "t", 6, 3), KC_OK);
    int before = threads_now();

    kc_config *config = kc_config_new();
    kc_client *client = NULL;
    cr_assert_eq(kc_config_set(config, "bootstrap.servers", kc_mock_bootstrap(mock), &why), KC_OK);
    cr_assert_eq(kc_client_new(config, &client, &why), KC_OK, "%s", why.text);
    kc_producer *producers[2];
    kc_consumer *consumers[2];
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(kc_producer_new(client, NULL, &producers[i], &why), KC_OK, "%s", why.text);
        cr_assert_eq(kc_consumer_new(client, NULL, &consumers[i], &why), KC_OK, "%s", why.text);
    }
    for (int i = 0; i < 2; i++)
        send_some(producers[i], 0, 300);
    for (int i = 0; i < 2; i++)
        read_all(consumers[i], 600);

    cr_expect_eq(threads_now() - before, 1, "%d threads", threads_now() - before);
    /* Per broker one for control, one for producing and one for each consumer; and one to a
     * bootstrap server. */
    int64_t connections = kc_mock_connections(mock, -1);
    cr_expect_leq(connections, 3 * 4 + 1, "%lld connections", (long long)connections);
    for (int broker = 1; broker <= 3; broker++)
        cr_expect_leq(kc_mock_connections(mock, broker), 5);

    /* Idle but for the consumers' fetches that wait in the brokers for fetch.max.wait.ms (500 ms):
     * those are all that happens. Without consumers, nothing at all does. */
    for (int i = 0; i < 2; i++)
        cr_assert_eq(kc_consumer_assign(consumers[i], NULL, 0, &why), KC_OK, "%s", why.text);
    expect_rest(mock);

    /* A consumer's connections go with it, those that are shared stay. */
    for (int i = 0; i < 2; i++)
        kc_consumer_free(consumers[i]);
    cr_expect(connections_settle(mock, 3 * 2 + 1), "%lld connections",
              (long long)kc_mock_connections(mock, -1));
    for (int i = 0; i < 2; i++)
        kc_producer_free(producers[i]);
    cr_expect_eq(kc_client_close(client, 5000, &why), KC_OK, "%s", why.text);
    kc_client_free(client);
    kc_config_free(config);
    cr_expect_eq(threads_settled(before), before);
    kc_mock_free(mock);
}
