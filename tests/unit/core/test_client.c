/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a client: in the simulated world, and with its own thread and real sockets. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/fork.h"
#include "fake.h"

TestSuite(client, .timeout = 60);

static fake f;

/* -- making -------------------------------------------------------------------------------------
 */

static kc_err make(const char *name, const char *value, char *why, size_t size)
{
    kc_config *config = kc_config_new();
    kc_client *client = NULL;
    kc_error detail = { 0 };

    kc_config_set(config, "bootstrap.servers", "127.0.0.1:1", NULL);
    if (name)
        cr_assert_eq(kc_config_set(config, name, value, NULL), KC_OK);
    kc_err err = kc_client_new(config, &client, &detail);
    cr_assert_eq((client == NULL), err != KC_OK);
    snprintf(why, size, "%s", detail.text);
    kc_client_free(client);
    kc_config_free(config);
    return err;
}

Test(client, bad_properties)
{
    kc_config *config = kc_config_new();
    kc_client *client;
    kc_error detail;
    char why[600];

    cr_assert_eq(kc_client_new(config, &client, &detail), KC_E_BAD_PROPERTY);
    cr_assert(strstr(detail.text, "bootstrap.servers"), "%s", detail.text);
    cr_assert_eq(kc_client_new(NULL, &client, &detail), KC_E_INVALID_ARGUMENT);
    kc_config_free(config);
    cr_assert_eq(make("bootstrap.servers", "a:b", why, sizeof why), KC_E_BAD_PROPERTY);
    cr_assert(strstr(why, "\"a:b\""), "%s", why);
    cr_assert_eq(make("bootstrap.servers", " , ", why, sizeof why), KC_E_BAD_PROPERTY);
    cr_assert_eq(make(NULL, NULL, why, sizeof why), KC_OK);
}

Test(client, tls_files)
{
    kc_config *config = kc_config_new();
    kc_client *client = NULL;
    kc_error detail;

    kc_config_set(config, "bootstrap.servers", "127.0.0.1:1", NULL);
    kc_config_set(config, "security.protocol", "SSL", NULL);
    kc_config_set(config, "ssl.truststore.certificates", "not a certificate", NULL);
    cr_assert_neq(kc_client_new(config, &client, &detail), KC_OK);
    cr_assert_null(client);
    kc_config_set(config, "ssl.truststore.certificates", "", NULL);
    kc_err err = kc_client_new(config, &client, &detail);
    cr_assert_eq(err, KCI_HAVE_TLS ? KC_OK : KC_E_NOT_SUPPORTED, "%s", detail.text);
    kc_client_free(client);
    kc_config_free(config);
}

Test(client, version_and_features)
{
    cr_assert_str_eq(kc_version(), "0.1.0");
    cr_assert(strstr(kc_features(), "gzip"));
    kc_client_free(NULL);
}

/* -- closing ------------------------------------------------------------------------------------
 */

typedef struct member {
    kci_user user;
    kc_client *client;
    int64_t takes_us; /* -1: never finishes */
    kci_timer timer;
    int asked;
    int64_t deadline_us;
} member;

static void on_finished(kci_timer *timer)
{
    member *m = KCI_CONTAINER_OF(timer, member, timer);
    kci_user_closed(m->client, &m->user);
    kci_user_closed(m->client, &m->user);
}

static void on_close(kci_user *user, int64_t deadline_us)
{
    member *m = KCI_CONTAINER_OF(user, member, user);

    m->asked++;
    m->deadline_us = deadline_us;
    if (m->takes_us == 0)
        kci_user_remove(m->client, user);
    else if (m->takes_us > 0)
        kci_timer_set(m->client->loop, &m->timer, kci_loop_now(m->client->loop) + m->takes_us);
}

static void join(member *m, const char *kind, int64_t takes_us)
{
    *m = (member){ .user = { .kind = kind, .on_close = on_close },
                   .client = f.client,
                   .takes_us = takes_us,
                   .timer = { .fn = on_finished } };
    cr_assert_eq(kci_loop_reserve_timers(f.client->loop, 1), KC_OK);
    kci_user_add(f.client, &m->user);
}

Test(client, close_waits_for_users)
{
    member m[3];

    fake_init(&f, 1, NULL);
    join(&m[0], "producer", 500000);
    join(&m[1], "consumer", 0);
    join(&m[2], "producer", 2000000);
    int64_t begin = sim_now(f.world);
    cr_assert_eq(kc_client_close(f.client, 10000, NULL), KC_OK);
    int64_t took = sim_now(f.world) - begin;
    cr_assert(took >= 2000000 && took < 2100000, "%lld", (long long)took);
    cr_assert_eq(m[0].deadline_us, begin + 10000000);
    cr_assert_eq(m[0].asked + m[1].asked + m[2].asked, 3);
    cr_assert_eq(kc_client_close(f.client, 1000, NULL), KC_E_CLOSED);
    cr_assert_eq(kci_client_check(f.client), KC_E_CLOSED);
    fake_free(&f);
}

Test(client, close_returns_in_time_and_names_who_was_left)
{
    member m[3];
    kc_error detail;
    probe p;

    fake_init(&f, 1, NULL);
    join(&m[0], "producer", -1);
    join(&m[1], "consumer", 100);
    join(&m[2], "producer", -1);
    f.brokers[0].mute = true;
    probe_init(&p, &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p);
    int64_t begin = sim_now(f.world);
    cr_assert_eq(kc_client_close(f.client, 3000, &detail), KC_E_TIMED_OUT);
    int64_t took = sim_now(f.world) - begin;
    cr_assert(took >= 3000000 && took < 3010000, "%lld", (long long)took);
    cr_assert(strstr(detail.text, "2 producers"), "%s", detail.text);
    cr_assert_not(strstr(detail.text, "consumer"), "%s", detail.text);
    cr_assert_eq(p.err, KC_E_CLOSED);
    fake_free(&f);
}

Test(client, close_at_once)
{
    member m;
    probe p[3];

    fake_init(&f, 2, NULL);
    join(&m, "producer", -1);
    for (int i = 0; i < 3; i++) {
        probe_init(&p[i], &f, KCI_NODE_ANY, (kci_class)i);
        probe_start(&p[i]);
    }
    kci_client_want_topic(f.client, kc_str("t"));
    int64_t begin = sim_now(f.world);
    cr_assert_eq(kc_client_close(f.client, 0, NULL), KC_E_TIMED_OUT);
    cr_assert_lt(sim_now(f.world) - begin, 10000);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(p[i].err, KC_E_CLOSED);
    probe_init(&p[0], &f, KCI_NODE_ANY, KCI_CLASS_CONTROL);
    probe_start(&p[0]);
    fake_run(&f, 100);
    cr_assert_eq(p[0].err, KC_E_CLOSED);
    fake_free(&f);
}

static int ran;

static void count(void *arg)
{
    ran += *(int *)arg;
}

Test(client, things_can_be_taken_apart_after_the_close)
{
    member m;
    int one = 1;

    fake_init(&f, 1, NULL);
    join(&m, "producer", 0);
    kc_client *client = kci_client_ref(f.client);
    cr_assert_eq(kci_client_run(client, count, &one, INT64_MAX), KC_OK);
    cr_assert_eq(kc_client_close(client, 100, NULL), KC_OK);
    cr_assert_eq(kci_client_run(client, count, &one, INT64_MAX), KC_OK);
    cr_assert_eq(ran, 2);
    fake_free(&f);
    /* The world is gone, the client's memory is not: but it must not be used any more in this test.
     */
}

/* -- driven -------------------------------------------------------------------------------------
 */

static kc_client *real_client(const char *threads, const char *servers)
{
    kc_config *config = kc_config_new();
    kc_client *client = NULL;
    kc_error detail;

    kc_config_set(config, "bootstrap.servers", servers, NULL);
    kc_config_set(config, "client.threads", threads, NULL);
    kc_config_set(config, "log.level", "off", NULL);
    kc_err err = kc_client_new(config, &client, &detail);
    cr_assert_eq(err, KC_OK, "%s", detail.text);
    kc_config_free(config);
    return client;
}

Test(client, is_driven_by_the_application)
{
    kc_client *client = real_client("0", "127.0.0.1:1");

    cr_assert(kci_client_driven(client));
    cr_assert_eq(kc_client_timeout(client), -1);
    struct pollfd fd = { .fd = kc_client_fd(client), .events = POLLIN };
    cr_assert_geq(fd.fd, 0);
    while (poll(&fd, 1, 0) > 0)
        cr_assert_eq(kc_client_step(client, 0), KC_OK);
    kci_client_want_topic(client, kc_str("t"));
    cr_assert_eq(poll(&fd, 1, 30000), 1);
    for (int i = 0; i < 600 && kci_client_last_problem(client, NULL) == KC_OK; i++) {
        int32_t timeout = kc_client_timeout(client);
        cr_assert_geq(timeout, -1);
        poll(&fd, 1, timeout < 0 || timeout > 100 ? 100 : timeout);
        cr_assert_eq(kc_client_step(client, 0), KC_OK);
    }
    cr_assert_eq(kci_client_last_problem(client, NULL), KC_E_CONNECT);
    cr_assert_eq(kc_client_close(client, 1000, NULL), KC_OK);
    cr_assert_eq(kc_client_step(client, 0), KC_E_CLOSED);
    kc_client_free(client);
}

Test(client, with_a_thread_is_not_driven)
{
    kc_client *client = real_client("1", "127.0.0.1:1");

    cr_assert_eq(kc_client_step(client, 0), KC_E_STATE);
    cr_assert_eq(kc_client_fd(client), -1);
    cr_assert_eq(kc_client_timeout(client), KC_E_STATE);
    kc_client_free(client);
}

/* -- the thread ---------------------------------------------------------------------------------
 */

static int threads_named(const char *wanted)
{
    char path[64], name[64];
    int found = 0;

    for (int tid = getpid(); tid < getpid() + 64; tid++) {
        snprintf(path, sizeof path, "/proc/self/task/%d/comm", tid);
        FILE *file = fopen(path, "r");
        if (!file)
            continue;
        found += fgets(name, sizeof name, file) && strncmp(name, wanted, strlen(wanted)) == 0;
        fclose(file);
    }
    return found;
}

static int64_t cpu_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* Whether there is a time in which next to no processor time is used. What the system does for the
 * process costs some now and then; a thread that spins costs all of it, always. */
static bool is_at_rest(void)
{
    enum { WINDOW_US = 100000 };
    for (int i = 0; i < 50; i++) {
        int64_t before = cpu_us();
        usleep(WINDOW_US);
        if (cpu_us() - before < WINDOW_US / 50)
            return true;
    }
    return false;
}

/* Keeps the loop until it is let go. */
static void nap(void *arg)
{
    atomic_bool *over = arg;
    while (!atomic_load(over))
        usleep(1000);
}

Test(client, has_one_thread_that_sleeps)
{
    kc_client *client = real_client("1", "127.0.0.1:1");
    int one = 1;

    ran = 0;
    cr_assert_eq(kci_client_run(client, count, &one, INT64_MAX), KC_OK);
    cr_assert_eq(ran, 1);
    cr_assert_eq(threads_named("kc-loop"), 1);
    cr_assert(is_at_rest());
    int64_t now = client->sys->mono_us(client->sys);
    atomic_bool over = false;
    cr_assert_eq(kci_client_run(client, nap, &over, now + 50000), KC_E_TIMED_OUT);
    atomic_store(&over, true);
    cr_assert_eq(kc_client_close(client, 30000, NULL), KC_OK);
    cr_assert_eq(threads_named("kc-loop"), 0);
    cr_assert_eq(kci_client_run(client, count, &one, 0), KC_OK);
    cr_assert_eq(ran, 2);
    kc_client_free(client);
}

static void *hammer(void *arg)
{
    kc_client *client = arg;
    int nothing = 0;

    for (int i = 0; i < 300; i++) {
        char name[16];
        snprintf(name, sizeof name, "t%d", i % 7);
        if (kci_client_check(client) != KC_OK)
            break;
        kci_client_want_topic(client, kc_str(name));
        kci_client_refresh(client);
        kci_metadata_unref(kci_client_metadata(client));
        kci_client_last_problem(client, NULL);
        kci_client_run(client, count, &nothing, INT64_MAX);
        kci_client_drop_topic(client, kc_str(name));
    }
    return NULL;
}

Test(client, is_used_by_many_threads_while_it_closes)
{
    for (int round = 0; round < 10; round++) {
        kc_client *client = real_client("1", "localhost:1,127.0.0.1:2");
        pthread_t threads[4];
        for (int i = 0; i < 4; i++)
            pthread_create(&threads[i], NULL, hammer, client);
        usleep((useconds_t)(round * 3000));
        kc_err err = kc_client_close(client, 30000, NULL);
        cr_assert_eq(err, KC_OK, "%d", err);
        for (int i = 0; i < 4; i++)
            pthread_join(threads[i], NULL);
        kc_client_free(client);
    }
}

/* ThreadSanitizer dies when a child of a process with threads starts one. AddressSanitizer's allocator
 * keeps the locks that another thread held at the fork: the child's thread would wait for them. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define THREADS_AFTER_FORK "0"
#else
#define THREADS_AFTER_FORK "1"
#endif

/* -- fork ---------------------------------------------------------------------------------------
 */

Test(client, says_so_in_a_child)
{
    kc_client *client = real_client("1", "127.0.0.1:1");
    int runs = 0;
    cr_assert_eq(kci_client_run(client, count, &runs, INT64_MAX), KC_OK);
    usleep(20000); /* its thread has begun, and holds no lock of the allocator's any more */

    pid_t child = fork();
    if (child == 0) {
        bool ok = kci_client_check(client) == KC_E_FORKED &&
                  kc_client_close(client, 0, NULL) == KC_E_FORKED &&
                  kc_client_step(client, 0) == KC_E_FORKED &&
                  kci_client_run(client, count, NULL, INT64_MAX) == KC_E_FORKED;
        kc_client_free(client);
        kc_client *own = real_client(THREADS_AFTER_FORK, "127.0.0.1:1");
        ok = ok && kci_client_check(own) == KC_OK && kc_client_close(own, 1000, NULL) == KC_OK;
        _exit(ok ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    cr_assert_eq(kci_client_check(client), KC_OK);
    kc_client_free(client);
}

/* -- log ----------------------------------------------------------------------------------------
 */

static char last_line[600];
static int lines;

static void take_line(void *user, int level, const char *area, const char *text)
{
    (void)area;
    if (level <= KC_LOG_WARN)
        lines++;
    cr_assert_eq(user, &lines);
    snprintf(last_line, sizeof last_line, "%s", text);
}

Test(client, complains_once_and_then_rarely)
{
    fake_init(&f, 2, NULL);
    kc_client_set_log(f.client, take_line, &lines, KC_LOG_WARN);
    fake_broker_stop(&f.brokers[0]);
    fake_broker_stop(&f.brokers[1]);
    kci_client_want_topic(f.client, kc_str("t"));
    fake_run(&f, 60000);
    cr_assert_geq(lines, 3);
    cr_assert_leq(lines, 16, "%d lines in a minute", lines);
    fake_free(&f);
}

/* The default log writes lines that say when. */
Test(client, lines_on_stderr_carry_the_time)
{
    int ends[2];
    char line[300] = "";
    int y, mo, d, h, mi, s, ms, at = 0;

    cr_assert_eq(pipe(ends), 0);
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    cr_assert_geq(dup2(ends[1], STDERR_FILENO), 0);
    kci_log_to_stderr(kci_sys_posix(false), KC_LOG_WARN, "conn", "something failed");
    dup2(saved, STDERR_FILENO);
    close(saved);
    ssize_t size = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    close(ends[1]);
    cr_assert_gt(size, 0);
    cr_expect_eq(sscanf(line, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &y, &mo, &d, &h, &mi, &s, &ms, &at),
                 7, "%s", line);
    cr_expect_str_eq(line + at, " kclient warn conn: something failed\n");
    cr_expect_geq(y, 2020);
    cr_expect(mo >= 1 && mo <= 12 && d >= 1 && d <= 31 && h < 24 && mi < 60);
}
