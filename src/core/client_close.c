/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a client: users are asked to finish, at the deadline they are left behind; then every
 * call ends and every connection; then the loop has nothing left and its thread ends. */
#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/fork.h"
#include "core/state.h"
#include "io/drive.h"

/* How long the loop may take to notice that the deadline has passed, before it is given up. */
static const int64_t grace_us = 2000000;

/* -- on the loop --------------------------------------------------------------------------------
 */

/* "2 producer(s), 1 consumer(s)" of those who have not finished. */
static void name_who_is_left(kc_client *client)
{
    static const char *const kinds[] = { "producer", "consumer", "admin" };
    kci_closing *close = &client->close;
    size_t used = 0;

    for (size_t i = 0; i < KCI_COUNT_OF(kinds); i++) {
        int count = 0;
        for (kci_link *l = kci_list_first(&client->users.list); l;
             l = kci_list_next(&client->users.list, l)) {
            const kci_user *user = KCI_CONTAINER_OF(l, kci_user, link);
            count += user->closing && user->kind && strcmp(user->kind, kinds[i]) == 0;
        }
        if (count > 0 && used < sizeof close->left)
            used += (size_t)snprintf(close->left + used, sizeof close->left - used, "%s%d %s%s",
                                     used ? ", " : "", count, kinds[i], count > 1 ? "s" : "");
    }
    if (used == 0)
        snprintf(close->left, sizeof close->left, "%d user%s", close->users_left,
                 close->users_left > 1 ? "s" : "");
}

static void end_connections(kc_client *client)
{
    static const char why[] = "the client was closed";

    client->close.stage = KCI_CONNECTIONS_END;
    client->network.ending = true;
    kci_timer_stop(client->loop, &client->close.timer);
    kci_cluster_stop(&client->cluster);
    for (int32_t i = 0; i < client->brokers.count; i++)
        kci_connection_pool_finish(&client->brokers.list[i]->pool, KC_E_CLOSED, why);
    kci_coordinators_stop(&client->coordinators);
    for (int k = 0; k < KCI_CLASS_COUNT; k++)
        kci_route_fail(&client->routes[k], KC_E_CLOSED, why);
}

static bool is_all_down(const kc_client *client)
{
    for (int32_t i = 0; i < client->brokers.count; i++)
        if (!kci_connection_pool_is_down(&client->brokers.list[i]->pool))
            return false;
    return kci_list_is_empty(&client->network.finished);
}

static void on_look(kci_task *task)
{
    kc_client *client = KCI_CONTAINER_OF(task, kc_client, close.look);
    kci_closing *close = &client->close;

    if (close->stage == KCI_USERS_END && close->users_left == 0)
        end_connections(client);
    if (close->stage == KCI_CONNECTIONS_END && is_all_down(client)) {
        close->stage = KCI_CLOSED;
        atomic_store(&client->stop, true);
        if (client->driven)
            kci_event_signal(close->event);
    }
}

static void on_deadline(kci_timer *timer)
{
    kc_client *client = KCI_CONTAINER_OF(timer, kc_client, close.timer);

    if (client->close.stage != KCI_USERS_END)
        return;
    name_who_is_left(client);
    end_connections(client);
    kci_closing_look(client);
}

static void on_begin(kci_task *task)
{
    kc_client *client = KCI_CONTAINER_OF(task, kc_client, close.begin);
    kci_closing *close = &client->close;

    close->stage = KCI_USERS_END;
    kci_timer_set(client->loop, &close->timer, close->deadline_us);
    kci_client_tell_close(client, close->deadline_us);
    kci_closing_look(client);
}

kc_err kci_closing_init(kc_client *client)
{
    client->close.begin.fn = on_begin;
    client->close.look.fn = on_look;
    client->close.timer.fn = on_deadline;
    return kci_event_new(client->loop, client->driven, &client->close.event);
}

void kci_closing_free(kc_client *client)
{
    kci_event_free(client->close.event);
}

/* -- the end of the loop ------------------------------------------------------------------------
 */

void kci_closing_drain(kc_client *client)
{
    if (!kci_drive_alone(client->loop, client->sys->mono_us(client->sys) + grace_us))
        return; /* whoever runs it hangs, and goes on running it afterwards */
    while (kci_loop_step(client->loop, 0) > 0) {
    }
    kci_drive_end(client->loop);
}

void kci_closing_stop(kc_client *client)
{
    pthread_mutex_lock(&client->gate);
    client->stopped = true;
    kci_closing_drain(client);
    pthread_mutex_unlock(&client->gate);
    kci_event_signal(client->close.event);
}

/* -- the application's thread -------------------------------------------------------------------
 */

/* The thread needs the client until it ends, if it ever does: it has a reference of its own. */
static void leave_thread(kc_client *client)
{
    if (client->has_thread)
        pthread_detach(client->thread);
    client->has_thread = false;
}

static void end_thread(kc_client *client)
{
    if (client->has_thread)
        pthread_join(client->thread, NULL);
    else
        kci_closing_stop(client);
    client->has_thread = false;
}

static int64_t deadline_of(const kc_client *client, int32_t timeout_ms)
{
    int64_t us = timeout_ms < 0 ? client->settings.delivery_us : (int64_t)timeout_ms * 1000;
    return client->sys->mono_us(client->sys) + us;
}

kc_err kc_client_close(kc_client *client, int32_t timeout_ms, kc_error *detail)
{
    if (!client)
        return kci_fail(detail, KC_E_INVALID_ARGUMENT, "the client is NULL");
    kci_closing *close = &client->close;
    if (client->forks != kci_fork_count())
        return kci_fail(detail, KC_E_FORKED, NULL);
    if (atomic_exchange(&client->closing, true))
        return kci_fail(detail, KC_E_CLOSED, NULL);
    close->deadline_us = deadline_of(client, timeout_ms);
    kci_loop_post(client->loop, &close->begin);
    if (!kci_event_wait(close->event, close->deadline_us + grace_us)) {
        leave_thread(client);
        return kci_fail(detail, KC_E_TIMED_OUT,
                        "the client's thread does not end: check that the log callback returns");
    }
    end_thread(client);
    if (close->left[0])
        return kci_fail(detail, KC_E_TIMED_OUT, "these had not finished when the time passed: %s",
                        close->left);
    return KC_OK;
}
