/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a cluster: its loop, thread and listeners, and calls from other threads, which are
 * run on the cluster's own so that its state needs no lock. */
#include "mock/server.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/thread.h"
#include "io/addr.h"
#include "mock/abi_structs.h"

enum { POOL_BYTES = 64 << 20, BROKERS_MAX = 1000, TIMERS = 2 /* of its own */ };

void kci_mock_tick(kc_mock *mock)
{
    kci_sys *sys = kci_loop_sys(mock->loop);
    mock->cluster.now_us = kci_loop_now(mock->loop);
    mock->cluster.now_ms = sys->wall_ms(sys);
}

/* doors */

static void let_go(kci_mock_door *door)
{
    kci_sys *sys = kci_loop_sys(door->mock->loop);
    if (door->held >= 0)
        sys->sock_close(sys, door->held);
    door->held = -1;
}

static kc_err listen_on(kci_mock_door *door)
{
    kci_loop *loop = door->mock->loop;
    return kci_listener_open(loop, &door->addr, kci_mock_client_accept, door, &door->listener);
}

/* A port is held from the first opening to the end of the cluster. Otherwise another program could
 * be given it while the broker is down, and the broker could not come back. */
static kc_err hold_and_listen(kci_mock_door *door)
{
    kci_sys *sys = kci_loop_sys(door->mock->loop);
    if (door->held < 0 && sys->sock_hold(sys, &door->addr, &door->held) != 0)
        door->held = -1;
    kc_err err = listen_on(door);
    if (err != KC_E_CONNECT || door->held < 0)
        return err;
    let_go(door); /* a system that does not let two sockets have one port */
    return listen_on(door);
}

kc_err kci_mock_door_open(kci_mock_door *door, kc_error *detail)
{
    if (door->listener)
        return KC_OK;
    kc_err err = hold_and_listen(door);
    if (err != KC_OK) {
        char text[KCI_ADDR_TEXT_SIZE];
        return kci_fail(detail, err,
                        "The mock's broker %d cannot listen on %s; choose another port, or 0.",
                        door->broker->id, kci_addr_text(&door->addr, text));
    }
    if (door->broker->port == 0)
        door->broker->port = kci_addr_port(&door->addr);
    return KC_OK;
}

void kci_mock_door_disconnect(kci_mock_door *door)
{
    kci_link *link = kci_list_first(&door->clients);
    while (link) {
        kci_link *next = kci_list_next(&door->clients, link);
        kci_mock_client_end(KCI_CONTAINER_OF(link, kci_mock_client, link));
        link = next;
    }
}

void kci_mock_door_close(kci_mock_door *door)
{
    if (door->listener)
        kci_listener_close(door->listener);
    door->listener = NULL;
    kci_mock_door_disconnect(door);
}

kc_err kci_mock_write_bootstrap(kc_mock *mock)
{
    kci_buf text = { 0 };
    for (int32_t i = 0; i < mock->door_count; i++) {
        const kci_mock_broker *b = mock->doors[i].broker;
        bool v6 = strchr(b->host, ':') != NULL;
        char piece[KCI_MOCK_HOST_MAX + 16];
        int n = snprintf(piece, sizeof piece, "%s%s%s%s:%d", i ? "," : "", v6 ? "[" : "", b->host,
                         v6 ? "]" : "", b->port);
        kci_buf_put(&text, piece, (size_t)n);
    }
    kci_buf_put8(&text, 0);
    if (text.failed) {
        kci_buf_free(&text);
        return KC_E_NO_MEMORY;
    }
    kci_free(mock->bootstrap);
    mock->bootstrap = (char *)text.data;
    return KC_OK;
}

static kc_err open_doors(kc_mock *mock, const kc_mock_options *o, kc_error *detail)
{
    const char *host = o->host ? o->host : "127.0.0.1";
    int32_t n = mock->cluster.broker_count;
    mock->doors = kci_calloc((size_t)n, sizeof *mock->doors);
    if (!mock->doors)
        return KC_E_NO_MEMORY;
    for (int32_t i = 0; i < n; i++) {
        kci_mock_door *door = &mock->doors[mock->door_count++];
        door->mock = mock;
        door->held = -1;
        door->broker = &mock->cluster.brokers[i];
        kci_list_init(&door->clients);
        snprintf(door->broker->host, sizeof door->broker->host, "%s", host);
        uint16_t port = o->port ? (uint16_t)(o->port + i) : 0;
        if (!kci_addr_parse(host, port, &door->addr))
            return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                            "The mock's host %s is not a numeric address.", host);
        kc_err err = kci_mock_door_open(door, detail);
        if (err != KC_OK)
            return err;
    }
    return kci_mock_write_bootstrap(mock);
}

/* cluster to loop */

static void on_ready_task(kci_task *task)
{
    kc_mock *mock = KCI_CONTAINER_OF(task, kc_mock, ready_task);
    kci_mock_tick(mock);
    /* Those that become ready meanwhile wait for the next turn. */
    kci_list batch;
    kci_list_init(&batch);
    kci_list_splice_back(&batch, &mock->cluster.ready);
    kci_link *link;
    while ((link = kci_list_first(&batch))) {
        kci_mock_request *r = KCI_CONTAINER_OF(link, kci_mock_request, ready);
        kci_mock_client_resume(KCI_CONTAINER_OF(r, kci_mock_client, request));
    }
}

static void on_ready(kci_mock_cluster *cluster)
{
    kc_mock *mock = KCI_CONTAINER_OF(cluster, kc_mock, cluster);
    kci_loop_post(mock->loop, &mock->ready_task);
}

static void on_replicate(kci_timer *timer)
{
    kc_mock *mock = KCI_CONTAINER_OF(timer, kc_mock, replicate_timer);
    kci_mock_tick(mock);
    kci_mock_replicate(&mock->cluster);
}

static void on_pending(kci_mock_cluster *cluster)
{
    kc_mock *mock = KCI_CONTAINER_OF(cluster, kc_mock, cluster);
    kci_link *first = kci_list_first(&cluster->pending);
    kci_timer_set(mock->loop, &mock->replicate_timer,
                  KCI_CONTAINER_OF(first, kci_mock_batch, pending)->replicated_at_us);
}

static void on_groups_due(kci_timer *timer)
{
    kc_mock *mock = KCI_CONTAINER_OF(timer, kc_mock, groups_timer);
    kci_mock_tick(mock);
    kci_mock_groups_expire(&mock->cluster);
}

static void on_groups(kci_mock_cluster *cluster)
{
    kc_mock *mock = KCI_CONTAINER_OF(cluster, kc_mock, cluster);
    kci_timer_set(mock->loop, &mock->groups_timer, cluster->groups_due_us);
}

/* calls from other threads */

typedef struct call {
    kci_link link;
    void (*fn)(void *arg);
    void *arg;
    bool done;
} call;

static void on_control(kci_task *task)
{
    kc_mock *mock = KCI_CONTAINER_OF(task, kc_mock, control_task);
    kci_mock_tick(mock);
    pthread_mutex_lock(&mock->lock);
    kci_link *link;
    while ((link = kci_list_pop_front(&mock->calls))) {
        call *c = KCI_CONTAINER_OF(link, call, link);
        pthread_mutex_unlock(&mock->lock);
        c->fn(c->arg);
        pthread_mutex_lock(&mock->lock);
        c->done = true;
        pthread_cond_broadcast(&mock->answered);
    }
    pthread_mutex_unlock(&mock->lock);
}

void kci_mock_run(kc_mock *mock, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&mock->lock);
    bool direct = !mock->running || pthread_equal(pthread_self(), mock->thread);
    if (direct) {
        pthread_mutex_unlock(&mock->lock);
        kci_mock_tick(mock);
        fn(arg);
        return;
    }
    call c = { .fn = fn, .arg = arg };
    kci_list_push_back(&mock->calls, &c.link);
    kci_loop_post(mock->loop, &mock->control_task);
    /* The loop only serves sockets and calls: it never waits for anything itself. */
    while (!c.done)
        pthread_cond_wait(&mock->answered, &mock->lock);
    pthread_mutex_unlock(&mock->lock);
}

static void *thread_main(void *arg)
{
    kc_mock *mock = arg;
    for (;;) {
        kci_loop_step(mock->loop, -1);
        pthread_mutex_lock(&mock->lock);
        bool stop = mock->stop && mock->client_count == 0 && kci_list_is_empty(&mock->calls);
        pthread_mutex_unlock(&mock->lock);
        if (stop)
            return NULL;
    }
}

/* making and ending */

/* "name:password,name:password"; neither is empty. */
static bool are_credentials(const char *list)
{
    for (;;) {
        size_t size = strcspn(list, ","), name = strcspn(list, ":,");
        if (name == 0 || name + 1 >= size)
            return false;
        if (!list[size])
            return true;
        list += size + 1;
    }
}

static kc_err check_options(const kc_mock_options *o, kc_error *detail)
{
    if (o->brokers < 0 || o->brokers > BROKERS_MAX)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "A mock has 1 to 1000 brokers.");
    int32_t brokers = o->brokers ? o->brokers : 3;
    if (o->port && o->port > UINT16_MAX - brokers + 1)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "The mock's ports exceed 65535.");
    if (o->default_partitions < 0 || o->default_partitions > KCI_MOCK_PARTITIONS_MAX ||
        o->default_replication < 0 || o->default_replication > brokers)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "The mock's default partitions or replication is out of range.");
    if (o->version && strcmp(o->version, "4.3") != 0 && strcmp(o->version, "3.9") != 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "The mock's version is 4.3 or 3.9, not %s.",
                        o->version);
    if (o->memory_limit_bytes < 0 || o->replication_delay_us < 0)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "The mock's memory limit and replication delay are not negative.");
    if (o->sasl_plain && !are_credentials(o->sasl_plain))
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "The mock's SASL credentials are \"name:password,name:password\".");
    if (!o->tls_cert_file != !o->tls_key_file)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT,
                        "The mock's TLS needs a certificate and a key.");
    if (o->host && strlen(o->host) >= KCI_ADDR_TEXT_SIZE)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "The mock's host is not an address.");
    return KC_OK;
}

static kc_err open_tls(kc_mock *mock, const kc_mock_options *o, kc_error *detail)
{
    if (!o->tls_cert_file)
        return KC_OK;
    kci_tls_params params = { .server = true,
                              .cert_file = o->tls_cert_file,
                              .key_file = o->tls_key_file,
                              .min_version = 12 };
    return kci_tls_new(&params, &mock->tls, detail);
}

static kc_err set_up(kc_mock *mock, const kc_mock_options *o, kc_error *detail)
{
    kci_sys *sys = kci_loop_sys(mock->loop);
    uint64_t seed;
    sys->random(sys, &seed, sizeof seed);
    kc_err err = kci_mock_cluster_init(&mock->cluster, o, seed);
    mock->cluster.on_ready = on_ready;
    mock->cluster.on_pending = on_pending;
    mock->cluster.on_groups = on_groups;
    if (err == KC_OK)
        err = kci_loop_reserve_timers(mock->loop, TIMERS);
    if (err != KC_OK)
        return err;
    mock->timer_reserved = true;
    mock->pool = kci_frame_pool_new(POOL_BYTES);
    if (!mock->pool)
        return KC_E_NO_MEMORY;
    err = open_tls(mock, o, detail);
    return err == KC_OK ? open_doors(mock, o, detail) : err;
}

static kc_mock *mock_new(kci_loop *loop)
{
    kc_mock *mock = kci_calloc(1, sizeof *mock);
    if (!mock)
        return NULL;
    mock->loop = loop;
    mock->ready_task.fn = on_ready_task;
    mock->control_task.fn = on_control;
    mock->replicate_timer.fn = on_replicate;
    mock->groups_timer.fn = on_groups_due;
    kci_mock_faults_init(&mock->faults);
    kci_list_init(&mock->calls);
    pthread_mutex_init(&mock->lock, NULL);
    pthread_cond_init(&mock->answered, NULL);
    return mock;
}

kc_err kci_mock_new_on(kci_loop *loop, const kc_mock_options *options, kc_mock **out,
                       kc_error *detail)
{
    kc_mock_options copy = KC_MOCK_OPTIONS_INIT;
    const kc_mock_options *o = &copy;
    *out = NULL;
    kc_err err = options ? kci_abi_take(&kci_abi_mock_options, options, &copy, detail) : KC_OK;
    if (err == KC_OK)
        err = check_options(o, detail);
    if (err != KC_OK)
        return err;
    kc_mock *mock = mock_new(loop);
    if (!mock)
        return kci_fail(detail, KC_E_NO_MEMORY, NULL);
    err = set_up(mock, o, detail);
    if (err != KC_OK) {
        if (err == KC_E_NO_MEMORY)
            kci_fail(detail, err, NULL);
        kc_mock_free(mock);
        return err;
    }
    *out = mock;
    return KC_OK;
}

kc_err kc_mock_new(const kc_mock_options *options, kc_mock **out, kc_error *detail)
{
    kci_loop *loop;
    if (!out)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "out is NULL");
    *out = NULL;
    kc_err err = kci_loop_new(kci_sys_posix(false), &loop);
    if (err != KC_OK)
        return kci_fail(detail, err, NULL);
    kc_mock *mock;
    err = kci_mock_new_on(loop, options, &mock, detail);
    if (err != KC_OK) {
        kci_loop_free(loop);
        return err;
    }
    mock->threaded = true;
    pthread_mutex_lock(&mock->lock);
    err = kci_thread_start(&mock->thread, "kc-mock", thread_main, mock);
    mock->running = err == KC_OK;
    pthread_mutex_unlock(&mock->lock);
    if (err != KC_OK) {
        kc_mock_free(mock);
        return kci_fail(detail, err, NULL);
    }
    *out = mock;
    return KC_OK;
}

static void shut(void *arg)
{
    kc_mock *mock = arg;
    for (int32_t i = 0; i < mock->door_count; i++) {
        kci_mock_door_close(&mock->doors[i]);
        let_go(&mock->doors[i]);
    }
    pthread_mutex_lock(&mock->lock);
    mock->stop = true;
    pthread_mutex_unlock(&mock->lock);
}

void kc_mock_close(kc_mock *mock)
{
    if (!mock || mock->closed)
        return;
    mock->closed = true;
    kci_mock_run(mock, shut, mock);
    if (mock->running) {
        kci_loop_wake(mock->loop);
        pthread_join(mock->thread, NULL);
        mock->running = false;
    }
    while (mock->client_count > 0)
        kci_loop_step(mock->loop, 0);
    kci_timer_stop(mock->loop, &mock->replicate_timer);
    kci_timer_stop(mock->loop, &mock->groups_timer);
    kci_loop_step(mock->loop, 0); /* listeners and tasks end in a turn */
}

void kc_mock_free(kc_mock *mock)
{
    if (!mock)
        return;
    kc_mock_close(mock);
    if (mock->timer_reserved)
        kci_loop_reserve_timers(mock->loop, -TIMERS);
    kci_mock_cluster_free(&mock->cluster);
    kci_mock_faults_free(&mock->faults);
    kci_frame_pool_unref(mock->pool);
    kci_tls_unref(mock->tls);
    kci_free(mock->doors);
    kci_free(mock->bootstrap);
    pthread_mutex_destroy(&mock->lock);
    pthread_cond_destroy(&mock->answered);
    if (mock->threaded)
        kci_loop_free(mock->loop);
    kci_free(mock);
}
