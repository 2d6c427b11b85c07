/* SPDX-License-Identifier: Apache-2.0 */
/* Running something on the loop and waiting for it, and driving a client that has no thread. */
#include "base/mem.h"
#include "core/fork.h"
#include "core/state.h"

/* Owned by both sides: the waiter may give up before the loop comes to it. */
struct kci_errand {
    kci_task task;
    atomic_int refs;
    void (*fn)(void *arg);
    void *arg;
    kci_event *done;
};

static void unref(kci_errand *r)
{
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_event_free(r->done);
    kci_free(r);
}

static void on_run(kci_task *task)
{
    kci_errand *r = KCI_CONTAINER_OF(task, kci_errand, task);

    r->fn(r->arg);
    kci_event_signal(r->done);
    unref(r);
}

kci_errand *kci_errand_new(kc_client *client)
{
    kci_errand *r = kci_calloc(1, sizeof *r);

    if (!r)
        return NULL;
    if (kci_event_new(client->loop, client->driven, &r->done) != KC_OK) {
        kci_free(r);
        return NULL;
    }
    r->task.fn = on_run;
    atomic_init(&r->refs, 1);
    return r;
}

void kci_errand_free(kci_errand *r)
{
    if (r)
        unref(r);
}

/* The thread is gone: the caller is the loop's thread now, one at a time. */
static void run_inline(kc_client *client, void (*fn)(void *arg), void *arg)
{
    while (kci_loop_step(client->loop, 0) > 0) {
    }
    fn(arg);
    while (kci_loop_step(client->loop, 0) > 0) {
    }
}

static bool run_if_stopped(kc_client *client, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&client->gate);
    bool stopped = client->stopped;
    if (stopped)
        run_inline(client, fn, arg);
    pthread_mutex_unlock(&client->gate);
    return stopped;
}

kc_err kci_errand_run(kc_client *client, kci_errand *r, void (*fn)(void *arg), void *arg,
                      int64_t deadline_us)
{
    if (client->forks != kci_fork_count())
        return KC_E_FORKED;
    pthread_mutex_lock(&client->gate);
    if (client->stopped) {
        run_inline(client, fn, arg);
        pthread_mutex_unlock(&client->gate);
        return KC_OK;
    }
    r->fn = fn;
    r->arg = arg;
    atomic_fetch_add_explicit(&r->refs, 1, memory_order_relaxed); /* the loop's */
    kci_loop_post(client->loop, &r->task);
    pthread_mutex_unlock(&client->gate);
    return kci_event_wait(r->done, deadline_us) ? KC_OK : KC_E_TIMED_OUT;
}

kc_err kci_client_run(kc_client *client, void (*fn)(void *arg), void *arg, int64_t deadline_us)
{
    if (client->forks != kci_fork_count())
        return KC_E_FORKED;
    if (run_if_stopped(client, fn, arg))
        return KC_OK;
    kci_errand *r = kci_errand_new(client);
    if (!r)
        return KC_E_NO_MEMORY;
    kc_err err = kci_errand_run(client, r, fn, arg, deadline_us);
    kci_errand_free(r);
    return err;
}

kc_err kc_client_step(kc_client *client, int32_t timeout_ms)
{
    kc_err err = kci_client_check(client);

    if (err != KC_OK)
        return err;
    if (!client->driven)
        return KC_E_STATE;
    kci_loop_step(client->loop, timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000);
    return KC_OK;
}

int kc_client_fd(kc_client *client)
{
    if (kci_client_check(client) != KC_OK || !client->driven)
        return -1;
    return kci_loop_fd(client->loop);
}

int32_t kc_client_timeout(kc_client *client)
{
    if (kci_client_check(client) != KC_OK || !client->driven)
        return KC_E_STATE;
    int64_t us = kci_loop_timeout(client->loop);
    if (us < 0)
        return -1;
    return us / 1000 >= INT32_MAX ? INT32_MAX : (int32_t)((us + 999) / 1000);
}
