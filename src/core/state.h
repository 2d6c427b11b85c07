/* SPDX-License-Identifier: Apache-2.0 */
/* The client's insides, for the files of the core only. Fields belong to the loop's thread unless
 * marked otherwise. */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include <pthread.h>

#include "core/broker.h"
#include "core/client.h"
#include "core/cluster.h"
#include "core/coordinator.h"
#include "core/route.h"
#include "core/settings.h"

/* Where a close stands. */
typedef enum kci_close_stage {
    KCI_OPEN,
    KCI_USERS_END,       /* producers, consumers and admins finish */
    KCI_CONNECTIONS_END, /* no call is taken any more */
    KCI_CLOSED           /* nothing is left on the loop */
} kci_close_stage;

typedef struct kci_closing {
    kci_close_stage stage;
    kci_task begin;      /* posted by kc_client_close */
    kci_task look;       /* deferred: looks whether the next stage is reached */
    kci_timer timer;     /* at the deadline */
    int64_t deadline_us; /* set before `begin` is posted */
    int32_t users_left;  /* users that have not finished */
    char left[160];      /* who had not at the deadline: "1 producer, 2 consumers" */
    kci_event *event;    /* set when closed, and the thread has done its last turn */
} kci_closing;

/* A walk over the users during which some may come and go. */
typedef struct kci_user_walk {
    kci_link *next;
    struct kci_user_walk *outer;
} kci_user_walk;

/* Who lives on the client. */
typedef struct kci_users {
    kci_list list;
    int32_t count;
    kci_user_walk *walk;
} kci_users;

struct kc_client {
    atomic_int refs;     /* any thread */
    atomic_bool closing; /* any thread: kc_client_close was called */
    atomic_uint lanes;   /* any thread: given out so far */
    uint32_t forks;      /* constant, as are those up to the empty line */
    kci_sys *sys;
    kci_loop *loop;
    kc_config *config;
    kci_settings settings;
    kci_frame_pool *frames;
    kci_tls *tls;
    bool driven;
    kci_stats stats;
    kci_gauges gauges;
    kci_log log;

    pthread_t thread;
    bool has_thread;
    atomic_bool stop;     /* the thread is to end */
    pthread_mutex_t gate; /* over stopped, and whoever steps a stopped loop */
    bool stopped;
    kci_closing close;

    kci_users users;
    kci_random random;
    kci_network network;            /* what its connections see of it */
    const kci_connection_ops *news; /* what their news do to it */
    kci_brokers brokers;
    kci_task prune; /* deferred */
    kci_route routes[KCI_CLASS_COUNT];
    kci_cluster cluster;
    kci_coordinators coordinators;
};

static inline int64_t kci_client_now(const kc_client *client)
{
    return kci_loop_now(client->loop);
}

/* No call is taken any more. */
static inline bool kci_client_is_ending(const kc_client *client)
{
    return client->network.ending;
}

/* Something ended: maybe the next stage of the close is reached. */
static inline void kci_closing_look(kc_client *client)
{
    if (client->close.stage != KCI_OPEN)
        kci_loop_defer(client->loop, &client->close.look);
}

/* -- client.c -- */

/* client->prune */
void kci_client_prune(kci_task *task);

/* -- client_users.c -- */
void kci_client_tell_node(kc_client *client, int32_t node, kci_class cls, int32_t lane,
                          kci_node_state state, kc_err err);
void kci_client_tell_metadata(kc_client *client, const kci_metadata *now);
void kci_client_tell_close(kc_client *client, int64_t deadline_us);

/* -- client_close.c -- */
kc_err kci_closing_init(kc_client *client);
/* From here on nobody runs the loop but whoever holds the gate. What was posted meanwhile is run.
 */
void kci_closing_stop(kc_client *client);

/* Runs what is queued, on the calling thread. Under the gate, when the client has stopped. */
void kci_closing_drain(kc_client *client);
void kci_closing_free(kc_client *client);

/* -- security.c: client->tls from the configuration, when it asks for TLS -- */
kc_err kci_client_make_tls(kc_client *client, kc_error *detail);

/* -- log_default.c -- */
void kci_log_to_stderr(void *user, int level, const char *area, const char *text);

#endif
