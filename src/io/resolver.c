/* SPDX-License-Identifier: Apache-2.0 */
/* getaddrinfo() blocks, for as long as DNS takes, so it runs on helper threads: one is started when
 * a name waits and none is idle, a few at most, so that one dead name server does not hold up the
 * other names; each ends after some idle seconds. The queue is bounded. One process-wide instance;
 * a child of fork() begins with an empty one. */
#include "io/resolver.h"

#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "io/addr.h"

enum { MAX_THREADS = 4, MAX_WAITING = 256, MAX_ADDRS = 64, MAX_HOST = 255, IDLE_SECONDS = 5 };

typedef struct job {
    kci_link link;
    kci_resolve_fn done;
    void *arg;
    uint16_t port;
    char host[MAX_HOST + 1];
} job;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* CLOCK_MONOTONIC */
    pthread_once_t once;
    kci_list jobs;
    int waiting, threads, idle;
} resolver = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static void reset(void)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&resolver.wake, &attr);
    pthread_condattr_destroy(&attr);
    kci_list_init(&resolver.jobs);
    resolver.waiting = resolver.threads = resolver.idle = 0;
}

static void before_fork(void)
{
    pthread_mutex_lock(&resolver.lock);
}

static void after_fork_parent(void)
{
    pthread_mutex_unlock(&resolver.lock);
}

/* The child has none of the threads; the jobs belong to handles that are dead in it. */
static void after_fork_child(void)
{
    kci_list orphans;
    kci_list_init(&orphans);
    kci_list_splice_back(&orphans, &resolver.jobs);
    reset();
    pthread_mutex_unlock(&resolver.lock);
    for (kci_link *l; (l = kci_list_pop_front(&orphans));)
        kci_free(KCI_CONTAINER_OF(l, job, link));
}

static void start_up(void)
{
    reset();
    pthread_atfork(before_fork, after_fork_parent, after_fork_child);
}

static void set_port(kci_addr *a, uint16_t port)
{
    if (a->sa.ss_family == AF_INET6)
        ((struct sockaddr_in6 *)&a->sa)->sin6_port = htons(port);
    else
        ((struct sockaddr_in *)&a->sa)->sin_port = htons(port);
}

static bool same_addr(const kci_addr *a, const kci_addr *b)
{
    return a->len == b->len && memcmp(&a->sa, &b->sa, a->len) == 0;
}

static size_t collect(const struct addrinfo *list, uint16_t port, kci_addr *addrs)
{
    size_t n = 0;
    for (const struct addrinfo *ai = list; ai && n < MAX_ADDRS; ai = ai->ai_next) {
        if ((ai->ai_family != AF_INET && ai->ai_family != AF_INET6) ||
            ai->ai_addrlen > sizeof addrs[n].sa)
            continue;
        kci_addr *a = &addrs[n];
        memset(a, 0, sizeof *a);
        memcpy(&a->sa, ai->ai_addr, ai->ai_addrlen);
        a->len = ai->ai_addrlen;
        set_port(a, port);
        size_t i = 0;
        while (i < n && !same_addr(&addrs[i], a))
            i++;
        if (i == n)
            n++;
    }
    return n;
}

static const char *gai_remedy(int code)
{
    switch (code) {
    case EAI_NONAME:
        return "check the spelling, and that DNS or /etc/hosts knows it";
    case EAI_AGAIN:
        return "the name server did not answer; it is asked again";
    default:
        return "check the name and this machine's DNS settings";
    }
}

static void look_up(const job *j)
{
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
    struct addrinfo *list = NULL;
    kci_addr addrs[MAX_ADDRS];
    char why[512];
    int code = getaddrinfo(j->host, NULL, &hints, &list);
    if (code == EAI_MEMORY) {
        j->done(j->arg, KC_E_NO_MEMORY, NULL, 0, "out of memory while resolving a name");
        return;
    }
    if (code != 0) {
        snprintf(why, sizeof why, "cannot resolve host name '%s' (%s): %s", j->host,
                 gai_strerror(code), gai_remedy(code));
        j->done(j->arg, KC_E_RESOLVE, NULL, 0, why);
        return;
    }
    size_t n = collect(list, j->port, addrs);
    freeaddrinfo(list);
    if (n == 0) {
        snprintf(why, sizeof why, "host name '%s' has no IPv4 or IPv6 address", j->host);
        j->done(j->arg, KC_E_RESOLVE, NULL, 0, why);
        return;
    }
    j->done(j->arg, KC_OK, addrs, n, "");
}

/* Waits for a job with the lock held; NULL when none came for a while. */
static job *next_job(void)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    while (kci_list_is_empty(&resolver.jobs)) {
        resolver.idle++;
        int err = pthread_cond_timedwait(&resolver.wake, &resolver.lock, &until);
        resolver.idle--;
        if (err != 0 && kci_list_is_empty(&resolver.jobs))
            return NULL;
    }
    resolver.waiting--;
    return KCI_CONTAINER_OF(kci_list_pop_front(&resolver.jobs), job, link);
}

static void *run(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&resolver.lock);
    for (job *j; (j = next_job());) {
        pthread_mutex_unlock(&resolver.lock);
        look_up(j);
        kci_free(j);
        pthread_mutex_lock(&resolver.lock);
    }
    resolver.threads--;
    pthread_mutex_unlock(&resolver.lock);
    return NULL;
}

/* Takes the job in, with a thread that will come to it; the lock is held. */
static kc_err enqueue(job *j)
{
    if (resolver.waiting >= MAX_WAITING)
        return KC_E_RESOLVE;
    if (resolver.idle <= resolver.waiting && resolver.threads < MAX_THREADS) {
        kc_err err = kci_thread_start(NULL, "kclient-dns", run, NULL);
        if (err == KC_OK)
            resolver.threads++;
        else if (resolver.threads == 0)
            return err;
    }
    kci_list_push_back(&resolver.jobs, &j->link);
    resolver.waiting++;
    pthread_cond_signal(&resolver.wake);
    return KC_OK;
}

static kc_err submit(const char *host, uint16_t port, kci_resolve_fn done, void *arg)
{
    pthread_once(&resolver.once, start_up);
    job *j = kci_calloc(1, sizeof *j);
    if (!j)
        return KC_E_NO_MEMORY;
    j->done = done;
    j->arg = arg;
    j->port = port;
    memcpy(j->host, host, strlen(host) + 1);
    pthread_mutex_lock(&resolver.lock);
    kc_err err = enqueue(j);
    pthread_mutex_unlock(&resolver.lock);
    if (err != KC_OK)
        kci_free(j);
    return err;
}

void kci_resolver_resolve(kci_sys *sys, const char *host, uint16_t port, kci_resolve_fn done,
                          void *arg)
{
    (void)sys;
    kci_addr numeric;
    if (kci_addr_parse(host, port, &numeric)) {
        done(arg, KC_OK, &numeric, 1, "");
        return;
    }
    if (host[0] == '\0' || strlen(host) > MAX_HOST) {
        done(arg, KC_E_RESOLVE, NULL, 0, "a host name has 1 to 255 characters");
        return;
    }
    kc_err err = submit(host, port, done, arg);
    if (err == KC_E_RESOLVE)
        done(arg, err, NULL, 0, "too many host names wait for DNS: the name server may be down");
    else if (err != KC_OK)
        done(arg, err, NULL, 0, "out of memory or threads for resolving a host name");
}
