/* SPDX-License-Identifier: Apache-2.0 */
/* Running something on the loop and waiting for it, and driving a client that has no thread. */
#include "base/mem.h"
#include "core/fork.h"
#include "core/state.h"
#include "io/drive.h"

/* Owned by both sides: the waiter may give up before the loop comes to it. */
typedef struct errand {
    kci_task task;
    atomic_int refs;
    void (*fn)(void *arg);
    void *arg;
    kci_event *done;
} errand;

static void unref(errand *r)
{
    if (atomic_fetch_sub_explicit(&r->refs, 1, memory_order_acq_rel) != 1)
        return;
    kci_event_free(r->done);
    kci_free(r);
}

static void on_run(kci_task *task)
{
    errand *r = KCI_CONTAINER_OF(task, errand, task);

    r->fn(r->arg);
    kci_event_signal(r->done);
    unref(r);
}

void kci_client_post(kc_client *client, kci_task *task)
{
    pthread_mutex_lock(&client->gate);
    if (task)
        kci_loop_post(client->loop, task);
    if (client->stopped)
        kci_closing_drain(client);
    pthread_mutex_unlock(&client->gate);
}

static errand *errand_new(kc_client *client, void (*fn)(void *arg), void *arg)
{
    errand *e = kci_calloc(1, sizeof *e);

    if (!e)
        return NULL;
    if (kci_event_new(client->loop, client->driven, &e->done) != KC_OK) {
        kci_free(e);
        return NULL;
    }
    e->task.fn = on_run;
    e->fn = fn;
    e->arg = arg;
    atomic_init(&e->refs, 2);
    return e;
}

kc_err kci_client_run(kc_client *client, void (*fn)(void *arg), void *arg, int64_t deadline_us)
{
    if (client->forks != kci_fork_count())
        return KC_E_FORKED;
    errand *e = errand_new(client, fn, arg);
    if (!e)
        return KC_E_NO_MEMORY;
    kci_client_post(client, &e->task);
    bool done = kci_event_wait(e->done, deadline_us);
    unref(e);
    return done ? KC_OK : KC_E_TIMED_OUT;
}

kc_err kc_client_step(kc_client *client, int32_t timeout_ms)
{
    kc_err err = client ? kci_client_check(client) : KC_E_INVALID_ARGUMENT;

    if (err != KC_OK)
        return err;
    if (!client->driven)
        return KC_E_STATE;
    kci_drive_step(client->loop, timeout_ms < 0 ? -1 : (int64_t)timeout_ms * 1000);
    return KC_OK;
}

int kc_client_fd(kc_client *client)
{
    if (!client || kci_client_check(client) != KC_OK || !client->driven)
        return -1;
    return kci_loop_fd(client->loop);
}

int32_t kc_client_timeout(kc_client *client)
{
    if (!client)
        return KC_E_INVALID_ARGUMENT;
    if (kci_client_check(client) != KC_OK || !client->driven)
        return KC_E_STATE;
    if (!kci_drive_try(client->loop))
        return -1; /* another thread runs it, and makes the descriptor readable when it leaves */
    int64_t us = kci_loop_timeout(client->loop);
    kci_drive_end(client->loop);
    if (us < 0)
        return -1;
    return us / 1000 >= INT32_MAX ? INT32_MAX : (int32_t)((us + 999) / 1000);
}
