/* SPDX-License-Identifier: Apache-2.0 */
/* The POSIX kci_sys: clocks, randomness, sockets and names. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/addr.h"
#include "io/errno_text.h"
#include "io/wake_fd.h"
#include "pair.h"

static int64_t us_of(const struct timespec *t)
{
    return (int64_t)t->tv_sec * 1000000 + t->tv_nsec / 1000;
}

/* Waits until something of `events` can be done. */
static void await(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    cr_assert_eq(poll(&p, 1, 30000), 1);
}

Test(sys, clocks_and_randomness)
{
    kci_sys *sys = kci_sys_posix(false);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    int64_t us = sys->mono_us(sys);
    clock_gettime(CLOCK_MONOTONIC, &after);
    cr_assert(us >= us_of(&before) && us <= us_of(&after));
    cr_assert(sys->wall_ms(sys) > (int64_t)1700000000 * 1000);
    uint8_t x[100] = { 0 }, y[100] = { 0 };
    sys->random(sys, x, sizeof x);
    sys->random(sys, y, sizeof y);
    cr_assert(memcmp(x, y, sizeof x) != 0);
    sys->random(sys, x, 0);
    cr_assert_eq(kci_sys_posix(true), kci_sys_posix(true));
    cr_assert_neq(kci_sys_posix(true), kci_sys_posix(false));
}

Test(sys, sockets_are_set_up)
{
    kci_sys *sys = kci_sys_posix(false);
    kci_addr addr = loopback(0);
    int listener, client, server;
    cr_assert_eq(sys->sock_listen(sys, &addr, 10, &listener), 0);
    cr_assert_neq(kci_addr_port(&addr), 0);
    cr_assert_eq(sys->sock_accept(sys, listener, &server), -EAGAIN);
    int err = sys->sock_connect(sys, &addr, &client);
    cr_assert(err == 0 || err == -EINPROGRESS);
    await(client, POLLOUT);
    await(listener, POLLIN);
    cr_assert_eq(sys->sock_error(sys, client), 0);
    cr_assert_eq(sys->sock_accept(sys, listener, &server), 0);
    int fds[] = { listener, client, server };
    for (int i = 0; i < 3; i++) {
        cr_assert(fcntl(fds[i], F_GETFL) & O_NONBLOCK);
        cr_assert(fcntl(fds[i], F_GETFD) & FD_CLOEXEC);
        int nodelay = 0;
        socklen_t len = sizeof nodelay;
        getsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &nodelay, &len);
        cr_assert(i == 0 || nodelay);
    }
    cr_assert_eq(sys->sock_buffers(sys, client, 50000, 60000), 0);
    cr_assert_eq(sys->sock_buffers(sys, client, -1, -1), 0);
    uint8_t byte = 7;
    struct iovec iov = { &byte, 1 };
    cr_assert_eq(sys->sock_readv(sys, server, &iov, 1), -EAGAIN);
    cr_assert_eq(sys->sock_writev(sys, client, &iov, 1), 1);
    await(server, POLLIN);
    byte = 0;
    cr_assert_eq(sys->sock_readv(sys, server, &iov, 1), 1);
    cr_assert_eq(byte, 7);
    sys->sock_close(sys, server);
    signal(SIGPIPE, SIG_DFL);
    ssize_t written = 1;
    for (int i = 0; i < 30000 && written > 0; i++) {
        written = sys->sock_writev(sys, client, &iov, 1);
        usleep(1000);
    }
    cr_assert_lt(written, 0);
    cr_assert_lt(sys->sock_writev(sys, client, &iov, 1), 0, "would kill by SIGPIPE");
    cr_assert_eq(sys->sock_listen(sys, &addr, 10, &server), -EADDRINUSE);
    sys->sock_close(sys, client);
    sys->sock_close(sys, listener);
    kci_addr odd = { .sa.ss_family = 250, .len = 16 };
    cr_assert_lt(sys->sock_connect(sys, &odd, &client), 0);
}

Test(sys, refused_connect_shows_as_error)
{
    kci_sys *sys = kci_sys_posix(false);
    kci_addr addr = loopback(1);
    int sock;
    int err = sys->sock_connect(sys, &addr, &sock);
    if (err == -EINPROGRESS) {
        await(sock, POLLOUT);
        err = sys->sock_error(sys, sock);
        sys->sock_close(sys, sock);
    }
    cr_assert_eq(err, -ECONNREFUSED);
}

Test(sys, texts)
{
    char buf[KCI_ADDR_TEXT_SIZE], e[KCI_ERRNO_TEXT_SIZE];
    kci_addr a;
    cr_assert(kci_addr_parse("10.1.2.3", 9092, &a));
    cr_assert_str_eq(kci_addr_text(&a, buf), "10.1.2.3:9092");
    cr_assert(kci_addr_parse("2001:db8::1", 65535, &a));
    cr_assert_str_eq(kci_addr_text(&a, buf), "[2001:db8::1]:65535");
    static const char *const bad[] = {
        "", "localhost", "1.2.3", "1.2.3.4.5", "::g", "[::1]", " ::1"
    };
    for (size_t i = 0; i < KCI_COUNT_OF(bad); i++)
        cr_assert_not(kci_addr_parse(bad[i], 1, &a));
    a = (kci_addr){ 0 };
    cr_assert_str_eq(kci_addr_text(&a, buf), "?");
    cr_assert_str_eq(kci_errno_text(ECONNREFUSED, e), kci_errno_text(-ECONNREFUSED, e));
    cr_assert(strstr(kci_errno_text(9999, e), "9999"));
}

/* names */

typedef struct answer {
    atomic_int calls;
    kc_err err;
    size_t count;
    kci_addr first;
    char why[600];
    pthread_t thread;
    bool signals_blocked;
} answer;

static void on_resolved(void *arg, kc_err err, const kci_addr *addrs, size_t count, const char *why)
{
    answer *a = arg;
    a->err = err;
    a->count = count;
    if (count)
        a->first = addrs[0];
    snprintf(a->why, sizeof a->why, "%s", why);
    a->thread = pthread_self();
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    a->signals_blocked = sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGCHLD);
    atomic_fetch_add(&a->calls, 1);
}

static void wait_answer(answer *a)
{
    for (int i = 0; i < 30000 && !atomic_load(&a->calls); i++)
        usleep(1000);
    cr_assert_eq(atomic_load(&a->calls), 1);
}

Test(resolver, numeric_at_once)
{
    kci_sys *sys = kci_sys_posix(false);
    answer v4 = { 0 }, v6 = { 0 };
    sys->resolve(sys, "192.0.2.7", 9092, on_resolved, &v4);
    sys->resolve(sys, "2001:db8::7", 9093, on_resolved, &v6);
    cr_assert_eq(v4.calls, 1);
    cr_assert_eq(v6.calls, 1);
    char buf[KCI_ADDR_TEXT_SIZE];
    cr_assert_eq(v4.count, 1);
    cr_assert_str_eq(kci_addr_text(&v4.first, buf), "192.0.2.7:9092");
    cr_assert_str_eq(kci_addr_text(&v6.first, buf), "[2001:db8::7]:9093");
    cr_assert(pthread_equal(v4.thread, pthread_self()));
}

Test(resolver, names_by_a_helper)
{
    kci_sys *sys = kci_sys_posix(false);
    answer a = { 0 };
    sys->resolve(sys, "localhost", 9092, on_resolved, &a);
    wait_answer(&a);
    cr_assert_eq(a.err, KC_OK, "%s", a.why);
    cr_assert_geq(a.count, 1);
    cr_assert_eq(kci_addr_port(&a.first), 9092);
    cr_assert_not(pthread_equal(a.thread, pthread_self()));
    cr_assert(a.signals_blocked);
}

Test(resolver, unknown_names_are_explained)
{
    kci_sys *sys = kci_sys_posix(false);
    answer a = { 0 };
    sys->resolve(sys, "no-such-host.invalid", 9092, on_resolved, &a);
    wait_answer(&a);
    cr_assert_eq(a.err, KC_E_RESOLVE);
    cr_assert_eq(a.count, 0);
    cr_assert(strstr(a.why, "no-such-host.invalid"), "%s", a.why);
}

Test(resolver, bad_names)
{
    kci_sys *sys = kci_sys_posix(false);
    char big[400];
    memset(big, 'a', sizeof big);
    big[399] = '\0';
    answer a = { 0 }, b = { 0 };
    sys->resolve(sys, big, 1, on_resolved, &a);
    sys->resolve(sys, "", 1, on_resolved, &b);
    cr_assert_eq(a.err, KC_E_RESOLVE);
    cr_assert_eq(b.err, KC_E_RESOLVE);
}

Test(resolver, many_at_once)
{
    kci_sys *sys = kci_sys_posix(false);
    static answer a[600];
    for (int i = 0; i < 600; i++)
        sys->resolve(sys, "localhost", (uint16_t)i, on_resolved, &a[i]);
    int full = 0;
    for (int i = 0; i < 600; i++) {
        wait_answer(&a[i]);
        full += a[i].err == KC_E_RESOLVE;
        cr_assert(a[i].err == KC_OK || a[i].err == KC_E_RESOLVE);
        if (a[i].err == KC_OK)
            cr_assert_eq(kci_addr_port(&a[i].first), i);
    }
    cr_assert_lt(full, 600 - 200, "the queue takes a few hundred");
}

Test(resolver, out_of_memory)
{
    kci_sys *sys = kci_sys_posix(false);
    answer a = { 0 };
    kci_mem_fail_after(1, false);
    sys->resolve(sys, "localhost", 1, on_resolved, &a);
    kci_mem_fail_after(0, false);
    cr_assert_eq(a.calls, 1);
    cr_assert_eq(a.err, KC_E_NO_MEMORY);
}

#ifdef __SANITIZE_THREAD__
#define NOT_UNDER_TSAN .disabled = true /* it allows no threads in such a child */
#else
#define NOT_UNDER_TSAN .disabled = false
#endif

Test(resolver, works_in_the_child_of_a_fork, NOT_UNDER_TSAN)
{
    kci_sys *sys = kci_sys_posix(false);
    answer a = { 0 };
    sys->resolve(sys, "localhost", 1, on_resolved, &a);
    wait_answer(&a);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(60);
        answer b = { 0 };
        sys->resolve(sys, "localhost", 1, on_resolved, &b);
        while (!atomic_load(&b.calls))
            usleep(1000);
        _exit(b.err == KC_OK ? 0 : 1);
    }
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%x", status);
}

static int count_helpers(void)
{
    DIR *dir = opendir("/proc/self/task");
    int n = 0;
    for (struct dirent *d; (d = readdir(dir));) {
        char path[300], name[32] = "";
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", d->d_name);
        FILE *f = fopen(path, "r");
        if (f && fgets(name, sizeof name, f) && strstr(name, "kclient-dns"))
            n++;
        if (f)
            fclose(f);
    }
    closedir(dir);
    return n;
}

Test(resolver, helpers_end_when_idle)
{
    kci_sys *sys = kci_sys_posix(false);
    answer a[3] = { { 0 } };
    for (int i = 0; i < 3; i++)
        sys->resolve(sys, "localhost", 1, on_resolved, &a[i]);
    for (int i = 0; i < 3; i++)
        wait_answer(&a[i]);
    int n = count_helpers();
    cr_assert_leq(n, 4);
    for (int i = 0; i < 300 && count_helpers(); i++)
        usleep(100000);
    cr_assert_eq(count_helpers(), 0);
}

/* Opens one of each kind of descriptor with 0, 1 and 2 closed: 0, or the number of the first that
 * took one of these places. */
static int open_all_without_standard_ones(void)
{
    kci_sys *sys = kci_sys_posix(false);
    kci_addr addr;
    kci_wake_fd wake;
    int listener, client, server;
    close(0);
    close(1);
    close(2);
    if (kci_wake_fd_open(&wake) != 0 || wake.read_fd < 3 || wake.write_fd < 3)
        return 1;
    if (!kci_addr_parse("127.0.0.1", 0, &addr) || sys->sock_listen(sys, &addr, 1, &listener) != 0 ||
        listener < 3)
        return 2;
    int err = sys->sock_connect(sys, &addr, &client);
    if ((err != 0 && err != -EINPROGRESS) || client < 3)
        return 3;
    struct pollfd ready = { listener, POLLIN, 0 };
    poll(&ready, 1, 30000);
    if (sys->sock_accept(sys, listener, &server) != 0 || server < 3)
        return 4;
    kci_loop *loop;
    if (kci_loop_new(sys, &loop) != KC_OK || fcntl(0, F_GETFD) != -1 || fcntl(1, F_GETFD) != -1)
        return 5;
    return 0;
}

Test(sys, descriptors_stay_clear_of_the_standard_ones)
{
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(open_all_without_standard_ones());
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    cr_assert(WIFEXITED(status));
    cr_expect_eq(WEXITSTATUS(status), 0);
}
