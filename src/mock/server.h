/* SPDX-License-Identifier: Apache-2.0 */
/* The cluster on the network: its loop and thread, a listener for each broker, connections of
 * clients, and the way in for calls from other threads. */
#ifndef MOCK_SERVER_H
#define MOCK_SERVER_H

#include <pthread.h>

#include "io/conn.h"
#include "mock/fault.h"
#include "mock/mock.h"

/* A broker's door. */
typedef struct kci_mock_door {
    kc_mock *mock;
    kci_mock_broker *broker;
    kci_listener *listener; /* NULL: down */
    kci_addr addr;          /* with the port that was bound first */
    int held;               /* keeps the port while the broker is down; -1: no socket */
    kci_list clients;
} kci_mock_door;

/* What a connection is at. */
typedef enum kci_mock_client_state {
    KCI_MOCK_IDLE,
    KCI_MOCK_SERVING,
    KCI_MOCK_WAITING, /* the request waits for a partition or group, or its deadline */
    KCI_MOCK_DELAYED, /* the answer is ready and held back */
    KCI_MOCK_MUTED,   /* throttled: the next request waits */
    KCI_MOCK_HUNG,    /* never goes on */
    KCI_MOCK_ENDING   /* being closed */
} kci_mock_client_state;

/* A client's connection: its requests are served one after the other, as a broker does. */
typedef struct kci_mock_client {
    kci_link link; /* of the door */
    kci_mock_door *door;
    kci_conn *conn;
    int64_t number;
    kci_mock_client_state state;
    kci_mock_auth auth;
    kci_mock_request request;
    kci_timer timer; /* of WAITING, DELAYED, MUTED */
    struct kci_mock_answer *held;
    kci_frame **queue; /* requests behind the one that is served: [first .. first + count) */
    size_t queue_first, queue_count, queue_cap;
} kci_mock_client;

struct kc_mock {
    kci_mock_cluster cluster;
    kci_mock_faults faults;
    kci_loop *loop;
    kci_mock_door *doors;
    int32_t door_count;
    kci_frame_pool *pool;
    kci_tls *tls;
    char *bootstrap;
    int64_t client_count, last_number;
    kci_task ready_task;
    kci_timer replicate_timer;
    kci_timer groups_timer;
    bool timer_reserved;
    bool closed;
    kc_mock_request_fn request_log;
    void *request_user;
    kci_mock_answer_fn hook;
    void *hook_arg;

    bool threaded; /* the loop is ours and has a thread */
    pthread_t thread;
    kci_task control_task;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t answered;
    kci_list calls;
    bool running, stop;
};

/* Sets the cluster's clocks; before anything is asked of it. */
void kci_mock_tick(kc_mock *mock);

/* Opens the broker's listener, on its former port if it had one, which nobody else could take.
 * KC_E_CONNECT, KC_E_NO_MEMORY. */
kc_err kci_mock_door_open(kci_mock_door *door, kc_error *detail);

/* Closes the listener and resets the connections. */
void kci_mock_door_close(kci_mock_door *door);

void kci_mock_door_disconnect(kci_mock_door *door);

/* "host:port,..." of all brokers as advertised. */
kc_err kci_mock_write_bootstrap(kc_mock *mock);

/* Serves an accepted socket. */
void kci_mock_client_accept(void *door, int sock);

/* A waiting request can go on. */
void kci_mock_client_resume(kci_mock_client *client);

/* An answer has left: there may be room for the next. */
void kci_mock_client_sent(kci_mock_client *client);

/* Ends the connection; its memory goes when it is closed. */
void kci_mock_client_end(kci_mock_client *client);

/* An answer on its way out. */
typedef struct kci_mock_answer kci_mock_answer;

/* Encodes the request's answer with its slices (which move), and mangles it as the plan says. NULL
 * when out of memory or when it cannot be encoded. version: of the answer; -1: the request's. */
kci_mock_answer *kci_mock_answer_new(kci_mock_client *client, const void *body, int16_t version);
void kci_mock_answer_send(kci_mock_client *client, kci_mock_answer *answer);

/* The connection ends after it: nothing may follow. */
bool kci_mock_answer_is_last(const kci_mock_answer *answer);
void kci_mock_answer_free(kci_mock_answer *answer);

/* Runs fn(arg) on the cluster's thread and waits for it. Any thread. */
void kci_mock_run(kc_mock *mock, void (*fn)(void *arg), void *arg);

#endif
