/* SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include <stdio.h>

#include "base/err.h"
#include "base/mem.h"
#include "core/call_end.h"
#include "core/refusal.h"
#include "core/state.h"

/* How long one broker may be tried before the next is tried beside it. */
static const int64_t patience_us = 1000000;

static kci_connection *connection_of(const kci_route *route, int32_t index)
{
    return kci_connection_pool_find(&route->client->brokers.list[index]->pool, route->cls, 0);
}

/* The usable connection that has least to do; one that is throttled only if there is no other. */
static kci_connection *best(const kci_route *route)
{
    kci_connection *found = NULL;

    for (int32_t i = 0; i < route->client->brokers.count; i++) {
        kci_connection *c = connection_of(route, i);
        if (!c || !kci_connection_is_up(c) || !route->client->brokers.list[i]->known)
            continue;
        if (!found) {
            found = c;
            continue;
        }
        bool muted = kci_connection_is_throttled(c),
             found_muted = kci_connection_is_throttled(found);
        if (muted != found_muted ? found_muted
                                 : kci_connection_load(c) < kci_connection_load(found))
            found = c;
    }
    return found;
}

/* An attempt is under way that deserves some patience: until when; 0: none. */
static int64_t patient_until(const kci_route *route)
{
    int64_t now = kci_client_now(route->client);
    int64_t until = 0;

    for (int32_t i = 0; i < route->client->brokers.count; i++) {
        const kci_connection *c = connection_of(route, i);
        int64_t began = c ? kci_connection_attempt_began(c) : -1;
        if (began >= 0 && now - began < patience_us && began + patience_us > until)
            until = began + patience_us;
    }
    return until;
}

static bool is_candidate(const kci_route *route, const kci_broker *broker)
{
    const kci_connection *c = kci_connection_pool_find(&broker->pool, route->cls, 0);
    return broker->known && (!c || (kci_connection_is_down(c) && !kci_connection_is_wanted(c)));
}

/* A random one of those that may be tried now. *next: when the next may be; INT64_MAX: none. */
static kci_broker *pick(const kci_route *route, int64_t *next)
{
    kc_client *client = route->client;
    int64_t now = kci_client_now(client);
    kci_broker *found = NULL;
    uint32_t seen = 0;

    *next = INT64_MAX;
    for (int32_t i = 0; i < client->brokers.count; i++) {
        kci_broker *broker = client->brokers.list[i];
        if (!is_candidate(route, broker))
            continue;
        const kci_connection *c = kci_connection_pool_find(&broker->pool, route->cls, 0);
        int64_t retry_at = c ? kci_connection_retry_at(c)
                             : kci_refusal_retry_at(&broker->remote, &client->network);
        if (retry_at > now) {
            *next = retry_at < *next ? retry_at : *next;
            continue;
        }
        if (found && broker->remote.failures > found->remote.failures)
            continue;
        seen = found && broker->remote.failures == found->remote.failures ? seen + 1 : 1;
        if (kci_random_below(&client->random, seen) == 0)
            found = broker;
    }
    return found;
}

/* Begins an attempt, if one is due; returns when to look again. */
static int64_t try_next(kci_route *route)
{
    kc_client *client = route->client;
    int64_t now = kci_client_now(client);
    int64_t until = patient_until(route);
    int64_t next;

    if (until > 0)
        return until;
    if (client->settings.rebootstrap && kci_brokers_all_failed(client, route->cls))
        kci_routes_use_bootstrap(client);
    kci_broker *broker = pick(route, &next);
    if (!broker)
        return next;
    kci_connection *connection = kci_connection_pool_get(&broker->pool, route->cls, 0);
    if (!connection)
        return now + patience_us; /* no memory: later perhaps */
    kci_connection_want(connection);
    return now + patience_us;
}

static int64_t expire(kci_route *route)
{
    kc_client *client = route->client;
    int64_t now = kci_client_now(client);
    int64_t first = INT64_MAX;
    kci_list due;

    kci_list_init(&due);
    for (kci_link *l = kci_list_first(&route->waiting), *next; l; l = next) {
        kci_call *call = KCI_CONTAINER_OF(l, kci_call, link);
        next = kci_list_next(&route->waiting, l);
        if (call->deadline_us > now) {
            first = call->deadline_us < first ? call->deadline_us : first;
            continue;
        }
        kci_link_remove(l);
        kci_list_push_back(&due, l);
    }
    if (kci_list_is_empty(&due))
        return first;
    char why[KCI_SENTENCE_SIZE];
    kci_sentence(why, sizeof why, "no broker was reached in time%s%s", route->last[0] ? ": " : "",
                 route->last);
    for (kci_link *l; (l = kci_list_pop_front(&due));)
        kci_call_finish(KCI_CONTAINER_OF(l, kci_call, link), KC_E_TIMED_OUT, NULL, why);
    return first;
}

static void hand_over(kci_route *route)
{
    for (kci_link *l; (l = kci_list_first(&route->waiting));) {
        kci_connection *connection = best(route);
        if (!connection)
            return;
        kci_link_remove(l);
        kci_connection_add(connection, KCI_CONTAINER_OF(l, kci_call, link));
    }
}

static void on_timer(kci_timer *timer)
{
    kci_route *route = KCI_CONTAINER_OF(timer, kci_route, timer);

    hand_over(route);
    int64_t deadline = expire(route);
    if (kci_list_is_empty(&route->waiting) || kci_client_is_ending(route->client))
        return;
    int64_t next = try_next(route);
    /* done() may have added calls with an earlier deadline: they have set the timer. */
    int64_t at = next < deadline ? next : deadline;
    if (!kci_timer_is_set(timer) || kci_timer_at(timer) > at)
        kci_timer_set(route->client->loop, timer, at);
}

void kci_route_init(kci_route *route, kc_client *client, kci_class cls)
{
    route->client = client;
    route->cls = cls;
    kci_list_init(&route->waiting);
    route->timer.fn = on_timer;
}

void kci_route_wake(kci_route *route)
{
    if (!kci_list_is_empty(&route->waiting))
        kci_timer_set(route->client->loop, &route->timer, kci_client_now(route->client));
}

void kci_routes_use_bootstrap(kc_client *client)
{
    if (!kci_brokers_use_bootstrap(client))
        return;
    for (int i = 0; i < KCI_CLASS_COUNT; i++)
        kci_route_wake(&client->routes[i]);
}

void kci_route_note(kci_route *route, const char *why)
{
    snprintf(route->last, sizeof route->last, "%s", why);
}

void kci_route_add(kci_route *route, kci_call *call)
{
    kci_connection *connection = best(route);

    if (connection) {
        kci_connection_add(connection, call);
        return;
    }
    kc_err refused = kci_brokers_refusal(route->client);
    if (refused != KC_OK) {
        kci_call_finish_later(&route->client->network, call, refused);
        return;
    }
    call->connection = NULL;
    kci_list_push_back(&route->waiting, &call->link);
    kci_route_wake(route);
}

void kci_route_fail(kci_route *route, kc_err err, const char *why)
{
    kci_list all;

    kci_timer_stop(route->client->loop, &route->timer);
    kci_list_init(&all);
    kci_list_splice_back(&all, &route->waiting);
    for (kci_link *l; (l = kci_list_pop_front(&all));)
        kci_call_finish(KCI_CONTAINER_OF(l, kci_call, link), err, NULL, why);
}
