/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a run, shared by run.c (phases, checks), setup.c (cluster and client), app.c (an
 * application that produces and consumes) and admin.c (one that administers). */
#ifndef HOSTILE_APP_H
#define HOSTILE_APP_H

#include <kclient/admin.h>
#include <kclient/producer.h>

#include "hostile/book.h"
#include "hostile/run.h"

enum {
    BROKERS = 2,
    MAX_BLOCK_MS = 1000,
    DELIVERY_MS = 8000,
    LIE_US = 10000000,      /* for so long it is told again and again */
    LIE_ONCE_US = 4000000,  /* or once within so long */
    RECOVERY_US = 60000000, /* then the client has so long to work again */
    CLOSE_MS = 500,
    SLACK_US = 20000,    /* how much longer than its deadline a call may take */
    REQUESTS_PER_S = 20, /* to one broker, while it lies */
    FETCH_BUFFER = 128 << 10,
    BUFFER_MEMORY = 256 << 10,
    FRAME_MAX = 1 << 20,
    MEMORY_MAX = 8 << 20,  /* all of client, cluster and lies */
    SEEK_PAUSE_US = 300000 /* after an error, before the application reads on */
};

/* A seek that the application does after an error. */
typedef struct app_seek {
    bool due;
    bool skipped; /* it has been beyond what could not be read: a lie may have meant offsets to come
                   */
    int64_t at_us;
    kc_position to;
} app_seek;

typedef struct run {
    const host_setting *setting;
    const host_case *c; /* NULL: the honest run */
    sim_world *world;
    kci_loop *mock_loop;
    kc_mock *mock;
    kc_client *client;
    host_liar liar;
    book book;
    book_rules rules;
    bool honest_again;
    kc_error refusal; /* why the last send or change was refused or failed */
    int64_t begun, lie_ended, recovered;

    /* app.c */
    kc_producer *producer;
    kc_consumer *consumer;
    int sent;     /* records of the work so far */
    int fresh[2]; /* numbers of the records that show recovery, per partition of "t" */
    bool moved, sought, asked;
    app_seek seeks[BOOK_TOPICS][BOOK_PARTITIONS];
    kc_error poll_error; /* the last one */

    /* admin.c */
    kc_admin *admin;
    int operations;
} run;

static inline int64_t now_of(const run *r)
{
    return sim_now(r->world);
}

/* A call that began then and may take so long has returned. */
void run_check_call(run *r, const char *what, int64_t begun_us, int64_t timeout_ms);

/* setup.c */
void setup_cluster(run *r);
void setup_client(run *r);

/* What an application does. */
typedef struct app {
    void (*open)(run *r);
    void (*work)(run *r, int64_t length_us); /* while it is lied to */
    bool (*recover)(run *r);                 /* afterwards: whether everything works again */
    void (*close)(run *r);                   /* all but the client */
} app;

extern const app app_records, app_admin;

#endif
