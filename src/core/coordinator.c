/* SPDX-License-Identifier: Apache-2.0 */
#include "core/coordinator.h"

#include <stdio.h>

#include "base/bytes.h"
#include "base/mem.h"
#include "core/state.h"

enum {
    VERSION_BATCHED = 4,
    KEY_MAX = 32767,  /* a string of Kafka's */
    BATCH_MAX = 1000, /* keys in a request */
    IDLE_MAX = 1000   /* remembered although nobody waits */
};

/* The list that it is on. */
typedef enum place { NOWHERE, UNASKED, ASKED, IDLE } place;

/* One group or transactional id. */
typedef struct coordinated {
    kci_link link;
    place place;
    kci_list waiters;
    kci_coordinated kind;
    int32_t node; /* -1: not known */
    size_t size;
    uint8_t key[];
} coordinated;

static kc_bytes key_of(const coordinated *one)
{
    return kc_mem(one->key, one->size);
}

/* -- what is known ------------------------------------------------------------------------------
 */

static void put(kci_coordinators *cs, coordinated *one, place to)
{
    kci_list *lists[] = { NULL, &cs->unasked, &cs->asked, &cs->idle };

    cs->idle_count += (to == IDLE) - (one->place == IDLE);
    kci_link_remove(&one->link);
    one->place = to;
    if (lists[to])
        kci_list_push_back(lists[to], &one->link);
}

static void make_idle(kci_coordinators *cs, coordinated *one)
{
    put(cs, one, IDLE);
    if (cs->idle_count <= IDLE_MAX)
        return;
    coordinated *oldest = KCI_CONTAINER_OF(kci_list_first(&cs->idle), coordinated, link);
    put(cs, oldest, NOWHERE);
    kci_map_remove(&cs->known[oldest->kind], key_of(oldest));
    kci_free(oldest);
}

static coordinated *add(kci_coordinators *cs, kci_coordinated kind, kc_bytes key)
{
    coordinated *one = kci_calloc(1, sizeof *one + key.size);

    if (!one)
        return NULL;
    kci_list_init(&one->waiters);
    one->kind = kind;
    one->node = -1;
    one->size = key.size;
    memcpy(one->key, key.data, key.size);
    if (kci_map_put(&cs->known[kind], key_of(one), one, NULL) == KC_OK)
        return one;
    kci_free(one);
    return NULL;
}

int32_t kci_coordinator_known(kc_client *client, kci_coordinated kind, kc_bytes key)
{
    coordinated *one = kci_map_get(&client->coordinators.known[kind], key);
    const kci_broker *broker = one && one->node >= 0 ? kci_broker_find(client, one->node) : NULL;

    if (broker && broker->known)
        return one->node;
    if (one)
        one->node = -1; /* it has left the cluster */
    return -1;
}

void kci_coordinator_forget(kc_client *client, kci_coordinated kind, kc_bytes key, int32_t node)
{
    coordinated *one = kci_map_get(&client->coordinators.known[kind], key);

    if (one && one->node == node)
        one->node = -1;
}

/* -- answers ------------------------------------------------------------------------------------
 */

/* Waiters may want it again in done(), which puts it on another list: it is idle first. */
static void finish(kci_coordinators *cs, coordinated *one, kc_err err, const char *why)
{
    kci_list waiters;
    int32_t node = err == KC_OK ? one->node : -1;

    kci_list_init(&waiters);
    kci_list_splice_back(&waiters, &one->waiters);
    make_idle(cs, one);
    for (kci_link *l; (l = kci_list_pop_front(&waiters));) {
        kci_coordinator_waiter *waiter = KCI_CONTAINER_OF(l, kci_coordinator_waiter, link);
        waiter->done(waiter, err, node, why);
    }
}

static void finish_list(kci_coordinators *cs, kci_list *list, kc_err err, const char *why)
{
    kci_list all;

    kci_list_init(&all);
    kci_list_splice_back(&all, list);
    for (kci_link *l; (l = kci_list_first(&all));)
        finish(cs, KCI_CONTAINER_OF(l, coordinated, link), err, why);
}

typedef kci_find_coordinator_response_coordinator found;

static void take(kci_coordinators *cs, coordinated *one, const found *answer)
{
    char why[300];
    kc_err err = answer->error_code;
    kc_bytes said = answer->error_message;

    if (err == KC_OK &&
        kci_client_node_hint(cs->client, answer->node_id, answer->host, answer->port) != KC_OK)
        err = KC_E_COORDINATOR_NOT_AVAILABLE; /* no broker of that name, or no memory for it */
    one->node = err == KC_OK ? answer->node_id : -1;
    if (err != KC_OK && said.data && said.size > 0)
        snprintf(why, sizeof why, "%.*s", (int)(said.size < 250 ? said.size : 250),
                 (const char *)said.data);
    else
        snprintf(why, sizeof why, "%s", kc_error_text(err));
    finish(cs, one, err, why);
}

static void read_batch(kci_coordinators *cs, const kci_find_coordinator_response *body)
{
    for (int32_t i = 0; i < body->coordinators.count; i++) {
        const found *answer = &body->coordinators.data[i];
        kci_coordinated kind = (kci_coordinated)cs->body.key_type;
        coordinated *one = kci_map_get(&cs->known[kind], answer->key);
        if (one && one->place == ASKED)
            take(cs, one, answer);
    }
}

static void read_single(kci_coordinators *cs, const kci_find_coordinator_response *body)
{
    found answer = { .error_code = body->error_code,
                     .error_message = body->error_message,
                     .node_id = body->node_id,
                     .host = body->host,
                     .port = body->port };
    take(cs, KCI_CONTAINER_OF(kci_list_first(&cs->asked), coordinated, link), &answer);
}

static void on_answer(kci_call *call, kc_err err, const kci_response *response, const char *why)
{
    kci_coordinators *cs = KCI_CONTAINER_OF(call, kci_coordinators, call);

    cs->busy = false;
    if (err == KC_OK && response->version >= VERSION_BATCHED)
        read_batch(cs, response->body);
    else if (err == KC_OK)
        read_single(cs, response->body);
    /* Those that the answer leaves out, or all when there is none. */
    finish_list(cs, &cs->asked, err == KC_OK ? KC_E_COORDINATOR_NOT_AVAILABLE : err,
                err == KC_OK ? "the broker's answer leaves it out" : why);
    if (kci_client_is_ending(cs->client))
        finish_list(cs, &cs->unasked, KC_E_CLOSED, kc_error_text(KC_E_CLOSED));
    else if (!kci_list_is_empty(&cs->unasked))
        kci_loop_defer(cs->client->loop, &cs->send);
}

/* -- asking -------------------------------------------------------------------------------------
 */

/* Before version 4 a request has one key: the others wait for the next. */
static kc_err on_version(kci_call *call, int16_t version)
{
    kci_coordinators *cs = KCI_CONTAINER_OF(call, kci_coordinators, call);
    const coordinated *first = KCI_CONTAINER_OF(kci_list_first(&cs->asked), coordinated, link);

    if (version >= VERSION_BATCHED)
        return KC_OK;
    if (version == 0 && first->kind != KCI_COORDINATED_GROUP)
        return KC_E_UNSUPPORTED_VERSION;
    cs->body.key = key_of(first);
    for (kci_link *l; (l = kci_list_last(&cs->asked)) != &first->link;)
        put(cs, KCI_CONTAINER_OF(l, coordinated, link), UNASKED);
    return KC_OK;
}

/* Moves keys of one kind to `asked` and into the request. */
static kc_err fill(kci_coordinators *cs)
{
    const coordinated *first = KCI_CONTAINER_OF(kci_list_first(&cs->unasked), coordinated, link);
    int32_t count = 0;

    for (kci_link *l = kci_list_first(&cs->unasked), *next; l && count < BATCH_MAX; l = next) {
        next = kci_list_next(&cs->unasked, l);
        if (KCI_CONTAINER_OF(l, coordinated, link)->kind != first->kind)
            continue;
        put(cs, KCI_CONTAINER_OF(l, coordinated, link), ASKED);
        count++;
    }
    kci_msg_init(&kci_find_coordinator_request_msg, &cs->body);
    cs->body.key_type = (int8_t)first->kind;
    kci_arena_reset(&cs->arena);
    kc_bytes *keys = kci_arena_array(&cs->arena, (size_t)count, sizeof *keys);
    if (!keys)
        return KC_E_NO_MEMORY;
    cs->body.coordinator_keys.data = keys;
    cs->body.coordinator_keys.count = count;
    for (kci_link *l = kci_list_first(&cs->asked); l; l = kci_list_next(&cs->asked, l))
        *keys++ = key_of(KCI_CONTAINER_OF(l, coordinated, link));
    return KC_OK;
}

static void on_send(kci_task *task)
{
    kci_coordinators *cs = KCI_CONTAINER_OF(task, kci_coordinators, send);

    if (cs->busy || kci_list_is_empty(&cs->unasked))
        return;
    kc_err err = fill(cs);
    if (err != KC_OK) {
        finish_list(cs, &cs->asked, err, kc_error_text(err));
        kci_loop_defer(cs->client->loop, &cs->send); /* for those of the other kind */
        return;
    }
    cs->busy = true;
    cs->call = (kci_call){ .api = KCI_API_FIND_COORDINATOR,
                           .cls = KCI_CLASS_CONTROL,
                           .node = KCI_NODE_ANY,
                           .max_version = KCI_ANY_VERSION,
                           .body = &cs->body,
                           .prepare = on_version,
                           .done = on_answer };
    kci_call_start(cs->client, &cs->call);
}

kc_err kci_coordinator_want(kc_client *client, kci_coordinated kind, kc_bytes key,
                            kci_coordinator_waiter *waiter)
{
    kci_coordinators *cs = &client->coordinators;

    if (!key.data || key.size == 0 || key.size > KEY_MAX)
        return KC_E_INVALID_ARGUMENT;
    coordinated *one = kci_map_get(&cs->known[kind], key);
    if (!one)
        one = add(cs, kind, key);
    if (!one)
        return KC_E_NO_MEMORY;
    if (one->place == NOWHERE || one->place == IDLE)
        put(cs, one, UNASKED);
    waiter->link = (kci_link){ 0 };
    kci_list_push_back(&one->waiters, &waiter->link);
    kci_loop_defer(client->loop, &cs->send);
    return KC_OK;
}

void kci_coordinator_drop(kci_coordinator_waiter *waiter)
{
    kci_link_remove(&waiter->link);
}

/* -- life ---------------------------------------------------------------------------------------
 */

void kci_coordinators_init(kci_coordinators *cs, kc_client *client)
{
    kci_random random = client->random; /* a copy: what the client draws stays the same */

    cs->client = client;
    for (int i = 0; i < KCI_COORDINATED_KINDS; i++)
        kci_map_init(&cs->known[i], kci_random_next(&random));
    kci_list_init(&cs->unasked);
    kci_list_init(&cs->asked);
    kci_list_init(&cs->idle);
    cs->send.fn = on_send;
}

void kci_coordinators_stop(kci_coordinators *cs)
{
    finish_list(cs, &cs->unasked, KC_E_CLOSED, kc_error_text(KC_E_CLOSED));
}

void kci_coordinators_free(kci_coordinators *cs)
{
    void *value;

    for (int i = 0; i < KCI_COORDINATED_KINDS; i++) {
        for (uint32_t at = 0; kci_map_next(&cs->known[i], &at, NULL, &value);)
            kci_free(value);
        kci_map_free(&cs->known[i]);
    }
    kci_arena_free(&cs->arena);
}
